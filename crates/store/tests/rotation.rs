//! The key of a log changes, and nobody is left behind.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::{FaultyDisk, eventually, intent, options};
use ledger::note::{Note, VerifierKey};
use ledger::trust::Policy;
use store::clock::Clock;
use store::read::Reader;
use store::{Disclose, Error, Ledger, Options, Store, prove, rotate, verify};

const HOUR_MS: u64 = 3_600_000;
const BEGIN_NS: u64 = 1_795_000_000_000_000_000;

/// A clock that a test sets.
#[derive(Debug, Default)]
struct Set(AtomicU64);

impl Set {
    fn add_ms(&self, ms: u64) {
        self.0.fetch_add(ms * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for Set {
    fn wall_ns(&self) -> u64 {
        BEGIN_NS + self.0.load(Ordering::SeqCst)
    }
    fn monotonic_ns(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn at(clock: &Arc<Set>) -> Options {
    Options {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        ..options()
    }
}

fn append_signed(store: &Store, statement: u64) {
    let receipt = store.append(intent("alice", statement)).unwrap();
    eventually("signed", || store.health().signed > receipt.sequence);
}

fn checkpoint(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("checkpoint")).unwrap()
}

fn signed_by(dir: &Path, key: &VerifierKey) -> bool {
    let text = checkpoint(dir);
    Note::parse(&text).unwrap().is_signed_by(key).unwrap()
}

fn kinds(dir: &Path) -> Vec<String> {
    let reader = Reader::open(dir).unwrap();
    let mut entries = reader.entries(store::Sequence(0));
    let mut out = Vec::new();
    while let Some(record) = entries.next().unwrap() {
        let entry = record.entry().unwrap();
        let state = entry.text("state").unwrap_or_default().to_owned();
        if record.kind == ledger::Kind::LogKey {
            out.push(state);
        }
    }
    out
}

fn sound(dir: &Path) {
    let report = verify::directory(dir, None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

#[test]
fn both_keys_sign_for_the_overlap_and_then_the_new_one_alone() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Set::default());
    let store = Store::open(dir.path(), at(&clock)).unwrap();
    append_signed(&store, 1);
    let old = VerifierKey::parse(&store.vkey()).unwrap();
    let reader = store.reader().unwrap();
    let early = prove(&reader, store::Sequence(1), Disclose::Everything).unwrap();

    rotate::request(dir.path(), HOUR_MS).unwrap();
    eventually("rotated", || store.vkey() != old.to_string());
    let new = VerifierKey::parse(&store.vkey()).unwrap();
    append_signed(&store, 2);
    assert!(signed_by(dir.path(), &old) && signed_by(dir.path(), &new));
    let both = checkpoint(dir.path());
    for key in [&old, &new] {
        let report = verify::directory(dir.path(), Some(&key.into())).unwrap();
        assert!(report.is_sound(), "{:?}", report.faults);
    }
    // A reader that was open before sees checkpoints of either.
    assert!(reader.checkpoint().is_ok());

    clock.add_ms(HOUR_MS);
    eventually("retired", || {
        let keys = Reader::open(dir.path()).unwrap().keys().unwrap();
        keys[0].to.is_some()
    });
    append_signed(&store, 3);
    assert!(!signed_by(dir.path(), &old) && signed_by(dir.path(), &new));
    assert!(reader.checkpoint().is_ok());
    let secrets = std::fs::read_to_string(dir.path().join("signing.key")).unwrap();
    assert_eq!(secrets.lines().count(), 1);
    store.close();
    assert_eq!(kinds(dir.path()), ["added", "retired"]);
    sound(dir.path());

    // What the old key signed stays proven, for who has it and by the directory.
    let reader = Reader::open(dir.path()).unwrap();
    assert_eq!(*reader.vkey(), new);
    for trust in [&Policy::from(&old), reader.trust()] {
        ledger::verify::proof(&early.to_string(), trust, None).unwrap();
    }
    // Who has the old key alone is told.
    let report = verify::directory(dir.path(), Some(&Policy::from(&old))).unwrap();
    assert!(!report.is_sound());

    // The old key vouches for nothing above.
    let keys = reader.keys().unwrap();
    assert_eq!((keys.len(), keys[1].to), (2, None));
    let text = checkpoint(dir.path());
    std::fs::write(dir.path().join("checkpoint"), &both).unwrap();
    sound(dir.path());
    std::fs::write(dir.path().join("checkpoint"), text).unwrap();
}

/// Somebody kept the secret of a retired key and signs with it.
#[test]
fn a_retired_key_signs_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    append_signed(&store, 1);
    let kept = std::fs::read_to_string(dir.path().join("signing.key")).unwrap();
    let kept = ledger::note::Signer::parse(&kept).unwrap();
    rotate::request(dir.path(), 0).unwrap();
    eventually("rotated", || store.vkey() != kept.verifier().to_string());
    append_signed(&store, 2);
    store.close();
    let reader = Reader::open(dir.path()).unwrap();
    let (head, _) = reader.checkpoint().unwrap();
    std::fs::write(dir.path().join("checkpoint"), head.sign(&kept).unwrap()).unwrap();
    let report = verify::directory(dir.path(), None).unwrap();
    let said = report.faults[0].to_string();
    assert!(said.contains("only by a key that was retired at"), "{said}");
    let refused = Store::open(dir.path(), options());
    assert!(matches!(refused, Err(Error::Content { .. })), "{refused:?}");
}

/// The disk fails at every place of a rotation in turn, and the process ends there.
#[test]
fn a_rotation_that_was_interrupted_anywhere_is_finished_by_the_next_start() {
    let mut seen = std::collections::BTreeSet::new();
    for budget in (0..6000).step_by(300) {
        let dir = tempfile::tempdir().unwrap();
        let (disk, faults) = FaultyDisk::new();
        let clock = Arc::new(Set::default());
        let store = Store::open_on(disk, dir.path(), at(&clock)).unwrap();
        append_signed(&store, 1);
        let old = store.vkey();
        faults.budget.store(budget, Ordering::SeqCst);
        rotate::request(dir.path(), HOUR_MS).unwrap();
        clock.add_ms(1);
        eventually("tried", || {
            store.vkey() != old || store.rotation_fault().is_some() || !store.health().is_ready()
        });
        seen.insert((store.vkey() != old, store.rotation_fault().is_some()));
        // As a crash leaves it.
        let copy = tempfile::tempdir().unwrap();
        for name in [
            "id.json",
            "signing.key",
            "subject.keys",
            "checkpoint",
            "rotate.json",
        ] {
            let _ = std::fs::copy(dir.path().join(name), copy.path().join(name));
        }
        std::fs::create_dir(copy.path().join("wal")).unwrap();
        for entry in std::fs::read_dir(dir.path().join("wal")).unwrap() {
            let path = entry.unwrap().path();
            let to = copy.path().join("wal").join(path.file_name().unwrap());
            std::fs::copy(&path, to).unwrap();
        }
        drop(store);
        let store = Store::open(copy.path(), at(&clock)).unwrap();
        assert_ne!(store.vkey(), old);
        append_signed(&store, 2);
        store.close();
        let reader = Reader::open(copy.path()).unwrap();
        assert_eq!(reader.keys().unwrap().len(), 2);
        let old = VerifierKey::parse(&old).unwrap();
        assert!(signed_by(copy.path(), &old) && signed_by(copy.path(), reader.vkey()));
        assert!(!copy.path().join("rotate.json").exists());
        sound(copy.path());
    }
    assert!(
        seen.contains(&(false, true)) && seen.contains(&(true, false)),
        "{seen:?}"
    );
}

#[test]
fn a_request_is_taken_up_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    let old = store.vkey();
    store.close();
    rotate::request(dir.path(), HOUR_MS).unwrap();
    let request = std::fs::read(dir.path().join("rotate.json")).unwrap();
    Store::open(dir.path(), options()).unwrap().close();
    std::fs::write(dir.path().join("rotate.json"), request).unwrap();
    Store::open(dir.path(), options()).unwrap().close();
    let keys = Reader::open(dir.path()).unwrap().keys().unwrap();
    assert_eq!((keys.len(), &keys[0].vkey), (2, &old));
    assert!(!dir.path().join("rotate.json").exists());
    for _ in 2..8 {
        rotate::request(dir.path(), HOUR_MS).unwrap();
        Store::open(dir.path(), options()).unwrap().close();
    }
    let refused = rotate::request(dir.path(), HOUR_MS);
    assert!(matches!(refused, Err(Error::TooManyKeys { signing: 8 })));
    sound(dir.path());
}

#[test]
fn another_logs_key_or_files_are_told_and_nothing_is_lost() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for place in [&dir, &other] {
        let store = Store::open(place.path(), options()).unwrap();
        append_signed(&store, 1);
        store.close();
    }
    for (name, told) in [
        ("signing.key", "it is not the key of this log"),
        ("checkpoint", "the note carries no signature by"),
        ("subject.keys", "it is not this log's key table"),
        ("id.json", "it is not the key of this log"),
    ] {
        let path = dir.path().join(name);
        let own = std::fs::read(&path).unwrap();
        std::fs::copy(other.path().join(name), &path).unwrap();
        let refused = Store::open(dir.path(), options()).unwrap_err().to_string();
        assert!(refused.contains(told), "{name}: {refused}");
        // A check reads no secrets, so that it can be made on a copy without them.
        if name != "signing.key" {
            let named = match verify::directory(dir.path(), None) {
                Ok(report) => !report.is_sound(),
                Err(error) => panic!("{name}: {error}"),
            };
            assert!(named, "{name}");
        }
        std::fs::write(&path, own).unwrap();
        sound(dir.path());
    }
    Store::open(dir.path(), options()).unwrap().close();
    sound(dir.path());
}
