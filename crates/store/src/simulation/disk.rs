//! The simulated disk behind [`Disk`]: counts operations, fails them by plan, and keeps
//! what a crash before each of them would find.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::image::{Change, DIRECTORY, Image, Luck, Naming, Node};
use super::random::Random;
use super::witness::{Mark, Witness};
use crate::disk::{Disk, File, Lock, Mode, Space};

/// Bytes of the simulated medium.
const MEDIUM_BYTES: u64 = 1 << 30;

/// What goes wrong, from one operation to before another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) kind: FaultKind,
    pub(super) from: usize,
    pub(super) until: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// Writes fail after any part of them.
    Write,
    /// Syncs of files fail.
    Sync,
    /// Anything that changes something fails.
    Everything,
    /// Nothing can grow.
    Full,
    /// The file system was mounted again, read-only.
    ReadOnly,
}

pub(super) const FAULT_KINDS: [FaultKind; 5] = [
    FaultKind::Write,
    FaultKind::Sync,
    FaultKind::Everything,
    FaultKind::Full,
    FaultKind::ReadOnly,
];

/// What an operation does, as far as faults tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Write,
    Grow,
    Sync,
    SyncNames,
    Name,
    Shrink,
}

impl FaultKind {
    fn hits(self, deed: Deed) -> Option<io::Error> {
        let io_error = || io::Error::from_raw_os_error(5);
        match self {
            FaultKind::Write => (deed == Deed::Write).then(io_error),
            FaultKind::Sync => (deed == Deed::Sync).then(io_error),
            FaultKind::Everything => Some(io_error()),
            FaultKind::Full => (deed == Deed::Grow).then(|| io::ErrorKind::StorageFull.into()),
            FaultKind::ReadOnly => match deed {
                Deed::Sync | Deed::SyncNames => None,
                Deed::Write | Deed::Grow | Deed::Name | Deed::Shrink => {
                    Some(io::ErrorKind::ReadOnlyFilesystem.into())
                }
            },
        }
    }
}

/// The disk as a crash before an operation would find it, and what was known outside.
#[derive(Clone)]
pub(super) struct Moment {
    pub(super) image: Image,
    pub(super) mark: Mark,
}

/// What runs in the middle of an operation: other threads, in a simulation without any.
type Meanwhile = Box<dyn FnMut() + Send>;

/// A disk. Clones are the same disk.
#[derive(Clone)]
pub(super) struct SimDisk {
    state: Arc<Mutex<State>>,
    witness: Arc<Witness>,
    meanwhile: Arc<Mutex<Option<Meanwhile>>>,
}

struct State {
    image: Image,
    random: Random,
    faults: Vec<Fault>,
    operations: usize,
    /// Whether moments are kept.
    keep: bool,
    moments: Vec<Moment>,
    locked: bool,
}

impl SimDisk {
    pub(super) fn new(image: Image, witness: Arc<Witness>, random: Random) -> SimDisk {
        SimDisk {
            state: Arc::new(Mutex::new(State {
                image,
                random,
                faults: Vec::new(),
                operations: 0,
                keep: false,
                moments: Vec::new(),
                locked: false,
            })),
            witness,
            meanwhile: Arc::default(),
        }
    }

    /// Plans faults, and keeps moments from here on.
    pub(super) fn observe(&self, faults: Vec<Fault>) {
        let mut state = self.state();
        state.faults = faults;
        state.keep = true;
    }

    /// Sets what happens in the middle of syncs.
    pub(super) fn meanwhile(&self, work: Option<Meanwhile>) {
        *self.meanwhile.lock().unwrap() = work;
    }

    /// No fault from here on.
    pub(super) fn repair(&self) {
        self.state().faults.clear();
    }

    /// Whether nothing was ever made on it.
    pub(super) fn is_empty(&self) -> bool {
        self.state().image.names.len() == 1
    }

    pub(super) fn operations(&self) -> usize {
        self.state().operations
    }

    /// The moments kept, the present one last.
    pub(super) fn take_moments(&self) -> Vec<Moment> {
        let mut state = self.state();
        let last = state.moment(&self.witness);
        state.moments.push(last);
        state.keep = false;
        std::mem::take(&mut state.moments)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Begins an operation: a moment is kept, and it may fail.
    fn begin(&self, deed: Deed) -> (MutexGuard<'_, State>, io::Result<()>) {
        let mut state = self.state();
        if state.keep {
            let moment = state.moment(&self.witness);
            state.moments.push(moment);
        }
        let operation = state.operations;
        state.operations += 1;
        let hit = state
            .faults
            .iter()
            .filter(|fault| (fault.from..fault.until).contains(&operation))
            .find_map(|fault| fault.kind.hits(deed));
        (state, hit.map_or(Ok(()), Err))
    }

    /// Lets others do something.
    fn others(&self) {
        let work = self.meanwhile.lock().unwrap().take();
        if let Some(mut work) = work {
            work();
            *self.meanwhile.lock().unwrap() = Some(work);
        }
    }
}

impl State {
    fn moment(&self, witness: &Witness) -> Moment {
        Moment {
            image: self.image.clone(),
            mark: witness.mark(),
        }
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let missing: Vec<PathBuf> = {
            let state = self.state();
            let missing = |path: &&Path| !state.image.names.contains_key(*path);
            path.ancestors()
                .take_while(missing)
                .map(Path::to_owned)
                .collect()
        };
        for path in missing.iter().rev() {
            let (mut state, done) = self.begin(Deed::Name);
            done?;
            state.image.make_directory(path);
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let names = state.image.names.keys();
        Ok(names
            .filter(|path| path.parent() == Some(dir))
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect())
    }

    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>> {
        let found = self.state().image.names.get(path).copied();
        let node = match (mode, found) {
            (_, Some(DIRECTORY)) => return Err(io::ErrorKind::IsADirectory.into()),
            (Mode::Create, Some(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Mode::Create, None) => {
                let (mut state, done) = self.begin(Deed::Name);
                done?;
                state.image.make(path)
            }
            (Mode::Read | Mode::Write, Some(node)) => node,
            (Mode::Read | Mode::Write, None) => return Err(io::ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(SimFile {
            disk: self.clone(),
            node,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut state, done) = self.begin(Deed::Name);
        done?;
        let node = state.image.names.get(from).copied();
        let node = node.ok_or(io::ErrorKind::NotFound)?;
        let naming = Naming::Rename(from.to_owned(), to.to_owned(), node);
        state.image.rename_all(naming);
        if to.file_name().is_some_and(|name| name == "checkpoint") {
            let text = state.image.read(to).unwrap_or_default().to_vec();
            self.witness.published(&text);
        }
        // A segment that was written whole replaces the one that failed.
        let is = |path: &Path, name: &str| path.extension().is_some_and(|found| found == name);
        if is(from, "tmp") && is(to, "wal") {
            self.witness.went_on();
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if !self.state().image.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let (mut state, done) = self.begin(Deed::Name);
        done?;
        state.image.rename_all(Naming::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.others();
        let (mut state, done) = self.begin(Deed::SyncNames);
        done?;
        state.image.sync_names(dir);
        drop(state);
        self.others();
        Ok(())
    }

    fn space(&self, _: &Path) -> io::Result<Space> {
        let state = self.state();
        let now = state.operations;
        let full = state
            .faults
            .iter()
            .any(|fault| fault.kind == FaultKind::Full && (fault.from..fault.until).contains(&now));
        let used_bytes = state.image.used() as u64;
        Ok(Space {
            used_bytes: if full { MEDIUM_BYTES } else { used_bytes },
            available_bytes: if full { 0 } else { MEDIUM_BYTES - used_bytes },
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        let there = self.state().image.names.contains_key(path);
        if !there {
            let (mut state, done) = self.begin(Deed::Name);
            done?;
            state.image.make(path);
        }
        let mut state = self.state();
        if std::mem::replace(&mut state.locked, true) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimLock(self.clone()))))
    }
}

struct SimLock(SimDisk);

impl Lock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

struct SimFile {
    disk: SimDisk,
    node: Node,
}

impl SimFile {
    /// Whether entries are in it.
    fn holds_entries(&self, state: &State) -> bool {
        let names = &state.image.names;
        names.iter().any(|(path, node)| {
            *node == self.node && path.extension().is_some_and(|name| name == "wal")
        })
    }
}

impl File for SimFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.state();
        let content = &state.image.file(self.node).cached;
        let from = usize::try_from(offset).unwrap().min(content.len());
        let count = into.len().min(content.len() - from);
        into[..count].copy_from_slice(&content[from..from + count]);
        Ok(count)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let length = self.length()?;
        let grows = offset + bytes.len() as u64 > length;
        let (mut state, mut done) = self.disk.begin(Deed::Write);
        let full = |fault: &Fault| {
            grows
                && fault.kind == FaultKind::Full
                && (fault.from..fault.until).contains(&(state.operations - 1))
        };
        if done.is_ok() && state.faults.iter().any(full) {
            done = Err(io::ErrorKind::StorageFull.into());
        }
        let written = match &done {
            Ok(()) => bytes.len(),
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => 0,
            // A short write.
            Err(_) => state.random.below(bytes.len() + 1),
        };
        if written > 0 {
            let bytes = bytes[..written].into();
            let file = state.image.file_mut(self.node);
            file.change(Change::Write { at, bytes });
        }
        if done.is_err() && self.holds_entries(&state) {
            self.disk.witness.failed();
        }
        done
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.others();
        let (mut state, done) = self.disk.begin(Deed::Sync);
        if state.image.file(self.node).holds_given_up() {
            let named = |(_, node): &(&PathBuf, &Node)| **node == self.node;
            let path = state.image.names.iter().find(named).map(|(path, _)| path);
            self.disk
                .witness
                .synced_again(path.map_or(Path::new("?"), PathBuf::as_path));
        }
        let entries = self.holds_entries(&state);
        let file = state.image.file_mut(self.node);
        match &done {
            Ok(()) => file.sync(),
            Err(_) => {
                if file.fail_sync() && entries {
                    self.disk.witness.failed();
                }
            }
        }
        drop(state);
        // Before a failure is known, others may do what they like.
        if done.is_ok() {
            self.disk.others();
        }
        done
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let (mut state, done) = self.disk.begin(Deed::Grow);
        done?;
        let file = state.image.file_mut(self.node);
        file.change(Change::Length(usize::try_from(length).unwrap()));
        Ok(())
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        let (mut state, done) = self.disk.begin(Deed::Shrink);
        done?;
        let file = state.image.file_mut(self.node);
        file.change(Change::Length(usize::try_from(length).unwrap()));
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        let state = self.disk.state();
        Ok(state.image.file(self.node).cached.len() as u64)
    }
}

/// The image a crash leaves: of a killed process, or of a power cut.
pub(super) fn after_crash(moment: &Moment, crash: Crash, random: &mut Random) -> Image {
    match crash {
        Crash::Kill => moment.image.clone(),
        Crash::Power(luck) => moment.image.cut(luck, random),
    }
}

/// How everything ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Crash {
    /// `kill -9`: the page cache survives.
    Kill,
    /// A power cut.
    Power(Luck),
}
