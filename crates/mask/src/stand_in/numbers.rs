//! Numbers that name people and accounts, in ranges that are never assigned, with check digits.

use super::{Draw, UPPER, token_room};
use crate::label::Rule;

/// E.164 with the spare country code 999; as digits alone where the sign does not fit (ten digits
/// are then also a North American number of the area 999, which is not assigned either).
pub(super) fn phone(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    const MAX_DIGITS: usize = 15;
    const MIN_DIGITS: usize = 7;
    let digits = if chars > MAX_DIGITS {
        MAX_DIGITS
    } else {
        chars
    };
    if digits < MIN_DIGITS {
        return None;
    }
    if chars > MAX_DIGITS {
        out.push(b'+');
    }
    out.extend_from_slice(b"999");
    draw.digits(digits - 3, out);
    Some(())
}

/// Areas 900 to 999 were never issued as SSN; as ITIN they have groups 50–65, 70–88, 90–92, 94–99.
pub(super) fn ssn(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    const GROUPS: u64 = 49 + 4 + 2;
    let dash = match chars {
        0..=8 => return None,
        9 | 10 => "",
        _ => "-",
    };
    let group = match draw.bits(32) % GROUPS {
        low @ 0..=48 => low + 1,
        middle @ 49..=52 => middle - 49 + 66,
        53 => 89,
        _ => 93,
    };
    let serial = draw.bits(32) % 9_999 + 1;
    out.push(b'9');
    two_digits(draw.bits(32) % 100, out);
    out.extend_from_slice(dash.as_bytes());
    two_digits(group, out);
    out.extend_from_slice(dash.as_bytes());
    two_digits(serial / 100, out);
    two_digits(serial % 100, out);
    Some(())
}

pub(super) fn two_digits(number: u64, out: &mut Vec<u8>) {
    out.push(b'0' + (number / 10 % 10) as u8);
    out.push(b'0' + (number % 10) as u8);
}

/// `XX` is left to users by ISO 3166 and never names a country.
pub(super) fn document(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let room = token_room(chars, 2)?.min(10);
    out.extend_from_slice(b"XX");
    draw.base32(room, UPPER, out);
    Some(())
}

/// Numbers in columns of numbers: without signs, and documents' below zero, where no number is assigned.
pub(super) fn whole(rule: Rule, draw: &mut Draw, digits: usize, out: &mut Vec<u8>) -> Option<()> {
    const PHONE: usize = 15;
    const SSN: usize = 9;
    const DOCUMENT: std::ops::RangeInclusive<usize> = 9..=17;
    match rule {
        Rule::Phone => phone(draw, digits.min(PHONE), out),
        Rule::Ssn => ssn(draw, digits.min(SSN), out),
        Rule::Card => card(draw, digits, out),
        Rule::Document if digits >= *DOCUMENT.start() => {
            out.extend_from_slice(b"-1");
            draw.digits(digits.min(*DOCUMENT.end()) - 1, out);
            Some(())
        }
        _ => None,
    }
}

/// ISO/IEC 7812: major industry 9 is followed by a country's number; 999 is none. Luhn holds.
pub(super) fn card(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    const MIN_DIGITS: usize = 12;
    let digits = chars.min(16);
    if digits < MIN_DIGITS {
        return None;
    }
    let start = out.len();
    out.extend_from_slice(b"9999");
    draw.digits(digits - 5, out);
    let doubled = |digit: u64| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let body = out.get(start..).unwrap_or_default();
    let sum: u64 = (body.iter().rev().enumerate())
        .map(|(place, digit)| (place, u64::from(digit - b'0')))
        .map(|(place, digit)| {
            if place % 2 == 0 {
                doubled(digit)
            } else {
                digit
            }
        })
        .sum();
    out.push(b'0' + ((10 - sum % 10) % 10) as u8);
    Some(())
}

/// ISO 13616 with the country `XX`, all digits; the check digits are those of ISO 7064 mod 97-10.
pub(super) fn iban(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    const MIN_BODY: usize = 8;
    const MAX_BODY: usize = 18;
    let body = chars.checked_sub(4)?.min(MAX_BODY);
    if body < MIN_BODY {
        return None;
    }
    let mut account = Vec::with_capacity(body);
    draw.digits(body, &mut account);
    out.extend_from_slice(b"XX");
    out.extend_from_slice(&iban_check(b"XX", &account));
    out.extend_from_slice(&account);
    Some(())
}

/// The check digits of an IBAN (ISO 7064 mod 97-10): account, country and `00`, letters as 10 to 35.
pub(crate) fn iban_check(country: &[u8], account: &[u8]) -> [u8; 2] {
    let rest =
        account
            .iter()
            .chain(country)
            .chain(b"00")
            .fold(0u32, |rest, byte| match char::from(*byte).to_digit(36) {
                Some(digit @ 0..=9) => (rest * 10 + digit) % 97,
                letter => (rest * 100 + letter.unwrap_or_default()) % 97,
            });
    let check = (98 - rest) as u8;
    [b'0' + check / 10, b'0' + check % 10]
}

/// Nine digits as [`ssn`] writes them.
pub(crate) fn is_fake_ssn(digits: &str) -> bool {
    let number: Option<u32> = digits.parse().ok().filter(|_| digits.len() == 9);
    number.is_some_and(|number| {
        let (area, group, serial) = (number / 1_000_000, number / 10_000 % 100, number % 10_000);
        area >= 900 && matches!(group, 1..=49 | 66..=69 | 89 | 93) && serial > 0
    })
}
