//! One entry in a segment.
//!
//! ```text
//! 0   u32  length of leaf and sealed part
//! 4   u32  CRC-32C of the length and of everything from byte 8
//! 8   u8   kind (ledger::Kind::code), three zero bytes
//! 12  u32  length of the leaf
//! 16  u64  sequence
//! 24  leaf, then sealed disclosures (ledger::seal)
//! ```
//! Integers are little-endian. A length of zero is the end of what was written: space
//! is preallocated as zeros. The CRC finds accidents; the tree finds intent.

use std::io::Write;

use ledger::{Kind, Sequence};

/// Bytes before the leaf.
pub(crate) const HEADER_BYTES: usize = 24;

/// Most bytes of a frame: a leaf and its sealed disclosures.
pub(crate) const MAX_FRAME_BYTES: usize = 32 << 20;

/// A frame that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: Kind,
    pub(crate) sequence: Sequence,
    pub(crate) leaf: &'a [u8],
    pub(crate) sealed: &'a [u8],
    /// The whole frame.
    pub(crate) raw: &'a [u8],
}

/// What stands at a place of a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// Nothing was written here.
    End,
    /// Something that is not a frame.
    Damaged(&'static str),
    /// The bytes given are fewer than [`needed`].
    More,
}

/// Begins a frame at the end of `out`; [`finish`] completes it.
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    start
}

/// Fills the header of the frame that began at `start` and whose leaf and sealed part
/// have been appended.
pub(crate) fn finish(
    out: &mut [u8],
    start: usize,
    kind: Kind,
    sequence: Sequence,
    leaf_bytes: usize,
) -> Option<()> {
    let frame = out.get_mut(start..)?;
    let length = u32::try_from(frame.len().checked_sub(HEADER_BYTES)?).ok()?;
    let mut header = frame.get_mut(..HEADER_BYTES)?;
    header.write_all(&length.to_le_bytes()).ok()?;
    header.write_all(&[0; 4]).ok()?;
    header.write_all(&[kind.code(), 0, 0, 0]).ok()?;
    header
        .write_all(&u32::try_from(leaf_bytes).ok()?.to_le_bytes())
        .ok()?;
    header.write_all(&sequence.0.to_le_bytes()).ok()?;
    let crc = checksum(frame)?;
    frame.get_mut(4..8)?.copy_from_slice(&crc.to_le_bytes());
    Some(())
}

fn checksum(frame: &[u8]) -> Option<u32> {
    Some(crc32c::crc32c_append(
        crc32c::crc32c(frame.get(..4)?),
        frame.get(8..)?,
    ))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Bytes that must be there before [`step`] can say what stands at the beginning.
pub(crate) fn needed(bytes: &[u8]) -> usize {
    match number(bytes, 0).and_then(|length| usize::try_from(length).ok()) {
        // A length that cannot be is judged by the header alone.
        Some(length) if length.saturating_add(HEADER_BYTES) <= MAX_FRAME_BYTES => {
            length.saturating_add(HEADER_BYTES)
        }
        Some(_) | None => HEADER_BYTES,
    }
}

/// Reads what stands at the beginning of `bytes`.
pub(crate) fn step(bytes: &[u8]) -> Step<'_> {
    try_step(bytes).unwrap_or(Step::More)
}

fn try_step(bytes: &[u8]) -> Option<Step<'_>> {
    let header = bytes.first_chunk::<HEADER_BYTES>()?;
    let length = usize::try_from(number(header, 0)?).ok()?;
    if length == 0 {
        let blank = header.iter().all(|byte| *byte == 0);
        return Some(if blank {
            Step::End
        } else {
            Step::Damaged("a frame without a length")
        });
    }
    let total = length.saturating_add(HEADER_BYTES);
    if total > MAX_FRAME_BYTES {
        return Some(Step::Damaged("a frame longer than frames can be"));
    }
    let Some(raw) = bytes.get(..total) else {
        return Some(Step::More);
    };
    if checksum(raw)? != number(header, 4)? {
        return Some(Step::Damaged("the checksum of a frame is wrong"));
    }
    let &[kind, 0, 0, 0] = header.get(8..12)? else {
        return Some(Step::Damaged("a frame of an unknown form"));
    };
    let Some(kind) = Kind::from_code(kind) else {
        return Some(Step::Damaged("a frame of an unknown kind"));
    };
    let leaf_bytes = usize::try_from(number(header, 12)?).ok()?;
    let sequence = u64::from_le_bytes(*header.get(16..)?.first_chunk()?);
    let Some((leaf, sealed)) = raw.get(HEADER_BYTES..)?.split_at_checked(leaf_bytes) else {
        return Some(Step::Damaged("a leaf longer than its frame"));
    };
    Some(Step::Frame(Frame {
        kind,
        sequence: Sequence(sequence),
        leaf,
        sealed,
        raw,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Vec<u8> {
        let mut out = vec![9; 3];
        let start = begin(&mut out);
        out.extend_from_slice(b"leafsealed");
        finish(&mut out, start, Kind::Intent, Sequence(77), 4).unwrap();
        out.split_off(start)
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let bytes = frame();
        let Step::Frame(frame) = step(&bytes) else {
            panic!()
        };
        assert_eq!((frame.kind, frame.sequence), (Kind::Intent, Sequence(77)));
        assert_eq!((frame.leaf, frame.sealed), (&b"leaf"[..], &b"sealed"[..]));
    }

    #[test]
    fn cut_anywhere_it_asks_for_more() {
        let bytes = frame();
        for end in 0..bytes.len() {
            assert!(matches!(step(&bytes[..end]), Step::More), "{end}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = frame();
        for position in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[position] ^= 1 << bit;
                assert!(
                    !matches!(step(&bytes), Step::Frame(_) | Step::End),
                    "{position} {bit}"
                );
            }
        }
    }

    #[test]
    fn zeros_are_the_end() {
        assert!(matches!(step(&[0; 64]), Step::End));
    }
}
