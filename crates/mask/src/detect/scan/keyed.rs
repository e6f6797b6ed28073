//! What a key or the words before a value say of it: `password=…`, `"ssn": "…"`, `my card is …`.

use super::super::kind::Kind;
use super::super::lexicon::{self, Sense};
use super::super::names;
use super::{Candidate, words_before};

/// Kinds a word before a value may announce.
pub(super) fn says(word: &str, kinds: &[Kind]) -> bool {
    lexicon::read(word)
        .votes
        .iter()
        .any(|vote| matches!(vote.sense, Sense::Kind(kind, 2 | 3) if kinds.contains(&kind)))
}

/// Whether one of the last words before a place announces one of the kinds.
pub(super) fn announced(text: &str, at: usize, words: usize, kinds: &[Kind]) -> bool {
    let words = words_before(text, at, words);
    words.iter().any(|word| says(word, kinds))
        || words
            .windows(2)
            .any(|pair| matches!(pair, [a, b] if says(&format!("{a}_{b}"), kinds)))
}

pub(super) const SECRETS: &[Kind] = &[Kind::Secret, Kind::Password, Kind::ApiKey];

/// Whether the words before a place speak of a key, a token or a password.
pub(super) fn speaks_of_secret(text: &str, at: usize) -> bool {
    announced(text, at, 3, SECRETS)
        || words_before(text, at, 2).iter().any(|word| {
            matches!(
                word.to_ascii_lowercase().as_str(),
                "bearer" | "authorization" | "key" | "basic"
            )
        })
}

/// `password=hunter2`, `"token": "…"`: marks the value. The token holds, or ends with, the sign.
pub(super) fn pair(text: &str, start: usize, end: usize, found: &mut Vec<Candidate>) -> bool {
    let Some(token) = text.get(start..end) else {
        return false;
    };
    let sign = token.find([':', '=']).filter(|at| *at <= 40);
    let bearer = token.eq_ignore_ascii_case("bearer");
    let (key, from) = match sign {
        Some(0) => (last_word(text, start), start + 1),
        Some(at) => (token.get(..at).unwrap_or_default(), start + at + 1),
        None if bearer => (token, end),
        None => return false,
    };
    let known = key.len() >= 3 && key.is_ascii() && (bearer || says(key, SECRETS));
    if !known {
        return false;
    }
    let rest = text.get(from..).unwrap_or_default();
    let lead = rest.len()
        - rest
            .trim_start_matches([' ', '"', '\'', '=', ':', '`'])
            .len();
    let value = rest.get(lead..).unwrap_or_default();
    let quoted = rest
        .get(..lead)
        .is_some_and(|lead| lead.contains(['"', '\'']));
    let scheme = ["Bearer ", "Basic ", "bearer "]
        .iter()
        .find(|scheme| value.starts_with(**scheme))
        .map_or(0, |scheme| scheme.len());
    let value = value.get(scheme..).unwrap_or_default();
    let length = value
        .find(|c: char| {
            if quoted {
                matches!(c, '"' | '\'' | '\n')
            } else {
                c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '&' | ')' | '}')
            }
        })
        .unwrap_or(value.len());
    let body = value
        .get(..length)
        .unwrap_or_default()
        .trim_end_matches(['.', ',']);
    if lead > 6 || !is_secret_like(body) {
        return false;
    }
    let begin = from + lead + scheme;
    found.push(Candidate {
        start: begin,
        end: begin + body.len(),
        kind: Kind::Secret,
        confidence: 0.85,
    });
    // The value may hold more that has to be read, but not as anything else.
    end <= begin + body.len()
}

/// Not a number, a word of its own, or something too short to be kept.
fn is_secret_like(body: &str) -> bool {
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    let number = digits == body.len();
    let word = body.bytes().all(|b| b.is_ascii_alphabetic())
        && (body.len() < 6 || names::flags(&body.to_ascii_lowercase()) & names::WORD != 0);
    let placeholder = body.starts_with(['$', '<', '{', '*', '[']);
    let length = if number { 6..=64 } else { 4..=4096 };
    length.contains(&body.len()) && !body.contains(' ') && !word && !placeholder
}

fn last_word(text: &str, at: usize) -> &str {
    let head = text
        .get(..at)
        .unwrap_or_default()
        .trim_end_matches(['"', '\'', ' ', ']']);
    let from = head
        .rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
        .map_or(0, |found| {
            found
                + head
                    .get(found..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(1, char::len_utf8)
        });
    let word = head.get(from..).unwrap_or_default();
    if word.len() > 64 { "" } else { word }
}
