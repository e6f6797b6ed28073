//! What a statement changes for the statements after it in the same text.

use std::sync::Arc;

use crate::resolve::Pending;
use crate::{Kind, SetChange, SetValue, Statement, Transaction};

/// What a statement changes for the statements after it.
#[derive(Default)]
pub(super) struct Effects {
    /// Schema and name.
    pub(super) relations: Vec<(Arc<str>, Arc<str>)>,
    pub(super) definitions: Vec<String>,
}

/// Follows `search_path` through a text; other settings that change meaning leave it unknown.
pub(super) fn apply_setting(change: &SetChange, settings: &mut crate::Settings) {
    if change.reset_all {
        settings.known = false;
    }
    match (change.name.as_str(), &change.value) {
        ("search_path", SetValue::Literal(words)) => match path(words) {
            Some(path) => settings.search_path = path,
            None => settings.known = false,
        },
        ("search_path", SetValue::FromCurrent) => {}
        ("search_path" | "role" | "session_authorization" | "standard_conforming_strings", _) => {
            settings.known = false;
        }
        _ => {}
    }
}

/// A literal search_path as a list of schemas: SET gives one word for each, `set_config` all in one.
pub(super) fn path(words: &[String]) -> Option<Vec<String>> {
    let [only] = words else {
        // "$user" needs the role's name.
        return (!words.iter().any(|word| word == "$user")).then(|| words.to_vec());
    };
    let mut path = Vec::new();
    for word in only.split(',') {
        let word = word.trim();
        let name = match word.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"')?.to_owned(),
            None => word.to_ascii_lowercase(),
        };
        if name.contains('"') || name == "$user" {
            return None;
        }
        if !name.is_empty() {
            path.push(name);
        }
    }
    Some(path)
}

impl Effects {
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
            Kind::Transaction(Transaction::Rollback { .. } | Transaction::RollbackTo(_)) => {
                settings.known &= !pending.has_settings();
            }
            Kind::Discard { all: true, .. } => settings.known = false,
            _ => {}
        }
        for change in &statement.settings {
            pending.set_setting();
            apply_setting(change, settings);
        }
    }
}
