//! How much a sample tells, whatever it tells.

use std::collections::HashMap;

/// What there was to judge a column by. A value that has neither letter nor digit, and a document without one in its
/// leaves, tells nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Different values that tell something.
    pub distinct: usize,
    /// Values that tell something and are not the commonest one, equal ones too: of a default that few rows differ from,
    /// there are few.
    pub uncommon: usize,
    /// Parts of documents were passed over: unreadable, too deep, too many paths, keys that are data; or a path held
    /// nothing that tells.
    pub in_part: bool,
}

impl Amount {
    pub(crate) fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut all = 0;
        for value in values.map(str::trim).filter(|value| tells(value)) {
            all += 1;
            *counts.entry(value).or_default() += 1;
        }
        Self {
            distinct: counts.len(),
            uncommon: all - counts.values().copied().max().unwrap_or(0),
            in_part: false,
        }
    }
}

/// Whether there is anything to judge in a value.
pub(crate) fn tells(value: &str) -> bool {
    value.chars().any(char::is_alphanumeric)
}
