//! What the machine tells the ledger, and what it tells the client of errors.

use std::sync::Arc;

use ledger::Receipt;
use ledger::event::{Encoded, Intent, Verdict as Decided};
use wire::postgres as pg;

use super::Machine;
use super::step::Step;
use crate::definitions::Doubt;
use crate::refusal::{Cause, Refusal};
use crate::verdict::{Judged, Verdict};
use crate::world::World;

/// Parameters are recorded up to this many bytes in all; the rest by length.
const PARAMETERS_LIMIT_BYTES: usize = 64 * 1024;

impl Machine {
    /// The next statement's number in its session, from 1.
    fn number(&mut self) {
        self.statement_number += 1;
        self.counts.statements = self.statement_number;
    }

    fn intent(&self, judged: &Judged, alone: bool, text: &str, decision: Decided) -> Intent {
        let record = &judged.record;
        // A verdict may be that of a statement alike, standing elsewhere in its text.
        let part = if alone {
            text
        } else {
            text.get(judged.statement.text.clone()).unwrap_or(text)
        };
        let declared = |own: &Option<String>, session: &Option<String>| {
            own.as_deref().or(session.as_deref()).map(Arc::<str>::from)
        };
        let known = &self.known.declared;
        Intent {
            session: Arc::clone(&self.names.session),
            statement: self.statement_number,
            principal: Arc::clone(&self.names.principal),
            target: Arc::clone(&self.names.target),
            command: judged.statement.command.into(),
            shape: Arc::clone(&record.shape),
            shape_hash: Arc::clone(&record.shape_hash),
            objects: Arc::clone(&record.objects),
            columns: Arc::clone(&record.columns),
            decision,
            rules: Arc::clone(&record.rules),
            observed: match decision {
                Decided::Allow => Arc::clone(&record.observed),
                Decided::Deny | Decided::Ask => Arc::from([]),
            },
            opaque: record.opaque,
            policy: Arc::clone(&record.policy),
            masks: Arc::clone(&record.masks),
            degraded: Arc::clone(&record.degraded),
            row_cap: judged.row_cap,
            encoded: match decision {
                Decided::Allow => record.encoded.share(),
                Decided::Deny | Decided::Ask => Encoded::default(),
            },
            // What stands in clear already is not hidden once more.
            text: (!record.secret && *part != *record.shape).then(|| part.into()),
            prepared: None,
            parameters: None,
            purpose: declared(&record.declared.purpose, &known.purpose),
            task: declared(&record.declared.task, &known.task),
            run: declared(&record.declared.run, &known.run),
            traceparent: declared(&record.declared.traceparent, &known.traceparent),
        }
    }

    /// Records that a statement is about to run; without a receipt it may not.
    pub(super) fn record_intent(
        &mut self,
        verdict: &Verdict,
        judged: &Judged,
        text: &str,
        bind: Option<&pg::Bind<'_>>,
        world: &World,
    ) -> Result<Receipt, Refusal> {
        self.number();
        let alone = verdict.judged.len() == 1;
        let mut intent = self.intent(judged, alone, text, Decided::Allow);
        intent.prepared = self.prepared_text(verdict, judged);
        let degraded = self.degraded_in(judged, bind.map(|bind| bind.statement));
        if *degraded != *intent.degraded {
            // What it runs was judged when it was prepared or declared.
            intent.degraded = degraded;
            intent.encoded = Encoded::default();
        }
        let looked_up = self.looked_up(judged, bind, world);
        if !looked_up.is_empty() {
            intent.objects = intent.objects.iter().cloned().chain(looked_up).collect();
            intent.encoded = Encoded::default();
        }
        intent.parameters = bind.filter(|_| !judged.record.secret).and_then(parameters);
        self.ledger.append(intent.into()).map_err(|unavailable| {
            Refusal::new(
                Cause::Ledger,
                "weir.ledger",
                "the statement was not run, because Weir's ledger cannot record it",
            )
            .hint(format!("Tell an operator: {unavailable}."))
        })
    }

    /// Records and gives the refusal of a verdict, if it is one.
    pub(super) fn not_refused(&mut self, verdict: &Verdict, text: &str) -> Result<(), Refusal> {
        let refusal = self.blocked_by.take().or_else(|| verdict.refusal.clone());
        match refusal.or_else(|| self.executes_another(verdict)) {
            Some(refusal) => {
                self.record_refusal(verdict, text, &refusal);
                Err(refusal)
            }
            None => Ok(()),
        }
    }

    /// Records a refused string: one entry per statement, the decision on each.
    pub(super) fn record_refusal(&mut self, verdict: &Verdict, text: &str, refusal: &Refusal) {
        if verdict.judged.is_empty() {
            return self.record_bare_refusal(refusal, Some(text));
        }
        for judged in &verdict.judged {
            self.number();
            let mut intent = self.intent(judged, verdict.judged.len() == 1, text, Decided::Deny);
            intent.prepared = self.prepared_text(verdict, judged);
            if intent.rules.is_empty() {
                intent.rules = Arc::from([Arc::from(refusal.rule.as_str())]);
            }
            // The refusal stands whether or not it can be recorded.
            let _ = self.ledger.append(intent.into());
        }
    }

    /// Records a refusal of something that is no analysed statement.
    pub(super) fn record_bare_refusal(&mut self, refusal: &Refusal, text: Option<&str>) {
        let mut judged = Judged::opaque("");
        judged.record.rules = Arc::from([Arc::from(refusal.rule.as_str())]);
        judged.record.secret = false;
        self.number();
        let mut intent = self.intent(&judged, true, text.unwrap_or_default(), Decided::Deny);
        intent.text = text.map(Into::into);
        let _ = self.ledger.append(intent.into());
    }

    /// Sends our own error in place of the server's.
    pub(super) fn send_refusal(&mut self, refusal: &Refusal, request: u64) {
        let detail = refusal.detail(&format!("{}/{request}", self.names.session));
        pg::encode::error_response(
            self.to_client.buffer(),
            &pg::ErrorFields {
                detail: Some(&detail),
                hint: refusal.hint.as_deref(),
                position: refusal.position,
                ..pg::ErrorFields::error(refusal.code, &refusal.message)
            },
        );
    }

    /// Forwards the server's error; a guarded one without what may hold values.
    pub(super) fn send_error(&mut self, fields: &pg::Fields<'_>, raw: &[u8], guard: Guard) {
        if guard == Guard::Open {
            self.to_client.buffer().extend_from_slice(raw);
            return;
        }
        let text = |code: u8| fields.get(code).and_then(|v| std::str::from_utf8(v).ok());
        let severity = text(b'V').or_else(|| text(b'S')).unwrap_or("ERROR");
        let code = text(b'C').unwrap_or("XX000");
        let free = value_free(code);
        let message = match text(b'M') {
            Some(message) if free => message.to_owned(),
            _ => format!("the database reported error {code} ({})", condition(code)),
        };
        pg::encode::error_response(
            self.to_client.buffer(),
            &pg::ErrorFields {
                hint: (!free).then_some("The text is withheld, because it may hold masked values. The SQLSTATE tells what went wrong."),
                position: text(b'P')
                    .filter(|_| free && guard == Guard::Values)
                    .and_then(|p| p.parse().ok()),
                ..pg::ErrorFields::new(severity, code, &message)
            },
        );
    }

    /// Notices are results as well.
    pub(super) fn notice(&mut self, raw: &[u8], world: &World) {
        let guard = match self.queue.front() {
            Some(Step::Errand(_)) => return,
            Some(_) if self.doubt() != Doubt::None => return,
            Some(_) => self.step_guard(world),
            None => self.session_guard(world),
        };
        if guard == Guard::Open {
            self.to_client.buffer().extend_from_slice(raw);
        }
    }

    /// A notification's payload may hold anything anybody put there.
    pub(super) fn notification(
        &mut self,
        process_id: i32,
        channel: &[u8],
        raw: &[u8],
        world: &World,
    ) {
        if self.guards_session(world) {
            pg::encode::notification_response(self.to_client.buffer(), process_id, channel, b"");
        } else {
            self.to_client.buffer().extend_from_slice(raw);
        }
    }

    /// Whether something of unknown origin must be taken for a result.
    pub(super) fn guards_session(&self, _world: &World) -> bool {
        self.standing.masked_somewhere
    }

    /// How something of unknown origin is told.
    pub(super) fn session_guard(&self, world: &World) -> Guard {
        match self.guards_session(world) {
            true => Guard::Values,
            false => Guard::Open,
        }
    }

    /// How what the step at the head causes is told.
    pub(super) fn step_guard(&self, world: &World) -> Guard {
        match self.queue.front() {
            Some(Step::Query(run) | Step::Execute(run)) => Guard::of(&run.verdict),
            Some(
                Step::Parse { verdict, .. }
                | Step::DescribeStatement { verdict, .. }
                | Step::DescribePortal { verdict },
            ) => Guard::of(verdict),
            Some(Step::Bind { portal, .. }) => Guard::of(&portal.verdict),
            _ => self.session_guard(world),
        }
    }
}

/// What of the server's errors and notices is kept from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// Nothing.
    Open,
    /// What may hold values.
    Values,
    /// That, and positions in a text that is not the client's.
    ValuesAndPlaces,
}

impl Guard {
    pub(super) fn of(verdict: &Verdict) -> Self {
        match (&verdict.sent, verdict.guarded()) {
            (Some(_), _) => Self::ValuesAndPlaces,
            (None, true) => Self::Values,
            (None, false) => Self::Open,
        }
    }
}

/// Bound parameters as a JSON array: text as it is, binary as hex.
fn parameters(bind: &pg::Bind<'_>) -> Option<Arc<str>> {
    let mut left = PARAMETERS_LIMIT_BYTES;
    let mut values = Vec::new();
    for (index, value) in bind.parameters().enumerate() {
        values.push(match value {
            None => serde_json::Value::Null,
            Some(value) if value.len() > left => {
                serde_json::json!({ "bytes": value.len() })
            }
            Some(value) => {
                left -= value.len();
                match (bind.parameter_format(index), std::str::from_utf8(value)) {
                    (Some(pg::Format::Text), Ok(text)) => serde_json::Value::from(text),
                    _ => serde_json::json!({ "hex": hex(value) }),
                }
            }
        });
    }
    if values.is_empty() {
        return None;
    }
    serde_json::to_string(&values).ok().map(Into::into)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Whether the message of this SQLSTATE is made from the statement's own text
/// alone, given that no user code ran (PostgreSQL docs, appendix A).
fn value_free(code: &str) -> bool {
    const FREE: &[&str] = &[
        "25000", "25001", "25006", "25P01", "25P02", "26000", "2BP01", "34000", "3B001", "3F000",
        "40001", "40P01", "42501", "42601", "42611", "42622", "42701", "42702", "42703", "42704",
        "42710", "42712", "42723", "42725", "42803", "42804", "42809", "42846", "42883", "42P01",
        "42P02", "42P03", "42P05", "42P07", "42P18", "55006", "55P03", "57014",
    ];
    FREE.contains(&code)
}

/// Name of an SQLSTATE class (PostgreSQL docs, appendix A).
fn condition(code: &str) -> &'static str {
    match code.get(..2).unwrap_or_default() {
        "08" => "connection exception",
        "0A" => "feature not supported",
        "21" => "cardinality violation",
        "22" => "data exception",
        "23" => "integrity constraint violation",
        "25" => "invalid transaction state",
        "28" => "invalid authorization",
        "40" => "transaction rollback",
        "42" => "syntax error or access rule violation",
        "44" => "check option violation",
        "53" => "insufficient resources",
        "54" => "program limit exceeded",
        "55" => "object not in prerequisite state",
        "57" => "operator intervention",
        "58" => "system error",
        "P0" => "raised by a function",
        _ => "error",
    }
}
