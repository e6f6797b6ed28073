//! Retention: entries whose time is over are no longer kept (C2SP tlog-tiles,
//! "Pruning").
//!
//! Whole packs go, from the oldest on, entries and disclosures; the newest stays. Tiles
//! above the leaves and the checkpoints are kept, so the root of every tree of at least
//! the *minimum index*, proofs of the entries from there on, and consistency proofs
//! between such trees can still be made. The record comes first: an entry
//! `retention.prune` is durable before a file is removed, and [`crate::verify`] takes
//! for pruned only what such an entry names.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use ledger::days::{Day, Days};
use ledger::entry::Head;
use ledger::event::{RetentionPrune, Text};
use ledger::{Entry, Event, Ledger as _, Sequence};

use crate::disk::Disk;
use crate::pack::file::{Unpacker, leaves};
use crate::pack::{self, BUNDLE, Pack, Packs, Span};
use crate::read::Reader;
use crate::{Error, Store, files};

/// What is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// Entries below this one.
    Index(u64),
    /// Entries of earlier days than this, UTC.
    Day(Day),
}

/// What would go, or went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruning {
    /// The first entry that is kept so far.
    pub from: u64,
    /// The first entry that is kept afterwards; equal to `from` if nothing goes.
    pub below: u64,
    /// The days of what goes.
    pub days: Days,
    /// Bytes that get free.
    pub bytes: u64,
    /// The entry that says so.
    pub entry: Option<Sequence>,
    spans: Vec<Span>,
}

impl Pruning {
    /// Whether nothing goes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

/// What pruning would do to the ledger, without a look at legal holds.
///
/// # Errors
/// [`Error::Damaged`], [`Error::Io`].
pub fn plan(reader: &Reader, below: Below) -> Result<Pruning, Error> {
    plan_on(&*reader.disk, &reader.dir, &reader.log_id, below)
}

fn plan_on(disk: &dyn Disk, dir: &Path, log: &[u8; 16], below: Below) -> Result<Pruning, Error> {
    let packs = Packs::list(disk, dir)?;
    let mut plan = Pruning {
        from: packs.minimum(),
        below: packs.minimum(),
        ..Pruning::default()
    };
    // Without the newest pack nobody could tell what is sealed.
    let Some((_, spans)) = packs.spans.split_last() else {
        return Ok(plan);
    };
    for span in spans {
        let pack = Pack::open(disk, dir, *span, log)?;
        let last = day_of(&pack, span.end.saturating_sub(1))?;
        let goes = match below {
            Below::Index(index) => span.end <= index,
            Below::Day(day) => last < day,
        };
        if !goes {
            break;
        }
        let first = day_of(&pack, span.first)?;
        // A clock may have been set back.
        let earliest = plan
            .days
            .from
            .map_or(first, |from| from.min(first))
            .min(last);
        let latest = plan
            .days
            .until
            .map_or(last, |until| until.max(last))
            .max(first);
        plan.days = Days {
            from: Some(earliest),
            until: Some(latest),
        };
        for path in [span.pack(dir), span.disclosures(dir)] {
            let file = disk.open(&path, crate::disk::Mode::Read);
            let length = file.and_then(|file| file.length());
            plan.bytes = plan.bytes.saturating_add(length.unwrap_or(0));
        }
        plan.below = span.end;
        plan.spans.push(*span);
    }
    Ok(plan)
}

/// The day of an entry of a pack.
fn day_of(pack: &Pack, sequence: u64) -> Result<Day, Error> {
    let index = sequence / BUNDLE;
    let mut bundle = Vec::new();
    Unpacker::new()?.bundle(pack, index, &mut bundle)?;
    let place = usize::try_from(sequence % BUNDLE).unwrap_or(usize::MAX);
    let leaf = leaves(&bundle).nth(place).flatten().unwrap_or_default();
    let day = match Head::read(leaf) {
        Some(head) => head.at.get(..10).and_then(|day| day.parse().ok()),
        None => Entry::parse(leaf)
            .ok()
            .and_then(|entry| entry.at.get(..10)?.parse().ok()),
    };
    day.ok_or_else(|| Error::Damaged {
        path: pack.path().to_owned(),
        offset: pack.offset(index),
        reason: "an entry has no time",
    })
}

impl Store {
    /// Prunes, durably and on the record. Blocks the calling thread, which must not be
    /// one that runs tasks. `retention` is the time in force, if that is the reason.
    ///
    /// # Errors
    /// [`Error::Held`] if a legal hold covers a day of what would go: then nothing goes;
    /// [`Error::Unavailable`] if it could not be recorded; [`Error::Io`]: what is left is
    /// pruned the next time.
    pub fn prune(
        &self,
        below: Below,
        retention: Option<Duration>,
        by: Option<Text>,
    ) -> Result<Pruning, Error> {
        // No hold may be set while something goes.
        let holds = self.holds.blocking_lock();
        let log = &self.log;
        let (disk, dir) = (&*log.disk, log.dir.as_path());
        let mut plan = plan_on(disk, dir, &log.log_id, below)?;
        if plan.is_empty() {
            return Ok(plan);
        }
        holds.permit(None, &plan.days)?;
        let receipt = self.append(Event::from(RetentionPrune {
            from: Sequence(plan.from),
            below: Sequence(plan.below),
            holds: holds.holds.iter().map(|hold| hold.id.clone()).collect(),
            retention_s: retention.map(|time| time.as_secs()),
            by,
        }))?;
        self.block_until_durable(receipt.sequence)?;
        plan.entry = Some(receipt.sequence);
        let folder = pack::directory(dir);
        for span in &plan.spans {
            // One after the other, so that what is left has no gap, and no pack lacks its
            // disclosures. Disclosures without their entries are removed on opening.
            for path in [span.pack(dir), span.disclosures(dir)] {
                files::remove_if_there(disk, &path)?;
                disk.sync_dir(&folder).map_err(Error::io("sync", &folder))?;
            }
        }
        drop(holds);
        Ok(plan)
    }

    fn block_until_durable(&self, sequence: Sequence) -> Result<(), Error> {
        let log = &self.log;
        let mut inner = log.inner();
        while self.durable() <= sequence {
            if let Some(reason) = &inner.faults.failed {
                return Err(reason.clone().into());
            }
            inner.wanted = inner.wanted.max(sequence.0.saturating_add(1));
            log.wake(&inner);
            // Told by the committer; the time only bounds what a lost call costs.
            (inner, _) = log
                .room
                .wait_timeout(inner, Duration::from_millis(50))
                .unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}
