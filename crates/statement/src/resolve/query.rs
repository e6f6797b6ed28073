//! Queries: what their clauses use, and what their result consists of.

use super::order::is_chance;
use super::outputs::is_name;
use super::{Level, Lineage, Meant, Resolver, Rows, ScopeColumn, Ty};
use crate::ast::{Body, Distinct, Expr, From, Ident, Plain, Query, Select, Sort};
use crate::{Effect, Tells, Usage, Verb};

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
        self.selects += 1;
        let rows = self.deeper(Rows::default(), |this| this.select_here(select));
        self.selects -= 1;
        rows
    }

    #[inline(never)]
    pub(super) fn select_here(&mut self, select: &'a Select) -> Rows {
        self.limited(select);
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
            Body::Set(arms, all) => {
                let rows = self.set_operation(arms, *all);
                self.order_by_outputs(&select.order, &rows);
                rows
            }
        };
        self.consume_all(&select.limit, Usage::Predicate);
        self.leave_with(framed);
        rows
    }

    pub(super) fn values(&mut self, rows: &'a [Vec<Expr>]) -> Rows {
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

    /// An output of columns of one type has the values of each as they are. Unless all operations are UNION ALL, they
    /// are compared with one another.
    pub(super) fn set_operation(&mut self, arms: &'a [Select], all: bool) -> Rows {
        let mut read: Vec<Rows> = arms.iter().map(|arm| self.select(arm)).collect();
        let open = read.iter().any(|rows| rows.open);
        let mut result = match read.first() {
            Some(first) => first.clone(),
            None => return Rows::default(),
        };
        result.open = open;
        for (place, column) in result.columns.iter_mut().enumerate() {
            let same = |rows: &Rows| {
                let other = rows.columns.get(place)?;
                let as_it_is = matches!(other.ty, Ty::Known(..))
                    && (same_type(other.ty, column.ty) || is_text(other.ty, column.ty));
                (as_it_is && other.lineage.value.is_some()).then(|| other.lineage.clone())
            };
            let kept: Option<Vec<Lineage>> = read.iter().map(same).collect();
            let tells = match &kept {
                Some(lineages) if !all => self.equality_among(&lineages.iter().collect::<Vec<_>>()),
                _ => Tells::Anything,
            };
            if !all {
                for other in read.iter().filter_map(|rows| rows.columns.get(place)) {
                    self.one_of_equals(other.ty);
                }
            }
            match kept.filter(|_| !open && (all || tells != Tells::Anything)) {
                Some(lineages) => {
                    for lineage in lineages.iter().filter(|_| !all) {
                        self.facts.telling(lineage, Usage::SetOperation, &tells);
                    }
                    column.lineage = Lineage::any_of(&lineages);
                    // Of text and varchar, text is made (parser/parse_coerce.c, select_common_type).
                    let mut tys = read.iter().filter_map(|rows| rows.columns.get(place));
                    match column.ty {
                        Ty::Known(oid, _) if tys.all(|other| same_type(other.ty, column.ty)) => {
                            column.ty = Ty::Known(oid, -1);
                        }
                        _ => column.ty = Ty::Known(25, -1),
                    }
                }
                None => {
                    let mut clean = true;
                    for rows in &mut read {
                        if let Some(other) = rows.columns.get(place) {
                            self.facts.lineage(&other.lineage, Usage::SetOperation);
                            clean &= other.lineage.clean;
                        }
                    }
                    column.lineage = Lineage::computed(clean);
                    column.ty = Ty::Other;
                }
            }
        }
        // Arms of more columns than the first are an error; they are recorded all the same.
        let width = result.columns.len();
        for other in read.iter().flat_map(|rows| rows.columns.iter().skip(width)) {
            self.facts.lineage(&other.lineage, Usage::SetOperation);
        }
        result
    }

    /// Records the outputs of an arm; what it consists of is kept.
    pub(super) fn as_arm(&mut self, rows: Rows) -> Rows {
        for column in &rows.columns {
            self.facts.lineage(&column.lineage, Usage::SetOperation);
        }
        rows
    }

    #[inline(never)]
    pub(super) fn plain(&mut self, plain: &'a Plain, select: &'a Select) -> Rows {
        self.levels.push(Level::default());
        for item in &plain.from {
            self.item_of(item);
        }
        if let Some(filter) = &plain.filter {
            self.filter(filter);
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
                    let tells = self.equality_within(&column.lineage);
                    self.facts.telling(&column.lineage, Usage::Distinct, &tells);
                    self.one_of_equals(column.ty);
                }
            }
            Distinct::On(exprs) => {
                for expr in exprs {
                    self.by_output(expr, None, &rows, Usage::Distinct);
                }
            }
        }
        for sort in &select.order {
            if is_chance(sort) {
                continue;
            }
            self.by_output(&sort.expr, sort.place, &rows, Usage::Order);
            self.sort_operator(sort);
        }
        self.locking(select);
        self.levels.pop();
        rows
    }

    /// The one setting that `FROM pg_settings WHERE name = '…'` gives (pg_dump names settings like this that only some
    /// versions have).
    pub(super) fn named_setting(&self, plain: &'a Plain) -> Option<&'a str> {
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
                Some(name.read(&self.facts.constants_read))
            }
            _ => None,
        }
    }

    pub(super) fn locking(&mut self, select: &'a Select) {
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

    pub(super) fn sort_operator(&mut self, sort: &'a Sort) {
        if !sort.using.is_empty() {
            self.operator(&sort.using, Some(Ty::Other), Ty::Other);
        }
    }

    /// ORDER BY and DISTINCT ON: an output's number or name, before anything else
    /// (parser/parse_clause.c, findTargetlistEntrySQL92).
    pub(super) fn by_output(
        &mut self,
        expr: &'a Expr,
        place: Option<usize>,
        rows: &Rows,
        usage: Usage,
    ) {
        if !self.output(expr, place, rows, usage) {
            self.consume(expr, usage);
        }
    }

    /// `place` is where the number or name begins in the text.
    pub(super) fn output(
        &mut self,
        expr: &Expr,
        place: Option<usize>,
        rows: &Rows,
        usage: Usage,
    ) -> bool {
        let place = place.filter(|_| self.views.is_empty());
        match expr {
            Expr::Number(number) => {
                let number = number.read(&self.facts.constants_read);
                let number = number.parse::<usize>().ok();
                let column = number
                    .and_then(|number| number.checked_sub(1))
                    .and_then(|number| rows.columns.get(number));
                match column {
                    Some(column) if !rows.open => self.use_output(column, place, &[], usage),
                    _ => {
                        for column in &rows.columns {
                            self.use_output(column, None, &[], usage);
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
                for output in rows.columns.iter().filter(|output| *output.name == **name) {
                    self.use_output(output, place, &column.path, usage);
                    found = true;
                }
                found
            }
            _ => false,
        }
    }

    /// An output is used where its number or name stands, not where it is made.
    fn use_output(
        &mut self,
        output: &ScopeColumn,
        place: Option<usize>,
        path: &[Ident],
        usage: Usage,
    ) {
        let tells = match usage {
            Usage::Group | Usage::Distinct => self.equality_within(&output.lineage),
            _ => Tells::Anything,
        };
        if usage == Usage::Group {
            self.one_of_equals(output.ty);
        }
        let Some(references) = &mut self.facts.references else {
            return self.facts.telling(&output.lineage, usage, &tells);
        };
        if let Some(place) = place {
            references.reference(place, path, output.ty, false);
        }
        let lineage = Lineage {
            at: place,
            ..output.lineage.clone()
        };
        self.facts.telling(&lineage, usage, &tells);
    }

    /// ORDER BY over VALUES or a set operation: there is nothing but outputs, and nothing else can stand there.
    pub(super) fn order_by_outputs(&mut self, order: &'a [Sort], rows: &Rows) {
        for sort in order {
            self.by_output(&sort.expr, None, rows, Usage::Order);
            self.sort_operator(sort);
        }
    }

    /// GROUP BY prefers a column of FROM to an output of the same name.
    pub(super) fn group(&mut self, expr: &'a Expr, rows: &Rows) {
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
                if local || !self.output(expr, None, rows, Usage::Group) {
                    self.grouped(expr);
                }
            }
            Expr::Number(_) => {
                self.output(expr, None, rows, Usage::Group);
            }
            _ => {
                self.grouped(expr);
            }
        }
    }
}

fn is_text(a: Ty, b: Ty) -> bool {
    matches!((a, b), (Ty::Known(25 | 1043, _), Ty::Known(25 | 1043, _)))
}

fn same_type(a: Ty, b: Ty) -> bool {
    matches!((a, b), (Ty::Known(a, _), Ty::Known(b, _)) if a == b)
}
