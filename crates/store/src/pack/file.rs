//! Reading packs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::merkle::Hash;
use zstd::bulk::Decompressor;

use super::header::{Block, Content, Frame, hashes_at};
use super::{BUNDLE, OpenIntents, Span};
use crate::Error;
use crate::disk::{Disk, File, Mode};

/// Most bytes of a bundle: 256 of the longest leaves, each behind its length.
const MAX_BUNDLE_BYTES: usize = (BUNDLE as usize) * (2 + ledger::entry::MAX_LEAF_BYTES);

/// Bytes of a length and a CRC-32C in the table of a block of disclosures.
const PLACE_BYTES: usize = 8;
/// Bytes of that table.
pub(super) const TABLE_BYTES: usize = (BUNDLE as usize) * PLACE_BYTES;

struct PackFile {
    file: Arc<dyn File>,
    path: PathBuf,
    frame: Frame,
}

impl PackFile {
    fn open(
        disk: &dyn Disk,
        path: PathBuf,
        content: Content,
        span: Span,
        log: &[u8; 16],
    ) -> Result<PackFile, Error> {
        let file = match disk.open(&path, Mode::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::Missing { path });
            }
            Err(error) => return Err(Error::io("open", &path)(error)),
        };
        let frame = Frame::read(&*file, &path, content, span, log)?;
        Ok(PackFile { file, path, frame })
    }

    fn damaged(&self, offset: u64, reason: &'static str) -> Error {
        Error::Damaged {
            path: self.path.clone(),
            offset,
            reason,
        }
    }

    /// The block of bundle `index` of the log.
    fn block(&self, index: u64) -> Result<&Block, Error> {
        let first = self.frame.span.first / BUNDLE;
        let at = index
            .checked_sub(first)
            .and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.frame.blocks.get(at))
            .ok_or_else(|| self.damaged(0, "the bundle is not in this pack"))
    }

    fn read(&self, offset: u64, length: usize, into: &mut Vec<u8>) -> Result<(), Error> {
        into.resize(length, 0);
        let read = self
            .file
            .read_at(offset, into)
            .map_err(Error::io("read", &self.path))?;
        if read == length {
            return Ok(());
        }
        Err(self.damaged(offset.saturating_add(read as u64), "the pack is cut short"))
    }

    fn read_block(&self, block: &Block, into: &mut Vec<u8>) -> Result<(), Error> {
        let length = usize::try_from(block.length).unwrap_or(usize::MAX);
        self.read(block.offset, length, into)?;
        if crc32c::crc32c(into) == block.crc {
            return Ok(());
        }
        Err(self.damaged(block.offset, "the checksum of a bundle is wrong"))
    }
}

/// The entries of a pack.
pub(crate) struct Pack {
    inner: PackFile,
}

impl Pack {
    /// Opens the pack of `span`; header and directory are checked.
    pub(crate) fn open(
        disk: &dyn Disk,
        dir: &Path,
        span: Span,
        log: &[u8; 16],
    ) -> Result<Pack, Error> {
        let inner = PackFile::open(disk, span.pack(dir), Content::Entries, span, log)?;
        Ok(Pack { inner })
    }

    pub(crate) fn span(&self) -> Span {
        self.inner.frame.span
    }

    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Where the block of bundle `index` begins.
    pub(crate) fn offset(&self, index: u64) -> u64 {
        self.inner.block(index).map_or(0, |block| block.offset)
    }

    fn hashes_at(&self, index: u64) -> u64 {
        let before = index.saturating_sub(self.span().first / BUNDLE);
        hashes_at(self.span()).saturating_add(before.saturating_mul(32 * BUNDLE))
    }

    /// The leaf hashes of bundle `index`: a full tile of level 0.
    pub(crate) fn tile(&self, index: u64) -> Result<Vec<Hash>, Error> {
        let block = self.inner.block(index)?;
        let mut bytes = Vec::new();
        let offset = self.hashes_at(index);
        self.inner.read(offset, 32 * BUNDLE as usize, &mut bytes)?;
        if crc32c::crc32c(&bytes) != block.hashes_crc {
            let reason = "the checksum of a tile of leaf hashes is wrong";
            return Err(self.inner.damaged(offset, reason));
        }
        let (hashes, _) = bytes.as_chunks::<32>();
        Ok(hashes.to_vec())
    }

    /// The allowed intents without outcome at the end of the pack.
    pub(crate) fn open_intents(&self) -> Result<OpenIntents, Error> {
        let frame = &self.inner.frame;
        let length = frame.length.saturating_sub(frame.blocks_end);
        let damaged = || {
            let reason = "the list of open intents is damaged";
            self.inner.damaged(frame.blocks_end, reason)
        };
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let mut bytes = Vec::new();
        self.inner.read(frame.blocks_end, length, &mut bytes)?;
        OpenIntents::decode(&bytes).ok_or_else(damaged)
    }
}

/// What decompressing needs, for use over and over.
pub(crate) struct Unpacker {
    zstd: Decompressor<'static>,
    block: Vec<u8>,
}

impl Unpacker {
    pub(crate) fn new() -> Result<Unpacker, Error> {
        let zstd = Decompressor::new().map_err(Error::Compression)?;
        Ok(Unpacker {
            zstd,
            block: Vec::new(),
        })
    }

    /// Reads bundle `index` of the log: the bytes of the C2SP entry bundle.
    pub(crate) fn bundle(
        &mut self,
        pack: &Pack,
        index: u64,
        into: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let block = pack.inner.block(index)?;
        pack.inner.read_block(block, &mut self.block)?;
        let damaged = |reason| pack.inner.damaged(block.offset, reason);
        let raw = usize::try_from(block.raw_length).unwrap_or(usize::MAX);
        if raw > MAX_BUNDLE_BYTES {
            return Err(damaged("a bundle longer than bundles can be"));
        }
        into.clear();
        into.reserve(raw);
        match self.zstd.decompress_to_buffer(&self.block, into) {
            Ok(length) if length == raw => Ok(()),
            Ok(_) => Err(damaged("a bundle does not have its length")),
            Err(_) => Err(damaged("a bundle cannot be decompressed")),
        }
    }
}

/// The entries in the bytes of a bundle; `None` for what is cut short.
pub(crate) fn leaves(mut bundle: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        if bundle.is_empty() {
            return None;
        }
        let taken = bundle.split_first_chunk::<2>().and_then(|(length, rest)| {
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        let Some((leaf, rest)) = taken else {
            bundle = &[];
            return Some(None);
        };
        bundle = rest;
        Some(Some(leaf))
    })
}

/// The sealed disclosures of a pack.
pub(crate) struct Disclosures {
    inner: PackFile,
}

impl Disclosures {
    /// Opens the disclosures of `span`; header and directory are checked.
    pub(crate) fn open(
        disk: &dyn Disk,
        dir: &Path,
        span: Span,
        log: &[u8; 16],
    ) -> Result<Disclosures, Error> {
        let path = span.disclosures(dir);
        let inner = PackFile::open(disk, path, Content::Disclosures, span, log)?;
        Ok(Disclosures { inner })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Where the sealed parts of bundle `index` lie.
    pub(crate) fn table(&self, index: u64) -> Result<Table, Error> {
        let frame = &self.inner.frame;
        let block = self.inner.block(index)?;
        let end = match self.inner.block(index.saturating_add(1)) {
            Ok(next) => next.offset,
            Err(_) => frame.blocks_end,
        };
        let mut bytes = Vec::new();
        self.inner.read_block(block, &mut bytes)?;
        let (places, _) = bytes.as_chunks::<PLACE_BYTES>();
        let begin = block.offset.saturating_add(u64::from(block.length));
        let mut at = begin;
        let places: Vec<Place> = places
            .iter()
            .map(|place| {
                let [a, b, c, d, e, f, g, h] = *place;
                let length = u32::from_le_bytes([a, b, c, d]);
                let offset = at;
                at = at.saturating_add(u64::from(length));
                Place {
                    offset,
                    length,
                    crc: u32::from_le_bytes([e, f, g, h]),
                }
            })
            .collect();
        if places.len() as u64 != BUNDLE || at != end {
            let reason = "a table of disclosures does not fit its file";
            return Err(self.inner.damaged(block.offset, reason));
        }
        Ok(Table { begin, end, places })
    }

    /// The sealed part at one place.
    pub(crate) fn sealed(&self, place: &Place) -> Result<Vec<u8>, Error> {
        let length = usize::try_from(place.length).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        self.inner.read(place.offset, length, &mut bytes)?;
        if crc32c::crc32c(&bytes) == place.crc {
            return Ok(bytes);
        }
        Err(self.inner.damaged(place.offset, WRONG_CHECKSUM))
    }

    /// The sealed part at one place, of what [`Disclosures::all`] read.
    pub(crate) fn part(
        &self,
        table: Option<&Table>,
        place: &Place,
        all: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let part = table.and_then(|table| table.part(place, all));
        match part {
            Some(bytes) if place.is(bytes) => Ok(bytes.to_vec()),
            Some(_) | None => Err(self.inner.damaged(place.offset, WRONG_CHECKSUM)),
        }
    }

    /// All sealed parts of a bundle, one after another, unchecked.
    pub(crate) fn all(&self, table: &Table, into: &mut Vec<u8>) -> Result<(), Error> {
        let length = table.end.saturating_sub(table.begin);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.inner.read(table.begin, length, into)
    }
}

pub(crate) const WRONG_CHECKSUM: &str = "the checksum of a disclosure is wrong";

/// Where the sealed parts of a bundle's entries lie.
pub(crate) struct Table {
    begin: u64,
    end: u64,
    pub(crate) places: Vec<Place>,
}

impl Table {
    /// The bytes at a place, out of those of all places.
    pub(crate) fn part<'a>(&self, place: &Place, all: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(place.offset.checked_sub(self.begin)?).ok()?;
        let length = usize::try_from(place.length).ok()?;
        all.get(start..start.checked_add(length)?)
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.end.saturating_sub(self.begin)
    }
}

/// Where the sealed part of an entry lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) length: u32,
    crc: u32,
}

impl Place {
    /// Whether these are its bytes.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        crc32c::crc32c(bytes) == self.crc
    }
}
