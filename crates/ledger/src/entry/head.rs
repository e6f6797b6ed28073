//! What checking and packing must know of an entry, without parsing the rest.
//!
//! It reads the form our own writer gives an entry, and nothing else: whoever gets
//! `None` reads the entry with [`super::Entry::parse`].

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::VERSION;
use crate::disclosure::DIGEST_BYTES;
use crate::{Kind, Sequence, time};

/// Place, time, kind and digests of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// Its place.
    pub sequence: Sequence,
    /// When, RFC 3339 UTC with nanoseconds.
    pub at: &'a str,
    /// What kind of thing happened.
    pub kind: Kind,
    /// The fields of the kind, from the comma on.
    fields: &'a [u8],
    /// `"digest","digest"`, without the brackets.
    digests: &'a [u8],
}

const SEQUENCE: &[u8] = b",\"seq\":";
const AT: &[u8] = b",\"at\":\"";
const KIND: &[u8] = b"\",\"kind\":\"";
const DIGESTS: &[u8] = b",\"_sd\":[";
/// The name of the digests, wherever it stands.
static ANY_DIGESTS: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b"\"_sd\""));
static DECISION: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b",\"decision\":\""));
static INTENT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new(b",\"intent\":"));

/// A digest in quotes.
const QUOTED: usize = DIGEST_BYTES + 2;

impl<'a> Head<'a> {
    /// Reads an entry in the form we write; `None` if it has another one.
    #[must_use]
    pub fn read(leaf: &'a [u8]) -> Option<Head<'a>> {
        let rest = leaf.strip_prefix(b"{\"v\":")?;
        let (version, rest) = number(rest)?;
        let (sequence, rest) = number(rest.strip_prefix(SEQUENCE)?)?;
        let (at, rest) = rest.strip_prefix(AT)?.split_at_checked(time::BYTES)?;
        let rest = rest.strip_prefix(KIND)?;
        let (kind, rest) = rest.split_at_checked(memchr::memchr(b'"', rest)?)?;
        let fields = rest.strip_prefix(b"\"")?.strip_suffix(b"}")?;
        let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
        if version != VERSION || !at.iter().all(plain) {
            return None;
        }
        let (fields, digests) = split_digests(fields)?;
        if !fields.is_empty() && fields.first() != Some(&b',') {
            return None;
        }
        Some(Head {
            sequence: Sequence(sequence),
            at: std::str::from_utf8(at).ok()?,
            kind: Kind::from_name(std::str::from_utf8(kind).ok()?)?,
            fields,
            digests,
        })
    }

    /// The digests of what is disclosed elsewhere, as they stand there.
    pub fn digests(&self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        self.digests
            .chunks(QUOTED + 1)
            .map(|quoted| quoted.get(1..=DIGEST_BYTES).unwrap_or_default())
    }

    /// Whether it is an intent that was allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.kind == Kind::Intent
            && self
                .value(&DECISION)
                .is_some_and(|rest| rest.starts_with(b"allow\""))
    }

    /// The intent that an outcome is of.
    #[must_use]
    pub fn outcome_of(&self) -> Option<Sequence> {
        if self.kind != Kind::Outcome {
            return None;
        }
        number(self.value(&INTENT)?).map(|(number, _)| Sequence(number))
    }

    /// What follows the name and its colon. A quote inside of a text is escaped, so
    /// `,"name":` stands in no text; the first one is the entry's own field unless an
    /// object before it has one of that name.
    fn value(&self, name: &Finder<'_>) -> Option<&'a [u8]> {
        let at = name.find(self.fields)?;
        self.fields.get(at.saturating_add(name.needle().len())..)
    }
}

/// Takes the digests off the end. `None` if there are some in another form.
fn split_digests(fields: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(mut rest) = fields.strip_suffix(b"]") else {
        let none = ANY_DIGESTS.find(fields).is_none();
        return none.then_some((fields, &[]));
    };
    let end = rest.len();
    while let Some((before, quoted)) = rest.split_at_checked(rest.len().wrapping_sub(QUOTED)) {
        let text = quoted
            .strip_prefix(b"\"")
            .and_then(|q| q.strip_suffix(b"\""));
        if text.is_none_or(|text| memchr::memchr2(b'"', b'\\', text).is_some()) {
            break;
        }
        if let Some(fields_before) = before.strip_suffix(DIGESTS) {
            let once = ANY_DIGESTS.find(fields_before).is_none();
            return once.then_some((fields_before, fields.get(before.len()..end)?));
        }
        let Some(before) = before.strip_suffix(b",") else {
            break;
        };
        rest = before;
    }
    // Another list ends the entry.
    let none = ANY_DIGESTS.find(fields).is_none();
    none.then_some((fields, &[]))
}

/// A decimal number without leading zeroes, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    let mut digits = 0_usize;
    for byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        number = number.checked_mul(10)?.checked_add(u64::from(digit))?;
        digits = digits.saturating_add(1);
    }
    let (text, rest) = bytes.split_at_checked(digits)?;
    let leading = text.len() > 1 && text.first() == Some(&b'0');
    (!text.is_empty() && !leading).then_some((number, rest))
}

#[cfg(test)]
mod tests;
