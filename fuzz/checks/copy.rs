//! Whatever bytes a COPY stream holds, in whatever pieces: no panic, rows do
//! not depend on the pieces, untouched rows are what came in, a replaced field
//! reads back as its replacement, and values survive being written and read.

use bytes::BytesMut;
use wire::postgres::Error;
use wire::postgres::copy::{
    ColumnSet, Csv, Decoder, Encoder, Format, Header, Options, Row, RowKind, Text,
};

const ROW_BYTES: usize = 4096;

/// A row that outlives its decoder: kind, bytes, values.
type Owned = (RowKind, Vec<u8>, Vec<Option<Vec<u8>>>);

/// The first byte of `data` chooses the format, the second the size of the
/// pieces; the rest is the stream.
pub(crate) fn check(data: &[u8]) {
    let [choice, pieces, stream @ ..] = data else {
        return;
    };
    let Ok(options) = Options::new(format(*choice), None, ROW_BYTES) else {
        return;
    };
    let (rows, error) = decode(&options, stream, stream.len().max(1));
    let (same, late) = decode(&options, stream, usize::from(*pieces).max(1));
    assert_eq!(error.is_some(), late.is_some());
    if error.is_none() {
        assert_eq!(rows, same);
        let raw: Vec<u8> = rows.iter().flat_map(|(_, raw, _)| raw.clone()).collect();
        assert_eq!(raw, stream);
        replaced(&options, stream, &rows);
    }
    written(&options, &rows);
}

fn format(choice: u8) -> Format {
    let header = match choice & 0x10 {
        0 => Header::Absent,
        _ => Header::Present,
    };
    match choice & 0x0f {
        0 => Format::Text(Text {
            header,
            ..Text::default()
        }),
        1 => Format::Text(Text {
            delimiter: b'|',
            null: b"nil".to_vec(),
            header,
        }),
        2 => Format::Csv(Csv {
            header,
            ..Csv::default()
        }),
        3 => Format::Csv(Csv {
            delimiter: b';',
            quote: b'\'',
            escape: b'\\',
            null: b"nil".to_vec(),
            header,
            force_quote: ColumnSet::Listed(vec![1]),
            ..Csv::default()
        }),
        4 => Format::Csv(Csv {
            force_quote: ColumnSet::All,
            force_null: ColumnSet::All,
            force_not_null: ColumnSet::Listed(vec![0, 2]),
            header,
            ..Csv::default()
        }),
        5 => Format::Text(Text {
            delimiter: 0x0b,
            null: Vec::new(),
            header,
        }),
        _ => Format::Binary,
    }
}

fn owned(row: &Row<'_>) -> Owned {
    let values = row
        .fields()
        .map(|field| field.value().map(|value| value.into_owned()));
    (row.kind(), row.raw().to_vec(), values.collect())
}

fn decode(options: &Options, stream: &[u8], size: usize) -> (Vec<Owned>, Option<Error>) {
    let mut decoder = Decoder::new(options.clone());
    let mut rows = Vec::new();
    for mut chunk in stream.chunks(size) {
        loop {
            match decoder.next(&mut chunk) {
                Ok(Some(row)) => {
                    assert!(row.raw().len() <= ROW_BYTES);
                    rows.push(owned(&row));
                }
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.finish().err(), Some(error));
                    return (rows, Some(error));
                }
            }
        }
        assert!(chunk.is_empty());
    }
    match decoder.finish() {
        Ok(row) => rows.extend(row.as_ref().map(owned)),
        Err(error) => return (rows, Some(error)),
    }
    (rows, None)
}

/// Every second field replaced by a value that needs escaping.
fn replaced(options: &Options, stream: &[u8], before: &[Owned]) {
    const TOKEN: &[u8] = b"t\\k\"e',n;\n\r\t|";
    let mut out = BytesMut::new();
    let mut decoder = Decoder::new(options.clone());
    let mut chunk = stream;
    let mut hide = |row: Row<'_>| {
        row.rewrite(&mut out, |column, _, cell| {
            if column % 2 == 1 {
                cell.null();
                cell.replace(TOKEN);
            }
        })
        .unwrap();
    };
    while let Some(row) = decoder.next(&mut chunk).unwrap() {
        hide(row);
    }
    if let Some(row) = decoder.finish().unwrap() {
        hide(row);
    }
    let Ok(wide) = Options::new(options.format().clone(), None, usize::MAX) else {
        unreachable!("the same format was accepted before");
    };
    let (after, error) = decode_wide(&wide, &out);
    assert_eq!(error, None);
    assert_eq!(before.len(), after.len());
    for ((kind, _, old), (kind_after, _, new)) in before.iter().zip(&after) {
        assert_eq!((kind, old.len()), (kind_after, new.len()));
        for (column, (old, new)) in old.iter().zip(new).enumerate() {
            match column % 2 {
                1 => assert_eq!(new.as_deref(), Some(TOKEN)),
                _ => assert_eq!(old, new),
            }
        }
    }
}

fn decode_wide(options: &Options, stream: &[u8]) -> (Vec<Owned>, Option<Error>) {
    let mut decoder = Decoder::new(options.clone());
    let mut rows = Vec::new();
    let mut chunk = stream;
    loop {
        match decoder.next(&mut chunk) {
            Ok(Some(row)) => rows.push(owned(&row)),
            Ok(None) => break,
            Err(error) => return (rows, Some(error)),
        }
    }
    match decoder.finish() {
        Ok(row) => rows.extend(row.as_ref().map(owned)),
        Err(error) => return (rows, Some(error)),
    }
    (rows, None)
}

/// Values of data rows, written by the encoder and read again.
fn written(options: &Options, rows: &[Owned]) {
    let encoder = Encoder::new(options.clone());
    let mut out = BytesMut::new();
    let mut expected = Vec::new();
    encoder.start(&mut out);
    if has_header_line(options.format()) {
        encoder.row(&mut out, [Some(&b"header"[..])]).unwrap();
    }
    for (kind, _, values) in rows {
        if *kind != RowKind::Data || ambiguous(options.format(), values) {
            continue;
        }
        encoder
            .row(&mut out, values.iter().map(|value| value.as_deref()))
            .unwrap();
        expected.push(values.clone());
    }
    encoder.finish(&mut out);
    let Ok(wide) = Options::new(options.format().clone(), None, usize::MAX) else {
        unreachable!("the same format was accepted before");
    };
    let (again, error) = decode_wide(&wide, &out);
    assert_eq!(error, None);
    let values = again
        .into_iter()
        .filter(|(kind, _, _)| *kind == RowKind::Data);
    assert!(values.map(|(_, _, values)| values).eq(expected));
}

fn has_header_line(format: &Format) -> bool {
    match format {
        Format::Text(text) => text.header == Header::Present,
        Format::Csv(csv) => csv.header == Header::Present,
        Format::Binary => false,
    }
}

/// Values that COPY itself cannot tell from NULL, or NULL from a value: those
/// that are written like the null string, where the options leave no way to say
/// which. (A backslash in a value is doubled, so `\N` is not one of them.)
fn ambiguous(format: &Format, values: &[Option<Vec<u8>>]) -> bool {
    values
        .iter()
        .enumerate()
        .any(|(column, value)| match (format, value) {
            (Format::Text(text), Some(value)) => *value == text.null && !value.contains(&b'\\'),
            (Format::Csv(csv), Some(value)) => {
                *value == csv.null && csv.force_null.contains(column)
            }
            (Format::Csv(csv), None) => csv.force_not_null.contains(column),
            (Format::Text(_) | Format::Binary, _) => false,
        })
}
