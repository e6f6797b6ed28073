//! Non-interference of generated statements.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::choices::{Choices, shrink};
use super::grammar::{Unit, unit};
use super::sqlsmith;
use super::stage::{Run, Stage};
use crate::lab::Answer;
use crate::lab::weir::{self, Profile};
use crate::leaks::worlds::{Comparison, compare};

/// Options of `cargo xtask prove worlds`.
#[derive(Args, Clone, Debug)]
pub struct Worlds {
    /// Stop after so many statements that were served
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub statements: usize,
    /// Where the random numbers start; drawn and printed when absent
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// So many servers and gateways side by side, each with both worlds
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub jobs: usize,
    /// Leave out so many units of the seed: those an earlier run was done with
    #[arg(long, value_name = "UNITS", default_value_t = 0)]
    pub from: u64,
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
    /// Units of the seed that are done with: where another run may go on.
    pub units: u64,
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
    /// Some of them.
    pub doubtful: Vec<Fault>,
    /// Units compared.
    pub compared: usize,
    /// Units sent again because answers differed.
    pub repeated: usize,
    /// Seconds it took.
    pub seconds: u64,
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

impl Summary {
    /// Nothing was disproved, and so little left open that it may be chance: statements that run out of time in one
    /// world now and then.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.faults.is_empty() && self.unclear <= UNCLEAR.max(self.compared / UNCLEAR_IN)
    }
}

/// At the most one unit of so many may be unclear, or so many in a short run.
const UNCLEAR_IN: usize = 500;
const UNCLEAR: usize = 3;

/// Runs of what runs out of time in a world.
const LATE: usize = 10;

/// Unclear units that are shown.
const DOUBTFUL: usize = 10;

/// Between lines that tell how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// Runs it; `false` when a fault was found, or too much was unclear.
pub(super) fn run(options: &Worlds) -> Result<bool> {
    Ok(measure(options)?.is_good())
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
    eprintln!("seed {seed}");
    let binary = weir::build(Profile::Debug)?;
    let begun = Instant::now();
    let shared = Shared {
        options,
        begun,
        state: Mutex::new(State {
            summary: Summary {
                seed,
                ..Summary::default()
            },
            next: options.from,
            failed: false,
            told: begun,
        }),
    };
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..options.jobs.max(1))
            .map(|job| {
                let (binary, shared) = (&binary, &shared);
                scope.spawn(move || {
                    let done = work(job, binary, shared);
                    shared.state().failed |= done.is_err();
                    done
                })
            })
            .collect();
        for job in jobs {
            job.join()
                .map_err(|_| anyhow::anyhow!("a job panicked"))??;
        }
        anyhow::Ok(())
    })?;
    let mut summary = shared.into_summary();
    summary.seconds = begun.elapsed().as_secs();
    if options.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print(&summary);
    }
    Ok(summary)
}

/// One job: units in turn until all have done enough. The first also runs what sqlsmith makes.
fn work(job: usize, binary: &Path, shared: &Shared<'_>) -> Result<()> {
    let mut prover = Prover {
        stage: Stage::new(binary)?,
        shared,
    };
    let seed = shared.state().summary.seed;
    if job == 0 {
        for unit in sqlsmith_units(&prover.stage, shared.options, seed)? {
            let accepted = prover.check(&unit, None)?;
            shared.state().summary.sqlsmith += accepted;
        }
    }
    while let Some(number) = shared.next() {
        let start = seed.wrapping_mul(0x9e37_79b9).wrapping_add(number);
        let (made, choices) = unit(Choices::drawn(start));
        prover.check(&made, Some(choices.tape()))?;
    }
    Ok(())
}

/// What jobs have in common.
struct Shared<'a> {
    options: &'a Worlds,
    begun: Instant,
    state: Mutex<State>,
}

struct State {
    summary: Summary,
    /// Units given out.
    next: u64,
    /// A job ended with an error.
    failed: bool,
    /// When progress was told.
    told: Instant,
}

impl Shared<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next unit's number, while there is one; tells progress now and then.
    fn next(&self) -> Option<u64> {
        let mut state = self.state();
        let enough = state.summary.accepted >= self.options.statements
            || state.summary.faults.len() >= self.options.faults;
        if enough || state.failed {
            return None;
        }
        state.next += 1;
        // others may still be at it
        let jobs = u64::try_from(self.options.jobs).unwrap_or(u64::MAX);
        state.summary.units = state.next.saturating_sub(jobs).max(self.options.from);
        if state.told.elapsed() >= PROGRESS {
            state.told = Instant::now();
            eprintln!("{}", progress(&state.summary, self.options, self.begun));
        }
        Some(state.next)
    }

    fn into_summary(self) -> Summary {
        let state = self.state.into_inner();
        state.unwrap_or_else(PoisonError::into_inner).summary
    }
}

/// How far it is, and how to go on from there.
fn progress(of: &Summary, options: &Worlds, begun: Instant) -> String {
    let seconds = begun.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(of.accepted).unwrap_or(u32::MAX)) / seconds;
    format!(
        "{:>4.0} s  {} of {} accepted ({rate:.1}/s), {} refused, {} degraded, noise in {}, unclear {}, {} faults; \
         go on with --seed {} --from {}",
        seconds,
        of.accepted,
        options.statements,
        of.refused,
        of.degraded,
        of.noise,
        of.unclear,
        of.faults.len(),
        of.seed,
        of.units
    )
}

fn sqlsmith_units(stage: &Stage, options: &Worlds, seed: u64) -> Result<Vec<Unit>> {
    if options.sqlsmith == 0 {
        return Ok(Vec::new());
    }
    sqlsmith::statements(stage.server(), "one", options.sqlsmith, seed)
}

fn print(of: &Summary) {
    let faults = of.faults.iter().map(|fault| ("FAULT", fault));
    let doubtful = of.doubtful.iter().map(|fault| ("UNCLEAR", fault));
    for (word, fault) in faults.chain(doubtful) {
        println!("{word:<7} {}", fault.why);
        for request in &fault.requests {
            println!("        {request};");
        }
    }
    for (rule, count) in &of.rules {
        println!("refused by {rule:<24} {count:>7}");
    }
    println!(
        "prove worlds: {} faults; {} statements, {} accepted ({} of sqlsmith, {} degraded), {} refused, {} failed; \
         {} units compared, noise in {}, unclear {}; seed {}, {} s",
        of.faults.len(),
        of.statements,
        of.accepted,
        of.sqlsmith,
        of.degraded,
        of.refused,
        of.failed,
        of.compared,
        of.noise,
        of.unclear,
        of.seed,
        of.seconds
    );
}

struct Prover<'a> {
    stage: Stage,
    shared: &'a Shared<'a>,
}

impl Prover<'_> {
    /// Compares a unit's answers, and says how many statements of it were accepted.
    fn check(&mut self, made: &Unit, tape: Option<Vec<u32>>) -> Result<usize> {
        let (comparison, run) = self.compare(made)?;
        let mut accepted = 0;
        {
            let mut state = self.shared.state();
            state.summary.compared += 1;
            for answer in &run.answers {
                accepted += usize::from(state.summary.count(answer));
            }
        }
        match comparison {
            Comparison::Same => {}
            Comparison::SameButNoise => self.shared.state().summary.noise += 1,
            Comparison::Unclear(why) => {
                let summary = &mut self.shared.state().summary;
                summary.unclear += 1;
                if summary.doubtful.len() < DOUBTFUL {
                    let requests = made.requests.iter().map(|(_, text)| text.clone());
                    let requests = requests.collect();
                    summary.doubtful.push(Fault { why, requests });
                }
            }
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
                let summary = &mut self.shared.state().summary;
                summary.faults.push(Fault { why, requests });
            }
        }
        Ok(accepted)
    }

    fn compare(&mut self, made: &Unit) -> Result<(Comparison, Run)> {
        self.stage.tidy(made)?;
        let (mut one, mut two) = self.stage.both(made)?;
        // what runs out of time does so by chance, unless it always does in one world and never in the other
        let mut late = [0, 0];
        for _ in 0..LATE {
            if one.pieces == two.pieces || !(one.is_late() || two.is_late()) {
                break;
            }
            let [first, second] = &mut late;
            *first += usize::from(one.is_late());
            *second += usize::from(two.is_late());
            (one, two) = self.stage.both(made)?;
        }
        match late {
            [LATE, 0] | [0, LATE] => {
                let why = format!("out of time in {late:?} of {LATE} runs");
                return Ok((Comparison::Differ(why), one));
            }
            _ if one.pieces != two.pieces && (one.is_late() || two.is_late()) => {
                let why = format!("out of time in {late:?} of {LATE} runs");
                return Ok((Comparison::Unclear(why), one));
            }
            _ => {}
        }
        let mut repeated = 0;
        let comparison = compare(&one.pieces, &two.pieces, |world| {
            repeated += 1;
            anyhow::Ok(self.stage.run(made, world)?.pieces)
        })?;
        self.shared.state().summary.repeated += repeated;
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
}

impl Summary {
    /// Counts a statement; says whether it was accepted.
    fn count(&mut self, answer: &Answer) -> bool {
        let tag = answer.sets.last().map_or("", |set| set.tag.as_str());
        if matches!(tag, "BEGIN" | "ROLLBACK" | "DEALLOCATE" | "PREPARE") {
            return false;
        }
        self.statements += 1;
        match answer.error() {
            None => {
                self.accepted += 1;
                let degraded = answer
                    .notices
                    .iter()
                    .any(|notice| notice.detail().contains("degraded"));
                self.degraded += usize::from(degraded);
            }
            Some(error) if error.detail().contains("\"decision\":\"deny\"") => {
                self.refused += 1;
                let rule = error
                    .detail()
                    .split("\"rule\":\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                *self
                    .rules
                    .entry(rule.unwrap_or("?").to_owned())
                    .or_default() += 1;
            }
            Some(_) => self.failed += 1,
        }
        answer.error().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unclear_has_a_ceiling() {
        let of = |compared, unclear| Summary {
            compared,
            unclear,
            ..Summary::default()
        };
        assert!(of(100, 3).is_good() && of(10_000, 20).is_good());
        assert!(!of(100, 4).is_good() && !of(10_000, 21).is_good());
    }
}
