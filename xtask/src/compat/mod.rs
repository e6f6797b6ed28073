//! `cargo xtask compat`: third-party suites and everyday tools through the gateway; what counts is equality with a
//! direct connection, not that everything passes.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

mod go;
mod junit;
mod known;
pub(crate) mod python;
mod regress;
mod side;
mod tools;

use junit::Outcomes;
use side::{Side, Through};

use crate::lab::install;
use crate::lab::weir::{self, Profile};

/// Options of `cargo xtask compat`.
#[derive(Args, Clone, Debug, Default)]
pub struct Compat {
    /// Only these: tools, pg8000, asyncpg, psycopg2, pq, pgx, regress
    #[arg(long, value_name = "NAME")]
    pub suite: Vec<String>,
    /// Only so many files of the regression suite
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only directly: checks that the suites run here, not the gateway
    #[arg(long)]
    pub direct: bool,
}

const SUITES: &[&str] = &[
    "tools", "pg8000", "asyncpg", "psycopg2", "pq", "pgx", "regress",
];

/// Runs it; `false` when a suite answers differently through the gateway.
///
/// # Errors
/// When a suite's name is unknown or the gateway does not build.
pub fn run(options: &Compat) -> Result<bool> {
    if let Some(stranger) = options
        .suite
        .iter()
        .find(|name| !SUITES.contains(&name.as_str()))
    {
        bail!("no suite `{stranger}`: there are {}", SUITES.join(", "));
    }
    let folder = crate::target_folder().join("compat");
    std::fs::create_dir_all(&folder)?;
    let binary = if options.direct {
        None
    } else {
        Some(weir::build(Profile::Debug)?)
    };
    let mut lines = Vec::new();
    let mut equal = true;
    let mut skipped = 0;
    for name in SUITES {
        if !options.suite.is_empty() && !options.suite.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("{name} …");
        if let Some(tool) = missing(name) {
            println!("  SKIPPED: no {tool}");
            skipped += 1;
            lines.push(format!("{name:<10} SKIPPED: no {tool}"));
            continue;
        }
        match one(name, &folder, binary.as_deref(), options.limit) {
            Ok(mut result) => {
                for (test, outcome) in result
                    .direct
                    .iter()
                    .filter(|(_, outcome)| outcome.starts_with("failed ("))
                {
                    println!("  {test}: {outcome} directly");
                }
                let (known, unknown): (Vec<_>, Vec<_>) = result
                    .differences
                    .drain(..)
                    .partition(|difference| known::reason(name, &difference.test).is_some());
                equal &= unknown.is_empty();
                for Difference { test, how } in &unknown {
                    println!("  differs: {test}: {how}");
                }
                for Difference { test, how } in &known {
                    let reason = known::reason(name, test).unwrap_or_default();
                    println!("  differs as known ({reason}): {test}: {how}");
                }
                result.known = known.len();
                result.differences = unknown;
                lines.push(result.line(name));
            }
            Err(error) => {
                equal = false;
                lines.push(format!("{name:<10} COULD NOT RUN: {error:#}"));
            }
        }
    }
    println!(
        "\n{:<10} {:>14} {:>20} {:>12} {:>6}",
        "suite", "passed direct", "passed through Weir", "differences", "known"
    );
    for line in lines {
        println!("{line}");
    }
    if skipped > 0 {
        println!("{skipped} SKIPPED");
    }
    Ok(equal)
}

/// Both sides of one suite.
#[derive(Debug, Default)]
struct Compared {
    direct: Outcomes,
    through: Option<Outcomes>,
    differences: Vec<Difference>,
    /// Differences that `known.txt` gives a reason for.
    known: usize,
}

/// A test that answers differently.
#[derive(Debug)]
struct Difference {
    test: String,
    how: String,
}

impl Compared {
    fn new(direct: Outcomes, through: Option<Outcomes>) -> Compared {
        let differences = through
            .as_ref()
            .map(|through| differences(&direct, through))
            .unwrap_or_default();
        Compared {
            direct,
            through,
            differences,
            known: 0,
        }
    }

    fn line(&self, name: &str) -> String {
        let passed = |of: &Outcomes| {
            format!(
                "{} of {}",
                of.values().filter(|outcome| *outcome == "passed").count(),
                of.len()
            )
        };
        let through = self
            .through
            .as_ref()
            .map_or_else(|| "not run".to_owned(), passed);
        format!(
            "{name:<10} {:>14} {through:>20} {:>12} {:>6}",
            passed(&self.direct),
            self.differences.len(),
            self.known
        )
    }
}

fn one(name: &str, folder: &Path, binary: Option<&Path>, limit: Option<usize>) -> Result<Compared> {
    match name {
        "tools" => {
            let Some(binary) = binary else {
                return Ok(Compared::default());
            };
            let (direct, through) = tools::Tools::start(binary)?.run(folder)?;
            Ok(Compared::new(direct, Some(through)))
        }
        "regress" => {
            let server = side::server()?;
            let home = regress::prepare(folder, &server)?;
            let (direct, results) = regress::suite(&home, &server, &Side::direct(&server), limit)?;
            let Some(binary) = binary else {
                return Ok(Compared::new(direct, None));
            };
            // The suite leaves roles and tables: the other side has a server of its own.
            let other = side::server()?;
            let gateway = Through::start(binary, &other)?;
            let (through, other_results) = regress::suite(&home, &other, &gateway.side(), limit)?;
            let mut compared = Compared::new(direct, Some(through));
            compared.differences = regress::differing(&results, &other_results)?;
            Ok(compared)
        }
        "pq" | "pgx" => {
            let module = if name == "pq" { &go::PQ } else { &go::PGX };
            let server = side::server()?;
            let direct = module.run(folder, &server, &Side::direct(&server))?;
            let Some(binary) = binary else {
                return Ok(Compared::new(direct, None));
            };
            let other = side::server()?;
            let gateway = Through::start(binary, &other)?;
            Ok(Compared::new(
                direct,
                Some(module.run(folder, &other, &gateway.side())?),
            ))
        }
        _ => {
            let driver = match name {
                "psycopg2" => &python::PSYCOPG2,
                "asyncpg" => &python::ASYNCPG,
                _ => &python::PG8000,
            };
            let server = side::server()?;
            let direct = driver.run(folder, &Side::direct(&server))?;
            let Some(binary) = binary else {
                return Ok(Compared::new(direct, None));
            };
            let other = side::server()?;
            let gateway = Through::start(binary, &other)?;
            Ok(Compared::new(
                direct,
                Some(driver.run(folder, &gateway.side())?),
            ))
        }
    }
}

/// The program a suite needs and this machine has not.
fn missing(suite: &str) -> Option<&'static str> {
    let program = match suite {
        "pq" | "pgx" => "go",
        "pg8000" | "asyncpg" | "psycopg2" => "python3",
        _ => return None,
    };
    install::on_path(program).is_none().then_some(program)
}

fn differences(direct: &Outcomes, through: &Outcomes) -> Vec<Difference> {
    let missing = "not run".to_owned();
    let mut all: Vec<&String> = direct.keys().chain(through.keys()).collect();
    all.sort();
    all.dedup();
    all.into_iter()
        .filter_map(|test| {
            let (one, two) = (
                direct.get(test).unwrap_or(&missing),
                through.get(test).unwrap_or(&missing),
            );
            (one != two).then(|| Difference {
                test: test.clone(),
                how: format!("{one} directly, {two} through Weir"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_either_way() {
        let of = |all: &[(&str, &str)]| {
            all.iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect::<Outcomes>()
        };
        let direct = of(&[("a", "passed"), ("b", "failed"), ("c", "passed")]);
        let through = of(&[("a", "passed"), ("b", "passed"), ("d", "passed")]);
        assert_eq!(differences(&direct, &through).len(), 3);
        assert_eq!(Compared::new(direct, Some(through)).differences.len(), 3);
    }
}
