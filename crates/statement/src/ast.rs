//! The part of PostgreSQL's parse tree that analysis understands, in a form that owns its parts.
//!
//! [`crate::parse`] makes it from the foreign tree. What it does not know becomes [`Expr::Opaque`],
//! [`From::Opaque`] or [`Tree::Opaque`]; nothing is dropped in silence. Depth is bounded by the maker, so recursion
//! over these types is bounded too.

/// An identifier, case-folded as the grammar demands.
pub(crate) type Ident = Box<str>;
/// A possibly qualified name.
pub(crate) type Path = Vec<Ident>;

/// An expression.
#[derive(Debug)]
pub(crate) enum Expr {
    /// NULL.
    Null,
    /// A string (or bit string) constant: of unknown type until something gives it one.
    Text(Box<str>),
    /// A number.
    Number(Box<str>),
    /// A boolean.
    Bool(bool),
    /// `$n`.
    Param(i32),
    /// DEFAULT in a write.
    Default,
    /// A reference to a column, or to a whole row.
    Column(Box<Column>),
    /// A function call.
    Call(Box<Call>),
    /// An operator with its operands.
    Op(Box<Op>),
    /// AND, OR.
    Junction(Box<Junction>),
    /// NOT.
    Not(Box<Expr>),
    /// A cast.
    Cast(Box<Cast>),
    /// Access to parts of a value: `(x).a`, `x[1]`, `(x).*`.
    Part(Box<Part>),
    /// A subselect in an expression.
    Sub(Box<Sub>),
    /// Something computed from its operands by code that always is the server's own.
    Compute(Box<Compute>),
    /// WHERE CURRENT OF.
    CurrentOf,
    /// Not understood.
    Opaque(&'static str),
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) path: Path,
    pub(crate) star: bool,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: Path,
    pub(crate) args: Vec<Expr>,
    /// `f(*)`.
    pub(crate) star: bool,
    pub(crate) variadic: bool,
    pub(crate) order: Vec<Sort>,
    pub(crate) filter: Option<Expr>,
    pub(crate) over: Option<Window>,
    /// The call has DISTINCT, ORDER BY or WITHIN GROUP: it can only be an aggregate.
    pub(crate) aggregate: bool,
    /// Arguments are given by name, so their places are not known.
    pub(crate) named: bool,
}

#[derive(Debug)]
pub(crate) struct Op {
    pub(crate) name: Path,
    /// One operand: prefix. More than two: a chain of binary operators, from the left.
    pub(crate) operands: Vec<Expr>,
    /// Further operators of a chain, one for each operand after the second.
    pub(crate) chain: Vec<Path>,
}

#[derive(Debug)]
pub(crate) struct Junction {
    pub(crate) and: bool,
    pub(crate) terms: Vec<Expr>,
}

#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) arg: Expr,
    pub(crate) target: TypeName,
}

#[derive(Debug)]
pub(crate) struct TypeName {
    pub(crate) path: Path,
    /// Modifiers, when all are integer constants.
    pub(crate) modifiers: Vec<i32>,
    /// There are modifiers that are not integer constants.
    pub(crate) odd_modifiers: bool,
    pub(crate) array: bool,
    /// `%TYPE`.
    pub(crate) of_column: bool,
}

#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) arg: Expr,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug)]
pub(crate) enum Step {
    Field(Ident),
    Star,
    Subscript(Vec<Expr>),
}

#[derive(Debug)]
pub(crate) struct Sub {
    pub(crate) kind: SubKind,
    /// Left side of IN, ANY, ALL.
    pub(crate) test: Option<Expr>,
    pub(crate) operator: Path,
    pub(crate) query: Query,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubKind {
    Exists,
    Scalar,
    Array,
    Quantified,
}

#[derive(Debug)]
pub(crate) struct Compute {
    /// The output name the server gives it; empty for `?column?`.
    pub(crate) name: &'static str,
    /// Functions of the server that it stands for and that need review.
    pub(crate) functions: &'static [&'static str],
    /// Operators it looks up by name.
    pub(crate) operators: &'static [&'static str],
    pub(crate) operands: Vec<Expr>,
    /// Types it converts to.
    pub(crate) types: Vec<TypeName>,
    /// Its operands are aggregated.
    pub(crate) aggregate: bool,
    /// A CASE whose last operand is that of ELSE.
    pub(crate) has_else: bool,
}

#[derive(Debug)]
pub(crate) struct Sort {
    pub(crate) expr: Expr,
    pub(crate) using: Path,
}

#[derive(Debug)]
pub(crate) struct Window {
    /// It refers to a window of the WINDOW clause.
    pub(crate) named: Option<Ident>,
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<Sort>,
    pub(crate) frame: Vec<Expr>,
}

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
    Set(Vec<Select>),
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
    /// Stores a query.
    Query(Query),
    /// Uses a type.
    Type(TypeName),
    /// Not understood.
    Opaque(crate::OpaqueReason),
}
