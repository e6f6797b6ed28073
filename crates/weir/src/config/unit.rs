//! Sizes and times as people write them: `64MiB`, `1500`, `10s`, `5m`.

use std::time::Duration;

/// Bytes: a number with `B`, `kB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, or a plain
/// number of bytes.
pub fn bytes(text: &str) -> Result<u64, String> {
    let units = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];
    let (number, unit) = split(text);
    let factor = match units.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() => 1,
        None => {
            return Err(format!(
                "\"{text}\" is not a size: write \"64MiB\", \"500kB\" or a number of bytes"
            ));
        }
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| {
            format!("\"{text}\" is not a size: write \"64MiB\", \"500kB\" or a number of bytes")
        })
}

/// A time: a number with `ms`, `s`, `m`, `h` or `d`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let units = [
        ("ms", 1),
        ("s", 1_000),
        ("m", 60_000),
        ("h", 3_600_000),
        ("d", 86_400_000),
    ];
    let (number, unit) = split(text);
    let factor = units
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, factor)| *factor);
    factor
        .zip(number.parse::<u64>().ok())
        .and_then(|(factor, n)| n.checked_mul(factor))
        .map(Duration::from_millis)
        .ok_or_else(|| {
            format!(
                "\"{text}\" is not a time: write \"250ms\", \"10s\", \"5m\", \"12h\" or \"90d\""
            )
        })
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        for (text, size) in [
            ("0", Some(0)),
            ("1500", Some(1500)),
            ("1MiB", Some(1 << 20)),
            ("64 MiB", Some(64 << 20)),
            ("2kB", Some(2000)),
            ("1mib", None),
            ("MiB", None),
            ("-1", None),
            ("1.5MiB", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(bytes(text).ok(), size, "{text}");
        }
    }

    #[test]
    fn reads_times() {
        for (text, ms) in [
            ("250ms", Some(250)),
            ("10s", Some(10_000)),
            ("90d", Some(7_776_000_000)),
            ("10", None),
            ("s", None),
            ("1 month", None),
        ] {
            assert_eq!(duration(text).ok().map(|d| d.as_millis()), ms, "{text}");
        }
    }
}
