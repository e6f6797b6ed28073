//! What names stand for once everything in flight is answered without error.

use std::sync::Arc;

use statement::Kind;

use super::Machine;
use super::step::{Portal, Prepared, Step};
use crate::refusal::{Cause, Refusal};
use crate::verdict::{Judged, Verdict};

impl Machine {
    /// The prepared statement a name stands for once everything in flight is
    /// answered without error.
    pub(super) fn prepared(&self, name: &str) -> Option<Arc<Prepared>> {
        if self.tentative > 0 {
            for step in self.queue.iter().rev() {
                match step {
                    Step::Parse {
                        name: n, prepared, ..
                    } if **n == *name => return Some(Arc::clone(prepared)),
                    Step::CloseStatement(n) if **n == *name => return None,
                    _ => {}
                }
            }
        }
        self.statements.get(name).cloned()
    }

    /// The portal a name stands for once everything in flight is answered.
    pub(super) fn portal(&self, name: &str) -> Option<Portal> {
        if self.tentative > 0 {
            for step in self.queue.iter().rev() {
                match step {
                    Step::Bind { name: n, portal } if **n == *name => return Some(portal.clone()),
                    Step::ClosePortal(n) if **n == *name => return None,
                    _ => {}
                }
            }
        }
        self.portals.get(name).cloned()
    }

    /// The text an EXECUTE runs: as the string it stands in prepares it, or as it was prepared before.
    pub(super) fn prepared_text(&self, verdict: &Verdict, judged: &Judged) -> Option<Arc<str>> {
        let Kind::Execute { name: executed } = &judged.statement.kind else {
            return None;
        };
        let before = verdict.judged.iter();
        let before = before.take_while(|one| !std::ptr::eq(*one, judged));
        let here = before.filter_map(|one| match &one.statement.kind {
            Kind::Prepare { name, text, .. } if name == executed => Some(text.as_str().into()),
            _ => None,
        });
        here.last()
            .or_else(|| Some(Arc::clone(&self.prepared(executed)?.text)))
    }

    /// Refuses EXECUTE of what the server may run as it was prepared, under names that meant others.
    pub(super) fn executes_another(&self, verdict: &Verdict) -> Option<Refusal> {
        let mut prepared_here = Vec::new();
        verdict.judged.iter().find_map(|judged| {
            if let Kind::Prepare { name, .. } = &judged.statement.kind {
                prepared_here.push(name);
            }
            let Kind::Execute { name } = &judged.statement.kind else {
                return None;
            };
            if prepared_here.contains(&name) {
                return None;
            }
            let differs = self.prepared(name)?.differs(&judged.statement);
            differs.then(changed)
        })
    }
}

/// As the server says when a prepared statement no longer gives what it gave, so that drivers prepare anew.
pub(super) fn changed() -> Refusal {
    let message =
        "the names in this prepared statement have come to mean other things since it was prepared";
    Refusal::new(Cause::Masked, "weir.prepared-changed", message)
        .code("0A000")
        .hint("Prepare it again.")
}
