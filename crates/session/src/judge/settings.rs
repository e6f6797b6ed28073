//! Which settings a client may change.

use statement::{Kind, SettingClass, Statement};

use super::{Judge, Session};
use crate::comment::Declared;
use crate::refusal::{Cause, Refusal};
use crate::world::{Identity, Standing, World};

impl Judge<'_> {
    /// Settings that only Weir writes, or that would change what it reads.
    pub(super) fn reserved_setting(&self, statement: &Statement) -> Option<Refusal> {
        let own = match &statement.kind {
            Kind::Set(change) => Some(change),
            _ => None,
        };
        own.into_iter()
            .chain(&statement.settings)
            .find_map(|change| self.setting(change))
    }

    pub(super) fn setting(&self, change: &statement::SetChange) -> Option<Refusal> {
        // Holders of `opaque` may leave what Weir understands; from then on every
        // statement of theirs is opaque.
        if !self.session.standing.lenient
            && let Some(refusal) = unreadable_setting(change)
        {
            return Some(refusal);
        }
        let name = &change.name;
        match change.class() {
            SettingClass::Reserved if name != "weir.traceparent" => Some(
                Refusal::new(
                    Cause::Policy,
                    "weir.reserved-setting",
                    format!("the setting \"{name}\" is written by Weir alone"),
                )
                .hint("Clients may set weir.purpose, weir.task, weir.run and weir.traceparent."),
            ),
            // Back to what the session began with is no change, so pools may DISCARD ALL.
            SettingClass::Meaning
                if (self.masks_anything() || self.on_floor()) && !change.reset_all && !change.is_reset =>
            Some(
                Refusal::new(
                    Cause::Masked,
                    "weir.meaning-setting",
                    format!(
                        "the setting \"{name}\" changes what statements mean or in which order rows come, so masked principals may not set it"
                    ),
                )
                .hint("Leave it at the server's value."),
            ),
            SettingClass::Reserved | SettingClass::Meaning | SettingClass::Harmless | SettingClass::Modelled => None,
        }
    }
}

/// Whether a client may give `name` this value when it connects: the rule for
/// SET, before there is a session.
#[must_use]
pub fn startup_setting(
    world: &World,
    who: &Identity,
    name: &str,
    value: &str,
    unix_ms: u64,
) -> Option<Refusal> {
    let declared = Declared::default();
    let session = Session {
        who,
        standing: Standing {
            masked_somewhere: true,
            lenient: false,
        },
        declared: &declared,
        unix_ms,
        ending: false,
        old_snapshot: false,
    };
    let mut judge = Judge {
        world,
        catalog: &world.catalog,
        session,
    };
    (judge.session.standing, _) = judge.standing();
    let change = statement::SetChange {
        name: name.to_ascii_lowercase(),
        scope: statement::SetScope::Session,
        value: statement::SetValue::Literal(vec![value.to_owned()]),
        is_reset: false,
        reset_all: false,
    };
    judge.setting(&change)
}

/// Settings under which Weir would read texts and values otherwise than the
/// server does.
fn unreadable_setting(change: &statement::SetChange) -> Option<Refusal> {
    let statement::SetValue::Literal(values) = &change.value else {
        return None;
    };
    let value = values
        .first()
        .map(|v| v.to_ascii_lowercase())
        .unwrap_or_default();
    let wanted = match change.name.as_str() {
        "client_encoding" if !matches!(value.as_str(), "utf8" | "utf-8" | "unicode") => "UTF8",
        "standard_conforming_strings" if !matches!(value.as_str(), "on" | "true" | "yes" | "1") => {
            "on"
        }
        "role" | "session_authorization" if !matches!(value.as_str(), "none" | "default") => {
            "its default"
        }
        _ => return None,
    };
    Some(
        Refusal::new(
            Cause::Unsupported,
            "weir.session-setting",
            format!(
                "through Weir, \"{}\" stays {wanted}, so that statements mean what they say",
                change.name
            ),
        )
        .hint(format!("Leave \"{}\" at {wanted}.", change.name)),
    )
}
