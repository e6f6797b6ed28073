//! Expressions.

use std::cell::Cell;

use super::{Ident, Path, Query};

/// An expression.
#[derive(Debug)]
pub(crate) enum Expr {
    /// NULL.
    Null,
    /// A string (or bit string) constant: of unknown type until something gives it one.
    Text(Literal),
    /// A number.
    Number(Literal),
    /// A boolean.
    Bool(bool),
    /// `$n`.
    Param(Param),
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
    /// IS NULL, IS NOT NULL.
    NullTest(Box<Expr>),
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

/// The value of a constant. Other texts of the same pattern hold other values, so it is noticed when one is looked at.
#[derive(Debug)]
pub(crate) struct Literal {
    value: Box<str>,
    /// Where it begins in the text.
    pub(crate) place: Option<usize>,
}

impl Literal {
    pub(crate) fn new(value: impl Into<Box<str>>, place: Option<usize>) -> Self {
        Self {
            value: value.into(),
            place,
        }
    }

    pub(crate) fn read(&self, noticed: &Cell<bool>) -> &str {
        noticed.set(true);
        &self.value
    }
}

/// `$n`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    pub(crate) number: i32,
    /// Where it begins in the text.
    pub(crate) place: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) path: Path,
    pub(crate) star: bool,
    /// Where it begins in the text.
    pub(crate) place: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) name: Path,
    pub(crate) args: Vec<Expr>,
    /// `f(*)`.
    pub(crate) star: bool,
    pub(crate) variadic: bool,
    /// `f(DISTINCT …)`.
    pub(crate) distinct: bool,
    pub(crate) order: Vec<Sort>,
    pub(crate) filter: Option<Expr>,
    pub(crate) over: Option<Window>,
    /// The call has DISTINCT, ORDER BY or WITHIN GROUP: it can only be an aggregate.
    pub(crate) aggregate: bool,
    /// Arguments are given by name, so their places are not known.
    pub(crate) named: bool,
}

/// How an operator is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpForm {
    /// `a = b`, IS DISTINCT FROM.
    Plain,
    /// `a IN (b, …)`, NOT IN: the second operand is a row of all of these.
    In,
    /// `a = ANY (b)`.
    Any,
    /// `a = ALL (b)`, LIKE and its like.
    Other,
}

#[derive(Debug)]
pub(crate) struct Op {
    pub(crate) form: OpForm,
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
    /// Where it begins in the text, when it is a constant or column.
    pub(crate) place: Option<usize>,
    pub(crate) using: Path,
}

#[derive(Debug)]
pub(crate) struct Window {
    /// It refers to a window of the WINDOW clause.
    pub(crate) named: Option<Ident>,
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<Sort>,
    pub(crate) frame: Vec<Expr>,
    /// It says which rows around the present one count.
    pub(crate) framed: bool,
}
