use super::*;

fn text() -> Format {
    Format::Text(Text::default())
}

fn csv() -> Format {
    Format::Csv(Csv::default())
}

/// Rows as values, after feeding `data` in chunks of `size`.
fn rows(format: &Format, data: &[u8], size: usize) -> Result<Vec<Vec<Option<String>>>, Error> {
    let mut decoder = Decoder::new(Options::new(format.clone(), None, 1000)?);
    let mut rows = Vec::new();
    let mut keep = |row: Row<'_>| {
        if row.kind() == RowKind::Data {
            let values = row
                .fields()
                .map(|field| field.value().map(|value| value.escape_ascii().to_string()));
            rows.push(values.collect());
        }
    };
    for mut chunk in data.chunks(size.max(1)) {
        while let Some(row) = decoder.next(&mut chunk)? {
            keep(row);
        }
        assert!(chunk.is_empty());
    }
    if let Some(row) = decoder.finish()? {
        keep(row);
    }
    assert!(decoder.finish()?.is_none());
    Ok(rows)
}

/// The rows as one line of text, the same for every way of cutting the data.
fn check(format: &Format, data: &[u8], expected: &str) {
    for size in 1..=data.len().max(1) {
        let shown = match rows(format, data, size) {
            Ok(rows) => rows
                .into_iter()
                .map(|row| {
                    let fields = row.into_iter().map(|field| match field {
                        Some(value) => format!("<{value}>"),
                        None => "NULL".to_owned(),
                    });
                    fields.collect::<Vec<_>>().join(",")
                })
                .collect::<Vec<_>>()
                .join(" | "),
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected, "in chunks of {size}");
    }
}

#[test]
fn text_rows_and_nulls() {
    check(&text(), b"a\tb\n\\N\t\n", "<a>,<b> | NULL,<>");
    check(&text(), b"\n\n", "<> | <>");
    check(&text(), b"", "");
    check(&text(), b"no newline", "<no newline>");
}

#[test]
fn text_escapes() {
    check(
        &text(),
        br"\b\f\n\r\t\v\\\101\x41\x4g\q\N1",
        r"<\x08\x0c\n\r\t\x0b\\AA\x04gqN1>",
    );
    check(&text(), b"a\\\tb\\\nc\td\n", r"<a\tb\nc>,<d>");
    check(
        &text(),
        b"a\\\r\nb\r",
        "malformed message: line endings differ in COPY data",
    );
    check(&text(), b"x\n a\\\r\n", r"<x> | < a\r>");
}

#[test]
fn text_backslash_at_the_end_of_the_data() {
    check(&text(), b"a\tb\\", "<a>,<b>");
    let format = Format::Text(Text {
        null: b"nil".to_vec(),
        ..Text::default()
    });
    check(&format, b"nil\\", "NULL");
}

/// `COPY` text may end its lines in three ways, but only in one of them.
#[test]
fn line_endings() {
    check(&text(), b"a\r\nb\r\n", "<a> | <b>");
    check(&text(), b"a\rb\r", "<a> | <b>");
    let differ = "malformed message: line endings differ in COPY data";
    check(&text(), b"a\nb\r\n", differ);
    check(&text(), b"a\r\nb\n", differ);
    check(&text(), b"a\rb\n", differ);
    check(&text(), b"a\r\nb\rc", differ);
}

#[test]
fn end_of_copy_marker() {
    check(&text(), b"a\n\\.\n", "<a>");
    check(
        &text(),
        b"a\n\\.",
        "malformed message: end-of-copy marker inside a line",
    );
    check(&csv(), b"a\n\\.", r"<a> | <\\.>");
    check(
        &text(),
        b"a\n\\.\nb\n",
        "malformed message: COPY data after its end",
    );
    check(
        &text(),
        b"a\\.\n",
        "malformed message: end-of-copy marker inside a line",
    );
    check(&csv(), b"a\n\"\\.\"\n", r"<a> | <\\.>");
    check(&csv(), b"a\\.\n\\.\n", r"<a\\.>");
}

#[test]
fn csv_quotes() {
    check(
        &csv(),
        b"a,\"b,\"\"c\"\"\n\",,\"\"\nx\"y,z\"w,\n",
        r#"<a>,<b,\"c\"\n>,NULL,<> | <xy,zw>,NULL"#,
    );
    check(
        &csv(),
        b"\"open\n",
        "malformed message: COPY data ends inside quotes",
    );
    let other = Format::Csv(Csv {
        delimiter: b';',
        quote: b'\'',
        escape: b'\\',
        null: b"nil".to_vec(),
        ..Csv::default()
    });
    check(
        &other,
        b"'a\\'b\\\\';nil;'nil';\\'x'\n",
        r"<a\'b\\>,NULL,<nil>,<\\x>",
    );
}
