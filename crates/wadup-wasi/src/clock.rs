use std::sync::LazyLock;
use std::time::{Instant, SystemTime as StdTime, UNIX_EPOCH};

use wadup_vfs::TimeSource;

/// The two clocks that a guest can read, in nanoseconds.
pub trait Clock: Send + Sync {
    /// Time since the Unix epoch.
    fn realtime(&self) -> u64;
    /// Time since some moment; never goes back.
    fn monotonic(&self) -> u64;
}

/// The host's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn realtime(&self) -> u64 {
        nanoseconds(
            StdTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        )
    }

    fn monotonic(&self) -> u64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        // Not 0 in the first reading: guests take 0 for "no time".
        1 + nanoseconds(START.elapsed())
    }
}

impl TimeSource for SystemClock {
    fn now(&self) -> u64 {
        self.realtime()
    }
}

/// Clocks that stand still, for output that must not depend on the day.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock {
    /// Nanoseconds since the Unix epoch.
    pub realtime: u64,
    pub monotonic: u64,
}

impl Clock for FixedClock {
    fn realtime(&self) -> u64 {
        self.realtime
    }

    fn monotonic(&self) -> u64 {
        self.monotonic
    }
}

impl TimeSource for FixedClock {
    fn now(&self) -> u64 {
        self.realtime
    }
}

fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
