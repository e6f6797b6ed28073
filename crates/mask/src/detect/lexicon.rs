//! What names of columns, keys of JSON and words before a value say, in many languages.

use std::collections::HashMap;
use std::sync::OnceLock;

use foldhash::fast::FixedState;

use super::fold;
use super::kind::Kind;

/// What a word says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    /// It holds that kind, with a weight of 1 to 3.
    Kind(Kind, u8),
    /// What follows is a person's.
    Person,
    /// What follows is a thing's.
    Thing,
    /// It holds nothing personal.
    Not,
}

/// Words longest in tokens that are looked up together: `date_of_birth_day`.
const MAX_WINDOW: usize = 5;
/// Shortest word that is found inside a longer one: `kundentelefonnummer`.
const MIN_INSIDE: usize = 5;
const MAX_TOKENS: usize = 24;

struct Lexicon {
    words: HashMap<String, Vec<Sense>>,
    /// Kinds that a word by itself names clearly, one bit each.
    clear: HashMap<String, u64, FixedState>,
}

fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(|| {
        let mut words: HashMap<String, Vec<Sense>> = HashMap::new();
        for line in include_str!("lexicon.txt").lines() {
            let Some((head, list)) = line.split_once(": ").filter(|_| !line.starts_with('#'))
            else {
                continue;
            };
            let (kind, weight) = head.split_once(' ').unwrap_or((head, "1"));
            let sense = match (kind, Kind::from_word(kind)) {
                ("person", _) => Sense::Person,
                ("thing", _) => Sense::Thing,
                ("not", _) => Sense::Not,
                (_, Some(kind)) => Sense::Kind(kind, weight.parse().unwrap_or(1)),
                (_, None) => continue,
            };
            for word in list.split_whitespace() {
                let senses = words.entry(fold::text(word)).or_default();
                if !senses.contains(&sense) {
                    senses.push(sense);
                }
            }
        }
        let clear = words
            .iter()
            .map(|(word, senses)| {
                let bits = senses.iter().fold(0, |bits, sense| match sense {
                    Sense::Kind(kind, 2 | 3) => bits | bit(*kind),
                    Sense::Kind(..) | Sense::Person | Sense::Thing | Sense::Not => bits,
                });
                (word.clone(), bits)
            })
            .filter(|(_, bits)| *bits != 0)
            .collect();
        Lexicon { words, clear }
    })
}

fn bit(kind: Kind) -> u64 {
    1 << (kind as u32)
}

/// Whether a word, or its last part after `_` or `-`, names one of the kinds clearly. Made for words of a text: it
/// does not look into compounds.
pub(crate) fn names(word: &str, kinds: &[Kind]) -> bool {
    const MAX: usize = 64;
    if word.is_empty() || word.len() > MAX {
        return false;
    }
    let wanted = kinds.iter().fold(0, |bits, kind| bits | bit(*kind));
    let clear = &lexicon().clear;
    let is = |word: &str| clear.get(word).is_some_and(|bits| bits & wanted != 0);
    if !word.is_ascii() {
        return is(&fold::text(word));
    }
    let (mut buffer, mut length, mut tail) = ([0u8; MAX], 0, 0);
    for b in word.bytes() {
        if matches!(b, b'_' | b'-' | b'.') {
            tail = length;
        } else if let Some(room) = buffer.get_mut(length) {
            *room = b.to_ascii_lowercase();
            length += 1;
        }
    }
    let text = |from: usize| {
        buffer
            .get(from..length)
            .and_then(|part| std::str::from_utf8(part).ok())
    };
    text(0).is_some_and(is) || (tail > 0 && text(tail).is_some_and(is))
}

/// A word of a name that the lexicon knows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Vote {
    pub(crate) sense: Sense,
    pub(crate) word: String,
    /// Tokens it covers.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Found inside a longer word.
    pub(crate) inside: bool,
}

/// All that a name says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) votes: Vec<Vote>,
}

/// Reads a name: `customerEmail2`, `GEB_DAT`, `电话号码`.
pub(crate) fn read(name: &str) -> Reading {
    let tokens = split(name);
    let mut votes: Vec<Vote> = Vec::new();
    let words = &lexicon().words;
    for width in (1..=MAX_WINDOW.min(tokens.len())).rev() {
        for first in 0..=tokens.len() - width {
            let last = first + width - 1;
            let covered = |vote: &Vote| vote.first <= first && last <= vote.last;
            if votes.iter().any(covered) {
                continue;
            }
            let word: String = tokens.iter().skip(first).take(width).cloned().collect();
            if let Some(senses) = words.get(&word) {
                votes.extend(senses.iter().map(|sense| Vote {
                    sense: *sense,
                    word: word.clone(),
                    first,
                    last,
                    inside: false,
                }));
            }
        }
    }
    for (index, token) in tokens.iter().enumerate() {
        let covered = |vote: &Vote| vote.first <= index && index <= vote.last;
        if !votes.iter().any(covered) {
            inside(token, index, words, &mut votes);
        }
    }
    Reading { votes }
}

/// Known words that begin or end a longer one; the longest wins. Scripts without spaces: anywhere in it.
fn inside(token: &str, index: usize, words: &HashMap<String, Vec<Sense>>, votes: &mut Vec<Vote>) {
    let ends: Vec<usize> = token
        .char_indices()
        .map(|(at, _)| at)
        .chain([token.len()])
        .collect();
    let mut best: Option<(&str, &Vec<Sense>)> = None;
    for (nth, start) in ends.iter().enumerate() {
        for end in ends.iter().skip(nth + 1) {
            let Some(part) = token.get(*start..*end) else {
                continue;
            };
            let at_edge = *start == 0 || *end == token.len();
            let enough = if part.is_ascii() {
                at_edge && part.len() >= MIN_INSIDE
            } else {
                part.chars().count() >= 2
            };
            let longer = best.is_none_or(|(word, _)| {
                part.len() > word.len() || (part.len() == word.len() && *end == token.len())
            });
            if enough
                && longer
                && let Some(senses) = words.get(part)
            {
                best = Some((part, senses));
            }
        }
    }
    if let Some((word, senses)) = best {
        votes.extend(senses.iter().map(|sense| Vote {
            sense: *sense,
            word: word.to_owned(),
            first: index,
            last: index,
            inside: true,
        }));
    }
}

/// Words of a name: cut at what is no letter or digit, where small letters meet capitals, where letters
/// meet digits.
fn split(name: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut token = String::new();
    let mut before = None;
    let chars: Vec<char> = name.chars().take(256).collect();
    for (index, &c) in chars.iter().enumerate() {
        let next_small = chars.get(index + 1).is_some_and(|n| n.is_lowercase());
        let cut = match before {
            Some(b) if char::is_lowercase(b) => c.is_uppercase() || c.is_numeric(),
            Some(b) if char::is_uppercase(b) => (c.is_uppercase() && next_small) || c.is_numeric(),
            Some(b) if char::is_numeric(b) => !c.is_numeric(),
            Some(_) | None => false,
        };
        let letter = c.is_alphanumeric() || fold::is_mark(c);
        if (cut || !letter) && !token.is_empty() {
            tokens.push(std::mem::take(&mut token));
        }
        if letter {
            fold::push(&mut token, c);
        }
        before = letter.then_some(c);
    }
    if !token.is_empty() {
        tokens.push(token);
    }
    tokens.truncate(MAX_TOKENS);
    tokens
}
