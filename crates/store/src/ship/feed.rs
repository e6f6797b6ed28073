//! What an output is told next: durable entries, joined, in batches.

use ledger::joined::{Join, Joined, Read};
use ledger::{Ledger as _, Sequence};

use crate::read::{Entries, Reader, Record};
use crate::{Error, Store};

/// Most entries told together.
const BATCH: usize = 500;
/// A batch ends after this many bytes of entries and disclosures.
const BATCH_BYTES: usize = 1 << 20;
/// Most entries read before the cursor may move, also when none is told of.
const STRETCH: u64 = 20_000;
/// Entries skipped by reading rather than by looking for the next one.
const NEAR: u64 = 10_000;

/// What is not kept any more is not there.
fn kept(found: Result<Option<Record>, Error>) -> Result<Option<Record>, Error> {
    match found {
        Err(Error::Pruned { .. }) => Ok(None),
        other => other,
    }
}

/// Reads on from a place in the log.
pub(super) struct Feed<'a> {
    store: &'a Store,
    reader: &'a Reader,
    entries: Entries<'a>,
    disclose: &'a [String],
    join: Join,
    next: Sequence,
}

impl<'a> Feed<'a> {
    /// Goes on at `next`, with the earlier entries `open` in mind.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) fn resume(
        store: &'a Store,
        reader: &'a Reader,
        disclose: &'a [String],
        next: Sequence,
        open: &[Sequence],
    ) -> Result<Feed<'a>, Error> {
        let mut feed = Feed {
            store,
            reader,
            entries: reader.entries(next),
            disclose,
            join: Join::default(),
            next,
        };
        let mut at = Sequence(0);
        let mut entries = reader.entries(at);
        for wanted in open {
            if wanted.0.saturating_sub(at.0) > NEAR {
                entries = reader.entries(*wanted);
            }
            while let Some(record) = kept(entries.next())? {
                at = record.sequence.next();
                if record.sequence >= *wanted {
                    if record.sequence == *wanted {
                        let read = feed.read(&record)?;
                        feed.join.remember(read);
                    }
                    break;
                }
            }
        }
        Ok(feed)
    }

    /// The first entry that was not taken.
    pub(super) fn next(&self) -> Sequence {
        self.next
    }

    /// Earlier entries that have to be remembered to go on from here.
    pub(super) fn open(&self) -> Vec<Sequence> {
        self.join.open()
    }

    /// Whether there is more.
    pub(super) fn waits(&self) -> bool {
        self.next < self.store.durable()
    }

    /// The next batch; empty if there is nothing to tell so far.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) fn batch(&mut self) -> Result<Vec<Joined>, Error> {
        let mut batch = Vec::new();
        let mut bytes = 0_usize;
        let end = Sequence(self.next.0.saturating_add(STRETCH)).min(self.store.durable());
        while self.next < end && batch.len() < BATCH && bytes < BATCH_BYTES {
            let record = match self.entries.next() {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(Error::Pruned { minimum, .. }) => {
                    let (from, to) = (self.next, minimum.saturating_sub(1));
                    eprintln!(
                        "weir: entries {from} to {to} are not kept any more, and an output was not told of them"
                    );
                    self.next = Sequence(minimum);
                    self.entries = self.reader.entries(self.next);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let read = self.read(&record)?;
            if let Some(intent) = self.join.misses(&read.entry)
                && let Some(record) = kept(self.reader.entries(intent).next())?
                && record.sequence == intent
            {
                let read = self.read(&record)?;
                self.join.remember(read);
            }
            if let Some(joined) = self.join.take(read) {
                let intent = joined.intent.as_ref().map_or(0, |intent| intent.bytes());
                bytes = intent
                    .saturating_add(joined.told.bytes())
                    .saturating_add(bytes);
                batch.push(joined);
            }
            self.next = record.sequence.next();
        }
        Ok(batch)
    }

    fn read(&self, record: &Record) -> Result<Read, Error> {
        let mut read = Read::parse(&record.leaf)?;
        if !self.disclose.is_empty() {
            let mut disclosed = self.store.disclosures(record, &read.entry)?;
            disclosed.retain(|one| self.disclose.contains(&one.name));
            read.disclosed = disclosed;
        }
        Ok(read)
    }
}
