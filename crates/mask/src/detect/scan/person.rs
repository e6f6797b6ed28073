//! Names of people in prose: words with capitals in a row, or of scripts without, that stand in the lists, look like
//! those that do, or come after a greeting, a title or a signature.

use super::super::fold;
use super::super::kind::Kind;
use super::super::names::{self, CITY, FAMILY, GIVEN, PARTICLE, STREET, TITLE, WORD};
use super::cue::{self, Cue};
use super::{Candidate, east, place};

/// Log-odds from which words are a name.
const ENOUGH: f32 = 2.2;
/// What a greeting, a title or a signature before says.
const CUE: f32 = 2.6;
/// Words longer than this are no names; phrases of more words no one name.
const MAX_WORD: usize = 90;
const MAX_WORDS: usize = 5;

#[derive(Clone, Copy, Debug)]
struct Word {
    start: usize,
    end: usize,
    flags: u8,
}

/// Collects words into phrases as they come.
pub(super) struct Phrases<'a> {
    text: &'a str,
    words: Vec<Word>,
}

impl<'a> Phrases<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            words: Vec::new(),
        }
    }

    /// A word with a capital, or of another script, in the order of the text.
    pub(super) fn word(&mut self, start: usize, end: usize, found: &mut Vec<Candidate>) {
        let Some(word) = self.text.get(start..end) else {
            return;
        };
        if word.len() > MAX_WORD
            && !word
                .chars()
                .any(|c| names::is_han(c) || names::is_hangul(c))
        {
            return self.finish(found);
        }
        if !word.is_ascii()
            && word
                .chars()
                .any(|c| names::is_han(c) || names::is_kana(c) || names::is_hangul(c))
        {
            self.finish(found);
            return east::names_in(self.text, start, end, found);
        }
        let flags = flags_of(word);
        let joined = self
            .words
            .last()
            .is_none_or(|last| self.joins(last.end, start));
        if !joined || self.words.len() >= 12 {
            self.finish(found);
        }
        self.words.push(Word { start, end, flags });
    }

    /// Whether what stands between two words holds them together: a blank, a hyphen, an initial's point, particles.
    fn joins(&self, from: usize, to: usize) -> bool {
        let gap = self.text.get(from..to).unwrap_or("\n");
        match gap {
            " " | "-" | "'" | "’" | ". " | "\u{a0}" => {
                gap != ". "
                    || self
                        .words
                        .last()
                        .is_some_and(|w| w.end - w.start <= 3 || w.flags & TITLE != 0)
            }
            _ => {
                gap.len() <= 12
                    && gap.starts_with(' ')
                    && gap.ends_with([' ', '\''])
                    && gap
                        .split([' ', '\''])
                        .filter(|p| !p.is_empty())
                        .all(|p| names::flags(p) & PARTICLE != 0 && p.len() <= 4)
                    && gap.trim().len() > 1
                    && !matches!(
                        gap.trim(),
                        "a" | "i" | "y" | "e" | "o" | "la" | "le" | "les" | "und"
                    )
            }
        }
    }

    /// Judges the phrase so far and begins another.
    pub(super) fn finish(&mut self, found: &mut Vec<Candidate>) {
        if self.words.is_empty() {
            return;
        }
        let mut words = std::mem::take(&mut self.words);
        self.phrase(&words, found);
        words.clear();
        self.words = words;
    }

    fn phrase(&self, words: &[Word], found: &mut Vec<Candidate>) {
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            return;
        };
        // The commonest case by far: one word that stands in no list of names.
        let listed = words
            .iter()
            .any(|w| w.flags & (GIVEN | FAMILY | STREET | TITLE | CITY) != 0);
        let beside = place::number_beside(self.text, first.start, last.end);
        if words.len() == 1 && !listed && !beside && !self.cued(first.start) {
            return;
        }
        if beside
            && place::street(
                self.text,
                words.iter().map(|w| (w.start, w.end, w.flags)),
                found,
            )
        {
            return;
        }
        if cue::before(self.text, first.start, Cue::Address) {
            place::announced(self.text, first.start, found);
        }
        if words
            .iter()
            .any(|w| self.text.get(w.start..w.end).is_some_and(is_firm_word))
        {
            return;
        }
        // Words that are no names part the phrase.
        let parting =
            |word: &Word| word.flags & (WORD | TITLE) != 0 && word.flags & (GIVEN | FAMILY) == 0;
        let mut title = false;
        for part in words.split(parting) {
            if let (Some(first), true) = (part.first(), part.len() <= MAX_WORDS) {
                let before = words.iter().rev().find(|w| w.end <= first.start);
                title |= before.is_some_and(|w| w.flags & TITLE != 0);
                let cue = title || self.cued(first.start);
                self.judge(part, cue, found);
            }
            title = false;
        }
    }

    fn judge(&self, part: &[Word], cue: bool, found: &mut Vec<Candidate>) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else {
            return;
        };
        let listed = part
            .iter()
            .filter(|w| w.flags & (GIVEN | FAMILY) != 0)
            .count();
        if listed == 0 && !cue && part.len() < 2 {
            return;
        }
        let mut score = 0.0f32;
        let (mut given, mut family, mut judged) = (0, 0, 0);
        for word in part {
            let Some(text) = self.text.get(word.start..word.end) else {
                return;
            };
            let short = text.chars().count();
            if short == 1 {
                continue;
            }
            // Abbreviations and constants are no names.
            if short > 1
                && text.chars().all(|c| c.is_uppercase())
                && text.is_ascii()
                && (short <= 4 || listed == 0)
            {
                score -= 3.0;
            }
            let mixed = text.chars().skip(1).any(char::is_uppercase)
                && text.chars().any(char::is_lowercase)
                && !text.contains(['-', '\''])
                && !text.starts_with("Mc")
                && !text.starts_with("Mac");
            if mixed {
                score -= 3.0;
            }
            score += names::weight(&fold::text(text), word.flags);
            given += usize::from(word.flags & GIVEN != 0);
            family += usize::from(word.flags & FAMILY != 0);
            judged += 1;
        }
        if judged == 0 {
            return;
        }
        if judged > 3 {
            score *= 0.7;
        }
        if judged == 1 && !cue {
            let towns = part.iter().any(|w| w.flags & (CITY | STREET | WORD) != 0);
            score -= if towns {
                2.0
            } else if given == 0 {
                1.6
            } else {
                0.6
            };
        }
        if judged >= 2 && listed == 0 {
            score -= 0.8;
        }
        let place = part.iter().all(|w| w.flags & CITY != 0) && !cue;
        score += if cue { CUE } else { 0.0 };
        if score >= ENOUGH && !place {
            let kind = match (given, family, judged) {
                (1.., 0, 1) => Kind::FirstName,
                (0, 1.., 1) => Kind::LastName,
                _ => Kind::Name,
            };
            let confidence = 1.0 / (1.0 + (-(score - ENOUGH) - 0.4).exp());
            found.push(Candidate {
                start: first.start,
                end: last.end,
                kind,
                confidence,
            });
        }
    }

    /// A greeting, a title, a signature or somebody introducing themselves stands before.
    fn cued(&self, at: usize) -> bool {
        cue::before(self.text, at, Cue::Signed) || cue::before(self.text, at, Cue::Spoken)
    }
}

/// What makes of a name a firm's.
fn is_firm_word(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "Inc",
        "Ltd",
        "LLC",
        "PLC",
        "GmbH",
        "AG",
        "KG",
        "SA",
        "SAS",
        "SARL",
        "SL",
        "SRL",
        "SpA",
        "BV",
        "NV",
        "AB",
        "HB",
        "Oy",
        "AS",
        "ASA",
        "ApS",
        "Kft",
        "Zrt",
        "Group",
        "Corp",
        "Sons",
        "Holding",
        "Holdings",
        "Company",
        "Co",
        "Stiftung",
        "Ltda",
        "Limited",
        "Partners",
        "Bank",
        "Foundation",
        "PT",
        "CV",
        "UD",
        "PD",
        "Perum",
        "Tbk",
        "Bt",
        "Nyrt",
        "University",
    ];
    WORDS.contains(&word)
}

/// The lists of a word of the text.
fn flags_of(word: &str) -> u8 {
    let mut buffer = [0u8; 24];
    if word.is_ascii() {
        let Some(room) = buffer.get_mut(..word.len()) else {
            return 0;
        };
        room.copy_from_slice(word.as_bytes());
        room.make_ascii_lowercase();
        return std::str::from_utf8(room).map_or(0, names::flags);
    }
    names::flags(&fold::text(word))
}
