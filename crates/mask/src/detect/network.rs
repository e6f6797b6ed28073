//! Addresses and names of machines, and other marks that machines make: none of them is a person's by itself.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Whose an IP address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ip {
    Public,
    /// Private, loopback, link-local, documentation, multicast, unspecified.
    Special,
}

/// A whole text as an IP address; a prefix length may follow.
pub(crate) fn ip(text: &str) -> Option<Ip> {
    if text.len() < 3 || text.len() > 49 {
        return None;
    }
    let (address, prefix) = text
        .split_once('/')
        .map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    if prefix.is_some_and(|p| p.is_empty() || p.len() > 3 || !p.bytes().all(|b| b.is_ascii_digit()))
    {
        return None;
    }
    // A network is no host.
    let wide = prefix.is_some_and(|p| !matches!(p, "32" | "128"));
    if let Ok(v4) = address.parse::<Ipv4Addr>() {
        return Some(if wide || special_v4(v4) {
            Ip::Special
        } else {
            Ip::Public
        });
    }
    if !address.contains(':') {
        return None;
    }
    let v6 = address.parse::<Ipv6Addr>().ok()?;
    Some(if wide || special_v6(v6) {
        Ip::Special
    } else {
        Ip::Public
    })
}

fn special_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (b == 18 || b == 19))
        || (a == 192 && b == 0 && c == 0)
        // Resolvers everybody knows.
        || matches!(ip.octets(), [8, 8, 8, 8] | [8, 8, 4, 4] | [1, 1, 1, 1] | [1, 0, 0, 1] | [9, 9, 9, 9])
}

fn special_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || (a & 0xffc0) == 0xfe80
        || (a & 0xfe00) == 0xfc00
        || (a == 0x2001 && b == 0x0db8)
}

/// Six pairs of hex digits.
pub(crate) fn is_mac(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 17
        && bytes.iter().enumerate().all(|(at, b)| {
            if at % 3 == 2 {
                matches!(b, b':' | b'-') && Some(b) == bytes.get(2)
            } else {
                b.is_ascii_hexdigit()
            }
        })
}

pub(crate) fn is_uuid(text: &str) -> bool {
    let text = text
        .strip_prefix('{')
        .and_then(|t| t.strip_suffix('}'))
        .unwrap_or(text);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// Hex digits alone, as many as digests, commits and identifiers have.
pub(crate) fn is_hex(text: &str) -> bool {
    let body = text.strip_prefix("0x").unwrap_or(text);
    let digits = body.bytes().filter(u8::is_ascii_digit).count();
    body.len() >= 7
        && digits > 0
        && digits < body.len()
        && body.bytes().all(|b| b.is_ascii_hexdigit())
        && !(body.bytes().any(|b| b.is_ascii_lowercase())
            && body.bytes().any(|b| b.is_ascii_uppercase()))
}

/// `sha256:…`, `sha512-…`: a digest that says so.
pub(crate) fn is_digest(text: &str) -> bool {
    [
        "sha1", "sha256", "sha384", "sha512", "md5", "blake3", "etag",
    ]
    .iter()
    .any(|name| {
        text.get(..name.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(name))
            && text
                .get(name.len()..)
                .is_some_and(|tail| tail.starts_with([':', '-', '=']) && tail.len() > 16)
    })
}

/// A text that begins as a URL does.
pub(crate) fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme.len() < 20
            && scheme
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            && !rest.is_empty()
            && !rest.contains(char::is_whitespace)
    }) || text.starts_with("www.")
}

/// `host.example.com`, `db-01.internal`.
pub(crate) fn is_hostname(text: &str) -> bool {
    const TOPS: &[&str] = &[
        "com", "net", "org", "io", "dev", "local", "internal", "lan", "corp", "cloud", "app",
        "example", "test", "info", "biz", "edu", "gov", "co", "de", "uk", "fr", "jp", "cn", "us",
        "eu", "ai", "svc", "home", "arpa", "invalid",
    ];
    text.rsplit_once('.').is_some_and(|(rest, top)| {
        TOPS.contains(&top)
            && rest.split('.').all(|label| {
                !label.is_empty()
                    && label
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            })
    })
}

/// `1.2.3`, `v2.10.0-rc.1`.
pub(crate) fn is_version(text: &str) -> bool {
    let body = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let core = body.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    (2..=4).contains(&parts.len())
        && parts
            .iter()
            .all(|part| (1..=4).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
        && (parts.len() > 2 || text.starts_with(['v', 'V']))
}
