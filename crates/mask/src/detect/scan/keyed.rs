//! What a key or the words before a value say of it: `password=…`, `"ssn": "…"`, `my card is …`.

use super::super::kind::Kind;
use super::super::lexicon;
use super::super::names;
use super::{Candidate, boundary};

/// Whether one of the last words before a place announces one of the kinds, two words together as one among them.
pub(super) fn announced(text: &str, at: usize, words: usize, kinds: &[Kind]) -> bool {
    let from = boundary(text, at.saturating_sub(60));
    let head = text.get(from..at).unwrap_or_default();
    let mut after = "";
    for word in head
        .rsplit(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
        .filter(|word| !word.is_empty())
        .take(words)
    {
        if lexicon::names(word, kinds) {
            return true;
        }
        if !after.is_empty() && lexicon::names(&format!("{word}_{after}"), kinds) {
            return true;
        }
        after = word;
    }
    false
}

/// Longest value of a key that is taken for a secret, and most bytes between the two.
const MAX_SECRET: usize = 4096;
const MAX_LEAD: usize = 6;

pub(super) const SECRETS: &[Kind] = &[Kind::Secret, Kind::Password, Kind::ApiKey];

/// Whether the words before a place speak of a key, a token or a password.
pub(super) fn speaks_of_secret(text: &str, at: usize) -> bool {
    announced(text, at, 3, SECRETS) || last_word(text, at).eq_ignore_ascii_case("key")
}

/// Whether a scheme of HTTP authentication stands right before a place (RFC 9110 §11.1).
pub(super) fn follows_scheme(text: &str, at: usize) -> bool {
    let word = last_word(text, at);
    word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic")
}

/// `password=hunter2`, `"token": "…"`: marks the value. The token holds, or ends with, the sign.
/// Gives where to go on when it did.
pub(super) fn pair(
    text: &str,
    start: usize,
    end: usize,
    found: &mut Vec<Candidate>,
) -> Option<usize> {
    let token = text.get(start..end)?;
    let sign = token.find([':', '=']).filter(|at| *at <= 40);
    let bearer = token.eq_ignore_ascii_case("bearer");
    let (key, from) = match sign {
        Some(0) => (last_word(text, start), start + 1),
        Some(at) => (token.get(..at).unwrap_or_default(), start + at + 1),
        None if bearer => (token, end),
        None => return None,
    };
    let known = key.len() >= 3 && key.is_ascii() && (bearer || lexicon::names(key, SECRETS));
    if !known {
        return None;
    }
    let rest = text.get(from..).unwrap_or_default();
    let sign = |b: &u8| matches!(b, b' ' | b'"' | b'\'' | b'=' | b':' | b'`');
    let lead = rest.bytes().take(MAX_LEAD + 1).take_while(sign).count();
    if lead > MAX_LEAD {
        return None;
    }
    let (lead, value) = rest.split_at_checked(lead)?;
    let quoted = lead.contains(['"', '\'']);
    let scheme = ["Bearer ", "Basic ", "bearer "]
        .iter()
        .find(|scheme| value.starts_with(**scheme))
        .map_or(0, |scheme| scheme.len());
    let value = value.get(scheme..).unwrap_or_default();
    // One byte more than a secret has, so that a longer one is none.
    let value = value
        .get(..boundary(value, MAX_SECRET + 1))
        .unwrap_or(value);
    let length = value.bytes().position(|b| match b {
        b'"' | b'\'' | b'\n' => true,
        b' ' | b'\t' | b'\r' | b',' | b';' | b'&' | b')' | b'}' => !quoted,
        _ => false,
    });
    let body = value
        .get(..length.unwrap_or(value.len()))
        .unwrap_or_default();
    let body = if quoted {
        body
    } else {
        body.split(char::is_whitespace).next().unwrap_or_default()
    };
    let body = body.trim_end_matches(['.', ',']);
    if !is_secret_like(body) {
        return None;
    }
    let begin = from + lead.len() + scheme;
    found.push(Candidate {
        start: begin,
        end: begin + body.len(),
        kind: Kind::Secret,
        confidence: 0.85,
    });
    Some(end.max(begin + body.len()))
}

/// Not a number, a word of its own, or something too short to be kept.
fn is_secret_like(body: &str) -> bool {
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    let number = digits == body.len();
    let word = body.bytes().all(|b| b.is_ascii_alphabetic())
        && (body.len() < 6 || names::flags(&body.to_ascii_lowercase()) & names::WORD != 0);
    let placeholder = body.starts_with(['$', '<', '{', '*', '[']);
    let length = if number { 6..=64 } else { 4..=MAX_SECRET };
    length.contains(&body.len()) && !body.contains(' ') && !word && !placeholder
}

fn last_word(text: &str, at: usize) -> &str {
    let head = super::before(text, at).trim_end_matches(['"', '\'', ' ', ']']);
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
