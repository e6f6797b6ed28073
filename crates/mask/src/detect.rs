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

mod address;
mod amount;
mod content;
mod context;
mod dates;
mod email;
mod evidence;
mod fold;
mod ids;
mod judge;
mod kind;
mod lexicon;
mod look;
mod names;
mod network;
mod numbers;
mod profile;
mod scan;
mod secret;
mod sort;
mod tree;
mod values;

pub use amount::Amount;
pub use evidence::{Evidence, Finding, Path};
pub use kind::Class;

use crate::Label;
use context::Context;
use judge::Subject;
use profile::Profile;
use sort::Sort;

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

/// What a column holds, and how much there was to tell it by.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// One finding for the column, or one for each path in JSON or for the elements of an array; at least one.
    pub findings: Vec<Finding>,
    /// What they rest on.
    pub amount: Amount,
}

/// What a column holds: the findings of [`judge`].
pub fn classify(column: &Column<'_>) -> Vec<Finding> {
    judge(column).findings
}

/// Judges a column.
pub fn judge(column: &Column<'_>) -> Judgement {
    let sort = sort::sort(column.type_name, column.category);
    let context = |name: &str| {
        Context::read(
            name,
            column.comment,
            &[column.table, column.schema],
            column.neighbours,
        )
    };
    let values = || column.sample.iter().flatten().copied();
    let subject = |profile| Subject {
        path: None,
        context: context(column.name),
        sort,
        type_name: column.type_name,
        references: column.references,
        rows: column.sample.iter().flatten().count(),
        profile,
    };
    if sort == Sort::Array {
        let arrays: Vec<Vec<String>> = values().map(tree::elements).collect();
        let profile = Profile::of(arrays.iter().flatten().map(String::as_str));
        let finding = judge::judge(Subject {
            path: Some(Path::Elements),
            ..subject(profile)
        });
        return Judgement {
            findings: vec![finding],
            amount: Amount {
                in_part: arrays.iter().any(|array| array.len() >= tree::MAX_VALUES),
                ..Amount::of(values())
            },
        };
    }
    let documents = sort == Sort::Json
        || (sort == Sort::Text && column.sample.iter().flatten().next().is_some() && {
            let (all, json) = values().fold((0, 0), |(all, json), value| {
                (all + 1, json + usize::from(tree::looks_like_json(value)))
            });
            json * 10 >= all * 9
        });
    if documents {
        let leaves = tree::leaves(values());
        let findings = json(column, &leaves);
        if !findings.is_empty() {
            return Judgement {
                findings,
                amount: leaves.amount(),
            };
        }
    }
    let amount = match sort {
        // Documents without a single leaf.
        Sort::Json => Amount::default(),
        _ => Amount::of(values()),
    };
    Judgement {
        findings: vec![judge::judge(subject(Profile::of(values())))],
        amount,
    }
}

/// One finding for each path of the documents.
fn json(column: &Column<'_>, leaves: &tree::Leaves<'_>) -> Vec<Finding> {
    let siblings: Vec<&Vec<String>> = leaves.paths.keys().collect();
    let named = |path: &[String]| path.iter().rposition(|step| step != Path::ANY);
    leaves
        .paths
        .iter()
        .map(|(path, values)| {
            let own = named(path);
            let name = own
                .and_then(|at| path.get(at))
                .map_or(column.name, String::as_str);
            let over: Vec<&str> = path
                .iter()
                .take(own.unwrap_or(0))
                .filter(|step| *step != Path::ANY)
                .map(String::as_str)
                .chain([column.name, column.table])
                .collect();
            let neighbours: Vec<&str> = siblings
                .iter()
                .filter(|other| **other != path)
                .filter_map(|other| other.last().map(String::as_str))
                .take(40)
                .collect();
            judge::judge(Subject {
                path: Some(Path::Json(path.clone())),
                context: Context::read(name, None, &over, &neighbours),
                sort: Sort::Json,
                type_name: column.type_name,
                references: None,
                rows: values.len(),
                profile: Profile::of(values.iter().map(String::as_str)),
            })
        })
        .collect()
}

/// What stands in a text that is no labelled column: prose, a log line, a prompt, an error, a leaf of JSON.
/// Spans come in order and do not overlap.
pub fn scan(text: &str) -> Vec<Span> {
    scan::scan(text)
}

#[cfg(test)]
mod tests;
