//! Checking a whole ledger directory: `weir ledger verify`.
//!
//! Everything that is stored is looked at, and every fault is named with its place:
//! frames, order, roots, signatures, disclosures, unused space.

use std::path::Path;
use std::sync::Arc;

use ledger::merkle::{Frontier, Hash, leaf_hash};
use ledger::note::VerifierKey;
use ledger::{Entry, Sequence, seal};

use crate::disk::{Disk, Mode, RealDisk};
use crate::files::Identity;
use crate::frame::Frame;
use crate::holds::Holds;
use crate::keys::{self, Content, Slot};
use crate::scan::{Cursor, Found};
use crate::segment::{self, Segment};
use crate::{Error, files};

mod holds;
mod report;

pub use report::{Fault, Problem, Report};

/// Most faults that are listed.
pub(crate) const MAX_FAULTS: usize = 100;

/// Checks the ledger in `dir`. `key` is the verifier key as the auditor knows it;
/// without one, the key in the directory is believed.
///
/// # Errors
/// Only if the directory cannot be read at all: [`Error::Missing`] (no `id.json`),
/// [`Error::Damaged`], [`Error::Io`]. Everything else is a [`Fault`] in the report.
pub fn directory(dir: &Path, key: Option<&VerifierKey>) -> Result<Report, Error> {
    directory_on(Arc::new(RealDisk), dir, key)
}

/// As [`directory`], on another disk.
///
/// # Errors
/// As [`directory`].
pub fn directory_on(
    disk: Arc<dyn Disk>,
    dir: &Path,
    key: Option<&VerifierKey>,
) -> Result<Report, Error> {
    let disk = &*disk;
    let Some(identity) = Identity::read(disk, dir)? else {
        return Err(Error::Missing {
            path: files::id(dir),
        });
    };
    let own = identity.verifier(dir)?;
    let mut check = Check::new(&identity);
    check.report.live = is_live(disk, dir);
    if key.is_some_and(|key| *key != own) {
        check.fault(&files::id(dir), None, None, Problem::OtherKey);
    }
    // The checkpoint first: what it covers was durable before it was written.
    let path = files::checkpoint(dir);
    let checkpoint = match files::read_checkpoint(disk, dir, key.unwrap_or(&own)) {
        Ok((checkpoint, _)) => Some(checkpoint),
        Err(error) => {
            let problem = match error {
                Error::Content { source, .. } => source.to_string(),
                other => other.to_string(),
            };
            check.fault(&path, None, None, Problem::Checkpoint(problem));
            None
        }
    };
    check.signed = checkpoint.as_ref().map(|one| (one.size, one.root));
    check.report.signed = checkpoint.map(|one| one.size);
    match keys::read(disk, dir, &identity.log_id()) {
        Ok(content) => {
            for at in &content.damaged {
                check.fault(&files::subject_keys(dir), Some(*at), None, Problem::Key);
            }
            check.keys = Some(content);
        }
        Err(Error::Damaged {
            path,
            offset,
            reason,
        }) => {
            check.fault(&path, Some(offset), None, Problem::Header(reason));
        }
        Err(Error::Missing { path }) => {
            check.fault(
                &path,
                None,
                None,
                Problem::Header("the key table is missing"),
            );
        }
        Err(other) => return Err(other),
    }
    check.segments(disk, dir, &identity.log_id())?;
    check.end(&path);
    check.holds(disk, dir);
    Ok(check.report)
}

fn is_live(disk: &dyn Disk, dir: &Path) -> bool {
    let path = files::lock(dir);
    // Taking the lock would make the file; a copy of a ledger may have none.
    disk.open(&path, Mode::Read).is_ok() && matches!(disk.lock(&path), Ok(None))
}

struct Check {
    report: Report,
    frontier: Frontier,
    signed: Option<(u64, Hash)>,
    /// Root of the tree when it had the signed size.
    root_then: Option<Hash>,
    keys: Option<Content>,
    ruling: holds::Ruling,
}

impl Check {
    fn new(identity: &Identity) -> Check {
        let frontier = Frontier::new();
        Check {
            report: Report {
                origin: identity.origin.clone(),
                entries: 0,
                root: frontier.root(),
                signed: None,
                disclosures: 0,
                erased: 0,
                live: false,
                faults: Vec::new(),
                fault_count: 0,
            },
            frontier,
            signed: None,
            root_then: None,
            keys: None,
            ruling: holds::Ruling::default(),
        }
    }

    fn fault(
        &mut self,
        path: &Path,
        offset: Option<u64>,
        sequence: Option<Sequence>,
        problem: Problem,
    ) {
        self.report.fault_count = self.report.fault_count.saturating_add(1);
        if self.report.faults.len() < MAX_FAULTS {
            self.report.faults.push(Fault {
                path: path.to_owned(),
                offset,
                sequence,
                problem,
            });
        }
    }

    fn segments(&mut self, disk: &dyn Disk, dir: &Path, log: &[u8; 16]) -> Result<(), Error> {
        let layout = segment::layout(disk, dir, log)?;
        for (path, reason) in &layout.broken {
            self.fault(path, Some(0), None, Problem::Header(reason));
        }
        for path in layout
            .unused
            .iter()
            .filter(|path| path.extension().is_some_and(|e| e == "wal"))
        {
            let blank = Cursor::raw(disk, path)?;
            self.trailing(path, &blank)?;
        }
        let last = layout.segments.len().saturating_sub(1);
        for (position, segment) in layout.segments.iter().enumerate() {
            self.segment(disk, segment, position == last)?;
        }
        Ok(())
    }

    fn segment(&mut self, disk: &dyn Disk, segment: &Segment, is_last: bool) -> Result<(), Error> {
        let first = segment.header.first;
        let here = Sequence(self.frontier.size());
        if first != here {
            let problem = Problem::Missing {
                from: here,
                to: first,
            };
            self.fault(&segment.path, None, Some(here), problem);
            return Ok(());
        }
        let mut cursor = Cursor::open(disk, segment)?;
        loop {
            let (offset, sequence) = (cursor.offset(), cursor.expected());
            match cursor.next()? {
                Found::Frame(frame, offset) => self.frame(&segment.path, offset, &frame),
                Found::End => break,
                // The end of a ledger in use may be a frame that is being written.
                Found::Damaged(_) if is_last && self.report.live => return Ok(()),
                Found::Damaged(reason) => {
                    let problem = Problem::Frame(reason);
                    self.fault(&segment.path, Some(offset), Some(sequence), problem);
                    return Ok(());
                }
            }
        }
        // What a later segment replaced may still stand behind the end.
        if segment.until.is_none() && !self.report.live {
            self.trailing(&segment.path, &cursor)?;
        }
        Ok(())
    }

    fn trailing(&mut self, path: &Path, cursor: &Cursor) -> Result<(), Error> {
        if let Some((offset, bytes)) = cursor.rest()? {
            self.fault(path, Some(offset), None, Problem::Trailing { bytes });
        }
        Ok(())
    }

    fn frame(&mut self, path: &Path, offset: u64, frame: &Frame<'_>) {
        self.frontier.push(leaf_hash(frame.leaf));
        if self
            .signed
            .is_some_and(|(size, _)| size == self.frontier.size())
        {
            self.root_then = Some(self.frontier.root());
        }
        let problems = self.entry(frame);
        for problem in problems {
            self.fault(path, Some(offset), Some(frame.sequence), problem);
        }
    }

    /// What is wrong with an entry and its disclosures.
    fn entry(&mut self, frame: &Frame<'_>) -> Vec<Problem> {
        let entry = match Entry::parse(frame.leaf) {
            Ok(entry) => entry,
            Err(error) => return vec![Problem::Entry(error)],
        };
        let mut problems = Vec::new();
        if entry.sequence != frame.sequence {
            problems.push(Problem::Differs("sequence"));
        }
        if entry.kind != frame.kind {
            problems.push(Problem::Differs("kind"));
        }
        problems.extend(self.ruling.see(&entry));
        if let Err(problem) = self.disclosures(&entry, frame.sealed) {
            problems.push(problem);
        }
        problems
    }

    fn disclosures(&mut self, entry: &Entry, sealed: &[u8]) -> Result<(), Problem> {
        let (mut encoded, mut erased) = (Vec::new(), 0_u64);
        for envelope in seal::envelopes(sealed).map_err(Problem::Disclosure)? {
            let Some(keys) = &self.keys else {
                return Ok(());
            };
            match keys.slots.get(&envelope.key) {
                Some((Slot::Live { key, .. }, _)) => {
                    encoded.extend(key.open(&envelope).map_err(Problem::Disclosure)?);
                }
                Some((Slot::Erased { .. }, _)) => erased = erased.saturating_add(1),
                None => return Err(Problem::Disclosure(keys::UNKNOWN_KEY)),
            }
        }
        let opened = ledger::verify::disclosures(entry, &encoded).map_err(Problem::Disclosure)?;
        self.report.disclosures = self.report.disclosures.saturating_add(opened.len() as u64);
        self.report.erased = self.report.erased.saturating_add(erased);
        if erased == 0 && opened.len() != entry.digests.len() {
            let (digests, stored) = (entry.digests.len(), opened.len());
            return Err(Problem::DisclosureCount { digests, stored });
        }
        Ok(())
    }

    /// Compares the legal holds of the entries with those that are obeyed.
    fn holds(&mut self, disk: &dyn Disk, dir: &Path) {
        let path = files::holds(dir);
        let problems = match Holds::read(disk, dir) {
            Ok(listed) => self.ruling.missing_from(&listed.holds),
            Err(error) => vec![Problem::Holds(error.to_string())],
        };
        for problem in problems {
            self.fault(&path, None, None, problem);
        }
    }

    /// Compares what was read with what was signed.
    fn end(&mut self, checkpoint: &Path) {
        self.report.entries = self.frontier.size();
        self.report.root = self.frontier.root();
        let Some((size, root)) = self.signed else {
            return;
        };
        let entries = self.frontier.size();
        let problem = match self.root_then {
            _ if size == 0 => (root != Frontier::new().root()).then_some(Problem::Root { size }),
            None => Some(Problem::Short { size, entries }),
            Some(then) => (then != root).then_some(Problem::Root { size }),
        };
        if let Some(problem) = problem {
            self.fault(checkpoint, None, None, problem);
        }
    }
}
