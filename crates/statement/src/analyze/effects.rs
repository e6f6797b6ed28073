//! What a statement changes for the statements after it in the same text.

use std::sync::Arc;

use crate::resolve::Pending;
use crate::{Kind, SetChange, SetValue, SettingClass, Statement, Transaction};

/// What a statement changes for the statements after it.
#[derive(Default)]
pub(super) struct Effects {
    /// Schema and name.
    pub(super) relations: Vec<(Arc<str>, Arc<str>)>,
    pub(super) definitions: Vec<String>,
    /// Whether analysis looked at the value of a constant.
    pub(super) constants_read: bool,
}

/// Follows `search_path` through a text; other settings that change meaning leave it unknown.
fn apply_setting(change: &SetChange, by_set: bool, settings: &mut crate::Settings) {
    if change.reset_all {
        settings.known = false;
    }
    match (change.name.as_str(), &change.value) {
        // SET takes each word as it is; `set_config` splits its one.
        ("search_path", SetValue::Literal(words))
            if by_set && !words.iter().any(|word| word == "$user") =>
        {
            settings.search_path = words
                .iter()
                .filter(|word| !word.is_empty())
                .cloned()
                .collect();
        }
        ("search_path", SetValue::FromCurrent) => {}
        ("search_path" | "role" | "session_authorization" | "standard_conforming_strings", _) => {
            settings.known = false;
        }
        _ => {}
    }
}

impl Effects {
    /// Names of the relations concerned, each once.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for (_, name) in &self.relations {
            if !names.contains(name) {
                names.push(Arc::clone(name));
            }
        }
        names
    }

    pub(super) fn apply(
        self,
        statement: &Statement,
        pending: &mut Pending,
        settings: &mut crate::Settings,
    ) {
        for (schema, name) in &self.relations {
            pending.relation(schema, name);
        }
        for name in &self.definitions {
            pending.definition(name);
        }
        match &statement.kind {
            Kind::Prepare { name, text, .. } => pending.prepare(name, text.as_str().into()),
            Kind::Declare { cursor, inner, .. } => {
                pending.declare(cursor, Arc::new((**inner).clone()));
            }
            // What the path becomes again is not known here.
            Kind::Transaction(
                Transaction::Commit { .. }
                | Transaction::Rollback { .. }
                | Transaction::RollbackTo(_),
            ) => {
                settings.known &= !pending.has_settings();
            }
            Kind::Discard { all: true, .. } => settings.known = false,
            _ => {}
        }
        // A query may compute `set_config` for any number of rows, none as well.
        let by_set = matches!(statement.kind, Kind::Set(_));
        for change in &statement.settings {
            if change.class() != SettingClass::Harmless {
                pending.set_setting();
            }
            apply_setting(change, by_set, settings);
        }
    }
}
