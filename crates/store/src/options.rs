//! How a ledger is kept.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};

/// Settings of a [`crate::Store`].
#[derive(Clone, Debug)]
pub struct Options {
    /// The log's unique name (C2SP tlog-checkpoint origin), a schema-less URL like
    /// `weir.example.com/gateway-1`: no spaces, no `+`. Fixed when the ledger is made.
    pub origin: String,
    /// How soon entries become durable when nobody waits.
    pub profile: Profile,
    /// Version of the program, for the record.
    pub version: Cow<'static, str>,
    /// Size of a segment of the write-ahead log; it is preallocated.
    pub segment_bytes: u64,
    /// Size of the disk reserve that is kept for outcomes when the disk is full.
    pub reserve_bytes: u64,
    /// Used part of the file system at which the alarm is raised, percent.
    pub alarm_percent: u8,
    /// Most milliseconds a checkpoint is behind the durable entries.
    pub checkpoint_ms: u64,
    /// Most bytes that are written and not yet durable; beyond that, appending waits
    /// for a moment and then fails.
    pub backlog_bytes: u64,
    /// Milliseconds between attempts to resume after a fault.
    pub heal_ms: u64,
    /// When full segments become packs.
    pub packing: Packing,
    /// A file outside the directory that remembers the last checkpoint, so that a
    /// directory that was put back to an older state is noticed.
    pub memory: Option<PathBuf>,
    /// Where times come from.
    pub clock: Arc<dyn Clock>,
}

/// When full segments of the write-ahead log are sealed into packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// As soon as they are under a checkpoint, by a thread of low priority.
    Background,
    /// When [`crate::Store::seal`] is called.
    OnDemand,
}

/// How soon entries become durable when nobody waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Within 10 ms.
    Balanced,
    /// At once, as many as there are.
    Strict,
    /// Within 100 ms.
    Fast,
}

impl Profile {
    /// Most milliseconds an entry waits before it is synced.
    pub(crate) fn pace_ms(self) -> u64 {
        match self {
            Profile::Strict => 0,
            Profile::Balanced => 10,
            Profile::Fast => 100,
        }
    }
}

impl Options {
    /// The defaults for a log of this name: balanced, segments of 64 MiB, 16 MiB
    /// reserve, alarm at 80 %, checkpoints at most 200 ms behind, packs in the background.
    #[must_use]
    pub fn new(origin: impl Into<String>) -> Options {
        Options {
            origin: origin.into(),
            profile: Profile::Balanced,
            version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
            segment_bytes: 64 << 20,
            reserve_bytes: 16 << 20,
            alarm_percent: 80,
            checkpoint_ms: 200,
            backlog_bytes: 64 << 20,
            heal_ms: 500,
            packing: Packing::Background,
            memory: None,
            clock: Arc::new(SystemClock::default()),
        }
    }
}
