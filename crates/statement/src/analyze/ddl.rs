//! Statements that change the catalog, or maintain what is in it.

use super::{Draft, Effects, Reader};
use crate::ast::{Ddl, DdlStep, Table};
use crate::resolve::{Resolver, Ty};
use crate::{ColumnId, Effect, Kind, Usage, Verb};

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
                effects.relations.push((schema, (&*table.name).into()));
            }
            DdlStep::Object(verb, object) => resolver.facts.access(*verb, object.clone(), false),
            DdlStep::Defines(name) => effects.definitions.push(name.to_string()),
            DdlStep::Stores(None, exprs) => resolver.over_relation(None, exprs, Usage::WrittenFrom),
            DdlStep::Stores(Some(table), exprs) => {
                let relation = self.known(resolver, table);
                resolver.over_relation(relation, exprs, Usage::WrittenFrom);
            }
            DdlStep::Columns(table, names, usage) => {
                let Some(relation) = self.known(resolver, table) else {
                    return;
                };
                for column in &relation.columns {
                    if names.is_empty() && *usage == Usage::Join
                        || names.iter().any(|name| **name == *column.name)
                    {
                        resolver.facts.column(
                            ColumnId {
                                relation: relation.oid,
                                attribute: column.attribute,
                            },
                            *usage,
                        );
                    }
                }
            }
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
