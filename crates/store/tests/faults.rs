//! The disk fills up or fails: nothing runs off the record, nothing is lost, and the
//! ledger resumes by itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::sync::atomic::Ordering;

use common::{FaultyDisk, eventually, intent, options, outcome};
use ledger::{Kind, Unavailable};
use store::{Alarm, Ledger, Sequence, State, Store, verify};

fn kinds(store: &Store) -> Vec<Kind> {
    let reader = store.reader().unwrap();
    let mut entries = reader.entries(Sequence(0));
    let mut out = Vec::new();
    while let Some(record) = entries.next().unwrap() {
        out.push(record.kind);
    }
    out
}

fn wait(store: &Store, sequence: Sequence) -> Result<(), Unavailable> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(store.wait_durable(sequence))
}

#[test]
fn on_a_full_disk_intents_are_refused_outcomes_are_kept_and_it_resumes() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, faults) = FaultyDisk::new();
    let store = Store::open_on(disk, dir.path(), options()).unwrap();
    let mut open = Vec::new();
    eventually("prepared", || {
        dir.path().join("wal").read_dir().unwrap().count() == 3
    });
    // Enough for checkpoints, not for a segment or another reserve.
    faults.budget.store(10_000, Ordering::SeqCst);
    let refused = loop {
        match store.append(intent("alice", open.len() as u64)) {
            Ok(receipt) => open.push(receipt.sequence),
            Err(reason) => break reason,
        }
    };
    assert!(matches!(refused, Unavailable::DiskFull { .. }), "{refused}");
    assert!(refused.to_string().contains("free space"), "{refused}");
    // Two segments were there: about a hundred entries.
    assert!(open.len() > 60, "{}", open.len());
    let health = store.health();
    assert!(
        !health.is_ready() && matches!(health.state, State::Restricted(_)),
        "{health:?}"
    );
    assert!(matches!(health.alarm, Some(Alarm::Full(_))), "{health:?}");
    // What already runs can be completed out of the reserve.
    for intent in open.iter().take(20) {
        let receipt = store.append(outcome(*intent)).unwrap();
        wait(&store, receipt.sequence).unwrap();
    }
    assert!(store.append(intent("alice", 0)).is_err());
    eventually("the alarm is raised", || {
        kinds(&store).contains(&Kind::StorageAlarm)
    });
    faults.budget.store(10 << 20, Ordering::SeqCst);
    eventually("resumed", || store.health().is_ready());
    let receipt = store.append(intent("alice", 1)).unwrap();
    wait(&store, receipt.sequence).unwrap();
    let health = store.health();
    assert!(health.reserve && health.refused == 2, "{health:?}");
    eventually("it is on the record", || {
        let kinds = kinds(&store);
        kinds.contains(&Kind::Gap) && kinds.contains(&Kind::StorageAlarm)
    });
    assert_eq!(
        kinds(&store)
            .iter()
            .filter(|kind| **kind == Kind::Intent)
            .count(),
        open.len() + 1
    );
    store.close();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

#[test]
fn a_failed_sync_fails_closed_and_what_was_taken_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, faults) = FaultyDisk::new();
    // No checkpoint comes in between: that of the entries fails first.
    let quiet = store::Options {
        checkpoint_ms: 3_600_000,
        ..options()
    };
    let store = Store::open_on(disk, dir.path(), quiet).unwrap();
    let before = store.append(intent("alice", 1)).unwrap().sequence;
    wait(&store, before).unwrap();
    faults.fail_sync.store(true, Ordering::SeqCst);
    let taken = store.append(intent("alice", 2)).unwrap().sequence;
    let refused = wait(&store, taken).unwrap_err();
    assert!(matches!(refused, Unavailable::Io { .. }), "{refused}");
    eventually("refuses", || store.append(intent("alice", 3)).is_err());
    assert!(matches!(store.health().state, State::Failed(_)));
    assert_eq!(store.durable(), taken);
    let epoch = store.health().epoch;
    faults.fail_sync.store(false, Ordering::SeqCst);
    eventually("resumed", || store.health().is_ready());
    wait(&store, taken).unwrap();
    assert!(store.health().epoch > epoch);
    let after = store.append(intent("alice", 4)).unwrap().sequence;
    wait(&store, after).unwrap();
    let reader = store.reader().unwrap();
    for (sequence, statement) in [(before, 1), (taken, 2), (after, 4)] {
        let shown = reader.show(sequence).unwrap();
        assert_eq!(shown.entry.number("statement"), Some(statement));
    }
    assert!(kinds(&store).contains(&Kind::Gap));
    store.close();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

#[test]
fn a_half_written_entry_is_refused_and_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, faults) = FaultyDisk::new();
    let store = Store::open_on(disk, dir.path(), options()).unwrap();
    let mut taken = 0;
    for round in 0..5 {
        for statement in 0..50 {
            store
                .append(intent("bob", round * 100 + statement))
                .unwrap();
            taken += 1;
        }
        faults.fail_write.store(true, Ordering::SeqCst);
        // The checkpoint may fail first and restrict; either way it is refused.
        assert!(store.append(intent("bob", 99)).is_err());
        faults.fail_write.store(false, Ordering::SeqCst);
        eventually("resumed", || store.health().is_ready());
    }
    store.close();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    let reader = store::read::Reader::open(dir.path()).unwrap();
    let mut entries = reader.entries(Sequence(0));
    let mut statements = Vec::new();
    while let Some(record) = entries.next().unwrap() {
        if record.kind == Kind::Intent {
            statements.extend(record.entry().unwrap().number("statement"));
        }
    }
    assert_eq!(statements.len(), taken);
    assert!(!statements.contains(&99));
}

#[test]
fn what_keeps_it_from_going_on_is_named_not_what_stopped_it() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, faults) = FaultyDisk::new();
    // No checkpoint comes in between, which would fail as well.
    let quiet = store::Options {
        checkpoint_ms: 3_600_000,
        ..options()
    };
    let store = Store::open_on(disk, dir.path(), quiet).unwrap();
    let before = store.append(intent("alice", 1)).unwrap().sequence;
    wait(&store, before).unwrap();
    eventually("prepared", || store.health().reserve);
    faults.fail_allocate.store(true, Ordering::SeqCst);
    faults.fail_write.store(true, Ordering::SeqCst);
    assert!(store.append(intent("alice", 2)).is_err());
    faults.fail_write.store(false, Ordering::SeqCst);
    eventually("it lives on the reserve", || {
        let health = store.health();
        matches!(health.state, State::Restricted(_)) && !health.reserve
    });
    // Whatever is given back meanwhile is not enough.
    faults.budget.store(-(1 << 30), Ordering::SeqCst);
    faults.fail_allocate.store(false, Ordering::SeqCst);
    eventually("the full disk is named", || {
        matches!(store.health().alarm, Some(Alarm::Full(_)))
    });
    faults.budget.store(10 << 20, Ordering::SeqCst);
    eventually("resumed", || store.health().is_ready());
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn while_checkpoints_fail_only_what_completes_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, faults) = FaultyDisk::new();
    let store = Store::open_on(disk, dir.path(), options()).unwrap();
    let running = store.append(intent("alice", 1)).unwrap().sequence;
    wait(&store, running).unwrap();
    // Room for entries is preallocated, room for a checkpoint is not.
    faults.budget.store(0, Ordering::SeqCst);
    eventually("restricted", || {
        let _ = store.append(outcome(running));
        matches!(store.health().state, State::Restricted(_))
    });
    assert!(matches!(
        store.append(intent("alice", 2)),
        Err(Unavailable::DiskFull { .. })
    ));
    let receipt = store.append(outcome(running)).unwrap();
    wait(&store, receipt.sequence).unwrap();
    faults.budget.store(10 << 20, Ordering::SeqCst);
    eventually("resumed", || store.health().is_ready());
    store.append(intent("alice", 2)).unwrap();
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn the_alarm_is_raised_before_the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let watchful = store::Options {
        alarm_percent: 0,
        ..options()
    };
    let store = Store::open(dir.path(), watchful).unwrap();
    eventually("recorded", || kinds(&store).contains(&Kind::StorageAlarm));
    let health = store.health();
    assert!(health.is_ready() && matches!(health.alarm, Some(Alarm::Filling { .. })));
}

#[test]
fn opened_on_a_full_disk_it_lives_on_the_reserve_until_there_is_space() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path(), options()).unwrap().close();
    let (disk, faults) = FaultyDisk::new();
    faults.budget.store(10_000, Ordering::SeqCst);
    let store = Store::open_on(disk, dir.path(), options()).unwrap();
    assert!(matches!(
        store.append(intent("alice", 1)),
        Err(Unavailable::DiskFull { .. })
    ));
    assert!(!store.health().is_ready());
    faults.budget.store(10 << 20, Ordering::SeqCst);
    eventually("resumed", || store.health().is_ready());
    store.append(intent("alice", 1)).unwrap();
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn after_a_crash_it_comes_up_on_a_disk_without_a_byte_of_room() {
    let (running, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = Store::open(running.path(), options()).unwrap();
    let last = store.append(intent("alice", 1)).unwrap().sequence;
    wait(&store, last).unwrap();
    eventually("reserved", || store.health().reserve);
    // What a killed process leaves.
    common::copy_dir(running.path(), dir.path());
    store.close();

    let (disk, faults) = FaultyDisk::new();
    // Others take what is given up, too.
    faults.budget.store(-(10 << 20), Ordering::SeqCst);
    let store = Store::open_on(disk, dir.path(), options()).unwrap();
    let refused = store.append(intent("alice", 2));
    assert!(
        matches!(refused, Err(Unavailable::DiskFull { .. })),
        "{refused:?}"
    );
    faults.budget.store(10 << 20, Ordering::SeqCst);
    eventually("resumed", || store.health().is_ready());
    store.append(intent("alice", 3)).unwrap();
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn a_closed_ledger_refuses() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    store.close();
    assert_eq!(
        store.append(intent("alice", 1)).unwrap_err(),
        Unavailable::Closed
    );
    assert!(!store.health().is_ready());
    assert_eq!(wait(&store, Sequence(99)), Err(Unavailable::Closed));
}

/// Many threads append while syncs and writes fail at random moments: whatever got a
/// receipt is there in the end, whatever was reported durable was.
#[test]
fn in_a_storm_of_faults_every_receipt_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (disk, faults) = FaultyDisk::new();
    let store = Store::open_on(disk, dir.path(), options()).unwrap();
    let taken = std::sync::Mutex::new(Vec::new());
    let busy = std::sync::atomic::AtomicUsize::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (store, taken, busy) = (&store, &taken, &busy);
            scope.spawn(move || {
                let mut round = 0;
                while round < 60 {
                    let statement = thread * 1000 + round;
                    if let Ok(receipt) = store.append(intent("judy", statement)) {
                        round += 1;
                        taken.lock().unwrap().push((receipt.sequence, statement));
                        if round % 7 == 0 && wait(store, receipt.sequence).is_ok() {
                            assert!(store.durable() > receipt.sequence);
                        }
                    } else {
                        std::thread::yield_now();
                    }
                }
                busy.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let mut round = 0;
        while busy.load(Ordering::SeqCst) > 0 {
            let fault = if round % 2 == 0 {
                &faults.fail_sync
            } else {
                &faults.fail_write
            };
            fault.store(true, Ordering::SeqCst);
            eventually("failed", || {
                !store.health().is_ready() || busy.load(Ordering::SeqCst) == 0
            });
            fault.store(false, Ordering::SeqCst);
            eventually("resumed", || store.health().is_ready());
            round += 1;
        }
    });
    store.close();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    let reader = store::read::Reader::open(dir.path()).unwrap();
    let taken = taken.into_inner().unwrap();
    assert!(taken.len() > 20, "{}", taken.len());
    for (sequence, statement) in taken {
        let record = reader.entries(sequence).next().unwrap().unwrap();
        assert_eq!(record.entry().unwrap().number("statement"), Some(statement));
    }
}
