//! The frame that both files of a pack have.

use std::path::Path;

use super::{BUNDLE, Span};
use crate::Error;
use crate::disk::File;

pub(super) const HEADER_BYTES: usize = 64;
pub(super) const RECORD_BYTES: usize = 24;

/// Which of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Entries,
    Disclosures,
}

impl Content {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Content::Entries => b"weirpak1",
            Content::Disclosures => b"weirdis1",
        }
    }

    /// Bytes between directory and blocks, for each bundle.
    pub(super) fn hash_bytes(self) -> u64 {
        match self {
            Content::Entries => 32 * BUNDLE,
            Content::Disclosures => 0,
        }
    }
}

/// Where the blocks of a pack begin.
pub(super) fn blocks_at(content: Content, span: Span) -> u64 {
    hashes_at(span).saturating_add(span.bundles().saturating_mul(content.hash_bytes()))
}

/// Where the directory ends.
pub(super) fn hashes_at(span: Span) -> u64 {
    let directory = span.bundles().saturating_mul(RECORD_BYTES as u64);
    directory.saturating_add(HEADER_BYTES as u64)
}

/// One record of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) raw_length: u32,
    pub(super) crc: u32,
    pub(super) hashes_crc: u32,
}

/// Header and directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) log: [u8; 16],
    pub(super) span: Span,
    pub(super) length: u64,
    pub(super) blocks_end: u64,
    pub(super) blocks: Vec<Block>,
}

impl Frame {
    pub(super) fn encode(&self, content: Content) -> Vec<u8> {
        let mut directory = Vec::with_capacity(self.blocks.len().saturating_mul(RECORD_BYTES));
        for block in &self.blocks {
            directory.extend_from_slice(&block.offset.to_le_bytes());
            for number in [block.length, block.raw_length, block.crc, block.hashes_crc] {
                directory.extend_from_slice(&number.to_le_bytes());
            }
        }
        let mut out = Vec::with_capacity(HEADER_BYTES.saturating_add(directory.len()));
        out.extend_from_slice(content.magic());
        out.extend_from_slice(&self.log);
        for number in [self.span.first, self.span.end, self.length, self.blocks_end] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&crc32c::crc32c(&directory).to_le_bytes());
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out.extend_from_slice(&directory);
        out
    }

    /// Reads and checks header and directory of the file that `span` names.
    pub(super) fn read(
        file: &dyn File,
        path: &Path,
        content: Content,
        span: Span,
        log: &[u8; 16],
    ) -> Result<Frame, Error> {
        let damaged = |offset: u64, reason| Error::Damaged {
            path: path.to_owned(),
            offset,
            reason,
        };
        let io = |error| Error::io("read", path)(error);
        let length = file.length().map_err(io)?;
        let head = usize::try_from(hashes_at(span)).unwrap_or(usize::MAX);
        if length < head as u64 {
            return Err(damaged(length, "the pack is cut short"));
        }
        let mut bytes = vec![0; head];
        let read = file.read_at(0, &mut bytes).map_err(io)?;
        let (Some((header, directory)), true) =
            (bytes.split_first_chunk::<HEADER_BYTES>(), read == head)
        else {
            return Err(damaged(read as u64, "the pack is cut short"));
        };
        let frame = Frame::decode(header, content, directory)
            .map_err(|(offset, reason)| damaged(offset, reason))?;
        if frame.log != *log {
            return Err(damaged(8, "it is a pack of another log"));
        }
        if frame.span != span {
            return Err(damaged(
                24,
                "the pack holds other entries than its name says",
            ));
        }
        if frame.length != length {
            let at = length.min(frame.length);
            return Err(damaged(at, "the pack does not have its length"));
        }
        frame
            .check_places(content)
            .map_err(|reason| damaged(HEADER_BYTES as u64, reason))?;
        Ok(frame)
    }

    fn decode(
        header: &[u8; HEADER_BYTES],
        content: Content,
        directory: &[u8],
    ) -> Result<Frame, (u64, &'static str)> {
        let unknown = (0, "it is not a pack of a form we know");
        let (checked, crc) = header.split_last_chunk::<4>().ok_or(unknown)?;
        if crc32c::crc32c(checked) != u32::from_le_bytes(*crc) {
            return Err((60, "the checksum of the pack's header is wrong"));
        }
        let rest = checked.strip_prefix(content.magic()).ok_or(unknown)?;
        let (log, rest) = rest.split_first_chunk().ok_or(unknown)?;
        let (first, rest) = long(rest).ok_or(unknown)?;
        let (end, rest) = long(rest).ok_or(unknown)?;
        let (length, rest) = long(rest).ok_or(unknown)?;
        let (blocks_end, rest) = long(rest).ok_or(unknown)?;
        let (directory_crc, _) = short(rest).ok_or(unknown)?;
        if crc32c::crc32c(directory) != directory_crc {
            return Err((
                HEADER_BYTES as u64,
                "the checksum of the pack's directory is wrong",
            ));
        }
        let (records, _) = directory.as_chunks::<RECORD_BYTES>();
        let blocks = records.iter().filter_map(block).collect();
        Ok(Frame {
            log: *log,
            span: Span { first, end },
            length,
            blocks_end,
            blocks,
        })
    }

    /// Blocks follow each other; between two of disclosures lies what they are about.
    fn check_places(&self, content: Content) -> Result<(), &'static str> {
        let wrong = "the pack's directory does not fit its file";
        let mut at = blocks_at(content, self.span);
        for block in &self.blocks {
            let follows = match content {
                Content::Entries => block.offset == at,
                Content::Disclosures => block.offset >= at,
            };
            if !follows {
                return Err(wrong);
            }
            at = block.offset.saturating_add(u64::from(block.length));
        }
        let ends = match content {
            Content::Entries => at == self.blocks_end && self.blocks_end <= self.length,
            Content::Disclosures => at <= self.blocks_end && self.blocks_end == self.length,
        };
        if ends { Ok(()) } else { Err(wrong) }
    }
}

fn block(record: &[u8; RECORD_BYTES]) -> Option<Block> {
    let (offset, rest) = long(record)?;
    let (length, rest) = short(rest)?;
    let (raw_length, rest) = short(rest)?;
    let (crc, rest) = short(rest)?;
    let (hashes_crc, _) = short(rest)?;
    Some(Block {
        offset,
        length,
        raw_length,
        crc,
        hashes_crc,
    })
}

/// Takes a `u64`.
pub(super) fn long(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

/// Takes a `u32`.
pub(super) fn short(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}
