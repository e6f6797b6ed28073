//! What earlier statements of the same text change, so that the catalog no longer tells what later ones will find.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use crate::Statement;

/// Names that the catalog cannot be trusted for any more.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// By name, the schemas they stand in; an empty one for any.
    relations: HashMap<Box<str>, Vec<Box<str>>>,
    /// Functions, operators and types that were made.
    definitions: HashSet<Box<str>>,
    /// Casts were made, or something whose reach is not known.
    anything: bool,
    statements: Vec<(Box<str>, Arc<str>)>,
    cursors: Vec<(Box<str>, Arc<Statement>)>,
    settings: bool,
}

/// Schemas of temporary objects go by two names.
fn is_temporary(schema: &str) -> bool {
    schema == "pg_temp" || schema.starts_with("pg_temp_")
}

impl Pending {
    /// A relation was made or changed; an empty schema stands for any.
    pub(crate) fn relation(&mut self, schema: &str, name: &str) {
        let schemas = self.relations.entry(name.into()).or_default();
        if !schemas.iter().any(|there| **there == *schema) {
            schemas.push(schema.into());
        }
    }

    pub(crate) fn definition(&mut self, name: &str) {
        if name.is_empty() {
            self.anything = true;
        } else {
            self.definitions.insert(name.into());
        }
    }

    /// The schema of a relation that was made or changed and that a name written like this may mean.
    pub(crate) fn schema_of(&self, schema: Option<&str>, name: &str) -> Option<&str> {
        let schemas = self.relations.get(name)?;
        schemas
            .iter()
            .map(|made_in| &**made_in)
            .find(|made_in| match schema {
                None => true,
                Some(schema) => {
                    made_in.is_empty()
                        || *made_in == schema
                        || is_temporary(made_in) && is_temporary(schema)
                }
            })
    }

    pub(crate) fn has_definition(&self, name: &str) -> bool {
        self.anything || self.definitions.contains(name)
    }

    /// A setting was changed.
    pub(crate) fn set_setting(&mut self) {
        self.settings = true;
    }

    pub(crate) fn has_settings(&self) -> bool {
        self.settings
    }

    pub(crate) fn prepare(&mut self, name: &str, text: Arc<str>) {
        self.statements.push((name.into(), text));
    }

    pub(crate) fn statement(&self, name: &str) -> Option<Arc<str>> {
        let made = self
            .statements
            .iter()
            .rev()
            .find(|(made, _)| **made == *name);
        made.map(|(_, text)| Arc::clone(text))
    }

    pub(crate) fn declare(&mut self, name: &str, statement: Arc<Statement>) {
        self.cursors.push((name.into(), statement));
    }

    pub(crate) fn cursor(&self, name: &str) -> Option<Arc<Statement>> {
        let made = self.cursors.iter().rev().find(|(made, _)| **made == *name);
        made.map(|(_, statement)| Arc::clone(statement))
    }
}
