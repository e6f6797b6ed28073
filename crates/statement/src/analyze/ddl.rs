//! Statements that change the catalog, or maintain what is in it.

use super::{Draft, Effects, Reader};
use crate::ast::{Ddl, DdlStep, Table};
use crate::resolve::{Resolver, Ty};
use crate::{Catalog, Effect, Kind, Object, OpaqueReason, Usage, Verb, listed};

fn is_system(schema: &str) -> bool {
    Catalog::is_system_schema(schema)
}

impl<'a> Reader<'a> {
    pub(super) fn ddl(
        &self,
        resolver: &mut Resolver<'a>,
        ddl: &'a Ddl,
        effects: &mut Effects,
    ) -> Draft {
        resolver.facts.raise(ddl.effect);
        if ddl.effect == Effect::Definition {
            for trigger in self.scope.catalog.event_triggers() {
                resolver.unlisted(Some(&trigger.function.schema), &trigger.function.name, true);
            }
        }
        for step in &ddl.steps {
            self.step(resolver, step, effects);
        }
        let kind = if ddl.effect == Effect::Definition {
            Kind::Ddl
        } else {
            Kind::Utility
        };
        Draft::plain(ddl.command, kind)
    }

    fn step(&self, resolver: &mut Resolver<'a>, step: &'a DdlStep, effects: &mut Effects) {
        match step {
            DdlStep::Relation(verb, table) => {
                let relation = resolver.touch(*verb, table);
                if let Some(relation) = relation.filter(|_| *verb == Verb::Maintain) {
                    resolver.maintained(relation);
                }
            }
            DdlStep::Creates(table) => self.creates(resolver, table, effects),
            DdlStep::Changes(table) => {
                let schema = match resolver.find(table) {
                    crate::resolve::Meant::Relation(relation)
                    | crate::resolve::Meant::Pending(Some(relation)) => relation.schema.clone(),
                    crate::resolve::Meant::Pending(None) | crate::resolve::Meant::Missing => {
                        table.schema.as_deref().unwrap_or_default().into()
                    }
                };
                if is_system(&schema) {
                    resolver.facts.opaque(OpaqueReason::Construct(
                        "a change of what came with the server",
                    ));
                }
                effects.relations.push((schema, (&*table.name).into()));
            }
            DdlStep::Object(verb, object) => {
                self.system_object(resolver, *verb, object);
                resolver.facts.access(*verb, object.clone(), false);
            }
            DdlStep::Defines(name) => effects.definitions.push(name.to_string()),
            DdlStep::Stores(None, exprs) => resolver.over_relation(None, exprs, Usage::WrittenFrom),
            DdlStep::Stores(Some(table), exprs) => {
                let relation = self.known(resolver, table);
                resolver.over_relation(relation, exprs, Usage::WrittenFrom);
            }
            DdlStep::Columns(table, names, usage) => {
                self.columns(resolver, table, *usage, |column| {
                    names.iter().any(|name| **name == *column.name)
                });
            }
            DdlStep::Key(table, usage) => {
                let Some(relation) = self.known(resolver, table) else {
                    return;
                };
                let key = relation.indexes.iter().find(|index| index.primary);
                self.columns(resolver, table, *usage, |column| {
                    key.is_none_or(|key| key.attributes.contains(&column.attribute))
                });
            }
            DdlStep::Whole(table, usage) => self.columns(resolver, table, *usage, |_| true),
            DdlStep::Query(query) => {
                let rows = resolver.query(query);
                for column in &rows.columns {
                    resolver.facts.lineage(&column.lineage, Usage::WrittenFrom);
                }
            }
            DdlStep::Type(ty) => {
                resolver.type_named(ty, Ty::Literal);
            }
            DdlStep::Opaque(reason) => resolver.facts.opaque(reason.clone()),
        }
    }

    /// Uses columns of a relation; of a view, what they are made of.
    fn columns(
        &self,
        resolver: &mut Resolver<'a>,
        table: &Table,
        usage: Usage,
        meant: impl Fn(&crate::catalog::Column) -> bool,
    ) {
        let Some(relation) = self.known(resolver, table) else {
            return;
        };
        let scope = resolver.relation_columns(relation);
        for (column, scope) in relation.columns.iter().zip(&scope) {
            if meant(column) {
                resolver.facts.lineage(&scope.lineage, usage);
            }
        }
    }

    /// Refuses to look at a change of what came with the server: its names would no longer mean what was reviewed.
    fn system_object(&self, resolver: &mut Resolver<'a>, verb: Verb, object: &Object) {
        let changes = matches!(verb, Verb::Create | Verb::Alter | Verb::Drop);
        let is_system = match object {
            Object::Function { schema, name } if schema.is_empty() => {
                if verb == Verb::Create {
                    self.creates_in_system_schema()
                } else {
                    let mut own = self.scope.catalog.functions_named(name);
                    listed::function("pg_catalog", name).is_some()
                        || !own.any(|own| self.search.finds_functions_in(&own.schema))
                }
            }
            Object::Function { schema, .. } => is_system(self.search.schema(schema)),
            Object::Schema(name) => is_system(name),
            Object::Other { name, .. } => match name.split_once('.') {
                Some((schema, _)) => is_system(schema),
                None => {
                    verb == Verb::Create
                        && self.creates_in_system_schema()
                        && matches!(object, Object::Other { class, .. }
                            if matches!(*class, "aggregate" | "operator" | "type" | "domain"))
                }
            },
            Object::Relation { .. } | Object::Database(_) | Object::Role(_) => false,
        };
        if changes && is_system {
            resolver.facts.opaque(OpaqueReason::Construct(
                "a change of what came with the server",
            ));
        }
    }

    fn creates_in_system_schema(&self) -> bool {
        self.search.creation.as_deref().is_none_or(is_system)
    }

    /// A relation the statement has already touched.
    fn known(
        &self,
        resolver: &mut Resolver<'a>,
        table: &Table,
    ) -> Option<&'a crate::catalog::Relation> {
        match resolver.find(table) {
            crate::resolve::Meant::Relation(relation) => Some(relation),
            crate::resolve::Meant::Pending(_) | crate::resolve::Meant::Missing => None,
        }
    }
}
