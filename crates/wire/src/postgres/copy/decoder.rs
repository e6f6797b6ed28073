//! Finding rows in a COPY stream that arrives in any pieces.

use bytes::BytesMut;

use super::super::Error;
use super::lines::Lines;
use super::row::{Row, RowKind, Span};
use super::{Format, Header, Options, binary, split};

/// Splits a COPY stream into rows.
///
/// Feed each chunk with [`Decoder::next`] until it gives nothing more, and end
/// with [`Decoder::finish`]. An error is final: what follows it has no sure
/// meaning, and every later call repeats it.
pub struct Decoder {
    options: Options,
    state: State,
    /// Line scanner; the binary format has none.
    lines: Option<Lines>,
    /// Number of fields of every row, once known.
    columns: Option<usize>,
    /// A row that is not whole in one chunk.
    carry: BytesMut,
    /// `carry` holds the row lent last.
    lent: bool,
    /// Fields of the row under way.
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    Rows,
    Ended,
    Failed(Error),
}

impl Decoder {
    /// For one stream of these options.
    pub fn new(options: Options) -> Self {
        let (lines, header) = match &options.format {
            Format::Text(text) => (Some(Lines::text()), text.header),
            Format::Csv(csv) => (Some(Lines::csv(csv)), csv.header),
            Format::Binary => (None, Header::Present),
        };
        Decoder {
            lines,
            state: match header {
                Header::Present => State::Header,
                Header::Absent => State::Rows,
            },
            columns: options.columns,
            options,
            carry: BytesMut::new(),
            lent: false,
            spans: Vec::new(),
        }
    }

    /// The next unit, taken off the front of `chunk`; `None` when all of
    /// `chunk` is taken and the unit under way goes on behind it. The row
    /// borrows from `chunk` where it is whole there.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a row above the bound (a binary length is judged
    /// when it is announced); [`Error::Malformed`] for data that PostgreSQL
    /// refuses, or that its versions read differently, or after the end.
    pub fn next<'r, 'c: 'r>(&'r mut self, chunk: &mut &'c [u8]) -> Result<Option<Row<'r>>, Error> {
        self.release();
        if chunk.is_empty() {
            return self.failure().map(|()| None);
        }
        match self.advance(chunk) {
            Ok(Some((kind, Place::Chunk(raw)))) => Ok(Some(self.row(kind, raw))),
            Ok(Some((kind, Place::Carry))) => {
                self.lent = true;
                Ok(Some(self.row(kind, &self.carry)))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// The stream is over: the last row when it has no line ending.
    ///
    /// # Errors
    /// As [`Decoder::next`]; [`Error::Truncated`] when a binary stream stops
    /// before its first row or inside one.
    pub fn finish(&mut self) -> Result<Option<Row<'_>>, Error> {
        self.release();
        match self.end() {
            Ok(Some(kind)) => {
                self.lent = true;
                Ok(Some(self.row(kind, &self.carry)))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    fn row<'r>(&'r self, kind: RowKind, raw: &'r [u8]) -> Row<'r> {
        Row {
            kind,
            raw,
            spans: &self.spans,
            options: &self.options,
        }
    }

    /// Forgets the row lent last.
    fn release(&mut self) {
        if self.lent {
            self.carry.clear();
            self.lent = false;
        }
        if self.carry.is_empty() {
            self.spans.clear();
        }
    }

    fn failure(&self) -> Result<(), Error> {
        match self.state {
            State::Failed(error) => Err(error),
            State::Header | State::Rows | State::Ended => Ok(()),
        }
    }

    fn advance<'c>(&mut self, chunk: &mut &'c [u8]) -> Result<Option<(RowKind, Place<'c>)>, Error> {
        match self.state {
            State::Failed(error) => return Err(error),
            State::Ended => return Err(Error::Malformed("COPY data after its end")),
            State::Header | State::Rows => {}
        }
        let Some(lines) = &mut self.lines else {
            return self.advance_binary(chunk);
        };
        let found = lines.end(chunk)?;
        let taken = found.map_or(chunk.len(), |end| end.taken);
        self.bound(self.carry.len().saturating_add(taken))?;
        let (head, tail) = chunk.split_at_checked(taken).ok_or(Error::Truncated)?;
        *chunk = tail;
        match found {
            Some(end) if self.carry.is_empty() => {
                let kind = self.split(head, end.ending)?;
                Ok(Some((kind, Place::Chunk(head))))
            }
            Some(end) => {
                self.carry.extend_from_slice(head);
                let kind = self.split_carry(end.ending)?;
                Ok(Some((kind, Place::Carry)))
            }
            None => {
                self.carry.extend_from_slice(head);
                Ok(None)
            }
        }
    }

    fn advance_binary<'c>(
        &mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<(RowKind, Place<'c>)>, Error> {
        if self.carry.is_empty() {
            let whole = std::mem::take(chunk);
            let Ok((kind, taken)) = self.unit(whole)? else {
                self.carry.extend_from_slice(whole);
                return Ok(None);
            };
            let (head, tail) = whole.split_at_checked(taken).ok_or(Error::Truncated)?;
            *chunk = tail;
            self.enter(kind);
            return Ok(Some((kind, Place::Chunk(head))));
        }
        loop {
            let carry = std::mem::take(&mut self.carry);
            let unit = self.unit(&carry);
            self.carry = carry;
            match unit? {
                Ok((kind, _)) => {
                    self.enter(kind);
                    return Ok(Some((kind, Place::Carry)));
                }
                Err(needed) => {
                    if chunk.is_empty() {
                        return Ok(None);
                    }
                    let missing = needed.saturating_sub(self.carry.len()).max(1);
                    let taken = missing.min(chunk.len());
                    let (head, tail) = chunk.split_at_checked(taken).ok_or(Error::Truncated)?;
                    *chunk = tail;
                    self.carry.extend_from_slice(head);
                }
            }
        }
    }

    /// Reads a binary unit, and holds what it announces against the bound.
    fn unit(&mut self, bytes: &[u8]) -> Result<binary::Unit, Error> {
        let unit = match self.state {
            State::Header => binary::header(bytes)?,
            _ => binary::row(bytes, &mut self.columns, &mut self.spans)?,
        };
        match unit {
            Ok((_, needed)) | Err(needed) => self.bound(needed)?,
        }
        Ok(unit)
    }

    fn end(&mut self) -> Result<Option<RowKind>, Error> {
        match self.state {
            State::Failed(error) => return Err(error),
            State::Ended => return Ok(None),
            State::Header if self.lines.is_none() => return Err(Error::Truncated),
            State::Header | State::Rows => {}
        }
        let kind = match &mut self.lines {
            None if self.carry.is_empty() => None,
            None => return Err(Error::Truncated),
            Some(_) if self.carry.is_empty() => None,
            Some(lines) => {
                let ending = lines.finish()?;
                Some(self.split_carry(ending)?)
            }
        };
        self.state = State::Ended;
        Ok(kind)
    }

    fn split_carry(&mut self, ending: usize) -> Result<RowKind, Error> {
        let carry = std::mem::take(&mut self.carry);
        let kind = self.split(&carry, ending);
        self.carry = carry;
        kind
    }

    /// Splits a whole line, of which the last bytes are its ending, into `spans`
    /// and says what it is.
    fn split(&mut self, raw: &[u8], ending: usize) -> Result<RowKind, Error> {
        let content = raw.len().saturating_sub(ending);
        let line = raw.get(..content).unwrap_or_default();
        let kind = match self.state {
            _ if ending > 0 && line == br"\." => RowKind::End,
            State::Header => RowKind::Header,
            State::Rows | State::Ended | State::Failed(_) => RowKind::Data,
        };
        self.enter(kind);
        if kind != RowKind::Data || (line.is_empty() && self.columns == Some(0)) {
            return Ok(kind);
        }
        match &self.options.format {
            Format::Text(text) => split::text(line, text, &mut self.spans)?,
            format => split::csv(line, format, &mut self.spans)?,
        }
        if self.columns.is_some_and(|known| known != self.spans.len()) {
            return Err(Error::Malformed("number of fields in a COPY row"));
        }
        Ok(kind)
    }

    fn enter(&mut self, kind: RowKind) {
        self.state = match kind {
            RowKind::Header | RowKind::Data => State::Rows,
            RowKind::End => State::Ended,
        };
    }

    fn bound(&self, bytes: usize) -> Result<(), Error> {
        if bytes > self.options.row_bytes {
            return Err(Error::TooLarge {
                declared_bytes: bytes as u64,
                limit_bytes: self.options.row_bytes as u64,
            });
        }
        Ok(())
    }
}

/// Where a whole unit lies.
enum Place<'c> {
    Chunk(&'c [u8]),
    Carry,
}

/// Shows progress, never data.
impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("state", &self.state)
            .field("carried_bytes", &self.carry.len())
            .finish_non_exhaustive()
    }
}
