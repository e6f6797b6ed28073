//! How fast the index is built and searched on this machine, and how large it is.
//!
//! `cargo run --release -p store --example search_bench [ENTRIES [DIR]]`
//!
//! Appends generated entries (half intents, half outcomes: 500 principals, 5,000
//! shapes, 2,000 sessions open at once) to a ledger, makes the index, and asks selective
//! questions of it, each once cold and then ten times warm.

#![allow(clippy::unwrap_used, reason = "a measurement, not the product")]

use std::time::{Duration, Instant};

use ledger::event::{
    ColumnUse, Encoded, Intent, ObjectUse, Outcome, OutcomeStatus, PrincipalKind, SessionOpen,
    Text, Verdict, shape_hash,
};
use ledger::{Event, Ledger};
use store::read::Reader;
use store::search::{Index, Place, Query, SEGMENT_ENTRIES, Searcher, rebuild};
use store::{Options, Store};

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    /// Small numbers far more often than large ones.
    fn skewed(&mut self, sides: u64) -> u64 {
        let first = self.roll(sides);
        self.roll(first + 1)
    }
}

const SESSIONS: u64 = 2_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let entries: u64 = arguments
        .next()
        .map_or(10_000_000, |text| text.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let dir = arguments
        .next()
        .map_or_else(|| temporary.path().join("ledger"), Into::into);
    let begun = Instant::now();
    let store = Store::open(&dir, Options::new("weir.example/bench")).unwrap();
    generate(&store, entries);
    store.close();
    println!(
        "appended               {:.1} s",
        begun.elapsed().as_secs_f64()
    );

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let reader = Reader::open(&dir).unwrap();
    let place = Place::Folder(dir.join("search"));
    let begun = Instant::now();
    let index = Index::create(&reader, &place).unwrap();
    let done = runtime
        .block_on(rebuild(&reader, &index, SEGMENT_ENTRIES, &mut |_, _| {}))
        .unwrap();
    let elapsed = begun.elapsed().as_secs_f64();
    println!("entries                {}", done.entries);
    println!("segments               {}", done.segments);
    println!(
        "indexed                {:.0} entries/s",
        done.entries as f64 / elapsed
    );
    println!(
        "segment bytes          {:.1} per entry",
        done.bytes as f64 / done.entries as f64
    );
    runtime.block_on(ask(&reader, index));
}

async fn ask(reader: &Reader, index: Index) {
    let begun = Instant::now();
    let searcher = Searcher::new(index).unwrap();
    let snapshot = searcher.snapshot(reader).await.unwrap();
    println!("opened                 {:.1} ms", ms(begun.elapsed()));
    let (mut cold, mut warm) = (Vec::new(), Vec::new());
    println!(
        "\n{:<34} {:>5} {:>9} {:>9}",
        "question", "rows", "cold ms", "warm ms"
    );
    for (name, query) in questions() {
        let query = Query { limit: 50, ..query };
        let begun = Instant::now();
        let rows = snapshot.search(&query).await.unwrap().len();
        cold.push(ms(begun.elapsed()));
        let mut times = Vec::new();
        for _ in 0..10 {
            let begun = Instant::now();
            snapshot.search(&query).await.unwrap();
            times.push(ms(begun.elapsed()));
        }
        println!(
            "{name:<34} {rows:>5} {:>9.1} {:>9.1}",
            cold.last().unwrap(),
            percentile(&mut times.clone(), 50)
        );
        warm.append(&mut times);
    }
    println!(
        "\ncold  p50 {:.1} ms, p95 {:.1} ms",
        percentile(&mut cold, 50),
        percentile(&mut cold, 95)
    );
    println!(
        "warm  p50 {:.1} ms, p95 {:.1} ms",
        percentile(&mut warm, 50),
        percentile(&mut warm, 95)
    );
    let sql = "SELECT principal, count(*) AS n, sum(rows) AS rows FROM statements GROUP BY 1 ORDER BY 2 DESC LIMIT 5";
    let begun = Instant::now();
    snapshot.sql(sql).await.unwrap();
    println!(
        "all statements by principal, in SQL: {:.0} ms",
        ms(begun.elapsed())
    );
}

fn questions() -> Vec<(&'static str, Query)> {
    let text = |text: &str| Some(text.to_owned());
    vec![
        (
            "who, rare",
            Query {
                who: text("p499"),
                ..Query::default()
            },
        ),
        (
            "who, common",
            Query {
                who: text("p0"),
                ..Query::default()
            },
        ),
        (
            "nobody",
            Query {
                who: text("nobody"),
                ..Query::default()
            },
        ),
        (
            "agent for whom",
            Query {
                on_behalf_of: text("p3"),
                ..Query::default()
            },
        ),
        (
            "session, old",
            Query {
                session: text("s-7"),
                ..Query::default()
            },
        ),
        (
            "fingerprint, rare",
            Query {
                fingerprint: Some(shape_hash(&shape(4_990))),
                ..Query::default()
            },
        ),
        (
            "text, rare",
            Query {
                text: text("table_4999 "),
                ..Query::default()
            },
        ),
        (
            "text, never",
            Query {
                text: text("pg_authid"),
                ..Query::default()
            },
        ),
        (
            "object and verb",
            Query {
                object: text("public.table_4991"),
                verb: text("read"),
                ..Query::default()
            },
        ),
        (
            "label and denied",
            Query {
                label: text("salary"),
                decision: text("deny"),
                ..Query::default()
            },
        ),
        (
            "who and object",
            Query {
                who: text("p450"),
                object: text("table_4000"),
                ..Query::default()
            },
        ),
        (
            "failed, of one principal",
            Query {
                who: text("p490"),
                status: text("error"),
                ..Query::default()
            },
        ),
    ]
}

fn shape(number: u64) -> String {
    format!("select id, email, created_at from table_{number} where id = $1 and status = $2")
}

fn generate(store: &Store, entries: u64) {
    let mut dice = Dice(42);
    let templates: Vec<Intent> = (0..5_000).map(template).collect();
    let mut opened = 0;
    let mut sessions: Vec<(Text, Text)> = Vec::new();
    let mut written = 0;
    while written < entries {
        let place = dice.roll(SESSIONS) as usize;
        if sessions.len() <= place || dice.roll(500) == 0 {
            let session: Text = format!("s-{opened}").into();
            let principal = format!("p{}", dice.skewed(500));
            let agent = dice.roll(5) == 0;
            let open = SessionOpen {
                session: session.clone(),
                principal: principal.as_str().into(),
                principal_kind: if agent {
                    PrincipalKind::Agent
                } else {
                    PrincipalKind::Human
                },
                on_behalf_of: agent.then(|| format!("p{}", dice.skewed(500)).into()),
                target: format!("target-{}", dice.roll(8)).into(),
                environment: "prod".into(),
                tls: None,
                protocol: "postgresql/3.0".into(),
                key: "key".into(),
                address: None,
                application: None,
            };
            store.append(open.into()).unwrap();
            (opened, written) = (opened + 1, written + 1);
            match sessions.get_mut(place) {
                Some(old) => *old = (session, principal.into()),
                None => sessions.push((session, principal.into())),
            }
            continue;
        }
        let (session, principal) = sessions.get(place).unwrap();
        let template = templates.get(dice.skewed(5_000) as usize).unwrap();
        let intent = Intent {
            session: session.clone(),
            principal: principal.clone(),
            statement: written,
            encoded: template.encoded.share(),
            ..template.clone()
        };
        let denied = intent.decision == Verdict::Deny;
        let receipt = store.append(intent.into()).unwrap();
        written += 1;
        if !denied {
            let failed = dice.roll(100) == 0;
            let outcome = Outcome {
                intent: receipt.sequence,
                session: None,
                status: if failed {
                    OutcomeStatus::Error
                } else {
                    OutcomeStatus::Ok
                },
                sqlstate: failed.then(|| "42P01".into()),
                rows: dice.roll(100),
                bytes: dice.roll(10_000),
                masked: Vec::new(),
                duration_us: dice.roll(100_000),
            };
            store.append(Event::from(outcome)).unwrap();
            written += 1;
        }
    }
}

fn template(number: u64) -> Intent {
    let shape = shape(number);
    let table = format!("public.table_{number}");
    let label: Text = if number.is_multiple_of(50) {
        "salary".into()
    } else {
        "email".into()
    };
    Intent {
        session: "".into(),
        statement: 0,
        principal: "".into(),
        target: "prod-app".into(),
        command: "SELECT".into(),
        shape_hash: shape_hash(&shape).into(),
        shape: shape.into(),
        objects: vec![ObjectUse {
            verb: "read".into(),
            name: table.as_str().into(),
        }]
        .into(),
        columns: vec![ColumnUse {
            column: format!("{table}.{label}").into(),
            label: label.clone(),
            usage: "projected".into(),
        }]
        .into(),
        decision: if number % 100 == 50 {
            Verdict::Deny
        } else {
            Verdict::Allow
        },
        rules: vec!["starter.read".into(), "starter.mask-pii".into()].into(),
        observed: Vec::new().into(),
        opaque: false,
        policy: "9f86d081884c7d65".into(),
        masks: vec![label].into(),
        degraded: Vec::new().into(),
        row_cap: Some(10_000),
        prepared: None,
        text: None,
        parameters: None,
        purpose: None,
        task: None,
        run: None,
        traceparent: None,
        encoded: Encoded::default(),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() * percent).div_ceil(100).max(1) - 1;
    values.get(place).copied().unwrap_or_default()
}
