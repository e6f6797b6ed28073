//! How an output is, for `/readyz`, metrics and the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ledger::Sequence;

use crate::clock::{Clock as _, SystemClock};

/// How an output is.
#[derive(Debug)]
pub struct Status {
    name: String,
    next: AtomicU64,
    /// When the oldest entry was made that is not told of, nanoseconds; 0 if none waits.
    oldest_ns: AtomicU64,
    events: AtomicU64,
    failures: AtomicU64,
    trouble: Mutex<Option<Trouble>>,
}

#[derive(Clone, Debug)]
struct Trouble {
    since: Instant,
    what: String,
}

impl Status {
    pub(super) fn new(name: &str) -> Status {
        Status {
            name: name.to_owned(),
            next: AtomicU64::new(0),
            oldest_ns: AtomicU64::new(0),
            events: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            trouble: Mutex::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first entry it was not told of.
    #[must_use]
    pub fn next(&self) -> Sequence {
        Sequence(self.next.load(Ordering::Relaxed))
    }

    /// Events delivered since the start.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Attempts that failed since the start.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Milliseconds since the oldest entry was made that waits.
    #[must_use]
    pub fn behind_ms(&self) -> u64 {
        match self.oldest_ns.load(Ordering::Relaxed) {
            0 => 0,
            oldest => SystemClock::default().wall_ns().saturating_sub(oldest) / 1_000_000,
        }
    }

    /// What keeps it from delivering.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.as_ref().map(|trouble| trouble.what.clone())
    }

    pub(super) fn at(&self, next: Sequence) {
        self.next.store(next.0, Ordering::Relaxed);
    }

    pub(super) fn waits(&self, oldest_ns: Option<u64>) {
        self.oldest_ns
            .store(oldest_ns.unwrap_or(0), Ordering::Relaxed);
    }

    pub(super) fn delivered(&self, events: usize) {
        self.events.fetch_add(events as u64, Ordering::Relaxed);
        let ended = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(trouble) = ended {
            let seconds = trouble.since.elapsed().as_secs();
            eprintln!("weir: output {} is up again after {seconds} s", self.name);
        }
    }

    pub(super) fn failed(&self, what: &str) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.as_ref().is_none_or(|known| known.what != what) {
            eprintln!(
                "weir: output {} is down: {what}; entries wait in the ledger",
                self.name
            );
        }
        let since = trouble
            .as_ref()
            .map_or_else(Instant::now, |known| known.since);
        let what = what.to_owned();
        *trouble = Some(Trouble { since, what });
    }
}
