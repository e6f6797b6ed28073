//! Answers that a change of definitions by somebody else may concern.
//!
//! Held from their first byte until the catalog was looked at again, then let
//! go if it is still the one the statement was judged under, else withheld. Must
//! run before anything of an answer is forwarded.

use std::sync::Arc;

use bytes::BytesMut;
use statement::Catalog;

use super::step::{Run, Step};
use super::{Machine, Now};
use crate::definitions::{Change, Definitions, Doubt, Names};
use crate::refusal::{Cause, Refusal};
use crate::verdict::Verdict;
use crate::world::World;

/// The catalog a statement was judged under.
#[derive(Clone, Debug)]
pub(crate) struct Under {
    /// It contains every change of definitions settled up to here.
    generation: u64,
    catalog: Arc<Catalog>,
}

/// A session's part in [`Definitions`].
#[derive(Debug)]
pub(super) struct Doubts {
    /// Number of this session.
    session: u64,
    /// What the open transaction changed.
    change: Change,
    /// Number of the change that is announced and not settled.
    announced: Option<u64>,
    /// The generation the answer at the head waits for.
    held: Option<u64>,
    /// What the private catalog with this transaction's definitions was read over.
    private: Option<Under>,
}

impl Doubts {
    pub(super) fn new(definitions: &Definitions) -> Self {
        Self {
            session: definitions.number(),
            change: Change::default(),
            announced: None,
            held: None,
            private: None,
        }
    }
}

impl Machine {
    /// The catalog generation that the server's next bytes wait for.
    #[must_use]
    pub fn awaits_catalog(&self) -> Option<u64> {
        self.doubts.held
    }

    /// What was announced and may take effect after the session ended: to be
    /// settled when the server closed the connection.
    #[must_use]
    pub fn unsettled(&self) -> Option<u64> {
        self.doubts.announced
    }

    /// Announces what `verdict` may commit, before it is forwarded.
    pub(super) fn announce(&mut self, verdict: &Verdict) {
        let mut ends = false;
        for judged in &verdict.judged {
            ends |= judged.foresight.ends_transaction;
            if judged.foresight.definitions {
                self.doubts.change.add(&judged.statement);
            }
        }
        if self.doubts.change.is_nothing() || !(ends || self.may_commit_by_itself()) {
            return;
        }
        let definitions = self.catalogs.definitions();
        let number = *self
            .doubts
            .announced
            .get_or_insert_with(|| definitions.number());
        definitions.announce(number, self.doubts.session, &self.doubts.change);
    }

    /// Settles what was announced once nothing of it is in flight.
    pub(super) fn settle(&mut self, idle: bool) {
        let still = self.in_flight(|effects| effects.definitions || effects.ends_transaction);
        if let Some(number) = self.doubts.announced.take_if(|_| !still) {
            self.needs_generation = self.catalogs.definitions_changed();
            let definitions = self.catalogs.definitions();
            definitions.settle(number, self.needs_generation);
        }
        if idle && !still {
            self.doubts.change = Change::default();
            self.doubts.private = None;
        }
    }

    /// Remembers what the private catalog about to be read lies over.
    pub(super) fn private_under(&mut self) {
        self.doubts.private = Some(Under {
            generation: self.catalogs.required(),
            catalog: Arc::clone(&self.shared_catalog),
        });
    }

    /// The catalog that is judged under, if an answer may come to depend on it.
    pub(super) fn under(&self, world: &World) -> Option<Under> {
        if !self.standing.masked_somewhere {
            return None;
        }
        let own = self
            .doubts
            .private
            .as_ref()
            .filter(|_| self.private.is_some());
        Some(own.cloned().unwrap_or_else(|| Under {
            generation: world.catalog_generation,
            catalog: Arc::clone(&world.catalog),
        }))
    }

    /// Whether the next server message may be taken; otherwise it waits for
    /// [`Machine::awaits_catalog`].
    pub(super) fn beyond_doubt(&mut self, input: &BytesMut, world: &World) -> bool {
        // The answers that depend on what names mean: descriptions, rows, copies, ends and errors.
        const ANSWERS: &[u8] = b"TDHdcCIsE";
        if self
            .doubts
            .held
            .is_some_and(|held| held > world.catalog_generation)
        {
            return false;
        }
        if !input.first().is_some_and(|tag| ANSWERS.contains(tag)) {
            return true;
        }
        match self.queue.front() {
            Some(Step::Query(run) | Step::Execute(run)) if run.may_be_in_doubt() => {}
            _ => return true,
        }
        let held = self.doubts.held.take().is_some();
        let doubt = self.doubt();
        if doubt != Doubt::None && !held {
            self.doubts.held = Some(self.catalogs.request_refresh());
            return self.beyond_doubt(input, world);
        }
        let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front_mut() else {
            return true;
        };
        let same = |under: &Under| Arc::ptr_eq(&under.catalog, &world.catalog);
        let stands = match doubt {
            Doubt::None => true,
            Doubt::Some => run.under.as_ref().is_some_and(same),
            Doubt::Grave => false,
        };
        run.beyond_doubt = true;
        if stands {
            let portal = run.portal.clone();
            if let Some(portal) = portal.and_then(|name| self.portals.get_mut(&name)) {
                // Its names were looked up once, when it was bound.
                portal.under = None;
            }
        } else {
            self.withhold();
        }
        true
    }

    /// What is known against the answer at the head.
    pub(super) fn doubt(&self) -> Doubt {
        let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front() else {
            return Doubt::None;
        };
        let (Some(under), Some(judged)) = (&run.under, run.current()) else {
            return Doubt::None;
        };
        let definitions = self.catalogs.definitions();
        if !run.may_be_in_doubt()
            || definitions.quiet(under.generation)
            || !judged.foresight.depends_on_names
        {
            return Doubt::None;
        }
        let names = Names::read_by(&judged.statement);
        let session = self.doubts.session;
        definitions.doubt(session, under.generation, &names, &under.catalog)
    }

    /// Ends the statement at the head: its names may have meant other things.
    fn withhold(&mut self) {
        let in_block = self.transaction == wire::postgres::TransactionStatus::InTransaction;
        let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front() else {
            return;
        };
        let undone = in_block || run.verdict.judged.iter().all(|judged| judged.reads_only);
        let refusal = changed(undone);
        let left = self.queue.iter().skip(1);
        let closes = |step: &&Step| matches!(step, Step::ClosePortal(_) | Step::CloseStatement(_));
        let rest: Vec<&Step> = left.skip_while(closes).collect();
        let alone = matches!(rest.as_slice(), [] | [Step::Sync]);
        match self.queue.front_mut() {
            Some(Step::Query(run)) => run.overruled = Some(refusal),
            Some(Step::Execute(run)) if alone => run.overruled = Some(refusal),
            // What was pipelined behind it cannot be taken back.
            _ => self.fail_pipeline(&refusal),
        }
    }

    /// An overruled Execute ended well on the server, and its Sync is on the
    /// way: from here on it is like a query that is overruled.
    pub(super) fn settle_before_sync(&mut self, refusal: Refusal, now: Now) {
        while let Some(step) = self.queue.pop_front() {
            match step {
                Step::CloseStatement(name) => drop(self.statements.remove(&name)),
                Step::ClosePortal(name) => drop(self.portals.remove(&name)),
                _ => break,
            }
            self.tentative -= 1;
            self.unheard += 1;
        }
        let mut run = Run::new(Arc::new(Verdict::empty()), None, Vec::new(), now);
        run.overruled = Some(refusal);
        self.queue.push_front(Step::Query(Box::new(run)));
    }
}

fn changed(undone: bool) -> Refusal {
    let (code, hint) = if undone {
        ("40001", "Run it again.")
    } else {
        (
            "40003",
            "Look whether it took effect before running it again.",
        )
    };
    Refusal::new(
        Cause::Mismatch,
        "weir.definitions-changed",
        "definitions that this statement may depend on changed while it was on its way, so its result is withheld",
    )
    .code(code)
    .hint(hint)
}
