//! Expressions: which columns each uses, and how; which stand in an output as they are.

use super::lineage::Info;
use super::names::{Named, Row};
use super::{Lineage, Resolver, Rows, Ty};
use crate::ast::{Cast, Compute, Expr, Op, Part, Query, Step, Sub, SubKind};
use crate::{ColumnId, OpaqueReason, Usage};

/// `pg_type` identifiers of what constants are.
pub(super) const BOOL: Ty = Ty::Known(16, -1);
const NUMERIC: Ty = Ty::Known(1700, -1);

impl<'a> Resolver<'a> {
    pub(crate) fn consume_all(&mut self, exprs: &'a [Expr], usage: Usage) -> bool {
        let mut clean = true;
        for expr in exprs {
            clean &= self.consume(expr, usage).clean;
        }
        clean
    }

    /// Records every column of an expression under this usage, unless its place says more.
    pub(crate) fn consume(&mut self, expr: &'a Expr, usage: Usage) -> Info {
        let outer = self.facts.deciding;
        self.facts.deciding |= usage.decides_rows();
        let info = self.deeper(Info::other(false), |this| this.consume_here(expr, usage));
        self.facts.deciding = outer;
        info
    }

    #[inline(never)]
    pub(super) fn consume_here(&mut self, expr: &'a Expr, usage: Usage) -> Info {
        match expr {
            Expr::Param(param) => Info {
                ty: self.parameter(param.number),
                clean: true,
            },
            Expr::Null | Expr::Text(_) | Expr::Default => Info {
                ty: Ty::Literal,
                clean: true,
            },
            Expr::Number(_) => Info {
                ty: NUMERIC,
                clean: true,
            },
            Expr::Bool(_) => Info {
                ty: BOOL,
                clean: true,
            },
            Expr::Column(column) => match self.column(column) {
                Named::Column(column) => {
                    self.facts.lineage(&column.lineage, usage);
                    Info {
                        ty: column.ty,
                        clean: column.lineage.clean,
                    }
                }
                Named::Row(row) => {
                    self.whole_row(&row);
                    Info {
                        ty: row.ty(),
                        clean: false,
                    }
                }
                Named::Computed => Info::other(false),
            },
            Expr::Call(call) => self.function(call, usage),
            Expr::Op(op) => self.operation(op, usage),
            Expr::Junction(junction) => Info {
                ty: BOOL,
                clean: self.consume_all(&junction.terms, usage),
            },
            Expr::Not(term) => Info {
                ty: BOOL,
                clean: self.consume(term, usage).clean,
            },
            Expr::NullTest(arg) => self.null_test(arg, usage),
            Expr::Cast(cast) => self.cast_expr(cast, usage),
            Expr::Part(part) => self.part(part, usage),
            Expr::Sub(sub) => self.sub(sub, usage),
            Expr::Compute(compute) => self.compute(compute, usage),
            Expr::CurrentOf => {
                self.construct("WHERE CURRENT OF");
                Info::other(false)
            }
            Expr::Opaque(what) => {
                self.construct(what);
                Info::other(false)
            }
        }
    }

    /// The type that the client or PREPARE declares for a parameter.
    pub(super) fn parameter(&mut self, number: i32) -> Ty {
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let declared = place.and_then(|place| self.parameters.get(place)).copied();
        match declared {
            None => Ty::Literal,
            Some(Ty::Known(oid, typmod)) => {
                self.see_type(oid);
                Ty::Known(oid, typmod)
            }
            Some(ty) => ty,
        }
    }

    /// An expression in the place of an output: a column stays what it is, everything else is computed.
    pub(super) fn produce(&mut self, expr: &'a Expr) -> (Lineage, Ty) {
        match expr {
            Expr::Column(column) => match self.column(column) {
                Named::Column(column) => (column.lineage, column.ty),
                Named::Row(row) => self.row_value(&row),
                Named::Computed => (Lineage::computed(false), Ty::Other),
            },
            Expr::Part(part) => self.produce_part(part),
            Expr::Cast(cast) => self.produce_cast(cast),
            Expr::Sub(sub) if sub.kind == SubKind::Scalar => self.produce_sub(sub),
            Expr::Call(call) => match self.projection(call) {
                Some(column) => (column.lineage, column.ty),
                None => {
                    let info = self.consume(expr, Usage::Expression);
                    (Lineage::computed(info.clean), info.ty)
                }
            },
            _ => {
                let info = self.consume(expr, Usage::Expression);
                (Lineage::computed(info.clean), info.ty)
            }
        }
    }

    /// A whole row as one value is reported as attribute 0 of its relation.
    pub(super) fn row_value(&mut self, row: &Row<'a>) -> (Lineage, Ty) {
        self.whole_row(row);
        let mut lineage = Lineage::computed(false);
        lineage.reported = row.relation.map(|relation| ColumnId {
            relation: relation.oid,
            attribute: 0,
        });
        (lineage, row.ty())
    }

    /// `(c).email` is `c.email`.
    pub(super) fn produce_part(&mut self, part: &'a Part) -> (Lineage, Ty) {
        if let (Expr::Column(column), [Step::Field(name)]) = (&part.arg, part.steps.as_slice()) {
            match self.column(column) {
                Named::Row(row) => return self.field(&row, name),
                Named::Column(column) => {
                    self.facts.lineage(&column.lineage, Usage::Expression);
                    return (Lineage::computed(column.lineage.clean), Ty::Other);
                }
                Named::Computed => return (Lineage::computed(false), Ty::Other),
            }
        }
        let info = self.part(part, Usage::Expression);
        (Lineage::computed(info.clean), info.ty)
    }

    pub(super) fn field(&mut self, row: &Row<'a>, name: &str) -> (Lineage, Ty) {
        let mut matching = row.columns.iter().filter(|column| *column.name == *name);
        match (matching.next(), matching.next()) {
            (Some(column), None) => (column.lineage.clone(), column.ty),
            (Some(_), Some(_)) => {
                self.facts.opaque(OpaqueReason::Ambiguous(name.into()));
                (Lineage::computed(false), Ty::Other)
            }
            (None, _) if row.open => {
                self.unresolved("", "", name);
                (Lineage::computed(false), Ty::Other)
            }
            (None, _) => {
                self.field_function(row, name);
                (Lineage::computed(false), Ty::Other)
            }
        }
    }

    pub(super) fn produce_cast(&mut self, cast: &'a Cast) -> (Lineage, Ty) {
        let (lineage, from) = self.deeper((Lineage::computed(false), Ty::Other), |this| {
            this.produce(&cast.arg)
        });
        let to = self.type_named(&cast.target, from);
        if self.is_no_cast(from, to) {
            return (lineage, from);
        }
        if keeps_text(from, to) {
            let lineage = Lineage {
                reported: None,
                ..lineage
            };
            return (lineage, to);
        }
        self.facts.lineage(&lineage, Usage::Expression);
        (Lineage::computed(lineage.clean), to)
    }

    #[inline(never)]
    pub(super) fn cast_expr(&mut self, cast: &'a Cast, usage: Usage) -> Info {
        let info = self.consume(&cast.arg, usage);
        Info {
            ty: self.type_named(&cast.target, info.ty),
            clean: info.clean,
        }
    }

    #[inline(never)]
    pub(super) fn part(&mut self, part: &'a Part, usage: Usage) -> Info {
        let mut clean = true;
        for step in &part.steps {
            if let Step::Subscript(exprs) = step {
                clean &= self.consume_all(exprs, usage);
            }
        }
        if let (Expr::Column(column), [Step::Field(name), rest @ ..]) =
            (&part.arg, part.steps.as_slice())
            && let Named::Row(row) = self.column(column)
        {
            let (lineage, ty) = self.field(&row, name);
            self.facts.lineage(&lineage, usage);
            return Info {
                ty: if rest.is_empty() { ty } else { Ty::Other },
                clean: clean && lineage.clean,
            };
        }
        let arg = self.consume(&part.arg, usage);
        // A field of some composite value may also be a function of it.
        for step in &part.steps {
            if let Step::Field(name) = step
                && (self.catalog.functions_named(name).next().is_some()
                    || self.pending.has_definition(name))
            {
                self.call(std::slice::from_ref(name), &[Ty::Other], true);
            }
        }
        Info::other(clean && arg.clean)
    }

    #[inline(never)]
    pub(super) fn operation(&mut self, op: &'a Op, usage: Usage) -> Info {
        if let Some(info) = self.comparison(op, usage) {
            return info;
        }
        let mut operands = op.operands.iter();
        let Some(first) = operands.next() else {
            return Info::other(false);
        };
        let first = self.consume(first, usage);
        let mut left = first.ty;
        let mut clean = first.clean;
        let mut exact = is_arithmetic(op) && left.is_exact();
        let mut name = &op.name;
        let mut chain = op.chain.iter();
        if op.operands.len() == 1 {
            clean &= self.operator(name, None, left);
        }
        for operand in operands {
            let right = self.consume(operand, usage);
            exact &= right.ty.is_exact();
            let own = self.operator(name, Some(left), right.ty);
            clean &= own & right.clean;
            exact &= own;
            left = Ty::Other;
            if let Some(next) = chain.next() {
                name = next;
            }
        }
        Info {
            ty: if exact { Ty::Exact } else { Ty::Other },
            clean,
        }
    }

    #[inline(never)]
    pub(super) fn compute(&mut self, compute: &'a Compute, usage: Usage) -> Info {
        let usage = if compute.aggregate {
            self.order_matters();
            Usage::Aggregate
        } else {
            usage
        };
        let mut clean = true;
        let mut types = Vec::with_capacity(compute.operands.len());
        for operand in &compute.operands {
            let info = self.consume(operand, usage);
            clean &= info.clean;
            types.push(info.ty);
        }
        for name in compute.operators {
            if self.catalog.operators_named(name).next().is_none()
                && !self.pending.has_definition(name)
            {
                continue;
            }
            let path = [(*name).into()];
            let first = types.first().copied().unwrap_or(Ty::Other);
            for other in types.iter().skip(1) {
                self.operator(&path, Some(first), *other);
            }
        }
        for name in compute.functions {
            self.call(&[(*name).into()], &types, false);
        }
        for ty in &compute.types {
            self.type_named(ty, Ty::Other);
        }
        Info::other(clean)
    }

    /// A subselect in an expression: its outputs are used the way the expression is.
    #[inline(never)]
    pub(super) fn sub(&mut self, sub: &'a Sub, usage: Usage) -> Info {
        if sub.kind == SubKind::Array {
            self.order_matters();
        }
        if let (Some(test), SubKind::Quantified) = (&sub.test, sub.kind) {
            return self.quantified(sub, test, usage);
        }
        let test = sub.test.as_ref().map(|test| self.consume(test, usage));
        let rows = self.subquery(&sub.query);
        let mut clean = test.is_none_or(|test| test.clean);
        let mut ty = Ty::Other;
        if sub.kind != SubKind::Exists {
            for column in &rows.columns {
                self.facts.lineage(&column.lineage, usage);
                clean &= column.lineage.clean;
            }
            clean &= !rows.open;
            if let (SubKind::Scalar, [column]) = (sub.kind, rows.columns.as_slice()) {
                ty = column.ty;
            }
        }
        Info { ty, clean }
    }

    /// A scalar subselect gives the values of its one output as they are, or NULL. The server reports no origin for
    /// it (parser/parse_target.c, markTargetListOrigin).
    #[inline(never)]
    pub(super) fn produce_sub(&mut self, sub: &'a Sub) -> (Lineage, Ty) {
        let rows = self.subquery(&sub.query);
        if let ([column], false) = (rows.columns.as_slice(), rows.open) {
            let lineage = Lineage {
                reported: None,
                ..column.lineage.clone()
            };
            return (lineage, column.ty);
        }
        for column in &rows.columns {
            self.facts.lineage(&column.lineage, Usage::Expression);
        }
        (Lineage::computed(false), Ty::Other)
    }

    /// Its clauses count even where its outputs count only when they are used.
    pub(super) fn subquery(&mut self, query: &'a Query) -> Rows {
        let setting = self.setting.take();
        let capture = self.facts.pause_capture();
        let rows = self.deeper(Rows::default(), |this| this.query(query));
        self.facts.end_capture(capture);
        self.setting = setting;
        rows
    }
}

/// Whether a cast makes text of text without a change, though the server reports no origin for it.
pub(super) fn keeps_text(from: Ty, to: Ty) -> bool {
    matches!(
        (from, to),
        (Ty::Known(25 | 1043, _), Ty::Known(25 | 1043, -1))
    )
}

/// Whether all of an operation is arithmetic, by the names of its operators.
fn is_arithmetic(op: &Op) -> bool {
    std::iter::once(&op.name).chain(&op.chain).all(
        |name| matches!(name.as_slice(), [symbol] if matches!(&**symbol, "+" | "-" | "*" | "/" | "%")),
    )
}
