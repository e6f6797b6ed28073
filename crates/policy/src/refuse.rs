//! A refusal in words: which rule, which objects, what to do instead.

use std::collections::BTreeSet;

use crate::decision::{Decision, Denial, Reason, Refused, Rule, describe};
use crate::evaluate::{Case, Entry, No, Policies};
use crate::facts::{AccessFact, ResourceFact, Target};
use crate::question::Question;

impl Policies {
    /// The policies behind a refusal.
    pub(crate) fn named(&self, no: &No) -> impl Iterator<Item = &Entry> {
        let at: &[usize] = match no {
            No::Rule(..) => &[],
            No::Forbidden(at) | No::Needs(at) => at,
        };
        at.iter().filter_map(|at| self.entries.get(*at))
    }

    /// Composes the denial of the first refusal, with the objects and rules of
    /// all of them.
    pub(crate) fn deny(
        &self,
        case: &Case<'_>,
        refusals: &[&(&Question<'_>, No)],
        expires_ms: Option<u64>,
    ) -> Decision {
        let mut members: BTreeSet<usize> = BTreeSet::new();
        for (question, _) in refusals {
            members.extend(question.members.iter().copied());
        }
        let refused_all: Vec<Refused> = members
            .iter()
            .filter_map(|at| case.accesses.get(*at))
            .map(|access| refused(case.target, access))
            .collect();
        let Some((question, no)) = refusals.first() else {
            return builtin(Rule::PolicyError, None, refused_all, expires_ms);
        };
        // Refusals of the same rule share one sentence.
        let same = |other: &No| match (no, other) {
            (No::Rule(a, _), No::Rule(b, _)) => a == b,
            (No::Forbidden(a) | No::Needs(a), No::Forbidden(b) | No::Needs(b)) => {
                a.first() == b.first()
            }
            _ => false,
        };
        let mut told: Vec<Refused> = Vec::new();
        for (other, _) in refusals
            .iter()
            .filter(|(q, other)| q.judged == question.judged && same(other))
        {
            told.extend(
                other
                    .members
                    .iter()
                    .filter_map(|at| case.accesses.get(*at))
                    .map(|a| refused(case.target, a)),
            );
        }
        let suffix = case
            .judged
            .get(question.judged)
            .map_or("", |judged| judged.suffix.as_str());
        let what = format!("{}{suffix}", describe(&told));
        let mut reasons: BTreeSet<Reason> = BTreeSet::new();
        for (_, no) in refusals {
            match no {
                No::Rule(rule, _) => reasons.extend([rule.reason()]),
                No::Forbidden(_) | No::Needs(_) => {
                    reasons.extend(self.named(no).map(Entry::reason))
                }
            }
        }
        let (reason, message, hint) = match (no, self.named(no).next()) {
            (No::Rule(rule, _), _) => (rule.reason(), rule.sentence(&what), rule.hint(&told)),
            (No::Forbidden(_) | No::Needs(_), Some(entry)) => {
                let message = match &entry.message {
                    Some(message) => format!("{message} ({what})"),
                    None => format!("policy \"{}\" forbids {what}", entry.id),
                };
                let composed = || match no {
                    No::Needs(_) => "State a purpose first: SET weir.purpose = '…'.".to_owned(),
                    No::Forbidden(_) | No::Rule(..) => Rule::DefaultDeny.hint(&told),
                };
                (
                    entry.reason(),
                    message,
                    entry.hint.clone().unwrap_or_else(composed),
                )
            }
            (No::Forbidden(_) | No::Needs(_), None) => {
                let rule = Rule::PolicyError;
                (rule.reason(), rule.sentence(&what), rule.hint(&told))
            }
        };
        let fault = match no {
            No::Rule(_, fault) if !fault.is_empty() => Some(fault.clone()),
            No::Rule(..) | No::Forbidden(_) | No::Needs(_) => None,
        };
        Decision::Deny(Denial {
            fault,
            reason,
            reasons: reasons.into_iter().collect(),
            refused: refused_all,
            message,
            hint,
            expires_ms,
        })
    }
}

pub(crate) fn refused(target: &Target, access: &AccessFact<'_>) -> Refused {
    let object = match access.resource {
        ResourceFact::Target => target.name.clone(),
        _ => access.resource.name(),
    };
    Refused {
        action: access.action.to_owned(),
        object,
    }
}

pub(crate) fn all(target: &Target, accesses: &[AccessFact<'_>]) -> Vec<Refused> {
    accesses
        .iter()
        .map(|access| refused(target, access))
        .collect()
}

pub(crate) fn builtin(
    rule: Rule,
    fault: Option<String>,
    refused: Vec<Refused>,
    expires_ms: Option<u64>,
) -> Decision {
    let what = describe(&refused);
    Decision::Deny(Denial {
        reason: rule.reason(),
        reasons: vec![rule.reason()],
        message: rule.sentence(&what),
        hint: rule.hint(&refused),
        refused,
        fault,
        expires_ms,
    })
}
