//! Checking a whole ledger directory: `weir ledger verify`.
//!
//! Everything that is stored is looked at, and every fault is named with its place:
//! packs, tiles, frames, order, roots, signatures, disclosures, unused space. Packs are
//! checked by all processors at once, each pack by one.

use std::path::Path;
use std::sync::Arc;

use ledger::Sequence;
use ledger::checkpoint::Checkpoint;
use ledger::merkle::{Frontier, Hash};
use ledger::note::VerifierKey;
use ledger::trust::Policy;

use crate::disk::{Disk, Mode, RealDisk};
use crate::export::Progress;
use crate::files::Identity;
use crate::holds::Holds;
use crate::keys::{self, Content};
use crate::read::Reader;
use crate::scan::Cursor;
use crate::tiles::Tiles;
use crate::view::View;
use crate::{Error, files};

mod entry;
mod holds;
mod log;
mod packs;
mod report;

pub(crate) use entry::MAX_FAULTS;
use entry::{Findings, Ruled};
pub use report::{Fault, Problem, Report};

/// How often a look at the directory is repeated that a running gateway made stale.
const LOOKS: usize = 100;

/// Checks the ledger in `dir`. `trust` is whom the auditor believes; without it, the
/// keys in the directory are.
///
/// # Errors
/// Only if the directory cannot be read at all: [`Error::Missing`] (no `id.json`),
/// [`Error::Damaged`], [`Error::Io`]. Everything else is a [`Fault`] in the report.
pub fn directory(dir: &Path, trust: Option<&Policy>) -> Result<Report, Error> {
    directory_watched(dir, trust, &|_| {})
}

/// As [`directory`], and compares it with a checkpoint remembered from before: only so
/// can be seen that a ledger was rolled back to an older state of its own.
///
/// # Errors
/// As [`directory`].
pub fn directory_since(
    dir: &Path,
    trust: Option<&Policy>,
    since: &Checkpoint,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, Error> {
    let mut report = directory_watched(dir, trust, progress)?;
    let (then, size) = (since.size, report.signed.unwrap_or(0));
    let problem = if since.origin != report.origin {
        Some(Problem::OtherLog(since.origin.clone()))
    } else if then > size {
        Some(Problem::RolledBack { size, then })
    } else {
        let tiles = Tiles::open(Reader::open(dir)?, then);
        let node = |level, index| tiles.as_ref().ok()?.node(level, index).ok();
        // What cannot be read for it is a fault of its own.
        match ledger::merkle::root(then, &node) {
            Ok(root) if root == since.root => None,
            Ok(_) => Some(Problem::Forked { size: then }),
            Err(error) => report
                .is_sound()
                .then(|| Problem::Checkpoint(error.to_string())),
        }
    };
    if let Some(problem) = problem {
        report.fault_count = report.fault_count.saturating_add(1);
        report.faults.push(Fault {
            path: files::checkpoint(dir),
            offset: None,
            sequence: None,
            problem,
        });
    }
    Ok(report)
}

/// As [`directory`]; `progress` is told how far it is with what is sealed, from several
/// threads.
///
/// # Errors
/// As [`directory`].
pub fn directory_watched(
    dir: &Path,
    trust: Option<&Policy>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, Error> {
    directory_on(Arc::new(RealDisk), dir, trust, progress)
}

/// As [`directory_watched`], on another disk.
///
/// # Errors
/// As [`directory`].
pub fn directory_on(
    disk: Arc<dyn Disk>,
    dir: &Path,
    trust: Option<&Policy>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Report, Error> {
    let Some(identity) = Identity::read(&*disk, dir)? else {
        return Err(Error::Missing {
            path: files::id(dir),
        });
    };
    let (keys, own) = (identity.verifiers(dir)?, identity.trust(dir)?);
    let strange = trust.is_some_and(|trust| {
        let listed = |key: &VerifierKey| trust.logs().iter().any(|log| log.key == *key);
        !keys.iter().any(|(key, to)| to.is_none() && listed(key))
    });
    let mut check = Check {
        disk: &*disk,
        dir,
        log: identity.log_id(),
        trust: trust.unwrap_or(&own),
        verifiers: keys,
        live: is_live(&*disk, dir),
        findings: Findings::default(),
        signed: None,
        root_then: None,
        keys: None,
        progress,
    };
    if strange {
        check
            .findings
            .fault(&files::id(dir), None, None, Problem::OtherKey);
    }
    // The checkpoint first: what it covers was durable before it was written.
    check.checkpoint();
    check.key_table()?;
    let (view, cursors) = check.look()?;
    if check.live
        && check
            .signed
            .as_ref()
            .is_some_and(|one| one.size < view.packs.end())
    {
        // More was signed, and sealed, since.
        check.checkpoint();
    }
    let frontier = check.packs(&view)?;
    let sealed = view.packs.end();
    let pruned_by_log = check.findings.pruned;
    let frontier = check.log(&view, cursors, frontier)?;
    check.beginning(&view, pruned_by_log.max(check.findings.pruned));
    check.end(&frontier, sealed);
    check.holds();
    let findings = check.findings;
    Ok(Report {
        origin: identity.origin,
        entries: frontier.size(),
        root: frontier.root(),
        signed: check.signed.map(|one| one.size),
        sealed,
        packs: view.packs.spans.len() as u64,
        minimum: view.minimum(),
        disclosures: findings.disclosures,
        erased: findings.erased,
        live: check.live,
        faults: findings.faults,
        fault_count: findings.fault_count,
    })
}

fn is_live(disk: &dyn Disk, dir: &Path) -> bool {
    let path = files::lock(dir);
    // Taking the lock would make the file; a copy of a ledger may have none.
    disk.open(&path, Mode::Read).is_ok() && matches!(disk.lock(&path), Ok(None))
}

/// A check of one directory.
struct Check<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    log: [u8; 16],
    trust: &'a Policy,
    /// The log's own keys, and until which size each vouches.
    verifiers: Vec<(VerifierKey, Option<u64>)>,
    live: bool,
    findings: Findings,
    signed: Option<Checkpoint>,
    /// Root of the tree when it had the signed size.
    root_then: Option<Hash>,
    keys: Option<Content>,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl Check<'_> {
    fn checkpoint(&mut self) {
        let read = files::read_checkpoint(self.disk, self.dir, self.trust);
        let problem = match &read {
            Ok((trusted, _)) => files::check_retired(trusted, &self.verifiers)
                .err()
                .map(|error| error.to_string()),
            Err(Error::Content { source, .. }) => Some(source.to_string()),
            Err(other) => Some(other.to_string()),
        };
        if let Some(problem) = problem {
            let path = files::checkpoint(self.dir);
            let problem = Problem::Checkpoint(problem);
            self.findings.fault(&path, None, None, problem);
        }
        self.signed = read.ok().map(|(trusted, _)| trusted.checkpoint);
    }

    fn key_table(&mut self) -> Result<(), Error> {
        match keys::read(self.disk, self.dir, &self.log) {
            Ok(content) => {
                let path = files::subject_keys(self.dir);
                for at in &content.damaged {
                    self.findings.fault(&path, Some(*at), None, Problem::Key);
                }
                self.keys = Some(content);
            }
            Err(Error::Damaged {
                path,
                offset,
                reason,
            }) => {
                let problem = Problem::Header(reason);
                self.findings.fault(&path, Some(offset), None, problem);
            }
            Err(Error::Missing { path }) => {
                let problem = Problem::Header("the key table is missing");
                self.findings.fault(&path, None, None, problem);
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }

    /// What there is; segments are opened, so that they stay when they are sealed.
    fn look(&self) -> Result<(View, Vec<Cursor>), Error> {
        let mut look = 0;
        loop {
            look += 1;
            let view = View::read(self.disk, self.dir, &self.log)?;
            let segments = view.layout.segments.iter();
            let cursors: Result<Vec<_>, _> =
                segments.map(|one| Cursor::open(self.disk, one)).collect();
            match cursors {
                Ok(cursors) => return Ok((view, cursors)),
                Err(Error::Io { source, .. })
                    if look < LOOKS && source.kind() == std::io::ErrorKind::NotFound => {}
                Err(other) => return Err(other),
            }
        }
    }

    /// What is missing before the first entry that is there must have been pruned, on
    /// the record.
    fn beginning(&mut self, view: &View, pruned: u64) {
        let minimum = match view.packs.spans.first() {
            Some(first) => first.first,
            None => view.minimum(),
        };
        if minimum > pruned {
            let path = match view.packs.spans.first() {
                Some(span) => span.pack(self.dir),
                None => crate::segment::directory(self.dir),
            };
            let problem = Problem::Missing {
                from: Sequence(pruned),
                to: Sequence(minimum),
            };
            let from = Some(Sequence(pruned));
            self.findings.fault(&path, None, from, problem);
        }
    }

    /// Compares the legal holds of the entries with what was done, and with those that
    /// are obeyed.
    fn holds(&mut self) {
        let mut ruling = holds::Ruling::default();
        for Ruled { place, entry } in std::mem::take(&mut self.findings.ruled) {
            if let Some(problem) = ruling.see(&entry) {
                let (path, offset) = place;
                self.findings
                    .fault(&path, offset, Some(entry.sequence), problem);
            }
        }
        let path = files::holds(self.dir);
        let problems = match Holds::read(self.disk, self.dir) {
            Ok(listed) => ruling.missing_from(&listed.holds),
            Err(error) => vec![Problem::Holds(error.to_string())],
        };
        for problem in problems {
            self.findings.fault(&path, None, None, problem);
        }
    }

    /// Compares what was read with what was signed.
    fn end(&mut self, frontier: &Frontier, sealed: u64) {
        let Some(Checkpoint { size, root, .. }) = self.signed else {
            return;
        };
        let entries = frontier.size();
        let path = files::checkpoint(self.dir);
        if size < sealed {
            let problem = Problem::OlderCheckpoint { size, sealed };
            self.findings.fault(&path, None, None, problem);
        }
        let problem = match self.root_then {
            _ if size == 0 => (root != Frontier::new().root()).then_some(Problem::Root { size }),
            None => Some(Problem::Short { size, entries }),
            Some(then) => (then != root).then_some(Problem::Root { size }),
        };
        if let Some(problem) = problem {
            self.findings.fault(&path, None, None, problem);
        }
    }
}
