//! Server messages: matched with what was sent, masked, counted, forwarded.

use std::sync::Arc;

use bytes::BytesMut;
use ledger::event::OutcomeStatus;
use wire::postgres as pg;

use super::rows::{self, CopyMask};
use super::step::Step;
use super::{End, MASKED_ROW_LIMIT_BYTES, Machine, Now};
use crate::refusal::{Cause, Refusal};
use crate::verdict::Judged;
use crate::world::World;

/// Any other server message is small; a longer claim is a lie, bytes.
const MESSAGE_LIMIT_BYTES: usize = 1 << 30;

impl Machine {
    pub(super) fn server_bytes(&mut self, input: &mut BytesMut, world: &World, now: Now) {
        while self.end.is_none() && !input.is_empty() {
            if self.pass_through > 0 {
                let part = input.split_to(self.pass_through.min(input.len()));
                self.pass_through -= part.len();
                self.to_client.append(part);
                continue;
            }
            if !self.beyond_doubt(input, world) {
                return;
            }
            if let Some(tag) = input.first() {
                self.tell_of_null(*tag);
            }
            if self.forward_rows(input) {
                continue;
            }
            let Some((tag, length)) = pg::header(input) else {
                return;
            };
            if length > MESSAGE_LIMIT_BYTES + 5 {
                self.upstream_broken("a message longer than 1 GiB");
                return;
            }
            if input.len() < length {
                if (tag == b'D' || tag == b'd') && self.passes_rows() {
                    self.count_rows(1, length);
                    self.pass_through = length;
                } else if length > MASKED_ROW_LIMIT_BYTES {
                    self.upstream_broken("a message too long to be masked");
                } else {
                    input.reserve(length - input.len());
                }
                if self.pass_through == 0 {
                    return;
                }
                continue;
            }
            let raw = input.split_to(length);
            match pg::frame(&raw, MESSAGE_LIMIT_BYTES + 5) {
                Ok(Some(frame)) => match pg::backend(&frame) {
                    Ok(message) => self.answer(message, &raw, world, now),
                    Err(_) => self.upstream_broken("a malformed message"),
                },
                _ => self.upstream_broken("a malformed message"),
            }
        }
    }

    /// Forwards whole rows at the head of `input` as one run, when the running
    /// statement neither masks nor caps. Gives whether it forwarded any.
    fn forward_rows(&mut self, input: &mut BytesMut) -> bool {
        if !self.passes_rows() {
            return false;
        }
        let mut end = 0;
        let mut rows = 0;
        while let Some((tag, length)) = input.get(end..).and_then(pg::header) {
            if (tag != b'D' && tag != b'd') || length > input.len() - end {
                break;
            }
            end += length;
            rows += 1;
        }
        if end == 0 {
            return false;
        }
        self.count_rows(rows, end);
        self.to_client.append(input.split_to(end));
        true
    }

    fn passes_rows(&self) -> bool {
        match self.queue.front() {
            Some(Step::Query(run) | Step::Execute(run)) => run.passes_rows(),
            _ => false,
        }
    }

    fn count_rows(&mut self, rows: u64, bytes: usize) {
        if let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front_mut() {
            run.rows += rows;
            run.bytes += bytes as u64;
        }
    }

    pub(super) fn upstream_broken(&mut self, what: &'static str) {
        self.terminate(
            "08P01",
            "the database broke the protocol; the connection is closed",
            End::UpstreamProtocol(what),
        );
    }

    fn answer(&mut self, message: pg::Backend<'_>, raw: &[u8], world: &World, now: Now) {
        use pg::Backend as B;
        match message {
            B::NoticeResponse(_) => self.notice(raw, world),
            B::ParameterStatus { name, value } => self.parameter_status(name, value, raw),
            B::NotificationResponse {
                process_id,
                channel,
                ..
            } => self.notification(process_id, channel, raw, world),
            B::ErrorResponse(fields) => self.error(&fields, raw, world, now),
            B::ReadyForQuery(status) => self.ready(status, raw, now),
            _ if matches!(self.queue.front(), Some(Step::Errand(_))) => {
                self.errand_answer(&message)
            }
            B::ParseComplete => self.parse_complete(raw, now),
            B::BindComplete => self.bind_complete(raw),
            B::CloseComplete if self.unheard > 0 => self.unheard -= 1,
            B::CloseComplete => self.close_complete(raw),
            B::ParameterDescription(_) => match self.queue.front_mut() {
                Some(Step::DescribeStatement { parameters, .. }) if !*parameters => {
                    *parameters = true;
                    self.to_client.buffer().extend_from_slice(raw);
                }
                _ => self.upstream_broken("an unexpected ParameterDescription"),
            },
            B::RowDescription(description) => self.row_description(&description, raw, world),
            B::NoData => match self.queue.pop_front() {
                Some(Step::DescribeStatement { .. } | Step::DescribePortal { .. }) => {
                    self.to_client.buffer().extend_from_slice(raw);
                }
                _ => self.upstream_broken("an unexpected NoData"),
            },
            B::DataRow(row) => self.row(&row, raw, world),
            B::CopyOutResponse(formats) => self.copy_out(&formats, raw),
            B::CopyInResponse(_) => self.copy_in_response(raw),
            B::CopyData(data) => self.copy_out_data(data, raw, world),
            B::CopyDone => self.copy_out_done(raw, world),
            B::CommandComplete(tag) => self.command_complete(Some(tag), raw, world, now),
            B::EmptyQueryResponse => self.command_complete(None, raw, world, now),
            B::PortalSuspended => self.suspended(raw, now),
            B::FunctionCallResponse => match self.queue.front() {
                Some(Step::Query(run)) if run.current().is_some_and(Judged::is_text) => {
                    self.command_complete(None, raw, world, now);
                }
                _ => self.upstream_broken("an unexpected FunctionCallResponse"),
            },
            B::CopyBothResponse(_)
            | B::Authentication(_)
            | B::BackendKeyData { .. }
            | B::NegotiateProtocolVersion { .. } => {
                self.upstream_broken("a message that does not belong here")
            }
        }
    }

    fn parse_complete(&mut self, raw: &[u8], now: Now) {
        if matches!(self.queue.front(), Some(Step::Parse { .. })) {
            // Preparing is all that its intent allowed; each Bind has its own.
            self.record_outcome(OutcomeStatus::Ok, None, None, now);
        }
        match self.queue.pop_front() {
            Some(Step::Parse { name, prepared, .. }) => {
                self.tentative -= 1;
                self.statements.insert(name, prepared);
                self.to_client.buffer().extend_from_slice(raw);
            }
            _ => self.upstream_broken("an unexpected ParseComplete"),
        }
    }

    fn bind_complete(&mut self, raw: &[u8]) {
        match self.queue.pop_front() {
            Some(Step::Bind { name, portal }) => {
                self.tentative -= 1;
                self.bound(name, portal);
                self.to_client.buffer().extend_from_slice(raw);
            }
            _ => self.upstream_broken("an unexpected BindComplete"),
        }
    }

    fn close_complete(&mut self, raw: &[u8]) {
        match self.queue.pop_front() {
            Some(Step::CloseStatement(name)) => {
                self.statements.remove(&name);
            }
            Some(Step::ClosePortal(name)) => {
                let closed = self.portals.remove(&name);
                self.portal_over(closed);
            }
            _ => return self.upstream_broken("an unexpected CloseComplete"),
        }
        self.tentative -= 1;
        self.to_client.buffer().extend_from_slice(raw);
    }

    fn row_description(&mut self, description: &pg::RowDescription<'_>, raw: &[u8], world: &World) {
        let masked = self.standing.masked_somewhere.then_some(world);
        match self.queue.front_mut() {
            Some(Step::Query(run)) => {
                if run.overruled.is_some() {
                    return;
                }
                match run.mask_simple(description, masked) {
                    Ok(()) => self.to_client.buffer().extend_from_slice(raw),
                    Err(refusal) => self.overrule(refusal),
                }
            }
            Some(Step::DescribeStatement { verdict, .. } | Step::DescribePortal { verdict }) => {
                let checked = verdict.judged.first().map_or(Ok(()), |judged| {
                    if let Some(world) = masked {
                        rows::expected(judged, world, description)?;
                    }
                    if judged.masks_rows() {
                        rows::verify(judged, description).map(drop)
                    } else {
                        Ok(())
                    }
                });
                self.queue.pop_front();
                match checked {
                    Ok(()) => self.to_client.buffer().extend_from_slice(raw),
                    Err(refusal) => self.fail_pipeline(&refusal),
                }
            }
            _ => self.upstream_broken("an unexpected RowDescription"),
        }
    }

    fn row(&mut self, row: &pg::DataRow<'_>, raw: &[u8], world: &World) {
        let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front_mut() else {
            return self.upstream_broken("an unexpected DataRow");
        };
        if run.overruled.is_some() {
            return;
        }
        if run.row_mask.is_none() && run.portal.is_some() {
            match run.mask_bound() {
                Ok(()) => {}
                Err(refusal) => return self.overrule(refusal),
            }
        }
        if run
            .cap()
            .is_some_and(|cap| run.rows_before + run.rows >= cap)
        {
            let refusal = row_cap(run.cap().unwrap_or_default());
            return self.overrule(refusal);
        }
        let must_mask = run.current().map_or(!run.passes_rows(), Judged::masks_rows);
        match &mut run.row_mask {
            Some(mask) => match mask.row(row, &world.masker, self.to_client.buffer()) {
                Ok(()) => {}
                Err(refusal) => return self.overrule(refusal),
            },
            // Outputs to mask, but no description was verified: nothing is sent.
            None if must_mask => {
                return self.overrule(rows::mismatch());
            }
            None => self.to_client.buffer().extend_from_slice(raw),
        }
        self.count_rows(1, raw.len());
    }

    /// Ends the running statement by Weir's own word: nothing more of it leaves.
    fn overrule(&mut self, refusal: Refusal) {
        let pipelined = self.queue.len() > 1;
        // Rows of a portal are bounded by its Execute. A request to cancel that
        // comes too late would end the client's next statement.
        let unbounded = self.queue.len() == 1
            && (refusal.cause != Cause::RowCap || self.queue.front().is_some_and(Step::copies));
        let simple = match self.queue.front_mut() {
            Some(Step::Query(run)) => {
                run.overruled = Some(refusal);
                true
            }
            Some(Step::Execute(_)) if pipelined && refusal.cause != Cause::RowCap => {
                // What was pipelined behind it cannot be taken back.
                return self.fail_pipeline(&refusal);
            }
            Some(Step::Execute(run)) => {
                run.overruled = Some(refusal);
                false
            }
            _ => return,
        };
        self.wishes.cancel |= simple || unbounded;
    }

    /// The pipeline must fail from here on, though the server did not fail it.
    pub(super) fn fail_pipeline(&mut self, refusal: &Refusal) {
        // What was forwarded already cannot be taken back: end the session.
        let message = refusal.message.clone();
        self.terminate(
            refusal.code,
            &message,
            End::UpstreamProtocol("result description differs from analysis"),
        );
    }

    fn copy_out(&mut self, formats: &pg::CopyFormats<'_>, raw: &[u8]) {
        let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front_mut() else {
            return self.upstream_broken("an unexpected CopyOutResponse");
        };
        if run.overruled.is_some() {
            return;
        }
        match CopyMask::for_run(run, formats) {
            Ok(mask) => {
                run.copy_mask = mask;
                self.to_client.buffer().extend_from_slice(raw);
            }
            Err(refusal) => self.overrule(refusal),
        }
    }

    fn copy_out_data(&mut self, data: &[u8], raw: &[u8], world: &World) {
        let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front_mut() else {
            return self.upstream_broken("unexpected copy data");
        };
        if run.overruled.is_some() {
            return;
        }
        if run
            .cap()
            .is_some_and(|cap| run.rows_before + run.rows >= cap)
        {
            let refusal = row_cap(run.cap().unwrap_or_default());
            return self.overrule(refusal);
        }
        run.rows += 1;
        run.bytes += raw.len() as u64;
        let must_mask = run
            .current()
            .is_none_or(|j| j.copy.iter().any(Option::is_some));
        match &mut run.copy_mask {
            // Fields to mask, but the server never opened the copy.
            None if must_mask => self.overrule(rows::mismatch()),
            None => self.to_client.buffer().extend_from_slice(raw),
            Some(mask) => match mask.data(data, &world.masker, self.to_client.buffer()) {
                Ok(()) => {}
                Err(refusal) => self.overrule(refusal),
            },
        }
    }

    fn copy_out_done(&mut self, raw: &[u8], world: &World) {
        let Some(Step::Query(run) | Step::Execute(run)) = self.queue.front_mut() else {
            return self.upstream_broken("an unexpected CopyDone");
        };
        if run.overruled.is_some() {
            return;
        }
        if let Some(mask) = run.copy_mask.take() {
            match mask.finish(&world.masker, self.to_client.buffer()) {
                Ok(cells) => run.copied = cells,
                Err(refusal) => return self.overrule(refusal),
            }
        }
        self.to_client.buffer().extend_from_slice(raw);
    }

    fn command_complete(&mut self, tag: Option<&[u8]>, raw: &[u8], world: &World, now: Now) {
        match self.queue.front_mut() {
            Some(Step::Query(run)) => {
                let overruled = run.overruled.is_some();
                let status = match overruled {
                    true => OutcomeStatus::Refused,
                    false => OutcomeStatus::Ok,
                };
                self.record_outcome(status, None, tag, now);
                if let Some(Step::Query(run)) = self.queue.front_mut() {
                    let verdict = Arc::clone(&run.verdict);
                    let index = run.index;
                    let rows = run.rows;
                    run.next_statement(now);
                    self.completed(&verdict, index, rows, world);
                    let before = self.rows_before(verdict.judged.get(index + 1));
                    if let Some(Step::Query(run)) = self.queue.front_mut() {
                        run.rows_before = before;
                    }
                }
                if !overruled && self.end.is_none() {
                    self.to_client.buffer().extend_from_slice(raw);
                }
            }
            Some(Step::Execute(run)) => {
                if run.overruled.is_some() {
                    return self.settle_execute(now);
                }
                self.record_outcome(OutcomeStatus::Ok, None, tag, now);
                if let Some(Step::Execute(run)) = self.queue.pop_front() {
                    self.completed(&run.verdict, 0, run.rows, world);
                }
                if self.end.is_none() {
                    self.to_client.buffer().extend_from_slice(raw);
                }
            }
            _ => self.upstream_broken("an unexpected CommandComplete"),
        }
    }

    fn suspended(&mut self, raw: &[u8], now: Now) {
        let Some(Step::Execute(run)) = self.queue.front() else {
            return self.upstream_broken("an unexpected PortalSuspended");
        };
        if run.overruled.is_some() {
            return self.settle_execute(now);
        }
        self.record_left(now);
        self.queue.pop_front();
        self.to_client.buffer().extend_from_slice(raw);
    }

    /// An overruled Execute ended well on the server: it must fail after all,
    /// so a failing message follows it, whose error is ours.
    fn settle_execute(&mut self, now: Now) {
        self.record_outcome(OutcomeStatus::Refused, None, None, now);
        if let Some(Step::Execute(run)) = self.queue.pop_front()
            && let Some(refusal) = run.overruled
        {
            if self.queue.is_empty() {
                self.refuse_recorded(refusal, false);
            } else {
                self.settle_before_sync(refusal, now);
            }
        }
    }
}

fn row_cap(cap: u64) -> Refusal {
    Refusal::new(
        Cause::RowCap,
        "row_cap",
        format!("the result has more than {cap} rows, the most this principal may take from one statement"),
    )
    .hint(format!("Add a WHERE clause, aggregate, or LIMIT {cap}."))
}
