//! Events of a statement's life.

use std::sync::{Arc, OnceLock};

use serde::Serialize;

use super::{Disclosure, Text, Word, list, maybe_text, no, nothing, text, texts};
use crate::Sequence;

/// Where the part of intents is kept, once encoded, that is the same for all of one
/// verdict: the fields from [`Intent::command`] to [`Intent::row_cap`].
///
/// A clone starts empty, because what it belongs to may be changed.
#[derive(Debug, Default)]
pub struct Encoded(Arc<OnceLock<Box<str>>>);

impl Clone for Encoded {
    fn clone(&self) -> Self {
        Encoded::default()
    }
}

impl Encoded {
    /// The same place for another intent, which differs in none of these fields.
    #[must_use]
    pub fn share(&self) -> Encoded {
        Encoded(Arc::clone(&self.0))
    }
}

/// A statement was judged; if the verdict is [`Verdict::Allow`] it is about to run.
#[derive(Clone, Debug, Serialize)]
pub struct Intent {
    /// Session id.
    #[serde(serialize_with = "text")]
    pub session: Text,
    /// Number of the statement in its session, from 1.
    pub statement: u64,
    /// Opaque id of the principal.
    #[serde(serialize_with = "text")]
    pub principal: Text,
    /// Name of the target.
    #[serde(serialize_with = "text")]
    pub target: Text,
    /// Command as in a command tag: `SELECT`, `CREATE TABLE`.
    pub command: Word,
    /// Literal-free statement text; empty when there is none that is proven literal-free.
    #[serde(serialize_with = "text")]
    pub shape: Text,
    /// [`super::shape_hash`] of the shape.
    #[serde(serialize_with = "text")]
    pub shape_hash: Text,
    /// What it does to what.
    #[serde(serialize_with = "list")]
    pub objects: Arc<[ObjectUse]>,
    /// Labelled columns it uses.
    #[serde(serialize_with = "list", skip_serializing_if = "nothing")]
    pub columns: Arc<[ColumnUse]>,
    /// The verdict.
    pub decision: Verdict,
    /// Ids of the policies (or built-in rules) that determined it.
    #[serde(serialize_with = "texts", skip_serializing_if = "nothing")]
    pub rules: Arc<[Text]>,
    /// Rules that would have refused it: it ran because its target is observed only.
    #[serde(serialize_with = "texts", skip_serializing_if = "nothing")]
    pub observed: Arc<[Text]>,
    /// Analysis did not wholly understand it, so it may do more than stands here.
    #[serde(skip_serializing_if = "no")]
    pub opaque: bool,
    /// Version of the policies.
    #[serde(serialize_with = "text")]
    pub policy: Text,
    /// Labels that are masked in what it returns.
    #[serde(serialize_with = "texts", skip_serializing_if = "nothing")]
    pub masks: Arc<[Text]>,
    /// Masked columns that are NULL where it computes with them: the text sent to the database was not the client's.
    #[serde(serialize_with = "texts", skip_serializing_if = "nothing")]
    pub degraded: Arc<[Text]>,
    /// Most rows it may return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_cap: Option<u64>,
    /// Shared where many intents are recorded under one verdict.
    #[serde(skip)]
    pub encoded: Encoded,
    /// Disclosed: statement text with its literals; none if it is the shape, letter for letter.
    #[serde(skip)]
    pub text: Option<Text>,
    /// Disclosed: of an EXECUTE, the text that was prepared.
    #[serde(skip)]
    pub prepared: Option<Text>,
    /// Disclosed: parameters as a JSON array.
    #[serde(skip)]
    pub parameters: Option<Text>,
    /// Disclosed: why it is done, as declared by the client.
    #[serde(skip)]
    pub purpose: Option<Text>,
    /// Disclosed: the task it belongs to.
    #[serde(skip)]
    pub task: Option<Text>,
    /// Disclosed: the run it belongs to.
    #[serde(skip)]
    pub run: Option<Text>,
    /// Disclosed: W3C trace context.
    #[serde(skip)]
    pub traceparent: Option<Text>,
}

/// One action on one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectUse {
    /// Action name, DESIGN §7: `read`, `insert`, `drop`, …
    pub verb: Word,
    /// `schema.name`, or another object's name.
    #[serde(serialize_with = "text")]
    pub name: Text,
}

/// One use of a labelled column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnUse {
    /// `schema.relation.column`.
    #[serde(serialize_with = "text")]
    pub column: Text,
    /// Its label.
    #[serde(serialize_with = "text")]
    pub label: Text,
    /// How it is used: `projected`, `predicate`, …
    pub usage: Word,
}

/// What the gate decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It runs.
    Allow,
    /// It is refused.
    Deny,
    /// It waits for somebody's approval.
    Ask,
}

impl Intent {
    /// Writes the intent as JSON: what serialising it gives.
    pub(crate) fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let encoded = &self.encoded.0;
        let rest = match encoded.get() {
            Some(rest) => rest,
            None => {
                let whole = serde_json::to_string(self)?;
                // A quote within a value would have a backslash before it.
                let Some(start) = whole.find(",\"command\":") else {
                    out.extend_from_slice(whole.as_bytes());
                    return Ok(());
                };
                let rest = whole.get(start..).unwrap_or_default();
                encoded.get_or_init(|| rest.into())
            }
        };
        out.extend_from_slice(b"{\"session\":");
        serde_json::to_writer(&mut *out, &*self.session)?;
        out.extend_from_slice(b",\"statement\":");
        serde_json::to_writer(&mut *out, &self.statement)?;
        out.extend_from_slice(b",\"principal\":");
        serde_json::to_writer(&mut *out, &*self.principal)?;
        out.extend_from_slice(b",\"target\":");
        serde_json::to_writer(&mut *out, &*self.target)?;
        out.extend_from_slice(rest.as_bytes());
        debug_assert!(
            serde_json::to_vec(self).is_ok_and(|whole| out.ends_with(&whole)),
            "intents that share their encoding are the same"
        );
        Ok(())
    }

    pub(super) fn disclose(&mut self) -> Vec<Disclosure> {
        let mut out = Vec::with_capacity(2);
        let subject = Some(&self.principal);
        Disclosure::take(&mut out, "text", subject, &mut self.text);
        Disclosure::take(&mut out, "prepared", subject, &mut self.prepared);
        Disclosure::take(&mut out, "parameters", subject, &mut self.parameters);
        Disclosure::take(&mut out, "purpose", subject, &mut self.purpose);
        Disclosure::take(&mut out, "task", subject, &mut self.task);
        Disclosure::take(&mut out, "run", subject, &mut self.run);
        Disclosure::take(&mut out, "traceparent", subject, &mut self.traceparent);
        out
    }
}

/// What became of an intent.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The intent's entry.
    pub intent: Sequence,
    /// Session id.
    #[serde(serialize_with = "maybe_text", skip_serializing_if = "Option::is_none")]
    pub session: Option<Text>,
    /// How it ended.
    pub status: OutcomeStatus,
    /// SQLSTATE of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<Word>,
    /// Rows sent or affected, over all executions of a portal.
    pub rows: u64,
    /// Bytes of row data sent to the client.
    pub bytes: u64,
    /// Masked cells by label.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<MaskedCells>,
    /// From forwarding to the end, microseconds; of a portal, the sum of its executions.
    pub duration_us: u64,
}

/// How many cells of one label were masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MaskedCells {
    /// The label.
    #[serde(serialize_with = "text")]
    pub label: Text,
    /// Cells.
    pub cells: u64,
}

/// How an intent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// The database completed it.
    Ok,
    /// The database reported an error.
    Error,
    /// It was refused and did not run, or not on.
    Refused,
    /// It was cancelled (SQLSTATE 57014).
    Cancelled,
    /// It never ran: something before it failed, or it was bound and never executed.
    NotExecuted,
    /// Its portal was dropped before it came to the end; the counts say what left.
    Partial,
    /// Nobody can say: the connection or the gateway ended in between.
    Unknown,
}

impl Outcome {
    pub(super) fn disclose(&mut self) -> Vec<Disclosure> {
        Vec::new()
    }
}

/// A running statement was asked to stop.
#[derive(Clone, Debug, Serialize)]
pub struct Cancel {
    /// Session id.
    #[serde(serialize_with = "text")]
    pub session: Text,
    /// The intent it stops, if one runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Sequence>,
    /// Who asked.
    pub by: CancelledBy,
}

/// Who asked a statement to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// The client, by a cancel request.
    Client,
    /// The client went away.
    Disconnect,
    /// An operator.
    Operator,
    /// The statement's time was up.
    Timeout,
}

impl Cancel {
    pub(super) fn disclose(&mut self) -> Vec<Disclosure> {
        Vec::new()
    }
}
