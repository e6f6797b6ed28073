//! Power is lost at every file operation of sealing and of pruning.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::power::{Image, PowerDisk, Survives};
use common::{fill, unpacked};
use ledger::Sequence;
use store::disk::Disk;
use store::read::Reader;
use store::retention::Below;
use store::{Options, Store, verify};

const DIR: &str = "/ledger";

/// Nothing happens on the disk but what the test asks for.
fn quiet() -> Options {
    Options {
        heal_ms: 3_600_000,
        segment_bytes: 48 << 10,
        ..unpacked()
    }
}

fn open(disk: &PowerDisk) -> Arc<Store> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    Store::open_on(disk, Path::new(DIR), quiet()).unwrap()
}

/// Entries from `from` up to `end`.
fn entries(disk: &PowerDisk, from: u64, end: u64) -> Vec<Vec<u8>> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let reader = Reader::open_on(disk, Path::new(DIR)).unwrap();
    let mut entries = reader.entries(Sequence(from));
    (from..end)
        .map(|_| entries.next().unwrap().unwrap().leaf)
        .collect()
}

fn sound(disk: &PowerDisk) {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let report = verify::directory_on(disk, Path::new(DIR), None, &|_| {}).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

/// Does `action` once for every number of operations after which power is lost, and
/// holds what is left against what was signed from entry `kept` on, for `seeds` chances
/// besides nothing and everything surviving. Gives how many points there were.
fn at_every_operation(base: &Image, kept: u64, seeds: u64, action: impl Fn(&Store) -> bool) -> u64 {
    for point in 0.. {
        let disk = PowerDisk::new(base.clone());
        let store = open(&disk);
        let opened = store.health().appended;
        common::eventually("signed", || store.health().signed == opened);
        let signed = opened.0;
        let expected = entries(&disk, kept, signed);
        disk.lose_power_after(point);
        let done = action(&store);
        let lost = disk.lost();
        drop(store);
        let Some(image) = lost else {
            assert!(done);
            return point;
        };
        let mut survivals = vec![Survives::Nothing, Survives::Everything];
        survivals.extend((0..seeds).map(|seed| Survives::Some(point * seeds + seed)));
        for survives in survivals {
            let after = PowerDisk::new(image.after(survives));
            let store = open(&after);
            assert!(
                entries(&after, kept, signed) == expected,
                "after {point}, {survives:?} surviving"
            );
            // What was left undone is done.
            assert!(action(&store), "after {point}, {survives:?} surviving");
            assert!(entries(&after, kept, signed) == expected);
            store.close();
            sound(&after);
        }
    }
    0
}

/// A closed ledger with full segments that are not sealed.
fn unsealed() -> Image {
    let disk = PowerDisk::default();
    let store = open(&disk);
    fill(&store, 260);
    store.close();
    sound(&disk);
    disk.image().after(Survives::Nothing)
}

#[test]
fn power_lost_while_sealing_loses_nothing() {
    let points = at_every_operation(&unsealed(), 0, 2, |store| {
        store.seal().is_ok_and(|sealed| sealed.0 >= 512)
    });
    assert!(points > 25, "{points}");
}

#[test]
fn power_lost_while_pruning_loses_nothing_that_is_kept() {
    let disk = PowerDisk::default();
    for _ in 0..3 {
        let store = open(&disk);
        fill(&store, 150);
        store.seal().unwrap();
        store.close();
    }
    sound(&disk);
    let base = disk.image().after(Survives::Nothing);
    let points = at_every_operation(&base, 512, 8, |store| {
        let pruned = store.prune(Below::Index(600), None, None);
        // What a crash left undone of it may be done already.
        pruned.is_ok_and(|pruning| pruning.is_empty() || pruning.below <= 600)
    });
    assert!(points > 5, "{points}");
}
