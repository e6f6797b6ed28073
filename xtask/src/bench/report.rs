//! Medians, spread and ratios of what was measured.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

/// What a number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Metric {
    P50,
    P99,
    Throughput,
    CpuPerQuery,
    SyscallsPerQuery,
    Stream,
    StreamCpu,
    PeakMemory,
    IdleMemory,
    Connect,
}

impl Metric {
    pub(super) fn name(self) -> &'static str {
        match self {
            Metric::P50 => "p50 µs",
            Metric::P99 => "p99 µs",
            Metric::Throughput => "queries/s",
            Metric::CpuPerQuery => "proxy CPU µs/query",
            Metric::SyscallsPerQuery => "proxy syscalls/query",
            Metric::Stream => "MB/s",
            Metric::StreamCpu => "proxy CPU µs/MB",
            Metric::PeakMemory => "peak memory MiB",
            Metric::IdleMemory => "KiB/idle session",
            Metric::Connect => "connect p50 µs",
        }
    }

    /// Latencies are told as difference to a direct connection in the same round.
    fn is_difference(self) -> bool {
        matches!(self, Metric::P50 | Metric::P99 | Metric::Connect)
    }
}

/// All measurements: by case, metric and system, one value a round.
#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<(usize, String, Metric), BTreeMap<&'static str, Vec<f64>>>);

/// One line of the JSON report.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(super) struct Entry {
    pub(super) case: String,
    pub(super) system: &'static str,
    pub(super) metric: String,
    /// Median over the rounds; for latencies, of the difference to a direct connection.
    pub(super) value: f64,
    /// Width of the middle half of the rounds.
    pub(super) iqr: f64,
    pub(super) vs: &'static str,
    /// `value` less that of `vs`; `null` when `vs` has none.
    pub(super) difference: Option<f64>,
    /// `value` over that of `vs`; `null` when `vs` has none, or when either is not above zero.
    pub(super) ratio: Option<f64>,
}

impl Book {
    /// Notes a measurement; `order` sorts cases in the report.
    pub(super) fn note(
        &mut self,
        order: usize,
        case: &str,
        metric: Metric,
        system: &'static str,
        value: f64,
    ) {
        self.0
            .entry((order, case.to_owned(), metric))
            .or_default()
            .entry(system)
            .or_default()
            .push(value);
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for ((_, case, metric), by_system) in &self.0 {
            let direct = by_system.get("direct");
            let values: BTreeMap<&'static str, (f64, f64)> = by_system
                .iter()
                .filter(|(system, _)| !(metric.is_difference() && **system == "direct"))
                .map(|(system, rounds)| {
                    let rounds: Vec<f64> = match direct {
                        Some(direct) if metric.is_difference() => {
                            rounds.iter().zip(direct).map(|(a, b)| a - b).collect()
                        }
                        _ => rounds.clone(),
                    };
                    (*system, spread(&rounds))
                })
                .collect();
            let name = if metric.is_difference() {
                format!("{} over direct", metric.name())
            } else {
                metric.name().to_owned()
            };
            for (system, (value, iqr)) in &values {
                let others: Vec<&'static str> = values
                    .keys()
                    .copied()
                    .filter(|other| other != system)
                    .collect();
                for vs in others {
                    let base = values.get(vs).map(|(base, _)| *base);
                    let ratio = base
                        .filter(|base| *base > 0.0 && *value > 0.0)
                        .map(|base| value / base);
                    entries.push(Entry {
                        case: case.clone(),
                        system,
                        metric: name.clone(),
                        value: *value,
                        iqr: *iqr,
                        vs,
                        difference: base.map(|base| value - base),
                        ratio,
                    });
                }
                if values.len() == 1 {
                    entries.push(Entry {
                        case: case.clone(),
                        system,
                        metric: name.clone(),
                        value: *value,
                        iqr: *iqr,
                        vs: "",
                        difference: None,
                        ratio: None,
                    });
                }
            }
        }
        entries
    }

    /// A table: one line a case and metric, one column a system, then Weir's ratios.
    pub(super) fn table(&self) -> String {
        let systems = ["direct", "pgbouncer", "forwarder", "weir"];
        let mut text = format!("{:<12} {:<28}", "case", "metric");
        for system in systems {
            let _ = write!(text, " {system:>18}");
        }
        text.push_str("   weir/pgbouncer  weir/forwarder\n");
        let entries = self.entries();
        let mut last = String::new();
        for entry in &entries {
            let key = format!("{} {}", entry.case, entry.metric);
            if key == last {
                continue;
            }
            last.clone_from(&key);
            let of: Vec<&Entry> = entries
                .iter()
                .filter(|e| e.case == entry.case && e.metric == entry.metric)
                .collect();
            let _ = write!(text, "{:<12} {:<28}", entry.case, entry.metric);
            for system in systems {
                let cell = of.iter().find(|e| e.system == system).map_or_else(
                    || "–".to_owned(),
                    |e| format!("{} ±{}", number(e.value), number(e.iqr / 2.0)),
                );
                let _ = write!(text, " {cell:>18}");
            }
            for (vs, width) in [("pgbouncer", 16), ("forwarder", 15)] {
                let entry = of.iter().find(|e| e.system == "weir" && e.vs == vs);
                // A latency's ratio says little when both are small: its difference is what a user waits.
                let cell = match entry.map(|e| (e.difference, e.ratio)) {
                    Some((Some(difference), _))
                        if entry.is_some_and(|e| e.metric.ends_with("over direct")) =>
                    {
                        format!("{difference:+.1} µs")
                    }
                    Some((_, Some(ratio))) => format!("{ratio:.2}"),
                    _ => "–".to_owned(),
                };
                let _ = write!(text, " {cell:>width$}");
            }
            text.push('\n');
        }
        text
    }
}

/// Median and interquartile range.
fn spread(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a handful of rounds"
        )]
        let index = ((sorted.len().saturating_sub(1)) as f64 * share).round() as usize;
        sorted.get(index).copied().unwrap_or_default()
    };
    (at(0.5), at(0.75) - at(0.25))
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_medians_and_latencies_of_differences() {
        let mut book = Book::default();
        for (direct, pgbouncer, weir) in [
            (50.0, 90.0, 94.0),
            (60.0, 100.0, 104.0),
            (50.0, 90.0, 130.0),
        ] {
            book.note(0, "simple 1", Metric::P50, "direct", direct);
            book.note(0, "simple 1", Metric::P50, "pgbouncer", pgbouncer);
            book.note(0, "simple 1", Metric::P50, "weir", weir);
        }
        let entries = book.entries();
        let weir = entries
            .iter()
            .find(|e| e.system == "weir" && e.vs == "pgbouncer")
            .unwrap();
        assert_eq!((weir.value, weir.ratio), (44.0, Some(1.1)));
        assert_eq!(weir.metric, "p50 µs over direct");
        assert!(!entries.iter().any(|e| e.system == "direct"));
        assert_eq!(weir.difference, Some(4.0));
        assert!(book.table().contains("+4.0 µs"));
    }
}
