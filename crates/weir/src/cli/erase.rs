//! `weir ledger erase` and `weir ledger hold`: what is forgotten, and what must not be.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use ledger::days::{Day, Days};
use serde_json::json;

use super::ledger::Place;
use super::output::{Output, count};
use super::{Format, prompt};
use crate::control::{Done, Operation};

/// Whole days, UTC.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Range {
    /// First day, UTC, such as 2026-11-01 [default: the first there is]
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// Last day, UTC, included [default: today]
    #[arg(long, value_name = "DAY")]
    until: Option<Day>,
}

impl Range {
    pub(crate) fn days(self) -> Days {
        Days {
            from: self.from,
            until: self.until,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// Id of the principal whose disclosed values are erased: texts, parameters, addresses
    subject: String,
    #[command(flatten)]
    range: Range,
    /// Legal ground or ticket, for the record
    #[arg(long, value_name = "TEXT")]
    ground: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

impl Erase {
    pub(crate) fn run(self, output: &mut Output) -> Result<()> {
        let days = self.range.days();
        if !self.yes {
            if !prompt::possible() {
                bail!("this cannot be undone: say --yes where nobody can be asked");
            }
            let question = format!(
                "What {} did stays on record; what can be read of it ({days}) is destroyed for ever.\n\
                 Repeat the id to go on",
                self.subject
            );
            if prompt::ask(&question, None)? != self.subject {
                bail!("nothing was erased");
            }
        }
        let done = self.place.request(Operation::Erase {
            subject: self.subject.clone(),
            days,
            ground: self.ground,
        })?;
        if self.format.json {
            return output.json(&done);
        }
        output.line(format!(
            "Erased what {} disclosed in {days}: {} destroyed, on record in {}",
            self.subject,
            count(done.keys.unwrap_or_default(), "key"),
            entries(&done)
        ))
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Hold {
    /// Forbid that entries of a principal, or of everybody, are erased or pruned
    Set(Set),
    /// End a hold
    Release(Release),
    /// List the holds in force
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Id of the principal [default: everybody]
    subject: Option<String>,
    #[command(flatten)]
    range: Range,
    /// The matter, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// Id of the hold, such as hold_8f3a01c2
    hold: String,
    /// Why it ends, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

impl Hold {
    pub(crate) fn run(self, output: &mut Output) -> Result<()> {
        match self {
            Hold::Set(set) => set.run(output),
            Hold::Release(release) => release.run(output),
            Hold::List(list) => list.run(output),
        }
    }
}

impl Set {
    fn run(self, output: &mut Output) -> Result<()> {
        let days = self.range.days();
        let done = self.place.request(Operation::Hold {
            subject: self.subject.clone(),
            days,
            reason: self.reason,
        })?;
        if self.format.json {
            return output.json(&done);
        }
        output.line(format!(
            "Hold {} on {} ({days}), on record in {}",
            output.paint.bold(done.hold.as_deref().unwrap_or_default()),
            self.subject.as_deref().unwrap_or("everybody"),
            entries(&done)
        ))
    }
}

impl Release {
    fn run(self, output: &mut Output) -> Result<()> {
        let done = self.place.request(Operation::Release {
            hold: self.hold.clone(),
            reason: self.reason,
        })?;
        if self.format.json {
            return output.json(&done);
        }
        let entries = entries(&done);
        output.line(format!("Released {}, on record in {entries}", self.hold))
    }
}

impl List {
    fn run(self, output: &mut Output) -> Result<()> {
        let holds = self.place.reader()?.holds()?;
        if self.format.json {
            return output.json(&json!(holds));
        }
        if holds.is_empty() {
            return output.line("No legal hold is in force.");
        }
        let rows: Vec<[String; 4]> = holds
            .into_iter()
            .map(|hold| {
                let subject = hold.subject.unwrap_or_else(|| "everybody".to_owned());
                [hold.id, subject, hold.days.to_string(), hold.reason]
            })
            .collect();
        output.table(["HOLD", "ON", "DAYS", "REASON"], &rows)
    }
}

/// Where it stands on record.
fn entries(done: &Done) -> String {
    let numbers: Vec<String> = done.entries.iter().map(ToString::to_string).collect();
    match numbers.len() {
        1 => format!("entry {}", numbers.join("")),
        _ => format!("entries {}", numbers.join(", ")),
    }
}
