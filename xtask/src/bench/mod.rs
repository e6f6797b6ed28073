//! `cargo xtask bench`: direct, PgBouncer, a byte forwarder and Weir in one run, interleaved.
//!
//! Latency on shared machines is noise, so each round measures every system and what counts is differences and
//! ratios within a round. CPU, system calls, bytes and memory are the steady numbers.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

mod forward;
mod ledger;
mod load;
mod meter;
mod report;
mod systems;

pub use forward::run as forward;
use load::{Protocol, Session, round};
use report::{Book, Metric};
use systems::{Field, System};

use crate::lab::client::message;
use crate::lab::{Client, install};

/// Options of `cargo xtask bench`.
#[derive(Args, Clone, Debug, Default)]
pub struct Bench {
    /// About a minute instead of about ten
    #[arg(long, global = true)]
    pub quick: bool,
    /// Write the measurements as a JSON list
    #[arg(long, value_name = "FILE", global = true)]
    pub json: Option<PathBuf>,
    /// A part of the product by itself
    #[command(subcommand)]
    pub part: Option<Part>,
}

/// What is measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Part {
    /// The ledger, beside raw syncs, a plain file and pgaudit
    Ledger,
}

struct Plan {
    rounds: usize,
    length: Duration,
    stream_rows: u32,
    stream_rounds: usize,
    idle: usize,
    connects: u32,
    traced: u32,
}

const FULL: Plan = Plan {
    rounds: 5,
    length: Duration::from_millis(2000),
    stream_rows: 10_000_000,
    stream_rounds: 3,
    idle: 1000,
    connects: 100,
    traced: 2000,
};
const QUICK: Plan = Plan {
    rounds: 5,
    length: Duration::from_millis(150),
    stream_rows: 1_000_000,
    stream_rounds: 1,
    idle: 200,
    connects: 20,
    traced: 500,
};

const CLIENTS: [usize; 3] = [1, 8, 64];

/// Runs it; `false` when a system had to be left out.
///
/// # Errors
/// When PostgreSQL does not start or a query fails.
pub fn run(options: &Bench) -> Result<bool> {
    if cfg!(debug_assertions) {
        return optimised(options);
    }
    match options.part {
        Some(Part::Ledger) => return ledger::run(options),
        None => {}
    }
    let plan = if options.quick { QUICK } else { FULL };
    let begun = Instant::now();
    let field = Field::start(plan.idle)?;
    let names: Vec<&str> = field.systems.iter().map(|system| system.name).collect();
    eprintln!(
        "measuring {} in {} interleaved rounds",
        names.join(", "),
        plan.rounds
    );
    let mut book = Book::default();
    queries(&field, &plan, &mut book)?;
    syscalls(&field, &plan, &mut book);
    connects(&field, &plan, &mut book)?;
    streams(&field, &plan, &mut book)?;
    idle(&field, &plan, &mut book)?;

    print!("{}", book.table());
    println!(
        "medians of {} rounds ± half the interquartile range; {} s",
        plan.rounds,
        begun.elapsed().as_secs()
    );
    if let Some(file) = &options.json {
        std::fs::write(file, serde_json::to_string_pretty(&book.entries())?)?;
    }
    if !field.missing.is_empty() {
        println!("LEFT OUT: {}", field.missing.join(", "));
    }
    Ok(field.missing.is_empty())
}

/// A client or forwarder without optimisation would be what is measured.
fn optimised(options: &Bench) -> Result<bool> {
    let mut cargo = crate::cargo();
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "xtask",
        "--",
        "bench",
    ]);
    match options.part {
        Some(Part::Ledger) => {
            cargo.arg("ledger");
        }
        None => {}
    }
    if options.quick {
        cargo.arg("--quick");
    }
    if let Some(file) = &options.json {
        cargo.arg("--json").arg(std::path::absolute(file)?);
    }
    Ok(cargo.current_dir(crate::root()).status()?.success())
}

fn queries(field: &Field, plan: &Plan, book: &mut Book) -> Result<()> {
    for (index, clients) in CLIENTS.into_iter().enumerate() {
        eprintln!("queries, {clients} clients …");
        let mut all: Vec<(&System, Vec<Session>)> = Vec::new();
        for system in &field.systems {
            let sessions: Result<Vec<Session>> = (1u32..)
                .take(clients)
                .map(|seed| Session::open(&system.connect, seed))
                .collect();
            all.push((
                system,
                sessions.with_context(|| format!("{}, {clients} sessions", system.name))?,
            ));
        }
        for turn in 0..=plan.rounds {
            for (order, protocol) in Protocol::ALL.into_iter().enumerate() {
                for (system, sessions) in &mut all {
                    let before = cpu(system);
                    let done = round(sessions, protocol, plan.length).with_context(|| {
                        format!("{}, {} {clients}", system.name, protocol.name())
                    })?;
                    let used = cpu(system) - before;
                    // The first turn fills caches of all kinds and is not counted.
                    if turn == 0 {
                        continue;
                    }
                    let case = format!("{} {clients}", protocol.name());
                    let place = order * CLIENTS.len() + index;
                    book.note(place, &case, Metric::P50, system.name, done.p50_us);
                    book.note(place, &case, Metric::P99, system.name, done.p99_us);
                    book.note(
                        place,
                        &case,
                        Metric::Throughput,
                        system.name,
                        done.queries / done.seconds,
                    );
                    if system.pid.is_some() {
                        book.note(
                            place,
                            &case,
                            Metric::CpuPerQuery,
                            system.name,
                            used / done.queries,
                        );
                    }
                }
            }
        }
    }
    Ok(())
}

fn syscalls(field: &Field, plan: &Plan, book: &mut Book) {
    eprintln!("system calls …");
    let strace = match install::program("strace", "strace", "counts system calls") {
        Ok(strace) => strace,
        Err(error) => return eprintln!("LEFT OUT: syscalls/query: {error:#}"),
    };
    for system in &field.systems {
        let Some(pid) = system.pid else { continue };
        for (order, protocol) in Protocol::ALL.into_iter().enumerate() {
            let counted = Session::open(&system.connect, 1).and_then(|mut session| {
                session.some(protocol, 20)?;
                meter::syscalls(&strace, pid, || session.some(protocol, plan.traced))
            });
            match counted {
                Ok(calls) => {
                    let case = format!("{} 1", protocol.name());
                    book.note(
                        order * CLIENTS.len(),
                        &case,
                        Metric::SyscallsPerQuery,
                        system.name,
                        calls / f64::from(plan.traced),
                    );
                }
                Err(error) => eprintln!("LEFT OUT: syscalls/query of {}: {error:#}", system.name),
            }
        }
    }
}

fn connects(field: &Field, plan: &Plan, book: &mut Book) -> Result<()> {
    eprintln!("connecting …");
    for _ in 0..plan.rounds {
        for system in &field.systems {
            let mut took = Vec::new();
            for _ in 0..plan.connects / 5 {
                let begun = Instant::now();
                let mut client = Client::connect(&system.connect)?;
                client.run("select 1")?;
                client.send(&message::terminate())?;
                took.push(begun.elapsed());
            }
            took.sort_unstable();
            let median = took
                .get(took.len() / 2)
                .map_or(0.0, |took| took.as_secs_f64() * 1e6);
            book.note(20, "connect", Metric::Connect, system.name, median);
        }
    }
    Ok(())
}

fn streams(field: &Field, plan: &Plan, book: &mut Book) -> Result<()> {
    eprintln!("a result of {} rows …", plan.stream_rows);
    let request = message::query(&format!(
        "select a.id, a.name, a.email, a.city, a.balance, a.note from generate_series(1, {}) g, accounts a",
        plan.stream_rows / load::ROWS
    ));
    for _ in 0..plan.stream_rounds {
        for system in &field.systems {
            let mut session = Session::open(&system.connect, 1)?;
            if let Some(pid) = system.pid {
                meter::forget_peak(pid);
            }
            let before = cpu(system);
            let begun = Instant::now();
            let bytes = session
                .ask(&request)
                .with_context(|| format!("{}, stream", system.name))?;
            let seconds = begun.elapsed().as_secs_f64();
            #[expect(
                clippy::cast_precision_loss,
                reason = "a result is far below 2^52 bytes"
            )]
            let megabytes = bytes as f64 / 1e6;
            book.note(
                21,
                "stream",
                Metric::Stream,
                system.name,
                megabytes / seconds,
            );
            if let Some(pid) = system.pid {
                book.note(
                    21,
                    "stream",
                    Metric::StreamCpu,
                    system.name,
                    (cpu(system) - before) / megabytes,
                );
                book.note(
                    21,
                    "stream",
                    Metric::PeakMemory,
                    system.name,
                    meter::peak_kib(pid) / 1024.0,
                );
            }
        }
    }
    Ok(())
}

fn idle(field: &Field, plan: &Plan, book: &mut Book) -> Result<()> {
    eprintln!("{} idle sessions …", plan.idle);
    for system in &field.systems {
        let Some(pid) = system.pid else { continue };
        let before = meter::resident_kib(pid);
        let mut sessions = Vec::new();
        for _ in 0..plan.idle {
            let mut client = Client::connect(&system.connect)?;
            client.run("select 1")?;
            sessions.push(client);
        }
        let used = meter::resident_kib(pid) - before;
        let sessions = f64::from(u32::try_from(sessions.len())?);
        book.note(22, "idle", Metric::IdleMemory, system.name, used / sessions);
    }
    Ok(())
}

fn cpu(system: &System) -> f64 {
    system
        .pid
        .and_then(|pid| meter::cpu_us(pid).ok())
        .unwrap_or_default()
}
