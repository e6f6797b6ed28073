//! Whatever is altered in packs and tiles is named by the check, and a ledger whose
//! packs cannot be right is not appended to.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{copy_dir, fill, intent, names, unpacked};
use ledger::{Ledger, Sequence};
use store::read::Reader;
use store::verify::{self, Problem};
use store::{Error, Store};

/// A closed ledger with two packs.
fn packed(dir: &Path) {
    for _ in 0..2 {
        let store = Store::open(dir, unpacked()).unwrap();
        fill(&store, 150);
        store.seal().unwrap();
        store.close();
    }
    assert_eq!(files(dir, "packs", "pack").len(), 2);
    assert_eq!(files(dir, "packs", "disclosures").len(), 2);
    assert!(verify::directory(dir, None).unwrap().is_sound());
}

fn files(dir: &Path, sub: &str, extension: &str) -> Vec<PathBuf> {
    let names = names(dir, sub)
        .into_iter()
        .map(|name| dir.join(sub).join(name));
    names
        .filter(|path| extension.is_empty() || path.extension().is_some_and(|e| e == extension))
        .collect()
}

fn check_byte(dir: &Path, file: &Path, whole: &[u8], position: usize) {
    let mut bytes = whole.to_vec();
    bytes[position] ^= 1 << (position % 8);
    std::fs::write(file, &bytes).unwrap();
    let report = verify::directory(dir, None).unwrap();
    let named = report.faults.iter().any(|fault| fault.path == file);
    assert!(
        named,
        "byte {position} of {}: {:?}",
        file.display(),
        report.faults
    );
}

/// Bytes of every part of a pack: header, directory, hashes, blocks, open intents.
#[test]
fn every_altered_byte_class_of_packs_and_tiles_is_named() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let mut all = files(dir.path(), "packs", "");
    all.extend(files(dir.path(), "tiles", ""));
    assert_eq!(all.len(), 5);
    for file in all {
        let whole = std::fs::read(&file).unwrap();
        let step = (whole.len() / 25).max(1);
        let beginning = 0..whole.len().min(88);
        let end = whole.len().saturating_sub(24)..whole.len();
        for position in beginning.chain((0..whole.len()).step_by(step)).chain(end) {
            check_byte(dir.path(), &file, &whole, position);
        }
        std::fs::write(&file, &whole).unwrap();
    }
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn a_pack_that_is_cut_longer_missing_or_anothers_is_named_and_not_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let other = tempfile::tempdir().unwrap();
    packed(other.path());
    for file in files(dir.path(), "packs", "") {
        let whole = std::fs::read(&file).unwrap();
        let foreign = other.path().join("packs").join(file.file_name().unwrap());
        let wrong = [
            Some(whole[..whole.len() - 1].to_vec()),
            Some(whole[..whole.len() / 2].to_vec()),
            Some(whole[..20].to_vec()),
            Some(Vec::new()),
            Some([whole.as_slice(), b"x"].concat()),
            Some(std::fs::read(foreign).unwrap()),
            None,
        ];
        for (case, content) in wrong.iter().enumerate() {
            match content {
                Some(content) => std::fs::write(&file, content).unwrap(),
                None => std::fs::remove_file(&file).unwrap(),
            }
            let before = snapshot(dir.path());
            let report = verify::directory(dir.path(), None).unwrap();
            assert!(!report.is_sound(), "{case} of {}", file.display());
            match Store::open(dir.path(), unpacked()) {
                // Without the first pack it looks as if it were pruned; verify knows better.
                Ok(store) => {
                    assert_eq!(case, 6, "{}", file.display());
                    store.close();
                    assert!(!verify::directory(dir.path(), None).unwrap().is_sound());
                }
                Err(Error::Damaged { .. } | Error::Disagrees { .. } | Error::Missing { .. }) => {
                    assert_eq!(snapshot(dir.path()), before, "{case}")
                }
                Err(error) => panic!("{case} of {}: {error}", file.display()),
            }
            std::fs::write(&file, &whole).unwrap();
        }
    }
}

/// Names and sizes of everything.
fn snapshot(dir: &Path) -> Vec<(PathBuf, u64)> {
    let subs = ["wal", "packs", "tiles"];
    let all = subs.iter().flat_map(|sub| files(dir, sub, ""));
    let mut out: Vec<_> = all
        .map(|path| (path.clone(), path.metadata().unwrap().len()))
        .collect();
    out.sort();
    out
}

/// One who can compute checksums alters an entry, or its hash, in the pack.
#[test]
fn an_altered_entry_is_named_with_pack_bundle_and_entry() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let file = files(dir.path(), "packs", "pack").remove(0);
    let whole = std::fs::read(&file).unwrap();
    let u32_at = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap()) as usize;
    let bundles = u32_at(32) / 256;
    let (directory, hashes) = (64, 64 + 24 * bundles);
    // The hash of entry 3 in bundle 0, with right checksums.
    let mut bytes = whole.clone();
    bytes[hashes + 3 * 32] ^= 1;
    let crc = crc32c::crc32c(&bytes[hashes..hashes + 8192]);
    bytes[directory + 20..directory + 24].copy_from_slice(&crc.to_le_bytes());
    repair(&mut bytes, bundles);
    std::fs::write(&file, &bytes).unwrap();
    let report = verify::directory(dir.path(), None).unwrap();
    let fault = &report.faults[0];
    assert_eq!(fault.sequence, Some(Sequence(3)));
    assert_eq!(
        (&fault.path, &fault.problem),
        (&file, &Problem::Leaf { bundle: 0 })
    );

    // The same entry, with its hash.
    let block = u32_at(directory);
    let length = u32_at(directory + 8);
    let raw = zstd::bulk::decompress(&whole[block..block + length], 1 << 20).unwrap();
    let at = raw
        .windows(7)
        .position(|word| word == b"literal" || word == b"billing");
    assert_eq!(at, None, "disclosures are not in bundles");
    let mut altered = raw.clone();
    let at = raw
        .windows(8)
        .position(|word| word == b"\"alice\",")
        .unwrap();
    altered[at + 1] = b'm';
    let mut block_again = zstd::bulk::compress(&altered, 19).unwrap();
    assert!(block_again.len() <= length);
    // A skippable frame fills what is left, if it is enough for one.
    let left = length - block_again.len();
    if left >= 8 {
        block_again.extend_from_slice(&0x184d_2a50_u32.to_le_bytes());
        block_again.extend_from_slice(&(left as u32 - 8).to_le_bytes());
    }
    block_again.resize(length, 0);
    let mut bytes = whole.clone();
    bytes[block..block + length].copy_from_slice(&block_again);
    let crc = crc32c::crc32c(&block_again);
    bytes[directory + 16..directory + 20].copy_from_slice(&crc.to_le_bytes());
    repair(&mut bytes, bundles);
    std::fs::write(&file, &bytes).unwrap();
    let report = verify::directory(dir.path(), None).unwrap();
    assert_eq!(report.faults[0].path, file, "{:?}", report.faults);
    assert!(matches!(
        report.faults[0].problem,
        Problem::Leaf { bundle: 0 } | Problem::Bundle { bundle: 0, .. }
    ));
}

/// Computes the checksums of directory and header again.
fn repair(bytes: &mut [u8], bundles: usize) {
    let directory = crc32c::crc32c(&bytes[64..64 + 24 * bundles]);
    bytes[56..60].copy_from_slice(&directory.to_le_bytes());
    let header = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&header.to_le_bytes());
}

#[test]
fn pack_and_log_that_disagree_are_named_and_not_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), unpacked()).unwrap();
    fill(&store, 300);
    let log = dir.path().join("copy");
    copy_dir(&dir.path().join("wal"), &log);
    store.seal().unwrap();
    store.close();
    let segment = names(&log, "").remove(0);
    let mut bytes = std::fs::read(log.join(&segment)).unwrap();
    let back = dir.path().join("wal").join(&segment);
    // As it was, the segment does no harm: a crash before its removal leaves it.
    std::fs::write(&back, &bytes).unwrap();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    // One entry is another one, with a right checksum.
    let length = u32::from_le_bytes(bytes[64..68].try_into().unwrap()) as usize;
    let at = bytes[88..]
        .windows(5)
        .position(|word| word == b"weir.")
        .unwrap()
        + 88;
    bytes[at] = b'W';
    let crc = crc32c::crc32c_append(crc32c::crc32c(&bytes[64..68]), &bytes[72..64 + 24 + length]);
    bytes[68..72].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(&back, &bytes).unwrap();
    let report = verify::directory(dir.path(), None).unwrap();
    assert_eq!(report.faults[0].path, back);
    assert!(matches!(
        report.faults[0].problem,
        Problem::Disagrees { .. }
    ));
    // Only the newest pack is compared when opening, and this is it.
    let error = Store::open(dir.path(), unpacked()).unwrap_err();
    assert!(matches!(error, Error::Disagrees { .. }), "{error}");
    assert!(back.exists());
}

#[test]
fn an_older_checkpoint_is_named_and_not_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), unpacked()).unwrap();
    fill(&store, 100);
    let file = dir.path().join("checkpoint");
    let older = std::fs::read(&file).unwrap();
    fill(&store, 200);
    store.seal().unwrap();
    store.close();
    std::fs::write(&file, older).unwrap();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(matches!(
        report.faults[0].problem,
        Problem::OlderCheckpoint { .. }
    ));
    assert_eq!(report.fault_count, 1, "{:?}", report.faults);
    let error = Store::open(dir.path(), unpacked()).unwrap_err();
    assert!(error.to_string().contains("it is an older one"), "{error}");
}

#[test]
fn what_was_not_finished_is_ignored_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let packs = dir.path().join("packs");
    let span = "0000000000009984-0000000000010240";
    for name in [format!("{span}.pack.tmp"), format!("{span}.disclosures")] {
        std::fs::write(packs.join(name), b"half").unwrap();
    }
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
    Reader::open(dir.path())
        .unwrap()
        .show(Sequence(300))
        .unwrap();
    let store = Store::open(dir.path(), unpacked()).unwrap();
    store.append(intent("alice", 1)).unwrap();
    store.close();
    assert_eq!(names(dir.path(), "packs").len(), 4);
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn damaged_tiles_are_named_and_not_appended_to() {
    let dir = tempfile::tempdir().unwrap();
    packed(dir.path());
    let file = dir.path().join("tiles/1");
    let whole = std::fs::read(&file).unwrap();
    for content in [&whole[..whole.len() - 1], &[0; 64][..], b""] {
        std::fs::write(&file, content).unwrap();
        let report = verify::directory(dir.path(), None).unwrap();
        assert_eq!(report.faults[0].path, file);
        let error = Store::open(dir.path(), unpacked()).unwrap_err();
        assert!(
            matches!(error, Error::Damaged { .. } | Error::Disagrees { .. }),
            "{error}"
        );
    }
    std::fs::remove_file(&file).unwrap();
    assert!(!verify::directory(dir.path(), None).unwrap().is_sound());
    assert!(matches!(
        Store::open(dir.path(), unpacked()),
        Err(Error::Missing { .. })
    ));
}
