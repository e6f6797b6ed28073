//! The same tables judged by presidio-analyzer's own recognisers, without a language model.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::score::{Score, Verdict};
use super::{Detect, FAKER, environment, generated};
use crate::compat::python;

const PACKAGE: &str = "presidio-analyzer==2.2.366";
const SCRIPT: &str = include_str!("presidio.py");

/// What the script prints for a column.
#[derive(Deserialize)]
struct Said {
    paths: BTreeMap<String, (String, bool)>,
    masked: Vec<Vec<(usize, usize)>>,
    seconds: f64,
}

pub(super) fn run(options: &Detect, seed: u64) -> Result<Score> {
    let text = generated(options, seed)?;
    let file = super::super::target_folder().join("detect/tables.jsonl");
    std::fs::write(&file, &text)?;
    let interpreter = environment(&[FAKER, PACKAGE])?;
    let said = python::run(
        Command::new(interpreter)
            .args(["-c", SCRIPT])
            .arg(&file)
            .env("PYTHONUTF8", "1"),
    )?;
    let mut score = Score::default();
    let mut lines = said.lines();
    for table in super::generate(options, seed)? {
        for column in &table.columns {
            let line = lines.next().context("the script stopped early")?;
            let said: Said = serde_json::from_str(line)?;
            let verdict = Verdict {
                paths: said.paths,
                masked: said.masked,
                took: Duration::from_secs_f64(said.seconds),
            };
            score.take(&table, column, &verdict);
        }
    }
    Ok(score)
}
