use super::*;
use crate::key::Keys;
use crate::label::Label;

fn all(word: &str, chars: usize, count: u32) -> Vec<String> {
    let label = Label::new(word).unwrap();
    let keys = Keys::derive(&[1; 32], "s", 0..=0);
    let key = keys.of(&label);
    let one = |i: u32| {
        let mut out = Vec::new();
        write(
            label.rule(),
            key,
            key.digest([i.to_be_bytes().as_slice()]),
            chars,
            "",
            &mut out,
        )?;
        Some(String::from_utf8(out).unwrap())
    };
    (0..count).filter_map(one).collect()
}

fn each(word: &str, chars: usize, check: impl Fn(&str) -> bool) {
    let all = all(word, chars, 300);
    assert_eq!(all.len(), 300, "{word}({chars})");
    for stand_in in all {
        assert!(
            stand_in.chars().count() <= chars && check(&stand_in),
            "{word}({chars}): {stand_in}"
        );
    }
}

fn digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[test]
fn email_lies_under_the_reserved_domain() {
    for chars in [16, 17, 23, 24, 30, 31, 254] {
        each("email", chars, |s| {
            s.starts_with("u_") && s.ends_with(".invalid") && s.matches('@').count() == 1
        });
    }
    each("email", 254, |s| s.len() == 31);
    assert!(all("email", 15, 1).is_empty());
}

#[test]
fn phone_has_the_country_code_that_nobody_has() {
    each("phone", 16, |s| {
        s.strip_prefix("+999")
            .is_some_and(|rest| rest.len() == 12 && digits(rest))
    });
    for chars in 7..16 {
        each("phone", chars, |s| {
            s.len() == chars && s.starts_with("999") && digits(s)
        });
    }
    assert!(all("phone", 6, 1).is_empty());
}

#[test]
fn ssn_was_never_issued_as_ssn_or_itin() {
    let itin = |group: u32| matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99);
    let fake = |s: &str| {
        let plain = s.replace('-', "");
        let group: u32 = plain[3..5].parse().unwrap();
        plain.len() == 9
            && digits(&plain)
            && plain.starts_with('9')
            && group > 0
            && !itin(group)
            && !plain.ends_with("0000")
    };
    each("ssn", 11, |s| {
        s.len() == 11 && s.as_bytes()[3] == b'-' && s.as_bytes()[6] == b'-' && fake(s)
    });
    each("ssn", 9, |s| s.len() == 9 && fake(s));
    assert!(all("ssn", 8, 1).is_empty());
}

#[test]
fn card_passes_luhn_and_has_no_issuer() {
    let luhn = |s: &str| {
        let sum: u32 = s
            .bytes()
            .rev()
            .enumerate()
            .map(|(i, b)| {
                let d = u32::from(b - b'0');
                if i % 2 == 1 {
                    d * 2 / 10 + d * 2 % 10
                } else {
                    d
                }
            })
            .sum();
        sum.is_multiple_of(10)
    };
    for chars in [12, 15, 16, 19] {
        each("card", chars, |s| {
            s.starts_with("9999") && digits(s) && luhn(s)
        });
    }
    assert!(all("card", 11, 1).is_empty());
}

#[test]
fn iban_passes_its_check_and_has_no_country() {
    let valid = |s: &str| {
        let moved = format!("{}{}", &s[4..], &s[..4]);
        let number: String = moved
            .chars()
            .map(|c| c.to_digit(36).unwrap().to_string())
            .collect();
        number
            .bytes()
            .fold(0u32, |r, b| (r * 10 + u32::from(b - b'0')) % 97)
            == 1
    };
    for chars in [12, 13, 22, 34] {
        each("iban", chars, |s| s.starts_with("XX") && valid(s));
    }
    assert!(all("iban", 11, 1).is_empty());
}

#[test]
fn names_and_addresses_can_be_read() {
    let letters = |s: &str| s.chars().all(|c| c.is_ascii_alphabetic());
    each("name", 100, |s| {
        s.split_once(' ')
            .is_some_and(|(a, b)| letters(a) && letters(b) && b.len() == 16)
    });
    each("name", 8, letters);
    each("first-name", 6, letters);
    each("address", 100, |s| {
        s.ends_with(" Street") && digits(&s[..2])
    });
}

#[test]
fn other_forms() {
    each("username", 100, |s| s.len() == 17 && s.starts_with("user_"));
    each("url", 100, |s| {
        s.starts_with("https://") && s.ends_with(".invalid/")
    });
    each("national-id", 100, |s| s.len() == 12 && s.starts_with("XX"));
    each("uuid", 36, |s| {
        s.len() == 36 && &s[14..15] == "8" && "89ab".contains(&s[19..20])
    });
    each("uuid", 32, |s| s.len() == 32);
    each("secret", 13, |s| {
        s.chars().count() == 13 && s.starts_with("‹secret:")
    });
    each("secret", 6, |s| s.chars().count() == 6);
    each("ip", 39, |s| {
        s.parse::<std::net::Ipv6Addr>()
            .is_ok_and(|ip| ip.to_string() == s)
    });
    each("ip", 15, |s| {
        s.parse::<std::net::Ipv4Addr>()
            .is_ok_and(|ip| ip.octets()[..3] == [192, 0, 2])
    });
    each("mac", 17, |s| {
        s.len() == 17 && &s[1..2] == "6" && s.matches(':').count() == 5
    });
    each("mac", 12, |s| s.len() == 12 && &s[1..2] == "6");
    each("plate", 100, |s| s.len() == 12 && s.starts_with("XX"));
    each("salary", 10, |s| s == "[redacted]");
    each("note", 9, |s| s == "*");
}

#[test]
fn full_stand_ins_do_not_collide_early() {
    for word in [
        "email",
        "name",
        "address",
        "username",
        "url",
        "national-id",
        "iban",
        "uuid",
        "phone",
        "card",
        "ip",
    ] {
        let mut all = all(word, 100, 20_000);
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 20_000, "{word}");
    }
}

#[test]
fn a_stand_in_that_equals_its_value_is_drawn_again() {
    let keys = Keys::derive(&[1; 32], "s", 0..=0);
    let label = Label::new("email").unwrap();
    let key = keys.of(&label);
    let digest = key.digest([b"x".as_slice()]);
    let mut first = Vec::new();
    write(Rule::Email, key, digest, 100, "", &mut first).unwrap();
    let first = String::from_utf8(first).unwrap();
    let mut second = Vec::new();
    write(Rule::Email, key, digest, 100, &first, &mut second).unwrap();
    assert_ne!(first.as_bytes(), second);
    let redacted = write(
        Rule::Redact,
        key,
        digest,
        100,
        "[redacted]",
        &mut Vec::new(),
    );
    assert_eq!(redacted, None);
}

fn one(word: &str, raw: &str) -> String {
    let label = Label::new(word).unwrap();
    let keys = Keys::derive(&[1; 32], "s", 0..=0);
    let key = keys.of(&label);
    let mut out = Vec::new();
    write(
        label.rule(),
        key,
        key.digest([raw.as_bytes()]),
        100,
        raw,
        &mut out,
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn names_are_invented_in_the_script_they_stand_for() {
    for (raw, range) in [
        ("Анна Каренина", 'Ѐ'..='ӿ'),
        ("Σωκράτης", 'Ͱ'..='Ͽ'),
        ("王小明", '一'..='鿿'),
        ("さくら", 'ぁ'..='ヿ'),
        ("김철수", '가'..='힣'),
        ("محمد علي", '\u{600}'..='\u{6ff}'),
        ("דוד", '\u{590}'..='\u{5ff}'),
        ("प्रिया", '\u{900}'..='\u{97f}'),
        ("สมชาย", '\u{e00}'..='\u{e7f}'),
        ("Łukasz Żak", 'A'..='z'),
        ("", 'A'..='z'),
    ] {
        for word in ["name", "first-name", "city", "address"] {
            let name = one(word, raw);
            let mut letters = name.chars().filter(|c| c.is_alphabetic());
            assert!(
                letters.all(|c| range.contains(&c)) && name != raw,
                "{word} {raw} {name}"
            );
        }
    }
    // About as long as names in these scripts are.
    assert_eq!(one("name", "王小明").chars().count(), 4);
}

#[test]
fn a_secret_tells_its_sort_and_nothing_of_itself() {
    for (raw, sort) in [
        ("AKIAIOSFODNN7EXAMPLE", "‹secret:aws:"),
        (
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "‹secret:github:",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----", "‹secret:pem:"),
        ("correct horse battery staple", "‹secret:"),
    ] {
        let tag = one("api-key", raw);
        let digits = tag
            .strip_prefix(sort)
            .and_then(|rest| rest.strip_suffix('›'))
            .unwrap();
        assert!(
            digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
            "{tag}"
        );
        assert_ne!(tag, one("password", raw));
    }
}
