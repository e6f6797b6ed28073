//! Function calls in expressions.

use super::lineage::Info;
use super::names::Named;
use super::{Resolver, ScopeColumn, Ty};
use crate::ast::{Call, Expr, Sort, Window};
use crate::{OpaqueReason, SetChange, SetScope, SetValue, SettingClass, Usage};

impl<'a> Resolver<'a> {
    /// `email(c)` is `c.email` when no function of that name takes the row (parser/parse_func.c, ParseFuncOrColumn).
    pub(super) fn projection(&mut self, call: &'a Call) -> Option<ScopeColumn> {
        let ([name], [Expr::Column(column)]) = (call.name.as_slice(), call.args.as_slice()) else {
            return None;
        };
        let plain =
            !call.aggregate && !call.star && !call.variadic && !call.named && call.over.is_none();
        let function = self.catalog.functions_named(name).next().is_some()
            || self.pending.has_definition(name)
            || crate::listed::function("pg_catalog", name).is_some();
        if !plain || function || column.star {
            return None;
        }
        // Only a column of that very name, so that nothing is recorded for what is not a row.
        let [alias] = column.path.as_slice() else {
            return None;
        };
        if self.levels.iter().any(|level| {
            level
                .items
                .iter()
                .any(|item| item.columns.iter().any(|column| *column.name == **alias))
        }) {
            return None;
        }
        let Named::Row(row) = self.column(column) else {
            return None;
        };
        row.relation?;
        let mut matching = row
            .columns
            .into_iter()
            .filter(|column| *column.name == **name);
        match (matching.next(), matching.next()) {
            (Some(column), None) => Some(column),
            _ => None,
        }
    }

    #[inline(never)]
    pub(super) fn function(&mut self, call: &'a Call, usage: Usage) -> Info {
        if let Some(info) = self.count(call) {
            return info;
        }
        // A function's own arguments come first: what they hold decides which function is meant.
        let aggregate = call.aggregate || self.is_aggregate(call);
        let inner = if aggregate { Usage::Aggregate } else { usage };
        let inner = match inner {
            Usage::Projected => Usage::Expression,
            inner => inner,
        };
        let mut clean = true;
        let mut types = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            let info = self.consume(arg, inner);
            clean &= info.clean;
            types.push(info.ty);
        }
        for sort in &call.order {
            let info = self.sort(
                sort,
                if aggregate {
                    Usage::Aggregate
                } else {
                    Usage::Order
                },
            );
            clean &= info.clean;
            types.push(info.ty);
        }
        if let Some(filter) = &call.filter {
            self.consume(filter, Usage::Predicate);
        }
        if let Some(window) = &call.over {
            clean &= self.window(window);
        }
        let called = self.call(
            &call.name,
            &types,
            call.named || call.variadic || !call.order.is_empty(),
        );
        self.ordered_call(call, aggregate, &types);
        if let [name] | [_, name] = call.name.as_slice()
            && **name == *"set_config"
        {
            self.set_config(&call.args);
        }
        Info {
            ty: match called.candidate {
                Some(function) => Ty::Known(function.returns, -1),
                None if called.listed => super::types::result(call),
                None => Ty::Other,
            },
            clean: clean && called.listed,
        }
    }

    /// Whether a call may be that of an aggregate.
    pub(super) fn is_aggregate(&self, call: &Call) -> bool {
        let Some(name) = call.name.last() else {
            return false;
        };
        super::code::is_aggregate(name)
            || self
                .catalog
                .functions_named(name)
                .any(|function| function.kind == crate::catalog::FunctionKind::Aggregate)
    }

    pub(super) fn set_config(&mut self, args: &'a [Expr]) {
        let known = match args {
            [Expr::Column(column), ..] if super::outputs::is_name(column) => self.setting,
            [Expr::Text(name), ..] => Some(name.read(&self.facts.constants_read)),
            _ => None,
        };
        let constant = match args.get(1..).unwrap_or_default() {
            [Expr::Text(value), Expr::Bool(local)] => {
                Some((value.read(&self.facts.constants_read), *local))
            }
            [Expr::Text(value), Expr::Text(local)] => {
                let value = value.read(&self.facts.constants_read);
                match local.read(&self.facts.constants_read) {
                    "t" | "true" | "on" | "yes" | "1" => Some((value, true)),
                    "f" | "false" | "off" | "no" | "0" => Some((value, false)),
                    _ => None,
                }
            }
            _ => None,
        };
        let change = |name: &str, value, local: bool| SetChange {
            name: name.to_ascii_lowercase(),
            scope: if local {
                SetScope::Local
            } else {
                SetScope::Session
            },
            value,
            is_reset: false,
            reset_all: false,
        };
        match (known, constant) {
            (Some(name), Some((value, local))) => {
                let value = SetValue::Literal(vec![value.to_string()]);
                self.facts.settings.push(change(name, value, local));
            }
            (Some(name), None) => {
                let change = change(name, SetValue::NotConstant, false);
                if change.class() != SettingClass::Harmless {
                    self.facts.opaque(OpaqueReason::Setting);
                }
                self.facts.settings.push(change);
            }
            (None, _) => self.facts.opaque(OpaqueReason::Setting),
        }
    }

    /// Whether no column decides what the window holds.
    pub(super) fn window(&mut self, window: &'a Window) -> bool {
        let mut clean = window.named.is_none();
        for expr in &window.partition {
            clean &= self.grouped(expr);
        }
        for sort in &window.order {
            clean &= self.sort(sort, Usage::Order).clean;
        }
        clean & self.consume_all(&window.frame, Usage::Expression)
    }

    pub(super) fn sort(&mut self, sort: &'a Sort, usage: Usage) -> Info {
        let info = self.consume(&sort.expr, usage);
        if !sort.using.is_empty() {
            self.operator(&sort.using, Some(info.ty), info.ty);
        }
        info
    }
}
