//! One layer of a catalog: objects and the indexes over them.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::Oid;
use super::objects::{Cast, EventTrigger, Function, Operator, Relation, Type};

/// Facts about the server itself.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) version: u32,
    pub(super) database: Arc<str>,
}

/// Objects by identity, and where their names point.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) server: Server,
    pub(super) schemas: HashSet<Arc<str>>,
    pub(super) relations: HashMap<Oid, Relation>,
    pub(super) relations_by_name: HashMap<Arc<str>, Vec<Oid>>,
    pub(super) relations_by_row_type: HashMap<Oid, Oid>,
    pub(super) children: HashMap<Oid, Vec<Oid>>,
    pub(super) parents: HashMap<Oid, Vec<Oid>>,
    pub(super) types: HashMap<Oid, Type>,
    pub(super) types_by_name: HashMap<Arc<str>, Vec<Oid>>,
    pub(super) functions: HashMap<Arc<str>, Vec<Function>>,
    pub(super) functions_by_oid: HashMap<Oid, Arc<str>>,
    pub(super) built_in_functions: HashMap<Arc<str>, Vec<Function>>,
    pub(super) operators: HashMap<Arc<str>, Vec<Operator>>,
    pub(super) casts: Vec<Cast>,
    pub(super) event_triggers: Vec<EventTrigger>,
}

impl Layer {
    pub(super) fn relation(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relations_by_name
            .get(name)?
            .iter()
            .filter_map(|oid| self.relations.get(oid))
            .find(|relation| &*relation.schema == schema)
    }
}
