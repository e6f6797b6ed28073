//! Opening what a crash left, and comparing it with what was promised.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ledger::checkpoint::Checkpoint;
use ledger::merkle::{Frontier, leaf_hash};
use ledger::{Entry, Kind, Sequence, seal};

use super::disk::{Crash, SimDisk};
use super::image::Image;
use super::random::Random;
use super::witness::{Check, Mark, Taken, Violation, Witness};
use crate::read::Reader;
use crate::{Error, Options, keys, open, verify};

/// Opens the image, and names everything that is not as it was promised.
pub(super) fn examine(
    dir: &Path,
    options: &Options,
    image: Image,
    mark: &Mark,
    crash: Crash,
    random: Random,
) -> Vec<Violation> {
    let witness = Witness::after(mark.clone());
    let disk = SimDisk::new(image, Arc::clone(&witness), random);
    let mut found = Vec::new();
    let mut violation = |check, detail: String| found.push(Violation { check, detail });
    let opened = open::open(Arc::new(disk.clone()), dir, options.clone(), Instant::now());
    let mut committer = match opened {
        Ok((committer, _)) => committer,
        Err(error) => {
            // What a checkpoint covers was lost, or is something else.
            let check = match error {
                Error::Disagrees { .. } => Check::CheckpointCovers,
                _ => Check::Opens,
            };
            violation(check, error.to_string());
            return found;
        }
    };
    committer.finish();
    drop(committer);
    let entries = match entries(&disk, dir) {
        Ok(entries) => entries,
        Err(error) => {
            violation(Check::Opens, error.to_string());
            return found;
        }
    };
    promised(&entries, mark, crash, &mut violation);
    roots(&entries, &witness.mark(), &mut violation);
    outcomes(&entries, mark, &mut violation);
    match undisclosed(&disk, dir, mark) {
        Ok(lost) if lost.is_empty() => {}
        Ok(lost) => violation(Check::Discloses, format!("of durable entries {lost:?}")),
        Err(error) => violation(Check::Discloses, error.to_string()),
    }
    match verify::directory_on(Arc::new(disk), dir, None, &|_| {}) {
        Ok(report) if report.is_sound() => {}
        Ok(report) => violation(Check::Verifies, format!("{:?}", report.faults)),
        Err(error) => violation(Check::Verifies, error.to_string()),
    }
    found.extend(witness.take_violations());
    found
}

/// All entries, as the reader gives them.
pub(super) fn entries(disk: &SimDisk, dir: &Path) -> Result<Vec<Taken>, Error> {
    let reader = Reader::open_on(Arc::new(disk.clone()), dir)?;
    let mut entries = reader.entries(Sequence(0));
    let mut out = Vec::new();
    while let Some(record) = entries.next()? {
        out.push(Taken {
            sequence: record.sequence.0,
            kind: record.kind,
            leaf: record.leaf.into(),
        });
    }
    Ok(out)
}

/// Entries of the last run that were durable and whose keys are gone.
fn undisclosed(disk: &SimDisk, dir: &Path, mark: &Mark) -> Result<Vec<u64>, Error> {
    let reader = Reader::open_on(Arc::new(disk.clone()), dir)?;
    let keys = keys::read(disk, dir, &reader.log_id)?;
    let mut entries = reader.entries(Sequence(mark.before));
    let mut lost = Vec::new();
    while let Some(record) = entries.next()?
        && record.sequence.0 < mark.durable
    {
        let mut sealed = seal::envelopes(&record.sealed)?.into_iter();
        let live = |one: &seal::Envelope<'_>| {
            matches!(keys.slots.get(&one.key), Some((keys::Slot::Live { .. }, _)))
        };
        if !sealed.all(|one| live(&one)) {
            lost.push(record.sequence.0);
        }
    }
    Ok(lost)
}

/// What has a receipt or was said to be durable.
fn promised(
    entries: &[Taken],
    mark: &Mark,
    crash: Crash,
    violation: &mut impl FnMut(Check, String),
) {
    let there = |sequence: u64| entries.get(usize::try_from(sequence).unwrap());
    if (entries.len() as u64) < mark.durable {
        violation(
            Check::Durable,
            format!("{} were durable, {} are there", mark.durable, entries.len()),
        );
    }
    // With a write go all entries before it.
    let written = mark
        .taken
        .iter()
        .filter(|one| !one.kind.goes_with_the_next());
    let written = written.map(|one| one.sequence).max();
    for taken in mark.taken.iter() {
        let kept = there(taken.sequence) == Some(taken);
        if taken.sequence < mark.durable && !kept {
            violation(Check::Durable, format!("entry {}", taken.sequence));
        }
        if crash == Crash::Kill && Some(taken.sequence) <= written && !kept {
            violation(Check::Written, format!("entry {}", taken.sequence));
        }
        if mark.effects.contains(&taken.sequence) && !kept {
            violation(Check::EffectGate, format!("intent {}", taken.sequence));
        }
        if mark.releases.contains(&taken.sequence) && !kept {
            violation(Check::ReleaseGate, format!("outcome {}", taken.sequence));
        }
    }
    for (index, entry) in entries.iter().enumerate() {
        let parsed = Entry::parse(&entry.leaf);
        let own = parsed.as_ref().map(|one| one.sequence.0).ok();
        if entry.sequence != index as u64 || own != Some(entry.sequence) {
            violation(
                Check::Sequence,
                format!("{own:?} of {} stands at {index}", entry.sequence),
            );
        }
    }
}

/// Every checkpoint that could ever be read is one of this log.
fn roots(entries: &[Taken], mark: &Mark, violation: &mut impl FnMut(Check, String)) {
    let mut frontier = Frontier::new();
    let mut published: Vec<&(u64, String)> = mark.published.iter().collect();
    published.sort_unstable();
    for (size, root) in published {
        while frontier.size() < *size
            && let Some(entry) = entries.get(usize::try_from(frontier.size()).unwrap())
        {
            frontier.push(leaf_hash(&entry.leaf));
        }
        if frontier.size() < *size {
            let there = entries.len();
            violation(
                Check::CheckpointCovers,
                format!("{size} were signed, {there} are there"),
            );
        } else if *root != root_text(&frontier) {
            violation(
                Check::CheckpointCovers,
                format!("the root of {size} differs"),
            );
        }
    }
}

fn root_text(frontier: &Frontier) -> String {
    Checkpoint {
        origin: String::new(),
        size: frontier.size(),
        root: frontier.root(),
    }
    .root_text()
}

/// One outcome for each allowed intent, and the crash on the record.
fn outcomes(entries: &[Taken], mark: &Mark, violation: &mut impl FnMut(Check, String)) {
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    let mut clean = true;
    for (index, entry) in entries.iter().enumerate() {
        let Ok(parsed) = Entry::parse(&entry.leaf) else {
            continue;
        };
        match entry.kind {
            Kind::Intent if parsed.text("decision") == Some("allow") => {
                open.insert(entry.sequence, 0);
            }
            Kind::Outcome => {
                let intent = parsed.number("intent");
                match intent.and_then(|intent| open.get_mut(&intent)) {
                    Some(count) => *count += 1,
                    None => violation(Check::OneOutcome, format!("of no intent: {intent:?}")),
                }
            }
            Kind::LogOpen => {
                // Before anything else is recorded; an opening that was cut short
                // leaves it to the next one.
                let after = entries.iter().skip(index + 1);
                let mut opening = after.take_while(|one| {
                    use Kind::{Gap, LogOpen, Outcome, StorageAlarm};
                    matches!(one.kind, Gap | LogOpen | Outcome | StorageAlarm)
                });
                let told = opening.any(|one| one.kind == Kind::Gap);
                if !clean && !told {
                    let place = entry.sequence;
                    violation(Check::CrashTold, format!("not after log.open {place}"));
                }
            }
            _ => {}
        }
        // An opening may tell of the disk before it tells of itself.
        if !matches!(entry.kind, Kind::Gap | Kind::StorageAlarm) {
            clean = entry.kind == Kind::LogClose;
        }
    }
    for (intent, count) in open {
        if count != 1 {
            violation(
                Check::OneOutcome,
                format!(
                    "intent {intent} has {count} ({} were durable)",
                    mark.durable
                ),
            );
        }
    }
}
