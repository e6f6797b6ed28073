//! Going on after faults: new segments, the disk reserve, the alarm.
//!
//! A failed write or sync says nothing about what reached the disk, and the same sync
//! asked again may lie (the kernel forgets the failure). So what is not durable is
//! written once more, to a segment that replaces the old one from there on, and
//! becomes visible by rename only when it is whole.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ledger::event::{AlarmState, Gap, GapCause, StorageAlarm};
use ledger::{Event, Sequence, Unavailable};

use crate::committer::Committer;
use crate::log::Outage;
use crate::segment::Header;
#[cfg(test)]
use crate::simulation::{Broken, is_broken};

/// The alarm ends this many percent below where it begins.
const HYSTERESIS_PERCENT: u8 = 2;

impl Committer {
    /// Tries to go on after a failed write or sync.
    pub(crate) fn heal(&mut self) {
        let log = Arc::clone(&self.log);
        let mut inner = log.inner();
        // Nothing is appended while the log has failed, so the lock may be given back.
        let batch = std::mem::take(&mut inner.batch);
        #[cfg(test)]
        let Some(batch) = broken(&mut inner, &log, batch) else {
            return;
        };
        let durable = log.durable.load(Ordering::Acquire);
        let (end, epoch) = (inner.next.0, inner.epoch.saturating_add(1));
        let ordinal = inner.next_ordinal;
        drop(inner);
        let header = Header {
            epoch,
            first: Sequence(durable),
            log: log.log_id,
        };
        let made = log
            .keys
            .rewrite(&*log.disk, &log.dir)
            .map_err(io::Error::other)
            .and_then(|()| log.segments.whole(ordinal, &header, &batch));
        let mut inner = log.inner();
        match made {
            Err(error) => {
                inner.batch = batch;
                let reason = log.reason("resuming", &error);
                inner.faults.failed = Some(reason.clone());
                log.progress
                    .send_modify(|progress| progress.fault = Some(reason));
            }
            Ok(active) => {
                let old_end =
                    std::mem::replace(&mut inner.durable_end, (active.ordinal, active.offset));
                // Its number is lower, so it goes with what is replaced.
                inner.spare = None;
                if active.emergency {
                    let reason = inner.faults.failed.take();
                    inner.faults.starved = reason;
                }
                inner.active = active;
                inner.unwritten = 0;
                inner.rolled.clear();
                inner.epoch = epoch;
                inner.next_ordinal = ordinal.saturating_add(1);
                inner.spare_wanted = true;
                inner.faults.failed = None;
                drop(inner);
                self.hash(&batch);
                self.publish(end);
                log.progress.send_modify(|progress| progress.fault = None);
                log.segments.drop_replaced(old_end, ordinal);
                self.end_outage();
            }
        }
    }

    /// Makes the next segment ahead of its use; of the reserve if the disk is full.
    pub(crate) fn prepare_spare(&mut self) {
        let log = Arc::clone(&self.log);
        let mut inner = log.inner();
        if inner.spare.is_some() {
            inner.spare_wanted = false;
            return;
        }
        let ordinal = inner.next_ordinal;
        inner.next_ordinal = ordinal.saturating_add(1);
        drop(inner);
        let spare = log.segments.spare(ordinal);
        let mut inner = log.inner();
        match spare {
            Ok(spare) => {
                inner.spare = Some(spare);
                inner.spare_wanted = false;
            }
            Err(error) => {
                let reason = log.reason("making a segment", &error);
                if let Some(reserve) = log.segments.spare_of_reserve(ordinal) {
                    inner.spare = Some(reserve);
                }
                inner.begin_outage(&reason, &log);
                inner.faults.starved = Some(reason);
            }
        }
        drop(inner);
        log.room.notify_all();
    }

    /// Looks at the disk: space, alarm, and whether what is missing can be made again.
    pub(crate) fn watch_space(&mut self) {
        let log = Arc::clone(&self.log);
        if let Ok(space) = log.disk.space(&log.dir) {
            log.used_percent
                .store(u64::from(space.used_percent()), Ordering::Relaxed);
            log.available_bytes
                .store(space.available_bytes, Ordering::Relaxed);
        }
        if log.inner().faults.starved.is_some() || !log.segments.has_reserve() {
            self.feed();
        }
        self.end_outage();
        let used = u8::try_from(log.used_percent.load(Ordering::Relaxed)).unwrap_or(u8::MAX);
        let limit = log.options.alarm_percent;
        let starved = log.inner().faults.starved.is_some();
        let alarming = match self.alarmed {
            false => used >= limit || starved,
            true => used >= limit.saturating_sub(HYSTERESIS_PERCENT) || starved,
        };
        if alarming != self.alarmed {
            let state = if alarming {
                AlarmState::Raised
            } else {
                AlarmState::Cleared
            };
            let event = Event::from(StorageAlarm {
                state,
                used_percent: used,
                available_bytes: log.available_bytes.load(Ordering::Relaxed),
                reserve: log.segments.has_reserve(),
            });
            // If it cannot be recorded it is tried again at the next look.
            if log.append(&event).is_ok() {
                self.alarmed = alarming;
            }
        }
    }

    /// Makes a whole spare segment and the reserve again; then all is taken again.
    fn feed(&mut self) {
        let log = Arc::clone(&self.log);
        let inner = log.inner();
        let ordinal = inner.next_ordinal;
        let hungry = inner.faults.starved.is_some()
            && inner.spare.as_ref().is_none_or(|spare| spare.emergency);
        drop(inner);
        if hungry {
            let spare = log.segments.spare(ordinal);
            let mut inner = log.inner();
            let spare = match spare {
                Ok(spare) => spare,
                // What stopped it may be over, and something else keep it from going on.
                Err(error) => {
                    inner.faults.starved = Some(log.reason("making a segment", &error));
                    return;
                }
            };
            inner.next_ordinal = ordinal.saturating_add(1);
            inner.spare_wanted = false;
            let unused = inner.spare.replace(spare);
            drop(inner);
            log.room.notify_all();
            if let Some(reserve) = unused {
                log.segments.give_back(reserve.ordinal);
            }
        }
        if log.segments.make_reserve().is_err() {
            return;
        }
        let mut inner = log.inner();
        inner.active.emergency = false;
        inner.faults.starved = None;
        drop(inner);
        log.room.notify_all();
    }

    /// Records a time of trouble when it is over, if anything was refused or rewritten.
    fn end_outage(&mut self) {
        let mut inner = self.log.inner();
        let faults = &mut inner.faults;
        if faults.failed.is_some() || faults.starved.is_some() || faults.restricted.is_some() {
            return;
        }
        let Some(outage) = faults.outage.take() else {
            return;
        };
        let epoch = inner.epoch;
        drop(inner);
        if let Some(gap) = self.gap(&outage, epoch)
            && self.log.append(&Event::from(gap)).is_err()
        {
            self.log.inner().faults.outage.get_or_insert(outage);
        }
    }

    fn gap(&self, outage: &Outage, epoch: u64) -> Option<Gap> {
        let refused = self.log.refused.load(Ordering::Relaxed);
        let refused = refused.saturating_sub(outage.refused_before);
        let full = matches!(outage.reason, Unavailable::DiskFull { .. });
        if full && refused == 0 {
            return None;
        }
        Some(Gap {
            cause: if full {
                GapCause::DiskFull
            } else {
                GapCause::DiskFault
            },
            epoch,
            from: outage.from,
            dropped_bytes: 0,
            refused,
            // A simulation has a time of its own.
            outage_ms: u64::try_from(outage.since.elapsed().as_millis())
                .ok()
                .filter(|_| !cfg!(test)),
            fault: Some(outage.reason.to_string()),
        })
    }
}

/// Ways to heal wrongly; `None` if nothing else is to be done.
#[cfg(test)]
fn broken(
    inner: &mut crate::log::Inner,
    log: &crate::log::Log,
    batch: crate::log::Batch,
) -> Option<crate::log::Batch> {
    if is_broken(Broken::NeverHeals) {
        inner.batch = batch;
        return None;
    }
    if is_broken(Broken::ReusesSegment) {
        inner.batch = batch;
        inner.faults.failed = None;
        return None;
    }
    if is_broken(Broken::ForgetsBatch) {
        inner.next = Sequence(log.durable.load(Ordering::Acquire));
        return Some(crate::log::Batch::default());
    }
    Some(batch)
}
