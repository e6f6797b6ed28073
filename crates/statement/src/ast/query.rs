//! Queries.

use super::{Expr, Ident, Path, Sort, TypeName, Window};

/// A relation by name.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) database: Option<Ident>,
    pub(crate) schema: Option<Ident>,
    pub(crate) name: Ident,
    pub(crate) alias: Option<Alias>,
    pub(crate) temporary: bool,
}

#[derive(Debug)]
pub(crate) struct Alias {
    pub(crate) name: Ident,
    pub(crate) columns: Vec<Ident>,
}

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: Option<Ident>,
    /// Where it begins in the text.
    pub(crate) place: Option<usize>,
    pub(crate) expr: Expr,
}

/// A query that may stand in WITH, PREPARE, EXPLAIN, COPY.
#[derive(Debug)]
pub(crate) enum Query {
    Select(Box<Select>),
    Insert(Box<Insert>),
    Update(Box<Update>),
    Delete(Box<Delete>),
    Merge(Box<Merge>),
    Opaque(&'static str),
}

#[derive(Debug)]
pub(crate) struct Select {
    pub(crate) with: Option<With>,
    pub(crate) body: Body,
    pub(crate) order: Vec<Sort>,
    pub(crate) limit: Vec<Expr>,
    /// Aliases locked by FOR UPDATE and kin; an empty list locks all.
    pub(crate) locking: Vec<Vec<Ident>>,
    pub(crate) into: Option<Table>,
}

#[derive(Debug)]
pub(crate) enum Body {
    Plain(Box<Plain>),
    Values(Vec<Vec<Expr>>),
    /// The arms of set operations; whether all of these are UNION ALL.
    Set(Vec<Select>, bool),
}

#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) distinct: Distinct,
    pub(crate) targets: Vec<Target>,
    pub(crate) from: Vec<From>,
    pub(crate) filter: Option<Expr>,
    pub(crate) group: Vec<Expr>,
    pub(crate) having: Option<Expr>,
    pub(crate) windows: Vec<Window>,
}

#[derive(Debug)]
pub(crate) enum Distinct {
    No,
    All,
    On(Vec<Expr>),
}

#[derive(Debug)]
pub(crate) enum From {
    Table(Box<Table>),
    Sub(Box<SubFrom>),
    Function(Box<FunctionFrom>),
    /// XMLTABLE, JSON_TABLE.
    Columns(Box<ColumnsFrom>),
    Join(Box<Join>),
    Sample(Box<Sample>),
    Opaque(&'static str),
}

#[derive(Debug)]
pub(crate) struct SubFrom {
    pub(crate) lateral: bool,
    pub(crate) query: Query,
    pub(crate) alias: Option<Alias>,
}

#[derive(Debug)]
pub(crate) struct FunctionFrom {
    /// The calls with the column definitions of each.
    pub(crate) calls: Vec<(Expr, Vec<(Ident, TypeName)>)>,
    pub(crate) ordinality: bool,
    pub(crate) alias: Option<Alias>,
}

#[derive(Debug)]
pub(crate) struct ColumnsFrom {
    pub(crate) operands: Vec<Expr>,
    pub(crate) columns: Vec<Ident>,
    pub(crate) types: Vec<TypeName>,
    pub(crate) default_name: &'static str,
    pub(crate) alias: Option<Alias>,
}

#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) inner: From,
    pub(crate) method: Path,
    pub(crate) args: Vec<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
}

#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) kind: JoinKind,
    pub(crate) left: From,
    pub(crate) right: From,
    pub(crate) natural: bool,
    pub(crate) using: Vec<Ident>,
    pub(crate) using_alias: Option<Ident>,
    pub(crate) on: Option<Expr>,
    pub(crate) alias: Option<Alias>,
}

#[derive(Debug)]
pub(crate) struct With {
    pub(crate) recursive: bool,
    pub(crate) ctes: Vec<Cte>,
}

#[derive(Debug)]
pub(crate) struct Cte {
    pub(crate) name: Ident,
    pub(crate) columns: Vec<Ident>,
    pub(crate) query: Query,
    /// Columns that SEARCH and CYCLE add.
    pub(crate) added: Vec<Ident>,
    /// Expressions of CYCLE.
    pub(crate) marks: Vec<Expr>,
}

#[derive(Debug)]
pub(crate) struct Insert {
    pub(crate) with: Option<With>,
    pub(crate) target: Table,
    pub(crate) columns: Vec<Assigned>,
    pub(crate) source: Option<Select>,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) returning: Option<Returning>,
}

/// The left side of an assignment.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) column: Ident,
    /// Subscripts in it.
    pub(crate) subscripts: Vec<Expr>,
    /// It assigns to a part of the column, so its other parts are kept.
    pub(crate) partial: bool,
}

#[derive(Debug)]
pub(crate) struct Assignment {
    pub(crate) target: Assigned,
    /// `None` for the second and later columns of `(a, b) = …`.
    pub(crate) value: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Conflict {
    pub(crate) elements: Vec<Expr>,
    pub(crate) element_filter: Option<Expr>,
    pub(crate) updates: bool,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) filter: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Returning {
    pub(crate) targets: Vec<Target>,
    pub(crate) old: Option<Ident>,
    pub(crate) new: Option<Ident>,
}

#[derive(Debug)]
pub(crate) struct Update {
    pub(crate) with: Option<With>,
    pub(crate) target: Table,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) from: Vec<From>,
    pub(crate) filter: Option<Expr>,
    pub(crate) returning: Option<Returning>,
}

#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) with: Option<With>,
    pub(crate) target: Table,
    pub(crate) using: Vec<From>,
    pub(crate) filter: Option<Expr>,
    pub(crate) returning: Option<Returning>,
}

#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) with: Option<With>,
    pub(crate) target: Table,
    pub(crate) source: From,
    pub(crate) on: Expr,
    pub(crate) branches: Vec<Branch>,
    pub(crate) returning: Option<Returning>,
}

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) condition: Option<Expr>,
    pub(crate) action: MergeAction,
}

#[derive(Debug)]
pub(crate) enum MergeAction {
    Insert(Vec<Assigned>, Vec<Expr>),
    Update(Vec<Assignment>),
    Delete,
    Nothing,
}
