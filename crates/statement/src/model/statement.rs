//! The analysed statement.

use std::ops::Range;
use std::sync::Arc;

use super::{Access, ColumnUse, FunctionUse, Given, Kind, Output, SetChange};
use crate::Oid;

/// What a text holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Its statements, in order. Empty for a text of nothing but blanks, comments and semicolons.
    pub statements: Vec<Statement>,
    /// Every name resolved. If not, the catalog may be stale: the caller refreshes it and analyses once more.
    pub complete_catalog: bool,
    /// The text's [`crate::pattern`], if every text of that pattern has the same statement but for places in the
    /// text: no value of a constant was looked at.
    pub pattern: Option<String>,
}

/// One statement: what it does, to what, and what its results consist of.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Where it stands in the text, in bytes, without the semicolon.
    pub text: Range<usize>,
    /// The text with every constant replaced by `?`, without comments, blanks made uniform.
    pub shape: Arc<str>,
    /// The command, like the server's command tag: `"SELECT"`, `"CREATE TABLE"`.
    pub command: &'static str,
    /// What sort of statement it is.
    pub kind: Kind,
    /// What it does to which object.
    pub accesses: Vec<Access>,
    /// Columns it uses.
    pub columns: Vec<ColumnUse>,
    /// Constants and parameters in the place of values of columns.
    pub given: Vec<Given>,
    /// Columns of its result.
    pub outputs: Vec<Output>,
    /// `outputs` lists all columns of the result, in order. Otherwise nothing may be concluded from them.
    pub outputs_complete: bool,
    /// Functions it runs.
    pub functions: Vec<FunctionUse>,
    /// Every UPDATE and DELETE in it has a WHERE that can tell rows apart. Also true when there is none of them.
    pub has_where: bool,
    /// What running it may change.
    pub effect: Effect,
    /// What decides the order of its rows.
    pub order: RowOrder,
    /// Why it is not wholly understood. Empty for a statement that is.
    pub opaque: Vec<OpaqueReason>,
    /// Settings it changes, also through `set_config`.
    pub settings: Vec<SetChange>,
    /// Identity and version (`xmin`) of every relation it depends on.
    pub fingerprint: Vec<(Oid, u32)>,
    /// Names, without schema, of relations that it makes, changes or removes: new names as well as old ones.
    pub redefines: Vec<Arc<str>>,
    /// The comments before and after it, as written, without the comment signs. May hold anything.
    pub comment: Option<String>,
}

/// What decides the order of a statement's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RowOrder {
    /// What it is sorted by, and chance; or there is one row at most.
    Chance,
    /// The way in which the server happens to come by them, too.
    Plan,
    /// That, and it also decides what the rows are: LIMIT in a subselect, window functions, `array_agg`.
    PlanWithin,
}

/// What running a statement may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing: it reads, and runs reviewed functions that only compute.
    ReadOnly,
    /// It controls the transaction.
    TransactionControl,
    /// Nothing but the session's own state.
    Session,
    /// No table by name, but it runs volatile functions or asks a foreign server.
    Volatile,
    /// Rows, locks, notifications.
    Write,
    /// The catalog.
    Definition,
    /// Anything.
    Unknown,
}

/// Why a statement is not wholly understood.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum OpaqueReason {
    /// The session's settings are not known, so no name can be resolved.
    #[error("the session's settings are not known")]
    UnknownSettings,
    /// A construct of the grammar that is not modelled.
    #[error("{0} is not understood")]
    Construct(&'static str),
    /// A relation, column, function or type of that name was not found.
    #[error("{class} {name} does not exist")]
    Unresolved {
        /// `relation`, `column`, `type`, …
        class: &'static str,
        /// The name, as the statement writes it.
        name: String,
    },
    /// A name that more than one thing bears.
    #[error("column {0} is ambiguous")]
    Ambiguous(String),
    /// A relation of the server's own that was not reviewed, or tells values of rows.
    #[error("system relation {schema}.{name} may hold values of rows")]
    SystemRelation {
        /// Its schema.
        schema: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
    /// Such a column of a relation of the server's own.
    #[error("system column {schema}.{relation}.{name} may hold values of rows")]
    SystemColumn {
        /// Schema of its relation.
        schema: Arc<str>,
        /// Its relation.
        relation: Arc<str>,
        /// Its name.
        name: Arc<str>,
    },
    /// A rewrite rule puts other statements in the place of this one.
    #[error("relation {0} has rewrite rules")]
    Rule(Arc<str>),
    /// A view's definition is not understood.
    #[error("view {0} is not understood")]
    View(Arc<str>),
    /// A row security policy of the relation is not understood.
    #[error("a policy of relation {0} is not understood")]
    Policy(Arc<str>),
    /// No prepared statement of that name is known.
    #[error("prepared statement {0} is not known")]
    UnknownPrepared(String),
    /// No cursor of that name is known.
    #[error("cursor {0} is not known")]
    UnknownCursor(String),
    /// It runs code given as text.
    #[error("it runs code given as text")]
    DynamicCode,
    /// It reads or writes a file, program or large object of the server's host.
    #[error("it reaches files or programs of the server")]
    ServerFile,
    /// It changes a setting to something only the server can compute, or one whose name is not constant.
    #[error("it changes a setting in a way that cannot be foreseen")]
    Setting,
    /// COPY in an encoding or with an option that is not modelled.
    #[error("COPY option {0} is not understood")]
    CopyOption(String),
    /// A fault of this program.
    #[error("it could not be analysed")]
    Internal,
}
