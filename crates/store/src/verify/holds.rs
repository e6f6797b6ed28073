//! What the entries say of legal holds, against what was done.

use std::collections::{BTreeMap, BTreeSet};

use ledger::days::Days;
use ledger::{Entry, Kind};
use serde_json::Value;

use super::Problem;
use crate::holds::Hold;

/// The holds in force at the place that is being checked.
#[derive(Default)]
pub(super) struct Ruling {
    holds: BTreeMap<String, Hold>,
    /// Ids of holds in force whose own entries were pruned.
    pruned: BTreeSet<String>,
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
                let id = entry.text("hold")?;
                self.holds.remove(id);
                self.pruned.remove(id);
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
            Kind::RetentionPrune => {
                let holds = entry.fields.get("holds").and_then(Value::as_array);
                let ids = holds.into_iter().flatten().filter_map(Value::as_str);
                let unknown = ids.filter(|id| !self.holds.contains_key(*id));
                self.pruned.extend(unknown.map(str::to_owned));
                None
            }
            _ => None,
        }
    }

    /// Compares with the list that the gateway obeys: a hold may stand there whose
    /// entry was not written, but not the other way round.
    pub(super) fn missing_from(&self, listed: &[Hold]) -> Vec<Problem> {
        let known = self.holds.values().filter(|hold| !listed.contains(hold));
        let known = known.map(|hold| hold.id.clone());
        let is_listed = |id: &String| listed.iter().any(|hold| hold.id == *id);
        let pruned = self.pruned.iter().filter(|id| !is_listed(id)).cloned();
        known.chain(pruned).map(Problem::HoldMissing).collect()
    }
}
