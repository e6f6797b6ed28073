//! What the reading of a text depends on besides the text.

use std::sync::Arc;

use crate::{Catalog, Limits, Statement};

/// What the reading of a text depends on besides the text.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The database's catalog, with the session's temporary objects over it.
    pub catalog: &'a Catalog,
    /// The session's settings.
    pub settings: &'a Settings,
    /// The session's prepared statements and cursors.
    pub prepared: &'a dyn Prepared,
    /// Bounds.
    pub limits: Limits,
}

/// The settings that decide what names mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The schemas of `search_path` in order, as effective: `"$user"` expanded, `pg_temp` as written. `pg_catalog` is
    /// searched first unless it is listed, the temporary schema before it.
    pub search_path: Vec<String>,
    /// Name of the session's temporary schema, once it has one.
    pub temp_schema: Option<String>,
    /// The settings are known. If not, every statement is opaque.
    pub known: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            search_path: vec!["public".into()],
            temp_schema: None,
            known: true,
        }
    }
}

/// The session's prepared statements and cursors made by SQL.
pub trait Prepared {
    /// The text of a prepared statement: what stands after AS in PREPARE, or was sent by Parse.
    fn statement(&self, name: &str) -> Option<Arc<str>>;
    /// The declared query of a cursor.
    fn cursor(&self, name: &str) -> Option<Arc<Statement>>;
}

/// A session without prepared statements and cursors.
#[derive(Debug, Clone, Copy, Default)]
pub struct NothingPrepared;

impl Prepared for NothingPrepared {
    fn statement(&self, _name: &str) -> Option<Arc<str>> {
        None
    }
    fn cursor(&self, _name: &str) -> Option<Arc<Statement>> {
        None
    }
}

/// The schemas in which a name is looked for.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    /// For relations and types, in order.
    pub(crate) relations: Vec<Box<str>>,
    /// For functions and operators: never the temporary schema.
    pub(crate) functions: Vec<Box<str>>,
    pub(crate) temp_schema: Option<Box<str>>,
    /// Where unqualified names are created.
    pub(crate) creation: Option<Box<str>>,
}

impl Search {
    pub(crate) fn new(path: &[String], temp_schema: Option<&str>) -> Self {
        let is_temp = |name: &str| name == "pg_temp" || Some(name) == temp_schema;
        let mut functions: Vec<Box<str>> = Vec::with_capacity(path.len() + 1);
        if !path.iter().any(|name| name == "pg_catalog") {
            functions.push("pg_catalog".into());
        }
        functions.extend(
            path.iter()
                .filter(|name| !is_temp(name))
                .map(|name| name.as_str().into()),
        );
        let mut relations: Vec<Box<str>> = Vec::with_capacity(path.len() + 2);
        if let Some(temp) = temp_schema.filter(|_| !path.iter().any(|name| is_temp(name))) {
            relations.push(temp.into());
        }
        if !path.iter().any(|name| name == "pg_catalog") {
            relations.push("pg_catalog".into());
        }
        for name in path {
            match temp_schema {
                Some(temp) if is_temp(name) => relations.push(temp.into()),
                None if is_temp(name) => {}
                _ => relations.push(name.as_str().into()),
            }
        }
        Self {
            relations,
            functions,
            temp_schema: temp_schema.map(Into::into),
            creation: path.first().map(|name| name.as_str().into()),
        }
    }

    /// Nothing but `pg_catalog`: how stored definitions are written.
    pub(crate) fn stored() -> Self {
        Self::new(&[], None)
    }

    /// A schema as written, `pg_temp` replaced.
    pub(crate) fn schema<'a>(&'a self, written: &'a str) -> &'a str {
        match &self.temp_schema {
            Some(temp) if written == "pg_temp" => temp,
            _ => written,
        }
    }

    pub(crate) fn finds_functions_in(&self, schema: &str) -> bool {
        self.functions.iter().any(|name| **name == *schema)
    }

    pub(crate) fn finds_relations_in(&self, schema: &str) -> bool {
        self.relations.iter().any(|name| **name == *schema)
    }
}
