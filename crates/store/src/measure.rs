//! Counting without locks: cells that one thread writes and any may read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of a histogram's buckets: 1 µs, and each twice the one before, up to
/// four seconds. One more takes the rest.
pub const BOUNDS: usize = 23;

/// A number that only grows. One thread adds to it; adding is a load and a store.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds; by the one thread that does.
    pub fn add(&self, more: u64) {
        let sum = self.0.load(Ordering::Relaxed).wrapping_add(more);
        self.0.store(sum, Ordering::Relaxed);
    }

    /// What it is.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long things took. One thread records.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Count; BOUNDS + 1],
    sum_ns: Count,
}

impl Histogram {
    /// Records one time; by the one thread that does.
    pub fn record(&self, time: Duration) {
        let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let us = ns.div_ceil(1000);
        // The least power of two that is not below.
        let bucket = match us {
            0 | 1 => 0,
            more => 64 - (more - 1).leading_zeros() as usize,
        };
        if let Some(count) = self.buckets.get(bucket.min(BOUNDS)) {
            count.add(1);
        }
        self.sum_ns.add(ns);
    }

    /// Adds what was recorded to `sum`.
    pub fn add_to(&self, sum: &mut Distribution) {
        for (sum, count) in sum.buckets.iter_mut().zip(&self.buckets) {
            *sum = sum.wrapping_add(count.read());
        }
        sum.sum_ns = sum.sum_ns.wrapping_add(self.sum_ns.read());
    }
}

/// What histograms recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// By bucket, the last without a bound.
    pub buckets: [u64; BOUNDS + 1],
    /// All of it, nanoseconds.
    pub sum_ns: u64,
}

/// The bound of a bucket in microseconds.
#[must_use]
pub fn bound_us(bucket: usize) -> Option<u64> {
    (bucket < BOUNDS).then(|| 1 << bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_whose_bound_is_not_below_it() {
        for (ns, bucket) in [
            (0, 0),
            (1, 0),
            (1_000, 0),
            (1_001, 1),
            (2_000, 1),
            (2_001, 2),
            (4_000, 2),
            (1_024_000, 10),
            (1_024_001, 11),
            (4_194_304_000, BOUNDS - 1),
            (4_194_304_001, BOUNDS),
            (u64::MAX, BOUNDS),
        ] {
            let histogram = Histogram::default();
            histogram.record(Duration::from_nanos(ns));
            let mut sum = Distribution::default();
            histogram.add_to(&mut sum);
            let found = sum.buckets.iter().position(|count| *count == 1);
            assert_eq!(found, Some(bucket), "{ns} ns");
            assert_eq!(sum.sum_ns, ns);
            if let Some(bound) = bound_us(bucket) {
                assert!(ns <= bound * 1000);
            }
        }
    }
}
