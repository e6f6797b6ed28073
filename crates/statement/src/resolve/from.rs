//! FROM: what it brings into scope.

use std::sync::Arc;

use super::query::{output_name, rename};
use super::{Item, Lineage, Resolver, Rows, ScopeColumn, Ty};
use crate::ast::{
    Alias, ColumnsFrom, Expr, From, FunctionFrom, Ident, Join, JoinKind, SubFrom, Table, TypeName,
};
use crate::catalog::{CodeOrigin, Function, Relation, RelationKind};
use crate::{Catalog, Effect, Object, Usage, Verb};

/// What a relation's name means.
pub(crate) enum Meant<'a> {
    Relation(&'a Relation),
    /// An earlier statement of the same text makes or changes it; what the catalog has of it, if anything.
    Pending(Option<&'a Relation>),
    Missing,
}

const RECORD: u32 = 2249;

impl<'a> Resolver<'a> {
    pub(crate) fn find(&self, table: &Table) -> Meant<'a> {
        if table
            .database
            .as_deref()
            .is_some_and(|database| *database != *self.catalog.database())
        {
            return Meant::Missing;
        }
        let found = match &table.schema {
            Some(schema) => self
                .catalog
                .relation(self.search.schema(schema), &table.name),
            None => self
                .search
                .relations
                .iter()
                .find_map(|schema| self.catalog.relation(schema, &table.name)),
        };
        if self.pending_schema(table).is_some() {
            return Meant::Pending(found);
        }
        match found {
            Some(relation) => Meant::Relation(relation),
            None => Meant::Missing,
        }
    }

    fn pending_schema(&self, table: &Table) -> Option<&'a str> {
        let schema = table
            .schema
            .as_deref()
            .map(|schema| self.search.schema(schema));
        self.pending.schema_of(schema, &table.name)
    }

    /// A relation that a statement does something to. `None` when it is not in the catalog.
    pub(crate) fn touch(&mut self, verb: Verb, table: &Table) -> Option<&'a Relation> {
        match self.find(table) {
            Meant::Relation(relation) => {
                self.facts.relation(verb, relation, false);
                Some(relation)
            }
            Meant::Pending(Some(relation)) => {
                self.facts.relation(verb, relation, false);
                None
            }
            Meant::Pending(None) => {
                let schema = self.pending_schema(table).unwrap_or_default();
                self.facts.access(verb, absent(schema, &table.name), false);
                None
            }
            Meant::Missing => {
                self.facts.missing("relation", written(table));
                let schema = table.schema.as_deref().unwrap_or_default();
                self.facts.access(verb, absent(schema, &table.name), false);
                None
            }
        }
    }

    pub(super) fn item_of(&mut self, from: &'a From) {
        self.deeper((), |this| this.item_here(from));
    }

    #[inline(never)]
    fn item_here(&mut self, from: &'a From) {
        match from {
            From::Table(table) => self.table(table),
            From::Sub(sub) => self.sub_from(sub),
            From::Function(function) => self.function_from(function),
            From::Columns(columns) => self.columns_from(columns),
            From::Join(join) => self.join(join),
            From::Sample(sample) => {
                self.item_of(&sample.inner);
                self.consume_all(&sample.args, Usage::Expression);
                let own = match sample.method.as_slice() {
                    [name] | [_, name] => matches!(&**name, "bernoulli" | "system"),
                    _ => false,
                };
                if !own {
                    self.unlisted(None, &sample.method.join("."), true);
                }
            }
            From::Opaque(what) => {
                self.construct(what);
                self.push_rows(
                    None,
                    Rows {
                        columns: Vec::new(),
                        open: true,
                    },
                );
            }
        }
    }

    fn push(&mut self, item: Item<'a>) {
        let width = item.columns.len();
        if !self.spend(width.saturating_mul(8)) {
            return;
        }
        if let Some(level) = self.level() {
            level.width += width;
            level.items.push(item);
        }
    }

    /// Rows under an alias; without one they have no name.
    pub(super) fn push_rows(&mut self, alias: Option<&'a Alias>, rows: Rows) {
        let rows = match alias {
            Some(alias) => rename(rows, &alias.columns),
            None => rows,
        };
        self.push(Item {
            name: alias.map_or("", |alias| &alias.name),
            schema: None,
            relation: None,
            columns: rows.columns,
            named: alias.is_some(),
            bare: true,
            open: rows.open,
            lockable: false,
        });
    }

    fn table(&mut self, table: &'a Table) {
        if table.schema.is_none()
            && table.database.is_none()
            && let Some(rows) = self.cte(&table.name)
        {
            let rows = match &table.alias {
                Some(alias) => rename(rows, &alias.columns),
                None => rows,
            };
            self.push(Item {
                name: table
                    .alias
                    .as_ref()
                    .map_or(&table.name, |alias| &alias.name),
                schema: None,
                relation: None,
                columns: rows.columns,
                named: true,
                bare: true,
                open: rows.open,
                lockable: false,
            });
            return;
        }
        let item = self.relation_item(table, Verb::Read);
        self.push(item);
    }

    /// A relation as a FROM item or as the target of a write.
    pub(super) fn relation_item(&mut self, table: &'a Table, verb: Verb) -> Item<'a> {
        let meant = self.find(table);
        self.touch(verb, table);
        let name = table
            .alias
            .as_ref()
            .map_or(&*table.name, |alias| &alias.name);
        let mut item = Item {
            name,
            schema: None,
            relation: None,
            columns: Vec::new(),
            named: true,
            bare: true,
            open: true,
            lockable: true,
        };
        match meant {
            Meant::Relation(relation) => {
                item.relation = Some(relation);
                item.schema = table.alias.is_none().then_some(&*relation.schema);
                item.open = false;
                item.columns = self.relation_columns(relation);
                self.reading(relation);
            }
            Meant::Pending(Some(relation)) => {
                // What the catalog has may still be there, under this or another name.
                item.columns = self.relation_columns(relation);
                for column in &mut item.columns {
                    column.lineage = Lineage::derived(column.lineage.columns().collect());
                    column.ty = Ty::Other;
                }
                self.reading(relation);
                self.unresolved(&relation.schema, &relation.name, "*");
            }
            Meant::Pending(None) => {
                let schema = self.pending_schema(table).unwrap_or_default();
                self.unresolved(schema, &table.name, "*");
            }
            Meant::Missing => {}
        }
        if let Some(alias) = &table.alias {
            for (column, name) in item.columns.iter_mut().zip(&alias.columns) {
                column.name = Arc::from(&**name);
            }
        }
        item
    }

    /// Code and effects that reading a relation brings with it.
    fn reading(&mut self, relation: &'a Relation) {
        match relation.kind {
            RelationKind::Foreign => self.facts.raise(Effect::Volatile),
            RelationKind::Unknown => self.construct("a relation of unknown kind"),
            kind if !kind.is_readable() => self.construct("reading what has no rows"),
            _ => {}
        }
        self.policies(relation, b"r");
        for code in &relation.user_code {
            let runs = match code.origin {
                CodeOrigin::Policy => relation.row_security.enabled,
                CodeOrigin::Unknown => true,
                CodeOrigin::Default
                | CodeOrigin::Constraint
                | CodeOrigin::Index
                | CodeOrigin::Partition
                | CodeOrigin::Statistics
                | CodeOrigin::Trigger
                | CodeOrigin::Type => false,
            };
            if runs {
                self.unlisted(Some(&code.schema), &code.name, true);
            }
        }
    }

    fn sub_from(&mut self, sub: &'a SubFrom) {
        let was = self
            .level()
            .map(|level| std::mem::replace(&mut level.hidden, !sub.lateral));
        let depth = self.levels.len();
        let rows = self.query(&sub.query);
        debug_assert_eq!(depth, self.levels.len());
        if let (Some(level), Some(was)) = (self.level(), was) {
            level.hidden = was;
        }
        self.push_rows(sub.alias.as_ref(), rows);
    }

    fn columns_from(&mut self, from: &'a ColumnsFrom) {
        let clean = self.consume_all(&from.operands, Usage::Expression);
        for ty in &from.types {
            self.type_named(ty, Ty::Other);
        }
        let rows = Rows {
            columns: from
                .columns
                .iter()
                .map(|name| ScopeColumn {
                    name: Arc::from(&**name),
                    lineage: Lineage::computed(clean),
                    ty: Ty::Other,
                })
                .collect(),
            open: false,
        };
        let rows = match &from.alias {
            Some(alias) => rename(rows, &alias.columns),
            None => rows,
        };
        self.push(Item {
            name: from
                .alias
                .as_ref()
                .map_or(from.default_name, |alias| &alias.name),
            schema: None,
            relation: None,
            columns: rows.columns,
            named: true,
            bare: true,
            open: false,
            lockable: false,
        });
    }

    // ---- functions

    fn function_from(&mut self, from: &'a FunctionFrom) {
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

    fn defined_columns(&mut self, definitions: &'a [(Ident, TypeName)]) -> Rows {
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
    fn function_columns(&self, call: &'a Expr, default: &str, ty: Ty, clean: bool) -> Rows {
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

    fn result_columns(&self, function: &Function, default: &str, _ty: Ty) -> Rows {
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

    // ---- joins

    /// The columns that items from `start` up to `end` show without a name before them.
    fn shown(&self, start: usize, end: usize) -> Rows {
        let mut rows = Rows::default();
        if let Some(level) = self.levels.last() {
            let items = level.items.iter().take(end).skip(start);
            for item in items.filter(|item| item.bare) {
                rows.open |= item.open;
                rows.columns.extend(item.columns.iter().cloned());
            }
        }
        rows
    }

    fn items(&self) -> usize {
        self.levels.last().map_or(0, |level| level.items.len())
    }

    fn hide(&mut self, start: usize, named: bool) {
        if let Some(level) = self.level() {
            for item in level.items.iter_mut().skip(start) {
                item.bare = false;
                item.named &= !named;
            }
        }
    }

    fn join(&mut self, join: &'a Join) {
        let start = self.items();
        self.item_of(&join.left);
        let middle = self.items();
        self.item_of(&join.right);
        let end = self.items();
        let left = self.shown(start, middle);
        let right = self.shown(middle, end);
        let names: Vec<Arc<str>> = if join.natural {
            if left.open || right.open {
                self.construct("NATURAL JOIN of columns that are not known");
            }
            left.columns
                .iter()
                .filter(|column| right.columns.iter().any(|other| other.name == column.name))
                .map(|column| Arc::clone(&column.name))
                .collect()
        } else {
            join.using.iter().map(|name| Arc::from(&**name)).collect()
        };
        if !names.is_empty() {
            self.merge_columns(join, &names, left, right, start);
        }
        if let Some(on) = &join.on {
            let was = self
                .level()
                .map(|level| std::mem::replace(&mut level.start, start));
            self.consume(on, Usage::Join);
            if let (Some(level), Some(was)) = (self.level(), was) {
                level.start = was;
            }
        }
        if let Some(alias) = &join.alias {
            let rows = self.shown(start, self.items());
            self.hide(start, true);
            self.push_rows(Some(alias), rows);
        }
    }

    /// USING and NATURAL: each pair of columns becomes one.
    fn merge_columns(
        &mut self,
        join: &'a Join,
        names: &[Arc<str>],
        left: Rows,
        right: Rows,
        start: usize,
    ) {
        let mut merged = Vec::with_capacity(names.len());
        for name in names {
            let one = |rows: &Rows| {
                let mut matching = rows.columns.iter().filter(|column| column.name == *name);
                match (matching.next(), matching.next()) {
                    (Some(column), None) => Some(column.clone()),
                    _ => None,
                }
            };
            let (Some(left), Some(right)) = (one(&left), one(&right)) else {
                if left.open || right.open {
                    self.unresolved("", "", name);
                } else {
                    self.facts.missing("column", &**name);
                }
                continue;
            };
            self.facts.lineage(&left.lineage, Usage::Join);
            self.facts.lineage(&right.lineage, Usage::Join);
            self.operator(&["=".into()], Some(left.ty), right.ty);
            let same_type = left.ty == right.ty && left.ty != Ty::Other;
            let kept = match join.kind {
                JoinKind::Inner | JoinKind::Left if same_type => left,
                JoinKind::Right if same_type => right,
                // A computed value: both sides are used to make it.
                JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full => {
                    let clean = left.lineage.clean && right.lineage.clean;
                    let columns: Vec<_> = left
                        .lineage
                        .columns()
                        .chain(right.lineage.columns())
                        .collect();
                    let mut lineage = Lineage::derived(columns);
                    lineage.clean = clean;
                    ScopeColumn {
                        name: left.name,
                        lineage,
                        ty: Ty::Other,
                    }
                }
            };
            merged.push(kept);
        }
        let rest = |rows: Rows| {
            rows.columns
                .into_iter()
                .filter(|column| !names.contains(&column.name))
        };
        let open = left.open || right.open;
        let mut columns = merged.clone();
        columns.extend(rest(left));
        columns.extend(rest(right));
        self.hide(start, false);
        self.push_rows(None, Rows { columns, open });
        if let Some(alias) = &join.using_alias {
            self.push(Item {
                name: alias,
                schema: None,
                relation: None,
                columns: merged,
                named: true,
                bare: false,
                open: false,
                lockable: false,
            });
        }
    }
}

fn column(name: &str, ty: Ty) -> ScopeColumn {
    ScopeColumn {
        name: name.into(),
        lineage: Lineage::computed(false),
        ty,
    }
}

fn written(table: &Table) -> String {
    match &table.schema {
        Some(schema) => format!("{schema}.{}", table.name),
        None => table.name.to_string(),
    }
}

/// A relation that is not in the catalog.
fn absent(schema: &str, name: &str) -> Object {
    Object::Relation {
        oid: None,
        schema: schema.into(),
        name: name.into(),
        system: Catalog::is_system_schema(schema),
    }
}
