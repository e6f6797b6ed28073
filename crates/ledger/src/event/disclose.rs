//! What is recorded outside the tree.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::Text;

/// Most bytes of one disclosed value; a longer one is cut, and the cut is said in
/// the value itself with the length and SHA-256 of the whole.
pub const MAX_VALUE_BYTES: usize = 1 << 20;

/// A value that may identify a person or come from a row: kept encrypted under the
/// key of `subject`, present in the entry only as a salted digest (RFC 9901).
#[derive(Clone)]
pub struct Disclosure {
    /// What it is: `text`, `parameters`, `address`, …
    pub name: &'static str,
    /// Whose key it is encrypted under: a principal's opaque id; `None` is nobody
    /// known (a failed authentication).
    pub subject: Option<Text>,
    /// The value.
    pub value: Text,
}

/// The value stays out of logs and panics.
impl std::fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disclosure")
            .field("name", &self.name)
            .field("subject", &self.subject)
            .field("value_bytes", &self.value.len())
            .finish()
    }
}

impl Disclosure {
    /// Takes `value` out of an event's struct into `into`, if it is there.
    pub(super) fn take(
        into: &mut Vec<Disclosure>,
        name: &'static str,
        subject: Option<&Text>,
        value: &mut Option<Text>,
    ) {
        if let Some(value) = value.take() {
            let value = match bounded(&value) {
                Cow::Borrowed(_) => value,
                Cow::Owned(cut) => cut.into(),
            };
            into.push(Disclosure {
                name,
                subject: subject.cloned(),
                value,
            });
        }
    }
}

fn bounded(value: &str) -> Cow<'_, str> {
    if value.len() <= MAX_VALUE_BYTES {
        return Cow::Borrowed(value);
    }
    let mut end = MAX_VALUE_BYTES;
    while !value.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let kept = value.get(..end).unwrap_or_default();
    let digest = super::shape::hex(&Sha256::digest(value.as_bytes()));
    Cow::Owned(format!(
        "{kept} [cut: {} bytes in all, sha256 {digest}]",
        value.len()
    ))
}
