//! The first oracle: no canary, raw or encoded, in any byte the client receives.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::corpus::Extra;
use crate::lab::Answer;

/// Texts that stand in masked columns and nowhere else.
const TEXTS: &[&str] = &[
    "zqxcanary",
    "912-84-7731",
    "913-55-1942",
    "+4915123987654",
    "+4915198712345",
];
/// Integers that stand in masked columns and nowhere else.
const NUMBERS: &[i32] = &[918_273, 827_364];
/// Whole values, as a hash would be made of them.
const WHOLE: &[&str] = &[
    "zqxcanary.alice@example.com",
    "zqxcanary.bob@example.com",
    "zqxcanary.common@example.com3",
    "call zqxcanary.alice@example.com",
    "zqxcanarytag",
    "zqxcanarytwo",
    "912-84-7731",
    "913-55-1942",
    "+4915123987654",
    "+4915198712345",
    "918273",
    "827364",
];
/// Keys a corpus may give to a keyed hash.
const KEYS: &[&str] = &["", "k", "key", "x", "s", "secret"];

/// Values that stand in masked columns and nowhere else, as text.
pub(crate) fn canaries() -> Vec<String> {
    let numbers = NUMBERS.iter().map(ToString::to_string);
    TEXTS
        .iter()
        .map(|text| (*text).to_owned())
        .chain(numbers)
        .collect()
}

/// Needles, made once.
#[derive(Debug)]
pub(crate) struct Oracle {
    raw: Vec<(String, Vec<u8>)>,
    binary: Vec<(String, Vec<u8>)>,
    encoded: Vec<(String, Vec<u8>)>,
    squeezed: Vec<(String, Vec<u8>)>,
}

impl Oracle {
    pub(crate) fn new() -> Oracle {
        let named = |name: &str, bytes: Vec<u8>| (name.to_owned(), bytes);
        let mut raw: Vec<_> = TEXTS
            .iter()
            .map(|text| named("raw", text.as_bytes().to_vec()))
            .collect();
        raw.extend(
            NUMBERS
                .iter()
                .map(|number| named("raw", number.to_string().into_bytes())),
        );

        let mut binary: Vec<_> = NUMBERS
            .iter()
            .map(|number| named("binary integer", number.to_be_bytes().to_vec()))
            .collect();
        for number in NUMBERS {
            binary.push(named(
                "binary double",
                f64::from(*number).to_be_bytes().to_vec(),
            ));
        }

        let mut encoded = Vec::new();
        for text in TEXTS {
            let lower = text.to_ascii_lowercase();
            encoded.push(named("upper or lower case", lower.clone().into_bytes()));
            encoded.push(named("reversed", lower.bytes().rev().collect()));
            encoded.push(named("hex", hex(lower.as_bytes()).into_bytes()));
            encoded.push(named(
                "hex of upper case",
                hex(text.to_ascii_uppercase().as_bytes()).into_bytes(),
            ));
            encoded.push(named("rot13", rot13(&lower).into_bytes()));
            encoded.push(named("bits", bits(lower.as_bytes()).into_bytes()));
            encoded.extend(
                base64_cores(text)
                    .into_iter()
                    .map(|core| named("base64", core)),
            );
        }
        for number in NUMBERS {
            let digits = number.to_string();
            encoded.push(named("reversed", digits.bytes().rev().collect()));
            encoded.push(named("hex integer", format!("{number:x}").into_bytes()));
            encoded.push(named("bits", format!("{number:b}").into_bytes()));
            for (name, value) in [
                ("doubled", number * 2),
                ("halved", number / 2),
                ("plus one", number + 1),
                ("minus one", number - 1),
                ("tripled", number * 3),
            ] {
                encoded.push(named(name, value.to_string().into_bytes()));
            }
            let (thousands, rest) = (number / 1000, number % 1000);
            encoded.push(named(
                "grouped",
                format!("{thousands},{rest:03}").into_bytes(),
            ));
            encoded.push(named(
                "exponent",
                format!("{}.{}e+05", &digits[..1], &digits[1..]).into_bytes(),
            ));
        }
        for whole in WHOLE {
            let bytes = whole.as_bytes();
            let mut hashes = vec![
                ("md5", Md5::digest(bytes).to_vec()),
                ("sha224", Sha224::digest(bytes).to_vec()),
                ("sha256", Sha256::digest(bytes).to_vec()),
                ("sha384", Sha384::digest(bytes).to_vec()),
                ("sha512", Sha512::digest(bytes).to_vec()),
            ];
            for key in KEYS {
                hashes.push(("hmac sha256", keyed::<Hmac<Sha256>>(key, bytes)));
                hashes.push(("hmac sha512", keyed::<Hmac<Sha512>>(key, bytes)));
                hashes.push(("hmac md5", keyed::<Hmac<Md5>>(key, bytes)));
            }
            for (name, hash) in hashes {
                encoded.push(named(name, hex(&hash).into_bytes()));
                encoded.push(named(
                    name,
                    STANDARD
                        .encode(&hash)
                        .trim_end_matches('=')
                        .to_ascii_lowercase()
                        .into_bytes(),
                ));
                binary.push(named(name, hash));
            }
        }
        let squeezed = TEXTS
            .iter()
            .flat_map(|text| {
                [
                    named("spelled", squeeze(text.as_bytes())),
                    named("spelled hex", hex(text.as_bytes()).into_bytes()),
                ]
            })
            .collect();
        Oracle {
            raw,
            binary,
            encoded,
            squeezed,
        }
    }

    /// Where a canary stands in the answers, in words.
    pub(crate) fn find(
        &self,
        answers: &[Answer],
        bytes: &[u8],
        extra: Option<Extra>,
    ) -> Option<String> {
        let hit = |needles: &[(String, Vec<u8>)], hay: &[u8]| {
            needles
                .iter()
                .find(|(_, needle)| contains(hay, needle))
                .map(|(name, _)| name.clone())
        };
        if let Some(found) = hit(&self.raw, bytes) {
            return Some(found);
        }
        let columns = columns(answers);
        if let Some(found) = columns.iter().find_map(|column| hit(&self.raw, column)) {
            return Some(format!("{found}, one character a row"));
        }
        match extra {
            None => None,
            Some(Extra::Int) => hit(&self.binary, bytes),
            Some(Extra::Encoded) => {
                let bytes = without_requests(bytes);
                let lower = bytes.to_ascii_lowercase();
                hit(&self.encoded, &lower)
                    .or_else(|| hit(&self.encoded, &bytes))
                    .or_else(|| hit(&self.binary, &bytes))
                    .or_else(|| hit(&self.squeezed, &squeeze(&bytes)))
                    .or_else(|| {
                        columns.iter().find_map(|column| {
                            let column = column.to_ascii_lowercase();
                            hit(&self.encoded, &column)
                                .or_else(|| hit(&self.squeezed, &squeeze(&column)))
                        })
                    })
                    .or_else(|| trigrams(&lower).then(|| "trigrams".to_owned()))
            }
        }
    }
}

/// The bytes without the request ids of refusals and notices: they are Weir's own and random, and five hexadecimal
/// digits of an integer stand in one of them now and then.
fn without_requests(bytes: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = b"\"request\":\"";
    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(NAME.len()).position(|part| part == NAME) {
        let (before, after) = rest.split_at(at + NAME.len());
        kept.extend_from_slice(before);
        let is_id = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b'/');
        let end = after.iter().take_while(|byte| is_id(byte)).count();
        rest = after.get(end..).unwrap_or_default();
    }
    kept.extend_from_slice(rest);
    kept
}

/// Each result column read downwards, as text and as character codes.
fn columns(answers: &[Answer]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for set in answers.iter().flat_map(|answer| &answer.sets) {
        let width = set.rows.first().map_or(0, Vec::len);
        for index in 0..width {
            let cells: Vec<&[u8]> = set
                .rows
                .iter()
                .map(|row| {
                    row.get(index)
                        .and_then(Option::as_deref)
                        .unwrap_or_default()
                })
                .collect();
            let codes: Option<Vec<u8>> = cells
                .iter()
                .map(|cell| {
                    std::str::from_utf8(cell)
                        .ok()
                        .and_then(|text| text.parse().ok())
                })
                .collect();
            if cells.iter().all(|cell| cell.len() <= 2) {
                found.push(cells.concat());
            }
            found.extend(codes);
        }
    }
    found
}

fn trigrams(hay: &[u8]) -> bool {
    let of = b"zqxcanary";
    of.windows(3).filter(|three| contains(hay, three)).count() >= 6
}

fn contains(hay: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return false;
    };
    let mut rest = hay;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(needle) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// The part of a base64 text that does not depend on what stands before and after, at each of three alignments.
fn base64_cores(text: &str) -> Vec<Vec<u8>> {
    (0..3usize)
        .map(|pad| {
            let mut padded = vec![b'~'; pad];
            padded.extend_from_slice(text.as_bytes());
            let encoded = STANDARD.encode(&padded);
            let from = [0, 2, 3].get(pad).copied().unwrap_or_default();
            let to = padded.len() / 3 * 4;
            encoded
                .as_bytes()
                .get(from..to)
                .unwrap_or_default()
                .to_vec()
        })
        .collect()
}

fn squeeze(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:08b}")).collect()
}

fn rot13(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'a'..='m' => char::from(c as u8 + 13),
            'n'..='z' => char::from(c as u8 - 13),
            other => other,
        })
        .collect()
}

fn keyed<M: Mac + KeyInit>(key: &str, text: &[u8]) -> Vec<u8> {
    <M as KeyInit>::new_from_slice(key.as_bytes()).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(text);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::client::ResultSet;

    fn found(bytes: &str, extra: Option<Extra>) -> bool {
        Oracle::new().find(&[], bytes.as_bytes(), extra).is_some()
    }

    #[test]
    fn sees_raw_values_and_lets_stand_ins_pass() {
        assert!(found("xx zqxcanary.alice yy", None));
        assert!(found("918273", None));
        assert!(!found(
            "u_abcdefghijkl@mnopqrst.invalid 900-00-0000",
            Some(Extra::Encoded)
        ));
        assert!(!found("ZQXCANARY", None), "only asked for raw forms");
    }

    #[test]
    fn a_request_id_is_no_value() {
        let refused = |id: &str| format!(r#"{{"rule":"weir.masked-use","request":"{id}"}} z"#);
        let integer = format!("{:x}", NUMBERS[0]);
        let chance = format!("1172eba9-{integer}-4fa9-a7c1/2");
        assert!(!found(&refused(&chance), Some(Extra::Encoded)));
        let said = format!("{} {integer}", refused("1172eba9/2"));
        assert!(found(&said, Some(Extra::Encoded)));
    }

    #[test]
    fn sees_encoded_values() {
        for text in [
            "ZQXCANARY.ALICE",
            "yranacxqz",
            "7a717863616e617279",
            "mdkpnanel",
            "enF4Y2FuYXJ5LmFsaWNlQGV4YW1wbGUuY29t",
            "z q x c a n a r y",
            "1836546",
            &hex(&Md5::digest(b"912-84-7731")),
            r#"{"  z"," zq",ana,ary,can,nar,qxc,xca,zqx}"#,
        ] {
            assert!(found(text, Some(Extra::Encoded)), "{text}");
        }
        assert!(found(
            &STANDARD.encode("~~zqxcanary.bob"),
            Some(Extra::Encoded)
        ));
        assert!(found(
            &STANDARD.encode("~zqxcanary.bob"),
            Some(Extra::Encoded)
        ));
    }

    #[test]
    fn sees_a_value_spread_over_rows() {
        let rows = "zqxcanary"
            .bytes()
            .map(|byte| vec![Some(byte.to_string().into_bytes())])
            .collect();
        let answer = Answer {
            sets: vec![ResultSet {
                rows,
                ..ResultSet::default()
            }],
            ..Answer::default()
        };
        assert!(Oracle::new().find(&[answer], b"", None).is_some());
    }

    #[test]
    fn sees_binary_integers() {
        assert!(
            Oracle::new()
                .find(&[], &[0, 0, 0, 4, 0, 14, 3, 1], Some(Extra::Int))
                .is_some()
        );
    }
}
