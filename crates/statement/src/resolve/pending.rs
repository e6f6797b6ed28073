//! What earlier statements of the same text change, so that the catalog no longer tells what later ones will find.

use std::sync::Arc;

use crate::Statement;
use crate::ast::Table;

/// Names that the catalog cannot be trusted for any more.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    relations: Vec<(Option<Box<str>>, Box<str>)>,
    /// Functions, operators and types that were made.
    definitions: Vec<Box<str>>,
    /// Casts were made, or something whose reach is not known.
    anything: bool,
    statements: Vec<(Box<str>, Arc<str>)>,
    cursors: Vec<(Box<str>, Arc<Statement>)>,
    settings: bool,
}

impl Pending {
    pub(crate) fn relation(&mut self, table: &Table) {
        self.relations
            .push((table.schema.clone(), table.name.clone()));
    }

    pub(crate) fn definition(&mut self, name: &str) {
        if name.is_empty() {
            self.anything = true;
        } else {
            self.definitions.push(name.into());
        }
    }

    /// Whether a relation written like this may be one that was made or changed.
    pub(crate) fn has_relation(&self, schema: Option<&str>, name: &str) -> bool {
        self.relations.iter().any(|(changed_in, changed)| {
            **changed == *name
                && match (changed_in, schema) {
                    (Some(changed_in), Some(schema)) => **changed_in == *schema,
                    _ => true,
                }
        })
    }

    pub(crate) fn has_definition(&self, name: &str) -> bool {
        self.anything || self.definitions.iter().any(|made| **made == *name)
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
