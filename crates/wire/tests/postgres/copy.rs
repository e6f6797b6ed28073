//! COPY streams as PostgreSQL 15 writes them, and rows made at random.

use std::borrow::Cow;

use bytes::BytesMut;
use proptest::prelude::*;
use wire::postgres::copy::{ColumnSet, Csv, Decoder, Encoder, Format, Options, Row, RowKind, Text};
use wire::postgres::{Backend, Error, backend, encode, frame};

use crate::captures::capture;
use crate::checks;

/// The values in `captures/copy-*.bin`, in order.
const VALUES: &[Option<&str>] = &[
    None,
    Some(""),
    Some("\\N"),
    Some("a\tb"),
    Some("line\nbreak"),
    Some("\r"),
    Some("\\"),
    Some("\\."),
    Some("q\"q"),
    Some("a,b"),
    Some("'"),
    Some("  pad "),
    Some("\x08\x0b\x0c"),
    Some("\x01"),
    Some("é"),
    Some("nil"),
    Some(";"),
    Some("\\'"),
    Some("|"),
    Some("\"\""),
    Some("a\r\nb"),
    Some("\\n"),
];

fn options(format: Format, columns: usize) -> Options {
    Options::new(format, Some(columns), 10_000).unwrap()
}

fn formats() -> [(&'static str, Format); 6] {
    let text_odd = Text {
        delimiter: b'|',
        null: b"nil".to_vec(),
        ..Text::default()
    };
    let csv_force = Csv {
        force_quote: ColumnSet::All,
        ..Csv::default()
    };
    let csv_odd = Csv {
        delimiter: b';',
        quote: b'\'',
        escape: b'\\',
        null: b"nil".to_vec(),
        ..Csv::default()
    };
    [
        ("text", Format::Text(Text::default())),
        ("text-odd", Format::Text(text_odd)),
        ("csv", Format::Csv(Csv::default())),
        ("csv-force", Format::Csv(csv_force)),
        ("csv-odd", Format::Csv(csv_odd)),
        ("binary", Format::Binary),
    ]
}

fn decode(options: &Options, data: &[u8], size: usize, mut each: impl FnMut(Row<'_>)) {
    let mut decoder = Decoder::new(options.clone());
    for mut chunk in data.chunks(size) {
        while let Some(row) = decoder.next(&mut chunk).unwrap() {
            each(row);
        }
    }
    if let Some(row) = decoder.finish().unwrap() {
        each(row);
    }
}

/// The values of one row as recorded: the value alone, or between it and
/// itself its number.
fn recorded(format: &Format, columns: usize, number: usize) -> Vec<Option<Vec<u8>>> {
    let value = VALUES[number].map(|value| value.as_bytes().to_vec());
    let number = match format {
        Format::Binary => u32::try_from(number).unwrap().to_be_bytes().to_vec(),
        Format::Text(_) | Format::Csv(_) => number.to_string().into_bytes(),
    };
    match columns {
        1 => vec![value],
        _ => vec![value.clone(), Some(number), value],
    }
}

/// In the text format a value that is written like the null string is NULL when
/// read again; the server's own output has that gap too.
fn readable(format: &Format, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
    match format {
        Format::Text(text) if value.as_deref() == Some(&text.null) && text.null == b"nil" => None,
        _ => value,
    }
}

#[test]
fn reads_and_writes_what_postgresql_writes() {
    for (name, format) in formats() {
        for (columns, width) in [(1, "one"), (3, "three")] {
            let data = capture(&format!("copy-{name}-{width}.bin"));
            let options = options(format.clone(), columns);
            let expected: Vec<_> = (0..VALUES.len())
                .map(|number| recorded(&format, columns, number))
                .collect();

            let encoder = Encoder::new(options.clone());
            let mut out = BytesMut::new();
            encoder.start(&mut out);
            for row in &expected {
                encoder
                    .row(&mut out, row.iter().map(|value| value.as_deref()))
                    .unwrap();
            }
            encoder.finish(&mut out);
            assert_eq!(out, data, "{name} {width}");

            let expected: Vec<Vec<_>> = expected
                .into_iter()
                .map(|row| {
                    row.into_iter()
                        .map(|value| readable(&format, value))
                        .collect()
                })
                .collect();
            for size in [1, 2, 3, 7, 64, data.len()] {
                let mut rows = Vec::new();
                decode(&options, &data, size, |row| {
                    if row.kind() == RowKind::Data {
                        let values = row.fields().map(|field| field.value().map(Cow::into_owned));
                        rows.push(values.collect::<Vec<_>>());
                    }
                });
                assert_eq!(rows, expected, "{name} {width} in chunks of {size}");
            }
        }
    }
}

#[test]
fn masks_one_field_and_leaves_every_other_byte() {
    for (name, format) in formats() {
        let data = capture(&format!("copy-{name}-three.bin"));
        let options = options(format.clone(), 3);
        let encoder = Encoder::new(options.clone());
        let mut expected = BytesMut::new();
        encoder.start(&mut expected);
        for number in 0..VALUES.len() {
            let mut row = recorded(&format, 3, number);
            row[2] = row[2].as_ref().map(|_| b"to,k\"e\tn".to_vec());
            encoder
                .row(&mut expected, row.iter().map(|value| value.as_deref()))
                .unwrap();
        }
        encoder.finish(&mut expected);

        let mut out = BytesMut::new();
        decode(&options, &data, 5, |row| {
            row.rewrite(&mut out, |column, field, cell| {
                if column == 2 && !field.is_null() {
                    cell.replace(b"to,k\"e\tn");
                }
            })
            .unwrap();
        });
        // "nil" in the third column of text-odd reads as NULL and is left alone
        if name != "text-odd" {
            assert_eq!(out, expected, "{name}");
        }
    }
}

/// `COPY … TO STDOUT (FORMAT binary)` through its CopyData messages.
#[test]
fn masks_a_binary_copy_message_by_message() {
    let stream = capture("copybinary15.server.bin");
    let mut rest = &stream[..];
    let mut decoder = Decoder::new(options(Format::Binary, 3));
    let mut out = BytesMut::new();
    let mut kinds = Vec::new();
    while let Some(found) = frame(rest, 1 << 20).unwrap() {
        if let Backend::CopyData(mut chunk) = backend(&found).unwrap() {
            encode::copy_data_with(&mut out, |out| {
                while let Some(row) = decoder.next(&mut chunk)? {
                    kinds.push(row.kind());
                    row.rewrite(out, |column, _, cell| {
                        if column == 1 {
                            cell.replace(b"token");
                        }
                    })?;
                }
                Ok::<(), Error>(())
            })
            .unwrap();
        }
        rest = &rest[found.raw.len()..];
    }
    let data = RowKind::Data;
    assert_eq!(kinds, [RowKind::Header, data, data, data, RowKind::End]);
    let tokens = out.windows(5).filter(|window| window == b"token").count();
    assert_eq!(tokens, 3);
    assert!(!out.windows(2).any(|window| window == b"v1"));
}

#[test]
fn refuses_what_it_cannot_bound_or_read() {
    let check = |format: Format, columns, row_bytes, data: &[u8]| {
        let options = Options::new(format, columns, row_bytes).unwrap();
        let mut decoder = Decoder::new(options);
        let mut chunk = data;
        let error = loop {
            match decoder.next(&mut chunk) {
                Ok(Some(_)) => {}
                Ok(None) => break decoder.finish().err(),
                Err(error) => break Some(error),
            }
        };
        if let Some(error) = error {
            // an error is final
            assert_eq!(decoder.next(&mut &b"more\n"[..]).err(), Some(error));
            assert_eq!(decoder.next(&mut &b""[..]).err(), Some(error));
            assert_eq!(decoder.finish().err(), Some(error));
        }
        error
    };
    let text = || Format::Text(Text::default());
    let header = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    let binary = |rows: &[u8]| check(Format::Binary, Some(1), 100, &[&header[..], rows].concat());
    let fields = Some(Error::Malformed("number of fields in a COPY row"));

    let large = Some(Error::TooLarge {
        declared_bytes: 101,
        limit_bytes: 100,
    });
    assert_eq!(check(text(), None, 100, &[b'x'; 101]), large);
    assert_eq!(check(text(), None, 100, &[b'x'; 100]), None);
    assert_eq!(check(text(), Some(2), 100, b"a\n"), fields);
    assert_eq!(check(text(), Some(0), 100, b"\n\n"), None);
    assert_eq!(check(text(), Some(0), 100, b"x\n"), fields);

    assert_eq!(binary(b"\0\x01\0\0\0\x01v\xff\xff"), None);
    assert_eq!(binary(b"\0\x01\0\0\0\x01v"), None);
    assert_eq!(binary(b"\0\x02\0\0\0\x01v"), fields);
    assert_eq!(binary(b"\xff\xfe"), fields);
    assert_eq!(
        binary(b"\0\x01\x40\0\0\0"),
        Some(Error::TooLarge {
            declared_bytes: (1 << 30) + 6,
            limit_bytes: 100
        })
    );
    assert_eq!(
        binary(b"\0\x01\xff\xff\xff\xfe"),
        Some(Error::Malformed("negative value length"))
    );
    assert_eq!(binary(b"\0\x01\0\0\0\x02v"), Some(Error::Truncated));
    assert_eq!(
        binary(b"\xff\xffx"),
        Some(Error::Malformed("COPY data after its end"))
    );
    let with_oids = b"PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0";
    assert_eq!(
        check(Format::Binary, None, 100, with_oids),
        Some(Error::Malformed("flags of a binary COPY"))
    );
    assert_eq!(
        check(Format::Binary, None, 100, b"PGCOPX"),
        Some(Error::Malformed("signature of a binary COPY"))
    );
    assert_eq!(
        check(Format::Binary, None, 100, b"PGCOPY"),
        Some(Error::Truncated)
    );
    assert_eq!(
        check(Format::Binary, None, 100, b""),
        Some(Error::Truncated)
    );
}

#[test]
fn refuses_options_with_two_meanings() {
    let text = |delimiter, null: &[u8]| {
        let format = Format::Text(Text {
            delimiter,
            null: null.to_vec(),
            ..Text::default()
        });
        Options::new(format, None, 10).is_ok()
    };
    assert!(text(b'|', b"") && text(b'N', b"-"));
    for delimiter in *b"\\.\n\r\0ax7\xe9" {
        assert!(!text(delimiter, b"-"), "{delimiter}");
    }
    assert!(!text(b'N', b"\\N") && !text(b',', b"a,b") && !text(b',', b"\n"));
    let csv = |delimiter, quote, escape, null: &[u8]| {
        let format = Format::Csv(Csv {
            delimiter,
            quote,
            escape,
            null: null.to_vec(),
            ..Csv::default()
        });
        Options::new(format, None, 10).is_ok()
    };
    assert!(csv(b';', b'\'', b'\\', b"nil"));
    assert!(!csv(b'"', b'"', b'"', b"") && !csv(b',', b'"', b',', b""));
    assert!(!csv(b',', b'"', b'"', b"a\"") && !csv(b'\n', b'"', b'"', b""));
    assert!(!csv(b',', b'\n', b'"', b"") && !csv(b',', b'"', b'\r', b""));
}

/// A 10,000-field row that arrives byte by byte costs one pass, not one per
/// byte.
#[test]
fn a_row_in_single_bytes() {
    let encoder = Encoder::new(options(Format::Binary, 10_000));
    let mut out = BytesMut::new();
    encoder.start(&mut out);
    encoder
        .row(&mut out, vec![Some(&b"x"[..]); 10_000])
        .unwrap();
    encoder.finish(&mut out);
    let options = Options::new(Format::Binary, None, 1 << 20).unwrap();
    let mut found = 0;
    decode(&options, &out, 1, |row| found += row.len());
    assert_eq!(found, 10_000);
}

/// Pieces of which COPY streams are made, well or badly.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(b"ab,;|\t\"'\\\n\r.Nnx7\x0b".to_vec()).prop_map(|byte| vec![byte]),
        1 => Just(b"\\.\n".to_vec()),
        1 => Just(b"\\N".to_vec()),
        1 => Just(b"nil".to_vec()),
    ];
    let text = (0_u8..6, prop::collection::vec(piece, 0..30))
        .prop_map(|(format, pieces)| (format, pieces.concat()));
    let unit = prop_oneof![
        Just(b"\0\x01\0\0\0\x02hi".to_vec()),
        Just(b"\0\x01\xff\xff\xff\xff".to_vec()),
        Just(b"\0\x02\xff\xff\xff\xff\0\0\0\0".to_vec()),
        Just(b"\xff\xff".to_vec()),
        prop::collection::vec(any::<u8>(), 0..3),
    ];
    let binary = prop::collection::vec(unit, 0..6).prop_map(|units| {
        (
            6,
            [b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", &units.concat()[..]].concat(),
        )
    });
    (prop_oneof![3 => text, 1 => binary], any::<bool>(), 1_u8..9).prop_map(
        |((format, stream), header, size)| {
            let choice = format | if header { 0x10 } else { 0 };
            [&[choice, size][..], &stream].concat()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_stream_in_any_pieces(data in streams()) {
        checks::copy::check(&data);
    }

    #[test]
    fn any_values_survive(
        rows in prop::collection::vec(prop::collection::vec(prop::option::of("[^\0]{0,6}"), 3), 0..4),
        size in 1_usize..20,
    ) {
        for (_, format) in formats() {
            let options = options(format.clone(), 3);
            let encoder = Encoder::new(options.clone());
            let mut out = BytesMut::new();
            encoder.start(&mut out);
            let mut expected = Vec::new();
            for row in &rows {
                encoder.row(&mut out, row.iter().map(|value| value.as_deref().map(str::as_bytes))).unwrap();
                let values = row.iter().map(|value| readable(&format, value.clone().map(String::into_bytes)));
                expected.push(values.collect::<Vec<_>>());
            }
            encoder.finish(&mut out);
            let mut found = Vec::new();
            decode(&options, &out, size, |row| {
                if row.kind() == RowKind::Data {
                    found.push(row.fields().map(|field| field.value().map(Cow::into_owned)).collect::<Vec<_>>());
                }
            });
            prop_assert_eq!(found, expected);
        }
    }
}
