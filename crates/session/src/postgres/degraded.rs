//! Statements that are sent in other words than the client's, and what the client is told of it.

use std::sync::Arc;

use serde_json::json;
use statement::Kind;
use wire::postgres as pg;

use super::step::{Portal, Step};
use super::{End, Machine};
use crate::verdict::{Judged, Verdict};

/// Masked columns that are NULL where the statement computes with them.
pub(super) fn degraded(judged: Option<&Judged>) -> Arc<[Arc<str>]> {
    judged.map_or_else(
        || Arc::from([]),
        |judged| Arc::clone(&judged.record.degraded),
    )
}

impl Machine {
    /// Forwards a Query message in the words of its verdict; any other as it is.
    pub(super) fn send_simple(&mut self, verdict: &Verdict, raw: &[u8]) {
        let buffer = self.to_upstream.buffer();
        let Some(text) = &verdict.sent else {
            return buffer.extend_from_slice(raw);
        };
        if pg::encode::query(buffer, &text.0).is_err() {
            self.too_long();
        }
    }

    /// Forwards a Parse message, in the words of its verdict.
    pub(super) fn send_parse(&mut self, verdict: &Verdict, name: &str, types: &[u32], raw: &[u8]) {
        let buffer = self.to_upstream.buffer();
        let Some(text) = &verdict.sent else {
            return self.forward(raw);
        };
        if pg::encode::parse(buffer, name, &text.0, types.iter().copied()).is_err() {
            self.too_long();
        }
        self.open += 1;
    }

    /// Forwards an extended-protocol message as it is.
    pub(super) fn forward(&mut self, raw: &[u8]) {
        self.to_upstream.buffer().extend_from_slice(raw);
        self.open += 1;
    }

    /// Nothing was sent, so what follows must not be either.
    pub(super) fn too_long(&mut self) {
        let message = "the statement is too long";
        self.terminate("54000", message, End::ClientProtocol("statement too long"));
    }

    /// The masked columns that are NULL in what a statement runs, be it prepared or declared earlier; `bound` is the
    /// prepared statement of a Bind.
    pub(super) fn degraded_in(&self, judged: &Judged, bound: Option<&str>) -> Arc<[Arc<str>]> {
        let own = &judged.record.degraded;
        let prepared = match &judged.statement.kind {
            Kind::Fetch { cursor } => {
                let portal = self.portal(cursor);
                return degraded(portal.as_ref().and_then(Portal::judged));
            }
            Kind::Execute { name } => Some(name.as_str()),
            // What SQL prepared is bound in the words that the server holds.
            _ => bound.filter(|name| own.is_empty() && !name.is_empty()),
        };
        match prepared.and_then(|name| self.prepared(name)) {
            Some(prepared) => Arc::clone(&prepared.degraded),
            None => Arc::clone(own),
        }
    }

    /// Tells the client what is NULL in the statement at the head of the queue, before the first of its answers,
    /// which has this tag. A cursor's was told when it was declared.
    pub(super) fn tell_of_null(&mut self, tag: u8) {
        let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front_mut() else {
            return;
        };
        // RowDescription, DataRow, CopyOutResponse, CommandComplete, PortalSuspended.
        if run.announced || !matches!(tag, b'T' | b'D' | b'H' | b'C' | b's') {
            return;
        }
        run.announced = true;
        let verdict = Arc::clone(&run.verdict);
        let request = run.request + run.index as u64;
        let name = run.portal.clone();
        let overruled = run.overruled.is_some();
        let Some(judged) = verdict.judged.get(run.index) else {
            return;
        };
        let portal = name.and_then(|name| self.portals.get(&name));
        // A portal executed in pieces is one statement.
        let goes_on = portal.is_some_and(|portal| portal.rows > 0);
        if overruled || goes_on || matches!(judged.statement.kind, Kind::Fetch { .. }) {
            return;
        }
        let mut columns = self.degraded_in(judged, None);
        if columns.is_empty()
            && let Some(portal) = portal
        {
            columns = Arc::clone(&portal.prepared.degraded);
        }
        if columns.is_empty() {
            return;
        }
        let message = match &*columns {
            [column] => format!("masked column {column} is NULL where it is computed with"),
            _ => format!(
                "masked columns {} are NULL where they are computed with",
                columns.join(", ")
            ),
        };
        let detail = json!({
            "v": 1,
            "decision": "allow",
            "cause": "masked",
            "rule": "weir.degraded",
            "objects": &*columns,
            "request": format!("{}/{request}", self.names.session),
        });
        pg::encode::notice_response(
            self.to_client.buffer(),
            &pg::ErrorFields {
                detail: Some(&detail.to_string()),
                hint: Some(
                    "Select the column by itself to see its stand-ins; or ask a data owner for raw access to this label.",
                ),
                ..pg::ErrorFields::new("NOTICE", "01000", &message)
            },
        );
    }
}
