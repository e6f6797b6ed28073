//! `weir ledger`: reading the ledger, and evidence from it.
//!
//! What only reads works beside a running gateway, takes no lock and changes nothing;
//! what changes something asks the gateway that holds the ledger ([`crate::control`]).

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use ledger::{Entry, Kind, Sequence};
use serde_json::{Map, Value, json};
use store::read::{Reader, Record};
use store::{Disclose, prove};

use super::output::{Output, count};
use super::{ConfigFile, Ended, Format, erase, export, logkey, prune, verify};
use crate::config::nearest;
use crate::control::{self, Done, Operation};

/// Between two looks for new entries.
const FOLLOW: Duration = Duration::from_millis(250);

#[derive(Debug, Subcommand)]
pub(crate) enum Ledger {
    /// Show the last entries
    Tail(Tail),
    /// Show one entry in full, with what can be disclosed of it
    Show(Show),
    /// Check the whole ledger, an exported log, or one proof
    Verify(verify::Verify),
    /// Write the proof of one entry (C2SP tlog-proof), for somebody outside
    Prove(Prove),
    /// Write the ledger into a folder that any C2SP client reads, or add to it
    Export(export::Export),
    /// Print the verifier key that auditors need, or change it
    Key(logkey::Key),
    /// Destroy what can be read of a principal's entries; their proofs stay valid
    Erase(erase::Erase),
    /// Remove the oldest entries; proofs of the others stay valid
    Prune(prune::Prune),
    /// Forbid erasure and pruning for a legal matter
    #[command(subcommand)]
    Hold(erase::Hold),
}

/// Which ledger.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The ledger's directory [default: that of the configuration]
    #[arg(long, value_name = "FOLDER")]
    pub(super) directory: Option<PathBuf>,
    #[command(flatten)]
    pub(super) config: ConfigFile,
}

impl Place {
    fn directory(&self) -> Result<PathBuf> {
        match &self.directory {
            Some(directory) => Ok(directory.clone()),
            None => Ok(self.config.load()?.ledger.directory),
        }
    }

    pub(super) fn existing(&self) -> Result<PathBuf> {
        let directory = self.directory()?;
        if !directory.exists() {
            bail!(
                "there is no ledger in {} yet: `weir serve` makes one",
                directory.display()
            );
        }
        Ok(directory)
    }

    /// Has something done to the ledger, by the gateway that holds it or here.
    pub(super) fn request(&self, operation: Operation) -> Result<Done> {
        let directory = self.existing()?;
        let options = match self.directory {
            None => crate::serve::options(&self.config.load()?),
            Some(_) => store::Options::new(self.reader()?.vkey().name()),
        };
        control::request(&directory, options, operation)
    }

    pub(super) fn reader(&self) -> Result<Reader> {
        let directory = self.existing()?;
        Reader::open(&directory).with_context(|| format!("ledger in {}", directory.display()))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// How many
    #[arg(long, short = 'n', value_name = "NUMBER", default_value_t = 20)]
    lines: usize,
    /// Only entries of this kind, such as statement.intent
    #[arg(long)]
    kind: Option<String>,
    /// Go on with new entries as they are written
    #[arg(long, short)]
    follow: bool,
    /// Print the entries as they are stored, one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Sequence number of the entry
    sequence: u64,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// Sequence number of the entry
    sequence: u64,
    /// Disclose what the entry holds only as a digest: texts, parameters, names
    #[arg(long)]
    disclose: bool,
    /// Write to a file, which must not exist
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

impl Ledger {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        match self {
            Ledger::Tail(tail) => tail.run(output).map(|()| Ended::Well),
            Ledger::Show(show) => show.run(output).map(|()| Ended::Well),
            Ledger::Verify(verify) => verify.run(output),
            Ledger::Prove(prove) => prove.run(output).map(|()| Ended::Well),
            Ledger::Prune(prune) => prune.run(output).map(|()| Ended::Well),
            Ledger::Erase(erase) => erase.run(output).map(|()| Ended::Well),
            Ledger::Hold(hold) => hold.run(output).map(|()| Ended::Well),
            Ledger::Export(export) => export.run(output).map(|()| Ended::Well),
            Ledger::Key(key) => key.run(output).map(|()| Ended::Well),
        }
    }
}

impl Tail {
    fn run(self, output: &mut Output) -> Result<()> {
        let kind = match &self.kind {
            None => None,
            Some(name) => Some(Kind::from_name(name).with_context(|| no_such_kind(name))?),
        };
        let reader = self.place.reader()?;
        // Without a filter, what comes before need not be read.
        let first = match kind {
            None => reader.count()?.saturating_sub(u64::try_from(self.lines)?),
            Some(_) => 0,
        };
        let mut entries = reader.entries(Sequence(first).max(reader.minimum()?));
        let mut last = VecDeque::new();
        while let Some(record) = entries.next()? {
            if kind.is_none_or(|kind| kind == record.kind) {
                last.push_back(record);
                if last.len() > self.lines {
                    last.pop_front();
                }
            }
        }
        for record in &last {
            self.print(record, output)?;
        }
        if !self.follow {
            return Ok(());
        }
        loop {
            match entries.next()? {
                Some(record) if kind.is_none_or(|kind| kind == record.kind) => {
                    self.print(&record, output)?;
                }
                Some(_) => {}
                None => std::thread::sleep(FOLLOW),
            }
        }
    }

    fn print(&self, record: &Record, output: &mut Output) -> Result<()> {
        if self.json {
            return output.line(String::from_utf8_lossy(&record.leaf));
        }
        let entry = record.entry()?;
        let time = entry.at.get(..19).unwrap_or(&entry.at).replace('T', " ");
        let kind = output.paint.bold(&format!("{:21}", entry.kind.name()));
        output.line(format!(
            "{:>8}  {}  {kind}  {}",
            entry.sequence.0,
            output.paint.dim(&time),
            summary(&entry)
        ))
    }
}

impl Show {
    fn run(self, output: &mut Output) -> Result<()> {
        let shown = self.place.reader()?.show(Sequence(self.sequence))?;
        if self.format.json {
            let entry: Value = serde_json::from_slice(&shown.record.leaf)?;
            let disclosures: Map<String, Value> = shown
                .disclosures
                .iter()
                .map(|d| (d.name.clone(), json!(d.value)))
                .collect();
            return output.json(&json!({
                "entry": entry,
                "disclosures": disclosures,
                "erased": shown.erased.len(),
            }));
        }
        let entry = &shown.entry;
        let title = format!("entry {}, {}", entry.sequence.0, entry.kind.name());
        output.line(output.paint.bold(&title))?;
        let mut rows = vec![("at".to_owned(), entry.at.clone())];
        rows.extend(
            entry
                .fields
                .iter()
                .map(|(name, value)| (name.clone(), plain(value))),
        );
        fields(&rows, output)?;
        if !shown.disclosures.is_empty() {
            output.line(output.paint.bold("\ndisclosed, and found to fit the entry"))?;
            let rows: Vec<_> = shown
                .disclosures
                .iter()
                .map(|d| (d.name.clone(), d.value.clone()))
                .collect();
            fields(&rows, output)?;
        }
        if !shown.erased.is_empty() {
            output.line(format!(
                "\n{} cannot be read any more: the key was erased",
                count(shown.erased.len(), "part")
            ))?;
        }
        Ok(())
    }
}

impl Prove {
    fn run(self, output: &mut Output) -> Result<()> {
        use std::io::Write as _;
        let disclose = if self.disclose {
            Disclose::Everything
        } else {
            Disclose::Nothing
        };
        let proof = prove(&self.place.reader()?, Sequence(self.sequence), disclose)?.to_string();
        let Some(file) = &self.output else {
            return output.line(proof.trim_end_matches('\n'));
        };
        std::fs::File::create_new(file)
            .and_then(|mut to| to.write_all(proof.as_bytes()))
            .with_context(|| format!("cannot write {}", file.display()))?;
        output.line(format!(
            "Wrote {}. To check it: weir ledger verify {0} --key KEY",
            file.display()
        ))
    }
}

pub(super) fn no_such_kind(name: &str) -> String {
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    match nearest(name, names.iter().copied()) {
        Some(meant) => format!("there is no kind {name}: did you mean {meant}?"),
        None => format!("there is no kind {name}: there are {}", names.join(", ")),
    }
}

/// One line on what an entry says.
pub(super) fn summary(entry: &Entry) -> String {
    let field = |name: &str| entry.fields.get(name).map(plain).unwrap_or_default();
    match entry.kind {
        Kind::Intent => {
            let rules = match field("rules") {
                rules if rules.is_empty() => String::new(),
                rules => format!(" by {rules}"),
            };
            let opaque = match entry.fields.get("opaque") {
                Some(Value::Bool(true)) => " (opaque)",
                _ => "",
            };
            let observed = match field("observed") {
                rules if rules.is_empty() => String::new(),
                rules => format!(", observed only: {rules} would refuse"),
            };
            let (principal, target, decision) =
                (field("principal"), field("target"), field("decision"));
            let what = match field("shape") {
                shape if shape.is_empty() => field("command"),
                shape => shape,
            };
            let degraded = match field("degraded") {
                columns if columns.is_empty() => columns,
                columns => format!(" with NULL for {columns}"),
            };
            format!(
                "{decision}{rules}{degraded}{opaque}{observed}: {principal} on {target}: {}",
                cut(&what, 100)
            )
        }
        Kind::LogOpen
        | Kind::LogClose
        | Kind::Gap
        | Kind::StorageAlarm
        | Kind::SessionOpen
        | Kind::SessionRefused
        | Kind::SessionClose
        | Kind::AuthenticationFailed
        | Kind::Outcome
        | Kind::Cancel
        | Kind::KeyCreate
        | Kind::KeyRevoke
        | Kind::ConfigChange
        | Kind::PolicyChange
        | Kind::LabelChange
        | Kind::Erasure
        | Kind::HoldSet
        | Kind::HoldRelease
        | Kind::EvidenceExport
        | Kind::RetentionPrune
        | Kind::LogKey
        | Kind::ClockStep => {
            let pairs = entry.fields.iter().filter(|(_, value)| !value.is_null());
            let pairs: Vec<String> = pairs
                .map(|(name, value)| format!("{name}={}", plain(value)))
                .collect();
            cut(&pairs.join(" "), 140)
        }
    }
}

/// A value without quotes; lists with commas.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields.values().map(plain).collect::<Vec<_>>().join(" "),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Text of strangers must not command the terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

pub(super) fn cut(text: &str, limit: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(limit) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

fn fields(rows: &[(String, String)], output: &mut Output) -> Result<()> {
    let wide = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    for (name, value) in rows {
        let name = output.paint.dim(&format!("{name:wide$}"));
        let value = printable(value).replace('\n', &format!("\n{:1$}", "", wide + 4));
        output.line(format!("  {name}  {value}"))?;
    }
    Ok(())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
