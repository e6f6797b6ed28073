//! Times in entries: RFC 3339, UTC, nanoseconds.

use std::io::Write;

/// Bytes of a formatted time.
pub(crate) const BYTES: usize = 30;

/// Nanoseconds since 1970 UTC of a time as it stands in an entry; `None` of anything else.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let bytes: &[u8; BYTES] = text.as_bytes().try_into().ok()?;
    let number = |place: std::ops::Range<usize>| {
        bytes.get(place)?.iter().try_fold(0_u64, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
            Some(number * 10 + digit)
        })
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    // Days from 1970-03-01 in years that begin with March, which end with the leap day.
    let (year, month) = if month < 3 {
        (year.checked_sub(1)?, month + 9)
    } else {
        (year, month.checked_sub(3)?)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    let seconds = days * 86_400 + number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    let at_ns = seconds
        .checked_mul(1_000_000_000)?
        .checked_add(number(20..29)?)?;
    // What is not written the same way was no time.
    let mut written = Vec::with_capacity(BYTES);
    write(at_ns, &mut written).ok()?;
    (written == bytes).then_some(at_ns)
}

/// Writes nanoseconds since 1970 UTC as `2026-11-21T01:03:52.123456789Z`.
///
/// # Errors
/// Those of `out`.
pub fn write(at_ns: u64, out: &mut impl Write) -> std::io::Result<()> {
    let seconds = at_ns / 1_000_000_000;
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    let fields = [
        (0..4, year),
        (5..7, month),
        (8..10, day),
        (11..13, hour),
        (14..16, minute),
        (17..19, second),
        (20..29, at_ns % 1_000_000_000),
    ];
    for (place, mut value) in fields {
        for digit in text.get_mut(place).unwrap_or_default().iter_mut().rev() {
            // A remainder of ten is a digit.
            *digit = b'0' | (value % 10) as u8;
            value /= 10;
        }
    }
    out.write_all(&text)
}

/// Days since 1970-01-01 to year, month, day in the proleptic Gregorian calendar
/// (days are counted from 0000-03-01, in eras of 400 years).
pub(crate) fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The inverse of [`civil`], for months 1 to 12 and years from 1970 on.
pub(crate) fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    days.saturating_sub(719_468)
}

#[cfg(test)]
mod tests {
    fn check(at_ns: u64, expected: &str) {
        let mut out = Vec::new();
        super::write(at_ns, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(expected.len(), super::BYTES);
        assert_eq!(super::parse(expected), Some(at_ns));
    }

    #[test]
    fn formats_like_date() {
        check(0, "1970-01-01T00:00:00.000000000Z");
        check(951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z");
        check(1_000_000_000_000_000_000, "2001-09-09T01:46:40.000000000Z");
        check(1_795_215_000_123_000_000, "2026-11-20T22:50:00.123000000Z");
        check(4_107_542_399_999_999_999, "2100-02-28T23:59:59.999999999Z");
        check(u64::MAX, "2554-07-21T23:34:33.709551615Z");
    }

    #[test]
    fn what_is_no_time_is_not_read_as_one() {
        for text in [
            "",
            "2026-11-20T22:50:00Z",
            "2026-02-29T00:00:00.000000000Z",
            "2026-13-01T00:00:00.000000000Z",
            "2026-00-01T00:00:00.000000000Z",
            "2026-11-20T24:00:00.000000000Z",
            "2026-11-20T22:50:00.12345678xZ",
            "2026-11-20 22:50:00.123456789Z",
            "0000-01-01T00:00:00.000000000Z",
            "1969-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59.999999999Z",
        ] {
            assert_eq!(super::parse(text), None, "{text}");
        }
    }
}
