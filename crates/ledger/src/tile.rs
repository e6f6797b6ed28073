//! Tiles and entry bundles (C2SP tlog-tiles): paths and bytes.
//!
//! A tile is 256 consecutive hashes of one level of the tree, where level *l* of tiles
//! is level 8·*l* of [`crate::merkle`]; a bundle is 256 consecutive entries. The last
//! of each is partial. What stands under a path never changes.

use std::fmt;
use std::str::FromStr;

use crate::merkle::{Frontier, Hash};
use crate::{Error, checkpoint::decimal, entry::MAX_LEAF_BYTES};

/// Hashes of a full tile, and entries of a full bundle.
pub const WIDTH: u16 = 256;

/// Highest level a path may name.
const MAX_LEVEL: u8 = 63;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Entries, as they are hashed.
    Entries,
    /// Hashes of this level of tiles; level 0 are the leaf hashes.
    Hashes(u8),
}

/// A tile or bundle, full or partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    content: Content,
    index: u64,
    width: u16,
}

impl Content {
    /// How many hashes or entries there are in a tree of `size` entries.
    #[must_use]
    pub fn count(self, size: u64) -> u64 {
        size.checked_shr(self.shift()).unwrap_or(0)
    }

    /// One hash covers two to this power entries.
    fn shift(self) -> u32 {
        match self {
            Content::Entries => 0,
            Content::Hashes(level) => u32::from(level).saturating_mul(8),
        }
    }

    /// Everything a tree of `size` entries consists of: entries first, then hashes from
    /// the leaves up.
    pub fn of_tree(size: u64) -> impl Iterator<Item = Content> {
        let entries = (size > 0).then_some(Content::Entries);
        let hashes = (0..=MAX_LEVEL).map(Content::Hashes);
        let hashes = hashes.take_while(move |content| content.count(size) > 0);
        entries.into_iter().chain(hashes)
    }

    /// The tiles of this content of a tree of `size` entries, from the one at `index`
    /// on; only the last may be partial.
    pub fn tiles(self, index: u64, size: u64) -> impl Iterator<Item = Tile> {
        let end = self.count(size).div_ceil(u64::from(WIDTH));
        (index..end).filter_map(move |index| Tile::of_tree(self, index, size))
    }
}

impl Tile {
    /// The tile at `index`, of `width` hashes or entries.
    ///
    /// # Errors
    /// [`Error::BadTile`] if there cannot be such a tile.
    pub fn new(content: Content, index: u64, width: u16) -> Result<Tile, Error> {
        if !(1..=WIDTH).contains(&width) {
            return Err(Error::BadTile("its width is not between 1 and 256"));
        }
        if matches!(content, Content::Hashes(level) if level > MAX_LEVEL) {
            return Err(Error::BadTile("its level is not between 0 and 63"));
        }
        Ok(Tile {
            content,
            index,
            width,
        })
    }

    /// The tile at `index` as it is in a tree of `size` entries; `None` if it is empty.
    #[must_use]
    pub fn of_tree(content: Content, index: u64, size: u64) -> Option<Tile> {
        let first = index.checked_mul(u64::from(WIDTH))?;
        let left = content.count(size).checked_sub(first)?;
        let width = u16::try_from(left.min(u64::from(WIDTH))).ok()?;
        Tile::new(content, index, width).ok()
    }

    /// What it holds.
    #[must_use]
    pub fn content(&self) -> Content {
        self.content
    }

    /// Its place among the tiles of its content.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Whether it holds all it ever will.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.width == WIDTH
    }

    /// The full tile at its place.
    #[must_use]
    pub fn full(&self) -> Tile {
        Tile {
            width: WIDTH,
            ..*self
        }
    }

    /// Entries a tree has at least if it has this tile; `None` if there is no such tree.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        let count = self.index.checked_mul(u64::from(WIDTH))?;
        let count = count.checked_add(u64::from(self.width))?;
        let end = count.checked_shl(self.content.shift())?;
        (end >> self.content.shift() == count).then_some(end)
    }
}

/// The path, relative to the log's prefix: `tile/0/x001/x234/067.p/8`.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Entries => f.write_str("tile/entries")?,
            Content::Hashes(level) => write!(f, "tile/{level}")?,
        }
        let mut above = [0_u16; 7];
        let mut rest = self.index / 1000;
        let mut groups = 0;
        while rest > 0
            && let Some(group) = above.get_mut(groups)
        {
            *group = u16::try_from(rest % 1000).unwrap_or_default();
            rest /= 1000;
            groups = groups.saturating_add(1);
        }
        for group in above.iter().take(groups).rev() {
            write!(f, "/x{group:03}")?;
        }
        write!(f, "/{:03}", self.index % 1000)?;
        if !self.is_full() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for Tile {
    type Err = Error;

    /// Reads a path; only the one form that [`Tile`] prints is one.
    fn from_str(path: &str) -> Result<Tile, Error> {
        let bad = Error::BadTile("its path is not tile/LEVEL/INDEX[.p/WIDTH]");
        let (content, rest) = path
            .strip_prefix("tile/")
            .and_then(|rest| rest.split_once('/'))
            .ok_or(bad.clone())?;
        let content = match content {
            "entries" => Content::Entries,
            level => {
                let level = decimal(level).and_then(|level| u8::try_from(level).ok());
                Content::Hashes(level.ok_or(bad.clone())?)
            }
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, decimal(width).and_then(|w| u16::try_from(w).ok())),
            None => (rest, Some(WIDTH)),
        };
        let mut number = Some(0_u64);
        for group in index.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let three = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
            let digits = three.then(|| digits.parse::<u64>().ok()).flatten();
            number = number
                .and_then(|number| number.checked_mul(1000))
                .zip(digits)
                .and_then(|(number, digits)| number.checked_add(digits));
        }
        let (Some(index), Some(width)) = (number, width) else {
            return Err(bad);
        };
        let tile = Tile::new(content, index, width)?;
        // Leading zeros, a wrong `x`, or a partial tile of full width print otherwise.
        if tile.to_string() == path {
            Ok(tile)
        } else {
            Err(bad)
        }
    }
}

/// The bytes of a tile of hashes.
#[must_use]
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.concat()
}

/// Reads a tile of `width` hashes.
///
/// # Errors
/// [`Error::BadTile`] if it is not as long as that.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, Error> {
    let (hashes, rest) = bytes.as_chunks();
    if hashes.len() == usize::from(width) && rest.is_empty() {
        return Ok(hashes.to_vec());
    }
    Err(Error::BadTile("its length is not that of its hashes"))
}

/// Appends an entry to a bundle.
///
/// # Errors
/// [`Error::EntryTooLarge`].
pub fn encode_entry(entry: &[u8], bundle: &mut Vec<u8>) -> Result<(), Error> {
    let length = u16::try_from(entry.len()).map_err(|_| Error::EntryTooLarge {
        bytes: entry.len(),
        limit: MAX_LEAF_BYTES,
    })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Reads a bundle of `width` entries.
///
/// # Errors
/// [`Error::BadTile`] if it ends too early or too late.
pub fn decode_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, Error> {
    let short = Error::BadTile("it ends within an entry");
    let mut entries = Vec::with_capacity(usize::from(width));
    let mut rest = bytes;
    for _ in 0..width {
        let (length, behind) = rest.split_first_chunk().ok_or(short.clone())?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, behind) = behind.split_at_checked(length).ok_or(short.clone())?;
        entries.push(entry);
        rest = behind;
    }
    if rest.is_empty() {
        Ok(entries)
    } else {
        Err(Error::BadTile("something follows its last entry"))
    }
}

/// The hash that stands for a full tile in the level above: the root over its hashes.
#[must_use]
pub fn root(hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for hash in hashes {
        frontier.push(*hash);
    }
    frontier.root()
}

#[cfg(test)]
mod tests;
