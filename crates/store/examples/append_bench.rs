//! Entries per second and CPU per entry of a ledger on this machine.
//!
//! `cargo run --release -p store --example append_bench [DIR [SECONDS [THREADS]]]`
//!
//! Prints what was appended and made durable, the CPU the appending threads and the
//! whole process spent for each entry, and the checkpoint's delay at the end.

#![allow(clippy::unwrap_used, reason = "a measurement, not the product")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ledger::event::{
    ColumnUse, Encoded, Intent, ObjectUse, Outcome, OutcomeStatus, Text, Verdict, shape_hash,
};
use ledger::{Event, Ledger, Sequence};
use store::{Options, Store};

const SHAPE: &str = "select id, email, created_at from customers where id = $1 and status = $2";

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map(std::path::PathBuf::from);
    let seconds: u64 = arguments.next().map_or(5, |text| text.parse().unwrap());
    let threads: u64 = arguments.next().map_or(2, |text| text.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let dir = dir.unwrap_or_else(|| temporary.path().join("ledger"));
    let store = Store::open(&dir, Options::new("weir.example/bench")).unwrap();

    let begun = Instant::now();
    let process_before = process_cpu_ns();
    let (entries, cpu) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (store, entries, cpu) = (&store, &entries, &cpu);
            scope.spawn(move || {
                let before = thread_cpu_ns();
                let template = intent(thread);
                let mut count = 0;
                while begun.elapsed() < Duration::from_secs(seconds) {
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
                let spent = thread_cpu_ns() - before;
                cpu.fetch_add(spent, Ordering::Relaxed);
            });
        }
    });
    let last = Sequence(store.health().appended.0 - 1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(store.wait_durable(last)).unwrap();
    let elapsed = begun.elapsed();
    let health = store.health();
    let entries = entries.into_inner();
    let per_entry = |ns: u64| ns as f64 / entries as f64 / 1000.0;
    let process = process_cpu_ns().saturating_sub(process_before);
    println!(
        "durable entries/s      {:.0}",
        entries as f64 / elapsed.as_secs_f64()
    );
    println!(
        "appending thread       {:.2} µs CPU per entry",
        per_entry(cpu.into_inner())
    );
    println!(
        "whole process          {:.2} µs CPU per entry",
        per_entry(process)
    );
    println!(
        "checkpoint behind      {} entries",
        health.durable.0 - health.signed.0
    );
    let begun = Instant::now();
    runtime.block_on(async {
        for _ in 0..200 {
            let receipt = store.append(Event::from(outcome(last))).unwrap();
            store.wait_durable(receipt.sequence).await.unwrap();
        }
    });
    println!(
        "one entry durable in   {:.2} ms",
        begun.elapsed().as_secs_f64() * 5.0
    );
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
