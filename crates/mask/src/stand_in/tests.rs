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
            b"",
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
            stand_in.len() <= chars && check(&stand_in),
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
    each("secret", 13, |s| s.len() == 13 && s.starts_with("[secret:"));
    each("secret", 6, |s| s.len() == 6);
    each("ip", 39, |s| {
        s.parse::<std::net::Ipv6Addr>()
            .is_ok_and(|ip| ip.to_string() == s)
    });
    each("ip", 15, |s| {
        s.parse::<std::net::Ipv4Addr>()
            .is_ok_and(|ip| ip.octets()[..3] == [192, 0, 2])
    });
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
    write(Rule::Email, key, digest, 100, b"", &mut first).unwrap();
    let mut second = Vec::new();
    write(Rule::Email, key, digest, 100, &first, &mut second).unwrap();
    assert_ne!(first, second);
    assert_eq!(
        write(
            Rule::Redact,
            key,
            digest,
            100,
            b"[redacted]",
            &mut Vec::new()
        ),
        None
    );
}
