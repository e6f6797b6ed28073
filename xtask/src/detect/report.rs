//! The tables that are printed.

use std::fmt::Write as _;

use anyhow::Result;

use super::score::{Count, Score};
use super::{Detect, GOALS};

/// Everything for machines.
pub(super) fn json(seed: u64, score: &Score, rival: Option<&Score>) -> Result<String> {
    Ok(serde_json::to_string_pretty(&serde_json::json!({
        "seed": seed,
        "weir": summary(score),
        "presidio": rival.map(summary),
    }))?)
}

fn summary(score: &Score) -> serde_json::Value {
    serde_json::json!({
        "recall": score.columns.recall(),
        "precision": score.columns.precision(),
        "typed_f1": score.typed.f1(),
        "exact_label_f1": score.exact.f1(),
        "leaked": score.leak_rate(),
        "over_masked": score.over_rate(),
        "cells_per_second": score.cells_per_second(),
        "detail": score,
    })
}

pub(super) fn text(seed: u64, options: &Detect, score: &Score, rival: Option<&Score>) -> String {
    let mut out = String::new();
    let _ = write(&mut out, seed, options, score, rival);
    out
}

fn write(
    out: &mut String,
    seed: u64,
    options: &Detect,
    score: &Score,
    rival: Option<&Score>,
) -> std::fmt::Result {
    if options.misses {
        for miss in &score.misses {
            writeln!(out, "{miss}")?;
        }
        for (label, (leaked, of)) in &score.leaks {
            writeln!(out, "leaked of {label:<14} {leaked:>6} of {of:>7}")?;
        }
        for (name, (over, of)) in score.overs.iter().filter(|(_, (over, _))| *over > 0) {
            writeln!(out, "over-masked in {name:<14} {over:>6} of {of:>7}")?;
        }
    }
    writeln!(
        out,
        "seed {seed}: {} cells, {} bytes",
        score.cells, score.bytes
    )?;
    writeln!(
        out,
        "\n{:<26} {:>9} {:>9} {:>9}",
        "label", "precision", "recall", "columns"
    )?;
    for (label, count) in &score.labels {
        row(out, label, *count)?;
    }
    writeln!(
        out,
        "\n{:<26} {:>9} {:>9} {:>9}",
        "sensitive or not", "precision", "recall", "columns"
    )?;
    for (name, count) in score.by_sort.iter().chain(&score.by_style) {
        row(out, name, *count)?;
    }
    writeln!(
        out,
        "\n{:<26} {:>9} {:>9} {:>9}",
        "",
        "aim",
        "Weir",
        if rival.is_some() { "Presidio" } else { "" }
    )?;
    let mut line = |name: &str, aim: String, of: &dyn Fn(&Score) -> String| {
        writeln!(
            out,
            "{name:<26} {aim:>9} {:>9} {:>9}",
            of(score),
            rival.map(of).unwrap_or_default()
        )
    };
    line("column recall", format!(">= {}", GOALS.recall), &|s| {
        format!("{:.3}", s.columns.recall())
    })?;
    line(
        "column precision",
        format!(">= {}", GOALS.precision),
        &|s| format!("{:.3}", s.columns.precision()),
    )?;
    line("typed F1", format!(">= {:.2}", GOALS.typed_f1), &|s| {
        format!("{:.3}", s.typed.f1())
    })?;
    line("exact label F1", String::new(), &|s| {
        format!("{:.3}", s.exact.f1())
    })?;
    line(
        "sensitive chars leaked",
        format!("<= {:.0}%", GOALS.leaked * 100.0),
        &|s| format!("{:.2}%", s.leak_rate() * 100.0),
    )?;
    line(
        "other chars masked",
        format!("<= {:.0}%", GOALS.over * 100.0),
        &|s| format!("{:.2}%", s.over_rate() * 100.0),
    )?;
    line("cells per second", String::new(), &|s| {
        format!("{:.0}", s.cells_per_second())
    })
}

fn row(out: &mut String, name: &str, count: Count) -> std::fmt::Result {
    writeln!(
        out,
        "{name:<26} {:>9.3} {:>9.3} {:>9}",
        count.precision(),
        count.recall(),
        count.right + count.missed
    )
}
