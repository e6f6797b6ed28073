//! Addresses of mail, URLs with passwords, tokens that say what they are.

use super::super::kind::Kind;
use super::super::{email, network, secret};
use super::{Candidate, boundary, keyed};

/// A URL that is a secret, because it carries one.
pub(super) fn url(token: &str, start: usize, found: &mut Vec<Candidate>) -> bool {
    let Some(at) = token.find("://") else {
        return false;
    };
    let begin = token
        .get(..at)
        .and_then(|head| {
            head.rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
        })
        .map_or(0, |at| at + 1);
    let body = token
        .get(begin..)
        .unwrap_or_default()
        .trim_end_matches(['.', ',', '!', '?', ')']);
    if secret::url_with_password(body) {
        found.push(Candidate {
            start: start + begin,
            end: start + begin + body.len(),
            kind: Kind::Secret,
            confidence: 0.97,
        });
        return true;
    }
    false
}

/// All addresses of mail in a token; whether there are any.
pub(super) fn email(text: &str, start: usize, end: usize, found: &mut Vec<Candidate>) -> bool {
    let before = found.len();
    let token = text.get(start..end).unwrap_or_default();
    let mails = token
        .match_indices('@')
        .filter_map(|(at, _)| email::around(text, start + at));
    found.extend(mails.map(|(start, end)| Candidate {
        start,
        end,
        kind: Kind::Email,
        confidence: 0.99,
    }));
    found.len() > before
}

/// Tokens of known shapes anywhere after a separator, and random ones where a word before speaks of a secret. Gives
/// where to go on when it was one.
pub(super) fn secret(
    text: &str,
    start: usize,
    end: usize,
    found: &mut Vec<Candidate>,
) -> Option<usize> {
    let token = text.get(start..end)?;
    if token.len() < 16 {
        return None;
    }
    let mut push = |start: usize, length: usize, kind: Kind, confidence: f32| {
        found.push(Candidate {
            start,
            end: start + length,
            kind,
            confidence,
        });
        Some(end.max(start + length))
    };
    let mut places = vec![0];
    places.extend(
        token
            .match_indices(['=', ':', '/'])
            .map(|(at, _)| at + 1)
            .take(16),
    );
    for at in places {
        let Some(rest) = token.get(at..) else {
            continue;
        };
        if let Some((length, kind)) = secret::at_start(rest) {
            return push(start + at, length, kind, 0.97);
        }
    }
    let body = token.trim_end_matches(['.', ',', '!', '?', ':']);
    if network::is_uuid(body) || network::is_digest(body) {
        return None;
    }
    if token.contains('=') && text.get(end..).is_some_and(|rest| rest.starts_with(';')) {
        let whole = pairs(text, start);
        if secret::connection_string(whole) {
            return push(start, whole.len(), Kind::Secret, 0.95);
        }
    }
    let random = secret::is_random(body);
    let mixed = secret::classes(body.as_bytes()) >= 3 && body.bytes().any(|b| b.is_ascii_digit());
    let cued = (random || network::is_hex(body)) && keyed::speaks_of_secret(text, start)
        || mixed && keyed::follows_scheme(text, start);
    if cued || (random && body.len() >= 32 && !body.contains(['.', '/'])) {
        let confidence = if cued { 0.9 } else { 0.55 };
        return push(start, body.len(), Kind::Secret, confidence);
    }
    None
}

/// Longest connection string, in bytes.
const MAX_PAIRS: usize = 1024;

/// Pairs with `;` between them, as many as one connection string may hold.
fn pairs(text: &str, start: usize) -> &str {
    let limit = boundary(text, text.len().min(start + MAX_PAIRS));
    let near = text.get(start..limit).unwrap_or_default();
    match near.find(['\n', ' ', '"', '\'']) {
        Some(length) => near.get(..length),
        None if limit == text.len() => Some(near),
        // A pair that is cut is left for the next string.
        None => near.rsplit_once(';').map(|(whole, _)| whole),
    }
    .unwrap_or_default()
}
