//! The answer: an allow with what must be enforced, or a denial that a person
//! can act on.

use std::collections::BTreeSet;

use crate::name::listing;

/// What policy says to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Decision {
    /// Every access is allowed, provided that the enforcement happens.
    Allow(Enforcement),
    /// At least one access is not allowed.
    Deny(Denial),
}

impl Decision {
    /// Wall-clock end of the decision's validity in milliseconds since 1970, if
    /// a policy looked at the time. Until then the decision depends on nothing
    /// but the request and [`crate::Policies::version`].
    #[must_use]
    pub fn expires_ms(&self) -> Option<u64> {
        match self {
            Decision::Allow(enforcement) => enforcement.expires_ms,
            Decision::Deny(denial) => denial.expires_ms,
        }
    }

    /// Whether it is an allow.
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Decision::Allow(_))
    }
}

/// What the gate must enforce for an allow to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enforcement {
    /// Labels whose values must leave masked.
    pub masks: BTreeSet<String>,
    /// Rows that may leave; the next one is an error.
    pub row_cap: Option<u64>,
    /// The policies that permit, in order of id.
    pub reasons: Vec<Reason>,
    /// See [`Decision::expires_ms`].
    pub expires_ms: Option<u64>,
}

/// One rule that determined a decision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason {
    /// The policy's `@id`, or a rule of Weir's own: see [`Rule::id`].
    pub id: String,
    /// The policy's `@message`.
    pub message: Option<String>,
}

/// Rules that stand in no policy file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// No policy permits it.
    DefaultDeny,
    /// A policy failed on this request; one that fails does not count as absent.
    PolicyError,
    /// The action does not exist, or not for this sort of object.
    UnknownAction,
    /// The human an agent acts for is not known.
    UnknownHuman,
    /// A policy asks for an enforcement that does not satisfy it.
    Unsatisfied,
}

impl Rule {
    /// Its stable id. Policy files may not use these.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Rule::DefaultDeny => "default-deny",
            Rule::PolicyError => "policy-error",
            Rule::UnknownAction => "unknown-action",
            Rule::UnknownHuman => "unknown-human",
            Rule::Unsatisfied => "requirement-unsatisfied",
        }
    }

    pub(crate) fn reason(self) -> Reason {
        Reason {
            id: self.id().to_owned(),
            message: None,
        }
    }

    /// One sentence; `what` is "drop on public.orders".
    pub(crate) fn sentence(self, what: &str) -> String {
        match self {
            Rule::DefaultDeny if what.starts_with("opaque on ") => {
                format!("Weir cannot analyse this statement, and no policy permits {what}")
            }
            Rule::DefaultDeny => format!("no policy permits {what}"),
            Rule::PolicyError => format!("policy could not be evaluated for {what}"),
            Rule::UnknownAction => format!("policies have no word for {what}"),
            Rule::UnknownHuman => format!("the person this agent acts for is not known ({what})"),
            Rule::Unsatisfied => {
                format!("a policy asks for an enforcement that does not satisfy it ({what})")
            }
        }
    }

    /// What to do instead. Never says who would be permitted.
    pub(crate) fn hint(self, refused: &[Refused]) -> String {
        let first = refused.first();
        match (self, first.map(|r| (r.action.as_str(), r.object.as_str()))) {
            (Rule::DefaultDeny, Some(("opaque", _))) => {
                "Write the statement in a simpler form, or send its parts as statements of their own.".to_owned()
            }
            (Rule::DefaultDeny, Some(("call", object))) => format!(
                "Functions are granted by name: ask whoever keeps Weir's policies for action \"call\" on {object}."
            ),
            (Rule::DefaultDeny, Some((action, object))) => {
                format!("Ask whoever keeps Weir's policies for action \"{action}\" on {object}.")
            }
            (Rule::DefaultDeny, None) => "Ask whoever keeps Weir's policies.".to_owned(),
            (Rule::UnknownAction, _) => "This sort of statement cannot be permitted.".to_owned(),
            (Rule::UnknownHuman, _) => {
                "Ask whoever keeps Weir's configuration to name the person in on_behalf_of as a human.".to_owned()
            }
            (Rule::PolicyError | Rule::Unsatisfied, _) => {
                "Nothing was run. Tell whoever keeps Weir's policies: `weir policy check` finds most faults.".to_owned()
            }
        }
    }

    pub(crate) const ALL: [Rule; 5] = [
        Rule::DefaultDeny,
        Rule::PolicyError,
        Rule::UnknownAction,
        Rule::UnknownHuman,
        Rule::Unsatisfied,
    ];
}

/// One access that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Refused {
    /// The action.
    pub action: String,
    /// The object, as SQL writes its name; the target's name if it is the target.
    pub object: String,
}

/// A refusal, without values and without what other rules would have said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The rule that decided, first by access.
    pub reason: Reason,
    /// All rules that decided, `reason` included, in order of id.
    pub reasons: Vec<Reason>,
    /// What was refused.
    pub refused: Vec<Refused>,
    /// One sentence for people, without a full stop.
    pub message: String,
    /// What to do instead.
    pub hint: String,
    /// What went wrong in evaluation, for the operator's log: it may name parts
    /// of policies, and is never sent to the client.
    pub fault: Option<String>,
    /// See [`Decision::expires_ms`].
    pub expires_ms: Option<u64>,
}

impl Denial {
    /// Names of the refused objects, each once, in order.
    #[must_use]
    pub fn objects(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        self.refused
            .iter()
            .map(|r| &r.object)
            .filter(|o| seen.insert(*o))
            .cloned()
            .collect()
    }

    /// SQLSTATE of the refusal: insufficient_privilege (PostgreSQL docs,
    /// appendix A).
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        "42501"
    }

    /// The JSON for DETAIL, version 1. `request` identifies the refused request
    /// in the ledger.
    #[must_use]
    pub fn detail(&self, request: &str) -> String {
        serde_json::json!({
            "v": 1,
            "decision": "deny",
            "rule": self.reason.id,
            "objects": self.objects(),
            "request": request,
        })
        .to_string()
    }
}

/// `drop on public.a, public.b and 3 more`: what was refused, for a sentence.
pub(crate) fn describe(refused: &[Refused]) -> String {
    let mut actions: Vec<&str> = Vec::new();
    for refused in refused {
        if !actions.contains(&refused.action.as_str()) {
            actions.push(&refused.action);
        }
    }
    let mut parts = Vec::new();
    for action in actions {
        let mut objects: Vec<&str> = Vec::new();
        for refused in refused.iter().filter(|r| r.action == action) {
            if !objects.contains(&refused.object.as_str()) {
                objects.push(&refused.object);
            }
        }
        parts.push(format!("{action} on {}", listing(&objects, 3)));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    listing(&parts, parts.len())
}
