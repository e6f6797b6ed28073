//! How the gate hands events to a ledger, whoever keeps it.
//!
//! The contract of an implementor: [`Ledger::append`] returns a [`Receipt`] only
//! once the entry has its place in the log and has left this process (it survives
//! `kill -9`). One of a kind that [goes with the next](crate::Kind::goes_with_the_next)
//! has its place, and leaves with the next entry or within the pace of the profile.
//! [`Ledger::durable`] counts an entry only once it survives power loss.

use crate::{Event, Sequence};

/// A place that takes events in order, for ever.
pub trait Ledger: Send + Sync {
    /// Records `event` on the caller's thread and gives it its place.
    ///
    /// # Errors
    /// [`Unavailable`] when the entry was *not* taken; the caller must fail closed.
    fn append(&self, event: Event) -> Result<Receipt, Unavailable>;

    /// Exclusive bound: every entry below it survives power loss. Never falls.
    fn durable(&self) -> Sequence;

    /// Asks that everything appended so far be made durable without waiting for
    /// the usual pace. Returns at once.
    fn request_sync(&self);
}

/// Proof that an event was taken: the gate wants one before it clears a statement.
///
/// Only implementors of [`Ledger`] make receipts, by [`Receipt::issue`], after the
/// entry was taken as the contract above says: an intent was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// Place of the entry.
    pub sequence: Sequence,
}

impl Receipt {
    /// Makes the receipt of an entry that `_issuer` wrote. For implementors of
    /// [`Ledger`] only: anything else that calls this forges evidence.
    pub fn issue<L: Ledger + ?Sized>(_issuer: &L, sequence: Sequence) -> Receipt {
        Receipt { sequence }
    }
}

/// Why the ledger does not take entries. The texts are for operators; they hold
/// no values and no statement text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Operator: the disk is full and the reserve is kept for outcomes of what
    /// already runs.
    #[error(
        "the ledger's disk is full ({available_bytes} bytes left, {needed_bytes} needed); \
         free space and the ledger resumes by itself"
    )]
    DiskFull {
        /// Bytes the file system still offers.
        available_bytes: u64,
        /// Bytes needed to resume.
        needed_bytes: u64,
    },
    /// Operator: the disk failed. Nothing is taken until everything written since
    /// the last successful sync is safe in a new segment.
    #[error("the ledger's disk failed at {operation}: {message}; it is retried in a new segment")]
    Io {
        /// What was attempted: `write`, `sync`, …
        operation: &'static str,
        /// The operating system's message.
        message: String,
    },
    /// The disk is slower than the entries come and the bounded backlog is full.
    #[error("the ledger's backlog of {backlog_bytes} bytes is full; the disk is too slow")]
    Overloaded {
        /// Bytes written and not yet durable.
        backlog_bytes: u64,
    },
    /// The ledger was closed.
    #[error("the ledger is closed")]
    Closed,
    /// Bug: the event cannot be an entry.
    #[error("the event cannot be recorded: {0}")]
    Unrecordable(#[from] crate::Error),
    /// The source of random bytes failed, so nothing can be salted or sealed.
    #[error("no random bytes for salts and nonces")]
    NoRandomness,
}
