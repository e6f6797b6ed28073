//! One value: by type and format to what is digested, and to the token or stand-in of that type.

use crate::array;
use crate::calendar;
use crate::geo;
use crate::json;
use crate::key::{Keys, TokenKey};
use crate::label::{Label, Rule};
use crate::network::{self, Address};
use crate::prose;
use crate::quantity;
use crate::stand_in;
use crate::token;
use crate::types::{Format, Number, Scalar, Shape};

/// How values under a label are masked.
#[derive(Clone, Copy)]
pub(crate) struct Means<'k> {
    pub rule: Rule,
    pub key: &'k TokenKey,
    /// Of all labels: parts of a value may have others.
    pub keys: &'k Keys,
    /// Whether parts are looked for; not in a value that is too long for it.
    pub searched: bool,
}

impl<'k> Means<'k> {
    pub(crate) fn new(keys: &'k Keys, label: &Label) -> Self {
        Self {
            rule: label.rule(),
            key: keys.of(label),
            keys,
            searched: true,
        }
    }

    /// How values of another label are, in the same scope.
    pub(crate) fn of(self, label: &Label) -> Self {
        Self::new(self.keys, label)
    }
}

/// Years of a birth's bucket, and of other dates'.
const BIRTH_YEARS: i64 = 5;
const DATE_YEARS: i64 = 1;

/// Appends the masked value, or answers `None` for NULL; then `out` may hold a torso.
pub(crate) fn mask(
    means: Means<'_>,
    shape: Shape,
    format: Format,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let means = Means {
        searched: raw.len() <= prose::MAX_BYTES,
        ..means
    };
    match shape {
        Shape::Scalar(scalar) => one(means, scalar, format, raw, out),
        Shape::Array(element, _) if !has_stand_in(means.rule, element) => None,
        Shape::Array(element, oid) => {
            let each = |raw: &[u8], out: &mut Vec<u8>| one(means, element, format, raw, out);
            match format {
                Format::Text => array::text(raw, out, each),
                Format::Binary => array::binary(raw, oid, out, each),
            }
        }
        Shape::Opaque => None,
    }
}

/// Does the rule make values of the type at all?
fn has_stand_in(rule: Rule, scalar: Scalar) -> bool {
    let constant = rule == Rule::Redact || rule.is_bucket() || rule == Rule::Secret;
    match scalar {
        Scalar::Text(_) | Scalar::Padded(_) => true,
        // The shape of a document is more than other rules release.
        Scalar::Json | Scalar::Jsonb => matches!(rule, Rule::Json | Rule::Text),
        Scalar::Uuid => !constant,
        Scalar::Inet | Scalar::Cidr => rule == Rule::Ip,
        Scalar::Mac => rule == Rule::Mac,
        Scalar::Number(number) => match rule {
            Rule::Number | Rule::Geo => true,
            Rule::Birth | Rule::Phone | Rule::Ssn | Rule::Card | Rule::Document => {
                number.digits() > 0
            }
            _ => false,
        },
        Scalar::Moment(_) => matches!(rule, Rule::Birth | Rule::Date),
        Scalar::Point => rule == Rule::Geo,
    }
}

/// One value that is no array. What comes out is not what went in, except in a bucket.
fn one(
    means: Means<'_>,
    scalar: Scalar,
    format: Format,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let start = out.len();
    self::scalar(means, scalar, format, raw, out)?;
    (means.rule.may_keep() || out.get(start..) != Some(raw)).then_some(())
}

fn scalar(
    means: Means<'_>,
    scalar: Scalar,
    format: Format,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    if !has_stand_in(means.rule, scalar) {
        return None;
    }
    match scalar {
        Scalar::Text(chars) => text(means, chars, text_of(raw)?, out),
        Scalar::Padded(chars) => padded(means, chars, text_of(raw)?, out),
        Scalar::Json => json::mask(means, text_of(raw)?, out),
        Scalar::Jsonb => match format {
            Format::Text => json::mask(means, text_of(raw)?, out),
            Format::Binary => {
                let (version, document) = raw.split_first()?;
                if *version != JSONB_VERSION {
                    return None;
                }
                out.push(JSONB_VERSION);
                json::mask(means, text_of(document)?, out)
            }
        },
        Scalar::Uuid => uuid(means.key, format, raw, out),
        Scalar::Inet => address(means.key, format, raw, 0, out),
        Scalar::Cidr => address(means.key, format, raw, 1, out),
        Scalar::Mac => mac(means.key, format, raw, out),
        Scalar::Number(number) => self::number(means, number, format, raw, out),
        Scalar::Moment(moment) => calendar::mask(moment, years(means.rule), format, raw, out),
        Scalar::Point => geo::point(format, raw, out),
    }
}

/// `jsonb_send`'s version byte.
const JSONB_VERSION: u8 = 1;

/// PostgreSQL's text is UTF-8 without NUL.
pub(crate) fn text_of(raw: &[u8]) -> Option<&str> {
    std::str::from_utf8(raw)
        .ok()
        .filter(|text| !text.contains('\0'))
}

fn text(means: Means<'_>, chars: usize, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let special = match means.rule {
        Rule::Text => prose::mask(means, raw, out),
        Rule::Json => json::mask(means, raw, out),
        Rule::Number => quantity::bucket(raw).map(|bucket| out.extend(bucket.bytes())),
        Rule::Geo => geo::text(raw, out),
        Rule::Birth | Rule::Date => calendar::text(raw, years(means.rule), out),
        _ => None,
    };
    if special.is_some() {
        let written = out.get(start..)?;
        if written.len() <= chars || std::str::from_utf8(written).ok()?.chars().count() <= chars {
            return Some(());
        }
    }
    out.truncate(start);
    token_or_stand_in(means, raw, chars, out)
}

fn years(rule: Rule) -> i64 {
    match rule {
        Rule::Birth => BIRTH_YEARS,
        _ => DATE_YEARS,
    }
}

/// A token where the rule has one and there is room, else a stand-in.
pub(crate) fn token_or_stand_in(
    means: Means<'_>,
    raw: &str,
    chars: usize,
    out: &mut Vec<u8>,
) -> Option<()> {
    let start = out.len();
    if let Some(cipher) = means.key.cipher()
        && token::write(means.rule, cipher, raw, chars, out).is_some()
    {
        return Some(());
    }
    out.truncate(start);
    stand_in::write(means.rule, means.key, digest(means, raw), chars, raw, out)
}

/// The digest of a text: of what it means where the rule knows another type for it.
fn digest(Means { rule, key, .. }: Means<'_>, raw: &str) -> [u8; 32] {
    match rule {
        // Draws nothing.
        Rule::Redact | Rule::Birth | Rule::Date | Rule::Number | Rule::Geo => [0; 32],
        Rule::Ip => match Address::parse(raw) {
            Some(address) => address_digest(key, &address),
            None => key.digest([raw.as_bytes()]),
        },
        Rule::Mac => match network::parse_mac(raw) {
            Some(mac) => mac_digest(key, &mac),
            None => key.digest([raw.as_bytes()]),
        },
        _ => match network::parse_uuid(raw) {
            Some(uuid) => uuid_digest(key, &uuid),
            None => key.digest([raw.as_bytes()]),
        },
    }
}

fn uuid_digest(key: &TokenKey, uuid: &[u8; 16]) -> [u8; 32] {
    key.digest([b"\0uuid".as_slice(), uuid])
}

fn mac_digest(key: &TokenKey, mac: &[u8; 6]) -> [u8; 32] {
    key.digest([b"\0mac".as_slice(), mac])
}

fn address_digest(key: &TokenKey, address: &Address) -> [u8; 32] {
    let parts = address.parts();
    key.digest(parts.iter().map(<[u8; 8]>::as_slice))
}

/// `character(n)` is filled up with blanks to its length, which is the raw value's.
fn padded(means: Means<'_>, chars: usize, raw: &str, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    text(means, chars, raw.trim_end_matches(' '), out)?;
    if chars != usize::MAX {
        let length = raw.chars().count().min(chars);
        let written = std::str::from_utf8(out.get(start..)?).ok()?.chars().count();
        out.resize(out.len() + length.saturating_sub(written), b' ');
    }
    Some(())
}

/// A number: a bucket, a place, a year, or one that names somebody.
fn number(
    means: Means<'_>,
    number: Number,
    format: Format,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    if means.rule == Rule::Geo {
        return geo::number(number, format, raw, out);
    }
    let text = quantity::decode(number, format, raw)?;
    let masked = match means.rule {
        Rule::Number => quantity::scaled(quantity::bucket(&text)?, number),
        Rule::Birth => calendar::first_of(text.parse().ok()?, BIRTH_YEARS)?.to_string(),
        rule => {
            // Only whole numbers name somebody.
            let whole = text.parse::<i128>().ok()?.to_string();
            let digest = means.key.digest([whole.as_bytes()]);
            let mut drawn = Vec::new();
            stand_in::whole(rule, means.key, digest, number.digits(), &whole, &mut drawn)?;
            String::from_utf8(drawn).ok()?
        }
    };
    quantity::encode(number, format, &masked, out)
}

fn uuid(key: &TokenKey, format: Format, raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match format {
        Format::Text => {
            let text = text_of(raw)?;
            let digest = uuid_digest(key, &network::parse_uuid(text)?);
            stand_in::write(Rule::Uuid, key, digest, usize::MAX, text, out)
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

fn mac(key: &TokenKey, format: Format, raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match format {
        Format::Text => {
            let text = text_of(raw)?;
            let digest = mac_digest(key, &network::parse_mac(text)?);
            stand_in::write(Rule::Mac, key, digest, usize::MAX, text, out)
        }
        Format::Binary => {
            let digest = mac_digest(key, raw.try_into().ok()?);
            out.extend_from_slice(&stand_in::mac_bytes(&digest));
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

pub(crate) fn read_address(format: Format, raw: &[u8]) -> Option<Address> {
    match format {
        Format::Text => Address::parse(text_of(raw)?),
        Format::Binary => Address::from_wire(raw),
    }
}

pub(crate) fn write_address(address: &Address, format: Format, cidr: u8, out: &mut Vec<u8>) {
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
