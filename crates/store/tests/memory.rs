//! What a store remembers of itself outside its directory.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{intent, options};
use store::{Error, Ledger, Options, Store};

/// A ledger in `home/ledger`, remembered beside it.
fn open(home: &Path) -> Result<Arc<Store>, Error> {
    let options = Options {
        memory: Some(home.join("ledger.checkpoint")),
        ..options()
    };
    Store::open(&home.join("ledger"), options)
}

fn grow(home: &Path, statements: u64) {
    let store = open(home).unwrap();
    for statement in 0..statements {
        store.append(common::refused("alice", statement)).unwrap();
    }
    store.close();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

fn refused(home: &Path) -> String {
    match open(home) {
        Err(error @ Error::Forgotten { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ledger_that_was_put_back_is_not_appended_to() {
    let home = tempfile::tempdir().unwrap();
    let (home, ledger) = (home.path(), home.path().join("ledger"));
    let older = home.join("older");
    grow(home, 3);
    copy(&ledger, &older);
    grow(home, 3);
    grow(home, 0);

    std::fs::rename(&ledger, home.join("newest")).unwrap();
    copy(&older, &ledger);
    let said = refused(home);
    assert!(
        said.contains("12 entries were signed and 5 are there"),
        "{said}"
    );

    // It went on elsewhere, and is longer by now.
    let options = Options {
        memory: None,
        ..options()
    };
    let store = Store::open(&ledger, options).unwrap();
    for statement in 0..20 {
        store.append(common::refused("alice", statement)).unwrap();
    }
    store.close();
    let said = refused(home);
    assert!(
        said.contains("the first 12 entries are not those that were signed"),
        "{said}"
    );

    // Another ledger, and none at all.
    std::fs::remove_dir_all(&ledger).unwrap();
    assert!(refused(home).contains("is gone"));
    assert!(!ledger.join("id.json").exists());
    let other = tempfile::tempdir().unwrap();
    grow(other.path(), 1);
    copy(&other.path().join("ledger"), &ledger);
    assert!(refused(home).contains("this is another ledger"));

    // The true one is taken, and so is a fresh one on purpose.
    std::fs::remove_dir_all(&ledger).unwrap();
    std::fs::rename(home.join("newest"), &ledger).unwrap();
    grow(home, 1);
    std::fs::remove_dir_all(&ledger).unwrap();
    std::fs::remove_file(home.join("ledger.checkpoint")).unwrap();
    grow(home, 1);
}

#[test]
fn a_memory_that_cannot_be_written_stops_nothing() {
    let home = tempfile::tempdir().unwrap();
    let options = Options {
        memory: Some(home.path().join("no/such/folder/checkpoint")),
        ..options()
    };
    for _ in 0..2 {
        let store = Store::open(&home.path().join("ledger"), options.clone()).unwrap();
        store.append(intent("alice", 1)).unwrap();
        store.close();
    }
}
