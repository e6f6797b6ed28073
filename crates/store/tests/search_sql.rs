//! `weir audit sql`: the views say what the ledger says, and a SELECT reaches nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests"
)]

mod common;

use common::{eventually, options};
use expect_test::expect;
use ledger::event::{CloseReason, PrincipalKind, SessionClose, SessionOpen};
use ledger::{Event, Ledger as _, Sequence};
use store::Store;
use store::read::Reader;
use store::search::{Index, Place, Searcher, Snapshot, VIEWS, rebuild};

fn open(session: &str) -> Event {
    SessionOpen {
        session: session.into(),
        principal: "bot".into(),
        principal_kind: PrincipalKind::Agent,
        on_behalf_of: Some("alice".into()),
        target: "app".into(),
        environment: "prod".into(),
        tls: None,
        protocol: "postgresql/3.0".into(),
        key: "k1".into(),
        address: None,
        application: None,
    }
    .into()
}

fn close(session: &str) -> Event {
    SessionClose {
        session: session.into(),
        reason: CloseReason::Terminated,
        statements: 2,
        refused: 1,
        rows: 1,
        bytes: 10,
        masked_cells: 0,
        duration_ms: 5,
    }
    .into()
}

/// Two sessions and three statements, whose last outcome comes long after it is sealed.
fn lived(dir: &std::path::Path) -> Snapshot {
    let store = Store::open(dir, options()).unwrap();
    let first = store.health().appended.0;
    assert!(first < 5, "the entries of a start are few");
    for number in first..5 {
        store.append(common::intent("filler", number)).unwrap();
    }
    store.append(open("0193-session")).unwrap();
    let late = store.append(common::intent("bot", 1)).unwrap().sequence;
    let soon = store.append(common::intent("bot", 2)).unwrap().sequence;
    store.append(common::outcome(soon)).unwrap();
    assert_eq!(soon, Sequence(7));
    store.append(close("0193-session")).unwrap();
    store.append(open("other")).unwrap();
    store.append(common::outcome(late)).unwrap();
    store.append(common::intent("carol", 1)).unwrap();
    eventually("signed", || {
        store.health().signed == store.health().appended
    });
    let reader = Reader::open(dir).unwrap();
    let place = Place::Folder(dir.join("search"));
    runtime().block_on(async {
        let index = Index::create(&reader, &place).unwrap();
        rebuild(&reader, &index, 9, &mut |_, _| {}).await.unwrap();
        Searcher::new(index)
            .unwrap()
            .snapshot(&reader)
            .await
            .unwrap()
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn table(snapshot: &Snapshot, sql: &str) -> String {
    let answer = runtime().block_on(snapshot.sql(sql)).unwrap();
    let names: Vec<&str> = answer.names().iter().map(String::as_str).collect();
    let rows = answer.rows(&names).unwrap();
    let lines = rows.iter().map(|row| row.join(" | ") + "\n");
    names.join(" | ") + "\n" + &lines.collect::<String>()
}

#[test]
fn views_join_what_belongs_together() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = lived(dir.path());
    let check =
        |sql: &str, expected: expect_test::Expect| expected.assert_eq(&table(&snapshot, sql));
    check(
        "SELECT seq, principal, on_behalf_of, environment, verbs, objects, status, outcome_seq, rows
           FROM statements WHERE principal <> 'filler' ORDER BY seq",
        expect![[r#"
            seq | principal | on_behalf_of | environment | verbs | objects | status | outcome_seq | rows
            6 | bot | alice | prod | [read] | [public.t] | ok | 11 | 1
            7 | bot | alice | prod | [read] | [public.t] | ok | 8 | 1
            12 | carol |  |  | [read] | [public.t] |  |  | 
        "#]],
    );
    check(
        "SELECT seq, session, principal_kind, closed_seq, reason, statements, refused, duration_us
           FROM sessions ORDER BY seq",
        expect![[r#"
            seq | session | principal_kind | closed_seq | reason | statements | refused | duration_us
            5 | 0193-session | agent | 9 | terminated | 2 | 1 | 5000
            10 | other | agent |  |  |  |  | 
        "#]],
    );
    check("SELECT count(*) AS n FROM masks", expect![["n\n0\n"]]);
    check("SELECT count(*) AS n FROM decisions", expect![["n\n0\n"]]);
    check(
        "SELECT kind, count(*) AS n FROM entries WHERE seq >= 5 GROUP BY kind ORDER BY kind",
        expect![[r#"
            kind | n
            session.close | 1
            session.open | 2
            statement.intent | 3
            statement.outcome | 1
        "#]],
    );
    assert_eq!(VIEWS.len(), 4);
}

#[test]
fn a_select_reaches_nothing_but_the_index() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = lived(dir.path());
    let secret = dir.path().join("secret.csv");
    std::fs::write(&secret, "a,b\nhidden,value\n").unwrap();
    let out = dir.path().join("out");
    let parquet = std::fs::read_dir(dir.path().join("search/v1"))
        .unwrap()
        .next();
    let parquet = parquet.unwrap().unwrap().path();
    let (secret, out, parquet) = (secret.display(), out.display(), parquet.display());
    let before = std::fs::read_dir(dir.path()).unwrap().count();
    for sql in [
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{secret}'"),
        format!("CREATE EXTERNAL TABLE t STORED AS PARQUET LOCATION '{parquet}'"),
        format!("COPY entries TO '{out}' STORED AS CSV"),
        format!("COPY (SELECT 1) TO '{out}'"),
        format!("SELECT * FROM '{secret}'"),
        format!("SELECT * FROM '{parquet}'"),
        format!("SELECT * FROM \"file://{secret}\""),
        format!("SELECT * FROM read_csv('{secret}')"),
        format!("SELECT * FROM read_parquet('{parquet}')"),
        format!("SELECT * FROM parquet_metadata('{parquet}')"),
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet'".to_owned(),
        "SELECT * FROM 's3://bucket/x.parquet'".to_owned(),
        "CREATE TABLE t AS SELECT * FROM entries".to_owned(),
        "CREATE VIEW v AS SELECT * FROM entries".to_owned(),
        "CREATE FUNCTION f(BIGINT) RETURNS BIGINT RETURN $1".to_owned(),
        "INSERT INTO entries SELECT * FROM entries".to_owned(),
        "DELETE FROM entries".to_owned(),
        "UPDATE entries SET seq = 0".to_owned(),
        "DROP TABLE entries".to_owned(),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        "EXPLAIN ANALYZE COPY entries TO 'x'".to_owned(),
        "SELECT 1; DROP TABLE entries".to_owned(),
        "BEGIN".to_owned(),
        "SELECT getenv('HOME')".to_owned(),
        "SELECT pg_read_file('/etc/passwd')".to_owned(),
        format!("SELECT 1 {}", "+1".repeat(20_000)),
        String::new(),
    ] {
        let answer = runtime().block_on(snapshot.sql(&sql));
        let shown: String = sql.chars().take(60).collect();
        match answer {
            Err(error) => assert!(!error.to_string().contains("hidden"), "{shown}: {error}"),
            Ok(_) => panic!("{shown}"),
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), before);
    // The check can fail: what is allowed is answered.
    assert_eq!(
        table(&snapshot, "SELECT count(*) > 3 AS many FROM entries"),
        "many\ntrue\n"
    );
}

#[test]
fn the_deepest_text_there_may_be_is_answered_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let snapshot = lived(dir.path());
    // SELECT counts, too, and some of these count more than once.
    let fill = |before: &str, one: &str, after: &str| format!("{before}{}{after}", one.repeat(240));
    let half = |one: &str, middle: &str, end: &str| {
        format!("SELECT {}{middle}{}", one.repeat(160), end.repeat(160))
    };
    for sql in [
        format!("SELECT 1{}", "+1".repeat(499)),
        format!("SELECT {}true", "NOT ".repeat(499)),
        fill("SELECT true", " OR a", ""),
        fill("SELECT 1", "%1", ""),
        fill("SELECT ", "- ", "1"),
        fill("SELECT ", "NOT ", "true"),
        fill("SELECT 1", "::INT", ""),
        fill("SELECT 1", " UNION SELECT 1", ""),
        fill("SELECT 1", " UNION ALL SELECT 1", ""),
        fill("SELECT seq", "[1]", " FROM entries"),
        fill("SELECT ", "(", ""),
        half("(", "1", ")"),
        half("(SELECT ", "1", ")"),
        half("abs(", "1", ")"),
        half("CASE WHEN ", "true", " THEN true END"),
        half("[", "1", "]"),
        half("1 IN (", "1", ")"),
        half("EXISTS(SELECT ", "1", ")"),
        half("1 FROM (SELECT ", "1", ") a"),
    ] {
        // That it comes back is what counts.
        let answer = runtime().block_on(snapshot.sql(&sql));
        let refused = answer.err().map(|error| error.to_string());
        assert!(!refused.is_some_and(|why| why.contains("at most")), "{sql}");
    }
    let refused = runtime().block_on(snapshot.sql(&format!("SELECT 1{}", "+1".repeat(500))));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("501 operators"), "{refused}");
    assert_eq!(
        table(&snapshot, &format!("SELECT 1{} AS n", "+1".repeat(100))),
        "n\n101\n"
    );
}
