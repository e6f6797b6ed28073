use std::time::Duration;

use super::*;

#[test]
fn commands_are_told_apart_by_their_tags() {
    for (tag, name) in [
        ("SELECT", "select"),
        ("SELECT INTO", "select"),
        ("CREATE TABLE AS", "definition"),
        ("PREPARE", "prepared"),
        ("PREPARE TRANSACTION", "transaction"),
        ("DECLARE CURSOR", "cursor"),
        ("OPAQUE", "opaque"),
        ("VACUUM", "other"),
        ("", "other"),
    ] {
        assert_eq!(Command::of(tag).name(), name, "{tag}");
    }
    for (number, command) in Command::ALL.iter().enumerate() {
        assert_eq!(*command as usize, number);
    }
}

#[test]
fn workers_count_apart_and_are_read_together() {
    let metrics = Metrics::default();
    let labels = || ["email".to_owned()].into_iter();
    for worker in [metrics.worker(), metrics.worker()] {
        let cells = worker.cells("shop", labels());
        cells.statement("SELECT", Verdict::Allow, true);
        cells.statement("DROP TABLE", Verdict::Deny, false);
        cells.masked("email", 3);
        cells.masked("made later", 2);
        worker.request.record(Duration::from_micros(7));
        assert!(Arc::ptr_eq(&cells, &worker.cells("shop", labels())));
    }
    let (request, response) = metrics.latencies();
    assert_eq!((request.buckets[3], request.sum_ns), (2, 14_000));
    assert_eq!(response, Distribution::default());
    let workers = locked(&metrics.workers);
    let cells = workers[1].cells("shop", labels());
    assert_eq!(cells.statements[Command::Definition as usize][1].read(), 1);
    assert_eq!(cells.degraded.read(), 1);
    let masked: Vec<_> = cells
        .masked
        .iter()
        .map(|(name, n)| (name.as_str(), n.read()))
        .collect();
    assert_eq!(masked, [("email", 3), ("other", 2)]);
}

#[test]
fn only_time_in_weir_is_measured() {
    let histogram = Histogram::default();
    let count = || {
        let mut sum = Distribution::default();
        histogram.add_to(&mut sum);
        sum.buckets.iter().sum::<u64>()
    };
    let now = std::time::Instant::now();
    let mut stamp = Stamp::default();
    stamp.went(&histogram);
    assert_eq!(count(), 0, "nothing came");
    stamp.came(now, false);
    stamp.went(&histogram);
    assert_eq!(count(), 0, "nothing had to go on");
    stamp.came(now, true);
    stamp.stalled();
    stamp.went(&histogram);
    assert_eq!(count(), 0, "the other side was slow");
    stamp.came(now, true);
    stamp.went(&histogram);
    stamp.went(&histogram);
    assert_eq!(count(), 1);
}
