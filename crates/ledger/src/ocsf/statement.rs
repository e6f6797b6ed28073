//! Statements: 6005 Datastore Activity, and 2004 Detection Finding for refused
//! destruction and export.

use serde_json::Value;

use super::{
    Activity, Analytic, DATASTORE_ACTIVITY, DETECTION_FINDING, Event, Evidence, FindingInfo,
    MessageContext, Named, Policy, QueryInfo, Related, Resource, SECURITY_AI, SECURITY_HOST,
    Severity, Source, actor, authorizations, database, event, ms, observe_human, source_endpoint,
    texts,
};
use crate::Kind;
use crate::joined::{Joined, Read};

const ALLOWED: (u8, &str) = (1, "Allowed");
const DENIED: (u8, &str) = (2, "Denied");
const OBSERVED: (u8, &str) = (3, "Observed");
const MODIFIED: (u8, &str) = (4, "Modified");

pub(super) fn events<'a>(joined: &'a Joined, source: &'a Source) -> Vec<Event<'a>> {
    let subject = joined.subject();
    let found = finding(joined);
    let severity = match &found {
        Some(found) => found.severity,
        None if refused(joined) => Severity::Low,
        None => Severity::Informational,
    };
    let mut told = event(
        joined,
        source,
        DATASTORE_ACTIVITY,
        activity(subject),
        severity,
    );
    about(&mut told, joined);
    query(&mut told, subject);
    outcome(&mut told, joined);
    control(&mut told, joined);
    told.is_alert = found.is_some().then_some(true);
    let finding = found.map(|found| found.event(joined, source, &told));
    std::iter::once(told).chain(finding).collect()
}

/// Who did it where.
fn about<'a>(told: &mut Event<'a>, joined: &'a Joined) {
    let subject = joined.subject();
    let opened = joined.session.as_deref();
    told.actor = Some(actor(joined));
    told.src_endpoint = Some(source_endpoint(joined));
    let target = subject
        .entry
        .text("target")
        .or_else(|| opened.and_then(|one| one.entry.text("target")));
    told.database = Some(database(target.unwrap_or("unknown")));
    told.dst_endpoint = target.map(|target| super::Endpoint {
        svc_name: Some(target),
        ..super::Endpoint::default()
    });
    observe_human(told, opened);
    let Some(opened) = opened else { return };
    told.keep(opened, "environment");
    if opened.entry.text("principal_kind") == Some("agent") {
        if let Some(metadata) = &mut told.metadata {
            metadata.profiles = Some(SECURITY_AI);
        }
        told.message_context = Some(MessageContext {
            ai_role_id: Some(4),
            ai_role: Some("Agent"),
            application: Some(Named {
                uid: opened.entry.text("principal"),
                name: opened.disclosed("application"),
            }),
        });
    }
}

/// What it was.
fn query<'a>(told: &mut Event<'a>, intent: &'a Read) {
    let entry = &intent.entry;
    if entry.kind != Kind::Intent {
        // The intent is gone: it was pruned.
        return;
    }
    let session = entry.text("session").unwrap_or_default();
    let number = entry.number("statement").unwrap_or_default();
    if let Some(metadata) = &mut told.metadata {
        // What the client was told as the request, if it was refused.
        metadata.correlation_uid = Some(format!("{session}/{number}"));
    }
    told.query_info = Some(QueryInfo {
        uid: entry.text("shape_hash"),
        name: entry.text("command"),
        query_string: intent.disclosed("text").or(entry.text("shape")),
        query_time: Some(ms(intent)),
        ..QueryInfo::default()
    });
    let names = objects(intent, |_| true);
    let table = names
        .first()
        .filter(|first| names.iter().all(|name| name == *first));
    told.table = table.map(|name| Named {
        name: Some(name),
        ..Named::default()
    });
    (told.type_id, told.r#type) = match told.table {
        Some(_) => (Some(3), Some("Table")),
        None => (Some(1), Some("Database")),
    };
    told.policy = entry.text("policy").map(|version| Policy {
        name: Some("Weir policies"),
        version: Some(version),
        ..Policy::default()
    });
    for field in [
        "objects", "columns", "observed", "masks", "degraded", "row_cap", "opaque",
    ] {
        told.keep(intent, field);
    }
    told.keep_disclosed(
        intent,
        &[
            "prepared",
            "parameters",
            "purpose",
            "task",
            "run",
            "traceparent",
        ],
    );
}

/// How it ended.
fn outcome<'a>(told: &mut Event<'a>, joined: &'a Joined) {
    let end = &joined.told.entry;
    if end.kind != Kind::Outcome {
        told.status(2, "Failure");
        return;
    }
    let status = end.text("status").unwrap_or("unknown");
    match status {
        "ok" | "partial" => told.status(1, "Success"),
        "error" | "cancelled" | "refused" => told.status(2, "Failure"),
        "not_executed" => told.status(99, "Not executed"),
        _ => told.status(0, "Unknown"),
    }
    told.status_code = end.text("sqlstate");
    told.status_detail = Some(status.to_owned());
    let start = ms(joined.subject());
    let duration = end.number("duration_us").unwrap_or_default() / 1000;
    (told.start_time, told.duration) = (Some(start), Some(duration));
    told.end_time = Some(start.saturating_add(duration));
    if let Some(info) = &mut told.query_info {
        info.bytes = end.number("bytes");
    }
    told.keep(&joined.told, "rows");
    told.keep(&joined.told, "masked");
}

/// What the gate did.
fn control<'a>(told: &mut Event<'a>, joined: &'a Joined) {
    let intent = joined.subject();
    let rules = texts(intent, "rules");
    let version = intent.entry.text("policy");
    let observed = texts(intent, "observed");
    let changed = !texts(intent, "masks").is_empty() || !texts(intent, "degraded").is_empty();
    let decision = intent.entry.text("decision");
    let mut all = authorizations(&rules, decision.unwrap_or("unknown"), version, true);
    if refused(joined) {
        told.control(DENIED, (2, "Blocked"));
    } else if decision == Some("ask") {
        told.control(OBSERVED, (14, "Delayed"));
    } else if !observed.is_empty() {
        told.control(OBSERVED, (17, "Logged"));
        all.extend(authorizations(&observed, "deny", version, false));
    } else if changed {
        told.control(MODIFIED, (11, "Corrected"));
    } else {
        told.control(ALLOWED, (1, "Allowed"));
    }
    told.authorizations = (!all.is_empty()).then_some(all);
}

fn refused(joined: &Joined) -> bool {
    joined.told.entry.text("status") == Some("refused")
        || joined.subject().entry.text("decision") == Some("deny")
}

/// Names of the objects some verbs are done to.
fn objects(intent: &Read, which: impl Fn(&str) -> bool) -> Vec<&str> {
    let list = intent.entry.fields.get("objects").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter(|one| one.get("verb").and_then(Value::as_str).is_some_and(&which))
        .filter_map(|one| one.get("name")?.as_str())
        .collect()
}

fn activity(intent: &Read) -> Activity {
    let command = intent.entry.text("command").unwrap_or_default();
    let verb = |verb: &str| !objects(intent, |found| found == verb).is_empty();
    match command.split(' ').next().unwrap_or_default() {
        "CREATE" => (6, "Create"),
        "DROP" | "TRUNCATE" | "DELETE" => (7, "Delete"),
        "UPDATE" | "MERGE" | "ALTER" => (2, "Update"),
        "INSERT" => (5, "Write"),
        "COPY" if verb("insert") => (5, "Write"),
        // Reads that write too, as CTEs and functions do.
        "SELECT" if verb("delete") => (7, "Delete"),
        "SELECT" if verb("update") => (2, "Update"),
        "SELECT" if verb("insert") => (5, "Write"),
        "SELECT" | "TABLE" | "VALUES" | "FETCH" | "EXECUTE" => (4, "Query"),
        "COPY" => (1, "Read"),
        "SHOW" => (8, "List"),
        _ => (99, "Other"),
    }
}

/// Something that calls for a look.
struct Finding<'a> {
    rule: (&'static str, &'static str),
    severity: Severity,
    objects: Vec<&'a str>,
}

/// A refused statement that would have destroyed data or carried it away.
fn finding(joined: &Joined) -> Option<Finding<'_>> {
    let intent = joined.subject();
    if !refused(joined) {
        return None;
    }
    let of = |verbs: &'static [&'static str]| objects(intent, |verb| verbs.contains(&verb));
    let denied = intent.entry.text("decision") == Some("deny");
    let found = |id, name, severity, objects: Vec<_>| Finding {
        rule: (id, name),
        severity,
        objects,
    };
    let destroyed = of(&["drop", "truncate", "delete"]);
    if denied && !destroyed.is_empty() {
        return Some(found(
            "weir.destructive",
            "Destructive statement refused",
            Severity::High,
            destroyed,
        ));
    }
    let exported = of(&["export"]);
    if denied && !exported.is_empty() {
        return Some(found(
            "weir.export",
            "Export refused",
            Severity::High,
            exported,
        ));
    }
    let capped =
        joined.told.entry.kind == Kind::Outcome && intent.entry.number("row_cap").is_some();
    capped.then(|| {
        found(
            "weir.row-cap",
            "Result larger than the row cap stopped",
            Severity::Medium,
            of(&["read", "export"]),
        )
    })
}

impl<'a> Finding<'a> {
    fn event(self, joined: &'a Joined, source: &'a Source, told: &Event<'a>) -> Event<'a> {
        let mut finding = event(
            joined,
            source,
            DETECTION_FINDING,
            (1, "Create"),
            self.severity,
        );
        let uid = format!("{}/{}/finding", source.origin, joined.told.entry.sequence);
        if let Some(metadata) = &mut finding.metadata {
            metadata.uid = Some(uid.clone());
            metadata.profiles = Some(SECURITY_HOST);
            let of = told.metadata.as_ref();
            metadata.correlation_uid = of.and_then(|of| of.correlation_uid.clone());
        }
        let (id, name) = self.rule;
        let command = joined.subject().entry.text("command").unwrap_or_default();
        finding.finding_info = Some(FindingInfo {
            title: Some(format!("{name}: {command}")),
            desc: Some(format!("{command} on {}", self.objects.join(", "))),
            types: Some(vec![id]),
            analytic: Some(Analytic {
                uid: Some(id),
                name: Some(name),
                r#type: Some("Rule"),
                type_id: Some(1),
            }),
            created_time: Some(ms(&joined.told)),
            related_events: Some(vec![Related {
                uid: format!("{}/{}", source.origin, joined.told.entry.sequence),
                type_uid: told.type_uid.unwrap_or_default(),
            }]),
            uid: Some(uid),
        });
        finding.status(1, "New");
        finding.control(DENIED, (2, "Blocked"));
        finding.is_alert = Some(true);
        finding.authorizations.clone_from(&told.authorizations);
        finding.actor.clone_from(&told.actor);
        finding.observables.clone_from(&told.observables);
        finding.resources = Some(
            self.objects
                .iter()
                .map(|name| Resource {
                    name: Some(name),
                    r#type: Some("Table"),
                })
                .collect(),
        );
        finding.evidences = Some(vec![Evidence {
            actor: told.actor.clone(),
            database: told.database.clone(),
            src_endpoint: told.src_endpoint.clone(),
        }]);
        finding
    }
}

/// A running statement was asked to stop.
pub(super) fn cancel<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let other = (99, "Cancel");
    let mut told = event(
        joined,
        source,
        DATASTORE_ACTIVITY,
        other,
        Severity::Informational,
    );
    about(&mut told, joined);
    told.control(ALLOWED, (1, "Allowed"));
    told.keep(&joined.told, "by");
    told.keep(&joined.told, "intent");
    told
}
