//! The ledger on a simulated disk: what holds after any crash at any point.
//!
//! `cargo xtask crash --points N` runs this by hand; `cargo test` runs a part of it.
//! Everything follows from a seed. [`image`] says what a crash leaves, [`history`] what
//! happens before, [`witness`] which promises count and [`check`] compares.

use std::cell::Cell;

mod check;
mod disk;
mod history;
mod image;
mod random;
mod tests;
mod witness;

/// Ways in which the product is broken on purpose, to see that the checks notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Entries count as durable before they are synced.
    AcknowledgesBeforeSync,
    /// The checkpoint is published before what it covers is synced.
    SignsBeforeSync,
    /// A failed sync is tried again on the same file.
    SyncsAgain,
    /// After a failed sync the same segment is written on.
    ReusesSegment,
    /// What was taken and not yet durable is forgotten after a fault.
    ForgetsBatch,
    /// The name of a segment is not made durable after its rename.
    SkipsDirectorySync,
    /// Subject keys are not made durable before the entries that need them.
    SkipsKeySync,
    /// Subject keys of the last run are synced on opening, not written again.
    TrustsKeys,
    /// Torn slots of the key table are left as they are.
    LeavesTornKeys,
    /// The tail is not written again on opening.
    TrustsTail,
    /// The tail is dropped on opening.
    DropsTail,
    /// Intents without outcome are left alone.
    ForgetsIntents,
    /// Only what came after the last opening is looked at for them.
    LooksAtLastRun,
    /// A crash is not told.
    ForgetsCrash,
    /// A log that failed goes on taking entries.
    StaysOpen,
    /// A log that failed never tries to go on.
    NeverHeals,
    /// Intents wait for the next write, as outcomes do.
    DefersIntents,
    /// `id.json` is written before the rest of a fresh log.
    NamesItselfFirst,
}

thread_local! {
    static BROKEN: Cell<Option<Broken>> = const { Cell::new(None) };
}

/// Whether this thread runs a product that is broken in this way.
pub(crate) fn is_broken(how: Broken) -> bool {
    BROKEN.get() == Some(how)
}
