//! What a hostile peer may send, and how little it costs.

use bytes::BytesMut;
use proptest::prelude::*;
use wire::postgres::{
    Bind, DataRow, Error, FirstMessage, Format, Frame, Frontend, Limits, ProtocolVersion, backend,
    encode, first_message, frame, frontend,
};

use crate::checks;

fn framed(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    message.extend(body);
    message
}

fn client_error(tag: u8, body: &[u8]) -> Error {
    let message = framed(tag, body);
    frontend(&frame(&message, 1 << 20).unwrap().unwrap()).unwrap_err()
}

fn server_error(tag: u8, body: &[u8]) -> Error {
    let message = framed(tag, body);
    backend(&frame(&message, 1 << 20).unwrap().unwrap()).unwrap_err()
}

fn bind(message: &[u8]) -> Bind<'_> {
    let found = frame(message, 1 << 20).unwrap().unwrap();
    match frontend(&found) {
        Ok(Frontend::Bind(bind)) => bind,
        other => panic!("{other:?}"),
    }
}

#[test]
fn ten_thousand_parameters() {
    for count in [10_000, 65_535_usize] {
        let mut out = BytesMut::new();
        let values = (0..count).map(|at| (at % 3 > 0).then_some(&b"v"[..]));
        let formats = (0..count).map(|at| {
            if at % 2 == 0 {
                Format::Text
            } else {
                Format::Binary
            }
        });
        encode::bind(&mut out, "p", "s", formats, values, []).unwrap();
        let bind = bind(&out);
        assert_eq!(bind.parameters().len(), count);
        assert_eq!(
            bind.parameters().flatten().count(),
            count - count.div_ceil(3)
        );
        assert_eq!(
            bind.parameter_format(count - 1),
            Some(Format::from_code(((count - 1) % 2) as i16).unwrap())
        );
        assert_eq!(bind.parameter_format(count), None);
    }
    let mut out = BytesMut::from(&b"kept"[..]);
    let values = std::iter::repeat_n(None, 65_536);
    assert!(encode::bind(&mut out, "", "", [], values, []).is_err());
    assert_eq!(out, b"kept"[..]);
}

#[test]
fn formats_follow_the_rule_of_none_one_or_each() {
    let of = |formats: &[Format]| {
        let mut out = BytesMut::new();
        encode::bind(&mut out, "", "", [], [], formats.iter().copied()).unwrap();
        let formats = bind(&out).result_formats();
        [formats.format(0), formats.format(1), formats.format(2)]
    };
    let (text, binary) = (Format::Text, Format::Binary);
    assert_eq!(of(&[]), [Some(text); 3]);
    assert_eq!(of(&[binary]), [Some(binary); 3]);
    assert_eq!(of(&[binary, text]), [Some(binary), Some(text), None]);
}

#[test]
fn lies_inside_client_messages() {
    let cases: &[(u8, &[u8], Error)] = &[
        (
            b'Q',
            b"no end",
            Error::Malformed("string without terminator"),
        ),
        (b'Q', b"a\0b\0", Error::TrailingBytes),
        (b'Q', b"\xff\0", Error::NotUtf8("query text")),
        (b'P', b"\xc3\0q\0\0\0", Error::NotUtf8("statement name")),
        (b'P', b"\0q\0\0\x02\0\0\0\x17", Error::Truncated),
        (b'P', b"\0q\0\0\0\0", Error::TrailingBytes),
        (b'B', b"\0\0\0\0\xff\xff", Error::Truncated),
        (b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff", Error::Truncated),
        (
            b'B',
            b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0",
            Error::Malformed("negative value length"),
        ),
        (
            b'B',
            b"\0\0\0\x01\0\x02\0\0\0\0",
            Error::Malformed("format code"),
        ),
        (
            b'B',
            b"\0\0\0\x02\0\0\0\0\0\x01\0\0\0\0\0\0",
            Error::Malformed("parameter formats without parameters"),
        ),
        (
            b'D',
            b"T\0",
            Error::Malformed("neither statement nor portal"),
        ),
        (b'D', b"", Error::Truncated),
        (b'E', b"\0\0\0", Error::Truncated),
        (b'S', b"x", Error::TrailingBytes),
        (b'X', b"\0", Error::TrailingBytes),
        (b'\0', b"", Error::UnknownTag(0)),
        (b'T', b"", Error::UnknownTag(b'T')),
    ];
    for (tag, body, expected) in cases {
        assert_eq!(
            client_error(*tag, body),
            *expected,
            "{} {}",
            *tag as char,
            body.escape_ascii()
        );
    }
}

#[test]
fn lies_inside_server_messages() {
    let cases: &[(u8, &[u8], Error)] = &[
        (b'D', b"\0\x01", Error::Truncated),
        (b'D', b"\xff\xff\0\0\0\0", Error::Truncated),
        (b'D', b"\0\x01\x40\0\0\0", Error::Truncated),
        (
            b'D',
            b"\0\x01\x80\0\0\0",
            Error::Malformed("negative value length"),
        ),
        (b'D', b"\0\0x", Error::TrailingBytes),
        (b'T', b"\0\x01name\0", Error::Truncated),
        (b'E', b"SERROR\0", Error::Truncated),
        (
            b'E',
            b"SERROR",
            Error::Malformed("string without terminator"),
        ),
        (b'E', b"\0\0", Error::TrailingBytes),
        (
            b'K',
            b"\0\0\0\x01\0\0\0",
            Error::Malformed("length of the cancel key"),
        ),
        (
            b'K',
            &[7; 4 + 257],
            Error::Malformed("length of the cancel key"),
        ),
        (b'Z', b"X", Error::Malformed("transaction status")),
        (b'H', b"\x02\0\0", Error::Malformed("format code")),
        (b'R', b"\0\0\0\x0a", Error::Truncated),
        (
            b'R',
            b"\0\0\0\x0aSCRAM\0x",
            Error::Malformed("SASL mechanisms without terminator"),
        ),
        (
            b'v',
            b"\0\x02\0\0\0\0\0\0",
            Error::Malformed("negotiated protocol version"),
        ),
        (
            b'v',
            b"\0\x03\0\0\xff\xff\xff\xff",
            Error::Malformed("string without terminator"),
        ),
        (b'Q', b"\0", Error::UnknownTag(b'Q')),
    ];
    for (tag, body, expected) in cases {
        assert_eq!(
            server_error(*tag, body),
            *expected,
            "{} {}",
            *tag as char,
            body.escape_ascii()
        );
    }
}

#[test]
fn start_up_packets() {
    let limits = Limits::default();
    let read = |packet: &[u8]| first_message(packet, &limits).map(|read| read.is_some());
    let packet = |body: &[u8]| {
        let mut packet = u32::try_from(body.len() + 4)
            .unwrap()
            .to_be_bytes()
            .to_vec();
        packet.extend(body);
        packet
    };
    // judged at the fourth byte
    assert_eq!(read(b"\0\0\x27"), Ok(false));
    assert_eq!(
        read(b"\x40\0\0\0"),
        Err(Error::TooLarge {
            declared_bytes: 1 << 30,
            limit_bytes: 10_004
        })
    );
    assert!(read(b"GET ").is_err());
    assert!(read(b"\0\0\0\x07").is_err());
    assert_eq!(
        read(&packet(b"\0\x02\0\0")),
        Err(Error::UnsupportedVersion { major: 2, minor: 0 })
    );
    assert_eq!(
        read(&packet(b"\x04\xd2\x16\x2fx")),
        Err(Error::TrailingBytes)
    );
    let cases: &[(&[u8], Error)] = &[
        (b"", Error::Malformed("string without terminator")),
        (
            b"user\0ada\0",
            Error::Malformed("string without terminator"),
        ),
        (b"user\0ada\0\0x", Error::TrailingBytes),
        (
            b"user\0a\xffb\0\0",
            Error::NotUtf8("start-up parameter value"),
        ),
        (
            b"user\0a\0x\0\0user\0b\0\0",
            Error::Malformed("start-up parameter occurs twice"),
        ),
    ];
    for (parameters, expected) in cases {
        let body = [&b"\0\x03\0\0"[..], *parameters].concat();
        assert_eq!(
            read(&packet(&body)),
            Err(*expected),
            "{}",
            parameters.escape_ascii()
        );
    }
}

#[test]
fn a_client_may_ask_for_a_version_of_the_future() {
    let mut out = BytesMut::new();
    let version = ProtocolVersion {
        major: 3,
        minor: 9999,
    };
    let parameters = [("user", "ada"), ("_pq_.test_protocol_negotiation", "")];
    encode::startup(&mut out, version, parameters).unwrap();
    let Ok(Some((FirstMessage::Startup(startup), _))) = first_message(&out, &Limits::default())
    else {
        panic!("not a start-up packet");
    };
    assert_eq!(startup.version, version);
    let asked: Vec<_> = startup.protocol_options().collect();
    assert_eq!(asked, ["_pq_.test_protocol_negotiation"]);
}

#[test]
fn cancel_keys_have_four_to_256_bytes() {
    for (length, fits) in [(3, false), (4, true), (32, true), (256, true), (257, false)] {
        let secret = vec![9; length];
        let mut out = BytesMut::new();
        assert_eq!(encode::cancel_request(&mut out, -5, &secret).is_ok(), fits);
        assert_eq!(
            encode::backend_key_data(&mut BytesMut::new(), 1, &secret).is_ok(),
            fits
        );
        let mut packet = u32::try_from(12 + length).unwrap().to_be_bytes().to_vec();
        packet.extend(80_877_102_u32.to_be_bytes());
        packet.extend((-5_i32).to_be_bytes());
        packet.extend(&secret);
        let read = first_message(&packet, &Limits::default());
        assert_eq!(read.is_ok(), fits);
        assert!(!fits || out == packet);
    }
}

#[test]
fn a_nul_is_never_smuggled_into_a_message() {
    let mut out = BytesMut::from(&b"kept"[..]);
    assert!(encode::query(&mut out, "select 1\0; drop").is_err());
    assert!(encode::parse(&mut out, "a\0b", "", []).is_err());
    assert!(encode::startup(&mut out, ProtocolVersion::V3_0, [("user", "a\0")]).is_err());
    assert!(encode::startup(&mut out, ProtocolVersion::V3_0, [("", "a")]).is_err());
    assert!(encode::password(&mut out, b"a\0").is_err());
    assert_eq!(out, b"kept"[..]);

    let mut out = BytesMut::new();
    encode::command_complete(&mut out, b"SEL\0ECT 1");
    assert_eq!(out, framed(b'C', b"SELECT 1\0"));
}

/// Debug output may reach a log: no text of a statement, no value, no secret.
#[test]
fn debug_shows_no_values() {
    let mut out = BytesMut::new();
    encode::query(&mut out, "select 'pencil'").unwrap();
    encode::bind(&mut out, "", "", [], [Some(&b"pencil"[..])], []).unwrap();
    encode::password(&mut out, b"pencil").unwrap();
    encode::copy_data(&mut out, b"pencil").unwrap();
    encode::copy_fail(&mut out, b"pencil").unwrap();
    let mut rest = &out[..];
    while let Some(found) = frame(rest, 1000).unwrap() {
        let shown = format!("{found:?} {:?}", frontend(&found).unwrap());
        assert!(
            !shown.contains("pencil") && !shown.contains("112, 101"),
            "{shown}"
        );
        rest = &rest[found.raw.len()..];
    }
    let mut out = BytesMut::new();
    encode::data_row(&mut out, [Some(&b"pencil"[..])]).unwrap();
    encode::backend_key_data(&mut out, 1, b"pencil").unwrap();
    encode::copy_data(&mut out, b"pencil").unwrap();
    encode::authentication_sasl_continue(&mut out, b"pencil");
    encode::notification_response(&mut out, 1, b"news", b"pencil");
    encode::error_fields(&mut out, [(b'C', &b"22P02"[..]), (b'M', b"pencil")]);
    let mut rest = &out[..];
    while let Some(found) = frame(rest, 1000).unwrap() {
        let shown = format!("{found:?} {:?}", backend(&found).unwrap());
        assert!(
            !shown.contains("pencil") && !shown.contains("112, 101"),
            "{shown}"
        );
        rest = &rest[found.raw.len()..];
    }
}

/// Bytes that look like messages: a known tag, a length that often fits.
fn nearly_messages() -> impl Strategy<Value = Vec<u8>> {
    let tags = prop::sample::select(b"QPBDECHSdcfFpXRK123CGHWdcDIEVNAntS1sZTv".to_vec());
    let word = prop_oneof![
        Just(vec![0]),
        Just(vec![0, 0]),
        Just(vec![0, 1]),
        Just(vec![0, 0, 0, 0]),
        Just(vec![0, 0, 0, 1]),
        Just(vec![0xff; 4]),
        Just(vec![0x40, 0, 0, 0]),
        Just(b"S".to_vec()),
        Just(b"name\0".to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    let body = prop::collection::vec(word, 0..12).prop_map(|words| words.concat());
    let message = (tags, body, -1_i64..2).prop_map(|(tag, body, lie)| {
        let mut message = framed(tag, &body);
        if lie != 0 {
            let length = u32::try_from(body.len() as i64 + 4 + lie).unwrap();
            message[1..5].copy_from_slice(&length.to_be_bytes());
        }
        message
    });
    let honest = message.clone().prop_filter("honest", |message| {
        matches!(frame(message, 1 << 20), Ok(Some(Frame { raw, .. })) if raw.len() == message.len())
    });
    (prop::collection::vec(honest, 0..4), message).prop_map(|(mut messages, last)| {
        messages.push(last);
        messages.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_panics_and_what_decodes_is_written_again(data in nearly_messages()) {
        checks::frontend::check(&data);
        checks::backend::check(&data);
    }

    #[test]
    fn any_row_survives_rewriting(
        values in prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..20)), 0..20),
    ) {
        let mut out = BytesMut::new();
        encode::data_row(&mut out, values.iter().map(|value| value.as_deref())).unwrap();
        let found = frame(&out, 1 << 20).unwrap().unwrap();
        let row = DataRow::new(found.body).unwrap();
        prop_assert!(row.iter().eq(values.iter().map(|value| value.as_deref())));
        checks::backend::check(&out);
    }
}
