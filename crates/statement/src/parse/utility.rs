//! Statements that are not queries and do not change the catalog: COPY, cursors, prepared statements, settings,
//! transactions.

use pg_raw_parse::nodes::{DiscardMode, TransactionStmtKind as Tx, VariableSetKind};
use pg_raw_parse::{ConstValue, Node, nodes};

use super::{Converter, Result, names};
use crate::ast::{Copy, Execute, OptionValue, Tree};
use crate::{SetChange, SetScope, SetValue, Transaction};

/// `CURSOR_OPT_BINARY` and `CURSOR_OPT_HOLD` (nodes/parsenodes.h).
const CURSOR_BINARY: i32 = 0x0001;
const CURSOR_HOLD: i32 = 0x0020;

impl Converter {
    pub(super) fn tree(&mut self, node: Node<'_>) -> Result<Tree> {
        Ok(match node {
            Node::SelectStmt(_)
            | Node::InsertStmt(_)
            | Node::UpdateStmt(_)
            | Node::DeleteStmt(_)
            | Node::MergeStmt(_) => Tree::Query(self.query(node)?),
            Node::CopyStmt(copy) => self.copy(copy)?,
            Node::PrepareStmt(prepare) => Tree::Prepare {
                name: prepare.name().unwrap_or_default().into(),
                types: prepare
                    .argtypes()
                    .iter()
                    .filter_map(Self::type_name)
                    .collect(),
                query: self.query(prepare.query())?,
            },
            Node::ExecuteStmt(execute) => Tree::Execute(self.execute(execute)?),
            Node::DeallocateStmt(deallocate) => Tree::Deallocate(deallocate.name().map(Into::into)),
            Node::DeclareCursorStmt(declare) => Tree::Declare {
                name: declare.portalname().unwrap_or_default().into(),
                with_hold: declare.options & CURSOR_HOLD != 0,
                binary: declare.options & CURSOR_BINARY != 0,
                query: self.query(declare.query())?,
            },
            Node::FetchStmt(fetch) => Tree::Fetch {
                name: fetch.portalname().unwrap_or_default().into(),
                is_move: fetch.ismove,
            },
            Node::ClosePortalStmt(close) => Tree::Close(close.portalname().map(Into::into)),
            Node::ExplainStmt(explain) => self.explain(explain)?,
            Node::VariableSetStmt(set) => Self::set(set),
            Node::VariableShowStmt(show) => Tree::Show(show.name().unwrap_or_default().into()),
            Node::TransactionStmt(transaction) => Self::transaction(transaction),
            Node::CreateTableAsStmt(create) => self.create_as(create)?,
            Node::DiscardStmt(discard) => Self::discard(discard),
            Node::ListenStmt(listen) => {
                Tree::Listen(listen.conditionname().unwrap_or_default().into())
            }
            Node::UnlistenStmt(unlisten) => {
                Tree::Unlisten(unlisten.conditionname().map(Into::into))
            }
            Node::NotifyStmt(notify) => {
                Tree::Notify(notify.conditionname().unwrap_or_default().into())
            }
            Node::DoStmt(_) => Tree::Do,
            Node::CallStmt(call) => match call.funccall() {
                Some(call) => Tree::Call(self.expr(Node::FuncCall(call))?),
                None => Tree::Opaque("CALL of unusual form"),
            },
            Node::LockStmt(lock) => match self.tables(lock.relations()) {
                Some(tables) => Tree::Lock(tables),
                None => Tree::Opaque("LOCK of unusual form"),
            },
            Node::TruncateStmt(truncate) => match self.tables(truncate.relations()) {
                Some(tables) => Tree::Truncate {
                    tables,
                    cascade: truncate.behavior == nodes::DropBehavior::DROP_CASCADE,
                },
                None => Tree::Opaque("TRUNCATE of unusual form"),
            },
            _ => self.ddl(node)?,
        })
    }

    pub(super) fn tables(
        &mut self,
        list: &pg_raw_parse::list::NodeList,
    ) -> Option<Vec<crate::ast::Table>> {
        list.iter()
            .map(|node| match node {
                Node::RangeVar(range) => Some(self.table(range)),
                _ => None,
            })
            .collect()
    }

    fn execute(&mut self, execute: &nodes::ExecuteStmt) -> Result<Execute> {
        Ok(Execute {
            name: execute.name().unwrap_or_default().into(),
            args: self.exprs(execute.params())?,
        })
    }

    #[inline(never)]
    fn copy(&mut self, copy: &nodes::CopyStmt) -> Result<Tree> {
        let query = match copy.query() {
            Node::None => None,
            query => Some(self.query(query)?),
        };
        let options = copy
            .options()
            .iter()
            .map(|option| {
                let value = match option.arg() {
                    Node::None => OptionValue::Absent,
                    Node::String(text) => OptionValue::Text(text.sval().unwrap_or_default().into()),
                    Node::Integer(number) => OptionValue::Text(number.ival.to_string().into()),
                    Node::Boolean(value) => OptionValue::Text(value.boolval.to_string().into()),
                    Node::A_Star(_) => OptionValue::Star,
                    Node::NodeList(list) => OptionValue::List(names(list)),
                    _ => OptionValue::Other,
                };
                (option.defname().unwrap_or_default().into(), value)
            })
            .collect();
        Ok(Tree::Copy(Box::new(Copy {
            table: copy.relation().map(|range| self.table(range)),
            query,
            columns: names(copy.attlist()),
            from: copy.is_from,
            stdio: copy.filename().is_none() && !copy.is_program,
            options,
            filter: self.optional(copy.where_clause())?,
        })))
    }

    #[inline(never)]
    fn explain(&mut self, explain: &nodes::ExplainStmt) -> Result<Tree> {
        let mut analyze = false;
        for option in explain.options().iter() {
            if option.defname() == Some("analyze") {
                analyze = !is_off(option.arg());
            }
        }
        let inner = self.deeper(|this| this.tree(explain.query()))?;
        Ok(Tree::Explain {
            analyze,
            inner: Box::new(inner),
        })
    }

    #[inline(never)]
    fn create_as(&mut self, create: &nodes::CreateTableAsStmt) -> Result<Tree> {
        let Some(table) = create.into().and_then(nodes::IntoClause::rel) else {
            return Ok(Tree::Opaque("CREATE TABLE AS of unusual form"));
        };
        let table = self.table(table);
        let inner = self.deeper(|this| this.tree(create.query()))?;
        Ok(Tree::CreateAs {
            table,
            materialised: create.objtype == nodes::ObjectType::OBJECT_MATVIEW,
            inner: Box::new(inner),
        })
    }

    pub(super) fn set(set: &nodes::VariableSetStmt) -> Tree {
        let name = set.name().unwrap_or_default().to_ascii_lowercase();
        let (value, is_reset) = match set.kind {
            VariableSetKind::VAR_SET_VALUE => (set_value(set), false),
            VariableSetKind::VAR_SET_DEFAULT | VariableSetKind::VAR_RESET => {
                (SetValue::Default, true)
            }
            VariableSetKind::VAR_SET_CURRENT => (SetValue::FromCurrent, false),
            VariableSetKind::VAR_SET_MULTI => (SetValue::NotConstant, false),
            VariableSetKind::VAR_RESET_ALL => (SetValue::Default, true),
            _ => return Tree::Opaque("SET of unknown kind"),
        };
        if set.kind == VariableSetKind::VAR_SET_MULTI {
            return Self::set_multiple(set, &name);
        }
        Tree::Set(SetChange {
            reset_all: set.kind == VariableSetKind::VAR_RESET_ALL,
            name,
            scope: scope(set),
            value,
            is_reset,
        })
    }

    /// SET TRANSACTION, SET SESSION CHARACTERISTICS, SET TRANSACTION SNAPSHOT.
    fn set_multiple(set: &nodes::VariableSetStmt, name: &str) -> Tree {
        if name == "transaction snapshot" {
            return Tree::Set(SetChange {
                name: "transaction_snapshot".into(),
                scope: SetScope::Local,
                value: SetValue::NotConstant,
                is_reset: false,
                reset_all: false,
            });
        }
        let mut words = Vec::new();
        for node in set.args() {
            match node {
                Node::DefElem(option) => words.push(option.defname().unwrap_or_default().into()),
                _ => return Tree::Opaque("SET TRANSACTION of unusual form"),
            }
        }
        let local = name == "transaction";
        Tree::Set(SetChange {
            name: if local {
                "transaction_isolation".into()
            } else {
                "default_transaction_isolation".into()
            },
            scope: if local {
                SetScope::Local
            } else {
                SetScope::Session
            },
            value: SetValue::Literal(words),
            is_reset: false,
            reset_all: false,
        })
    }

    #[inline(never)]
    fn transaction(transaction: &nodes::TransactionStmt) -> Tree {
        let name = || transaction.savepoint_name().unwrap_or_default().to_owned();
        let chain = transaction.chain;
        let (kind, command) = match transaction.kind {
            Tx::TRANS_STMT_BEGIN => (Transaction::Begin, None),
            Tx::TRANS_STMT_START => (Transaction::Begin, Some("START TRANSACTION")),
            Tx::TRANS_STMT_COMMIT => (Transaction::Commit { chain }, None),
            Tx::TRANS_STMT_ROLLBACK => (Transaction::Rollback { chain }, None),
            Tx::TRANS_STMT_SAVEPOINT => (Transaction::Savepoint(name()), None),
            Tx::TRANS_STMT_RELEASE => (Transaction::Release(name()), None),
            Tx::TRANS_STMT_ROLLBACK_TO => (Transaction::RollbackTo(name()), None),
            Tx::TRANS_STMT_PREPARE => (Transaction::Prepare, None),
            Tx::TRANS_STMT_COMMIT_PREPARED => (Transaction::CommitPrepared, None),
            Tx::TRANS_STMT_ROLLBACK_PREPARED => (Transaction::RollbackPrepared, None),
            _ => return Tree::Opaque("transaction control of unknown kind"),
        };
        Tree::Transaction(kind, command)
    }

    fn discard(discard: &nodes::DiscardStmt) -> Tree {
        let (all, temporary, command) = match discard.target {
            DiscardMode::DISCARD_ALL => (true, true, "DISCARD ALL"),
            DiscardMode::DISCARD_PLANS => (false, false, "DISCARD PLANS"),
            DiscardMode::DISCARD_SEQUENCES => (false, false, "DISCARD SEQUENCES"),
            DiscardMode::DISCARD_TEMP => (false, true, "DISCARD TEMP"),
            _ => return Tree::Opaque("DISCARD of unknown kind"),
        };
        Tree::Discard {
            all,
            temporary,
            command,
        }
    }
}

fn scope(set: &nodes::VariableSetStmt) -> SetScope {
    if set.is_local {
        SetScope::Local
    } else {
        SetScope::Session
    }
}

fn set_value(set: &nodes::VariableSetStmt) -> SetValue {
    let mut words = Vec::new();
    for node in set.args() {
        let constant = match node {
            Node::A_Const(constant) => constant,
            // SET TIME ZONE INTERVAL '…' is a cast.
            _ => return SetValue::NotConstant,
        };
        match constant.val() {
            Some(ConstValue::Integer(value)) => words.push(value.to_string()),
            Some(ConstValue::Float(value) | ConstValue::String(value)) => {
                words.push(value.to_owned());
            }
            Some(ConstValue::Boolean(value)) => words.push(value.to_string()),
            _ => return SetValue::NotConstant,
        }
    }
    SetValue::Literal(words)
}

/// Whether a boolean option is switched off; anything unusual counts as on.
fn is_off(node: Node<'_>) -> bool {
    match node {
        Node::String(text) => text.sval().is_some_and(|word| {
            ["false", "off", "0"].contains(&word.to_ascii_lowercase().as_str())
        }),
        Node::Integer(number) => number.ival == 0,
        Node::Boolean(value) => !value.boolval,
        _ => false,
    }
}
