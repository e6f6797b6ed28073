//! Tokens of e-mail addresses, names of accounts and URLs: any text, sealed, in the form of one.

use zeroize::Zeroizing;

use super::sealed;
use crate::ff1::Ff1;

/// Longest part of a domain, and longest local part of an address after its prefix (RFC 1035 section 2.3.4,
/// RFC 5321 section 4.5.3.1.1).
const DOMAIN_CHARS: usize = 60;
const LOCAL_CHARS: usize = 62;

/// Characters of the shortest tokens.
pub(super) const EMAIL: usize = "u_@m.invalid".len() + sealed::SHORTEST;
pub(super) const USERNAME: usize = "user_".len() + sealed::SHORTEST;
pub(super) const URL: usize = "https://.invalid/".len() + sealed::SHORTEST;

pub(super) fn write_email(cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    let seal = sealed::seal(cipher, raw)?;
    let (local, domain) = seal.split_at_checked(LOCAL_CHARS).unwrap_or((&seal, b""));
    out.extend_from_slice(b"u_");
    out.extend_from_slice(local);
    out.push(b'@');
    dotted(if domain.is_empty() { b"m" } else { domain }, out);
    out.extend_from_slice(b".invalid");
    Some(())
}

pub(super) fn read_email(cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
    let inner = text.strip_prefix("u_")?.strip_suffix(".invalid")?;
    let (local, domain) = inner.split_once('@')?;
    let more = if domain == "m" { "" } else { domain };
    sealed::open(cipher, [local, &more.replace('.', "")].concat().as_bytes())
}

pub(super) fn email_marked(folded: &str) -> bool {
    folded.strip_prefix("u_").is_some_and(|rest| {
        rest.contains(".invalid") || many(rest.split('@').next().unwrap_or(rest))
    })
}

pub(super) fn write_username(cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(b"user_");
    out.extend_from_slice(&sealed::seal(cipher, raw)?);
    Some(())
}

pub(super) fn read_username(cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
    sealed::open(cipher, text.strip_prefix("user_")?.as_bytes())
}

pub(super) fn username_marked(folded: &str) -> bool {
    folded.strip_prefix("user_").is_some_and(many)
}

pub(super) fn write_url(cipher: &Ff1, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(b"https://");
    dotted(&sealed::seal(cipher, raw)?, out);
    out.extend_from_slice(b".invalid/");
    Some(())
}

pub(super) fn read_url(cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
    let inner = text.strip_prefix("https://")?.strip_suffix(".invalid/")?;
    sealed::open(cipher, inner.replace('.', "").as_bytes())
}

pub(super) fn url_marked(folded: &str) -> bool {
    folded.strip_prefix("https://").is_some_and(|rest| {
        rest.contains(".invalid") || many(rest.split(['.', '/']).next().unwrap_or(rest))
    })
}

fn dotted(digits: &[u8], out: &mut Vec<u8>) {
    for (at, part) in digits.chunks(DOMAIN_CHARS).enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        out.extend_from_slice(part);
    }
}

/// Far more than words have in common with base32, far less than a token has.
fn many(text: &str) -> bool {
    const MANY: usize = 20;
    text.len() >= MANY && sealed::is_digits(text)
}
