//! Pruning takes away whole packs, on the record, and leaves proofs of the rest.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{fill, names, unpacked};
use ledger::days::{Day, Days};
use ledger::merkle;
use ledger::{Kind, Sequence};
use store::read::Reader;
use store::retention::{Below, plan};
use store::tiles::Tiles;
use store::verify::{self, Problem};
use store::{Disclose, Error, Store, prove};

/// A closed ledger with three packs or more.
fn packed(dir: &Path) {
    for _ in 0..3 {
        let store = Store::open(dir, unpacked()).unwrap();
        fill(&store, 150);
        store.seal().unwrap();
        store.close();
    }
    assert!(names(dir, "packs").len() >= 6);
}

#[test]
fn what_is_pruned_is_gone_on_the_record_and_the_rest_is_proved() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    let before = reader.checkpoint().unwrap().0;
    let store = Store::open(dir.path(), unpacked()).unwrap();
    // Not a boundary of packs: less goes than could.
    let pruned = store
        .prune(Below::Index(600), Some(Duration::from_secs(86_400)), None)
        .unwrap();
    assert_eq!((pruned.from, pruned.below), (0, 512));
    assert_eq!(reader.minimum().unwrap(), Sequence(512));
    assert!(
        store
            .prune(Below::Index(600), None, None)
            .unwrap()
            .is_empty()
    );

    let shown = reader.show(pruned.entry.unwrap()).unwrap().entry;
    assert_eq!(shown.kind, Kind::RetentionPrune);
    assert_eq!(
        (shown.number("from"), shown.number("below")),
        (Some(0), Some(512))
    );
    assert_eq!(shown.number("retention_s"), Some(86_400));
    assert!(matches!(
        reader.show(Sequence(511)),
        Err(Error::Pruned { minimum: 512, .. })
    ));
    assert_eq!(
        reader.show(Sequence(512)).unwrap().entry.sequence,
        Sequence(512)
    );
    common::eventually("signed", || store.health().signed > pruned.entry.unwrap());
    store.close();

    // tlog-tiles, "Pruning": proofs of what is kept, roots and consistency from the
    // minimum index on.
    let (checkpoint, _) = reader.checkpoint().unwrap();
    for sequence in [512, 700, checkpoint.size - 1] {
        let proof = prove(&reader, Sequence(sequence), Disclose::Everything).unwrap();
        ledger::verify::proof(&proof.to_string(), reader.trust(), None).unwrap();
    }
    assert!(matches!(
        prove(&reader, Sequence(3), Disclose::Nothing),
        Err(Error::Pruned { .. })
    ));
    let tiles = Tiles::open(reader.clone(), checkpoint.size).unwrap();
    assert_eq!(tiles.minimum(), 512);
    for old in [512, 513, 600, before.size] {
        let root = tiles.with_nodes(|node| merkle::root(old, node)).unwrap();
        let proof = tiles
            .with_nodes(|node| merkle::consistency(old, checkpoint.size, node))
            .unwrap();
        let (new, roots) = (checkpoint.size, (&root, &checkpoint.root));
        merkle::verify_consistency(old, new, &proof, roots.0, roots.1).unwrap();
        assert!(old != before.size || root == before.root);
    }
    assert!(matches!(tiles.tile(0, 1, 256), Err(Error::Pruned { .. })));
    assert!(matches!(tiles.bundle(1, 256), Err(Error::Pruned { .. })));

    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    assert_eq!((report.minimum, report.entries), (512, checkpoint.size));
    // And it goes on.
    let store = Store::open(dir.path(), unpacked()).unwrap();
    fill(&store, 300);
    assert!(store.seal().unwrap().0 > report.sealed);
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn what_is_gone_without_a_record_is_a_fault() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let store = Store::open(dir.path(), unpacked()).unwrap();
    let pruned = store.prune(Below::Index(256), None, None).unwrap();
    assert_eq!(pruned.below, 256);
    store.close();
    // One more pack goes, by another hand.
    for name in names(dir.path(), "packs").iter().take(2) {
        std::fs::remove_file(dir.path().join("packs").join(name)).unwrap();
    }
    let report = verify::directory(dir.path(), None).unwrap();
    assert_eq!(report.fault_count, 1, "{:?}", report.faults);
    assert_eq!(
        report.faults[0].problem,
        Problem::Missing {
            from: Sequence(256),
            to: Sequence(report.minimum),
        }
    );
}

#[test]
fn a_legal_hold_blocks_pruning_and_its_end_lets_it_go() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let store = Store::open(dir.path(), unpacked()).unwrap();
    let held = store.hold(Some("bob".into()), Days::default(), "matter 7", None);
    let (hold, _) = runtime.block_on(held).unwrap();
    let before = names(dir.path(), "packs");
    let refused = store.prune(Below::Index(600), None, None);
    assert!(matches!(refused, Err(Error::Held { .. })), "{refused:?}");
    assert_eq!(names(dir.path(), "packs"), before);
    runtime
        .block_on(store.release(&hold.id, "settled", None))
        .unwrap();
    assert!(
        !store
            .prune(Below::Index(600), None, None)
            .unwrap()
            .is_empty()
    );
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

/// The entry that set a hold is pruned; the list of holds is altered afterwards.
#[test]
fn a_hold_whose_entry_was_pruned_is_missed_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let store = Store::open(dir.path(), unpacked()).unwrap();
    let long_ago = Days {
        from: None,
        until: Some(Day(10_000)),
    };
    let held = store.hold(None, long_ago, "matter 8", None);
    runtime.block_on(held).unwrap();
    store.close();
    packed(dir.path());
    let store = Store::open(dir.path(), unpacked()).unwrap();
    assert!(
        !store
            .prune(Below::Index(256), None, None)
            .unwrap()
            .is_empty()
    );
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
    std::fs::remove_file(dir.path().join("holds.json")).unwrap();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(matches!(report.faults[0].problem, Problem::HoldMissing(_)));
}

#[test]
fn days_are_pruned_whole_and_the_newest_pack_stays() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    let today: Day = reader.show(Sequence(0)).unwrap().entry.at[..10]
        .parse()
        .unwrap();
    let of_today = plan(&reader, Below::Day(today)).unwrap();
    assert!(of_today.is_empty());
    let until_tomorrow = plan(&reader, Below::Day(Day(today.0 + 2))).unwrap();
    let all = plan(&reader, Below::Index(u64::MAX)).unwrap();
    assert_eq!(until_tomorrow, all);
    assert_eq!(all.days.from, Some(today));
    let packs = names(dir.path(), "packs");
    assert!(
        packs
            .last()
            .unwrap()
            .starts_with(&format!("{:016}", all.below))
    );
    assert!(all.bytes > 10_000);
}
