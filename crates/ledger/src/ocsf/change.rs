//! What operators change (3004 Entity Management), and the log itself (1008 Event Log
//! Activity).

use super::{
    Activity, Actor, ENTITY_MANAGEMENT, EVENT_LOG_ACTIVITY, Entity, Event, Policy, Severity,
    Source, event, user,
};
use crate::Kind;
use crate::joined::Joined;

/// A change by whoever `by` names, or by the operator at the machine.
fn change<'a>(
    joined: &'a Joined,
    source: &'a Source,
    activity: Activity,
    entity: Entity<'a>,
) -> Event<'a> {
    let mut told = event(
        joined,
        source,
        ENTITY_MANAGEMENT,
        activity,
        Severity::Informational,
    );
    let by = joined.told.entry.text("by");
    told.actor = Some(match by {
        Some(by) => Actor {
            user: Some(user(by, None)),
            ..Actor::default()
        },
        None => Actor {
            app_name: Some("weir"),
            ..Actor::default()
        },
    });
    told.entity = Some(entity);
    told.status(1, "Success");
    told.control((1, "Allowed"), (1, "Allowed"));
    told
}

pub(super) fn key<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let entry = &joined.told.entry;
    let activity = match entry.kind == Kind::KeyRevoke {
        true => (9, "Disable"),
        false => (1, "Create"),
    };
    let entity = Entity {
        uid: entry.text("key"),
        r#type: Some("Access Key"),
        type_id: Some(99),
        ..Entity::default()
    };
    let mut told = change(joined, source, activity, entity);
    told.keep(&joined.told, "principal");
    told.keep(&joined.told, "expires_ms");
    told
}

pub(super) fn config<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let entity = Entity {
        name: Some("weir.toml"),
        version: joined.told.entry.text("digest"),
        r#type: Some("Configuration"),
        type_id: Some(99),
        ..Entity::default()
    };
    let mut told = change(joined, source, (3, "Update"), entity);
    told.keep(&joined.told, "changed");
    told.keep(&joined.told, "previous");
    told
}

pub(super) fn policy<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let version = joined.told.entry.text("policy");
    let name = Some("Weir policies");
    let entity = Entity {
        name,
        version,
        r#type: Some("Policy"),
        type_id: Some(5),
        policy: Some(Policy {
            name,
            version,
            is_applied: Some(true),
            ..Policy::default()
        }),
        ..Entity::default()
    };
    let mut told = change(joined, source, (3, "Update"), entity);
    told.keep(&joined.told, "previous");
    told.keep(&joined.told, "policies");
    told
}

pub(super) fn label<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let entry = &joined.told.entry;
    let entity = Entity {
        name: entry.text("column"),
        r#type: Some("Column Label"),
        type_id: Some(99),
        ..Entity::default()
    };
    let mut told = change(joined, source, (3, "Update"), entity);
    told.comment = entry.text("why");
    for field in ["target", "label", "source", "by"] {
        told.keep(&joined.told, field);
    }
    told
}

pub(super) fn erasure<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let entity = Entity {
        name: Some("disclosures of a subject"),
        r#type: Some("Disclosure Keys"),
        type_id: Some(99),
        ..Entity::default()
    };
    let mut told = change(joined, source, (4, "Delete"), entity);
    told.comment = joined.told.entry.text("ground");
    for field in ["subject", "from", "until", "keys"] {
        told.keep(&joined.told, field);
    }
    told
}

pub(super) fn hold<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let entry = &joined.told.entry;
    let activity = match entry.kind == Kind::HoldRelease {
        true => (4, "Delete"),
        false => (1, "Create"),
    };
    let entity = Entity {
        uid: entry.text("hold"),
        r#type: Some("Legal Hold"),
        type_id: Some(99),
        ..Entity::default()
    };
    let mut told = change(joined, source, activity, entity);
    told.comment = entry.text("reason");
    for field in ["subject", "from", "until"] {
        told.keep(&joined.told, field);
    }
    told
}

pub(super) fn log<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let told = &joined.told;
    let kind = told.entry.kind;
    let (activity, severity) = if kind == Kind::LogOpen {
        ((6, "Start"), Severity::Informational)
    } else if kind == Kind::LogClose {
        ((7, "Stop"), Severity::Informational)
    } else if kind == Kind::Gap {
        match told.entry.text("cause") {
            Some("crash") => ((99, "Gap"), Severity::Medium),
            _ => ((99, "Gap"), Severity::High),
        }
    } else if kind == Kind::EvidenceExport {
        ((3, "Export"), Severity::Low)
    } else if kind == Kind::RetentionPrune {
        ((2, "Delete"), Severity::Low)
    } else if kind == Kind::ClockStep {
        ((99, "Clock step"), Severity::Medium)
    } else if kind == Kind::LogKey && told.entry.text("state") == Some("added") {
        ((99, "Signing key added"), Severity::Medium)
    } else if kind == Kind::LogKey {
        ((99, "Signing key retired"), Severity::Low)
    } else if told.entry.text("state") == Some("raised") {
        ((99, "Storage alarm raised"), Severity::High)
    } else {
        ((99, "Storage alarm cleared"), Severity::Informational)
    };
    let mut event = event(joined, source, EVENT_LOG_ACTIVITY, activity, severity);
    event.log_name = Some(&source.origin);
    event.log_type_id = Some(2);
    match activity.0 {
        99 => event.status(99, activity.1),
        _ => event.status(1, "Success"),
    }
    event.is_alert = (severity == Severity::High).then_some(true);
    event.control((3, "Observed"), (17, "Logged"));
    for field in told.entry.fields.keys() {
        event.keep(told, field);
    }
    event
}
