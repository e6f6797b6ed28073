//! The byte stream inside COPY: rows and fields of the text, CSV and binary
//! formats (PostgreSQL docs, COPY, "File Formats").
//!
//! `CopyData` messages need not align with rows. A [`Decoder`] takes them as
//! they come and lends one [`Row`] at a time, straight from the chunk where the
//! row is whole in it. [`Row::rewrite`] writes a row again with some fields
//! replaced, all others byte for byte as they were. [`Encoder`] writes rows
//! from values.
//!
//! Meaning depends on the statement's options and on an encoding in which every
//! byte below 0x80 stands for itself (UTF-8 and all server encodings; not the
//! client-only ones such as SJIS, GBK, BIG5). What PostgreSQL would refuse or
//! what two of its versions read differently is an error here.

use super::Error;

mod binary;
mod decoder;
mod encoder;
mod lines;
mod row;
mod split;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use row::{Cell, Field, Row, RowKind};

/// How the stream is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// `FORMAT text`.
    Text(Text),
    /// `FORMAT csv`.
    Csv(Csv),
    /// `FORMAT binary`.
    Binary,
}

/// Options of the text format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// `DELIMITER`, one byte; a tab by default.
    pub delimiter: u8,
    /// `NULL`; `\N` by default.
    pub null: Vec<u8>,
    /// `HEADER`: the first line names the columns.
    pub header: Header,
}

impl Default for Text {
    fn default() -> Self {
        Text {
            delimiter: b'\t',
            null: br"\N".to_vec(),
            header: Header::Absent,
        }
    }
}

/// Options of the CSV format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Csv {
    /// `DELIMITER`, one byte; a comma by default.
    pub delimiter: u8,
    /// `QUOTE`, one byte; a double quote by default.
    pub quote: u8,
    /// `ESCAPE`, one byte; the same as `quote` by default.
    pub escape: u8,
    /// `NULL`, unquoted; empty by default.
    pub null: Vec<u8>,
    /// `HEADER`: the first line names the columns.
    pub header: Header,
    /// `FORCE_QUOTE`: fields quoted whether or not they need it.
    pub force_quote: ColumnSet,
    /// `FORCE_NULL`: the null string is NULL even when quoted.
    pub force_null: ColumnSet,
    /// `FORCE_NOT_NULL`: the null string is not NULL even when unquoted.
    pub force_not_null: ColumnSet,
}

impl Default for Csv {
    fn default() -> Self {
        Csv {
            delimiter: b',',
            quote: b'"',
            escape: b'"',
            null: Vec::new(),
            header: Header::Absent,
            force_quote: ColumnSet::None,
            force_null: ColumnSet::None,
            force_not_null: ColumnSet::None,
        }
    }
}

/// Whether the first line names the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// All lines are data.
    Absent,
    /// The first line is not data (`HEADER`, `HEADER MATCH`).
    Present,
}

/// Some of the columns of a COPY, counted from zero in field order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnSet {
    /// None of them.
    None,
    /// All of them (`*`).
    All,
    /// These.
    Listed(Vec<usize>),
}

impl ColumnSet {
    /// Whether the column belongs to the set.
    pub fn contains(&self, column: usize) -> bool {
        match self {
            ColumnSet::None => false,
            ColumnSet::All => true,
            ColumnSet::Listed(columns) => columns.contains(&column),
        }
    }
}

/// A stream's format, its number of columns, and a bound on its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub(crate) format: Format,
    pub(crate) columns: Option<usize>,
    pub(crate) row_bytes: usize,
}

impl Options {
    /// Checks what PostgreSQL checks of a COPY's options, so that every byte
    /// has one meaning.
    ///
    /// `columns` is the number of columns in CopyInResponse or CopyOutResponse;
    /// a row with another number of fields is an error. Without it, all rows
    /// must agree with each other in the binary format only, and an empty line
    /// is one empty field. `row_bytes` bounds one row with its line ending.
    ///
    /// # Errors
    /// [`Error::Malformed`] naming the option.
    pub fn new(format: Format, columns: Option<usize>, row_bytes: usize) -> Result<Self, Error> {
        match &format {
            Format::Text(text) => check_text(text)?,
            Format::Csv(csv) => check_csv(csv)?,
            Format::Binary => {}
        }
        Ok(Options {
            format,
            columns,
            row_bytes,
        })
    }

    /// The format.
    pub fn format(&self) -> &Format {
        &self.format
    }
}

fn check_text(text: &Text) -> Result<(), Error> {
    let forbidden = b"\\.\r\n\0";
    let word = text.delimiter.is_ascii_lowercase() || text.delimiter.is_ascii_digit();
    if word || forbidden.contains(&text.delimiter) || !text.delimiter.is_ascii() {
        return Err(Error::Malformed("COPY delimiter"));
    }
    check_null(&text.null, text.delimiter)
}

fn check_csv(csv: &Csv) -> Result<(), Error> {
    let line = |byte: u8| matches!(byte, b'\r' | b'\n' | b'\0') || !byte.is_ascii();
    if line(csv.delimiter) {
        return Err(Error::Malformed("COPY delimiter"));
    }
    if line(csv.quote) || csv.quote == csv.delimiter {
        return Err(Error::Malformed("COPY quote"));
    }
    if line(csv.escape) || csv.escape == csv.delimiter {
        return Err(Error::Malformed("COPY escape"));
    }
    check_null(&csv.null, csv.delimiter)?;
    if csv.null.contains(&csv.quote) {
        return Err(Error::Malformed("COPY null string"));
    }
    Ok(())
}

fn check_null(null: &[u8], delimiter: u8) -> Result<(), Error> {
    let forbidden = |byte: &u8| matches!(byte, b'\r' | b'\n' | b'\0') || *byte == delimiter;
    if null.iter().any(forbidden) {
        return Err(Error::Malformed("COPY null string"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
