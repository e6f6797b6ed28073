//! Checking a whole ledger directory: `weir ledger verify`.
//!
//! Everything that is stored is looked at, and every fault is named with its place:
//! frames, order, roots, signatures, disclosures, unused space.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::merkle::{Frontier, Hash, leaf_hash};
use ledger::note::VerifierKey;
use ledger::{Entry, Sequence, seal};

use crate::disk::{Disk, Mode, RealDisk};
use crate::files::Identity;
use crate::frame::Frame;
use crate::keys::{self, Content, Slot};
use crate::scan::{Cursor, Found};
use crate::segment::{self, Segment};
use crate::{Error, files};

/// Most faults that are listed.
const MAX_FAULTS: usize = 100;

/// What a check of a directory found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Entries that are whole and in order.
    pub entries: u64,
    /// Root of their tree.
    pub root: Hash,
    /// Entries under the signed checkpoint; those above it are not yet signed.
    pub signed: Option<u64>,
    /// Disclosures that were decrypted and found to fit their entries.
    pub disclosures: u64,
    /// Envelopes whose keys were erased; the digests of what they held stand.
    pub erased: u64,
    /// Whether another process writes to the ledger, so that its end may move.
    pub live: bool,
    /// What is wrong; at most a hundred.
    pub faults: Vec<Fault>,
    /// How many faults there are in all.
    pub fault_count: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.fault_count == 0
    }
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: Option<u64>,
    /// The entry that is affected.
    pub sequence: Option<Sequence>,
    /// What is wrong.
    pub problem: Problem,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        if let Some(sequence) = self.sequence {
            write!(f, ", entry {sequence}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The header of a segment, or of the key table, is not one.
    #[error("{0}")]
    Header(&'static str),
    /// Bytes where a frame should be are not that frame.
    #[error("{0}")]
    Frame(&'static str),
    /// Entries before a segment are missing.
    #[error("entries {from} to {to} (exclusive) are missing")]
    Missing {
        /// First missing.
        from: Sequence,
        /// First there.
        to: Sequence,
    },
    /// Something is written behind the last entry.
    #[error("{bytes} bytes behind the last entry are not empty")]
    Trailing {
        /// How many, up to the last that is not zero.
        bytes: u64,
    },
    /// The stored JSON is not the entry it should be.
    #[error("the entry is altered: {0}")]
    Entry(ledger::Error),
    /// Frame and entry differ.
    #[error("the entry is altered: its {0} is not that of its frame")]
    Differs(&'static str),
    /// A disclosure does not open, is missing, or is not of its entry.
    #[error("a disclosure is altered: {0}")]
    Disclosure(ledger::Error),
    /// Fewer or more disclosures than digests.
    #[error("the entry names {digests} disclosures, {stored} are stored")]
    DisclosureCount {
        /// Digests in the entry.
        digests: usize,
        /// Disclosures stored.
        stored: usize,
    },
    /// The checkpoint is missing, malformed or not signed by the log.
    #[error("{0}")]
    Checkpoint(String),
    /// The signed root is not that of the entries.
    #[error(
        "the first {size} entries do not have the root that was signed: one of them is altered"
    )]
    Root {
        /// Entries under the checkpoint.
        size: u64,
    },
    /// Fewer entries than were signed.
    #[error("{size} entries were signed, {entries} are there")]
    Short {
        /// Entries under the checkpoint.
        size: u64,
        /// Entries that are there.
        entries: u64,
    },
    /// A slot of the key table cannot be read.
    #[error("a subject key is damaged; what it sealed cannot be read")]
    Key,
    /// The key in the directory is not the one given.
    #[error("the verifier key in the directory is not the one given")]
    OtherKey,
}

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
