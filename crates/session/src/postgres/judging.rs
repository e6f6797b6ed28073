//! From text to verdict: settings and catalog brought up to date first, then
//! the cache, then analysis and policy.

use std::cell::Cell;
use std::sync::Arc;

use statement::catalog::{Builder, LOAD, LOAD_TEMP};
use statement::{Kind, Scope};
use wire::postgres as pg;

use super::errand::{Errand, Loading, Progress, Question};
use super::names::changed;
use super::settings;
use super::step::{Name, Prepared, Step};
use super::{Machine, Now};
use crate::cache::{Key, Wording, digest};
use crate::judge::{Judge, Judgement, Session};
use crate::refusal::Refusal;
use crate::verdict::Verdict;
use crate::world::World;

/// What follows a question on the wire.
#[derive(Clone, Copy)]
enum End {
    Sync,
    Flush,
    Nothing,
}

/// A verdict whose description was asked for, and what it was made of.
pub(super) struct Described {
    text: Box<str>,
    types: Box<[u32]>,
    version: (u64, u64),
    verdict: Arc<Verdict>,
}

/// The message at hand must wait; it is processed again from its start.
pub(super) struct Blocked;

impl Machine {
    /// What cached judgements of this session depend on besides their text.
    pub(super) fn version(&self, world: &World) -> (u64, u64) {
        (
            world.epoch,
            digest((
                self.known.version,
                self.private.is_some().then_some(self.private_id),
            )),
        )
    }

    /// The verdict on `text` under today's world and settings.
    pub(super) fn judge(
        &mut self,
        text: &str,
        types: &[u32],
        world: &World,
        now: Now,
    ) -> Result<Arc<Verdict>, Blocked> {
        self.up_to_date()?;
        self.look_at(world, now);
        if let Some(described) = self.described.take()
            && *described.text == *text
            && *described.types == *types
            && described.version == self.version(world)
        {
            return Ok(described.verdict);
        }
        let key = Key {
            wording: Wording::Text(text),
            types,
            settings: digest((self.version(world), &self.known.declared)),
            who: self.who_digest,
            epoch: world.epoch,
        };
        if let Some(verdict) = self.cache.find(&key, now.unix_ms) {
            return Ok(verdict);
        }
        if let Some(pattern) = statement::pattern(text) {
            let wording = Wording::Pattern(&pattern);
            if let Some(verdict) = self.cache.find(&Key { wording, ..key }, now.unix_ms) {
                return Ok(verdict);
            }
        }
        let catalog = self.private.as_ref().unwrap_or(&world.catalog);
        let names = Names {
            machine: self,
            uncertain: Cell::new(false),
        };
        let scope = Scope {
            catalog,
            settings: &self.known.settings,
            prepared: &names,
            limits: world.limits,
        };
        let judge = Judge {
            world,
            catalog,
            session: self.as_session(now),
        };
        let alike =
            |statement: &statement::Statement| self.cache.find_alike(&key, statement, now.unix_ms);
        let judgement = judge.text(text, types, &scope, alike);
        let Judgement {
            verdict,
            complete,
            pattern,
        } = judgement;
        if names.uncertain.get() {
            self.settling = true;
            return Err(Blocked);
        }
        if !complete && !self.standing.lenient {
            // A name did not resolve: the catalog may be behind. Once per text.
            let seen = digest((text, world.catalog_generation >= self.needs_generation));
            if std::mem::replace(&mut self.retried, seen) != seen {
                if self.in_transaction() && self.definitions_changed {
                    self.private_stale = true;
                } else {
                    self.needs_generation = self.catalogs.request_refresh();
                }
                return Err(Blocked);
            }
        }
        if verdict.cacheable && complete {
            let wording = pattern.as_deref().map(Wording::Pattern);
            let wording = wording.unwrap_or(key.wording);
            self.cache.keep(&Key { wording, ..key }, &verdict);
            if verdict.sent.is_none() && !verdict.by_value() {
                self.cache.keep_alike(&key, &verdict);
            }
        }
        Ok(verdict)
    }

    /// Whether a statement prepared earlier may still run: judged afresh.
    pub(super) fn still_allowed(
        &mut self,
        prepared: &Arc<Prepared>,
        world: &World,
        now: Now,
    ) -> Result<Result<Arc<Verdict>, Refusal>, Blocked> {
        let verdict = self.judge(&prepared.text, &prepared.types, world, now)?;
        if verdict.refusal.is_none()
            && self.ask_description(&verdict, &prepared.text, &prepared.types, false, world)
        {
            return Err(Blocked);
        }
        Ok(
            match self.blocked_by.take().or_else(|| verdict.refusal.clone()) {
                Some(refusal) => Err(refusal),
                None if prepared.sent != verdict.sent => Err(changed()),
                None => Ok(verdict),
            },
        )
    }

    pub(super) fn as_session(&self, now: Now) -> Session<'_> {
        Session {
            who: &self.who,
            standing: self.standing,
            declared: &self.known.declared,
            unix_ms: now.unix_ms,
            ending: self.settings_changed || self.definitions_changed,
            old_snapshot: self.definitions_changed && self.known.old_snapshot,
        }
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.open > 0 || self.transaction != pg::TransactionStatus::Idle
    }

    /// Whether the transaction failed and nothing in flight can end it.
    fn surely_failed(&self) -> bool {
        self.transaction == pg::TransactionStatus::Failed && !self.end_in_flight()
    }

    /// Whether a step in flight ends with ReadyForQuery.
    fn boundary_in_flight(&self) -> bool {
        let mut steps = self.queue.iter();
        steps.any(|step| !step.skippable() || matches!(step, Step::Query(_)))
    }

    /// Whether a definition sent at this point may commit without a COMMIT.
    pub(super) fn may_commit_by_itself(&self) -> bool {
        self.transaction == pg::TransactionStatus::Idle || self.end_in_flight()
    }

    /// Whether a step in flight may end the transaction, or a part of it.
    fn end_in_flight(&self) -> bool {
        self.queue.iter().any(|step| match step {
            Step::Query(run) | Step::Execute(run) => {
                let mut judged = run.verdict.judged.iter();
                judged.any(|j| j.foresight.ends_transaction || j.is_text())
            }
            _ => false,
        })
    }

    /// Whether a Sync sent at this point may commit or roll back what was
    /// changed under it, so that nothing behind it can be judged yet.
    pub(super) fn sync_unsettles(&self) -> bool {
        let in_block = self.transaction != pg::TransactionStatus::Idle && !self.end_in_flight();
        (self.settings_changed || self.definitions_changed) && !in_block && !self.standing.lenient
    }

    /// Reads again what may have changed since it was last read. In a failed
    /// transaction nothing can be read and nothing can run.
    fn up_to_date(&mut self) -> Result<(), Blocked> {
        if self.surely_failed() {
            return Ok(());
        }
        let asks = self.known.stale
            || self.rename.is_some()
            || (self.private_stale && !self.standing.lenient);
        if asks && self.open > 0 && self.boundary_in_flight() {
            // Whether the transaction failed is known when that is answered. A
            // question that fails in a pipeline would take the pipeline with it.
            self.settling = true;
            return Err(Blocked);
        }
        if self.known.stale {
            self.ask(Question::Settings, self.question_end());
            return Err(Blocked);
        }
        if let Some(question) = self.attribution() {
            self.ask(question, self.question_end());
            return Err(Blocked);
        }
        if self.private_stale && !self.standing.lenient {
            self.private_stale = false;
            let sync = self.open == 0;
            if self.definitions_changed {
                self.private_under();
            }
            self.loading = Some(Loading {
                own: self.definitions_changed.then(Builder::new),
                temporary: Builder::new(),
            });
            let path = Question::Path {
                value: String::new(),
                last: false,
            };
            self.ask(path, End::Nothing);
            let own = if self.definitions_changed { LOAD } else { &[] };
            for (queries, temporary) in [(own, false), (LOAD_TEMP, true)] {
                for query in queries {
                    let question = Question::Catalog {
                        section: query.section,
                        sql: query.sql,
                        temporary,
                    };
                    self.ask(question, End::Nothing);
                }
            }
            // The path is put back even at rest: a BEGIN may be in flight.
            let value = self.known.path.clone();
            self.ask(
                Question::Path { value, last: true },
                if sync { End::Sync } else { End::Flush },
            );
            return Err(Blocked);
        }
        Ok(())
    }

    /// Asks the server to describe the masked results of a verdict that it has
    /// not described yet. Gives whether there was something to ask.
    pub(super) fn ask_description(
        &mut self,
        verdict: &Arc<Verdict>,
        text: &str,
        types: &[u32],
        simple: bool,
        world: &World,
    ) -> bool {
        if self.blocked_by.is_some() || self.surely_failed() {
            return false;
        }
        for (index, judged) in verdict.judged.iter().enumerate() {
            if !judged.masks_rows() || judged.described.get().is_some() {
                continue;
            }
            // The description of a simple query's result comes before its rows anyway.
            // It is not asked for where names cannot mean yet what they will then.
            let by_name = matches!(
                judged.statement.kind,
                Kind::Fetch { .. } | Kind::Execute { .. }
            );
            let before = verdict.judged.get(..index).unwrap_or_default();
            let resettled = before.iter().any(|j| {
                let effects = &j.foresight;
                effects.settings || effects.definitions || effects.ends_transaction
            });
            if simple && (by_name || resettled) {
                continue;
            }
            let part = if verdict.judged.len() == 1 {
                Some(verdict.sent(text))
            } else {
                text.get(judged.statement.text.clone())
            };
            let Some(part) = part else { continue };
            self.described = Some(Described {
                text: text.into(),
                types: types.into(),
                version: self.version(world),
                verdict: Arc::clone(verdict),
            });
            self.ask(
                Question::describe(verdict, index, part, types, simple),
                self.question_end(),
            );
            return true;
        }
        false
    }

    fn question_end(&self) -> End {
        if self.open == 0 {
            End::Sync
        } else {
            End::Flush
        }
    }

    /// Sends a question upstream under a reserved name.
    fn ask(&mut self, question: Question, end: End) {
        const NAME: &str = "weir_errand";
        let buffer = self.to_upstream.buffer();
        let sent = match &question {
            Question::Describe { text, types, .. } => {
                pg::encode::parse(buffer, NAME, text, types.iter().copied())
                    .and_then(|()| pg::encode::describe(buffer, pg::DescribeKind::Statement, NAME))
                    .and_then(|()| pg::encode::close(buffer, pg::DescribeKind::Statement, NAME))
            }
            Question::Settings
            | Question::Catalog { .. }
            | Question::Path { .. }
            | Question::Attribution { .. } => {
                let (sql, parameters) = match &question {
                    Question::Catalog { sql, .. } => (*sql, vec![]),
                    Question::Path { value, .. } => (settings::SET_PATH, vec![value.as_str()]),
                    Question::Attribution { name, local } => {
                        let local = if *local { "on" } else { "off" };
                        (settings::SET_NAME, vec![name.as_str(), local])
                    }
                    Question::Settings | Question::Describe { .. } => (settings::QUESTION, vec![]),
                };
                let parameters = parameters.into_iter().map(|text| Some(text.as_bytes()));
                pg::encode::parse(buffer, NAME, sql, [])
                    .and_then(|()| pg::encode::bind(buffer, NAME, NAME, [], parameters, []))
                    .and_then(|()| pg::encode::execute(buffer, NAME, 0))
                    .and_then(|()| pg::encode::close(buffer, pg::DescribeKind::Portal, NAME))
                    .and_then(|()| pg::encode::close(buffer, pg::DescribeKind::Statement, NAME))
            }
        };
        if sent.is_err() {
            self.terminate(
                "54000",
                "the statement is too long",
                super::End::ClientProtocol("statement too long"),
            );
            return;
        }
        match end {
            End::Sync => pg::encode::sync(buffer),
            End::Flush => pg::encode::flush(buffer),
            End::Nothing => {}
        }
        let sync = matches!(end, End::Sync);
        let closes = if matches!(question, Question::Describe { .. }) {
            1
        } else {
            2
        };
        self.errands += 1;
        self.queue.push_back(Step::Errand(Box::new(Errand {
            question,
            progress: Progress::Asked,
            closes,
            sync,
        })));
    }

    /// Marks what a forwarded verdict may change before anything else is judged.
    pub(super) fn anticipate(&mut self, verdict: &Verdict) {
        self.announce(verdict);
        for judged in &verdict.judged {
            let effects = &judged.foresight;
            if effects.settings {
                self.known.stale = true;
                self.settings_changed = true;
            }
            if effects.ends_transaction && (self.settings_changed || self.definitions_changed) {
                self.known.stale = true;
            }
            if effects.definitions {
                self.definitions_changed = true;
                self.definitions_in_flight = !self.standing.lenient;
                self.private_stale = !self.standing.lenient;
                self.known.stale = true;
            }
            if effects.ends_transaction && self.definitions_changed && !self.standing.lenient {
                self.private_stale = true;
            }
        }
    }
}

/// Prepared statements and cursors as analysis sees them.
struct Names<'a> {
    machine: &'a Machine,
    /// Whether one was asked for that what is in flight may still change.
    uncertain: Cell<bool>,
}

impl Names<'_> {
    fn look_up(&self, name: Name<'_>) {
        if self.machine.uncertain(name) {
            self.uncertain.set(true);
        }
    }
}

impl statement::Prepared for Names<'_> {
    fn statement(&self, name: &str) -> Option<Arc<str>> {
        self.look_up(Name::Statement(name));
        self.machine
            .prepared(name)
            .map(|prepared| Arc::clone(prepared.held()))
    }

    fn cursor(&self, name: &str) -> Option<Arc<statement::Statement>> {
        self.look_up(Name::Portal(name));
        let portal = self.machine.portal(name)?;
        let judged = portal.verdict.judged.get(portal.index)?;
        Some(match &judged.statement.kind {
            Kind::Declare { inner, .. } => Arc::new((**inner).clone()),
            _ => Arc::clone(&judged.statement),
        })
    }
}
