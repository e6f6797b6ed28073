//! `cargo xtask test`: every check there is, on a machine that may have nothing but Rust.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::crash::{self, Crash};
use crate::demo::{self, Demo};
use crate::detect;
use crate::lab::install;
use crate::leaks::{self, Leaks};
use crate::tidy;

/// What one step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Count {
    fn one(good: bool) -> Count {
        Count {
            passed: usize::from(good),
            failed: usize::from(!good),
            skipped: 0,
        }
    }

    fn skip(why: &str) -> Count {
        println!("SKIPPED: {why}");
        Count {
            skipped: 1,
            ..Count::default()
        }
    }

    fn add(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

type Step = (&'static str, fn() -> Result<Count>);

const STEPS: &[Step] = &[
    ("machine", machine),
    ("fmt", fmt),
    ("tidy", || Ok(Count::one(tidy::run()?))),
    ("clippy", clippy),
    ("tests", tests),
    ("fuzz corpus", fuzz_corpus),
    ("leaks, own corpus", own_leaks),
    ("leaks, shared corpus", shared_leaks),
    ("crash, 20 kills", kills),
    ("detect, small", small_detect),
    ("demo --check", || {
        Ok(Count::one(demo::run(&Demo { check: true })?))
    }),
];

/// Runs every step, also after one failed; `false` when any did.
///
/// # Errors
/// None so far: what a step cannot do counts as failed.
pub fn run() -> Result<bool> {
    let mut total = Count::default();
    let mut table = String::from("step                    passed  failed  skipped  seconds\n");
    for (index, (name, step)) in STEPS.iter().enumerate() {
        println!("[{}/{}] {name} …", index + 1, STEPS.len());
        let begun = Instant::now();
        let count = step().unwrap_or_else(|error| {
            println!("error: {error:#}");
            Count::one(false)
        });
        total.add(count);
        let seconds = begun.elapsed().as_secs_f32();
        let mark = if count.failed > 0 {
            "  FAILED"
        } else if count.skipped > 0 {
            "  skipped some"
        } else {
            ""
        };
        writeln!(
            table,
            "{name:<22}  {:>6}  {:>6}  {:>7}  {seconds:>7.1}{mark}",
            count.passed, count.failed, count.skipped
        )?;
    }
    println!("\n{table}");
    println!(
        "{} passed, {} failed, {} skipped",
        total.passed, total.failed, total.skipped
    );
    Ok(total.failed == 0)
}

fn machine() -> Result<Count> {
    install::package(
        "libclang-dev",
        "a library that building PostgreSQL's grammar needs",
    )?;
    println!("PostgreSQL: {}", install::postgres()?.display());
    println!(
        "psql: {}",
        install::program("psql", "postgresql-client", "the client people use")?.display()
    );
    Ok(Count::one(true))
}

fn fmt() -> Result<Count> {
    if !component("fmt", "rustfmt") {
        return Ok(Count::skip(
            "rustfmt is not installed (rustup component add rustfmt)",
        ));
    }
    Ok(Count::one(
        cargo(&["fmt", "--all", "--check"]).status()?.success(),
    ))
}

fn clippy() -> Result<Count> {
    if !component("clippy", "clippy") {
        return Ok(Count::skip(
            "clippy is not installed (rustup component add clippy)",
        ));
    }
    let arguments = [
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ];
    Ok(Count::one(cargo(&arguments).status()?.success()))
}

fn component(subcommand: &str, name: &str) -> bool {
    let there = || {
        cargo(&[subcommand, "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    there() || {
        println!("installing Rust component {name}");
        let _ = Command::new("rustup")
            .args(["component", "add", name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        there()
    }
}

fn tests() -> Result<Count> {
    cargo_test(&["test", "--workspace", "--no-fail-fast"])
}

/// Inputs that fuzzing kept, run again by tests whose name says so.
fn fuzz_corpus() -> Result<Count> {
    let folder = crate::root().join("fuzz/corpus");
    if !folder.is_dir() {
        return Ok(Count::skip("there is no fuzz/corpus"));
    }
    let count = cargo_test(&["test", "--workspace", "--no-fail-fast", "corpus"])?;
    if count.passed + count.failed == 0 {
        bail!("fuzz/corpus is there, but no test with `corpus` in its name runs it");
    }
    Ok(count)
}

fn own_leaks() -> Result<Count> {
    run_leaks(&Leaks {
        served: Some(85),
        worlds: true,
        ..Leaks::default()
    })
}

/// Another corpus, where one lies beside the checkout.
fn shared_leaks() -> Result<Count> {
    let folder = crate::root().join("../shared/corpora");
    let (corpus, setup) = (
        folder.join("postgres.json"),
        folder.join("postgres-setup.sql"),
    );
    if !corpus.is_file() {
        return Ok(Count::skip(&format!("there is no {}", corpus.display())));
    }
    run_leaks(&Leaks {
        corpus: Some(corpus),
        setup: Some(setup),
        worlds: true,
        ..Leaks::default()
    })
}

/// Kills of the gateway under load; each counts as a test, each broken rule as a failure.
fn kills() -> Result<Count> {
    let summary = crash::measure(&Crash {
        kills: 20,
        seed: 1,
        ..Crash::default()
    })?;
    println!("{}", summary.line());
    Ok(Count {
        passed: usize::try_from(summary.kills)?,
        failed: usize::try_from(summary.violations)?,
        skipped: 0,
    })
}

/// Generated tables of a seed nobody chose; the report says which.
fn small_detect() -> Result<Count> {
    const TABLES: usize = 22;
    Ok(match detect::check(TABLES, detect::SMALL)? {
        Some(good) => Count::one(good),
        None => Count::skip("no Python environment with `faker` from PyPI can be made"),
    })
}

fn run_leaks(options: &Leaks) -> Result<Count> {
    let summary = leaks::measure(options)?;
    let mut count = Count {
        passed: summary.masked + summary.refused,
        failed: summary.leaked + summary.silent,
        skipped: 0,
    };
    let least = options.served.unwrap_or_default();
    count.add(Count::one(summary.served_percent >= least));
    count.add(Count::one(summary.is_clear()));
    Ok(count)
}

/// Runs `cargo test`, adds up what its programs report, and repeats the whole output when something failed.
fn cargo_test(arguments: &[&str]) -> Result<Count> {
    let mut child = cargo(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let out = child.stdout.take().context("no output pipe")?;
    let mut count = Count::default();
    let mut whole = String::new();
    for line in BufReader::new(out).lines() {
        let line = line?;
        if let Some(of) = counted(&line) {
            count.add(of);
        }
        if let Some((_, why)) = line.split_once("SKIPPED: ") {
            count.add(Count::skip(why));
        }
        if line.ends_with(" FAILED") || line.contains("... ignored") {
            println!("{line}");
        }
        whole.push_str(&line);
        whole.push('\n');
    }
    if !child.wait()?.success() {
        println!("{whole}");
        // What does not compile has no count of its own.
        if count.failed == 0 {
            count.failed = 1;
        }
    }
    Ok(count)
}

/// `test result: ok. 12 passed; 0 failed; 1 ignored; …`
fn counted(line: &str) -> Option<Count> {
    let numbers = line.strip_prefix("test result: ")?;
    let number = |word: &str| {
        let (before, _) = numbers.split_once(&format!(" {word}"))?;
        before.rsplit(' ').next()?.parse().ok()
    };
    Some(Count {
        passed: number("passed")?,
        failed: number("failed")?,
        skipped: number("ignored")?,
    })
}

fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = crate::cargo();
    cargo.args(arguments).current_dir(crate::root());
    // `cargo fmt` and `cargo clippy` are looked for on the PATH, beside cargo itself.
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_test_programs_report() {
        let line = "test result: FAILED. 12 passed; 2 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.1s";
        assert_eq!(
            counted(line),
            Some(Count {
                passed: 12,
                failed: 2,
                skipped: 1
            })
        );
        assert_eq!(counted("test a ... ok"), None);
    }
}
