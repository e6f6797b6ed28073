//! What was found out about columns, and what people decided about them: kept in two files beside the ledger, bound
//! to (oid, attribute, type).
//!
//! A few thousand records that one process writes as a whole: files that are replaced, not a database. `NAME.found.json`
//! is written by who scans, `NAME.reviewed.json` by `weir labels set`. What must never stand in them: a value.

mod discovery;
mod sample;

use std::path::{Path, PathBuf};

use mask::Label;
use mask::detect::Finding;
use serde::{Deserialize, Serialize};
use statement::ColumnId;

pub(crate) use discovery::{Discovery, label_word};
pub(crate) use sample::{Wanted, scan, wanted};

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
    /// Values looked at that were not NULL.
    pub values: u64,
    /// Why it could not be sampled, if it could not.
    pub failed: Option<String>,
    /// What it holds.
    pub held: Vec<Held>,
}

/// What somebody decided about one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reviewed {
    /// `pg_class.oid`.
    pub relation: u32,
    /// `pg_attribute.attnum`.
    pub attribute: i16,
    /// `pg_type.oid` it had; another type is another column.
    pub type_oid: u32,
    /// `schema.table.column` at the time.
    pub name: String,
    /// The label, or `none`.
    pub label: String,
    /// Who decided.
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

/// The label of a column nobody looked at yet: redacted, as every word without a masker.
pub(crate) const UNCLASSIFIED: &str = "unclassified";

impl Found {
    /// The column.
    #[must_use]
    pub fn id(&self) -> ColumnId {
        ColumnId {
            relation: self.relation,
            attribute: self.attribute,
        }
    }

    /// The label the column has by this: that of what it holds; of documents that hold something, one that masks them
    /// as a whole. `None` where nothing is to be masked.
    #[must_use]
    pub fn label(&self, json: bool) -> Option<Label> {
        let unclassified = || Label::new(UNCLASSIFIED).ok();
        let sensitive: Vec<&Held> = self.held.iter().filter(|held| held.sensitive).collect();
        match sensitive.as_slice() {
            // Without a value there is no telling what comes.
            [] if self.failed.is_some() || self.values == 0 => unclassified(),
            [] => None,
            [one] if one.path.as_deref().is_none_or(|path| path == "[]") => {
                Label::new(&one.label).ok().or_else(unclassified)
            }
            _ if json => Label::new("json").ok(),
            _ => Label::new("free-text").ok(),
        }
    }
}

impl From<&Finding> for Held {
    fn from(finding: &Finding) -> Self {
        Self {
            path: finding.path.as_ref().map(ToString::to_string),
            label: finding.label.as_str().to_owned(),
            class: finding.class.as_str().to_owned(),
            sensitive: finding.sensitive,
            confidence: finding.confidence,
            evidence: finding.evidence.iter().map(ToString::to_string).collect(),
        }
    }
}

/// The file of a target in the folder of state.
#[must_use]
pub fn file(state: &Path, target: &str, what: &str) -> PathBuf {
    let name = crate::target::file_name(target);
    state.join("labels").join(format!("{name}.{what}.json"))
}

/// Reads one of the files; what is not there is empty.
///
/// # Errors
/// A file that cannot be read or is none of ours.
pub fn read<T: Default + serde::de::DeserializeOwned>(file: &Path) -> std::io::Result<T> {
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(std::io::Error::other),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(error),
    }
}

/// Replaces one of the files; it is durable when this returns.
///
/// # Errors
/// When the disk does not take it; then the old file stands.
pub fn write(file: &Path, value: &impl Serialize) -> std::io::Result<()> {
    use std::io::Write as _;
    let bytes = serde_json::to_vec_pretty(value).map_err(std::io::Error::other)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let beside = file.with_extension(format!("{}.new", std::process::id()));
    let mut new = std::fs::File::create(&beside)?;
    new.write_all(&bytes)?;
    new.sync_all()?;
    std::fs::rename(&beside, file)?;
    std::fs::File::open(folder)?.sync_all()
}
