//! INSERT, UPDATE, DELETE, MERGE.

use pg_raw_parse::list::NodeList;
use pg_raw_parse::nodes::{CmdType, OnConflictAction, ReturningOptionKind};
use pg_raw_parse::{Node, nodes};

use super::{Converter, Result};
use crate::ast::{
    Assigned, Assignment, Branch, Conflict, Delete, Expr, Insert, Merge, MergeAction, Query,
    Returning, Target, Update,
};

impl Converter {
    pub(super) fn assigned(&mut self, target: &nodes::ResTarget) -> Result<Assigned> {
        let (subscripts, partial) = self.subscripts(target.indirection())?;
        Ok(Assigned {
            column: target.name().unwrap_or_default().into(),
            subscripts,
            partial,
        })
    }

    pub(super) fn assigned_list(&mut self, list: &NodeList) -> Result<Option<Vec<Assigned>>> {
        let mut columns = Vec::with_capacity(list.len());
        for node in list {
            let Node::ResTarget(target) = node else {
                return Ok(None);
            };
            columns.push(self.assigned(target)?);
        }
        Ok(Some(columns))
    }

    pub(super) fn assignment(&mut self, target: &nodes::ResTarget) -> Result<Assignment> {
        let value = match target.val() {
            Node::MultiAssignRef(multi) if multi.colno > 1 => None,
            node => Some(self.expr(node)?),
        };
        Ok(Assignment {
            target: self.assigned(target)?,
            value,
        })
    }

    pub(super) fn returning(
        &mut self,
        clause: Option<&nodes::ReturningClause>,
    ) -> Result<Option<Returning>> {
        let Some(clause) = clause else {
            return Ok(None);
        };
        let (mut old, mut new) = (None, None);
        for option in clause.options().iter() {
            let name = option.value().map(Into::into);
            if option.option == ReturningOptionKind::RETURNING_OPTION_OLD {
                old = name;
            } else {
                new = name;
            }
        }
        let mut targets = Vec::with_capacity(clause.exprs().len());
        for node in clause.exprs() {
            targets.push(match node {
                Node::ResTarget(target) => self.target(target)?,
                _ => Target {
                    name: None,
                    place: None,
                    expr: Expr::Opaque("RETURNING of unusual form"),
                },
            });
        }
        Ok(Some(Returning { targets, old, new }))
    }

    #[inline(never)]
    pub(super) fn insert(&mut self, insert: &nodes::InsertStmt) -> Result<Query> {
        let with = self.with(insert.with_clause())?;
        let (Some(target), Some(columns)) = (insert.relation(), self.assigned_list(insert.cols())?)
        else {
            return Ok(Query::Opaque("INSERT of unusual form"));
        };
        let target = self.table(target);
        let source = match insert.select_stmt() {
            Node::SelectStmt(select) => Some(self.deeper(|this| this.select(select))?),
            Node::None => None,
            _ => return Ok(Query::Opaque("INSERT of unusual form")),
        };
        let conflict = match insert.on_conflict_clause() {
            Some(clause) => Some(self.conflict(clause)?),
            None => None,
        };
        Ok(Query::Insert(Box::new(Insert {
            with,
            target,
            columns,
            source,
            conflict,
            returning: self.returning(insert.returning_clause())?,
        })))
    }

    pub(super) fn conflict(&mut self, clause: &nodes::OnConflictClause) -> Result<Conflict> {
        let mut elements = Vec::new();
        let mut element_filter = None;
        if let Some(infer) = clause.infer() {
            for node in infer.index_elems() {
                match node {
                    Node::IndexElem(element) => elements.push(self.index_element(element)?),
                    _ => elements.push(Expr::Opaque("ON CONFLICT of unusual form")),
                }
            }
            element_filter = self.optional(infer.where_clause())?;
        }
        let mut assignments = Vec::new();
        for target in clause.target_list().iter() {
            assignments.push(self.assignment(target)?);
        }
        Ok(Conflict {
            elements,
            element_filter,
            updates: clause.action != OnConflictAction::ONCONFLICT_NOTHING,
            assignments,
            filter: self.optional(clause.where_clause())?,
        })
    }

    pub(super) fn index_element(&mut self, element: &nodes::IndexElem) -> Result<Expr> {
        match element.name() {
            Some(name) => Ok(Expr::Column(Box::new(crate::ast::Column {
                path: vec![name.into()],
                star: false,
                place: None,
            }))),
            None => self.expr(element.expr()),
        }
    }

    #[inline(never)]
    pub(super) fn update(&mut self, update: &nodes::UpdateStmt) -> Result<Query> {
        let with = self.with(update.with_clause())?;
        let Some(target) = update.relation() else {
            return Ok(Query::Opaque("UPDATE of unusual form"));
        };
        let target = self.table(target);
        let mut assignments = Vec::new();
        for item in update.target_list().iter() {
            assignments.push(self.assignment(item)?);
        }
        Ok(Query::Update(Box::new(Update {
            with,
            target,
            assignments,
            from: self.items(update.from_clause())?,
            filter: self.optional(update.where_clause())?,
            returning: self.returning(update.returning_clause())?,
        })))
    }

    #[inline(never)]
    pub(super) fn delete(&mut self, delete: &nodes::DeleteStmt) -> Result<Query> {
        let with = self.with(delete.with_clause())?;
        let Some(target) = delete.relation() else {
            return Ok(Query::Opaque("DELETE of unusual form"));
        };
        Ok(Query::Delete(Box::new(Delete {
            with,
            target: self.table(target),
            using: self.items(delete.using_clause())?,
            filter: self.optional(delete.where_clause())?,
            returning: self.returning(delete.returning_clause())?,
        })))
    }

    #[inline(never)]
    pub(super) fn merge(&mut self, merge: &nodes::MergeStmt) -> Result<Query> {
        let with = self.with(merge.with_clause())?;
        let Some(target) = merge.relation() else {
            return Ok(Query::Opaque("MERGE of unusual form"));
        };
        let target = self.table(target);
        let source = self.item(merge.source_relation())?;
        let on = self.expr(merge.join_condition())?;
        let mut branches = Vec::new();
        for branch in merge.merge_when_clauses().iter() {
            let condition = self.optional(branch.condition())?;
            let Some(action) = self.merge_action(branch)? else {
                return Ok(Query::Opaque("MERGE of unusual form"));
            };
            branches.push(Branch { condition, action });
        }
        Ok(Query::Merge(Box::new(Merge {
            with,
            target,
            source,
            on,
            branches,
            returning: self.returning(merge.returning_clause())?,
        })))
    }

    pub(super) fn merge_action(
        &mut self,
        branch: &nodes::MergeWhenClause,
    ) -> Result<Option<MergeAction>> {
        Ok(Some(match branch.command_type {
            CmdType::CMD_INSERT => {
                let Some(columns) = self.assigned_list(branch.target_list())? else {
                    return Ok(None);
                };
                MergeAction::Insert(columns, self.exprs(branch.values())?)
            }
            CmdType::CMD_UPDATE => {
                let mut assignments = Vec::new();
                for node in branch.target_list() {
                    let Node::ResTarget(target) = node else {
                        return Ok(None);
                    };
                    assignments.push(self.assignment(target)?);
                }
                MergeAction::Update(assignments)
            }
            CmdType::CMD_DELETE => MergeAction::Delete,
            CmdType::CMD_NOTHING => MergeAction::Nothing,
            _ => return Ok(None),
        }))
    }
}
