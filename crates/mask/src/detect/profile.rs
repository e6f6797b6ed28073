//! A column's sample, looked at.

use std::collections::BTreeSet;

use super::look::{self, Look};

/// Most distinct values that are looked at.
const MAX_DISTINCT: usize = 400;
/// More values than this do not make a judgement surer: they are of one origin.
const ENOUGH: f32 = 25.0;

/// What a sample shows.
#[derive(Debug, Default)]
pub(crate) struct Profile<'a> {
    pub(crate) values: Vec<&'a str>,
    pub(crate) looks: Vec<Look>,
}

impl<'a> Profile<'a> {
    /// Looks at the distinct values, at some of them when there are many; which ones does not depend on their order.
    pub(crate) fn of(values: impl Iterator<Item = &'a str>) -> Self {
        let distinct: BTreeSet<&str> = values
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect();
        let mut values: Vec<&str> = distinct.into_iter().collect();
        if values.len() > MAX_DISTINCT {
            values.sort_by_key(|value| hash(value));
            values.truncate(MAX_DISTINCT);
            values.sort_unstable();
        }
        let looks = values.iter().map(|value| look::look(value)).collect();
        Self { values, looks }
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// How many values a predicate holds for.
    pub(crate) fn count(&self, holds: impl Fn(&Look) -> bool) -> usize {
        self.looks.iter().filter(|look| holds(look)).count()
    }

    /// The part of values it holds for; 0 without values.
    pub(crate) fn share(&self, holds: impl Fn(&Look) -> bool) -> f32 {
        ratio(self.count(holds), self.len())
    }

    /// The mean of a score over the values; 0 without values.
    pub(crate) fn mean(&self, score: impl Fn(&Look) -> f32) -> f32 {
        let sum: f32 = self.looks.iter().map(score).sum();
        if self.looks.is_empty() {
            0.0
        } else {
            sum / to_f32(self.looks.len())
        }
    }

    /// Log-likelihood ratio of a check that passes with `real` where the column is of the kind and `chance` where not.
    pub(crate) fn odds(&self, passed: usize, real: f32, chance: f32) -> f32 {
        likelihood(passed, self.len(), real, chance)
    }

    /// How much a mean over the values is worth, 0 to 1.
    pub(crate) fn trust(&self) -> f32 {
        (to_f32(self.len()) / 6.0).min(1.0)
    }
}

/// See [`Profile::odds`]; beyond [`ENOUGH`] values only the share counts.
pub(crate) fn likelihood(passed: usize, of: usize, real: f32, chance: f32) -> f32 {
    if of == 0 {
        return 0.0;
    }
    let (passed, of) = (to_f32(passed), to_f32(of));
    let scale = (ENOUGH / of).min(1.0);
    scale * (passed * (real / chance).ln() + (of - passed) * ((1.0 - real) / (1.0 - chance)).ln())
}

pub(crate) fn ratio(part: usize, whole: usize) -> f32 {
    if whole == 0 {
        0.0
    } else {
        to_f32(part) / to_f32(whole)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
pub(crate) fn to_f32(count: usize) -> f32 {
    count as f32
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
        (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}
