//! Prepared statements, cursors, settings, transactions, notifications.

use std::sync::Arc;

use super::{Draft, Effects, Reader, inherit, inner_text, reset};
use crate::ast::{Execute, Query, Table, Tree, TypeName};
use crate::parse;
use crate::resolve::{Lineage, Resolver, Rows, ScopeColumn, Ty};
use crate::{
    Effect, Kind, Object, OpaqueReason, SetChange, SetValue, SettingClass, Source, Statement,
    Transaction, Usage, Verb,
};

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

fn rows_of(statement: &Statement) -> Rows {
    Rows {
        columns: statement
            .outputs
            .iter()
            .map(|output| ScopeColumn {
                name: Arc::clone(&output.name),
                lineage: Lineage {
                    value: match output.source {
                        Source::Column(column) => Some(column),
                        Source::Clean | Source::Derived => None,
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
            Some(inner) => {
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

    fn prepared_text(&self, text: &str, complete: &mut bool) -> Option<Statement> {
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
        };
        let mut effects = Effects::default();
        Some(reader.statement(text, one, &mut effects, complete))
    }

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

    pub(super) fn utility(&self, resolver: &mut Resolver<'a>, tree: &'a Tree) -> Draft {
        let facts = &mut resolver.facts;
        match tree {
            Tree::Deallocate(name) => {
                facts.raise(Effect::Session);
                Draft::plain(
                    if name.is_some() {
                        "DEALLOCATE"
                    } else {
                        "DEALLOCATE ALL"
                    },
                    Kind::Deallocate {
                        name: name.as_ref().map(ToString::to_string),
                    },
                )
            }
            Tree::Fetch { name, is_move } => self.fetch(resolver, name, *is_move),
            Tree::Close(name) => {
                facts.raise(Effect::Session);
                Draft::plain(
                    if name.is_some() {
                        "CLOSE CURSOR"
                    } else {
                        "CLOSE CURSOR ALL"
                    },
                    Kind::CloseCursor {
                        name: name.as_ref().map(ToString::to_string),
                    },
                )
            }
            Tree::Set(change) => self.set(resolver, change),
            Tree::Show(name) => {
                let rows = if &**name == "all" {
                    Rows {
                        columns: ["name", "setting", "description"]
                            .iter()
                            .flat_map(|name| one_column(name, true).columns)
                            .collect(),
                        open: false,
                    }
                } else {
                    one_column(name, true)
                };
                Draft {
                    rows,
                    ..Draft::plain(
                        "SHOW",
                        Kind::Show {
                            name: name.to_string(),
                        },
                    )
                }
            }
            Tree::Transaction(transaction, command) => {
                facts.raise(Effect::TransactionControl);
                Draft::plain(
                    command.unwrap_or(transaction_command(transaction)),
                    Kind::Transaction(transaction.clone()),
                )
            }
            Tree::Discard {
                all,
                temporary,
                command,
            } => {
                facts.raise(if *temporary {
                    Effect::Definition
                } else {
                    Effect::Session
                });
                if *all {
                    for name in ["search_path", "role", "session_authorization"] {
                        facts.settings.push(reset(name));
                    }
                }
                Draft::plain(
                    command,
                    Kind::Discard {
                        all: *all,
                        temporary: *temporary,
                    },
                )
            }
            Tree::Listen(channel) => {
                facts.raise(Effect::Session);
                facts.access(Verb::Notify, channel_object(channel), false);
                Draft::plain("LISTEN", Kind::Listen(channel.to_string()))
            }
            Tree::Unlisten(channel) => {
                facts.raise(Effect::Session);
                Draft::plain(
                    "UNLISTEN",
                    Kind::Unlisten(channel.as_ref().map(ToString::to_string)),
                )
            }
            Tree::Notify(channel) => {
                facts.raise(Effect::Write);
                facts.access(Verb::Notify, channel_object(channel), false);
                Draft::plain("NOTIFY", Kind::Notify(channel.to_string()))
            }
            Tree::Do => {
                facts.opaque(OpaqueReason::DynamicCode);
                Draft::plain("DO", Kind::Do)
            }
            Tree::Call(call) => {
                resolver.consume(call, Usage::Expression);
                resolver.facts.raise(Effect::Unknown);
                Draft {
                    rows: Rows {
                        columns: Vec::new(),
                        open: true,
                    },
                    ..Draft::plain("CALL", Kind::Call)
                }
            }
            Tree::Lock(tables) => {
                for table in tables {
                    resolver.touch(Verb::Lock, table);
                }
                resolver.facts.raise(Effect::Write);
                Draft::plain("LOCK TABLE", Kind::Lock)
            }
            Tree::Truncate { tables, cascade } => {
                self.truncate(resolver, tables, *cascade);
                Draft::plain("TRUNCATE TABLE", Kind::Utility)
            }
            Tree::Opaque(what) => {
                facts.opaque(OpaqueReason::Construct(what));
                Draft::plain("UNKNOWN", Kind::Utility)
            }
            Tree::Query(_)
            | Tree::Copy(_)
            | Tree::Prepare { .. }
            | Tree::Execute(_)
            | Tree::Declare { .. }
            | Tree::Explain { .. }
            | Tree::CreateAs { .. }
            | Tree::Ddl(_) => {
                facts.opaque(OpaqueReason::Internal);
                Draft::plain("UNKNOWN", Kind::Utility)
            }
        }
    }

    fn truncate(&self, resolver: &mut Resolver<'a>, tables: &'a [Table], cascade: bool) {
        resolver.facts.raise(Effect::Write);
        for table in tables {
            let Some(relation) = resolver.touch(Verb::Truncate, table) else {
                continue;
            };
            if cascade {
                resolver.writing(relation, Verb::Truncate);
            } else {
                resolver.triggers(relation, Verb::Truncate);
            }
        }
    }

    /// The cursor's query as it was declared.
    fn fetch(&self, resolver: &mut Resolver<'a>, name: &str, is_move: bool) -> Draft {
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

    fn set(&self, resolver: &mut Resolver<'a>, change: &SetChange) -> Draft {
        resolver.facts.raise(Effect::Session);
        resolver.facts.settings.push(change.clone());
        if change.class() != SettingClass::Harmless {
            resolver.facts.access(
                Verb::Set,
                Object::Other {
                    class: "setting",
                    name: change.name.as_str().into(),
                },
                false,
            );
        }
        if change.value == SetValue::NotConstant && change.class() != SettingClass::Harmless {
            resolver.facts.opaque(OpaqueReason::Setting);
        }
        Draft::plain(
            if change.is_reset { "RESET" } else { "SET" },
            Kind::Set(change.clone()),
        )
    }
}

fn channel_object(channel: &str) -> Object {
    Object::Other {
        class: "channel",
        name: channel.into(),
    }
}

fn transaction_command(transaction: &Transaction) -> &'static str {
    match transaction {
        Transaction::Begin => "BEGIN",
        Transaction::Commit { .. } => "COMMIT",
        Transaction::Rollback { .. } | Transaction::RollbackTo(_) => "ROLLBACK",
        Transaction::Savepoint(_) => "SAVEPOINT",
        Transaction::Release(_) => "RELEASE",
        Transaction::Prepare => "PREPARE TRANSACTION",
        Transaction::CommitPrepared => "COMMIT PREPARED",
        Transaction::RollbackPrepared => "ROLLBACK PREPARED",
    }
}
