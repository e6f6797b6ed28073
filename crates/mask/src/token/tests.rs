//! What tokens promise, and attacks on them.

use super::*;
use crate::{ColumnType, Format, Label, Masked, Masker, Reveal};
use proptest::prelude::*;
use std::sync::LazyLock;

const TEXT: u32 = 25;
const VARCHAR: u32 = 1043;
/// Labels whose tokens hold any text.
const WORDS: &[&str] = &["email", "username", "url"];
/// Labels of numbers, and values that have tokens.
const NUMBERS: &[(&str, &str)] = &[
    ("phone", "[0-9+() ./-]{0,20}"),
    ("phone", "[+]49 [(]0[)]30 [0-9]{3} [0-9]{2}-[0-9]{1,2}"),
    ("ssn", "[0-9]{3}-[0-9]{2}-[0-9]{4}"),
    ("ssn", "[0-9]{9}"),
    ("ssn", "[0-9]{3} [0-9]{2} [0-9]{4}"),
    ("national-id", "[0-9]{0,29}"),
    ("passport", "[0-9A-Z. /-]{0,19}"),
    ("tax-id", "[0-9A-Za-z. /-]{0,16}"),
    ("driver-license", "0{0,29}"),
    ("iban", "[A-Z0-9 ]{0,20}"),
    ("ip", "(1?[0-9]{1,2}[.]){3}1[0-9]{2}"),
    ("ip", "(1?[1-9][.]){3}0/(8|16|24)"),
];
/// One genuine value for each label with tokens.
const GENUINE: &[(&str, &str)] = &[
    ("email", "ann.example@example.org"),
    ("username", "ann.example"),
    ("url", "https://example.org/ann?x=1"),
    ("phone", "+1 (202) 555-0100"),
    ("ssn", "123-45-6789"),
    ("national-id", "12345678Z"),
    ("tax-id", "86095742719"),
    ("passport", "C01X00T47"),
    ("driver-license", "D123-4567-8901"),
    ("bank-account", "0532013000"),
    ("plate", "M-AB 1234"),
    ("iban", "DE89370400440532013000"),
    ("iban", "GB29 NWBK 6016 1331 9268 19"),
    ("iban", "FR7630006000011234567890189"),
    ("iban", "IT60X0542811101000000123456"),
    ("iban", "NL91ABNA0417164300"),
    ("iban", "NO9386011117947"),
    ("iban", "DE003704004405320130"),
    ("ip", "203.0.113.7"),
    ("ip", "10.0.0.0/8"),
];

fn label(word: &str) -> Label {
    Label::new(word).unwrap()
}

fn masker(epochs: std::ops::RangeInclusive<u32>) -> Masker {
    Masker::of_epochs(&[5; 32], "shop", epochs)
}

/// Made once: they are dear.
static ONE: LazyLock<Masker> = LazyLock::new(|| masker(3..=3));
static MANY: LazyLock<Masker> = LazyLock::new(|| masker(1..=16));

fn column(oid: u32, modifier: i32) -> ColumnType {
    ColumnType::built_in(oid, modifier)
}

fn mask(masker: &Masker, word: &str, raw: &str) -> String {
    let mut out = Vec::new();
    let masked = masker.mask(
        &label(word),
        &column(TEXT, -1),
        Format::Text,
        raw.as_bytes(),
        &mut out,
    );
    assert_eq!(masked, Masked::Value);
    String::from_utf8(out).unwrap()
}

/// `Ok` with the raw text, or the name of what it is instead.
fn reveal(masker: &Masker, word: &str, text: &str) -> Result<String, &'static str> {
    match masker.reveal(
        &label(word),
        &column(TEXT, -1),
        Format::Text,
        text.as_bytes(),
    ) {
        Reveal::Raw(raw) => Ok(String::from_utf8(raw.to_vec()).unwrap()),
        Reveal::NotAToken => Err("no token"),
        Reveal::Foreign => Err("foreign"),
    }
}

fn numbers() -> impl Strategy<Value = (&'static str, String)> {
    let one = |(word, regex): &(&'static str, &str)| {
        let word = *word;
        proptest::string::string_regex(regex)
            .unwrap()
            .prop_map(move |raw| (word, raw))
            .boxed()
    };
    prop::strategy::Union::new(NUMBERS.iter().map(one))
}

/// What has the form of a token to the last character.
fn forged() -> impl Strategy<Value = (&'static str, String)> {
    prop_oneof![
        "[+]999[0-9]{12}x[0-9]{27}".prop_map(|text| ("phone", text)),
        "9[0-9]{2}-[0-9]{2}-[0-9]{4}-[0-9]{15}".prop_map(|text| ("ssn", text)),
        "XX[0-9A-Z]{28}".prop_map(|text| ("passport", text)),
        "XX[0-9]{2}[0-9A-Z]{30}".prop_map(|text| ("iban", text)),
        "2001:db8(:[1-9a-f][0-9a-f]{3}){6}".prop_map(|text| ("ip", text)),
        "u_[a-z2-7]{36}@m[.]invalid".prop_map(|text| ("email", text)),
        "user_[a-z2-7]{36}".prop_map(|text| ("username", text)),
        "https://[a-z2-7]{36}[.]invalid/".prop_map(|text| ("url", text)),
    ]
}

fn words() -> impl Strategy<Value = &'static str> {
    prop::sample::select(WORDS)
}

proptest! {
    #[test]
    fn a_token_is_turned_back_into_its_value(word in words(), raw in prop_oneof!["[^\0]{0,40}", "[a-z0-9.+_-]{0,90}@[a-z0-9.-]{1,60}"]) {
        let masker = &*ONE;
        let token = mask(masker, word, &raw);
        prop_assert_ne!(&token, &raw);
        prop_assert_eq!(reveal(masker, word, &token), Ok(raw));
    }

    #[test]
    fn a_number_is_turned_back_into_its_spelling((word, raw) in numbers()) {
        let masker = &*ONE;
        let token = mask(masker, word, &raw);
        prop_assert_ne!(&token, &raw);
        prop_assert!(token.len() == shape::shortest(label(word).rule()).unwrap() || word == "ip");
        let canonical = crate::network::Address::parse(&raw).is_some_and(|address| address.to_string() == raw);
        if word != "ip" || canonical {
            prop_assert_eq!(reveal(masker, word, &token), Ok(raw));
        }
    }

    #[test]
    fn made_up_numbers_are_never_deciphered(
        (word, text) in forged(),
    ) {
        prop_assert_eq!(reveal(&MANY, word, &text), Err("foreign"));
    }

    #[test]
    fn arbitrary_text_is_never_deciphered(word in prop::sample::select(GENUINE).prop_map(|(word, _)| word), text in prop_oneof!["[^\0]{0,80}", "u_[a-z2-7]{30,70}@m.invalid", "user_[a-z2-7]{36}", "https://[a-z2-7]{36}.invalid/"]) {
        prop_assert!(reveal(&MANY, word, &text).is_err());
    }

    #[test]
    fn an_altered_token_is_foreign(word in words(), raw in "[a-z.]{1,30}@[a-z]{3,9}[.]org", at in any::<prop::sample::Index>(), by in 1u8..31) {
        let masker = &*ONE;
        let token = mask(masker, word, &raw);
        let digits: Vec<usize> = token.bytes().enumerate().skip("https://".len()).filter(|(at, b)| sealed::is_digits(std::str::from_utf8(&[*b]).unwrap()) && *at < 30).map(|(at, _)| at).collect();
        let at = digits[at.index(digits.len())];
        let mut bytes = token.clone().into_bytes();
        let alphabet = b"abcdefghijklmnopqrstuvwxyz234567";
        let digit = alphabet.iter().position(|b| *b == bytes[at]).unwrap();
        bytes[at] = alphabet[(digit + usize::from(by)) % 32];
        prop_assert_eq!(reveal(masker, word, std::str::from_utf8(&bytes).unwrap()), Err("foreign"));
    }
}

#[test]
fn tokens_of_another_label_scope_or_key_are_foreign() {
    let ours = masker(1..=2);
    for other in [
        Masker::of_epochs(&[5; 32], "shop2", 1..=2),
        Masker::of_epochs(&[6; 32], "shop", 1..=2),
        masker(3..=3),
        masker(0..=0),
    ] {
        let token = mask(&other, "email", "ann@example.org");
        assert_eq!(reveal(&ours, "email", &token), Err("foreign"));
    }
    // Of another label, but put into this one's form.
    let token = mask(&ours, "username", "ann");
    let seal = token.strip_prefix("user_").unwrap();
    assert_eq!(
        reveal(&ours, "email", &format!("u_{seal}@m.invalid")),
        Err("foreign")
    );
    assert_eq!(reveal(&ours, "email", &token), Err("no token"));
    assert_eq!(reveal(&ours, "name", &token), Err("no token"));
}

#[test]
fn no_token_passes_for_one_of_another_label_with_the_same_form() {
    let masker = masker(1..=1);
    let family = [
        "national-id",
        "tax-id",
        "passport",
        "driver-license",
        "bank-account",
    ];
    for one in family {
        let token = mask(&masker, one, "AB1234567");
        for other in family {
            let expected = if one == other {
                Ok("AB1234567".to_owned())
            } else {
                Err("foreign")
            };
            assert_eq!(
                reveal(&masker, other, &token),
                expected,
                "{one} for {other}"
            );
        }
    }
}

#[test]
fn every_reversible_label_turns_genuine_values_back_and_its_tokens_are_in_its_form() {
    let masker = masker(1..=1);
    let known: Vec<Label> = crate::labels().filter(Label::reversible).collect();
    for label in &known {
        assert!(
            GENUINE.iter().any(|(word, _)| *word == label.as_str()),
            "{label}"
        );
    }
    for (word, raw) in GENUINE {
        assert_eq!(reveal(&masker, word, raw), Err("no token"), "{word} {raw}");
        let token = mask(&masker, word, raw);
        assert_eq!(
            reveal(&masker, word, &token).as_deref(),
            Ok(*raw),
            "{word} {token}"
        );
        // Masked again it is another token, which stands for this one.
        let again = mask(&masker, word, &token);
        assert!(again != token && again != *raw);
        match reveal(&masker, word, &again) {
            Ok(first) => assert_eq!(first, token),
            Err(what) => assert_eq!(what, "foreign", "{word}: no room for a token of a token"),
        }
    }
}

#[test]
fn addresses_are_turned_back_in_every_type_and_format() {
    let masker = masker(1..=1);
    for (oid, cidr, raw) in [
        (869, 0, "10.1.2.3"),
        (869, 0, "10.0.0.0/8"),
        (650, 1, "10.0.0.0/8"),
        (650, 1, "10.1.2.3/32"),
    ] {
        let column = column(oid, -1);
        let reveal =
            |format, token: &[u8]| match masker.reveal(&label("ip"), &column, format, token) {
                Reveal::Raw(raw) => raw.to_vec(),
                Reveal::NotAToken | Reveal::Foreign => panic!("{raw}"),
            };
        let mut token = Vec::new();
        assert_eq!(
            masker.mask(
                &label("ip"),
                &column,
                Format::Text,
                raw.as_bytes(),
                &mut token
            ),
            Masked::Value
        );
        assert_eq!(reveal(Format::Text, &token), raw.as_bytes());
        let mut wire = Vec::new();
        crate::network::Address::parse(raw)
            .unwrap()
            .to_wire(cidr, &mut wire);
        let mut token = Vec::new();
        assert_eq!(
            masker.mask(&label("ip"), &column, Format::Binary, &wire, &mut token),
            Masked::Value
        );
        assert_eq!(reveal(Format::Binary, &token), wire);
        let forged = [vec![3, 128, cidr, 16, 0x20, 1, 0x0d, 0xb8], vec![7; 12]].concat();
        assert!(matches!(
            masker.reveal(&label("ip"), &column, Format::Binary, &forged),
            Reveal::Foreign
        ));
    }
    // One of IPv6 has no room, and its stand-in is no token.
    let mut out = Vec::new();
    assert_eq!(
        masker.mask(
            &label("ip"),
            &column(869, -1),
            Format::Text,
            b"2a00::1",
            &mut out
        ),
        Masked::Value
    );
    assert!(matches!(
        masker.reveal(&label("ip"), &column(869, -1), Format::Text, &out),
        Reveal::Foreign
    ));
}

#[test]
fn genuine_numbers_near_the_marks_are_no_tokens() {
    let masker = masker(1..=1);
    for (word, raw) in [
        // An Indian number, an ITIN, a Canadian passport.
        ("phone", "9991234567"),
        ("phone", "+44 999 123456"),
        ("ssn", "912-84-7731"),
        ("ssn", "900-00-0000"),
        ("passport", "XX1234567"),
        ("ip", "2001:db9::1"),
        ("ip", "192.0.3.1"),
    ] {
        assert_eq!(reveal(&masker, word, raw), Err("no token"), "{word} {raw}");
    }
}

#[test]
fn documents_that_hold_tokens_are_foreign() {
    let masker = masker(1..=1);
    let token = mask(&masker, "email", "ann@example.org");
    let document = format!("{{\"mail\": [\"{token}\"]}}");
    for (oid, format) in [(114, Format::Text), (3802, Format::Binary)] {
        let document = if oid == 3802 {
            format!("\u{1}{document}")
        } else {
            document.clone()
        };
        assert!(matches!(
            masker.reveal(
                &label("email"),
                &column(oid, -1),
                format,
                document.as_bytes()
            ),
            Reveal::Foreign
        ));
    }
    let plain = b"{\"mail\": \"ann@example.org\"}";
    assert!(matches!(
        masker.reveal(&label("email"), &column(114, -1), Format::Text, plain),
        Reveal::NotAToken
    ));
}

#[test]
fn the_newest_epoch_writes_and_older_ones_are_read_until_retired() {
    let (old, both, new) = (masker(1..=1), masker(1..=2), masker(2..=2));
    let token = mask(&old, "email", "ann@example.org");
    assert_eq!(reveal(&both, "email", &token).unwrap(), "ann@example.org");
    assert_eq!(reveal(&new, "email", &token), Err("foreign"));
    assert_eq!(
        mask(&both, "email", "ann@example.org"),
        mask(&new, "email", "ann@example.org")
    );
    // No more than the last sixteen.
    assert_eq!(
        reveal(&masker(0..=16), "email", &token).unwrap(),
        "ann@example.org"
    );
    assert_eq!(reveal(&masker(0..=17), "email", &token), Err("foreign"));
}

#[test]
fn a_token_that_was_cut_or_written_otherwise_is_foreign() {
    let masker = masker(1..=1);
    for word in WORDS {
        let token = mask(&masker, word, "ann.example@example.org");
        let at = token.len() - "@m.invalid".len() - 4;
        for other in [
            token.to_uppercase(),
            token[..at].to_owned(),
            format!(" {token}"),
            format!("{token}\u{200b}"),
            format!("{}\u{200d}{}", &token[..12], &token[12..]),
            token
                .replacen('u', "\u{ff55}", 1)
                .replacen('h', "\u{ff48}", 1),
            token
                .replacen('s', "\u{455}", 1)
                .replacen('u', "\u{57d}", 1),
        ] {
            assert_eq!(reveal(&masker, word, &other), Err("foreign"), "{other}");
        }
    }
}

#[test]
fn genuine_values_are_no_tokens_even_if_they_resemble_them() {
    let masker = masker(1..=1);
    for raw in [
        "ann@example.org",
        "test@shop.invalid",
        "u_smith@example.org",
        "",
        "u_",
        "user_smith",
        "https://example.org/",
        "https://shop.example/invalid",
    ] {
        for word in WORDS {
            assert_eq!(reveal(&masker, word, raw), Err("no token"), "{word} {raw}");
        }
    }
}

#[test]
fn a_value_in_the_marked_range_is_masked_like_any_other() {
    let masker = masker(1..=1);
    let mut raw = "u_abc@m.invalid".to_owned();
    let mut seen = vec![raw.clone()];
    // A token that was stored is masked again, and each step can be turned back.
    for _ in 0..3 {
        let token = mask(&masker, "email", &raw);
        assert_eq!(reveal(&masker, "email", &token).as_ref(), Ok(&raw));
        assert!(!seen.contains(&token));
        seen.push(token.clone());
        raw = token;
    }
}

#[test]
fn what_is_too_long_or_has_no_room_gets_a_stand_in_that_is_foreign() {
    let masker = masker(1..=1);
    let long = format!("{}@example.org", "a".repeat(300));
    for (oid, modifier, raw) in [
        (TEXT, -1, long.as_str()),
        (VARCHAR, 4 + 40, "ann@example.org"),
    ] {
        let mut out = Vec::new();
        let column = column(oid, modifier);
        assert_eq!(
            masker.mask(
                &label("email"),
                &column,
                Format::Text,
                raw.as_bytes(),
                &mut out
            ),
            Masked::Value
        );
        assert!(matches!(
            masker.reveal(&label("email"), &column, Format::Text, &out),
            Reveal::Foreign
        ));
    }
    assert!(label("email").reversible_in(&column(VARCHAR, 4 + 48)));
    assert!(!label("email").reversible_in(&column(VARCHAR, 4 + 47)));
    assert!(!label("name").reversible_in(&column(TEXT, -1)));
}

#[test]
fn arrays_of_tokens_are_turned_back_as_a_whole() {
    let masker = masker(1..=1);
    let (ann, bob) = (
        mask(&masker, "email", "ann@example.org"),
        mask(&masker, "email", "b\"ob"),
    );
    let reveal = |text: String| match masker.reveal(
        &label("email"),
        &column(1009, -1),
        Format::Text,
        text.as_bytes(),
    ) {
        Reveal::Raw(raw) => String::from_utf8(raw.to_vec()).unwrap(),
        Reveal::NotAToken => "no token".to_owned(),
        Reveal::Foreign => "foreign".to_owned(),
    };
    assert_eq!(
        reveal(format!("{{{ann},NULL,{bob}}}")),
        "{\"ann@example.org\",NULL,\"b\\\"ob\"}"
    );
    assert_eq!(reveal("{a,b}".to_owned()), "no token");
    assert_eq!(reveal("{}".to_owned()), "no token");
    assert_eq!(reveal(format!("{{{ann},b}}")), "foreign");
    assert_eq!(reveal(format!("{{{ann},x{bob}}}")), "foreign");
    assert_eq!(reveal(format!("{{{ann}")), "foreign");
    assert_eq!(reveal(format!("{{ {ann}, b }}")), "foreign");
    assert_eq!(reveal("{u_x@m.invalid}".to_owned()), "foreign");
}

#[test]
fn tokens_of_most_values_are_equally_long() {
    let masker = masker(1..=1);
    for raw in ["", "a@b.cd", "ann.example@example.org"] {
        assert_eq!(mask(&masker, "email", raw).len(), 48, "{raw}");
    }
    assert!(mask(&masker, "email", &"a".repeat(180)).len() <= 254);
}
