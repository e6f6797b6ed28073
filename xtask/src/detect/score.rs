//! What was found held against what is true: columns, labels and characters.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::tables::{Column, NONE, Table, group};

/// Hits and misses of one label.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Count {
    pub(super) right: usize,
    /// Said, but not so.
    pub(super) wrong: usize,
    /// So, but not said.
    pub(super) missed: usize,
}

impl Count {
    pub(super) fn precision(self) -> f64 {
        ratio(self.right, self.right + self.wrong)
    }

    pub(super) fn recall(self) -> f64 {
        ratio(self.right, self.right + self.missed)
    }

    pub(super) fn f1(self) -> f64 {
        ratio(2 * self.right, 2 * self.right + self.wrong + self.missed)
    }

    fn take(&mut self, said: bool, so: bool) {
        match (said, so) {
            (true, true) => self.right += 1,
            (true, false) => self.wrong += 1,
            (false, true) => self.missed += 1,
            (false, false) => {}
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}

/// What one detector did on all tables.
#[derive(Debug, Default, Serialize)]
pub(super) struct Score {
    pub(super) columns: Count,
    pub(super) by_sort: BTreeMap<String, Count>,
    pub(super) by_style: BTreeMap<String, Count>,
    pub(super) typed: Count,
    pub(super) exact: Count,
    pub(super) labels: BTreeMap<String, Count>,
    /// Characters that are sensitive, those of them that stay, that are not, and those of them that go.
    pub(super) sensitive: usize,
    pub(super) leaked: usize,
    pub(super) plain: usize,
    pub(super) over: usize,
    /// Leaked and sensitive characters by label, masked and plain ones by sort of column.
    pub(super) leaks: BTreeMap<String, (usize, usize)>,
    pub(super) overs: BTreeMap<String, (usize, usize)>,
    pub(super) cells: usize,
    pub(super) bytes: usize,
    pub(super) seconds: f64,
    /// Columns and paths that were judged wrongly, in words.
    #[serde(skip)]
    pub(super) misses: Vec<String>,
}

/// What a detector says about a column.
pub(super) struct Verdict {
    /// Label by path, and whether it is sensitive.
    pub(super) paths: BTreeMap<String, (String, bool)>,
    /// For each unit: what of it is masked, in characters; of the whole unit where its path is.
    pub(super) masked: Vec<Vec<(usize, usize)>>,
    pub(super) took: Duration,
}

impl Score {
    pub(super) fn take(&mut self, table: &Table, column: &Column, verdict: &Verdict) {
        let said = verdict.paths.values().any(|(_, sensitive)| *sensitive);
        let so = column.truths.values().any(|label| label != NONE);
        self.columns.take(said, so);
        self.by_sort
            .entry(column.sort.clone())
            .or_default()
            .take(said, so);
        self.by_style
            .entry(column.style.clone())
            .or_default()
            .take(said, so);
        for (path, truth) in &column.truths {
            let found = verdict
                .paths
                .get(path)
                .filter(|(_, sensitive)| *sensitive)
                .map_or(NONE, |(label, _)| label.as_str());
            self.label(truth, found);
            if group(truth) != group(found) {
                self.misses.push(format!(
                    "{:<6} {:<7} {:<24} {truth} -> {found}  {}",
                    table.locale,
                    column.style,
                    format!("{}{path}", column.name),
                    column
                        .negative
                        .as_deref()
                        .or(column.shape.as_deref())
                        .unwrap_or(""),
                ));
            }
        }
        for (unit, masked) in column.units.iter().zip(&verdict.masked) {
            self.characters(column, &unit.1, &unit.2, masked);
        }
        self.cells += column.cells.len();
        self.bytes += column
            .cells
            .iter()
            .flatten()
            .map(String::len)
            .sum::<usize>();
        self.seconds += verdict.took.as_secs_f64();
    }

    fn label(&mut self, truth: &str, found: &str) {
        for (count, truth, found) in [
            (&mut self.typed, group(truth), group(found)),
            (&mut self.exact, truth, found),
        ] {
            count.right += usize::from(truth == found && truth != NONE);
            count.wrong += usize::from(found != NONE && truth != found);
            count.missed += usize::from(truth != NONE && truth != found);
        }
        let (truth, found) = (group(truth), group(found));
        if truth == found {
            if truth != NONE {
                self.labels.entry(truth.to_owned()).or_default().right += 1;
            }
            return;
        }
        if truth != NONE {
            self.labels.entry(truth.to_owned()).or_default().missed += 1;
        }
        if found != NONE {
            self.labels.entry(found.to_owned()).or_default().wrong += 1;
        }
    }

    fn characters(
        &mut self,
        column: &Column,
        text: &str,
        spans: &[(usize, usize, String)],
        masked: &[(usize, usize)],
    ) {
        let gone: BTreeSet<usize> = masked.iter().flat_map(|(from, to)| *from..*to).collect();
        let mut sensitive = BTreeSet::new();
        for (from, to, label) in spans {
            let leaks = self.leaks.entry(group(label).to_owned()).or_default();
            for at in *from..*to {
                sensitive.insert(at);
                leaks.1 += 1;
                leaks.0 += usize::from(!gone.contains(&at));
            }
        }
        let length = text.chars().count();
        let over = gone.difference(&sensitive).count();
        self.sensitive += sensitive.len();
        self.leaked += sensitive.difference(&gone).count();
        self.plain += length - sensitive.len();
        self.over += over;
        let name = column.negative.as_deref().unwrap_or(&column.sort);
        let overs = self.overs.entry(name.to_owned()).or_default();
        overs.0 += over;
        overs.1 += length - sensitive.len();
    }

    pub(super) fn leak_rate(&self) -> f64 {
        ratio(self.leaked, self.sensitive.max(1))
    }

    pub(super) fn over_rate(&self) -> f64 {
        ratio(self.over, self.plain.max(1))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of a test")]
    pub(super) fn cells_per_second(&self) -> f64 {
        self.cells as f64 / self.seconds.max(f64::EPSILON)
    }
}

/// Weir's own detector on one column.
pub(super) fn own(table: &Table, column: &Column) -> Verdict {
    let neighbours: Vec<&str> = table
        .columns
        .iter()
        .map(|other| other.name.as_str())
        .filter(|name| *name != column.name)
        .collect();
    let sample: Vec<Option<&str>> = column.cells.iter().map(Option::as_deref).collect();
    let begun = Instant::now();
    let findings = mask::detect::classify(&mask::detect::Column {
        schema: &table.schema,
        table: &table.table,
        name: &column.name,
        comment: column.comment.as_deref(),
        type_name: &column.type_name,
        category: column.category,
        max_chars: None,
        unique: false,
        references: None,
        neighbours: &neighbours,
        sample: &sample,
    });
    let mut paths = BTreeMap::new();
    for finding in &findings {
        let path = finding
            .path
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        paths.insert(path, (finding.label.to_string(), finding.sensitive));
    }
    let masked = column
        .units
        .iter()
        .map(|unit| match paths.get(&unit.0) {
            Some((label, true)) if label != "free-text" => vec![(0, unit.1.chars().count())],
            Some(_) | None => scanned(&unit.1),
        })
        .collect();
    Verdict {
        paths,
        masked,
        took: begun.elapsed(),
    }
}

/// Spans in characters.
fn scanned(text: &str) -> Vec<(usize, usize)> {
    let chars = |at: usize| text.get(..at).map_or(0, |head| head.chars().count());
    mask::detect::scan(text)
        .into_iter()
        .map(|span| (chars(span.range.start), chars(span.range.end)))
        .collect()
}
