//! `weir evidence`: evidence for somebody outside, in one file that verifies offline.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{ArgAction, Args, Subcommand};
use ledger::Kind;
use ledger::pack::{self, About, Contents, Pack};
use ledger::trust::Policy;
use serde_json::{Value, json};
use store::evidence::{Selection, Show, gather};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::erase::Range;
use super::ledger::{Place, no_such_kind, summary};
use super::output::{Output, count, rfc3339};
use super::verify::verifier_key;
use super::{Ended, Format};
use crate::control::Operation;
use crate::keyfile;

/// Most bytes of a pack's files together.
const MAX_BYTES: u64 = 1 << 30;
/// Most files of a pack.
const MAX_FILES: usize = store::evidence::MAX_ENTRIES + 16;

#[derive(Debug, Subcommand)]
pub(crate) enum Evidence {
    /// Write entries with their proofs to one file, and record that in the ledger
    Create(Box<Create>),
    /// Check such a file, offline
    Verify(Verify),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Entries by number, such as 5 or 100-200
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',', value_parser = numbers)]
    entries: Vec<RangeInclusive<u64>>,
    /// What one session did
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// What one principal did
    #[arg(long, value_name = "ID")]
    principal: Option<String>,
    /// What was done on one target
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// What was done to one table or other object, such as public.customers
    #[arg(long, value_name = "NAME")]
    object: Option<String>,
    /// Entries of one kind, such as statement.intent
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    range: Range,
    /// Disclose these: text, parameters, address, … or `all`
    #[arg(long, value_name = "NAMES", value_delimiter = ',', action = ArgAction::Append)]
    disclose: Vec<String>,
    /// For whom and what, for the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// File to write, which must not exist
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The evidence pack
    file: PathBuf,
    /// Verifier key, or a file that holds it, obtained from somebody you trust
    #[arg(long, value_name = "KEY", conflicts_with = "policy")]
    key: Option<String>,
    /// Trust policy (C2SP tlog-policy): logs, witnesses, quorum
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

impl Evidence {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        match self {
            Evidence::Create(create) => create.run(output).map(|()| Ended::Well),
            Evidence::Verify(verify) => verify.run(output),
        }
    }
}

fn numbers(text: &str) -> Result<RangeInclusive<u64>, String> {
    let bad = || format!("{text:?} is no entry: write 5, or 100-200");
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| bad());
    match text.split_once('-') {
        None => number(text).map(|one| one..=one),
        Some((first, last)) => {
            let range = number(first)?..=number(last)?;
            if range.is_empty() {
                Err(bad())
            } else {
                Ok(range)
            }
        }
    }
}

impl Create {
    fn run(self, output: &mut Output) -> Result<()> {
        let kind = match &self.kind {
            None => None,
            Some(name) => Some(Kind::from_name(name).with_context(|| no_such_kind(name))?),
        };
        let selection = Selection {
            entries: self.entries.clone(),
            session: self.session.clone(),
            principal: self.principal.clone(),
            target: self.target.clone(),
            object: self.object.clone(),
            kind,
            days: self.range.days(),
        };
        if !selection.is_narrow() {
            bail!(
                "say which entries: --session, --principal, --target, --object, --kind, --from, --until or --entries"
            );
        }
        if self.output.exists() {
            bail!(
                "{} exists; evidence is not overwritten",
                self.output.display()
            );
        }
        let progress = std::io::stderr().is_terminal();
        let items = gather(
            self.place.reader()?,
            &selection,
            &self.show(),
            |seen, all| {
                if progress {
                    eprint!("\r{seen} of {all} entries looked at");
                }
            },
        )?;
        if progress {
            eprint!("\r\x1b[K");
        }
        let (Some(first), Some(last)) = (items.first(), items.last()) else {
            bail!("no signed entry fits; the last ones are signed within a quarter of a second");
        };
        let (first, last) = (first.proof.index, last.proof.index);
        let about = About {
            made: rfc3339(keyfile::now_ms()),
            reason: self.reason.clone(),
            asked: self.asked(),
        };
        let erased: u64 = items.iter().map(|item| item.erased).sum();
        let pack = Pack::make(about, &items)?;
        // On record before it exists: what leaves is known even if this is interrupted.
        let done = self.place.request(Operation::Evidence {
            digest: pack.digest(),
            entries: items.len() as u64,
            first,
            last,
            disclosed: self.disclose.clone(),
            reason: self.reason,
        })?;
        write(&pack, &self.output)?;
        if self.format.json {
            return output.json(&json!({
                "file": self.output,
                "digest": pack.digest(),
                "entries": items.len(),
                "first": first,
                "last": last,
                "erased": erased,
                "recorded": done.entries,
            }));
        }
        output.line(format!(
            "Wrote {}: {} from {first} to {last}, on record in entry {}",
            self.output.display(),
            entries(items.len()),
            done.entries.first().copied().unwrap_or_default()
        ))?;
        if erased > 0 {
            output.line(format!("  {erased} disclosures of them were erased before"))?;
        }
        output.line(format!("  digest  {}", pack.digest()))?;
        output.line(
            "To check it, with a key obtained another way: weir evidence verify FILE --key KEY",
        )
    }

    fn show(&self) -> Show {
        match self.disclose.as_slice() {
            [] => Show::Nothing,
            names if names.iter().any(|name| name == "all") => Show::Everything,
            names => Show::Named(names.iter().cloned().collect::<BTreeSet<_>>()),
        }
    }

    /// The choice in words.
    fn asked(&self) -> String {
        let mut parts = Vec::new();
        for range in &self.entries {
            parts.push(format!("entries {}-{}", range.start(), range.end()));
        }
        let named = [
            ("session", &self.session),
            ("principal", &self.principal),
            ("target", &self.target),
            ("object", &self.object),
            ("kind", &self.kind),
        ];
        for (name, value) in named {
            parts.extend(value.as_ref().map(|value| format!("{name} {value}")));
        }
        parts.push(self.range.days().to_string());
        parts.join(", ")
    }
}

/// Writes the pack in one step, readable by this user only.
fn write(pack: &Pack, file: &Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let cannot = || format!("cannot write {}", file.display());
    let opened = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(cannot)?;
    let written = fill(pack, opened);
    if written.is_err() {
        // Half a pack is no evidence.
        let _ = std::fs::remove_file(file);
    }
    written.with_context(cannot)
}

fn fill(pack: &Pack, file: File) -> Result<()> {
    let mut zip = ZipWriter::new(file);
    let options = SimpleFileOptions::default().unix_permissions(0o600);
    for (name, bytes) in &pack.files {
        zip.start_file(name.as_str(), options)?;
        zip.write_all(bytes)?;
    }
    zip.finish()?.sync_all()?;
    Ok(())
}

/// Reads a pack that strangers made.
fn read(file: &Path) -> Result<Pack> {
    let cannot = || format!("{} is no evidence pack", file.display());
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut zip = ZipArchive::new(opened).with_context(cannot)?;
    if zip.len() > MAX_FILES {
        bail!("{}: more than {MAX_FILES} files", cannot());
    }
    let (mut pack, mut left) = (Pack::default(), MAX_BYTES);
    for index in 0..zip.len() {
        let one = zip.by_index(index).with_context(cannot)?;
        let name = one.name().with_context(cannot)?.into_owned();
        let mut bytes = Vec::new();
        // The sizes it claims are not believed.
        one.take(left.saturating_add(1))
            .read_to_end(&mut bytes)
            .with_context(cannot)?;
        let Some(rest) = left.checked_sub(bytes.len() as u64) else {
            bail!("{}: it unpacks to more than a gigabyte", cannot());
        };
        left = rest;
        if pack.files.insert(name.clone(), bytes).is_some() {
            bail!("{}: it holds {name} twice", cannot());
        }
    }
    Ok(pack)
}

impl Verify {
    fn run(self, output: &mut Output) -> Result<Ended> {
        let trust = self.trust()?;
        let pack = read(&self.file)?;
        match pack.check(&trust) {
            Ok(contents) => {
                self.tell(&pack, &contents, output)?;
                Ok(Ended::Well)
            }
            Err(faults) => {
                self.complain(&faults, output)?;
                Ok(Ended::WithFindings)
            }
        }
    }

    fn trust(&self) -> Result<Policy> {
        if let Some(key) = &self.key {
            return Ok((&verifier_key(key)?).into());
        }
        let Some(file) = &self.policy else {
            bail!(
                "say whom you trust: --key KEY (the log's verifier key) or --policy FILE, \
                 obtained from somebody you trust and not with the pack"
            );
        };
        let text =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        Policy::parse(&text).with_context(|| format!("policy in {}", file.display()))
    }

    fn tell(&self, pack: &Pack, contents: &Contents, output: &mut Output) -> Result<()> {
        let manifest = &contents.manifest;
        let Some(first) = contents.entries.first() else {
            return output.line("The pack is sound and empty.");
        };
        let checkpoint = &first.checkpoint;
        let erased: u64 = manifest.entries.iter().map(|line| line.erased).sum();
        let disclosed: usize = contents
            .entries
            .iter()
            .map(|one| one.disclosures.len())
            .sum();
        if self.format.json {
            let listed: Vec<Value> = contents
                .entries
                .iter()
                .map(|one| {
                    let disclosures = one.disclosures.iter();
                    let disclosures = disclosures.map(|d| (d.name.clone(), json!(d.value)));
                    Ok(json!({
                        "entry": serde_json::from_slice::<Value>(&one.leaf)?,
                        "disclosures": disclosures.collect::<serde_json::Map<_, _>>(),
                    }))
                })
                .collect::<Result<_>>()?;
            return output.json(&json!({
                "ok": true,
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "digest": pack.digest(),
                "made": manifest.made,
                "reason": manifest.reason,
                "asked": manifest.asked,
                "erased": erased,
                "entries": listed,
            }));
        }
        output.line(format!(
            "{} {} of {}, signed at {} entries",
            output.paint.green("proven:"),
            entries(contents.entries.len()),
            checkpoint.origin,
            checkpoint.size
        ))?;
        for one in &contents.entries {
            let time = one.entry.at.get(..19).unwrap_or(&one.entry.at);
            output.line(format!(
                "{:>8}  {}  {:21}  {}",
                one.entry.sequence.0,
                output.paint.dim(&time.replace('T', " ")),
                one.entry.kind.name(),
                summary(&one.entry)
            ))?;
        }
        for witness in &first.cosigned {
            output.line(format!("  cosigned by {}", witness.witness))?;
        }
        output.line(format!(
            "  disclosed    {disclosed} fit their entries, {erased} were erased"
        ))?;
        output.line("What follows is the maker's word; compare the digest with the ledger's evidence.export:")?;
        output.line(format!("  digest       {}", pack.digest()))?;
        output.line(format!("  made         {}", manifest.made))?;
        output.line(format!(
            "  reason       {}",
            super::ledger::printable(&manifest.reason)
        ))?;
        output.line(format!(
            "  asked for    {}",
            super::ledger::printable(&manifest.asked)
        ))
    }

    fn complain(&self, faults: &[pack::Fault], output: &mut Output) -> Result<()> {
        if self.format.json {
            let problems: Vec<String> = faults.iter().map(ToString::to_string).collect();
            return output.json(&json!({ "ok": false, "problems": problems }));
        }
        for fault in faults {
            let fault = super::ledger::printable(&fault.to_string());
            output.line(format!("{} {fault}", output.paint.red("error:")))?;
        }
        let verdict = output.paint.red("not proven:");
        let problems = count(faults.len(), "problem");
        output.line(format!("{verdict} {}, {problems}", self.file.display()))
    }
}

fn entries(number: usize) -> String {
    count(number, "entry").replace("entrys", "entries")
}
