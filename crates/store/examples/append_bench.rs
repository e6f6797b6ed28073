//! Entries per second and CPU per entry of a ledger on this machine, beside what its disk
//! can do and a plain file that is synced as often.
//!
//! `cargo run --release -p store --example append_bench -- [DIR [SECONDS [THREADS [ROUNDS]]]]`
//!
//! The three take turns; numbers are medians of the rounds. `cargo xtask bench ledger`
//! reads what this prints.

#![allow(clippy::unwrap_used, reason = "a measurement, not the product")]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ledger::event::{
    ColumnUse, Encoded, Intent, ObjectUse, Outcome, OutcomeStatus, Text, Verdict, shape_hash,
};
use ledger::{Event, Ledger, Sequence};
use store::{Options, Store};

const SHAPE: &str = "select id, email, created_at from customers where id = $1 and status = $2";

/// Pace of the profile `balanced`.
const PACE: Duration = Duration::from_millis(10);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map(std::path::PathBuf::from);
    let mut number = |default: u64| {
        arguments
            .next()
            .map_or(default, |text| text.parse().unwrap())
    };
    let (seconds, threads, rounds) = (number(5), number(2), number(1));
    let temporary = tempfile::tempdir().unwrap();
    let dir = dir.unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&dir).unwrap();
    let length = Duration::from_secs(seconds);
    let mut table = Table::default();
    for round in 0..rounds {
        raw(&dir, length / 4, &mut table);
        let bytes = ledger(
            &dir.join(format!("ledger-{round}")),
            length,
            threads,
            &mut table,
        );
        plain(&dir, length, threads, bytes, &mut table);
    }
    table.print();
}

/// Medians by what was measured, in the order of the first round.
#[derive(Default)]
struct Table(Vec<(&'static str, Vec<f64>, &'static str)>);

impl Table {
    fn note(&mut self, what: &'static str, value: f64, unit: &'static str) {
        match self.0.iter_mut().find(|(known, ..)| *known == what) {
            Some((_, values, _)) => values.push(value),
            None => self.0.push((what, vec![value], unit)),
        }
    }

    fn print(&mut self) {
        for (what, values, unit) in &mut self.0 {
            values.sort_by(f64::total_cmp);
            let median = values.get(values.len() / 2).unwrap();
            println!("{what:<26} {median:>12.2} {unit}");
        }
    }
}

/// What the disk can do: one page and a sync, again and again.
fn raw(dir: &Path, length: Duration, table: &mut Table) {
    let path = dir.join("raw");
    let file = File::create(&path).unwrap();
    file.set_len(16 << 20).unwrap();
    file.write_all_at(&vec![0; 16 << 20], 0).unwrap();
    file.sync_all().unwrap();
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < length {
        let (start, place) = (Instant::now(), took.len() as u64 % 4096 * 4096);
        file.write_all_at(&[1; 4096], place).unwrap();
        file.sync_data().unwrap();
        took.push(start.elapsed());
    }
    took.sort_unstable();
    table.note(
        "raw syncs",
        took.len() as f64 / begun.elapsed().as_secs_f64(),
        "/s",
    );
    let median = took.get(took.len() / 2).unwrap();
    table.note("raw sync", median.as_secs_f64() * 1000.0, "ms");
    std::fs::remove_file(path).unwrap();
}

/// The ledger; gives the bytes of an entry in its log.
fn ledger(dir: &Path, length: Duration, threads: u64, table: &mut Table) -> f64 {
    let options = Options {
        // Sealing is measured by `pack_bench`; here it would take from one of two cores.
        packing: store::Packing::OnDemand,
        ..Options::new("weir.example/bench")
    };
    let store = Store::open(dir, options).unwrap();
    let begun = Instant::now();
    let process_before = process_cpu_ns();
    let (entries, cpu) = (AtomicU64::new(0), AtomicU64::new(0));
    let done = AtomicBool::new(false);
    let mut behind = Vec::new();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (store, entries, cpu) = (&store, &entries, &cpu);
                scope.spawn(move || {
                    let before = thread_cpu_ns();
                    let template = intent(thread);
                    let mut count = 0;
                    while begun.elapsed() < length {
                        let intent = Intent {
                            statement: count,
                            text: Some(format!("{SHAPE} /* {count} */").into()),
                            ..template.clone()
                        };
                        let receipt = store.append(Event::from(intent)).unwrap();
                        store
                            .append(Event::from(outcome(receipt.sequence)))
                            .unwrap();
                        count += 2;
                    }
                    entries.fetch_add(count, Ordering::Relaxed);
                    cpu.fetch_add(thread_cpu_ns() - before, Ordering::Relaxed);
                })
            })
            .collect();
        let (store, done, behind) = (&store, &done, &mut behind);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                behind.push(store.health().unsigned_ms);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    let last = Sequence(store.health().appended.0 - 1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(store.wait_durable(last)).unwrap();
    let elapsed = begun.elapsed();
    let entries = entries.into_inner();
    let per_entry = |ns: u64| ns as f64 / entries as f64 / 1000.0;
    let process = process_cpu_ns().saturating_sub(process_before);
    table.note(
        "durable entries",
        entries as f64 / elapsed.as_secs_f64(),
        "/s",
    );
    table.note(
        "CPU of the session",
        per_entry(cpu.into_inner()),
        "µs per entry",
    );
    table.note("CPU of the process", per_entry(process), "µs per entry");
    behind.sort_unstable();
    let p99 = behind.get(behind.len() * 99 / 100).unwrap();
    table.note("checkpoint behind, p99", *p99 as f64, "ms");
    let begun = Instant::now();
    runtime.block_on(async {
        for _ in 0..200 {
            let receipt = store.append(Event::from(outcome(last))).unwrap();
            store.wait_durable(receipt.sequence).await.unwrap();
        }
    });
    table.note(
        "one entry durable in",
        begun.elapsed().as_secs_f64() * 5.0,
        "ms",
    );
    store.close();
    let bytes: u64 = std::fs::read_dir(dir.join("wal"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".wal"))
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    let bytes = bytes as f64 / entries as f64;
    table.note("log", bytes, "bytes per entry");
    std::fs::remove_dir_all(dir).unwrap();
    bytes
}

/// A file to which threads append records of that size, two with one write, and which
/// is synced as often as the ledger: no record, no order of keys, no tree, no secrecy.
fn plain(dir: &Path, length: Duration, threads: u64, bytes: f64, table: &mut Table) {
    let path = dir.join("plain");
    let file = File::create(&path).unwrap();
    let (end, done) = (Mutex::new(0_u64), AtomicBool::new(false));
    let (entries, cpu) = (AtomicU64::new(0), AtomicU64::new(0));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (file, end, entries, cpu) = (&file, &end, &entries, &cpu);
                scope.spawn(move || {
                    let before = thread_cpu_ns();
                    let record = vec![b'x'; (2.0 * bytes) as usize];
                    let mut count = 0;
                    while begun.elapsed() < length {
                        let mut end = end.lock().unwrap();
                        file.write_all_at(&record, *end).unwrap();
                        *end += record.len() as u64;
                        drop(end);
                        count += 2;
                    }
                    entries.fetch_add(count, Ordering::Relaxed);
                    cpu.fetch_add(thread_cpu_ns() - before, Ordering::Relaxed);
                })
            })
            .collect();
        let (file, done) = (&file, &done);
        scope.spawn(move || {
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(PACE);
                file.sync_data().unwrap();
            }
        });
        for worker in workers {
            worker.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    let (entries, elapsed) = (entries.into_inner() as f64, begun.elapsed());
    table.note("plain file", entries / elapsed.as_secs_f64(), "records/s");
    table.note(
        "CPU of the plain file",
        cpu.into_inner() as f64 / entries / 1000.0,
        "µs per record",
    );
    std::fs::remove_file(path).unwrap();
}

fn intent(thread: u64) -> Intent {
    let label: Text = "email".into();
    Intent {
        session: format!("0193a7f2-5b1c-7000-8000-{thread:012}").into(),
        statement: 0,
        principal: format!("p{thread}").into(),
        target: "prod-app".into(),
        command: "SELECT".into(),
        shape: SHAPE.into(),
        shape_hash: shape_hash(SHAPE).into(),
        objects: vec![ObjectUse {
            verb: "read".into(),
            name: "public.customers".into(),
        }]
        .into(),
        columns: vec![ColumnUse {
            column: "public.customers.email".into(),
            label: label.clone(),
            usage: "projected".into(),
        }]
        .into(),
        decision: Verdict::Allow,
        rules: vec!["starter.read".into(), "starter.mask-pii".into()].into(),
        observed: Vec::new().into(),
        opaque: false,
        policy: "9f86d081884c7d65".into(),
        masks: vec![label].into(),
        degraded: Vec::new().into(),
        row_cap: Some(10_000),
        prepared: None,
        text: None,
        parameters: Some("[\"4711\",\"active\"]".into()),
        purpose: None,
        task: None,
        run: None,
        traceparent: None,
        encoded: Encoded::default(),
    }
}

fn outcome(intent: Sequence) -> Outcome {
    Outcome {
        intent,
        session: None,
        status: OutcomeStatus::Ok,
        sqlstate: None,
        rows: 1,
        bytes: 64,
        masked: Vec::new(),
        duration_us: 180,
    }
}

/// CPU time of this thread: nanoseconds, from the scheduler's statistics.
fn thread_cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// CPU time of this process, ended threads included: user and system, in ticks of 10 ms.
fn process_cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let mut fields = stat.rsplit(')').next().unwrap().split(' ').skip(12);
    let mut ticks = || fields.next().unwrap().parse::<u64>().unwrap();
    (ticks() + ticks()) * 10_000_000
}
