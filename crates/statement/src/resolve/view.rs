//! Views: their columns traced to the columns of tables.

use std::rc::Rc;
use std::sync::Arc;

use super::{Resolver, Rows, ScopeColumn, Ty};
use crate::ast::{Query, Tree};
use crate::catalog::{Relation, RelationKind};
use crate::parse;
use crate::scope::Search;
use crate::{ColumnId, OpaqueReason};

/// Views over views over … at most this many.
const LEVELS: usize = 32;

impl<'a> Resolver<'a> {
    /// The columns of a view or materialised view; `None` for any other relation.
    pub(super) fn view_columns(&mut self, relation: &'a Relation) -> Option<Vec<ScopeColumn>> {
        if !matches!(
            relation.kind,
            RelationKind::View | RelationKind::MaterialisedView
        ) {
            return None;
        }
        if let Some(columns) = self.expanded.get(&relation.oid) {
            return Some(columns.to_vec());
        }
        let rows = self.expand(relation);
        if rows.is_none() {
            self.facts
                .opaque(OpaqueReason::View(Arc::clone(&relation.name)));
        }
        let columns: Vec<ScopeColumn> = relation
            .columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let own = ColumnId {
                    relation: relation.oid,
                    attribute: column.attribute,
                };
                let inner = rows.as_ref().and_then(|rows| rows.columns.get(place));
                let mut lineage = inner.map(|inner| inner.lineage.clone()).unwrap_or_default();
                lineage.reported = Some(own);
                let through = lineage.through.iter().flat_map(|list| list.iter().copied());
                lineage.through = Some(through.chain([own]).collect());
                ScopeColumn {
                    name: Arc::clone(&column.name),
                    lineage,
                    ty: Ty::Known(column.type_oid, column.typmod),
                }
            })
            .collect();
        self.expanded
            .insert(relation.oid, Rc::from(columns.as_slice()));
        Some(columns)
    }

    fn expand(&mut self, relation: &'a Relation) -> Option<Rows> {
        let definition = relation.view_definition.as_deref()?;
        let rows = self.stored(relation, definition, |inner, query, _| inner.query(query))?;
        (!rows.open && rows.columns.len() >= relation.columns.len()).then_some(rows)
    }

    /// What the row security policies for these commands (`pg_policy.polcmd`) read.
    pub(super) fn policies(&mut self, relation: &'a Relation, commands: &[u8]) {
        if !relation.row_security.enabled
            || !self.policies_read.insert((relation.oid, commands.to_vec()))
        {
            return;
        }
        let meant = |command: u8| command == b'*' || commands.contains(&command);
        for policy in relation
            .row_security
            .policies
            .iter()
            .filter(|policy| meant(policy.command))
        {
            for expr in [&policy.using, &policy.check].into_iter().flatten() {
                let text = format!("SELECT {expr}");
                let read = self.stored(relation, &text, |inner, query, relation| {
                    inner.stored_expression(relation, query);
                });
                if read.is_none() {
                    self.facts
                        .opaque(OpaqueReason::Policy(Arc::clone(&relation.name)));
                }
            }
        }
    }

    /// Reads a definition that the catalog keeps with a relation; `None` when it is not understood, or is being read
    /// already.
    fn stored<T>(
        &mut self,
        relation: &Relation,
        definition: &str,
        read: impl for<'s> FnOnce(&mut Resolver<'s>, &'s Query, &'s Relation) -> T,
    ) -> Option<T> {
        if self.views.len() >= LEVELS || self.views.contains(&relation.oid) {
            return None;
        }
        let parsed = parse::parse(definition, self.depth_limit / 2, 1).ok()?;
        let [statement] = parsed.as_slice() else {
            return None;
        };
        let Tree::Query(query) = &statement.tree else {
            return None;
        };
        let search = Search::stored();
        let outermost = !std::mem::replace(&mut self.facts.indirect, true);
        let mut inner = Resolver::new(self.catalog, &search, self.pending, 0);
        inner.facts = std::mem::take(&mut self.facts);
        inner.work = self.work;
        inner.depth = self.depth;
        inner.selects = self.selects;
        inner.depth_limit = self.depth_limit;
        inner.views = std::mem::take(&mut self.views);
        inner.views.push(relation.oid);
        inner.expanded = std::mem::take(&mut self.expanded);
        inner.types = std::mem::take(&mut self.types);
        let result = read(&mut inner, query, relation);
        let Resolver {
            facts,
            mut views,
            expanded,
            types,
            cast_types,
            work,
            ..
        } = inner;
        views.pop();
        self.views = views;
        self.expanded = expanded;
        self.types = types;
        self.work = work;
        self.cast_types.extend(cast_types);
        self.facts = facts;
        if outermost {
            self.facts.indirect = false;
        }
        Some(result)
    }
}
