//! What the log's lock protects, and the rules of admission.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ledger::{Kind, Sequence, Unavailable};

use super::Log;
use crate::disk::File;
#[cfg(test)]
use crate::simulation::{Broken, is_broken};

/// What the lock protects.
pub(crate) struct Inner {
    pub(crate) next: Sequence,
    /// Time of the last entry.
    pub(crate) last_ns: u64,
    /// See [`Log::clock_offset`]; as it was when it was looked at or recorded last.
    pub(crate) clock_offset: i128,
    pub(crate) epoch: u64,
    pub(crate) active: Active,
    pub(crate) spare: Option<Active>,
    pub(crate) next_ordinal: u64,
    /// Segments that are full and not yet synced, with their length.
    pub(crate) rolled: Vec<(Arc<dyn File>, u64)>,
    /// Placed and not yet durable.
    pub(crate) batch: Batch,
    /// How many bytes at the end of the batch are not in the file yet.
    pub(crate) unwritten: usize,
    /// Bytes the committer is syncing.
    pub(crate) in_flight_bytes: u64,
    /// Exclusive bound that somebody waits for.
    pub(crate) wanted: u64,
    pub(crate) dirty_since: Option<Instant>,
    /// Since when what is being synced waits.
    pub(crate) in_flight_since: Option<Instant>,
    /// Since when something durable is under no checkpoint.
    pub(crate) unsigned_since: Option<Instant>,
    pub(crate) spare_wanted: bool,
    /// Whether the committer sleeps.
    pub(crate) sleeping: bool,
    pub(crate) closing: bool,
    pub(crate) closed: bool,
    pub(crate) faults: Faults,
    /// Where the durable part ends: number of the segment and offset.
    pub(crate) durable_end: (u64, u64),
}

/// What is wrong.
#[derive(Default)]
pub(crate) struct Faults {
    /// A write or sync failed: nothing is taken.
    pub(crate) failed: Option<Unavailable>,
    /// The next segment cannot be made: what is preallocated is used up, the last of
    /// it only by what completes running statements.
    pub(crate) starved: Option<Unavailable>,
    /// Checkpoints cannot be written: only what completes is taken.
    pub(crate) restricted: Option<Unavailable>,
    /// Since when something is wrong.
    pub(crate) outage: Option<Outage>,
}

/// One time of trouble, for the record.
#[derive(Clone)]
pub(crate) struct Outage {
    pub(crate) since: Instant,
    pub(crate) from: Sequence,
    pub(crate) refused_before: u64,
    pub(crate) reason: Unavailable,
}

/// A segment that is written to.
pub(crate) struct Active {
    pub(crate) file: Arc<dyn File>,
    pub(crate) ordinal: u64,
    pub(crate) offset: u64,
    pub(crate) capacity: u64,
    /// Made of the disk reserve.
    pub(crate) emergency: bool,
}

/// Frames that have their place and are not yet durable.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    pub(crate) leaves: Vec<Range<usize>>,
}

impl Batch {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.leaves.clear();
    }

    /// Puts the frames of `later` behind these.
    pub(crate) fn append(&mut self, later: &Batch) {
        let shift = self.bytes.len();
        self.bytes.extend_from_slice(&later.bytes);
        self.leaves.extend(
            later
                .leaves
                .iter()
                .map(|leaf| leaf.start.saturating_add(shift)..leaf.end.saturating_add(shift)),
        );
    }
}

/// Where there is room for an entry.
pub(crate) enum Room {
    Here,
    InSpare,
    /// Soon, perhaps; or this is why not.
    Later(Unavailable),
}

impl Inner {
    pub(crate) fn admit(
        &self,
        bytes: u64,
        kind: Kind,
        backlog_bytes: u64,
    ) -> Result<Room, Unavailable> {
        if self.closed {
            return Err(Unavailable::Closed);
        }
        #[cfg(test)]
        let stays_open = is_broken(Broken::StaysOpen);
        #[cfg(not(test))]
        let stays_open = false;
        if let Some(reason) = &self.faults.failed
            && !stays_open
        {
            return Err(reason.clone());
        }
        if let Some(reason) = self
            .faults
            .restricted
            .as_ref()
            .filter(|_| !kind.completes())
        {
            return Err(reason.clone());
        }
        let backlog = self
            .in_flight_bytes
            .saturating_add(self.batch.bytes.len() as u64);
        let overloaded = Unavailable::Overloaded {
            backlog_bytes: backlog,
        };
        if backlog.saturating_add(bytes) > backlog_bytes && backlog > 0 {
            return Ok(Room::Later(overloaded));
        }
        let usable = |segment: &Active| !segment.emergency || kind.completes();
        if usable(&self.active) && self.active.fits(bytes) {
            return Ok(Room::Here);
        }
        match (&self.spare, &self.faults.starved) {
            (Some(spare), _) if usable(spare) && spare.fits(bytes) => Ok(Room::InSpare),
            (_, Some(reason)) => Err(reason.clone()),
            (_, None) => Ok(Room::Later(overloaded)),
        }
    }

    /// Writes what has its place and is not in the file yet, all at once.
    pub(crate) fn write_out(&mut self) -> io::Result<()> {
        if self.unwritten == 0 {
            return Ok(());
        }
        let bytes = &self.batch.bytes;
        let from = bytes.len().saturating_sub(self.unwritten);
        let offset = self.active.offset.saturating_sub(self.unwritten as u64);
        let bytes = bytes.get(from..).unwrap_or_default();
        self.active.file.write_at(offset, bytes)?;
        self.unwritten = 0;
        Ok(())
    }

    /// Forgets the last frame, which begins at `start` of the batch and is unwritten.
    pub(super) fn take_back(&mut self, start: usize) {
        let length = self.batch.bytes.len().saturating_sub(start);
        self.batch.bytes.truncate(start);
        self.unwritten = self.unwritten.saturating_sub(length);
        self.active.offset = self.active.offset.saturating_sub(length as u64);
    }

    /// Notes since when something is wrong.
    pub(crate) fn begin_outage(&mut self, reason: &Unavailable, log: &Log) {
        let from = Sequence(log.durable.load(Ordering::Acquire));
        self.faults.outage.get_or_insert_with(|| Outage {
            since: Instant::now(),
            from,
            refused_before: log.refused.load(Ordering::Relaxed),
            reason: reason.clone(),
        });
    }
}

impl Active {
    fn fits(&self, bytes: u64) -> bool {
        self.offset.saturating_add(bytes) <= self.capacity
    }
}
