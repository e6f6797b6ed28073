//! What the entries say of legal holds, against what was done.

use std::collections::BTreeMap;

use ledger::days::Days;
use ledger::{Entry, Kind};

use super::Problem;
use crate::holds::Hold;

/// The holds in force at the place that is being checked.
#[derive(Default)]
pub(super) struct Ruling {
    holds: BTreeMap<String, Hold>,
}

impl Ruling {
    /// Takes note of an entry; gives what should not have happened.
    pub(super) fn see(&mut self, entry: &Entry) -> Option<Problem> {
        let days = || {
            let text = |name| entry.text(name).and_then(|day| day.parse().ok());
            Days {
                from: text("from"),
                until: text("until"),
            }
        };
        match entry.kind {
            Kind::HoldSet => {
                let id = entry.text("hold")?.to_owned();
                let hold = Hold {
                    id: id.clone(),
                    subject: entry.text("subject").map(str::to_owned),
                    days: days(),
                    reason: entry.text("reason").unwrap_or_default().to_owned(),
                };
                self.holds.insert(id, hold);
                None
            }
            Kind::HoldRelease => {
                self.holds.remove(entry.text("hold")?);
                None
            }
            Kind::Erasure => {
                let (subject, days) = (entry.text("subject"), days());
                let hold = self
                    .holds
                    .values()
                    .find(|hold| hold.covers(subject, &days))?;
                Some(Problem::Held(hold.id.clone()))
            }
            _ => None,
        }
    }

    /// Compares with the list that the gateway obeys: a hold may stand there whose
    /// entry was not written, but not the other way round.
    pub(super) fn missing_from(&self, listed: &[Hold]) -> Vec<Problem> {
        let missing = self.holds.values().filter(|hold| !listed.contains(hold));
        missing
            .map(|hold| Problem::HoldMissing(hold.id.clone()))
            .collect()
    }
}
