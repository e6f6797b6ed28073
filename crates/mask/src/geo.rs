//! Places: coordinates snapped to a grid of a tenth of a degree (11 km from north to south).

use crate::quantity;
use crate::types::{Format, Number};

/// One coordinate on the grid; `None`: it is none.
fn snap(text: &str) -> Option<String> {
    quantity::split(text)?;
    let degrees: f64 = text.parse().ok()?;
    if !(-180.0..=180.0).contains(&degrees) {
        return None;
    }
    let snapped = (degrees * 10.0).round() / 10.0;
    // No minus before zero.
    Some(format!("{:.1}", if snapped == 0.0 { 0.0 } else { snapped }))
}

/// A coordinate in a column of numbers.
pub(crate) fn number(number: Number, format: Format, raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let snapped = snap(&quantity::decode(number, format, raw)?)?;
    quantity::encode(number, format, &snapped, out)
}

/// `point`: `(x,y)`, or two doubles.
pub(crate) fn point(format: Format, raw: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match format {
        Format::Text => {
            let inner = std::str::from_utf8(raw)
                .ok()?
                .strip_prefix('(')?
                .strip_suffix(')')?;
            let (x, y) = inner.split_once(',')?;
            out.extend(format!("({},{})", snap(x)?, snap(y)?).bytes());
        }
        Format::Binary => {
            let (doubles, []) = raw.as_chunks::<8>() else {
                return None;
            };
            let &[x, y] = doubles else {
                return None;
            };
            for raw in [x, y] {
                number(Number::Float8, format, &raw, out)?;
            }
        }
    }
    Some(())
}

/// Coordinates in a text: `52.52, 13.405`, `(52.52,13.405)`, `POINT(13.405 52.52)`, or one alone.
pub(crate) fn text(raw: &str, out: &mut Vec<u8>) -> Option<()> {
    const MAX_CHARS: usize = 100;
    if raw.len() > MAX_CHARS {
        return None;
    }
    let start = raw.find(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))?;
    let (open, rest) = raw.split_at_checked(start)?;
    let end = rest.find(')').unwrap_or(rest.len());
    let (inner, close) = rest.split_at_checked(end)?;
    let form = matches!((open, close), ("", "") | ("(" | "POINT(" | "POINT (", ")"));
    let mut numbers = inner.split([',', ' ']).filter(|part| !part.is_empty());
    let (first, second) = (snap(numbers.next()?)?, numbers.next());
    if !form || numbers.next().is_some() {
        return None;
    }
    out.extend(open.bytes().chain(first.bytes()));
    if let Some(second) = second {
        let between = inner.find([',', ' ']).and_then(|at| inner.get(at..))?;
        let marks = between
            .find(|c: char| !matches!(c, ',' | ' '))
            .and_then(|at| between.get(..at))?;
        out.extend(marks.bytes().chain(snap(second)?.bytes()));
    }
    out.extend(close.bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_by_a_tenth_of_a_degree() {
        for (raw, expected) in [
            ("52.52, 13.405", Some("52.5, 13.4")),
            ("(52.52,13.405)", Some("(52.5,13.4)")),
            ("POINT(13.405 52.52)", Some("POINT(13.4 52.5)")),
            ("-0.01", Some("0.0")),
            ("-33.8688", Some("-33.9")),
            ("near the station", None),
            ("52.52, 13.405, 7", None),
            ("200.1", None),
            ("12 Main Street", None),
            ("(52.52, 13.405) home", None),
            ("52.52N", None),
        ] {
            let mut out = Vec::new();
            let done = text(raw, &mut out).map(|()| String::from_utf8(out).unwrap());
            assert_eq!(done.as_deref(), expected, "{raw}");
        }
        let mut out = Vec::new();
        point(Format::Text, b"(13.405,52.52)", &mut out).unwrap();
        assert_eq!(out, b"(13.4,52.5)");
        // As `point_send` of a real server has it.
        let raw = 0x402a_cf5c_28f5_c28f_404a_428f_5c28_f5c3u128.to_be_bytes();
        let mut out = Vec::new();
        point(Format::Binary, &raw, &mut out).unwrap();
        assert_eq!(
            out,
            0x402a_cccc_cccc_cccd_404a_4000_0000_0000u128.to_be_bytes()
        );
        assert_eq!(point(Format::Binary, &raw[..15], &mut out), None);
    }
}
