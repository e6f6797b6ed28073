//! Relations that come into being.

use std::sync::Arc;

use super::{Draft, Effects, Reader};
use crate::ast::{Table, Tree};
use crate::resolve::Resolver;
use crate::{Effect, Kind, Object, OpaqueReason, Verb};

impl<'a> Reader<'a> {
    /// CREATE TABLE AS and CREATE MATERIALIZED VIEW.
    #[expect(clippy::too_many_arguments, reason = "the parts of the statement")]
    pub(super) fn create_as(
        &self,
        resolver: &mut Resolver<'a>,
        text: &str,
        table: &'a Table,
        materialised: bool,
        inner: &'a Tree,
        effects: &mut Effects,
        complete: &mut bool,
    ) -> Draft {
        let mut ignored = Effects::default();
        let mut draft = match inner {
            Tree::Query(_) | Tree::Execute(_) => {
                self.draft(resolver, text, inner, &mut ignored, complete)
            }
            _ => {
                resolver
                    .facts
                    .opaque(OpaqueReason::Construct("CREATE TABLE AS of this form"));
                Draft::plain("", Kind::Ddl)
            }
        };
        if let Tree::Execute(_) = inner {
            // The server may run it as it was prepared, and reports no origins here.
            resolver
                .facts
                .opaque(OpaqueReason::Construct("CREATE TABLE AS EXECUTE"));
            resolver.facts.stored();
        }
        self.creates(resolver, table, effects);
        resolver.facts.raise(Effect::Definition);
        draft.command = if materialised {
            "CREATE MATERIALIZED VIEW"
        } else {
            "CREATE TABLE AS"
        };
        draft.kind = Kind::Ddl;
        draft.silent = true;
        draft
    }

    /// A relation comes into being.
    pub(super) fn creates(
        &self,
        resolver: &mut Resolver<'a>,
        table: &Table,
        effects: &mut Effects,
    ) {
        let schema = self.created_in(table);
        let name: Arc<str> = Arc::from(&*table.name);
        let object = Object::Relation {
            oid: None,
            system: crate::Catalog::is_system_schema(&schema),
            schema: Arc::clone(&schema),
            name: Arc::clone(&name),
        };
        resolver.facts.access(Verb::Create, object, false);
        effects.relations.push((schema, name));
    }

    /// The schema in which a name is made.
    pub(super) fn created_in(&self, table: &Table) -> Arc<str> {
        match (&table.schema, table.temporary) {
            (Some(schema), _) => self.search.schema(schema).into(),
            (None, true) => self
                .search
                .temp_schema
                .as_deref()
                .unwrap_or("pg_temp")
                .into(),
            (None, false) => self.search.creation.as_deref().unwrap_or_default().into(),
        }
    }
}
