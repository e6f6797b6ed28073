//! Functions and operators: which candidates a name has, and whether all of them were reviewed.

use std::sync::Arc;

use super::types::is_user;
use super::{Resolver, Ty};
use crate::ast::Ident;
use crate::catalog::Function;
use crate::listed::{self, Class};
use crate::{Effect, FunctionUse, Oid};

/// The server's own aggregates.
const AGGREGATES: [&str; 50] = [
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "dense_rank",
    "every",
    "json_agg",
    "json_agg_strict",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "json_object_agg_unique_strict",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "jsonb_object_agg_unique",
    "jsonb_object_agg_unique_strict",
    "max",
    "min",
    "mode",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "range_intersect_agg",
    "rank",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "string_agg",
    "sum",
    "xmlagg",
];

/// Operators for which the server prefers its own candidates whenever no operand is of a user's type: there is one
/// for two strings, or one for two equal types (parser/parse_oper.c, binary_oper_exact; parse_func.c,
/// func_select_candidate).
const COMMON: [&str; 20] = [
    "=", "<>", "<", ">", "<=", ">=", "||", "~", "~*", "!~", "!~*", "~~", "~~*", "!~~", "!~~*", "+",
    "-", "*", "/", "%",
];

/// Functions of the server without arguments that an extension brings, too (pgcrypto).
const WITHOUT_ARGUMENTS: [&str; 1] = ["gen_random_uuid"];

/// What calling a name means.
pub(super) struct Called<'a> {
    /// The user's function, when there is just one that can be meant.
    pub(super) candidate: Option<&'a Function>,
    /// Every candidate was reviewed.
    pub(super) listed: bool,
}

impl<'a> Resolver<'a> {
    pub(crate) fn unlisted(&mut self, schema: Option<&str>, name: &str, user_defined: bool) {
        self.facts.function(FunctionUse::Unlisted {
            schema: schema.map(Into::into),
            name: name.into(),
            user_defined,
        });
    }

    /// A function by name with arguments of these types.
    pub(super) fn call(&mut self, path: &[Ident], args: &[Ty], any_place: bool) -> Called<'a> {
        let (schema, name) = match path {
            [name] => (None, &**name),
            [schema, name] => (Some(self.search.schema(schema)), &**name),
            [database, schema, name] if **database == *self.catalog.database() => {
                (Some(self.search.schema(schema)), &**name)
            }
            _ => {
                self.facts.missing("function", path.join("."));
                return Called {
                    candidate: None,
                    listed: false,
                };
            }
        };
        let reachable: Vec<&'a Function> = self
            .catalog
            .functions_named(name)
            .filter(|function| match schema {
                Some(schema) => *function.schema == *schema,
                None => self.search.finds_functions_in(&function.schema),
            })
            .collect();
        let mut candidates: Vec<&'a Function> = reachable
            .iter()
            .copied()
            .filter(|function| self.may_call(function, args, any_place))
            .collect();
        let own = match schema {
            None => listed::function("pg_catalog", name),
            Some(schema) => listed::function(schema, name),
        };
        let made = reachable.is_empty() && self.pending.has_definition(name);
        let Some(class) = own.filter(|_| !made) else {
            if made {
                self.unlisted(schema, name, true);
                return Called {
                    candidate: None,
                    listed: false,
                };
            }
            if candidates.is_empty() {
                candidates = reachable;
            }
            return self.user_call(schema, name, &candidates);
        };
        // Of functions with the same arguments the first on the path is meant (catalog/namespace.c,
        // FuncnameGetCandidates).
        let own_first = schema.is_none()
            && matches!(self.search.functions.first(), Some(first) if **first == *"pg_catalog");
        if own_first && args.is_empty() && WITHOUT_ARGUMENTS.contains(&name) {
            candidates.clear();
        }
        if !candidates.is_empty() {
            return self.user_call(schema, name, &candidates);
        }
        if self.pending.has_definition(name) {
            self.unlisted(schema, name, true);
            return Called {
                candidate: None,
                listed: false,
            };
        }
        self.facts.function(FunctionUse::Listed(name.into()));
        self.facts.raise(match class {
            Class::Immutable | Class::Stable => Effect::ReadOnly,
            // Its arguments decide; set_config is handled where they are known.
            Class::Settings if name == "set_config" => Effect::Session,
            Class::Settings => Effect::ReadOnly,
            Class::Volatile => Effect::Volatile,
            Class::Session => Effect::Session,
            Class::Effect => Effect::Write,
        });
        Called {
            candidate: None,
            listed: true,
        }
    }

    fn user_call(
        &mut self,
        schema: Option<&str>,
        name: &str,
        candidates: &[&'a Function],
    ) -> Called<'a> {
        if candidates.is_empty() {
            if schema != Some("pg_catalog") {
                self.facts.complete = false;
            }
            self.unlisted(schema, name, false);
        }
        for function in candidates {
            self.facts.function(FunctionUse::Unlisted {
                schema: Some(Arc::clone(&function.schema)),
                name: Arc::clone(&function.name),
                user_defined: true,
            });
            self.see_type(function.returns);
            for (_, ty) in &function.outputs {
                self.see_type(*ty);
            }
        }
        Called {
            candidate: match candidates {
                [function] => Some(function),
                _ => None,
            },
            listed: false,
        }
    }

    fn may_call(&self, function: &Function, args: &[Ty], any_place: bool) -> bool {
        let declared = function.arguments.len();
        let least = if function.variadic {
            declared.saturating_sub(function.defaults + 1)
        } else {
            declared.saturating_sub(function.defaults)
        };
        let count_fits = args.len() >= least && (function.variadic || args.len() <= declared);
        count_fits
            && (any_place
                || function.variadic
                || args
                    .iter()
                    .zip(&function.arguments)
                    .all(|(given, wanted)| self.may_be(*given, *wanted)))
    }

    /// An operator by name; `left` is `None` for a prefix operator. Whether every candidate is the server's own.
    pub(super) fn operator(&mut self, path: &[Ident], left: Option<Ty>, right: Ty) -> bool {
        let (schema, name) = match path {
            [name] => (None, &**name),
            [schema, name] => (Some(self.search.schema(schema)), &**name),
            _ => {
                self.facts.missing("operator", path.join("."));
                return false;
            }
        };
        let pending = self.pending.has_definition(name);
        if pending {
            self.unlisted(schema, name, true);
        }
        let wanted_left = |oid: Oid| match left {
            Some(given) => oid != 0 && self.may_be(given, oid),
            None => oid == 0,
        };
        let found: Vec<FunctionUse> = self
            .catalog
            .operators_named(name)
            .filter(|operator| match schema {
                Some(schema) => *operator.schema == *schema,
                None => self.search.finds_functions_in(&operator.schema),
            })
            .filter(|operator| wanted_left(operator.left) && self.may_be(right, operator.right))
            .filter(|operator| {
                let mut users = [operator.left, operator.right]
                    .into_iter()
                    .filter(|oid| is_user(*oid));
                let own = left.is_some_and(is_own) && is_own(right);
                let common = schema.is_none() && left.is_some() && COMMON.contains(&name);
                let any = is_user(operator.left) || is_user(operator.right);
                !(common && any && (own || !users.any(|oid| self.types.contains(&oid))))
            })
            .map(|operator| FunctionUse::Unlisted {
                schema: Some(Arc::clone(&operator.schema)),
                name: Arc::clone(&operator.name),
                user_defined: true,
            })
            .collect();
        if found.is_empty()
            && let Some(schema) = schema.filter(|schema| *schema != "pg_catalog")
        {
            self.facts.missing("operator", format!("{schema}.{name}"));
        }
        let own = found.is_empty() && !pending;
        for function in found {
            self.facts.function(function);
        }
        own
    }
}

/// A literal, or a value of one of the server's own types.
fn is_own(ty: Ty) -> bool {
    match ty {
        Ty::Literal => true,
        Ty::Known(oid, _) => !is_user(oid),
        Ty::Other | Ty::Exact => false,
    }
}

/// One of the server's own aggregates.
pub(super) fn is_aggregate(name: &str) -> bool {
    AGGREGATES.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn aggregates_are_sorted() {
        assert!(super::AGGREGATES.is_sorted());
    }
}
