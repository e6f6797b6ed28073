//! Files of the write-ahead log.
//!
//! A segment begins with a header of 64 bytes and then holds [`crate::frame`]s
//! without gaps:
//!
//! ```text
//! 0   8 bytes  "weirwal1"
//! 8   u64      epoch: times the log was opened or continued after a fault
//! 16  u64      sequence of its first frame
//! 24  16 bytes log id
//! 40  20 bytes zero
//! 60  u32      CRC-32C of the bytes before
//! ```
//!
//! Segments are numbered in the order they were made. A segment may begin *below* the
//! end of the one before it: it then replaces everything from its first sequence on.
//! Such a segment is written whole under a temporary name, synced and renamed, so it
//! is never seen half. A file of zeros is a segment made ahead and not yet used.

use std::path::{Path, PathBuf};

use ledger::Sequence;

use crate::Error;
use crate::disk::{Disk, Mode};

/// Bytes before the first frame.
pub(crate) const HEADER_BYTES: usize = 64;
const MAGIC: &[u8; 8] = b"weirwal1";

/// What a segment says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) epoch: u64,
    pub(crate) first: Sequence,
    pub(crate) log: [u8; 16],
}

impl Header {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.first.0.to_le_bytes());
        out.extend_from_slice(&self.log);
        out.resize(HEADER_BYTES - 4, 0);
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Header, &'static str> {
        let (content, crc) = bytes.split_last_chunk::<4>().ok_or("too short")?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*crc) {
            return Err("the checksum of the segment's header is wrong");
        }
        let unknown = "a segment of an unknown form";
        let rest = content.strip_prefix(MAGIC).ok_or(unknown)?;
        let (epoch, rest) = rest.split_first_chunk().ok_or(unknown)?;
        let (first, rest) = rest.split_first_chunk().ok_or(unknown)?;
        let (log, rest) = rest.split_first_chunk().ok_or(unknown)?;
        if rest.iter().any(|byte| *byte != 0) {
            return Err(unknown);
        }
        Ok(Header {
            epoch: u64::from_le_bytes(*epoch),
            first: Sequence(u64::from_le_bytes(*first)),
            log: *log,
        })
    }
}

/// Where the segments are.
pub(crate) fn directory(dir: &Path) -> PathBuf {
    dir.join("wal")
}

/// Name of a segment.
pub(crate) fn path(dir: &Path, ordinal: u64) -> PathBuf {
    directory(dir).join(format!("{ordinal:016}.wal"))
}

/// Name of a segment that is being written.
pub(crate) fn temporary(dir: &Path, ordinal: u64) -> PathBuf {
    directory(dir).join(format!("{ordinal:016}.tmp"))
}

/// Name of the disk reserve.
pub(crate) fn reserve(dir: &Path) -> PathBuf {
    directory(dir).join("reserve")
}

/// A segment that is in use.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) ordinal: u64,
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    /// Where a later segment takes over.
    pub(crate) until: Option<Sequence>,
}

/// What is in the directory of segments.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// In order; the ones a later segment replaces whole are `replaced`.
    pub(crate) segments: Vec<Segment>,
    /// Those a later segment replaces whole.
    pub(crate) replaced: Vec<PathBuf>,
    /// Segments made ahead, and temporary files.
    pub(crate) unused: Vec<PathBuf>,
    /// Segments whose header cannot be read, with the reason.
    pub(crate) broken: Vec<(PathBuf, &'static str)>,
    /// First free number.
    pub(crate) next_ordinal: u64,
}

/// Reads the headers of all segments of the log with this id.
pub(crate) fn layout(disk: &dyn Disk, dir: &Path, log: &[u8; 16]) -> Result<Layout, Error> {
    let wal = directory(dir);
    let mut names = disk.list(&wal).map_err(Error::io("list", &wal))?;
    names.sort_unstable();
    let mut out = Layout::default();
    for name in names {
        let path = wal.join(&name);
        if name.ends_with(".tmp") {
            out.unused.push(path);
            continue;
        }
        let Some(ordinal) = name
            .strip_suffix(".wal")
            .and_then(|number| number.parse().ok())
        else {
            continue;
        };
        out.next_ordinal = u64::saturating_add(ordinal, 1);
        let Some(header) = header(disk, &path)? else {
            continue;
        };
        match header {
            Ok(None) => out.unused.push(path),
            Ok(Some(header)) if header.log != *log => {
                out.broken.push((path, "a segment of another log"));
            }
            Ok(Some(header)) => {
                out.segments.push(Segment {
                    ordinal,
                    path,
                    header,
                    until: None,
                });
            }
            Err(reason) => out.broken.push((path, reason)),
        }
    }
    // From the back: a segment ends where any later one begins.
    let mut until: Option<Sequence> = None;
    for segment in out.segments.iter_mut().rev() {
        segment.until = until;
        until = Some(until.map_or(segment.header.first, |until| {
            until.min(segment.header.first)
        }));
    }
    let replaced = |segment: &Segment| segment.until.is_some_and(|u| u <= segment.header.first);
    out.replaced = out
        .segments
        .iter()
        .filter(|one| replaced(one))
        .map(|one| one.path.clone())
        .collect();
    out.segments.retain(|segment| !replaced(segment));
    Ok(out)
}

type ReadHeader = Result<Option<Header>, &'static str>;

/// The header of a segment, if the file is there.
fn header(disk: &dyn Disk, path: &Path) -> Result<Option<ReadHeader>, Error> {
    let file = match disk.open(path, Mode::Read) {
        // It was sealed since the directory was read, and counts no more.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(Error::io("open", path))?,
    };
    let mut bytes = [0; HEADER_BYTES];
    file.read_at(0, &mut bytes)
        .map_err(Error::io("read", path))?;
    // A file shorter than a header reads as zeros after its end.
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(Some(Ok(None)));
    }
    Ok(Some(Header::decode(&bytes).map(Some)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_written_and_no_flipped_bit_passes() {
        let header = Header {
            epoch: 3,
            first: Sequence(9),
            log: [7; 16],
        };
        let bytes: [u8; HEADER_BYTES] = header.encode().try_into().unwrap();
        assert_eq!(Header::decode(&bytes), Ok(header));
        for position in 0..HEADER_BYTES {
            for bit in 0..8 {
                let mut bytes = bytes;
                bytes[position] ^= 1 << bit;
                assert!(Header::decode(&bytes).is_err());
            }
        }
    }
}
