//! What a decision is made from. The session fills this from a statement, so
//! that policy knows nothing about SQL.

use std::collections::BTreeSet;

use identity::Principal;

use crate::name::qualified;

/// One statement to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asks.
    pub subject: Subject<'a>,
    /// The database it is for.
    pub target: &'a Target,
    /// What it does.
    pub facts: &'a Facts<'a>,
    /// Under which circumstances.
    pub context: &'a Context<'a>,
}

/// Who asks, with the human behind an agent.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The verified principal.
    pub principal: &'a Principal,
    /// The human an agent acts for, as looked up by `principal.on_behalf_of()`.
    /// An agent without one, or with another, is refused everything.
    pub human: Option<&'a Principal>,
}

/// One upstream database as policy names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Its name in the configuration: `Target::"prod-app"`.
    pub name: String,
    /// The environment it belongs to: `Environment::"prod"`.
    pub environment: String,
}

/// What a statement does, as far as policy is concerned.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// Every (action, object) of the statement, those of views it reads through
    /// included. Order does not matter; repeats are fine. Without any, the
    /// statement needs `connect` on its target.
    pub accesses: &'a [AccessFact<'a>],
    /// Every UPDATE and DELETE in it has a WHERE that is not constantly true.
    /// True when there is none.
    pub has_where: bool,
    /// As in a command tag: `SELECT`, `CREATE TABLE`.
    pub command: &'a str,
    /// Weir cannot analyse it: needs action `opaque` on the target, besides
    /// whatever `accesses` holds.
    pub opaque: bool,
}

/// One action on one object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AccessFact<'a> {
    /// An action of the schema, such as `read`; another word is refused.
    pub action: &'static str,
    /// On what.
    pub resource: ResourceFact<'a>,
    /// Labels of the columns of this object that the statement uses.
    pub labels: BTreeSet<&'a str>,
}

/// An object as the database names it: identifiers unquoted, as in the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ResourceFact<'a> {
    /// Table, view, materialised view, foreign table or sequence.
    Dataset {
        /// Its schema.
        schema: &'a str,
        /// Its name.
        name: &'a str,
        /// In `pg_catalog` or `information_schema`.
        system: bool,
        /// In the session's temporary schema.
        temporary: bool,
    },
    /// A schema.
    Schema(&'a str),
    /// A function or procedure.
    Function {
        /// Its schema.
        schema: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// A role, database, extension, …
    Object {
        /// `role`, `database`, …
        class: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// The target itself.
    Target,
}

impl ResourceFact<'_> {
    /// The object's name for people, quoted as SQL quotes identifiers. Empty
    /// for the target, whose name is not part of the fact.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            ResourceFact::Dataset { schema, name, .. }
            | ResourceFact::Function { schema, name } => qualified(schema, name),
            ResourceFact::Schema(name) => crate::quote_identifier(name).into_owned(),
            ResourceFact::Object { class, name } => format!("{class} {name}"),
            ResourceFact::Target => String::new(),
        }
    }
}

/// Circumstances of a request. Claims of the client are marked as such: a policy
/// may use them to narrow, not to widen.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Milliseconds since 1970, UTC. Policies see whole seconds.
    pub now_ms: u64,
    /// The client's IP address in text form, without port.
    pub client_address: &'a str,
    /// `application_name` (a claim).
    pub application: &'a str,
    /// Whether the client's connection is encrypted.
    pub tls: bool,
    /// `weir.purpose` (a claim).
    pub purpose: Option<&'a str>,
    /// `weir.task` (a claim).
    pub task: Option<&'a str>,
    /// `weir.run` (a claim).
    pub run: Option<&'a str>,
}
