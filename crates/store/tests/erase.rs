//! Erasure and legal holds: what is destroyed is nowhere, what is held stays.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{intent, options};
use ledger::Ledger;
use ledger::days::{Day, Days};
use store::{Disclose, Error, Store, prove, verify};

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

fn open(dir: &Path) -> Arc<Store> {
    Store::open(dir, options()).unwrap()
}

fn erase(store: &Store, subject: &str) -> Result<store::Erased, Error> {
    wait(store.erase(subject, Days::default(), "request 7", None))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for one in std::fs::read_dir(dir).unwrap() {
        let path = one.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path);
        }
    }
    out
}

/// The secrets that stand in the key table (slots of 128 bytes; secret at 56).
fn secrets(dir: &Path) -> BTreeSet<Vec<u8>> {
    let table = std::fs::read(dir.join("subject.keys")).unwrap();
    let slots = table.chunks_exact(128).skip(1);
    slots
        .filter(|slot| slot[0] == 1)
        .map(|slot| slot[56..88].to_vec())
        .collect()
}

fn stands_somewhere(dir: &Path, secret: &[u8]) -> bool {
    files(dir).iter().any(|path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(secret.len()).any(|window| window == secret)
    })
}

#[test]
fn erased_disclosures_are_nowhere_and_the_proof_stands() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let dave = store.append(intent("dave", 1)).unwrap().sequence;
    let before = secrets(dir.path());
    let erin = store.append(intent("erin", 2)).unwrap().sequence;
    assert!(
        before
            .iter()
            .all(|secret| stands_somewhere(dir.path(), secret))
    );
    assert_eq!((before.len(), secrets(dir.path()).len()), (1, 2));

    assert_eq!(erase(&store, "dave").unwrap().keys, 1);
    for secret in &before {
        assert!(!stands_somewhere(dir.path(), secret), "a key survived");
    }
    let later = store.append(intent("dave", 3)).unwrap().sequence;
    let reader = store.reader().unwrap();
    let shown = reader.show(dave).unwrap();
    assert!(shown.disclosures.is_empty());
    assert_eq!((shown.erased.len(), shown.entry.digests.len()), (1, 2));
    assert_eq!(reader.show(erin).unwrap().disclosures.len(), 2);
    assert_eq!(reader.show(later).unwrap().disclosures.len(), 2);
    common::eventually("signed", || store.health().signed > later);
    let proof = prove(&reader, dave, Disclose::Everything)
        .unwrap()
        .to_string();
    assert!(ledger::verify::proof(&proof, &reader.vkey().into(), None).is_ok());
    store.close();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    assert_eq!(report.erased, 1);
}

#[test]
fn an_erasure_that_was_interrupted_is_finished_on_opening() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let dave = store.append(intent("dave", 1)).unwrap().sequence;
    wait(store.wait_durable(dave)).unwrap();
    let table = std::fs::read(dir.path().join("subject.keys")).unwrap();
    erase(&store, "dave").unwrap();
    store.close();
    // As if power had gone between the record and the destruction.
    std::fs::write(dir.path().join("subject.keys"), &table).unwrap();
    assert_eq!(
        store
            .reader()
            .unwrap()
            .show(dave)
            .unwrap()
            .disclosures
            .len(),
        2
    );

    let store = open(dir.path());
    let shown = store.reader().unwrap().show(dave).unwrap();
    assert_eq!((shown.disclosures.len(), shown.erased.len()), (0, 1));
    assert!(secrets(dir.path()).is_empty());
}

#[test]
fn who_is_not_known_or_gone_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.append(intent("dave", 1)).unwrap();
    assert!(matches!(
        erase(&store, "dav"),
        Err(Error::NothingKept { .. })
    ));
    let tomorrow = Days {
        from: Some(Day(40_000)),
        until: None,
    };
    let other_days = wait(store.erase("dave", tomorrow, "request 7", None));
    assert!(matches!(other_days, Err(Error::NothingKept { .. })));
    let backwards = Days {
        from: Some(Day(2)),
        until: Some(Day(1)),
    };
    let none = wait(store.erase("dave", backwards, "request 7", None));
    assert!(matches!(none, Err(Error::NoDays { .. })));
    erase(&store, "dave").unwrap();
    let again = erase(&store, "dave").unwrap_err().to_string();
    assert!(
        again.starts_with("nothing readable is kept of dave in all days"),
        "{again}"
    );
}

#[test]
fn a_hold_forbids_erasure_until_it_is_released() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let dave = store.append(intent("dave", 1)).unwrap().sequence;
    store.append(intent("erin", 2)).unwrap();
    let hold = |subject: Option<&str>, days| {
        let subject = subject.map(Into::into);
        wait(store.hold(subject, days, "case 12", None)).unwrap().0
    };
    let past = Days {
        from: None,
        until: Some(Day(1)),
    };
    hold(Some("dave"), past);
    let on_dave = hold(Some("dave"), Days::default());
    let refused = erase(&store, "dave").unwrap_err().to_string();
    assert!(refused.contains(&on_dave.id), "{refused}");
    assert!(refused.contains("case 12"), "{refused}");
    erase(&store, "erin").unwrap();
    store.close();

    // It outlives the process, and so does what it protects.
    let store = open(dir.path());
    assert_eq!(wait(store.holds()).len(), 2);
    assert!(matches!(erase(&store, "dave"), Err(Error::Held { .. })));
    assert_eq!(
        store
            .reader()
            .unwrap()
            .show(dave)
            .unwrap()
            .disclosures
            .len(),
        2
    );
    let missing = wait(store.release("hold_0", "closed", None));
    assert!(matches!(missing, Err(Error::NoSuchHold { .. })));
    for one in wait(store.holds()) {
        wait(store.release(&one.id, "closed", None)).unwrap();
    }
    erase(&store, "dave").unwrap();
    store.close();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

#[test]
fn a_hold_taken_out_of_the_list_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.append(intent("dave", 1)).unwrap();
    let (hold, _) = wait(store.hold(None, Days::default(), "case 12", None)).unwrap();
    store.close();
    std::fs::remove_file(dir.path().join("holds.json")).unwrap();
    let faults = |dir: &Path| {
        let report = verify::directory(dir, None).unwrap();
        let faults = report.faults.iter().map(ToString::to_string);
        faults.collect::<Vec<_>>().join("\n")
    };
    let listed = format!("the legal hold {} is in force and not listed", hold.id);
    assert!(faults(dir.path()).contains(&listed));

    let store = open(dir.path());
    erase(&store, "dave").unwrap();
    store.close();
    let destroyed = format!("it destroyed what the legal hold {} covered", hold.id);
    assert!(
        faults(dir.path()).contains(&destroyed),
        "{}",
        faults(dir.path())
    );

    std::fs::write(dir.path().join("holds.json"), "{").unwrap();
    assert!(faults(dir.path()).contains("not a list of legal holds"));
    let refused = Store::open(dir.path(), options()).unwrap_err().to_string();
    assert!(refused.contains("holds.json is damaged"), "{refused}");
}
