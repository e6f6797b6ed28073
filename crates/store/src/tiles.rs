//! A ledger in the units of C2SP tlog-tiles: hash tiles and entry bundles of 256.
//!
//! What is served, exported and proved is read through [`Tiles`], wherever it lies.

use ledger::merkle::{Hash, Tree, leaf_hash};
use ledger::{Error as LedgerError, Sequence};

use crate::Error;
use crate::read::Reader;

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: u64 = 256;

/// The first entries of a ledger, as many as were asked for.
///
/// What it covers does not change while it grows: a tile or bundle once given in full
/// is the same for ever.
pub struct Tiles {
    reader: Reader,
    tree: Tree,
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
            tree: Tree::new(),
        };
        tiles.grow(size)?;
        Ok(tiles)
    }

    /// Covers the first `size` entries, if it did not before.
    ///
    /// # Errors
    /// [`Error::NoSuchEntry`] if the ledger has fewer; as [`crate::read::Entries::next`].
    pub fn grow(&mut self, size: u64) -> Result<(), Error> {
        let mut entries = self.reader.entries(Sequence(self.size()));
        while self.tree.size() < size {
            let Some(record) = entries.next()? else {
                return Err(Error::NoSuchEntry {
                    sequence: Sequence(size.saturating_sub(1)),
                    entries: self.tree.size(),
                });
            };
            self.tree.push(leaf_hash(&record.leaf));
        }
        Ok(())
    }

    /// Number of entries covered.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// The ledger behind it.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The minimum index (tlog-tiles, "Pruning"): entries below it are no longer kept.
    /// A multiple of [`TILE_WIDTH`].
    #[must_use]
    pub fn minimum(&self) -> u64 {
        0
    }

    /// The first `width` hashes (1 to 256) of tile `index` at tile level `level`. At
    /// level 0 they are leaf hashes; above, each is the root of a full tile below.
    ///
    /// # Errors
    /// [`Error::Ledger`] with [`LedgerError::MissingNode`] if one is not covered;
    /// [`Error::Pruned`]; [`Error::Io`], [`Error::Damaged`].
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

    fn hashes(&self, level: u8, first: u64, count: u64) -> Result<Vec<Hash>, Error> {
        let level = level.saturating_mul(8);
        let range = first..first.saturating_add(count);
        range
            .map(|index| {
                let missing = LedgerError::MissingNode { level, index };
                self.tree.node(level, index).ok_or(Error::Ledger(missing))
            })
            .collect()
    }

    /// A complete node of the tree, named as in [`ledger::merkle`]; for proofs.
    ///
    /// # Errors
    /// As [`Tiles::tile`].
    pub fn node(&self, level: u8, index: u64) -> Result<Hash, Error> {
        let missing = LedgerError::MissingNode { level, index };
        self.tree.node(level, index).ok_or(Error::Ledger(missing))
    }

    /// The first `width` entries (1 to 256) of entry bundle `index`, each behind its
    /// length as a big-endian `u16`.
    ///
    /// # Errors
    /// As [`Tiles::tile`], and [`Error::NoSuchEntry`] if one is not covered.
    pub fn bundle(&self, index: u64, width: u64) -> Result<Vec<u8>, Error> {
        let first = index.saturating_mul(TILE_WIDTH);
        let end = first.saturating_add(width.min(TILE_WIDTH));
        let mut out = Vec::new();
        let mut entries = self.reader.entries(Sequence(first));
        for sequence in first..end {
            let none = || Error::NoSuchEntry {
                sequence: Sequence(sequence),
                entries: self.size(),
            };
            if sequence >= self.size() {
                return Err(none());
            }
            let record = entries.next()?.ok_or_else(none)?;
            let length = u16::try_from(record.leaf.len())
                .map_err(|_| Error::Ledger(LedgerError::BadEntry("longer than 65,535 bytes")))?;
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&record.leaf);
        }
        Ok(out)
    }
}
