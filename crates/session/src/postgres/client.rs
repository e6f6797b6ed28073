//! Client messages: judged, recorded, forwarded or replaced.

use std::sync::Arc;

use bytes::BytesMut;
use statement::Kind;
use wire::postgres as pg;

use super::degraded::degraded;
use super::errand::RESERVED;
use super::names::changed;
use super::step::{Name, Portal, Prepared, Run, Step};
use super::{End, Machine, NAMES_LIMIT, Now};
use crate::gate::{self, Cleared};
use crate::refusal::{Cause, Refusal};
use crate::verdict::{Judged, Verdict};
use crate::world::World;

/// What became of the message at the head of the input.
pub(super) enum Taken {
    /// Done with; so many bytes.
    Message(usize),
    /// Not complete yet.
    NeedBytes,
    /// Something must be asked or awaited first; it will be tried again.
    Blocked,
}

/// Whether a handler finished with its message.
pub(super) enum Flow {
    Done,
    Blocked,
}

impl Machine {
    pub(super) fn next_message(&mut self, input: &BytesMut, world: &World, now: Now) -> Taken {
        let frame = match pg::frame(input, world.message_limit_bytes) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Taken::NeedBytes,
            Err(error) => return self.broken(&error),
        };
        let length = frame.raw.len();
        let message = match pg::frontend(&frame) {
            Ok(message) => message,
            Err(pg::Error::NotUtf8(_)) if !self.copy_in => {
                let refusal = Refusal::new(
                    Cause::Limit,
                    "weir.not-utf8",
                    "the message is not valid UTF-8",
                )
                .code("22021")
                .hint("Weir serves clients in UTF-8; set client_encoding to UTF8.");
                let simple = frame.tag == b'Q' || frame.tag == b'F';
                if !self.skipping || frame.tag == b'S' {
                    self.refuse(refusal, simple);
                }
                return Taken::Message(length);
            }
            Err(error) => return self.broken(&error),
        };
        match self.message(message, frame.raw, world, now) {
            Flow::Done => Taken::Message(length),
            Flow::Blocked => Taken::Blocked,
        }
    }

    fn broken(&mut self, error: &pg::Error) -> Taken {
        self.terminate(
            "08P01",
            &format!("protocol violation: {error}"),
            End::ClientProtocol("malformed message"),
        );
        Taken::NeedBytes
    }

    fn message(&mut self, message: pg::Frontend<'_>, raw: &[u8], world: &World, now: Now) -> Flow {
        use pg::Frontend as F;
        if self.copy_in {
            return self.copy_in_message(&message, raw);
        }
        match message {
            F::Terminate => {
                self.to_upstream.buffer().extend_from_slice(raw);
                self.end = Some(End::Client);
                Flow::Done
            }
            F::Sync => {
                self.skipping = false;
                self.open = 0;
                self.definitions_in_flight |= self.sync_unsettles();
                self.to_upstream.buffer().extend_from_slice(raw);
                self.queue.push_back(Step::Sync);
                Flow::Done
            }
            // The server ignores these while it skips, and copy data outside of COPY.
            _ if self.skipping => Flow::Done,
            F::Query(text) => self.query(text, raw, world, now),
            F::Parse {
                name,
                text,
                parameter_types,
            } => self.parse(
                name,
                text,
                &parameter_types.iter().collect::<Vec<u32>>(),
                raw,
                world,
                now,
            ),
            F::Bind(bind) => self.bind(&bind, raw, world, now),
            F::Describe { kind, name } => self.describe(kind, name, raw, world, now),
            F::Execute { portal, max_rows } => self.execute(portal, max_rows, raw, world, now),
            F::Close { kind, name } => {
                if name.starts_with(RESERVED) {
                    return self.reserved(name);
                }
                // Close begins no transaction and cannot fail, so it opens no pipeline.
                self.to_upstream.buffer().extend_from_slice(raw);
                self.tentative += 1;
                self.queue.push_back(match kind {
                    pg::DescribeKind::Statement => Step::CloseStatement(name.into()),
                    pg::DescribeKind::Portal => Step::ClosePortal(name.into()),
                });
                Flow::Done
            }
            F::Flush => {
                self.to_upstream.buffer().extend_from_slice(raw);
                Flow::Done
            }
            F::CopyData(_) | F::CopyDone | F::CopyFail(_) => self.early_copy_message(&message, raw),
            F::FunctionCall(function) => self.function_call(function, raw, world, now),
            F::Password(_) => {
                self.terminate(
                    "08P01",
                    "unexpected password message",
                    End::ClientProtocol("password after login"),
                );
                Flow::Done
            }
        }
    }

    fn parse(
        &mut self,
        name: &str,
        text: &str,
        types: &[u32],
        raw: &[u8],
        world: &World,
        now: Now,
    ) -> Flow {
        if name.starts_with(RESERVED) {
            return self.reserved(name);
        }
        if self.statements.len() + self.tentative >= NAMES_LIMIT {
            let refusal = Refusal::new(
                Cause::Limit,
                "weir.prepared-statements",
                format!("a session may hold {NAMES_LIMIT} prepared statements"),
            )
            .hint("DEALLOCATE or close the ones not needed.");
            self.refuse(refusal, false);
            return Flow::Done;
        }
        let verdict = match self.judge(text, types, world, now) {
            Ok(verdict) => verdict,
            Err(super::judging::Blocked) => return Flow::Blocked,
        };
        if verdict.judged.len() > 1 && verdict.refusal.is_none() {
            self.blocked_by = Some(Refusal::new(
                Cause::Syntax,
                "weir.syntax",
                "cannot insert multiple commands into a prepared statement",
            ));
        }
        if verdict.refusal.is_none() && self.ask_description(&verdict, text, types, false, world) {
            return Flow::Blocked;
        }
        let recorded = if verdict.parses_quietly() {
            self.not_refused(&verdict, text).map(|()| None)
        } else {
            let cleared = self.clear(&verdict, text, None, world);
            cleared.map(|cleared| cleared.first().map(Cleared::intent))
        };
        match recorded {
            Err(refusal) => self.refuse_named(refusal, name),
            Ok(intent) => {
                self.send_parse(&verdict, name, types, raw);
                self.tentative += 1;
                let first = verdict.judged.first();
                let prepared = Arc::new(Prepared {
                    text: text.into(),
                    sent: verdict.sent.clone(),
                    degraded: degraded(first),
                    types: types.into(),
                    pinned: first.and_then(|j| Prepared::pin(&j.statement, &world.labels)),
                });
                self.queue.push_back(Step::Parse {
                    name: name.into(),
                    prepared,
                    verdict,
                    intent,
                });
            }
        }
        Flow::Done
    }

    fn bind(&mut self, bind: &pg::Bind<'_>, raw: &[u8], world: &World, now: Now) -> Flow {
        if bind.portal.starts_with(RESERVED) {
            return self.reserved(bind.portal);
        }
        if self.must_settle(Name::Statement(bind.statement)) {
            return Flow::Blocked;
        }
        let Some(prepared) = self.prepared(bind.statement) else {
            return self.missing_statement(bind.statement);
        };
        let verdict = match self.judge(&prepared.text, &prepared.types, world, now) {
            Ok(verdict) => verdict,
            Err(super::judging::Blocked) => return Flow::Blocked,
        };
        if verdict.refusal.is_none()
            && self.ask_description(&verdict, &prepared.text, &prepared.types, false, world)
        {
            return Flow::Blocked;
        }
        if verdict.refusal.is_none() && prepared.is_outdated(&verdict) {
            self.blocked_by.get_or_insert_with(changed);
        }
        let values = match self.values(bind, &verdict, world) {
            Ok(values) => values,
            Err(refusal) => {
                self.blocked_by.get_or_insert(refusal);
                None
            }
        };
        match self.clear(&verdict, &prepared.text, Some(bind), world) {
            Err(refusal) => self.refuse_recorded(refusal, false),
            Ok(cleared) => {
                self.hold(&cleared);
                match values {
                    Some(values) => self.send_bind(bind, &values),
                    None => self.forward(raw),
                }
                self.tentative += 1;
                let portal = Portal {
                    prepared,
                    index: 0,
                    version: self.version(world),
                    under: self.under(world),
                    formats: bind.result_formats().iter().map(pg::Format::code).collect(),
                    rows: 0,
                    left: None,
                    request: self.statement_number,
                    intent: cleared.first().map(Cleared::intent),
                    hold: false,
                    cursor: false,
                    verdict,
                };
                self.queue.push_back(Step::Bind {
                    name: bind.portal.into(),
                    portal,
                });
            }
        }
        Flow::Done
    }

    fn describe(
        &mut self,
        kind: pg::DescribeKind,
        name: &str,
        raw: &[u8],
        world: &World,
        now: Now,
    ) -> Flow {
        if name.starts_with(RESERVED) {
            return self.reserved(name);
        }
        match kind {
            pg::DescribeKind::Statement => {
                if self.must_settle(Name::Statement(name)) {
                    return Flow::Blocked;
                }
                let Some(prepared) = self.prepared(name) else {
                    return self.missing_statement(name);
                };
                match self.still_allowed(&prepared, world, now) {
                    Err(super::judging::Blocked) => Flow::Blocked,
                    Ok(Err(refusal)) => {
                        self.refuse(refusal, false);
                        Flow::Done
                    }
                    Ok(Ok(verdict)) => {
                        self.forward(raw);
                        self.queue.push_back(Step::DescribeStatement {
                            verdict,
                            parameters: false,
                        });
                        Flow::Done
                    }
                }
            }
            pg::DescribeKind::Portal => {
                if self.must_settle(Name::Portal(name)) {
                    return Flow::Blocked;
                }
                let Some(portal) = self.portal(name) else {
                    return self.missing_portal(name);
                };
                if portal.cursor {
                    self.forward(raw);
                    self.queue.push_back(Step::DescribePortal {
                        verdict: portal.verdict,
                    });
                    return Flow::Done;
                }
                match self.still_allowed(&portal.prepared, world, now) {
                    Err(super::judging::Blocked) => Flow::Blocked,
                    Ok(Err(refusal)) => {
                        self.refuse(refusal, false);
                        Flow::Done
                    }
                    Ok(Ok(verdict)) => {
                        self.forward(raw);
                        self.queue.push_back(Step::DescribePortal { verdict });
                        Flow::Done
                    }
                }
            }
        }
    }

    fn execute(&mut self, name: &str, max_rows: i32, raw: &[u8], world: &World, now: Now) -> Flow {
        if name.starts_with(RESERVED) {
            return self.reserved(name);
        }
        if self.must_settle(Name::Portal(name)) {
            return Flow::Blocked;
        }
        let Some(portal) = self.portal(name) else {
            return self.missing_portal(name);
        };
        if portal.cursor {
            let refusal = Refusal::new(
                Cause::Unsupported,
                "weir.cursor-by-protocol",
                format!("cursor \"{name}\" was declared by SQL, so it is fetched by SQL"),
            )
            .hint("Use FETCH.");
            self.refuse(refusal, false);
            return Flow::Done;
        }
        // What was bound is what the server will send, whatever names mean today.
        let verdict = Arc::clone(&portal.verdict);
        if portal.version != self.version(world) {
            match self.still_allowed(&portal.prepared, world, now) {
                Err(super::judging::Blocked) => return Flow::Blocked,
                Ok(Err(refusal)) => {
                    self.refuse(refusal, false);
                    return Flow::Done;
                }
                Ok(Ok(current)) if !current.masks_like(&verdict) => {
                    let message = format!(
                        "what portal \"{name}\" returns is masked differently since it was bound"
                    );
                    let refusal = Refusal::new(Cause::Masked, "weir.portal-changed", message)
                        .code("0A000")
                        .hint("Bind the statement again.");
                    self.refuse(refusal, false);
                    return Flow::Done;
                }
                Ok(Ok(_)) => {}
            }
        }
        if self.ask_description(
            &verdict,
            &portal.prepared.text,
            &portal.prepared.types,
            false,
            world,
        ) {
            return Flow::Blocked;
        }
        let mut run = Run::new(verdict, Some(name.into()), Vec::new(), now);
        run.formats = Arc::clone(&portal.formats);
        run.under.clone_from(&portal.under);
        run.request = portal.request;
        run.rows_before = portal.rows + self.rows_before(run.current());
        self.anticipate(&Arc::clone(&run.verdict));
        match run.verdict.judged.first().and_then(|j| j.row_cap) {
            // One row more than may leave: seeing it is how the cap is known to be passed.
            Some(cap) => {
                let left = i32::try_from(cap.saturating_sub(run.rows_before).saturating_add(1))
                    .unwrap_or(i32::MAX);
                let asked = if max_rows > 0 {
                    max_rows.min(left)
                } else {
                    left
                };
                let buffer = self.to_upstream.buffer();
                let _ = pg::encode::execute(buffer, name, asked);
                pg::encode::flush(buffer);
                self.open += 1;
            }
            None => {
                self.forward(raw);
                if self.definitions_in_flight || run.changes_names() {
                    // What follows waits for the answer, which nothing else flushes.
                    pg::encode::flush(self.to_upstream.buffer());
                }
            }
        }
        self.queue.push_back(Step::Execute(Box::new(run)));
        Flow::Done
    }

    /// Rows a FETCH's cursor gave already: its cap spans them all.
    pub(super) fn rows_before(&self, judged: Option<&Judged>) -> u64 {
        match judged.map(|judged| &judged.statement.kind) {
            Some(Kind::Fetch { cursor }) => self.portal(cursor).map_or(0, |portal| portal.rows),
            _ => 0,
        }
    }

    pub(super) fn hold(&mut self, cleared: &[Cleared]) {
        if let Some(sequence) = cleared.iter().filter_map(Cleared::hold_until).max() {
            self.to_upstream.hold(sequence);
            self.ledger.request_sync();
        }
    }

    /// Replaces the message at hand by one that fails, records nothing.
    pub(super) fn refuse_recorded(&mut self, refusal: Refusal, simple: bool) {
        self.replace(refusal, simple, "weir_refused");
    }

    fn refuse_named(&mut self, refusal: Refusal, name: &str) {
        self.replace(refusal, false, name);
    }

    /// Records and refuses a message that has no statement.
    pub(super) fn refuse(&mut self, refusal: Refusal, simple: bool) {
        self.record_bare_refusal(&refusal, None);
        self.replace(refusal, simple, "weir_refused");
    }

    /// The in-place replacement: a text that cannot parse, so that it fails in
    /// any transaction state and runs nothing. The server's log shows the
    /// request id.
    fn replace(&mut self, refusal: Refusal, simple: bool, name: &str) {
        let request = self.statement_number;
        self.counts.refused += 1;
        let text = format!(
            "/* refused by weir, request {}/{request} */ !",
            self.who.session
        );
        let buffer = self.to_upstream.buffer();
        if simple {
            // Our own short text: it has no NUL and fits.
            let _ = pg::encode::query(buffer, &text);
            self.query_in_pipeline |= self.open > 0;
        } else {
            let _ = pg::encode::parse(buffer, name, &text, []);
            self.open += 1;
            self.skipping = true;
        }
        self.queue.push_back(Step::Refused {
            refusal,
            request,
            simple,
        });
    }

    fn reserved(&mut self, name: &str) -> Flow {
        let refusal = Refusal::new(
            Cause::Unsupported,
            "weir.reserved-name",
            format!(
                "the name \"{name}\" is reserved: names starting with \"{RESERVED}\" belong to Weir"
            ),
        )
        .code("42939")
        .hint("Choose another name.");
        self.refuse(refusal, false);
        Flow::Done
    }

    fn missing_statement(&mut self, name: &str) -> Flow {
        let message = if name.is_empty() {
            "unnamed prepared statement does not exist".to_owned()
        } else {
            format!("prepared statement \"{name}\" does not exist")
        };
        self.refuse(
            Refusal::new(Cause::Unknown, "weir.unknown-name", message).code("26000"),
            false,
        );
        Flow::Done
    }

    fn missing_portal(&mut self, name: &str) -> Flow {
        let message = format!("portal \"{name}\" does not exist");
        self.refuse(
            Refusal::new(Cause::Unknown, "weir.unknown-name", message).code("34000"),
            false,
        );
        Flow::Done
    }

    /// Whether the message at hand has to wait until `name` is certain.
    fn must_settle(&mut self, name: Name<'_>) -> bool {
        self.settling = self.uncertain(name);
        self.settling
    }

    /// Whether `name` depends on how something in flight ends: on a change
    /// before the last Sync, which may fail while what follows the Sync runs, or
    /// on SQL that makes or drops names.
    pub(super) fn uncertain(&self, name: Name<'_>) -> bool {
        let mut beyond_sync = false;
        for step in self.queue.iter().rev() {
            let changes = match (step, name) {
                (Step::Query(run) | Step::Execute(run), name) => {
                    if run.verdict.judged.iter().any(|j| name.changed_by(j)) {
                        return true;
                    }
                    false
                }
                (Step::Parse { name, .. } | Step::CloseStatement(name), Name::Statement(own)) => {
                    **name == *own
                }
                (Step::Bind { name, .. } | Step::ClosePortal(name), Name::Portal(own)) => {
                    **name == *own
                }
                _ => false,
            };
            if changes {
                return beyond_sync;
            }
            beyond_sync |= !step.skippable() || matches!(step, Step::Query(_));
        }
        false
    }

    /// Clears every statement of a verdict, or says why not.
    pub(super) fn clear(
        &mut self,
        verdict: &Arc<Verdict>,
        text: &str,
        bind: Option<&pg::Bind<'_>>,
        world: &World,
    ) -> Result<Vec<Cleared>, Refusal> {
        self.not_refused(verdict, text)?;
        let mut cleared = Vec::with_capacity(verdict.judged.len());
        for judged in &verdict.judged {
            let receipt = self.record_intent(verdict, judged, text, bind, world)?;
            cleared.push(gate::clear(judged, &receipt, world.durability));
        }
        Ok(cleared)
    }
}
