//! One value: by type and format to what is digested, and to the stand-in of that type.

use zeroize::Zeroizing;

use crate::Reveal;
use crate::array;
use crate::json;
use crate::key::{Keys, TokenKey};
use crate::label::{Label, Rule};
use crate::network::{Address, parse_uuid};
use crate::stand_in;
use crate::token::{self, Read};
use crate::types::{Format, Scalar, Shape};

/// Appends the masked value, or answers `None` for NULL; then `out` may hold a torso.
pub(crate) fn mask(
    rule: Rule,
    key: &TokenKey,
    shape: Shape,
    format: Format,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    match shape {
        Shape::Scalar(scalar) => self::scalar(rule, key, scalar, format, raw, out),
        Shape::Array(element, _) if !has_stand_in(rule, element) => None,
        Shape::Array(element, oid) => match format {
            Format::Text => array::text(raw, out, |raw, out| {
                self::scalar(rule, key, element, format, raw, out)
            }),
            Format::Binary => array::binary(raw, oid, out, |raw, out| {
                self::scalar(rule, key, element, format, raw, out)
            }),
        },
        Shape::Opaque => None,
    }
}

/// What a token stands for, in the wire format it came in.
pub(crate) fn reveal(
    keys: &Keys,
    label: &Label,
    shape: Shape,
    format: Format,
    value: &[u8],
) -> Reveal {
    match shape {
        Shape::Scalar(scalar) => reveal_scalar(keys, label, scalar, format, value),
        Shape::Array(element, oid) => reveal_array(keys, label, (element, oid), format, value),
        Shape::Opaque => Reveal::NotAToken,
    }
}

fn reveal_scalar(
    keys: &Keys,
    label: &Label,
    scalar: Scalar,
    format: Format,
    value: &[u8],
) -> Reveal {
    let text = match scalar {
        Scalar::Text(_) => text_of(value),
        Scalar::Padded(_) => text_of(value).map(|text| text.trim_end_matches(' ')),
        Scalar::Inet => return reveal_address(keys, label, format, 0, value),
        Scalar::Cidr => return reveal_address(keys, label, format, 1, value),
        // A document is not one value; one that holds a token would store it as text.
        Scalar::Json | Scalar::Jsonb if holds_marked(label.rule(), value) => {
            return Reveal::Foreign;
        }
        Scalar::Json | Scalar::Jsonb | Scalar::Uuid => None,
    };
    let Some(text) = text else {
        return Reveal::NotAToken;
    };
    let ciphers = keys.all(label).filter_map(TokenKey::cipher);
    match token::read(label.rule(), ciphers, text) {
        Read::Raw(mut raw) => Reveal::Raw(Zeroizing::new(std::mem::take(&mut *raw).into_bytes())),
        Read::Foreign => Reveal::Foreign,
        Read::Not => Reveal::NotAToken,
    }
}

/// An array of tokens becomes one of values; one that holds tokens beside others is foreign.
fn reveal_array(
    keys: &Keys,
    label: &Label,
    (element, oid): (Scalar, u32),
    format: Format,
    value: &[u8],
) -> Reveal {
    let (mut tokens, mut others, mut foreign) = (false, false, false);
    let mut out = Zeroizing::new(Vec::with_capacity(value.len()));
    let mut each = |value: &[u8], out: &mut Vec<u8>| {
        match reveal_scalar(keys, label, element, format, value) {
            Reveal::Raw(raw) => {
                tokens = true;
                out.extend_from_slice(&raw);
                return Some(());
            }
            Reveal::Foreign => foreign = true,
            Reveal::NotAToken => others = true,
        }
        None
    };
    let whole = match format {
        Format::Text => array::text(value, &mut out, &mut each),
        Format::Binary => array::binary(value, oid, &mut out, &mut each),
    };
    match (tokens, others || foreign) {
        (true, false) if whole.is_some() => Reveal::Raw(out),
        (false, _) if !foreign && !holds_marked(label.rule(), value) => Reveal::NotAToken,
        _ => Reveal::Foreign,
    }
}

/// Does an array or document hold what looks like a token, however it is written?
fn holds_marked(rule: Rule, array: &[u8]) -> bool {
    let marks = ['{', '}', ',', '"', '\\'];
    String::from_utf8_lossy(array)
        .split(|char: char| marks.contains(&char) || char.is_whitespace() || char.is_control())
        .any(|part| token::is_marked(rule, part))
}

/// Does the rule make values of the type at all?
fn has_stand_in(rule: Rule, scalar: Scalar) -> bool {
    match scalar {
        Scalar::Text(_) | Scalar::Padded(_) => true,
        // The shape of a document is more than these rules release.
        Scalar::Json | Scalar::Jsonb => !matches!(rule, Rule::Redact | Rule::Secret),
        Scalar::Uuid => !matches!(rule, Rule::Redact | Rule::Secret),
        Scalar::Inet | Scalar::Cidr => rule == Rule::Ip,
    }
}

fn scalar(
    rule: Rule,
    key: &TokenKey,
    scalar: Scalar,
    format: Format,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    if !has_stand_in(rule, scalar) {
        return None;
    }
    match scalar {
        Scalar::Text(chars) => text(rule, key, chars, text_of(raw)?, out),
        Scalar::Padded(chars) => padded(rule, key, chars, text_of(raw)?, out),
        Scalar::Json => json::mask(rule, key, text_of(raw)?, out),
        Scalar::Jsonb => match format {
            Format::Text => json::mask(rule, key, text_of(raw)?, out),
            Format::Binary => {
                let (version, document) = raw.split_first()?;
                if *version != JSONB_VERSION {
                    return None;
                }
                out.push(JSONB_VERSION);
                json::mask(rule, key, text_of(document)?, out)
            }
        },
        Scalar::Uuid => uuid(key, format, raw, out),
        Scalar::Inet => address(key, format, raw, 0, out),
        Scalar::Cidr => address(key, format, raw, 1, out),
    }
}

/// `jsonb_send`'s version byte.
const JSONB_VERSION: u8 = 1;

/// PostgreSQL's text is UTF-8 without NUL.
fn text_of(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(raw)
        .ok()
        .filter(|text| !text.contains('\0'))
}

fn text(rule: Rule, key: &TokenKey, chars: usize, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    if rule == Rule::Json {
        let start = out.len();
        // What is written is ASCII: bytes are characters.
        if json::mask(rule, key, raw, out).is_some() && out.len() - start <= chars {
            return Some(());
        }
        out.truncate(start);
    }
    token_or_stand_in(rule, key, raw, chars, raw.as_bytes(), out)
}

/// A token where the rule has one and there is room, else a stand-in. `shown` is what must not come out.
pub(crate) fn token_or_stand_in(
    rule: Rule,
    key: &TokenKey,
    raw: &str,
    chars: usize,
    shown: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let start = out.len();
    if let Some(cipher) = key.cipher()
        && token::write(rule, cipher, raw, chars, out).is_some()
        && out.get(start..) != Some(shown)
    {
        return Some(());
    }
    out.truncate(start);
    stand_in::write(rule, key, digest(rule, key, raw), chars, shown, out)
}

/// The digest of a text: of what it means where the rule knows another type for it.
fn digest(rule: Rule, key: &TokenKey, raw: &str) -> [u8; 32] {
    match rule {
        // Draws nothing.
        Rule::Redact => [0; 32],
        Rule::Ip => match Address::parse(raw) {
            Some(address) => address_digest(key, &address),
            None => key.digest([raw.as_bytes()]),
        },
        _ => match parse_uuid(raw) {
            Some(uuid) => uuid_digest(key, &uuid),
            None => key.digest([raw.as_bytes()]),
        },
    }
}

fn uuid_digest(key: &TokenKey, uuid: &[u8; 16]) -> [u8; 32] {
    key.digest([b"\0uuid".as_slice(), uuid])
}

fn address_digest(key: &TokenKey, address: &Address) -> [u8; 32] {
    let parts = address.parts();
    key.digest(parts.iter().map(<[u8; 8]>::as_slice))
}

/// `character(n)` is filled up with blanks to its length, which is the raw value's.
fn padded(rule: Rule, key: &TokenKey, chars: usize, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    text(rule, key, chars, raw.trim_end_matches(' '), out)?;
    if chars != usize::MAX {
        let length = raw.chars().count().min(chars);
        let written = out.len() - start;
        out.resize(start + length.max(written), b' ');
    }
    Some(())
}

fn uuid(key: &TokenKey, format: Format, raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match format {
        Format::Text => {
            let digest = uuid_digest(key, &parse_uuid(text_of(raw)?)?);
            stand_in::write(Rule::Uuid, key, digest, usize::MAX, raw, out)
        }
        Format::Binary => {
            let digest = uuid_digest(key, raw.try_into().ok()?);
            let uuid = stand_in::uuid_bytes(&digest);
            let other = if raw == uuid {
                stand_in::uuid_bytes(&key.again(&digest))
            } else {
                uuid
            };
            out.extend_from_slice(&other);
            Some(())
        }
    }
}

fn address(key: &TokenKey, format: Format, raw: &[u8], cidr: u8, out: &mut Vec<u8>) -> Option<()> {
    let address = read_address(format, raw)?;
    let token = key
        .cipher()
        .and_then(|cipher| token::address::seal(cipher, &address));
    let host = match token {
        Some(token) => token.octets(),
        None => {
            let digest = address_digest(key, &address);
            let drawn = stand_in::ip_bytes(&digest);
            if address.six_host() == Some(drawn) {
                stand_in::ip_bytes(&key.again(&digest))
            } else {
                drawn
            }
        }
    };
    write_address(&Address::of_six(host), format, cidr, out);
    Some(())
}

fn read_address(format: Format, raw: &[u8]) -> Option<Address> {
    match format {
        Format::Text => Address::parse(text_of(raw)?),
        Format::Binary => Address::from_wire(raw),
    }
}

fn write_address(address: &Address, format: Format, cidr: u8, out: &mut Vec<u8>) {
    match format {
        Format::Text => {
            out.extend_from_slice(address.to_string().as_bytes());
            // `cidr` always shows its prefix, `inet` not for a host.
            if cidr == 1
                && let Some(bits) = address.host_bits()
            {
                out.extend_from_slice(format!("/{bits}").as_bytes());
            }
        }
        Format::Binary => address.to_wire(cidr, out),
    }
}

fn reveal_address(keys: &Keys, label: &Label, format: Format, cidr: u8, value: &[u8]) -> Reveal {
    let Some(token) = read_address(format, value) else {
        return Reveal::NotAToken;
    };
    let ciphers = keys.all(label).filter_map(TokenKey::cipher);
    let opened = ciphers
        .filter_map(|cipher| token::address::open(cipher, &token))
        .next();
    match opened {
        Some(address) => {
            let mut raw = Zeroizing::new(Vec::new());
            write_address(&address, format, cidr, &mut raw);
            Reveal::Raw(raw)
        }
        None if label.rule() == Rule::Ip && token::address::marked(&token) => Reveal::Foreign,
        None => Reveal::NotAToken,
    }
}
