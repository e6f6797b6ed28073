//! `cargo xtask bench ledger`: what evidence costs, beside raw syncs, a plain file and pgaudit in one run.
//!
//! The store's own examples measure appending, sealing, verifying and proving. Here a gateway and a PostgreSQL with
//! pgaudit take turns with what they are compared to: a byte forwarder, and PostgreSQL without pgaudit. There is no
//! gateway without a ledger to compare with, so its price is that of the whole gateway, and the ledger's part of it is
//! computed from the CPU of an entry.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;

use super::Bench;
use super::forward;
use super::load::{Protocol, Session, round};
use super::systems::fill;
use crate::lab::client::message;
use crate::lab::postgres::Settings;
use crate::lab::process::wait_ready;
use crate::lab::{Client, Configuration, Connect, Postgres, Target, Weir, install};

struct Plan {
    rounds: usize,
    /// Of one round of queries.
    length: Duration,
    /// Of one round of the store.
    store_seconds: u64,
    /// Entries that are sealed and verified.
    sealed: u64,
    /// Entries that are searched.
    searched: u64,
    /// Commits that are counted.
    commits: u32,
}

const FULL: Plan = Plan {
    rounds: 5,
    length: Duration::from_millis(2000),
    store_seconds: 5,
    sealed: 2_000_000,
    searched: 10_000_000,
    commits: 300,
};
const QUICK: Plan = Plan {
    rounds: 3,
    length: Duration::from_millis(300),
    store_seconds: 2,
    sealed: 400_000,
    searched: 400_000,
    commits: 100,
};

const CLIENTS: u32 = 8;

/// An intent and an outcome.
const ENTRIES_PER_READ: f64 = 2.0;

/// One line of the report.
#[derive(Clone, Debug, Serialize, PartialEq)]
struct Line {
    what: &'static str,
    value: f64,
    unit: &'static str,
    /// What stands beside it, and the ratio to that.
    beside: Option<(String, f64)>,
    /// The goal in words, and whether it is met.
    goal: Option<(String, bool)>,
}

/// Runs it; `false` when something had to be left out. A missed goal is no failure: it is told.
pub(super) fn run(options: &Bench) -> Result<bool> {
    let plan = if options.quick { QUICK } else { FULL };
    eprintln!("building …");
    build()?;
    let begun = Instant::now();
    let Measured { mut lines, cpu } = store(&plan)?;
    let mut left_out = Vec::new();
    match database(&plan, cpu) {
        Ok(more) => lines.extend(more),
        Err(error) => {
            eprintln!("LEFT OUT: reads and writes beside pgaudit: {error:#}");
            left_out.push("pgaudit");
        }
    }
    print!("{}", table(&lines));
    println!(
        "medians of {} interleaved rounds; {} s; load before: {}",
        plan.rounds,
        begun.elapsed().as_secs(),
        std::fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .trim()
    );
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&lines)?)?;
    }
    Ok(left_out.is_empty())
}

fn table(lines: &[Line]) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "{:<34} {:>12} {:<16} {:<34} {:>6}  goal\n",
        "what", "value", "unit", "beside", "ratio"
    );
    for line in lines {
        let (beside, ratio) = line
            .beside
            .as_ref()
            .map_or((String::new(), String::new()), |(name, ratio)| {
                (name.clone(), format!("{ratio:.2}"))
            });
        let goal = line.goal.as_ref().map_or(String::new(), |(goal, met)| {
            format!("{goal}: {}", if *met { "met" } else { "MISSED" })
        });
        let value = if line.value.abs() >= 1000.0 {
            format!("{:.0}", line.value)
        } else {
            format!("{:.2}", line.value)
        };
        let _ = writeln!(
            text,
            "{:<34} {value:>12} {:<16} {beside:<34} {ratio:>6}  {goal}",
            line.what, line.unit
        );
    }
    text
}

fn at_least(goal: f64, value: f64, words: &str) -> Option<(String, bool)> {
    Some((format!("≥ {words}"), value >= goal))
}

fn at_most(goal: f64, value: f64, words: &str) -> Option<(String, bool)> {
    Some((format!("≤ {words}"), value <= goal))
}

const EXAMPLES: [&str; 3] = ["append_bench", "pack_bench", "search_bench"];

/// Builds the store's examples together with the gateway, which they share most with.
fn build() -> Result<()> {
    install::package(
        "libclang-dev",
        "a library that building PostgreSQL's grammar needs",
    )?;
    let mut cargo = crate::cargo();
    cargo.args(["build", "--release", "--package", "weir", "--bin", "weir"]);
    cargo.args(["--package", "store"]);
    for name in EXAMPLES {
        cargo.args(["--example", name]);
    }
    if !cargo.current_dir(crate::root()).status()?.success() {
        bail!("the ledger's measurements do not build");
    }
    Ok(())
}

/// Runs an example of the store and gives what it prints.
fn example(name: &str, arguments: &[String]) -> Result<String> {
    let program = crate::target_folder().join("release/examples").join(name);
    let out = Command::new(&program)
        .args(arguments)
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !out.status.success() {
        bail!("{name} failed:\n{}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The number that stands `place`-th (from 0) in the line that begins with `label`.
fn number(text: &str, label: &str, place: usize) -> Result<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(label))
        .with_context(|| format!("no line `{label}` in:\n{text}"))?;
    line.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .nth(place)
        .with_context(|| format!("no number in `{label}{line}`"))
}

/// What the store by itself was seen to do.
struct Measured {
    lines: Vec<Line>,
    /// CPU of one entry on all threads, µs.
    cpu: f64,
}

fn store(plan: &Plan) -> Result<Measured> {
    eprintln!("appending …");
    let folder = tempfile::tempdir_in(crate::target_folder())?;
    let dir = folder.path().display().to_string();
    let appended = example(
        "append_bench",
        &[
            dir.clone(),
            plan.store_seconds.to_string(),
            "2".to_owned(),
            plan.rounds.to_string(),
        ],
    )?;
    eprintln!("sealing, verifying, proving …");
    let sealed = example(
        "pack_bench",
        &[format!("{dir}/packs"), plan.sealed.to_string()],
    )?;
    std::fs::remove_dir_all(format!("{dir}/packs"))?;
    eprintln!("searching {} entries …", plan.searched);
    let searched = example(
        "search_bench",
        &[plan.searched.to_string(), format!("{dir}/searched")],
    )?;
    eprint!("{searched}");
    let (a, s) = (appended.as_str(), sealed.as_str());
    let warm = number(&searched, "warm ", 1)?;
    let cold = number(&searched, "cold ", 1)?;
    let index = number(&searched, "segment bytes", 0)?;
    let line = |what, value, unit, beside: Option<(&str, f64)>, goal| Line {
        what,
        value,
        unit,
        beside: beside.map(|(name, ratio)| (name.to_owned(), ratio)),
        goal,
    };
    let entries = number(a, "durable entries", 0)?;
    let plain = number(a, "plain file", 0)?;
    let raw = number(a, "raw sync ", 0)?;
    let cpu = number(a, "CPU of the session", 0)?;
    let plain_cpu = number(a, "CPU of the plain file", 0)?;
    let behind = number(a, "checkpoint behind, p99", 0)?;
    let one = number(a, "one entry durable in", 0)?;
    let size = number(s, "packs", 0)? + number(s, "upper tiles", 0)?;
    let log = number(s, "exported log verified", 1)?;
    let verified = number(s, "verified", 2)?;
    let proof = number(s, "each proof", 0)?;
    let lines = vec![
        line(
            "raw syncs of 4 KiB",
            number(a, "raw syncs", 0)?,
            "/s",
            None,
            None,
        ),
        line(
            "durable entries",
            entries,
            "/s",
            Some(("plain file, records/s", entries / plain)),
            at_least(150_000.0, entries, "150,000"),
        ),
        line(
            "CPU on the session's thread",
            cpu,
            "µs per entry",
            Some(("plain file", cpu / plain_cpu)),
            at_most(4.0, cpu, "4"),
        ),
        line(
            "one entry, durable",
            one,
            "ms",
            Some(("one raw sync", one / raw)),
            None,
        ),
        line(
            "checkpoint behind, p99",
            behind,
            "ms",
            None,
            at_most(250.0, behind, "250"),
        ),
        line("log", number(a, "log", 0)?, "bytes per entry", None, None),
        line(
            "sealed, hashes included",
            size,
            "bytes per entry",
            None,
            None,
        ),
        line(
            "sealed, index included",
            size + index,
            "bytes per entry",
            None,
            at_most(250.0, size + index, "250"),
        ),
        line(
            "verify, exported log",
            log,
            "/s and core",
            None,
            at_least(1e6, log, "1,000,000"),
        ),
        line(
            "verify, with all disclosures",
            verified,
            "/s and core",
            None,
            at_least(1e6, verified, "1,000,000"),
        ),
        line("proof", proof, "ms", None, at_most(1.0, proof, "1")),
        line(
            "search, warm, p95",
            warm,
            "ms",
            None,
            at_most(200.0, warm, "200"),
        ),
        line("search, cold, p95", cold, "ms", None, None),
    ];
    let cpu = number(a, "CPU of the process", 0)?;
    Ok(Measured { lines, cpu })
}

/// One of the four that take turns.
struct Contender {
    name: &'static str,
    connect: Connect,
    /// Queries/s and p50 µs of commits, by round.
    reads: Vec<f64>,
    writes: Vec<f64>,
}

fn server(audited: bool) -> Result<Postgres> {
    let mut configuration = vec![
        "shared_buffers = 256MB".to_owned(),
        "autovacuum = off".to_owned(),
        // What a commit costs is asked here.
        "fsync = on".to_owned(),
        "full_page_writes = on".to_owned(),
    ];
    if audited {
        configuration.push("shared_preload_libraries = 'pgaudit'".to_owned());
        configuration.push("pgaudit.log = 'all'".to_owned());
        configuration.push("pgaudit.log_parameter = on".to_owned());
    }
    let server = Postgres::start_with(&Settings {
        configuration,
        ..Settings::default()
    })?;
    fill(&server)?;
    let mut client = server.client("postgres")?;
    if audited {
        client.run("create extension pgaudit")?;
    }
    client.run("create table written (id bigserial primary key, note text)")?;
    Ok(server)
}

fn database(plan: &Plan, entry_cpu: f64) -> Result<Vec<Line>> {
    install::package(
        "postgresql-15-pgaudit",
        "the audit log Weir's ledger is measured against",
    )?;
    eprintln!("reads and writes, with pgaudit and without, through a forwarder and the gateway …");
    let (plain, audited) = (server(false)?, server(true)?);
    let (mut forwarder, port, _log) = forward::start(plain.port())?;
    let forwarded = Connect {
        port,
        ..plain.connect("postgres")
    };
    let limit = Duration::from_secs(20);
    wait_ready("the forwarder", &mut forwarder, limit, || {
        Client::connect(&forwarded).is_ok()
    })?;
    let folder = tempfile::tempdir_in(crate::target_folder())?;
    let gateway = gateway(&plain, folder.path())?;
    let contender = |name, connect| Contender {
        name,
        connect,
        reads: Vec::new(),
        writes: Vec::new(),
    };
    let mut all = [
        contender("PostgreSQL", plain.connect("postgres")),
        contender("pgaudit", audited.connect("postgres")),
        contender("forwarder", forwarded),
        contender("weir", gateway.connect("alice", "bench")),
    ];
    for turn in 0..=plan.rounds {
        for one in &mut all {
            let sessions: Result<Vec<Session>> = (1..=CLIENTS)
                .map(|seed| Session::open(&one.connect, seed))
                .collect();
            let mut sessions = sessions.with_context(|| one.name)?;
            let done = round(&mut sessions, Protocol::Prepared, plan.length)?;
            let commit = commits(&mut sessions, plan.commits / 5)?;
            // The first turn fills caches.
            if turn > 0 {
                one.reads.push(done.queries / done.seconds);
                one.writes.push(commit);
            }
        }
    }
    // Syncs, by what each side counts itself.
    let syncs = |which: &Postgres| -> Result<f64> {
        let mut client = which.client("postgres")?;
        client.run("select pg_stat_force_next_flush()")?;
        let value = client.run("select wal_sync from pg_stat_wal")?.value();
        value.parse().context("pg_stat_wal")
    };
    let own = |gateway: &Weir| -> Result<f64> {
        let (_, page) = gateway.get("/metrics")?;
        number(&page, "weir_ledger_fsync_seconds_count", 0)
    };
    let mut session = Session::open(&gateway.connect("alice", "bench"), 1)?;
    let mut direct = Session::open(&audited.connect("postgres"), 1)?;
    let (server_before, own_before) = (syncs(&plain)?, own(&gateway)?);
    commits(std::slice::from_mut(&mut session), plan.commits)?;
    drop(session);
    let many = f64::from(plan.commits);
    let through = (syncs(&plain)? - server_before) / many;
    let ledger = (own(&gateway)? - own_before) / many;
    let audited_before = syncs(&audited)?;
    commits(std::slice::from_mut(&mut direct), plan.commits)?;
    drop(direct);
    let pgaudit = (syncs(&audited)? - audited_before) / many;
    drop(gateway);
    drop(forwarder);
    let [direct, audit, bytes, weir] = &all;
    let reads = |one: &Contender| median(&one.reads);
    let writes = |one: &Contender| median(&one.writes);
    let (audit_share, weir_share) = (reads(audit) / reads(direct), reads(weir) / reads(bytes));
    // There is no gateway without a ledger. All cores are busy here, so what the ledger's
    // share of the time would have served otherwise is what it costs.
    let cores = std::thread::available_parallelism()?.get() as f64;
    let ledger_cost = reads(weir) * ENTRIES_PER_READ * entry_cpu / (cores * 1e6);
    let line = |what, value, unit, beside: (&str, f64), goal| Line {
        what,
        value,
        unit,
        beside: Some((beside.0.to_owned(), beside.1)),
        goal,
    };
    Ok(vec![
        line(
            "reads with pgaudit, 8 clients",
            reads(audit),
            "/s",
            ("PostgreSQL without", audit_share),
            None,
        ),
        line(
            "reads through Weir, 8 clients",
            reads(weir),
            "/s",
            ("a byte forwarder", weir_share),
            None,
        ),
        line(
            "of them lost to the ledger",
            ledger_cost * 100.0,
            "%, computed",
            ("what pgaudit loses", ledger_cost / (1.0 - audit_share)),
            at_most(
                1.0 - audit_share,
                ledger_cost,
                &format!("{:.1} %, as pgaudit", (1.0 - audit_share) * 100.0),
            ),
        ),
        line(
            "commit with pgaudit, p50",
            writes(audit),
            "µs",
            ("PostgreSQL without", writes(audit) / writes(direct)),
            None,
        ),
        line(
            "commit through Weir, p50",
            writes(weir),
            "µs",
            ("a byte forwarder", writes(weir) / writes(bytes)),
            None,
        ),
        line(
            "syncs of the ledger",
            ledger,
            "per commit",
            ("the server's own", ledger / through.max(0.01)),
            at_most(1.05, ledger, "1 more per commit"),
        ),
        line(
            "syncs of the server, pgaudit",
            pgaudit,
            "per commit",
            ("the server behind Weir", pgaudit / through.max(0.01)),
            None,
        ),
    ])
}

/// Commits one row at a time over the first session: p50 in µs.
fn commits(sessions: &mut [Session], count: u32) -> Result<f64> {
    let session = sessions.first_mut().context("no session")?;
    let mut took = Vec::new();
    for number in 0..count.max(1) {
        let request = message::query(&format!(
            "insert into written (note) values ('note {number}')"
        ));
        let begun = Instant::now();
        session.ask(&request)?;
        took.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    Ok(median(&took))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// A gateway that permits everything and masks nothing: what is left is evidence.
fn gateway(server: &Postgres, folder: &Path) -> Result<Weir> {
    let binary = crate::target_folder().join("release/weir");
    Configuration::default()
        .target(Target::new(server, "bench", "dev", "postgres"))
        .principal("alice", "human", &["engineers"])
        .policy(
            "all.cedar",
            "@id(\"all\")\npermit (principal, action, resource);\n",
        )
        .write(folder)?;
    Weir::start_binary(&binary, folder, &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_what_the_store_prints() {
        let text = "raw syncs                        250.00 /s\nraw sync                           4.00 ms\n\
                    verified               900000 entries/s on 2 cores; 1200000 for each second of CPU\n";
        assert_eq!(number(text, "raw syncs", 0).unwrap(), 250.0);
        assert_eq!(number(text, "raw sync ", 0).unwrap(), 4.0);
        assert_eq!(number(text, "verified", 2).unwrap(), 1_200_000.0);
        assert!(number(text, "proof", 0).is_err());
    }

    #[test]
    fn a_missed_goal_is_told() {
        let lines = [Line {
            what: "verify",
            value: 12.0,
            unit: "/s",
            beside: Some(("nothing".into(), 0.5)),
            goal: at_least(13.0, 12.0, "13"),
        }];
        assert!(table(&lines).contains("≥ 13: MISSED"));
    }
}
