//! What tokens look like, by rule: their marks.

use zeroize::Zeroizing;

use super::sealed;
use crate::ff1::Ff1;
use crate::label::Rule;

/// Longest part of a domain, and longest local part of an address after its prefix (RFC 1035 section 2.3.4,
/// RFC 5321 section 4.5.3.1.1).
const DOMAIN_CHARS: usize = 60;
const LOCAL_CHARS: usize = 62;

/// Characters of the shortest token; `None`: the rule has no tokens.
pub(crate) fn shortest(rule: Rule) -> Option<usize> {
    Some(match rule {
        Rule::Email => "u_@m.invalid".len() + sealed::SHORTEST,
        Rule::Username => "user_".len() + sealed::SHORTEST,
        Rule::Url => "https://.invalid/".len() + sealed::SHORTEST,
        Rule::Phone
        | Rule::Ssn
        | Rule::NationalId
        | Rule::Card
        | Rule::Iban
        | Rule::Name
        | Rule::GivenName
        | Rule::Address
        | Rule::Ip
        | Rule::Secret
        | Rule::Json
        | Rule::Uuid
        | Rule::Redact => return None,
    })
}

pub(super) fn write(
    rule: Rule,
    cipher: &Ff1,
    raw: &str,
    chars: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    if chars < shortest(rule)? {
        return None;
    }
    let seal = sealed::seal(cipher, b"", raw)?;
    match rule {
        Rule::Email => {
            let (local, domain) = seal.split_at_checked(LOCAL_CHARS).unwrap_or((&seal, b""));
            out.extend_from_slice(b"u_");
            out.extend_from_slice(local);
            out.push(b'@');
            dotted(if domain.is_empty() { b"m" } else { domain }, out);
            out.extend_from_slice(b".invalid");
        }
        Rule::Url => {
            out.extend_from_slice(b"https://");
            dotted(&seal, out);
            out.extend_from_slice(b".invalid/");
        }
        _ => {
            out.extend_from_slice(b"user_");
            out.extend_from_slice(&seal);
        }
    }
    Some(())
}

fn dotted(digits: &[u8], out: &mut Vec<u8>) {
    for (at, part) in digits.chunks(DOMAIN_CHARS).enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        out.extend_from_slice(part);
    }
}

/// Opens what looks like a token; whether it was written so is not checked.
pub(super) fn read(rule: Rule, cipher: &Ff1, text: &str) -> Option<Zeroizing<String>> {
    let seal = match rule {
        Rule::Email => {
            let (local, domain) = text
                .strip_prefix("u_")?
                .strip_suffix(".invalid")?
                .split_once('@')?;
            let more = if domain == "m" { "" } else { domain };
            [local, &more.replace('.', "")].concat()
        }
        Rule::Url => text
            .strip_prefix("https://")?
            .strip_suffix(".invalid/")?
            .replace('.', ""),
        Rule::Username => text.strip_prefix("user_")?.to_owned(),
        _ => return None,
    };
    sealed::open(cipher, b"", seal.as_bytes())
}

/// Does a folded text bear the mark of tokens, whole or cut?
pub(super) fn marked(rule: Rule, folded: &str) -> bool {
    // Far more than words have in common with base32, far less than a token has.
    const MANY: usize = 20;
    let many = |text: &str| text.len() >= MANY && sealed::is_digits(text);
    match rule {
        Rule::Email => folded.strip_prefix("u_").is_some_and(|rest| {
            rest.contains(".invalid") || many(rest.split('@').next().unwrap_or(rest))
        }),
        Rule::Url => folded.strip_prefix("https://").is_some_and(|rest| {
            rest.contains(".invalid") || many(rest.split(['.', '/']).next().unwrap_or(rest))
        }),
        Rule::Username => folded.strip_prefix("user_").is_some_and(many),
        _ => false,
    }
}
