//! The process is killed while it writes; the test binary runs itself as that process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{intent, options};
use ledger::{Entry, Kind};
use store::{Ledger, Sequence, Store, verify};

const CHILD: &str = "WEIR_STORE_TEST_CHILD";

/// Appends for ever and prints every sequence once it is recorded (`a`) or durable (`d`).
#[test]
fn child() {
    let Ok(dir) = std::env::var(CHILD) else {
        return;
    };
    let store = Store::open(Path::new(&dir), options()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for statement in 0.. {
        let receipt = store.append(intent("alice", statement)).unwrap();
        println!("\na {} {statement}", receipt.sequence);
        if statement % 25 == 0 {
            runtime
                .block_on(store.wait_durable(receipt.sequence))
                .unwrap();
            println!("\nd {}", receipt.sequence);
        }
    }
}

/// Runs the child until it has said `lines` lines, kills it, and gives what it said.
fn kill_after(dir: &Path, lines: usize) -> Vec<(char, u64, Option<u64>)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let parse = |line: &str| {
        let mut words = line.split(' ');
        let kind = words.next().filter(|word| ["a", "d"].contains(word))?;
        let sequence = words.next()?.parse().ok()?;
        Some((
            kind.chars().next()?,
            sequence,
            words.next().and_then(|word| word.parse().ok()),
        ))
    };
    let mut out = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    for line in out.by_ref() {
        said.extend(parse(&line));
        if said.len() == lines {
            child.kill().unwrap();
        }
    }
    // What stood in the pipe counts too; its last line may be cut.
    child.wait().unwrap();
    assert!(said.len() >= lines, "the child ended by itself");
    said.pop();
    said
}

#[test]
fn nothing_that_was_recorded_is_lost_by_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = Vec::new();
    for run in 0..6 {
        let said = kill_after(dir.path(), 40 + run * 90);
        // Killed without a close: before anyone opens it again it is sound, except
        // perhaps for a frame that was being written.
        let report = verify::directory(dir.path(), None).unwrap();
        let cut = |fault: &verify::Fault| {
            matches!(
                fault.problem,
                verify::Problem::Frame(_) | verify::Problem::Trailing { .. }
            )
        };
        assert!(report.faults.iter().all(cut), "{:?}", report.faults);
        all.extend(said.into_iter().filter(|(kind, ..)| *kind == 'a'));
    }
    let store = Store::open(dir.path(), options()).unwrap();
    let reader = store.reader().unwrap();
    for (_, sequence, statement) in &all {
        let record = reader.entries(Sequence(*sequence)).next().unwrap().unwrap();
        let entry = record.entry().unwrap();
        assert_eq!(
            (entry.kind, entry.number("statement")),
            (Kind::Intent, *statement)
        );
    }
    store.close();
    let report = verify::directory(dir.path(), None).unwrap();
    assert!(report.is_sound(), "{:?}", report.faults);
}

#[test]
fn after_a_crash_the_log_says_so_and_every_allowed_intent_has_an_outcome() {
    let dir = tempfile::tempdir().unwrap();
    kill_after(dir.path(), 300);
    Store::open(dir.path(), options()).unwrap().close();
    let reader = store::read::Reader::open(dir.path()).unwrap();
    let mut entries = reader.entries(Sequence(0));
    let (mut intents, mut outcomes, mut gaps) = (Vec::new(), Vec::new(), 0);
    while let Some(record) = entries.next().unwrap() {
        let entry: Entry = record.entry().unwrap();
        match record.kind {
            Kind::Intent => intents.push(record.sequence.0),
            Kind::Outcome => {
                assert_eq!(entry.text("status"), Some("unknown"));
                outcomes.extend(entry.number("intent"));
            }
            Kind::Gap => {
                assert_eq!(entry.text("cause"), Some("crash"));
                gaps += 1;
            }
            _ => {}
        }
    }
    assert_eq!((intents, gaps), (outcomes, 1));
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

/// The last segment ends anywhere, as after a power loss: whatever is above the
/// checkpoint may be gone, nothing else, and the log goes on.
#[test]
fn a_torn_tail_is_dropped_on_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let quiet = store::Options {
        checkpoint_ms: 3_600_000,
        ..options()
    };
    {
        let store = Store::open(dir.path(), quiet.clone()).unwrap();
        for statement in 0..5 {
            store.append(intent("alice", statement)).unwrap();
        }
        // As a killed process: no close, and no checkpoint but the first.
        kill_like(dir.path(), store);
    }
    let copy = dir.path().join("copy");
    let mut segments: Vec<_> = std::fs::read_dir(copy.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|name| name == "wal"))
        .filter(|path| std::fs::read(path).unwrap().iter().any(|byte| *byte != 0))
        .collect();
    let segment = segments.pop().unwrap();
    assert!(segments.is_empty());
    let whole = std::fs::read(&segment).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for end in (64..=used).step_by(37).chain([used]) {
        for garbage in [0, 0xa5] {
            let again = tempfile::tempdir().unwrap();
            copy_dir(&copy, again.path());
            let mut bytes = whole.clone();
            bytes[end..used].fill(garbage);
            std::fs::write(
                again.path().join("wal").join(segment.file_name().unwrap()),
                &bytes,
            )
            .unwrap();
            let signed = verify::directory(again.path(), None)
                .unwrap()
                .signed
                .unwrap();
            match Store::open(again.path(), quiet.clone()) {
                Ok(store) => store.close(),
                // Cut into what was signed.
                Err(store::Error::Disagrees { .. }) => {
                    let report = verify::directory(again.path(), None).unwrap();
                    assert!(report.entries < signed, "byte {end}");
                    continue;
                }
                Err(other) => panic!("byte {end}: {other}"),
            }
            let report = verify::directory(again.path(), None).unwrap();
            assert!(report.is_sound(), "byte {end}: {:?}", report.faults);
            let reader = store::read::Reader::open(again.path()).unwrap();
            let mut entries = reader.entries(Sequence(0));
            let mut dropped = None;
            while let Some(record) = entries.next().unwrap() {
                if record.kind == Kind::Gap {
                    dropped = record.entry().unwrap().number("dropped_bytes");
                }
            }
            if garbage != 0 && end < used {
                assert!(dropped.is_some_and(|bytes| bytes > 0), "byte {end}");
            }
        }
    }
}

/// A segment was begun, and its header reached the disk in part only.
#[test]
fn a_segment_with_a_torn_header_is_dropped_on_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    store.append(intent("alice", 1)).unwrap();
    store.close();
    std::fs::write(dir.path().join("wal/0000000000000009.wal"), b"weirwal1\x01").unwrap();
    assert!(!verify::directory(dir.path(), None).unwrap().is_sound());
    let store = Store::open(dir.path(), options()).unwrap();
    let reader = store.reader().unwrap();
    let gap = reader.entries(Sequence(4)).next().unwrap().unwrap();
    assert_eq!(gap.kind, Kind::Gap);
    assert_eq!(gap.entry().unwrap().number("dropped_bytes"), Some(9));
    store.close();
    assert!(verify::directory(dir.path(), None).unwrap().is_sound());
}

/// Copies the directory while it is in use: what `kill -9` at this moment leaves.
fn kill_like(dir: &Path, store: std::sync::Arc<Store>) {
    let copy = dir.join("copy");
    copy_dir(dir, &copy);
    drop(store);
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("wal")).unwrap();
    for sub in ["", "wal"] {
        for entry in std::fs::read_dir(from.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, to.join(sub).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}
