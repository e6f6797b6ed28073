//! How statements and transactions end: errors, skipping to Sync, ReadyForQuery.

use std::sync::Arc;

use ledger::event::OutcomeStatus;
use statement::Kind;
use wire::postgres as pg;

use super::errand::Progress;
use super::step::{Portal, Prepared, Run, Step};
use super::{End, Machine, Now};
use crate::verdict::{Foresight, Verdict};
use crate::world::World;

impl Machine {
    pub(super) fn error(&mut self, fields: &pg::Fields<'_>, raw: &[u8], world: &World, now: Now) {
        let fatal = fields
            .get(b'V')
            .or_else(|| fields.get(b'S'))
            .is_some_and(|s| s == b"FATAL" || s == b"PANIC");
        if fatal {
            self.record_outcome(OutcomeStatus::Error, fields.get(b'C'), None, now);
            let guarded = self.guards_session(world);
            self.send_error(fields, raw, guarded);
            self.end = Some(End::Upstream);
            return;
        }
        match self.queue.front_mut() {
            Some(Step::Query(run)) => {
                let guarded = run.verdict.guarded();
                let refusal = run.overruled.clone();
                let told = std::mem::replace(&mut run.told, true);
                self.record_outcome(
                    if refusal.is_some() {
                        OutcomeStatus::Refused
                    } else {
                        OutcomeStatus::Error
                    },
                    fields.get(b'C'),
                    None,
                    now,
                );
                self.record_never_run();
                self.after_error();
                self.expect_copy(1);
                match refusal {
                    Some(refusal) if !told => self.send_refusal(&refusal, self.statement_number),
                    Some(_) => {}
                    None => self.send_error(fields, raw, guarded),
                }
            }
            Some(Step::Sync) | None => {
                self.after_error();
                let guarded = self.guards_session(world);
                self.send_error(fields, raw, guarded);
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
            Some(_) => {
                let guarded = self.step_guarded(world);
                self.record_outcome(OutcomeStatus::Error, fields.get(b'C'), None, now);
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
                    None => self.send_error(fields, raw, guarded),
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
        let mut told = None;
        while self.queue.front().is_some_and(Step::skippable) {
            match self.queue.pop_front() {
                Some(Step::Parse { .. } | Step::CloseStatement(_) | Step::ClosePortal(_)) => {
                    self.tentative -= 1
                }
                Some(Step::Bind { portal, .. }) => {
                    self.tentative -= 1;
                    self.record_skipped(portal.intent);
                }
                Some(Step::Errand(errand)) => {
                    self.errands -= 1;
                    self.loading = None;
                    self.private_stale |= errand.reads_catalog();
                }
                Some(Step::Query(run)) => {
                    for intent in run.intents {
                        self.record_skipped(Some(intent));
                    }
                }
                Some(Step::Execute(run)) => {
                    // What was bound in this pipeline has its outcome from its Bind.
                    let portal = run.portal.as_ref().and_then(|name| self.portals.get(name));
                    let intent = portal.and_then(|portal| portal.intent);
                    if intent.is_some_and(|intent| run.intents.contains(&intent)) && told != intent
                    {
                        told = intent;
                        self.record_skipped(intent);
                    }
                }
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
                        types: Arc::from([]),
                        pinned: None,
                    }),
                    verdict: Arc::clone(verdict),
                    index,
                    version: self.version(world),
                    under: None,
                    formats: Arc::from([]),
                    rows: 0,
                    intent: None,
                    hold: *with_hold,
                    cursor: true,
                };
                self.portals.insert(cursor.as_str().into(), portal);
            }
            Kind::Fetch { cursor } => {
                if let Some(portal) = self.portals.get_mut(cursor.as_str()) {
                    portal.rows += rows;
                }
            }
            Kind::CloseCursor { name: Some(name) } => {
                self.portals.remove(name.as_str());
            }
            Kind::CloseCursor { name: None } => self.portals.clear(),
            Kind::Discard { all: true, .. } => {
                self.statements.clear();
                self.portals.clear();
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
            self.portals.retain(|_, portal| portal.hold);
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
