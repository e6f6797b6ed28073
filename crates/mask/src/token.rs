//! Tokens: stand-ins that the holder of the key can turn back. A value is written as bytes, five zeros are
//! put before it, and the whole is enciphered with FF1, so equal values have equal tokens, nothing is told of
//! what two values have in common, and whoever makes a token up is found out (one in 2⁴⁰ would pass).
//!
//! Tokens stand in ranges the real world never assigns, so no genuine value is taken for one.

pub(crate) mod address;
mod ids;
mod numerals;
mod pack;
mod sealed;
mod shape;
mod words;

pub(crate) use shape::shortest;

use zeroize::Zeroizing;

use crate::ff1::Ff1;
use crate::label::Rule;

/// What a text turns out to be, where a token may stand.
pub(crate) enum Read {
    /// A token of one of the keys, and what it stands for.
    Raw(Zeroizing<String>),
    /// It bears the mark, but none of the keys made it.
    Foreign,
    Not,
}

/// Appends the token for a value; `None` where the rule has none, or there is no room for it. Then `out` may
/// hold a torso.
pub(crate) fn write(
    rule: Rule,
    cipher: &Ff1,
    raw: &str,
    chars: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    if shape::shortest(rule)? > chars {
        return None;
    }
    let start = out.len();
    shape::write(rule, cipher, raw, out)?;
    let written = out.get(start..)?;
    (written.len() <= chars && written != raw.as_bytes()).then_some(())
}

/// Looks for the key that made a token. There is one way to write a token; any other is foreign.
pub(crate) fn read<'k>(rule: Rule, ciphers: impl Iterator<Item = &'k Ff1>, text: &str) -> Read {
    for cipher in ciphers {
        let Some(raw) = shape::read(rule, cipher, text) else {
            continue;
        };
        let mut again = Vec::with_capacity(text.len());
        if write(rule, cipher, &raw, usize::MAX, &mut again).is_some() && again == text.as_bytes() {
            return Read::Raw(raw);
        }
    }
    if is_marked(rule, text) {
        Read::Foreign
    } else {
        Read::Not
    }
}

/// Does a text look like a token of the rule, whole or cut?
pub(crate) fn is_marked(rule: Rule, text: &str) -> bool {
    shape::marked(rule, &fold(text))
}

/// Characters to look at for a mark.
const MAX_FOLDED: usize = 1024;

/// The text as a person would read it: lower case, wide and look-alike letters as ASCII, without what has no width.
fn fold(text: &str) -> String {
    let plain = |char: char| match char {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(char as u32 - 0xfee0).unwrap_or(char),
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ⅼ' | 'ӏ' => 'l',
        'м' => 'm',
        'ո' => 'n',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ѡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        '‐'..='―' | '−' => '-',
        '。' | '․' => '.',
        other => other,
    };
    let seen = |char: &char| {
        !matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
            && !char.is_whitespace()
            && !char.is_control()
    };
    text.chars()
        .take(MAX_FOLDED)
        .filter(seen)
        .flat_map(char::to_lowercase)
        .map(plain)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests;
