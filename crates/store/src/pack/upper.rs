//! Hashes of C2SP tile levels 1 and up, one file for each level.
//!
//! `tiles/1` holds the root of every sealed bundle, `tiles/2` the root of every 256 of
//! those, and so on: 32 bytes each, so that tile `n` of a level begins at byte
//! `8192·n`. They are kept when packs are pruned, so that proofs from the minimum index
//! on can still be made. What stands behind the end of the newest pack does not count:
//! it is written again when the next pack is sealed.

use std::path::{Path, PathBuf};

use ledger::merkle::{Frontier, Hash};

use super::BUNDLE;
use crate::Error;
use crate::disk::{Disk, Mode};

/// Highest tile level: 2⁶⁴ entries have no tile above.
pub(crate) const LEVELS: u8 = 7;

/// Where the files are.
pub(crate) fn directory(dir: &Path) -> PathBuf {
    dir.join("tiles")
}

pub(crate) fn path(dir: &Path, level: u8) -> PathBuf {
    directory(dir).join(level.to_string())
}

/// How many hashes of a level there are when `size` entries are sealed.
pub(crate) fn count(level: u8, size: u64) -> u64 {
    size.checked_shr(8 * u32::from(level)).unwrap_or(0)
}

/// Reads `count` hashes of a level from `first` on.
pub(crate) fn read(
    disk: &dyn Disk,
    dir: &Path,
    level: u8,
    first: u64,
    count: u64,
) -> Result<Vec<Hash>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let path = path(dir, level);
    let file = match disk.open(&path, Mode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::Missing { path });
        }
        Err(error) => return Err(Error::io("open", &path)(error)),
    };
    let length = usize::try_from(count.saturating_mul(32)).unwrap_or(usize::MAX);
    let offset = first.saturating_mul(32);
    let here = file.length().map_err(Error::io("read", &path))?;
    let cut = |read: u64| Error::Damaged {
        path: path.clone(),
        offset: read,
        reason: "hashes are missing at its end",
    };
    if here < offset.saturating_add(length as u64) {
        return Err(cut(here));
    }
    let mut bytes = vec![0; length];
    let read = file
        .read_at(offset, &mut bytes)
        .map_err(Error::io("read", &path))?;
    if read < length {
        return Err(cut(offset.saturating_add(read as u64)));
    }
    let (hashes, _) = bytes.as_chunks::<32>();
    Ok(hashes.to_vec())
}

/// The tree of the first `size` entries, a multiple of 256; its leaves are bundles.
pub(crate) fn frontier(disk: &dyn Disk, dir: &Path, size: u64) -> Result<Frontier, Error> {
    let mut peaks = Vec::new();
    for level in (1..=LEVELS).rev() {
        let all = count(level, size);
        let last = all % BUNDLE;
        let mut part = Frontier::new();
        for hash in read(disk, dir, level, all.saturating_sub(last), last)? {
            part.push(hash);
        }
        peaks.extend_from_slice(part.peaks());
    }
    Frontier::of_peaks(size / BUNDLE, peaks).ok_or_else(|| Error::Damaged {
        path: directory(dir),
        offset: 0,
        reason: "its hashes are not those of a tree",
    })
}

/// Hashes that new bundles add to each level.
pub(crate) struct Addition {
    /// By level, from 1 on: where they go, and they.
    levels: Vec<(u64, Vec<Hash>)>,
    /// The tree with them.
    pub(crate) frontier: Frontier,
}

impl Addition {
    /// Adds bundles with these roots to the tree of bundles.
    pub(crate) fn new(mut frontier: Frontier, roots: &[Hash]) -> Addition {
        let size = frontier.size().saturating_mul(BUNDLE);
        let mut levels: Vec<(u64, Vec<Hash>)> = (1..=LEVELS)
            .map(|level| (count(level, size), Vec::new()))
            .collect();
        for root in roots {
            frontier.push_noting(*root, |height, node| {
                let level = height.is_multiple_of(8).then(|| usize::from(height / 8));
                if let Some((_, hashes)) = level.and_then(|level| levels.get_mut(level)) {
                    hashes.push(node);
                }
            });
        }
        Addition { levels, frontier }
    }

    /// What it adds to a level.
    pub(crate) fn hashes(&self, level: u8) -> &[Hash] {
        let level = self.levels.get(usize::from(level.saturating_sub(1)));
        level
            .map(|(_, hashes)| hashes.as_slice())
            .unwrap_or_default()
    }

    /// Writes the hashes and makes them durable.
    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        for (level, (first, hashes)) in (1..).zip(&self.levels) {
            if hashes.is_empty() {
                continue;
            }
            let path = path(dir, level);
            let file = match disk.open(&path, Mode::Write) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    disk.open(&path, Mode::Create)
                }
                other => other,
            };
            let file = file.map_err(Error::io("open", &path))?;
            file.write_at(first.saturating_mul(32), hashes.as_flattened())
                .map_err(Error::io("write", &path))?;
            file.sync().map_err(Error::io("sync", &path))?;
        }
        // Also for files that are there: who made them may have failed before this.
        let folder = directory(dir);
        disk.sync_dir(&folder).map_err(Error::io("sync", &folder))?;
        Ok(())
    }
}
