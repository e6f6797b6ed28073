//! What a client is told when a statement is opaque to Weir.

use statement::OpaqueReason;

use crate::refusal::{Cause, Refusal};

/// The refusal for the first reason a statement is opaque. A name that does not
/// exist reads like the server's own message.
pub(crate) fn refusal(reason: &OpaqueReason) -> Refusal {
    match reason {
        OpaqueReason::Unresolved { class, name } => {
            let (code, message) = match *class {
                "relation" | "table" | "view" => ("42P01", format!("relation \"{name}\" does not exist")),
                "column" => ("42703", format!("column {name} does not exist")),
                "function" => ("42883", format!("function {name} does not exist")),
                "type" => ("42704", format!("type \"{name}\" does not exist")),
                "schema" => ("3F000", format!("schema \"{name}\" does not exist")),
                class => ("42704", format!("{class} \"{name}\" does not exist")),
            };
            Refusal::new(Cause::Unknown, "weir.unknown-name", message).code(code).objects(vec![name.clone()])
        }
        OpaqueReason::Ambiguous(name) => {
            Refusal::new(Cause::Unknown, "weir.unknown-name", format!("column reference \"{name}\" is ambiguous"))
                .code("42702")
        }
        OpaqueReason::UnknownPrepared(name) => {
            Refusal::new(Cause::Unknown, "weir.unknown-name", format!("prepared statement \"{name}\" does not exist"))
                .code("26000")
        }
        OpaqueReason::UnknownCursor(name) => {
            Refusal::new(Cause::Unknown, "weir.unknown-name", format!("cursor \"{name}\" does not exist")).code("34000")
        }
        OpaqueReason::UnknownSettings => Refusal::new(
            Cause::Opaque,
            "weir.opaque",
            "the session's settings are not what Weir can judge statements under",
        )
        .hint("Reconnect; keep client_encoding UTF8, standard_conforming_strings on, and the login role."),
        other => Refusal::new(
            Cause::Opaque,
            "weir.opaque",
            format!("Weir cannot judge what this statement does: {other}"),
        )
        .hint("Write it with plain statements; or ask for the action `opaque` on this target."),
    }
}
