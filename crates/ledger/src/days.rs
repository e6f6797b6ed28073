//! Whole days, UTC: the grain of what can be erased and held.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Error;
use crate::time::{civil, days_before};

/// Nanoseconds of a day; UTC as computers keep it has no leap seconds.
const DAY_NS: u64 = 86_400_000_000_000;

/// A day, UTC, counted from 1970-01-01. Written `2026-11-21`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u64);

impl Day {
    /// The day of a time, nanoseconds since 1970 UTC.
    #[must_use]
    pub fn of(at_ns: u64) -> Day {
        Day(at_ns / DAY_NS)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = Error;

    fn from_str(text: &str) -> Result<Day, Error> {
        let bad = Error::BadDay(text.to_owned());
        let number = |range: std::ops::Range<usize>| {
            let digits = text.get(range)?;
            let all = digits.bytes().all(|byte| byte.is_ascii_digit());
            all.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let (Some(year), Some(month), Some(day)) = (number(0..4), number(5..7), number(8..10))
        else {
            return Err(bad);
        };
        if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(bad);
        }
        let found = Day(days_before(year, month, day));
        // A day that the month does not have, or another form, reads differently.
        if found.to_string() == text {
            Ok(found)
        } else {
            Err(bad)
        }
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A range of days, both ends included; without an end where that is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    /// The first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Day>,
    /// The last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

impl Days {
    /// Whether `day` is one of them.
    #[must_use]
    pub fn contain(&self, day: Day) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// Whether a day is in both.
    #[must_use]
    pub fn overlap(&self, other: &Days) -> bool {
        let before = |until: Option<Day>, from: Option<Day>| match (until, from) {
            (Some(until), Some(from)) => until < from,
            (None, _) | (_, None) => false,
        };
        !before(self.until, other.from) && !before(other.until, self.from)
    }

    /// Whether the last day comes before the first, so that there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!((self.from, self.until), (Some(from), Some(until)) if until < from)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.until) {
            (None, None) => f.write_str("all days"),
            (Some(from), None) => write!(f, "{from} and later"),
            (None, Some(until)) => write!(f, "until {until}"),
            (Some(from), Some(until)) if from == until => write!(f, "{from}"),
            (Some(from), Some(until)) => write!(f, "{from} to {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: Option<u64>, until: Option<u64>) -> Days {
        Days {
            from: from.map(Day),
            until: until.map(Day),
        }
    }

    #[test]
    fn a_day_reads_as_it_is_written() {
        for day in (0..200_000).step_by(7) {
            assert_eq!(Day(day).to_string().parse::<Day>().unwrap(), Day(day));
        }
        assert_eq!("2026-11-21".parse::<Day>().unwrap(), Day(20_778));
        for bad in [
            "2026-02-29",
            "2026-2-3",
            "1969-12-31",
            "2026-13-01",
            "26-01-01",
            "2026-01-01 ",
            "2026/01/01",
            "",
        ] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }

    #[test]
    fn two_ranges_overlap_when_a_day_is_in_both() {
        let ends = [None, Some(3), Some(5), Some(6)];
        let ranges: Vec<Days> = ends
            .iter()
            .flat_map(|from| ends.iter().map(move |until| days(*from, *until)))
            .filter(|range| !range.is_empty())
            .collect();
        for a in &ranges {
            for b in &ranges {
                let both = (0..10).any(|day| a.contain(Day(day)) && b.contain(Day(day)));
                assert_eq!(a.overlap(b), both, "{a} and {b}");
            }
        }
    }
}
