//! Values drawn from a hash: the same in every run.

use sha2::{Digest, Sha256};

use super::image::{Space, luhn, modulo_97};

/// Letters and digits from a hash.
pub(super) struct Draw {
    state: u64,
}

impl Draw {
    pub(super) fn new(salt: u32, space: Space, raw: &str, attempt: u32) -> Draw {
        let hash = Sha256::digest(format!("{salt}\0{space:?}\0{raw}\0{attempt}"));
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

    pub(super) fn between(&mut self, least: usize, most: usize) -> usize {
        let width = u64::try_from(most.saturating_sub(least)).unwrap_or_default() + 1;
        least + usize::try_from(self.next() % width).unwrap_or_default()
    }

    pub(super) fn word(&mut self, length: usize) -> String {
        (0..length.max(1))
            .map(|_| char::from(b'a' + u8::try_from(self.next() % 26).unwrap_or_default()))
            .collect()
    }

    pub(super) fn any_digits(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'0' + u8::try_from(self.next() % 10).unwrap_or_default()))
            .collect()
    }

    /// Digits that do not start with 0.
    pub(super) fn digits(&mut self, length: usize) -> String {
        let first = self.between(1, 9);
        format!("{first}{}", self.any_digits(length.saturating_sub(1)))
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let place = self.between(0, all.len().saturating_sub(1));
        all.get(place).copied().unwrap_or_default()
    }

    /// The pattern with a digit for each `#` and a capital letter for each `@`.
    fn filled(&mut self, pattern: &str) -> String {
        let place = |c| match c {
            '#' => char::from(b'0' + u8::try_from(self.next() % 10).unwrap_or_default()),
            '@' => char::from(b'A' + u8::try_from(self.next() % 26).unwrap_or_default()),
            other => other,
        };
        pattern.chars().map(place).collect()
    }

    /// One of the patterns that are not too long, or the shortest.
    fn fitting(&mut self, patterns: &[&str], longest: usize) -> String {
        let fit: Vec<&str> = patterns
            .iter()
            .copied()
            .filter(|pattern| pattern.len() <= longest)
            .collect();
        let shortest = patterns.iter().min_by_key(|pattern| pattern.len());
        let pattern = match fit.as_slice() {
            [] => shortest.copied().unwrap_or_default(),
            some => self.one_of(some),
        };
        self.filled(pattern)
    }

    /// A number in any of several countries.
    pub(super) fn phone(&mut self, longest: usize) -> String {
        self.fitting(PHONES, longest)
    }

    /// A number of any length that a card may have, in groups or not, with its check digit.
    pub(super) fn card(&mut self, longest: usize) -> String {
        loop {
            let text = self.fitting(CARDS, longest);
            if luhn(&text) {
                return text;
            }
        }
    }

    /// An account in any of several countries, with its check digits.
    pub(super) fn iban(&mut self, longest: usize) -> String {
        let text = self.fitting(IBANS, longest);
        let (country, account) = text.split_at(2);
        let rest = modulo_97(&format!("{account}{country}00")).unwrap_or_default();
        format!("{country}{:02}{account}", 98 - rest)
    }

    /// Digits in the groups of a number, or in none, or about as many in others.
    pub(super) fn grouped(&mut self, shape: &str, longest: usize) -> String {
        let digits = shape.chars().filter(char::is_ascii_digit).count();
        match self.between(0, 2) {
            0 => {
                let digit = |c: char| if c.is_ascii_digit() { '#' } else { c };
                let pattern: String = shape.chars().map(digit).collect();
                return self.filled(&pattern);
            }
            1 => return self.any_digits(digits),
            _ => {}
        }
        let most = (digits + 2).min(longest).max(1);
        let wanted = self.between(digits.saturating_sub(2).clamp(1, most), most);
        let mut text = String::new();
        for left in (0..wanted).rev() {
            text.push('#');
            if left > 0 && text.len() + left < longest && self.between(0, 3) == 0 {
                text.push('-');
            }
        }
        self.filled(&text)
    }

    /// An address of version 4 or 6, with the length of a prefix when asked for.
    pub(super) fn address(&mut self, prefix: bool) -> String {
        let six = self.between(0, 1) == 1;
        let (address, bits) = if six {
            let parts: Vec<String> = (0..8)
                .map(|_| format!("{:x}", self.between(1, 0xffff)))
                .collect();
            (parts.join(":"), 127)
        } else {
            let parts: Vec<String> = (0..4).map(|_| self.between(1, 250).to_string()).collect();
            (parts.join("."), 31)
        };
        if prefix {
            format!("{address}/{}", self.between(8, bits))
        } else {
            address
        }
    }

    /// A UUID of any of three versions.
    pub(super) fn uuid(&mut self) -> String {
        let digits = |draw: &mut Draw, count: usize| -> String {
            (0..count)
                .map(|_| format!("{:x}", draw.between(0, 15)))
                .collect()
        };
        let (version, variant) = (
            self.one_of(&["1", "4", "7"]),
            self.one_of(&["8", "9", "a", "b"]),
        );
        format!(
            "{}-{}-{version}{}-{variant}{}-{}",
            digits(self, 8),
            digits(self, 4),
            digits(self, 3),
            digits(self, 3),
            digits(self, 12)
        )
    }
}

/// Mobile numbers, `#` a digit.
const PHONES: &[&str] = &[
    "+15045######",
    "+336########",
    "+4479########",
    "+49151########",
    "+49171#######",
    "+346########",
    "+393#########",
    "+4860#######",
    "+819########",
    "+4792######",
    "+35840######",
];

/// Of ISO/IEC 7812 lengths, in the ranges of issuers.
const CARDS: &[&str] = &[
    "4###############",
    "4### #### #### ####",
    "5### #### #### ####",
    "51##-####-####-####",
    "34#############",
    "37## ###### #####",
    "36############",
];

/// Country and account, without check digits.
const IBANS: &[&str] = &[
    "DE##################",
    "FR#######################",
    "NL@@@@##########",
    "BE############",
    "AT################",
    "PL########################",
];
