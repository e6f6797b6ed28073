//! A cursor over one message body. Every step is checked; none allocates.

use std::ffi::CStr;

use super::Error;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Reader { rest: body }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, tail) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        self.array().map(u8::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Error> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Error> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn take(&mut self, bytes: usize) -> Result<&'a [u8], Error> {
        let (head, tail) = self.rest.split_at_checked(bytes).ok_or(Error::Truncated)?;
        self.rest = tail;
        Ok(head)
    }

    /// A value with a signed length word in front: -1 is NULL, any other
    /// negative length is a lie.
    pub(crate) fn value(&mut self) -> Result<Option<&'a [u8]>, Error> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let bytes = usize::try_from(length)
                    .map_err(|_| Error::Malformed("negative value length"))?;
                self.take(bytes).map(Some)
            }
        }
    }

    /// Bytes up to a NUL, without it.
    pub(crate) fn string(&mut self) -> Result<&'a [u8], Error> {
        let string = CStr::from_bytes_until_nul(self.rest)
            .map_err(|_| Error::Malformed("string without terminator"))?;
        self.take(string.count_bytes().saturating_add(1))?;
        Ok(string.to_bytes())
    }

    /// A NUL-terminated string that has to be UTF-8; `what` names it in errors.
    pub(crate) fn text(&mut self, what: &'static str) -> Result<&'a str, Error> {
        std::str::from_utf8(self.string()?).map_err(|_| Error::NotUtf8(what))
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn end(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Error::TrailingBytes)
        }
    }
}
