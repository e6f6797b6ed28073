//! Full segments become packs, and nobody who reads notices.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;

use common::{copy_dir, fill, intent, names, options, unpacked};
use ledger::{Kind, Ledger, Sequence};
use store::read::{Reader, Shown};
use store::tiles::Tiles;
use store::{Disclose, Store, prove, verify};

/// Everything a reader gives.
fn all(dir: &Path) -> Vec<Shown> {
    let reader = Reader::open(dir).unwrap();
    let count = reader.count().unwrap();
    (0..count)
        .map(|n| reader.show(Sequence(n)).unwrap())
        .collect()
}

fn plain(shown: &[Shown]) -> Vec<(u64, Kind, Vec<u8>, Vec<String>)> {
    shown
        .iter()
        .map(|one| {
            let record = &one.record;
            (
                record.sequence.0,
                record.kind,
                record.leaf.clone(),
                one.encoded.clone(),
            )
        })
        .collect()
}

#[test]
fn what_is_sealed_reads_proves_and_verifies_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), unpacked()).unwrap();
    fill(&store, 700);
    let before = all(dir.path());
    let segments = names(dir.path(), "wal").len();
    let sealed = store.seal().unwrap();
    assert!(sealed.0 >= 1024 && sealed.0.is_multiple_of(256), "{sealed}");
    assert_eq!(store.health().sealed, sealed);
    assert!(names(dir.path(), "wal").len() < segments);
    assert_eq!(plain(&all(dir.path())), plain(&before));

    let reader = store.reader().unwrap();
    let (checkpoint, _) = reader.checkpoint().unwrap();
    for sequence in [0, 1, 255, 256, sealed.0 - 1, sealed.0, checkpoint.size - 1] {
        let proof = prove(&reader, Sequence(sequence), Disclose::Everything).unwrap();
        let proven = ledger::verify::proof(&proof.to_string(), reader.trust(), None).unwrap();
        assert_eq!(proven.entry.sequence, Sequence(sequence));
    }
    store.close();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    assert_eq!(report.entries, report.signed.unwrap());
    assert_eq!(report.disclosures, 1400);
}

#[test]
fn a_ledger_with_packs_goes_on_after_it_was_closed() {
    let dir = tempfile::tempdir().unwrap();
    for run in 1..4 {
        let store = Store::open(dir.path(), unpacked()).unwrap();
        fill(&store, 300);
        let sealed = store.seal().unwrap();
        assert!(sealed.0 + 400 > run * 598, "{sealed}");
        store.close();
        let report = verify::directory(dir.path(), None).unwrap();
        assert!(report.is_sound(), "{:?}", report.faults);
    }
    let kinds = all(dir.path())
        .iter()
        .filter(|one| one.record.kind == Kind::Gap)
        .count();
    assert_eq!(kinds, 0);
}

/// The intents without outcome lie in a pack, and the process is killed.
#[test]
fn open_intents_in_a_pack_get_their_outcome_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), unpacked()).unwrap();
    let lost = store.append(intent("alice", 7)).unwrap().sequence;
    fill(&store, 700);
    assert!(store.seal().unwrap() > lost);
    let copy = dir.path().join("copy");
    for sub in ["wal", "packs", "tiles"] {
        copy_dir(&dir.path().join(sub), &copy.join(sub));
    }
    for file in ["id.json", "signing.key", "subject.keys", "checkpoint"] {
        std::fs::copy(dir.path().join(file), copy.join(file)).unwrap();
    }
    drop(store);
    let before = Reader::open(&copy).unwrap().count().unwrap();
    Store::open(&copy, unpacked()).unwrap().close();
    let mut unknown = Vec::new();
    for one in all(&copy).iter().skip(before as usize) {
        if one.record.kind == Kind::Outcome {
            assert_eq!(one.entry.text("status"), Some("unknown"));
            unknown.push(one.entry.number("intent").unwrap());
        }
    }
    assert_eq!(unknown.len(), 4);
    assert_eq!(unknown[0], lost.0);
    assert!(verify::directory(&copy, None).unwrap().is_sound());
}

#[test]
fn the_background_seals_while_others_read_and_write() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    let reader = store.reader().unwrap();
    let mut follower = reader.entries(Sequence(0));
    let mut followed = 0;
    for statement in 0..3000 {
        store.append(intent("carol", statement)).unwrap();
        if statement % 7 == 0 {
            while let Some(record) = follower.next().unwrap() {
                assert_eq!(record.sequence.0, followed);
                assert_eq!(record.entry().unwrap().sequence, record.sequence);
                followed += 1;
            }
        }
        if statement % 500 == 0 {
            assert!(verify::directory(dir.path(), None).unwrap().is_sound());
        }
    }
    common::eventually("sealed", || store.health().sealed.0 >= 2048);
    assert_eq!(store.health().packing_fault, None);
    // From the beginning, through packs and log.
    let mut again = reader.entries(Sequence(0));
    let mut count = 0;
    while let Some(record) = again.next().unwrap() {
        assert_eq!(record.sequence.0, count);
        count += 1;
    }
    assert_eq!(count, store.health().appended.0);
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn tiles_stay_the_same_when_their_entries_are_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), unpacked()).unwrap();
    fill(&store, 900);
    let reader = store.reader().unwrap();
    let size = reader.checkpoint().unwrap().0.size;
    let read = |tiles: &Tiles| {
        let full = size / 256;
        let mut out = Vec::new();
        for index in 0..=full {
            let width = (size - index * 256).min(256);
            out.push((
                tiles.tile(0, index, width).unwrap(),
                tiles.bundle(index, width).unwrap(),
            ));
        }
        out.push((tiles.tile(1, 0, full).unwrap(), Vec::new()));
        out
    };
    let mut tiles = Tiles::open(reader.clone(), size).unwrap();
    let before = read(&tiles);
    assert!(store.seal().unwrap().0 > 512);
    // One that was open, the same when it grew, and a fresh one.
    assert!(read(&Tiles::open(reader, size).unwrap()) == before);
    tiles.grow(size).unwrap();
    assert!(read(&tiles) == before);
}
