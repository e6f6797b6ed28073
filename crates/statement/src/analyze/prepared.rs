//! Prepared statements and cursors.

use std::sync::Arc;

use super::given::executed;
use super::{Draft, Effects, Reader, inherit, inner_text};
use crate::ast::{Execute, Query, Tree, TypeName};
use crate::parse;
use crate::resolve::{Lineage, Resolver, Rows, ScopeColumn, Ty};
use crate::{GivenBy, Kind, OpaqueReason, Source, Statement, Usage};

impl<'a> Reader<'a> {
    pub(super) fn prepare(
        &self,
        resolver: &mut Resolver<'a>,
        text: &str,
        name: &str,
        types: &'a [TypeName],
        query: &'a Query,
        complete: &mut bool,
    ) -> Draft {
        let types = types
            .iter()
            .map(|ty| resolver.type_named(ty, Ty::Literal))
            .collect();
        let inner = self.inner_query(text, query, types, complete);
        inherit(resolver, &inner);
        Draft::plain(
            "PREPARE",
            Kind::Prepare {
                name: name.into(),
                text: text.get(inner_text(text)).unwrap_or_default().into(),
                inner: Box::new(inner),
            },
        )
    }

    /// The prepared statement, read anew under the present catalog and settings.
    pub(super) fn execute(
        &self,
        resolver: &mut Resolver<'a>,
        execute: &'a Execute,
        complete: &mut bool,
    ) -> Draft {
        resolver.consume_all(&execute.args, Usage::Expression);
        let kind = Kind::Execute {
            name: execute.name.to_string(),
        };
        let unknown = || OpaqueReason::UnknownPrepared(execute.name.to_string());
        let text = self
            .pending
            .statement(&execute.name)
            .or_else(|| self.scope.prepared.statement(&execute.name));
        let inner = match (text, self.deeper()) {
            (Some(text), Some(reader)) => reader.prepared_text(&text, complete),
            _ => None,
        };
        match inner {
            Some(mut inner) => {
                let given = inner.given.iter();
                inner.given = given
                    .filter_map(|given| executed(given, &execute.args))
                    .collect();
                inherit(resolver, &inner);
                Draft {
                    rows: rows_of(&inner),
                    ..Draft::plain(inner.command, kind)
                }
            }
            None => {
                resolver.facts.opaque(unknown());
                Draft {
                    rows: Rows {
                        columns: Vec::new(),
                        open: true,
                    },
                    ..Draft::plain("EXECUTE", kind)
                }
            }
        }
    }

    pub(super) fn prepared_text(&self, text: &str, complete: &mut bool) -> Option<Statement> {
        let parsed = parse::parse(text, self.scope.limits.depth, 1).ok()?;
        let [one] = parsed.as_slice() else {
            return None;
        };
        let Tree::Query(_) = &one.tree else {
            return None;
        };
        let reader = Reader {
            scope: self.scope,
            search: self.search,
            pending: self.pending,
            known: self.known,
            nesting: self.nesting,
            parameters: Vec::new(),
            references: None,
        };
        let mut effects = Effects::default();
        Some(reader.statement(text, one, &mut effects, complete))
    }

    /// The cursor's query as it was declared.
    pub(super) fn fetch(&self, resolver: &mut Resolver<'a>, name: &str, is_move: bool) -> Draft {
        let command = if is_move { "MOVE" } else { "FETCH" };
        let kind = Kind::Fetch {
            cursor: name.to_owned(),
        };
        let declared = self
            .pending
            .cursor(name)
            .or_else(|| self.scope.prepared.cursor(name));
        let Some(declared) = declared else {
            resolver
                .facts
                .opaque(OpaqueReason::UnknownCursor(name.to_owned()));
            return Draft {
                rows: Rows {
                    columns: Vec::new(),
                    open: !is_move,
                },
                ..Draft::plain(command, kind)
            };
        };
        let mut declared = Statement::clone(&declared);
        for given in &mut declared.given {
            given.what = GivenBy::Elsewhere;
        }
        inherit(resolver, &declared);
        let rows = if is_move {
            Rows::default()
        } else {
            rows_of(&declared)
        };
        Draft {
            rows,
            ..Draft::plain(command, kind)
        }
    }
}

/// A result of one column that no column of a table feeds as it is.
pub(super) fn one_column(name: &str, clean: bool) -> Rows {
    Rows {
        columns: vec![ScopeColumn {
            name: name.into(),
            lineage: Lineage::computed(clean),
            ty: Ty::Other,
        }],
        open: false,
    }
}

pub(super) fn rows_of(statement: &Statement) -> Rows {
    Rows {
        columns: statement
            .outputs
            .iter()
            .map(|output| ScopeColumn {
                name: Arc::clone(&output.name),
                lineage: Lineage {
                    value: match &output.source {
                        Source::Column(column) => Some(*column),
                        Source::AnyOf(columns) => columns.first().copied(),
                        Source::Clean | Source::Derived => None,
                    },
                    others: match &output.source {
                        Source::AnyOf(columns) => columns.get(1..).map(Into::into),
                        Source::Column(_) | Source::Clean | Source::Derived => None,
                    },
                    reported: output.reported,
                    clean: output.source == Source::Clean,
                    ..Lineage::default()
                },
                ty: Ty::Other,
            })
            .collect(),
        open: !statement.outputs_complete,
    }
}
