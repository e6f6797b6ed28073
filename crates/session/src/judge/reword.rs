//! A pure read that tells more of masked columns than it may is served in other words: NULL stands for what it computes
//! with, and its rows come in random order (DESIGN §5).

use std::collections::BTreeMap;
use std::sync::Arc;

use statement::{ColumnId, Effect, Kind, Rewording, Scope, Statement, Tells};

use super::masked::Masked;
use super::masks::{MASKED_ORDER, MASKED_USE};
use super::tokens::{TOKENS, Written};
use super::{Judge, earlier};
use crate::verdict::{Judged, Verdict, Words};

impl Judge<'_> {
    /// The verdict on another text in place of one that was refused.
    ///
    /// The other text is judged as if the client had sent it, so that nothing depends on how it came about.
    pub(super) fn reworded(
        &self,
        text: &str,
        types: &[u32],
        scope: &Scope<'_>,
        refused: &Verdict,
    ) -> Option<Verdict> {
        let [asked] = refused.judged.as_slice() else {
            return None;
        };
        let rule = refused.refusal.as_ref()?.rule.as_str();
        let reads = only_reads(&asked.statement);
        let known = matches!(rule, MASKED_USE | MASKED_ORDER if reads) || rule == TOKENS;
        if !known {
            return None;
        }
        // Tokens are turned back whatever else is done.
        let mut settled = self.unsettled(asked);
        let context = self.context();
        let masked = Masked::new(self, &asked.masks, &context);
        let source = Written {
            text,
            revealed: &BTreeMap::new(),
        };
        self.settle(&mut settled, source, &masked, &context);
        let constants: Vec<(usize, &str)> = settled
            .tokens
            .iter()
            .map(|(place, _, raw)| (*place, raw.expose()))
            .collect();
        let none = |column| !masked.releases(column, &Tells::Anything);
        let more = |column, tells: &Tells| !masked.releases(column, tells);
        // Where order would tell something, what is released is not given either.
        let tries: [(Rewording, Forbidden<'_>); 3] = [
            (Rewording::Nulls, &more),
            (Rewording::NullsAndChance, &more),
            (Rewording::Nulls, &|column, _| none(column)),
        ];
        let tries = tries.into_iter().take(if reads { 3 } else { 1 });
        let mut tries = tries;
        tries.find_map(|(rewording, forbidden)| {
            let proposal = statement::reword(text, types, scope, rewording, &constants, forbidden)?;
            let labels = settled.tokens.iter().map(|(_, label, _)| label.clone());
            let revealed = proposal.constants.iter().copied().zip(labels).collect();
            let source = Written {
                text: &proposal.text,
                revealed: &revealed,
            };
            let written = self.as_written(source, types, scope, |_| None);
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
            let names = proposal.nulls.iter().filter_map(|column| {
                let (schema, relation, name) = self.catalog.column_name(*column)?;
                Some(format!("{schema}.{relation}.{name}").into())
            });
            record.degraded = names.collect();
            verdict.expires_ms = earlier(verdict.expires_ms, refused.expires_ms);
            // Its constants are looked at in any case.
            judged.by_value = true;
            verdict.sent = Some(Words(proposal.text.into()));
            Some(verdict)
        })
    }
}

impl Judge<'_> {
    /// A statement of which no constant was looked at yet.
    fn unsettled(&self, asked: &Judged) -> Judged {
        Judged {
            statement: Arc::clone(&asked.statement),
            masks: asked.masks.clone(),
            ..Judged::opaque("")
        }
    }
}

/// Which uses of which columns a text must not have.
type Forbidden<'a> = &'a dyn Fn(ColumnId, &Tells) -> bool;

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
