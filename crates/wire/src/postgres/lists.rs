//! Counted lists of fixed-size items: type oids and format codes.

use super::Error;
use super::reader::Reader;

/// How a value is written (PostgreSQL docs, 55.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Format code 0.
    Text,
    /// Format code 1.
    Binary,
}

impl Format {
    /// From a format code; codes other than 0 and 1 are refused.
    pub fn from_code(code: i16) -> Result<Self, Error> {
        match code {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            _ => Err(Error::Malformed("format code")),
        }
    }

    /// The format code on the wire.
    pub fn code(self) -> i16 {
        match self {
            Format::Text => 0,
            Format::Binary => 1,
        }
    }
}

/// Format codes as sent in Bind: none (all text), one (for all), or one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Formats<'a> {
    codes: &'a [u8],
}

impl<'a> Formats<'a> {
    /// Reads a 16-bit count and that many codes, each of them 0 or 1.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let count = usize::from(reader.u16()?);
        let codes = reader.take(count.saturating_mul(2))?;
        let formats = Formats { codes };
        for code in items(codes) {
            Format::from_code(i16::from_be_bytes(code))?;
        }
        Ok(formats)
    }

    /// Number of codes sent.
    pub fn len(&self) -> usize {
        self.codes.len() / 2
    }

    /// No codes sent: everything is text.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The codes as sent.
    pub fn iter(&self) -> impl Iterator<Item = Format> + use<'a> {
        items(self.codes).map(|code| match i16::from_be_bytes(code) {
            1 => Format::Binary,
            _ => Format::Text,
        })
    }

    /// The format that applies to value `index` by the rule of the protocol:
    /// no codes mean text, one code means that one for all, otherwise the
    /// code at `index`. `None` when several codes were sent and none is for
    /// `index`; the server refuses such a message, and so should the caller.
    pub fn format(&self, index: usize) -> Option<Format> {
        match self.len() {
            0 => Some(Format::Text),
            1 => self.iter().next(),
            _ => self.iter().nth(index),
        }
    }
}

/// Type oids of parameters, in order; 0 leaves the type to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oids<'a> {
    oids: &'a [u8],
}

impl<'a> Oids<'a> {
    /// Reads a 16-bit count and that many oids.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let count = usize::from(reader.u16()?);
        let oids = reader.take(count.saturating_mul(4))?;
        Ok(Oids { oids })
    }

    /// Number of oids.
    pub fn len(&self) -> usize {
        self.oids.len() / 4
    }

    /// No oids at all.
    pub fn is_empty(&self) -> bool {
        self.oids.is_empty()
    }

    /// The oids in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        items(self.oids).map(u32::from_be_bytes)
    }

    /// The oid of parameter `index`, counted from zero.
    pub fn get(&self, index: usize) -> Option<u32> {
        self.iter().nth(index)
    }
}

fn items<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + use<'_, N> {
    bytes.as_chunks::<N>().0.iter().copied()
}
