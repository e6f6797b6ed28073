//! What a statement does to which object.

use std::sync::Arc;

use crate::Oid;

/// One thing a statement does to one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Access {
    /// What it does.
    pub verb: Verb,
    /// To what.
    pub object: Object,
    /// The statement does not name the object: it is reached through a view, a foreign key's action or inheritance.
    pub indirect: bool,
}

/// What a statement does to an object. The names are the actions of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Reads rows.
    Read,
    /// Reads rows in bulk: COPY … TO STDOUT of a relation or query.
    Export,
    /// INSERT, COPY FROM, MERGE … INSERT.
    Insert,
    /// UPDATE, MERGE … UPDATE, ON CONFLICT DO UPDATE.
    Update,
    /// DELETE, MERGE … DELETE.
    Delete,
    /// TRUNCATE.
    Truncate,
    /// CREATE.
    Create,
    /// ALTER, COMMENT, SECURITY LABEL.
    Alter,
    /// DROP.
    Drop,
    /// GRANT, REVOKE, role membership, ownership.
    Grant,
    /// Runs a function or procedure.
    Call,
    /// LOCK TABLE, SELECT … FOR UPDATE and kin.
    Lock,
    /// VACUUM, ANALYZE, CLUSTER, REINDEX, REFRESH MATERIALIZED VIEW, CHECKPOINT.
    Maintain,
    /// Changes a setting.
    Set,
    /// LISTEN, UNLISTEN, NOTIFY.
    Notify,
}

impl Verb {
    /// The name of the action in policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Export => "export",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Truncate => "truncate",
            Self::Create => "create",
            Self::Alter => "alter",
            Self::Drop => "drop",
            Self::Grant => "grant",
            Self::Call => "call",
            Self::Lock => "lock",
            Self::Maintain => "maintain",
            Self::Set => "set",
            Self::Notify => "notify",
        }
    }
}

/// An object of the database, by name as in the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Object {
    /// A table, view, sequence or the like.
    Relation {
        /// `pg_class.oid`; `None` when the statement, or an earlier one of the same text, is about to create it, and
        /// when the name did not resolve.
        oid: Option<Oid>,
        /// Its schema; empty when the name did not resolve and was not qualified.
        schema: Arc<str>,
        /// Its name.
        name: Arc<str>,
        /// It stands in a schema of the server's own.
        system: bool,
    },
    /// A schema.
    Schema(Arc<str>),
    /// A database.
    Database(Arc<str>),
    /// A role.
    Role(Arc<str>),
    /// A function, procedure or aggregate.
    Function {
        /// Its schema; empty when the name was not qualified and did not resolve.
        schema: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
    /// Anything else.
    Other {
        /// The kind of object, in lower case as in a DROP command: `"type"`, `"extension"`, `"setting"`.
        class: &'static str,
        /// Its name, qualified if the statement qualified it; empty when it has none.
        name: Arc<str>,
    },
}

/// A function a statement runs, by itself or through an operator, cast, trigger, default or the like.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FunctionUse {
    /// Every candidate of that name is one of the server's own that was reviewed.
    Listed(Arc<str>),
    /// At least one candidate is not: action `call` on the function is needed.
    Unlisted {
        /// Its schema, when known.
        schema: Option<Arc<str>>,
        /// Its name; for an operator the operator's.
        name: Arc<str>,
        /// It was made by a user (or came with an extension).
        user_defined: bool,
    },
}
