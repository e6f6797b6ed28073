//! What the generator prints.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One generated table.
#[derive(Debug, Deserialize)]
pub(super) struct Table {
    pub(super) locale: String,
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) columns: Vec<Column>,
}

/// One column, and what is true of it.
#[derive(Debug, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    pub(super) category: char,
    pub(super) comment: Option<String>,
    /// `english`, `foreign` or `opaque`.
    pub(super) style: String,
    /// `scalar`, `text`, `json` or `array`.
    pub(super) sort: String,
    /// Label by path; the whole column's path is empty. `none` for what holds nothing.
    pub(super) truths: BTreeMap<String, String>,
    pub(super) cells: Vec<Option<String>>,
    pub(super) units: Vec<Unit>,
    /// Which hard negative it is.
    #[serde(default)]
    pub(super) negative: Option<String>,
    /// Which shape of secret it holds.
    #[serde(default)]
    pub(super) shape: Option<String>,
}

/// A part of a cell that is masked by itself: its path, its text, and what of it is sensitive, in characters.
#[derive(Debug, Deserialize)]
pub(super) struct Unit(
    pub(super) String,
    pub(super) String,
    pub(super) Vec<(usize, usize, String)>,
);

/// Label a column with that much in it is asked for.
pub(super) const NONE: &str = "none";

/// Labels that say the same for scoring, as in published tables: which name, which secret, which number is a detail.
pub(super) fn group(label: &str) -> &str {
    match label {
        "first-name" | "last-name" => "name",
        "ssn" | "tax-id" => "national-id",
        "city" => "address",
        "password" | "api-key" => "secret",
        other => other,
    }
}
