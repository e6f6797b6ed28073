//! What policy is asked of a statement, and what the principal sees raw.

use std::collections::{BTreeMap, BTreeSet};

use mask::Label;
use policy::{AccessFact, Context, Decision, Facts, Request, ResourceFact};
use statement::{FunctionUse, Object, Statement, Verb};

use super::Judge;

impl Judge<'_> {
    /// What policy is asked about: one access per verb and object, `call` for
    /// each function that is not known to be harmless.
    pub(super) fn accesses<'s>(&'s self, statement: &'s Statement) -> Vec<AccessFact<'s>> {
        let mut by_relation: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for used in &statement.columns {
            if let Some(label) = self.label(used.column) {
                by_relation
                    .entry((&used.schema, &used.relation))
                    .or_default()
                    .insert(label.as_str());
            }
        }
        let mut accesses: Vec<AccessFact<'s>> = statement
            .accesses
            .iter()
            .map(|access| {
                let (resource, labels) = match &access.object {
                    Object::Relation {
                        schema,
                        name,
                        system,
                        ..
                    } => (
                        ResourceFact::Dataset {
                            schema,
                            name,
                            system: *system,
                            temporary: schema.starts_with("pg_temp"),
                        },
                        by_relation
                            .get(&(schema.as_ref(), name.as_ref()))
                            .cloned()
                            .unwrap_or_default(),
                    ),
                    Object::Schema(name) => (ResourceFact::Schema(name), BTreeSet::new()),
                    Object::Function { schema, name } => {
                        (ResourceFact::Function { schema, name }, BTreeSet::new())
                    }
                    Object::Database(name) => (
                        ResourceFact::Object {
                            class: "database",
                            name,
                        },
                        BTreeSet::new(),
                    ),
                    Object::Role(name) => (
                        ResourceFact::Object {
                            class: "role",
                            name,
                        },
                        BTreeSet::new(),
                    ),
                    Object::Other { class, name } => {
                        (ResourceFact::Object { class, name }, BTreeSet::new())
                    }
                };
                AccessFact {
                    action: access.verb.name(),
                    resource,
                    labels,
                }
            })
            .collect();
        // A foreign key is looked up in a table that the statement does not name.
        for ((schema, name), labels) in by_relation {
            let named = |access: &AccessFact<'_>| matches!(access.resource, ResourceFact::Dataset { schema: s, name: n, .. } if (s, n) == (schema, name));
            if !accesses.iter().any(named) {
                accesses.push(AccessFact {
                    action: Verb::Read.name(),
                    resource: ResourceFact::Dataset {
                        schema,
                        name,
                        system: false,
                        temporary: schema.starts_with("pg_temp"),
                    },
                    labels,
                });
            }
        }
        for function in &statement.functions {
            if let FunctionUse::Unlisted { schema, name, .. } = function {
                accesses.push(AccessFact {
                    action: Verb::Call.name(),
                    resource: ResourceFact::Function {
                        schema: schema.as_deref().unwrap_or("pg_catalog"),
                        name,
                    },
                    labels: BTreeSet::new(),
                });
            }
        }
        accesses
    }

    /// Whether the principal sees every label of a relation raw, and until when
    /// that holds.
    pub(super) fn sees_raw(
        &self,
        relation: statement::Oid,
        context: &Context<'_>,
    ) -> (bool, Option<u64>) {
        let labels: BTreeSet<&str> = self
            .world
            .labels
            .of_relation(relation)
            .map(Label::as_str)
            .collect();
        if labels.is_empty() {
            return (true, None);
        }
        let Some(found) = self.catalog.relation_by_oid(relation) else {
            return (false, None);
        };
        let accesses = [AccessFact {
            action: Verb::Read.name(),
            resource: ResourceFact::Dataset {
                schema: &found.schema,
                name: &found.name,
                system: false,
                temporary: false,
            },
            labels,
        }];
        let decision = self.decide(&accesses, context);
        let until = decision.expires_ms();
        (
            matches!(decision, Decision::Allow(e) if e.masks.is_empty()),
            until,
        )
    }

    /// What policy says of accesses by themselves, whatever the statement is.
    pub(super) fn decide(&self, accesses: &[AccessFact<'_>], context: &Context<'_>) -> Decision {
        let facts = Facts {
            accesses,
            has_where: true,
            command: "SELECT",
            opaque: false,
        };
        self.world.policies.decide(&Request {
            subject: self.subject(),
            target: &self.session.who.target,
            facts: &facts,
            context,
        })
    }

    /// Errors and notices of a statement are results when it touches a relation
    /// with a label this principal may not see raw, or runs code Weir does not
    /// know.
    pub(super) fn guarded(&self, statement: &Statement, context: &Context<'_>) -> bool {
        if self.world.labels.is_empty() || self.withheld() {
            return false;
        }
        let code = !statement.opaque.is_empty()
            || statement
                .functions
                .iter()
                .any(|f| matches!(f, FunctionUse::Unlisted { .. }));
        if code {
            return self.masks_anything();
        }
        let mut relations: BTreeSet<statement::Oid> = statement
            .columns
            .iter()
            .map(|c| c.column.relation)
            .collect();
        for access in &statement.accesses {
            if let Object::Relation { oid, system, .. } = &access.object {
                match oid {
                    Some(oid) => {
                        relations.extend(self.catalog.descendants(*oid));
                        relations.extend(self.catalog.parents(*oid));
                    }
                    None if *system => {}
                    // Unresolved: nothing is known of it.
                    None => return self.masks_anything(),
                }
            }
        }
        relations
            .into_iter()
            .any(|relation| !self.sees_raw(relation, context).0)
    }
}
