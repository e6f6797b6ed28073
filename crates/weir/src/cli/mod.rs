//! The command line: arguments in, text or JSON out. Decides nothing.

mod audit;
mod check;
mod erase;
mod evidence;
mod explain;
mod export;
mod floor;
mod init;
mod key;
mod labels;
mod ledger;
mod logkey;
mod mask;
mod output;
mod policy;
mod progress;
mod prompt;
mod prune;
mod remote;
mod template;
mod verify;

#[cfg(test)]
pub(crate) use self::mask::label_rows;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Target, nearest};
use output::{Output, Paint};

/// Gateway in front of databases that ties every statement to an identity.
#[derive(Debug, Parser)]
#[command(name = "weir", version, styles = STYLES, propagate_version = false, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Where the configuration lies.
#[derive(Debug, Args)]
struct ConfigFile {
    /// Configuration file [default: $WEIR_CONFIG or weir.toml]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl ConfigFile {
    fn path(&self) -> PathBuf {
        let named = self
            .config
            .clone()
            .or_else(|| std::env::var_os("WEIR_CONFIG").map(PathBuf::from));
        named.unwrap_or_else(|| PathBuf::from("weir.toml"))
    }

    fn load(&self) -> Result<Config> {
        Config::load(&self.path())
    }
}

/// How to answer.
#[derive(Clone, Copy, Debug, Args)]
struct Format {
    /// Answer in JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first configuration, the starter policies and a first key
    Init(init::Init),
    /// Serve clients until told to stop
    Serve {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Look for mistakes in configuration, secrets and policies, and try the targets
    Check(check::Check),
    /// Make, list and revoke access keys
    #[command(subcommand)]
    Key(key::Key),
    /// Work on policies
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Read the ledger and prove what stands in it
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Evidence for auditors, in one file that verifies offline
    #[command(subcommand)]
    Evidence(evidence::Evidence),
    /// Find statements in the ledger, and ask it questions in SQL
    #[command(subcommand)]
    Audit(audit::Audit),
    /// See and decide what columns hold
    #[command(subcommand)]
    Labels(labels::Labels),
    /// Have the database itself withhold labelled columns from masked sessions
    #[command(subcommand)]
    Floor(floor::Floor),
    /// Show what masking makes of values
    #[command(subcommand)]
    Mask(mask::Mask),
    /// Tell what a statement does and what policy says to it
    Explain(explain::Explain),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    let mut output = Output::standard();
    match run(command, &mut output) {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::WithFindings) => ExitCode::FAILURE,
        // The reader of our output left, as in `weir key list | head -1`.
        Err(error) if output::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let paint = Paint::for_stderr();
            eprintln!("{} {error}", paint.red("error:"));
            for cause in error.chain().skip(1) {
                eprintln!("  caused by: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

/// How a command ended that could do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Well,
    /// It found what it was asked to look for: faults.
    WithFindings,
}

fn run(command: Command, output: &mut Output) -> Result<Ended> {
    match command {
        Command::Init(init) => init.run(output),
        Command::Serve { config } => crate::serve::run(config.load()?).map(|()| Ended::Well),
        Command::Check(check) => check.run(output, &crate::reach::reach),
        Command::Key(key) => key.run(output),
        Command::Policy(policy) => policy.run(output),
        Command::Ledger(ledger) => ledger.run(output),
        Command::Evidence(evidence) => evidence.run(output),
        Command::Audit(audit) => audit.run(output),
        Command::Labels(labels) => labels.run(output),
        Command::Floor(floor) => floor.run(output),
        Command::Mask(mask) => mask.run(output),
        Command::Explain(explain) => explain.run(output),
    }
}

/// The target of that name.
fn target<'c>(config: &'c Config, name: &str) -> Result<&'c Target> {
    if let Some(target) = config.targets.get(name) {
        return Ok(target);
    }
    let known: Vec<&str> = config.targets.keys().map(String::as_str).collect();
    match nearest(name, known.iter().copied()) {
        Some(meant) => bail!("there is no target {name}: did you mean {meant}?"),
        None => bail!("there is no target {name}: there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests;
