//! A catalog, and statements as text.

use std::fmt::Write;
use std::sync::Arc;

use statement::catalog::{Builder, Catalog};
use statement::{
    Analysis, ColumnId, Effect, FunctionUse, Limits, NothingPrepared, Object, Scope, Settings,
    Source, Statement,
};

/// The database of the leak corpus, as `statement::catalog::LOAD` reads it.
const ROWS: &str = include_str!("../everyday/catalog.tsv");

pub(crate) fn catalog() -> Catalog {
    let mut builder = Builder::new();
    for line in ROWS.lines() {
        let (section, rest) = line.split_once('\t').unwrap();
        if section == "fingerprint" {
            continue;
        }
        let fields: Vec<Option<String>> = rest
            .split('\t')
            .map(|field| {
                (field != "\\N").then(|| {
                    field
                        .replace("\\n", "\n")
                        .replace("\\t", "\t")
                        .replace("\\\\", "\\")
                })
            })
            .collect();
        let fields: Vec<Option<&str>> = fields.iter().map(Option::as_deref).collect();
        builder.row(section, &fields).unwrap();
    }
    builder.finish(String::new())
}

pub(crate) fn settings() -> Settings {
    Settings {
        search_path: vec!["public".into()],
        temp_schema: None,
        known: true,
    }
}

pub(crate) fn analyze(text: &str) -> Result<Analysis, statement::Error> {
    thread_local! {
        static CATALOG: Catalog = catalog();
    }
    CATALOG.with(|catalog| {
        statement::analyze(
            text,
            &Scope {
                catalog,
                settings: &settings(),
                prepared: &NothingPrepared,
                limits: Limits::default(),
            },
        )
    })
}

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
        let source = match output.source {
            Source::Column(column) => name(catalog, column),
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

/// What analysis says of a text.
pub(crate) fn show(text: &str) -> String {
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

/// Keeps the items of this module in use by every test binary that includes it.
pub(crate) fn nothing() -> (Arc<str>, Effect) {
    ("".into(), Effect::ReadOnly)
}
