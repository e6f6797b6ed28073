//! The machine's clock jumps: order stays, time says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use common::{eventually, intent, options};
use ledger::{Entry, Kind};
use store::clock::Clock;
use store::read::Reader;
use store::{Ledger, Options, Sequence, Store, verify};

const BEGIN_NS: u64 = 1_795_000_000_000_000_000;

/// A clock that a test sets, and one beside it that only runs.
#[derive(Debug, Default)]
struct Skewed {
    passed: AtomicU64,
    skew: AtomicI64,
}

impl Skewed {
    fn pass_ms(&self, ms: u64) {
        self.passed.fetch_add(ms * 1_000_000, Ordering::SeqCst);
    }

    fn jump_ms(&self, ms: i64) {
        self.skew.fetch_add(ms * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Skewed {
    fn wall_ns(&self) -> u64 {
        (BEGIN_NS + self.monotonic_ns())
            .checked_add_signed(self.skew.load(Ordering::SeqCst))
            .unwrap()
    }

    fn monotonic_ns(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }
}

fn at(clock: &Arc<Skewed>) -> Options {
    Options {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        ..options()
    }
}

fn entries(dir: &Path) -> Vec<Entry> {
    let reader = Reader::open(dir).unwrap();
    let mut entries = reader.entries(Sequence(0));
    let mut out = Vec::new();
    while let Some(record) = entries.next().unwrap() {
        out.push(record.entry().unwrap());
    }
    out
}

/// Milliseconds of the steps on record.
fn steps(dir: &Path) -> Vec<i64> {
    let steps = entries(dir).into_iter();
    let steps = steps.filter(|entry| entry.kind == Kind::ClockStep);
    steps
        .map(|entry| entry.fields["step_ms"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_clock_that_goes_back_is_recorded_before_what_comes_after() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Skewed::default());
    let store = Store::open(dir.path(), at(&clock)).unwrap();
    clock.pass_ms(1000);
    let before = store.append(intent("alice", 1)).unwrap().sequence;
    clock.jump_ms(-3_600_000);
    let after = store.append(intent("alice", 2)).unwrap().sequence;
    store.close();
    let all = entries(dir.path());
    let between = &all[before.0 as usize + 1..after.0 as usize];
    assert!(
        between.iter().any(|entry| entry.kind == Kind::ClockStep),
        "{between:?}"
    );
    let (before, after) = (&all[before.0 as usize], &all[after.0 as usize]);
    // The time is the clock's, not an invented one; the order is by place.
    assert!(after.at < before.at, "{} {}", before.at, after.at);
    assert!(before.sequence < after.sequence);
    for pair in all.windows(2) {
        let [earlier, later] = pair else { panic!() };
        assert!(
            later.at >= earlier.at || later.kind == Kind::ClockStep,
            "{later:?}"
        );
    }
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

#[test]
fn a_jump_that_no_entry_met_is_recorded_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Skewed::default());
    let store = Store::open(dir.path(), at(&clock)).unwrap();
    clock.pass_ms(7_200_000);
    store.append(intent("alice", 1)).unwrap();
    // Forward, and back by less than has passed since: no entry would be out of order.
    for (number, jump) in (1..).zip([90_000, -60_000]) {
        clock.pass_ms(600_000);
        clock.jump_ms(jump);
        eventually("recorded", || steps(dir.path()).len() == number);
    }
    // What is smaller is smoothed: time never runs back by it.
    clock.jump_ms(-50);
    store.append(intent("alice", 2)).unwrap();
    store.close();
    assert_eq!(steps(dir.path()), [90_000, -60_000]);
    let all = entries(dir.path());
    assert!(all.windows(2).all(|pair| pair[0].at <= pair[1].at));
}

#[test]
fn a_clock_that_was_set_back_while_nothing_ran_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Skewed::default());
    Store::open(dir.path(), at(&clock)).unwrap().close();
    clock.jump_ms(-86_400_000);
    Store::open(dir.path(), at(&clock)).unwrap().close();
    assert_eq!(steps(dir.path()), [-86_400_000]);
    let all = entries(dir.path());
    let kinds: Vec<Kind> = all.iter().map(|entry| entry.kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::LogOpen,
            Kind::LogClose,
            Kind::ClockStep,
            Kind::LogOpen,
            Kind::LogClose
        ]
    );
}
