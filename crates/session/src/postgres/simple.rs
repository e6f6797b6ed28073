//! Messages that the server answers up to ReadyForQuery: Query and FunctionCall.

use std::sync::Arc;

use super::client::Flow;
use super::judging::Blocked;
use super::step::{Run, Step};
use super::{Machine, Now};
use crate::gate::Cleared;
use crate::judge::Judge;
use crate::refusal::{Cause, Refusal};
use crate::verdict::Verdict;
use crate::world::World;

impl Machine {
    pub(super) fn query(&mut self, text: &str, raw: &[u8], world: &World, now: Now) -> Flow {
        if std::mem::take(&mut self.answered) {
            return Flow::Done;
        }
        let verdict = match self.judge(text, &[], world, now) {
            Ok(verdict) => verdict,
            Err(Blocked) => return Flow::Blocked,
        };
        if verdict.refusal.is_none() && self.ask_description(&verdict, text, &[], true, world) {
            return Flow::Blocked;
        }
        match self.clear(&verdict, text, None, world) {
            Err(refusal) => self.refuse_recorded(refusal, true),
            Ok(cleared) => self.run_simple(verdict, &cleared, raw, world, now),
        }
        Flow::Done
    }

    /// A FunctionCall names a function by number: to analysis it is as opaque as a text that does not parse.
    pub(super) fn function_call(
        &mut self,
        function: u32,
        raw: &[u8],
        world: &World,
        now: Now,
    ) -> Flow {
        let judge = Judge {
            world,
            catalog: &world.catalog,
            session: self.as_session(now),
        };
        let Some(verdict) = judge.function_call(function).map(Arc::new) else {
            let refusal = Refusal::new(
                Cause::Unsupported,
                "weir.function-call",
                "the FunctionCall message is not served, because it cannot be analysed",
            )
            .hint("Call the function in a SELECT instead.");
            self.refuse(refusal, true);
            return Flow::Done;
        };
        let text = format!("FunctionCall {function}");
        match self.clear(&verdict, &text, None, world) {
            Err(refusal) => self.refuse_recorded(refusal, true),
            Ok(cleared) => self.run_simple(verdict, &cleared, raw, world, now),
        }
        Flow::Done
    }

    /// Forwards what the server answers up to ReadyForQuery.
    fn run_simple(
        &mut self,
        verdict: Arc<Verdict>,
        cleared: &[Cleared],
        raw: &[u8],
        world: &World,
        now: Now,
    ) {
        self.hold(cleared);
        self.anticipate(&verdict);
        self.send_simple(&verdict, raw);
        let before = cleared.len().saturating_sub(1) as u64;
        let intents = cleared.iter().map(Cleared::intent).collect();
        let mut run = Run::new(verdict, None, intents, now);
        run.request = self.statement_number.saturating_sub(before);
        run.under = self.under(world);
        run.rows_before = self.rows_before(run.current());
        self.query_in_pipeline |= self.open > 0;
        self.queue.push_back(Step::Query(Box::new(run)));
    }
}
