//! Uses of columns that tell no more of their values than which are equal, or which are NULL.

use std::sync::Arc;

use super::expr::keeps_text;
use super::lineage::Info;
use super::names::Named;
use super::{Lineage, Resolver, ScopeColumn, Ty};
use crate::ast::{Call, Cast, Expr, Op, OpForm, Path, Sub};
use crate::catalog::TypeKind;
use crate::{ColumnId, Tells, Usage};

/// Types of which equal values are the same value, so that comparing tells which are the same and nothing else. Values
/// of one of these are compared by one operator of the server's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sameness {
    /// `text` and `varchar` are compared byte by byte.
    Text,
    /// `character(n)`, but for the blanks at its end.
    Padded,
    Uuid,
    Inet,
    Cidr,
}

/// A side of a comparison.
pub(super) enum Operand {
    /// A reference to a column; its use is not recorded.
    Column(ScopeColumn),
    /// Anything else; what it uses is recorded.
    Other(Info),
}

impl Operand {
    fn info(&self) -> Info {
        match self {
            Self::Column(column) => Info {
                ty: column.ty,
                clean: column.lineage.clean,
            },
            Self::Other(info) => *info,
        }
    }
}

/// `=` and `<>`, as they are written or in the server's own schema.
pub(super) fn is_equality(name: &Path) -> bool {
    let symbol = match name.as_slice() {
        [symbol] => symbol,
        [schema, symbol] if &**schema == "pg_catalog" => symbol,
        _ => return false,
    };
    matches!(&**symbol, "=" | "<>" | "!=")
}

impl<'a> Resolver<'a> {
    fn sameness(&self, lineage: &Lineage) -> Option<Sameness> {
        let mut all = lineage.values().map(|column| self.sameness_of(column));
        let first = all.next()??;
        all.all(|other| other == Some(first)).then_some(first)
    }

    fn sameness_of(&self, column: ColumnId) -> Option<Sameness> {
        let relation = self.catalog.relation_by_oid(column.relation)?;
        let found = relation.column_by_attribute(column.attribute)?;
        if found.loose_collation {
            return None;
        }
        let mut oid = found.type_oid;
        // Domains over domains; bounded against a catalog that lies.
        for _ in 0..32 {
            match oid {
                25 | 1043 => return Some(Sameness::Text),
                1042 => return Some(Sameness::Padded),
                2950 => return Some(Sameness::Uuid),
                869 => return Some(Sameness::Inet),
                650 => return Some(Sameness::Cidr),
                _ => {}
            }
            let ty = self.catalog.type_by_oid(oid)?;
            if ty.kind != TypeKind::Domain {
                return None;
            }
            oid = ty.base;
        }
        None
    }

    /// What comparing the values of a column with one another tells: GROUP BY, DISTINCT.
    pub(super) fn equality_within(&self, lineage: &Lineage) -> Tells {
        self.equality_among(&[lineage])
    }

    /// What comparing the values of columns with one another tells.
    pub(super) fn equality_among(&self, lineages: &[&Lineage]) -> Tells {
        let mut first = None;
        for lineage in lineages {
            let Some(found) = self.sameness(lineage) else {
                return Tells::Anything;
            };
            if *first.get_or_insert(found) != found {
                return Tells::Anything;
            }
        }
        let mut columns: Vec<ColumnId> = Vec::new();
        for column in lineages.iter().flat_map(|lineage| lineage.values()) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        Tells::Equality(Arc::from(columns))
    }

    /// An operand of which a reference to a column is left to the caller to record.
    pub(super) fn operand(&mut self, expr: &'a Expr, usage: Usage) -> Operand {
        match expr {
            Expr::Column(column) if !column.star => match self.column(column) {
                Named::Column(column) => Operand::Column(column),
                Named::Row(row) => {
                    self.whole_row(&row);
                    Operand::Other(Info {
                        ty: row.ty(),
                        clean: false,
                    })
                }
                Named::Computed => Operand::Other(Info::other(false)),
            },
            Expr::Cast(cast) if matches!(cast.arg, Expr::Column(_)) => {
                self.cast_operand(cast, usage)
            }
            expr => Operand::Other(self.consume(expr, usage)),
        }
    }

    /// A cast that leaves text as it is leaves the reference to a column what it is.
    fn cast_operand(&mut self, cast: &'a Cast, usage: Usage) -> Operand {
        let arg = self.operand(&cast.arg, usage);
        let from = arg.info().ty;
        let to = self.type_named(&cast.target, from);
        match arg {
            Operand::Column(column) if keeps_text(from, to) => {
                Operand::Column(ScopeColumn { ty: to, ..column })
            }
            Operand::Column(column) => {
                self.facts.lineage(&column.lineage, usage);
                Operand::Other(Info {
                    ty: to,
                    clean: column.lineage.clean,
                })
            }
            Operand::Other(info) => Operand::Other(Info { ty: to, ..info }),
        }
    }

    /// `a = b`, `a IN (b, …)` and their opposites; `None` for another operation.
    pub(super) fn comparison(&mut self, op: &'a Op, usage: Usage) -> Option<Info> {
        let [left, right] = op.operands.as_slice() else {
            return None;
        };
        if !is_equality(&op.name) {
            return None;
        }
        let left = match (op.form, left) {
            (OpForm::Plain, left) | (OpForm::In, left @ (Expr::Column(_) | Expr::Cast(_))) => {
                self.operand(left, usage)
            }
            _ => return None,
        };
        let (right, rights) = match (op.form, right) {
            (OpForm::In, Expr::Compute(list)) => {
                let rights: Vec<Operand> = list
                    .operands
                    .iter()
                    .map(|expr| self.operand(expr, usage))
                    .collect();
                let clean = rights.iter().all(|right| right.info().clean);
                (Info::other(clean), rights)
            }
            (_, right) => {
                let right = self.operand(right, usage);
                (right.info(), vec![right])
            }
        };
        let own = self.operator(&op.name, Some(left.info().ty), right.ty);
        let clean = left.info().clean && right.clean && own;
        let columns: Vec<&ScopeColumn> = std::iter::once(&left)
            .chain(&rights)
            .filter_map(|operand| match operand {
                Operand::Column(column) => Some(column),
                Operand::Other(_) => None,
            })
            .collect();
        let tells = if own && columns.len() == rights.len() + 1 {
            let lineages: Vec<&Lineage> = columns.iter().map(|column| &column.lineage).collect();
            self.equality_among(&lineages)
        } else {
            Tells::Anything
        };
        for column in columns {
            self.facts.telling(&column.lineage, usage, &tells);
        }
        Some(Info::other(clean))
    }

    /// `a IN (SELECT …)`, `a <> ALL (SELECT …)` and their like.
    #[inline(never)]
    pub(super) fn quantified(&mut self, sub: &'a Sub, test: &'a Expr, usage: Usage) -> Info {
        let test = self.operand(test, usage);
        let rows = self.subquery(&sub.query);
        let mut own = true;
        for column in &rows.columns {
            own &= self.operator(&sub.operator, Some(test.info().ty), column.ty);
        }
        let tells = match (&test, rows.columns.as_slice()) {
            (Operand::Column(test), [column])
                if own && !rows.open && is_equality(&sub.operator) =>
            {
                self.equality_among(&[&test.lineage, &column.lineage])
            }
            _ => Tells::Anything,
        };
        let mut clean = test.info().clean && !rows.open;
        if let Operand::Column(test) = &test {
            self.facts.telling(&test.lineage, usage, &tells);
        }
        for column in &rows.columns {
            self.facts.telling(&column.lineage, usage, &tells);
            clean &= column.lineage.clean;
        }
        Info::other(clean)
    }

    /// `count(a)` tells which values are NULL, `count(DISTINCT a)` which are equal. `None` for another call.
    pub(super) fn count(&mut self, call: &'a Call) -> Option<Info> {
        let ([arg @ Expr::Column(_)], true) = (call.args.as_slice(), is_count(&call.name)) else {
            return None;
        };
        if call.named || call.variadic || !call.order.is_empty() {
            return None;
        }
        let arg = self.operand(arg, Usage::Aggregate);
        if let Some(filter) = &call.filter {
            self.consume(filter, Usage::Predicate);
        }
        let mut clean = arg.info().clean;
        if let Some(window) = &call.over {
            clean &= self.window(window);
            self.ordered_window(window);
        }
        let called = self.call(&call.name, &[arg.info().ty], false);
        if let Operand::Column(column) = arg {
            let tells = match (called.listed, call.distinct) {
                (false, _) => Tells::Anything,
                (true, false) => Tells::Nullness,
                (true, true) => self.equality_within(&column.lineage),
            };
            self.facts
                .telling(&column.lineage, Usage::Aggregate, &tells);
        }
        Some(Info {
            ty: if called.listed { INT8 } else { Ty::Other },
            clean: clean && called.listed,
        })
    }

    /// IS NULL.
    pub(super) fn null_test(&mut self, arg: &'a Expr, usage: Usage) -> Info {
        let arg = self.operand(arg, usage);
        if let Operand::Column(column) = &arg {
            self.facts.telling(&column.lineage, usage, &Tells::Nullness);
        }
        Info {
            ty: super::expr::BOOL,
            clean: arg.info().clean,
        }
    }

    /// An expression by which rows are grouped.
    pub(super) fn grouped(&mut self, expr: &'a Expr) -> bool {
        let outer = std::mem::replace(&mut self.facts.deciding, true);
        let operand = self.operand(expr, Usage::Group);
        self.facts.deciding = outer;
        if let Operand::Column(column) = &operand {
            let tells = self.equality_within(&column.lineage);
            self.facts.telling(&column.lineage, Usage::Group, &tells);
        }
        let info = operand.info();
        self.one_of_equals(info.ty);
        info.clean
    }
}

const INT8: Ty = Ty::Known(20, -1);

fn is_count(name: &Path) -> bool {
    match name.as_slice() {
        [name] => &**name == "count",
        [schema, name] => &**schema == "pg_catalog" && &**name == "count",
        _ => false,
    }
}
