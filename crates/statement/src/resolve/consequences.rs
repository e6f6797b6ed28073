//! What a write sets off: rules, triggers, checks, foreign keys.

use std::sync::Arc;

use foldhash::HashSet;

use super::Resolver;
use crate::catalog::{
    CodeClass, CodeOrigin, FIRST_USER_OID, Relation, RelationKind, RuleEvent, Trigger,
};
use crate::{ColumnId, FunctionUse, Oid, OpaqueReason, Usage, Verb};

impl<'a> Resolver<'a> {
    /// Rules, triggers, checks, defaults, indexes and foreign keys that a write to this relation runs.
    pub(crate) fn writing(&mut self, relation: &'a Relation, verb: Verb) {
        let event = match verb {
            Verb::Insert => RuleEvent::Insert,
            Verb::Update => RuleEvent::Update,
            Verb::Delete => RuleEvent::Delete,
            _ => RuleEvent::Unknown,
        };
        let ruled = |rule: &crate::catalog::Rule| {
            rule.event == event || rule.event == RuleEvent::Unknown || event == RuleEvent::Unknown
        };
        if verb != Verb::Truncate && relation.rules.iter().any(ruled) {
            self.facts
                .opaque(OpaqueReason::Rule(Arc::clone(&relation.name)));
        }
        // Rows of a partitioned or inherited table may stand in any descendant.
        self.triggers(relation, verb);
        if matches!(verb, Verb::Update | Verb::Delete | Verb::Truncate) {
            self.cascade(relation, verb);
        }
    }

    /// The triggers of a write, without what its foreign keys do.
    pub(crate) fn triggers(&mut self, relation: &'a Relation, verb: Verb) {
        let catalog = self.catalog;
        for oid in catalog.descendants(relation.oid) {
            if let Some(relation) = catalog.relation_by_oid(oid) {
                self.code_of_write(relation, verb);
            }
        }
    }

    pub(super) fn code_of_write(&mut self, relation: &'a Relation, verb: Verb) {
        for trigger in relation.triggers.iter().filter(|trigger| trigger.enabled) {
            let fires = match verb {
                Verb::Insert => trigger.on_insert(),
                Verb::Update => trigger.on_update(),
                Verb::Delete => trigger.on_delete(),
                Verb::Truncate => trigger.on_truncate(),
                _ => true,
            };
            if fires && !suppresses(trigger) {
                self.facts.function(FunctionUse::Unlisted {
                    schema: Some(Arc::clone(&trigger.function.schema)),
                    name: Arc::clone(&trigger.function.name),
                    user_defined: true,
                });
            }
        }
        if matches!(verb, Verb::Delete | Verb::Truncate) {
            return;
        }
        for code in &relation.user_code {
            let runs = match code.origin {
                CodeOrigin::Default
                | CodeOrigin::Constraint
                | CodeOrigin::Index
                | CodeOrigin::Partition
                | CodeOrigin::Trigger
                | CodeOrigin::Unknown => true,
                CodeOrigin::Policy => relation.row_security.enabled,
                // Input functions and operator classes can only be made by a superuser.
                CodeOrigin::Statistics | CodeOrigin::Type => false,
            };
            let made_by_superuser =
                matches!(code.class, CodeClass::OperatorClass | CodeClass::Type);
            if runs && !made_by_superuser {
                self.unlisted(Some(&code.schema), &code.name, true);
            }
        }
    }

    /// What foreign keys of other tables do when rows of this one change.
    pub(super) fn cascade(&mut self, start: &'a Relation, verb: Verb) {
        let mut queue = vec![(start, verb)];
        let mut seen: HashSet<(Oid, Verb)> = HashSet::default();
        seen.insert((start.oid, verb));
        while let Some((relation, verb)) = queue.pop() {
            for key in &relation.referenced_by {
                let action = match verb {
                    Verb::Update => key.on_update,
                    Verb::Delete => key.on_delete,
                    // TRUNCATE … CASCADE; without it the server refuses.
                    _ => b'c',
                };
                let then = match (action, verb) {
                    (b'c', Verb::Update) | (b'n' | b'd', _) => Verb::Update,
                    (b'c', verb) => verb,
                    _ => continue,
                };
                let Some(reached) = self.catalog.relation_by_oid(key.from) else {
                    continue;
                };
                if !seen.insert((reached.oid, then)) {
                    continue;
                }
                if seen.len() > CASCADES {
                    self.construct("so many foreign keys");
                    return;
                }
                self.facts.relation(then, reached, true);
                self.code_of_write(reached, then);
                for attribute in key.from_attributes.iter().filter(|_| then == Verb::Update) {
                    self.facts.column(
                        ColumnId {
                            relation: reached.oid,
                            attribute: *attribute,
                        },
                        Usage::Written,
                    );
                }
                queue.push((reached, then));
            }
        }
    }

    /// VACUUM, ANALYZE, REINDEX, REFRESH and kin: the code they run.
    pub(crate) fn maintained(&mut self, relation: &'a Relation) {
        if relation.kind == RelationKind::MaterialisedView {
            self.view_columns(relation);
        }
        for code in &relation.user_code {
            let runs = matches!(
                code.origin,
                CodeOrigin::Index | CodeOrigin::Statistics | CodeOrigin::Unknown
            );
            if runs && code.class != CodeClass::OperatorClass {
                self.unlisted(Some(&code.schema), &code.name, true);
            }
        }
    }

    /// Whether a value has a match in the table a foreign key points to is told by an error: that column is probed.
    pub(super) fn probe(&mut self, relation: &Relation) {
        for key in &relation.references {
            let column = |attribute: &i16| ColumnId {
                relation: relation.oid,
                attribute: *attribute,
            };
            let written = |attribute: &i16| self.facts.has(column(attribute), Usage::Written);
            if !key.from_attributes.iter().any(written) {
                continue;
            }
            for attribute in &key.to_attributes {
                let probed = ColumnId {
                    relation: key.to,
                    attribute: *attribute,
                };
                self.facts.column(probed, Usage::Predicate);
            }
        }
    }
}

/// Tables that foreign keys reach, at most.
pub(super) const CASCADES: usize = 1000;

/// The server's own `suppress_redundant_updates_trigger`, which only compares a row with itself.
fn suppresses(trigger: &Trigger) -> bool {
    trigger.function.oid < FIRST_USER_OID
        && &*trigger.function.name == "suppress_redundant_updates_trigger"
}
