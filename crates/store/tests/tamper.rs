//! Whatever is altered in a ledger directory is named by the check.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;

use common::{intent, options, outcome};
use store::verify::{self, Problem};
use store::{Error, Ledger, Sequence, Store};

/// A closed ledger of a few entries.
fn small(dir: &Path) {
    let store = Store::open(dir, options()).unwrap();
    for statement in 1..4 {
        let receipt = store.append(intent("alice", statement)).unwrap();
        store.append(outcome(receipt.sequence)).unwrap();
    }
    store.close();
}

fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut out: Vec<_> = std::fs::read_dir(dir.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|name| name == "wal"))
        .collect();
    out.sort();
    out
}

/// Alters every byte of a file in turn; the check must name that file, or the file
/// that vouches for it, each time.
fn alter_every_byte(dir: &Path, file: &Path, vouches: &Path) {
    let whole = std::fs::read(file).unwrap();
    for position in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[position] ^= 1 << (position % 8);
        std::fs::write(file, &bytes).unwrap();
        match verify::directory(dir, None) {
            Ok(report) => {
                assert!(!report.is_sound(), "byte {position} of {}", file.display());
                let fault = &report.faults[0];
                assert!(
                    fault.path == file || fault.path == vouches,
                    "byte {position}: {fault}"
                );
            }
            Err(Error::Damaged { path, .. } | Error::Content { path, .. }) => {
                assert_eq!(path, file)
            }
            Err(other) => panic!("byte {position}: {other}"),
        }
    }
    std::fs::write(file, &whole).unwrap();
    assert!(verify::directory(dir, None).unwrap().is_sound());
}

#[test]
fn every_altered_byte_of_the_log_is_named() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    for segment in segments(dir.path()) {
        alter_every_byte(dir.path(), &segment, &segment);
    }
}

#[test]
fn every_altered_byte_of_the_checkpoint_is_named() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let file = dir.path().join("checkpoint");
    alter_every_byte(dir.path(), &file, &file);
}

#[test]
fn every_altered_byte_of_the_key_table_and_identity_is_named() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let file = dir.path().join("subject.keys");
    alter_every_byte(dir.path(), &file, &file);
    let file = dir.path().join("id.json");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, whole.replace("test-1", "test-2")).unwrap();
    assert!(matches!(
        verify::directory(dir.path(), None),
        Err(Error::Content { .. } | Error::Damaged { .. })
    ));
}

/// An attacker who repairs the checksums: one byte of each frame's content is altered
/// and the CRC is computed again.
#[test]
fn what_is_altered_with_right_checksums_is_named() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let file = segments(dir.path()).remove(0);
    let whole = std::fs::read(&file).unwrap();
    let (mut at, mut sequence) = (64, 0);
    let number = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    while at + 24 <= whole.len() && number(at) != 0 {
        let (length, leaf) = (number(at), number(at + 12));
        let sealed = at + 24 + leaf;
        let end = at + 24 + length;
        let mut targets = vec![at + 8, at + 16, at + 24 + 7, at + 24 + leaf / 2];
        if sealed < end {
            targets.extend([sealed + 5, sealed + 22, (sealed + end) / 2, end - 1]);
        }
        for target in targets {
            let mut bytes = whole.clone();
            bytes[target] ^= 1;
            let crc =
                crc32c::crc32c_append(crc32c::crc32c(&bytes[at..at + 4]), &bytes[at + 8..end]);
            bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
            std::fs::write(&file, &bytes).unwrap();
            let report = verify::directory(dir.path(), None).unwrap();
            assert!(!report.is_sound(), "entry {sequence}, byte {target}");
            if target >= sealed {
                let fault = &report.faults[0];
                assert_eq!(fault.sequence, Some(Sequence(sequence)));
                assert!(matches!(fault.problem, Problem::Disclosure(_)), "{fault}");
            }
        }
        at = end;
        sequence += 1;
    }
    assert_eq!(sequence, 8);
}

#[test]
fn dropped_entries_and_segments_are_named_and_not_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    for statement in 0..300 {
        store.append(intent("alice", statement)).unwrap();
    }
    store.close();
    let all = segments(dir.path());
    assert!(all.len() > 3);
    for file in &all {
        let whole = std::fs::read(file).unwrap();
        std::fs::remove_file(file).unwrap();
        let report = verify::directory(dir.path(), None).unwrap();
        assert!(!report.is_sound());
        let refused = Store::open(dir.path(), options());
        assert!(
            matches!(refused, Err(Error::Disagrees { .. })),
            "{refused:?}"
        );
        std::fs::write(file, &whole[..whole.len() - 100]).unwrap();
        assert!(!verify::directory(dir.path(), None).unwrap().is_sound());
        let refused = Store::open(dir.path(), options());
        assert!(
            matches!(refused, Err(Error::Disagrees { .. })),
            "{refused:?}"
        );
        std::fs::write(file, &whole).unwrap();
    }
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
    let (first, second) = (&all[0], &all[1]);
    let swapped = (
        std::fs::read(first).unwrap(),
        std::fs::read(second).unwrap(),
    );
    std::fs::write(first, &swapped.1).unwrap();
    std::fs::write(second, &swapped.0).unwrap();
    assert!(!verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn a_missing_or_foreign_checkpoint_is_not_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let other = tempfile::tempdir().unwrap();
    small(other.path());
    let file = dir.path().join("checkpoint");
    std::fs::copy(other.path().join("checkpoint"), &file).unwrap();
    assert!(!verify::directory(dir.path(), None).unwrap().is_sound());
    assert!(matches!(
        Store::open(dir.path(), options()),
        Err(Error::Content { .. })
    ));
    std::fs::remove_file(&file).unwrap();
    assert!(!verify::directory(dir.path(), None).unwrap().is_sound());
    assert!(matches!(
        Store::open(dir.path(), options()),
        Err(Error::Missing { .. })
    ));
}

#[test]
fn the_auditors_key_is_believed_and_not_the_directorys() {
    let dir = tempfile::tempdir().unwrap();
    small(dir.path());
    let other = ledger::note::Signer::new(common::ORIGIN, &[1; 32]).unwrap();
    let report = verify::directory(dir.path(), Some(&other.verifier().into())).unwrap();
    assert_eq!(report.faults[0].problem, Problem::OtherKey);
    assert_eq!(report.faults.len(), 2);
}
