//! The columns of the index, stable and documented (docs/audit-search.md), and the
//! views over them.
//!
//! One row of `entries` is one entry of the ledger, but that the outcome of a
//! statement stands in the row of its intent. Only where the intent stands in an
//! earlier segment does an outcome have a row of its own, which the views join.
//! Columns are only ever added, and at the end.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

/// Version of the form of segments: part of their folder's name.
pub(super) const VERSION: u64 = 1;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Number,
    Time,
    Text,
    Flag,
    Texts,
    Numbers,
}

use Type::{Flag, Number, Numbers, Text, Texts, Time};

/// A column of `entries`: name, type, what it says.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    kind: Type,
    /// What it says.
    pub says: &'static str,
}

macro_rules! columns {
    ($($name:literal $kind:ident $says:literal;)*) => {
        /// The columns of `entries`, in order.
        pub const COLUMNS: &[Column] = &[$(Column { name: $name, kind: $kind, says: $says }),*];
    };
}

columns! {
    "seq" Number "Position in the ledger: the leaf index to prove it by.";
    "at" Time "When, UTC, microseconds (the entry itself has nanoseconds).";
    "kind" Text "Kind of the entry.";
    "session" Text "Session id.";
    "statement" Number "Number of the statement in its session.";
    "principal" Text "Id of the principal.";
    "principal_kind" Text "human, agent or workload.";
    "on_behalf_of" Text "Id of the human an agent acts for.";
    "target" Text "Name of the target.";
    "environment" Text "Environment of the target.";
    "command" Text "Command as in a command tag.";
    "shape" Text "Literal-free statement text.";
    "fingerprint" Text "SHA-256 of the shape, 32 hexadecimal digits.";
    "objects" Texts "Objects it uses.";
    "verbs" Texts "What it does to them.";
    "uses" Texts "Both together, as `read public.orders`.";
    "labelled_columns" Texts "Labelled columns it uses.";
    "labels" Texts "Their labels.";
    "decision" Text "allow, deny or ask.";
    "rules" Texts "Policies or built-in rules that decided.";
    "observed" Texts "Rules that would have refused it.";
    "opaque" Flag "Whether analysis did not wholly understand it.";
    "policy" Text "Version of the policies.";
    "masks" Texts "Labels that are masked in what it returns.";
    "degraded" Texts "Masked columns that were NULL where it computes with them.";
    "row_cap" Number "Most rows it may return.";
    "outcome_seq" Number "Position of the outcome.";
    "ended_at" Time "When it ended.";
    "status" Text "How it ended.";
    "sqlstate" Text "SQLSTATE of the error.";
    "rows" Number "Rows sent or affected.";
    "bytes" Number "Bytes of row data sent.";
    "masked_cells" Number "Cells masked.";
    "masked_labels" Texts "Labels of the masked cells …";
    "masked_counts" Numbers "… and how many cells of each.";
    "duration_us" Number "How long, microseconds.";
    "intent" Number "Of an outcome or a cancel: position of the intent.";
    "reason" Text "Why a session ended, somebody did not get in, or something is missing; who cancelled.";
    "protocol" Text "Protocol and version.";
    "tls" Text "TLS version towards the client; none is clear text.";
    "access_key" Text "Id of the access key.";
    "statement_count" Number "Statements of the session.";
    "refused_count" Number "Of those, refused.";
    "detail" Text "The clear fields, as JSON, of entries that are neither intent nor outcome.";
}

/// Columns that one form of statement determines: their dictionary is searched
/// before any row is read.
pub(super) const FORM: &[&str] = &[
    "kind",
    "command",
    "shape",
    "fingerprint",
    "objects",
    "verbs",
    "uses",
    "labelled_columns",
    "labels",
    "decision",
    "rules",
    "observed",
    "opaque",
    "policy",
    "masks",
    "degraded",
    "row_cap",
];

/// Columns that a session determines, likewise.
pub(super) const SESSION: &[&str] = &[
    "session",
    "principal",
    "principal_kind",
    "on_behalf_of",
    "target",
    "environment",
];

impl Column {
    fn field(&self) -> Field {
        let kind = match self.kind {
            Number => DataType::Int64,
            Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Text => DataType::Utf8View,
            Flag => DataType::Boolean,
            Texts => list(DataType::Utf8),
            Numbers => list(DataType::Int64),
        };
        Field::new(self.name, kind, !matches!(self.name, "seq" | "at" | "kind"))
    }

    /// Its type as SQL has it.
    #[must_use]
    pub fn sql_type(&self) -> &'static str {
        match self.kind {
            Number => "BIGINT",
            Time => "TIMESTAMP",
            Text => "VARCHAR",
            Flag => "BOOLEAN",
            Texts => "VARCHAR[]",
            Numbers => "BIGINT[]",
        }
    }
}

fn list(of: DataType) -> DataType {
    DataType::List(item(of))
}

/// The field of a list's items.
pub(super) fn item(of: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", of, true))
}

/// The schema of `entries`.
pub(super) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        Arc::new(Schema::new(
            COLUMNS.iter().map(Column::field).collect::<Vec<_>>(),
        ))
    });
    Arc::clone(&SCHEMA)
}

/// The schema of a dictionary: these columns, whether it is a session that is open
/// after the last entry, the postings.
pub(super) fn dictionary(columns: &[&str]) -> SchemaRef {
    let whole = schema();
    let mut fields: Vec<Field> = columns
        .iter()
        .filter_map(|name| whole.field_with_name(name).ok().cloned())
        .collect();
    fields.push(Field::new("open", DataType::Boolean, false));
    fields.push(Field::new("postings", DataType::Binary, false));
    Arc::new(Schema::new(fields))
}

/// A view over `entries`, as one SQL text that DataFusion and DuckDB understand.
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// What one row of it is.
    pub says: &'static str,
    /// Its definition.
    pub sql: &'static str,
}

/// Statements with their outcomes, where no outcome has a row of its own.
pub(super) const STATEMENTS_WITHOUT_LATE_OUTCOMES: &str = "\
SELECT seq, \"at\", session, statement, principal, principal_kind, on_behalf_of, target, environment,
  command, shape, fingerprint, objects, verbs, uses, labelled_columns, labels,
  decision, rules, observed, opaque, policy, masks, degraded, row_cap,
  outcome_seq, ended_at, status, sqlstate, rows, bytes, masked_cells, masked_labels, masked_counts, duration_us
FROM entries WHERE kind = 'statement.intent'";

/// The views. Each has the position in the ledger in every row.
pub const VIEWS: &[View] = &[
    View {
        name: "statements",
        says: "a statement that was judged, with how it ended",
        sql: "\
SELECT e.seq, e.\"at\", e.session, e.statement, e.principal, e.principal_kind, e.on_behalf_of, e.target, e.environment,
  e.command, e.shape, e.fingerprint, e.objects, e.verbs, e.uses, e.labelled_columns, e.labels,
  e.decision, e.rules, e.observed, e.opaque, e.policy, e.masks, e.degraded, e.row_cap,
  coalesce(e.outcome_seq, late.seq) AS outcome_seq, coalesce(e.ended_at, late.at) AS ended_at,
  coalesce(e.status, late.status) AS status, coalesce(e.sqlstate, late.sqlstate) AS sqlstate,
  coalesce(e.rows, late.rows) AS rows, coalesce(e.bytes, late.bytes) AS bytes,
  coalesce(e.masked_cells, late.masked_cells) AS masked_cells,
  CASE WHEN e.status IS NULL THEN late.masked_labels ELSE e.masked_labels END AS masked_labels,
  CASE WHEN e.status IS NULL THEN late.masked_counts ELSE e.masked_counts END AS masked_counts,
  coalesce(e.duration_us, late.duration_us) AS duration_us
FROM entries AS e
LEFT JOIN (SELECT seq, \"at\", intent, status, sqlstate, rows, bytes, masked_cells, masked_labels, masked_counts, duration_us
  FROM entries WHERE kind = 'statement.outcome') AS late ON late.intent = e.seq
WHERE e.kind = 'statement.intent'",
    },
    View {
        name: "sessions",
        says: "a session, with how it ended",
        sql: "\
SELECT o.seq, o.\"at\", o.session, o.principal, o.principal_kind, o.on_behalf_of, o.target, o.environment,
  o.protocol, o.tls, o.access_key, c.seq AS closed_seq, c.\"at\" AS closed_at, c.reason AS reason,
  c.statement_count AS statements, c.refused_count AS refused, c.rows AS rows, c.bytes AS bytes,
  c.masked_cells AS masked_cells, c.duration_us AS duration_us
FROM entries AS o
LEFT JOIN (SELECT seq, \"at\", session, reason, statement_count, refused_count, rows, bytes, masked_cells, duration_us
  FROM entries WHERE kind = 'session.close') AS c ON c.session = o.session
WHERE o.kind = 'session.open'",
    },
    View {
        name: "decisions",
        says: "a rule that decided about a statement or a session, or (observed) would have refused it",
        sql: "\
SELECT seq, \"at\", session, principal, on_behalf_of, target, environment, kind, command, fingerprint, decision, policy,
  unnest(rules) AS rule, false AS observed
FROM entries WHERE kind IN ('statement.intent', 'session.refused')
UNION ALL
SELECT seq, \"at\", session, principal, on_behalf_of, target, environment, kind, command, fingerprint, decision, policy,
  unnest(observed) AS rule, true AS observed
FROM entries WHERE kind = 'statement.intent'",
    },
    View {
        name: "masks",
        says: "a label of which a statement returned masked cells",
        sql: "\
SELECT seq, \"at\", session, principal, on_behalf_of, target, environment, command, fingerprint,
  unnest(masked_labels) AS label, unnest(masked_counts) AS cells
FROM statements WHERE masked_cells > 0",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_hold_columns_of_the_schema() {
        for columns in [FORM, SESSION] {
            assert_eq!(dictionary(columns).fields().len(), columns.len() + 2);
        }
    }

    #[test]
    fn the_document_names_every_column_and_view() {
        let page = include_str!("../../../../docs/audit-search.md");
        for column in COLUMNS {
            let row = format!(
                "| `{}` | {} | {} |",
                column.name,
                column.sql_type(),
                column.says
            );
            assert!(page.contains(&row), "missing: {row}");
        }
        for view in VIEWS {
            assert!(
                page.contains(&format!("| `{}` | {} |", view.name, view.says)),
                "{}",
                view.name
            );
            assert!(
                page.contains(view.sql),
                "the definition of {} differs",
                view.name
            );
        }
    }
}
