//! What a column reference means.

use std::sync::Arc;

use super::{Item, Lineage, Resolver, ScopeColumn, Ty};
use crate::ast::Column;
use crate::catalog::{Relation, SYSTEM_COLUMNS};
use crate::listed;
use crate::{Catalog, ColumnId, OpaqueReason, Usage};

/// What a column reference means.
pub(super) enum Named<'a> {
    Column(ScopeColumn),
    /// A whole row.
    Row(Row<'a>),
    /// Something computed; what it is made of is recorded.
    Computed,
}

/// A whole row.
pub(super) struct Row<'a> {
    pub(super) columns: Vec<ScopeColumn>,
    pub(super) relation: Option<&'a Relation>,
    pub(super) open: bool,
}

impl Row<'_> {
    pub(super) fn ty(&self) -> Ty {
        match self.relation {
            Some(relation) if relation.row_type != 0 => Ty::Known(relation.row_type, -1),
            _ => Ty::Other,
        }
    }
}

/// Where a qualified name was found.
struct Place {
    level: usize,
    item: usize,
}

impl<'a> Resolver<'a> {
    pub(super) fn column(&mut self, column: &Column) -> Named<'a> {
        let mut named = self.meaning(column);
        if let Named::Column(found) = &mut named {
            let outer = self.facts.references.is_some() && self.is_outer(&column.path);
            // Stored definitions are other texts.
            found.lineage.at = match (&mut self.facts.references, column.place) {
                (Some(references), Some(place)) if self.views.is_empty() => {
                    references.reference(place, &column.path, found.ty, outer);
                    Some(place)
                }
                _ => None,
            };
        }
        named
    }

    /// Whether a name is one of a query around the innermost.
    fn is_outer(&self, path: &[Box<str>]) -> bool {
        match path {
            [name] => !self.local(name),
            [rest @ .., _] => {
                let parts: Vec<&str> = rest.iter().map(|part| &**part).collect();
                let place = self.place_of(&parts);
                place.is_none_or(|place| place.level + 1 != self.levels.len())
            }
            [] => true,
        }
    }

    fn meaning(&mut self, column: &Column) -> Named<'a> {
        let parts: Vec<&str> = column.path.iter().map(|part| &**part).collect();
        let shown = self
            .levels
            .iter()
            .map(|level| level.width + level.items.len())
            .sum();
        if !self.spend(shown) {
            return Named::Computed;
        }
        if column.star {
            return match self.place_of(&parts) {
                Some(place) => Named::Row(self.row(&place)),
                None => self.unknown(&parts),
            };
        }
        match parts.as_slice() {
            [name] => self.bare(name),
            [rest @ .., name] if rest.len() <= 3 => match self.place_of(rest) {
                Some(place) => self.field_of_item(&place, name),
                None => self.unknown(&parts),
            },
            _ => self.unknown(&parts),
        }
    }

    fn unknown(&mut self, parts: &[&str]) -> Named<'a> {
        self.facts.missing("column", parts.join("."));
        Named::Computed
    }

    /// A FROM item by `alias`, `schema.relation` or `database.schema.relation`, in the innermost query that has it.
    fn place_of(&self, parts: &[&str]) -> Option<Place> {
        let (schema, name) = match parts {
            [name] => (None, *name),
            [schema, name] => (Some(*schema), *name),
            [database, schema, name] if *database == self.catalog.database() => {
                (Some(*schema), *name)
            }
            _ => return None,
        };
        let schema = schema.map(|schema| self.search.schema(schema));
        for (level_place, level) in self.levels.iter().enumerate().rev() {
            if level.hidden {
                continue;
            }
            for (item_place, item) in level.items.iter().enumerate().skip(level.start) {
                let meant = match schema {
                    None => item.name == name,
                    Some(schema) => item.schema == Some(schema) && item.name == name,
                };
                if item.named && meant {
                    return Some(Place {
                        level: level_place,
                        item: item_place,
                    });
                }
            }
        }
        None
    }

    fn item(&self, place: &Place) -> Option<&Item<'a>> {
        self.levels.get(place.level)?.items.get(place.item)
    }

    fn row(&self, place: &Place) -> Row<'a> {
        match self.item(place) {
            Some(item) => Row {
                columns: item.columns.clone(),
                relation: item.relation,
                open: item.open,
            },
            None => Row {
                columns: Vec::new(),
                relation: None,
                open: true,
            },
        }
    }

    fn field_of_item(&mut self, place: &Place, name: &str) -> Named<'a> {
        let Some(item) = self.item(place) else {
            return Named::Computed;
        };
        let mut matching = item.columns.iter().filter(|column| *column.name == *name);
        if let Some(found) = matching.next() {
            if matching.next().is_some() {
                self.facts.opaque(OpaqueReason::Ambiguous(name.into()));
                return Named::Computed;
            }
            return Named::Column(found.clone());
        }
        if let Some(column) = system_column(item, name) {
            return Named::Column(column);
        }
        if item.open {
            let relation = item.name;
            self.unresolved("", relation, name);
            return Named::Computed;
        }
        let row = self.row(place);
        self.field_function(&row, name)
    }

    /// `c.f` where `c` has no column `f`: the function `f` of the row `c`, if there is one.
    pub(super) fn field_function(&mut self, row: &Row<'a>, name: &str) -> Named<'a> {
        let known = self.catalog.functions_named(name).next().is_some()
            || listed::function("pg_catalog", name).is_some()
            || self.pending.has_definition(name);
        if !known {
            self.facts.missing("column", name);
            return Named::Computed;
        }
        self.whole_row(row);
        self.call(&[name.into()], &[row.ty()], false);
        Named::Computed
    }

    pub(super) fn whole_row(&mut self, row: &Row<'a>) {
        for column in &row.columns {
            self.facts.lineage(&column.lineage, Usage::WholeRow);
        }
    }

    fn bare(&mut self, name: &str) -> Named<'a> {
        // An item whose columns are not all known may have it, too.
        let mut open_item = None;
        for level in self.levels.iter().rev() {
            if level.hidden {
                continue;
            }
            let visible = || {
                level
                    .items
                    .iter()
                    .skip(level.start)
                    .filter(|item| item.bare)
            };
            let mut matching = visible()
                .flat_map(|item| item.columns.iter())
                .filter(|column| *column.name == *name);
            let found = matching.next();
            if found.is_some() && matching.next().is_some() {
                self.facts.opaque(OpaqueReason::Ambiguous(name.into()));
                return Named::Computed;
            }
            let found = match found {
                Some(column) => Some(column.clone()),
                None => visible().find_map(|item| system_column(item, name)),
            };
            match found {
                Some(column) if open_item.is_none() => return Named::Column(column),
                Some(mut column) => {
                    column.lineage = Lineage::derived(column.lineage.columns().collect());
                    self.facts
                        .unresolved("", open_item.unwrap_or_default(), name);
                    return Named::Column(column);
                }
                None => {
                    open_item = open_item
                        .or_else(|| visible().find(|item| item.open).map(|item| item.name));
                }
            }
        }
        if let Some(place) = self.place_of(&[name]) {
            return Named::Row(self.row(&place));
        }
        match open_item {
            Some(item) => {
                self.unresolved("", item, name);
                Named::Computed
            }
            None => self.unknown(&[name]),
        }
    }

    /// A column of the innermost query's own FROM clause, as GROUP BY prefers it.
    pub(super) fn local(&self, name: &str) -> bool {
        self.levels.last().is_some_and(|level| {
            level
                .items
                .iter()
                .filter(|item| item.bare)
                .any(|item| item.columns.iter().any(|column| *column.name == *name))
        })
    }

    /// The columns of a relation, as a FROM item has them.
    pub(crate) fn relation_columns(&mut self, relation: &'a Relation) -> Vec<ScopeColumn> {
        if Catalog::is_system_schema(&relation.schema) {
            return self.system_columns(relation);
        }
        for column in &relation.columns {
            self.see_type(column.type_oid);
        }
        if let Some(columns) = self.view_columns(relation) {
            return columns;
        }
        relation
            .columns
            .iter()
            .map(|column| ScopeColumn {
                name: Arc::clone(&column.name),
                lineage: Lineage::column(ColumnId {
                    relation: relation.oid,
                    attribute: column.attribute,
                }),
                ty: Ty::Known(column.type_oid, column.typmod),
            })
            .collect()
    }

    fn system_columns(&mut self, relation: &'a Relation) -> Vec<ScopeColumn> {
        if listed::relation(&relation.schema, &relation.name).is_none() {
            self.facts.opaque(OpaqueReason::SystemRelation {
                schema: Arc::clone(&relation.schema),
                name: Arc::clone(&relation.name),
            });
        }
        relation
            .columns
            .iter()
            .map(|column| ScopeColumn {
                name: Arc::clone(&column.name),
                lineage: Lineage::column(ColumnId {
                    relation: relation.oid,
                    attribute: column.attribute,
                }),
                ty: Ty::Known(column.type_oid, column.typmod),
            })
            .collect()
    }

    /// After all uses are known: those of system columns that may hold values of rows.
    pub(crate) fn check_system_columns(&mut self) {
        let mut refused = Vec::new();
        for column in self.facts.used() {
            let Some(relation) = self.catalog.relation_by_oid(column.relation) else {
                continue;
            };
            if !Catalog::is_system_schema(&relation.schema) {
                continue;
            }
            let Some(allowed) = listed::relation(&relation.schema, &relation.name) else {
                continue;
            };
            if let Some(name) = relation.attribute_name(column.attribute)
                && !allowed.allows(name)
            {
                refused.push(OpaqueReason::SystemColumn {
                    schema: Arc::clone(&relation.schema),
                    relation: Arc::clone(&relation.name),
                    name: name.into(),
                });
            }
        }
        for reason in refused {
            self.facts.opaque(reason);
        }
    }
}

fn system_column(item: &Item<'_>, name: &str) -> Option<ScopeColumn> {
    let relation = item.relation?;
    if !relation.kind.has_system_columns() {
        return None;
    }
    let column = SYSTEM_COLUMNS.iter().find(|column| column.name == name)?;
    Some(ScopeColumn {
        name: column.name.into(),
        lineage: Lineage::column(ColumnId {
            relation: relation.oid,
            attribute: column.attribute,
        }),
        ty: Ty::Known(column.type_oid, -1),
    })
}
