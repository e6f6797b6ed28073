//! What a write sets off: rules, triggers, checks, foreign keys.

use std::rc::Rc;
use std::sync::Arc;

use foldhash::HashSet;

use super::{Lineage, Resolver, ScopeColumn};
use crate::catalog::{
    CodeClass, CodeOrigin, FIRST_USER_OID, ForeignKey, Relation, RelationKind, RuleEvent, Trigger,
    TypeKind,
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

    /// The columns in which foreign keys look for what is written to a column, and those that follow it when it is
    /// changed; and whether each of these keys has one column.
    pub(super) fn tied(&mut self, lineage: &Lineage, verb: Verb) -> (Vec<ColumnId>, bool) {
        let (mut columns, mut one) = (Vec::new(), true);
        for value in lineage.values() {
            let keys = self.keys_of(value.relation);
            let mut name = None;
            for (relation, key, follows) in keys.iter() {
                if *follows && verb != Verb::Update {
                    continue;
                }
                let (own, relation_of, others) = if *follows {
                    (&key.to_attributes, key.from, &key.from_attributes)
                } else {
                    (&key.from_attributes, key.to, &key.to_attributes)
                };
                // A descendant may number its columns otherwise.
                let name = name.get_or_insert_with(|| self.catalog.column_name(value));
                let attribute = name.and_then(|(.., name)| relation.attribute(name));
                if !attribute.is_some_and(|attribute| own.contains(&attribute)) {
                    continue;
                }
                one &= own.len() == 1;
                for attribute in others {
                    let other = ColumnId {
                        relation: relation_of,
                        attribute: *attribute,
                    };
                    if !columns.contains(&other) {
                        columns.push(other);
                    }
                }
            }
        }
        (columns, one)
    }

    /// The foreign keys of a relation and its descendants; and those that follow changes of it.
    fn keys_of(&mut self, relation: Oid) -> Keys<'a> {
        if let Some(keys) = self.keys.get(&relation) {
            return Rc::clone(keys);
        }
        let mut keys = Vec::new();
        for oid in self.catalog.descendants(relation) {
            let Some(relation) = self.catalog.relation_by_oid(oid) else {
                continue;
            };
            keys.extend(relation.references.iter().map(|key| (relation, key, false)));
            let follow = relation.referenced_by.iter();
            let follow = follow.filter(|key| key.on_update == b'c');
            keys.extend(follow.map(|key| (relation, key, true)));
        }
        let keys: Keys<'a> = keys.into();
        self.keys.insert(relation, Rc::clone(&keys));
        keys
    }

    /// Columns that INSERT leaves out get their defaults, and foreign keys look for these, too.
    pub(crate) fn left_out(&mut self, columns: &[ScopeColumn]) {
        let values = columns.iter().flat_map(|column| column.lineage.values());
        let relations: HashSet<Oid> = values.map(|value| value.relation).collect();
        for relation in relations {
            let Some(relation) = self.catalog.relation_by_oid(relation) else {
                continue;
            };
            for column in &relation.columns {
                let left = ColumnId {
                    relation: relation.oid,
                    attribute: column.attribute,
                };
                let of_type = self.catalog.type_by_oid(column.type_oid);
                let may =
                    column.has_default || of_type.is_none_or(|ty| ty.kind == TypeKind::Domain);
                if !may || self.facts.is_written(left) {
                    continue;
                }
                for other in self.tied(&Lineage::column(left), Verb::Insert).0 {
                    self.facts.column(other, Usage::Predicate);
                }
            }
        }
    }
}

/// Foreign keys with the relation that they begin or end at, and whether they follow its changes.
pub(super) type Keys<'a> = Rc<[(&'a Relation, &'a ForeignKey, bool)]>;

/// Tables that foreign keys reach, at most.
pub(super) const CASCADES: usize = 1000;

/// The server's own `suppress_redundant_updates_trigger`, which only compares a row with itself.
fn suppresses(trigger: &Trigger) -> bool {
    trigger.function.oid < FIRST_USER_OID
        && &*trigger.function.name == "suppress_redundant_updates_trigger"
}
