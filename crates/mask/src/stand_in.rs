//! Stand-ins as text: what each rule draws from a digest, within a length. Nothing written here has quotes,
//! backslashes or control characters, so it stands as it is in JSON and arrays.
//!
//! Marks: where the real world has a range it never assigns, the stand-in lies in it, so that no
//! genuine value is ever made up and a stand-in is told at a glance.

mod names;
mod network;
mod numbers;
mod script;
mod secret;

pub(crate) use network::{ip_bytes, mac_bytes, uuid_bytes};
pub(crate) use numbers::{iban_check, is_fake_ssn};

use crate::key::{Digest, TokenKey};
use crate::label::Rule;

/// Draws until a stand-in differs from its value.
const DRAWS: usize = 4;

/// Appends the stand-in for a value, at most `chars` long and never equal to `raw`. `None`: there is no room for one.
pub(crate) fn write(
    rule: Rule,
    key: &TokenKey,
    mut digest: Digest,
    chars: usize,
    raw: &str,
    out: &mut Vec<u8>,
) -> Option<()> {
    let start = out.len();
    for _ in 0..DRAWS {
        draw(rule, &digest, chars, raw, out)?;
        if out.get(start..) != Some(raw.as_bytes()) {
            return Some(());
        }
        out.truncate(start);
        digest = key.again(&digest);
    }
    None
}

/// The same for a whole number of at most so many digits.
pub(crate) fn whole(
    rule: Rule,
    key: &TokenKey,
    mut digest: Digest,
    digits: usize,
    raw: &str,
    out: &mut Vec<u8>,
) -> Option<()> {
    for _ in 0..DRAWS {
        numbers::whole(rule, &mut Draw::new(&digest), digits, out)?;
        if out != raw.as_bytes() {
            return Some(());
        }
        out.clear();
        digest = key.again(&digest);
    }
    None
}

/// `raw` tells how a stand-in looks, where the label releases that; it tells nothing else.
fn draw(rule: Rule, digest: &Digest, chars: usize, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut draw = Draw::new(digest);
    match rule {
        Rule::Email => email(&mut draw, chars, out),
        Rule::Phone => numbers::phone(&mut draw, chars, out),
        Rule::Ssn => numbers::ssn(&mut draw, chars, out),
        Rule::Document => numbers::document(&mut draw, chars, out),
        Rule::Card => numbers::card(&mut draw, chars, out),
        Rule::Iban => numbers::iban(&mut draw, chars, out),
        Rule::Name => names::full(&mut draw, raw, chars, out),
        Rule::Word => names::one(&mut draw, raw, chars, out),
        Rule::Address => names::address(&mut draw, raw, chars, out),
        Rule::Ip => network::ip(&mut draw, chars, out),
        Rule::Mac => network::mac(digest, chars, out),
        Rule::Username => prefixed(&mut draw, b"user_", chars, out),
        Rule::Json => prefixed(&mut draw, b"t_", chars, out),
        Rule::Secret => secret::write(&mut draw, raw, chars, out),
        Rule::Uuid => network::uuid(digest, chars, out),
        Rule::Url => url(&mut draw, chars, out),
        Rule::Text | Rule::Birth | Rule::Date | Rule::Number | Rule::Geo | Rule::Redact => {
            redact(chars, out)
        }
    }
}

/// 128 bits to draw from.
struct Draw(u128);

impl Draw {
    fn new(digest: &Digest) -> Self {
        let half = digest.first_chunk::<16>().copied().unwrap_or_default();
        Self(u128::from_be_bytes(half))
    }

    /// Up to 64 bits.
    fn bits(&mut self, count: u32) -> u64 {
        let drawn = (self.0 & ((1 << count) - 1)) as u64;
        self.0 >>= count;
        drawn
    }

    fn base32(&mut self, chars: usize, alphabet: &[u8; 32], out: &mut Vec<u8>) {
        for _ in 0..chars {
            let at = self.bits(5) as usize;
            out.push(alphabet.get(at).copied().unwrap_or(b'x'));
        }
    }

    /// Up to 18 decimal digits; they use up 64 bits.
    fn digits(&mut self, count: usize, out: &mut Vec<u8>) {
        let mut left = self.bits(64);
        for _ in 0..count {
            out.push(b'0' + (left % 10) as u8);
            left /= 10;
        }
    }
}

const LOWER: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const UPPER: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Characters of a token, where there is room: 60 bits.
const TOKEN_CHARS: usize = 12;
/// Fewest characters of a token that is still worth telling apart: 20 bits.
const MIN_TOKEN_CHARS: usize = 4;

/// How many token characters fit beside `fixed` ones.
fn token_room(chars: usize, fixed: usize) -> Option<usize> {
    let room = chars.checked_sub(fixed)?.min(TOKEN_CHARS);
    (room >= MIN_TOKEN_CHARS).then_some(room)
}

fn email(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    const DOMAIN_CHARS: usize = 8;
    let fixed = "u_@.invalid".len();
    let (local, domain) = match token_room(chars, fixed + DOMAIN_CHARS) {
        Some(TOKEN_CHARS) => (TOKEN_CHARS, DOMAIN_CHARS),
        _ => (token_room(chars, fixed + 1)?, 1),
    };
    out.extend_from_slice(b"u_");
    draw.base32(local, LOWER, out);
    out.push(b'@');
    if domain == 1 {
        out.push(b'm')
    } else {
        draw.base32(domain, LOWER, out)
    }
    out.extend_from_slice(b".invalid");
    Some(())
}

fn url(draw: &mut Draw, chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let room = token_room(chars, "https://.invalid/".len())?;
    out.extend_from_slice(b"https://");
    draw.base32(room, LOWER, out);
    out.extend_from_slice(b".invalid/");
    Some(())
}

fn prefixed(draw: &mut Draw, prefix: &[u8], chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let room = token_room(chars, prefix.len())?;
    out.extend_from_slice(prefix);
    draw.base32(room, LOWER, out);
    Some(())
}

fn redact(chars: usize, out: &mut Vec<u8>) -> Option<()> {
    let constant: &[u8] = match chars {
        0 => return None,
        1..=9 => b"*",
        _ => b"[redacted]",
    };
    out.extend_from_slice(constant);
    Some(())
}

/// The low half of a byte as a lower-case digit.
fn hex(half: u8) -> u8 {
    match half & 15 {
        digit @ 0..=9 => b'0' + digit,
        letter => b'a' + letter - 10,
    }
}

#[cfg(test)]
mod tests;
