//! A pure read that computes with masked columns is served with NULL in their place (DESIGN §5).

use std::sync::Arc;

use statement::{Effect, Kind, Scope, Statement};

use super::masks::MASKED_USE;
use super::{Judge, earlier};
use crate::verdict::Verdict;

impl Judge<'_> {
    /// The verdict on another text in place of one that was refused because it computes with masked columns.
    ///
    /// The other text is judged as if the client had sent it, so that nothing depends on how it came about.
    pub(super) fn degraded(
        &self,
        text: &str,
        types: &[u32],
        scope: &Scope<'_>,
        refused: &Verdict,
    ) -> Option<Verdict> {
        let [asked] = refused.judged.as_slice() else {
            return None;
        };
        if refused.refusal.as_ref()?.rule != MASKED_USE || !only_reads(&asked.statement) {
            return None;
        }
        let label = |column| self.label(column);
        let masked =
            |column| label(column).is_some_and(|label| asked.masks.contains(label.as_str()));
        let proposal = statement::degrade(text, types, scope, masked)?;
        let written = self.as_written(&proposal.text, types, scope, |_| None);
        let mut verdict = Arc::into_inner(written.verdict)?;
        let [judged] = verdict.judged.as_mut_slice() else {
            return None;
        };
        if verdict.refusal.is_some() || !same_outputs(&asked.statement, &judged.statement) {
            return None;
        }
        judged.row_cap = earlier(asked.row_cap, judged.row_cap);
        // On record is what was asked for, and that it was not given.
        let record = &mut judged.record;
        record.shape = Arc::clone(&asked.record.shape);
        record.shape_hash = Arc::clone(&asked.record.shape_hash);
        record.objects = Arc::clone(&asked.record.objects);
        record.columns = Arc::clone(&asked.record.columns);
        record.masks = Arc::clone(&asked.record.masks);
        let names = proposal.columns.iter().filter_map(|column| {
            let (schema, relation, name) = self.catalog.column_name(*column)?;
            Some(format!("{schema}.{relation}.{name}").into())
        });
        record.degraded = names.collect();
        verdict.expires_ms = earlier(verdict.expires_ms, refused.expires_ms);
        verdict.sent = Some(proposal.text.into());
        Some(verdict)
    }
}

fn only_reads(statement: &Statement) -> bool {
    match &statement.kind {
        Kind::Select | Kind::Copy { .. } => statement.effect == Effect::ReadOnly,
        Kind::Prepare { inner, .. } | Kind::Declare { inner, .. } => {
            inner.kind == Kind::Select && inner.effect == Effect::ReadOnly
        }
        _ => false,
    }
}

/// Whether both give as many outputs, of the same names.
fn same_outputs(asked: &Statement, sent: &Statement) -> bool {
    match (&asked.kind, &sent.kind) {
        (Kind::Prepare { inner: asked, .. }, Kind::Prepare { inner: sent, .. })
        | (Kind::Declare { inner: asked, .. }, Kind::Declare { inner: sent, .. }) => {
            same_outputs(asked, sent)
        }
        _ => {
            let names = |statement: &Statement| {
                let outputs = statement.outputs.iter();
                outputs.map(|o| Arc::clone(&o.name)).collect::<Vec<_>>()
            };
            names(asked) == names(sent)
        }
    }
}
