//! Events and a disk that fails on demand.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

pub mod power;
pub mod searching;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use ledger::event::{
    Clear, Encoded, Intent, ObjectUse, Outcome, OutcomeStatus, Verdict, shape_hash,
};
use ledger::{Event, Ledger};
use store::disk::{Disk, File, Lock, Mode, RealDisk, Space};
use store::{Options, Sequence};

pub const ORIGIN: &str = "weir.example/test-1";

/// Small segments, quick to heal.
pub fn options() -> Options {
    Options {
        segment_bytes: 64 << 10,
        reserve_bytes: 16 << 10,
        heal_ms: 20,
        checkpoint_ms: 20,
        // The machine's own disk must not raise the alarm.
        alarm_percent: 101,
        ..Options::new(ORIGIN)
    }
}

pub fn intent(principal: &str, statement: u64) -> Event {
    Event::from(Intent {
        session: "0193-session".into(),
        statement,
        principal: principal.into(),
        target: "app".into(),
        command: "SELECT".into(),
        shape: "select * from t where id = $1".into(),
        shape_hash: shape_hash("select * from t where id = $1").into(),
        objects: vec![ObjectUse {
            verb: "read".into(),
            name: "public.t".into(),
        }]
        .into(),
        columns: Vec::new().into(),
        decision: Verdict::Allow,
        rules: Vec::new().into(),
        observed: Vec::new().into(),
        opaque: false,
        policy: "v1".into(),
        masks: Vec::new().into(),
        degraded: Vec::new().into(),
        row_cap: None,
        prepared: None,
        text: Some(format!("select * from t where id = 'literal-{statement}'").into()),
        parameters: None,
        purpose: Some("billing".into()),
        task: None,
        run: None,
        traceparent: None,
        encoded: Encoded::default(),
    })
}

/// An intent that was refused, so that no outcome is due.
pub fn refused(principal: &str, statement: u64) -> Event {
    let mut event = intent(principal, statement);
    if let Clear::Intent(intent) = &mut event.clear {
        intent.decision = Verdict::Deny;
    }
    event
}

pub fn outcome(intent: Sequence) -> Event {
    Event::from(Outcome {
        intent,
        session: None,
        status: OutcomeStatus::Ok,
        sqlstate: None,
        rows: 1,
        bytes: 10,
        masked: Vec::new(),
        duration_us: 5,
    })
}

/// Waits for something that another thread brings about.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(20),
            "{what}"
        );
        std::thread::yield_now();
    }
}

/// The real disk with a budget of bytes and faults on demand.
pub struct FaultyDisk {
    real: RealDisk,
    faults: Arc<Faults>,
}

/// What is to go wrong.
pub struct Faults {
    /// Bytes that may still be allocated or written behind a file's end.
    pub budget: AtomicI64,
    pub fail_sync: AtomicBool,
    pub fail_write: AtomicBool,
    pub fail_allocate: AtomicBool,
}

struct FaultyFile {
    real: Arc<dyn File>,
    faults: Arc<Faults>,
}

impl FaultyDisk {
    pub fn new() -> (Arc<FaultyDisk>, Arc<Faults>) {
        let faults = Arc::new(Faults {
            budget: AtomicI64::new(i64::MAX / 2),
            fail_sync: AtomicBool::new(false),
            fail_write: AtomicBool::new(false),
            fail_allocate: AtomicBool::new(false),
        });
        (
            Arc::new(FaultyDisk {
                real: RealDisk,
                faults: Arc::clone(&faults),
            }),
            faults,
        )
    }
}

impl Faults {
    fn spend(&self, bytes: u64) -> io::Result<()> {
        let bytes = bytes as i64;
        let spent = self
            .budget
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                (bytes == 0 || left >= bytes).then_some(left - bytes)
            });
        spent
            .map(|_| ())
            .map_err(|_| io::ErrorKind::StorageFull.into())
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.real.create_dir(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.real.list(dir)
    }
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Arc<dyn File>> {
        let real = self.real.open(path, mode)?;
        Ok(Arc::new(FaultyFile {
            real,
            faults: Arc::clone(&self.faults),
        }))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if let Ok(file) = self.real.open(to, Mode::Read) {
            self.faults
                .budget
                .fetch_add(file.length()? as i64, Ordering::SeqCst);
        }
        self.real.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        if let Ok(file) = self.real.open(path, Mode::Read) {
            self.faults
                .budget
                .fetch_add(file.length()? as i64, Ordering::SeqCst);
        }
        self.real.remove(path)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.real.sync_dir(dir)
    }
    fn space(&self, dir: &Path) -> io::Result<Space> {
        self.real.space(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn Lock>>> {
        self.real.lock(path)
    }
}

impl File for FaultyFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.real.read_at(offset, into)
    }
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.faults.fail_write.load(Ordering::SeqCst) {
            // Half of it arrives.
            self.real.write_at(offset, &bytes[..bytes.len() / 2])?;
            return Err(io::Error::from_raw_os_error(5));
        }
        let end = offset + bytes.len() as u64;
        self.faults.spend(end.saturating_sub(self.real.length()?))?;
        self.real.write_at(offset, bytes)
    }
    fn sync(&self) -> io::Result<()> {
        if self.faults.fail_sync.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(5));
        }
        self.real.sync()
    }
    fn allocate(&self, length: u64) -> io::Result<()> {
        if self.faults.fail_allocate.load(Ordering::SeqCst) {
            return Err(io::Error::from_raw_os_error(27));
        }
        self.faults.spend(length)?;
        self.real.allocate(length)
    }
    fn truncate(&self, length: u64) -> io::Result<()> {
        let before = self.real.length()?;
        self.real.truncate(length)?;
        self.faults
            .budget
            .fetch_add(before as i64 - length as i64, Ordering::SeqCst);
        Ok(())
    }
    fn length(&self) -> io::Result<u64> {
        self.real.length()
    }
}

/// Packs only when they are asked for.
pub fn unpacked() -> Options {
    Options {
        packing: store::Packing::OnDemand,
        ..options()
    }
}

/// Appends `count` intents with outcomes, the last few without, and waits until they
/// are signed.
pub fn fill(store: &store::Store, count: u64) {
    let mut last = Sequence(0);
    for statement in 0..count {
        last = store.append(intent("alice", statement)).unwrap().sequence;
        if statement + 3 < count {
            last = store.append(outcome(last)).unwrap().sequence;
        }
    }
    eventually("signed", || store.health().signed > last);
}

/// Names of the files in a subdirectory.
pub fn names(dir: &Path, sub: &str) -> Vec<String> {
    let mut out: Vec<_> = std::fs::read_dir(dir.join(sub))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    out.sort();
    out
}

pub fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_dir(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}
