//! Sessions and failed authentication: 3002 Authentication.

use super::{
    AUTHENTICATION, Activity, Credential, Endpoint, Event, Named, Session, Severity, Source,
    authorizations, event, ms, observe_human, source_endpoint, user,
};
use crate::joined::Joined;

const LOGON: Activity = (1, "Logon");

/// What all have in common.
fn access<'a>(
    joined: &'a Joined,
    source: &'a Source,
    activity: Activity,
    severity: Severity,
) -> Event<'a> {
    let mut told = event(joined, source, AUTHENTICATION, activity, severity);
    let opened = joined.session.as_deref().unwrap_or(&joined.told);
    let principal = opened.entry.text("principal");
    let mut user = user(
        principal.unwrap_or("unknown"),
        opened.entry.text("principal_kind"),
    );
    user.name = opened.disclosed("user");
    user.programmatic_credentials = opened.entry.text("key").map(|key| {
        vec![Credential {
            uid: Some(key),
            r#type: Some("Weir access key"),
        }]
    });
    told.user = Some(user);
    told.session = opened.entry.text("session").map(|uid| Session {
        uid: Some(uid),
        created_time: Some(ms(opened)),
        is_remote: Some(true),
        ..Session::default()
    });
    if let (Some(metadata), Some(session)) = (&mut told.metadata, opened.entry.text("session")) {
        metadata.correlation_uid = Some(session.to_owned());
    }
    told.src_endpoint = Some(Endpoint {
        svc_name: opened.disclosed("application"),
        ..source_endpoint(joined)
    });
    let target = opened.entry.text("target").or(opened.disclosed("target"));
    told.service = Some(Named {
        uid: None,
        name: Some(target.unwrap_or("weir")),
    });
    (told.auth_protocol, told.auth_protocol_id) = (Some("SCRAM-SHA-256"), Some(99));
    (told.logon_type_id, told.is_remote) = (Some(3), Some(true));
    told.keep(opened, "environment");
    told.keep(opened, "protocol");
    told.keep(opened, "tls");
    observe_human(&mut told, Some(opened));
    told
}

pub(super) fn open<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let mut told = access(joined, source, LOGON, Severity::Informational);
    told.status(1, "Success");
    told.control((1, "Allowed"), (1, "Allowed"));
    let tls = joined.told.entry.fields.get("tls");
    told.is_cleartext = Some(tls.is_none_or(serde_json::Value::is_null));
    told
}

pub(super) fn close<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let mut told = access(joined, source, (2, "Logoff"), Severity::Informational);
    told.status(1, "Success");
    let reason = joined.told.entry.text("reason");
    told.status_detail = reason.map(str::to_owned);
    if let Some(session) = &mut told.session {
        session.expiration_reason = reason;
    }
    let end = ms(&joined.told);
    let duration = joined.told.entry.number("duration_ms").unwrap_or_default();
    (told.start_time, told.end_time) = (Some(end.saturating_sub(duration)), Some(end));
    told.duration = Some(duration);
    for field in ["statements", "refused", "rows", "bytes", "masked_cells"] {
        told.keep(&joined.told, field);
    }
    let revoked = reason == Some("revoked");
    let disposition = if revoked {
        (24, "Access Revoked")
    } else {
        (1, "Allowed")
    };
    told.control(
        if revoked {
            (2, "Denied")
        } else {
            (1, "Allowed")
        },
        disposition,
    );
    told
}

/// A principal that proved who it is and got no session.
pub(super) fn refused<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let mut told = access(joined, source, LOGON, Severity::Low);
    told.status(2, "Failure");
    told.status_code = joined.told.entry.text("sqlstate");
    match joined.told.entry.text("rule") {
        Some(rule) => {
            told.control((2, "Denied"), (2, "Blocked"));
            told.authorizations = Some(authorizations(&[rule], "deny", None, true));
            told.status_detail = Some(format!("refused by {rule}"));
        }
        None => told.control((2, "Denied"), (27, "Error")),
    }
    told
}

pub(super) fn failed<'a>(joined: &'a Joined, source: &'a Source) -> Event<'a> {
    let reason = joined.told.entry.text("reason").unwrap_or("unknown");
    let severity = match reason {
        // Somebody stands in between.
        "channel_binding" => Severity::High,
        "wrong_key" | "revoked_key" | "not_permitted" => Severity::Medium,
        _ => Severity::Low,
    };
    let mut told = access(joined, source, LOGON, severity);
    told.status(2, "Failure");
    told.status_detail = Some(reason.to_owned());
    told.keep(&joined.told, "target_digest");
    let disposition = match reason {
        "not_permitted" => (26, "Unauthorized"),
        "upstream" | "protocol" | "timeout" => (27, "Error"),
        _ => (2, "Blocked"),
    };
    told.control((2, "Denied"), disposition);
    told
}
