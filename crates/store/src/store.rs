//! The store: what others may ask of a ledger that is open for writing.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use ledger::event::LogClose;
use ledger::{Event, Ledger, Receipt, Sequence, Unavailable};

use crate::disk::{Disk, RealDisk};
use crate::holds::Holds;
use crate::log::{Faults, Log, Progress};
use crate::measure::Distribution;
use crate::packer::Packer;
use crate::read::Reader;
use crate::{Alarm, Error, Health, Options, Packing, State, open};

/// A ledger directory, open for writing by this process alone.
///
/// Dropping it closes it as [`Store::close`] does.
pub struct Store {
    pub(crate) log: Arc<Log>,
    committer: Mutex<Option<JoinHandle<()>>>,
    /// Legal holds; locked while something is held, released, erased or pruned.
    pub(crate) holds: tokio::sync::Mutex<Holds>,
    packer: Arc<Mutex<Packer>>,
    packing: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("dir", &self.log.dir)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the ledger in `dir`, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Locked`]; [`Error::Disagrees`], [`Error::Missing`], [`Error::Damaged`],
    /// [`Error::Content`] if the log must not be appended to; [`Error::OtherOrigin`];
    /// [`Error::Io`], also when there is no space for a segment and the reserve.
    pub fn open(dir: &Path, options: Options) -> Result<Arc<Store>, Error> {
        Store::open_on(Arc::new(RealDisk), dir, options)
    }

    /// As [`Store::open`], on another disk.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path, options: Options) -> Result<Arc<Store>, Error> {
        let background = options.packing == Packing::Background;
        let (mut committer, packer) = open::open(disk, dir, options, Instant::now())?;
        let holds = Holds::read(&*committer.log.disk, dir)?;
        let log = Arc::clone(&committer.log);
        committer.step(Instant::now());
        let thread = std::thread::Builder::new()
            .name("weir-ledger".into())
            .spawn(move || committer.run())
            .map_err(Error::Thread)?;
        let store = Arc::new(Store {
            log: Arc::clone(&log),
            committer: Mutex::new(Some(thread)),
            holds: tokio::sync::Mutex::new(holds),
            packer: Arc::new(Mutex::new(packer)),
            packing: Mutex::new(None),
        });
        if background {
            let packer = Arc::clone(&store.packer);
            let thread = std::thread::Builder::new()
                .name("weir-packer".into())
                .spawn(move || Packer::run(&packer, &log))
                .map_err(Error::Thread)?;
            let mut packing = store.packing.lock().unwrap_or_else(PoisonError::into_inner);
            *packing = Some(thread);
        }
        Ok(store)
    }

    /// Seals the full segments that are under a checkpoint into packs, now and on this
    /// thread, and gives the bound of what is sealed.
    ///
    /// # Errors
    /// Why one cannot be sealed; it stays as it is, and nothing is lost but space.
    pub fn seal(&self) -> Result<Sequence, Error> {
        let mut packer = self.packer.lock().unwrap_or_else(PoisonError::into_inner);
        packer.seal_all()?;
        Ok(Sequence(self.log.sealed.load(Ordering::Acquire)))
    }

    /// Waits until the entry is durable. Many tasks on many runtimes may wait.
    ///
    /// # Errors
    /// [`Unavailable`] as soon as the disk fails; the entry may then become durable
    /// later, so whoever waited must act as if it were refused.
    pub async fn wait_durable(&self, sequence: Sequence) -> Result<(), Unavailable> {
        if self.durable() > sequence {
            return Ok(());
        }
        self.want(sequence.0.saturating_add(1));
        let mut progress = self.log.progress.subscribe();
        let done = |progress: &Progress| progress.durable > sequence.0 || progress.fault.is_some();
        // The sender lives as long as the log, so the channel does not close.
        let Ok(progress) = progress.wait_for(done).await else {
            return Err(Unavailable::Closed);
        };
        match &progress.fault {
            Some(fault) if progress.durable <= sequence.0 => Err(fault.clone()),
            Some(_) | None => Ok(()),
        }
    }

    fn want(&self, bound: u64) {
        let mut inner = self.log.inner();
        if bound > inner.wanted {
            inner.wanted = bound;
            self.log.wake(&inner);
        }
    }

    /// How the ledger is.
    #[must_use]
    pub fn health(&self) -> Health {
        let log = &self.log;
        let used_percent =
            u8::try_from(log.used_percent.load(Ordering::Relaxed)).unwrap_or(u8::MAX);
        let inner = log.inner();
        let faults = &inner.faults;
        let emergency = inner.active.emergency;
        let state = match (&faults.failed, &faults.restricted, &faults.starved) {
            (Some(reason), _, _) => State::Failed(reason.clone()),
            (None, Some(reason), _) => State::Restricted(reason.clone()),
            (None, None, Some(reason)) if emergency || faults.refused_since(log) => {
                State::Restricted(reason.clone())
            }
            (None, None, _) => State::Ready,
        };
        let reason = faults
            .failed
            .as_ref()
            .or(faults.restricted.as_ref())
            .or(faults.starved.as_ref());
        let alarm = match reason {
            Some(reason @ Unavailable::DiskFull { .. }) => Some(Alarm::Full(reason.clone())),
            Some(reason) => Some(Alarm::Fault(reason.clone())),
            None if used_percent >= log.options.alarm_percent => {
                Some(Alarm::Filling { used_percent })
            }
            None => None,
        };
        Health {
            state: if inner.closed {
                State::Failed(Unavailable::Closed)
            } else {
                state
            },
            alarm,
            appended: inner.next,
            epoch: inner.epoch,
            durable: Sequence(log.durable.load(Ordering::Acquire)),
            signed: Sequence(log.signed.load(Ordering::Acquire)),
            sealed: Sequence(log.sealed.load(Ordering::Acquire)),
            packing_fault: log.packing.fault(),
            unsynced_ms: match log.durable.load(Ordering::Acquire) < inner.next.0 {
                true => ms_since(inner.in_flight_since.or(inner.dirty_since)),
                false => 0,
            },
            unsigned_ms: ms_since(inner.unsigned_since),
            refused: log.refused.load(Ordering::Relaxed),
            used_percent,
            available_bytes: log.available_bytes.load(Ordering::Relaxed),
            reserve: log.segments.has_reserve(),
        }
    }

    /// The log's verifier key, to be given to auditors.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.log.vkey()
    }

    /// Why a key that was asked for is not in force yet.
    #[must_use]
    pub fn rotation_fault(&self) -> Option<String> {
        self.log.rotation_fault().clone()
    }

    /// How long syncs took, keys and entries together.
    #[must_use]
    pub fn sync_times(&self) -> Distribution {
        let mut sum = Distribution::default();
        self.log.sync_times.add_to(&mut sum);
        sum
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.log.options.origin
    }

    /// Version of the program that writes.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.log.options.version
    }

    /// Tells whenever more became durable. Waiting for it hurries nothing.
    pub(crate) fn progress(&self) -> tokio::sync::watch::Receiver<Progress> {
        self.log.progress.subscribe()
    }

    /// What of an entry can be disclosed, by the keys as they are at this moment.
    ///
    /// # Errors
    /// [`Error::Ledger`] if the entry or a disclosure was altered.
    pub(crate) fn disclosures(
        &self,
        record: &crate::read::Record,
        entry: &ledger::Entry,
    ) -> Result<Vec<ledger::disclosure::Opened>, Error> {
        let mut encoded = Vec::new();
        for envelope in ledger::seal::envelopes(&record.sealed)? {
            if let Some(key) = self.log.keys.live(envelope.key) {
                encoded.extend(key.open(&envelope)?);
            }
        }
        Ok(ledger::verify::disclosures(entry, &encoded)?)
    }

    /// Reads this ledger.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn reader(&self) -> Result<Reader, Error> {
        Reader::open_on(Arc::clone(&self.log.disk), &self.log.dir)
    }

    /// Records the end, makes everything durable, signs it and lets go of the
    /// directory. Afterwards nothing can be appended. May be called more than once.
    pub fn close(&self) {
        let mut committer = self
            .committer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(thread) = committer.take() else {
            return;
        };
        self.log.packing.stop();
        let mut packing = self.packing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(packing) = packing.take() {
            let _ = packing.join();
        }
        let refused = self.log.refused.load(Ordering::Relaxed);
        let epoch = self.log.inner().epoch;
        // If it cannot be recorded, the next opening says that there may be a gap.
        let _ = self.log.append(&Event::from(LogClose { epoch, refused }));
        self.log.inner().closing = true;
        self.log.work.notify_one();
        let _ = thread.join();
    }
}

fn ms_since(since: Option<Instant>) -> u64 {
    since.map_or(0, |since| {
        u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
    })
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

/// Appending blocks the caller's thread for one write to the page cache; while the
/// backlog is full it waits for the disk, at most a second.
impl Ledger for Store {
    fn append(&self, event: Event) -> Result<Receipt, Unavailable> {
        let sequence = self.log.append(&event)?;
        Ok(Receipt::issue(self, sequence))
    }

    fn durable(&self) -> Sequence {
        Sequence(self.log.durable.load(Ordering::Acquire))
    }

    fn request_sync(&self) {
        let mut inner = self.log.inner();
        inner.wanted = inner.next.0;
        self.log.wake(&inner);
    }
}

impl Faults {
    fn refused_since(&self, log: &Log) -> bool {
        let refused = log.refused.load(Ordering::Relaxed);
        self.outage
            .as_ref()
            .is_some_and(|outage| outage.refused_before < refused)
    }
}
