//! What became of what was recorded: each allowed intent gets one outcome.
//!
//! The intent of a portal is told of once, when the portal comes to its end or
//! goes away, with all that left over its executions.

use ledger::Sequence;
use ledger::event::{MaskedCells, Outcome, OutcomeStatus};

use super::step::{Portal, Run, Step};
use super::{Machine, Now};

/// What left, over the executions of one intent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    rows: u64,
    bytes: u64,
    masked: Vec<MaskedCells>,
    duration_us: u64,
}

impl Tally {
    fn add(&mut self, more: Tally) {
        self.rows += more.rows;
        self.bytes += more.bytes;
        self.duration_us += more.duration_us;
        for one in more.masked {
            match self.masked.iter_mut().find(|own| own.label == one.label) {
                Some(own) => own.cells += one.cells,
                None => self.masked.push(one),
            }
        }
    }

    fn outcome(self, intent: Sequence, status: OutcomeStatus) -> Outcome {
        Outcome {
            intent,
            session: None,
            status,
            sqlstate: None,
            rows: self.rows,
            bytes: self.bytes,
            masked: self.masked,
            duration_us: self.duration_us,
        }
    }
}

impl Run {
    fn tally(&self, now: Now) -> Tally {
        Tally {
            rows: self.rows,
            bytes: self.bytes,
            masked: self.masked(),
            duration_us: now.monotonic_us.saturating_sub(self.started_us),
        }
    }
}

impl Portal {
    /// The outcome of a portal that goes away, unless it was told already.
    fn dropped(self) -> Option<Outcome> {
        let status = match self.left {
            Some(_) => OutcomeStatus::Partial,
            None => OutcomeStatus::NotExecuted,
        };
        Some(self.left.unwrap_or_default().outcome(self.intent?, status))
    }
}

/// How a statement ended that failed with `sqlstate`.
pub(super) fn failed(sqlstate: Option<&[u8]>) -> OutcomeStatus {
    match sqlstate {
        Some(b"57014") => OutcomeStatus::Cancelled,
        _ => OutcomeStatus::Error,
    }
}

impl Machine {
    /// Records how the statement at the head of the queue ended.
    pub(super) fn record_outcome(
        &mut self,
        status: OutcomeStatus,
        sqlstate: Option<&[u8]>,
        tag: Option<&[u8]>,
        now: Now,
    ) {
        let (intent, tally) = match self.queue.front() {
            Some(Step::Query(run)) => {
                let tally = run.tally(now);
                let intent = run.intents.get(run.index).copied();
                self.count(&tally);
                (intent, tally)
            }
            Some(Step::Execute(_)) => {
                self.record_left(now);
                let portal = self.executed();
                let intent = portal.and_then(|portal| portal.intent.take());
                let left = self.executed().and_then(|portal| portal.left.take());
                (intent, left.unwrap_or_default())
            }
            Some(Step::Parse { intent, .. }) => (*intent, Tally::default()),
            Some(Step::Bind { portal, .. }) => (portal.intent, Tally::default()),
            _ => return,
        };
        let Some(intent) = intent else { return };
        let mut outcome = tally.outcome(intent, status);
        if outcome.rows == 0 {
            outcome.rows = tag.and_then(affected_rows).unwrap_or(0);
        }
        outcome.sqlstate = sqlstate
            .and_then(|code| std::str::from_utf8(code).ok())
            .map(|code| code.to_owned().into());
        self.append_outcome(outcome);
    }

    /// Remembers with the portal what left of it by the Execute at the head of
    /// the queue.
    pub(super) fn record_left(&mut self, now: Now) {
        let Some(Step::Execute(run)) = self.queue.front() else {
            return;
        };
        let tally = run.tally(now);
        self.count(&tally);
        if let Some(portal) = self.executed() {
            portal.rows += tally.rows;
            portal.left.get_or_insert_default().add(tally);
        }
    }

    /// The portal that the Execute at the head of the queue runs.
    fn executed(&mut self) -> Option<&mut Portal> {
        match self.queue.front() {
            Some(Step::Execute(run)) => self.portals.get_mut(run.portal.as_deref()?),
            _ => None,
        }
    }

    fn count(&mut self, tally: &Tally) {
        self.counts.rows += tally.rows;
        self.counts.bytes += tally.bytes;
        self.counts.masked_cells += tally.masked.iter().map(|m| m.cells).sum::<u64>();
    }

    /// Records that what was about to run did not.
    pub(super) fn record_skipped(&mut self, intent: Option<Sequence>) {
        if let Some(intent) = intent {
            self.append_outcome(Tally::default().outcome(intent, OutcomeStatus::NotExecuted));
        }
    }

    /// Records how the statements ended that follow the one which ended in the
    /// query string at the head of the queue.
    pub(super) fn record_rest(&mut self, status: OutcomeStatus) {
        let Some(Step::Query(run)) = self.queue.front() else {
            return;
        };
        let rest = run.intents.get(run.index + 1..).unwrap_or_default();
        let rest = rest.to_vec();
        for intent in rest {
            self.append_outcome(Tally::default().outcome(intent, status));
        }
    }

    /// A portal comes into being, in place of another of its name.
    pub(super) fn bound(&mut self, name: Box<str>, portal: Portal) {
        let replaced = self.portals.insert(name, portal);
        self.portal_over(replaced);
    }

    /// Records the end of a portal that was dropped.
    pub(super) fn portal_over(&mut self, portal: Option<Portal>) {
        if let Some(outcome) = portal.and_then(Portal::dropped) {
            self.append_outcome(outcome);
        }
    }

    /// Drops portals, and records their ends.
    pub(super) fn drop_portals(&mut self, which: impl Fn(&Portal) -> bool) {
        let dropped = self.portals.extract_if(|_, portal| which(portal));
        let mut outcomes: Vec<_> = dropped.filter_map(|(_, portal)| portal.dropped()).collect();
        outcomes.sort_unstable_by_key(|outcome| outcome.intent);
        for outcome in outcomes {
            self.append_outcome(outcome);
        }
    }

    /// Records what is in flight as ended by nobody knows what, and what was
    /// bound as dropped: the connection is gone.
    pub fn abandon(&mut self) {
        let now = Now {
            monotonic_us: 0,
            unix_ms: 0,
        };
        while !self.queue.is_empty() {
            // What was bound is not executed by that.
            if !matches!(self.queue.front(), Some(Step::Bind { .. })) {
                self.record_outcome(OutcomeStatus::Unknown, None, None, now);
                self.record_rest(OutcomeStatus::Unknown);
            }
            if let Some(Step::Bind { name, portal }) = self.queue.pop_front() {
                self.bound(name, portal);
            }
        }
        self.drop_portals(|_| true);
    }

    fn append_outcome(&mut self, outcome: Outcome) {
        match self.ledger.append(outcome.into()) {
            Ok(receipt) if self.strict => {
                // No answer before its record is on disk.
                self.to_client.hold(receipt.sequence);
                self.ledger.request_sync();
            }
            Ok(_) => {}
            // What ran cannot be undone; the next intent is refused until the
            // ledger takes entries again, and recovery records the gap.
            Err(_) if self.strict => {
                self.terminate(
                    "58030",
                    "the outcome could not be recorded",
                    super::End::Ledger,
                );
            }
            Err(_) => {}
        }
    }
}

/// The row count of a command tag: `INSERT 0 5`, `UPDATE 3`, `COPY 10`.
fn affected_rows(tag: &[u8]) -> Option<u64> {
    std::str::from_utf8(tag)
        .ok()?
        .rsplit(' ')
        .next()?
        .parse()
        .ok()
}
