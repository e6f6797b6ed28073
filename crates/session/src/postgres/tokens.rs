//! Parameters that are tokens: what they stand for is sent in their place.

use std::sync::Arc;

use ledger::event::ObjectUse;
use mask::{Format, Reveal};
use wire::postgres as pg;

use super::Machine;
use crate::judge::{foreign, no_token};
use crate::refusal::Refusal;
use crate::verdict::{Judged, Parameter, Verdict};
use crate::world::World;

/// Values of a Bind message by their places, where they are not the client's. Not shown.
pub(super) struct Values(Vec<(usize, Reveal)>);

impl Values {
    fn get(&self, index: usize) -> Option<&[u8]> {
        match self.0.iter().find(|(place, _)| *place == index) {
            Some((_, Reveal::Raw(raw))) => Some(raw.as_slice()),
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
        let mut values = Vec::new();
        for judged in &verdict.judged {
            for parameter in &judged.parameters {
                if values.iter().any(|(place, _)| *place == parameter.index) {
                    continue;
                }
                match reveal(bind, parameter, world) {
                    Some(raw @ Reveal::Raw(_)) => values.push((parameter.index, raw)),
                    Some(Reveal::Foreign) => {
                        return Err(foreign(&parameter.relation, &parameter.label));
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
        let of_parameters = bind.into_iter().flat_map(|bind| {
            let looks_up = move |parameter: &&Parameter| {
                matches!(reveal(bind, parameter, world), Some(Reveal::NotAToken))
            };
            judged.parameters.iter().filter(looks_up)
        });
        let datasets = of_parameters.map(|parameter| &parameter.relation);
        let all = judged.lookups.iter().chain(datasets);
        all.map(|dataset| ObjectUse {
            verb: "lookup".into(),
            name: Arc::clone(dataset),
        })
        .collect()
    }
}

/// `None` for NULL and for a parameter that was not given.
fn reveal(bind: &pg::Bind<'_>, parameter: &Parameter, world: &World) -> Option<Reveal> {
    let value = bind.parameters().nth(parameter.index)??;
    let format = match bind.parameter_format(parameter.index)? {
        pg::Format::Binary => Format::Binary,
        _ => Format::Text,
    };
    Some(
        world
            .masker
            .reveal(&parameter.label, &parameter.ty, format, value),
    )
}

fn may_look_up(judged: &Judged, parameter: &Parameter) -> Result<(), Refusal> {
    let takes = !parameter.written || parameter.label.reversible_in(&parameter.ty);
    if parameter.array || !takes {
        return Err(no_token(
            &parameter.relation,
            &parameter.label,
            parameter.written,
        ));
    }
    judged.no_lookup.clone().map_or(Ok(()), Err)
}
