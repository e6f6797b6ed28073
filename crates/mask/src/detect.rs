//! What a column holds, and what of it stands in a text.
//!
//! [`classify`] judges a column by its name, type, comment, neighbours, foreign key and a sample of its
//! values; [`scan`] finds single values in prose, logs, prompts, error texts and leaves of JSON. Both are
//! plain functions: the same input gives the same answer, whatever the order of the sample. What must never
//! happen here: a value comes into the evidence, or an input of any form brings the process down.
//!
//! A judgement is a sum of log-odds: what the name says, how many values pass a kind's validator beside how
//! many would by chance, what stands beside the column. When in doubt a column is sensitive with low
//! confidence.

mod email;
mod evidence;
mod fold;
mod kind;
mod lexicon;

pub use evidence::{Evidence, Finding, Path};
pub use kind::Class;

use crate::Label;

/// A column to be judged, as the catalog and a sample show it.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Schema of the table.
    pub schema: &'a str,
    /// The table's name.
    pub table: &'a str,
    /// The column's name.
    pub name: &'a str,
    /// Its comment (`COMMENT ON COLUMN`).
    pub comment: Option<&'a str>,
    /// Its type as `format_type` writes it; a modifier is ignored: `text`, `character varying(80)`, `jsonb`, `text[]`.
    /// For a domain, its base type.
    pub type_name: &'a str,
    /// `pg_type.typcategory` of that type: `S` string, `N` numeric, `D` date, `A` array, `U` user-defined…
    pub category: char,
    /// Declared length in characters, where there is one.
    pub max_chars: Option<u32>,
    /// Whether a unique index stands on this column alone.
    pub unique: bool,
    /// Label of the column that its foreign key points to.
    pub references: Option<&'a Label>,
    /// Names of the other columns of the table.
    pub neighbours: &'a [&'a str],
    /// Some of its values in text format; NULL is `None`. A thousand are plenty.
    pub sample: &'a [Option<&'a str>],
}

/// A part of a text that holds something sensitive.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Bytes of the text; begins and ends on character boundaries. Spans do not overlap and stand in order.
    pub range: std::ops::Range<usize>,
    /// What it is.
    pub label: Label,
    /// How sure this is, 0 to 1.
    pub confidence: f32,
}

/// What a column holds: one finding for it, or one for each path in JSON or for the elements of an array. There is
/// always at least one.
pub fn classify(column: &Column<'_>) -> Vec<Finding> {
    let reading = lexicon::read(column.name);
    let mut best = (kind::Kind::None, 0, String::new());
    for vote in reading.votes {
        if let lexicon::Sense::Kind(kind, weight) = vote.sense
            && weight > best.1
        {
            best = (kind, weight, vote.word);
        }
    }
    let values: std::collections::BTreeSet<&str> =
        column.sample.iter().flatten().copied().collect();
    let emails = values
        .iter()
        .filter(|value| email::is_email(value.trim()))
        .count();
    let mut evidence = Vec::new();
    if best.1 > 0 {
        evidence.push(Evidence::Name {
            word: best.2,
            kind: best.0.plain(),
        });
    }
    let kind = if emails * 2 > values.len() {
        evidence.push(Evidence::Validator {
            kind: kind::Kind::Email.plain(),
            passed: emails,
            of: values.len(),
        });
        kind::Kind::Email
    } else {
        best.0
    };
    if evidence.is_empty() {
        evidence.push(Evidence::Nothing);
    }
    vec![Finding {
        path: None,
        label: kind.label(),
        class: kind.class(),
        sensitive: kind.is_sensitive(),
        confidence: 0.5,
        evidence,
    }]
}

/// What stands in a text that is no labelled column: prose, a log line, a prompt, an error, a leaf of JSON.
/// Spans come in order and do not overlap.
pub fn scan(text: &str) -> Vec<Span> {
    text.match_indices('@')
        .filter_map(|(at, _)| email::around(text, at))
        .map(|(start, end)| Span {
            range: start..end,
            label: kind::Kind::Email.label(),
            confidence: 0.99,
        })
        .collect()
}

#[cfg(test)]
mod tests;
