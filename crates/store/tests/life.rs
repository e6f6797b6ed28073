//! The life of a ledger: written, read, proved, verified, erased, opened again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use common::{ORIGIN, intent, options, outcome};
use ledger::note::VerifierKey;
use ledger::{Kind, Ledger, Sequence};
use store::read::Reader;
use store::{Disclose, Error, Store, prove, verify};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

#[test]
fn what_is_appended_is_durable_signed_readable_and_provable() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    let key = VerifierKey::parse(&store.vkey()).unwrap();
    let mut last = None;
    for statement in 1..=500 {
        last = Some(store.append(intent("alice", statement)).unwrap().sequence);
        store.append(outcome(last.unwrap())).unwrap();
    }
    let last = last.unwrap();
    runtime().block_on(store.wait_durable(last)).unwrap();
    assert!(store.durable() > last);
    common::eventually("signed", || store.health().signed > last);

    let reader = store.reader().unwrap();
    let shown = reader.show(last).unwrap();
    assert_eq!(shown.entry.kind, Kind::Intent);
    assert_eq!(
        shown.disclosures[0].value,
        "select * from t where id = 'literal-500'"
    );
    let proof = prove(&reader, last, Disclose::Everything)
        .unwrap()
        .to_string();
    let evidence = ledger::verify::proof(&proof, &(&key).into(), None).unwrap();
    assert_eq!(evidence.entry, shown.entry);
    assert_eq!(evidence.disclosures.len(), 2);
    let bare = prove(&reader, last, Disclose::Nothing).unwrap().to_string();
    assert!(
        ledger::verify::proof(&bare, &(&key).into(), None)
            .unwrap()
            .disclosures
            .is_empty()
    );
    assert!(proof.len() < 3 << 10, "{}", proof.len());

    store.close();
    let report = verify::directory(dir.path(), Some(&(&key).into())).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
    // Opened, five hundred pairs, closed.
    assert_eq!((report.entries, report.signed), (1002, Some(1002)));
    assert_eq!(report.disclosures, 1000);
    assert!(matches!(
        prove(&reader, Sequence(5000), Disclose::Nothing),
        Err(Error::NoSuchEntry { .. })
    ));
}

#[test]
fn a_second_process_is_refused_and_a_reader_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    assert!(matches!(
        Store::open(dir.path(), options()),
        Err(Error::Locked { .. })
    ));
    assert!(Reader::open(dir.path()).is_ok());
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.live && report.is_sound(), "{:?}", report.faults);
    store.close();
    Store::open(dir.path(), options()).unwrap();
}

#[test]
fn opened_again_it_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    for run in 0..3_u64 {
        let store = Store::open(dir.path(), options()).unwrap();
        let receipt = store.append(intent("bob", run)).unwrap();
        store.append(outcome(receipt.sequence)).unwrap();
        // Each run: opened, intent and outcome, closed; nothing else, for no run crashed.
        assert_eq!(receipt.sequence, Sequence(run * 4 + 1));
        assert!(store.health().is_ready());
    }
    let reader = Reader::open(dir.path()).unwrap();
    let mut entries = reader.entries(Sequence(0));
    let mut kinds = Vec::new();
    while let Some(record) = entries.next().unwrap() {
        kinds.push(record.kind);
    }
    assert_eq!(
        kinds,
        [Kind::LogOpen, Kind::Intent, Kind::Outcome, Kind::LogClose].repeat(3)
    );
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

#[test]
fn another_origin_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path(), options()).unwrap().close();
    let other = store::Options::new("weir.example/other");
    assert!(matches!(
        Store::open(dir.path(), other),
        Err(Error::OtherOrigin { .. })
    ));
    let report = verify::directory(dir.path(), None).unwrap();
    assert_eq!(report.origin, ORIGIN);
}

#[test]
fn a_reader_follows_what_is_written_across_segments() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    let reader = store.reader().unwrap();
    let mut entries = reader.entries(Sequence(1));
    for statement in 0..1000 {
        let receipt = store.append(intent("carol", statement)).unwrap();
        let record = entries.next().unwrap().unwrap();
        assert_eq!(record.sequence, receipt.sequence);
        assert_eq!(record.entry().unwrap().number("statement"), Some(statement));
        assert!(entries.next().unwrap().is_none());
    }
    // Segments are numbered; some may be sealed already.
    assert!(
        common::names(dir.path(), "wal")
            .iter()
            .any(|name| name.as_str() > "0000000000000005")
    );
}

#[test]
fn no_literal_is_in_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    store.append(intent("frank", 41)).unwrap();
    store.close();
    for path in ["wal", "."]
        .iter()
        .flat_map(|sub| std::fs::read_dir(dir.path().join(sub)).unwrap())
    {
        let path = path.unwrap().path();
        if let Ok(bytes) = std::fs::read(&path) {
            for secret in [&b"literal-41"[..], b"billing"] {
                let found = bytes.windows(secret.len()).any(|window| window == secret);
                assert!(!found, "{}", path.display());
            }
        }
    }
}

#[test]
fn an_idle_ledger_is_signed_within_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    let receipt = store.append(intent("grace", 1)).unwrap();
    // Nobody waits and nobody asks: the pace alone does it.
    common::eventually("durable", || store.durable() > receipt.sequence);
    common::eventually("signed", || store.health().signed > receipt.sequence);
}

#[test]
fn waiters_on_many_runtimes_are_woken() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let store = &store;
            scope.spawn(move || {
                runtime().block_on(async {
                    for statement in 0..20 {
                        let receipt = store
                            .append(intent("henry", thread * 100 + statement))
                            .unwrap();
                        store.wait_durable(receipt.sequence).await.unwrap();
                        assert!(store.durable() > receipt.sequence);
                    }
                });
            });
        }
    });
}
