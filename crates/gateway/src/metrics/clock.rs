//! Time for a session, read once per batch of bytes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use session::postgres::Now;
use store::measure::Histogram;

/// How long the wall clock is counted on before it is read again.
const ANCHOR: Duration = Duration::from_millis(100);

/// The clock of one session. The wall clock is read ten times a second, and counted on
/// by the monotonic one in between, which pays for the reads that measure latency; a
/// step of the wall clock is seen within a tenth of a second of use.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    anchor: Instant,
    anchor_unix: Duration,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        let started = Instant::now();
        Clock {
            started,
            anchor: started,
            anchor_unix: unix(),
        }
    }

    /// The moment, and what it is called.
    pub(crate) fn now(&mut self) -> (Instant, Now) {
        let at = Instant::now();
        let mut since = at.saturating_duration_since(self.anchor);
        if since > ANCHOR {
            (self.anchor, self.anchor_unix) = (at, unix());
            since = Duration::ZERO;
        }
        let monotonic = at.saturating_duration_since(self.started);
        let now = Now {
            monotonic_us: u64::try_from(monotonic.as_micros()).unwrap_or(u64::MAX),
            unix_ms: u64::try_from((self.anchor_unix + since).as_millis()).unwrap_or(u64::MAX),
        };
        (at, now)
    }
}

fn unix() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// When bytes came of which something has not gone on yet.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamp(Option<Instant>);

impl Stamp {
    /// Bytes came, and something of them waits to go on, or nothing does.
    pub(crate) fn came(&mut self, at: Instant, waits: bool) {
        match waits {
            true => drop(self.0.get_or_insert(at)),
            false => self.0 = None,
        }
    }

    /// All of it went on.
    pub(crate) fn went(&mut self, histogram: &Histogram) {
        if let Some(at) = self.0.take() {
            histogram.record(at.elapsed());
        }
    }

    /// The other side does not take it: what follows is not Weir's time.
    pub(crate) fn stalled(&mut self) {
        self.0 = None;
    }
}
