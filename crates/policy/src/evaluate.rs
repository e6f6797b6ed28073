//! The requirements loop: ask Cedar, promise what it asks for, ask again.

use std::collections::BTreeSet;

use cedar_policy::{
    Authorizer, Decision as Answer, Entities, Policy, Request as CedarRequest, Response,
};
use identity::{Kind as PrincipalKind, Principal};

use crate::decision::{Decision, Enforcement, Reason, Refused, Rule};
use crate::facts::{AccessFact, Context, Facts, Request, ResourceFact, Subject, Target};
use crate::question::{self, Judged, Question};
use crate::refuse::{all, builtin, refused};
use crate::requirement::Requirement;
use crate::schema::Words;
use crate::slice::{Node, Scope, Slices};
use crate::world::{self, Chain, Enforced, Mentioned, Place};

/// Evaluations of one request at most. Each round but the first adds an
/// enforcement that a policy asked for.
const MAX_ROUNDS: usize = 4;

/// A set of policies in force. Immutable; replaced as a whole.
#[derive(Debug)]
pub struct Policies {
    words: Words,
    hierarchy: Entities,
    pub(crate) entries: Vec<Entry>,
    mentioned: Mentioned,
    version: String,
    slices: Slices,
    authorizer: Authorizer,
}

/// One policy with what the loop needs of it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: String,
    pub(crate) policy: Policy,
    pub(crate) scope: Scope,
    pub(crate) message: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) requirements: Vec<Requirement>,
    /// Its condition can tell two objects of the same kind apart.
    pub(crate) by_name: bool,
    /// Its condition looks at the time.
    pub(crate) by_time: bool,
}

/// One request while it is judged.
pub(crate) struct Case<'a> {
    pub(crate) target: &'a Target,
    pub(crate) facts: &'a Facts<'a>,
    pub(crate) accesses: &'a [AccessFact<'a>],
    pub(crate) context: &'a Context<'a>,
    pub(crate) judged: &'a [Judged<'a>],
}

/// Why a question was not answered with an allow.
pub(crate) enum No {
    Rule(Rule, String),
    Forbidden(Vec<usize>),
    Needs(Vec<usize>),
}

impl Policies {
    pub(crate) fn new(
        words: Words,
        hierarchy: Entities,
        entries: Vec<Entry>,
        mentioned: Mentioned,
        version: String,
    ) -> Self {
        Self {
            words,
            hierarchy,
            entries,
            mentioned,
            version,
            slices: Slices::default(),
            authorizer: Authorizer::new(),
        }
    }

    /// Identifies these policies and their schema: hex prefix of a SHA-256.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Ids of all policies, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.id.as_str())
    }

    /// Judges one statement.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        let mut accesses: Vec<AccessFact<'_>> = request.facts.accesses.to_vec();
        if request.facts.opaque {
            accesses.insert(0, on_target("opaque"));
        }
        if accesses.is_empty() {
            accesses.push(on_target("connect"));
        }
        self.judge(
            request.subject,
            request.target,
            request.facts,
            &accesses,
            request.context,
        )
    }

    /// Judges the opening of a connection.
    pub fn connect(
        &self,
        subject: Subject<'_>,
        target: &Target,
        context: &Context<'_>,
    ) -> Decision {
        let facts = Facts {
            has_where: true,
            command: "CONNECT",
            ..Facts::default()
        };
        self.judge(subject, target, &facts, &[on_target("connect")], context)
    }

    /// Whether `subject` may do `action` on the target as such, without any
    /// further enforcement: for features of Weir that touch no dataset.
    #[must_use]
    pub fn holds(
        &self,
        subject: Subject<'_>,
        target: &Target,
        action: &'static str,
        context: &Context<'_>,
    ) -> bool {
        let facts = Facts {
            has_where: true,
            ..Facts::default()
        };
        match self.judge(subject, target, &facts, &[on_target(action)], context) {
            Decision::Allow(enforcement) => {
                enforcement.masks.is_empty() && enforcement.row_cap.is_none()
            }
            Decision::Deny(_) => false,
        }
    }

    fn judge(
        &self,
        subject: Subject<'_>,
        target: &Target,
        facts: &Facts<'_>,
        accesses: &[AccessFact<'_>],
        context: &Context<'_>,
    ) -> Decision {
        let every = |rule, fault| builtin(rule, fault, all(target, accesses), None);
        let known: Option<Vec<usize>> = accesses
            .iter()
            .map(|a| self.words.action(a.action, world::kind(&a.resource)))
            .collect();
        let Some(actions) = known else {
            let refused: Vec<Refused> = accesses
                .iter()
                .filter(|a| {
                    self.words
                        .action(a.action, world::kind(&a.resource))
                        .is_none()
                })
                .map(|a| refused(target, a))
                .collect();
            return builtin(Rule::UnknownAction, None, refused, None);
        };
        let principal = world::principal(&self.words, subject.principal);
        let human = match (&subject.principal.kind, subject.human) {
            (PrincipalKind::Agent { on_behalf_of }, Some(human))
                if human.id == *on_behalf_of && human.kind == PrincipalKind::Human =>
            {
                Some((world::principal(&self.words, human), human))
            }
            (PrincipalKind::Agent { .. }, _) => {
                return every(Rule::UnknownHuman, None);
            }
            (PrincipalKind::Human | PrincipalKind::Workload, _) => None,
        };

        let place = Place::new(&self.words, target);
        let nodes: Vec<Node> = accesses
            .iter()
            .map(|a| place.resource(&self.words, &a.resource))
            .collect();
        let mut judged = vec![Judged {
            chain: human
                .as_ref()
                .map_or(Chain::Alone, |(node, _)| Chain::OnBehalfOf(&node.uid)),
            node: principal.clone(),
            suffix: String::new(),
        }];
        let mut principals = vec![subject.principal];
        if let Some((node, human)) = &human {
            principals.push(human);
            judged.push(Judged {
                node: node.clone(),
                chain: Chain::Through(&principal.uid),
                suffix: format!(" for {}, for whom this agent acts", human.id),
            });
        }
        let questions = question::group(
            &self.entries,
            &self.slices,
            &judged,
            accesses,
            &actions,
            &nodes,
        );
        let case = Case {
            target,
            facts,
            accesses,
            context,
            judged: &judged,
        };
        let answer = questions.and_then(|questions| {
            let entities = self.entities(&case, &principals, &questions)?;
            Ok(self.rounds(&case, &questions, &entities))
        });
        answer.unwrap_or_else(|fault| every(Rule::PolicyError, Some(fault)))
    }

    /// The entities the questions are about. One resource stands for all that
    /// its question groups.
    fn entities(
        &self,
        case: &Case<'_>,
        principals: &[&Principal],
        questions: &[Question<'_>],
    ) -> Result<Entities, String> {
        let mut all = Vec::with_capacity(2 * questions.len() + 2);
        for (judged, principal) in case.judged.iter().zip(principals) {
            all.push(world::principal_entity(
                &judged.node,
                principal,
                &self.mentioned,
            )?);
        }
        for question in questions {
            let access = question
                .members
                .first()
                .and_then(|at| case.accesses.get(*at));
            if let Some(access) = access {
                let node = question.resource;
                all.push(world::resource_entity(
                    node,
                    &access.resource,
                    &self.mentioned,
                )?);
            }
            let action = self.words.actions.get(question.action);
            all.extend(action.and_then(|uid| self.hierarchy.get(uid)).cloned());
        }
        world::entities(all)
    }

    fn rounds(&self, case: &Case<'_>, questions: &[Question<'_>], entities: &Entities) -> Decision {
        let expires_ms = questions.iter().any(|question| question.by_time).then(|| {
            (case.context.now_ms / 1000)
                .saturating_add(1)
                .saturating_mul(1000)
        });
        let mut enforced = Enforced::default();
        let mut required: BTreeSet<Reason> = BTreeSet::new();
        for _ in 0..MAX_ROUNDS {
            let mut permits: BTreeSet<Reason> = BTreeSet::new();
            let mut refusals: Vec<(&Question<'_>, No)> = Vec::new();
            let mut contexts: Vec<((usize, &BTreeSet<&str>), cedar_policy::Context)> = Vec::new();
            for question in questions {
                match self.ask(case, question, &enforced, entities, &mut contexts) {
                    Ok(reasons) => permits.extend(reasons),
                    Err(no) => refusals.push((question, no)),
                }
            }
            if refusals.is_empty() {
                permits.append(&mut required);
                return Decision::Allow(Enforcement {
                    masks: enforced.masked,
                    row_cap: enforced.row_cap,
                    reasons: permits.into_iter().collect(),
                    expires_ms,
                });
            }
            let hard: Vec<&(&Question<'_>, No)> = refusals
                .iter()
                .filter(|(_, no)| !matches!(no, No::Needs(_)))
                .collect();
            if !hard.is_empty() {
                return self.deny(case, &hard, expires_ms);
            }
            let before = enforced.clone();
            let mut missing = Vec::new();
            for refusal @ (question, no) in &refusals {
                for entry in self.named(no) {
                    required.insert(entry.reason());
                    let provided = entry
                        .requirements
                        .iter()
                        .all(|r| enforced.provide(r, question.labels));
                    if !provided {
                        missing.push(refusal);
                    }
                }
            }
            if !missing.is_empty() {
                return self.deny(case, &missing, expires_ms);
            }
            if enforced == before {
                break;
            }
        }
        let refused = all(case.target, case.accesses);
        let rules: Vec<String> = required.into_iter().map(|reason| reason.id).collect();
        builtin(
            Rule::Unsatisfied,
            Some(rules.join(", ")),
            refused,
            expires_ms,
        )
    }

    /// Asks Cedar one question: the permits' reasons, or why not.
    fn ask<'q>(
        &self,
        case: &Case<'_>,
        question: &'q Question<'_>,
        enforced: &Enforced,
        entities: &Entities,
        contexts: &mut Vec<((usize, &'q BTreeSet<&'q str>), cedar_policy::Context)>,
    ) -> Result<Vec<Reason>, No> {
        let fault = |message: String| No::Rule(Rule::PolicyError, message);
        let (Some(judged), Some(action)) = (
            case.judged.get(question.judged),
            self.words.actions.get(question.action),
        ) else {
            return Err(fault("the request could not be put".to_owned()));
        };
        let key = (question.judged, question.labels);
        let context = match contexts.iter().find(|(known, _)| *known == key) {
            Some((_, context)) => context.clone(),
            None => {
                let context = world::context(
                    case.context,
                    case.facts,
                    question.labels,
                    enforced,
                    &judged.chain,
                    &self.mentioned,
                )
                .map_err(fault)?;
                contexts.push((key, context.clone()));
                context
            }
        };
        let uids = (
            judged.node.uid.clone(),
            action.clone(),
            question.resource.uid.clone(),
        );
        let request = CedarRequest::new(uids.0, uids.1, uids.2, context, None)
            .map_err(|e| fault(e.to_string()))?;
        self.read(
            &self
                .authorizer
                .is_authorized(&request, &question.slice, entities),
        )
    }

    fn read(&self, response: &Response) -> Result<Vec<Reason>, No> {
        let diagnostics = response.diagnostics();
        // Cedar skips a policy that fails. A skipped forbid would allow.
        if let Some(error) = diagnostics.errors().next() {
            return Err(No::Rule(Rule::PolicyError, error.to_string()));
        }
        let mut named = Vec::new();
        for id in diagnostics.reason() {
            match self
                .entries
                .binary_search_by(|entry| entry.id.as_str().cmp(id.as_ref()))
            {
                Ok(at) => named.push(at),
                Err(_) => {
                    return Err(No::Rule(
                        Rule::PolicyError,
                        "an unknown policy decided".to_owned(),
                    ));
                }
            }
        }
        named.sort_unstable();
        let entries = || named.iter().filter_map(|at| self.entries.get(*at));
        match response.decision() {
            Answer::Allow if named.is_empty() => Err(No::Rule(Rule::DefaultDeny, String::new())),
            Answer::Allow => Ok(entries().map(Entry::reason).collect()),
            Answer::Deny if named.is_empty() => Err(No::Rule(Rule::DefaultDeny, String::new())),
            Answer::Deny if entries().all(|entry| !entry.requirements.is_empty()) => {
                Err(No::Needs(named))
            }
            Answer::Deny => {
                named.retain(|at| {
                    self.entries
                        .get(*at)
                        .is_some_and(|entry| entry.requirements.is_empty())
                });
                Err(No::Forbidden(named))
            }
        }
    }
}

impl Entry {
    pub(crate) fn reason(&self) -> Reason {
        Reason {
            id: self.id.clone(),
            message: self.message.clone(),
        }
    }
}

fn on_target<'a>(action: &'static str) -> AccessFact<'a> {
    AccessFact {
        action,
        resource: ResourceFact::Target,
        labels: BTreeSet::new(),
    }
}
