//! `weir ledger verify`: a ledger, an exported log or one proof, against what the
//! auditor believes.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use ledger::checkpoint::Checkpoint;
use ledger::note::VerifierKey;
use ledger::trust::{Cosigned, Policy};
use serde_json::{Map, Value, json};
use store::export::{Folder, Progress, Source, check};
use store::verify::{self, Fault};

use super::ledger::{Place, hex, printable, summary};
use super::output::{Output, count, rfc3339};
use super::progress::Bar;
use super::remote::Remote;
use super::{Ended, Format};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// A proof file, as `weir ledger prove` writes it, instead of the whole ledger
    #[arg(conflicts_with_all = ["export", "url", "since"])]
    proof: Option<PathBuf>,
    /// Check a log that `weir ledger export` wrote into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "url")]
    export: Option<PathBuf>,
    /// Check a log that is served at this address (C2SP tlog-tiles)
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Verifier key, or a file that holds it, obtained from somebody you trust
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Whom to believe: logs, witnesses and quorum (C2SP tlog-policy)
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    policy: Option<PathBuf>,
    /// A checkpoint seen before, which the log must continue
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: Format,
}

impl Verify {
    pub(crate) fn run(self, output: &mut Output) -> Result<Ended> {
        let trust = self.trust()?;
        if let Some(file) = &self.proof {
            return self.proof(file, trust.as_ref(), output);
        }
        let source: Box<dyn Source> = match (&self.export, &self.url) {
            (Some(folder), _) => Box::new(Folder::new(folder)),
            (None, Some(url)) => Box::new(Remote::new(url)?),
            (None, None) => return self.whole(trust.as_ref(), output),
        };
        let Some(trust) = trust else {
            bail!(
                "an exported log says itself who signed it: name whom you believe with \
                 --policy FILE or --key KEY (`weir ledger key --policy` prints a policy)"
            );
        };
        self.log(&*source, &trust, output)
    }

    /// Whom the auditor believes.
    fn trust(&self) -> Result<Option<Policy>> {
        if let Some(file) = &self.policy {
            let text =
                std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let policy = Policy::parse(&text).with_context(|| format!("{}", file.display()))?;
            return Ok(Some(policy));
        }
        let key = self.key.as_deref().map(verifier_key).transpose()?;
        Ok(key.as_ref().map(Policy::from))
    }

    /// The checkpoint remembered from before. Its witnesses do not matter: it was
    /// believed then.
    fn since(&self, trust: &Policy) -> Result<Option<Checkpoint>> {
        let Some(file) = &self.since else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let logs: Policy = trust.logs().iter().map(|log| &log.key).collect();
        let trusted = logs.open(&text);
        let trusted = trusted.with_context(|| format!("{}", file.display()))?;
        Ok(Some(trusted.checkpoint))
    }

    /// Checks an exported log.
    fn log(&self, source: &dyn Source, trust: &Policy, output: &mut Output) -> Result<Ended> {
        let since = self.since(trust)?;
        let mut bar = Bar::new("checked", "entries");
        let report = check(source, trust, since.as_ref(), &mut |progress| {
            bar.show(progress.done, progress.total);
        });
        bar.end();
        let report = report?;
        let ended = ended(report.is_sound());
        let checkpoint = report.trusted.as_ref().map(|trusted| &trusted.checkpoint);
        let cosigned_by = report
            .trusted
            .as_ref()
            .map_or(&[][..], |trusted| &trusted.cosigned);
        if self.format.json {
            output.json(&json!({
                "ok": report.is_sound(),
                "origin": checkpoint.map(|one| &one.origin),
                "entries": report.entries,
                "minimum": report.minimum,
                "signed": checkpoint.map(|one| one.size),
                "root": checkpoint.map(|one| hex(&one.root)),
                "cosigned": cosigned(cosigned_by),
                "since": since.map(|since| since.size),
                "problems": report.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "problem_count": report.fault_count,
            }))?;
            return Ok(ended);
        }
        faults(&report.faults, output)?;
        let verdict = verdict(report.fault_count, output)?;
        let Some(checkpoint) = checkpoint else {
            output.line(format!("{verdict} the log; nothing more was looked at"))?;
            return Ok(ended);
        };
        output.line(format!(
            "{verdict} {}, {} signed, {} read",
            checkpoint.origin,
            entries(checkpoint.size),
            entries(report.entries)
        ))?;
        output.line(format!("  root         {}", hex(&checkpoint.root)))?;
        if report.minimum > 0 {
            output.line(format!(
                "  pruned       entries below {}, on the record; their hashes are there",
                report.minimum
            ))?;
        }
        if let Some(since) = since.filter(|_| report.is_sound()) {
            output.line(format!(
                "  continues    {} signed before",
                entries(since.size)
            ))?;
        }
        witnesses(cosigned_by, output)?;
        Ok(ended)
    }

    fn proof(&self, file: &Path, trust: Option<&Policy>, output: &mut Output) -> Result<Ended> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read {}", file.display()))?;
        let own;
        let trust = match trust {
            Some(trust) => trust,
            None => {
                let reader = self.place.reader();
                own =
                    reader.context("without --policy or --key, the ledger's own key is needed")?;
                own.trust()
            }
        };
        let evidence = match ledger::verify::proof(&text, trust, None) {
            Ok(evidence) => evidence,
            Err(error) if self.format.json => {
                output.json(&json!({ "ok": false, "problem": error.to_string() }))?;
                return Ok(Ended::WithFindings);
            }
            Err(error) => {
                output.line(format!(
                    "{} {}: {error}",
                    output.paint.red("not proven:"),
                    file.display()
                ))?;
                return Ok(Ended::WithFindings);
            }
        };
        let (entry, size) = (&evidence.entry, evidence.checkpoint.size);
        if self.format.json {
            let leaf: Value = serde_json::from_slice(&evidence.leaf)?;
            let disclosures: Map<String, Value> = evidence
                .disclosures
                .iter()
                .map(|d| (d.name.clone(), json!(d.value)))
                .collect();
            output.json(&json!({
                "ok": true, "origin": evidence.checkpoint.origin, "size": size, "entry": leaf,
                "disclosures": disclosures,
                "cosigned": cosigned(&evidence.cosigned),
            }))?;
            return Ok(Ended::Well);
        }
        let (origin, sequence) = (&evidence.checkpoint.origin, entry.sequence.0);
        output.line(format!(
            "{} entry {sequence} is in {origin}, signed at {size} entries",
            output.paint.green("proven:")
        ))?;
        output.line(format!(
            "  {}  {}  {}",
            entry.at,
            entry.kind.name(),
            summary(entry)
        ))?;
        witnesses(&evidence.cosigned, output)?;
        for disclosed in &evidence.disclosures {
            output.line(format!(
                "  {}: {}",
                disclosed.name,
                printable(&disclosed.value)
            ))?;
        }
        Ok(Ended::Well)
    }

    fn whole(&self, trust: Option<&Policy>, output: &mut Output) -> Result<Ended> {
        let directory = self.place.existing()?;
        let in_directory = || format!("ledger in {}", directory.display());
        let bar = Mutex::new(Bar::new("checked", "sealed entries"));
        let told = |at: Progress| {
            let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
            bar.show(at.done, at.total);
        };
        let own;
        let believed = match trust {
            Some(trust) => trust,
            None => {
                own = self.place.reader().with_context(in_directory)?;
                own.trust()
            }
        };
        let since = self.since(believed)?;
        let report = match &since {
            Some(since) => verify::directory_since(&directory, trust, since, &told),
            None => verify::directory_watched(&directory, trust, &told),
        };
        bar.lock().unwrap_or_else(PoisonError::into_inner).end();
        let report = report.with_context(in_directory)?;
        let ended = ended(report.is_sound());
        if self.format.json {
            output.json(&json!({
                "ok": report.is_sound(),
                "origin": report.origin,
                "entries": report.entries,
                "signed": report.signed,
                "sealed": report.sealed,
                "minimum": report.minimum,
                "root": hex(&report.root),
                "disclosures": report.disclosures,
                "erased": report.erased,
                "live": report.live,
                "problems": report.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "problem_count": report.fault_count,
            }))?;
            return Ok(ended);
        }
        faults(&report.faults, output)?;
        let entries = count(usize::try_from(report.entries)?, "entry").replace("entrys", "entries");
        let signed = match report.signed {
            Some(signed) => format!("{signed} of them signed"),
            None => "none of them signed".to_owned(),
        };
        let live = if report.live {
            "; a gateway is writing to it"
        } else {
            ""
        };
        let verdict = verdict(report.fault_count, output)?;
        output.line(format!(
            "{verdict} {}, {entries}, {signed}{live}",
            report.origin
        ))?;
        output.line(format!("  root         {}", hex(&report.root)))?;
        if report.packs > 0 {
            output.line(format!(
                "  sealed       {} entries in {}",
                report.sealed.saturating_sub(report.minimum),
                count(usize::try_from(report.packs)?, "pack")
            ))?;
        }
        if report.minimum > 0 {
            output.line(format!(
                "  pruned       entries below {}, on record; they were not checked",
                report.minimum
            ))?;
        }
        output.line(format!(
            "  disclosures  {} fit their entries, {} erased",
            report.disclosures, report.erased
        ))?;
        if let Some(since) = since.filter(|_| report.is_sound()) {
            output.line(format!(
                "  continues    {} entries signed before",
                since.size
            ))?;
        }
        if trust.is_none() {
            output.line(
                "  The key in the directory was believed. An auditor gives theirs with --key.",
            )?;
        }
        Ok(ended)
    }
}

fn ended(sound: bool) -> Ended {
    if sound {
        Ended::Well
    } else {
        Ended::WithFindings
    }
}

fn faults(faults: &[Fault], output: &mut Output) -> Result<()> {
    for fault in faults {
        output.line(format!("{} {fault}", output.paint.red("error:")))?;
    }
    Ok(())
}

/// `sound:`, or how many problems there are.
fn verdict(faults: u64, output: &Output) -> Result<String> {
    Ok(match faults {
        0 => output.paint.green("sound:"),
        many => {
            let problems = count(usize::try_from(many)?, "problem");
            output.paint.red(&format!("{problems} in"))
        }
    })
}

fn entries(number: u64) -> String {
    match number {
        1 => "1 entry".to_owned(),
        many => format!("{many} entries"),
    }
}

fn cosigned(witnesses: &[Cosigned]) -> Value {
    let one = |one: &Cosigned| json!({ "witness": one.witness, "at": at(one) });
    witnesses.iter().map(one).collect()
}

fn witnesses(witnesses: &[Cosigned], output: &mut Output) -> Result<()> {
    for one in witnesses {
        let name = printable(&one.witness);
        output.line(format!("  cosigned     by {name} at {}", at(one)))?;
    }
    Ok(())
}

fn at(cosigned: &Cosigned) -> String {
    rfc3339(cosigned.at_s.saturating_mul(1000))
}

/// A verifier key, or the file that holds one.
pub(super) fn verifier_key(text: &str) -> Result<VerifierKey> {
    if let Ok(key) = VerifierKey::parse(text) {
        return Ok(key);
    }
    let path = Path::new(text);
    if !path.exists() {
        bail!("--key is neither a verifier key (NAME+ID+KEY) nor a file");
    }
    let read = std::fs::read_to_string(path).with_context(|| format!("cannot read {text}"))?;
    VerifierKey::parse(read.trim()).with_context(|| format!("{text} holds no verifier key"))
}
