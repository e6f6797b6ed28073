//! Numbers: from PostgreSQL's formats to decimal text and back, and what they become.

use crate::types::{Format, Number};

/// Longest decimal text that is read.
const MAX_CHARS: usize = 400;

/// A number as decimal text: an optional sign, digits, an optional point and digits. `None`: it is malformed, too
/// long, infinite or none at all.
pub(crate) fn decode(number: Number, format: Format, raw: &[u8]) -> Option<String> {
    let text = || {
        std::str::from_utf8(raw)
            .ok()
            .filter(|text| text.len() <= MAX_CHARS)
    };
    match (number, format) {
        (Number::Int2 | Number::Int4 | Number::Int8, Format::Text) => {
            Some(text()?.parse::<i64>().ok()?.to_string())
        }
        (Number::Int2, Format::Binary) => {
            Some(i16::from_be_bytes(raw.try_into().ok()?).to_string())
        }
        (Number::Int4, Format::Binary) => {
            Some(i32::from_be_bytes(raw.try_into().ok()?).to_string())
        }
        (Number::Int8, Format::Binary) => {
            Some(i64::from_be_bytes(raw.try_into().ok()?).to_string())
        }
        (Number::Float4, Format::Text) => finite4(text()?.parse().ok()?),
        (Number::Float4, Format::Binary) => finite4(f32::from_be_bytes(raw.try_into().ok()?)),
        (Number::Float8, Format::Text) => finite8(text()?.parse().ok()?),
        (Number::Float8, Format::Binary) => finite8(f64::from_be_bytes(raw.try_into().ok()?)),
        (Number::Numeric(_), Format::Text) => text()
            .filter(|text| split(text).is_some())
            .map(str::to_owned),
        (Number::Numeric(_), Format::Binary) => numeric(raw),
    }
}

fn finite4(number: f32) -> Option<String> {
    number.is_finite().then(|| number.to_string())
}

fn finite8(number: f64) -> Option<String> {
    number.is_finite().then(|| number.to_string())
}

/// Appends decimal text as a number; `None` if it does not fit.
pub(crate) fn encode(number: Number, format: Format, text: &str, out: &mut Vec<u8>) -> Option<()> {
    match (number, format) {
        (Number::Int2, Format::Binary) => out.extend(text.parse::<i16>().ok()?.to_be_bytes()),
        (Number::Int4, Format::Binary) => out.extend(text.parse::<i32>().ok()?.to_be_bytes()),
        (Number::Int8, Format::Binary) => out.extend(text.parse::<i64>().ok()?.to_be_bytes()),
        (Number::Float4, Format::Binary) => out.extend(text.parse::<f32>().ok()?.to_be_bytes()),
        (Number::Float8, Format::Binary) => out.extend(text.parse::<f64>().ok()?.to_be_bytes()),
        (Number::Numeric(_), Format::Binary) => to_numeric(text, out)?,
        (Number::Int2, Format::Text) => out.extend(text.parse::<i16>().ok()?.to_string().bytes()),
        (Number::Int4, Format::Text) => out.extend(text.parse::<i32>().ok()?.to_string().bytes()),
        (Number::Int8, Format::Text) => out.extend(text.parse::<i64>().ok()?.to_string().bytes()),
        (Number::Float4 | Number::Float8, Format::Text) => {
            // As PostgreSQL does it: with an exponent from 16 digits on.
            const PLAIN: f64 = 1e15;
            let number: f64 = text.parse().ok()?;
            let text = if number.abs() < PLAIN {
                number.to_string()
            } else {
                format!("{number:e}").replacen('e', "e+", 1)
            };
            out.extend(text.bytes());
        }
        (Number::Numeric(_), Format::Text) => out.extend(text.bytes()),
    }
    Some(())
}

/// Sign, whole part and fraction of decimal text.
pub(crate) fn split(text: &str) -> Option<(bool, &str, &str)> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let some = !whole.is_empty() || !fraction.is_empty();
    (some && text.len() <= MAX_CHARS && digits(whole) && digits(fraction))
        .then_some((negative, whole, fraction))
}

/// The bucket of a number: its first digit with zeros for the others; of less than ten, zero. Without a fraction,
/// whose length would tell more.
pub(crate) fn bucket(text: &str) -> Option<String> {
    let (negative, whole, _) = split(text)?;
    let whole = whole.trim_start_matches('0');
    let mut out = String::with_capacity(text.len());
    match whole.chars().next() {
        Some(first) if whole.len() > 1 => {
            if negative {
                out.push('-');
            }
            out.push(first);
            out.extend(std::iter::repeat_n('0', whole.len() - 1));
        }
        _ => out.push('0'),
    }
    Some(out)
}

/// A bucket as values of a type are written: with as many zeros as the type has digits behind the point.
pub(crate) fn scaled(bucket: String, number: Number) -> String {
    match number.scale() {
        0 => bucket,
        scale => format!("{bucket}.{}", "0".repeat(scale)),
    }
}

/// `numeric_recv`'s signs.
const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;
/// Its digits are of base 10,000.
const GROUP: usize = 4;

fn numeric(raw: &[u8]) -> Option<String> {
    let (halves, []) = raw.as_chunks::<2>() else {
        return None;
    };
    let mut halves = halves.iter().map(|half| u16::from_be_bytes(*half));
    let (count, weight) = (usize::from(halves.next()?), halves.next()?.cast_signed());
    let (sign, scale) = (halves.next()?, usize::from(halves.next()?));
    if halves.len() != count || !matches!(sign, POSITIVE | NEGATIVE) || scale > MAX_CHARS / 2 {
        return None;
    }
    let groups: Vec<u16> = halves.collect();
    let widest = (MAX_CHARS / 2 / GROUP) as i32;
    if groups.iter().any(|group| *group > 9_999) || !(-widest..widest).contains(&i32::from(weight))
    {
        return None;
    }
    let group = |power: i32| {
        let at = usize::try_from(i32::from(weight) - power).ok();
        let group = at.and_then(|at| groups.get(at)).copied().unwrap_or(0);
        format!("{group:04}")
    };
    let whole: String = (0..=i32::from(weight).max(0)).rev().map(group).collect();
    let fraction: String = (1..=scale.div_ceil(GROUP) as i32)
        .map(|power| group(-power))
        .collect();
    let whole = whole.trim_start_matches('0');
    let mut out = String::new();
    if sign == NEGATIVE {
        out.push('-');
    }
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        out.push('.');
        out.push_str(fraction.get(..scale)?);
    }
    Some(out)
}

fn to_numeric(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (negative, whole, fraction) = split(text)?;
    let scale = fraction.len();
    let digits = [
        "0".repeat(whole.len().next_multiple_of(GROUP) - whole.len()),
        whole.to_owned(),
        fraction.to_owned(),
        "0".repeat(scale.next_multiple_of(GROUP) - scale),
    ]
    .concat();
    let groups: Option<Vec<u16>> = digits
        .as_bytes()
        .as_chunks::<GROUP>()
        .0
        .iter()
        .map(|group| std::str::from_utf8(group).ok()?.parse().ok())
        .collect();
    let groups = groups?;
    let mut weight = i16::try_from(whole.len().div_ceil(GROUP)).ok()? - 1;
    let leading = groups.iter().take_while(|group| **group == 0).count();
    let trailing = groups
        .iter()
        .skip(leading)
        .rev()
        .take_while(|group| **group == 0)
        .count();
    let kept = groups.len() - leading - trailing;
    weight = if kept == 0 {
        0
    } else {
        weight - i16::try_from(leading).ok()?
    };
    let sign = if negative && kept > 0 {
        NEGATIVE
    } else {
        POSITIVE
    };
    let head = [
        u16::try_from(kept).ok()?,
        weight.cast_unsigned(),
        sign,
        u16::try_from(scale).ok()?,
    ];
    let kept = groups.into_iter().skip(leading).take(kept);
    out.extend(head.into_iter().chain(kept).flat_map(u16::to_be_bytes));
    Some(())
}

#[cfg(test)]
mod tests;
