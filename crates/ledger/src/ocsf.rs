//! What a SIEM is told: entries as OCSF 1.8.0 events (<https://schema.ocsf.io/1.8.0>).
//!
//! One event per statement, when it ended or was refused; a refused statement that
//! would have destroyed or carried away data is a finding besides. Values stay where
//! they are: an event holds what the clear part of its entries holds, and of the
//! disclosures only those the reader was given.
//!
//! | entries | class |
//! |---|---|
//! | statements, cancel requests | 6005 Datastore Activity, profiles `security_control` and, for agents, `ai_operation` |
//! | refused destruction or export, row caps that held | 2004 Detection Finding, besides |
//! | sessions, failed authentication | 3002 Authentication |
//! | keys, configuration, policies, erasure, legal holds | 3004 Entity Management |
//! | the log itself, its disk, evidence that left | 1008 Event Log Activity |

use serde_json::{Map, Value};

use crate::Kind;
use crate::event::shape::hex;
use crate::joined::{Joined, Read};

mod access;
mod change;
mod object;
mod statement;

pub use object::*;

/// The version of the schema.
pub const VERSION: &str = "1.8.0";

/// What all events of one log have in common.
#[derive(Clone, Debug)]
pub struct Source {
    /// The log's origin.
    pub origin: String,
    /// Version of the program.
    pub version: String,
}

/// The events that `joined` is told as, the principal one first.
#[must_use]
pub fn events<'a>(joined: &'a Joined, source: &'a Source) -> Vec<Event<'a>> {
    let entry = &joined.told.entry;
    match entry.kind {
        Kind::Intent | Kind::Outcome => statement::events(joined, source),
        Kind::Cancel => vec![statement::cancel(joined, source)],
        Kind::SessionOpen => vec![access::open(joined, source)],
        Kind::SessionClose => vec![access::close(joined, source)],
        Kind::SessionRefused => vec![access::refused(joined, source)],
        Kind::AuthenticationFailed => vec![access::failed(joined, source)],
        Kind::KeyCreate | Kind::KeyRevoke => vec![change::key(joined, source)],
        Kind::ConfigChange => vec![change::config(joined, source)],
        Kind::PolicyChange => vec![change::policy(joined, source)],
        Kind::LabelChange => vec![change::label(joined, source)],
        Kind::Erasure => vec![change::erasure(joined, source)],
        Kind::HoldSet | Kind::HoldRelease => vec![change::hold(joined, source)],
        Kind::LogOpen
        | Kind::LogClose
        | Kind::Gap
        | Kind::StorageAlarm
        | Kind::EvidenceExport
        | Kind::LogKey
        | Kind::ClockStep
        | Kind::RetentionPrune => vec![change::log(joined, source)],
    }
}

/// An event class: number and names of itself and its category.
#[derive(Clone, Copy, Debug)]
struct Class {
    uid: u32,
    name: &'static str,
    category: (u32, &'static str),
}

const IAM: (u32, &str) = (3, "Identity & Access Management");
const DATASTORE_ACTIVITY: Class = Class {
    uid: 6005,
    name: "Datastore Activity",
    category: (6, "Application Activity"),
};
const AUTHENTICATION: Class = Class {
    uid: 3002,
    name: "Authentication",
    category: IAM,
};
const ENTITY_MANAGEMENT: Class = Class {
    uid: 3004,
    name: "Entity Management",
    category: IAM,
};
const DETECTION_FINDING: Class = Class {
    uid: 2004,
    name: "Detection Finding",
    category: (2, "Findings"),
};
const EVENT_LOG_ACTIVITY: Class = Class {
    uid: 1008,
    name: "Event Log Activity",
    category: (1, "System Activity"),
};

/// An activity of a class; 99 is one of our own.
type Activity = (u32, &'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Severity {
    Informational = 1,
    Low,
    Medium,
    High,
}

const SECURITY: &[&str] = &["security_control"];
/// A finding has an actor by the profile `host` only.
const SECURITY_HOST: &[&str] = &["security_control", "host"];
const SECURITY_AI: &[&str] = &["security_control", "ai_operation"];

/// What every event has.
fn event<'a>(
    joined: &'a Joined,
    source: &'a Source,
    class: Class,
    activity: Activity,
    severity: Severity,
) -> Event<'a> {
    let told = &joined.told;
    let mut unmapped = Map::new();
    unmapped.insert("kind".into(), told.entry.kind.name().into());
    unmapped.insert("leaf_index".into(), told.entry.sequence.0.into());
    unmapped.insert("leaf_sha256".into(), hex(&told.leaf_hash).into());
    if let Some(intent) = &joined.intent {
        unmapped.insert("intent_leaf_index".into(), intent.entry.sequence.0.into());
        unmapped.insert("intent_leaf_sha256".into(), hex(&intent.leaf_hash).into());
    }
    let severity_name = match severity {
        Severity::Informational => "Informational",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
    };
    Event {
        metadata: Some(Metadata {
            version: Some(VERSION),
            product: Some(Product {
                name: Some("Weir"),
                vendor_name: Some("Weir"),
                version: Some(&source.version),
            }),
            uid: Some(format!("{}/{}", source.origin, told.entry.sequence)),
            sequence: Some(told.entry.sequence.0),
            log_name: Some(&source.origin),
            event_code: Some(told.entry.kind.name()),
            original_time: Some(&joined.subject().entry.at),
            logged_time: Some(ms(told)),
            profiles: Some(SECURITY),
            ..Metadata::default()
        }),
        class_uid: Some(class.uid),
        class_name: Some(class.name),
        category_uid: Some(class.category.0),
        category_name: Some(class.category.1),
        activity_id: Some(activity.0),
        activity_name: Some(activity.1),
        type_uid: Some(u64::from(class.uid) * 100 + u64::from(activity.0)),
        type_name: Some(format!("{}: {}", class.name, activity.1)),
        severity_id: Some(severity as u8),
        severity: Some(severity_name),
        time: Some(ms(joined.subject())),
        unmapped: Some(unmapped),
        ..Event::default()
    }
}

fn ms(read: &Read) -> u64 {
    read.at_ns / 1_000_000
}

impl<'a> Event<'a> {
    fn status(&mut self, id: u8, name: &'a str) {
        self.status_id = Some(id);
        self.status = Some(name);
    }

    /// What the gate did (profile `security_control`).
    fn control(&mut self, action: (u8, &'a str), disposition: (u8, &'a str)) {
        (self.action_id, self.action) = (Some(action.0), Some(action.1));
        (self.disposition_id, self.disposition) = (Some(disposition.0), Some(disposition.1));
    }

    /// Keeps a field of an entry that the schema has no place for.
    fn keep(&mut self, read: &Read, field: &str) {
        if let (Some(unmapped), Some(value)) = (&mut self.unmapped, read.entry.fields.get(field)) {
            unmapped.insert(field.to_owned(), value.clone());
        }
    }

    /// Keeps disclosures the schema has no place for.
    fn keep_disclosed(&mut self, read: &Read, names: &[&str]) {
        for name in names {
            if let (Some(unmapped), Some(value)) = (&mut self.unmapped, read.disclosed(name)) {
                unmapped.insert((*name).to_owned(), value.into());
            }
        }
    }

    /// A copy short enough for a transport that takes `bytes`: without what is
    /// unmapped, and with the beginning of the query only.
    #[must_use]
    pub fn shortened(&self, query: &'a str) -> Event<'a> {
        let mut short = self.clone();
        if let Some(metadata) = &mut short.metadata {
            metadata.is_truncated = Some(true);
        }
        if let Some(info) = &mut short.query_info {
            info.query_string = Some(query);
        }
        short.authorizations = None;
        let kept = ["kind", "leaf_index", "leaf_sha256"];
        if let Some(unmapped) = &mut short.unmapped {
            unmapped.retain(|name, _| kept.contains(&name.as_str()));
        }
        short
    }
}

/// A principal as a user. `type_id` 1 is a person, 4 a service, 0 unknown.
fn user<'a>(uid: &'a str, kind: Option<&'a str>) -> User<'a> {
    let (type_id, name) = match kind {
        Some("human") => (1, "User"),
        Some("agent" | "workload") => (4, "Service"),
        _ => (0, "Unknown"),
    };
    User {
        uid: Some(uid),
        type_id: Some(type_id),
        r#type: Some(name),
        ..User::default()
    }
}

/// Who acts in a session, as far as `subject` and the session's opening tell.
fn actor<'a>(joined: &'a Joined) -> Actor<'a> {
    let subject = &joined.subject().entry;
    let opened = joined.session.as_deref();
    let of_session = |name| opened.and_then(|one| one.entry.text(name));
    let principal = subject.text("principal").or(of_session("principal"));
    let mut user = user(principal.unwrap_or("unknown"), of_session("principal_kind"));
    user.programmatic_credentials = of_session("key").map(|key| {
        vec![Credential {
            uid: Some(key),
            r#type: Some("Weir access key"),
        }]
    });
    Actor {
        user: Some(user),
        session: subject.text("session").map(|uid| Session {
            uid: Some(uid),
            created_time: opened.map(ms),
            is_remote: Some(true),
            ..Session::default()
        }),
        app_name: opened.and_then(|one| one.disclosed("application")),
    }
}

/// Where a session comes from: its id, and its address where that is disclosed.
fn source_endpoint<'a>(joined: &'a Joined) -> Endpoint<'a> {
    let opened = joined.session.as_deref().unwrap_or(&joined.told);
    Endpoint {
        uid: Some(joined.subject().entry.text("session").unwrap_or("unknown")),
        ip: opened.disclosed("address"),
        svc_name: None,
    }
}

fn database(target: &str) -> Database<'_> {
    Database {
        name: Some(target),
        r#type: Some("Relational"),
        type_id: Some(1),
    }
}

/// The human an agent acts for, where a search for people finds it.
fn observe_human<'a>(event: &mut Event<'a>, opened: Option<&'a Read>) {
    let Some(opened) = opened else { return };
    event.keep(opened, "on_behalf_of");
    if let Some(human) = opened.entry.text("on_behalf_of") {
        event.observables = Some(vec![Observable {
            name: Some("unmapped.on_behalf_of"),
            r#type: Some("User Name"),
            type_id: Some(4),
            value: Some(human),
        }]);
    }
}

/// The texts of a list field.
fn texts<'a>(read: &'a Read, field: &str) -> Vec<&'a str> {
    let list = read.entry.fields.get(field).and_then(Value::as_array);
    list.map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

/// Rules and what they came to.
fn authorizations<'a>(
    rules: &[&'a str],
    decision: &'a str,
    version: Option<&'a str>,
    applied: bool,
) -> Vec<Authorization<'a>> {
    let one = |rule: &&'a str| Authorization {
        decision: Some(decision),
        policy: Some(Policy {
            uid: Some(rule),
            version,
            is_applied: Some(applied),
            ..Policy::default()
        }),
    };
    rules.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
