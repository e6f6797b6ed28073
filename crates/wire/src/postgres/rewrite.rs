//! Writing a row again with some cells replaced.

use bytes::{BufMut, BytesMut};

use super::Error;
use super::reader::Reader;
use super::row::DataRow;

/// The place of one cell in the row being written. Left alone, the cell stays
/// as it is; the last call wins.
pub struct Cell<'a> {
    out: &'a mut BytesMut,
    /// Cells before this one that are kept and not yet written.
    run: &'a [u8],
    /// Where this cell begins in `out`, once anything was written for it.
    start: Option<usize>,
    overflow: bool,
}

impl Cell<'_> {
    /// Leaves the cell as it is.
    pub fn keep(&mut self) {
        if let Some(start) = self.start.take() {
            self.out.truncate(start.saturating_sub(self.run.len()));
        }
    }

    /// Makes the cell NULL.
    pub fn null(&mut self) {
        self.open();
        self.out.put_i32(-1);
    }

    /// Puts `value` in place of the cell.
    pub fn replace(&mut self, value: &[u8]) {
        self.replace_with(|out| out.extend_from_slice(value));
    }

    /// Puts whatever `write` appends in place of the cell. `write` must only
    /// append.
    pub fn replace_with(&mut self, write: impl FnOnce(&mut BytesMut)) {
        self.open();
        let length_at = self.out.len();
        self.out.put_i32(0);
        let value_at = self.out.len();
        write(self.out);
        let bytes = self.out.len().checked_sub(value_at);
        match bytes.and_then(|bytes| i32::try_from(bytes).ok()) {
            Some(length) => patch(self.out, length_at, length),
            None => self.overflow = true,
        }
    }

    fn open(&mut self) {
        match self.start {
            Some(start) => self.out.truncate(start),
            None => {
                self.out.extend_from_slice(self.run);
                self.start = Some(self.out.len());
            }
        }
    }
}

/// Appends `row` to `out` as a whole DataRow message, after `f` has seen each
/// cell (its column from zero, its value, its place). Runs of untouched cells
/// are copied as they are; nothing is allocated but room in `out`.
///
/// # Errors
/// [`Error::TooLarge`] when the replaced cells make a message longer than the
/// protocol can say (2 GiB); `out` is then as it was.
pub fn rewrite_row(
    row: DataRow<'_>,
    out: &mut BytesMut,
    mut f: impl FnMut(usize, Option<&[u8]>, &mut Cell<'_>),
) -> Result<(), Error> {
    let cells = row.cells();
    let message_at = out.len();
    out.reserve(cells.len().saturating_add(7));
    out.put_u8(b'D');
    out.put_i32(0);
    out.put_u16(u16::try_from(row.len()).unwrap_or(u16::MAX)); // counted by a u16

    let mut run = cells; // begins at the first cell not yet written
    let mut reader = Reader::new(cells);
    let mut overflow = false;
    for column in 0..row.len() {
        let before = reader.rest();
        let Ok(value) = reader.value() else {
            out.truncate(message_at);
            return Err(Error::Truncated);
        };
        let kept = run.len().saturating_sub(before.len());
        let mut cell = Cell {
            out,
            run: run.get(..kept).unwrap_or_default(),
            start: None,
            overflow: false,
        };
        f(column, value, &mut cell);
        overflow |= cell.overflow;
        if cell.start.is_some() {
            run = reader.rest();
        }
    }
    out.extend_from_slice(run);

    let bytes = out.len().saturating_sub(message_at).saturating_sub(1);
    match i32::try_from(bytes) {
        Ok(length) if !overflow => {
            patch(out, message_at.saturating_add(1), length);
            Ok(())
        }
        _ => {
            out.truncate(message_at);
            Err(Error::TooLarge {
                declared_bytes: bytes as u64,
                limit_bytes: i32::MAX as u64,
            })
        }
    }
}

/// Writes a length word over the place kept for it.
pub(crate) fn patch(out: &mut BytesMut, at: usize, length: i32) {
    if let Some(place) = out.get_mut(at..at.saturating_add(4)) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests;
