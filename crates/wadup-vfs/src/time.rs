use std::sync::{Arc, LazyLock};
use std::time::{SystemTime as StdTime, UNIX_EPOCH};

/// Nanoseconds since the Unix epoch.
pub type Timestamp = u64;

/// Where the timestamps of inodes come from.
pub trait TimeSource: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The host's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

impl SystemTime {
    /// One shared instance, so that making a [`Vfs`](crate::Vfs) need not allocate one.
    pub fn shared() -> Arc<dyn TimeSource> {
        static SHARED: LazyLock<Arc<dyn TimeSource>> = LazyLock::new(|| Arc::new(SystemTime));
        Arc::clone(&SHARED)
    }
}

impl TimeSource for SystemTime {
    fn now(&self) -> Timestamp {
        let since_epoch = StdTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// How to change one timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SetTime {
    #[default]
    Keep,
    Now,
    To(Timestamp),
}

/// The three timestamps of an inode.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) changed: Timestamp,
}

impl Times {
    pub(crate) fn all(now: Timestamp) -> Self {
        Self {
            accessed: now,
            modified: now,
            changed: now,
        }
    }

    pub(crate) fn modify(&mut self, now: Timestamp) {
        self.modified = now;
        self.changed = now;
    }
}
