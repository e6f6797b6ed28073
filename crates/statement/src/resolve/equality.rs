//! Uses of columns that tell no more of their values than which are equal, or which are NULL.

use std::sync::Arc;

use super::expr::keeps_text;
use super::lineage::Info;
use super::names::Named;
use super::{Lineage, Resolver, ScopeColumn, Ty};
use crate::ast::{Call, Cast, Expr, Op, OpForm, Path, Sub};
use crate::catalog::TypeKind;
use crate::{ColumnId, Given, GivenBy, Place, Tells, Usage, Verb};

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

/// Columns that one constant may stand for, at most: each is looked at for each.
const MATCHED: usize = 64;

/// A side of a comparison, or a value that is written.
pub(crate) enum Operand {
    /// A reference to a column; its use is not recorded.
    Column(ScopeColumn),
    /// A constant or parameter of the text at hand.
    Given(GivenBy, Ty),
    /// No value at all: NULL, DEFAULT.
    Nothing,
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
            Self::Given(_, ty) => Info {
                ty: *ty,
                clean: true,
            },
            Self::Nothing => Info {
                ty: Ty::Literal,
                clean: true,
            },
            Self::Other(info) => *info,
        }
    }
}

impl Sameness {
    /// Whether a constant of this type is one of values of these, as it is.
    fn takes(self, ty: Ty) -> bool {
        matches!(
            (self, ty),
            (_, Ty::Literal)
                | (Self::Text, Ty::Known(25 | 1043, -1))
                | (Self::Uuid, Ty::Known(2950, _))
                | (Self::Inet, Ty::Known(869, _))
                | (Self::Cidr, Ty::Known(650, _))
        )
    }

    /// Whether an array of this type is one of values of these.
    fn takes_array(self, ty: Ty) -> bool {
        matches!(
            (self, ty),
            (_, Ty::Literal)
                | (Self::Text, Ty::Known(1009 | 1015, -1))
                | (Self::Uuid, Ty::Known(2951, _))
                | (Self::Inet, Ty::Known(1041, _))
                | (Self::Cidr, Ty::Known(651, _))
        )
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
            Expr::Cast(cast)
                if matches!(cast.arg, Expr::Column(_) | Expr::Text(_) | Expr::Param(_)) =>
            {
                self.cast_operand(cast, usage)
            }
            Expr::Text(literal) => match literal.place.filter(|_| self.views.is_empty()) {
                Some(place) => Operand::Given(GivenBy::Text(place), Ty::Literal),
                None => Operand::Other(self.consume(expr, usage)),
            },
            Expr::Param(param) => {
                let ty = self.parameter(param.number);
                match (param.place, u32::try_from(param.number)) {
                    (Some(place), Ok(number)) if self.views.is_empty() => {
                        let what = GivenBy::Parameter {
                            number,
                            place,
                            only: false,
                        };
                        Operand::Given(what, ty)
                    }
                    _ => Operand::Other(Info { ty, clean: true }),
                }
            }
            Expr::Null | Expr::Default => Operand::Nothing,
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
            // A parameter has the type of its cast, if it is declared to have none.
            Operand::Given(what, Ty::Literal) => Operand::Given(what, to),
            Operand::Given(what, from) if from == to => Operand::Given(what, to),
            Operand::Given(..) | Operand::Nothing => Operand::Other(Info {
                ty: to,
                clean: true,
            }),
            Operand::Other(info) => Operand::Other(Info { ty: to, ..info }),
        }
    }

    /// `a = b`, `a IN (b, …)`, `a = ANY (b)` and their opposites; `None` for another operation.
    pub(super) fn comparison(&mut self, op: &'a Op, usage: Usage) -> Option<Info> {
        let [left, right] = op.operands.as_slice() else {
            return None;
        };
        let only = std::mem::take(&mut self.conjunct);
        if !is_equality(&op.name) {
            return None;
        }
        let left = match (op.form, left) {
            (OpForm::Plain, left) => self.operand(left, usage),
            (OpForm::In | OpForm::Any, left @ (Expr::Column(_) | Expr::Cast(_))) => {
                self.operand(left, usage)
            }
            _ => return None,
        };
        let mut array = false;
        let (right, rights) = match (op.form, right) {
            (OpForm::In, Expr::Compute(list)) => self.operands(&list.operands, usage),
            (OpForm::Any, Expr::Compute(list)) if list.name == "array" => {
                self.operands(&list.operands, usage)
            }
            (_, right) => {
                array = op.form == OpForm::Any;
                let right = self.operand(right, usage);
                (right.info(), vec![right])
            }
        };
        let mut own = self.operator(&op.name, Some(left.info().ty), right.ty);
        if op.form == OpForm::Any {
            // Elements are compared, with what they are compared with being of their type.
            own &= self.operator(&op.name, Some(left.info().ty), left.info().ty);
        }
        let clean = left.info().clean && right.clean && own;
        let mut all = vec![left];
        all.extend(rights);
        let tells = self.match_of(&all, own, array);
        for operand in &all {
            if let Operand::Column(column) = operand {
                self.facts.telling(&column.lineage, usage, &tells);
            }
        }
        let place = if only { Place::Sought } else { Place::Compared };
        self.give(&all, &tells, array, place);
        Some(Info::other(clean))
    }

    /// A condition that rows must meet to count.
    pub(super) fn filter(&mut self, filter: &'a Expr) {
        let terms = match filter {
            Expr::Junction(junction) if junction.and => junction.terms.as_slice(),
            filter => std::slice::from_ref(filter),
        };
        for term in terms {
            self.conjunct = matches!(term, Expr::Op(op) if op.form == OpForm::Plain
                && op.operands.len() == 2
                && matches!(op.name.last(), Some(symbol) if &**symbol == "="));
            self.consume(term, Usage::Predicate);
            self.conjunct = false;
        }
    }

    fn operands(&mut self, exprs: &'a [Expr], usage: Usage) -> (Info, Vec<Operand>) {
        let operands: Vec<Operand> = exprs.iter().map(|expr| self.operand(expr, usage)).collect();
        let clean = operands.iter().all(|operand| operand.info().clean);
        (Info::other(clean), operands)
    }

    /// Records what is given among operands of which each is compared with the others, or written to them.
    fn give(&mut self, all: &[Operand], tells: &Tells, array: bool, place: Place) {
        let Tells::Match(columns) = tells else { return };
        for operand in all {
            if let Operand::Given(what, _) = operand {
                self.facts.given(Given {
                    what: *what,
                    columns: Arc::clone(columns),
                    place,
                    array,
                    settled: None,
                });
            }
        }
    }

    /// What it tells of columns that they are compared with the others of these.
    fn match_of(&self, all: &[Operand], own: bool, array: bool) -> Tells {
        let mut lineages = Vec::new();
        for operand in all {
            match operand {
                Operand::Column(column) => lineages.push(&column.lineage),
                Operand::Given(..) | Operand::Nothing => {}
                Operand::Other(_) => return Tells::Anything,
            }
        }
        let Some(sameness) = lineages.first().and_then(|lineage| self.sameness(lineage)) else {
            return Tells::Anything;
        };
        // The other side of ANY is an array, which no column of these types is.
        if !own || array && lineages.len() > 1 {
            return Tells::Anything;
        }
        let mut given = false;
        for operand in all {
            if let Operand::Given(_, ty) = operand {
                let takes = if array {
                    sameness.takes_array(*ty)
                } else {
                    sameness.takes(*ty)
                };
                if !takes {
                    return Tells::Anything;
                }
                given = true;
            }
        }
        match self.equality_among(&lineages) {
            Tells::Equality(columns) if given && columns.len() > MATCHED => Tells::Anything,
            Tells::Equality(columns) if given => Tells::Match(columns),
            tells => tells,
        }
    }

    /// A value that is written to a column as it is. What is left of the value to record is.
    pub(super) fn assign(&mut self, value: &'a Expr) -> Operand {
        match value {
            Expr::Text(_) | Expr::Param(_) | Expr::Null | Expr::Default => {
                self.operand(value, Usage::WrittenFrom)
            }
            Expr::Cast(cast) if matches!(cast.arg, Expr::Text(_) | Expr::Param(_)) => {
                self.operand(value, Usage::WrittenFrom)
            }
            value => {
                self.feed(value);
                Operand::Other(Info::other(false))
            }
        }
    }

    /// Records a column that these values are written to; `None` for others. Whether columns that foreign keys tie to
    /// it have such a value is told by an error, or the value goes on to them.
    pub(crate) fn written(
        &mut self,
        column: &ScopeColumn,
        values: Option<Vec<Operand>>,
        verb: Verb,
    ) {
        let (tied, one) = self.tied(&column.lineage, verb);
        let mut all = vec![Operand::Column(column.clone())];
        all.extend(tied.iter().map(|other| {
            Operand::Column(ScopeColumn {
                lineage: Lineage::column(*other),
                ..column.clone()
            })
        }));
        match values.filter(|_| one) {
            Some(values) => all.extend(values),
            None => all.push(Operand::Other(Info::other(false))),
        }
        let tells = self.match_of(&all, true, false);
        self.give(&all, &tells, false, Place::Written);
        self.facts.telling(&column.lineage, Usage::Written, &tells);
        for other in tied {
            self.facts
                .column_telling(other, Usage::Predicate, tells.clone());
        }
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

    /// What ON CONFLICT looks at: whether a row with an equal value is there.
    pub(super) fn conflicting(&mut self, expr: &'a Expr) {
        let outer = std::mem::replace(&mut self.facts.deciding, true);
        let operand = self.operand(expr, Usage::Predicate);
        self.facts.deciding = outer;
        if let Operand::Column(column) = &operand {
            let tells = self.equality_within(&column.lineage);
            self.facts
                .telling(&column.lineage, Usage::Predicate, &tells);
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
