//! What is found out about one statement.

use std::cell::Cell;
use std::hash::Hash;
use std::sync::Arc;

use foldhash::HashSet;

use super::lineage::Lineage;
use super::references::References;
use crate::catalog::Relation;
use crate::{
    Access, Catalog, ColumnId, ColumnUse, Effect, FunctionUse, Given, Object, Oid, OpaqueReason,
    RowOrder, SetChange, Tells, Usage, Verb,
};

#[derive(Debug)]
pub(crate) struct Facts {
    uses: Vec<(ColumnId, Usage, Tells)>,
    seen: HashSet<(ColumnId, Usage, Tells)>,
    given: Unique<Given>,
    written: HashSet<ColumnId>,
    unresolved: Unique<ColumnUse>,
    functions: Unique<FunctionUse>,
    touched: Unique<Touched>,
    /// Those of the list above that the statement names.
    named: HashSet<Touched>,
    /// What is touched now is not named by the statement.
    pub(crate) indirect: bool,
    opaque: Unique<OpaqueReason>,
    pub(crate) settings: Vec<SetChange>,
    fingerprint: Unique<(Oid, u32)>,
    pub(crate) effect: Effect,
    pub(crate) has_where: bool,
    pub(crate) complete: bool,
    /// Columns are gathered here instead, while the output of a view is read.
    capture: Option<Unique<ColumnId>>,
    /// Whether the value of a constant was looked at.
    pub(crate) constants_read: Cell<bool>,
    /// What is read now decides which rows count.
    pub(crate) deciding: bool,
    /// Rows come in the order of their sort keys and chance.
    pub(crate) by_chance: bool,
    /// What the rows are depends on the order in which the server comes by others.
    pub(crate) order_within: bool,
    /// References are gathered here, when somebody asks for them.
    pub(crate) references: Option<Box<References>>,
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            uses: Vec::new(),
            seen: HashSet::default(),
            given: Unique::default(),
            written: HashSet::default(),
            unresolved: Unique::default(),
            functions: Unique::default(),
            touched: Unique::default(),
            named: HashSet::default(),
            indirect: false,
            opaque: Unique::default(),
            settings: Vec::new(),
            fingerprint: Unique::default(),
            effect: Effect::ReadOnly,
            has_where: true,
            complete: true,
            capture: None,
            constants_read: Cell::new(false),
            deciding: false,
            by_chance: false,
            order_within: false,
            references: None,
        }
    }
}

/// A list without repetitions, in the order of first mention. A text may name very many different things.
#[derive(Debug)]
pub(crate) struct Unique<T> {
    list: Vec<T>,
    /// Kept once the list is no longer short.
    seen: HashSet<T>,
}

const SHORT: usize = 16;

impl<T> Default for Unique<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            seen: HashSet::default(),
        }
    }
}

impl<T: Clone + Eq + Hash> Unique<T> {
    fn push(&mut self, item: T) {
        if self.list.len() < SHORT {
            if !self.list.contains(&item) {
                self.list.push(item);
            }
            return;
        }
        if self.seen.is_empty() {
            self.seen.extend(self.list.iter().cloned());
        }
        if self.seen.insert(item.clone()) {
            self.list.push(item);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<T> {
        self.seen.clear();
        std::mem::take(&mut self.list)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.list.iter()
    }
}

/// What the statement does to which object; the flag tells that it is named.
type Touched = (Verb, Object);

impl Facts {
    pub(crate) fn column(&mut self, column: ColumnId, usage: Usage) {
        self.column_telling(column, usage, Tells::Anything);
    }

    pub(crate) fn column_telling(&mut self, column: ColumnId, usage: Usage, tells: Tells) {
        if let Some(capture) = &mut self.capture {
            capture.push(column);
            return;
        }
        if usage == Usage::Written {
            self.written.insert(column);
        }
        if self.seen.insert((column, usage, tells.clone())) {
            self.uses.push((column, usage, tells));
        }
    }

    /// Records a use of whatever a column of a scope consists of.
    pub(crate) fn lineage(&mut self, lineage: &Lineage, usage: Usage) {
        self.telling(lineage, usage, &Tells::Anything);
    }

    /// Records a use that tells no more than this of the values that it has unchanged.
    pub(crate) fn telling(&mut self, lineage: &Lineage, usage: Usage, tells: &Tells) {
        if let (Some(references), None) = (&mut self.references, &self.capture) {
            references.used(lineage, usage, tells, self.deciding);
        }
        for column in lineage.values() {
            self.column_telling(column, usage, tells.clone());
        }
        for column in lineage.through.iter().flat_map(|list| list.iter()) {
            self.column_telling(*column, usage, tells.clone());
        }
        let computed = match usage {
            Usage::Projected => Usage::Expression,
            usage => usage,
        };
        for column in lineage.derived.iter().flat_map(|list| list.iter()) {
            self.column(*column, computed);
        }
    }

    /// A constant or parameter in the place of a value.
    pub(crate) fn given(&mut self, given: Given) {
        self.given.push(given);
    }

    pub(crate) fn take_given(&mut self) -> Vec<Given> {
        self.given.take()
    }

    pub(crate) fn unresolved(&mut self, schema: &str, relation: &str, name: &str) {
        self.unresolved.push(ColumnUse {
            column: ColumnId::UNRESOLVED,
            schema: schema.into(),
            relation: relation.into(),
            name: name.into(),
            usage: Usage::Unresolved,
            tells: Tells::Anything,
        });
    }

    /// Gathers the columns that `work` uses instead of recording them.
    pub(crate) fn start_capture(&mut self) -> Option<Unique<ColumnId>> {
        self.capture.replace(Unique::default())
    }

    /// Records columns at once until the capture that is given back is resumed.
    pub(crate) fn pause_capture(&mut self) -> Option<Unique<ColumnId>> {
        self.capture.take()
    }

    pub(crate) fn end_capture(&mut self, outer: Option<Unique<ColumnId>>) -> Vec<ColumnId> {
        std::mem::replace(&mut self.capture, outer)
            .map(|mut columns| columns.take())
            .unwrap_or_default()
    }

    pub(crate) fn function(&mut self, function: FunctionUse) {
        if matches!(function, FunctionUse::Unlisted { .. }) {
            self.raise(Effect::Unknown);
        }
        self.functions.push(function);
    }

    pub(crate) fn opaque(&mut self, reason: OpaqueReason) {
        self.raise(Effect::Unknown);
        self.opaque.push(reason);
    }

    pub(crate) fn missing(&mut self, class: &'static str, name: impl Into<String>) {
        self.complete = false;
        self.opaque(OpaqueReason::Unresolved {
            class,
            name: name.into(),
        });
    }

    pub(crate) fn raise(&mut self, effect: Effect) {
        self.effect = self.effect.max(effect);
    }

    pub(crate) fn access(&mut self, verb: Verb, object: Object, indirect: bool) {
        let touched = (verb, object);
        if !indirect && !self.indirect {
            self.named.insert(touched.clone());
        }
        self.touched.push(touched);
    }

    pub(crate) fn relation(&mut self, verb: Verb, relation: &Relation, indirect: bool) {
        self.depends_on((relation.oid, relation.xmin));
        self.access(verb, object(relation), indirect);
    }

    pub(crate) fn depends_on(&mut self, version: (Oid, u32)) {
        self.fingerprint.push(version);
    }

    pub(crate) fn touched(&self) -> impl Iterator<Item = Access> + '_ {
        self.touched.iter().map(|touched| Access {
            verb: touched.0,
            object: touched.1.clone(),
            indirect: !self.named.contains(touched),
        })
    }

    pub(crate) fn order(&self) -> RowOrder {
        match (self.order_within, self.by_chance) {
            (true, _) => RowOrder::PlanWithin,
            (false, false) => RowOrder::Plan,
            (false, true) => RowOrder::Chance,
        }
    }

    pub(crate) fn take_functions(&mut self) -> Vec<FunctionUse> {
        self.functions.take()
    }

    pub(crate) fn take_opaque(&mut self) -> Vec<OpaqueReason> {
        self.opaque.take()
    }

    pub(crate) fn take_fingerprint(&mut self) -> Vec<(Oid, u32)> {
        self.fingerprint.take()
    }

    pub(crate) fn is_written(&self, column: ColumnId) -> bool {
        self.written.contains(&column)
    }

    /// All columns used.
    pub(crate) fn used(&self) -> impl Iterator<Item = ColumnId> + '_ {
        self.uses.iter().map(|(column, ..)| *column)
    }

    /// Columns used in a way that computes with them.
    pub(crate) fn computed(&self) -> impl Iterator<Item = ColumnId> + '_ {
        self.uses
            .iter()
            .filter(|(_, usage, _)| *usage != Usage::Projected)
            .map(|(column, ..)| *column)
    }

    /// EXPLAIN shows what it explains, not rows: nothing is projected as it is.
    pub(crate) fn explain(&mut self) {
        self.replace_projected(Usage::Expression);
    }

    /// What is read goes into a new relation, not to the client.
    pub(crate) fn stored(&mut self) {
        self.replace_projected(Usage::WrittenFrom);
    }

    fn replace_projected(&mut self, by: Usage) {
        self.seen.clear();
        for (column, usage, tells) in std::mem::take(&mut self.uses) {
            let usage = if usage == Usage::Projected { by } else { usage };
            self.column_telling(column, usage, tells);
        }
    }

    /// The uses with the columns' names.
    pub(crate) fn columns(&mut self, catalog: &Catalog) -> Vec<ColumnUse> {
        let mut columns = Vec::with_capacity(self.uses.len());
        let mut last: Option<&Relation> = None;
        for (column, usage, tells) in self.uses.drain(..) {
            if last.is_none_or(|relation| relation.oid != column.relation) {
                last = catalog.relation_by_oid(column.relation);
            }
            let empty = || Arc::from("");
            let name = last.and_then(|relation| relation.column_by_attribute(column.attribute));
            columns.push(ColumnUse {
                column,
                schema: last.map_or_else(empty, |relation| Arc::clone(&relation.schema)),
                relation: last.map_or_else(empty, |relation| Arc::clone(&relation.name)),
                name: match name {
                    Some(column) => Arc::clone(&column.name),
                    None => last
                        .and_then(|relation| relation.attribute_name(column.attribute))
                        .unwrap_or_default()
                        .into(),
                },
                usage,
                tells,
            });
        }
        columns.append(&mut self.unresolved.take());
        columns
    }
}

fn object(relation: &Relation) -> Object {
    Object::Relation {
        oid: Some(relation.oid),
        schema: Arc::clone(&relation.schema),
        name: Arc::clone(&relation.name),
        system: Catalog::is_system_schema(&relation.schema),
    }
}
