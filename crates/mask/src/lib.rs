//! Maskers over values: what a labelled value becomes for a principal who may not see it raw.
//!
//! A [`Masker`] takes one value as PostgreSQL sends it and appends what is sent instead: a stand-in
//! of the same type and format, or nothing at all ([`Masked::Null`]). What must never happen here:
//! a raw value comes out, a value that is not understood comes out in any form, input of any bytes
//! brings the process down, or a stand-in does not fit the column's type.
//!
//! Stand-ins are keyed (HMAC-SHA-256 under a key per scope, label and epoch, RFC 5869), so equal
//! values give equal stand-ins within one scope and label, whatever column, type or format they
//! come in, and nothing can be computed without the key. Some labels have *tokens*: stand-ins that
//! [`Masker::reveal`] turns back, and nobody without the key.
//! What a label releases is told by [`Label::releases`], what it makes of a value by [`describe`].

mod array;
mod calendar;
mod cell;
pub mod detect;
mod ff1;
mod geo;
mod json;
mod key;
mod label;
mod network;
mod prose;
mod quantity;
mod reveal;
mod stand_in;
mod token;
mod types;

pub use label::{Error, Label, Part, Releases, describe, labels};
pub use types::{Category, ColumnType, Format};

use std::ops::RangeInclusive;

use key::Keys;
use zeroize::Zeroizing;

/// Most epochs of which tokens are read: each costs a try for every text that may be a token.
pub const MAX_EPOCHS: u32 = 16;

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Masked {
    /// A stand-in was appended.
    Value,
    /// Nothing was appended: send NULL.
    Null,
}

/// What a value that a client sent turns out to be, in a place where tokens are turned back.
pub enum Reveal {
    /// A token of this label and scope, and what it stands for, in the format the token came in.
    Raw(Zeroizing<Vec<u8>>),
    /// Nothing that looks like a token.
    NotAToken,
    /// It bears the mark of tokens, but none of the keys made it: it was made up or altered, is of another scope
    /// or of an epoch that was retired, or is a stand-in that cannot be turned back. It must not reach the database
    /// as a value of the label.
    Foreign,
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
            keys: Keys::derive(root_key, scope, epoch..=epoch),
        }
    }

    /// Derives the keys of several epochs: the last one masks, tokens of all of them (but at most of the last
    /// [`MAX_EPOCHS`]) can be turned back.
    pub fn of_epochs(root_key: &[u8; 32], scope: &str, epochs: RangeInclusive<u32>) -> Self {
        Self {
            keys: Keys::derive(root_key, scope, epochs),
        }
    }

    /// Turns a token back. `value` is what a client sent for a column of that type under that label, in
    /// PostgreSQL's wire format. Of arrays, either all elements that are not NULL are tokens, or it is no token;
    /// an array of tokens and others is foreign, and so are arrays that are malformed and hold a token.
    ///
    /// What comes out may only go where the table of DESIGN section 5 says; never to a client.
    #[must_use]
    pub fn reveal(
        &self,
        label: &Label,
        column: &ColumnType,
        format: Format,
        value: &[u8],
    ) -> Reveal {
        reveal::value(&self.keys, label, column.shape(), format, value)
    }

    /// Masks one value that is not NULL: `raw` is in PostgreSQL's wire format for the type `ty` and
    /// `format`; what is appended to `out` is so too, fits the type modifier, and is not `raw`, except where the
    /// label tells a bucket and `raw` is the first of it.
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
        let means = cell::Means::new(&self.keys, label);
        match cell::mask(means, ty.shape(), format, raw, out) {
            Some(()) => Masked::Value,
            None => {
                out.truncate(start);
                Masked::Null
            }
        }
    }
}

#[cfg(test)]
mod tests;
