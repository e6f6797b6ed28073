//! `weir ledger prune`: what is no longer kept.

use anyhow::{Result, bail};
use clap::Args;
use ledger::days::Day;
use serde_json::json;
use store::retention::{self, Below, Pruning};

use super::ledger::Place;
use super::output::Output;
use super::{Format, prompt};
use crate::control::Operation;

#[derive(Debug, Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    what: What,
    /// Only tell what would go
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Entries of days before this one, UTC, such as 2026-11-01
    #[arg(long, value_name = "DAY")]
    before: Option<Day>,
    /// Entries below this one
    #[arg(long, value_name = "INDEX")]
    below: Option<u64>,
}

impl Prune {
    pub(crate) fn run(self, output: &mut Output) -> Result<()> {
        let what = match (self.what.before, self.what.below) {
            (Some(day), _) => Below::Day(day),
            (None, index) => Below::Index(index.unwrap_or(0)),
        };
        let plan = retention::plan(&self.place.reader()?, what)?;
        if self.dry_run || plan.is_empty() {
            return self.tell(&plan, None, output);
        }
        if !self.yes {
            if !prompt::possible() {
                bail!("this cannot be undone: say --yes where nobody can be asked");
            }
            let question = format!(
                "Entries {} to {} ({}) and what can be read of them are removed for ever.\n\
                 Repeat the last number to go on",
                plan.from,
                plan.below.saturating_sub(1),
                plan.days
            );
            if prompt::ask(&question, None)? != plan.below.saturating_sub(1).to_string() {
                bail!("nothing was pruned");
            }
        }
        // What was shown goes, and nothing that became old meanwhile.
        let done = self.place.request(Operation::Prune {
            before: None,
            below: Some(plan.below),
        })?;
        self.tell(&plan, done.entries.first().copied(), output)
    }

    fn tell(&self, plan: &Pruning, entry: Option<u64>, output: &mut Output) -> Result<()> {
        if self.format.json {
            return output.json(&json!({
                "from": plan.from,
                "minimum": plan.below,
                "days": plan.days,
                "bytes": plan.bytes,
                "entry": entry,
            }));
        }
        if plan.is_empty() {
            return output.line(
                "Nothing to prune: whole packs go, from the oldest on, and the newest stays",
            );
        }
        let (last, days) = (plan.below.saturating_sub(1), plan.days);
        let mebibytes = plan.bytes.div_ceil(1 << 20);
        let first = plan.from;
        match entry {
            Some(entry) => output.line(format!(
                "Pruned entries {first} to {last} ({days}, {mebibytes} MiB), on record in entry {entry}"
            )),
            None => output.line(format!(
                "Would prune entries {first} to {last} ({days}, {mebibytes} MiB)"
            )),
        }
    }
}
