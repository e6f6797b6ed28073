//! The promises of the crate, over all labels, types and formats.

use super::*;
use postgres_protocol::types;
use proptest::prelude::*;
use std::net::IpAddr;
use std::sync::LazyLock;

const TEXT: u32 = 25;
const VARCHAR: u32 = 1043;
const BPCHAR: u32 = 1042;
const NAME: u32 = 19;
const JSON: u32 = 114;
const JSONB: u32 = 3802;
const UUID: u32 = 2950;
const INET: u32 = 869;
const CIDR: u32 = 650;
const TEXTS: u32 = 1009;
const VARCHARS: u32 = 1015;
const JSONBS: u32 = 3807;
const UUIDS: u32 = 2951;
const INETS: u32 = 1041;

/// Made once: it is dear.
fn masker() -> &'static Masker {
    static MASKER: LazyLock<Masker> = LazyLock::new(|| Masker::new(&[5; 32], "shop", 1));
    &MASKER
}

fn label(word: &str) -> Label {
    Label::new(word).unwrap()
}

fn mask_with(
    masker: &Masker,
    word: &str,
    ty: ColumnType,
    format: Format,
    raw: &[u8],
) -> Option<Vec<u8>> {
    let mut out = b"before".to_vec();
    let masked = masker.mask(&label(word), &ty, format, raw, &mut out);
    assert_eq!(&out[..6], b"before");
    match masked {
        Masked::Value => Some(out[6..].to_vec()),
        Masked::Null => {
            assert_eq!(out.len(), 6, "NULL leaves nothing behind");
            None
        }
    }
}

fn mask(word: &str, oid: u32, modifier: i32, format: Format, raw: &[u8]) -> Option<Vec<u8>> {
    mask_with(
        masker(),
        word,
        ColumnType::built_in(oid, modifier),
        format,
        raw,
    )
}

fn text(word: &str, oid: u32, modifier: i32, raw: &str) -> Option<String> {
    mask(word, oid, modifier, Format::Text, raw.as_bytes())
        .map(|out| String::from_utf8(out).unwrap())
}

/// May a value come out as it is: the first of a bucket, or a text with nothing in it?
fn may_keep(word: &str) -> bool {
    let parts = label(word).releases().parts;
    parts.contains(&Part::Bucket) || parts.contains(&Part::Rest)
}

/// The oids PostgreSQL 15 has built in, roughly, and some that it has not.
fn oids() -> impl Strategy<Value = u32> {
    let special = vec![
        TEXT, VARCHAR, BPCHAR, NAME, JSON, JSONB, UUID, INET, CIDR, TEXTS, VARCHARS, 1014, 1003,
        199, JSONBS, UUIDS, INETS, 651, 16, 17, 18, 20, 21, 23, 700, 701, 705, 1700, 1082, 1114,
        1184, 790, 142, 1007, 2277, 16_400,
    ];
    prop_oneof![prop::sample::select(special), 0u32..5_100, any::<u32>()]
}

fn words() -> impl Strategy<Value = String> {
    let built_in: Vec<String> = labels().map(|label| label.as_str().to_owned()).collect();
    prop_oneof![9 => prop::sample::select(built_in), 1 => "[a-z][a-z0-9]{0,8}"]
}

fn formats() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Text), Just(Format::Binary)]
}

fn categories() -> impl Strategy<Value = Category> {
    prop_oneof![Just(Category::String), Just(Category::Other)]
}

fn modifiers() -> impl Strategy<Value = i32> {
    prop_oneof![Just(-1), 0..80i32, any::<i32>()]
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[a-z@. 0-9]{0,12}", inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Does the masked document have the shape of the raw one, and none of its strings and numbers?
fn same_shape(raw: &serde_json::Value, masked: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    match (raw, masked) {
        (Null, Null) => true,
        (Bool(_), Bool(masked)) => !masked,
        (Number(_), Number(masked)) => masked.as_f64() == Some(0.0),
        (String(raw), String(masked)) => raw != masked,
        (Array(raw), Array(masked)) => {
            raw.len() == masked.len()
                && raw
                    .iter()
                    .zip(masked)
                    .all(|(raw, masked)| same_shape(raw, masked))
        }
        (Object(raw), Object(masked)) => {
            raw.len() == masked.len()
                && raw
                    .values()
                    .zip(masked.values())
                    .all(|(raw, masked)| same_shape(raw, masked))
        }
        _ => false,
    }
}

fn binary_array(oid: u32, elements: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut raw = vec![0, 0, 0, 1, 0, 0, 0, 1];
    raw.extend(oid.to_be_bytes());
    raw.extend((elements.len() as i32).to_be_bytes());
    raw.extend(1i32.to_be_bytes());
    for element in elements {
        match element {
            Some(bytes) => {
                raw.extend((bytes.len() as i32).to_be_bytes());
                raw.extend(bytes);
            }
            None => raw.extend((-1i32).to_be_bytes()),
        }
    }
    raw
}

/// As PostgreSQL's `array_out` writes one dimension.
fn text_array(elements: &[Option<String>]) -> String {
    let number = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || "+-.e".contains(c))
    };
    let element = |element: &Option<String>| match element {
        None => "NULL".to_owned(),
        Some(text) if number(text) => text.clone(),
        Some(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    };
    format!(
        "{{{}}}",
        elements.iter().map(element).collect::<Vec<_>>().join(",")
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn arbitrary_bytes_never_panic_come_out_or_differ(
        word in words(), oid in oids(), modifier in modifiers(), category in categories(), format in formats(),
        raw in prop_oneof![any::<Vec<u8>>(), any::<String>().prop_map(String::into_bytes), "[\\[\\]{}\",:\\\\a-z0-9. ]{0,40}".prop_map(String::into_bytes)],
    ) {
        let masker = masker();
        let ty = ColumnType { oid, modifier, category };
        let first = mask_with(masker, &word, ty, format, &raw);
        prop_assert!(may_keep(&word) || first.as_deref() != Some(raw.as_slice()));
        prop_assert_eq!(first, mask_with(masker, &word, ty, format, &raw));
    }

    #[test]
    fn mutated_arrays_never_panic(
        word in words(), elements in prop::collection::vec(prop::option::of(any::<String>()), 1..4),
        at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let bytes: Vec<_> = elements.iter().map(|e| e.clone().map(String::into_bytes)).collect();
        for (format, mut raw) in [(Format::Binary, binary_array(TEXT, &bytes)), (Format::Text, text_array(&elements).into_bytes())] {
            let at = at.index(raw.len());
            if cut { raw.truncate(at) } else { raw[at] = byte }
            prop_assert!(may_keep(&word) || mask(&word, TEXTS, -1, format, &raw) != Some(raw));
        }
    }

    #[test]
    fn text_fits_its_length_and_is_the_same_in_both_formats(word in words(), raw in "[^\0]{0,60}", length in 0..70i32) {
        for (oid, limit) in [(TEXT, usize::MAX), (NAME, 63), (VARCHAR, length as usize), (BPCHAR, length as usize)] {
            let raw = match oid {
                VARCHAR => raw.chars().take(limit).collect(),
                BPCHAR => format!("{:<limit$}", raw.chars().take(limit).collect::<String>()),
                _ => raw.clone(),
            };
            let masked = text(&word, oid, length + 4, &raw);
            prop_assert_eq!(mask(&word, oid, length + 4, Format::Binary, raw.as_bytes()), masked.clone().map(String::into_bytes));
            if let Some(masked) = masked {
                prop_assert!(!masked.contains(['"', '\\']) && !masked.contains(char::is_control) || matches!(word.as_str(), "json" | "text"));
                let chars = masked.chars().count();
                prop_assert!(chars <= limit);
                prop_assert!(oid != BPCHAR || chars == limit, "character(n) is filled up");
                prop_assert!(may_keep(&word) || masked.trim_end_matches(' ') != raw.trim_end_matches(' '));
            } else {
                prop_assert!(limit < 40, "only shortness leaves text without stand-in");
            }
        }
    }

    #[test]
    fn json_keeps_its_shape_and_loses_its_values(word in prop::sample::select(vec!["json", "text"]), value in json_value()) {
        let raw = value.to_string();
        let mut versioned = vec![1];
        versioned.extend(raw.as_bytes());
        for (oid, format, raw) in [(JSON, Format::Text, raw.as_bytes()), (JSON, Format::Binary, raw.as_bytes()), (JSONB, Format::Text, raw.as_bytes()), (JSONB, Format::Binary, versioned.as_slice())] {
            let Some(masked) = mask(word, oid, -1, format, raw) else { continue };
            let document = if raw == versioned { prop_assert_eq!(masked[0], 1); &masked[1..] } else { &masked[..] };
            let masked: serde_json::Value = serde_json::from_slice(document).unwrap();
            prop_assert!(same_shape(&value, &masked), "{} {}", value, masked);
            prop_assert_ne!(&masked, &value);
        }
    }

    #[test]
    fn arrays_keep_nulls_and_mask_each_element_as_a_column_of_it(
        word in words(), elements in prop::collection::vec(prop::option::of("[^\0]{0,12}"), 0..5), length in 20..50i32,
    ) {
        let alone = |element: &Option<String>| element.as_ref().and_then(|raw| text(&word, VARCHAR, length + 4, raw));
        let expected: Vec<_> = elements.iter().map(alone).collect();
        let whole = expected.iter().any(Option::is_some);
        let masked = text(&word, VARCHARS, length + 4, &text_array(&elements));
        prop_assert_eq!(masked, whole.then(|| text_array(&expected)));

        let bytes: Vec<_> = elements.iter().map(|e| e.clone().map(String::into_bytes)).collect();
        let masked = mask(&word, VARCHARS, length + 4, Format::Binary, &binary_array(VARCHAR, &bytes));
        prop_assert_eq!(masked.is_some(), whole);
        if let Some(masked) = masked {
            let array = types::array_from_sql(&masked).unwrap();
            prop_assert_eq!(array.element_type(), VARCHAR);
            prop_assert_eq!(array.has_nulls(), expected.contains(&None));
            prop_assert_eq!(elements_of(&masked), expected);
        }
    }

    #[test]
    fn addresses_and_uuids_agree_across_types_and_formats(address in any::<IpAddr>(), id in any::<[u8; 16]>()) {
        let (family, octets) = match address {
            IpAddr::V4(four) => (2, four.octets().to_vec()),
            IpAddr::V6(six) => (3, six.octets().to_vec()),
        };
        let bits = octets.len() as u8 * 8;
        let wire = |cidr| [vec![family, bits, cidr, bits / 8], octets.clone()].concat();
        let masked = text("ip", INET, -1, &address.to_string()).unwrap();
        prop_assert_eq!(text("ip", TEXT, -1, &address.to_string()).unwrap(), masked.clone());
        let host = masked.parse::<std::net::Ipv6Addr>().unwrap();
        prop_assert!(masked.starts_with("2001:db8:") && host.to_string() == masked);
        let expected = |cidr| Some([vec![3, 128, cidr, 16], host.octets().to_vec()].concat());
        prop_assert_eq!(mask("ip", INET, -1, Format::Binary, &wire(0)), expected(0));
        prop_assert_eq!(mask("ip", CIDR, -1, Format::Binary, &wire(1)), expected(1));
        prop_assert_eq!(text("ip", CIDR, -1, &format!("{address}/{bits}")), Some(format!("{masked}/128")));

        let hex: String = id.iter().map(|b| format!("{b:02x}")).collect();
        let dashed = format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        let masked = text("uuid", UUID, -1, &dashed).unwrap();
        prop_assert_eq!(masked.len(), 36);
        prop_assert_eq!(&masked[14..15], "8");
        let binary = mask("uuid", UUID, -1, Format::Binary, &id).unwrap();
        prop_assert_eq!(binary.iter().map(|b| format!("{b:02x}")).collect::<String>(), masked.replace('-', ""));
        prop_assert_eq!(text("uuid", TEXT, -1, &dashed).unwrap(), masked);
    }
}

/// The elements behind a one-dimensional array's header.
fn elements_of(array: &[u8]) -> Vec<Option<String>> {
    let mut rest = &array[20..];
    let mut elements = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (element, after) = after.split_at(length.unwrap_or(0));
        elements.push(length.map(|_| String::from_utf8(element.to_vec()).unwrap()));
        rest = after;
    }
    elements
}

#[test]
fn a_label_on_a_type_it_does_not_fit_gives_null() {
    let cases: &[(&str, u32, Format, &[u8])] = &[
        ("email", 23, Format::Text, b"42"),
        ("email", 23, Format::Binary, &[0, 0, 0, 42]),
        ("salary", 1700, Format::Text, b"1234.50"),
        ("date-of-birth", 1083, Format::Text, b"12:00"),
        ("date", 1186, Format::Text, b"1 day"),
        ("date", 3912, Format::Text, b"[1970-01-01,1970-01-02)"),
        ("number", 790, Format::Text, b"$1.00"),
        ("number", 3904, Format::Text, b"[1,2)"),
        ("number", 23, Format::Text, b"x"),
        ("number", 23, Format::Binary, &[0; 5]),
        ("phone", 21, Format::Text, b"1555"),
        ("phone", 20, Format::Text, b"x"),
        ("card", 23, Format::Text, b"41111111"),
        ("phone", 701, Format::Text, b"15550100"),
        ("passport", 1700, Format::Text, b"1.5"),
        ("secret", 17, Format::Text, b"\\xdead"),
        ("gender", 16, Format::Text, b"t"),
        ("geo", 600, Format::Text, b"(1,x)"),
        ("mac", 774, Format::Text, b"08:00:2b:01:02:03:04:05"),
        ("email", 829, Format::Text, b"08:00:2b:01:02:03"),
        ("email", INET, Format::Text, b"10.0.0.1"),
        (
            "secret",
            UUID,
            Format::Text,
            b"01234567-89ab-cdef-0123-456789abcdef",
        ),
        ("note", JSONB, Format::Text, b"{\"a\": \"b\"}"),
        ("ip", INET, Format::Text, b"not an address"),
        ("uuid", UUID, Format::Binary, b"short"),
        ("email", JSONB, Format::Binary, b"\x02\"a\""),
        ("email", TEXT, Format::Text, b"\xff"),
        ("email", TEXT, Format::Text, b"a\0b"),
        ("email", TEXTS, Format::Text, b"{}"),
        ("email", TEXTS, Format::Text, b"{NULL}"),
    ];
    for (word, oid, format, raw) in cases {
        assert_eq!(mask(word, *oid, -1, *format, raw), None, "{word} {oid}");
    }
    // A uuid under another label is still one.
    assert!(text("email", UUID, -1, "01234567-89ab-cdef-0123-456789abcdef").is_some());
}

#[test]
fn a_document_keeps_its_shape_only_under_labels_that_say_so() {
    let raw = r#"{"AnnSmith": null, "x": "a"}"#;
    for label in labels() {
        let told = label.releases().parts;
        let shape = told.contains(&Part::Shape) || told.contains(&Part::Rest);
        for (oid, raw) in [
            (JSON, raw),
            (JSONB, raw),
            (JSONBS, "{\"{\\\"AnnSmith\\\": \\\"a\\\"}\"}"),
        ] {
            let masked = text(label.as_str(), oid, -1, raw);
            assert_eq!(masked.is_some(), shape, "{label} {oid}");
        }
    }
}

#[test]
fn only_so_much_of_a_value_is_searched_and_the_rest_is_redacted() {
    let mail = "ann@example.org";
    let token = text("email", TEXT, -1, mail).unwrap();
    let masked = |word, oid, raw: &str| text(word, oid, -1, raw).unwrap();
    // As a whole a string of JSON is searched to 8 KiB, a key as well.
    let key = |body: usize| format!("Bearer {}", "aB3".repeat(body / 3));
    let secret = |body| {
        format!(
            "{{\"k\": \"postgres://a:{}@c/\"}}",
            key(body).replace(' ', "-")
        )
    };
    assert!(masked("json", JSON, &secret(4_000)).contains("‹secret:"));
    assert!(masked("json", JSON, &secret(9_000)).starts_with("{\"k\": \"t_"));
    // A value of more than a mebibyte is not searched at all, whatever it is made of.
    for (count, seen) in [(10, true), (70_000, false)] {
        let strings = format!("[{}]", vec![format!("\"{mail}\""); count].join(","));
        let document = masked("json", JSON, &strings);
        assert_eq!(document.contains(&token), seen);
        assert!(!document.contains(mail));
        let array = format!("{{{}}}", vec![mail; count].join(","));
        let elements = masked("text", TEXTS, &array);
        assert_eq!(elements.contains(&token), seen);
        assert_eq!(elements.contains("[redacted]"), !seen);
        let prose = masked("text", TEXT, &vec![mail; count].join(" "));
        assert_eq!(prose.contains(&token), seen);
        assert_eq!(prose == "[redacted]", !seen);
    }
}

/// Label, type, modifier, and texts of values and of what becomes of them.
const TYPED: &[(&str, u32, i32, &str, &str)] = &[
    ("number", 23, -1, "54321", "50000"),
    ("number", 21, -1, "-37", "-30"),
    ("number", 20, -1, "9", "0"),
    ("number", 1700, -1, "123456.78", "100000"),
    ("number", 1700, -1, "1.2345", "0"),
    ("number", 1700, (10 << 16 | 2) + 4, "123456.78", "100000.00"),
    ("number", 701, -1, "1234.5", "1000"),
    ("number", 700, -1, "99", "90"),
    ("number", 701, -1, "1.5e+20", "1e+20"),
    ("number", 25, -1, "1234.50", "1000"),
    ("number", 25, -1, "many", "[redacted]"),
    ("number", 1007, -1, "{1,22,NULL}", "{0,20,NULL}"),
    ("number", 1231, -1, "{1.5,-22}", "{0,-20}"),
    ("age", 23, -1, "37", "30"),
    ("date-of-birth", 1082, -1, "1987-06-05", "1985-01-01"),
    ("date-of-birth", 1082, -1, "1985-01-01", "1985-01-01"),
    ("date-of-birth", 23, -1, "1987", "1985"),
    ("birth_date", 25, -1, "1987-06-05", "1985-01-01"),
    ("birth_date", 25, -1, "June 1987", "[redacted]"),
    (
        "date",
        1114,
        -1,
        "1987-06-05 12:34:56.789",
        "1987-01-01 00:00:00",
    ),
    (
        "date",
        1184,
        -1,
        "1987-01-01 01:00:00+02",
        "1986-01-01 00:00:00+00",
    ),
    ("date", 1182, -1, "{1987-06-05}", "{1987-01-01}"),
    (
        "date",
        1115,
        -1,
        "{\"1987-06-05 12:00:00\"}",
        "{\"1987-01-01 00:00:00\"}",
    ),
    ("geo", 600, -1, "(13.405,52.52)", "(13.4,52.5)"),
    ("geo", 701, -1, "52.52", "52.5"),
    ("geo", 1700, -1, "-13.405", "-13.4"),
    ("geo", 25, -1, "52.52, 13.405", "52.5, 13.4"),
    ("geo", 1017, -1, "{\"(13.405,52.52)\"}", "{\"(13.4,52.5)\"}"),
];

#[test]
fn numbers_dates_and_places_become_buckets_of_their_type() {
    for (word, oid, modifier, raw, expected) in TYPED {
        assert_eq!(
            text(word, *oid, *modifier, raw).as_deref(),
            Some(*expected),
            "{word} {oid} {raw}"
        );
    }
}

#[test]
fn numbers_that_name_somebody_become_numbers_that_nobody_has() {
    for (word, oid, modifier, raw, check) in [
        (
            "phone",
            20,
            -1,
            "4915123987654",
            "999000000000000..=999999999999999",
        ),
        ("phone", 23, -1, "5550100", "999000000..=999999999"),
        ("ssn", 23, -1, "123456789", "900000000..=999999999"),
        (
            "card",
            20,
            -1,
            "4111111111111111",
            "9999000000000000..=9999999999999999",
        ),
        (
            "card",
            1700,
            (16 << 16 | 4),
            "4111111111111111",
            "9999000000000000..=9999999999999999",
        ),
        (
            "tax-id",
            20,
            -1,
            "86095742719",
            "-19999999999999999..=-10000000000000000",
        ),
        (
            "bank-account",
            23,
            -1,
            "532013000",
            "-199999999..=-100000000",
        ),
        (
            "passport",
            1700,
            (12 << 16 | 2) + 4,
            "12345678",
            "-1999999999..=-1000000000",
        ),
    ] {
        let (low, high) = check.split_once("..=").unwrap();
        let masked = text(word, oid, modifier, raw).unwrap();
        let number: i64 = masked.parse().unwrap();
        assert!(
            (low.parse().unwrap()..=high.parse().unwrap()).contains(&number),
            "{word} {raw} {masked}"
        );
        // The same in binary, and in every other type with room for it.
        if let Ok(raw) = raw.parse::<i32>()
            && oid == 23
        {
            let binary = mask(word, oid, modifier, Format::Binary, &raw.to_be_bytes());
            assert_eq!(binary, Some((number as i32).to_be_bytes().to_vec()));
        }
    }
    assert_eq!(text("card", 1700, (11 << 16) + 4, "41111111111"), None);
}

#[test]
fn string_like_types_of_extensions_are_text_and_others_null() {
    let masker = masker();
    let ty = |category| ColumnType {
        oid: 16_500,
        modifier: -1,
        category,
    };
    let citext = mask_with(
        masker,
        "email",
        ty(Category::from_letter(b'S')),
        Format::Binary,
        b"a@b.c",
    )
    .unwrap();
    assert_eq!(
        Some(citext),
        mask("email", TEXT, -1, Format::Text, b"a@b.c")
    );
    assert_eq!(
        mask_with(
            masker,
            "email",
            ty(Category::from_letter(b'E')),
            Format::Text,
            b"a@b.c"
        ),
        None
    );
}

#[test]
fn a_value_has_one_stand_in_within_scope_label_and_epoch() {
    let one = text("email", TEXT, -1, "ann@example.org").unwrap();
    assert_eq!(text("email", VARCHAR, 104, "ann@example.org").unwrap(), one);
    assert_eq!(
        text("email", BPCHAR, 64, &format!("{:60}", "ann@example.org"))
            .unwrap()
            .trim_end(),
        one
    );
    assert_eq!(
        text("json", JSONB, -1, "[\"ann@example.org\"]").unwrap(),
        format!("[\"{one}\"]")
    );
    assert_eq!(
        text("text", JSON, -1, "[\"\\u0061nn@example.org\"]").unwrap(),
        format!("[\"{one}\"]")
    );
    assert_eq!(
        text("email", TEXTS, -1, "{ann@example.org,NULL}").unwrap(),
        format!("{{\"{one}\",NULL}}")
    );
    assert_eq!(
        text("json", JSONBS, -1, "{\"[\\\"ann@example.org\\\"]\"}").unwrap(),
        format!("{{\"[\\\"{one}\\\"]\"}}")
    );
    let ty = ColumnType::built_in(TEXT, -1);
    for other in [
        Masker::new(&[5; 32], "shop", 2),
        Masker::new(&[5; 32], "shop2", 1),
        Masker::new(&[6; 32], "shop", 1),
    ] {
        let masked = mask_with(&other, "email", ty, Format::Text, b"ann@example.org").unwrap();
        assert_ne!(masked, one.as_bytes());
    }
}

#[test]
fn documents_that_hold_nothing_to_mask_and_malformed_ones_become_null() {
    for raw in [
        "",
        " ",
        "{",
        "{}",
        "[]",
        "null",
        "0",
        "-0.0e7",
        "false",
        "[0, {\"a\": null}]",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "[1}",
        "1 2",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "tru",
        "\"a",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\u12\"",
        "\"a\nb\"",
        "[1]]",
        "nullx",
        "{\"a\" 1}",
        "{,}",
        "]",
        &"[".repeat(200),
        &format!("{}1{}", "[".repeat(129), "]".repeat(129)),
    ] {
        assert_eq!(text("json", JSON, -1, raw), None, "{raw}");
    }
    let deep = format!("{}1{}", "[".repeat(128), "]".repeat(128));
    assert_eq!(text("json", JSON, -1, &deep), Some(deep.replace('1', "0")));
}

#[test]
fn document_keys_that_may_be_data_become_tokens() {
    let masked = text(
        "json",
        JSONB,
        -1,
        r#"{"created_at": 1, "ann@example.org": 2, "4111111111111111": 3, "é": 4, "u12345": 5}"#,
    );
    let masked: serde_json::Value = serde_json::from_str(&masked.unwrap()).unwrap();
    let keys: Vec<_> = masked.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys.len(), 5);
    assert_eq!(keys[0], "created_at");
    for raw in ["ann@example.org", "4111111111111111", "é", "u12345"] {
        assert!(keys.iter().all(|key| key != raw), "{keys:?}");
    }
    assert!(keys[4].starts_with("t_") && keys[4].len() == 14, "{keys:?}");
}

#[test]
fn broken_array_texts_become_null() {
    for raw in [
        "",
        "{",
        "}",
        "{a",
        "a}",
        "{a}b",
        "{a},{b}",
        "{a,}",
        "{,a}",
        "{a b}",
        "{a{b}}",
        "{{a},b}",
        "{a,{b}}",
        "{{a},{b,c}}",
        "{\"a}",
        "{a\\b}",
        "{{{{{{{a}}}}}}}",
        "[1:2]={a}",
        "[1:1]{a}",
        "[1]={a}",
        "[2:1]={a}",
        "[01:1]={a}",
        "[1:1][1:1]={a}",
        "[+1:1]={a}",
        "=\u{7b}a}",
        "[-2147483648:2147483647]={a}",
        "{{}}",
        "{\"a\"b}",
    ] {
        assert_eq!(text("email", TEXTS, -1, raw), None, "{raw}");
    }
    for raw in [
        "{a}",
        "{{a,b},{c,NULL}}",
        "[0:1]={a,b}",
        "[-1:-1][2:3]={{a,b}}",
        "{\"a b\",\"\",\"x\\\"y\\\\z\"}",
        "{{{{{{a}}}}}}",
    ] {
        let masked = text("username", TEXTS, -1, raw).unwrap();
        assert!(
            masked.matches("user_").count() >= 1 && !masked.contains("\"a"),
            "{raw} {masked}"
        );
    }
}

#[test]
fn parts_of_texts_and_documents_become_what_they_are_in_columns() {
    let token = text("email", TEXT, -1, "ann@example.org").unwrap();
    assert_eq!(
        text(
            "text",
            TEXT,
            -1,
            "write \"soon\" to <ann@example.org>, or not"
        )
        .unwrap(),
        format!("write \"soon\" to <{token}>, or not")
    );
    assert_eq!(
        text("text", TEXT, -1, "nothing here").unwrap(),
        "nothing here"
    );
    assert_eq!(
        text("text", TEXTS, -1, "{\"to \\\"ann@example.org\\\"\"}").unwrap(),
        format!("{{\"to \\\"{token}\\\"\"}}")
    );
    // Where the token does not fit, nothing of the text is kept.
    assert_eq!(
        text("text", VARCHAR, 24, "to ann@example.org").unwrap(),
        "[redacted]"
    );
    for word in ["json", "text"] {
        let masked = text(
            word,
            JSONB,
            -1,
            r#"{"mail": "ann\u0040example.org", "note": "to ann@example.org", "n": 1}"#,
        )
        .unwrap();
        let document: serde_json::Value = serde_json::from_str(&masked).unwrap();
        assert_eq!(document["mail"], token.as_str());
        assert!(
            document["note"]
                .as_str()
                .is_some_and(|note| note.starts_with("t_"))
        );
        assert_eq!(document["n"], 0);
    }
}
