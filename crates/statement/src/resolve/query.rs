//! Queries: what their clauses use, and what their result consists of.

use std::sync::Arc;

use super::names::Named;
use super::{CteState, Frame, Level, Lineage, Meant, Resolver, Rows, ScopeColumn, State, Ty};
use crate::ast::{
    Body, Column, Distinct, Expr, From, Part, Plain, Query, Select, Sort, Step, Target, With,
};
use crate::{Effect, Usage, Verb};

impl<'a> Resolver<'a> {
    pub(crate) fn query(&mut self, query: &'a Query) -> Rows {
        match query {
            Query::Select(select) => self.select(select),
            Query::Insert(insert) => self.insert(insert),
            Query::Update(update) => self.update(update),
            Query::Delete(delete) => self.delete(delete),
            Query::Merge(merge) => self.merge(merge),
            Query::Opaque(what) => {
                self.construct(what);
                Rows {
                    columns: Vec::new(),
                    open: true,
                }
            }
        }
    }

    pub(super) fn select(&mut self, select: &'a Select) -> Rows {
        self.deeper(Rows::default(), |this| this.select_here(select))
    }

    #[inline(never)]
    fn select_here(&mut self, select: &'a Select) -> Rows {
        let framed = self.enter_with(select.with.as_ref());
        if let Some(table) = &select.into {
            self.into = Some(table);
        }
        let rows = match &select.body {
            Body::Plain(plain) => self.plain(plain, select),
            Body::Values(values) => {
                let rows = self.values(values);
                self.order_by_outputs(&select.order, &rows);
                rows
            }
            Body::Set(arms) => {
                let rows = self.set_operation(arms);
                self.order_by_outputs(&select.order, &rows);
                rows
            }
        };
        self.consume_all(&select.limit, Usage::Predicate);
        self.leave_with(framed);
        rows
    }

    // ---- WITH

    pub(super) fn enter_with(&mut self, with: Option<&'a With>) -> bool {
        let Some(with) = with else { return false };
        self.frames.push(Frame {
            recursive: with.recursive,
            ctes: with
                .ctes
                .iter()
                .map(|cte| CteState {
                    cte,
                    state: State::Waiting,
                })
                .collect(),
            levels: self.levels.len(),
        });
        let frame = self.frames.len() - 1;
        for place in 0..with.ctes.len() {
            self.read_cte(frame, place);
        }
        true
    }

    pub(super) fn leave_with(&mut self, framed: bool) {
        if framed {
            self.frames.pop();
        }
    }

    /// Reads a common table expression in the scope of its WITH clause, if that is not done.
    fn read_cte(&mut self, frame: usize, place: usize) {
        let Some(state) = self.cte_state(frame, place) else {
            return;
        };
        if !matches!(state.state, State::Waiting) {
            return;
        }
        state.state = State::Started;
        let cte = state.cte;
        let Some(levels) = self.frames.get(frame).map(|frame| frame.levels) else {
            return;
        };
        let inner_levels = self.levels.split_off(levels.min(self.levels.len()));
        let inner_frames = self.frames.split_off(frame + 1);
        let recursive = self.frames.get(frame).is_some_and(|frame| frame.recursive);
        let rows = self.deeper(Rows::default(), |this| match &cte.query {
            Query::Select(select) if recursive => this.recursive(select, frame, place),
            query => this.query(query),
        });
        self.consume_all(&cte.marks, Usage::Expression);
        let mut rows = rename(rows, &cte.columns);
        for name in &cte.added {
            // SEARCH and CYCLE gather the values of columns they name into rows.
            for column in &rows.columns {
                self.facts.lineage(&column.lineage, Usage::WholeRow);
            }
            rows.columns.push(ScopeColumn {
                name: Arc::from(&**name),
                lineage: Lineage::computed(false),
                ty: Ty::Other,
            });
        }
        self.levels.extend(inner_levels);
        self.frames.extend(inner_frames);
        if let Some(state) = self.cte_state(frame, place) {
            state.state = State::Done(rows);
        }
    }

    fn cte_state(&mut self, frame: usize, place: usize) -> Option<&mut CteState<'a>> {
        self.frames.get_mut(frame)?.ctes.get_mut(place)
    }

    /// A query under WITH RECURSIVE. When it is a UNION, its first arm tells what references to itself give.
    fn recursive(&mut self, select: &'a Select, frame: usize, place: usize) -> Rows {
        let Body::Set(arms) = &select.body else {
            return self.select(select);
        };
        let (Some(last), [_, _, ..]) = (arms.last(), arms.as_slice()) else {
            return self.select(select);
        };
        let framed = self.enter_with(select.with.as_ref());
        let earlier = arms.get(..arms.len() - 1).unwrap_or_default();
        let first = match earlier {
            [only] => {
                let rows = self.select(only);
                self.as_arm(rows)
            }
            several => self.set_operation(several),
        };
        // A column of itself may hold anything that reaches the first arm; what the last arm adds is recorded below
        // as used in every way.
        let columns: Vec<_> = first
            .columns
            .iter()
            .flat_map(|column| column.lineage.columns())
            .collect();
        let anything = Lineage::derived(columns);
        let own = Rows {
            columns: first
                .columns
                .iter()
                .map(|column| ScopeColumn {
                    name: Arc::clone(&column.name),
                    lineage: anything.clone(),
                    ty: Ty::Other,
                })
                .collect(),
            open: first.open,
        };
        if let Some(state) = self.cte_state(frame, place) {
            let own = rename(own, &state.cte.columns);
            state.state = State::Recursing(own);
        }
        let second = self.select(last);
        for column in &second.columns {
            self.facts.lineage(&column.lineage, Usage::SetOperation);
            self.facts.lineage(&column.lineage, Usage::Expression);
        }
        self.order_by_outputs(&select.order, &first);
        self.consume_all(&select.limit, Usage::Predicate);
        self.leave_with(framed);
        Rows {
            columns: first
                .columns
                .into_iter()
                .map(|column| ScopeColumn {
                    lineage: Lineage::computed(false),
                    ty: Ty::Other,
                    ..column
                })
                .collect(),
            open: first.open || second.open,
        }
    }

    /// The common table expression of that name, if one is visible.
    pub(super) fn cte(&mut self, name: &str) -> Option<Rows> {
        for frame in (0..self.frames.len()).rev() {
            let Some(at) = self.frames.get(frame) else {
                continue;
            };
            let recursive = at.recursive;
            let count = at.ctes.len();
            if !self.spend(count) {
                return None;
            }
            let Some(at) = self.frames.get(frame) else {
                continue;
            };
            let Some(place) = at.ctes.iter().position(|cte| *cte.cte.name == *name) else {
                continue;
            };
            if recursive {
                self.read_cte(frame, place);
            }
            match self.cte_state(frame, place).map(|cte| &cte.state) {
                Some(State::Done(rows) | State::Recursing(rows)) => return Some(rows.clone()),
                // Without RECURSIVE a query sees only its elder siblings.
                _ if !recursive => {}
                _ => {
                    self.construct("a recursive query of this form");
                    return Some(Rows {
                        columns: Vec::new(),
                        open: true,
                    });
                }
            }
        }
        None
    }

    // ---- bodies

    fn values(&mut self, rows: &'a [Vec<Expr>]) -> Rows {
        let width = rows.first().map_or(0, Vec::len);
        let mut clean = vec![true; width];
        for row in rows {
            for (place, expr) in row.iter().enumerate() {
                let info = self.consume(expr, Usage::Expression);
                if let Some(clean) = clean.get_mut(place) {
                    *clean &= info.clean;
                }
            }
        }
        Rows {
            columns: clean
                .into_iter()
                .enumerate()
                .map(|(place, clean)| ScopeColumn {
                    name: format!("column{}", place + 1).into(),
                    lineage: Lineage::computed(clean),
                    ty: Ty::Other,
                })
                .collect(),
            open: false,
        }
    }

    fn set_operation(&mut self, arms: &'a [Select]) -> Rows {
        let mut result: Option<Rows> = None;
        for arm in arms {
            let rows = self.select(arm);
            let rows = self.as_arm(rows);
            match &mut result {
                None => result = Some(rows),
                Some(result) => {
                    result.open |= rows.open;
                    for (column, other) in result.columns.iter_mut().zip(&rows.columns) {
                        column.lineage =
                            Lineage::computed(column.lineage.clean && other.lineage.clean);
                        column.ty = Ty::Other;
                    }
                }
            }
        }
        let mut result = result.unwrap_or_default();
        for column in &mut result.columns {
            column.lineage = Lineage::computed(column.lineage.clean);
        }
        result
    }

    /// Records the outputs of an arm; what it consists of is kept.
    fn as_arm(&mut self, rows: Rows) -> Rows {
        for column in &rows.columns {
            self.facts.lineage(&column.lineage, Usage::SetOperation);
        }
        rows
    }

    #[inline(never)]
    fn plain(&mut self, plain: &'a Plain, select: &'a Select) -> Rows {
        self.levels.push(Level::default());
        for item in &plain.from {
            self.item_of(item);
        }
        if let Some(filter) = &plain.filter {
            self.consume(filter, Usage::Predicate);
        }
        self.setting = self.named_setting(plain);
        let rows = self.targets(&plain.targets);
        self.setting = None;
        for expr in &plain.group {
            self.group(expr, &rows);
        }
        if let Some(having) = &plain.having {
            self.consume(having, Usage::Predicate);
        }
        for window in &plain.windows {
            self.window(window);
        }
        match &plain.distinct {
            Distinct::No => {}
            Distinct::All => {
                for column in &rows.columns {
                    self.facts.lineage(&column.lineage, Usage::Distinct);
                }
            }
            Distinct::On(exprs) => {
                for expr in exprs {
                    self.by_output(expr, &rows, Usage::Distinct);
                }
            }
        }
        for sort in &select.order {
            self.by_output(&sort.expr, &rows, Usage::Order);
            self.sort_operator(sort);
        }
        self.locking(select);
        self.levels.pop();
        rows
    }

    /// The one setting that `FROM pg_settings WHERE name = '…'` gives (pg_dump names settings like this that only some
    /// versions have).
    fn named_setting(&self, plain: &'a Plain) -> Option<&'a str> {
        let ([From::Table(table)], Some(Expr::Op(filter))) = (plain.from.as_slice(), &plain.filter)
        else {
            return None;
        };
        let Meant::Relation(relation) = self.find(table) else {
            return None;
        };
        let own = &*relation.schema == "pg_catalog" && &*relation.name == "pg_settings";
        let is_equality = matches!(filter.name.as_slice(), [name] if &**name == "=");
        match filter.operands.as_slice() {
            [Expr::Column(column), Expr::Text(name)] if own && is_equality && is_name(column) => {
                Some(name)
            }
            _ => None,
        }
    }

    fn locking(&mut self, select: &'a Select) {
        if select.locking.is_empty() {
            return;
        }
        self.facts.raise(Effect::Write);
        let all = select.locking.iter().any(Vec::is_empty);
        let mut locked = Vec::new();
        if let Some(level) = self.levels.last() {
            for item in level.items.iter().filter(|item| item.lockable) {
                let named = select
                    .locking
                    .iter()
                    .flatten()
                    .any(|name| **name == *item.name);
                if let Some(relation) = item.relation.filter(|_| all || named) {
                    locked.push(relation);
                }
            }
        }
        for relation in locked {
            self.facts.relation(Verb::Lock, relation, false);
        }
    }

    fn sort_operator(&mut self, sort: &'a Sort) {
        if !sort.using.is_empty() {
            self.operator(&sort.using, Some(Ty::Other), Ty::Other);
        }
    }

    /// ORDER BY and DISTINCT ON: an output's number or name, before anything else
    /// (parser/parse_clause.c, findTargetlistEntrySQL92).
    fn by_output(&mut self, expr: &'a Expr, rows: &Rows, usage: Usage) {
        if !self.output(expr, rows, usage) {
            self.consume(expr, usage);
        }
    }

    fn output(&mut self, expr: &Expr, rows: &Rows, usage: Usage) -> bool {
        match expr {
            Expr::Number(number) => {
                let place = number
                    .parse::<usize>()
                    .ok()
                    .and_then(|place| place.checked_sub(1));
                let column = place.and_then(|place| rows.columns.get(place));
                match column {
                    Some(column) if !rows.open => self.facts.lineage(&column.lineage, usage),
                    _ => {
                        for column in &rows.columns {
                            self.facts.lineage(&column.lineage, usage);
                        }
                    }
                }
                true
            }
            Expr::Column(column) if !column.star => {
                let [name] = column.path.as_slice() else {
                    return false;
                };
                let mut found = false;
                for column in rows.columns.iter().filter(|column| *column.name == **name) {
                    self.facts.lineage(&column.lineage, usage);
                    found = true;
                }
                found
            }
            _ => false,
        }
    }

    /// ORDER BY over VALUES or a set operation: there is nothing but outputs.
    fn order_by_outputs(&mut self, order: &'a [Sort], rows: &Rows) {
        for sort in order {
            self.by_output(&sort.expr, rows, Usage::Order);
            self.sort_operator(sort);
        }
    }

    /// GROUP BY prefers a column of FROM to an output of the same name.
    fn group(&mut self, expr: &'a Expr, rows: &Rows) {
        match expr {
            Expr::Compute(compute) if matches!(compute.name, "(grouping set)" | "row") => {
                self.deeper((), |this| {
                    for operand in &compute.operands {
                        this.group(operand, rows);
                    }
                });
            }
            Expr::Column(column) => {
                let local = match column.path.as_slice() {
                    [name] if !column.star => self.local(name),
                    _ => true,
                };
                if local || !self.output(expr, rows, Usage::Group) {
                    self.consume(expr, Usage::Group);
                }
            }
            Expr::Number(_) => {
                self.output(expr, rows, Usage::Group);
            }
            _ => {
                self.consume(expr, Usage::Group);
            }
        }
    }

    // ---- outputs

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

    fn target(&mut self, target: &'a Target, expr: &'a Expr, rows: &mut Rows) {
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

    fn star(&mut self, column: &Column, rows: &mut Rows) {
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
    fn part_star(&mut self, part: &'a Part, rows: &mut Rows) {
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
const UNKNOWN: u8 = 9;

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

/// `None` when the name is that of the first column of a star.
fn scalar_name(query: &Query) -> Option<(u8, &str)> {
    let Query::Select(select) = query else {
        return None;
    };
    let mut body = &select.body;
    // A set operation takes its names from its first arm.
    while let Body::Set(arms) = body {
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
        Body::Set(_) => None,
    }
}
