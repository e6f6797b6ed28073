//! Where times come from: a port, so that tests can set the clock back.

use std::fmt::Debug;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A clock.
pub trait Clock: Debug + Send + Sync {
    /// Nanoseconds since 1970 UTC, as the machine believes it is. May jump.
    fn wall_ns(&self) -> u64;

    /// Nanoseconds since some moment. Never jumps; stands still while the machine sleeps.
    fn monotonic_ns(&self) -> u64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    begun: Instant,
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock {
            begun: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn wall_ns(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
