//! The index is the ledger: whatever is asked of it, in whatever state it is, it
//! answers as a reading of every entry does.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::searching::{self, Life, Oracle, ask, queries};
use common::{eventually, options};
use ledger::Ledger;
use proptest::prelude::*;
use store::Store;
use store::read::Reader;
use store::search::{Index, Keeper, Keeping, Place, Query, Searcher, compare, rebuild};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn place(dir: &Path) -> Place {
    Place::Folder(dir.join("search"))
}

fn keeping(segment_entries: u64) -> Keeping {
    Keeping {
        segment_entries,
        seal_after: Duration::from_millis(50),
    }
}

fn signed(store: &Store) {
    eventually("signed", || {
        let health = store.health();
        health.signed.0 == health.appended.0
    });
}

/// Everything the index says to these questions, from the files.
async fn check_files(dir: &Path, oracle: &Oracle, seed: u64) {
    let reader = Reader::open(dir).unwrap();
    let index = Index::open(&reader, &place(dir)).unwrap();
    let snapshot = Searcher::new(index)
        .unwrap()
        .snapshot(&reader)
        .await
        .unwrap();
    for query in queries(oracle, seed) {
        same(
            &ask(&snapshot, &query).await,
            &oracle.answer(&query),
            &query,
        );
    }
}

/// Tells the first row that differs.
fn same(found: &[serde_json::Value], expected: &[serde_json::Value], query: &Query) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "{query:?}");
    }
    assert_eq!(found.len(), expected.len(), "{query:?}");
}

/// How many lives: few by default, because a query takes long without optimisation.
fn cases() -> u32 {
    let set = std::env::var("PROPTEST_CASES").ok();
    set.and_then(|cases| cases.parse().ok()).unwrap_or(3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// The state of the index does not show: none at all, whole, with segments missing,
    /// foreign, half-written or replaced, and after it was made anew.
    #[test]
    fn the_index_answers_as_the_ledger_does(
        seed in any::<u64>(),
        entries in 50_usize..600,
        segment_entries in 16_u64..200,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), options()).unwrap();
        let mut life = Life::new(seed);
        life.go_on(&store, entries);
        signed(&store);
        let oracle = Oracle::read(dir.path());
        runtime().block_on(async {
            check_files(dir.path(), &oracle, seed).await;
            let reader = Reader::open(dir.path()).unwrap();
            let index = Index::create(&reader, &place(dir.path())).unwrap();
            let rebuilt = rebuild(&reader, &index, segment_entries, &mut |_, _| {}).await.unwrap();
            prop_assert_eq!(rebuilt.entries, oracle.entries());
            prop_assert_eq!(compare(&reader, &index, &mut |_, _| {}).await.unwrap(), vec![]);
            check_files(dir.path(), &oracle, seed).await;
            searching::spoil(&dir.path().join("search/v1"), seed);
            check_files(dir.path(), &oracle, seed).await;
            rebuild(&reader, &index, segment_entries.div_ceil(2), &mut |_, _| {}).await.unwrap();
            prop_assert_eq!(compare(&reader, &index, &mut |_, _| {}).await.unwrap(), vec![]);
            check_files(dir.path(), &oracle, seed).await;
            Ok(())
        })?;
    }

    /// While entries are written, sealed and searched at once, and after the keeper and
    /// the ledger stopped at any point and went on.
    #[test]
    fn the_index_follows_the_ledger(
        seed in any::<u64>(),
        parts in proptest::collection::vec(20_usize..200, 1..4),
        segment_entries in 16_u64..120,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut life = Life::new(seed);
        for (number, part) in parts.into_iter().enumerate() {
            let store = Store::open(dir.path(), options()).unwrap();
            let report = |error: &store::search::Error| panic!("{error}");
            let mut keeper =
                Keeper::start(&store, place(dir.path()), keeping(segment_entries), report).unwrap();
            life.go_on(&store, part);
            let end = store.health().appended.0;
            store.request_sync();
            let hot = keeper.hot();
            eventually("searchable", || hot.searchable() >= end);
            let oracle = Oracle::read(dir.path());
            runtime().block_on(async {
                let snapshot = hot.snapshot().await.unwrap().unwrap();
                for query in queries(&oracle, seed) {
                    same(&ask(&snapshot, &query).await, &oracle.answer(&query), &query);
                }
                check_files(dir.path(), &oracle, seed).await;
            });
            // Every other time the keeper is gone before the ledger is.
            if number % 2 == 0 {
                keeper.stop();
            }
            store.close();
        }
    }
}

#[test]
fn what_is_committed_is_searchable_without_a_file_being_read() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    let keeper = Keeper::start(&store, place(dir.path()), Keeping::default(), |_| {}).unwrap();
    let hot = keeper.hot();
    let receipt = store.append(common::intent("alice", 1)).unwrap();
    let runtime = runtime();
    runtime
        .block_on(store.wait_durable(receipt.sequence))
        .unwrap();
    eventually("searchable", || hot.searchable() > receipt.sequence.0);
    let snapshot = runtime.block_on(hot.snapshot()).unwrap().unwrap();
    let query = Query {
        who: Some("alice".to_owned()),
        limit: 10,
        ..Query::default()
    };
    let answer = runtime.block_on(snapshot.search(&query)).unwrap();
    let seq = receipt.sequence.0.to_string();
    assert_eq!(
        answer.rows(&["seq", "principal"]).unwrap(),
        [[seq, "alice".to_owned()]]
    );
}

#[test]
fn a_ledger_put_back_to_an_earlier_state_makes_its_index_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    let store = Store::open(&old, options()).unwrap();
    let mut life = Life::new(1);
    life.go_on(&store, 100);
    store.close();
    drop(store);
    let copy = |from: &Path, to: &Path| {
        assert!(
            std::process::Command::new("cp")
                .arg("-a")
                .args([from, to])
                .status()
                .unwrap()
                .success()
        );
    };
    copy(&old, &new);
    // The index is of a life that the ledger no longer remembers.
    let report = |error: &store::search::Error| panic!("{error}");
    let live = |dir: &Path, life: &mut Life, entries| {
        let store = Store::open(dir, options()).unwrap();
        let keeper = Keeper::start(&store, place(&new), keeping(64), report).unwrap();
        life.go_on(&store, entries);
        store.request_sync();
        let end = store.health().appended.0;
        let hot = keeper.hot();
        eventually("searchable", || hot.searchable() >= end);
        drop(keeper);
        store.close();
    };
    live(&new, &mut life, 300);
    std::fs::rename(new.join("search"), old.join("search")).unwrap();
    std::fs::remove_dir_all(&new).unwrap();
    copy(&old, &new);
    let oracle = Oracle::read(&new);
    runtime().block_on(check_files(&new, &oracle, 1));
    let mut other = Life::new(2);
    live(&new, &mut other, 400);
    let oracle = Oracle::read(&new);
    runtime().block_on(async {
        check_files(&new, &oracle, 1).await;
        let reader = Reader::open(&new).unwrap();
        let index = Index::open(&reader, &place(&new)).unwrap();
        assert_eq!(compare(&reader, &index, &mut |_, _| {}).await.unwrap(), []);
    });
}

#[test]
fn what_is_not_a_segment_of_this_log_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("one"), dir.path().join("other"));
    for dir in [&one, &other] {
        let store = Store::open(dir, options()).unwrap();
        Life::new(7).go_on(&store, 120);
        signed(&store);
        runtime().block_on(async {
            let reader = Reader::open(dir).unwrap();
            let index = Index::create(&reader, &place(dir)).unwrap();
            rebuild(&reader, &index, 32, &mut |_, _| {}).await.unwrap();
        });
    }
    let folder = one.join("search/v1");
    let name = |from, to| folder.join(format!("{from:012}-{to:012}.parquet"));
    std::fs::copy(
        other
            .join("search/v1")
            .join(name(0, 32).file_name().unwrap()),
        name(0, 32),
    )
    .unwrap();
    let bytes = std::fs::read(name(32, 64)).unwrap();
    std::fs::write(name(32, 64), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::rename(name(64, 96), name(64, 99)).unwrap();
    std::fs::write(folder.join("000000000096-000000000128.parquet"), b"PAR1").unwrap();
    std::fs::write(folder.join("notes.txt"), b"hello").unwrap();
    let oracle = Oracle::read(&one);
    runtime().block_on(async {
        let reader = Reader::open(&one).unwrap();
        let index = Index::open(&reader, &place(&one)).unwrap();
        let snapshot = Searcher::new(index.clone()).unwrap().snapshot(&reader).await.unwrap();
        let faults: Vec<String> = snapshot.faults().iter().map(ToString::to_string).collect();
        expect_test::expect![[r#"
            search segment 000000000000-000000000032.parquet is not used: it is of another log, weir.example/test-1
            search segment 000000000032-000000000064.parquet is not used: it is half-written or damaged
            search segment 000000000064-000000000099.parquet is not used: it is of other entries than its name says
            search segment 000000000096-000000000128.parquet is not used: it is half-written or damaged
            search segment notes.txt is not used: it is not named like a segment
        "#]]
        .assert_eq(&(faults.join("\n") + "\n"));
        check_files(&one, &oracle, 7).await;
        rebuild(&reader, &index, 32, &mut |_, _| {}).await.unwrap();
        let snapshot = Searcher::new(index.clone()).unwrap().snapshot(&reader).await.unwrap();
        assert_eq!(snapshot.faults(), []);
    });
}

#[test]
fn a_segment_damaged_inside_is_told_and_the_ledger_read_instead() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    Life::new(11).go_on(&store, 200);
    signed(&store);
    let oracle = Oracle::read(dir.path());
    runtime().block_on(async {
        let reader = Reader::open(dir.path()).unwrap();
        let index = Index::create(&reader, &place(dir.path())).unwrap();
        rebuild(&reader, &index, 64, &mut |_, _| {}).await.unwrap();
        let name = "000000000064-000000000128.parquet";
        let path = dir.path().join("search/v1").join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[4..2000].fill(0);
        std::fs::write(&path, bytes).unwrap();
        let searcher = Searcher::new(index).unwrap();
        let query = Query {
            limit: 10_000,
            ..Query::default()
        };
        let snapshot = searcher.snapshot(&reader).await.unwrap();
        let answer = snapshot.search(&query).await;
        assert!(
            matches!(answer, Err(store::search::Error::Read(_))),
            "{answer:?}"
        );
        let snapshot = searcher.readable_snapshot(&reader).await.unwrap();
        assert_eq!(
            snapshot.faults()[0].to_string(),
            format!("search segment {name} is not used: it cannot be read")
        );
        same(
            &ask(&snapshot, &query).await,
            &oracle.answer(&query),
            &query,
        );
    });
}

#[test]
fn what_is_pruned_is_not_found_and_not_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    Life::new(3).go_on(&store, 300);
    signed(&store);
    runtime().block_on(async {
        let reader = Reader::open(dir.path()).unwrap();
        let index = Index::create(&reader, &place(dir.path())).unwrap();
        rebuild(&reader, &index, 50, &mut |_, _| {}).await.unwrap();
        assert_eq!(index.prune(120).await.unwrap(), 2);
        let least = async || {
            let searcher = Searcher::new(index.clone()).unwrap();
            let snapshot = searcher.snapshot(&reader).await.unwrap();
            let answer = snapshot
                .sql("SELECT min(seq) AS least FROM entries")
                .await
                .unwrap();
            answer.rows(&["least"]).unwrap()
        };
        assert_eq!(least().await, [["120"]]);
        rebuild(&reader, &index, 50, &mut |_, _| {}).await.unwrap();
        assert_eq!(least().await, [["120"]]);
        assert_eq!(index.prune(10).await.unwrap(), 0);
    });
}

#[test]
fn what_the_ledger_no_longer_keeps_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    Life::new(9).go_on(&store, 2000);
    signed(&store);
    let mut least = Vec::new();
    let packed = || {
        !store
            .prune(store::retention::Below::Index(600), None, None)
            .unwrap()
            .is_empty()
    };
    eventually("packed and pruned", packed);
    let minimum = store.reader().unwrap().minimum().unwrap().0;
    for segment_entries in [100, 64] {
        runtime().block_on(async {
            let reader = Reader::open(dir.path()).unwrap();
            let index = Index::create(&reader, &place(dir.path())).unwrap();
            let searcher = Searcher::new(index.clone()).unwrap();
            let snapshot = searcher.snapshot(&reader).await.unwrap();
            let answer = snapshot
                .sql("SELECT min(seq) AS least FROM entries")
                .await
                .unwrap();
            least.extend(answer.rows(&["least"]).unwrap());
            rebuild(&reader, &index, segment_entries, &mut |_, _| {})
                .await
                .unwrap();
            assert_eq!(compare(&reader, &index, &mut |_, _| {}).await.unwrap(), []);
        });
    }
    // A keeper finds the same, and drops what is not kept.
    let keeper = Keeper::start(&store, place(dir.path()), keeping(128), |_| {}).unwrap();
    let hot = keeper.hot();
    let end = store.health().appended.0;
    eventually("searchable", || hot.searchable() >= end);
    let runtime = runtime();
    let snapshot = runtime.block_on(hot.snapshot()).unwrap().unwrap();
    let answer = runtime
        .block_on(snapshot.sql("SELECT min(seq) AS least FROM entries"))
        .unwrap();
    least.extend(answer.rows(&["least"]).unwrap());
    assert_eq!(least, vec![vec![minimum.to_string()]; 3]);
}

#[test]
fn nothing_that_can_be_erased_is_in_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), options()).unwrap();
    let keeper = Keeper::start(&store, place(dir.path()), keeping(64), |_| {}).unwrap();
    let mut life = Life::new(5);
    life.go_on(&store, 200);
    store.request_sync();
    let hot = keeper.hot();
    let end = store.health().appended.0;
    eventually("sealed", || hot.searchable() >= end);
    drop(keeper);
    let mut files = 0;
    for file in std::fs::read_dir(dir.path().join("search/v1")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|end| end != "parquet") {
            continue;
        }
        files += 1;
        // Every page decompressed, of the rows and of the dictionaries.
        for value in searching::every_text(&path) {
            assert!(!value.contains(searching::SECRET), "{value}");
        }
    }
    assert!(files > 2);
    // The check can fail: the ledger's own disclosures hold it.
    let reader = Reader::open(dir.path()).unwrap();
    let shown = (0..end).any(|seq| {
        let shown = reader.show(store::Sequence(seq)).unwrap();
        shown
            .disclosures
            .iter()
            .any(|one| one.value.contains(searching::SECRET))
    });
    assert!(shown);
}
