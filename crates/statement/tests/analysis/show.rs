//! Statements as text.

use std::fmt::Write;

use statement::{Catalog, ColumnId, FunctionUse, Object, Source, Statement};

use crate::fixture::{analyze, catalog};

fn name(catalog: &Catalog, column: ColumnId) -> String {
    if let Some((_, relation, name)) = catalog.column_name(column) {
        return format!("{relation}.{name}");
    }
    match catalog.relation_by_oid(column.relation) {
        Some(relation) => format!("{}[{}]", relation.name, column.attribute),
        None => format!("{}[{}]", column.relation, column.attribute),
    }
}

fn object(object: &Object) -> String {
    match object {
        Object::Relation {
            oid, schema, name, ..
        } => {
            let known = if oid.is_some() { "" } else { "?" };
            format!("{schema}.{name}{known}")
        }
        Object::Schema(name) => format!("schema {name}"),
        Object::Database(name) => format!("database {name}"),
        Object::Role(name) => format!("role {name}"),
        Object::Function { schema, name } => format!("function {schema}.{name}"),
        Object::Other { class, name } => format!("{class} {name}"),
    }
}

pub(crate) fn statement(catalog: &Catalog, statement: &Statement) -> String {
    let mut out = String::new();
    let mut parts = vec![format!("{:?}", statement.effect)];
    if !statement.has_where {
        parts.push("no where".into());
    }
    if !statement.outputs_complete {
        parts.push("outputs open".into());
    }
    writeln!(out, "{} {}", statement.command, parts.join(", ")).unwrap();
    let accesses: Vec<String> = statement
        .accesses
        .iter()
        .map(|access| {
            let through = if access.indirect { " (indirect)" } else { "" };
            format!("{} {}{through}", access.verb.name(), object(&access.object))
        })
        .collect();
    if !accesses.is_empty() {
        writeln!(out, "  access: {}", accesses.join(", ")).unwrap();
    }
    for column in &statement.columns {
        let name = if column.column == ColumnId::UNRESOLVED {
            format!("{}.{}", column.relation, column.name)
        } else {
            name(catalog, column.column)
        };
        writeln!(out, "  {:?} {name}", column.usage).unwrap();
    }
    for output in &statement.outputs {
        let source = match &output.source {
            Source::Column(column) => name(catalog, *column),
            Source::AnyOf(columns) => {
                let names: Vec<String> = columns.iter().map(|id| name(catalog, *id)).collect();
                names.join(" or ")
            }
            Source::Clean => "clean".into(),
            Source::Derived => "derived".into(),
        };
        let reported = output
            .reported
            .map_or("-".into(), |column| name(catalog, column));
        writeln!(out, "  -> {}: {source} as {reported}", output.name).unwrap();
    }
    let unlisted: Vec<String> = statement
        .functions
        .iter()
        .filter_map(|function| match function {
            FunctionUse::Listed(_) => None,
            FunctionUse::Unlisted {
                schema,
                name,
                user_defined,
            } => {
                let schema = schema.as_deref().unwrap_or("?");
                let by = if *user_defined { "" } else { " (not listed)" };
                Some(format!("{schema}.{name}{by}"))
            }
        })
        .collect();
    if !unlisted.is_empty() {
        writeln!(out, "  calls: {}", unlisted.join(", ")).unwrap();
    }
    for change in &statement.settings {
        writeln!(
            out,
            "  set: {} {:?} {:?}",
            change.name,
            change.value,
            change.class()
        )
        .unwrap();
    }
    for reason in &statement.opaque {
        writeln!(out, "  opaque: {reason}").unwrap();
    }
    out
}

/// What analysis says of a text is this.
pub(crate) fn check(text: &str, expected: expect_test::Expect) {
    expected.assert_eq(&show(text));
}

/// What analysis says of a text.
fn show(text: &str) -> String {
    let catalog = catalog();
    match analyze(text) {
        Ok(analysis) => {
            let mut out: String = analysis
                .statements
                .iter()
                .map(|one| statement(&catalog, one))
                .collect();
            if !analysis.complete_catalog {
                out.push_str("names missing\n");
            }
            out
        }
        Err(error) => format!("{} {error:?}\n", error.sqlstate()),
    }
}
