//! From the bytes of an entry to what the index wants of it: clear fields only, so
//! that nothing that can be erased is ever in the index.

use ledger::{Error, Kind, time};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Place, time and content of an entry.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) seq: u64,
    /// Microseconds since 1970 UTC.
    pub(super) at_us: i64,
    pub(super) content: Content<'a>,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    /// With the JSON fields of its [`Verdict`].
    Intent(Intent, &'a str),
    Outcome(Outcome),
    Other(Kind, Box<Other>, String),
}

/// What every entry has.
#[derive(Debug, Deserialize)]
struct Common {
    seq: u64,
    at: String,
    kind: String,
}

/// An intent, but for what is the same for all intents of one verdict.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    pub(super) session: String,
    pub(super) statement: u64,
    pub(super) principal: String,
    pub(super) target: String,
}

/// What is the same for all intents of one verdict.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Verdict {
    pub(super) command: String,
    pub(super) shape: String,
    pub(super) shape_hash: String,
    #[serde(default)]
    pub(super) objects: Vec<Use>,
    #[serde(default)]
    pub(super) columns: Vec<Column>,
    pub(super) decision: String,
    #[serde(default)]
    pub(super) rules: Vec<String>,
    #[serde(default)]
    pub(super) observed: Vec<String>,
    #[serde(default)]
    pub(super) opaque: bool,
    pub(super) policy: String,
    #[serde(default)]
    pub(super) masks: Vec<String>,
    #[serde(default)]
    pub(super) degraded: Vec<String>,
    pub(super) row_cap: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Use {
    pub(super) verb: String,
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Column {
    pub(super) column: String,
    pub(super) label: String,
}

/// An outcome.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) intent: u64,
    pub(super) session: Option<String>,
    pub(super) status: String,
    pub(super) sqlstate: Option<String>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    #[serde(default)]
    pub(super) masked: Vec<Masked>,
    pub(super) duration_us: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Masked {
    pub(super) label: String,
    pub(super) cells: u64,
}

/// Fields of all other kinds that have a column, wherever one has them.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Other {
    pub(super) session: Option<String>,
    pub(super) principal: Option<String>,
    pub(super) principal_kind: Option<String>,
    pub(super) on_behalf_of: Option<String>,
    pub(super) target: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) tls: Option<Tls>,
    pub(super) protocol: Option<String>,
    pub(super) key: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) cause: Option<String>,
    pub(super) by: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) sqlstate: Option<String>,
    pub(super) intent: Option<u64>,
    pub(super) statements: Option<u64>,
    pub(super) refused: Option<u64>,
    pub(super) rows: Option<u64>,
    pub(super) bytes: Option<u64>,
    pub(super) masked_cells: Option<u64>,
    pub(super) duration_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tls {
    pub(super) version: String,
}

const BAD: Error = Error::BadEntry("it does not have the fields of its kind");

/// Begins what is the same for all intents of one verdict. It cannot stand in a
/// value, where a quote has a backslash before it.
const VERDICT: &str = ",\"command\":";
const DIGESTS: &str = ",\"_sd\":[";

/// Reads an entry.
///
/// # Errors
/// [`Error::BadEntry`] if it is not one.
pub(super) fn read(leaf: &[u8]) -> Result<Read<'_>, Error> {
    let text = std::str::from_utf8(leaf).map_err(|_| BAD)?;
    let common: Common;
    let content;
    // An intent is read in two parts, of which the second is read once a form.
    if let Some((head, rest)) = text.split_once(VERDICT) {
        let head = format!("{head}}}");
        common = from(&head)?;
        if Kind::from_name(&common.kind) != Some(Kind::Intent) {
            return Err(BAD);
        }
        let verdict = match rest.rsplit_once(DIGESTS) {
            Some((verdict, _)) => verdict,
            None => rest.strip_suffix('}').ok_or(BAD)?,
        };
        content = Content::Intent(from(&head)?, verdict);
    } else {
        common = from(text)?;
        content = match Kind::from_name(&common.kind).ok_or(BAD)? {
            Kind::Outcome => Content::Outcome(from(text)?),
            kind => Content::Other(kind, Box::new(from(text)?), detail(text)?),
        };
    }
    let at_us = time::parse(&common.at).ok_or(BAD)? / 1000;
    Ok(Read {
        seq: common.seq,
        at_us: i64::try_from(at_us).map_err(|_| BAD)?,
        content,
    })
}

/// The verdict of an intent.
///
/// # Errors
/// [`Error::BadEntry`] if it is none.
pub(super) fn verdict(fields: &str) -> Result<Verdict, Error> {
    from(&format!("{{\"command\":{fields}}}"))
}

fn from<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| BAD)
}

/// The clear fields of an entry as JSON: without what every entry has, and without
/// the digests of what is disclosed.
fn detail(text: &str) -> Result<String, Error> {
    let mut fields: Map<String, Value> = from(text)?;
    fields.retain(|name, _| !matches!(name.as_str(), "v" | "seq" | "at" | "kind" | "_sd"));
    serde_json::to_string(&fields).map_err(|_| BAD)
}
