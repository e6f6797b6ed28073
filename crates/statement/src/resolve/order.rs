//! What depends on the order in which the server comes by rows.
//!
//! That order follows from the plan: rows may come sorted by any column that is compared. Where it must not show, rows
//! are put in random order. [`crate::RowOrder`] tells whether that is enough.

use super::Resolver;
use super::lineage::Ty;
use crate::ast::{Body, Call, Distinct, Expr, Plain, Query, Select, Sort, Window};
use crate::catalog::TypeKind;

/// The first version with [`CHANCE`], which cannot be foreseen; `random()` can, by who sees some of its values.
const VERSION: u32 = 130_000;

/// The sort key that puts rows in random order.
pub(crate) const CHANCE: &str = "pg_catalog.gen_random_uuid()";

/// Aggregates that give the same whatever the order of their input, if equal values are the same.
const UNORDERED: [&str; 9] = [
    "bit_and", "bit_or", "bit_xor", "bool_and", "bool_or", "count", "every", "max", "min",
];

/// Those that do so if their input is exact.
const EXACT: [&str; 8] = [
    "avg",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
];

/// Types of which equal values are the same value: bool, "char", name, integers, text, oid, bytea, dates and times
/// without a zone of their own, uuid, network addresses.
const SAME: [u32; 20] = [
    16, 17, 18, 19, 20, 21, 23, 25, 26, 650, 774, 829, 869, 1043, 1082, 1083, 1114, 1184, 2950,
    3220,
];

impl<'a> Resolver<'a> {
    /// The order of rows decides more than the order of rows.
    pub(super) fn order_matters(&mut self) {
        self.facts.order_within = true;
    }

    /// One of several equal values is taken for all of them: which one is told if they are not the same.
    pub(super) fn one_of_equals(&mut self, ty: Ty) {
        if !self.is_same(ty) {
            self.order_matters();
        }
    }

    fn is_same(&self, ty: Ty) -> bool {
        match ty {
            Ty::Literal => true,
            Ty::Known(mut oid, _) => {
                for _ in 0..32 {
                    if SAME.binary_search(&oid).is_ok() {
                        return true;
                    }
                    match self.catalog.type_by_oid(oid) {
                        Some(ty) if ty.kind == TypeKind::Domain => oid = ty.base,
                        Some(ty) => return ty.kind == TypeKind::Enum,
                        None => return false,
                    }
                }
                false
            }
            Ty::Other | Ty::Exact => false,
        }
    }

    /// An aggregate or window function over values of these types.
    pub(super) fn ordered_call(&mut self, call: &Call, aggregate: bool, types: &[Ty]) {
        if let Some(window) = &call.over {
            self.ordered_window(window);
            if !aggregate {
                self.order_matters();
            }
        }
        if !aggregate {
            return;
        }
        let name = match call.name.as_slice() {
            [name] => &**name,
            [schema, name] if &**schema == "pg_catalog" => &**name,
            _ => "",
        };
        let unordered = if UNORDERED.contains(&name) {
            types.iter().all(|ty| self.is_same(*ty))
        } else if EXACT.contains(&name) {
            types.iter().all(|ty| ty.is_exact())
        } else {
            false
        };
        if !unordered || !call.order.is_empty() {
            self.order_matters();
        }
    }

    /// Without ORDER BY and frame a window is the whole of its partition.
    pub(super) fn ordered_window(&mut self, window: &Window) {
        if window.named.is_some() || !window.order.is_empty() || window.framed {
            self.order_matters();
        }
    }

    /// LIMIT takes the first rows.
    pub(super) fn limited(&mut self, select: &Select) {
        let outermost = self.selects <= 1 && self.views.is_empty();
        let by_chance =
            matches!(&select.body, Body::Plain(plain) if self.ends_by_chance(plain, select));
        if !select.limit.is_empty() && !outermost && !by_chance {
            self.order_matters();
        }
        if let Body::Plain(plain) = &select.body
            && let Distinct::On(_) = plain.distinct
        {
            self.order_matters();
        }
    }

    /// Whether the rows of a query come in an order that nothing but its sort keys and chance decide.
    pub(crate) fn comes_by_chance(&self, query: &Query) -> bool {
        match query {
            Query::Select(select) => self.is_by_chance(select),
            // In the order of the text.
            Query::Insert(insert) => match &insert.source {
                Some(source) => matches!(source.body, Body::Values(_)) && source.order.is_empty(),
                None => true,
            },
            _ => false,
        }
    }

    fn is_by_chance(&self, select: &Select) -> bool {
        let Body::Plain(plain) = &select.body else {
            return false;
        };
        self.ends_by_chance(plain, select) || self.is_one_row(plain)
    }

    fn ends_by_chance(&self, plain: &Plain, select: &Select) -> bool {
        self.catalog.server_version() >= VERSION
            && matches!(plain.distinct, Distinct::No)
            && select.order.last().is_some_and(is_chance)
    }

    /// An aggregate without GROUP BY gives one row.
    fn is_one_row(&self, plain: &Plain) -> bool {
        let aggregates = |expr: &Expr| match expr {
            Expr::Call(call) => call.over.is_none() && self.is_aggregate(call),
            _ => false,
        };
        plain.group.is_empty() && plain.targets.iter().any(|target| aggregates(&target.expr))
    }
}

/// [`CHANCE`] as a sort key.
pub(super) fn is_chance(sort: &Sort) -> bool {
    let Expr::Call(call) = &sort.expr else {
        return false;
    };
    let named = matches!(call.name.as_slice(), [schema, name]
        if &**schema == "pg_catalog" && &**name == "gen_random_uuid");
    let bare = call.args.is_empty()
        && !call.star
        && !call.variadic
        && !call.aggregate
        && call.over.is_none();
    named && bare && sort.using.is_empty()
}

#[cfg(test)]
mod tests {
    #[test]
    fn types_are_sorted() {
        assert!(super::SAME.is_sorted());
    }
}
