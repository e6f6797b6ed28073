//! Tokens turned back, in the wire format they came in.

use zeroize::Zeroizing;

use crate::Reveal;
use crate::cell::{read_address, text_of, write_address};
use crate::key::{Keys, TokenKey};
use crate::label::{Label, Rule};
use crate::token::{self, Read};
use crate::types::{Format, Scalar, Shape};

/// What a token stands for, in the wire format it came in.
pub(crate) fn value(
    keys: &Keys,
    label: &Label,
    shape: Shape,
    format: Format,
    value: &[u8],
) -> Reveal {
    match shape {
        Shape::Scalar(of) => scalar(keys, label, of, format, value),
        Shape::Array(element, oid) => array(keys, label, (element, oid), format, value),
        Shape::Opaque => Reveal::NotAToken,
    }
}

fn scalar(keys: &Keys, label: &Label, of: Scalar, format: Format, value: &[u8]) -> Reveal {
    let text = match of {
        Scalar::Text(_) => text_of(value),
        Scalar::Padded(_) => text_of(value).map(|text| text.trim_end_matches(' ')),
        Scalar::Inet => return address(keys, label, format, 0, value),
        Scalar::Cidr => return address(keys, label, format, 1, value),
        // A document is not one value; one that holds a token would store it as text.
        Scalar::Json | Scalar::Jsonb if holds_marked(label.rule(), value) => {
            return Reveal::Foreign;
        }
        Scalar::Json
        | Scalar::Jsonb
        | Scalar::Uuid
        | Scalar::Mac
        | Scalar::Number(_)
        | Scalar::Moment(_)
        | Scalar::Point => None,
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
fn array(
    keys: &Keys,
    label: &Label,
    (element, oid): (Scalar, u32),
    format: Format,
    value: &[u8],
) -> Reveal {
    let (mut tokens, mut others, mut foreign) = (false, false, false);
    let mut out = Zeroizing::new(Vec::with_capacity(value.len()));
    let mut each = |value: &[u8], out: &mut Vec<u8>| {
        match scalar(keys, label, element, format, value) {
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
        Format::Text => crate::array::text(value, &mut out, &mut each),
        Format::Binary => crate::array::binary(value, oid, &mut out, &mut each),
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

fn address(keys: &Keys, label: &Label, format: Format, cidr: u8, value: &[u8]) -> Reveal {
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
