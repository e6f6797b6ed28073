//! Which policies can matter to an access, read off their scopes.
//!
//! A policy whose scope does not match cannot be satisfied (Cedar language, "A
//! policy is satisfied when its scope and conditions match"), so leaving it out
//! changes no decision. Conditions are not looked at.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy::{
    ActionConstraint, Entities, EntityTypeName, EntityUid, Policy, PolicySet, PrincipalConstraint,
    ResourceConstraint,
};

use crate::schema::Words;

/// One side of a policy's scope.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Side {
    is: Option<EntityTypeName>,
    within: Option<EntityUid>,
    exactly: Option<EntityUid>,
}

impl Side {
    fn matches(&self, entity: &Node) -> bool {
        self.is
            .as_ref()
            .is_none_or(|is| is == entity.uid.type_name())
            && self.exactly.as_ref().is_none_or(|uid| *uid == entity.uid)
            && self
                .within
                .as_ref()
                .is_none_or(|uid| *uid == entity.uid || entity.ancestors.contains(uid))
    }
}

/// An entity with all it is in.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) uid: EntityUid,
    pub(crate) ancestors: Vec<EntityUid>,
}

/// A policy's scope.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    principal: Side,
    resource: Side,
    /// One bit per action of [`crate::ACTIONS`].
    actions: u64,
}

impl Scope {
    /// Reads the scope of `policy`; `hierarchy` holds the schema's actions.
    pub(crate) fn of(policy: &Policy, words: &Words, hierarchy: &Entities) -> Self {
        let principal = match policy.principal_constraint() {
            PrincipalConstraint::Any => side(None, None, None),
            PrincipalConstraint::In(uid) => side(None, Some(uid), None),
            PrincipalConstraint::Eq(uid) => side(None, None, Some(uid)),
            PrincipalConstraint::Is(is) => side(Some(is), None, None),
            PrincipalConstraint::IsIn(is, uid) => side(Some(is), Some(uid), None),
        };
        let resource = match policy.resource_constraint() {
            ResourceConstraint::Any => side(None, None, None),
            ResourceConstraint::In(uid) => side(None, Some(uid), None),
            ResourceConstraint::Eq(uid) => side(None, None, Some(uid)),
            ResourceConstraint::Is(is) => side(Some(is), None, None),
            ResourceConstraint::IsIn(is, uid) => side(Some(is), Some(uid), None),
        };
        let matches = |action: &EntityUid| match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => uid == *action,
            ActionConstraint::In(uids) => {
                let uids: HashSet<&EntityUid> = uids.iter().collect();
                uids.contains(action)
                    || hierarchy
                        .ancestors(action)
                        .is_some_and(|mut a| a.any(|a| uids.contains(a)))
            }
        };
        let actions = words
            .actions
            .iter()
            .enumerate()
            .filter(|(_, action)| matches(action));
        Scope {
            principal,
            resource,
            actions: actions.fold(0, |bits, (at, _)| bits | 1 << at),
        }
    }

    /// Whether the policy can be satisfied at all.
    pub(crate) fn matches(&self, principal: &Node, action: usize, resource: &Node) -> bool {
        self.actions & (1 << action) != 0
            && self.principal.matches(principal)
            && self.resource.matches(resource)
    }
}

fn side(is: Option<EntityTypeName>, within: Option<EntityUid>, exactly: Option<EntityUid>) -> Side {
    Side {
        is,
        within,
        exactly,
    }
}

/// Slices kept ready. There are about as many as there are combinations of
/// groups, actions and environments in use.
const MAX_SLICES: usize = 4096;

/// Slices as Cedar wants them. What is kept depends on nothing but the policies
/// it is made of.
#[derive(Debug, Default)]
pub(crate) struct Slices(Mutex<HashMap<Vec<usize>, Arc<PolicySet>, foldhash::fast::RandomState>>);

impl Slices {
    /// The set of the policies at `positions`, which `policies` gives.
    pub(crate) fn of<I>(
        &self,
        positions: &[usize],
        policies: impl FnOnce() -> I,
    ) -> Result<Arc<PolicySet>, String>
    where
        I: Iterator<Item = Policy>,
    {
        // A panic while the lock was held cannot leave a half-made set behind.
        let mut ready = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = ready.get(positions) {
            return Ok(Arc::clone(set));
        }
        let set = Arc::new(PolicySet::from_policies(policies()).map_err(|e| e.to_string())?);
        if ready.len() >= MAX_SLICES {
            ready.clear();
        }
        ready.insert(positions.to_vec(), Arc::clone(&set));
        Ok(set)
    }
}
