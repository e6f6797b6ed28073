//! Single values in a text that is no labelled column.
//!
//! One pass looks at each byte's class and stops only where something may begin: a digit, an `@`, a capital, a sign
//! of a key and its value, a letter beyond ASCII. What begins there is read by validators; the words before it are
//! read only when it could be something.

mod cue;
mod east;
mod keyed;
mod marks;
mod number;
mod person;
mod place;

use std::collections::BTreeMap;

use super::Span;
use super::kind::Kind;
use super::secret;

/// A span before overlaps are resolved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: Kind,
    pub(crate) confidence: f32,
}

/// Longest token that is taken apart.
const MAX_TOKEN: usize = 8192;

/// Classes of bytes.
const SPACE: u8 = 1;
const DIGIT: u8 = 2;
const CAPITAL: u8 = 4;
const AT: u8 = 8;
const KEYED: u8 = 16;
const FOREIGN: u8 = 32;
const EDGE: u8 = 64;
const SIGN: u8 = 128;
/// At these the pass stops.
const STOP: u8 = DIGIT | CAPITAL | AT | KEYED | FOREIGN | SIGN;

const CLASSES: [u8; 256] = classes();

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses what is out of bounds"
)]
const fn classes() -> [u8; 256] {
    let mut all = [0u8; 256];
    let mut b = 0usize;
    while b < 256 {
        all[b] = match b as u8 {
            b' ' | b'\t' | b'\n' | b'\r' => SPACE | EDGE,
            b'0'..=b'9' => DIGIT,
            b'A'..=b'Z' => CAPITAL,
            b'@' => AT,
            b'=' | b':' => KEYED,
            b'$' => SIGN,
            b'"' | b'\'' | b'`' | b'<' | b'>' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b','
            | b';' | b'|' | b'\\' => EDGE,
            0x80.. => FOREIGN,
            _ => 0,
        };
        b += 1;
    }
    all
}

pub(crate) fn class(b: u8) -> u8 {
    CLASSES.get(usize::from(b)).copied().unwrap_or(0)
}

/// See [`super::scan`].
pub(crate) fn scan(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    collect(text, &mut found);
    resolve(text, found)
}

/// Where something was found, before overlaps are resolved.
#[cfg(test)]
pub(crate) fn candidates(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    collect(text, &mut found);
    found.into_iter().map(|c| c.start..c.end).collect()
}

fn collect(text: &str, found: &mut Vec<Candidate>) {
    let bytes = text.as_bytes();
    // A token is read once; `free` is where the next may begin.
    let (mut at, mut free) = (0, 0);
    // Words are read as phrases, which may reach over several tokens.
    let mut phrases = person::Phrases::new(text);
    while let Some(skip) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|b| class(*b) & STOP != 0))
    {
        at += skip;
        let here = class(bytes.get(at).copied().unwrap_or(0));
        let back = bytes
            .get(free..at)
            .unwrap_or_default()
            .iter()
            .rev()
            .take(MAX_TOKEN)
            .take_while(|b| class(**b) & EDGE == 0)
            .count();
        let start = at - back;
        // A word of letters with a capital, or beyond ASCII, is the commonest stop.
        if here & (CAPITAL | FOREIGN) != 0
            && let Some((begin, end)) = letters(text, start, at, here)
        {
            if begin < end {
                phrases.word(begin, end, found);
            }
            at = end.max(at + 1);
            free = at;
            continue;
        }
        let end = start
            + bytes
                .get(start..)
                .unwrap_or_default()
                .iter()
                .take(MAX_TOKEN)
                .take_while(|b| class(**b) & EDGE == 0)
                .count();
        let (start, end) = (boundary(text, start), boundary(text, end.max(at + 1)));
        let next = token(text, start, end, &mut phrases, found);
        at = next.max(at + 1);
        free = at;
    }
    phrases.finish(found);
}

/// The bounds of a word of letters around a stop; empty bounds where it is none that could be a name. `None` when the
/// token is no plain word and has to be taken apart.
fn letters(text: &str, start: usize, at: usize, here: u8) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let rest = bytes.get(at..)?;
    let end = at
        + rest
            .iter()
            .take_while(|b| b.is_ascii_alphabetic() || class(**b) == FOREIGN)
            .count();
    let edge = |at: usize| bytes.get(at).is_none_or(|b| class(*b) & EDGE != 0);
    let plain = edge(end)
        || matches!(
            bytes.get(end),
            Some(b'.' | b'!' | b'?' | b'-' | b'/' | b':')
        ) && bytes
            .get(end + 1)
            .is_none_or(|b| class(*b) & (EDGE | CAPITAL | FOREIGN) != 0);
    if here == CAPITAL {
        return (plain && start == at).then_some((at, end));
    }
    // Scripts beyond ASCII: what stands before must be letters, too.
    let first = text.get(at..)?.chars().next()?;
    let caseless = !first.is_alphabetic() || !(first.is_lowercase() || first.is_uppercase());
    if caseless {
        return Some((at, end));
    }
    let head = bytes.get(start..at)?;
    if !plain || !head.iter().all(u8::is_ascii_alphabetic) {
        return None;
    }
    let small = head
        .first()
        .map_or(first.is_lowercase(), u8::is_ascii_lowercase);
    Some(if small { (end, end) } else { (start, end) })
}

/// Furthest that words before a place are read, in bytes.
const MAX_BEFORE: usize = 256;

/// What stands right before a place.
pub(crate) fn before(text: &str, at: usize) -> &str {
    let from = boundary(text, at.saturating_sub(MAX_BEFORE));
    text.get(from..at).unwrap_or_default()
}

/// The parts of a token between signs.
fn pieces(
    text: &str,
    start: usize,
    end: usize,
    sign: impl Fn(char) -> bool + Copy,
) -> impl Iterator<Item = (usize, usize)> {
    let mut at = start;
    let token = text.get(start..end).unwrap_or_default();
    token.split_inclusive(sign).map(move |piece| {
        let from = at;
        at += piece.len();
        (from, from + piece.trim_end_matches(sign).len())
    })
}

/// The next character boundary.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    (at..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(text.len())
}

/// Reads one token; gives where to go on.
fn token(
    text: &str,
    start: usize,
    end: usize,
    phrases: &mut person::Phrases<'_>,
    found: &mut Vec<Candidate>,
) -> usize {
    let Some(token) = text.get(start..end) else {
        return end;
    };
    if token.starts_with("-----BEGIN")
        && let Some(length) = text.get(start..).and_then(secret::pem)
    {
        found.push(Candidate {
            start,
            end: start + length,
            kind: Kind::Secret,
            confidence: 0.99,
        });
        return start + length;
    }
    let url = token.contains("://");
    if url && marks::url(token, start, found) {
        return end;
    }
    let mail = marks::email(text, start, end, found);
    let mut free = start;
    for (from, to) in pieces(text, start, end, |c| matches!(c, '&' | '?')) {
        if from >= free
            && let Some(after) = keyed::pair(text, from, to, found)
                .or_else(|| marks::secret(text, from, to, found))
                .or_else(|| number::read(text, from, to, found))
        {
            free = after;
        }
    }
    // `From:Ann`, `Ann/Bob`: the words in it.
    let token = text.get(free..end).unwrap_or_default();
    if url || mail || token.len() < 3 || !token.bytes().any(|b| class(b) & (CAPITAL | FOREIGN) != 0)
    {
        return end.max(free);
    }
    let mut at = free;
    for part in token.split(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’'))) {
        let length = part.len();
        let inner = token.as_bytes().get(at - free + length);
        if part.starts_with(|c: char| c.is_uppercase() || !c.is_ascii())
            && !inner.is_some_and(u8::is_ascii_digit)
        {
            phrases.word(at, at + length, found);
        }
        at += length;
        at += text
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8);
    }
    end
}

/// Which of two overlapping spans stays.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Secret | Kind::Password | Kind::ApiKey => 9,
        Kind::Email => 8,
        Kind::Iban | Kind::Card => 7,
        Kind::Ssn | Kind::NationalId | Kind::TaxId => 6,
        Kind::Ip | Kind::BirthDate | Kind::Geo => 5,
        Kind::Address => 4,
        Kind::Phone => 3,
        _ => 1,
    }
}

fn resolve(text: &str, mut found: Vec<Candidate>) -> Vec<Span> {
    if found.is_empty() {
        return Vec::new();
    }
    found.retain(|c| {
        c.start < c.end && text.is_char_boundary(c.start) && text.is_char_boundary(c.end)
    });
    found.sort_by(|a, b| {
        rank(b.kind)
            .cmp(&rank(a.kind))
            .then((b.end - b.start).cmp(&(a.end - a.start)))
            .then(a.start.cmp(&b.start))
    });
    // Kept ones by where they begin, so that a neighbour is found without looking at all.
    let mut kept: BTreeMap<usize, Candidate> = BTreeMap::new();
    for candidate in found {
        // What the better ones leave of it, from its end to its start.
        let mut end = candidate.end;
        while end > candidate.start {
            let before = kept.range(..end).next_back().map(|(_, other)| *other);
            let start = before.map_or(0, |other| other.end).max(candidate.start);
            keep(
                text,
                Candidate {
                    start,
                    end,
                    ..candidate
                },
                &mut kept,
            );
            end = before.map_or(0, |other| other.start);
        }
    }
    kept.into_values()
        .map(|c| Span {
            range: c.start..c.end,
            label: c.kind.label(),
            confidence: c.confidence,
        })
        .collect()
}

/// Keeps a candidate without the blanks around it, if it holds anything.
fn keep(text: &str, candidate: Candidate, kept: &mut BTreeMap<usize, Candidate>) {
    let Some(part) = text.get(candidate.start..candidate.end) else {
        return;
    };
    let start = candidate.end - part.trim_start().len();
    let end = candidate.start + part.trim_end().len();
    if part.contains(char::is_alphanumeric) {
        kept.insert(
            start,
            Candidate {
                start,
                end,
                ..candidate
            },
        );
    }
}
