//! Postings: which rows of a segment have one entry of a dictionary, as runs.
//!
//! Pairs of LEB128 numbers: rows to skip, rows that have it.

use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};

/// Postings while they are collected; rows come in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    bytes: Vec<u8>,
    /// Row after the last run.
    end: u64,
    /// The run that is not written yet.
    start: u64,
    length: u64,
}

impl Runs {
    /// Adds a row, which comes after those before.
    pub(super) fn push(&mut self, row: u64) {
        if self.length > 0 && self.start.saturating_add(self.length) == row {
            self.length = self.length.saturating_add(1);
            return;
        }
        self.flush();
        (self.start, self.length) = (row, 1);
    }

    fn flush(&mut self) {
        if self.length == 0 {
            return;
        }
        varint(self.start.saturating_sub(self.end), &mut self.bytes);
        varint(self.length, &mut self.bytes);
        self.end = self.start.saturating_add(self.length);
        self.length = 0;
    }

    /// The bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.flush();
        self.bytes
    }
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A set of rows of one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowSet {
    words: Vec<u64>,
    rows: usize,
}

impl RowSet {
    pub(super) fn none(rows: usize) -> RowSet {
        RowSet {
            words: vec![0; rows.div_ceil(64)],
            rows,
        }
    }

    /// Adds the rows of these postings; false if they are damaged.
    pub(super) fn add(&mut self, mut postings: &[u8]) -> bool {
        let mut row = 0_usize;
        while !postings.is_empty() {
            let run = read(&mut postings).zip(read(&mut postings));
            let Some((skip, length)) = run else {
                return false;
            };
            let start = usize::try_from(skip)
                .ok()
                .and_then(|skip| row.checked_add(skip));
            let end = start.and_then(|start| start.checked_add(usize::try_from(length).ok()?));
            let (Some(start), Some(end)) = (start, end) else {
                return false;
            };
            if end > self.rows {
                return false;
            }
            for row in start..end {
                if let Some(word) = self.words.get_mut(row / 64) {
                    *word |= 1 << (row % 64);
                }
            }
            row = end;
        }
        true
    }

    /// Keeps the rows that are in both.
    pub(super) fn intersect(&mut self, other: &RowSet) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.words
            .iter()
            .map(|word| word.count_ones() as usize)
            .sum()
    }

    fn has(&self, row: usize) -> bool {
        let word = self.words.get(row / 64).copied().unwrap_or_default();
        word >> (row % 64) & 1 == 1
    }

    /// As the Parquet reader wants it.
    pub(super) fn selection(&self) -> RowSelection {
        let mut selectors: Vec<RowSelector> = Vec::new();
        let mut row = 0;
        while row < self.rows {
            let begun = row;
            let chosen = self.has(row);
            while row < self.rows && self.has(row) == chosen {
                // Whole words without a chosen row are passed at once.
                let aligned = row % 64 == 0 && row.saturating_add(64) <= self.rows;
                let empty = self.words.get(row / 64) == Some(&0);
                row = row.saturating_add(if !chosen && aligned && empty { 64 } else { 1 });
            }
            let count = row.saturating_sub(begun);
            selectors.push(match chosen {
                true => RowSelector::select(count),
                false => RowSelector::skip(count),
            });
        }
        selectors.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn postings_are_read_as_written(
            rows in proptest::collection::btree_set(0_usize..1000, 0..300)
        ) {
            let mut runs = Runs::default();
            for row in &rows {
                runs.push(*row as u64);
            }
            let mut set = RowSet::none(1000);
            prop_assert!(set.add(&runs.finish()));
            prop_assert_eq!(set.count(), rows.len());
            let mut selected = Vec::new();
            let mut at = 0;
            for selector in set.selection().iter() {
                if !selector.skip {
                    selected.extend(at..at + selector.row_count);
                }
                at += selector.row_count;
            }
            prop_assert_eq!(at, 1000);
            prop_assert_eq!(selected, rows.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn damaged_postings_are_told(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            // Rows that do not exist are never set, and nothing panics.
            let mut set = RowSet::none(100);
            let _ = set.add(&bytes);
            prop_assert!(set.count() <= 100);
        }
    }
}
