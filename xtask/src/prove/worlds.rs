//! Non-interference of generated statements.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::choices::{Choices, shrink};
use super::grammar::{Unit, unit};
use super::sqlsmith;
use super::stage::{Run, Stage};
use crate::lab::Answer;
use crate::leaks::worlds::{Comparison, Which, compare};

/// Options of `cargo xtask prove worlds`.
#[derive(Args, Clone, Debug)]
pub struct Worlds {
    /// Stop after so many statements that were served
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub statements: usize,
    /// Where the random numbers start; drawn and printed when absent
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// How many statements of sqlsmith to run besides
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub sqlsmith: usize,
    /// Stop after so many faults
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub faults: usize,
    /// Print one JSON document instead of the table
    #[arg(long)]
    pub json: bool,
}

/// Counts of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Where the random numbers started.
    pub seed: u64,
    /// Statements sent.
    pub statements: usize,
    /// Statements served without an error.
    pub accepted: usize,
    /// Of these, with NULL in place of what was computed.
    pub degraded: usize,
    /// Statements the gateway refused.
    pub refused: usize,
    /// Statements the database refused.
    pub failed: usize,
    /// Units whose order of rows or other bytes differ from run to run.
    pub noise: usize,
    /// Units in which nothing can be said.
    pub unclear: usize,
    /// Accepted statements of sqlsmith.
    pub sqlsmith: usize,
    /// Differences that the masked values make.
    pub faults: Vec<Fault>,
    /// Rules by which statements were refused.
    pub rules: BTreeMap<String, usize>,
}

/// A unit whose answers tell the worlds apart.
#[derive(Clone, Debug, Serialize)]
pub struct Fault {
    /// What differs.
    pub why: String,
    /// The shortest requests found that still differ.
    pub requests: Vec<String>,
}

/// Runs it; `false` when a fault was found.
pub(super) fn run(options: &Worlds) -> Result<bool> {
    Ok(measure(options)?.faults.is_empty())
}

/// Runs it and gives the counts.
///
/// # Errors
/// When a server does not start.
pub fn measure(options: &Worlds) -> Result<Summary> {
    let drawn = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos().into());
    let seed = options.seed.unwrap_or(drawn);
    let begun = Instant::now();
    eprintln!("seed {seed}");
    let mut prover = Prover {
        stage: Stage::new()?,
        summary: Summary {
            seed,
            ..Summary::default()
        },
    };
    for unit in sqlsmith_units(&prover.stage, options, seed)? {
        prover.check(&unit, None)?;
    }
    prover.summary.sqlsmith = prover.summary.accepted;
    let mut number = 0;
    while prover.summary.accepted < options.statements
        && prover.summary.faults.len() < options.faults
    {
        number += 1;
        let start = seed.wrapping_mul(0x9e37_79b9).wrapping_add(number);
        let (made, choices) = unit(Choices::drawn(start));
        prover.check(&made, Some(choices.tape()))?;
        if number.is_multiple_of(5_000) {
            eprintln!("{} of {} …", prover.summary.accepted, options.statements);
        }
    }
    let summary = prover.summary;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print(&summary, begun);
    }
    Ok(summary)
}

fn sqlsmith_units(stage: &Stage, options: &Worlds, seed: u64) -> Result<Vec<Unit>> {
    if options.sqlsmith == 0 {
        return Ok(Vec::new());
    }
    sqlsmith::statements(stage.server(), "one", options.sqlsmith, seed)
}

fn print(of: &Summary, begun: Instant) {
    for fault in &of.faults {
        println!("FAULT  {}", fault.why);
        for request in &fault.requests {
            println!("       {request};");
        }
    }
    for (rule, count) in &of.rules {
        println!("refused by {rule:<24} {count:>7}");
    }
    println!(
        "prove worlds: {} faults; {} statements, {} accepted ({} of sqlsmith, {} degraded), {} refused, {} failed; \
         noise in {}, unclear {}; seed {}, {} s",
        of.faults.len(),
        of.statements,
        of.accepted,
        of.sqlsmith,
        of.degraded,
        of.refused,
        of.failed,
        of.noise,
        of.unclear,
        of.seed,
        begun.elapsed().as_secs()
    );
}

struct Prover {
    stage: Stage,
    summary: Summary,
}

impl Prover {
    fn check(&mut self, made: &Unit, tape: Option<Vec<u32>>) -> Result<()> {
        let (comparison, run) = self.compare(made)?;
        for answer in &run.answers {
            self.count(answer);
        }
        match comparison {
            Comparison::Same => {}
            Comparison::SameButNoise => self.summary.noise += 1,
            Comparison::Unclear(_) => self.summary.unclear += 1,
            Comparison::Differ(why) => {
                let (why, smallest) = match tape {
                    Some(tape) => self.shrunk(why, made, &tape)?,
                    None => (why, made.clone()),
                };
                let requests: Vec<String> = smallest
                    .requests
                    .into_iter()
                    .map(|(_, text)| text)
                    .collect();
                eprintln!("FAULT {why}\n      {}", requests.join(";\n      "));
                self.summary.faults.push(Fault { why, requests });
            }
        }
        Ok(())
    }

    fn compare(&mut self, made: &Unit) -> Result<(Comparison, Run)> {
        self.stage.tidy(made)?;
        let one = self.stage.run(made, Which::First)?;
        let two = self.stage.run(made, Which::Second)?;
        let comparison = compare(&one.pieces, &two.pieces, |world| {
            anyhow::Ok(self.stage.run(made, world)?.pieces)
        })?;
        // what ran out of time did so by chance
        let late = |run: &Run| run.answers.iter().any(|answer| answer.code() == "57014");
        let comparison = match comparison {
            Comparison::Differ(why) if late(&one) || late(&two) => Comparison::Unclear(why),
            other => other,
        };
        Ok((comparison, one))
    }

    fn shrunk(&mut self, why: String, made: &Unit, tape: &[u32]) -> Result<(String, Unit)> {
        let mut found = (why, made.clone());
        shrink(tape, |tape| {
            let (smaller, _) = unit(Choices::replayed(tape));
            let (comparison, _) = self.compare(&smaller)?;
            if let Comparison::Differ(why) = comparison {
                found = (why, smaller);
                return anyhow::Ok(true);
            }
            Ok(false)
        })?;
        Ok(found)
    }

    fn count(&mut self, answer: &Answer) {
        let tag = answer.sets.last().map_or("", |set| set.tag.as_str());
        if matches!(tag, "BEGIN" | "ROLLBACK" | "DEALLOCATE" | "PREPARE") {
            return;
        }
        self.summary.statements += 1;
        match answer.error() {
            None => {
                self.summary.accepted += 1;
                let degraded = answer
                    .notices
                    .iter()
                    .any(|notice| notice.detail().contains("degraded"));
                self.summary.degraded += usize::from(degraded);
            }
            Some(error) if error.detail().contains("\"decision\":\"deny\"") => {
                self.summary.refused += 1;
                let rule = error
                    .detail()
                    .split("\"rule\":\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                *self
                    .summary
                    .rules
                    .entry(rule.unwrap_or("?").to_owned())
                    .or_default() += 1;
            }
            Some(_) => self.summary.failed += 1,
        }
    }
}
