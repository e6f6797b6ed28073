//! FROM: what it brings into scope.

use std::sync::Arc;

use super::outputs::rename;
use super::{Item, Lineage, Resolver, Rows, ScopeColumn, Ty};
use crate::ast::{Alias, ColumnsFrom, From, SubFrom, Table};
use crate::catalog::{CTID, CodeOrigin, Relation, RelationKind};
use crate::{Catalog, ColumnId, Effect, Object, Usage, Verb};

/// What a relation's name means.
pub(crate) enum Meant<'a> {
    Relation(&'a Relation),
    /// An earlier statement of the same text makes or changes it; what the catalog has of it, if anything.
    Pending(Option<&'a Relation>),
    Missing,
}

impl<'a> Resolver<'a> {
    pub(crate) fn find(&self, table: &Table) -> Meant<'a> {
        if table
            .database
            .as_deref()
            .is_some_and(|database| *database != *self.catalog.database())
        {
            return Meant::Missing;
        }
        let found = match &table.schema {
            Some(schema) => self
                .catalog
                .relation(self.search.schema(schema), &table.name),
            None => self
                .search
                .relations
                .iter()
                .find_map(|schema| self.catalog.relation(schema, &table.name)),
        };
        if self.pending_schema(table).is_some() {
            return Meant::Pending(found);
        }
        match found {
            Some(relation) => Meant::Relation(relation),
            None => Meant::Missing,
        }
    }

    pub(super) fn pending_schema(&self, table: &Table) -> Option<&'a str> {
        let schema = table
            .schema
            .as_deref()
            .map(|schema| self.search.schema(schema));
        self.pending.schema_of(schema, &table.name)
    }

    /// A relation that a statement does something to. `None` when it is not in the catalog.
    pub(crate) fn touch(&mut self, verb: Verb, table: &Table) -> Option<&'a Relation> {
        match self.find(table) {
            Meant::Relation(relation) => {
                self.facts.relation(verb, relation, false);
                Some(relation)
            }
            Meant::Pending(Some(relation)) => {
                self.facts.relation(verb, relation, false);
                None
            }
            Meant::Pending(None) => {
                let schema = self.pending_schema(table).unwrap_or_default();
                self.facts.access(verb, absent(schema, &table.name), false);
                None
            }
            Meant::Missing => {
                self.facts.missing("relation", written(table));
                let schema = table.schema.as_deref().unwrap_or_default();
                self.facts.access(verb, absent(schema, &table.name), false);
                None
            }
        }
    }

    pub(super) fn item_of(&mut self, from: &'a From) {
        self.deeper((), |this| this.item_here(from));
    }

    #[inline(never)]
    pub(super) fn item_here(&mut self, from: &'a From) {
        match from {
            From::Table(table) => self.table(table),
            From::Sub(sub) => self.sub_from(sub),
            From::Function(function) => self.function_from(function),
            From::Columns(columns) => self.columns_from(columns),
            From::Join(join) => self.join(join),
            From::Sample(sample) => {
                self.item_of(&sample.inner);
                self.chosen_by_place();
                self.consume_all(&sample.args, Usage::Expression);
                let own = match sample.method.as_slice() {
                    [name] | [_, name] => matches!(&**name, "bernoulli" | "system"),
                    _ => false,
                };
                if !own {
                    self.unlisted(None, &sample.method.join("."), true);
                }
            }
            From::Opaque(what) => {
                self.construct(what);
                self.push_rows(
                    None,
                    Rows {
                        columns: Vec::new(),
                        open: true,
                    },
                );
            }
        }
    }

    /// A sample takes rows by where they lie, as a condition on `ctid` does.
    fn chosen_by_place(&mut self) {
        let last = self.level().and_then(|level| level.items.last());
        if let Some(relation) = last.and_then(|item| item.relation) {
            let place = ColumnId {
                relation: relation.oid,
                attribute: CTID,
            };
            self.facts.column(place, Usage::Predicate);
        }
    }

    pub(super) fn push(&mut self, item: Item<'a>) {
        let width = item.columns.len();
        if !self.spend(width.saturating_mul(8)) {
            return;
        }
        if let Some(level) = self.level() {
            level.width += width;
            level.items.push(item);
        }
    }

    /// Rows under an alias; without one they have no name.
    pub(super) fn push_rows(&mut self, alias: Option<&'a Alias>, rows: Rows) {
        let rows = match alias {
            Some(alias) => rename(rows, &alias.columns),
            None => rows,
        };
        self.push(Item {
            name: alias.map_or("", |alias| &alias.name),
            schema: None,
            relation: None,
            columns: rows.columns,
            named: alias.is_some(),
            bare: true,
            open: rows.open,
            lockable: false,
        });
    }

    pub(super) fn table(&mut self, table: &'a Table) {
        if table.schema.is_none()
            && table.database.is_none()
            && let Some(rows) = self.cte(&table.name)
        {
            let rows = match &table.alias {
                Some(alias) => rename(rows, &alias.columns),
                None => rows,
            };
            self.push(Item {
                name: table
                    .alias
                    .as_ref()
                    .map_or(&table.name, |alias| &alias.name),
                schema: None,
                relation: None,
                columns: rows.columns,
                named: true,
                bare: true,
                open: rows.open,
                lockable: false,
            });
            return;
        }
        let item = self.relation_item(table, Verb::Read);
        self.push(item);
    }

    /// A relation as a FROM item or as the target of a write.
    pub(super) fn relation_item(&mut self, table: &'a Table, verb: Verb) -> Item<'a> {
        let meant = self.find(table);
        self.touch(verb, table);
        let name = table
            .alias
            .as_ref()
            .map_or(&*table.name, |alias| &alias.name);
        let mut item = Item {
            name,
            schema: None,
            relation: None,
            columns: Vec::new(),
            named: true,
            bare: true,
            open: true,
            lockable: true,
        };
        match meant {
            Meant::Relation(relation) => {
                item.relation = Some(relation);
                item.schema = table.alias.is_none().then_some(&*relation.schema);
                item.open = false;
                item.columns = self.relation_columns(relation);
                self.reading(relation);
            }
            Meant::Pending(Some(relation)) => {
                // What the catalog has may still be there, under this or another name.
                item.columns = self.relation_columns(relation);
                for column in &mut item.columns {
                    column.lineage = Lineage::derived(column.lineage.columns().collect());
                    column.ty = Ty::Other;
                }
                self.reading(relation);
                self.unresolved(&relation.schema, &relation.name, "*");
            }
            Meant::Pending(None) => {
                let schema = self.pending_schema(table).unwrap_or_default();
                self.unresolved(schema, &table.name, "*");
            }
            Meant::Missing => {}
        }
        if let Some(alias) = &table.alias {
            for (column, name) in item.columns.iter_mut().zip(&alias.columns) {
                column.name = Arc::from(&**name);
            }
        }
        item
    }

    /// Code and effects that reading a relation brings with it.
    pub(super) fn reading(&mut self, relation: &'a Relation) {
        match relation.kind {
            RelationKind::Foreign => self.facts.raise(Effect::Volatile),
            RelationKind::Unknown => self.construct("a relation of unknown kind"),
            kind if !kind.is_readable() => self.construct("reading what has no rows"),
            _ => {}
        }
        self.policies(relation, b"r");
        for code in &relation.user_code {
            let runs = match code.origin {
                CodeOrigin::Policy => relation.row_security.enabled,
                CodeOrigin::Unknown => true,
                CodeOrigin::Default
                | CodeOrigin::Constraint
                | CodeOrigin::Index
                | CodeOrigin::Partition
                | CodeOrigin::Statistics
                | CodeOrigin::Trigger
                | CodeOrigin::Type => false,
            };
            if runs {
                self.unlisted(Some(&code.schema), &code.name, true);
            }
        }
    }

    pub(super) fn sub_from(&mut self, sub: &'a SubFrom) {
        let was = self
            .level()
            .map(|level| std::mem::replace(&mut level.hidden, !sub.lateral));
        let depth = self.levels.len();
        let rows = self.query(&sub.query);
        debug_assert_eq!(depth, self.levels.len());
        if let (Some(level), Some(was)) = (self.level(), was) {
            level.hidden = was;
        }
        self.push_rows(sub.alias.as_ref(), rows);
    }

    pub(super) fn columns_from(&mut self, from: &'a ColumnsFrom) {
        let clean = self.consume_all(&from.operands, Usage::Expression);
        for ty in &from.types {
            self.type_named(ty, Ty::Other);
        }
        let rows = Rows {
            columns: from
                .columns
                .iter()
                .map(|name| ScopeColumn {
                    name: Arc::from(&**name),
                    lineage: Lineage::computed(clean),
                    ty: Ty::Other,
                })
                .collect(),
            open: false,
        };
        let rows = match &from.alias {
            Some(alias) => rename(rows, &alias.columns),
            None => rows,
        };
        self.push(Item {
            name: from
                .alias
                .as_ref()
                .map_or(from.default_name, |alias| &alias.name),
            schema: None,
            relation: None,
            columns: rows.columns,
            named: true,
            bare: true,
            open: false,
            lockable: false,
        });
    }
}

fn written(table: &Table) -> String {
    match &table.schema {
        Some(schema) => format!("{schema}.{}", table.name),
        None => table.name.to_string(),
    }
}

/// A relation that is not in the catalog.
fn absent(schema: &str, name: &str) -> Object {
    Object::Relation {
        oid: None,
        schema: schema.into(),
        name: name.into(),
        system: Catalog::is_system_schema(schema),
    }
}
