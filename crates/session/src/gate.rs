//! The gate: the one place where a statement becomes [`Cleared`].
//!
//! Nothing reaches a database without a `Cleared`, and a `Cleared` exists only
//! for a statement that policy allowed and whose intent the ledger took
//! (promises 2 and 5). It must never gain a second constructor.

use ledger::{Receipt, Sequence};

use crate::verdict::{Durability, Judged};

/// Permission to forward one statement, consumed by forwarding it.
#[derive(Debug)]
#[must_use = "a cleared statement that is not forwarded leaves an intent without an outcome"]
pub struct Cleared {
    intent: Sequence,
    wait: bool,
}

impl Cleared {
    /// The ledger entry that records the intent.
    #[must_use]
    pub fn intent(&self) -> Sequence {
        self.intent
    }

    /// The entry that must be durable before the statement's bytes may leave,
    /// if any (the effect gate, DESIGN §8).
    #[must_use]
    pub fn hold_until(&self) -> Option<Sequence> {
        self.wait.then_some(self.intent)
    }
}

/// Clears a judged statement for which `receipt` proves the intent was taken.
///
/// Under [`Durability::Strict`] every statement waits for the disk; otherwise
/// only those not proven read-only do.
pub fn clear(judged: &Judged, receipt: &Receipt, durability: Durability) -> Cleared {
    let wait = match durability {
        Durability::Strict => true,
        Durability::Balanced => !judged.reads_only,
        Durability::Fast => false,
    };
    Cleared {
        intent: receipt.sequence,
        wait,
    }
}
