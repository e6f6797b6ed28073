//! The ledger as a session sees it, counting what it records.

use std::sync::Arc;

use ledger::event::Clear;
use ledger::{Event, Ledger, Receipt, Sequence, Unavailable};
use store::Store;

use super::Cells;

/// The store, and the cells of the session's worker and target. Used on that worker's
/// thread only, which makes the cells' counts right.
pub(crate) struct Metered {
    pub(crate) store: Arc<Store>,
    pub(crate) cells: Arc<Cells>,
}

impl Ledger for Metered {
    fn append(&self, event: Event) -> Result<Receipt, Unavailable> {
        let intent = match &event.clear {
            Clear::Intent(intent) => Some((
                intent.command.clone(),
                intent.decision,
                !intent.degraded.is_empty(),
            )),
            // What left, left, whether or not that can be recorded.
            Clear::Outcome(outcome) => {
                for one in &outcome.masked {
                    self.cells.masked(&one.label, one.cells);
                }
                None
            }
            _ => None,
        };
        let receipt = self.store.append(event)?;
        if let Some((command, decision, degraded)) = intent {
            self.cells.statement(&command, decision, degraded);
        }
        Ok(receipt)
    }

    fn durable(&self) -> Sequence {
        self.store.durable()
    }

    fn request_sync(&self) {
        self.store.request_sync();
    }
}
