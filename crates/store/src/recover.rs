//! Opening a log: deriving the tree again, comparing it with the checkpoint, and
//! beginning a segment that holds everything the checkpoint does not cover. Of what is
//! sealed in packs the tree is taken from their tiles.
//!
//! What an earlier process wrote may be in the kernel's memory only, and a sync that
//! failed there is forgotten; so entries above the checkpoint are not trusted to be
//! on the disk: they are read and written again. What comes after a torn frame was
//! never acknowledged as durable and is dropped, on the record.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ledger::checkpoint::Checkpoint;
use ledger::entry::Head;
use ledger::merkle::{Frontier, Hash, leaf_hash};
use ledger::seal::{self, KeyId};
use ledger::{Kind, Sequence};

use crate::disk::{Disk, Mode};
use crate::log::Batch;
use crate::pack::OpenIntents;
use crate::pack::recover::Sealed;
use crate::scan::{Cursor, Found};
use crate::segment::{self, Layout, Segment};
#[cfg(test)]
use crate::simulation::{Broken, is_broken};
use crate::{Error, erase, files};

/// Level of a bundle's root in the tree.
pub(crate) const BUNDLE_LEVEL: u8 = 8;

/// What was found.
pub(crate) struct Recovered {
    pub(crate) frontier: Frontier,
    /// Roots of the bundles that are not sealed.
    pub(crate) roots: Vec<Hash>,
    /// What is sealed.
    pub(crate) sealed: Sealed,
    /// Epoch of the last segment.
    pub(crate) epoch: u64,
    pub(crate) next_ordinal: u64,
    /// First sequence of `tail`.
    pub(crate) tail_from: Sequence,
    /// Frames above the checkpoint.
    pub(crate) tail: Batch,
    /// Whether the last process left in good order.
    pub(crate) clean: bool,
    /// Bytes after the last whole entry.
    pub(crate) dropped_bytes: u64,
    /// Time of the last entry that is not sealed, nanoseconds since 1970; 0 if there is
    /// none.
    pub(crate) last_ns: u64,
    /// Allowed intents that have no outcome.
    pub(crate) orphans: Vec<Sequence>,
    /// Keys whose destruction is on record, and may have been interrupted.
    pub(crate) erased: Vec<KeyId>,
    /// Keys that the disclosures in `tail` are sealed under.
    pub(crate) tail_keys: BTreeSet<KeyId>,
    /// What the new segment replaces.
    replaced: Replaced,
}

/// Files to tidy up once the new segment is durable.
#[derive(Default)]
struct Replaced {
    cut: Option<(PathBuf, u64)>,
    remove: Vec<PathBuf>,
}

/// Reads all entries and compares them with `checkpoint`.
pub(crate) fn read(
    disk: &dyn Disk,
    dir: &Path,
    log: &[u8; 16],
    checkpoint: &Checkpoint,
) -> Result<Recovered, Error> {
    let layout = segment::layout(disk, dir, log)?;
    let sealed = Sealed::read(disk, dir, log)?;
    if sealed.end > checkpoint.size {
        let (end, size) = (sealed.end, checkpoint.size);
        let reason = format!("{end} entries are sealed and it covers {size}: it is an older one");
        return Err(Error::Disagrees { reason });
    }
    let mut walk = Walk::new(checkpoint, sealed);
    walk.segments(disk, &layout)?;
    if walk.frontier.size() < checkpoint.size {
        let broken = layout
            .broken
            .first()
            .map(|(path, reason)| (path.clone(), *reason));
        let (place, reason) = walk.stopped.or(broken).unzip();
        return Err(Error::Disagrees {
            reason: format!(
                "it covers {} entries and only {} can be read{}",
                checkpoint.size,
                walk.frontier.size(),
                place
                    .zip(reason)
                    .map_or_else(String::new, |(path, reason)| {
                        format!("; {}: {reason}", path.display())
                    })
            ),
        });
    }
    // In a closed log there may be some too: an outcome that was refused because the
    // disk failed.
    let orphans = walk.open.sequences();
    // A header that cannot be read is of a segment that was begun and never synced:
    // all that was signed is there without it.
    for (path, _) in &layout.broken {
        let bytes = Cursor::raw(disk, path)?
            .rest()?
            .map_or(0, |(_, bytes)| bytes);
        walk.dropped_bytes = walk.dropped_bytes.saturating_add(bytes);
    }
    let mut remove = layout.replaced;
    remove.extend(layout.broken.into_iter().map(|(path, _)| path));
    remove.extend(layout.unused);
    remove.extend(walk.after);
    // Last, because what is sealed is compared with what is to be removed.
    let end = Sequence(walk.sealed.end);
    let covered = |one: &&Segment| one.until.is_some_and(|until| until <= end);
    remove.extend(
        layout
            .segments
            .iter()
            .filter(covered)
            .map(|one| one.path.clone()),
    );
    remove.extend(std::mem::take(&mut walk.sealed.unfinished));
    Ok(Recovered {
        roots: walk.roots,
        epoch: layout
            .segments
            .iter()
            .map(|one| one.header.epoch)
            .max()
            .unwrap_or(0),
        next_ordinal: layout.next_ordinal,
        tail_from: Sequence(checkpoint.size),
        clean: walk.dropped_bytes == 0 && matches!(walk.last, Some(Kind::LogClose) | None),
        dropped_bytes: walk.dropped_bytes,
        last_ns: Head::read(&walk.last_leaf)
            .and_then(|head| ledger::time::parse(head.at))
            .unwrap_or(0),
        orphans,
        erased: walk.erased,
        replaced: Replaced {
            cut: walk.cut,
            remove,
        },
        tail: walk.tail,
        tail_keys: walk.tail_keys,
        frontier: walk.frontier,
        sealed: walk.sealed,
    })
}

#[cfg(test)]
impl Recovered {
    /// Ways to recover wrongly.
    pub(crate) fn break_it(&mut self) {
        if is_broken(Broken::TrustsTail) {
            self.tail_from = Sequence(self.frontier.size());
            self.tail = Batch::default();
            self.replaced = Replaced::default();
        }
        if is_broken(Broken::ForgetsIntents) {
            self.orphans.clear();
        }
        if is_broken(Broken::ForgetsCrash) {
            self.clean = true;
        }
    }
}

/// Tidies up once the new segment is durable. Readers do not need it, so failures do
/// no harm.
pub(crate) fn tidy(disk: &dyn Disk, recovered: &Recovered) {
    if let Some((path, offset)) = &recovered.replaced.cut
        && let Ok(file) = disk.open(path, Mode::Write)
    {
        // What a failed sync left must be cut off before this file is synced again.
        let _ = file.truncate(*offset).and_then(|()| file.sync());
    }
    for path in &recovered.replaced.remove {
        let _ = files::remove_if_there(disk, path);
    }
}

/// The state of reading from the first entry that is not sealed to the last.
struct Walk<'a> {
    checkpoint: &'a Checkpoint,
    sealed: Sealed,
    frontier: Frontier,
    roots: Vec<Hash>,
    tail: Batch,
    tail_keys: BTreeSet<KeyId>,
    last: Option<Kind>,
    last_leaf: Vec<u8>,
    erased: Vec<KeyId>,
    open: OpenIntents,
    dropped_bytes: u64,
    stopped: Option<(PathBuf, &'static str)>,
    /// Where the entries end that the checkpoint covers.
    cut: Option<(PathBuf, u64)>,
    /// Segments that come after that.
    after: Vec<PathBuf>,
}

impl<'a> Walk<'a> {
    fn new(checkpoint: &'a Checkpoint, sealed: Sealed) -> Walk<'a> {
        Walk {
            checkpoint,
            frontier: sealed.frontier(),
            roots: Vec::new(),
            tail: Batch::default(),
            tail_keys: BTreeSet::new(),
            last: sealed.last,
            last_leaf: Vec::new(),
            erased: Vec::new(),
            open: sealed.open.clone(),
            sealed,
            dropped_bytes: 0,
            stopped: None,
            cut: None,
            after: Vec::new(),
        }
    }

    fn segments(&mut self, disk: &dyn Disk, layout: &Layout) -> Result<(), Error> {
        self.compare()?;
        for segment in &layout.segments {
            let covered = self.frontier.size() < self.checkpoint.size;
            if covered || self.cut.is_none() {
                let offset = self.segment(disk, segment)?;
                if covered && self.frontier.size() >= self.checkpoint.size && self.cut.is_none() {
                    self.cut = Some((segment.path.clone(), offset));
                }
            } else {
                self.segment(disk, segment)?;
                self.after.push(segment.path.clone());
            }
        }
        Ok(())
    }

    /// Reads one segment, and gives where the checkpoint's part of it ends.
    fn segment(&mut self, disk: &dyn Disk, segment: &Segment) -> Result<u64, Error> {
        let mut cursor = Cursor::open(disk, segment)?;
        let mut covered_end = cursor.offset();
        if self.stopped.is_none() && segment.header.first.0 > self.frontier.size() {
            self.stopped = Some((
                segment.path.clone(),
                "entries before this segment are missing",
            ));
        }
        while self.stopped.is_none() {
            #[cfg(test)]
            if is_broken(Broken::DropsTail) && self.frontier.size() >= self.checkpoint.size {
                break;
            }
            match cursor.next()? {
                Found::Frame(frame, offset) if frame.sequence.0 < self.sealed.end => {
                    covered_end = offset.saturating_add(frame.raw.len() as u64);
                    if !self.sealed.holds(frame.sequence, &leaf_hash(frame.leaf))? {
                        return Err(self.differs(segment, frame.sequence));
                    }
                }
                Found::Frame(frame, offset) => {
                    let covered = frame.sequence.0 < self.checkpoint.size;
                    let roots = &mut self.roots;
                    self.frontier
                        .push_noting(leaf_hash(frame.leaf), |level, node| {
                            if level == BUNDLE_LEVEL {
                                roots.push(node);
                            }
                        });
                    self.last = Some(frame.kind);
                    self.last_leaf.clear();
                    self.last_leaf.extend_from_slice(frame.leaf);
                    if frame.kind == Kind::Erasure {
                        self.erased.extend(erase::keys_of(frame.leaf));
                    }
                    self.open.note(frame.kind, frame.sequence, frame.leaf);
                    if covered {
                        covered_end = offset.saturating_add(frame.raw.len() as u64);
                        self.compare()?;
                    } else {
                        let start = self
                            .tail
                            .bytes
                            .len()
                            .saturating_add(crate::frame::HEADER_BYTES);
                        // One that cannot be split is for verification to name.
                        let sealed = seal::envelopes(frame.sealed).unwrap_or_default();
                        self.tail_keys.extend(sealed.iter().map(|one| one.key));
                        self.tail.bytes.extend_from_slice(frame.raw);
                        self.tail
                            .leaves
                            .push(start..start.saturating_add(frame.leaf.len()));
                    }
                }
                Found::End => break,
                // What is sealed is in the pack, whatever became of it here.
                Found::Damaged(_) if segment.until.is_some_and(|u| u.0 <= self.sealed.end) => break,
                Found::Damaged(reason) => self.stopped = Some((segment.path.clone(), reason)),
            }
        }
        if segment.until.is_none() || self.stopped.is_some() {
            let rest = cursor.rest()?.map_or(0, |(_, bytes)| bytes);
            self.dropped_bytes = self.dropped_bytes.saturating_add(rest);
        }
        Ok(covered_end)
    }

    fn differs(&self, segment: &Segment, sequence: Sequence) -> Error {
        let pack = self.sealed.path().unwrap_or(Path::new("the packs"));
        Error::Disagrees {
            reason: format!(
                "{} and {} hold different entries {sequence}",
                pack.display(),
                segment.path.display()
            ),
        }
    }

    /// Compares the roots when the tree has the checkpoint's size.
    fn compare(&self) -> Result<(), Error> {
        let differs = self.frontier.size() == self.checkpoint.size
            && self.frontier.root() != self.checkpoint.root;
        if differs {
            let size = self.checkpoint.size;
            return Err(Error::Disagrees {
                reason: format!("the first {size} entries do not have the root that was signed"),
            });
        }
        Ok(())
    }
}
