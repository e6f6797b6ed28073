//! Expressions over the columns of one relation: in definitions, policies, COPY.

use std::sync::Arc;

use super::{Item, Level, Lineage, Resolver, Rows, ScopeColumn, Ty};
use crate::ast::{Body, Expr, Query, Table};
use crate::catalog::Relation;
use crate::{ColumnId, Usage, Verb};

impl<'a> Resolver<'a> {
    /// An expression stored with a relation, as the only output of a query without FROM.
    pub(super) fn stored_expression(&mut self, relation: &'a Relation, query: &'a Query) {
        let Query::Select(select) = query else { return };
        let Body::Plain(plain) = &select.body else {
            return;
        };
        let columns = relation
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
            .collect();
        self.levels.push(Level {
            width: relation.columns.len(),
            items: vec![Item {
                name: &relation.name,
                schema: Some(&relation.schema),
                relation: Some(relation),
                columns,
                named: true,
                bare: true,
                open: false,
                lockable: false,
            }],
            ..Level::default()
        });
        for target in &plain.targets {
            self.consume(&target.expr, Usage::Predicate);
        }
        self.levels.pop();
    }

    /// The columns that COPY moves to or from a relation.
    pub(crate) fn copied(&mut self, table: &'a Table, verb: Verb) -> Rows {
        let item = if verb == Verb::Insert {
            self.write_target(table, verb)
        } else {
            self.relation_item(table, verb)
        };
        Rows {
            columns: item.columns,
            open: item.open,
        }
    }

    /// The WHERE of COPY FROM.
    pub(crate) fn copy_filter(&mut self, table: Option<&Table>, filter: &'a Expr) {
        let relation = match table.map(|table| self.find(table)) {
            Some(super::Meant::Relation(relation)) => Some(relation),
            _ => None,
        };
        self.over_relation(relation, std::slice::from_ref(filter), Usage::Predicate);
    }

    /// A level with nothing but this relation, for expressions stored with it. `None`: nothing is known.
    pub(crate) fn over_relation(
        &mut self,
        relation: Option<&'a Relation>,
        exprs: &'a [Expr],
        usage: Usage,
    ) {
        let item = match relation {
            Some(relation) => Item {
                name: &relation.name,
                schema: Some(&relation.schema),
                relation: Some(relation),
                columns: self.relation_columns(relation),
                named: true,
                bare: true,
                open: false,
                lockable: false,
            },
            None => Item {
                name: "",
                schema: None,
                relation: None,
                columns: Vec::new(),
                named: false,
                bare: true,
                open: true,
                lockable: false,
            },
        };
        self.levels.push(Level {
            width: item.columns.len(),
            items: vec![item],
            ..Level::default()
        });
        let quiet = std::mem::replace(&mut self.quiet, relation.is_none());
        self.consume_all(exprs, usage);
        self.quiet = quiet;
        self.levels.pop();
    }
}
