//! Names and addresses: invented words that can be read aloud and told apart, in the script of what they stand for.

use super::Draw;
use super::script::Script;

const GIVEN: &[&str; 32] = &[
    "Alex", "Avery", "Blair", "Casey", "Dana", "Devon", "Drew", "Eden", "Ellis", "Emery", "Finley",
    "Gray", "Harper", "Hollis", "Indigo", "Jamie", "Jules", "Kai", "Lane", "Lee", "Morgan", "Noel",
    "Parker", "Quinn", "Reese", "Remy", "Robin", "Rowan", "Sage", "Sam", "Sasha", "Toni",
];

/// A given name, which does not tell a gender, and a family name.
pub(super) fn full(draw: &mut Draw, raw: &str, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let script = Script::of(raw);
    if script != Script::Latin {
        return full_in(script, draw, chars, out);
    }
    let given = GIVEN.get(draw.bits(5) as usize).copied().unwrap_or("Robin");
    let Some(room) = chars
        .checked_sub(given.len() + 1)
        .and_then(|chars| script.room(chars))
    else {
        return one(draw, raw, chars, out);
    };
    out.extend_from_slice(given.as_bytes());
    out.push(b' ');
    script.word(room, draw, out);
    Some(())
}

fn full_in(script: Script, draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    if script.space().is_empty() {
        script.word(script.room(chars)?, draw, out);
        return Some(());
    }
    const GIVEN_CHARS: usize = 6;
    let given = script.room(GIVEN_CHARS)?;
    match chars
        .checked_sub(GIVEN_CHARS + 1)
        .and_then(|chars| script.room(chars))
    {
        Some(room) => {
            script.word(given, draw, out);
            out.extend_from_slice(script.space().as_bytes());
            script.word(room, draw, out);
        }
        None => script.word(script.room(chars)?, draw, out),
    }
    Some(())
}

pub(super) fn one(draw: &mut Draw, raw: &str, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let script = Script::of(raw);
    script.word(script.room(chars)?, draw, out);
    Some(())
}

pub(super) fn address(draw: &mut Draw, raw: &str, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let script = Script::of(raw);
    let number = (draw.bits(32) % 90 + 10).to_string();
    let street = match script {
        Script::Latin => " Street",
        _ => "",
    };
    let room = script.room(chars.checked_sub(number.len() + 1 + street.len())?)?;
    if script == Script::Latin {
        out.extend_from_slice(number.as_bytes());
        out.push(b' ');
        script.word(room, draw, out);
        out.extend_from_slice(street.as_bytes());
    } else {
        script.word(room, draw, out);
        out.push(b' ');
        out.extend_from_slice(number.as_bytes());
    }
    Some(())
}
