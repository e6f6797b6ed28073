//! Events that operators cause.

use serde::Serialize;

use super::log::nothing_disclosed;
use super::{Disclosure, Text, Word, maybe_text, text};
use crate::Sequence;
use crate::days::Days;

/// An access key was made. The key itself is recorded nowhere.
#[derive(Clone, Debug, Serialize)]
pub struct KeyCreate {
    /// Key id.
    #[serde(serialize_with = "text")]
    pub key: Text,
    /// Opaque id of the principal it is for.
    #[serde(serialize_with = "text")]
    pub principal: Text,
    /// Opaque id of who made it; `None` is the operator at the machine.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
    /// When it ends, milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
}

/// An access key was revoked.
#[derive(Clone, Debug, Serialize)]
pub struct KeyRevoke {
    /// Key id.
    #[serde(serialize_with = "text")]
    pub key: Text,
    /// Opaque id of the principal it was for.
    #[serde(serialize_with = "text")]
    pub principal: Text,
    /// Opaque id of who revoked it; `None` is the operator at the machine.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
}

/// The configuration in force changed.
#[derive(Clone, Debug, Serialize)]
pub struct ConfigChange {
    /// SHA-256 of the configuration, hexadecimal.
    pub digest: Word,
    /// The one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Word>,
    /// Names of the keys that changed; never their values.
    pub changed: Vec<String>,
}

/// The policies in force changed.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyChange {
    /// Version in force from here on.
    #[serde(serialize_with = "text")]
    pub policy: Text,
    /// The one before.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub previous: Option<Text>,
    /// Number of policies.
    pub policies: u64,
}

/// It was found out, or decided, what a column of a target holds.
#[derive(Clone, Debug, Serialize)]
pub struct LabelChange {
    /// Name of the target.
    #[serde(serialize_with = "text")]
    pub target: Text,
    /// The column, `schema.table.column`.
    #[serde(serialize_with = "text")]
    pub column: Text,
    /// Its label from here on: `none` if it has none, `unclassified` if it is masked until that is known.
    #[serde(serialize_with = "text")]
    pub label: Text,
    /// Who says so.
    pub source: LabelSource,
    /// Evidence without values, or the reason in the operator's own words.
    pub why: String,
    /// Who decided, as the machine knows the operator; `None` is Weir.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
}

/// Who says what a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelSource {
    /// Names and values were looked at.
    Scan,
    /// A person decided.
    Review,
}

/// The disclosures of a subject were made unreadable for ever by destroying its keys.
#[derive(Clone, Debug, Serialize)]
pub struct Erasure {
    /// Opaque id of the principal whose disclosures they were.
    #[serde(serialize_with = "text")]
    pub subject: Text,
    /// Those of entries written on these days.
    #[serde(flatten)]
    pub days: Days,
    /// Ids of the destroyed keys, hexadecimal.
    pub keys: Vec<String>,
    /// Legal ground or ticket, in the operator's own words.
    pub ground: Word,
    /// Opaque id of who asked; `None` is the operator at the machine.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
}

/// From here on nothing may be erased or pruned that the hold covers.
#[derive(Clone, Debug, Serialize)]
pub struct HoldSet {
    /// Id of the hold.
    #[serde(serialize_with = "text")]
    pub hold: Text,
    /// Opaque id of the principal whose entries it covers; `None` is everybody.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub subject: Option<Text>,
    /// Days it covers.
    #[serde(flatten)]
    pub days: Days,
    /// The matter, in the operator's own words.
    pub reason: Word,
    /// Opaque id of who set it; `None` is the operator at the machine.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
}

/// A hold ended.
#[derive(Clone, Debug, Serialize)]
pub struct HoldRelease {
    /// Id of the hold.
    #[serde(serialize_with = "text")]
    pub hold: Text,
    /// Why, in the operator's own words.
    pub reason: Word,
    /// Opaque id of who released it; `None` is the operator at the machine.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
}

/// Evidence left for somebody outside.
#[derive(Clone, Debug, Serialize)]
pub struct EvidenceExport {
    /// SHA-256 of the pack's list of contents, hexadecimal.
    pub digest: String,
    /// Number of entries in it.
    pub entries: u64,
    /// The first of them.
    pub first: Sequence,
    /// The last of them.
    pub last: Sequence,
    /// Names of the disclosures that go along in readable form.
    pub disclosed: Vec<String>,
    /// For whom or what, in the operator's own words.
    pub reason: Word,
    /// Opaque id of who asked; `None` is the operator at the machine.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
}

/// The oldest entries are no longer kept (tlog-tiles, "Pruning"). Tree, checkpoints and
/// proofs stay what they are.
#[derive(Clone, Debug, Serialize)]
pub struct RetentionPrune {
    /// The first entry that was kept so far.
    pub from: Sequence,
    /// The minimum index from here on: the first entry that is kept.
    pub below: Sequence,
    /// Ids of the legal holds in force, whose own entries may be among those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
    /// The retention time in force, seconds; `None` if an operator asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_s: Option<u64>,
    /// Opaque id of who asked; `None` is the operator at the machine, or the retention.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub by: Option<Text>,
}

nothing_disclosed!(
    KeyCreate,
    KeyRevoke,
    ConfigChange,
    PolicyChange,
    LabelChange,
    Erasure,
    HoldSet,
    HoldRelease,
    EvidenceExport,
    RetentionPrune
);
