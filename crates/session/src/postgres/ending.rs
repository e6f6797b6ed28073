//! How statements and transactions end: errors, skipping to Sync, ReadyForQuery.

use std::sync::Arc;

use ledger::event::OutcomeStatus;
use statement::Kind;
use wire::postgres as pg;

use super::degraded::degraded;
use super::errand::{Progress, Question};
use super::evidence::Guard;
use super::step::{Portal, Prepared, Run, Step};
use super::{End, Machine, Now, outcome};
use crate::verdict::{Foresight, Verdict};
use crate::world::World;

impl Machine {
    pub(super) fn error(&mut self, fields: &pg::Fields<'_>, raw: &[u8], world: &World, now: Now) {
        let fatal = fields
            .get(b'V')
            .or_else(|| fields.get(b'S'))
            .is_some_and(|s| s == b"FATAL" || s == b"PANIC");
        let failed = outcome::failed(fields.get(b'C'));
        if fatal {
            self.record_outcome(failed, fields.get(b'C'), None, now);
            self.record_rest(OutcomeStatus::NotExecuted);
            self.queue.pop_front();
            let guard = self.session_guard(world);
            self.send_error(fields, raw, guard);
            self.end = Some(End::Upstream);
            return;
        }
        match self.queue.front_mut() {
            Some(Step::Query(run)) => {
                let guard = Guard::of(&run.verdict);
                let refusal = run.overruled.clone();
                let told = std::mem::replace(&mut run.told, true);
                self.record_outcome(
                    if refusal.is_some() {
                        OutcomeStatus::Refused
                    } else {
                        failed
                    },
                    fields.get(b'C'),
                    None,
                    now,
                );
                self.record_rest(OutcomeStatus::NotExecuted);
                self.after_error();
                self.expect_copy(1);
                match refusal {
                    Some(refusal) if !told => self.send_refusal(&refusal, self.statement_number),
                    Some(_) => {}
                    None => self.send_error(fields, raw, guard),
                }
            }
            Some(Step::Sync) | None => {
                self.after_error();
                let guard = self.session_guard(world);
                self.send_error(fields, raw, guard);
            }
            Some(Step::Refused { .. }) => {
                if let Some(Step::Refused {
                    refusal,
                    request,
                    simple,
                }) = self.queue.pop_front()
                {
                    self.send_refusal(&refusal, request);
                    if simple {
                        self.queue
                            .push_front(Step::Query(Box::new(Run::refused(now))));
                    } else {
                        self.drop_skipped();
                    }
                }
            }
            Some(Step::Errand(errand)) => {
                errand.progress = Progress::Failed;
                self.errand_failed(fields, raw);
            }
            Some(step) => {
                let status = match step {
                    Step::Execute(run) if run.overruled.is_some() => OutcomeStatus::Refused,
                    _ => failed,
                };
                let guard = self.step_guard(world);
                self.record_outcome(status, fields.get(b'C'), None, now);
                let refusal = match self.queue.pop_front() {
                    Some(Step::Execute(run)) => run.overruled,
                    Some(
                        Step::Parse { .. }
                        | Step::Bind { .. }
                        | Step::CloseStatement(_)
                        | Step::ClosePortal(_),
                    ) => {
                        self.tentative -= 1;
                        None
                    }
                    _ => None,
                };
                match refusal {
                    Some(refusal) => self.send_refusal(&refusal, self.statement_number),
                    None => self.send_error(fields, raw, guard),
                }
                self.drop_skipped();
            }
        }
    }

    /// After an error in the extended protocol the server skips to Sync: so do
    /// the steps in flight, and client messages if no Sync is among them.
    pub(super) fn drop_skipped(&mut self) {
        self.after_error();
        self.described = None;
        while self.queue.front().is_some_and(Step::skippable) {
            match self.queue.pop_front() {
                Some(Step::CloseStatement(_) | Step::ClosePortal(_)) => self.tentative -= 1,
                Some(
                    Step::Parse { intent, .. }
                    | Step::Bind {
                        portal: Portal { intent, .. },
                        ..
                    },
                ) => {
                    self.tentative -= 1;
                    self.record_skipped(intent);
                }
                Some(Step::Errand(errand)) => {
                    self.errands -= 1;
                    self.loading = None;
                    self.private_stale |= errand.reads_catalog();
                    if let Question::Attribution { name, .. } = errand.question {
                        self.rename.get_or_insert(name);
                    }
                }
                Some(Step::Query(run)) => {
                    for intent in run.intents {
                        self.record_skipped(Some(intent));
                    }
                }
                // An Execute is told of with its portal.
                _ => {}
            }
        }
        self.expect_copy(0);
        if self.queue.is_empty() {
            self.skipping = true;
        }
    }

    /// After an error: copy data that ended early belongs to a step behind the
    /// `failed` ones, or to nothing any more.
    fn expect_copy(&mut self, failed: usize) {
        let mut left = self.queue.iter().skip(failed);
        self.copy_ended_early &= left.any(|step| {
            matches!(step, Step::Query(run) | Step::Execute(run) if run.will_take_copy_data())
        });
    }

    /// State that an error ends, in either protocol.
    pub(super) fn after_error(&mut self) {
        self.copy_in = false;
        if self.settings_changed {
            self.known.stale = true;
        }
        if self.definitions_changed {
            self.private_stale = !self.standing.lenient;
        }
    }

    /// What a statement that ran leaves behind in the session.
    pub(super) fn completed(
        &mut self,
        verdict: &Arc<Verdict>,
        index: usize,
        rows: u64,
        world: &World,
    ) {
        let Some(judged) = verdict.judged.get(index) else {
            return;
        };
        match &judged.statement.kind {
            Kind::Prepare { name, text, .. } => {
                let prepared = Prepared {
                    text: text.as_str().into(),
                    sent: None,
                    degraded: degraded(Some(judged)),
                    types: Arc::from([]),
                    pinned: Prepared::pin(&judged.statement, &world.labels),
                };
                self.statements
                    .insert(name.as_str().into(), Arc::new(prepared));
            }
            Kind::Deallocate { name: Some(name) } => {
                self.statements.remove(name.as_str());
            }
            Kind::Deallocate { name: None } => self.statements.clear(),
            Kind::Declare {
                cursor, with_hold, ..
            } => {
                let portal = Portal {
                    prepared: Arc::new(Prepared {
                        text: "".into(),
                        sent: None,
                        degraded: degraded(Some(judged)),
                        types: Arc::from([]),
                        pinned: None,
                    }),
                    verdict: Arc::clone(verdict),
                    index,
                    version: self.version(world),
                    under: None,
                    formats: Arc::from([]),
                    rows: 0,
                    request: 0,
                    intent: None,
                    left: None,
                    hold: *with_hold,
                    cursor: true,
                };
                self.bound(cursor.as_str().into(), portal);
            }
            Kind::Fetch { cursor } => {
                if let Some(portal) = self.portals.get_mut(cursor.as_str()) {
                    portal.rows += rows;
                }
            }
            Kind::CloseCursor { name: Some(name) } => {
                let closed = self.portals.remove(name.as_str());
                self.portal_over(closed);
            }
            Kind::CloseCursor { name: None } => self.drop_portals(|_| true),
            Kind::Discard { all: true, .. } => {
                self.statements.clear();
                self.drop_portals(|_| true);
            }
            _ => {}
        }
    }

    pub(super) fn ready(&mut self, status: pg::TransactionStatus, raw: &[u8], now: Now) {
        self.transaction = status;
        match self.queue.pop_front() {
            Some(Step::Sync) => {
                self.at_ready(status);
                self.to_client.buffer().extend_from_slice(raw);
            }
            Some(Step::Query(mut run)) => match run.overruled.take() {
                Some(refusal) if !run.told => {
                    // It ended well on the server though overruled: tell the
                    // client, and make the open transaction fail as told.
                    self.send_refusal(&refusal, self.statement_number);
                    if status == pg::TransactionStatus::InTransaction {
                        let _ =
                            pg::encode::query(self.to_upstream.buffer(), "/* ended by weir */ !");
                        let mut run = Run::refused(now);
                        run.told = true;
                        run.overruled = Some(refusal);
                        self.queue.push_front(Step::Query(Box::new(run)));
                        return;
                    }
                    self.query_over(status, raw);
                }
                _ => self.query_over(status, raw),
            },
            Some(Step::Errand(errand)) if errand.sync => self.errand_ready(*errand, raw),
            _ => self.upstream_broken("an unexpected ReadyForQuery"),
        }
    }

    pub(super) fn query_over(&mut self, status: pg::TransactionStatus, raw: &[u8]) {
        if self.queue.is_empty() {
            // A Query message ends what extended messages before it began.
            self.open = 0;
        }
        self.at_ready(status);
        self.to_client.buffer().extend_from_slice(raw);
    }

    /// Whether a statement that is not answered yet may change what `what` says.
    pub(super) fn in_flight(&self, what: impl Fn(&Foresight) -> bool) -> bool {
        self.queue.iter().any(|step| match step {
            Step::Query(run) | Step::Execute(run) => run
                .verdict
                .judged
                .iter()
                .any(|judged| what(&judged.foresight)),
            _ => false,
        })
    }

    pub(super) fn at_ready(&mut self, status: pg::TransactionStatus) {
        if status == pg::TransactionStatus::Idle {
            self.drop_portals(|portal| !portal.hold);
            // What is still in flight is not over with this answer.
            if self.settings_changed {
                self.settings_changed = self.in_flight(|foresight| foresight.settings);
                self.known.stale = true;
            }
            if self.definitions_changed {
                self.definitions_changed = self.in_flight(|foresight| foresight.definitions);
                self.private = None;
                // Temporary objects are read again once the settings told of them.
                self.private_stale = false;
                self.known.stale = true;
                self.needs_generation = self.catalogs.definitions_changed();
            }
        }
        self.settle(status == pg::TransactionStatus::Idle);
    }
}
