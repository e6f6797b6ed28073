//! `cargo xtask detect`: what the detector finds in generated tables, held against what is in them.
//!
//! The tables come from `generate.py`, which draws names, towns and numbers from the Python package `faker`, so that
//! none of them stands in the detector's lists because it was put there for this test.

mod presidio;
mod report;
mod score;
mod tables;

use std::path::PathBuf;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;

use crate::compat::python;
use score::Score;
use tables::Table;

/// The generator's package.
const FAKER: &str = "faker==40.54.0";
const GENERATOR: &str = include_str!("generate.py");

/// Options of `cargo xtask detect`.
#[derive(Args, Clone, Debug, Default)]
pub struct Detect {
    /// Seed of the tables; drawn and printed when not given
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many tables of about 20 columns and 60 rows
    #[arg(long, default_value_t = 66)]
    pub tables: usize,
    /// Only these locales, as `faker` names them, separated by commas
    #[arg(long)]
    pub locales: Option<String>,
    /// Also run the recognisers of presidio-analyzer from PyPI (without a language model)
    #[arg(long)]
    pub presidio: bool,
    /// List every column that was judged wrongly
    #[arg(long)]
    pub misses: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What must hold: column recall and precision, typed F1, leaked and over-masked characters.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// Of the sensitive columns, those found.
    pub recall: f64,
    /// Of the columns found, those sensitive.
    pub precision: f64,
    /// Over labels of columns and paths.
    pub typed_f1: f64,
    /// Most sensitive characters that stay.
    pub leaked: f64,
    /// Most other characters that go.
    pub over: f64,
}

/// The aims.
const GOALS: Floor = Floor {
    recall: 0.97,
    precision: 0.93,
    typed_f1: 0.90,
    leaked: 0.03,
    over: 0.01,
};

/// A little below the aims, for a few tables of any seed.
pub const SMALL: Floor = Floor {
    recall: 0.95,
    precision: 0.90,
    typed_f1: 0.87,
    leaked: 0.04,
    over: 0.02,
};

/// Judges generated tables and prints how well; whether the aims were met.
///
/// # Errors
/// When Python or its packages cannot be had.
pub fn run(options: &Detect) -> Result<bool> {
    let (seed, score) = measure(options)?;
    let rival = if options.presidio {
        Some(presidio::run(options, seed)?)
    } else {
        None
    };
    if options.json {
        println!("{}", report::json(seed, &score, rival.as_ref())?);
    } else {
        print!("{}", report::text(seed, options, &score, rival.as_ref()));
    }
    Ok(meets(&score, GOALS))
}

/// Judges generated tables of a seed and holds them against a floor; `None` when there is no Python to make them.
///
/// # Errors
/// When the tables cannot be read.
pub fn check(tables: usize, floor: Floor) -> Result<Option<bool>> {
    let options = Detect {
        tables,
        ..Detect::default()
    };
    if environment(&[FAKER]).is_err() {
        return Ok(None);
    }
    let (seed, score) = measure(&options)?;
    print!("{}", report::text(seed, &options, &score, None));
    Ok(Some(meets(&score, floor)))
}

fn meets(score: &Score, floor: Floor) -> bool {
    score.columns.recall() >= floor.recall
        && score.columns.precision() >= floor.precision
        && score.typed.f1() >= floor.typed_f1
        && score.leak_rate() <= floor.leaked
        && score.over_rate() <= floor.over
}

fn measure(options: &Detect) -> Result<(u64, Score)> {
    let seed = options.seed.unwrap_or_else(drawn);
    let mut score = Score::default();
    for table in generate(options, seed)? {
        for column in &table.columns {
            score.take(&table, column, &score::own(&table, column));
        }
    }
    Ok((seed, score))
}

/// A seed nobody chose.
fn drawn() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |since| u64::from(since.subsec_nanos()) ^ since.as_secs())
        % 1_000_000_000
}

fn generate(options: &Detect, seed: u64) -> Result<Vec<Table>> {
    let text = generated(options, seed)?;
    text.lines()
        .map(|line| {
            serde_json::from_str(line).context("the generator printed something else than a table")
        })
        .collect()
}

/// The tables as the generator prints them, one a line.
fn generated(options: &Detect, seed: u64) -> Result<String> {
    let python = environment(&[FAKER])?;
    let mut command = Command::new(python);
    command
        .args(["-c", GENERATOR, "--seed", &seed.to_string()])
        .args(["--tables", &options.tables.to_string()])
        .env("PYTHONHASHSEED", "0")
        .env("PYTHONUTF8", "1");
    if let Some(locales) = &options.locales {
        command.args(["--locales", locales]);
    }
    python::run(&mut command)
}

/// A Python environment of our own below `target/detect`.
fn environment(packages: &[&str]) -> Result<PathBuf> {
    python::environment(&crate::target_folder().join("detect"), packages)
}
