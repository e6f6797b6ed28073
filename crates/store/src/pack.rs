//! Sealed packs: what became of full segments of the write-ahead log.
//!
//! ```text
//! packs/FIRST-END.pack          entries as compressed C2SP entry bundles, leaf hashes
//! packs/FIRST-END.disclosures   their disclosures, still sealed under subject keys
//! tiles/1, tiles/2, …           hashes of C2SP tile levels 1, 2, …, tile after tile
//! ```
//! `FIRST` and `END` (exclusive) are multiples of 256; packs follow each other without
//! gaps. A pack is written under a temporary name, synced and renamed, and never
//! changed. It counts from the moment its `.pack` has its name: disclosures and tiles
//! are durable before.
//!
//! Both files have the same frame. Integers are little-endian:
//!
//! ```text
//! 0   8 bytes  "weirpak1" or "weirdis1"
//! 8   16 bytes log id
//! 24  u64      FIRST
//! 32  u64      END
//! 40  u64      length of the file
//! 48  u64      where the blocks end
//! 56  u32      CRC-32C of the directory
//! 60  u32      CRC-32C of the bytes before
//! 64  directory, one record of 24 bytes for each bundle:
//!       u64 where its block begins, u32 length, u32 length when decompressed,
//!       u32 CRC-32C of the block, u32 CRC-32C of its leaf hashes
//! ```
//! In a `.pack` follow the leaf hashes, 32 bytes each; the blocks, each a zstd frame
//! that decompresses to the bytes of the C2SP entry bundle; and the allowed intents
//! that had no outcome at `END`: the last `log.open` before it (u64), their number
//! (u32), their sequences (u64 each), CRC-32C.
//!
//! In `.disclosures` a block is a table of 256 lengths and CRC-32Cs (u32 each); the
//! sealed disclosures follow it, entry after entry.

use std::path::{Path, PathBuf};

use ledger::entry::Head;
use ledger::{Entry, Kind, Sequence};

use crate::Error;
use crate::disk::Disk;

pub(crate) mod file;
mod header;
pub(crate) mod open_intents;
pub(crate) mod recover;
pub(crate) mod upper;
pub(crate) mod write;

pub(crate) use file::{Disclosures, Pack};
pub(crate) use open_intents::OpenIntents;

/// Entries of a bundle.
pub(crate) const BUNDLE: u64 = crate::tiles::TILE_WIDTH;

/// Most bundles of a pack: sixteen million entries.
pub(crate) const MAX_BUNDLES: u64 = 1 << 16;

/// Where the packs are.
pub(crate) fn directory(dir: &Path) -> PathBuf {
    dir.join("packs")
}

/// The kind of an entry, if its place is `sequence`.
pub(crate) fn kind_of(leaf: &[u8], sequence: Sequence) -> Option<Kind> {
    match Head::read(leaf) {
        Some(head) => (head.sequence == sequence).then_some(head.kind),
        None => Entry::parse(leaf)
            .ok()
            .filter(|entry| entry.sequence == sequence)
            .map(|entry| entry.kind),
    }
}

/// The entries of one pack: `first..end`, multiples of [`BUNDLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) first: u64,
    pub(crate) end: u64,
}

impl Span {
    pub(crate) fn contains(&self, index: u64) -> bool {
        (self.first..self.end).contains(&index)
    }

    /// Number of bundles.
    pub(crate) fn bundles(&self) -> u64 {
        self.end.saturating_sub(self.first) / BUNDLE
    }

    /// Path of the entries.
    pub(crate) fn pack(&self, dir: &Path) -> PathBuf {
        self.path(dir, "pack")
    }

    /// Path of the disclosures.
    pub(crate) fn disclosures(&self, dir: &Path) -> PathBuf {
        self.path(dir, "disclosures")
    }

    fn path(&self, dir: &Path, extension: &str) -> PathBuf {
        let (first, end) = (self.first, self.end);
        directory(dir).join(format!("{first:016}-{end:016}.{extension}"))
    }

    /// Reads the name of a file without its extension.
    fn parse(stem: &str) -> Option<Span> {
        let number = |text: &str| {
            let plain = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse::<u64>().ok()).flatten()
        };
        let (first, end) = stem.split_once('-')?;
        let span = Span {
            first: number(first)?,
            end: number(end)?,
        };
        let whole = span.first.is_multiple_of(BUNDLE) && span.end.is_multiple_of(BUNDLE);
        let sane = span.first < span.end && span.bundles() <= MAX_BUNDLES;
        (whole && sane).then_some(span)
    }
}

/// What is in the directory of packs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packs {
    /// In order of their entries.
    pub(crate) spans: Vec<Span>,
    /// Files that were not finished, and disclosures without their pack.
    pub(crate) unfinished: Vec<PathBuf>,
    /// Files named like packs that cannot be some.
    pub(crate) misnamed: Vec<PathBuf>,
}

impl Packs {
    /// Reads the names. A ledger without that directory has no packs.
    pub(crate) fn list(disk: &dyn Disk, dir: &Path) -> Result<Packs, Error> {
        let folder = directory(dir);
        let names = match disk.list(&folder) {
            Ok(names) => names,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io("list", &folder)(error)),
        };
        let mut packs = Packs::default();
        let mut disclosures = Vec::new();
        for name in names {
            let path = folder.join(&name);
            let Some((stem, extension)) = name.rsplit_once('.') else {
                continue;
            };
            match (extension, Span::parse(stem)) {
                ("tmp", _) => packs.unfinished.push(path),
                ("pack", Some(span)) => packs.spans.push(span),
                ("disclosures", Some(span)) => disclosures.push((span, path)),
                ("pack" | "disclosures", None) => packs.misnamed.push(path),
                _ => {}
            }
        }
        packs.spans.sort_unstable();
        for (span, path) in disclosures {
            if packs.spans.binary_search(&span).is_err() {
                packs.unfinished.push(path);
            }
        }
        packs.unfinished.sort_unstable();
        packs.misnamed.sort_unstable();
        Ok(packs)
    }

    /// Exclusive bound of what is sealed.
    pub(crate) fn end(&self) -> u64 {
        self.spans.last().map_or(0, |span| span.end)
    }

    /// The first entry from which on nothing is missing, or where the packs end.
    pub(crate) fn minimum(&self) -> u64 {
        let mut minimum = self.end();
        for span in self.spans.iter().rev() {
            if span.end != minimum {
                break;
            }
            minimum = span.first;
        }
        minimum
    }

    /// The pack that has an entry.
    pub(crate) fn holding(&self, index: u64) -> Option<Span> {
        let at = self.spans.partition_point(|span| span.end <= index);
        self.spans
            .get(at)
            .copied()
            .filter(|span| span.contains(index))
    }

    /// Packs in order, each with where the one before it ended.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (u64, Span)> {
        let ends = self.spans.iter().map(|span| span.end);
        let before = std::iter::once(0).chain(ends);
        before.zip(self.spans.iter().copied())
    }
}
