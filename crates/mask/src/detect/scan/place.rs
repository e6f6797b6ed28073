//! Addresses in prose: streets with their numbers, and what comes after a word that announces one.

use super::super::address;
use super::super::fold;
use super::super::kind::Kind;
use super::super::names::{self, STREET};
use super::{Candidate, boundary};

/// Furthest an address reaches.
const MAX_BYTES: usize = 160;

/// A phrase with a street in it and a number beside it: `12 Elm Street, Springfield`, `Hauptstr. 5, 10115 Berlin`.
pub(super) fn street(
    text: &str,
    words: impl Iterator<Item = (usize, usize, u8)>,
    found: &mut Vec<Candidate>,
) -> bool {
    let words: Vec<(usize, usize, u8)> = words.collect();
    let is_street = |(start, end, flags): &(usize, usize, u8)| {
        (flags & STREET != 0
            && (end - start > 2 || text.get(*end..).is_some_and(|tail| tail.starts_with('.'))))
            || text
                .get(*start..*end)
                .is_some_and(|word| word.len() > 5 && names::is_street(&fold::text(word)))
    };
    let Some(place) = words.iter().position(is_street) else {
        return false;
    };
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return false;
    };
    // A number before the phrase, or after the street.
    let head = text
        .get(..first.0)
        .unwrap_or_default()
        .trim_end_matches([' ', ',', '.']);
    let digits = head.bytes().rev().take_while(u8::is_ascii_digit).count();
    let number_before = (1..=5).contains(&digits)
        && !head
            .get(..head.len() - digits)
            .is_some_and(|h| h.ends_with(['.', '-', ':', '/']));
    let street_end = words.get(place).map_or(last.1, |w| w.1);
    let tail = text
        .get(street_end..)
        .unwrap_or_default()
        .trim_start_matches(['.', ',', ' ']);
    let digits_after = tail.bytes().take_while(u8::is_ascii_digit).count();
    let number_after = (1..=5).contains(&digits_after)
        && !tail
            .get(digits_after..)
            .is_some_and(|rest| rest.starts_with('_'));
    let long = words.len() >= 2 || number_after;
    if !long || !(number_before || number_after || address_after(text, last.1)) {
        return false;
    }
    let start = if number_before {
        head.len() - digits
    } else {
        first.0
    };
    let end = reach(text, last.1);
    let whole = text.get(start..end).unwrap_or_default();
    if address::score(whole) < 0.5 {
        return false;
    }
    found.push(Candidate {
        start,
        end,
        kind: Kind::Address,
        confidence: 0.75,
    });
    true
}

/// A number stands a few words after: `Calle de Alcalá 12`.
fn address_after(text: &str, at: usize) -> bool {
    let tail = text
        .get(at..boundary(text, (at + 24).min(text.len())))
        .unwrap_or_default();
    let tail = tail.trim_start_matches([' ', ',', '.']);
    tail.starts_with(|c: char| c.is_ascii_digit())
}

/// How far an address goes on: numbers, words with capitals and units, over commas, to the end of its line or sentence.
fn reach(text: &str, from: usize) -> usize {
    let limit = boundary(text, (from + MAX_BYTES).min(text.len()));
    let mut end = from;
    let mut at = from;
    while at < limit {
        let rest = text.get(at..limit).unwrap_or_default();
        let lead = rest.len()
            - rest
                .trim_start_matches([' ', ',', '.', '#', '-', '/', '(', ')'])
                .len();
        let gap = rest.get(..lead).unwrap_or_default();
        let rest = rest.get(lead..).unwrap_or_default();
        let length = rest
            .find(|c: char| {
                c.is_whitespace() || matches!(c, ',' | ';' | '.' | '!' | '?' | '"' | ')')
            })
            .unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default();
        let folded = fold::text(word);
        let flags = names::flags(&folded);
        let short = word.chars().count() <= 3;
        let belongs = word.starts_with(|c: char| c.is_ascii_digit())
            || (word.starts_with(|c: char| c.is_uppercase() || !c.is_ascii())
                && (flags & names::WORD == 0 || flags & names::CITY != 0))
            || names::is_unit(&folded)
            || (flags & (names::PARTICLE | STREET) != 0 && short)
            || flags & STREET != 0;
        // A new sentence: a point, a blank, a capital that is no part of it.
        let sentence = gap.contains(". ")
            && !text.get(..at).is_some_and(|head| {
                head.chars().rev().take_while(|c| c.is_alphabetic()).count() <= 4
            });
        if word.is_empty() || !belongs || sentence {
            break;
        }
        at += lead + length;
        end = at;
    }
    end
}

/// Whether a number stands right before or soon after a phrase.
pub(super) fn number_beside(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let light = |b: &&u8| matches!(b, b' ' | b',' | b'.' | b'#');
    let before = bytes
        .get(..start)
        .unwrap_or_default()
        .iter()
        .rev()
        .take(4)
        .find(|b| !light(b));
    let after = bytes
        .get(end..)
        .unwrap_or_default()
        .iter()
        .take(4)
        .find(|b| !light(b));
    let later = bytes
        .get(end..)
        .unwrap_or_default()
        .iter()
        .take(28)
        .take_while(|b| **b != b'\n')
        .any(u8::is_ascii_digit);
    before.is_some_and(u8::is_ascii_digit) || after.is_some_and(u8::is_ascii_digit) || later
}

/// What follows words that announce an address, to the end of the line or of the sentence.
pub(super) fn announced(text: &str, start: usize, found: &mut Vec<Candidate>) {
    let near = reach(text, start);
    let end = if near >= start + 8 {
        near
    } else {
        cued_end(text, start)
    };
    let whole = text.get(start..end).unwrap_or_default();
    let digit = whole.bytes().any(|b| b.is_ascii_digit());
    if digit && whole.chars().count() >= 8 && address::score(whole) > -2.5 && !whole.contains('@') {
        found.push(Candidate {
            start,
            end,
            kind: Kind::Address,
            confidence: 0.7,
        });
    }
}

fn cued_end(text: &str, start: usize) -> usize {
    let limit = boundary(text, (start + MAX_BYTES).min(text.len()));
    let rest = text.get(start..limit).unwrap_or_default();
    let mut end = rest.len();
    for (at, c) in rest.char_indices() {
        let tail = rest.get(at + c.len_utf8()..).unwrap_or_default();
        let word_before = rest
            .get(..at)
            .unwrap_or_default()
            .chars()
            .rev()
            .take_while(|c| c.is_alphanumeric())
            .count();
        let stop = c == '\n'
            || matches!(c, '!' | '?' | ';')
            || (c == '.'
                && (tail.is_empty()
                    || tail.starts_with('\n')
                    || (tail.starts_with(' ') && word_before > 4)))
            || (c == ','
                && tail.trim_start().starts_with(|c: char| c.is_lowercase())
                && tail.trim_start().starts_with("attn"));
        if stop {
            end = at;
            break;
        }
    }
    start + end
}

/// A run of Chinese, Japanese or Korean that is an address.
pub(super) fn east_asian(text: &str, start: usize, end: usize, found: &mut Vec<Candidate>) -> bool {
    // Numbers stand inside such addresses: the run goes on over them.
    let mut stop = end;
    let limit = boundary(text, (start + MAX_BYTES).min(text.len()));
    while stop < limit {
        let rest = text.get(stop..limit).unwrap_or_default();
        let length = rest
            .find(|c: char| {
                !(c.is_ascii_digit()
                    || matches!(c, '-' | ' ' | '(' | ')')
                    || names::is_han(c)
                    || names::is_kana(c)
                    || names::is_hangul(c))
            })
            .unwrap_or(rest.len());
        if length == 0 {
            break;
        }
        stop += length;
    }
    let whole = text.get(start..stop).unwrap_or_default().trim_end();
    let digit = whole.bytes().any(|b| b.is_ascii_digit());
    if digit && whole.chars().count() >= 6 && address::score(whole) >= 3.5 {
        found.push(Candidate {
            start,
            end: start + whole.len(),
            kind: Kind::Address,
            confidence: 0.7,
        });
        return true;
    }
    false
}
