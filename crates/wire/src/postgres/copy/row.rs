//! One row of a COPY stream, split into fields.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::super::Error;
use super::encoder::{write_csv, write_text};
use super::{Csv, Format, Options};

/// What a unit of the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A row of the table or query.
    Data,
    /// Column names, or the binary format's signature and flags. No values.
    Header,
    /// The end of the data: the binary format's trailer, or a line `\.`. In CSV
    /// that line is a value to PostgreSQL 18 and the end to servers before it;
    /// here nothing may follow it.
    End,
}

/// Where a field stands in its row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    /// As written: quotes included, a binary length word included.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) form: Form,
}

/// How a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// NULL.
    Null,
    /// The bytes are the value.
    Plain,
    /// Text: backslash sequences. CSV: quotes.
    Escaped,
    /// Behind a four-byte length word.
    Counted,
}

/// One unit of a COPY stream.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    pub(crate) kind: RowKind,
    pub(crate) raw: &'a [u8],
    pub(crate) spans: &'a [Span],
    pub(crate) options: &'a Options,
}

/// One field of a [`Row`].
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub(crate) raw: &'a [u8],
    pub(crate) form: Form,
    pub(crate) format: &'a Format,
}

impl<'a> Row<'a> {
    /// What this unit is; only [`RowKind::Data`] has fields.
    pub fn kind(&self) -> RowKind {
        self.kind
    }

    /// The unit as received, line ending included.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Number of fields.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// The row has no fields.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The fields in order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let row = *self;
        row.spans.iter().map(move |span| row.field(span))
    }

    fn field(&self, span: &Span) -> Field<'a> {
        Field {
            raw: self.raw.get(span.start..span.end).unwrap_or_default(),
            form: span.form,
            format: &self.options.format,
        }
    }

    /// Appends the row to `out` after `f` has seen each field of a data row (its
    /// column from zero, the field, its place). What `f` leaves alone, and any
    /// unit that is not data, goes out byte for byte as it came.
    ///
    /// # Errors
    /// When a binary value is longer than the protocol can say; `out` is then
    /// as it was.
    pub fn rewrite(
        &self,
        out: &mut BytesMut,
        mut f: impl FnMut(usize, Field<'a>, &mut Cell<'_>),
    ) -> Result<(), Error> {
        let row_at = out.len();
        let mut written = 0; // bytes of `raw` already dealt with
        if self.kind == RowKind::Data {
            for (column, span) in self.spans.iter().enumerate() {
                let mut cell = Cell {
                    out,
                    before: self.raw.get(written..span.start).unwrap_or_default(),
                    start: None,
                    column,
                    columns: self.spans.len(),
                    format: &self.options.format,
                    overflow: false,
                };
                f(column, self.field(span), &mut cell);
                let (touched, overflow) = (cell.start.is_some(), cell.overflow);
                if overflow {
                    out.truncate(row_at);
                    return Err(Error::TooLarge {
                        declared_bytes: u64::from(u32::MAX),
                        limit_bytes: i32::MAX as u64,
                    });
                }
                if touched {
                    written = span.end;
                }
            }
        }
        out.extend_from_slice(self.raw.get(written..).unwrap_or_default());
        Ok(())
    }
}

/// Shows kind and count, never values.
impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Row({:?}, {} fields)", self.kind, self.spans.len())
    }
}

impl<'a> Field<'a> {
    /// The field as written, without delimiters.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The field is NULL.
    pub fn is_null(&self) -> bool {
        self.form == Form::Null
    }

    /// The value; `None` is NULL. Allocates only for a field with escapes or
    /// quotes inside.
    pub fn value(&self) -> Option<Cow<'a, [u8]>> {
        match (self.form, self.format) {
            (Form::Null, _) => None,
            (Form::Plain, _) => Some(Cow::Borrowed(self.raw)),
            (Form::Counted, _) => Some(Cow::Borrowed(self.raw.get(4..).unwrap_or_default())),
            (Form::Escaped, Format::Csv(csv)) => Some(unquote(self.raw, csv)),
            (Form::Escaped, _) => Some(Cow::Owned(unescape(self.raw))),
        }
    }
}

/// Shows the size, never the value.
impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({} bytes)", self.raw.len())
    }
}

/// The place of one field in the row being written. Left alone, the field stays
/// as it is; the last call wins.
pub struct Cell<'a> {
    out: &'a mut BytesMut,
    /// What stands before this field and is not yet written.
    before: &'a [u8],
    start: Option<usize>,
    column: usize,
    columns: usize,
    format: &'a Format,
    overflow: bool,
}

impl Cell<'_> {
    /// Leaves the field as it is.
    pub fn keep(&mut self) {
        if let Some(start) = self.start.take() {
            self.out.truncate(start.saturating_sub(self.before.len()));
        }
    }

    /// Makes the field NULL.
    pub fn null(&mut self) {
        self.open();
        match self.format {
            Format::Text(text) => self.out.extend_from_slice(&text.null),
            Format::Csv(csv) => self.out.extend_from_slice(&csv.null),
            Format::Binary => self.out.put_i32(-1),
        }
    }

    /// Puts `value` in place of the field, escaped or quoted as the format asks.
    pub fn replace(&mut self, value: &[u8]) {
        self.open();
        match self.format {
            Format::Text(text) => write_text(text, value, self.out),
            Format::Csv(csv) => write_csv(csv, self.column, self.columns, value, self.out),
            Format::Binary => match i32::try_from(value.len()) {
                Ok(length) => {
                    self.out.put_i32(length);
                    self.out.extend_from_slice(value);
                }
                Err(_) => self.overflow = true,
            },
        }
    }

    fn open(&mut self) {
        match self.start {
            Some(start) => self.out.truncate(start),
            None => {
                self.out.extend_from_slice(self.before);
                self.start = Some(self.out.len());
            }
        }
    }
}

/// Resolves the backslash sequences of the text format
/// (PostgreSQL docs, COPY, "Text Format"; `CopyReadAttributesText`).
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        let Some((&letter, tail)) = rest.split_first() else {
            break;
        };
        rest = tail;
        match letter {
            b'b' => value.push(0x08),
            b'f' => value.push(0x0c),
            b'n' => value.push(b'\n'),
            b'r' => value.push(b'\r'),
            b't' => value.push(b'\t'),
            b'v' => value.push(0x0b),
            b'0'..=b'7' => {
                let number = digits(letter.wrapping_sub(b'0'), &mut rest, 8, 2);
                value.push(number);
            }
            b'x' if rest.first().is_some_and(u8::is_ascii_hexdigit) => {
                value.push(digits(0, &mut rest, 16, 2));
            }
            other => value.push(other),
        }
    }
    value
}

/// Up to `most` further digits; the value is taken modulo 256 as the server does.
fn digits(first: u8, rest: &mut &[u8], radix: u32, most: usize) -> u8 {
    let mut number = u32::from(first);
    for _ in 0..most {
        let Some((&byte, tail)) = rest.split_first() else {
            break;
        };
        let Some(digit) = char::from(byte).to_digit(radix) else {
            break;
        };
        number = number.wrapping_mul(radix).wrapping_add(digit);
        *rest = tail;
    }
    (number & 0xff) as u8
}

/// Resolves quotes (PostgreSQL `CopyReadAttributesCSV`): quotes may open and
/// close anywhere in a field.
fn unquote<'a>(raw: &'a [u8], csv: &Csv) -> Cow<'a, [u8]> {
    if let Some(inner) = raw
        .strip_prefix(&[csv.quote])
        .and_then(|rest| rest.strip_suffix(&[csv.quote]))
        && !inner
            .iter()
            .any(|byte| *byte == csv.quote || *byte == csv.escape)
    {
        return Cow::Borrowed(inner);
    }
    let mut value = Vec::with_capacity(raw.len());
    let mut in_quote = false;
    let mut bytes = raw.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if !in_quote {
            if byte == csv.quote {
                in_quote = true;
            } else {
                value.push(byte);
            }
            continue;
        }
        if byte == csv.escape
            && let Some(next) = bytes.next_if(|next| *next == csv.escape || *next == csv.quote)
        {
            value.push(next);
            continue;
        }
        if byte == csv.quote {
            in_quote = false;
        } else {
            value.push(byte);
        }
    }
    Cow::Owned(value)
}
