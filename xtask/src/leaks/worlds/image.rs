//! A bijection on values: what stands in the second world where a masked value stands in the first.
//!
//! Equal values have equal images and different values different ones, in every column, array and document, so that
//! equality and NULLs are the same in both worlds. So is what the labels of the columns that a value stands in declare
//! as released, see [`Declared`], and what sort of value it is. Everything else is drawn anew: length, order,
//! characters, domains, countries, grouping.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use anyhow::{Result, bail};
use mask::Label;

use super::declared::Declared;
use super::draw::Draw;

/// The images given so far.
#[derive(Default)]
pub(crate) struct Images {
    /// Another salt, other images.
    salt: u32,
    known: HashMap<(Space, String), String>,
    taken: HashSet<(Space, String)>,
    /// Values of the first world, which no value of the second may be, and the labels of columns they stand in.
    first: HashMap<(Space, String), Vec<Label>>,
    /// While values are told of: the label of their column.
    telling: Option<Label>,
    declared: Declared,
}

/// Values are mapped within the kind of value that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Space {
    /// Words, addresses and numbers that stand in text.
    Text,
    /// Numbers of numeric types.
    Number,
    /// Dates and times.
    Time,
    /// Bytes in hexadecimal.
    Bytes,
}

impl Space {
    /// A type of such a value (`pg_type.dat`): inet, text, numeric, date, timestamp and with a zone, bytea.
    pub(super) fn oid(self, value: &str) -> u32 {
        match self {
            Space::Text if is_address(value) => 869,
            Space::Text => 25,
            Space::Number => 1700,
            Space::Time if value.len() <= "2000-01-01".len() => 1082,
            Space::Time if !value.contains('+') => 1114,
            Space::Time => 1184,
            Space::Bytes => 17,
        }
    }
}

/// Tries until an image is one that nothing else has.
const TRIES: u32 = 10_000;

impl Images {
    /// None given yet, and others than with another salt.
    pub(crate) fn salted(salt: u32) -> Images {
        Images {
            salt,
            ..Images::default()
        }
    }

    /// Until the next call, values are not given images but told of: they stand in a column of
    /// this label.
    pub(crate) fn telling(&mut self, label: Option<Label>) {
        self.telling = label;
    }

    /// All values that have images, and these.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.known.iter();
        known.map(|((_, raw), image)| (raw.as_str(), image.as_str()))
    }

    /// The image of a text, span by span: addresses, numbers and words keep being such. `limit` is the longest it may
    /// be, in characters.
    pub(crate) fn text(&mut self, raw: &str, limit: Option<usize>) -> Result<String> {
        if raw.is_empty() {
            return self.of(Space::Text, raw, |draw| draw.word(4));
        }
        if is_number(raw) && raw.chars().filter(char::is_ascii_digit).count() >= 7 {
            return self.span(raw, limit.unwrap_or(usize::MAX));
        }
        let mut room = limit.map(|limit| limit.saturating_sub(raw.chars().count()));
        let mut image = String::new();
        for (span, inside) in spans(raw) {
            if !inside {
                image.push_str(span);
                continue;
            }
            let longest = room.map_or(usize::MAX, |room| span.chars().count() + room);
            let new = self.span(span, longest)?;
            if let Some(room) = &mut room {
                *room = (*room + span.chars().count()).saturating_sub(new.chars().count());
            }
            image.push_str(&new);
        }
        Ok(image)
    }

    /// The image of a whole or fractional number with at most `digits` digits before the point.
    pub(crate) fn number(&mut self, raw: &str, digits: usize) -> Result<String> {
        if raw.parse::<f64>().is_err() || !raw.contains(|c: char| c.is_ascii_digit()) {
            bail!("{raw} is no number that could be another");
        }
        let (whole, rest) = raw
            .split_once('.')
            .map_or((raw, None), |(a, b)| (a, Some(b)));
        let length = whole.trim_start_matches('-').len();
        let fraction = rest.map_or(0, str::len);
        self.of(Space::Number, raw, |draw| {
            let longest = digits.min(length + 1).max(1);
            let wanted = draw.between(length.saturating_sub(1).max(1), longest.max(length));
            let mut text = draw.digits(wanted.min(digits.max(1)));
            if fraction > 0 {
                text = format!("{text}.{}", draw.any_digits(fraction));
            }
            text
        })
    }

    /// The image of a date or of a date with a time, in ISO form; the zone is kept.
    pub(crate) fn time(&mut self, raw: &str) -> Result<String> {
        if raw.get(4..5) != Some("-") || raw.len() < 10 {
            bail!("{raw} is no time that could be another");
        }
        self.of(Space::Time, raw, |draw| {
            let date = format!(
                "{}-{:02}-{:02}",
                draw.between(1930, 2010),
                draw.between(1, 12),
                draw.between(1, 28)
            );
            let clock = raw.get(11..19).map_or(String::new(), |_| {
                format!(
                    " {:02}:{:02}:{:02}",
                    draw.between(0, 23),
                    draw.between(0, 59),
                    draw.between(0, 59)
                )
            });
            format!("{date}{clock}{}", raw.get(19..).unwrap_or_default())
        })
    }

    /// The image of bytes in hexadecimal (`\x…`).
    pub(crate) fn bytes(&mut self, raw: &str) -> Result<String> {
        let half = raw.trim_start_matches("\\x").len() / 2;
        self.of(Space::Bytes, raw, |draw| {
            let length = draw.between(half.max(2) / 2, half + 4);
            let hex: String = (0..length)
                .map(|_| format!("{:02x}", draw.between(0, 255)))
                .collect();
            format!("\\x{hex}")
        })
    }

    /// The image of an address of a network, with or without the length of its prefix.
    pub(crate) fn network(&mut self, raw: &str) -> Result<String> {
        self.of(Space::Text, raw, |draw| draw.address(raw.contains('/')))
    }

    fn span(&mut self, span: &str, longest: usize) -> Result<String> {
        if let Some((local, domain)) = span
            .split_once('@')
            .filter(|(a, b)| !a.is_empty() && b.contains('.'))
        {
            let length = (local.len(), domain.len());
            return self.of(Space::Text, span, |draw| {
                let local = draw.between(3, (length.0 + 8).min(longest.saturating_sub(8).max(3)));
                let tail = draw.between(
                    1,
                    (length.1 + 4).min(longest.saturating_sub(local + 6).max(1)),
                );
                format!("{}@{}.test", draw.word(local), draw.word(tail))
            });
        }
        if span.parse::<IpAddr>().is_ok() {
            return self.of(Space::Text, span, |draw| draw.address(false));
        }
        let digits = span.chars().filter(char::is_ascii_digit).count();
        if is_number(span) && digits > 0 {
            let phone = span.starts_with('+') && digits >= 7;
            let card = digits >= 12 && luhn(span);
            return self.of(Space::Text, span, |draw| match (phone, card) {
                (true, _) => draw.phone(longest),
                (_, true) => draw.card(longest),
                _ => draw.grouped(span, longest),
            });
        }
        if is_iban(span) {
            return self.of(Space::Text, span, |draw| draw.iban(longest));
        }
        let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
        if span.len() == 36 && span.chars().all(hex) {
            return self.of(Space::Text, span, Draw::uuid);
        }
        // whatever else is there is made of words
        let mut image = String::new();
        let mut rest = span;
        while let Some(first) = rest.chars().next() {
            let kind = first.is_alphanumeric();
            let end = rest
                .find(|c: char| c.is_alphanumeric() != kind)
                .unwrap_or(rest.len());
            let (head, tail) = rest.split_at(end);
            if kind {
                let room = longest.saturating_sub(span.chars().count());
                image.push_str(&self.word(head, room)?);
            } else {
                image.push_str(head);
            }
            rest = tail;
        }
        Ok(image)
    }

    /// Words that are the same but for case have images that are.
    fn word(&mut self, word: &str, room: usize) -> Result<String> {
        let lower = word.to_lowercase();
        let length = word.chars().count();
        let digits = word.chars().all(|c| c.is_ascii_digit());
        let image = self.of(Space::Text, &lower, |draw| {
            let wanted = draw.between(1.max(length / 2), length + room.min(4));
            if digits {
                draw.digits(wanted)
            } else {
                draw.word(wanted)
            }
        })?;
        let capital = word.chars().next().is_some_and(char::is_uppercase);
        Ok(if length > 1 && word == word.to_uppercase() {
            image.to_uppercase()
        } else if capital {
            let mut letters = image.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        } else {
            image
        })
    }

    fn of(
        &mut self,
        space: Space,
        raw: &str,
        make: impl Fn(&mut Draw) -> String,
    ) -> Result<String> {
        let key = (space, raw.to_owned());
        if let Some(label) = &self.telling {
            let labels = self.first.entry(key).or_default();
            if !labels.contains(label) {
                labels.push(label.clone());
            }
            return Ok(raw.to_owned());
        }
        if let Some(image) = self.known.get(&key) {
            return Ok(image.clone());
        }
        let labels = self.first.get(&key).map_or(&[] as &[Label], Vec::as_slice);
        for attempt in 0..TRIES {
            let image = make(&mut Draw::new(self.salt, space, raw, attempt));
            let there = (space, image);
            let free =
                there != key && !self.first.contains_key(&there) && !self.taken.contains(&there);
            if free && self.declared.same(labels, space, raw, &there.1) {
                self.taken.insert(there.clone());
                self.known.insert(key, there.1.clone());
                return Ok(there.1);
            }
        }
        let labels: Vec<&str> = labels.iter().map(Label::as_str).collect();
        bail!(
            "no other value tells the same as {raw} under {}",
            labels.join(", ")
        )
    }
}

/// Parts of a text in turn: those with letters or digits, told by `true`, and what stands between.
fn spans(text: &str) -> Vec<(&str, bool)> {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '_' | '-' | '+');
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = inner(first);
        let end = rest.find(|c| inner(c) != kind).unwrap_or(rest.len());
        let (head, tail) = rest.split_at(end);
        if kind {
            let bare = head.trim_end_matches(['.', '-', '_', '+', '@']);
            found.push((bare, !bare.is_empty()));
            found.push((head.get(bare.len()..).unwrap_or_default(), false));
        } else {
            found.push((head, false));
        }
        rest = tail;
    }
    found
}

/// An address of a network, with or without the length of its prefix.
fn is_address(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default();
    address.parse::<IpAddr>().is_ok()
}

/// Digits, grouped as cards, phones and ids are.
fn is_number(text: &str) -> bool {
    let grouping = |c: char| matches!(c, ' ' | '-' | '.' | '+' | '(' | ')' | '/');
    text.chars().all(|c| c.is_ascii_digit() || grouping(c))
}

/// ISO/IEC 7812-1, annex B.
pub(super) fn luhn(text: &str) -> bool {
    let digits = text.chars().rev().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 13616: two letters, two check digits, and the whole ≡ 1 modulo 97.
fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    let country = bytes
        .get(..2)
        .is_some_and(|two| two.iter().all(u8::is_ascii_uppercase));
    if !country || !(15..=34).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_alphanumeric)
    {
        return false;
    }
    let (head, tail) = text.split_at(4);
    modulo_97(&format!("{tail}{head}")) == Some(1)
}

/// ISO 7064, letters as 10 to 35.
pub(super) fn modulo_97(text: &str) -> Option<u32> {
    text.chars().try_fold(0u32, |rest, c| {
        let value = c.to_digit(36)?;
        let shifted = if value < 10 { rest * 10 } else { rest * 100 };
        Some((shifted + value) % 97)
    })
}

#[cfg(test)]
mod tests;
