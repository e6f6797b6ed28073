//! Reading a segment frame by frame.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::Sequence;

use crate::Error;
use crate::disk::{Disk, File, Mode};
use crate::frame::{self, Frame, Step};
use crate::segment::{HEADER_BYTES, Segment};

const CHUNK_BYTES: usize = 1 << 17;

/// A place in a segment.
pub(crate) struct Cursor {
    file: Arc<dyn File>,
    path: PathBuf,
    /// What was read and not yet given; `buffer[start..]` stands at `offset`.
    buffer: Vec<u8>,
    start: usize,
    offset: u64,
    expected: Sequence,
    until: Option<Sequence>,
    /// Whether the end was seen, so that what is in the buffer may have changed.
    stale: bool,
}

/// What a cursor found.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// The next frame, and where it stands.
    Frame(Frame<'a>, u64),
    /// The end of what was written, or of what counts.
    End,
    /// Bytes that are not the expected frame.
    Damaged(&'static str),
}

impl Cursor {
    pub(crate) fn open(disk: &dyn Disk, segment: &Segment) -> Result<Cursor, Error> {
        let path = segment.path.clone();
        let file = disk
            .open(&path, Mode::Read)
            .map_err(Error::io("open", &path))?;
        Ok(Cursor {
            file,
            path,
            buffer: Vec::new(),
            start: 0,
            offset: HEADER_BYTES as u64,
            expected: segment.header.first,
            until: segment.until,
            stale: false,
        })
    }

    /// At the first byte of a file that should be empty.
    pub(crate) fn raw(disk: &dyn Disk, path: &Path) -> Result<Cursor, Error> {
        let file = disk
            .open(path, Mode::Read)
            .map_err(Error::io("open", path))?;
        Ok(Cursor {
            file,
            path: path.to_owned(),
            buffer: Vec::new(),
            start: 0,
            offset: 0,
            expected: Sequence(0),
            until: None,
            stale: false,
        })
    }

    /// Where the next frame stands.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The sequence the next frame has to have.
    pub(crate) fn expected(&self) -> Sequence {
        self.expected
    }

    /// Where a later segment takes over, as far as the cursor knows.
    pub(crate) fn until(&self) -> Option<Sequence> {
        self.until
    }

    /// Lets the cursor run to another end, when segments were added meanwhile.
    pub(crate) fn set_until(&mut self, until: Option<Sequence>) {
        self.until = until;
    }

    /// The next frame. After [`Found::End`] or [`Found::Damaged`] it may be asked
    /// again, and reads again from the same place.
    pub(crate) fn next(&mut self) -> Result<Found<'_>, Error> {
        if self.until.is_some_and(|until| self.expected >= until) {
            return Ok(Found::End);
        }
        self.fill()?;
        let unread = self.buffer.get(self.start..).unwrap_or_default();
        match frame::step(unread) {
            Step::Frame(frame) if frame.sequence == self.expected => {
                let offset = self.offset;
                self.start = self.start.saturating_add(frame.raw.len());
                self.offset = offset.saturating_add(frame.raw.len() as u64);
                self.expected = self.expected.next();
                Ok(Found::Frame(frame, offset))
            }
            step => {
                let found = match step {
                    Step::Frame(_) => Found::Damaged("a frame out of sequence"),
                    Step::End => Found::End,
                    Step::More if unread.iter().all(|byte| *byte == 0) => Found::End,
                    Step::More => Found::Damaged("a frame cut short"),
                    Step::Damaged(reason) => Found::Damaged(reason),
                };
                self.stale = true;
                Ok(found)
            }
        }
    }

    /// Has the next frame in the buffer, if the file has it.
    fn fill(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.stale) {
            self.buffer.clear();
            self.start = 0;
        }
        loop {
            let unread = self.buffer.len().saturating_sub(self.start);
            let needed = frame::needed(self.buffer.get(self.start..).unwrap_or_default());
            if unread >= needed {
                return Ok(());
            }
            self.buffer.drain(..self.start);
            self.start = 0;
            let more = needed.saturating_sub(unread).max(CHUNK_BYTES);
            self.buffer.resize(unread.saturating_add(more), 0);
            let into = self.buffer.get_mut(unread..).unwrap_or_default();
            let from = self.offset.saturating_add(unread as u64);
            let read = self
                .file
                .read_at(from, into)
                .map_err(Error::io("read", &self.path))?;
            self.buffer.truncate(unread.saturating_add(read));
            if read == 0 {
                return Ok(());
            }
        }
    }

    /// Bytes from the cursor to the last one that is not zero, and where the first of
    /// those stands.
    pub(crate) fn rest(&self) -> Result<Option<(u64, u64)>, Error> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = self.offset;
        let mut found: Option<(u64, u64)> = None;
        loop {
            let read = self
                .file
                .read_at(at, &mut chunk)
                .map_err(Error::io("read", &self.path))?;
            let bytes = chunk.get(..read).unwrap_or_default();
            let written = |byte: &u8| *byte != 0;
            if let (Some(first), Some(last)) = (
                bytes.iter().position(written),
                bytes.iter().rposition(written),
            ) {
                let first = found.map_or(at.saturating_add(first as u64), |(first, _)| first);
                let end = at.saturating_add(last as u64).saturating_add(1);
                found = Some((first, end.saturating_sub(self.offset)));
            }
            if read == 0 {
                return Ok(found);
            }
            at = at.saturating_add(read as u64);
        }
    }
}
