//! `cargo xtask compat`: third-party suites and everyday tools through the gateway; what counts is equality with a
//! direct connection, not that everything passes.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

mod junit;
mod python;
mod regress;
mod side;
mod tools;

use junit::Outcomes;
use side::{Side, Through};

use crate::lab::weir::{self, Profile};

/// Options of `cargo xtask compat`.
#[derive(Args, Clone, Debug, Default)]
pub struct Compat {
    /// Only these: regress, psycopg2, asyncpg, pg8000, tools
    #[arg(long, value_name = "NAME")]
    pub suite: Vec<String>,
    /// Only so many files of the regression suite
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Only directly: checks that the suites run here, not the gateway
    #[arg(long)]
    pub direct: bool,
}

const SUITES: &[&str] = &["tools", "pg8000", "asyncpg", "psycopg2", "regress"];

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
    for name in SUITES {
        if !options.suite.is_empty() && !options.suite.iter().any(|wanted| wanted == name) {
            continue;
        }
        println!("{name} …");
        match one(name, &folder, binary.as_deref(), options.limit) {
            Ok(result) => {
                for (test, outcome) in result
                    .direct
                    .iter()
                    .filter(|(_, outcome)| outcome.starts_with("failed ("))
                {
                    println!("  {test}: {outcome} directly");
                }
                equal &= result.differences.is_empty();
                for difference in &result.differences {
                    println!("  differs: {difference}");
                }
                lines.push(result.line(name));
            }
            Err(error) => {
                equal = false;
                lines.push(format!("{name:<10} COULD NOT RUN: {error:#}"));
            }
        }
    }
    println!(
        "\n{:<10} {:>14} {:>20} {:>12}",
        "suite", "passed direct", "passed through Weir", "differences"
    );
    for line in lines {
        println!("{line}");
    }
    Ok(equal)
}

/// Both sides of one suite.
#[derive(Debug, Default)]
struct Compared {
    direct: Outcomes,
    through: Option<Outcomes>,
    differences: Vec<String>,
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
            "{name:<10} {:>14} {through:>20} {:>12}",
            passed(&self.direct),
            self.differences.len()
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

fn differences(direct: &Outcomes, through: &Outcomes) -> Vec<String> {
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
            (one != two).then(|| format!("{test}: {one} directly, {two} through Weir"))
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
