//! Columns: how each is used, and where each output comes from.

use std::sync::Arc;

use crate::ColumnId;

/// One way a statement uses one column. A column used in two ways appears twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ColumnUse {
    /// The column; [`ColumnId::UNRESOLVED`] when its relation is not in the catalog.
    pub column: ColumnId,
    /// Schema of its relation.
    pub schema: Arc<str>,
    /// Its relation.
    pub relation: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// How it is used.
    pub usage: Usage,
    /// What that use tells of its values.
    pub tells: Tells,
}

/// What a use of a column tells of its values, to who sees the answer and knows everything else.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Tells {
    /// Whatever: nothing less was proved.
    Anything,
    /// Which are equal: to one another, and to the values of the other columns among these. They are compared by the
    /// server's own equality, under which equal values are the same.
    Equality(Arc<[ColumnId]>),
    /// That, and which are equal to constants and parameters that stand in the place of a value of all of these
    /// columns: [`crate::Statement::given`] has them.
    Match(Arc<[ColumnId]>),
    /// Which are NULL.
    Nullness,
}

/// A constant or parameter in the place of a value of columns: compared with them for equality, or written to them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Given {
    /// What it is.
    pub what: GivenBy,
    /// The columns.
    pub columns: Arc<[ColumnId]>,
    /// Where it stands.
    pub place: Place,
    /// It is an array of such values: `= ANY (…)`.
    pub array: bool,
    /// What the floors above made of it, for a cursor to keep.
    pub settled: Option<Arc<str>>,
}

/// Where a value is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// It is compared with the columns.
    Compared,
    /// The same, and only rows that have it count: `WHERE column = value AND …`.
    Sought,
    /// It is written to them.
    Written,
}

/// How a value is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GivenBy {
    /// By a string that begins at this byte of the text.
    Text(usize),
    /// By a parameter.
    Parameter {
        /// Its number, from 1.
        number: u32,
        /// Where it begins in the text.
        place: usize,
        /// Everywhere else, too, it stands in the place of values of columns: the statement's other entries tell of
        /// which.
        only: bool,
    },
    /// By another text, that of a prepared statement.
    Elsewhere,
}

impl ColumnId {
    /// Stands for a column that the catalog does not have.
    pub const UNRESOLVED: Self = Self {
        relation: 0,
        attribute: 0,
    };
}

/// How a statement uses a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Usage {
    /// It reaches an output of the statement unchanged.
    Projected,
    /// Something is computed from it.
    Expression,
    /// It decides which rows count: WHERE, HAVING, FILTER, IN with a subselect, LIMIT.
    Predicate,
    /// It joins relations: ON, USING, NATURAL.
    Join,
    /// It groups rows: GROUP BY, PARTITION BY.
    Group,
    /// It orders rows.
    Order,
    /// It is compared by DISTINCT.
    Distinct,
    /// It passes through UNION, INTERSECT, EXCEPT or a recursive query.
    SetOperation,
    /// It is the argument of an aggregate.
    Aggregate,
    /// It is the target of a write.
    Written,
    /// Its value feeds a write, or an expression or object that is stored.
    WrittenFrom,
    /// It is part of a row taken as one value.
    WholeRow,
    /// It belongs to a relation that an earlier statement of the same text creates or changes.
    Unresolved,
}

impl Usage {
    /// It has a say in which rows count, or which are one.
    pub(crate) fn decides_rows(self) -> bool {
        match self {
            Self::Predicate | Self::Join | Self::Group | Self::Distinct | Self::SetOperation => {
                true
            }
            Self::Projected
            | Self::Expression
            | Self::Order
            | Self::Aggregate
            | Self::Written
            | Self::WrittenFrom
            | Self::WholeRow
            | Self::Unresolved => false,
        }
    }
}

/// One column of a statement's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name, as the server will report it.
    pub name: Arc<str>,
    /// The origin that the server's RowDescription will report: table identifier and attribute number. `None` is 0, 0.
    /// A whole row is reported with attribute 0. For a view it is the view's own column.
    pub reported: Option<ColumnId>,
    /// Where its values come from.
    pub source: Source,
}

/// Where the values of an output come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Source {
    /// This column of a table, unchanged (or NULL, by an outer join).
    Column(ColumnId),
    /// One of these columns, unchanged, by UNION ALL.
    AnyOf(Arc<[ColumnId]>),
    /// No column's value is part of it.
    Clean,
    /// Anything else.
    Derived,
}
