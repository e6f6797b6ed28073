//! Functions in FROM, and the columns they give.

use std::sync::Arc;

use super::outputs::{output_name, rename};
use super::{Item, Lineage, Resolver, Rows, ScopeColumn, Ty};
use crate::Usage;
use crate::ast::{Expr, FunctionFrom, Ident, TypeName};
use crate::catalog::Function;

impl<'a> Resolver<'a> {
    pub(super) fn function_from(&mut self, from: &'a FunctionFrom) {
        let mut rows = Rows::default();
        let single = from.calls.len() == 1;
        for (call, definitions) in &from.calls {
            let info = self.consume(call, Usage::Expression);
            let default = match &from.alias {
                Some(alias) if single => &*alias.name,
                _ => output_name(call).1,
            };
            let result = if definitions.is_empty() {
                self.function_columns(call, default, info.ty, info.clean)
            } else {
                self.defined_columns(definitions)
            };
            rows.open |= result.open;
            rows.columns
                .extend(result.columns.into_iter().map(|mut column| {
                    column.lineage = Lineage::computed(info.clean);
                    column
                }));
        }
        if from.ordinality {
            rows.columns.push(ScopeColumn {
                name: "ordinality".into(),
                lineage: Lineage::clean(),
                ty: Ty::Known(20, -1),
            });
        }
        let rows = match &from.alias {
            Some(alias) => rename(rows, &alias.columns),
            None => rows,
        };
        let name = match (&from.alias, from.calls.first()) {
            (Some(alias), _) => &*alias.name,
            (None, Some((call, _))) => output_name(call).1,
            (None, None) => "",
        };
        self.push(Item {
            name,
            schema: None,
            relation: None,
            columns: rows.columns,
            named: true,
            bare: true,
            open: rows.open,
            lockable: false,
        });
    }

    pub(super) fn defined_columns(&mut self, definitions: &'a [(Ident, TypeName)]) -> Rows {
        Rows {
            columns: definitions
                .iter()
                .map(|(name, ty)| ScopeColumn {
                    name: Arc::from(&**name),
                    lineage: Lineage::computed(false),
                    ty: self.type_named(ty, Ty::Other),
                })
                .collect(),
            open: false,
        }
    }

    /// The columns a function in FROM gives, by its result type (parser/parse_relation.c,
    /// addRangeTableEntryForFunction).
    pub(super) fn function_columns(
        &self,
        call: &'a Expr,
        default: &str,
        ty: Ty,
        clean: bool,
    ) -> Rows {
        let scalar = |name: &str, open: bool| Rows {
            columns: vec![column(name, Ty::Other)],
            open,
        };
        let open = || Rows {
            columns: Vec::new(),
            open: true,
        };
        let Expr::Call(call) = call else {
            return scalar(default, false);
        };
        let Some(name) = call.name.last() else {
            return open();
        };
        if self.pending.has_definition(name) {
            return open();
        }
        let users: Vec<&Function> = self
            .catalog
            .functions_named(name)
            .filter(|function| match call.name.as_slice() {
                [_] => self.search.finds_functions_in(&function.schema),
                [.., schema, _] => *function.schema == *self.search.schema(schema),
                [] => false,
            })
            .collect();
        match users.as_slice() {
            [] => {}
            [function] if crate::listed::function("pg_catalog", name).is_none() => {
                return self.result_columns(function, default, ty);
            }
            _ => return open(),
        }
        if crate::listed::function("pg_catalog", name).is_none() {
            return open();
        }
        if matches!(
            &**name,
            "json_populate_record"
                | "json_populate_recordset"
                | "jsonb_populate_record"
                | "jsonb_populate_recordset"
        ) {
            return open();
        }
        if &**name == "unnest" {
            // An array of rows gives their columns.
            let alone = call.args.len() == 1;
            return if alone {
                scalar(default, !clean)
            } else {
                open()
            };
        }
        let own = self.catalog.built_in_functions_named(name);
        match own {
            [] if self.catalog.server_version() == 0 && &**name != "generate_series" => {
                scalar(default, true)
            }
            [] => scalar(default, false),
            [first, rest @ ..] => {
                let names = |function: &Function| {
                    function
                        .outputs
                        .iter()
                        .map(|(name, _)| Arc::clone(name))
                        .collect::<Vec<_>>()
                };
                if rest.iter().all(|other| names(other) == names(first)) {
                    self.result_columns(first, default, Ty::Other)
                } else {
                    open()
                }
            }
        }
    }

    pub(super) fn result_columns(&self, function: &Function, default: &str, _ty: Ty) -> Rows {
        if !function.outputs.is_empty() {
            let single = function.outputs.len() == 1;
            return Rows {
                columns: function
                    .outputs
                    .iter()
                    .enumerate()
                    .map(|(place, (name, ty))| {
                        let unnamed = format!("column{}", place + 1);
                        let name = match (&**name, single) {
                            ("", true) => default,
                            ("", false) => &unnamed,
                            (name, _) => name,
                        };
                        column(name, Ty::Known(*ty, -1))
                    })
                    .collect(),
                // A single output of row type gives that row's columns.
                open: function
                    .outputs
                    .iter()
                    .any(|(_, ty)| single && super::types::is_user(*ty)),
            };
        }
        if let Some(relation) = self.catalog.relation_of_row_type(function.returns) {
            return Rows {
                columns: relation
                    .columns
                    .iter()
                    .map(|found| ScopeColumn {
                        name: Arc::clone(&found.name),
                        lineage: Lineage::computed(false),
                        ty: Ty::Known(found.type_oid, found.typmod),
                    })
                    .collect(),
                open: false,
            };
        }
        let plain = match self.catalog.type_by_oid(function.returns) {
            Some(ty) => !matches!(
                ty.kind,
                crate::catalog::TypeKind::Composite
                    | crate::catalog::TypeKind::Pseudo
                    | crate::catalog::TypeKind::Domain
                    | crate::catalog::TypeKind::Unknown
            ),
            None => !super::types::is_user(function.returns) && function.returns < 2000,
        };
        Rows {
            columns: if plain {
                vec![column(default, Ty::Known(function.returns, -1))]
            } else {
                Vec::new()
            },
            open: !plain || function.returns == RECORD,
        }
    }
}

pub(super) const RECORD: u32 = 2249;

pub(super) fn column(name: &str, ty: Ty) -> ScopeColumn {
    ScopeColumn {
        name: name.into(),
        lineage: Lineage::computed(false),
        ty,
    }
}
