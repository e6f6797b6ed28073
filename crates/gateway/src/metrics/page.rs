//! The page in Prometheus' text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use store::measure::{BOUNDS, Distribution, bound_us};
use store::ship::Status;
use store::{Alarm, State, Store};

use super::{Command, Metrics, locked};

/// Decisions, in the order of `Verdict`.
const DECISIONS: [&str; 3] = ["allow", "deny", "ask"];

/// Everything measured. `open` is each target with its sessions.
pub(crate) fn page<'a>(
    metrics: &Metrics,
    store: &Store,
    outputs: &[Arc<Status>],
    open: impl Iterator<Item = (&'a str, usize)>,
) -> String {
    let mut page = Page(String::with_capacity(16 << 10));
    page.family("weir_build_info", Kind::Gauge, "Version of the program");
    page.sample(
        "weir_build_info",
        &[("version", env!("CARGO_PKG_VERSION"))],
        1,
    );
    statements(&mut page, metrics);
    sessions(&mut page, metrics, open);
    ledger(&mut page, store);
    self::outputs(&mut page, store, outputs);
    page.0
}

fn statements(page: &mut Page, metrics: &Metrics) {
    let mut statements: BTreeMap<(String, usize, usize), u64> = BTreeMap::new();
    let mut degraded: BTreeMap<String, u64> = BTreeMap::new();
    let mut masked: BTreeMap<(String, String), u64> = BTreeMap::new();
    for worker in locked(&metrics.workers).iter() {
        for (target, cells) in locked(&worker.cells).iter() {
            for (command, row) in cells.statements.iter().enumerate() {
                for (decision, count) in row.iter().enumerate() {
                    let at = (target.clone(), command, decision);
                    *statements.entry(at).or_default() += count.read();
                }
            }
            *degraded.entry(target.clone()).or_default() += cells.degraded.read();
            for (label, count) in &cells.masked {
                *masked.entry((target.clone(), label.clone())).or_default() += count.read();
            }
        }
    }
    let name = "weir_statements_total";
    page.family(
        name,
        Kind::Counter,
        "Statements recorded, by target, command and decision",
    );
    for ((target, command, decision), count) in statements.iter().filter(|(_, count)| **count > 0) {
        let command = Command::ALL
            .get(*command)
            .map_or(super::OTHER, |one| one.name());
        let decision = DECISIONS.get(*decision).copied().unwrap_or(super::OTHER);
        let labels = [
            ("target", target.as_str()),
            ("command", command),
            ("decision", decision),
        ];
        page.sample(name, &labels, *count);
    }
    let name = "weir_statements_degraded_total";
    page.family(
        name,
        Kind::Counter,
        "Statements that ran with NULL for masked columns they compute with",
    );
    for (target, count) in &degraded {
        page.sample(name, &[("target", target)], *count);
    }
    let name = "weir_masked_cells_total";
    page.family(
        name,
        Kind::Counter,
        "Cells that left as stand-ins, by label",
    );
    for ((target, label), count) in &masked {
        page.sample(name, &[("target", target), ("label", label)], *count);
    }
    let (request, response) = metrics.latencies();
    page.histogram(
        "weir_request_added_seconds",
        "Time from a client's bytes to what Weir forwarded of them",
        &request,
    );
    page.histogram(
        "weir_response_added_seconds",
        "Time from a database's bytes to what Weir released of them",
        &response,
    );
}

fn sessions<'a>(page: &mut Page, metrics: &Metrics, open: impl Iterator<Item = (&'a str, usize)>) {
    let open: BTreeMap<&str, usize> = open.collect();
    let name = "weir_sessions_open";
    page.family(name, Kind::Gauge, "Sessions open or being opened");
    for (target, count) in open {
        page.sample(name, &[("target", target)], count as u64);
    }
    let sessions = locked(&metrics.sessions).clone();
    let name = "weir_sessions_opened_total";
    page.family(name, Kind::Counter, "Sessions opened");
    for (target, of) in &sessions {
        page.sample(name, &[("target", target)], of.opened);
    }
    let name = "weir_sessions_refused_total";
    page.family(
        name,
        Kind::Counter,
        "Principals that proved who they are and got no session",
    );
    for (target, of) in &sessions {
        page.sample(name, &[("target", target)], of.refused);
    }
    let name = "weir_authentication_failures_total";
    page.family(
        name,
        Kind::Counter,
        "Clients that did not get in, by reason",
    );
    for (reason, count) in locked(&metrics.failures).iter() {
        page.sample(name, &[("reason", reason)], *count);
    }
}

fn ledger(page: &mut Page, store: &Store) {
    let health = store.health();
    let (appended, durable, signed) = (health.appended.0, health.durable.0, health.signed.0);
    let name = "weir_ledger_entries";
    page.family(name, Kind::Gauge, "Entries in the ledger");
    page.sample(name, &[], appended);
    let name = "weir_ledger_lag_entries";
    page.family(
        name,
        Kind::Gauge,
        "Entries not on disk, or on disk and under no checkpoint",
    );
    page.sample(
        name,
        &[("stage", "fsync")],
        appended.saturating_sub(durable),
    );
    page.sample(
        name,
        &[("stage", "checkpoint")],
        durable.saturating_sub(signed),
    );
    let name = "weir_ledger_lag_seconds";
    page.family(name, Kind::Gauge, "Age of the oldest of those entries");
    page.sample(
        name,
        &[("stage", "fsync")],
        Seconds(health.unsynced_ms * 1000),
    );
    page.sample(
        name,
        &[("stage", "checkpoint")],
        Seconds(health.unsigned_ms * 1000),
    );
    page.histogram(
        "weir_ledger_fsync_seconds",
        "Time a sync of the ledger took",
        &store.sync_times(),
    );
    let name = "weir_ledger_refused_total";
    page.family(name, Kind::Counter, "Events the ledger could not take");
    page.sample(name, &[], health.refused);
    let name = "weir_ledger_ready";
    page.family(name, Kind::Gauge, "Whether the ledger takes entries");
    page.sample(name, &[], u64::from(health.state == State::Ready));
    let name = "weir_ledger_alarm";
    page.family(
        name,
        Kind::Gauge,
        "Whether the ledger's disk fills up, is full, or failed",
    );
    for (word, raised) in [
        (
            "filling",
            matches!(health.alarm, Some(Alarm::Filling { .. })),
        ),
        ("full", matches!(health.alarm, Some(Alarm::Full(_)))),
        ("fault", matches!(health.alarm, Some(Alarm::Fault(_)))),
    ] {
        page.sample(name, &[("alarm", word)], u64::from(raised));
    }
    let name = "weir_ledger_disk_used_ratio";
    page.family(name, Kind::Gauge, "Used part of the ledger's file system");
    page.sample(name, &[], Seconds(u64::from(health.used_percent) * 10_000));
    let name = "weir_ledger_disk_available_bytes";
    page.family(
        name,
        Kind::Gauge,
        "Bytes the ledger's file system still offers",
    );
    page.sample(name, &[], health.available_bytes);
    let name = "weir_ledger_epochs";
    page.family(
        name,
        Kind::Gauge,
        "Times the ledger was opened, or went on after a fault",
    );
    page.sample(name, &[], health.epoch);
}

fn outputs(page: &mut Page, store: &Store, outputs: &[Arc<Status>]) {
    if outputs.is_empty() {
        return;
    }
    let durable = store.health().durable.0;
    let behind = |one: &Status| durable.saturating_sub(one.next().0);
    let name = "weir_output_up";
    page.family(name, Kind::Gauge, "Whether the last delivery succeeded");
    for one in outputs {
        page.sample(
            name,
            &[("output", one.name())],
            u64::from(one.trouble().is_none()),
        );
    }
    let name = "weir_output_lag_entries";
    page.family(
        name,
        Kind::Gauge,
        "Durable entries an output was not told of",
    );
    for one in outputs {
        page.sample(name, &[("output", one.name())], behind(one));
    }
    let name = "weir_output_lag_seconds";
    page.family(name, Kind::Gauge, "Age of the oldest of those entries");
    for one in outputs {
        page.sample(
            name,
            &[("output", one.name())],
            Seconds(one.behind_ms() * 1000),
        );
    }
    let name = "weir_output_events_total";
    page.family(name, Kind::Counter, "Events delivered");
    for one in outputs {
        page.sample(name, &[("output", one.name())], one.events());
    }
    let name = "weir_output_failures_total";
    page.family(
        name,
        Kind::Counter,
        "Deliveries that failed and were tried again",
    );
    for one in outputs {
        page.sample(name, &[("output", one.name())], one.failures());
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Microseconds, written as seconds.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}.\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{open}{label}=\"");
            for c in text.chars() {
                match c {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        let close = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{close} {value}");
    }

    fn histogram(&mut self, name: &str, help: &str, of: &Distribution) {
        self.family(name, Kind::Histogram, help);
        let bucket = format!("{name}_bucket");
        let mut sum = 0;
        for (index, count) in of.buckets.iter().enumerate() {
            sum += count;
            let bound = match bound_us(index) {
                Some(us) => Seconds(us).to_string(),
                None => "+Inf".to_owned(),
            };
            self.sample(&bucket, &[("le", &bound)], sum);
        }
        debug_assert_eq!(of.buckets.len(), BOUNDS + 1);
        self.sample(&format!("{name}_sum"), &[], Seconds(of.sum_ns / 1000));
        self.sample(&format!("{name}_count"), &[], sum);
    }
}
