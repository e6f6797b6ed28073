//! Slicing and grouping change no decision: compared with asking Cedar about
//! each access with all policies.

use std::collections::HashSet;

use cedar_policy::{Authorizer, Entities, PolicySet, Schema, Validator};

use super::*;

const POLICIES: &str = r#"
    @id("a") permit (principal in Group::"engineers", action in Action::"query", resource);
    @id("b") permit (principal is Human, action in [Action::"read", Action::"insert"], resource in Schema::"hr");
    @id("c") forbid (principal, action, resource == Dataset::"public.a");
    @id("d") permit (principal == Human::"sue", action == Action::"read", resource is Dataset in Target::"prod-app");
    @id("e") forbid (principal is Agent in Group::"agents", action, resource is Dataset)
             when { resource.name like "secret*" };
    @id("f") permit (principal, action == Action::"call", resource)
             when { resource.schema == "public" };
    @id("g") forbid (principal, action, resource is Dataset) when { resource in Schema::"audit" };
    @id("h") permit (principal is Agent, action == Action::"read", resource in Environment::"dev");
"#;

#[test]
fn slices_and_groups_change_no_decision() {
    let policies = policies(Some(POLICIES));
    let set: PolicySet = POLICIES.parse().unwrap();
    let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
    let accesses: Vec<&'static str> = [
        "read public.a",
        "read public.b",
        "read public.secrets",
        "read hr.pay",
        "read audit.log",
        "insert hr.pay",
        "insert public.b",
        "export public.b",
        "call fn public.f",
        "call fn pg_catalog.f",
        "delete hr.pay",
        "read pg_catalog.pg_class",
        "read pg_temp.t",
    ]
    .into();
    let mut allowed = 0;
    for person in people() {
        let human = person
            .on_behalf_of()
            .and_then(|id| people().into_iter().find(|p| p.id == id));
        for name in ["prod-app", "dev-app"] {
            let target = target(name);
            // Alone, and all pairs: a statement is allowed if each access is.
            let alone: Vec<bool> = accesses
                .iter()
                .map(|text| {
                    let mut both = vec![&person];
                    both.extend(&human);
                    let known = person.on_behalf_of().is_none() || human.is_some();
                    known
                        && both
                            .iter()
                            .all(|p| plain(&schema, &set, p, &target, &access(text)))
                })
                .collect();
            for (i, one) in accesses.iter().enumerate() {
                for (j, two) in accesses.iter().enumerate() {
                    let both = [access(one), access(two)];
                    let facts = Facts {
                        accesses: &both,
                        has_where: true,
                        command: "X",
                        opaque: false,
                    };
                    let decision = policies.decide(&Request {
                        subject: Subject {
                            principal: &person,
                            human: human.as_ref(),
                        },
                        target: &target,
                        facts: &facts,
                        context: &context(),
                    });
                    assert_eq!(
                        decision.is_allow(),
                        alone[i] && alone[j],
                        "{} {name} {one} {two}",
                        person.id
                    );
                    allowed += usize::from(decision.is_allow());
                }
            }
        }
    }
    assert!(allowed > 50, "{allowed}");
}

/// One access, all policies, no shortcuts, everything validated.
fn plain(
    schema: &Schema,
    set: &PolicySet,
    who: &Principal,
    target: &Target,
    access: &AccessFact<'_>,
) -> bool {
    let _ = Validator::new(schema.clone());
    let words = crate::schema::Words::new(schema).unwrap();
    let node = crate::world::principal(&words, who);
    let resource = crate::world::Place::new(&words, target).resource(&words, &access.resource);
    let all: HashSet<String> = [
        "command",
        "hasWhere",
        "labels",
        "now",
        "clientAddress",
        "application",
        "tls",
        "enforced",
        "schema",
        "name",
        "system",
        "temporary",
        "tier",
    ]
    .map(str::to_owned)
    .into();
    let entities: Vec<_> = [
        crate::world::principal_entity(&node, who, &all).unwrap(),
        crate::world::resource_entity(&resource, &access.resource, &all).unwrap(),
    ]
    .into_iter()
    .chain(schema.action_entities().unwrap())
    .collect();
    let entities = Entities::from_entities(entities, None).unwrap();
    let facts = Facts {
        command: "X",
        has_where: true,
        ..Facts::default()
    };
    let chain = crate::world::Chain::Alone;
    let context = crate::world::context(
        &context(),
        &facts,
        &access.labels,
        &crate::world::Enforced::default(),
        &chain,
        &all,
    )
    .unwrap();
    let action = crate::schema::uid(&"Action".parse().unwrap(), access.action);
    let request =
        cedar_policy::Request::new(node.uid, action, resource.uid, context, Some(schema)).unwrap();
    let response = Authorizer::new().is_authorized(&request, set, &entities);
    assert_eq!(response.diagnostics().errors().count(), 0);
    response.decision() == cedar_policy::Decision::Allow
}
