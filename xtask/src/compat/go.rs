//! Suites of Go drivers: their tests come with the module.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::junit::Outcomes;
use super::python::run;
use super::side::Side;
use crate::lab::Postgres;

/// A driver's module.
#[derive(Debug)]
pub(super) struct Module {
    /// `path@version`.
    pub(super) source: &'static str,
    /// What its tests ask for besides an empty database.
    pub(super) setup: &'static str,
}

pub(super) const PQ: Module = Module {
    source: "github.com/lib/pq@v1.12.3",
    setup: "",
};
pub(super) const PGX: Module = Module {
    source: "github.com/jackc/pgx/v5@v5.12.0",
    setup: "create extension hstore; create extension ltree; create domain uint64 as numeric(20,0);",
};

/// One line of `go test -json` (`go doc test2json`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    test: Option<String>,
    #[serde(default)]
    output: String,
}

/// A test that panics takes its package with it: so often it is left out and the rest run again.
const PANICS: usize = 8;

impl Module {
    /// Runs the suite against one side of this server. A test that fails is run once more by itself: many of them
    /// watch the clock.
    pub(super) fn run(&self, folder: &Path, server: &Postgres, side: &Side) -> Result<Outcomes> {
        let home = self.unpack(folder, side)?;
        server.script("postgres", self.setup)?;
        let mut outcomes = Outcomes::new();
        let mut panicked: Vec<String> = Vec::new();
        for _ in 0..PANICS {
            let skip = format!("-skip=^({})$", panicked.join("|"));
            let text = go_test(&home, side, &[&skip, "./..."])?;
            fs::write(home.join("report.json"), &text)?;
            let report = Report::read(&text);
            for (test, outcome) in report.outcomes {
                outcomes.insert(test, outcome);
            }
            let before = panicked.len();
            panicked.extend(report.panicked);
            if panicked.len() == before {
                break;
            }
        }
        if outcomes.is_empty() {
            bail!(
                "go test ran nothing: {}",
                home.join("report.json").display()
            );
        }
        let failed: Vec<(String, String)> = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == "failed")
            .filter_map(|(test, _)| test.split_once("::"))
            .filter(|(_, test)| !test.contains('/'))
            .map(|(package, test)| (package.to_owned(), test.to_owned()))
            .collect();
        for (package, test) in failed {
            let run = format!("-run=^{test}$");
            let text = go_test(&home, side, &[&run, &package])?;
            outcomes.extend(Report::read(&text).outcomes);
        }
        Ok(outcomes)
    }

    /// A copy of the module that its tests may write into.
    fn unpack(&self, folder: &Path, side: &Side) -> Result<PathBuf> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Downloaded {
            dir: PathBuf,
        }
        let told = run(Command::new("go")
            .args(["mod", "download", "-json", self.source])
            .current_dir(folder))?;
        let Downloaded { dir } = serde_json::from_str(&told)?;
        let name = self.source.replace(['/', '@'], "-");
        let home = folder.join(format!("{name}-{}", side.name));
        if home.exists() {
            fs::remove_dir_all(&home)?;
        }
        run(Command::new("cp")
            .args(["-r", "--no-preserve=mode"])
            .arg(&dir)
            .arg(&home))?;
        Ok(home)
    }
}

/// What `go test` prints for packages of this module.
fn go_test(home: &Path, side: &Side, arguments: &[&str]) -> Result<String> {
    let out = Command::new("go")
        .args(["test", "-json", "-count=1", "-timeout=15m", "-vet=off"])
        // One package at a time: they share a database.
        .arg("-p=1")
        .args(arguments)
        .current_dir(home)
        .envs(side.environment())
        .env("PGSSLMODE", "disable")
        .env(
            "PGX_TEST_DATABASE",
            format!(
                "host=127.0.0.1 port={} user={} password={} database={}",
                side.port, side.user, side.password, side.database
            ),
        )
        .stdin(Stdio::null())
        .output()
        .context("cannot run go test")?;
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// One run of `go test -json`.
#[derive(Default)]
struct Report {
    outcomes: Outcomes,
    /// Tests that took their package with them.
    panicked: Vec<String>,
}

impl Report {
    fn read(text: &str) -> Report {
        let mut report = Report::default();
        for line in text.lines() {
            let Ok(event) = serde_json::from_str::<Event>(line) else {
                continue;
            };
            let Some(test) = event.test else { continue };
            let outcome = match event.action.as_str() {
                "pass" => "passed",
                "fail" => "failed",
                "skip" => "skipped",
                "output" => {
                    let name = test.split('/').next().unwrap_or_default().to_owned();
                    if event.output.starts_with("panic: ") && !report.panicked.contains(&name) {
                        report.panicked.push(name);
                    }
                    continue;
                }
                _ => continue,
            };
            let test = format!("{}::{}", event.package, without_folders(&test));
            report.outcomes.insert(test, outcome.to_owned());
        }
        report
    }
}

/// A test's name without the random number of a temporary folder in it.
fn without_folders(test: &str) -> String {
    let Some((before, after)) = test.split_once("/tmp/Test") else {
        return test.to_owned();
    };
    let name: String = after.chars().filter(|c| !c.is_ascii_digit()).collect();
    format!("{before}/tmp/Test{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_test_writes() {
        let report = Report::read(
            r#"{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Test":"TestD/one","Output":"panic: late\n"}
{"Action":"fail","Package":"p","Test":"TestD"}
{"Action":"pass","Package":"p"}
"#,
        );
        let all = report.outcomes;
        assert_eq!(report.panicked, ["TestD"]);
        assert_eq!(all.len(), 4);
        assert_eq!(all.get("p::TestA/one").map(String::as_str), Some("passed"));
        assert_eq!(all.get("p::TestB").map(String::as_str), Some("failed"));
        assert_eq!(all.get("p::TestC").map(String::as_str), Some("skipped"));
    }
}
