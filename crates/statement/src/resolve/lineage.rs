//! Where the values of a column in scope come from.

use std::rc::Rc;
use std::sync::Arc;

use crate::{ColumnId, Oid, Source};

/// Where the values of a column in scope come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lineage {
    /// It is this column of a table, unchanged.
    pub(crate) value: Option<ColumnId>,
    /// The origin the server reports for it.
    pub(crate) reported: Option<ColumnId>,
    /// Columns of views that its values come through.
    pub(crate) through: Option<Rc<[ColumnId]>>,
    /// It is computed from these, which are recorded when it is used.
    pub(crate) derived: Option<Rc<[ColumnId]>>,
    /// No column's value is part of it.
    pub(crate) clean: bool,
}

impl Lineage {
    pub(crate) fn column(column: ColumnId) -> Self {
        Self {
            value: Some(column),
            reported: Some(column),
            ..Self::default()
        }
    }

    pub(crate) fn clean() -> Self {
        Self {
            clean: true,
            ..Self::default()
        }
    }

    /// Computed from columns that are recorded already.
    pub(crate) fn computed(clean: bool) -> Self {
        Self {
            clean,
            ..Self::default()
        }
    }

    /// Computed from these columns.
    pub(crate) fn derived(columns: Vec<ColumnId>) -> Self {
        Self {
            derived: (!columns.is_empty()).then(|| columns.into()),
            ..Self::default()
        }
    }

    /// Everything it is made of.
    pub(crate) fn columns(&self) -> impl Iterator<Item = ColumnId> + '_ {
        let through = self.through.iter().flat_map(|list| list.iter().copied());
        let derived = self.derived.iter().flat_map(|list| list.iter().copied());
        self.value.into_iter().chain(through).chain(derived)
    }

    pub(crate) fn source(&self) -> Source {
        match self.value {
            Some(column) => Source::Column(column),
            None if self.clean => Source::Clean,
            None => Source::Derived,
        }
    }
}

/// What is known of an expression's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ty {
    /// A literal or parameter without a type of its own.
    Literal,
    /// This type and type modifier.
    Known(Oid, i32),
    /// Some type.
    Other,
}

/// A column that a name in a query may mean, and a column of a query's result.
#[derive(Debug, Clone)]
pub(crate) struct ScopeColumn {
    pub(crate) name: Arc<str>,
    pub(crate) lineage: Lineage,
    pub(crate) ty: Ty,
}

/// The result of a query.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    pub(crate) columns: Vec<ScopeColumn>,
    /// There may be more columns, of any name, anywhere.
    pub(crate) open: bool,
}

/// What is known of the value of an expression.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Info {
    pub(crate) ty: Ty,
    /// No column's value is part of it.
    pub(crate) clean: bool,
}

impl Info {
    pub(crate) fn other(clean: bool) -> Self {
        Self {
            ty: Ty::Other,
            clean,
        }
    }
}
