//! Which questions a request puts to Cedar: accesses that no policy can tell
//! apart are one question.

use std::collections::BTreeSet;

use std::sync::Arc;

use cedar_policy::PolicySet;

use crate::evaluate::Entry;
use crate::facts::{AccessFact, ResourceFact};
use crate::slice::Node;
use crate::slice::Slices;
use crate::world::Chain;

/// One principal that must be allowed.
pub(crate) struct Judged<'a> {
    pub(crate) node: Node,
    pub(crate) chain: Chain<'a>,
    /// For the sentence: " for alice, for whom this agent acts".
    pub(crate) suffix: String,
}

/// One question, put once per round.
pub(crate) struct Question<'a> {
    /// Position in the judged principals.
    pub(crate) judged: usize,
    /// Position in [`crate::ACTIONS`].
    pub(crate) action: usize,
    pub(crate) labels: &'a BTreeSet<&'a str>,
    /// Any one of the resources.
    pub(crate) resource: &'a Node,
    pub(crate) slice: Arc<PolicySet>,
    /// A policy of the slice looks at the time.
    pub(crate) by_time: bool,
    /// Positions in the request's accesses.
    pub(crate) members: Vec<usize>,
}

/// What makes two accesses of one principal the same question. The slice
/// stands for everything scopes can see; the rest for what conditions can.
#[derive(PartialEq, Eq)]
struct Alike<'a> {
    action: usize,
    slice: Vec<usize>,
    labels: &'a BTreeSet<&'a str>,
    sort: Sort<'a>,
}

#[derive(PartialEq, Eq)]
enum Sort<'a> {
    /// A policy of the slice can tell objects apart by name.
    This(&'a ResourceFact<'a>),
    Dataset {
        system: bool,
        temporary: bool,
    },
    Schema,
    Function,
    Object,
    Target,
}

/// The questions of a request, for each judged principal in turn.
pub(crate) fn group<'a>(
    entries: &[Entry],
    slices: &Slices,
    judged: &[Judged<'_>],
    accesses: &'a [AccessFact<'a>],
    actions: &[usize],
    nodes: &'a [Node],
) -> Result<Vec<Question<'a>>, String> {
    let mut questions: Vec<Question<'a>> = Vec::new();
    for (who, principal) in judged.iter().enumerate() {
        let mut known: Vec<(Alike<'a>, usize)> = Vec::new();
        for (at, ((access, action), node)) in accesses.iter().zip(actions).zip(nodes).enumerate() {
            let within = || {
                entries
                    .iter()
                    .enumerate()
                    .filter(|(_, e)| e.scope.matches(&principal.node, *action, node))
            };
            let sort = if within().any(|(_, entry)| entry.by_name) {
                Sort::This(&access.resource)
            } else {
                sort(&access.resource)
            };
            let slice = within().map(|(i, _)| i).collect();
            let alike = Alike {
                action: *action,
                slice,
                labels: &access.labels,
                sort,
            };
            let same = known
                .iter()
                .find(|(other, _)| *other == alike)
                .and_then(|(_, q)| questions.get_mut(*q));
            if let Some(question) = same {
                question.members.push(at);
                continue;
            }
            let slice = slices.of(&alike.slice, || {
                within().map(|(_, entry)| entry.policy.clone())
            })?;
            known.push((alike, questions.len()));
            questions.push(Question {
                judged: who,
                action: *action,
                labels: &access.labels,
                resource: node,
                slice,
                by_time: within().any(|(_, entry)| entry.by_time),
                members: vec![at],
            });
        }
    }
    Ok(questions)
}

fn sort<'a>(resource: &ResourceFact<'_>) -> Sort<'a> {
    match resource {
        ResourceFact::Dataset {
            system, temporary, ..
        } => Sort::Dataset {
            system: *system,
            temporary: *temporary,
        },
        ResourceFact::Schema(_) => Sort::Schema,
        ResourceFact::Function { .. } => Sort::Function,
        ResourceFact::Object { .. } => Sort::Object,
        ResourceFact::Target => Sort::Target,
    }
}
