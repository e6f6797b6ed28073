//! What a session is judged against: one immutable view of policy, catalog and
//! labels, replaced as a whole when any of them changes.

use std::collections::HashMap;
use std::sync::Arc;

use mask::{Label, Masker};
use policy::Policies;
use statement::{Catalog, ColumnId, Limits};

use crate::definitions::Definitions;
use crate::floor::Floor;
use crate::verdict::Durability;

/// Everything a verdict on one target depends on besides the session itself.
///
/// The shell hands the current `World` to the machine with every call; a
/// verdict never outlives the [`World::epoch`] it was made under.
pub struct World {
    /// Changes whenever anything else in here does.
    pub epoch: u64,
    /// The refresh that produced `catalog`; see [`Catalogs::request_refresh`].
    pub catalog_generation: u64,
    /// Policies in force.
    pub policies: Arc<Policies>,
    /// The target's shared catalog snapshot.
    pub catalog: Arc<Catalog>,
    /// Labels of the target's columns.
    pub labels: Arc<Labels>,
    /// The target's database floor, if it has one.
    pub floor: Option<Floor>,
    /// Turns labelled values into stand-ins.
    pub masker: Arc<Masker>,
    /// Bounds on a statement's text.
    pub limits: Limits,
    /// Bound on one client message, bytes.
    pub message_limit_bytes: usize,
    /// When an intent must be on disk.
    pub durability: Durability,
}

/// Labels bound to columns of one target.
#[derive(Default, Debug)]
pub struct Labels {
    by_column: HashMap<ColumnId, Label>,
    unresolved: Vec<String>,
    unseen: Option<Label>,
}

impl Labels {
    /// Labels for `columns`; `unresolved` names those that no longer (or not
    /// yet) stand for a column, which refuses masked sessions.
    #[must_use]
    pub fn new(by_column: HashMap<ColumnId, Label>, unresolved: Vec<String>) -> Self {
        Self {
            by_column,
            unresolved,
            unseen: None,
        }
    }

    /// Gives `label` to every column that the shared catalog does not hold: nobody looked at those yet.
    #[must_use]
    pub fn with_unseen(mut self, label: Label) -> Self {
        self.unseen = Some(label);
        self
    }

    /// The label of columns that the shared catalog does not hold, if they have one.
    #[must_use]
    pub fn unseen(&self) -> Option<&Label> {
        self.unseen.as_ref()
    }

    /// The label of a column, if it has one.
    #[must_use]
    pub fn get(&self, column: ColumnId) -> Option<&Label> {
        self.by_column.get(&column)
    }

    /// Labels of all columns of a relation.
    pub fn of_relation(&self, relation: statement::Oid) -> impl Iterator<Item = &Label> {
        self.by_column
            .iter()
            .filter(move |(c, _)| c.relation == relation)
            .map(|(_, l)| l)
    }

    /// Every column with a label, in no particular order.
    pub fn columns(&self) -> impl Iterator<Item = ColumnId> {
        self.by_column.keys().copied()
    }

    /// Relations with a labelled column, each once.
    #[must_use]
    pub fn relations(&self) -> std::collections::BTreeSet<statement::Oid> {
        self.by_column
            .keys()
            .map(|column| column.relation)
            .collect()
    }

    /// Configured names that do not resolve to a column.
    #[must_use]
    pub fn unresolved(&self) -> &[String] {
        &self.unresolved
    }

    /// Whether no column has a label.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_column.is_empty() && self.unresolved.is_empty()
    }
}

/// What a principal is on a target as a whole, under one world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Some label of the target is masked for this principal.
    pub masked_somewhere: bool,
    /// Holds `opaque` and sees every label raw: no verdict depends on the
    /// catalog being up to the second.
    pub lenient: bool,
}

/// The shell's side of catalog refreshes.
pub trait Catalogs: Send + Sync {
    /// Asks for a refresh that starts after this call, and returns the
    /// [`World::catalog_generation`] that will contain it.
    fn request_refresh(&self) -> u64;

    /// As [`Catalogs::request_refresh`], because a session changed definitions:
    /// sessions with masks wait for it too.
    fn definitions_changed(&self) -> u64;

    /// The generation that contains every change of definitions Weir has seen.
    fn required(&self) -> u64;

    /// Changes of definitions on their way.
    fn definitions(&self) -> &Definitions;
}

/// Who and what a session is, fixed when it opens.
pub struct Identity {
    /// The verified principal.
    pub principal: identity::Principal,
    /// The target's name, as the client asked for it.
    pub target: policy::Target,
    /// Session id, a UUID in text form.
    pub session: String,
    /// The client's address in text form (true client behind PROXY protocol).
    pub address: String,
    /// `application_name` the client declared, if any.
    pub application: String,
    /// Whether the client's leg is encrypted.
    pub tls: bool,
    /// Records refusals but lets the statement run (never for masks).
    pub observe: bool,
    /// The role Weir logs in with; any other effective role is unknown state.
    pub upstream_user: String,
    /// The human an agent acts for.
    pub human: Option<identity::Principal>,
}

impl Identity {
    /// A digest of everything a verdict may depend on.
    pub(crate) fn digest(&self) -> u64 {
        let person = |p: &identity::Principal| {
            (
                p.id.clone(),
                p.kind.name(),
                p.groups.clone(),
                p.tier.clone(),
            )
        };
        crate::cache::digest((
            person(&self.principal),
            self.human.as_ref().map(person),
            &self.target.name,
            &self.target.environment,
            (&self.address, &self.application, self.tls),
            self.observe,
            &self.upstream_user,
        ))
    }
}
