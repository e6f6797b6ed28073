//! Rows to Arrow: what DataFusion reads and Parquet holds.
//!
//! Forms and sessions become arrays once; rows take from them.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListBuilder, PrimitiveBuilder, RecordBatch, StringBuilder,
    StringViewArray, TimestampMicrosecondArray, UInt32Array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::arrow::error::ArrowError;

use super::entry::{Outcome, Verdict};
use super::rows::{Ended, Form, Row, Rows, Session, What};
use super::schema::{self, COLUMNS};

/// Columns by name.
type Columns = Vec<(&'static str, ArrayRef)>;

/// The arrays of forms and sessions.
pub(super) struct Shared {
    pub(super) forms: Columns,
    pub(super) sessions: Columns,
}

impl Shared {
    pub(super) fn of(rows: &Rows) -> Shared {
        Shared {
            forms: forms(&rows.forms),
            sessions: sessions(&rows.sessions),
        }
    }
}

/// Rows as a batch of `entries`.
///
/// # Errors
/// None that a test has seen.
pub(super) fn batch(part: &[&Row], shared: &Shared) -> Result<RecordBatch, ArrowError> {
    let form: UInt32Array = part.iter().map(|row| row.form).collect();
    let session: UInt32Array = part.iter().map(|row| row.session).collect();
    let own = own(part);
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(COLUMNS.len());
    for column in COLUMNS {
        let named = |(name, _): &&(&str, ArrayRef)| *name == column.name;
        let array = if let Some((_, array)) = shared.forms.iter().find(named) {
            take(array, &form, None)?
        } else if let Some((_, array)) = shared.sessions.iter().find(named) {
            take(array, &session, None)?
        } else if let Some((_, array)) = own.iter().find(named) {
            Arc::clone(array)
        } else {
            let name = column.name;
            return Err(ArrowError::SchemaError(format!("no column {name}")));
        };
        arrays.push(array);
    }
    RecordBatch::try_new(schema::schema(), arrays)
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn numbers(values: impl Iterator<Item = Option<u64>>) -> ArrayRef {
    Arc::new(
        values
            .map(|value| value.map(number))
            .collect::<Int64Array>(),
    )
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringViewArray>())
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(
        values
            .collect::<TimestampMicrosecondArray>()
            .with_timezone("UTC"),
    )
}

/// Lists of texts; `None` is no list.
fn lists<'a, I: Iterator<Item = &'a str>>(values: impl Iterator<Item = Option<I>>) -> ArrayRef {
    let mut builder =
        ListBuilder::new(StringBuilder::new()).with_field(schema::item(DataType::Utf8));
    for value in values {
        let present = value.is_some();
        for text in value.into_iter().flatten() {
            builder.values().append_value(text);
        }
        builder.append(present);
    }
    Arc::new(builder.finish())
}

/// Without those that stand before already.
fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> std::vec::IntoIter<&'a str> {
    let mut seen: Vec<&str> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen.into_iter()
}

fn each(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(String::as_str)
}

fn forms(forms: &[Form]) -> Columns {
    let verdicts = || forms.iter().map(|form| form.verdict.as_ref());
    let text = |of: fn(&Verdict) -> &str| texts(verdicts().map(|verdict| verdict.map(of)));
    let list = |of: fn(&Verdict) -> &[String]| lists(verdicts().map(|v| v.map(|v| each(of(v)))));
    let uses: Vec<Option<Vec<String>>> = verdicts()
        .map(|verdict| {
            let uses = verdict?.objects.iter();
            Some(
                uses.map(|one| format!("{} {}", one.verb, one.name))
                    .collect(),
            )
        })
        .collect();
    let rules = forms.iter().map(|form| {
        let rules = form.verdict.as_ref().map(|verdict| &verdict.rules);
        rules.or(form.rule.as_ref()).map(|rules| each(rules))
    });
    let decision = forms.iter().map(|form| match (&form.verdict, &form.rule) {
        (Some(verdict), _) => Some(verdict.decision.as_str()),
        (None, Some(_)) => Some("deny"),
        (None, None) => None,
    });
    vec![
        ("kind", texts(forms.iter().map(|form| Some(form.kind)))),
        ("command", text(|verdict| &verdict.command)),
        ("shape", text(|verdict| &verdict.shape)),
        ("fingerprint", text(|verdict| &verdict.shape_hash)),
        (
            "objects",
            lists(
                verdicts().map(|v| v.map(|v| distinct(v.objects.iter().map(|o| o.name.as_str())))),
            ),
        ),
        (
            "verbs",
            lists(
                verdicts().map(|v| v.map(|v| distinct(v.objects.iter().map(|o| o.verb.as_str())))),
            ),
        ),
        (
            "uses",
            lists(uses.iter().map(|uses| uses.as_deref().map(each))),
        ),
        (
            "labelled_columns",
            lists(
                verdicts()
                    .map(|v| v.map(|v| distinct(v.columns.iter().map(|c| c.column.as_str())))),
            ),
        ),
        (
            "labels",
            lists(
                verdicts().map(|v| v.map(|v| distinct(v.columns.iter().map(|c| c.label.as_str())))),
            ),
        ),
        ("decision", texts(decision)),
        ("rules", lists(rules)),
        ("observed", list(|verdict| &verdict.observed)),
        (
            "opaque",
            Arc::new(
                verdicts()
                    .map(|v| v.map(|v| v.opaque))
                    .collect::<BooleanArray>(),
            ),
        ),
        ("policy", text(|verdict| &verdict.policy)),
        ("masks", list(|verdict| &verdict.masks)),
        ("degraded", list(|verdict| &verdict.degraded)),
        (
            "row_cap",
            numbers(verdicts().map(|v| v.and_then(|v| v.row_cap))),
        ),
    ]
}

fn sessions(sessions: &[Session]) -> Columns {
    let text = |of: fn(&Session) -> Option<&String>| {
        texts(
            sessions
                .iter()
                .map(|session| of(session).map(String::as_str)),
        )
    };
    vec![
        ("session", text(|session| session.session.as_ref())),
        ("principal", text(|session| session.principal.as_ref())),
        (
            "principal_kind",
            text(|session| session.principal_kind.as_ref()),
        ),
        (
            "on_behalf_of",
            text(|session| session.on_behalf_of.as_ref()),
        ),
        ("target", text(|session| session.target.as_ref())),
        ("environment", text(|session| session.environment.as_ref())),
    ]
}

/// The columns that every row has for itself.
fn own(rows: &[&Row]) -> Columns {
    let outcomes = || rows.iter().map(|row| row.outcome());
    let others = || rows.iter().map(|row| row.other());
    // A column that outcomes have, and others too.
    let both = |of: fn(&Outcome) -> Option<u64>, or: fn(&super::entry::Other) -> Option<u64>| {
        numbers(
            outcomes()
                .zip(others())
                .map(|(outcome, other)| match outcome {
                    Some(outcome) => of(outcome),
                    None => other.and_then(|(other, _)| or(other)),
                }),
        )
    };
    let other = |of: fn(&super::entry::Other) -> Option<&String>| {
        texts(others().map(|other| of(other?.0).map(String::as_str)))
    };
    let count =
        |of: fn(&super::entry::Other) -> Option<u64>| numbers(others().map(|other| of(other?.0)));
    let sqlstate = outcomes().zip(others()).map(|(outcome, other)| {
        let sqlstate = outcome.and_then(|outcome| outcome.sqlstate.as_ref());
        sqlstate
            .or(other.and_then(|(other, _)| other.sqlstate.as_ref()))
            .map(String::as_str)
    });
    let mut masked_counts = ListBuilder::new(PrimitiveBuilder::<Int64Type>::new())
        .with_field(schema::item(DataType::Int64));
    for outcome in outcomes() {
        for masked in outcome.map(|outcome| &outcome.masked).into_iter().flatten() {
            masked_counts.values().append_value(number(masked.cells));
        }
        masked_counts.append(outcome.is_some());
    }
    vec![
        ("seq", numbers(rows.iter().map(|row| Some(row.seq)))),
        ("at", times(rows.iter().map(|row| Some(row.at_us)))),
        ("statement", numbers(rows.iter().map(|row| row.number()))),
        (
            "outcome_seq",
            numbers(rows.iter().map(|row| Some(row.ended()?.seq))),
        ),
        (
            "ended_at",
            times(rows.iter().map(|row| Some(row.ended()?.at_us))),
        ),
        (
            "status",
            texts(outcomes().map(|outcome| Some(outcome?.status.as_str()))),
        ),
        ("sqlstate", texts(sqlstate)),
        (
            "rows",
            both(|outcome| Some(outcome.rows), |other| other.rows),
        ),
        (
            "bytes",
            both(|outcome| Some(outcome.bytes), |other| other.bytes),
        ),
        (
            "masked_cells",
            both(
                |outcome| {
                    Some(
                        outcome
                            .masked
                            .iter()
                            .fold(0, |sum, one| sum.saturating_add(one.cells)),
                    )
                },
                |other| other.masked_cells,
            ),
        ),
        (
            "masked_labels",
            lists(outcomes().map(|o| o.map(|o| o.masked.iter().map(|one| one.label.as_str())))),
        ),
        (
            "masked_counts",
            Arc::new(masked_counts.finish()) as ArrayRef,
        ),
        (
            "duration_us",
            both(
                |outcome| Some(outcome.duration_us),
                |other| other.duration_ms.map(|ms| ms.saturating_mul(1000)),
            ),
        ),
        ("intent", numbers(rows.iter().map(|row| row.intent()))),
        (
            "reason",
            other(|o| o.reason.as_ref().or(o.cause.as_ref()).or(o.by.as_ref())),
        ),
        ("protocol", other(|o| o.protocol.as_ref())),
        ("tls", other(|o| o.tls.as_ref().map(|tls| &tls.version))),
        ("access_key", other(|o| o.key.as_ref())),
        ("statement_count", count(|o| o.statements)),
        ("refused_count", count(|o| o.refused)),
        ("detail", texts(others().map(|other| Some(other?.1)))),
    ]
}

impl Row {
    fn number(&self) -> Option<u64> {
        match self.content {
            What::Statement { number, .. } => Some(number),
            What::LateOutcome(_) | What::Other(..) => None,
        }
    }

    fn ended(&self) -> Option<&Ended> {
        match &self.content {
            What::Statement { ended, .. } => ended.as_deref(),
            What::LateOutcome(_) | What::Other(..) => None,
        }
    }

    fn outcome(&self) -> Option<&Outcome> {
        match &self.content {
            What::Statement { ended, .. } => ended.as_deref().map(|ended| &ended.outcome),
            What::LateOutcome(outcome) => Some(outcome),
            What::Other(..) => None,
        }
    }

    fn other(&self) -> Option<(&super::entry::Other, &str)> {
        match &self.content {
            What::Other(other, detail) => Some((other, detail)),
            What::Statement { .. } | What::LateOutcome(_) => None,
        }
    }

    fn intent(&self) -> Option<u64> {
        match &self.content {
            What::Statement { .. } => None,
            What::LateOutcome(outcome) => Some(outcome.intent),
            What::Other(other, _) => other.intent,
        }
    }
}

/// Values of these columns as one batch, for a dictionary.
pub(super) fn columns(named: &Columns, names: &[&str]) -> Vec<ArrayRef> {
    names
        .iter()
        .filter_map(|wanted| named.iter().find(|(name, _)| name == wanted))
        .map(|(_, array)| Arc::clone(array))
        .collect()
}
