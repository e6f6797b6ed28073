//! The part of the OCSF 1.8.0 schema that Weir fills in: an event and its objects,
//! attributes named as there.

use serde::Serialize;
use serde_json::{Map, Value};

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Serialize)]
        #[expect(missing_docs, reason = "attributes are those of the schema")]
        pub struct $name<'a> {
            $(#[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)*
        }
    )*};
}

objects! {
    /// Where the event comes from.
    Metadata {
        version: &'a str,
        product: Product<'a>,
        uid: String,
        sequence: u64,
        log_name: &'a str,
        log_version: &'a str,
        event_code: &'a str,
        correlation_uid: String,
        original_time: &'a str,
        logged_time: u64,
        profiles: &'a [&'a str],
        is_truncated: bool,
    }
    /// What made it.
    Product { name: &'a str, vendor_name: &'a str, version: &'a str, }
    /// Who did it.
    Actor { user: User<'a>, session: Session<'a>, app_name: &'a str, }
    /// A principal.
    User { uid: &'a str, name: &'a str, r#type: &'a str, type_id: u8, programmatic_credentials: Vec<Credential<'a>>, }
    /// The access key used.
    Credential { uid: &'a str, r#type: &'a str, }
    /// A session.
    Session { uid: &'a str, created_time: u64, expiration_reason: &'a str, is_remote: bool, }
    /// One end of a connection.
    Endpoint { uid: &'a str, ip: &'a str, svc_name: &'a str, }
    /// Something with a name.
    Named { uid: &'a str, name: &'a str, }
    /// A database: `type_id` 1 is relational.
    Database { name: &'a str, r#type: &'a str, type_id: u8, }
    /// A statement.
    QueryInfo { uid: &'a str, name: &'a str, query_string: &'a str, bytes: u64, query_time: u64, }
    /// A rule's part in a decision.
    Authorization { decision: &'a str, policy: Policy<'a>, }
    /// A rule, or all of them.
    Policy { uid: &'a str, name: &'a str, version: &'a str, is_applied: bool, }
    /// What was changed.
    Entity { uid: &'a str, name: &'a str, r#type: &'a str, type_id: u8, version: &'a str, policy: Policy<'a>, }
    /// What was found.
    FindingInfo { uid: String, title: String, desc: String, types: Vec<&'a str>, analytic: Analytic<'a>, created_time: u64, related_events: Vec<Related>, }
    /// What found it.
    Analytic { uid: &'a str, name: &'a str, r#type: &'a str, type_id: u8, }
    /// What was found on something.
    Resource { name: &'a str, r#type: &'a str, }
    /// What a finding rests on.
    Evidence { actor: Actor<'a>, database: Database<'a>, src_endpoint: Endpoint<'a>, }
    /// Of an AI agent: its part (`ai_role_id` 4 is an agent).
    MessageContext { ai_role_id: u8, ai_role: &'a str, application: Named<'a>, }
    /// A value to search for, and where it stands.
    Observable { name: &'a str, r#type: &'a str, type_id: u8, value: &'a str, }
    /// One event.
    Event {
        metadata: Metadata<'a>,
        class_uid: u32,
        class_name: &'a str,
        category_uid: u32,
        category_name: &'a str,
        activity_id: u32,
        activity_name: &'a str,
        type_uid: u64,
        type_name: String,
        severity_id: u8,
        severity: &'a str,
        time: u64,
        start_time: u64,
        end_time: u64,
        duration: u64,
        status_id: u8,
        status: &'a str,
        status_code: &'a str,
        status_detail: String,
        message: String,
        action_id: u8,
        action: &'a str,
        disposition_id: u8,
        disposition: &'a str,
        is_alert: bool,
        authorizations: Vec<Authorization<'a>>,
        policy: Policy<'a>,
        actor: Actor<'a>,
        user: User<'a>,
        session: Session<'a>,
        src_endpoint: Endpoint<'a>,
        dst_endpoint: Endpoint<'a>,
        service: Named<'a>,
        auth_protocol: &'a str,
        auth_protocol_id: u8,
        logon_type_id: u8,
        is_remote: bool,
        is_cleartext: bool,
        type_id: u8,
        r#type: &'a str,
        database: Database<'a>,
        table: Named<'a>,
        query_info: QueryInfo<'a>,
        message_context: MessageContext<'a>,
        entity: Entity<'a>,
        comment: &'a str,
        log_name: &'a str,
        log_type_id: u8,
        finding_info: FindingInfo<'a>,
        resources: Vec<Resource<'a>>,
        evidences: Vec<Evidence<'a>>,
        observables: Vec<Observable<'a>>,
        unmapped: Map<String, Value>,
    }
}

#[expect(missing_docs, reason = "attributes are those of the schema")]
/// An event that belongs to another.
#[derive(Clone, Debug, Serialize)]
pub struct Related {
    pub uid: String,
    pub type_uid: u64,
}
