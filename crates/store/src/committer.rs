//! The thread that makes entries durable: syncs, hashes, signs, prepares, heals.
//!
//! One fsync at a time; what is appended meanwhile is the next batch. It is paced
//! when nobody waits and immediate when somebody does.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use ledger::Event;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::{Frontier, leaf_hash};

use crate::log::{Batch, Log, STEP_NS, step};
use crate::recover::BUNDLE_LEVEL;
#[cfg(test)]
use crate::simulation::{Broken, is_broken};
use crate::{Error, files};

/// Time between looks at the disk's space.
const TICK: Duration = Duration::from_secs(1);

/// Time between two times that the checkpoint is remembered outside the directory.
const REMEMBER: Duration = Duration::from_secs(10);

/// Most memory kept for the next batch.
const IDLE_BYTES: usize = 8 << 20;

/// What only the committer touches.
pub(crate) struct Committer {
    pub(crate) log: Arc<Log>,
    pub(crate) frontier: Frontier,
    /// Whether the alarm is recorded as raised.
    pub(crate) alarmed: bool,
    /// Whether the first entries of this run are written.
    pub(crate) opened: bool,
    idle: Batch,
    last_checkpoint: Option<Instant>,
    last_heal: Option<Instant>,
    last_tick: Option<Instant>,
    last_memory: Option<Instant>,
}

impl Committer {
    pub(crate) fn new(log: Arc<Log>, frontier: Frontier) -> Committer {
        Committer {
            log,
            frontier,
            alarmed: false,
            opened: false,
            idle: Batch::default(),
            last_checkpoint: None,
            last_heal: None,
            last_tick: None,
            last_memory: None,
        }
    }

    /// Works until the log is closed.
    pub(crate) fn run(mut self) {
        while self.wait() {
            self.step(Instant::now());
        }
        self.finish();
    }

    /// One round of whatever is due. Everything the committer does, it does here, so
    /// that a simulation can drive it.
    pub(crate) fn step(&mut self, now: Instant) {
        if self.log.inner().faults.failed.is_some() {
            if due(self.last_heal, now, self.heal_every()) {
                self.last_heal = Some(now);
                self.heal();
            }
        } else {
            self.commit();
        }
        let inner = self.log.inner();
        let prepare = inner.spare_wanted && inner.faults.starved.is_none();
        drop(inner);
        if prepare {
            self.prepare_spare();
        }
        if due(self.last_checkpoint, now, self.checkpoint_every()) {
            self.last_checkpoint = Some(now);
            self.checkpoint();
        }
        if due(self.last_tick, now, TICK.min(self.heal_every())) {
            self.last_tick = Some(now);
            self.watch_space();
            if self.opened && self.log.inner().faults.failed.is_none() {
                self.rotate();
                self.watch_clock();
            }
            if due(self.last_memory, now, REMEMBER) {
                self.last_memory = Some(now);
                self.remember();
            }
        }
    }

    /// Sleeps until something is due; false when the log is to be closed.
    fn wait(&self) -> bool {
        let mut inner = self.log.inner();
        loop {
            if inner.closing {
                return false;
            }
            let now = Instant::now();
            let healthy = inner.faults.failed.is_none();
            let mut until = after(self.last_tick, TICK.min(self.heal_every()), now);
            if let Some(since) = inner.dirty_since.filter(|_| healthy) {
                let waited_for = inner.wanted > self.log.durable.load(Ordering::Acquire);
                let pace = Duration::from_millis(self.log.options.profile.pace_ms());
                until = until.min(if waited_for { now } else { since + pace });
            }
            if !healthy {
                until = until.min(after(self.last_heal, self.heal_every(), now));
            }
            if inner.spare_wanted && inner.faults.starved.is_none() {
                until = now;
            }
            if self.frontier.size() > self.log.signed.load(Ordering::Acquire) {
                until = until.min(after(self.last_checkpoint, self.checkpoint_every(), now));
            }
            let Some(sleep) = until
                .checked_duration_since(now)
                .filter(|time| !time.is_zero())
            else {
                return true;
            };
            inner.sleeping = true;
            (inner, _) = self
                .log
                .work
                .wait_timeout(inner, sleep)
                .unwrap_or_else(PoisonError::into_inner);
            inner.sleeping = false;
        }
    }

    fn heal_every(&self) -> Duration {
        Duration::from_millis(self.log.options.heal_ms)
    }

    fn checkpoint_every(&self) -> Duration {
        Duration::from_millis(self.log.options.checkpoint_ms)
    }

    /// Makes durable what was written.
    pub(crate) fn commit(&mut self) {
        let log = Arc::clone(&self.log);
        let mut inner = log.inner();
        let dirty_since = inner.dirty_since.take();
        if inner.batch.leaves.is_empty() {
            return;
        }
        inner.in_flight_since = inner.in_flight_since.or(dirty_since);
        if let Err(error) = inner.write_out() {
            log.fail(&mut inner, "write", &error);
            return;
        }
        let mut batch = std::mem::replace(&mut inner.batch, std::mem::take(&mut self.idle));
        inner.in_flight_bytes = batch.bytes.len() as u64;
        let rolled = std::mem::take(&mut inner.rolled);
        let active = Arc::clone(&inner.active.file);
        let end = inner.next.0;
        let durable_end = (inner.active.ordinal, inner.active.offset);
        drop(inner);

        #[cfg(test)]
        self.break_before_sync(&batch, end);
        let begun = Instant::now();
        // Order of safety: keys, then the entries that need them, in order.
        let mut result = log
            .keys
            .sync()
            .map_err(|error| ("sync of subject keys", error));
        for (file, length) in &rolled {
            result = result.and_then(|()| {
                // What a full segment did not use is given back; the sync covers it.
                let _ = file.truncate(*length);
                file.sync().map_err(|error| ("sync", error))
            });
        }
        result = result.and_then(|()| active.sync().map_err(|error| ("sync", error)));

        #[cfg(test)]
        if is_broken(Broken::SyncsAgain) && result.is_err() {
            result = active.sync().map_err(|error| ("sync", error));
        }
        log.sync_times.record(begun.elapsed());
        let mut inner = log.inner();
        inner.in_flight_bytes = 0;
        if let Err((operation, error)) = result {
            batch.append(&inner.batch);
            inner.batch = batch;
            log.fail(&mut inner, operation, &error);
            return;
        }
        inner.durable_end = durable_end;
        let waited_since = inner.in_flight_since.take();
        inner.unsigned_since = inner.unsigned_since.or(waited_since);
        drop(inner);
        self.publish(end);
        log.room.notify_all();
        self.hash(&batch);
        batch.clear();
        batch.bytes.shrink_to(IDLE_BYTES);
        self.idle = batch;
    }

    #[cfg(test)]
    fn break_before_sync(&mut self, batch: &Batch, end: u64) {
        if is_broken(Broken::AcknowledgesBeforeSync) {
            self.publish(end);
        }
        if is_broken(Broken::SignsBeforeSync) {
            let before = self.frontier.clone();
            self.hash(batch);
            self.checkpoint();
            self.frontier = before;
        }
    }

    /// Tells everybody what is durable.
    pub(crate) fn publish(&self, durable: u64) {
        self.log.durable.store(durable, Ordering::Release);
        self.log
            .progress
            .send_modify(|progress| progress.durable = durable);
    }

    /// Records a jump of the clock that no entry met. If that cannot be done, the next
    /// look does it.
    fn watch_clock(&self) {
        let log = &self.log;
        let (before, found_ns) = (log.inner().clock_offset, log.now_ns());
        let jump = log.clock_offset().saturating_sub(before);
        if jump.unsigned_abs() >= u128::from(STEP_NS) {
            let expected = i128::from(found_ns).saturating_sub(jump);
            let expected_ns = u64::try_from(expected).unwrap_or(0);
            let _ = log.append(&Event::from(step(expected_ns, found_ns)));
        }
    }

    /// Grows the tree.
    pub(crate) fn hash(&mut self, batch: &Batch) {
        for leaf in &batch.leaves {
            let leaf = batch.bytes.get(leaf.clone()).unwrap_or_default();
            self.frontier.push_noting(leaf_hash(leaf), |level, node| {
                if level == BUNDLE_LEVEL {
                    self.log.roots().push(node);
                }
            });
        }
    }

    /// Signs the tree of what is durable. While that fails, only what completes
    /// running statements is taken.
    pub(crate) fn checkpoint(&mut self) {
        let size = self.frontier.size();
        if size <= self.log.signed.load(Ordering::Acquire) {
            return;
        }
        let signed = self.sign_and_write();
        let mut inner = self.log.inner();
        match signed {
            Ok(()) => {
                self.log.signed.store(size, Ordering::Release);
                inner.faults.restricted = None;
                self.log.packing.signed();
                inner.unsigned_since = None;
            }
            Err(error) => {
                let reason = match &error {
                    Error::Io {
                        operation, source, ..
                    } => self.log.reason(operation, source),
                    other => crate::Unavailable::Io {
                        operation: "checkpoint",
                        message: other.to_string(),
                    },
                };
                inner.begin_outage(&reason, &self.log);
                inner.faults.restricted = Some(reason);
            }
        }
    }

    fn sign_and_write(&self) -> Result<(), Error> {
        let log = &self.log;
        let checkpoint = Checkpoint {
            origin: log.options.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
        };
        let signers = log.signers();
        let text = checkpoint.sign_with(&signers.iter().collect::<Vec<_>>())?;
        drop(signers);
        files::write(
            &*log.disk,
            &log.dir,
            &files::checkpoint(&log.dir),
            text.as_bytes(),
        )
    }

    /// Leaves the log in good order, as far as the disk lets it.
    pub(crate) fn finish(&mut self) {
        if self.log.inner().faults.failed.is_some() {
            self.heal();
        }
        // What failed is not synced again: the next opening finds what reached the disk.
        if self.log.inner().faults.failed.is_none() {
            self.commit();
        }
        self.checkpoint();
        self.remember();
        let mut inner = self.log.inner();
        inner.closed = true;
        if inner.faults.failed.is_none() {
            let _ = inner.active.file.truncate(inner.active.offset);
            let _ = inner.active.file.sync();
        }
        if let Some(spare) = inner.spare.take() {
            let _ = self
                .log
                .disk
                .remove(&crate::segment::path(&self.log.dir, spare.ordinal));
        }
        drop(inner);
        self.log.progress.send_modify(|progress| {
            progress.fault.get_or_insert(crate::Unavailable::Closed);
        });
        self.log.room.notify_all();
        let mut lock = self.log.lock.lock().unwrap_or_else(PoisonError::into_inner);
        lock.take();
    }
}

fn due(last: Option<Instant>, now: Instant, every: Duration) -> bool {
    last.is_none_or(|last| now.saturating_duration_since(last) >= every)
}

fn after(last: Option<Instant>, every: Duration, now: Instant) -> Instant {
    last.map_or(now, |last| last + every)
}
