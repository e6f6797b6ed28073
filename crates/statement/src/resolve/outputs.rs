//! What a query gives: its columns, and their names.

use std::sync::Arc;

use super::names::Named;
use super::{Lineage, Resolver, Rows, ScopeColumn, Ty};
use crate::Usage;
use crate::ast::{Body, Column, Expr, Part, Query, Step, Target};

impl<'a> Resolver<'a> {
    pub(super) fn targets(&mut self, targets: &'a [Target]) -> Rows {
        let mut rows = Rows {
            columns: Vec::with_capacity(targets.len()),
            open: false,
        };
        for target in targets {
            if rows.columns.len() > super::WIDTH || !self.spend(rows.columns.len() / 64) {
                self.construct("a result of this width");
                rows.open = true;
                break;
            }
            match &target.expr {
                Expr::Column(column) if column.star => self.star(column, &mut rows),
                Expr::Part(part) if matches!(part.steps.last(), Some(Step::Star)) => {
                    self.part_star(part, &mut rows);
                }
                expr => self.target(target, expr, &mut rows),
            }
        }
        rows
    }

    pub(super) fn target(&mut self, target: &'a Target, expr: &'a Expr, rows: &mut Rows) {
        let name: Arc<str> = match &target.name {
            Some(name) => Arc::from(&**name),
            None => {
                let (strength, name) = output_name(expr);
                if strength == UNKNOWN {
                    self.construct("an output named after the first column of a star");
                }
                name.into()
            }
        };
        if target.name.is_none() && self.views.is_empty() {
            self.note_name(target, &name);
        }
        // What an output of a view is computed from counts when the output is used.
        let capturing = !self.views.is_empty() && self.frames.is_empty() && self.levels.len() == 1;
        let captured = capturing.then(|| self.facts.start_capture());
        let (mut lineage, ty) = self.produce(expr);
        if let Some(outer) = captured {
            let columns = self.facts.end_capture(outer);
            if !columns.is_empty() {
                let own = lineage.derived.take();
                let all = own
                    .iter()
                    .flat_map(|list| list.iter().copied())
                    .chain(columns);
                lineage.derived = Some(all.collect());
            }
        }
        rows.columns.push(ScopeColumn { name, lineage, ty });
    }

    fn note_name(&mut self, target: &Target, name: &str) {
        if let (Some(references), Some(place), Some(column)) = (
            &mut self.facts.references,
            target.place,
            naming(&target.expr),
        ) {
            references.named(place, column.place, name);
        }
    }

    pub(super) fn star(&mut self, column: &Column, rows: &mut Rows) {
        if !column.path.is_empty() {
            match self.column(column) {
                Named::Row(row) => {
                    rows.open |= row.open;
                    rows.columns.extend(row.columns);
                }
                Named::Column(_) | Named::Computed => rows.open = true,
            }
            return;
        }
        let Some(level) = self.levels.last() else {
            rows.open = true;
            return;
        };
        for item in level.items.iter().filter(|item| item.bare) {
            rows.open |= item.open;
            rows.columns.extend(item.columns.iter().cloned());
        }
    }

    /// `(c).*`
    pub(super) fn part_star(&mut self, part: &'a Part, rows: &mut Rows) {
        if let (Expr::Column(column), [Step::Star]) = (&part.arg, part.steps.as_slice())
            && let Named::Row(row) = self.column(column)
        {
            rows.open |= row.open;
            rows.columns.extend(row.columns);
            return;
        }
        let info = self.consume(&part.arg, Usage::Expression);
        let relation = match info.ty {
            Ty::Known(oid, _) if matches!(part.steps.as_slice(), [Step::Star]) => {
                self.catalog.relation_of_row_type(oid)
            }
            _ => None,
        };
        match relation {
            Some(relation) => {
                rows.columns
                    .extend(relation.columns.iter().map(|column| ScopeColumn {
                        name: Arc::clone(&column.name),
                        lineage: Lineage::computed(false),
                        ty: Ty::Known(column.type_oid, column.typmod),
                    }))
            }
            None => rows.open = true,
        }
    }
}

/// A reference to `name`.
pub(super) fn is_name(column: &Column) -> bool {
    !column.star && matches!(column.path.as_slice(), [name] if &**name == "name")
}

/// Gives the first columns other names.
pub(super) fn rename(mut rows: Rows, names: &[Box<str>]) -> Rows {
    for (column, name) in rows.columns.iter_mut().zip(names) {
        column.name = Arc::from(&**name);
    }
    rows
}

/// Strength of a name that only the columns of a star tell.
pub(super) const UNKNOWN: u8 = 9;

/// The name the server gives an output without one, and how sure it is of it (parser/parse_target.c,
/// FigureColnameInternal).
pub(super) fn output_name(expr: &Expr) -> (u8, &str) {
    const NONE: (u8, &str) = (0, "?column?");
    match expr {
        Expr::Column(column) => match column.path.last() {
            // The star of a whole row does not count.
            Some(name) => (2, name),
            None => NONE,
        },
        Expr::Part(part) => {
            let field = part.steps.iter().rev().find_map(|step| match step {
                Step::Field(name) => Some(&**name),
                Step::Star | Step::Subscript(_) => None,
            });
            match field {
                Some(name) => (2, name),
                None => output_name(&part.arg),
            }
        }
        Expr::Call(call) => match call.name.last() {
            Some(name) => (2, name),
            None => NONE,
        },
        Expr::Cast(cast) => {
            let inner = output_name(&cast.arg);
            match cast.target.path.last() {
                Some(name) if inner.0 <= 1 => (1, name),
                _ => inner,
            }
        }
        Expr::Sub(sub) => match sub.kind {
            crate::ast::SubKind::Exists => (2, "exists"),
            crate::ast::SubKind::Array => (2, "array"),
            crate::ast::SubKind::Scalar => scalar_name(&sub.query).unwrap_or((UNKNOWN, "")),
            crate::ast::SubKind::Quantified => NONE,
        },
        Expr::Compute(compute) => match (compute.name, compute.operands.as_slice()) {
            ("(argument)", [arg]) => output_name(arg),
            ("", _) | ("(grouping set)", _) => NONE,
            // The result of ELSE names a CASE when it has a name.
            ("case", operands) => match operands.last().filter(|_| compute.has_else) {
                Some(last) if output_name(last).0 > 1 => output_name(last),
                _ => (1, "case"),
            },
            (name, _) => (2, name),
        },
        _ => NONE,
    }
}

/// The reference that gives an output without a name its own, by the rules of [`output_name`].
fn naming(expr: &Expr) -> Option<&Column> {
    match expr {
        Expr::Column(column) => Some(column),
        Expr::Part(part) => {
            let is_field = |step: &Step| matches!(step, Step::Field(_));
            if part.steps.iter().any(is_field) {
                return None;
            }
            naming(&part.arg)
        }
        Expr::Cast(cast) => naming(&cast.arg),
        Expr::Compute(compute) => match (compute.name, compute.operands.as_slice()) {
            ("(argument)", [arg]) => naming(arg),
            ("case", [.., last]) if compute.has_else => naming(last),
            _ => None,
        },
        _ => None,
    }
}

/// `None` when the name is that of the first column of a star.
pub(super) fn scalar_name(query: &Query) -> Option<(u8, &str)> {
    let Query::Select(select) = query else {
        return None;
    };
    let mut body = &select.body;
    // A set operation takes its names from its first arm.
    while let Body::Set(arms, _) = body {
        body = &arms.first()?.body;
    }
    match body {
        Body::Plain(plain) => {
            let target = plain.targets.first()?;
            match (&target.name, &target.expr) {
                (Some(name), _) => Some((2, name)),
                (None, Expr::Column(column)) if column.star => None,
                (None, Expr::Part(part)) if matches!(part.steps.last(), Some(Step::Star)) => None,
                (None, expr) => {
                    let (strength, name) = output_name(expr);
                    (strength != UNKNOWN).then_some((2, name))
                }
            }
        }
        Body::Values(_) => Some((2, "column1")),
        Body::Set(..) => None,
    }
}
