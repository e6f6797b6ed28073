//! Where a unit ends in the binary format
//! (PostgreSQL docs, COPY, "Binary Format").

use super::super::Error;
use super::super::reader::Reader;
use super::row::{Form, RowKind, Span};

/// First bytes of every binary stream.
pub(crate) const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// A unit's kind and length; or, when it is not all there, how many bytes it has
/// at least.
pub(crate) type Unit = Result<(RowKind, usize), usize>;

/// The stream's header: signature, flags, extension.
pub(crate) fn header(bytes: &[u8]) -> Result<Unit, Error> {
    let known = bytes.len().min(SIGNATURE.len());
    if bytes.get(..known) != SIGNATURE.get(..known) {
        return Err(Error::Malformed("signature of a binary COPY"));
    }
    let mut reader = Reader::new(bytes.get(SIGNATURE.len()..).unwrap_or_default());
    let (Ok(flags), Ok(extension)) = (reader.u32(), reader.i32()) else {
        return Ok(Err(SIGNATURE.len().saturating_add(8)));
    };
    // Bits 16 to 31 are critical: 16 was "with oids", the others are unknown.
    if flags >> 16 != 0 {
        return Err(Error::Malformed("flags of a binary COPY"));
    }
    let extension = usize::try_from(extension)
        .map_err(|_| Error::Malformed("header extension of a binary COPY"))?;
    let total = SIGNATURE.len().saturating_add(8).saturating_add(extension);
    Ok(whole(RowKind::Header, bytes.len(), total))
}

/// A row or the trailer. Fields found by an earlier call on a shorter prefix of
/// the same row are in `spans` already and are not read again.
pub(crate) fn row(
    bytes: &[u8],
    columns: &mut Option<usize>,
    spans: &mut Vec<Span>,
) -> Result<Unit, Error> {
    let mut reader = Reader::new(bytes);
    let Ok(count) = reader.i16() else {
        return Ok(Err(2));
    };
    if count == -1 {
        return Ok(Ok((RowKind::End, 2)));
    }
    let count =
        usize::try_from(count).map_err(|_| Error::Malformed("number of fields in a COPY row"))?;
    if *columns.get_or_insert(count) != count {
        return Err(Error::Malformed("number of fields in a COPY row"));
    }
    let mut start = spans.last().map_or(2, |span| span.end);
    for _ in spans.len()..count {
        let value_at = start.saturating_add(4);
        let mut reader = Reader::new(bytes.get(start..).unwrap_or_default());
        let Ok(length) = reader.i32() else {
            return Ok(Err(value_at));
        };
        let (form, end) = match length {
            -1 => (Form::Null, value_at),
            length => {
                let length = usize::try_from(length)
                    .map_err(|_| Error::Malformed("negative value length"))?;
                (Form::Counted, value_at.saturating_add(length))
            }
        };
        if end > bytes.len() {
            return Ok(Err(end));
        }
        spans.push(Span { start, end, form });
        start = end;
    }
    Ok(Ok((RowKind::Data, start)))
}

fn whole(kind: RowKind, have: usize, total: usize) -> Unit {
    if have < total {
        Err(total)
    } else {
        Ok((kind, total))
    }
}
