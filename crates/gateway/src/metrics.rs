//! What is measured, for `/metrics`.
//!
//! Each worker thread counts in cells of its own: counting takes no lock and shares no
//! cache line with other workers. Whoever reads adds up. Labels are bounded: targets
//! and labels of columns from the configuration, words of our own; no principal and
//! no text ever.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::event::{AuthenticationReason, Verdict};
use store::measure::{Count, Distribution, Histogram};

mod clock;
mod command;
mod metered;
mod page;

pub(crate) use clock::{Clock, Stamp};
use command::Command;
pub(crate) use metered::Metered;
pub(crate) use page::page;

/// Everything measured besides what the ledger and its outputs know of themselves.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    workers: Mutex<Vec<Arc<Worker>>>,
    sessions: Mutex<BTreeMap<String, Sessions>>,
    failures: Mutex<BTreeMap<String, u64>>,
}

/// Sessions of one target.
#[derive(Clone, Copy, Debug, Default)]
struct Sessions {
    opened: u64,
    refused: u64,
}

/// What one worker counts.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    cells: Mutex<BTreeMap<String, Arc<Cells>>>,
    /// From a client's bytes to what is forwarded of them.
    pub(crate) request: Histogram,
    /// From a server's bytes to what is released of them.
    pub(crate) response: Histogram,
}

/// What one worker counts of one target.
#[derive(Debug)]
pub(crate) struct Cells {
    /// By command and decision.
    statements: [[Count; 3]; Command::ALL.len()],
    degraded: Count,
    /// Masked cells by label; the last is of labels that were configured later.
    masked: Box<[(String, Count)]>,
}

/// The name of what stands in no list.
const OTHER: &str = "other";

impl Cells {
    fn new(labels: impl Iterator<Item = String>) -> Cells {
        let labels = labels.chain(std::iter::once(OTHER.to_owned()));
        Cells {
            statements: Default::default(),
            degraded: Count::default(),
            masked: labels.map(|label| (label, Count::default())).collect(),
        }
    }

    fn statement(&self, command: &str, decision: Verdict, degraded: bool) {
        let row = self.statements.get(Command::of(command) as usize);
        if let Some(count) = row.and_then(|row| row.get(decision as usize)) {
            count.add(1);
        }
        if degraded {
            self.degraded.add(1);
        }
    }

    fn masked(&self, label: &str, cells: u64) {
        let mut known = self.masked.iter();
        let found = known.find(|(known, _)| known == label || known == OTHER);
        if let Some((_, count)) = found {
            count.add(cells);
        }
    }
}

impl Metrics {
    /// Cells of one more worker.
    pub(crate) fn worker(&self) -> Arc<Worker> {
        let worker = Arc::new(Worker::default());
        locked(&self.workers).push(Arc::clone(&worker));
        worker
    }

    pub(crate) fn session_opened(&self, target: &str) {
        locked(&self.sessions)
            .entry(target.to_owned())
            .or_default()
            .opened += 1;
    }

    pub(crate) fn session_refused(&self, target: &str) {
        locked(&self.sessions)
            .entry(target.to_owned())
            .or_default()
            .refused += 1;
    }

    pub(crate) fn authentication_failed(&self, reason: AuthenticationReason) {
        let word = serde_json::to_value(reason).unwrap_or_default();
        let word = word.as_str().unwrap_or(OTHER).to_owned();
        *locked(&self.failures).entry(word).or_default() += 1;
    }

    fn latencies(&self) -> (Distribution, Distribution) {
        let (mut request, mut response) = Default::default();
        for worker in locked(&self.workers).iter() {
            worker.request.add_to(&mut request);
            worker.response.add_to(&mut response);
        }
        (request, response)
    }
}

impl Worker {
    /// The cells of a target, once per session; `labels` are those of its columns.
    pub(crate) fn cells(&self, target: &str, labels: impl Iterator<Item = String>) -> Arc<Cells> {
        let mut cells = locked(&self.cells);
        if let Some(known) = cells.get(target) {
            return Arc::clone(known);
        }
        let made = Arc::new(Cells::new(labels));
        cells.insert(target.to_owned(), Arc::clone(&made));
        made
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
