//! What the ledger says about itself to operators (`/readyz`, metrics, alarm).

use ledger::{Sequence, Unavailable};

/// How the ledger is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether entries are taken.
    pub state: State,
    /// What needs attention although entries are taken, or why they are not.
    pub alarm: Option<Alarm>,
    /// Exclusive bound of what was appended.
    pub appended: Sequence,
    /// Exclusive bound of what is durable.
    pub durable: Sequence,
    /// Exclusive bound of what is under a signed checkpoint.
    pub signed: Sequence,
    /// Exclusive bound of what is sealed in packs.
    pub sealed: Sequence,
    /// Why full segments are not sealed, if they are not; nothing is lost by it but
    /// space.
    pub packing_fault: Option<String>,
    /// Milliseconds since the oldest entry was made that is not durable.
    pub unsynced_ms: u64,
    /// Milliseconds since the oldest durable entry was made that is under no checkpoint.
    pub unsigned_ms: u64,
    /// Events refused since the ledger was opened.
    pub refused: u64,
    /// Used part of the file system, percent.
    pub used_percent: u8,
    /// Bytes the file system still offers.
    pub available_bytes: u64,
    /// Whether the disk reserve is there.
    pub reserve: bool,
    /// How often the log was opened or began a new segment after a fault.
    pub epoch: u64,
}

impl Health {
    /// Whether the gateway may take statements.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }
}

/// Whether entries are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All are.
    Ready,
    /// Only those that complete what already runs.
    Restricted(Unavailable),
    /// None is.
    Failed(Unavailable),
}

/// What an operator should look at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Alarm {
    /// The file system fills up.
    #[error("the ledger's file system is {used_percent} % full")]
    Filling {
        /// Used part, percent.
        used_percent: u8,
    },
    /// The disk is full; the ledger lives on what it had preallocated.
    #[error("the ledger's disk is full; {0}")]
    Full(Unavailable),
    /// The disk failed.
    #[error("{0}")]
    Fault(Unavailable),
}
