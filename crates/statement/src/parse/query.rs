//! Queries: SELECT, INSERT, UPDATE, DELETE, MERGE and what stands in FROM.

use pg_raw_parse::list::NodeList;
use pg_raw_parse::nodes::{JoinType, SetOperation};
use pg_raw_parse::{Node, nodes};

use super::{Converter, Result, alias, names, path};
use crate::ast::{
    Body, ColumnsFrom, Cte, Distinct, Expr, From, FunctionFrom, Join, JoinKind, Plain, Query,
    Sample, Select, SubFrom, Target, With,
};

impl Converter {
    pub(super) fn query(&mut self, node: Node<'_>) -> Result<Query> {
        self.deeper(|this| this.query_here(node))
    }

    #[inline(never)]
    pub(super) fn query_here(&mut self, node: Node<'_>) -> Result<Query> {
        Ok(match node {
            Node::SelectStmt(select) => Query::Select(Box::new(self.select(select)?)),
            Node::InsertStmt(insert) => self.insert(insert)?,
            Node::UpdateStmt(update) => self.update(update)?,
            Node::DeleteStmt(delete) => self.delete(delete)?,
            Node::MergeStmt(merge) => self.merge(merge)?,
            _ => Query::Opaque("a query of unknown kind"),
        })
    }

    #[inline(never)]
    pub(super) fn select(&mut self, select: &nodes::SelectStmt) -> Result<Select> {
        let with = self.with(select.with_clause())?;
        let body = if select.op != SetOperation::SETOP_NONE {
            let (arms, all) = self.arms(select)?;
            Body::Set(arms, all)
        } else if !select.values_lists().is_empty() {
            let mut rows = Vec::with_capacity(select.values_lists().len());
            for row in select.values_lists() {
                rows.push(match row.as_node_list() {
                    Some(row) => self.exprs(row)?,
                    None => vec![Expr::Opaque("VALUES of unusual form")],
                });
            }
            Body::Values(rows)
        } else {
            Body::Plain(Box::new(self.plain(select)?))
        };
        Ok(Select {
            with,
            body,
            order: self.sorts(select.sort_clause().iter())?,
            limit: self.present(&[select.limit_offset(), select.limit_count()])?,
            locking: select
                .locking_clause()
                .iter()
                .map(|clause| {
                    clause
                        .locked_rels()
                        .iter()
                        .map(|relation| match relation {
                            Node::RangeVar(range) => range.relname().unwrap_or_default().into(),
                            _ => "".into(),
                        })
                        .collect()
                })
                .collect(),
            into: select
                .into_clause()
                .and_then(nodes::IntoClause::rel)
                .map(|range| self.table(range)),
        })
    }

    /// The arms of a chain of set operations. Chains lean left and are unrolled; an arm with clauses of its own is
    /// one arm.
    pub(super) fn arms(&mut self, select: &nodes::SelectStmt) -> Result<(Vec<Select>, bool)> {
        let keeps_all =
            |select: &nodes::SelectStmt| select.op == SetOperation::SETOP_UNION && select.all;
        let mut all = keeps_all(select);
        let mut spine = vec![select];
        let mut left = select.larg();
        while let Some(inner) = left {
            let bare = inner.op != SetOperation::SETOP_NONE
                && inner.sort_clause().is_empty()
                && inner.with_clause().is_none()
                && inner.locking_clause().is_empty()
                && super::is_none(inner.limit_count())
                && super::is_none(inner.limit_offset());
            if !bare {
                break;
            }
            all &= keeps_all(inner);
            spine.push(inner);
            left = inner.larg();
        }
        let mut arms = Vec::with_capacity(spine.len() + 1);
        if let Some(first) = left {
            arms.push(self.deeper(|this| this.select(first))?);
        }
        while let Some(operation) = spine.pop() {
            if let Some(right) = operation.rarg() {
                arms.push(self.deeper(|this| this.select(right))?);
            }
        }
        Ok((arms, all))
    }

    #[inline(never)]
    pub(super) fn plain(&mut self, select: &nodes::SelectStmt) -> Result<Plain> {
        let distinct = select.distinct_clause();
        let distinct = if distinct.is_empty() {
            Distinct::No
        } else if distinct.len() == 1 && matches!(distinct.get(0), Some(Node::None)) {
            Distinct::All
        } else {
            Distinct::On(self.exprs(distinct)?)
        };
        let mut windows = Vec::new();
        for window in select.window_clause() {
            if let Node::WindowDef(window) = window {
                windows.push(self.window(window)?);
            }
        }
        let mut targets = Vec::with_capacity(select.target_list().len());
        for target in select.target_list().iter() {
            targets.push(self.target(target)?);
        }
        Ok(Plain {
            distinct,
            targets,
            from: self.items(select.from_clause())?,
            filter: self.optional(select.where_clause())?,
            group: self.exprs(select.group_clause())?,
            having: self.optional(select.having_clause())?,
            windows,
        })
    }

    pub(super) fn target(&mut self, target: &nodes::ResTarget) -> Result<Target> {
        Ok(Target {
            name: target.name().map(Into::into),
            place: usize::try_from(target.location).ok(),
            expr: self.expr(target.val())?,
        })
    }

    pub(super) fn with(&mut self, with: Option<&nodes::WithClause>) -> Result<Option<With>> {
        let Some(with) = with else { return Ok(None) };
        let mut ctes = Vec::with_capacity(with.ctes().len());
        for cte in with.ctes().iter() {
            ctes.push(self.cte(cte)?);
        }
        Ok(Some(With {
            recursive: with.recursive,
            ctes,
        }))
    }

    pub(super) fn cte(&mut self, cte: &nodes::CommonTableExpr) -> Result<Cte> {
        let mut added = Vec::new();
        let mut marks = Vec::new();
        if let Some(search) = cte.search_clause() {
            added.extend(search.search_seq_column().map(Into::into));
        }
        if let Some(cycle) = cte.cycle_clause() {
            added.extend(cycle.cycle_mark_column().map(Into::into));
            added.extend(cycle.cycle_path_column().map(Into::into));
            marks = self.present(&[cycle.cycle_mark_value(), cycle.cycle_mark_default()])?;
        }
        Ok(Cte {
            name: cte.ctename().unwrap_or_default().into(),
            columns: names(cte.aliascolnames()),
            query: self.query(cte.ctequery())?,
            added,
            marks,
        })
    }

    pub(super) fn items(&mut self, list: &NodeList) -> Result<Vec<From>> {
        let mut items = Vec::with_capacity(list.len());
        for node in list {
            items.push(self.item(node)?);
        }
        Ok(items)
    }

    pub(super) fn item(&mut self, node: Node<'_>) -> Result<From> {
        self.deeper(|this| this.item_here(node))
    }

    #[inline(never)]
    pub(super) fn item_here(&mut self, node: Node<'_>) -> Result<From> {
        Ok(match node {
            Node::RangeVar(range) => From::Table(Box::new(self.table(range))),
            Node::JoinExpr(join) => self.join(join)?,
            Node::RangeSubselect(sub) => From::Sub(Box::new(SubFrom {
                lateral: sub.lateral,
                query: self.query(sub.subquery())?,
                alias: sub.alias().map(alias),
            })),
            Node::RangeFunction(function) => self.range_function(function)?,
            Node::RangeTableFunc(table) => self.xml_table(table)?,
            Node::JsonTable(table) => From::Columns(Box::new(self.json_table(table)?)),
            Node::RangeTableSample(sample) => {
                let mut args = self.exprs(sample.args())?;
                args.extend(self.optional(sample.repeatable())?);
                From::Sample(Box::new(Sample {
                    inner: self.item(sample.relation())?,
                    method: names(sample.method()),
                    args,
                }))
            }
            _ => From::Opaque("a FROM item of unknown kind"),
        })
    }

    #[inline(never)]
    pub(super) fn join(&mut self, join: &nodes::JoinExpr) -> Result<From> {
        let kind = match join.jointype {
            JoinType::JOIN_INNER => JoinKind::Inner,
            JoinType::JOIN_LEFT => JoinKind::Left,
            JoinType::JOIN_RIGHT => JoinKind::Right,
            JoinType::JOIN_FULL => JoinKind::Full,
            _ => return Ok(From::Opaque("a join of unknown kind")),
        };
        Ok(From::Join(Box::new(Join {
            kind,
            left: self.item(join.larg())?,
            right: self.item(join.rarg())?,
            natural: join.is_natural,
            using: join
                .using_clause()
                .iter()
                .map(|name| name.sval().unwrap_or_default().into())
                .collect(),
            using_alias: join
                .join_using_alias()
                .and_then(nodes::Alias::aliasname)
                .map(Into::into),
            on: self.optional(join.quals())?,
            alias: join.alias().map(alias),
        })))
    }

    #[inline(never)]
    pub(super) fn range_function(&mut self, function: &nodes::RangeFunction) -> Result<From> {
        let mut calls = Vec::with_capacity(function.functions().len());
        for pair in function.functions() {
            let Some(pair) = pair.as_node_list() else {
                return Ok(From::Opaque("a function in FROM of unusual form"));
            };
            let Some(call) = pair.get(0) else {
                return Ok(From::Opaque("a function in FROM of unusual form"));
            };
            let call = self.expr(call)?;
            let mut columns = Vec::new();
            if let Some(list) = pair.get(1).and_then(|node| node.as_node_list()) {
                for node in list {
                    let Node::ColumnDef(column) = node else {
                        return Ok(From::Opaque("a column definition of unusual form"));
                    };
                    columns.push(column);
                }
            }
            let Some(columns) = Self::column_definitions(columns.into_iter()) else {
                return Ok(From::Opaque("a column definition of unusual form"));
            };
            calls.push((call, columns));
        }
        let definitions = Self::column_definitions(function.coldeflist().iter());
        match (definitions, calls.first_mut()) {
            (Some(list), _) if list.is_empty() => {}
            (Some(list), Some(first)) if first.1.is_empty() => first.1 = list,
            _ => return Ok(From::Opaque("a column definition of unusual form")),
        }
        Ok(From::Function(Box::new(FunctionFrom {
            calls,
            ordinality: function.ordinality,
            alias: function.alias().map(alias),
        })))
    }

    pub(super) fn column_definitions<'a>(
        list: impl Iterator<Item = &'a nodes::ColumnDef>,
    ) -> Option<Vec<(crate::ast::Ident, crate::ast::TypeName)>> {
        list.map(|column| {
            let ty = column.type_name().and_then(Self::type_name)?;
            Some((column.colname()?.into(), ty))
        })
        .collect()
    }

    #[inline(never)]
    pub(super) fn xml_table(&mut self, table: &nodes::RangeTableFunc) -> Result<From> {
        let mut operands = self.present(&[table.docexpr(), table.rowexpr()])?;
        operands.extend(self.exprs(table.namespaces())?);
        let mut columns = Vec::new();
        let mut types = Vec::new();
        for column in table.columns().iter() {
            columns.push(column.colname().unwrap_or_default().into());
            types.extend(Self::type_names(&[column.type_name()]));
            operands.extend(self.present(&[column.colexpr(), column.coldefexpr()])?);
        }
        Ok(From::Columns(Box::new(ColumnsFrom {
            operands,
            columns,
            types,
            default_name: "xmltable",
            alias: table.alias().map(alias),
        })))
    }
}

/// A qualified name from a list of strings, or nothing.
pub(super) fn any_name(list: &NodeList) -> crate::ast::Path {
    path(list).unwrap_or_default()
}
