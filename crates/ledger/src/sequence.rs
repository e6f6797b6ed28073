//! Position of an entry in the ledger.

use std::fmt;

use serde::Serialize;

/// Zero-based position of an entry in its log; equal to its leaf index in the
/// Merkle tree. As a bound ([`crate::Ledger::durable`]) it is exclusive: a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The position after this one.
    #[must_use]
    pub fn next(self) -> Sequence {
        Sequence(self.0.saturating_add(1))
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
