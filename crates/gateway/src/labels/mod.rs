//! What was found out about columns, and what people decided about them: kept in two files beside the ledger, bound
//! to a database and to (oid, attribute, type) in it.

mod discovery;
mod files;
mod sample;

use mask::Label;
use mask::detect::{self, Finding};
use serde::{Deserialize, Serialize};
use statement::ColumnId;

pub(crate) use discovery::Discovery;
pub use files::Files;
pub(crate) use files::{read, write};
pub(crate) use sample::{Wanted, scan, unread, wanted};

/// What one path of a column's values holds, or all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// `[]` for elements, `$.a.b` for JSON; `None` for the whole value.
    pub path: Option<String>,
    /// The label, `none` if there is none.
    pub label: String,
    /// `identifier`, `quasi-identifier`, `sensitive`, `secret` or `none`.
    pub class: String,
    /// Whether it is masked.
    pub sensitive: bool,
    /// 0 to 1.
    pub confidence: f32,
    /// Why, as sentences without values.
    pub evidence: Vec<String>,
}

/// What is known of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// `pg_class.oid`.
    pub relation: u32,
    /// `pg_attribute.attnum`.
    pub attribute: i16,
    /// `pg_type.oid` it had; another type is another column.
    pub type_oid: u32,
    /// Schema at the time.
    pub schema: String,
    /// Table at the time.
    pub table: String,
    /// Name at the time.
    pub column: String,
    /// When it was looked at, milliseconds since 1970.
    pub at_ms: u64,
    /// The label it has by this: `none`, or [`UNCLASSIFIED`] where nobody can tell.
    pub label: String,
    /// Why it could not be sampled, if it could not.
    pub failed: Option<String>,
    /// Why the sample does not show that it holds nothing, if it does not.
    pub doubt: Option<String>,
    /// What it holds.
    pub held: Vec<Held>,
}

/// What was found in a database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Looked {
    /// The database: another one has other columns under the same oids.
    pub database: Option<String>,
    /// People decided something, so there is a file that says what.
    pub reviewed: bool,
    /// Its columns, in the order of their ids.
    pub columns: Vec<Found>,
}

/// What somebody decided about one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reviewed {
    /// The database.
    pub database: String,
    /// `pg_class.oid`.
    pub relation: u32,
    /// `pg_attribute.attnum`.
    pub attribute: i16,
    /// `pg_type.oid` it had; that it holds nothing is said of this type only.
    pub type_oid: u32,
    /// `schema.table.column` at the time.
    pub name: String,
    /// The label, or `none`.
    pub label: String,
    /// Who decided, as the machine knows them.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}

/// What people asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reviews {
    /// Decisions, one for each column.
    pub decisions: Vec<Reviewed>,
    /// What was looked at before this is looked at again, milliseconds since 1970.
    #[serde(default)]
    pub rescan_ms: u64,
}

/// The label of a column of which nobody can tell yet what it holds: redacted, as every word without a masker.
pub const UNCLASSIFIED: &str = "unclassified";
/// What is said of a column that holds nothing with a label.
pub const NONE: &str = "none";

impl Found {
    /// The column.
    #[must_use]
    pub fn id(&self) -> ColumnId {
        ColumnId {
            relation: self.relation,
            attribute: self.attribute,
        }
    }

    /// Whether it bears the names it was looked at under.
    pub(crate) fn is_named(&self, (schema, table, column): (&str, &str, &str)) -> bool {
        (&*self.schema, &*self.table, &*self.column) == (schema, table, column)
    }

    /// Why it has its label, in a sentence without values.
    #[must_use]
    pub fn why(&self) -> String {
        let why = self.failed.as_ref().or(self.doubt.as_ref());
        if let Some(why) = why.filter(|_| self.label == UNCLASSIFIED) {
            return why.clone();
        }
        let held = self.held.iter();
        let held = held.filter(|held| held.sensitive || self.label == NONE);
        let all: Vec<&str> = held
            .flat_map(|held| held.evidence.iter().map(String::as_str))
            .take(3)
            .collect();
        all.join("; ")
    }
}

/// The label of a column by what it holds; of documents that hold something, one that masks them as a whole.
fn label_of(held: &[Held], is_json: bool, certain: bool) -> String {
    let sensitive: Vec<&Held> = held.iter().filter(|held| held.sensitive).collect();
    match sensitive.as_slice() {
        [] if certain => NONE,
        [] => UNCLASSIFIED,
        [one] if one.path.as_deref().is_none_or(|path| path == "[]") => &one.label,
        _ if is_json => "json",
        _ => "free-text",
    }
    .to_owned()
}

/// The label of that word, `None` for `none`. What is no word masks, too.
fn label(word: &str) -> Option<Label> {
    match Label::new(word) {
        _ if word == NONE => None,
        Ok(label) => Some(label),
        Err(_) => Label::new(UNCLASSIFIED).ok(),
    }
}

impl From<&Finding> for Held {
    fn from(finding: &Finding) -> Self {
        Self {
            path: finding.path.as_ref().map(|path| shown(path).to_string()),
            label: finding.label.as_str().to_owned(),
            class: finding.class.as_str().to_owned(),
            sensitive: finding.sensitive,
            confidence: finding.confidence,
            evidence: finding.evidence.iter().map(ToString::to_string).collect(),
        }
    }
}

/// A path without keys that are no words of a program but may be values: with blanks, very long, or in which something
/// is recognised.
fn shown(path: &detect::Path) -> detect::Path {
    let steps = match path {
        detect::Path::Elements => return detect::Path::Elements,
        detect::Path::Json(steps) => steps,
    };
    let word = |step: &&String| {
        step.len() <= 63 && !step.contains(char::is_whitespace) && detect::scan(step).is_empty()
    };
    let kept = steps.iter().map(|step| match word(&step) {
        true => step.clone(),
        false => detect::Path::ANY.to_owned(),
    });
    detect::Path::Json(kept.collect())
}

#[cfg(test)]
mod tests;
