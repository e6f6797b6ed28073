//! Outputs over segments and packs: what is owed is told, from wherever they go on.
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
use std::time::Duration;

use common::{FaultyDisk, eventually, fill, intent, outcome, unpacked};
use ledger::{Ledger, Sequence};
use serde_json::Value;
use store::Store;
use store::ship::{Output, Outputs, Start, To};

fn output(file: &Path) -> Vec<Output> {
    vec![Output {
        name: "siem".into(),
        start: Start::First,
        disclose: vec!["text".into()],
        to: To::File {
            path: file.to_owned(),
            rotate_bytes: 1 << 30,
            keep: 1,
        },
    }]
}

fn start(store: &Arc<Store>, folder: &Path) -> (Outputs, PathBuf) {
    let file = folder.join("events.jsonl");
    let outputs = Outputs::start(output(&file), store, &folder.join("cursors")).unwrap();
    (outputs, file)
}

fn caught_up(store: &Store, outputs: &Outputs) {
    store.request_sync();
    eventually("told", || {
        let health = store.health();
        health.durable == health.appended && outputs.statuses()[0].next() == health.durable
    });
}

fn told(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn outcomes_find_their_intents_in_packs_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let store = Store::open(&dir, unpacked()).unwrap();
    let (outputs, file) = start(&store, folder.path());
    let early = store.append(intent("alice", 1_000_000)).unwrap().sequence;
    fill(&store, 700);
    caught_up(&store, &outputs);
    // In good order: the cursor stands at the end, the early intent is open.
    outputs.stop(Duration::from_secs(10));
    let sealed = store.seal().unwrap();
    assert!(sealed > early);
    let before = told(&file).len();
    store.append(outcome(early)).unwrap();
    let (outputs, _) = start(&store, folder.path());
    caught_up(&store, &outputs);
    let events = told(&file);
    let [event] = &events[before..] else {
        panic!("{} events more", events.len() - before)
    };
    assert_eq!(event["unmapped"]["intent_leaf_index"], early.0);
    let request = event["metadata"]["correlation_uid"].as_str().unwrap();
    assert!(request.ends_with("/1000000"), "{request}");
    assert!(event["query_info"]["query_string"].is_string(), "{event}");
}

#[test]
fn a_cursor_beyond_the_ledger_is_told_and_leaves_nothing_out() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let store = Store::open(&dir, unpacked()).unwrap();
    let (outputs, _) = start(&store, folder.path());
    fill(&store, 3);
    caught_up(&store, &outputs);
    outputs.stop(Duration::from_secs(10));
    // The ledger of a backup, the cursor of today.
    let cursor = folder.path().join("cursors/siem.json");
    let mut content: Value = serde_json::from_slice(&std::fs::read(&cursor).unwrap()).unwrap();
    content["next"] = 1_000_000.into();
    std::fs::write(&cursor, content.to_string()).unwrap();
    let (outputs, _) = start(&store, folder.path());
    let status = &outputs.statuses()[0];
    eventually("the fault is told", || {
        status
            .trouble()
            .is_some_and(|what| what.contains("is it a copy?"))
    });
    assert_eq!(status.next(), Sequence(0));
    assert_eq!(
        std::fs::read_to_string(&cursor).unwrap(),
        content.to_string()
    );
}

#[test]
fn nothing_is_told_before_it_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("ledger");
    let (disk, faults) = FaultyDisk::new();
    let store = Store::open_on(disk, &dir, unpacked()).unwrap();
    fill(&store, 3);
    // Written, readable, and not on disk.
    faults.fail_sync.store(true, Ordering::SeqCst);
    let one = store.append(intent("alice", 7)).unwrap().sequence;
    store.request_sync();
    eventually("the fault is there", || !store.health().is_ready());
    let durable = store.durable();
    assert!(durable <= one);
    let reader = store.reader().unwrap();
    assert!(reader.entries(one).next().unwrap().is_some());
    let (outputs, file) = start(&store, folder.path());
    let next = || outputs.statuses()[0].next();
    eventually("what is on disk is told", || next() >= durable);
    assert_eq!(next(), durable);
    faults.fail_sync.store(false, Ordering::SeqCst);
    eventually("it heals", || store.health().is_ready());
    store.append(outcome(one)).unwrap();
    caught_up(&store, &outputs);
    let of_one = |event: &Value| event["unmapped"]["intent_leaf_index"] == one.0;
    assert!(told(&file).iter().any(of_one), "{:#?}", told(&file));
}
