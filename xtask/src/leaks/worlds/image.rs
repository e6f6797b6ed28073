//! A bijection on values: what stands in the second world where a masked value stands in the first.
//!
//! Equal values have equal images and different values different ones, in every column, array and document, so that
//! equality and NULLs are the same in both worlds. Country codes and check digits are kept, so that a value stays what
//! it is, and so is whatever else a label declares as released. Everything else is drawn anew: length, order,
//! characters, domains.

use std::collections::{HashMap, HashSet};

use mask::{ColumnType, Format, Label, Masked, Masker, Part};
use sha2::{Digest, Sha256};

/// The images given so far.
#[derive(Default)]
pub(crate) struct Images {
    known: HashMap<(Space, String), String>,
    taken: HashSet<(Space, String)>,
    /// Values of the first world, which no value of the second may be.
    first: HashSet<String>,
    declared: Declared,
}

/// What labels declare to tell of a value besides equality.
struct Declared {
    masker: Masker,
    /// Labels whose stand-ins tell of lengths, in steps.
    lengths: Vec<Label>,
    /// Labels whose stand-ins are not of single values: what they are the same for must stay so.
    buckets: Vec<Label>,
}

impl Default for Declared {
    fn default() -> Declared {
        Declared {
            // what a label tells does not depend on the key
            masker: Masker::new(&[7; 32], "worlds", 1),
            lengths: mask::labels()
                .filter(|label| label.releases().equality)
                .filter(|label| label.releases().parts.contains(&Part::Length))
                .collect(),
            buckets: mask::labels()
                .filter(|label| !label.releases().equality)
                .filter(|label| !label.releases().parts.contains(&Part::Equality))
                .collect(),
        }
    }
}

impl Declared {
    /// Whether labels tell the same of two values.
    fn same(&self, space: Space, raw: &str, image: &str) -> bool {
        let ty = ColumnType::built_in(space.oid(), -1);
        let masked = |label: &Label, value: &str| {
            let mut out = Vec::new();
            match self
                .masker
                .mask(label, &ty, Format::Text, value.as_bytes(), &mut out)
            {
                Masked::Value => Some(out),
                Masked::Null => None,
            }
        };
        let length = |label: &Label, value: &str| masked(label, value).map(|token| token.len());
        self.lengths
            .iter()
            .all(|label| length(label, raw) == length(label, image))
            && self
                .buckets
                .iter()
                .all(|label| masked(label, raw) == masked(label, image))
    }
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
    /// A type of such values (`pg_type.dat`): text, numeric, date, bytea.
    fn oid(self) -> u32 {
        match self {
            Space::Text => 25,
            Space::Number => 1700,
            Space::Time => 1082,
            Space::Bytes => 17,
        }
    }
}

/// Tries until an image is one that nothing else has.
const TRIES: u32 = 10_000;

impl Images {
    /// The image of a text, span by span: addresses, numbers and words keep being such. `limit` is the longest it may
    /// be, in characters.
    pub(crate) fn text(&mut self, raw: &str, limit: Option<usize>) -> String {
        if raw.is_empty() {
            return self.of(Space::Text, raw, |draw| draw.word(4));
        }
        if is_number(raw) && raw.chars().filter(char::is_ascii_digit).count() >= 7 {
            return self.span(raw, raw.len());
        }
        let mut room = limit.map(|limit| limit.saturating_sub(raw.chars().count()));
        let mut image = String::new();
        for (span, inside) in spans(raw) {
            if !inside {
                image.push_str(span);
                continue;
            }
            let longest = room.map_or(usize::MAX, |room| span.chars().count() + room);
            let new = self.span(span, longest);
            if let Some(room) = &mut room {
                *room = (*room + span.chars().count()).saturating_sub(new.chars().count());
            }
            image.push_str(&new);
        }
        image
    }

    /// The image of a whole or fractional number with at most `digits` digits before the point.
    pub(crate) fn number(&mut self, raw: &str, digits: usize) -> String {
        if raw.parse::<f64>().is_err() || !raw.contains(|c: char| c.is_ascii_digit()) {
            return raw.to_owned();
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
    pub(crate) fn time(&mut self, raw: &str) -> String {
        if raw.get(4..5) != Some("-") || raw.len() < 10 {
            return raw.to_owned();
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
    pub(crate) fn bytes(&mut self, raw: &str) -> String {
        let half = raw.trim_start_matches("\\x").len() / 2;
        self.of(Space::Bytes, raw, |draw| {
            let length = draw.between(half.max(2) / 2, half + 4);
            let hex: String = (0..length)
                .map(|_| format!("{:02x}", draw.between(0, 255)))
                .collect();
            format!("\\x{hex}")
        })
    }

    /// The image of an address of a network, with or without the length of its prefix, which is kept.
    pub(crate) fn network(&mut self, raw: &str) -> String {
        self.of(Space::Text, raw, |draw| {
            let (address, prefix) = raw
                .split_once('/')
                .map_or((raw, String::new()), |(a, b)| (a, format!("/{b}")));
            let parts: Vec<String> = if address.contains(':') {
                (0..8)
                    .map(|_| format!("{:x}", draw.between(1, 0xffff)))
                    .collect()
            } else {
                (0..4).map(|_| draw.between(1, 250).to_string()).collect()
            };
            let joint = if address.contains(':') { ":" } else { "." };
            format!("{}{prefix}", parts.join(joint))
        })
    }

    /// Tells of a value of the first world.
    pub(crate) fn stands_in_first(&mut self, raw: &str) {
        self.first.insert(raw.to_owned());
    }

    fn span(&mut self, span: &str, longest: usize) -> String {
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
        let digits = span.chars().filter(char::is_ascii_digit).count();
        if is_number(span) && digits > 0 {
            // a country's code stays
            let kept = if span.starts_with('+') && digits >= 7 {
                3
            } else {
                0
            };
            let checked = digits >= 12 && luhn(span);
            return self.of(Space::Text, span, |draw| {
                loop {
                    let text = draw.like(span, kept);
                    if !checked || luhn(&text) {
                        return text;
                    }
                }
            });
        }
        if is_iban(span) {
            return self.of(Space::Text, span, |draw| {
                loop {
                    let text = draw.like(span, 2);
                    if is_iban(&text) {
                        return text;
                    }
                }
            });
        }
        let hex = |c: char| c.is_ascii_hexdigit() || c == '-';
        if span.len() == 36 && span.chars().all(hex) {
            return self.of(Space::Text, span, |draw| draw.uuid(span));
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
                image.push_str(&self.word(head, room));
            } else {
                image.push_str(head);
            }
            rest = tail;
        }
        image
    }

    /// Words that are the same but for case have images that are.
    fn word(&mut self, word: &str, room: usize) -> String {
        let lower = word.to_lowercase();
        let length = word.chars().count();
        let digits = word.chars().all(|c| c.is_ascii_digit());
        let image = self.of(Space::Text, &lower, |draw| {
            if digits {
                draw.digits(length)
            } else {
                let wanted = draw.between(1.max(length / 2), length + room.min(4));
                draw.word(wanted)
            }
        });
        let capital = word.chars().next().is_some_and(char::is_uppercase);
        if length > 1 && word == word.to_uppercase() {
            image.to_uppercase()
        } else if capital {
            let mut letters = image.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        } else {
            image
        }
    }

    fn of(&mut self, space: Space, raw: &str, make: impl Fn(&mut Draw) -> String) -> String {
        let key = (space, raw.to_owned());
        if let Some(image) = self.known.get(&key) {
            return image.clone();
        }
        let mut image = raw.to_owned();
        for attempt in 0..TRIES {
            image = make(&mut Draw::new(space, raw, attempt));
            let free = image != raw
                && !self.first.contains(&image)
                && self.declared.same(space, raw, &image);
            if free && self.taken.insert((space, image.clone())) {
                break;
            }
        }
        self.known.insert(key, image.clone());
        image
    }
}

/// Letters and digits from a hash: the same in every run.
struct Draw {
    state: u64,
}

impl Draw {
    fn new(space: Space, raw: &str, attempt: u32) -> Draw {
        let hash = Sha256::digest(format!("{space:?}\0{raw}\0{attempt}"));
        let mut first = [0; 8];
        first.copy_from_slice(hash.get(..8).unwrap_or(&[0; 8]));
        Draw {
            state: u64::from_be_bytes(first),
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, least: usize, most: usize) -> usize {
        let width = u64::try_from(most.saturating_sub(least)).unwrap_or_default() + 1;
        least + usize::try_from(self.next() % width).unwrap_or_default()
    }

    fn word(&mut self, length: usize) -> String {
        (0..length.max(1))
            .map(|_| char::from(b'a' + u8::try_from(self.next() % 26).unwrap_or_default()))
            .collect()
    }

    fn any_digits(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'0' + u8::try_from(self.next() % 10).unwrap_or_default()))
            .collect()
    }

    /// Digits that do not start with 0.
    fn digits(&mut self, length: usize) -> String {
        let first = self.between(1, 9);
        format!("{first}{}", self.any_digits(length.saturating_sub(1)))
    }

    /// Other letters and digits in the same places, after `kept` characters that stay.
    fn like(&mut self, shape: &str, kept: usize) -> String {
        shape
            .chars()
            .enumerate()
            .map(|(place, c)| match c {
                _ if place < kept => c,
                '0'..='9' => char::from(b'0' + u8::try_from(self.next() % 10).unwrap_or_default()),
                'A'..='Z' => char::from(b'A' + u8::try_from(self.next() % 26).unwrap_or_default()),
                other => other,
            })
            .collect()
    }

    /// Other digits; version and variant stay.
    fn uuid(&mut self, shape: &str) -> String {
        shape
            .chars()
            .enumerate()
            .map(|(place, c)| match c {
                '-' => c,
                _ if matches!(place, 14 | 19) => c,
                _ => char::from_digit(u32::try_from(self.next() % 16).unwrap_or_default(), 16)
                    .unwrap_or('0'),
            })
            .collect()
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

/// Digits, grouped as cards, phones and ids are.
fn is_number(text: &str) -> bool {
    let grouping = |c: char| matches!(c, ' ' | '-' | '.' | '+' | '(' | ')' | '/');
    text.chars().all(|c| c.is_ascii_digit() || grouping(c))
}

/// ISO/IEC 7812-1, annex B.
fn luhn(text: &str) -> bool {
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
    let rest = tail.chars().chain(head.chars()).try_fold(0u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some(
            if value < 10 {
                rest * 10 + value
            } else {
                rest * 100 + value
            } % 97,
        )
    });
    rest == Some(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_images_and_others_have_others() {
        let mut images = Images::default();
        let one = images.text("zoe@example.com", None);
        assert_eq!(images.text("zoe@example.com", None), one);
        let many: HashSet<String> = (0..2_000)
            .map(|n| images.text(&format!("zoe{n}@example.com"), None))
            .collect();
        assert_eq!(many.len(), 2_000);
        assert!(!many.contains(&one));
    }

    #[test]
    fn a_value_inside_a_text_has_the_image_it_has_alone() {
        let mut images = Images::default();
        let alone = images.text("zoe@example.com", None);
        let said = images.text("call zoe@example.com, now.", None);
        assert!(said.contains(&format!("{alone}, ")), "{said}");
        assert!(!said.contains("call") && !said.contains("now"), "{said}");
        assert_eq!(
            images.text("Zoe", None).to_lowercase(),
            images.text("zoe", None)
        );
    }

    #[test]
    fn order_and_length_change() {
        let mut images = Images::default();
        let raw: Vec<String> = (0..50).map(|n| format!("{:04}@example.com", n)).collect();
        let new: Vec<String> = raw.iter().map(|raw| images.text(raw, None)).collect();
        assert!(new.windows(2).any(|two| two[0] > two[1]));
        assert!(new.iter().map(String::len).collect::<HashSet<_>>().len() > 3);
        let sums: Vec<i64> = (1..50)
            .map(|n| images.number(&n.to_string(), 9).parse().unwrap())
            .collect();
        assert!(sums.windows(2).any(|two| two[0] > two[1]));
    }

    #[test]
    fn a_value_stays_what_it_is() {
        let mut images = Images::default();
        let phone = images.text("+4915123987654", None);
        assert!(phone.starts_with("+49") && phone.len() == 14, "{phone}");
        for raw in ["4111 1111 1111 1111", "4111111111111111"] {
            let card = images.text(raw, None);
            assert!(
                luhn(&card) && card.len() == raw.len() && card != raw,
                "{card}"
            );
        }
        let iban = images.text("DE89370400440532013000", None);
        assert!(is_iban(&iban) && iban.starts_with("DE"), "{iban}");
        assert_eq!(images.text("912-84-7731", Some(11)).len(), 11);
        assert!(images.text("abcdefghij@example.org", Some(22)).len() <= 22);
        let day = images.time("1984-02-29");
        assert!(day.len() == 10 && day != "1984-02-29", "{day}");
        let uuid = images.text("0b3f9c1e-5a4d-4c7b-9e8f-112233445566", None);
        assert!(uuid.as_bytes()[14] == b'4' && uuid.len() == 36, "{uuid}");
    }
}
