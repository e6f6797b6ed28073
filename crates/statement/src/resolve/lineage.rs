//! Where the values of a column in scope come from.

use std::rc::Rc;
use std::sync::Arc;

use crate::{ColumnId, Oid, Source};

/// Where the values of a column in scope come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lineage {
    /// It is this column of a table, unchanged.
    pub(crate) value: Option<ColumnId>,
    /// Or any of these, by UNION ALL.
    pub(crate) others: Option<Rc<[ColumnId]>>,
    /// The origin the server reports for it.
    pub(crate) reported: Option<ColumnId>,
    /// Columns of views that its values come through.
    pub(crate) through: Option<Rc<[ColumnId]>>,
    /// It is computed from these, which are recorded when it is used.
    pub(crate) derived: Option<Rc<[ColumnId]>>,
    /// No column's value is part of it.
    pub(crate) clean: bool,
    /// Where the reference that brought it begins in the text, when references are gathered.
    pub(crate) at: Option<usize>,
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

    /// The values of each of these, which the server reports no origin for.
    pub(crate) fn any_of(all: &[Self]) -> Self {
        let list = |pick: fn(&Self) -> &Option<Rc<[ColumnId]>>| {
            let found: Vec<ColumnId> = all
                .iter()
                .flat_map(|one| pick(one).iter().flat_map(|list| list.iter().copied()))
                .collect();
            (!found.is_empty()).then(|| Rc::from(found))
        };
        let mut values: Vec<ColumnId> = Vec::new();
        for value in all.iter().flat_map(Self::values) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        Self {
            value: values.first().copied(),
            others: (values.len() > 1).then(|| values.get(1..).unwrap_or_default().into()),
            reported: None,
            through: list(|one| &one.through),
            derived: list(|one| &one.derived),
            clean: false,
            at: None,
        }
    }

    /// The columns whose values it has unchanged.
    pub(crate) fn values(&self) -> impl Iterator<Item = ColumnId> + '_ {
        let others = self.others.iter().flat_map(|list| list.iter().copied());
        self.value.into_iter().chain(others)
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
        self.values().chain(through).chain(derived)
    }

    pub(crate) fn source(&self) -> Source {
        match self.value {
            Some(_) if self.others.is_some() => Source::AnyOf(self.values().collect()),
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
    /// Some type of integers, or numeric.
    Exact,
    /// Some type.
    Other,
}

impl Ty {
    /// Its values are added without rounding.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Self::Exact | Self::Known(20 | 21 | 23 | 1700, _))
    }
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
