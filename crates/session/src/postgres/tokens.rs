//! Parameters that are tokens: what they stand for is sent in their place.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use ledger::event::ObjectUse;
use mask::{Format, Reveal};
use wire::postgres as pg;

use super::Machine;
use crate::judge::{foreign, no_token};
use crate::refusal::Refusal;
use crate::verdict::{Judged, Parameter, Verdict};
use crate::world::World;

/// Values of a Bind message by their places, where they are not the client's. Not shown.
pub(super) struct Values(HashMap<usize, Reveal>);

impl Values {
    fn get(&self, index: usize) -> Option<&[u8]> {
        match self.0.get(&index) {
            Some(Reveal::Raw(raw)) => Some(raw.as_slice()),
            _ => None,
        }
    }
}

impl Machine {
    /// What tokens among the parameters stand for; `None` when there are none.
    pub(super) fn values(
        &self,
        bind: &pg::Bind<'_>,
        verdict: &Verdict,
        world: &World,
    ) -> Result<Option<Values>, Refusal> {
        let mut values = HashMap::default();
        let sent = Sent::of(bind, verdict);
        for judged in &verdict.judged {
            for parameter in &judged.parameters {
                if values.contains_key(&parameter.index) {
                    continue;
                }
                match sent.reveal(parameter, world) {
                    Some(raw @ Reveal::Raw(_)) => {
                        values.insert(parameter.index, raw);
                    }
                    Some(Reveal::Foreign) => {
                        return Err(foreign(parameter.dataset(), &parameter.label));
                    }
                    Some(Reveal::NotAToken) => may_look_up(judged, parameter)?,
                    None => {}
                }
            }
        }
        Ok((!values.is_empty()).then_some(Values(values)))
    }

    /// Forwards a Bind message with these values in the place of tokens.
    pub(super) fn send_bind(&mut self, bind: &pg::Bind<'_>, values: &Values) {
        let parameters = bind.parameters().enumerate().map(|(index, value)| {
            let value = value?;
            Some(values.get(index).unwrap_or(value))
        });
        let sent = pg::encode::bind(
            self.to_upstream.buffer(),
            bind.portal,
            bind.statement,
            bind.parameter_formats().iter(),
            parameters,
            bind.result_formats().iter(),
        );
        if sent.is_err() {
            return self.too_long();
        }
        self.open += 1;
    }

    /// Lookups for the record, one for each value that is no token.
    pub(super) fn looked_up(
        &self,
        judged: &Judged,
        bind: Option<&pg::Bind<'_>>,
        world: &World,
    ) -> Vec<ObjectUse> {
        let mut datasets: Vec<&Arc<str>> = Vec::new();
        if let Some(bind) = bind.filter(|_| !judged.parameters.is_empty()) {
            let sent = Sent(bind, bind.parameters().collect());
            let mut seen: HashSet<(usize, &Arc<str>)> = HashSet::default();
            for parameter in &judged.parameters {
                if matches!(sent.reveal(parameter, world), Some(Reveal::NotAToken)) {
                    let own = parameter.datasets.iter();
                    datasets.extend(own.filter(|name| seen.insert((parameter.index, *name))));
                }
            }
        }
        let all = judged.lookups.iter().chain(datasets);
        all.map(|dataset| ObjectUse {
            verb: "lookup".into(),
            name: Arc::clone(dataset),
        })
        .collect()
    }
}

/// A Bind message and its values in order.
struct Sent<'b>(&'b pg::Bind<'b>, Vec<Option<&'b [u8]>>);

impl<'b> Sent<'b> {
    fn of(bind: &'b pg::Bind<'b>, verdict: &Verdict) -> Self {
        let mut judged = verdict.judged.iter();
        let looks = judged.any(|judged| !judged.parameters.is_empty());
        let values = bind.parameters().take(if looks { usize::MAX } else { 0 });
        Self(bind, values.collect())
    }

    /// `None` for NULL and for a parameter that was not given.
    fn reveal(&self, parameter: &Parameter, world: &World) -> Option<Reveal> {
        let value = (*self.1.get(parameter.index)?)?;
        let format = match self.0.parameter_format(parameter.index)? {
            pg::Format::Binary => Format::Binary,
            _ => Format::Text,
        };
        let (label, ty) = (&parameter.label, &parameter.ty);
        Some(world.masker.reveal(label, ty, format, value))
    }
}

fn may_look_up(judged: &Judged, parameter: &Parameter) -> Result<(), Refusal> {
    let takes = !parameter.written || parameter.label.reversible_in(&parameter.ty);
    if parameter.array || !takes {
        return Err(no_token(
            parameter.dataset(),
            &parameter.label,
            parameter.written,
        ));
    }
    judged.no_lookup.clone().map_or(Ok(()), Err)
}
