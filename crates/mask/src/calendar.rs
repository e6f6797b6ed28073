//! Dates and timestamps: the first day of the years they lie in.

use crate::types::{Format, Moment};

/// Days from 1 January 1970 to PostgreSQL's epoch, 1 January 2000.
const EPOCH_DAYS: i64 = 10_957;
const DAY_MICROS: i64 = 86_400_000_000;
/// Years that are written with four digits.
const YEARS: std::ops::RangeInclusive<i64> = 1..=9_999;

/// Appends the first moment of the span of `years` years that a moment lies in. `None`: it is malformed, infinite,
/// or not of four digits.
pub(crate) fn mask(
    moment: Moment,
    years: i64,
    format: Format,
    raw: &[u8],
    out: &mut Vec<u8>,
) -> Option<()> {
    let year = match format {
        Format::Text => text_year(std::str::from_utf8(raw).ok()?)?,
        Format::Binary => match moment {
            Moment::Date => civil_year(i64::from(i32::from_be_bytes(raw.try_into().ok()?)))?,
            Moment::Timestamp | Moment::TimestampTz => {
                civil_year(i64::from_be_bytes(raw.try_into().ok()?).div_euclid(DAY_MICROS))?
            }
        },
    };
    let first = first_of(year, years)?;
    let days = days_of(first, 1, 1);
    match (format, moment) {
        (Format::Binary, Moment::Date) => out.extend(i32::try_from(days).ok()?.to_be_bytes()),
        (Format::Binary, Moment::Timestamp | Moment::TimestampTz) => {
            out.extend(days.checked_mul(DAY_MICROS)?.to_be_bytes());
        }
        (Format::Text, Moment::Date) => out.extend(format!("{first:04}-01-01").bytes()),
        (Format::Text, Moment::Timestamp) => {
            out.extend(format!("{first:04}-01-01 00:00:00").bytes())
        }
        (Format::Text, Moment::TimestampTz) => {
            out.extend(format!("{first:04}-01-01 00:00:00+00").bytes());
        }
    }
    Some(())
}

/// The same of a date in a text, as a date.
pub(crate) fn text(raw: &str, years: i64, out: &mut Vec<u8>) -> Option<()> {
    let first = first_of(text_year(raw)?, years)?;
    out.extend(format!("{first:04}-01-01").bytes());
    Some(())
}

/// The first year of the span that a year lies in.
pub(crate) fn first_of(year: i64, years: i64) -> Option<i64> {
    let first = (year - year.rem_euclid(years)).max(1);
    YEARS.contains(&year).then_some(first)
}

/// The year, in UTC, of a date or timestamp in ISO 8601 as PostgreSQL writes it (`DateStyle` ISO).
pub(crate) fn text_year(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = date.get(range)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let dashes = date.get(4..5) == Some("-") && date.get(7..8) == Some("-");
    if !dashes || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if rest.is_empty() {
        return Some(year);
    }
    let clock = rest.strip_prefix([' ', 'T'])?;
    let zone = clock.find(['+', '-', 'Z']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at_checked(zone)?;
    let seconds = sexagesimal(clock)?;
    let offset = match zone.split_at_checked(1) {
        None => 0,
        Some(("Z", "")) => 0,
        Some(("+", zone)) => sexagesimal(zone)?,
        Some(("-", zone)) => -sexagesimal(zone)?,
        Some(_) => return None,
    };
    let seconds = (days_of(year, month, day) + EPOCH_DAYS) * 86_400 + seconds - offset;
    civil_year(seconds.div_euclid(86_400) - EPOCH_DAYS)
}

/// `HH`, `HH:MM` or `HH:MM:SS` with a fraction, in seconds.
fn sexagesimal(text: &str) -> Option<i64> {
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (mut total, mut unit) = (0, 3_600);
    for part in text.split(':') {
        if part.len() != 2 || !digits(part) || unit == 0 {
            return None;
        }
        total += part.parse::<i64>().ok()? * unit;
        unit /= 60;
    }
    digits(fraction).then_some(total)
}

/// The year of a day counted from 2000 (Howard Hinnant, `civil_from_days`).
fn civil_year(days: i64) -> Option<i64> {
    let shifted = days.checked_add(EPOCH_DAYS)?.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Years begin in March here: January and February are its last months.
    let january = (5 * day_of_year + 2) / 153 >= 10;
    let year = year_of_era + era * 400 + i64::from(january);
    YEARS.contains(&year).then_some(year)
}

/// Days from 2000 to a date (`days_from_civil`).
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468 - EPOCH_DAYS
}

#[cfg(test)]
mod tests;
