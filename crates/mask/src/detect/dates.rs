//! Dates and moments as texts write them.

use super::ids::sums::{month_day, number};

/// A date that was read: its year, and whether a time of day follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: u32,
    pub(crate) timed: bool,
}

/// Reads a whole text as a date: `2024-05-12`, `12.05.2024`, `05/12/2024`, `12 May 2024`, with or without a time.
pub(crate) fn date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let first = bytes.first()?;
    if text.len() < 8 || text.len() > 40 || !(first.is_ascii_alphanumeric()) {
        return None;
    }
    let digits = |from: usize, length: usize| {
        bytes
            .get(from..from + length)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    if digits(0, 4) && matches!(bytes.get(4), Some(b'-' | b'/' | b'.')) && digits(5, 1) {
        let (month, after) = short(bytes, 5)?;
        let (day, end) = short(bytes, after + 1)?;
        return finish(number(bytes, 0, 4), month, day, text.get(end..)?);
    }
    if digits(0, 1) && matches!(bytes.get(1), Some(b'0'..=b'9' | b'-' | b'/' | b'.')) {
        let (a, after) = short(bytes, 0)?;
        if matches!(bytes.get(after), Some(b'-' | b'/' | b'.')) {
            let (b, end) = short(bytes, after + 1)?;
            if matches!(bytes.get(end), Some(b'-' | b'/' | b'.')) && digits(end + 1, 4) {
                let year = number(bytes, end + 1, 4);
                let (month, day) = if month_day(a, b) { (a, b) } else { (b, a) };
                return finish(year, month, day, text.get(end + 5..)?);
            }
        }
    }
    named(text)
}

/// One or two digits at a place, and where they end.
fn short(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let length = (0..2)
        .take_while(|nth| bytes.get(at + nth).is_some_and(u8::is_ascii_digit))
        .count();
    (length > 0 && !bytes.get(at + length).is_some_and(u8::is_ascii_digit) || length == 2)
        .then(|| (number(bytes, at, length), at + length))
}

fn finish(year: u64, month: u64, day: u64, rest: &str) -> Option<Date> {
    let timed = !rest.is_empty();
    let separated = rest.starts_with(['T', ' ', ',']);
    if !(1800..=2200).contains(&year) || !month_day(month, day) || (timed && !separated) {
        return None;
    }
    let clock = rest.trim_start_matches(['T', ' ', ',']);
    if timed && !(clock.as_bytes().first()?.is_ascii_digit() && clock.contains(':')) {
        return None;
    }
    // Midnight is how a date alone looks after a cast.
    Some(Date {
        year: u32::try_from(year).ok()?,
        timed: timed && !clock.starts_with("00:00"),
    })
}

/// `12 May 2024`, `May 12, 2024`, `12-Mar-1980`.
fn named(text: &str) -> Option<Date> {
    const MONTHS: &[&str] = &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mai",
        "okt", "dez",
    ];
    let parts: Vec<&str> = text
        .split([' ', '-', ',', '.', '/'])
        .filter(|part| !part.is_empty())
        .collect();
    let [a, b, c] = parts.as_slice() else {
        return None;
    };
    let is_month = |word: &str| {
        word.get(..3)
            .is_some_and(|head| MONTHS.iter().any(|m| m.eq_ignore_ascii_case(head)))
    };
    let is_day = |word: &str| {
        word.trim_end_matches(|c: char| c.is_alphabetic())
            .parse::<u32>()
            .is_ok_and(|d| (1..=31).contains(&d))
    };
    let year: u32 = c.parse().ok().filter(|year| (1800..=2200).contains(year))?;
    ((is_month(a) && is_day(b)) || (is_day(a) && is_month(b)))
        .then_some(Date { year, timed: false })
}

/// Numbers of seconds or milliseconds since 1970 that fall between 2001 and 2040.
pub(crate) fn is_epoch(text: &str) -> bool {
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    let seconds = match whole.len() {
        10 => whole.parse::<u64>().ok(),
        13 => whole.parse::<u64>().ok().map(|ms| ms / 1000),
        16 => whole.parse::<u64>().ok().map(|us| us / 1_000_000),
        _ => None,
    };
    seconds.is_some_and(|s| (1_000_000_000..2_210_000_000).contains(&s))
}
