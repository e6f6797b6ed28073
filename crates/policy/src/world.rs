//! Facts as Cedar entities and contexts.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use cedar_policy::{Entities, Entity, EntityUid, RestrictedExpression as Value};
use identity::{Kind as PrincipalKind, Principal};

use crate::facts::{Context, Facts, ResourceFact, Target};
use crate::name::quote_identifier;
use crate::requirement::Requirement;
use crate::schema::{Kind, Words, uid};
use crate::slice::Node;

/// What Weir commits to enforce on the statement, as far as decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Enforced {
    pub(crate) masked: BTreeSet<String>,
    pub(crate) row_cap: Option<u64>,
}

impl Enforced {
    /// Adds what satisfies `requirement` for a use of `labels`. False if only
    /// the client can.
    pub(crate) fn provide(&mut self, requirement: &Requirement, labels: &BTreeSet<&str>) -> bool {
        match requirement {
            Requirement::MaskAll => {
                self.masked
                    .extend(labels.iter().map(|label| (*label).to_owned()));
                true
            }
            Requirement::Mask(label) => {
                self.masked.insert(label.clone());
                true
            }
            Requirement::RowCap(rows) => {
                self.row_cap = Some(self.row_cap.map_or(*rows, |cap| cap.min(*rows)));
                true
            }
            Requirement::Purpose => false,
        }
    }
}

/// The words that occur in the policies in force. What no policy mentions is
/// not built: it cannot be observed.
pub(crate) type Mentioned = HashSet<String>;

pub(crate) fn principal(words: &Words, principal: &Principal) -> Node {
    let name = match principal.kind {
        PrincipalKind::Human => &words.human,
        PrincipalKind::Agent { .. } => &words.agent,
        PrincipalKind::Workload => &words.workload,
    };
    Node {
        uid: uid(name, &principal.id),
        ancestors: principal
            .groups
            .iter()
            .map(|group| uid(&words.group, group))
            .collect(),
    }
}

/// Entity type of a resource.
pub(crate) fn kind(resource: &ResourceFact<'_>) -> Kind {
    match resource {
        ResourceFact::Dataset { .. } => Kind::Dataset,
        ResourceFact::Schema(_) => Kind::Schema,
        ResourceFact::Function { .. } => Kind::Function,
        ResourceFact::Object { .. } => Kind::Object,
        ResourceFact::Target => Kind::Target,
    }
}

/// Target and environment, which every resource of a request is in.
pub(crate) struct Place {
    target: EntityUid,
    environment: EntityUid,
}

impl Place {
    pub(crate) fn new(words: &Words, target: &Target) -> Self {
        Self {
            target: uid(&words.target, &target.name),
            environment: uid(&words.environment, &target.environment),
        }
    }

    pub(crate) fn resource(&self, words: &Words, resource: &ResourceFact<'_>) -> Node {
        let Place {
            target,
            environment,
        } = self;
        let within_schema = |schema: &str| {
            vec![
                uid(&words.schema, &quote_identifier(schema)),
                target.clone(),
                environment.clone(),
            ]
        };
        match resource {
            ResourceFact::Dataset { schema, .. } => Node {
                uid: uid(&words.dataset, &resource.name()),
                ancestors: within_schema(schema),
            },
            ResourceFact::Function { schema, .. } => Node {
                uid: uid(&words.function, &resource.name()),
                ancestors: within_schema(schema),
            },
            ResourceFact::Schema(_) => Node {
                uid: uid(&words.schema, &resource.name()),
                ancestors: vec![target.clone(), environment.clone()],
            },
            ResourceFact::Object { .. } => Node {
                uid: uid(&words.object, &resource.name()),
                ancestors: vec![target.clone(), environment.clone()],
            },
            ResourceFact::Target => Node {
                uid: target.clone(),
                ancestors: vec![environment.clone()],
            },
        }
    }
}

/// The principal's entity.
pub(crate) fn principal_entity(
    node: &Node,
    principal: &Principal,
    mentioned: &Mentioned,
) -> Result<Entity, String> {
    let attributes =
        HashMap::from([("tier".to_owned(), Value::new_string(principal.tier.clone()))]);
    entity(node, attributes, mentioned)
}

/// The resource's entity.
pub(crate) fn resource_entity(
    node: &Node,
    resource: &ResourceFact<'_>,
    mentioned: &Mentioned,
) -> Result<Entity, String> {
    let text = |key: &str, value: &str| (key.to_owned(), Value::new_string(value.to_owned()));
    let flag = |key: &str, value: bool| (key.to_owned(), Value::new_bool(value));
    let attributes = match resource {
        ResourceFact::Dataset {
            schema,
            name,
            system,
            temporary,
        } => HashMap::from([
            text("schema", schema),
            text("name", name),
            flag("system", *system),
            flag("temporary", *temporary),
        ]),
        ResourceFact::Function { schema, name } => {
            HashMap::from([text("schema", schema), text("name", name)])
        }
        ResourceFact::Object { class, name } => {
            HashMap::from([text("class", class), text("name", name)])
        }
        ResourceFact::Schema(_) | ResourceFact::Target => HashMap::new(),
    };
    entity(node, attributes, mentioned)
}

fn entity(
    node: &Node,
    mut attributes: HashMap<String, Value>,
    mentioned: &Mentioned,
) -> Result<Entity, String> {
    attributes.retain(|name, _| mentioned.contains(name));
    let parents = node.ancestors.iter().cloned().collect();
    Entity::new(node.uid.clone(), attributes, parents).map_err(|e| e.to_string())
}

/// All entities of one request. Repeats must be identical and count once.
pub(crate) fn entities(all: Vec<Entity>) -> Result<Entities, String> {
    let mut seen = HashSet::new();
    let once = all.into_iter().filter(|entity| seen.insert(entity.uid()));
    Entities::from_entities(once, None).map_err(|e| e.to_string())
}

/// The human behind the judged agent, or the agent before the judged human.
pub(crate) enum Chain<'a> {
    Alone,
    OnBehalfOf(&'a EntityUid),
    Through(&'a EntityUid),
}

/// The Cedar context of one access.
pub(crate) fn context(
    context: &Context<'_>,
    facts: &Facts<'_>,
    labels: &BTreeSet<&str>,
    enforced: &Enforced,
    chain: &Chain<'_>,
    mentioned: &Mentioned,
) -> Result<cedar_policy::Context, String> {
    let text = |value: &str| Value::new_string(value.to_owned());
    let mut pairs: Vec<(String, Value)> = Vec::with_capacity(12);
    let mut add = |key: &str, value: &dyn Fn() -> Result<Value, String>| -> Result<(), String> {
        if mentioned.contains(key) {
            pairs.push((key.to_owned(), value()?));
        }
        Ok(())
    };
    add("command", &|| Ok(text(facts.command)))?;
    add("hasWhere", &|| Ok(Value::new_bool(facts.has_where)))?;
    add("labels", &|| {
        Ok(Value::new_set(labels.iter().map(|label| text(label))))
    })?;
    add("now", &|| {
        Ok(Value::new_datetime(datetime(context.now_ms)?))
    })?;
    add("clientAddress", &|| {
        let address: IpAddr = context.client_address.parse().map_err(|_| {
            "a policy looks at the client's address, which is not an IP address".to_owned()
        })?;
        Ok(Value::new_ip(address.to_canonical().to_string()))
    })?;
    add("application", &|| Ok(text(context.application)))?;
    add("tls", &|| Ok(Value::new_bool(context.tls)))?;
    for (key, claim) in [
        ("purpose", context.purpose),
        ("task", context.task),
        ("run", context.run),
    ] {
        if let Some(claim) = claim {
            add(key, &|| Ok(text(claim)))?;
        }
    }
    match chain {
        Chain::Alone => {}
        Chain::OnBehalfOf(human) => add("onBehalfOf", &|| {
            Ok(Value::new_entity_uid((*human).clone()))
        })?,
        Chain::Through(agent) => add("agent", &|| Ok(Value::new_entity_uid((*agent).clone())))?,
    }
    add("enforced", &|| {
        let mut fields = vec![(
            "masked".to_owned(),
            Value::new_set(enforced.masked.iter().map(|label| text(label))),
        )];
        if let Some(rows) = enforced.row_cap {
            let rows = i64::try_from(rows).map_err(|_| "row cap out of range".to_owned())?;
            fields.push(("rowCap".to_owned(), Value::new_long(rows)));
        }
        Value::new_record(fields).map_err(|e| e.to_string())
    })?;
    cedar_policy::Context::from_pairs(pairs).map_err(|e| e.to_string())
}

/// Whole seconds as Cedar's datetime wants them: `2026-11-21T01:02:03Z`
/// (civil date from days: Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms").
fn datetime(now_ms: u64) -> Result<String, String> {
    let seconds = i64::try_from(now_ms / 1000).map_err(|_| "time out of range".to_owned())?;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if year > 9999 {
        return Err("time out of range".to_owned());
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    Ok(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_time_as_cedar_reads_it() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_795_222_923_456, "2026-11-21T01:02:03Z"),
            (4_102_444_800_000, "2100-01-01T00:00:00Z"),
        ] {
            assert_eq!(datetime(ms).unwrap(), text);
        }
        assert!(datetime(u64::MAX).is_err());
    }
}
