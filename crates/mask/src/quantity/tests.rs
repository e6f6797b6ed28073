use super::*;

const NUMERIC: Number = Number::Numeric(-1);

/// What a real server sends (`numeric_send`), and writes.
const NUMERICS: &[(&str, &str)] = &[
    ("0000000000000000", "0"),
    ("00010000000000000007", "7"),
    ("00010000400000000007", "-7"),
    ("0001000000000000000c", "12"),
    ("0003000100000002000c0d801e78", "123456.78"),
    ("0002ffff00000006000c0d48", "0.001234"),
    (
        "000600044000000126941538044a1de60c8a1388",
        "-98765432109876543210.5",
    ),
    ("00010002000000000001", "100000000"),
    ("000100000000000003e8", "1000"),
    ("000200000000000200341450", "52.52"),
    ("0002000040000001000d0fa0", "-13.4"),
    ("0001000100000002000a", "100000.00"),
    ("00010001000000000005", "50000"),
    ("0000000000000002", "0.00"),
    ("00010004400000012328", "-90000000000000000000.0"),
    ("00020001000000000009270f", "99999"),
    ("0001ffff0000000103e8", "0.1"),
    ("0001ffff4000000103e8", "-0.1"),
    ("000100000000000100b4", "180.0"),
];

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn numerics_of_a_real_server_are_read_and_written() {
    for (wire, text) in NUMERICS {
        assert_eq!(
            decode(NUMERIC, Format::Binary, &bytes_of(wire)).as_deref(),
            Some(*text)
        );
        let mut out = Vec::new();
        encode(NUMERIC, Format::Binary, text, &mut out).unwrap();
        assert_eq!(out, bytes_of(wire), "{text}");
    }
}

#[test]
fn what_is_no_finite_number_is_none() {
    let wires: &[&[u8]] = &[
        b"",
        b"\0\0\0\0\xc0\0\0\0",
        b"\0\x01\0\0\0\0\0\0",
        b"\0\x01\0\0\0\0\0\0\x27\x10",
        b"\0\x01\x7f\xff\0\0\0\0\0\x01",
        b"\0\x01\0\0\0\0\xff\xff\0\x01",
        b"\0\0\0\0\0\0\0\0\0",
    ];
    for wire in wires {
        assert_eq!(decode(NUMERIC, Format::Binary, wire), None, "{wire:?}");
    }
    for text in [
        "",
        "NaN",
        "Infinity",
        "-",
        ".",
        "1e5",
        "1,000",
        "--1",
        "１",
        &"9".repeat(500),
    ] {
        assert_eq!(
            decode(NUMERIC, Format::Text, text.as_bytes()),
            None,
            "{text}"
        );
    }
    for number in [Number::Float4, Number::Float8] {
        for text in ["NaN", "Infinity", "-Infinity", "inf", "x"] {
            assert_eq!(
                decode(number, Format::Text, text.as_bytes()),
                None,
                "{text}"
            );
        }
    }
    assert_eq!(
        decode(Number::Float8, Format::Binary, &f64::NAN.to_be_bytes()),
        None
    );
    assert_eq!(decode(Number::Int4, Format::Binary, &[0; 8]), None);
}

#[test]
fn buckets_keep_the_first_digit() {
    for (number, expected) in [
        ("0", "0"),
        ("9", "0"),
        ("-9.99", "0"),
        ("10", "10"),
        ("37", "30"),
        ("-37", "-30"),
        ("999", "900"),
        ("123456.78", "100000"),
        ("0042", "40"),
        (".5", "0"),
        ("+81", "80"),
    ] {
        assert_eq!(bucket(number).as_deref(), Some(expected), "{number}");
    }
}

#[test]
fn a_bucket_has_the_fraction_of_its_type_and_not_of_its_number() {
    let of = |precision: i32, scale: i32| Number::Numeric((precision << 16 | scale & 0x7ff) + 4);
    for (number, expected) in [
        (NUMERIC, "100"),
        (of(10, 2), "100.00"),
        (of(10, 0), "100"),
        (of(10, -2), "100"),
        (Number::Float8, "100"),
    ] {
        assert_eq!(scaled("100".to_owned(), number), expected, "{number:?}");
    }
}

#[test]
fn floats_are_written_as_the_server_does() {
    for (text, expected) in [
        ("100", "100"),
        ("100000000000000000000", "1e+20"),
        ("-500", "-500"),
        ("52.5", "52.5"),
    ] {
        let mut out = Vec::new();
        encode(Number::Float8, Format::Text, text, &mut out).unwrap();
        assert_eq!(out, expected.as_bytes());
    }
}
