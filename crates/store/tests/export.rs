//! A ledger as a static log: what is exported is what was signed, and stays so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::{FaultyDisk, options, refused};
use ledger::checkpoint::Checkpoint;
use ledger::event::PolicyChange;
use store::export::{Exported, Folder, Report, check, export, export_on};
use store::read::Reader;
use store::verify::Problem;
use store::{Error, Ledger, Store};

/// Appends entries and signs them; small ones, when there are many.
fn grow(dir: &Path, count: u64) {
    let store = Store::open(dir, options()).unwrap();
    for number in 0..count {
        if count < 1000 {
            store.append(refused("alice", number)).unwrap();
            continue;
        }
        let change = PolicyChange {
            policy: "v1".into(),
            previous: None,
            policies: number,
        };
        store.append(change.into()).unwrap();
    }
    store.close();
}

fn export_to(dir: &Path, folder: &Path) -> Result<Exported, Error> {
    export(&Reader::open(dir).unwrap(), folder, &mut |_| {})
}

fn checked(dir: &Path, folder: &Path, since: Option<&Checkpoint>) -> Report {
    let reader = Reader::open(dir).unwrap();
    check(&Folder::new(folder), reader.trust(), since, &mut |_| {}).unwrap()
}

/// All files, relative to the folder, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                out.push(path.strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    out.sort();
    out
}

fn names(folder: &Path) -> Vec<String> {
    let files = files(folder);
    files
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

#[test]
fn what_is_exported_is_what_c2sp_says_and_a_second_run_adds() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = out.path().join("log");
    grow(dir.path(), 300);
    let first = export_to(dir.path(), &folder).unwrap();
    assert_eq!(
        (first.before, first.checkpoint.size, first.files),
        (0, 302, 5)
    );
    assert_eq!(
        names(&folder),
        [
            ".lock",
            "checkpoint",
            "tile/0/000",
            "tile/0/001.p/46",
            "tile/1/000.p/1",
            "tile/entries/000",
            "tile/entries/001.p/46",
        ]
    );
    let report = checked(dir.path(), &folder, None);
    assert!(report.is_sound(), "{:?}", report.faults);
    assert_eq!(report.entries, 302);

    // Nothing new: nothing is written.
    let same = export_to(dir.path(), &folder).unwrap();
    assert_eq!((same.before, same.files), (302, 0));

    grow(dir.path(), 100);
    let second = export_to(dir.path(), &folder).unwrap();
    assert_eq!((second.before, second.checkpoint.size), (302, 404));
    grow(dir.path(), 200);
    let third = export_to(dir.path(), &folder).unwrap();
    assert_eq!((third.before, third.checkpoint.size), (404, 606));
    // Partial tiles go when the full one is there.
    assert_eq!(
        names(&folder),
        [
            ".lock",
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/94",
            "tile/1/000.p/1",
            "tile/1/000.p/2",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/94",
        ]
    );
    let report = checked(dir.path(), &folder, Some(&first.checkpoint));
    assert!(report.is_sound(), "{:?}", report.faults);
}

#[test]
fn full_tiles_of_the_second_level_are_exported_and_checked() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    grow(dir.path(), 66_000);
    let exported = export_to(dir.path(), out.path()).unwrap();
    assert_eq!(exported.checkpoint.size, 66_002);
    let report = checked(dir.path(), out.path(), Some(&exported.checkpoint));
    assert!(report.is_sound(), "{:?}", report.faults);
    for name in ["tile/1/000", "tile/1/001.p/1", "tile/2/000.p/1"] {
        let path = out.path().join(name);
        let whole = std::fs::read(&path).unwrap();
        {
            let mut bytes = whole.clone();
            bytes[whole.len() / 2] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
            let report = checked(dir.path(), out.path(), None);
            assert_eq!(report.fault_count, 1, "{:?}", report.faults);
            assert_eq!(report.faults[0].path, Path::new(name));
            assert_eq!(report.faults[0].problem, Problem::TileDiffers);
        }
        std::fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_ledger_that_does_not_continue_what_was_exported_is_refused() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let older = tempfile::tempdir().unwrap();
    grow(dir.path(), 10);
    copy(dir.path(), older.path());
    grow(dir.path(), 10);
    let exported = export_to(dir.path(), out.path()).unwrap();
    let before = names(out.path());

    // Rolled back.
    let refused = export_to(older.path(), out.path()).unwrap_err().to_string();
    assert!(
        refused.contains("it was exported at 24 entries and the ledger has 12"),
        "{refused}"
    );
    // Rolled back and gone on differently: a fork, signed by the same key.
    grow(older.path(), 30);
    let refused = export_to(older.path(), out.path()).unwrap_err().to_string();
    assert!(
        refused.contains("its first 24 entries are not the first 24 of the ledger"),
        "{refused}"
    );
    // Another log.
    let other = tempfile::tempdir().unwrap();
    grow(other.path(), 50);
    let refused = export_to(other.path(), out.path());
    assert!(matches!(refused, Err(Error::Content { .. })), "{refused:?}");
    assert_eq!(names(out.path()), before);
    let report = checked(dir.path(), out.path(), Some(&exported.checkpoint));
    assert!(report.is_sound(), "{:?}", report.faults);

    // The auditor sees the same in what is served.
    let fork = tempfile::tempdir().unwrap();
    let forked = export_to(older.path(), fork.path()).unwrap();
    let report = checked(dir.path(), fork.path(), Some(&exported.checkpoint));
    assert_eq!(report.faults[0].problem, Problem::Forked { size: 24 });
    let report = checked(dir.path(), out.path(), Some(&forked.checkpoint));
    assert_eq!(
        report.faults[0].problem,
        Problem::RolledBack { size: 24, then: 44 }
    );
}

fn copy(from: &Path, to: &Path) {
    for name in files(from) {
        let to = to.join(&name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from.join(&name), to).unwrap();
    }
}

#[test]
fn a_folder_with_something_else_is_left_alone() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    grow(dir.path(), 3);
    std::fs::write(out.path().join("notes.txt"), "mine").unwrap();
    let refused = export_to(dir.path(), out.path()).unwrap_err();
    assert!(
        refused.to_string().contains("notes.txt is in the way"),
        "{refused}"
    );
    assert_eq!(names(out.path()), [".lock", "notes.txt"]);
}

/// The disk fails at every place in turn; whatever is there then is consistent, and
/// the next run finishes it.
#[test]
fn an_export_that_was_interrupted_anywhere_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    grow(dir.path(), 300);
    let reader = Reader::open(dir.path()).unwrap();
    let (mut interrupted, mut budget) = (0, 0);
    loop {
        let out = tempfile::tempdir().unwrap();
        let (disk, faults) = FaultyDisk::new();
        faults.budget.store(budget, Ordering::SeqCst);
        let done = export_on(&*disk, &reader, out.path(), &mut |_| {});
        if done.is_err() {
            interrupted += 1;
            assert!(!out.path().join("checkpoint").exists());
            let exported = export_to(dir.path(), out.path()).unwrap();
            assert_eq!(exported.checkpoint.size, 302);
        }
        let report = check(&Folder::new(out.path()), reader.trust(), None, &mut |_| {}).unwrap();
        assert!(report.is_sound(), "{:?}", report.faults);
        assert!(!names(out.path()).iter().any(|name| name.ends_with(".tmp")));
        if done.is_ok() {
            break;
        }
        budget += 9001;
    }
    assert!(interrupted > 10, "{interrupted}");
}

#[test]
fn two_exports_into_one_folder_exclude_each_other() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    grow(dir.path(), 3);
    let disk: Arc<dyn store::disk::Disk> = Arc::new(store::disk::RealDisk);
    let lock = disk.lock(&out.path().join(".lock")).unwrap().unwrap();
    let refused = export_to(dir.path(), out.path());
    assert!(matches!(refused, Err(Error::Locked { .. })), "{refused:?}");
    drop(lock);
    assert!(export_to(dir.path(), out.path()).is_ok());
}

/// Alters every file of an export in several places, takes it away, cuts it: the check
/// names that file, or the one that vouches for it.
#[test]
fn whatever_is_altered_in_an_export_is_named() {
    let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    grow(dir.path(), 300);
    export_to(dir.path(), out.path()).unwrap();
    grow(dir.path(), 20);
    export_to(dir.path(), out.path()).unwrap();
    for name in files(out.path()) {
        if name == Path::new(".lock") {
            continue;
        }
        let path = out.path().join(&name);
        let whole = std::fs::read(&path).unwrap();
        let says = |what: &str, needed: bool| {
            let report = checked(dir.path(), out.path(), None);
            let named = report.faults.iter().any(|fault| fault.path == name);
            assert_eq!(
                named,
                needed,
                "{}: {what}: {:?}",
                name.display(),
                report.faults
            );
        };
        for position in (0..whole.len()).step_by(whole.len() / 40 + 1) {
            let mut bytes = whole.clone();
            bytes[position] ^= 1 << (position % 8);
            std::fs::write(&path, &bytes).unwrap();
            says("altered", true);
        }
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            says("cut", true);
        }
        std::fs::write(&path, [whole.as_slice(), b"\0"].concat()).unwrap();
        says("longer", true);
        std::fs::remove_file(&path).unwrap();
        // A partial tile of an older checkpoint may be gone.
        let old = name.to_string_lossy().ends_with(".p/46");
        says("removed", !old);
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(checked(dir.path(), out.path(), None).is_sound());
}
