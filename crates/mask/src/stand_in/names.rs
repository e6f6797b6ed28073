//! Names and addresses: invented words that can be read aloud and told apart.

use super::Draw;
use super::numbers::two_digits;

const GIVEN: &[&str; 32] = &[
    "Alex", "Avery", "Blair", "Casey", "Dana", "Devon", "Drew", "Eden", "Ellis", "Emery", "Finley",
    "Gray", "Harper", "Hollis", "Indigo", "Jamie", "Jules", "Kai", "Lane", "Lee", "Morgan", "Noel",
    "Parker", "Quinn", "Reese", "Remy", "Robin", "Rowan", "Sage", "Sam", "Sasha", "Toni",
];

pub(super) fn full(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let given = GIVEN.get(draw.bits(5) as usize).copied().unwrap_or("Robin");
    let Some(room) = word_room(chars, given.len() + 1) else {
        return one(draw, chars, out);
    };
    out.extend_from_slice(given.as_bytes());
    out.push(b' ');
    word(draw, room, out);
    Some(())
}

pub(super) fn one(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    word(draw, word_room(chars, 0)?, out);
    Some(())
}

pub(super) fn address(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let number = draw.bits(32) % 90 + 10;
    let room = word_room(chars, "10  Street".len())?;
    two_digits(number, out);
    out.push(b' ');
    word(draw, room, out);
    out.extend_from_slice(b" Street");
    Some(())
}

/// How many syllables of an invented word fit beside `fixed` characters: 18 to 48 bits.
fn word_room(chars: usize, fixed: usize) -> Option<usize> {
    const MAX_SYLLABLES: usize = 8;
    const MIN_SYLLABLES: usize = 3;
    let room = (chars.checked_sub(fixed)? / 2).min(MAX_SYLLABLES);
    (room >= MIN_SYLLABLES).then_some(room)
}

/// Consonant and vowel, 6 bits each, as a capitalised word.
fn word(draw: &mut Draw, syllables: usize, out: &mut Vec<u8>) {
    let start = out.len();
    for _ in 0..syllables {
        let (consonant, vowel) = (draw.bits(4) as usize, draw.bits(2) as usize);
        out.push(CONSONANTS.get(consonant).copied().unwrap_or(b'n'));
        out.push(VOWELS.get(vowel).copied().unwrap_or(b'a'));
    }
    if let Some(first) = out.get_mut(start) {
        first.make_ascii_uppercase();
    }
}

const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aeio";
