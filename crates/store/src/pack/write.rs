//! Writing packs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::merkle::{Hash, leaf_hash, subtree};
use zstd::bulk::{Compressor, Decompressor};

use super::file::TABLE_BYTES;
use super::header::{Block, Content, Frame, blocks_at, hashes_at};
use super::{BUNDLE, OpenIntents, Span, directory};
use crate::disk::{Disk, File, Mode};
use crate::{Error, files};

/// zstd's default level: a third smaller than level 1 for twice its time, and higher
/// ones gain little on bundles of this size.
const LEVEL: i32 = 3;

/// Most bytes of disclosures that wait to be written.
const CHUNK_BYTES: usize = 1 << 20;

/// One of the two files while it is written.
struct Part {
    file: Arc<dyn File>,
    temporary: PathBuf,
    path: PathBuf,
    frame: Frame,
    content: Content,
    /// Where the next block goes.
    end: u64,
}

impl Part {
    fn create(
        disk: &dyn Disk,
        path: PathBuf,
        content: Content,
        span: Span,
        log: [u8; 16],
    ) -> Result<Part, Error> {
        let temporary = path.with_added_extension("tmp");
        files::remove_if_there(disk, &temporary)?;
        let file = disk
            .open(&temporary, Mode::Create)
            .map_err(Error::io("create", &temporary))?;
        Ok(Part {
            file,
            temporary,
            path,
            frame: Frame {
                log,
                span,
                length: 0,
                blocks_end: 0,
                blocks: Vec::new(),
            },
            content,
            end: blocks_at(content, span),
        })
    }

    fn write(&self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.write_at(at, bytes);
        written.map_err(Error::io("write", &self.temporary))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.write(self.end, bytes)?;
        self.end = self.end.saturating_add(bytes.len() as u64);
        Ok(())
    }

    /// Writes what belongs at the beginning, and makes the file durable under its
    /// temporary name.
    fn finish(&mut self, blocks_end: u64) -> Result<(), Error> {
        self.frame.blocks_end = blocks_end;
        self.frame.length = self.end;
        self.write(0, &self.frame.encode(self.content))?;
        self.file.sync().map_err(Error::io("sync", &self.temporary))
    }

    fn rename(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let folder = directory(dir);
        disk.rename(&self.temporary, &self.path)
            .map_err(Error::io("rename", &self.temporary))?;
        disk.sync_dir(&folder).map_err(Error::io("sync", &folder))
    }
}

/// A pack that is being written.
pub(crate) struct Writer {
    pack: Part,
    disclosures: Part,
    zstd: Compressor<'static>,
    /// What was compressed is decompressed and compared: this is the only copy soon.
    check: Decompressor<'static>,
    bundle: Vec<u8>,
    hashes: Vec<Hash>,
    /// Lengths and CRCs of the bundle's sealed parts.
    table: Vec<u8>,
    /// Where that table goes.
    table_at: u64,
    sealed: Vec<u8>,
    roots: Vec<Hash>,
}

impl Writer {
    pub(crate) fn create(
        disk: &dyn Disk,
        dir: &Path,
        span: Span,
        log: [u8; 16],
    ) -> Result<Writer, Error> {
        let pack = Part::create(disk, span.pack(dir), Content::Entries, span, log)?;
        let path = span.disclosures(dir);
        let disclosures = Part::create(disk, path, Content::Disclosures, span, log)?;
        let mut writer = Writer {
            pack,
            disclosures,
            zstd: Compressor::new(LEVEL).map_err(Error::Compression)?,
            check: Decompressor::new().map_err(Error::Compression)?,
            bundle: Vec::new(),
            hashes: Vec::new(),
            table: Vec::new(),
            table_at: 0,
            sealed: Vec::new(),
            roots: Vec::new(),
        };
        writer.begin_table();
        Ok(writer)
    }

    fn begin_table(&mut self) {
        self.table.clear();
        self.table_at = self.disclosures.end;
        self.disclosures.end = self.table_at.saturating_add(TABLE_BYTES as u64);
    }

    /// Adds the next entry; when it completes a bundle, gives that bundle's root.
    pub(crate) fn push(&mut self, leaf: &[u8], sealed: &[u8]) -> Result<Option<Hash>, Error> {
        let too_long = || Error::Ledger(ledger::Error::BadEntry("longer than 65,535 bytes"));
        let length = u16::try_from(leaf.len()).map_err(|_| too_long())?;
        self.bundle.extend_from_slice(&length.to_be_bytes());
        self.bundle.extend_from_slice(leaf);
        self.hashes.push(leaf_hash(leaf));
        let length = u32::try_from(sealed.len()).map_err(|_| too_long())?;
        let crc = crc32c::crc32c(sealed);
        self.table.extend_from_slice(&length.to_le_bytes());
        self.table.extend_from_slice(&crc.to_le_bytes());
        self.sealed.extend_from_slice(sealed);
        if self.sealed.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        if (self.hashes.len() as u64) < BUNDLE {
            return Ok(None);
        }
        self.finish_bundle().map(Some)
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.disclosures.append(&self.sealed)?;
        self.sealed.clear();
        Ok(())
    }

    fn finish_bundle(&mut self) -> Result<Hash, Error> {
        let failed = |reason: &str| Error::Compression(std::io::Error::other(reason.to_owned()));
        let block = self
            .zstd
            .compress(&self.bundle)
            .map_err(Error::Compression)?;
        let again = self.check.decompress(&block, self.bundle.len());
        if again.map_err(Error::Compression)? != self.bundle {
            return Err(failed("a bundle is not what it was after decompression"));
        }
        let number = |length: usize| u32::try_from(length).map_err(|_| failed("a block too long"));
        let hashes = self.hashes.as_flattened();
        let done = self.pack.frame.blocks.len() as u64;
        let hashes_at = hashes_at(self.pack.frame.span)
            .saturating_add(done.saturating_mul(hashes.len() as u64));
        let root = subtree(&self.hashes).ok_or_else(|| failed("a bundle is not full"))?;
        self.pack.write(hashes_at, hashes)?;
        self.pack.frame.blocks.push(Block {
            offset: self.pack.end,
            length: number(block.len())?,
            raw_length: number(self.bundle.len())?,
            crc: crc32c::crc32c(&block),
            hashes_crc: crc32c::crc32c(hashes),
        });
        self.pack.append(&block)?;
        self.flush()?;
        self.disclosures.write(self.table_at, &self.table)?;
        self.disclosures.frame.blocks.push(Block {
            offset: self.table_at,
            length: TABLE_BYTES as u32,
            raw_length: TABLE_BYTES as u32,
            crc: crc32c::crc32c(&self.table),
            hashes_crc: 0,
        });
        let last = done.saturating_add(1) == self.pack.frame.span.bundles();
        if !last {
            self.begin_table();
        }
        self.bundle.clear();
        self.hashes.clear();
        self.roots.push(root);
        Ok(root)
    }

    /// Roots of the bundles so far.
    pub(crate) fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Makes both files durable, and gives the disclosures their name.
    pub(crate) fn finish(
        mut self,
        disk: &dyn Disk,
        dir: &Path,
        open: &OpenIntents,
    ) -> Result<Finished, Error> {
        let full = self.roots.len() as u64 == self.pack.frame.span.bundles();
        let failed = || Error::Compression(std::io::Error::other("the pack is not full"));
        let open = open.encode().filter(|_| full).ok_or_else(failed)?;
        let blocks_end = self.pack.end;
        self.pack.append(&open)?;
        self.pack.finish(blocks_end)?;
        let disclosures_end = self.disclosures.end;
        self.disclosures.finish(disclosures_end)?;
        self.disclosures.rename(disk, dir)?;
        Ok(Finished { pack: self.pack })
    }

    /// Removes what was written.
    pub(crate) fn abandon(self, disk: &dyn Disk) {
        let _ = disk.remove(&self.pack.temporary);
        let _ = disk.remove(&self.disclosures.temporary);
    }
}

/// A pack that only lacks its name.
pub(crate) struct Finished {
    pack: Part,
}

impl Finished {
    /// Gives it its name, durably: from here on it counts.
    pub(crate) fn publish(self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        self.pack.rename(disk, dir)
    }
}
