//! The schema's words as values: actions, entity types, and which go together.

use std::collections::HashSet;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};

/// The Cedar schema every policy is validated against.
pub const SCHEMA: &str = include_str!("../schema.cedarschema");

/// Every action a request may name.
pub const ACTIONS: &[&str] = &[
    "connect", "read", "lookup", "export", "lock", "insert", "update", "delete", "create", "alter",
    "drop", "truncate", "grant", "maintain", "call", "set", "explain", "notify", "opaque",
];

/// Types of resource entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Dataset,
    Schema,
    Function,
    Object,
    Target,
}

/// Entity type names, parsed once.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) human: EntityTypeName,
    pub(crate) agent: EntityTypeName,
    pub(crate) workload: EntityTypeName,
    pub(crate) group: EntityTypeName,
    pub(crate) environment: EntityTypeName,
    pub(crate) target: EntityTypeName,
    pub(crate) schema: EntityTypeName,
    pub(crate) dataset: EntityTypeName,
    pub(crate) function: EntityTypeName,
    pub(crate) object: EntityTypeName,
    /// In the order of [`ACTIONS`].
    pub(crate) actions: Vec<EntityUid>,
    applies: HashSet<(usize, Kind)>,
}

impl Words {
    /// The words of `schema`; an error is a fault of the schema file.
    pub(crate) fn new(schema: &Schema) -> Result<Self, String> {
        let name = |text: &str| text.parse::<EntityTypeName>().map_err(|e| e.to_string());
        let action = name("Action")?;
        let mut words = Words {
            human: name("Human")?,
            agent: name("Agent")?,
            workload: name("Workload")?,
            group: name("Group")?,
            environment: name("Environment")?,
            target: name("Target")?,
            schema: name("Schema")?,
            dataset: name("Dataset")?,
            function: name("Function")?,
            object: name("Object")?,
            actions: ACTIONS.iter().map(|a| uid(&action, a)).collect(),
            applies: HashSet::new(),
        };
        for env in schema.request_envs() {
            let action = words.actions.iter().position(|a| a == env.action());
            let kind = words.kind(env.resource());
            let (Some(action), Some(kind)) = (action, kind) else {
                return Err(format!(
                    "{} on {} is not among the known actions",
                    env.action(),
                    env.resource()
                ));
            };
            words.applies.insert((action, kind));
        }
        Ok(words)
    }

    /// Position of an action in [`ACTIONS`], if it exists for resources of `kind`.
    pub(crate) fn action(&self, action: &str, kind: Kind) -> Option<usize> {
        let at = ACTIONS.iter().position(|a| *a == action)?;
        self.applies.contains(&(at, kind)).then_some(at)
    }

    /// The entity type of resources of `kind`.
    pub(crate) fn resource(&self, kind: Kind) -> &EntityTypeName {
        match kind {
            Kind::Dataset => &self.dataset,
            Kind::Schema => &self.schema,
            Kind::Function => &self.function,
            Kind::Object => &self.object,
            Kind::Target => &self.target,
        }
    }

    fn kind(&self, name: &EntityTypeName) -> Option<Kind> {
        [
            Kind::Dataset,
            Kind::Schema,
            Kind::Function,
            Kind::Object,
            Kind::Target,
        ]
        .into_iter()
        .find(|kind| self.resource(*kind) == name)
    }
}

/// `Type::"id"`.
pub(crate) fn uid(name: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(name.clone(), EntityId::new(id))
}
