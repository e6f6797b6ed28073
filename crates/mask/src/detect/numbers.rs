//! Numbers of accounts and telephones: payment cards, IBANs, phone numbers.

use super::ids::sums::{luhn, mod_97, number, varied};

/// Whether the digits are a payment card's: issuer range, length and check digit (ISO/IEC 7812).
pub(crate) fn is_card(digits: &[u8]) -> bool {
    issued(digits) && luhn(digits) && varied(digits)
}

/// Whether a network issues numbers that begin so, at that length.
pub(crate) fn issued(digits: &[u8]) -> bool {
    let (two, three, four) = (
        number(digits, 0, 2),
        number(digits, 0, 3),
        number(digits, 0, 4),
    );
    match digits.len() {
        12..=13 => {
            matches!(two, 50 | 56..=58)
                || matches!(four, 6304 | 6759 | 6761..=6763)
                || (digits.len() == 13 && two / 10 == 4)
        }
        14 => matches!(three, 300..=305 | 309) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37) || matches!(four, 1800 | 2131),
        16 => {
            two / 10 == 4
                || matches!(two, 50..=58 | 62 | 65)
                || matches!(three, 300..=305 | 644..=649)
                || matches!(four, 2200..=2204 | 2221..=2720 | 3528..=3589 | 6011 | 6304 | 6759 | 6761..=6763)
        }
        17..=19 => {
            two == 62
                || matches!(two, 50 | 56..=58)
                || (digits.len() == 19 && (two / 10 == 4 || four == 6011))
        }
        _ => false,
    }
}

/// A text of digits in groups, as cards are printed; gives the digits.
pub(crate) fn card_digits(text: &str) -> Option<Vec<u8>> {
    let mut digits = Vec::with_capacity(19);
    let mut group = 0;
    for b in text.bytes() {
        match b {
            b'0'..=b'9' => {
                digits.push(b);
                group += 1;
            }
            b' ' | b'-' if group >= 3 => group = 0,
            _ => return None,
        }
    }
    (12..=19).contains(&digits.len()).then_some(digits)
}

/// Whether a text, blanks aside, is an IBAN: country, length, check digits (ISO 13616).
pub(crate) fn is_iban(text: &str) -> bool {
    if !(15..=42).contains(&text.len()) || !text.is_ascii() {
        return false;
    }
    let plain: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b' ' | b'-'))
        .map(|b| b.to_ascii_uppercase())
        .collect();
    let Some((head, body)) = plain.split_at_checked(4) else {
        return false;
    };
    let country = head.get(..2).unwrap_or_default();
    let length = IBAN_LENGTHS
        .iter()
        .find(|(code, _)| code.as_bytes() == country)
        .map(|(_, length)| *length);
    length == Some(plain.len())
        && plain.iter().all(u8::is_ascii_alphanumeric)
        && mod_97(body.iter().chain(head).copied()) == 1
}

/// Whether a text has a country's code and right check digits, whatever its length: enough when a whole column has.
pub(crate) fn is_iban_like(text: &str) -> bool {
    let plain: Vec<u8> = text
        .bytes()
        .filter(|b| *b != b' ')
        .map(|b| b.to_ascii_uppercase())
        .collect();
    let Some((head, body)) = plain.split_at_checked(4) else {
        return false;
    };
    (15..=34).contains(&plain.len())
        && plain.iter().all(u8::is_ascii_alphanumeric)
        && IBAN_LENGTHS
            .iter()
            .any(|(code, _)| head.starts_with(code.as_bytes()))
        && mod_97(body.iter().chain(head).copied()) == 1
}

/// From the SWIFT IBAN registry.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BI", 27),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DJ", 27),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SD", 18),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SO", 23),
    ("ST", 25),
    ("SV", 28),
    ("TL", 23),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VA", 22),
    ("VG", 24),
    ("XK", 20),
    ("YE", 30),
];

/// How much a text looks like a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phone {
    /// Digits alone, as many as a national number has.
    Plain,
    /// Grouped as national numbers are.
    Grouped,
    /// With a country's code.
    International,
}

/// Judges a whole text as a phone number (ITU-T E.164, and how people write national ones).
pub(crate) fn phone(text: &str) -> Option<Phone> {
    let (body, extension) = split_extension(text.trim());
    let mut digits: Vec<u8> = Vec::with_capacity(16);
    let (mut groups, mut open, mut plus, mut last) = (0, false, false, b' ');
    for (at, b) in body.bytes().enumerate() {
        match b {
            b'0'..=b'9' => {
                if !last.is_ascii_digit() {
                    groups += 1;
                }
                digits.push(b);
            }
            b'+' if at == 0 => plus = true,
            b'(' if !open => open = true,
            b')' if open => open = false,
            b' ' | b'-' | b'.' | b'/'
                if at > 0 && (last.is_ascii_digit() || last == b')' || last == b' ') => {}
            b' ' | b'-' if last == b'-' || last == b'(' => {}
            _ => return None,
        }
        last = b;
    }
    let count = digits.len();
    let bare = groups == 1 && body.len() == count;
    if open || groups > 7 || !varied(digits.get(1..)?) || !(last.is_ascii_digit()) {
        return None;
    }
    let abroad = body.starts_with("00") && !body.starts_with("000");
    if plus || (abroad && count >= 10 && calling_code(digits.get(2..)?)) {
        let national = if plus {
            digits.as_slice()
        } else {
            digits.get(2..)?
        };
        let good = (8..=16).contains(&national.len()) && (calling_code(national));
        return good.then_some(Phone::International);
    }
    if bare {
        let trunk = digits.first() == Some(&b'0')
            && digits.get(1) != Some(&b'0')
            && (9..=11).contains(&count);
        let mobile = count == 11 && number(&digits, 0, 2) >= 13 && number(&digits, 0, 2) <= 19;
        let american = count == 10 && nanp(&digits);
        let other = (8..=11).contains(&count) && matches!(digits.first(), Some(b'5'..=b'9'));
        return (trunk || mobile || american || other).then_some(Phone::Plain);
    }
    grouped(body, &digits, groups, extension).then_some(Phone::Grouped)
}

fn grouped(body: &str, digits: &[u8], groups: usize, extension: bool) -> bool {
    let count = digits.len();
    let starts_area = body.starts_with('(');
    let form: Vec<usize> = body
        .split(|c: char| !c.is_ascii_digit())
        .filter(|g| !g.is_empty())
        .map(str::len)
        .collect();
    let longest = form.iter().copied().max().unwrap_or(0);
    if !(7..=13).contains(&count) || longest > 9 || is_date_like(body, &form) {
        return false;
    }
    let trunk = digits.first() == Some(&b'0') && digits.get(1) != Some(&b'0');
    let american = matches!(form.as_slice(), [3, 3, 4] | [1, 3, 3, 4])
        && (form.len() == 3 || digits.first() == Some(&b'1'));
    let one_sort = !(body.contains('-') && body.contains('.'));
    let dots_alone = body.contains('.') && !body.contains([' ', '(', '-', '/']);
    if starts_area {
        return count >= 8 || (count >= 7 && extension);
    }
    if body.contains('(') {
        return trunk && count >= 8;
    }
    american
        || (trunk && count >= 9 && one_sort)
        || (extension && count >= 7 && groups >= 2)
        || (matches!(
            form.as_slice(),
            [3, 2, 2, 2]
                | [2, 2, 2, 2]
                | [3, 3, 3]
                | [3, 3, 2, 2]
                | [4, 4]
                | [3, 4, 4]
                | [2, 4, 4]
                | [2, 5, 4]
                | [3, 4]
                | [5, 5]
                | [4, 6]
                | [2, 3, 2, 2]
                | [2, 3, 3]
                | [3, 6]
                | [4, 3, 3]
                | [5, 6]
                | [1, 4, 4]
                | [3, 2, 3]
                | [4, 3, 2, 2]
        ) && !dots_alone
            && !body.contains('/'))
}

/// `12.05.2024`, `2024-05-12`, `1.2.3`: no phone number.
fn is_date_like(body: &str, form: &[usize]) -> bool {
    (matches!(form, [1 | 2, 1 | 2, 4] | [4, 1 | 2, 1 | 2]) && !body.contains('('))
        || (form.len() >= 3
            && form.iter().all(|g| *g <= 3)
            && body.contains('.')
            && body.len() < 12)
        || (body.contains('.')
            && matches!(form, [_, 2, 3] | [_, 3, 3])
            && !body.contains('-')
            && form.len() <= 3
            && !body.starts_with('0'))
}

fn split_extension(text: &str) -> (&str, bool) {
    let lower = text.to_ascii_lowercase();
    for mark in ["ext.", "ext", "x", "#"] {
        if let Some(at) = lower.rfind(mark) {
            let tail = lower.get(at + mark.len()..).unwrap_or_default().trim();
            let good = (1..=6).contains(&tail.len()) && tail.bytes().all(|b| b.is_ascii_digit());
            if good && at >= 7 {
                return (text.get(..at).unwrap_or_default().trim_end(), true);
            }
        }
    }
    (text, false)
}

fn nanp(digits: &[u8]) -> bool {
    let good = |at: usize| digits.get(at).is_some_and(|b| (b'2'..=b'9').contains(b));
    good(0) && good(3) && digits.get(1..3) != Some(b"11") && digits.get(4..6) != Some(b"11")
}

/// Whether digits begin with a country calling code that is assigned (ITU-T E.164, annex).
fn calling_code(digits: &[u8]) -> bool {
    let (one, two, three) = (
        number(digits, 0, 1),
        number(digits, 0, 2),
        number(digits, 0, 3),
    );
    matches!(one, 1 | 7)
        || matches!(two, 20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98)
        || matches!(three, 211..=213 | 216 | 218 | 220..=269 | 290 | 291 | 297..=299 | 350..=359 | 370..=389 | 420 | 421 | 423 | 500..=509 | 590..=599 | 670..=692 | 800 | 850 | 852 | 853 | 855 | 856 | 870 | 880..=888 | 960..=968 | 970..=977 | 979 | 992..=998)
}
