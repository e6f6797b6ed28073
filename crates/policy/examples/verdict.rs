//! Measures a cold verdict: 50 policies, a six-table join, nothing memoised.
//!
//! `cargo run -p policy --release --example verdict`; the aim is 100 µs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Instant;

use identity::{Kind, Principal};
use policy::{
    AccessFact, Context, Decision, Facts, Policies, Request, ResourceFact, Subject, Target,
};

const ROUNDS: usize = 2_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policies = load()?;
    let human = principal("alice", Kind::Human, &["engineers", "team-3"]);
    let agent = principal(
        "bot",
        Kind::Agent {
            on_behalf_of: "alice".into(),
        },
        &["agents"],
    );
    let target = Target {
        name: "prod-app".into(),
        environment: "prod".into(),
    };
    let plain = [
        "orders",
        "items",
        "products",
        "customers",
        "regions",
        "payments",
    ]
    .map(|name| read(name, &[]));
    let mut labelled = plain.clone();
    if let Some(access) = labelled.get_mut(3) {
        *access = read("customers", &["email", "phone"]);
    }
    println!(
        "{} policies, six tables, median of {ROUNDS} cold verdicts",
        policies.ids().count()
    );
    for (what, accesses, subject) in [
        (
            "human, no labels",
            &plain,
            Subject {
                principal: &human,
                human: None,
            },
        ),
        (
            "human, masked",
            &labelled,
            Subject {
                principal: &human,
                human: None,
            },
        ),
        (
            "agent for human, masked, capped",
            &labelled,
            Subject {
                principal: &agent,
                human: Some(&human),
            },
        ),
    ] {
        let facts = Facts {
            accesses,
            has_where: true,
            command: "SELECT",
            opaque: false,
        };
        let context = Context {
            now_ms: 1_795_222_923_456,
            client_address: "10.1.2.3",
            application: "psql",
            tls: true,
            purpose: None,
            task: None,
            run: None,
        };
        let request = Request {
            subject,
            target: &target,
            facts: &facts,
            context: &context,
        };
        let mut times: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let decision = policies.decide(&request);
                let time = start.elapsed();
                assert!(matches!(decision, Decision::Allow(_)), "{decision:?}");
                time
            })
            .collect();
        times.sort();
        let at = |share: usize| {
            times
                .get(times.len() * share / 100)
                .copied()
                .unwrap_or_default()
        };
        println!("{what:34} p50 {:>9.1?}  p99 {:>9.1?}", at(50), at(99));
    }
    Ok(())
}

/// The starter pack, filled up to 50 policies with ones that concern other
/// groups, tables and hours.
fn load() -> Result<Policies, String> {
    let mut files: Vec<(String, String)> = Policies::starter()
        .iter()
        .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()))
        .collect();
    let starter = files
        .iter()
        .map(|(_, text)| text.matches("@id(").count())
        .sum::<usize>();
    let in_comments = files
        .iter()
        .map(|(_, text)| text.matches("//     @id(").count())
        .sum::<usize>();
    let mut more = String::new();
    for n in 0..50 - (starter - in_comments) {
        let text = match n % 4 {
            0 => format!(
                "permit (principal in Group::\"team-{n}\", action in Action::\"query\", resource);"
            ),
            1 => format!(
                "permit (principal in Group::\"team-{n}\", action, resource in Schema::\"team_{n}\");"
            ),
            2 => {
                format!("forbid (principal, action, resource == Dataset::\"public.private_{n}\");")
            }
            _ => format!(
                "forbid (principal, action in Action::\"write\", resource in Environment::\"prod\")
                 when {{ context.application like \"tool-{n}*\" }};"
            ),
        };
        let _ = writeln!(more, "@id(\"more-{n}\") {text}");
    }
    files.push(("more.cedar".into(), more));
    Policies::load(&files).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn principal(id: &str, kind: Kind, groups: &[&str]) -> Principal {
    let groups = groups.iter().map(|g| (*g).to_owned()).collect();
    Principal {
        id: id.into(),
        kind,
        groups,
        tier: "default".into(),
    }
}

fn read(name: &'static str, labels: &[&'static str]) -> AccessFact<'static> {
    AccessFact {
        action: "read",
        resource: ResourceFact::Dataset {
            schema: "public",
            name,
            system: false,
            temporary: false,
        },
        labels: labels.iter().copied().collect::<BTreeSet<_>>(),
    }
}
