//! Decisions as data: one line asks, one snapshot answers.
//!
//! A question reads `who @ target: COMMAND action object[labels], … ; options`,
//! an object is `schema.name`, `fn schema.name`, `schema NAME`, `role NAME` or
//! `target`. `+where` says that every UPDATE and DELETE has one.

mod loading;
mod loop_;
mod slicing;
mod starter;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use identity::{Kind, Principal};

use crate::*;

/// 2026-11-21 01:02:03.456 UTC.
const NOW_MS: u64 = 1_795_222_923_456;

fn person(id: &str, kind: Kind, groups: &[&str]) -> Principal {
    let groups = groups.iter().map(|g| (*g).to_owned()).collect();
    Principal {
        id: id.to_owned(),
        kind,
        groups,
        tier: "default".to_owned(),
    }
}

fn people() -> Vec<Principal> {
    let agent = |human: &str| Kind::Agent {
        on_behalf_of: human.to_owned(),
    };
    vec![
        person("alice", Kind::Human, &["engineers"]),
        person("sue", Kind::Human, &["support"]),
        person("dora", Kind::Human, &["support", "pii-readers"]),
        person("nobody", Kind::Human, &[]),
        person("root", Kind::Human, &["server-functions"]),
        person("bot", agent("alice"), &["agents"]),
        person("promoted-bot", agent("alice"), &["agents", "engineers"]),
        person("sues-bot", agent("sue"), &["agents", "pii-readers"]),
        person("idle-bot", agent("nobody"), &["agents"]),
        person("orphan", agent("gone"), &["agents"]),
        person("etl", Kind::Workload, &["pipelines"]),
        person("flyway", Kind::Workload, &["migrations"]),
    ]
}

fn target(name: &str) -> Target {
    let (environment, _) = name.split_once('-').unwrap();
    Target {
        name: name.to_owned(),
        environment: environment.to_owned(),
    }
}

/// The starter pack, or the given Cedar text alone.
fn policies(text: Option<&str>) -> Policies {
    let files: Vec<(String, String)> = match text {
        Some(text) => vec![("test.cedar".to_owned(), text.to_owned())],
        None => Policies::starter()
            .iter()
            .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()))
            .collect(),
    };
    match Policies::load(&files) {
        Ok(policies) => policies,
        Err(problems) => {
            panic!(
                "{}",
                problems
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("\n")
            )
        }
    }
}

fn context() -> Context<'static> {
    Context {
        now_ms: NOW_MS,
        client_address: "10.1.2.3",
        application: "psql",
        tls: true,
        purpose: None,
        task: None,
        run: None,
    }
}

fn access(text: &'static str) -> AccessFact<'static> {
    let (action, object) = text.trim().split_once(' ').unwrap();
    let (object, labels) = match object.split_once('[') {
        Some((object, labels)) => (object, labels.trim_end_matches(']').split('+').collect()),
        None => (object, BTreeSet::new()),
    };
    let parts = |name: &'static str| name.split_once('.').unwrap();
    let resource = match object.split_once(' ') {
        Some(("fn", name)) => ResourceFact::Function {
            schema: parts(name).0,
            name: parts(name).1,
        },
        Some(("schema", name)) => ResourceFact::Schema(name),
        Some((class, name)) => ResourceFact::Object { class, name },
        None if object == "target" => ResourceFact::Target,
        None => {
            let (schema, name) = parts(object);
            let system = schema == "pg_catalog";
            ResourceFact::Dataset {
                schema,
                name,
                system,
                temporary: schema == "pg_temp",
            }
        }
    };
    AccessFact {
        action,
        resource,
        labels,
    }
}

/// Judges one question and renders the answer.
fn ask(policies: &Policies, question: &'static str) -> Decision {
    let (who, rest) = question.split_once('@').unwrap();
    let (place, rest) = rest.split_once(':').unwrap();
    let (rest, options) = rest.split_once(';').unwrap_or((rest, ""));
    let (command, accesses) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let accesses: Vec<AccessFact<'_>> = accesses
        .split(',')
        .map(str::trim)
        .filter(|a| !a.is_empty())
        .map(access)
        .collect();
    let people = people();
    let principal = people.iter().find(|p| p.id == who.trim()).unwrap();
    let human = principal
        .on_behalf_of()
        .and_then(|id| people.iter().find(|p| p.id == id));
    let mut context = context();
    context.purpose = options.contains("+purpose").then_some("support");
    policies.decide(&Request {
        subject: Subject { principal, human },
        target: &target(place.trim()),
        facts: &Facts {
            accesses: &accesses,
            has_where: options.contains("+where"),
            command,
            opaque: options.contains("+opaque"),
        },
        context: &context,
    })
}

fn render(decision: &Decision) -> String {
    let mut out = String::new();
    match decision {
        Decision::Allow(enforcement) => {
            out.push_str("allow");
            for label in &enforcement.masks {
                write!(out, " mask:{label}").unwrap();
            }
            if let Some(rows) = enforcement.row_cap {
                write!(out, " rows:{rows}").unwrap();
            }
            let by: Vec<&str> = enforcement.reasons.iter().map(|r| r.id.as_str()).collect();
            write!(out, " by {}", by.join(", ")).unwrap();
        }
        Decision::Deny(denial) => {
            let by: Vec<&str> = denial.reasons.iter().map(|r| r.id.as_str()).collect();
            write!(
                out,
                "deny by {}: {} | {}",
                by.join(", "),
                denial.message,
                denial.hint
            )
            .unwrap();
            if let Some(fault) = &denial.fault {
                write!(out, " | {fault}").unwrap();
            }
        }
    }
    if let Some(expires) = decision.expires_ms() {
        write!(out, " until {expires}").unwrap();
    }
    out
}

/// Asks each question of the starter pack (or `text`) and compares the answers.
#[allow(clippy::needless_pass_by_value)]
fn check(text: Option<&str>, questions: &'static str, expected: expect_test::Expect) {
    let policies = policies(text);
    let mut answers = String::new();
    for question in questions.lines().map(str::trim).filter(|q| !q.is_empty()) {
        writeln!(
            answers,
            "{question}\n  {}",
            render(&ask(&policies, question))
        )
        .unwrap();
    }
    expected.assert_eq(&answers);
}
