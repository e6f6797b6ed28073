//! What can be recorded.
//!
//! An [`Event`] has a *clear* part, which is literal-free and is hashed and kept
//! for ever, and *disclosures*, which may identify people or hold values: of those
//! only salted digests are hashed, and they are kept encrypted under a key of their
//! subject. Each kind of event has one struct; its fields say which side they are on.
//! Fields marked *disclosed* never appear in clear. Passwords and secrets have no
//! place in any field.
//!
//! Lists and texts are shared (`Arc`), so that what a session caches per statement
//! is recorded without copying.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};

mod disclose;
mod log;
mod operator;
mod session;
pub(crate) mod shape;
mod statement;
#[cfg(test)]
pub(crate) mod tests;

pub use disclose::{Disclosure, MAX_VALUE_BYTES};
pub use log::{
    AlarmState, ClockStep, Gap, GapCause, KeyState, LogClose, LogKey, LogOpen, StorageAlarm,
    TreeHead,
};
pub use operator::{
    ConfigChange, Erasure, EvidenceExport, HoldRelease, HoldSet, KeyCreate, KeyRevoke, LabelChange,
    LabelSource, PolicyChange, RetentionPrune,
};
pub use session::{
    AuthenticationFailed, AuthenticationReason, CloseReason, PrincipalKind, SessionClose,
    SessionOpen, SessionRefused, Tls,
};
pub use shape::{name_digest, shape_hash};
pub use statement::{
    Cancel, CancelledBy, ColumnUse, Encoded, Intent, MaskedCells, ObjectUse, Outcome,
    OutcomeStatus, Verdict,
};

/// Something that happened, as it is handed to [`crate::Ledger::append`].
///
/// Made from the struct of its kind (`Event::from(intent)`), never field by field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// What kind of thing happened.
    pub kind: Kind,
    /// The literal-free part; its disclosed fields are empty.
    pub clear: Clear,
    /// What is kept outside the tree, encrypted.
    pub disclosures: Vec<Disclosure>,
}

/// The literal-free part of an event: one variant for each [`Kind`].
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is the struct of the same name")]
pub enum Clear {
    LogOpen(LogOpen),
    LogClose(LogClose),
    Gap(Gap),
    StorageAlarm(StorageAlarm),
    SessionOpen(SessionOpen),
    SessionClose(SessionClose),
    AuthenticationFailed(AuthenticationFailed),
    Intent(Intent),
    Outcome(Outcome),
    Cancel(Cancel),
    KeyCreate(KeyCreate),
    KeyRevoke(KeyRevoke),
    ConfigChange(ConfigChange),
    PolicyChange(PolicyChange),
    Erasure(Erasure),
    SessionRefused(SessionRefused),
    HoldSet(HoldSet),
    HoldRelease(HoldRelease),
    EvidenceExport(EvidenceExport),
    RetentionPrune(RetentionPrune),
    LogKey(LogKey),
    ClockStep(ClockStep),
    LabelChange(LabelChange),
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal;)*) => {
        /// The kind of an entry: its `kind` word in the JSON and its code in a
        /// write-ahead-log frame. Neither is ever reused for something else.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// Every kind, in the order of their codes.
            pub const ALL: &'static [Kind] = &[$(Kind::$kind),*];

            /// The word in the entry.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name),* }
            }

            /// The code in a frame.
            #[must_use]
            pub fn code(self) -> u8 {
                match self { $(Kind::$kind => $code),* }
            }

            /// The kind with this code.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Kind> {
                match code { $($code => Some(Kind::$kind),)* _ => None }
            }

            /// The kind with this word.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Kind> {
                match name { $($name => Some(Kind::$kind),)* _ => None }
            }
        }

        $(impl From<$kind> for Event {
            fn from(mut clear: $kind) -> Event {
                let disclosures = clear.disclose();
                Event { kind: Kind::$kind, clear: Clear::$kind(clear), disclosures }
            }
        })*
    };
}

kinds! {
    /// A process took the log in use.
    LogOpen = 1, "log.open";
    /// A process left the log in good order.
    LogClose = 2, "log.close";
    /// Something may be missing, and why.
    Gap = 3, "log.gap";
    /// The ledger's disk fills up or fails, or is well again.
    StorageAlarm = 4, "storage.alarm";
    /// An authenticated session began.
    SessionOpen = 5, "session.open";
    /// A session ended.
    SessionClose = 6, "session.close";
    /// Someone did not get in.
    AuthenticationFailed = 7, "authentication.failed";
    /// A statement was judged; if allowed it is about to run.
    Intent = 8, "statement.intent";
    /// What became of an intent.
    Outcome = 9, "statement.outcome";
    /// A running statement was asked to stop.
    Cancel = 10, "statement.cancel";
    /// An access key was made.
    KeyCreate = 11, "key.create";
    /// An access key was revoked.
    KeyRevoke = 12, "key.revoke";
    /// The configuration in force changed.
    ConfigChange = 13, "config.change";
    /// The policies in force changed.
    PolicyChange = 14, "policy.change";
    /// The disclosures of a subject were made unreadable.
    Erasure = 15, "erasure";
    /// Someone who proved who it is did not get a session.
    SessionRefused = 16, "session.refused";
    /// Nothing that this covers may be erased or pruned from here on.
    HoldSet = 20, "hold.set";
    /// A hold ended.
    HoldRelease = 21, "hold.release";
    /// Evidence left for somebody outside.
    EvidenceExport = 22, "evidence.export";
    /// Entries whose time is over are no longer kept.
    RetentionPrune = 23, "retention.prune";
    /// A key of the log begins or stops to sign.
    LogKey = 24, "log.key";
    /// The machine's clock jumped.
    ClockStep = 25, "clock.step";
    /// It was found or decided what a column holds.
    LabelChange = 30, "label.change";
}

impl Kind {
    /// Whether this may be written together with what comes next, within the pace of
    /// the profile: it tells how something ended whose beginning is written.
    #[must_use]
    pub fn goes_with_the_next(self) -> bool {
        self == Kind::Outcome
    }

    /// Whether this completes something that was already allowed or describes the
    /// log itself: such entries may use the disk reserve when the disk is full.
    #[must_use]
    pub fn completes(self) -> bool {
        match self {
            Kind::LogOpen
            | Kind::LogClose
            | Kind::Gap
            | Kind::StorageAlarm
            | Kind::SessionClose
            | Kind::Outcome
            | Kind::Cancel
            | Kind::KeyRevoke
            | Kind::Erasure
            | Kind::HoldSet
            | Kind::RetentionPrune
            | Kind::LogKey
            | Kind::ClockStep => true,
            Kind::SessionOpen
            | Kind::SessionRefused
            | Kind::AuthenticationFailed
            | Kind::Intent
            | Kind::KeyCreate
            | Kind::ConfigChange
            | Kind::PolicyChange
            | Kind::LabelChange
            | Kind::HoldRelease
            | Kind::EvidenceExport => false,
        }
    }
}

/// A text of our own vocabulary, or an identifier: borrowed when static.
pub type Word = Cow<'static, str>;

/// A shared text.
pub type Text = Arc<str>;

fn text<S: Serializer>(value: &Text, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value)
}

fn maybe_text<S: Serializer>(value: &Option<Text>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_some::<str>(value),
        None => serializer.serialize_none(),
    }
}

fn texts<S: Serializer>(value: &Arc<[Text]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(value.iter().map(AsRef::<str>::as_ref))
}

fn list<T: Serialize, S: Serializer>(value: &Arc<[T]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(value.iter())
}

fn no(value: &bool) -> bool {
    !value
}

fn nothing<T>(value: &Arc<[T]>) -> bool {
    value.is_empty()
}
