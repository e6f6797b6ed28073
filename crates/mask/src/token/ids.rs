//! Tokens of phone numbers, social security numbers, document numbers and IBANs.

use zeroize::Zeroizing;

use super::numerals::{Alphabet, Seal};
use crate::ff1::Ff1;
use crate::stand_in::{iban_check, is_fake_ssn};

/// `+999`, eleven digits and one, `x` as before an extension, and the rest.
pub(super) mod phone {
    use super::*;

    const RAW: Alphabet = Alphabet::new(b"0123456789+-(). /", 20);
    /// 18²⁰ is below 10²⁶.
    const SEAL: Seal = Seal {
        radix: 10,
        zeros: 13,
        numerals: 26,
    };
    /// E.164 has fifteen digits.
    const HEAD: usize = 12;
    pub(in super::super) const LENGTH: usize = "+999x".len() + SEAL.zeros + SEAL.numerals;

    pub(in super::super) fn write(cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
        let seal = SEAL.seal(cipher, RAW.number(raw)?)?;
        let (head, tail) = seal.split_at_checked(HEAD)?;
        out.extend_from_slice(b"+999");
        out.extend_from_slice(head);
        out.push(b'x');
        out.extend_from_slice(tail);
        Some(())
    }

    pub(in super::super) fn read(cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
        let (head, tail) = text.strip_prefix("+999")?.split_once('x')?;
        RAW.text(SEAL.open(cipher, [head, tail].concat().as_bytes())?)
    }

    /// Indian numbers of ten digits may start with 999; no number of fifteen does.
    pub(in super::super) fn marked(folded: &str) -> bool {
        let digits = folded.bytes().filter(u8::is_ascii_digit).count();
        let plain: String = folded
            .chars()
            .filter(|c| !matches!(c, '(' | ')' | '-' | '.' | '/'))
            .collect();
        plain.starts_with("+999")
            || plain.starts_with("00999")
            || plain.starts_with("999") && digits >= 15
    }
}

/// A number of an area that was never issued, and fifteen digits more.
pub(super) mod ssn {
    use super::*;

    const SEAL: Seal = Seal {
        radix: 10,
        zeros: 13,
        numerals: 10,
    };
    const HEAD: usize = 8;
    pub(in super::super) const LENGTH: usize = "9---".len() + SEAL.zeros + SEAL.numerals;
    /// Between area, group and serial.
    const MARKS: [&str; 3] = ["-", "", " "];

    pub(in super::super) fn write(cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
        let digits: String = raw.chars().filter(char::is_ascii_digit).collect();
        let number: u128 = digits.parse().ok()?;
        let form = (0..)
            .zip(MARKS)
            .find(|(_, mark)| spelled(&digits, mark).as_deref() == Some(raw))?
            .0;
        let seal = SEAL.seal(cipher, number * MARKS.len() as u128 + form)?;
        let (head, tail) = seal.split_at_checked(HEAD)?;
        let head = ["9", std::str::from_utf8(head).ok()?].concat();
        out.extend_from_slice(spelled(&head, "-")?.as_bytes());
        out.push(b'-');
        out.extend_from_slice(tail);
        Some(())
    }

    fn spelled(digits: &str, mark: &str) -> Option<String> {
        let (area, rest) = digits.split_at_checked(3)?;
        let (group, serial) = rest.split_at_checked(2)?;
        (serial.len() == 4).then(|| [area, mark, group, mark, serial].concat())
    }

    pub(in super::super) fn read(cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
        let digits = text.strip_prefix('9')?.replace('-', "");
        let number = SEAL.open(cipher, digits.as_bytes())?;
        let (number, form) = (number / MARKS.len() as u128, number % MARKS.len() as u128);
        spelled(&format!("{number:09}"), MARKS.get(form as usize)?).map(Zeroizing::new)
    }

    pub(in super::super) fn marked(folded: &str) -> bool {
        let digits: String = folded.chars().filter(char::is_ascii_digit).collect();
        let plain = folded.chars().all(|c| c.is_ascii_digit() || c == '-');
        let long = plain && digits.len() > 9 && digits.starts_with('9') && folded.contains('-');
        long || plain && digits.len() == 9 && is_fake_ssn(&digits)
    }
}

/// `XX` and letters and digits.
pub(super) mod document {
    use super::*;

    /// Ways to spell a number, the closest first: three times 41¹⁹ is below 36²⁰.
    const RAW: [Alphabet; 3] = [
        Alphabet::new(b"0123456789", 29),
        Alphabet::new(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. /", 19),
        Alphabet::new(
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-. /",
            16,
        ),
    ];
    const SEAL: Seal = Seal {
        radix: 36,
        zeros: 8,
        numerals: 20,
    };
    pub(in super::super) const LENGTH: usize = "XX".len() + SEAL.zeros + SEAL.numerals;

    pub(in super::super) fn write(cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
        let (way, number) = (0..)
            .zip(&RAW)
            .find_map(|(way, raw_of)| Some((way, raw_of.number(raw)?)))?;
        out.extend_from_slice(b"XX");
        out.extend(SEAL.seal(
            cipher,
            number.checked_mul(RAW.len() as u128)?.checked_add(way)?,
        )?);
        Some(())
    }

    pub(in super::super) fn read(cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
        let number = SEAL.open(cipher, text.strip_prefix("XX")?.as_bytes())?;
        let way = (number % RAW.len() as u128) as usize;
        RAW.get(way)?.text(number / RAW.len() as u128)
    }

    pub(in super::super) fn marked(folded: &str) -> bool {
        const SHORT: usize = 10;
        folded.strip_prefix("xx").is_some_and(|rest| {
            rest.len() >= SHORT && rest.bytes().all(|b| b.is_ascii_alphanumeric())
        })
    }
}

/// An IBAN of the country `XX`.
pub(super) mod iban {
    use super::*;

    /// 36²² holds 8 · 676 · 11²⁹.
    const SEAL: Seal = Seal {
        radix: 36,
        zeros: 8,
        numerals: 22,
    };
    pub(in super::super) const LENGTH: usize = "XX00".len() + SEAL.zeros + SEAL.numerals;
    const LETTERS: Alphabet = Alphabet::new(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1);
    /// What follows the check digits: all digits, a letter and digits, or few of any.
    const DIGITS: Alphabet = Alphabet::new(b"0123456789", 29);
    const AFTER_LETTER: Alphabet = Alphabet::new(b"0123456789", 27);
    const MIXED: Alphabet = Alphabet::new(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 19);
    /// What is no IBAN.
    const OTHER: Alphabet = Alphabet::new(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ ", 20);
    const WAYS: u128 = 8;

    pub(in super::super) fn write(cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
        let number = valid(raw).or_else(|| OTHER.number(raw)?.checked_mul(WAYS)?.checked_add(7))?;
        let body = SEAL.seal(cipher, number)?;
        out.extend_from_slice(b"XX");
        out.extend_from_slice(&iban_check(b"XX", &body));
        out.extend_from_slice(&body);
        Some(())
    }

    /// Way, spaces, country and account of an IBAN whose check digits are right.
    fn valid(raw: &str) -> Option<u128> {
        let plain = raw.replace(' ', "");
        let spaced = plain != raw;
        if spaced && grouped(&plain) != raw {
            return None;
        }
        let (country, rest) = plain.split_at_checked(2)?;
        let (check, account) = rest.split_at_checked(2)?;
        if check.as_bytes() != iban_check(country.as_bytes(), account.as_bytes()) {
            return None;
        }
        let (first, second) = country.split_at_checked(1)?;
        let country = (LETTERS.number(first)? - 1) * 26 + (LETTERS.number(second)? - 1);
        let letter_first = || {
            let (letter, digits) = account.split_at_checked(1)?;
            Some((LETTERS.number(letter)? - 1) + 26 * AFTER_LETTER.number(digits)?)
        };
        let (way, account) = match (
            DIGITS.number(account),
            letter_first(),
            MIXED.number(account),
        ) {
            (Some(number), _, _) => (0, number),
            (None, Some(number), _) => (1, number),
            (None, None, number) => (2, number?),
        };
        Some(((account * 676 + country) * 2 + u128::from(spaced)) * 4 + way)
    }

    /// In fours, as on paper.
    fn grouped(plain: &str) -> String {
        let mut out = String::with_capacity(plain.len() * 5 / 4);
        for (at, char) in plain.chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                out.push(' ');
            }
            out.push(char);
        }
        out
    }

    pub(in super::super) fn read(cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
        let body = text.strip_prefix("XX")?.get(2..)?;
        let number = SEAL.open(cipher, body.as_bytes())?;
        if number % WAYS == 7 {
            return OTHER.text(number / WAYS);
        }
        let (way, number) = (number % 4, number / 4);
        let (spaced, number) = (number % 2 == 1, number / 2);
        let (country, number) = (number % 676, number / 676);
        let account = match way {
            0 => DIGITS.text(number)?,
            1 => {
                let letter = LETTERS.text(number % 26 + 1)?;
                Zeroizing::new([letter.as_str(), &AFTER_LETTER.text(number / 26)?].concat())
            }
            2 => MIXED.text(number)?,
            _ => return None,
        };
        let country = [
            LETTERS.text(country / 26 + 1)?,
            LETTERS.text(country % 26 + 1)?,
        ]
        .map(|l| l.to_string())
        .concat();
        let check = iban_check(country.as_bytes(), account.as_bytes());
        let plain = [
            country.as_str(),
            std::str::from_utf8(&check).ok()?,
            &account,
        ]
        .concat();
        Some(Zeroizing::new(if spaced { grouped(&plain) } else { plain }))
    }

    pub(in super::super) fn marked(folded: &str) -> bool {
        super::document::marked(folded)
    }
}
