//! Opening a ledger directory for writing.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use ledger::checkpoint::Checkpoint;
use ledger::event::{Gap, GapCause, LogOpen, Outcome, OutcomeStatus, TreeHead};
use ledger::merkle::empty_root;
use ledger::{Event, Sequence, Unavailable};
use tokio::sync::watch;

use crate::allocate::Segments;
use crate::clock::Clock;
use crate::committer::Committer;
use crate::disk::{Disk, Lock};
use crate::files::Identity;
use crate::keys::{self, Keys};
use crate::log::{Batch, Faults, Inner, Log, Progress, STEP_NS};
use crate::measure::Histogram;
use crate::pack;
use crate::packer::{Packer, Packing, Roots};
use crate::read::Reader;
use crate::recover::{self, Recovered};
use crate::segment::{self, Header};
use crate::{Error, Options, files, memory, rotate};

/// Times the clocks are read until two readings are close.
const READINGS: usize = 8;

/// Outcomes written between two rounds of the committer; they fit the smallest segment.
const ORPHANS_AT_ONCE: usize = 32;

/// Opens a log and writes its first entries. Committer and packer are not yet running.
pub(crate) fn open(
    disk: Arc<dyn Disk>,
    dir: &Path,
    options: Options,
    now: Instant,
) -> Result<(Committer, Packer), Error> {
    let wal = segment::directory(dir);
    disk.create_dir(&wal).map_err(Error::io("create", &wal))?;
    for folder in [pack::directory(dir), pack::upper::directory(dir)] {
        disk.create_dir(&folder)
            .map_err(Error::io("create", &folder))?;
    }
    let lock = take_lock(&*disk, dir)?;
    let identity = match Identity::read(&*disk, dir)? {
        Some(identity) => identity,
        None => {
            if let Some(memory) = &options.memory {
                memory::check_fresh(&*disk, memory)?;
            }
            create(&*disk, dir, &options.origin)?
        }
    };
    if identity.origin != options.origin {
        return Err(Error::OtherOrigin {
            expected: options.origin,
            found: identity.origin,
        });
    }
    // What is sealed makes segments superfluous, so it has to be there for good.
    let (packs, tiles) = (pack::directory(dir), pack::upper::directory(dir));
    for folder in [dir, &packs, &tiles] {
        disk.sync_dir(folder).map_err(Error::io("sync", folder))?;
    }
    let signers = rotate::signers(&*disk, dir, &identity)?;
    let log_id = identity.log_id();
    let keys = Keys::open(&*disk, dir, &log_id)?;
    let (trusted, _) = files::read_checkpoint(&*disk, dir, &identity.trust(dir)?)?;
    files::check_retired(&trusted, &identity.verifiers(dir)?)
        .map_err(Error::content(&files::checkpoint(dir)))?;
    let checkpoint = trusted.checkpoint;
    let mut recovered = recover::read(&*disk, dir, &log_id, &checkpoint)?;
    if let Some(memory) = &options.memory {
        let reader = || Reader::open_on(Arc::clone(&disk), dir);
        let trust = identity.trust(dir)?;
        memory::check(&*disk, memory, &trust, &recovered.frontier, reader)?;
    }

    #[cfg(test)]
    recovered.break_it();
    // Order of safety: the keys that the tail needs, the tail, then what it replaces.
    let path = files::subject_keys(dir);
    keys.settle(&recovered.tail_keys, options.clock.wall_ns())
        .map_err(Error::io("write", &path))?;
    #[cfg(test)]
    let synced = crate::simulation::is_broken(crate::simulation::Broken::TrustsKeys);
    #[cfg(not(test))]
    let synced = false;
    if recovered.clean || synced {
        keys.sync().map_err(Error::io("sync", &path))?;
    } else {
        // A sync of this file may have failed in the process that ended, and another
        // one would not make up for it.
        keys.rewrite(&*disk, dir)?;
    }
    let segments = Segments::new(Arc::clone(&disk), dir, &options);
    let epoch = recovered.epoch.saturating_add(1);
    let header = Header {
        epoch,
        first: recovered.tail_from,
        log: log_id,
    };
    let ordinal = recovered.next_ordinal;
    let active = segments
        .whole(ordinal, &header, &recovered.tail)
        .map_err(Error::io("make", &segment::path(dir, ordinal)))?;
    recover::tidy(&*disk, &recovered);
    // The record of an erasure is durable now; that it happened may not be.
    keys.erase(&recovered.erased, options.clock.wall_ns())?;

    let size = recovered.frontier.size();
    let starved = active.emergency;
    let inner = Inner {
        next: Sequence(size),
        last_ns: recovered.last_ns,
        clock_offset: clock_offset(&*options.clock),
        epoch,
        durable_end: (active.ordinal, active.offset),
        active,
        spare: None,
        next_ordinal: ordinal.saturating_add(1),
        rolled: Vec::new(),
        batch: Batch::default(),
        unwritten: 0,
        in_flight_bytes: 0,
        wanted: 0,
        dirty_since: None,
        in_flight_since: None,
        unsigned_since: None,
        spare_wanted: true,
        sleeping: false,
        closing: false,
        closed: false,
        faults: Faults::default(),
    };
    let log = Log {
        disk,
        dir: dir.to_owned(),
        options,
        log_id,
        signers: Mutex::new(signers),
        rotation_fault: Mutex::new(None),
        keys,
        lock: Mutex::new(Some(lock)),
        inner: Mutex::new(inner),
        work: Condvar::new(),
        room: Condvar::new(),
        durable: AtomicU64::new(size),
        signed: AtomicU64::new(checkpoint.size),
        refused: AtomicU64::new(0),
        used_percent: AtomicU64::new(0),
        available_bytes: AtomicU64::new(0),
        sealed: AtomicU64::new(recovered.sealed.end),
        roots: Mutex::new(Roots::new(
            recovered.sealed.end,
            std::mem::take(&mut recovered.roots),
        )),
        packing: Packing::default(),
        segments,
        sync_times: Histogram::default(),
        progress: watch::Sender::new(Progress {
            durable: size,
            fault: None,
        }),
    };
    if let Some(reason) = log.without_reserve(starved) {
        let mut inner = log.inner();
        inner.begin_outage(&reason, &log);
        inner.faults.starved = Some(reason);
    }
    let frontier = std::mem::take(&mut recovered.frontier);
    let mut committer = Committer::new(Arc::new(log), frontier);
    first_entries(&mut committer, &checkpoint, &recovered, now)?;
    let packer = Packer::new(Arc::clone(&committer.log), recovered.sealed);
    committer.opened = true;
    committer.rotate();
    Ok((committer, packer))
}

/// What the wall clock shows above the one that never jumps. Changes only by jumps.
pub(crate) fn clock_offset(clock: &dyn Clock) -> i128 {
    let mut offset = 0;
    // Between two readings the thread may be put aside, which is no jump.
    for _ in 0..READINGS {
        let (before, wall) = (clock.monotonic_ns(), clock.wall_ns());
        offset = i128::from(wall).saturating_sub(i128::from(before));
        if clock.monotonic_ns().saturating_sub(before) < STEP_NS / 10 {
            break;
        }
    }
    offset
}

fn take_lock(disk: &dyn Disk, dir: &Path) -> Result<Box<dyn Lock>, Error> {
    let path = files::lock(dir);
    let lock = disk.lock(&path).map_err(Error::io("lock", &path))?;
    lock.ok_or_else(|| Error::Locked {
        dir: dir.to_owned(),
    })
}

impl Log {
    /// Makes the reserve; gives the reason if there cannot be one, so that the log
    /// begins with what it has and an alarm.
    fn without_reserve(&self, used: bool) -> Option<Unavailable> {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let made = if used {
            Err(full())
        } else {
            self.segments.make_reserve()
        };
        made.err()
            .map(|error| self.reason("making the disk reserve", &error))
    }
}

/// Says who took the log in use, and what may be missing.
fn first_entries(
    committer: &mut Committer,
    checkpoint: &Checkpoint,
    recovered: &Recovered,
    now: Instant,
) -> Result<(), Error> {
    let log = Arc::clone(&committer.log);
    // The committer does not run yet, so it is driven from here.
    let mut append = |event: Event| {
        committer.step(now);
        log.append(&event)
    };
    let epoch = log.inner().epoch;
    let from = log.inner().next;
    let previous = (checkpoint.size > 0).then(|| TreeHead {
        size: checkpoint.size,
        root: checkpoint.root_text(),
    });
    append(Event::from(LogOpen {
        origin: log.options.origin.clone().into(),
        vkey: log.vkey(),
        epoch,
        version: log.options.version.clone(),
        previous,
    }))?;
    if !recovered.clean {
        append(Event::from(Gap {
            cause: GapCause::Crash,
            epoch,
            from,
            dropped_bytes: recovered.dropped_bytes,
            refused: 0,
            outage_ms: None,
            fault: None,
        }))?;
    }
    for intents in recovered.orphans.chunks(ORPHANS_AT_ONCE) {
        for intent in intents {
            log.append(&Event::from(unknown(*intent)))?;
        }
        committer.step(now);
    }
    Ok(())
}

/// The outcome of an intent that nobody saw end.
fn unknown(intent: Sequence) -> Outcome {
    Outcome {
        intent,
        session: None,
        status: OutcomeStatus::Unknown,
        sqlstate: None,
        rows: 0,
        bytes: 0,
        masked: Vec::new(),
        duration_us: 0,
    }
}

/// A fresh log: everything but the entries. `id.json` comes last, so that a half-made
/// one is not taken for a log.
fn create(disk: &dyn Disk, dir: &Path, origin: &str) -> Result<Identity, Error> {
    let wal = segment::directory(dir);
    let names = disk.list(&wal).map_err(Error::io("list", &wal))?;
    if names.iter().any(|name| name.ends_with(".wal")) {
        return Err(Error::Missing {
            path: files::id(dir),
        });
    }
    disk.sync_dir(dir).map_err(Error::io("sync", dir))?;
    if let Some(above) = dir.parent().filter(|above| !above.as_os_str().is_empty()) {
        disk.sync_dir(above).map_err(Error::io("sync", above))?;
    }
    let signer = files::make_signer(origin)?;
    files::write_signers(disk, dir, &[&signer])?;
    let identity = Identity {
        v: 1,
        origin: origin.to_owned(),
        vkey: signer.verifier().to_string(),
        keys: Vec::new(),
    };
    #[cfg(test)]
    if crate::simulation::is_broken(crate::simulation::Broken::NamesItselfFirst) {
        identity.write(disk, dir)?;
    }
    keys::create(disk, dir, &identity.log_id())?;
    let empty = Checkpoint {
        origin: origin.to_owned(),
        size: 0,
        root: empty_root(),
    };
    files::write(
        disk,
        dir,
        &files::checkpoint(dir),
        empty.sign(&signer)?.as_bytes(),
    )?;
    identity.write(disk, dir)?;
    Ok(identity)
}
