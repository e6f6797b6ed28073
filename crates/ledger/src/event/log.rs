//! Events of the log itself.

use serde::Serialize;

use super::{Disclosure, Word};
use crate::Sequence;

/// A process took the log in use.
#[derive(Clone, Debug, Serialize)]
pub struct LogOpen {
    /// The log's origin line (C2SP tlog-checkpoint).
    pub origin: Word,
    /// Verifier key in C2SP signed-note form.
    pub vkey: String,
    /// Counts the times the log was opened or began a new segment after a fault.
    pub epoch: u64,
    /// Version of the program.
    pub version: Word,
    /// The signed tree head that was found, if the log is not fresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<TreeHead>,
}

/// Size and root of a tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TreeHead {
    /// Entries.
    pub size: u64,
    /// Root hash, standard base64 as in a checkpoint.
    pub root: String,
}

/// A process left the log in good order.
#[derive(Clone, Debug, Serialize)]
pub struct LogClose {
    /// Epoch that ends.
    pub epoch: u64,
    /// Entries refused in that epoch because the ledger was unavailable.
    pub refused: u64,
}

/// A key of the log begins or stops to sign.
#[derive(Clone, Debug, Serialize)]
pub struct LogKey {
    /// Which of both.
    pub state: KeyState,
    /// The key, in C2SP signed-note form.
    pub vkey: String,
    /// The key that was in force before; it vouches for this entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// When keys before it stop to sign, milliseconds since 1970 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// Whether a key begins or stops to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It begins.
    Added,
    /// It stops.
    Retired,
}

/// The machine's clock jumped. Order is by place, not by time.
#[derive(Clone, Debug, Serialize)]
pub struct ClockStep {
    /// What the clock should have shown: the time of the entry before, or what had
    /// passed since by the clock that does not jump. Nanoseconds since 1970 UTC.
    pub expected_ns: u64,
    /// What it showed.
    pub found_ns: u64,
    /// The difference, milliseconds; negative if it went back.
    pub step_ms: i64,
}

/// Something may be missing before this entry.
#[derive(Clone, Debug, Serialize)]
pub struct Gap {
    /// Why.
    pub cause: GapCause,
    /// Epoch that begins.
    pub epoch: u64,
    /// First entry of which it cannot be said that it survived untouched.
    pub from: Sequence,
    /// Bytes after the last whole entry that were dropped (never acknowledged as durable).
    pub dropped_bytes: u64,
    /// Events that were refused meanwhile (their statements did not run).
    pub refused: u64,
    /// How long nothing was taken, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage_ms: Option<u64>,
    /// The operating system's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// Why there is a [`Gap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GapCause {
    /// The process ended without [`LogClose`].
    Crash,
    /// A write or sync failed; the log continues in a new segment.
    DiskFault,
    /// The disk was full.
    DiskFull,
}

/// The ledger's disk fills up or fails, or is well again.
#[derive(Clone, Debug, Serialize)]
pub struct StorageAlarm {
    /// Whether the alarm begins or ends.
    pub state: AlarmState,
    /// Used part of the file system, percent.
    pub used_percent: u8,
    /// Bytes the file system still offers.
    pub available_bytes: u64,
    /// Whether the disk reserve is there.
    pub reserve: bool,
}

/// Whether an alarm begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmState {
    /// It begins.
    Raised,
    /// It ends.
    Cleared,
}

macro_rules! nothing_disclosed {
    ($($kind:ident),*) => {$(impl $kind {
        pub(super) fn disclose(&mut self) -> Vec<Disclosure> {
            Vec::new()
        }
    })*};
}
pub(super) use nothing_disclosed;
nothing_disclosed!(LogOpen, LogClose, LogKey, ClockStep, Gap, StorageAlarm);
