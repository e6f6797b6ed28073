//! `weir policy`: policies as files.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use policy::{Policies, Problem};
use serde_json::json;

use super::output::{Output, Paint, count};
use super::{ConfigFile, Ended, Format};

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Look for mistakes in policy files
    Check(Check),
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Cedar files; together they must be a whole set [default: those of the configuration]
    files: Vec<PathBuf>,
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    format: Format,
}

impl Policy {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        match self {
            Policy::Check(check) => check.run(output),
        }
    }
}

impl Check {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let files = if self.files.is_empty() {
            self.config.load()?.policy_files()?
        } else {
            self.files
                .iter()
                .map(|file| read(file))
                .collect::<Result<_>>()?
        };
        if files.is_empty() {
            bail!("there is no policy file");
        }
        match Policies::load(&files) {
            Ok(policies) if self.format.json => {
                let ids: Vec<&str> = policies.ids().collect();
                output.json(&json!({ "ok": true, "version": policies.version(), "policies": ids, "problems": [] }))?;
                Ok(Ended::Well)
            }
            Ok(policies) => {
                let summary = summary(&policies, files.len());
                output.line(format!("{} {summary}", output.paint.green("ok:")))?;
                Ok(Ended::Well)
            }
            Err(problems) if self.format.json => {
                let problems: Vec<_> = problems.iter().map(as_json).collect();
                output.json(&json!({ "ok": false, "problems": problems }))?;
                Ok(Ended::WithFindings)
            }
            Err(problems) => {
                for problem in &problems {
                    let text = files
                        .iter()
                        .find(|(name, _)| *name == problem.file)
                        .map_or("", |(_, text)| text);
                    output.line(render(problem, text, output.paint))?;
                }
                let found = count(problems.len(), "problem");
                output.line(format!(
                    "{} {found} in {}",
                    output.paint.red("error:"),
                    count(files.len(), "file")
                ))?;
                Ok(Ended::WithFindings)
            }
        }
    }
}

/// `14 policies in 5 files, version 0123456789abcdef`.
pub(crate) fn summary(policies: &Policies, files: usize) -> String {
    let number = policies.ids().count();
    let noun = if number == 1 { "policy" } else { "policies" };
    format!(
        "{number} {noun} in {}, version {}",
        count(files, "file"),
        policies.version()
    )
}

/// A problem with its line of the file below it, as compilers do.
pub(crate) fn render(problem: &Problem, text: &str, paint: Paint) -> String {
    let mut out = format!("{} {}\n", paint.red("error:"), paint.bold(&problem.message));
    if let Some(line) = problem
        .line
        .checked_sub(1)
        .and_then(|at| text.lines().nth(at))
    {
        let number = problem.line.to_string();
        let gutter = " ".repeat(number.len());
        let mark = " ".repeat(problem.column.saturating_sub(1));
        out.push_str(&format!(
            "{gutter}--> {}:{}:{}\n",
            problem.file, problem.line, problem.column
        ));
        out.push_str(&format!(
            "{gutter} |\n{number} | {}\n{gutter} | {mark}{}\n",
            line.replace('\t', " "),
            paint.red("^")
        ));
    } else {
        out.push_str(&format!(" --> {}\n", problem.file));
    }
    if let Some(help) = &problem.help {
        out.push_str(&format!("  {} {help}\n", paint.bold("help:")));
    }
    out
}

fn read(file: &Path) -> Result<(String, String)> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok((file.display().to_string(), text))
}

fn as_json(problem: &Problem) -> serde_json::Value {
    json!({
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "help": problem.help,
    })
}
