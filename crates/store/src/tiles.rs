//! A ledger in the units of C2SP tlog-tiles: hash tiles and entry bundles of 256.
//!
//! What is served, exported and proved is read through [`Tiles`], wherever it lies.
//! Of what is sealed in packs a tile or bundle is one read; the hashes of what still
//! lies in the write-ahead log are kept in memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ledger::merkle::{Hash, leaf_hash, subtree};
use ledger::{Error as LedgerError, Sequence};

use crate::Error;
use crate::pack::file::Unpacker;
use crate::pack::{Pack, Packs, upper};
use crate::read::Reader;

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// Tile levels of a tree of 2⁶⁴ entries.
const LEVELS: u8 = 8;

/// Most tiles kept in memory, 8 KiB each.
const MAX_CACHED: usize = 64;

/// Tiles by level and index.
type Cached = HashMap<(u8, u64), Arc<Vec<Hash>>>;

/// The first entries of a ledger, as many as were asked for.
///
/// What it covers does not change while it grows: a tile or bundle once given in full
/// is the same for ever.
pub struct Tiles {
    reader: Reader,
    size: u64,
    packs: Packs,
    /// Hashes by tile level, each from the end of the packs on.
    tail: Vec<Vec<Hash>>,
    cached: Mutex<Cached>,
}

impl Tiles {
    /// The first `size` entries. What is served is what a checkpoint covers, so `size`
    /// is that of [`Reader::checkpoint`].
    ///
    /// # Errors
    /// As [`Tiles::grow`].
    pub fn open(reader: Reader, size: u64) -> Result<Tiles, Error> {
        let mut tiles = Tiles {
            reader,
            size: 0,
            packs: Packs::default(),
            tail: vec![Vec::new(); usize::from(LEVELS)],
            cached: Mutex::default(),
        };
        tiles.grow(size)?;
        Ok(tiles)
    }

    /// Covers the first `size` entries, if it did not before.
    ///
    /// # Errors
    /// [`Error::NoSuchEntry`] if the ledger has fewer; as [`crate::read::Entries::next`].
    pub fn grow(&mut self, size: u64) -> Result<(), Error> {
        self.forget_sealed()?;
        let reader = self.reader.clone();
        let mut entries = reader.entries(Sequence(self.hashed()));
        while self.hashed() < size {
            let Some(record) = entries.next()? else {
                return Err(Error::NoSuchEntry {
                    sequence: Sequence(size.saturating_sub(1)),
                    entries: self.hashed(),
                });
            };
            self.push(leaf_hash(&record.leaf))?;
        }
        self.size = self.size.max(size);
        Ok(())
    }

    /// How many entries' hashes are at hand.
    fn hashed(&self) -> u64 {
        let tail = self.tail.first().map_or(0, Vec::len);
        self.packs.end().saturating_add(tail as u64)
    }

    /// Forgets the hashes that were sealed meanwhile.
    fn forget_sealed(&mut self) -> Result<(), Error> {
        let packs = Packs::list(&*self.reader.disk, &self.reader.dir)?;
        let (before, end) = (self.packs.end(), packs.end());
        for (level, tail) in (0..LEVELS).zip(&mut self.tail) {
            let sealed = upper::count(level, end).saturating_sub(upper::count(level, before));
            let sealed = usize::try_from(sealed).unwrap_or(usize::MAX);
            tail.drain(..sealed.min(tail.len()));
        }
        self.packs = packs;
        Ok(())
    }

    /// Adds a leaf hash, and the roots of the tiles that it completes.
    fn push(&mut self, leaf: Hash) -> Result<(), Error> {
        let mut hash = leaf;
        for level in 0..LEVELS {
            let before = upper::count(level, self.packs.end());
            let Some(tail) = self.tail.get_mut(usize::from(level)) else {
                break;
            };
            tail.push(hash);
            let count = before.saturating_add(tail.len() as u64);
            if !count.is_multiple_of(TILE_WIDTH) {
                break;
            }
            let first = count.saturating_sub(TILE_WIDTH);
            let tile = self.at(level, first, TILE_WIDTH)?;
            let missing = LedgerError::MissingNode {
                level,
                index: first,
            };
            hash = subtree(&tile).ok_or(missing)?;
        }
        Ok(())
    }

    /// Number of entries covered.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The ledger behind it.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The minimum index (tlog-tiles, "Pruning"): entries below it were not kept any
    /// more when this grew last. A multiple of [`TILE_WIDTH`].
    #[must_use]
    pub fn minimum(&self) -> u64 {
        self.packs.minimum()
    }

    /// The first `width` hashes (1 to 256) of tile `index` at tile level `level`. At
    /// level 0 they are leaf hashes; above, each is the root of a full tile below.
    ///
    /// # Errors
    /// [`Error::Ledger`] with [`LedgerError::MissingNode`] if one is not covered;
    /// [`Error::Pruned`]; [`Error::Missing`], [`Error::Damaged`], [`Error::Io`].
    pub fn tile(&self, level: u8, index: u64, width: u64) -> Result<Vec<Hash>, Error> {
        let first = index.saturating_mul(TILE_WIDTH);
        self.hashes(level, first, width.min(TILE_WIDTH))
    }

    /// Leaf hashes of `count` entries from `first` on.
    ///
    /// # Errors
    /// As [`Tiles::tile`].
    pub fn leaf_hashes(&self, first: Sequence, count: u64) -> Result<Vec<Hash>, Error> {
        self.hashes(0, first.0, count)
    }

    /// A complete node of the tree, named as in [`ledger::merkle`].
    ///
    /// # Errors
    /// As [`Tiles::tile`].
    pub fn node(&self, level: u8, index: u64) -> Result<Hash, Error> {
        let (tile_level, height) = (level / 8, level % 8);
        let missing = || Error::Ledger(LedgerError::MissingNode { level, index });
        let count = 1_u64 << height;
        let first = index.checked_mul(count).ok_or_else(missing)?;
        subtree(&self.hashes(tile_level, first, count)?).ok_or_else(missing)
    }

    /// Calls a function of [`ledger::merkle`] that reads nodes through a closure.
    ///
    /// # Errors
    /// What the function gives, or the fault of reading a node.
    pub fn with_nodes<T>(
        &self,
        make: impl FnOnce(&dyn Fn(u8, u64) -> Option<Hash>) -> Result<T, LedgerError>,
    ) -> Result<T, Error> {
        let fault = RefCell::new(None);
        let node = |level, index| match self.node(level, index) {
            Ok(hash) => Some(hash),
            Err(error) => {
                fault.replace(Some(error));
                None
            }
        };
        let made = make(&node);
        match (made, fault.take()) {
            (Ok(made), None) => Ok(made),
            (Err(error), None) => Err(error.into()),
            (_, Some(fault)) => Err(fault),
        }
    }

    /// Hashes of a tile level, as far as they are covered.
    fn hashes(&self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, Error> {
        let end = first.saturating_add(count);
        if level >= LEVELS || end > upper::count(level, self.size) {
            let level = level.saturating_mul(8);
            let missing = LedgerError::MissingNode { level, index: end };
            return Err(missing.into());
        }
        self.at(level, first, count)
    }

    fn at(&self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, Error> {
        let sealed = upper::count(level, self.packs.end());
        let end = first.saturating_add(count);
        let mut out = Vec::new();
        let mut at = first;
        while at < end.min(sealed) {
            let (index, offset) = (at / TILE_WIDTH, at % TILE_WIDTH);
            let tile = self.sealed_tile(level, index)?;
            let until = (end.min(sealed)).min(index.saturating_add(1).saturating_mul(TILE_WIDTH));
            let (from, many) = (to_usize(offset), to_usize(until.saturating_sub(at)));
            let part = tile.get(from..from.saturating_add(many));
            let missing = LedgerError::MissingNode {
                level: level.saturating_mul(8),
                index: at,
            };
            out.extend_from_slice(part.ok_or(missing)?);
            at = until;
        }
        if at < end {
            let tail = self.tail.get(usize::from(level));
            let range = to_usize(at.saturating_sub(sealed))..to_usize(end.saturating_sub(sealed));
            let missing = LedgerError::MissingNode {
                level: level.saturating_mul(8),
                index: at,
            };
            let part = tail.and_then(|tail| tail.get(range)).ok_or(missing)?;
            out.extend_from_slice(part);
        }
        Ok(out)
    }

    /// A tile whose hashes are sealed, as far as they are.
    fn sealed_tile(&self, level: u8, index: u64) -> Result<Arc<Vec<Hash>>, Error> {
        let key = (level, index);
        let cached = || self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        let first = index.saturating_mul(TILE_WIDTH);
        let sealed = upper::count(level, self.packs.end());
        let width = sealed.saturating_sub(first).min(TILE_WIDTH);
        if let Some(tile) = cached().get(&key)
            && tile.len() as u64 == width
        {
            return Ok(Arc::clone(tile));
        }
        let tile = match level {
            0 => self.pack(first)?.tile(index)?,
            _ => upper::read(&*self.reader.disk, &self.reader.dir, level, first, width)?,
        };
        let tile = Arc::new(tile);
        let mut cached = cached();
        if cached.len() >= MAX_CACHED {
            cached.clear();
        }
        cached.insert(key, Arc::clone(&tile));
        Ok(tile)
    }

    /// The pack that has an entry below the packs' end.
    fn pack(&self, index: u64) -> Result<Pack, Error> {
        let reader = &self.reader;
        let pruned = |minimum| Error::Pruned {
            sequence: Sequence(index),
            minimum,
        };
        let span = self.packs.holding(index);
        let span = span.ok_or_else(|| pruned(self.packs.minimum()))?;
        match Pack::open(&*reader.disk, &reader.dir, span, &reader.log_id) {
            Err(Error::Missing { path }) => {
                // It may have been pruned since this grew.
                let packs = Packs::list(&*reader.disk, &reader.dir)?;
                match index < packs.minimum() {
                    true => Err(pruned(packs.minimum())),
                    false => Err(Error::Missing { path }),
                }
            }
            other => other,
        }
    }

    /// The first `width` entries (1 to 256) of entry bundle `index`, each behind its
    /// length as a big-endian `u16`.
    ///
    /// # Errors
    /// As [`Tiles::tile`], and [`Error::NoSuchEntry`] if one is not covered.
    pub fn bundle(&self, index: u64, width: u64) -> Result<Vec<u8>, Error> {
        let first = index.saturating_mul(TILE_WIDTH);
        let width = width.min(TILE_WIDTH);
        let end = first.saturating_add(width);
        let none = |sequence| Error::NoSuchEntry {
            sequence: Sequence(sequence),
            entries: self.size,
        };
        if end > self.size {
            return Err(none(self.size.max(first)));
        }
        if width == TILE_WIDTH && end <= self.packs.end() {
            let mut out = Vec::new();
            Unpacker::new()?.bundle(&self.pack(first)?, index, &mut out)?;
            return Ok(out);
        }
        let mut out = Vec::new();
        let mut entries = self.reader.entries(Sequence(first));
        for sequence in first..end {
            let record = entries.next()?.ok_or_else(|| none(sequence))?;
            let length = u16::try_from(record.leaf.len())
                .map_err(|_| Error::Ledger(LedgerError::BadEntry("longer than 65,535 bytes")))?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&record.leaf);
        }
        Ok(out)
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
