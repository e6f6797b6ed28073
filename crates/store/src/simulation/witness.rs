//! What is known outside the ledger: what it promised, and to whom it mattered.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use ledger::Kind;

/// Invariants, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Check {
    /// The ledger opens after any crash, on a disk that works.
    Opens,
    /// I1: what has a receipt was written, and outlives the process.
    Written,
    /// What was said to be durable is there after a power cut, unchanged.
    Durable,
    /// I2: what may have had an effect has a durable intent.
    EffectGate,
    /// I3: under `strict`, what was answered has a durable outcome.
    ReleaseGate,
    /// I4: no published checkpoint covers leaves that can be lost, or other leaves.
    CheckpointCovers,
    /// I4: published sizes never shrink.
    CheckpointGrows,
    /// I5: after a restart every allowed intent has exactly one outcome.
    OneOutcome,
    /// A crash is on the record.
    CrashTold,
    /// No sequence is given twice, and entries stand at their sequence.
    Sequence,
    /// A failed sync is not tried again on a file that still holds what it lost.
    NoSecondSync,
    /// I6: after a failed write or sync nothing is taken until the log went on elsewhere.
    FailsClosed,
    /// When the disk works again, entries are taken without a restart.
    Heals,
    /// The disclosures of durable entries can be read.
    Discloses,
    /// `weir ledger verify` finds nothing.
    Verifies,
}

/// A broken invariant.
#[derive(Clone, Debug)]
pub(super) struct Violation {
    pub(super) check: Check,
    pub(super) detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.check, self.detail)
    }
}

/// An entry with a receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) sequence: u64,
    pub(super) kind: Kind,
    pub(super) leaf: Arc<[u8]>,
}

/// What is known at one moment. Lists are shared with later moments.
#[derive(Clone, Default)]
pub(super) struct Mark {
    pub(super) taken: Arc<Vec<Taken>>,
    /// How many entries there were when the log was opened.
    pub(super) before: u64,
    /// Exclusive bound of what was said to be durable.
    pub(super) durable: u64,
    /// Every checkpoint that could be read: size and root, as they stand in it.
    pub(super) published: Arc<Vec<(u64, String)>>,
    /// Intents whose statements were let go after a wait for the disk.
    pub(super) effects: Arc<Vec<u64>>,
    /// Outcomes that were waited for before the last answer.
    pub(super) releases: Arc<Vec<u64>>,
}

#[derive(Default)]
struct State {
    mark: Mark,
    failed: bool,
    violations: Vec<Violation>,
}

/// Collects it.
#[derive(Default)]
pub(super) struct Witness(Mutex<State>);

impl Witness {
    /// Who knew this before.
    pub(super) fn after(mark: Mark) -> Arc<Witness> {
        Arc::new(Witness(Mutex::new(State {
            mark,
            ..State::default()
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn mark(&self) -> Mark {
        self.state().mark.clone()
    }

    pub(super) fn take_violations(&self) -> Vec<Violation> {
        std::mem::take(&mut self.state().violations)
    }

    pub(super) fn violation(&self, check: Check, detail: impl Into<String>) {
        let detail = detail.into();
        self.state().violations.push(Violation { check, detail });
    }

    /// The log was opened with these entries, all of them durable.
    pub(super) fn opened(&self, entries: Vec<Taken>) {
        let mut state = self.state();
        state.mark.durable = entries.len() as u64;
        state.mark.before = state.mark.durable;
        state.mark.taken = Arc::new(entries);
    }

    /// An entry got its receipt.
    pub(super) fn took(&self, taken: Taken) {
        let mut state = self.state();
        if state.failed {
            let detail = format!("entry {} was taken by a failed log", taken.sequence);
            state.violations.push(Violation {
                check: Check::FailsClosed,
                detail,
            });
        }
        let same = |one: &&Taken| one.sequence == taken.sequence;
        if let Some(earlier) = state.mark.taken.iter().rev().find(same) {
            let detail = format!("entry {} was given twice", earlier.sequence);
            state.violations.push(Violation {
                check: Check::Sequence,
                detail,
            });
        }
        Arc::make_mut(&mut state.mark.taken).push(taken);
    }

    /// The log said that everything below is durable.
    pub(super) fn durable(&self, bound: u64) {
        let mut state = self.state();
        state.mark.durable = state.mark.durable.max(bound);
    }

    /// A statement whose intent had to be durable was let go.
    pub(super) fn effect(&self, intent: u64) {
        Arc::make_mut(&mut self.state().mark.effects).push(intent);
    }

    /// An answer whose outcome had to be durable was given.
    pub(super) fn release(&self, outcome: u64) {
        Arc::make_mut(&mut self.state().mark.releases).push(outcome);
    }

    /// A checkpoint can be read from here on.
    pub(super) fn published(&self, note: &[u8]) {
        let Some((size, root)) = head(note) else {
            self.violation(Check::CheckpointCovers, "a checkpoint that is none");
            return;
        };
        let mut state = self.state();
        if let Some((before, _)) = state.mark.published.last()
            && size < *before
        {
            let detail = format!("{size} was published after {before}");
            state.violations.push(Violation {
                check: Check::CheckpointGrows,
                detail,
            });
        }
        Arc::make_mut(&mut state.mark.published).push((size, root));
    }

    /// A write or sync of entries failed.
    pub(super) fn failed(&self) {
        self.state().failed = true;
    }

    /// Another segment replaced the one that failed.
    pub(super) fn went_on(&self) {
        self.state().failed = false;
    }

    /// A file was synced although it holds what a failed sync lost.
    pub(super) fn synced_again(&self, path: &Path) {
        self.violation(Check::NoSecondSync, path.display().to_string());
    }
}

/// Size and root in the text of a checkpoint.
fn head(note: &[u8]) -> Option<(u64, String)> {
    let mut lines = std::str::from_utf8(note).ok()?.lines().skip(1);
    Some((lines.next()?.parse().ok()?, lines.next()?.to_owned()))
}
