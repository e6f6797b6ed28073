//! What checking and packing must know of an entry, without parsing the rest.
//!
//! It reads the form our own writer gives an entry, and nothing else: whoever gets
//! `None` reads the entry with [`super::Entry::parse`].

use memchr::memmem;

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
/// A digest in quotes, and the comma before the next one.
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

    /// Whether the field `name` is the text `value`, which needs no escapes.
    #[must_use]
    pub fn says(&self, name: &str, value: &str) -> bool {
        self.value(name).is_some_and(|rest| {
            rest.strip_prefix(b"\"")
                .and_then(|rest| rest.strip_prefix(value.as_bytes()))
                .is_some_and(|rest| rest.first() == Some(&b'"'))
        })
    }

    /// The number in field `name`.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        number(self.value(name)?).map(|(number, _)| number)
    }

    /// What follows the name and its colon. A quote inside of a text is escaped, so
    /// `,"name":` stands in no text; the first one is the entry's own field unless an
    /// object before it has one of that name.
    fn value(&self, name: &str) -> Option<&'a [u8]> {
        let mut pattern = Vec::with_capacity(name.len().saturating_add(4));
        pattern.extend_from_slice(b",\"");
        pattern.extend_from_slice(name.as_bytes());
        pattern.extend_from_slice(b"\":");
        let at = memmem::find(self.fields, &pattern)?;
        self.fields.get(at.saturating_add(pattern.len())..)
    }
}

/// Takes the digests off the end. `None` if there are some in another form.
fn split_digests(fields: &[u8]) -> Option<(&[u8], &[u8])> {
    let Some(mut rest) = fields.strip_suffix(b"]") else {
        return memmem::find(fields, b"\"_sd\"")
            .is_none()
            .then_some((fields, &[]));
    };
    let end = rest.len();
    while let Some((before, quoted)) = rest.split_at_checked(rest.len().wrapping_sub(QUOTED)) {
        let text = quoted
            .strip_prefix(b"\"")
            .and_then(|q| q.strip_suffix(b"\""));
        let base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !text.is_some_and(|text| text.iter().all(base64url)) {
            break;
        }
        if let Some(fields_before) = before.strip_suffix(DIGESTS) {
            let once = memmem::find(fields_before, b"\"_sd\"").is_none();
            return once.then_some((fields_before, fields.get(before.len()..end)?));
        }
        let Some(before) = before.strip_suffix(b",") else {
            break;
        };
        rest = before;
    }
    // Another list ends the entry.
    memmem::find(fields, b"\"_sd\"")
        .is_none()
        .then_some((fields, &[]))
}

/// A decimal number without leading zeroes, and what follows it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = bytes.split_at_checked(digits)?;
    if digits.len() > 1 && digits.first() == Some(&b'0') {
        return None;
    }
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((number, rest))
}

#[cfg(test)]
mod tests;
