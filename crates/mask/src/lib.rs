//! Maskers over values: what a labelled value becomes for a principal who may not see it raw.
//!
//! A [`Masker`] takes one value as PostgreSQL sends it and appends what is sent instead: a stand-in
//! of the same type and format, or nothing at all ([`Masked::Null`]). What must never happen here:
//! a raw value comes out, a value that is not understood comes out in any form, input of any bytes
//! brings the process down, or a stand-in does not fit the column's type.
//!
//! Stand-ins are keyed (HMAC-SHA-256 under a key per scope, label and epoch, RFC 5869), so equal
//! values give equal stand-ins within one scope and label, whatever column, type or format they
//! come in, and nothing can be computed without the key. All of them are ASCII and one-way.
//! What a label releases is told by [`releases`], what it makes of a value by [`describe`].

mod array;
mod cell;
mod json;
mod key;
mod label;
mod network;
mod stand_in;
mod types;

pub use label::{Error, Label, Releases, describe, labels, releases, reversible};
pub use types::{Category, ColumnType, Format};

use key::Keys;

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Masked {
    /// A stand-in was appended.
    Value,
    /// Nothing was appended: send NULL.
    Null,
}

/// Masks the values of one scope in one epoch. Cheap to share, dear to make (about fifty key
/// derivations): make it once per scope and epoch. Shows nothing of itself, wipes its keys.
pub struct Masker {
    keys: Keys,
}

impl Masker {
    /// Derives the scope's keys. Stand-ins of different scopes, labels or epochs cannot be linked.
    pub fn new(root_key: &[u8; 32], scope: &str, epoch: u32) -> Self {
        Self {
            keys: Keys::derive(root_key, scope, epoch),
        }
    }

    /// Masks one value that is not NULL: `raw` is in PostgreSQL's wire format for the type `ty` and
    /// `format`; what is appended to `out` is so too, fits the type modifier, and is never `raw`.
    /// Malformed values, and types that have no stand-in for this label, become NULL.
    pub fn mask(
        &self,
        label: &Label,
        ty: &ColumnType,
        format: Format,
        raw: &[u8],
        out: &mut Vec<u8>,
    ) -> Masked {
        let start = out.len();
        match cell::mask(
            label.rule(),
            self.keys.of(label),
            ty.shape(),
            format,
            raw,
            out,
        ) {
            Some(()) if out.get(start..) != Some(raw) => Masked::Value,
            Some(()) | None => {
                out.truncate(start);
                Masked::Null
            }
        }
    }
}

#[cfg(test)]
mod tests;
