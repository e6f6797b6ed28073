//! Prepared statements, cursors, settings, transactions, notifications.

use super::prepared::one_column;
use super::{Draft, Reader, reset};
use crate::ast::{Table, Tree};
use crate::resolve::{Resolver, Rows};
use crate::{
    Effect, Kind, Object, OpaqueReason, SetChange, SetValue, SettingClass, Transaction, Usage, Verb,
};

impl<'a> Reader<'a> {
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
