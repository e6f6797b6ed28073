//! Statements.

use super::{Expr, Ident, Query, Table, TypeName};

/// A statement.
#[derive(Debug)]
pub(crate) enum Tree {
    Query(Query),
    Copy(Box<Copy>),
    Prepare {
        name: Ident,
        types: Vec<TypeName>,
        /// Where the inner statement starts in the text of the whole.
        query: Query,
    },
    Execute(Execute),
    Deallocate(Option<Ident>),
    Declare {
        name: Ident,
        with_hold: bool,
        binary: bool,
        query: Query,
    },
    Fetch {
        name: Ident,
        is_move: bool,
    },
    Close(Option<Ident>),
    Explain {
        analyze: bool,
        inner: Box<Tree>,
    },
    Set(crate::SetChange),
    Show(Ident),
    Transaction(crate::Transaction, Option<&'static str>),
    /// CREATE TABLE AS, CREATE MATERIALIZED VIEW, also AS EXECUTE.
    CreateAs {
        table: Table,
        materialised: bool,
        inner: Box<Tree>,
    },
    Discard {
        all: bool,
        temporary: bool,
        command: &'static str,
    },
    Listen(Ident),
    Unlisten(Option<Ident>),
    Notify(Ident),
    Do,
    Call(Expr),
    Lock(Vec<Table>),
    Truncate {
        tables: Vec<Table>,
        cascade: bool,
    },
    Ddl(Box<Ddl>),
    Opaque(&'static str),
}

#[derive(Debug)]
pub(crate) struct Execute {
    pub(crate) name: Ident,
    pub(crate) args: Vec<Expr>,
}

#[derive(Debug)]
pub(crate) struct Copy {
    pub(crate) table: Option<Table>,
    pub(crate) query: Option<Query>,
    pub(crate) columns: Vec<Ident>,
    pub(crate) from: bool,
    pub(crate) stdio: bool,
    pub(crate) options: Vec<(Ident, OptionValue)>,
    pub(crate) filter: Option<Expr>,
}

/// The value of an option in a list of options.
#[derive(Debug)]
pub(crate) enum OptionValue {
    Absent,
    Text(Box<str>),
    Star,
    List(Vec<Ident>),
    Other,
}

/// A statement that changes the catalog, or maintains what is in it.
#[derive(Debug)]
pub(crate) struct Ddl {
    pub(crate) command: &'static str,
    pub(crate) effect: crate::Effect,
    pub(crate) steps: Vec<DdlStep>,
}

#[derive(Debug)]
pub(crate) enum DdlStep {
    /// Does something to a relation that exists (or to one that a later statement of the text sees changed).
    Relation(crate::Verb, Table),
    /// Creates a relation.
    Creates(Table),
    /// Removes or renames a relation, or changes its columns: what later statements find is not what the catalog has.
    Changes(Table),
    /// Does something to another object.
    Object(crate::Verb, crate::Object),
    /// Makes a function, operator, cast or type of this name: later statements may mean it.
    Defines(Ident),
    /// Stores expressions over the columns of a relation; `None` when it is being created.
    Stores(Option<Table>, Vec<Expr>),
    /// Reads these columns of a relation (CREATE INDEX, foreign keys, …).
    Columns(Table, Vec<Ident>, crate::Usage),
    /// Reads the columns of a relation's primary key.
    Key(Table, crate::Usage),
    /// Reads every column of a relation.
    Whole(Table, crate::Usage),
    /// Stores a query.
    Query(Query),
    /// Uses a type.
    Type(TypeName),
    /// Not understood.
    Opaque(crate::OpaqueReason),
}
