//! The log of the process that writes: placing entries, on the caller's thread.
//!
//! Everything of an entry that does not need its place is made before the lock is
//! taken. Under it: sequence, time, checksum, one write. How a statement ended goes
//! with the next write, or with the committer's: its intent is there already, and
//! half of all writes are saved. What was placed stays in memory (the *batch*) until
//! it is durable, so that no fault of the disk loses it.
//! The committer ([`crate::committer`]) takes batches, syncs, hashes and signs;
//! [`crate::heal`] continues after faults.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ledger::days::Day;
use ledger::event::ClockStep;
use ledger::note::Signer;
use ledger::seal::NONCE_BYTES;
use ledger::{Draft, Error as LedgerError, Event, Kind, Sequence, Unavailable, entry};
use tokio::sync::watch;

use crate::allocate::Segments;
use crate::disk::{Disk, Lock, is_full};
use crate::keys::Keys;
use crate::measure::Histogram;
use crate::packer::{Packing, Roots};
use crate::segment::{self, Header};
#[cfg(test)]
use crate::simulation::{Broken, is_broken};
use crate::{Options, frame, random};

mod state;

pub(crate) use state::{Active, Batch, Faults, Inner, Outage, Room};

/// From here on a jump of the clock is one that is recorded, and time in entries
/// follows it; what is less is smoothed. Nanoseconds.
pub(crate) const STEP_NS: u64 = 100_000_000;

/// How long an append waits for room before it fails. A simulation, which has no other
/// thread that could make room, does not wait.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(if cfg!(test) { 0 } else { 1000 });

/// The log of the process that writes.
pub(crate) struct Log {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) options: Options,
    pub(crate) log_id: [u8; 16],
    /// The keys that sign, the newest first.
    pub(crate) signers: Mutex<Vec<Signer>>,
    /// Why a key could not be changed.
    pub(crate) rotation_fault: Mutex<Option<String>>,
    pub(crate) keys: Keys,
    pub(crate) lock: Mutex<Option<Box<dyn Lock>>>,
    pub(crate) inner: Mutex<Inner>,
    /// The committer waits here for work.
    pub(crate) work: Condvar,
    /// Appenders wait here for room.
    pub(crate) room: Condvar,
    pub(crate) durable: AtomicU64,
    pub(crate) signed: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) used_percent: AtomicU64,
    pub(crate) available_bytes: AtomicU64,
    /// Exclusive bound of what is sealed in packs.
    pub(crate) sealed: AtomicU64,
    /// Roots of the bundles that are not.
    pub(crate) roots: Mutex<Roots>,
    pub(crate) packing: Packing,
    pub(crate) segments: Segments,
    /// How long syncs took.
    pub(crate) sync_times: Histogram,
    pub(crate) progress: watch::Sender<Progress>,
}

/// What waiters see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) durable: u64,
    pub(crate) fault: Option<Unavailable>,
}

/// An entry that only lacks its place.
struct Prepared {
    draft: Draft,
    sealed: Vec<u8>,
    /// The day whose keys it is sealed under, if it discloses anything.
    day: Option<Day>,
}

/// What became of an attempt to place an entry.
enum Placed {
    Here(Sequence),
    /// It has to be sealed again, with the keys of this time.
    OnAnotherDay(u64),
    /// The clock went back; that is recorded first.
    AfterStep(ClockStep),
}

impl Prepared {
    /// Most bytes its frame can have.
    fn frame_bytes(&self) -> u64 {
        (frame::HEADER_BYTES + entry::MAX_PREFIX_BYTES)
            .saturating_add(self.draft.body().len())
            .saturating_add(self.sealed.len()) as u64
    }
}

impl Log {
    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn signers(&self) -> MutexGuard<'_, Vec<Signer>> {
        self.signers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rotation_fault(&self) -> MutexGuard<'_, Option<String>> {
        let fault = self.rotation_fault.lock();
        fault.unwrap_or_else(PoisonError::into_inner)
    }

    /// The verifier key in force.
    pub(crate) fn vkey(&self) -> String {
        let signers = self.signers();
        let newest = signers.first();
        newest.map_or_else(String::new, |signer| signer.verifier().to_string())
    }

    /// Nanoseconds since 1970 UTC.
    pub(crate) fn now_ns(&self) -> u64 {
        self.options.clock.wall_ns()
    }

    /// See [`crate::open::clock_offset`].
    pub(crate) fn clock_offset(&self) -> i128 {
        crate::open::clock_offset(&*self.options.clock)
    }

    /// Writes an event and gives it its place.
    pub(crate) fn append(&self, event: &Event) -> Result<Sequence, Unavailable> {
        let placed = self.append_of_its_day(event);
        if placed.is_err() {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        placed
    }

    /// Disclosures are sealed under the key of the day on which the entry is written,
    /// which is only known when it has its place.
    fn append_of_its_day(&self, event: &Event) -> Result<Sequence, Unavailable> {
        let mut at_ns = self.now_ns();
        loop {
            let prepared = self.prepare(event, at_ns)?;
            match self.place(&prepared)? {
                Placed::Here(sequence) => return Ok(sequence),
                Placed::OnAnotherDay(then_ns) => at_ns = then_ns,
                Placed::AfterStep(step) => {
                    at_ns = step.found_ns;
                    self.append_of_its_day(&Event::from(step))?;
                }
            }
        }
    }

    /// What can be done without the lock: salts, JSON, digests, encryption.
    fn prepare(&self, event: &Event, at_ns: u64) -> Result<Prepared, Unavailable> {
        let mut salts = [0; 256];
        let needed = Draft::salt_bytes(event);
        let salts = salts.get_mut(..needed).ok_or(Unavailable::NoRandomness)?;
        random::fill(salts)?;
        let draft = Draft::new(event, salts)?;
        let mut sealed = Vec::new();
        for disclosed in draft.disclosed() {
            let key = self.keys.of(disclosed.subject.as_ref(), at_ns)?;
            let nonce = random::array::<NONCE_BYTES>()?;
            key.seal(&nonce, &disclosed.encoded, &mut sealed)?;
        }
        let day = (!sealed.is_empty()).then(|| Day::of(at_ns));
        Ok(Prepared { draft, sealed, day })
    }

    /// Gives an entry its place and writes it.
    fn place(&self, prepared: &Prepared) -> Result<Placed, Unavailable> {
        let bytes = prepared.frame_bytes();
        let limit = self
            .options
            .segment_bytes
            .saturating_sub(segment::HEADER_BYTES as u64);
        if bytes > limit.min(frame::MAX_FRAME_BYTES as u64) {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            return Err(LedgerError::EntryTooLarge { bytes, limit }.into());
        }
        let mut inner = self.make_room(bytes, prepared.draft.kind())?;
        self.write(&mut inner, prepared)
    }

    /// Waits until an entry of this size may be written, and has a segment for it.
    fn make_room(&self, bytes: u64, kind: Kind) -> Result<MutexGuard<'_, Inner>, Unavailable> {
        let mut inner = self.inner();
        let mut deadline = None;
        loop {
            let overloaded = match inner.admit(bytes, kind, self.options.backlog_bytes)? {
                Room::Here => return Ok(inner),
                Room::InSpare => {
                    self.roll(&mut inner)?;
                    continue;
                }
                Room::Later(reason) => reason,
            };
            let now = Instant::now();
            let deadline = *deadline.get_or_insert(now + WAIT_FOR_ROOM);
            if now >= deadline {
                return Err(overloaded);
            }
            inner.wanted = inner.next.0;
            self.wake(&inner);
            (inner, _) = self
                .room
                .wait_timeout(inner, deadline.saturating_duration_since(now))
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Goes on in the spare segment.
    fn roll(&self, inner: &mut Inner) -> Result<(), Unavailable> {
        let Some(spare) = inner.spare.take() else {
            return Ok(());
        };
        if let Err(error) = inner.write_out() {
            inner.spare = Some(spare);
            return Err(self.fail(inner, "write", &error));
        }
        let full = std::mem::replace(&mut inner.active, spare);
        inner.rolled.push((full.file, full.offset));
        self.packing.segment_is_full();
        let header = Header {
            epoch: inner.epoch,
            first: inner.next,
            log: self.log_id,
        };
        let written = inner.active.file.write_at(0, &header.encode());
        inner.spare_wanted = true;
        self.wake(inner);
        written.map_err(|error| self.fail(inner, "write", &error))
    }

    fn write(&self, inner: &mut Inner, prepared: &Prepared) -> Result<Placed, Unavailable> {
        let sequence = inner.next;
        let (now_ns, last_ns) = (self.now_ns(), inner.last_ns);
        let back = now_ns.saturating_add(STEP_NS) < last_ns;
        if prepared.draft.kind() == Kind::ClockStep {
            inner.clock_offset = self.clock_offset();
        } else if back {
            return Ok(Placed::AfterStep(step(last_ns, now_ns)));
        }
        inner.last_ns = if back { now_ns } else { now_ns.max(last_ns) };
        if prepared
            .day
            .is_some_and(|day| day != Day::of(inner.last_ns))
        {
            return Ok(Placed::OnAnotherDay(inner.last_ns));
        }
        let batch = &mut inner.batch.bytes;
        let start = frame::begin(batch);
        let leaf = batch.len();
        let finished = entry::write_prefix(sequence, inner.last_ns, batch).map(|()| {
            batch.extend_from_slice(prepared.draft.body());
            let leaf_bytes = batch.len().saturating_sub(leaf);
            batch.extend_from_slice(&prepared.sealed);
            frame::finish(batch, start, prepared.draft.kind(), sequence, leaf_bytes)
                .map(|()| leaf_bytes)
        });
        let Ok(Some(leaf_bytes)) = finished else {
            batch.truncate(start);
            return Err(LedgerError::BadEntry("the frame cannot be made").into());
        };
        let length = batch.len().saturating_sub(start);
        inner.active.offset = inner.active.offset.saturating_add(length as u64);
        inner.unwritten = inner.unwritten.saturating_add(length);
        let deferred = prepared.draft.kind().goes_with_the_next();
        #[cfg(test)]
        let deferred = deferred || is_broken(Broken::DefersIntents);
        if !deferred && let Err(error) = inner.write_out() {
            // Of what failed only this is taken back: its caller is told.
            inner.take_back(start);
            return Err(self.fail(inner, "write", &error));
        }
        inner
            .batch
            .leaves
            .push(leaf..leaf.saturating_add(leaf_bytes));
        inner.next = sequence.next();
        if inner.dirty_since.is_none() {
            inner.dirty_since = Some(Instant::now());
            self.wake(inner);
        }
        Ok(Placed::Here(sequence))
    }

    /// Wakes the committer if it sleeps.
    pub(crate) fn wake(&self, inner: &Inner) {
        if inner.sleeping {
            self.work.notify_one();
        }
    }

    /// Stops taking entries after a failed write or sync.
    pub(crate) fn fail(
        &self,
        inner: &mut Inner,
        operation: &'static str,
        error: &std::io::Error,
    ) -> Unavailable {
        let reason = self.reason(operation, error);
        inner.begin_outage(&reason, self);
        inner.faults.failed = Some(reason.clone());
        self.progress
            .send_modify(|progress| progress.fault = Some(reason.clone()));
        self.wake(inner);
        self.room.notify_all();
        reason
    }

    /// What a file operation's failure means to callers.
    pub(crate) fn reason(&self, operation: &'static str, error: &std::io::Error) -> Unavailable {
        if is_full(error) {
            let available = self
                .disk
                .space(&self.dir)
                .map_or(0, |space| space.available_bytes);
            return Unavailable::DiskFull {
                available_bytes: available,
                needed_bytes: self
                    .options
                    .segment_bytes
                    .saturating_add(self.options.reserve_bytes),
            };
        }
        Unavailable::Io {
            operation,
            message: error.to_string(),
        }
    }
}

/// A jump from what the clock should have shown to what it showed.
pub(crate) fn step(expected_ns: u64, found_ns: u64) -> ClockStep {
    let step_ns = i128::from(found_ns).saturating_sub(i128::from(expected_ns));
    ClockStep {
        expected_ns,
        found_ns,
        step_ms: i64::try_from(step_ns / 1_000_000).unwrap_or(i64::MAX),
    }
}
