//! Size of sealed entries, and how fast they are sealed, verified and proved.
//!
//! `cargo run --release -p store --example pack_bench -- [DIR [ENTRIES]]`
//!
//! A DIR that has a ledger is measured as it is. For the speed of one core run it
//! under `taskset -c 0`.

#![allow(clippy::unwrap_used, reason = "a measurement, not the product")]

use std::path::Path;
use std::time::Instant;

use ledger::event::{
    ColumnUse, Encoded, Intent, ObjectUse, Outcome, OutcomeStatus, Verdict, shape_hash,
};
use ledger::{Event, Ledger, Sequence};
use store::export::{Folder, check, export};
use store::read::Reader;
use store::tiles::Tiles;
use store::{Disclose, Options, Packing, Store, prove, prove_in, verify};

/// Tables, columns and shapes of a small application.
const TABLES: [&str; 8] = [
    "customers",
    "orders",
    "order_items",
    "invoices",
    "products",
    "sessions",
    "events",
    "payments",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map(std::path::PathBuf::from);
    let entries: u64 = arguments
        .next()
        .map_or(1_000_000, |text| text.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let dir = dir.unwrap_or_else(|| temporary.path().join("ledger"));
    if !dir.join("id.json").exists() {
        write(&dir, entries);
    }
    sizes(&dir);
    read(&dir);
}

fn write(dir: &Path, entries: u64) {
    let options = Options {
        packing: Packing::OnDemand,
        ..Options::new("weir.example/bench")
    };
    let store = Store::open(dir, options).unwrap();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for statement in 0..entries / 2 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let receipt = store
            .append(Event::from(intent(statement, random)))
            .unwrap();
        let outcome = Outcome {
            intent: receipt.sequence,
            session: None,
            status: OutcomeStatus::Ok,
            sqlstate: None,
            rows: random >> 20 & 0xff,
            bytes: random >> 28 & 0xffff,
            masked: Vec::new(),
            duration_us: 100 + (random >> 44 & 0xfff),
        };
        store.append(Event::from(outcome)).unwrap();
    }
    let last = Sequence(store.health().appended.0 - 1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(store.wait_durable(last)).unwrap();
    while store.health().signed <= last {
        std::thread::yield_now();
    }
    let wal = folder_bytes(&dir.join("wal"));
    println!(
        "log                    {:.1} bytes per entry",
        wal as f64 / entries as f64
    );
    let begun = Instant::now();
    let sealed = store.seal().unwrap();
    let took = begun.elapsed();
    println!(
        "sealed                 {:.0} entries/s on one core",
        sealed.0 as f64 / took.as_secs_f64()
    );
    store.close();
}

fn intent(statement: u64, random: u64) -> Intent {
    let pick = |shift: u32, of: u64| random >> shift & (of - 1);
    let table = TABLES.get(usize::try_from(pick(0, 8)).unwrap()).unwrap();
    let columns = 1 + pick(3, 4);
    let shape = match pick(5, 4) {
        0 => format!("select id, name, created_at from {table} where id = $1"),
        1 => format!(
            "select c.id, c.email, count(*) from {table} c join orders o on o.customer_id = c.id where c.status = $1 group by 1, 2 limit $2"
        ),
        2 => format!("update {table} set updated_at = now(), status = $1 where id = $2"),
        _ => format!(
            "insert into {table} (customer_id, amount, note) values ($1, $2, $3) returning id"
        ),
    };
    let names = ["email", "phone", "name", "iban"];
    Intent {
        session: format!("0193a7f2-5b1c-7000-8000-{:012x}", statement / 64).into(),
        statement: statement % 64,
        principal: format!("p{}", pick(8, 64)).into(),
        target: "prod-app".into(),
        command: "SELECT".into(),
        shape_hash: shape_hash(&shape).into(),
        shape: shape.into(),
        objects: vec![ObjectUse {
            verb: "read".into(),
            name: format!("public.{table}").into(),
        }]
        .into(),
        columns: names
            .iter()
            .take(usize::try_from(columns).unwrap())
            .map(|name| ColumnUse {
                column: format!("public.{table}.{name}").into(),
                label: (*name).into(),
                usage: "projected".into(),
            })
            .collect(),
        decision: Verdict::Allow,
        rules: vec!["starter.read".into(), "starter.mask-pii".into()].into(),
        observed: Vec::new().into(),
        opaque: false,
        policy: "9f86d081884c7d65".into(),
        masks: vec!["email".into()].into(),
        degraded: Vec::new().into(),
        row_cap: Some(10_000),
        prepared: None,
        text: Some(format!("select * from {table} where id = {random}").into()),
        parameters: Some(format!("[\"{}\",\"active\"]", random >> 11).into()),
        purpose: None,
        task: None,
        run: None,
        traceparent: None,
        encoded: Encoded::default(),
    }
}

fn folder_bytes(dir: &Path) -> u64 {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

fn sizes(dir: &Path) {
    let (mut packs, mut disclosures, mut sealed) = (0, 0, 0_u64);
    for entry in std::fs::read_dir(dir.join("packs")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let length = entry.metadata().unwrap().len();
        if name.ends_with(".pack") {
            packs += length;
            let end = name.split(['-', '.']).nth(1).unwrap();
            sealed = sealed.max(end.parse().unwrap());
        } else {
            disclosures += length;
        }
    }
    let tiles = folder_bytes(&dir.join("tiles"));
    let per = |bytes: u64| bytes as f64 / sealed as f64;
    println!("sealed entries         {sealed}");
    println!(
        "packs                  {:.1} bytes per entry, of them 32 leaf hash",
        per(packs)
    );
    println!("upper tiles            {:.2} bytes per entry", per(tiles));
    println!(
        "disclosures            {:.1} bytes per entry",
        per(disclosures)
    );
}

fn read(dir: &Path) {
    let begun = Instant::now();
    let before = process_cpu_ns();
    let report = verify::directory(dir, None).unwrap();
    let took = begun.elapsed().as_secs_f64();
    let cpu = (process_cpu_ns() - before) as f64 / 1e9;
    assert!(report.is_sound(), "{:?}", report.faults);
    let threads = std::thread::available_parallelism().unwrap();
    println!(
        "verified               {:.0} entries/s on {threads} cores; {:.0} for each second of CPU",
        report.entries as f64 / took,
        report.entries as f64 / cpu
    );
    exported(dir);
    let reader = Reader::open(dir).unwrap();
    let (checkpoint, text) = reader.checkpoint().unwrap();
    let begun = Instant::now();
    prove(&reader, Sequence(7), Disclose::Nothing).unwrap();
    println!(
        "first proof            {:.2} ms",
        begun.elapsed().as_secs_f64() * 1000.0
    );
    let tiles = Tiles::open(reader, checkpoint.size).unwrap();
    let (begun, before) = (Instant::now(), process_cpu_ns());
    let proofs = 1000;
    for n in 0..proofs {
        let sequence = Sequence(n * 7919 % report.sealed);
        prove_in(
            &tiles,
            &checkpoint,
            text.clone(),
            sequence,
            Disclose::Everything,
        )
        .unwrap();
    }
    println!(
        "each proof             {:.3} ms, of them {:.3} CPU",
        begun.elapsed().as_secs_f64() * 1000.0 / proofs as f64,
        (process_cpu_ns() - before) as f64 / 1e6 / proofs as f64
    );
    let begun = Instant::now();
    let store = Store::open(dir, Options::new("weir.example/bench")).unwrap();
    println!(
        "opened                 in {:.0} ms",
        begun.elapsed().as_secs_f64() * 1000.0
    );
    store.close();
}

/// What an auditor checks who is given a static log: everything but disclosures.
fn exported(dir: &Path) {
    let folder = tempfile::tempdir_in(dir.parent().unwrap()).unwrap();
    let reader = Reader::open(dir).unwrap();
    export(&reader, folder.path(), &mut |_| {}).unwrap();
    let (begun, before) = (Instant::now(), process_cpu_ns());
    let report = check(
        &Folder::new(folder.path()),
        reader.trust(),
        None,
        &mut |_| {},
    )
    .unwrap();
    let took = begun.elapsed().as_secs_f64();
    let cpu = (process_cpu_ns() - before) as f64 / 1e9;
    assert!(report.is_sound(), "{:?}", report.faults);
    println!(
        "exported log verified  {:.0} entries/s; {:.0} for each second of CPU",
        report.entries as f64 / took,
        report.entries as f64 / cpu
    );
}

/// CPU time of this process: user and system, in ticks of 10 ms.
fn process_cpu_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let mut fields = stat.rsplit(')').next().unwrap().split(' ').skip(12);
    let mut ticks = || fields.next().unwrap().parse::<u64>().unwrap();
    (ticks() + ticks()) * 10_000_000
}
