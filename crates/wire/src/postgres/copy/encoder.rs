//! Writing rows of a COPY stream from values, as PostgreSQL writes them
//! (`CopyAttributeOutText`, `CopyAttributeOutCSV`).

use bytes::{BufMut, BytesMut};

use super::super::Error;
use super::binary::SIGNATURE;
use super::{Csv, Format, Options, Text};

/// Writes a COPY stream: [`Encoder::start`], rows, [`Encoder::finish`].
#[derive(Debug, Clone)]
pub struct Encoder {
    options: Options,
}

impl Encoder {
    /// For streams of these options.
    pub fn new(options: Options) -> Self {
        Encoder { options }
    }

    /// What stands before the first row: the binary signature, or nothing. A
    /// header line is written with [`Encoder::row`].
    pub fn start(&self, out: &mut BytesMut) {
        if self.options.format == Format::Binary {
            out.extend_from_slice(SIGNATURE);
            out.put_u64(0); // no flags, no extension
        }
    }

    /// One row; `None` is NULL. Lines end with a newline.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the number of fields is not the one announced
    /// or not one the format can say; `out` is then as it was.
    pub fn row<'v>(
        &self,
        out: &mut BytesMut,
        fields: impl IntoIterator<Item = Option<&'v [u8]>, IntoIter: ExactSizeIterator>,
    ) -> Result<(), Error> {
        let start = out.len();
        let fields = fields.into_iter();
        let columns = fields.len();
        if self.options.columns.is_some_and(|known| known != columns) {
            return Err(Error::Malformed("number of fields in a COPY row"));
        }
        let count = i16::try_from(columns)
            .map_err(|_| Error::Malformed("number of fields in a COPY row"))?;
        if self.options.format == Format::Binary {
            out.put_i16(count);
        }
        for (column, field) in fields.enumerate() {
            if self.field(out, column, columns, field).is_err() {
                out.truncate(start);
                return Err(Error::TooLarge {
                    declared_bytes: u64::from(u32::MAX),
                    limit_bytes: i32::MAX as u64,
                });
            }
        }
        if self.options.format != Format::Binary {
            out.put_u8(b'\n');
        }
        Ok(())
    }

    fn field(
        &self,
        out: &mut BytesMut,
        column: usize,
        columns: usize,
        field: Option<&[u8]>,
    ) -> Result<(), std::num::TryFromIntError> {
        let delimiter = match &self.options.format {
            Format::Text(text) => Some(text.delimiter),
            Format::Csv(csv) => Some(csv.delimiter),
            Format::Binary => None,
        };
        if let Some(delimiter) = delimiter
            && column > 0
        {
            out.put_u8(delimiter);
        }
        match (&self.options.format, field) {
            (Format::Text(text), None) => out.extend_from_slice(&text.null),
            (Format::Csv(csv), None) => out.extend_from_slice(&csv.null),
            (Format::Binary, None) => out.put_i32(-1),
            (Format::Text(text), Some(value)) => write_text(text, value, out),
            (Format::Csv(csv), Some(value)) => write_csv(csv, column, columns, value, out),
            (Format::Binary, Some(value)) => {
                out.put_i32(i32::try_from(value.len())?);
                out.extend_from_slice(value);
            }
        }
        Ok(())
    }

    /// What stands behind the last row: the binary trailer, or nothing.
    pub fn finish(&self, out: &mut BytesMut) {
        if self.options.format == Format::Binary {
            out.put_i16(-1);
        }
    }
}

/// A value in the text format. A value that happens to read as the null string
/// cannot be told from NULL; PostgreSQL has the same gap.
pub(crate) fn write_text(text: &Text, value: &[u8], out: &mut BytesMut) {
    let special = |byte: &u8| {
        *byte == text.delimiter
            || matches!(*byte, b'\\' | 0x08 | 0x0c | b'\n' | b'\r' | b'\t' | 0x0b)
    };
    let mut rest = value;
    while let Some(at) = rest.iter().position(special) {
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((&byte, tail)) = tail.split_first() else {
            return;
        };
        out.put_u8(b'\\');
        out.put_u8(match byte {
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x0b => b'v',
            other => other,
        });
        rest = tail;
    }
    out.extend_from_slice(rest);
}

/// A value in the CSV format, quoted where PostgreSQL would quote it.
pub(crate) fn write_csv(
    csv: &Csv,
    column: usize,
    columns: usize,
    value: &[u8],
    out: &mut BytesMut,
) {
    let special =
        |byte: &u8| *byte == csv.delimiter || *byte == csv.quote || matches!(*byte, b'\n' | b'\r');
    let quoted = csv.force_quote.contains(column)
        || value == csv.null
        || (columns == 1 && value == br"\.")
        || value.iter().any(special);
    if !quoted {
        out.extend_from_slice(value);
        return;
    }
    out.put_u8(csv.quote);
    for byte in value {
        if *byte == csv.quote || *byte == csv.escape {
            out.put_u8(csv.escape);
        }
        out.put_u8(*byte);
    }
    out.put_u8(csv.quote);
}
