//! The time that a fake desk has: the machine's, or one that runs faster, ahead or behind.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    base: Timestamp,
    since: Instant,
    speed: f64,
}

impl Clock {
    /// A clock that shows `base` now and runs `speed` times as fast as the machine's; 0 stands still.
    pub fn new(base: Timestamp, speed: f64) -> Self {
        Self { base, since: Instant::now(), speed }
    }

    /// The machine's time.
    pub fn real() -> Self {
        Self::new(Timestamp::now(), 1.0)
    }

    /// The time that it shows.
    pub fn now(&self) -> Timestamp {
        let run = SignedDuration::try_from_secs_f64(self.since.elapsed().as_secs_f64() * self.speed);
        run.ok().and_then(|run| self.base.checked_add(run).ok()).unwrap_or(self.base)
    }

    /// How long the machine has to wait until `seconds` have passed on it; not at all where it stands still.
    pub fn wait(&self, seconds: f64) -> Duration {
        if self.speed > 0.0 {
            Duration::try_from_secs_f64(seconds / self.speed).unwrap_or_default()
        } else {
            Duration::ZERO
        }
    }

    /// Sets it, forward or back; it runs on as fast as before.
    pub fn set(&mut self, now: Timestamp) {
        *self = Self::new(now, self.speed);
    }
}
