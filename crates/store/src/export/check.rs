//! Checking a static log: every signature, tile and entry, from the leaves up.

use std::path::Path;

use ledger::checkpoint::Checkpoint;
use ledger::entry::Head;
use ledger::merkle::{Frontier, Hash, leaf_hash};
use ledger::tile::{self, Content, Tile, WIDTH};
use ledger::trust::{Policy, Trusted};
use ledger::{Entry, Kind, Sequence};

use super::Progress;
use crate::Error;
use crate::verify::{Fault, MAX_FAULTS, Problem};

/// Where a static log is read from.
pub trait Source {
    /// What stands at `path`, relative to the log; `None` if there is nothing.
    ///
    /// # Errors
    /// When that cannot be said.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, Error>;

    /// The partial tiles that are known to stand beside the full tile at this place.
    ///
    /// # Errors
    /// As [`Source::get`].
    fn partial(&self, tile: Tile) -> Result<Vec<Tile>, Error>;
}

/// What a check of a static log found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The checkpoint, if it is to be believed: size, root, who signed.
    pub trusted: Option<Trusted>,
    /// Entries that were read and stand in their places.
    pub entries: u64,
    /// The first entry that is there; what is below was pruned, on the record.
    pub minimum: u64,
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

/// Checks a static log against a policy, and against a checkpoint remembered from
/// before.
///
/// # Errors
/// Only if the source cannot be read. Everything else is a [`Fault`] in the report.
pub fn check(
    source: &dyn Source,
    trust: &Policy,
    since: Option<&Checkpoint>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, Error> {
    let mut report = Report {
        trusted: None,
        entries: 0,
        minimum: 0,
        faults: Vec::new(),
        fault_count: 0,
    };
    let opened = match source.get("checkpoint")? {
        None => Err("it is missing".to_owned()),
        Some(bytes) => String::from_utf8(bytes)
            .map_err(|_| "it is not text".to_owned())
            .and_then(|text| trust.open(&text).map_err(|error| error.to_string())),
    };
    let trusted = match opened {
        Ok(trusted) => trusted,
        Err(problem) => {
            report.fault("checkpoint", None, Problem::Checkpoint(problem));
            return Ok(report);
        }
    };
    let size = trusted.checkpoint.size;
    let since = since.filter(|since| {
        let problem = if since.origin != trusted.checkpoint.origin {
            Problem::OtherLog(since.origin.clone())
        } else if since.size > size {
            Problem::RolledBack {
                then: since.size,
                size,
            }
        } else {
            return true;
        };
        report.fault("checkpoint", None, problem);
        false
    });
    let mut walk = Walk {
        source,
        report,
        entries: Tree::new(since),
        hashes: None,
        levels: Vec::new(),
        differing: Vec::new(),
        missing: Vec::new(),
        pruned_below: 0,
        since,
    };
    for tile in Content::Entries.tiles(0, size) {
        walk.bundle(tile, size)?;
        progress(Progress {
            done: tile.end().unwrap_or(size),
            total: size,
        });
    }
    walk.rightmost(size)?;
    let mut report = walk.end(&trusted.checkpoint);
    report.trusted = Some(trusted);
    Ok(report)
}

impl Report {
    fn fault(&mut self, path: &str, sequence: Option<u64>, problem: Problem) {
        self.fault_count = self.fault_count.saturating_add(1);
        if self.faults.len() >= MAX_FAULTS {
            return;
        }
        self.faults.push(Fault {
            path: Path::new(path).to_owned(),
            offset: None,
            sequence: sequence.map(Sequence),
            problem,
        });
    }
}

/// A bundle and the tile of its hashes that do not fit each other.
struct Differing {
    bundle: Tile,
    hashes: Tile,
    sequence: u64,
}

/// The state of reading from the first entry to the last.
struct Walk<'a> {
    source: &'a dyn Source,
    report: Report,
    /// The tree of the entries.
    entries: Tree,
    /// The tree of the leaf hashes in tiles, from where it is another one.
    hashes: Option<Tree>,
    /// For each level of tiles above the first, what its last tile has to hold so far,
    /// as far as the tiles below it can be read.
    levels: Vec<Vec<Option<Hash>>>,
    differing: Vec<Differing>,
    /// Bundles that are not there.
    missing: Vec<Tile>,
    /// As the log itself says.
    pruned_below: u64,
    since: Option<&'a Checkpoint>,
}

/// A tree that remembers the root it had at one size.
#[derive(Clone)]
struct Tree {
    frontier: Frontier,
    then: Option<u64>,
    root_then: Option<Hash>,
}

impl Tree {
    fn new(since: Option<&Checkpoint>) -> Tree {
        let then = since.map(|since| since.size);
        let frontier = Frontier::new();
        Tree {
            root_then: (then == Some(0)).then(|| frontier.root()),
            frontier,
            then,
        }
    }

    /// Adds the leaves of a bundle, and gives their root if they are a full tile.
    fn add(&mut self, leaves: &[Hash]) -> Option<Hash> {
        let width = u64::from(WIDTH);
        let tile = self.frontier.size().is_multiple_of(width) && leaves.len() as u64 == width;
        let mut root = None;
        for leaf in leaves {
            self.frontier.push_noting(*leaf, |level, node| {
                if u32::from(level) == width.ilog2() {
                    root = Some(node);
                }
            });
            if self.then == Some(self.frontier.size()) {
                self.root_then = Some(self.frontier.root());
            }
        }
        root.filter(|_| tile)
    }

    fn is(&self, checkpoint: &Checkpoint) -> bool {
        self.frontier.size() == checkpoint.size && self.frontier.root() == checkpoint.root
    }
}

impl Walk<'_> {
    /// Reads a tile, or the beginning of the full one in its place (tlog-tiles: partial
    /// tiles may go once the full one is there).
    fn read<T: Clone>(
        &mut self,
        tile: Tile,
        decode: impl Fn(&[u8], u16) -> Result<Vec<T>, ledger::Error>,
    ) -> Result<Option<Vec<T>>, Error> {
        let mut stands = tile;
        let mut bytes = self.source.get(&tile.to_string())?;
        if bytes.is_none() && !tile.is_full() {
            stands = tile.full();
            bytes = self.source.get(&stands.to_string())?;
        }
        let Some(bytes) = bytes else {
            if tile.content() == Content::Entries {
                self.missing.push(tile);
            } else {
                let problem = Problem::TileMissing;
                self.report.fault(&tile.to_string(), None, problem);
            }
            return Ok(None);
        };
        match decode(&bytes, stands.width()) {
            Ok(mut items) => {
                items.truncate(usize::from(tile.width()));
                let is_one = |bytes: &[u8], width| decode(bytes, width).is_ok();
                self.others(tile, &bytes, stands, &is_one)?;
                Ok(Some(items))
            }
            Err(error) => {
                let problem = Problem::Tile(error);
                self.report.fault(&stands.to_string(), None, problem);
                Ok(None)
            }
        }
    }

    /// Narrower partial tiles that stand there too hold the beginning of this one.
    fn others(
        &mut self,
        tile: Tile,
        bytes: &[u8],
        stands: Tile,
        is_one: &dyn Fn(&[u8], u16) -> bool,
    ) -> Result<(), Error> {
        for other in self.source.partial(tile)? {
            if other == stands || other.width() >= tile.width() {
                continue;
            }
            let there = self.source.get(&other.to_string())?;
            let fits = |there: Vec<u8>| bytes.starts_with(&there) && is_one(&there, other.width());
            if !there.is_some_and(fits) {
                let problem = Problem::TileDiffers;
                self.report.fault(&other.to_string(), None, problem);
            }
        }
        Ok(())
    }

    /// Checks a bundle and the tile of its leaf hashes.
    fn bundle(&mut self, bundle: Tile, size: u64) -> Result<(), Error> {
        let first = bundle.index().saturating_mul(u64::from(WIDTH));
        let owned = |bytes: &[u8], width| {
            let entries = tile::decode_entries(bytes, width)?;
            Ok(entries.into_iter().map(<[u8]>::to_vec).collect())
        };
        let entries = self.read(bundle, owned)?;
        let Some(tile) = Tile::of_tree(Content::Hashes(0), bundle.index(), size) else {
            return Ok(());
        };
        let hashes = self.read(tile, tile::decode_hashes)?;
        let of_entries: Option<Vec<Hash>> =
            entries.map(|entries| self.leaves(bundle, first, &entries));
        let differ = match (&of_entries, &hashes) {
            (Some(leaves), Some(hashes)) => leaves.iter().zip(hashes).position(|(a, b)| a != b),
            _ => None,
        };
        if let Some(at) = differ {
            self.differing.push(Differing {
                bundle,
                hashes: tile,
                sequence: first.saturating_add(at as u64),
            });
        }
        let leaves = of_entries.as_deref().or(hashes.as_deref());
        let leaves = leaves.unwrap_or_default();
        let stored = hashes.as_deref().or(of_entries.as_deref());
        let stored = stored.unwrap_or_default();
        if leaves != stored && self.hashes.is_none() {
            self.hashes = Some(self.entries.clone());
        }
        let root = self.entries.add(leaves);
        if let Some(tree) = &mut self.hashes {
            tree.add(stored);
        }
        if tile.is_full() {
            // Which of two is right is not known yet; the tile above is not blamed.
            let agreed = hashes.filter(|_| differ.is_none());
            let root = agreed.map(|hashes| root.unwrap_or_else(|| tile::root(&hashes)));
            self.above(1, bundle.index(), root)?;
        }
        Ok(())
    }

    /// Checks that these are entries in their places, and hashes them.
    fn leaves(&mut self, bundle: Tile, first: u64, entries: &[Vec<u8>]) -> Vec<Hash> {
        let path = bundle.to_string();
        let mut hashes = Vec::with_capacity(entries.len());
        for (sequence, leaf) in (first..).zip(entries) {
            hashes.push(leaf_hash(leaf));
            // What it says beyond its head is for who reads it; that it says what the
            // gateway wrote, the root tells.
            let head = Head::read(leaf).filter(|head| head.kind != Kind::RetentionPrune);
            let place = match head {
                Some(head) => head.sequence,
                None => match Entry::parse(leaf) {
                    Ok(entry) => {
                        if entry.kind == Kind::RetentionPrune {
                            let below = entry.number("below").unwrap_or(0);
                            self.pruned_below = self.pruned_below.max(below);
                        }
                        entry.sequence
                    }
                    Err(error) => {
                        self.report
                            .fault(&path, Some(sequence), Problem::Entry(error));
                        continue;
                    }
                },
            };
            if place == Sequence(sequence) {
                self.report.entries = self.report.entries.saturating_add(1);
            } else {
                let problem = Problem::Misplaced(place);
                self.report.fault(&path, Some(sequence), problem);
            }
        }
        hashes
    }

    /// Takes the next hash of a level of tiles: the root of the full tile at `index` of
    /// the level below. A tile that is then full is compared.
    fn above(&mut self, level: u8, index: u64, hash: Option<Hash>) -> Result<(), Error> {
        let place = usize::from(level).saturating_sub(1);
        if self.levels.len() <= place {
            self.levels.push(Vec::new());
        }
        let Some(hashes) = self.levels.get_mut(place) else {
            return Ok(());
        };
        hashes.push(hash);
        if hashes.len() < usize::from(WIDTH) {
            return Ok(());
        }
        let expected = std::mem::take(hashes);
        let index = index / u64::from(WIDTH);
        let Ok(tile) = Tile::new(Content::Hashes(level), index, WIDTH) else {
            return Ok(());
        };
        let root = self.compare(tile, &expected)?;
        self.above(level.saturating_add(1), index, root)
    }

    /// Compares a tile above the first level with what the tiles below say, and gives
    /// its root, of which the next level is made.
    fn compare(&mut self, tile: Tile, expected: &[Option<Hash>]) -> Result<Option<Hash>, Error> {
        let stored = self.read(tile, tile::decode_hashes)?;
        let known: Option<Vec<Hash>> = expected.iter().copied().collect();
        if let Some(stored) = &stored {
            let differs = |(expected, stored): (&Option<Hash>, &Hash)| {
                expected.is_some_and(|expected| expected != *stored)
            };
            if expected.iter().zip(stored).any(differs) {
                let problem = Problem::TileDiffers;
                self.report.fault(&tile.to_string(), None, problem);
            }
        }
        Ok(known.or(stored).map(|hashes| tile::root(&hashes)))
    }

    /// The partial tiles above the first level.
    fn rightmost(&mut self, size: u64) -> Result<(), Error> {
        for (level, expected) in (1_u8..).zip(std::mem::take(&mut self.levels)) {
            let content = Content::Hashes(level);
            let last = content.count(size) / u64::from(WIDTH);
            if let Some(tile) = Tile::of_tree(content, last, size) {
                self.compare(tile, &expected)?;
            }
        }
        Ok(())
    }

    /// Compares what was read with what was signed.
    fn end(mut self, checkpoint: &Checkpoint) -> Report {
        let of_hashes = self.hashes.as_ref().unwrap_or(&self.entries);
        let (entries, hashes) = (self.entries.is(checkpoint), of_hashes.is(checkpoint));
        for one in &self.differing {
            let (path, sequence, problem) = if entries {
                (one.hashes, None, Problem::TileDiffers)
            } else if hashes {
                (one.bundle, Some(one.sequence), Problem::Altered)
            } else {
                (one.bundle, Some(one.sequence), Problem::BundleDiffers)
            };
            self.report.fault(&path.to_string(), sequence, problem);
        }
        // Of two trees the one is believed that has the signed root.
        let root_then = match entries {
            true => self.entries.root_then,
            false => of_hashes.root_then,
        };
        self.end_missing();
        let size = checkpoint.size;
        if !entries && !hashes {
            self.report
                .fault("checkpoint", None, Problem::Root { size });
        }
        if let Some(since) = self.since
            && root_then != Some(since.root)
        {
            let problem = Problem::Forked { size: since.size };
            self.report.fault("checkpoint", None, problem);
        }
        self.report
    }

    /// Bundles at the beginning may be gone, if the log says so.
    fn end_missing(&mut self) {
        for (place, bundle) in (0_u64..).zip(std::mem::take(&mut self.missing)) {
            let pruned = bundle.end().filter(|end| {
                bundle.is_full() && bundle.index() == place && *end <= self.pruned_below
            });
            match pruned {
                Some(end) => self.report.minimum = end,
                None => self
                    .report
                    .fault(&bundle.to_string(), None, Problem::TileMissing),
            }
        }
    }
}
