//! INSERT, UPDATE, DELETE, MERGE: what they write, from what, and what else that sets off.

use std::sync::Arc;

use foldhash::HashSet;

use super::equality::Operand;
use super::{Item, Level, Resolver, Rows, ScopeColumn};
use crate::ast::{
    Assigned, Assignment, Body, Conflict, Delete, Expr, From, Insert, Merge, MergeAction,
    Returning, Select, Table, Update,
};
use crate::catalog::RelationKind;
use crate::{Effect, Oid, OpaqueReason, Usage, Verb};

impl<'a> Resolver<'a> {
    /// The target of a write, with everything the write sets off.
    pub(super) fn write_target(&mut self, table: &'a Table, verb: Verb) -> Item<'a> {
        self.facts.raise(Effect::Write);
        let mut item = self.relation_item(table, verb);
        item.lockable = false;
        if let Some(relation) = item.relation {
            self.writing(relation, verb);
            let command = match verb {
                Verb::Insert => b'a',
                Verb::Update => b'w',
                _ => b'd',
            };
            self.policies(relation, &[command]);
            if crate::Catalog::is_system_schema(&relation.schema) {
                self.facts.opaque(OpaqueReason::SystemRelation {
                    schema: Arc::clone(&relation.schema),
                    name: Arc::clone(&relation.name),
                });
            }
            if relation.kind == RelationKind::View {
                // The write goes on to the tables the view is made of.
                let tables: HashSet<Oid> = item
                    .columns
                    .iter()
                    .flat_map(|column| column.lineage.columns())
                    .map(|column| column.relation)
                    .filter(|oid| *oid != relation.oid)
                    .collect();
                for base in tables
                    .into_iter()
                    .filter_map(|oid| self.catalog.relation_by_oid(oid))
                {
                    self.facts.relation(verb, base, true);
                    self.writing(base, verb);
                }
            }
        }
        item
    }

    /// The column of a target by name; that it is written is left to the caller to record.
    pub(super) fn target_column(&mut self, item: &Item<'a>, column: &str) -> Option<ScopeColumn> {
        let found = item
            .relation
            .and_then(|relation| {
                let place = relation
                    .columns
                    .iter()
                    .position(|found| *found.name == *column)?;
                item.columns.get(place)
            })
            .or_else(|| item.columns.iter().find(|found| *found.name == *column))
            .cloned();
        match found {
            Some(column) => Some(column),
            None if item.open => {
                self.unresolved("", item.name, column);
                None
            }
            None => {
                self.facts.missing("column", column);
                None
            }
        }
    }

    /// A column that is assigned these values, or others.
    pub(super) fn assigned(
        &mut self,
        item: &Item<'a>,
        target: &'a Assigned,
        values: Option<Vec<Operand>>,
        verb: Verb,
    ) {
        if let Some(column) = self.target_column(item, &target.column) {
            let whole = !target.partial && target.subscripts.is_empty();
            self.written(&column, values.filter(|_| whole), verb);
            if target.partial {
                self.facts.lineage(&column.lineage, Usage::WrittenFrom);
            }
        }
        self.consume_all(&target.subscripts, Usage::WrittenFrom);
    }

    /// The source of a value that is written.
    pub(super) fn feed(&mut self, expr: &'a Expr) {
        self.consume(expr, Usage::WrittenFrom);
    }

    pub(super) fn assignments(&mut self, item: &Item<'a>, assignments: &'a [Assignment]) {
        for assignment in assignments {
            let value = assignment
                .value
                .as_ref()
                .map(|value| vec![self.assign(value)]);
            self.assigned(item, &assignment.target, value, Verb::Update);
        }
    }

    #[inline(never)]
    pub(super) fn insert(&mut self, insert: &'a Insert) -> Rows {
        let framed = self.enter_with(insert.with.as_ref());
        let item = self.write_target(&insert.target, Verb::Insert);
        let (width, values) = match &insert.source {
            Some(source) => self.source(source),
            None => (Some(0), Vec::new()),
        };
        let mut values = values.into_iter();
        if insert.columns.is_empty() {
            let all = item.columns.len();
            let count = width.map_or(all, |width| width.min(all));
            for column in item.columns.iter().take(count) {
                self.written(column, values.next(), Verb::Insert);
            }
            if item.open {
                self.unresolved("", item.name, "*");
            }
        }
        for target in &insert.columns {
            let values = values.next();
            self.assigned(&item, target, values, Verb::Insert);
        }
        self.left_out(&item.columns);
        let excluded = Item {
            name: "excluded",
            schema: None,
            relation: None,
            columns: item.columns.clone(),
            named: true,
            bare: false,
            open: item.open,
            lockable: false,
        };
        let target = copy(&item);
        self.levels.push(Level {
            width: item.columns.len(),
            items: vec![item],
            ..Level::default()
        });
        if let Some(conflict) = &insert.conflict {
            self.conflict(conflict, target, excluded);
        }
        let rows = self.returning(insert.returning.as_ref());
        self.levels.pop();
        self.leave_with(framed);
        rows
    }

    /// The rows to insert: how many columns they have, if that is known, and what VALUES gives for each of these.
    pub(super) fn source(&mut self, source: &'a Select) -> (Option<usize>, Vec<Vec<Operand>>) {
        if let Body::Values(rows) = &source.body
            && source.with.is_none()
            && source.order.is_empty()
        {
            let width = rows.first().map_or(0, Vec::len);
            let mut values: Vec<Vec<Operand>> = (0..width).map(|_| Vec::new()).collect();
            for row in rows {
                for (place, expr) in row.iter().enumerate() {
                    let value = self.assign(expr);
                    if let Some(values) = values.get_mut(place) {
                        values.push(value);
                    }
                }
            }
            self.consume_all(&source.limit, Usage::Predicate);
            return (rows.first().map(Vec::len), values);
        }
        let rows = self.select(source);
        for column in &rows.columns {
            self.facts.lineage(&column.lineage, Usage::WrittenFrom);
        }
        ((!rows.open).then_some(rows.columns.len()), Vec::new())
    }

    pub(super) fn conflict(
        &mut self,
        conflict: &'a Conflict,
        target: Item<'a>,
        excluded: Item<'a>,
    ) {
        // Which row is in the way is told by whether one is.
        for element in &conflict.elements {
            self.conflicting(element);
        }
        if let Some(filter) = &conflict.element_filter {
            self.consume(filter, Usage::Predicate);
        }
        if !conflict.updates {
            return;
        }
        if let Some(relation) = target.relation {
            self.facts.relation(Verb::Update, relation, false);
            self.writing(relation, Verb::Update);
        } else {
            self.facts.access(
                Verb::Update,
                crate::Object::Relation {
                    oid: None,
                    schema: "".into(),
                    name: target.name.into(),
                    system: false,
                },
                false,
            );
        }
        if let Some(level) = self.levels.last_mut() {
            level.items.push(excluded);
        }
        self.assignments(&target, &conflict.assignments);
        if let Some(filter) = &conflict.filter {
            self.consume(filter, Usage::Predicate);
        }
        if let Some(level) = self.levels.last_mut() {
            level.items.pop();
        }
    }

    /// RETURNING, in a scope that has the target and what it is joined with.
    pub(super) fn returning(&mut self, returning: Option<&'a Returning>) -> Rows {
        let Some(returning) = returning else {
            return Rows::default();
        };
        let mut versions = Vec::new();
        if let Some(level) = self.levels.last()
            && let Some(target) = level.items.iter().find(|item| item.bare)
        {
            for (given, usual) in [(&returning.old, "old"), (&returning.new, "new")] {
                let name = given.as_deref().unwrap_or(usual);
                let taken = level.items.iter().any(|item| item.name == name);
                if !taken {
                    versions.push(Item {
                        name,
                        bare: false,
                        ..copy(target)
                    });
                }
            }
        }
        if let Some(level) = self.levels.last_mut() {
            level.items.extend(versions);
        }
        self.targets(&returning.targets)
    }

    #[inline(never)]
    pub(super) fn update(&mut self, update: &'a Update) -> Rows {
        let framed = self.enter_with(update.with.as_ref());
        let item = self.write_target(&update.target, Verb::Update);
        let rows = self.change(
            item,
            &update.from,
            update.filter.as_ref(),
            &update.assignments,
            update.returning.as_ref(),
        );
        self.leave_with(framed);
        rows
    }

    #[inline(never)]
    pub(super) fn delete(&mut self, delete: &'a Delete) -> Rows {
        let framed = self.enter_with(delete.with.as_ref());
        let item = self.write_target(&delete.target, Verb::Delete);
        let rows = self.change(
            item,
            &delete.using,
            delete.filter.as_ref(),
            &[],
            delete.returning.as_ref(),
        );
        self.leave_with(framed);
        rows
    }

    pub(super) fn change(
        &mut self,
        item: Item<'a>,
        from: &'a [From],
        filter: Option<&'a Expr>,
        assignments: &'a [Assignment],
        returning: Option<&'a Returning>,
    ) -> Rows {
        let target = copy(&item);
        self.levels.push(Level {
            width: item.columns.len(),
            items: vec![item],
            ..Level::default()
        });
        for item in from {
            self.item_of(item);
        }
        match filter {
            Some(filter) => {
                self.facts.has_where &= !is_trivial(filter);
                self.filter(filter);
            }
            None => self.facts.has_where = false,
        }
        self.assignments(&target, assignments);
        let rows = self.returning(returning);
        self.levels.pop();
        rows
    }

    #[inline(never)]
    pub(super) fn merge(&mut self, merge: &'a Merge) -> Rows {
        let framed = self.enter_with(merge.with.as_ref());
        self.facts.raise(Effect::Write);
        self.levels.push(Level::default());
        self.item_of(&merge.source);
        let mut verbs = Vec::new();
        for branch in &merge.branches {
            match branch.action {
                MergeAction::Insert(..) => verbs.push(Verb::Insert),
                MergeAction::Update(_) => verbs.push(Verb::Update),
                MergeAction::Delete => verbs.push(Verb::Delete),
                MergeAction::Nothing => {}
            }
        }
        let first = verbs.first().copied().unwrap_or(Verb::Read);
        let item = if first == Verb::Read {
            self.relation_item(&merge.target, Verb::Read)
        } else {
            self.write_target(&merge.target, first)
        };
        for verb in verbs.into_iter().skip(1) {
            if let Some(relation) = self.touch(verb, &merge.target) {
                self.writing(relation, verb);
            }
        }
        let target = copy(&item);
        if let Some(level) = self.levels.last_mut() {
            level.items.push(item);
        }
        self.consume(&merge.on, Usage::Join);
        for branch in &merge.branches {
            if let Some(condition) = &branch.condition {
                self.consume(condition, Usage::Predicate);
            }
            match &branch.action {
                MergeAction::Insert(columns, values) => {
                    if columns.is_empty() {
                        for column in target.columns.iter().take(values.len()) {
                            self.written(column, None, Verb::Insert);
                        }
                    }
                    for column in columns {
                        self.assigned(&target, column, None, Verb::Insert);
                    }
                    for value in values {
                        self.feed(value);
                    }
                    self.left_out(&target.columns);
                }
                MergeAction::Update(assignments) => {
                    for assignment in assignments {
                        if let Some(value) = &assignment.value {
                            self.feed(value);
                        }
                        self.assigned(&target, &assignment.target, None, Verb::Update);
                    }
                }
                MergeAction::Delete | MergeAction::Nothing => {}
            }
        }
        let rows = match &merge.returning {
            Some(returning) => {
                let versions = [(&returning.old, "old"), (&returning.new, "new")];
                for (given, usual) in versions {
                    let name = given.as_deref().unwrap_or(usual);
                    let version = Item {
                        name,
                        bare: false,
                        ..copy(&target)
                    };
                    if let Some(level) = self.levels.last_mut()
                        && level.items.iter().all(|item| item.name != name)
                    {
                        level.items.push(version);
                    }
                }
                self.targets(&returning.targets)
            }
            None => Rows::default(),
        };
        self.levels.pop();
        self.leave_with(framed);
        rows
    }
}

fn copy<'a>(item: &Item<'a>) -> Item<'a> {
    Item {
        name: item.name,
        schema: item.schema,
        relation: item.relation,
        columns: item.columns.clone(),
        named: item.named,
        bare: item.bare,
        open: item.open,
        lockable: item.lockable,
    }
}

/// Whether a condition may be the same for every row: it holds neither column nor subselect, or holds for every
/// row that has no NULL in it.
fn is_trivial(expr: &Expr) -> bool {
    match expr {
        Expr::Null
        | Expr::Text(_)
        | Expr::Number(_)
        | Expr::Bool(_)
        | Expr::Param(_)
        | Expr::Default => true,
        Expr::Junction(junction) if junction.and => junction.terms.iter().all(is_trivial),
        Expr::Junction(junction) => junction.terms.iter().any(is_trivial),
        Expr::Not(term) | Expr::NullTest(term) => is_trivial(term),
        Expr::Op(op) => match op.operands.as_slice() {
            [Expr::Column(left), Expr::Column(right)] => left.path == right.path,
            operands => operands.iter().all(is_trivial),
        },
        Expr::Cast(cast) => is_trivial(&cast.arg),
        Expr::Compute(compute) => compute.operands.iter().all(is_trivial),
        Expr::Call(call) => call.args.iter().all(is_trivial),
        Expr::Part(part) => is_trivial(&part.arg),
        Expr::Column(_) | Expr::Sub(_) | Expr::CurrentOf | Expr::Opaque(_) => false,
    }
}
