//! Addresses of mail, URLs with passwords, tokens that say what they are.

use super::super::kind::Kind;
use super::super::{email, network, secret};
use super::{Candidate, keyed};

/// A URL: a secret when it carries one, otherwise nothing to look into but addresses of mail.
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
    !body.contains('@')
}

/// All addresses of mail in a token.
pub(super) fn email(text: &str, start: usize, end: usize, found: &mut Vec<Candidate>) -> bool {
    let Some(token) = text.get(start..end) else {
        return false;
    };
    let before = found.len();
    for (at, _) in token.match_indices('@').take(64) {
        if let Some((from, to)) = email::around(text, start + at)
            && from >= start.saturating_sub(0)
        {
            found.push(Candidate {
                start: from,
                end: to,
                kind: Kind::Email,
                confidence: 0.99,
            });
        }
    }
    found.len() > before
}

/// Tokens of known shapes anywhere after a separator, and random ones where a word before speaks of a secret.
pub(super) fn secret(text: &str, start: usize, end: usize, found: &mut Vec<Candidate>) -> bool {
    let Some(token) = text.get(start..end) else {
        return false;
    };
    if token.len() < 16 {
        return false;
    }
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
            found.push(Candidate {
                start: start + at,
                end: start + at + length,
                kind,
                confidence: 0.97,
            });
            return true;
        }
    }
    let body = token.trim_end_matches(['.', ',', '!', '?', ':']);
    if network::is_uuid(body) || network::is_digest(body) {
        return false;
    }
    if token.contains('=') && text.get(end..).is_some_and(|rest| rest.starts_with(';')) {
        let line = text.get(start..line_end(text, start)).unwrap_or_default();
        let length = line.find([' ', '"', '\'']).unwrap_or(line.len());
        let whole = line.get(..length).unwrap_or_default();
        if secret::connection_string(whole) {
            found.push(Candidate {
                start,
                end: start + length,
                kind: Kind::Secret,
                confidence: 0.95,
            });
            return true;
        }
    }
    let random = secret::is_random(body);
    let mixed = secret::classes(body.as_bytes()) >= 3 && body.bytes().any(|b| b.is_ascii_digit());
    let cued = (random || network::is_hex(body)) && keyed::speaks_of_secret(text, start)
        || mixed && keyed::follows_scheme(text, start);
    if cued || (random && body.len() >= 32 && !body.contains(['.', '/'])) {
        let confidence = if cued { 0.9 } else { 0.55 };
        found.push(Candidate {
            start,
            end: start + body.len(),
            kind: Kind::Secret,
            confidence,
        });
        return true;
    }
    false
}

fn line_end(text: &str, at: usize) -> usize {
    text.get(at..)
        .and_then(|rest| rest.find('\n'))
        .map_or(text.len(), |n| at + n)
}
