//! What tokens promise, and attacks on them.

use super::*;
use crate::{ColumnType, Format, Label, Masked, Masker, Reveal};
use proptest::prelude::*;

const TEXT: u32 = 25;
const VARCHAR: u32 = 1043;
const WORDS: &[&str] = &["email", "username", "url"];

fn label(word: &str) -> Label {
    Label::new(word).unwrap()
}

fn masker(epochs: std::ops::RangeInclusive<u32>) -> Masker {
    Masker::of_epochs(&[5; 32], "shop", epochs)
}

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

fn words() -> impl Strategy<Value = &'static str> {
    prop::sample::select(WORDS)
}

proptest! {
    #[test]
    fn a_token_is_turned_back_into_its_value(word in words(), raw in prop_oneof!["[^\0]{0,40}", "[a-z0-9.+_-]{0,90}@[a-z0-9.-]{1,60}"]) {
        let masker = masker(3..=3);
        let token = mask(&masker, word, &raw);
        prop_assert_ne!(&token, &raw);
        prop_assert_eq!(reveal(&masker, word, &token), Ok(raw));
    }

    #[test]
    fn arbitrary_text_is_never_deciphered(word in words(), text in prop_oneof!["[^\0]{0,80}", "u_[a-z2-7]{30,70}@m.invalid", "user_[a-z2-7]{36}", "https://[a-z2-7]{36}.invalid/"]) {
        prop_assert!(reveal(&masker(1..=16), word, &text).is_err());
    }

    #[test]
    fn an_altered_token_is_foreign(word in words(), raw in "[a-z.]{1,30}@[a-z]{3,9}[.]org", at in any::<prop::sample::Index>(), by in 1u8..31) {
        let masker = masker(3..=3);
        let token = mask(&masker, word, &raw);
        let digits: Vec<usize> = token.bytes().enumerate().skip("https://".len()).filter(|(at, b)| sealed::is_digits(std::str::from_utf8(&[*b]).unwrap()) && *at < 30).map(|(at, _)| at).collect();
        let at = digits[at.index(digits.len())];
        let mut bytes = token.clone().into_bytes();
        let alphabet = b"abcdefghijklmnopqrstuvwxyz234567";
        let digit = alphabet.iter().position(|b| *b == bytes[at]).unwrap();
        bytes[at] = alphabet[(digit + usize::from(by)) % 32];
        prop_assert_eq!(reveal(&masker, word, std::str::from_utf8(&bytes).unwrap()), Err("foreign"));
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
