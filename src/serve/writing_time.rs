//! How long a language model may write: so many seconds of each minute, so that a burst of tickets does not wait for it again
//! and again.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// What the seconds are counted in.
const MINUTE: Duration = Duration::from_secs(60);

/// The time that a language model has.
#[derive(Debug)]
pub struct WritingTime {
    each_minute: Duration,
    minute: Cell<Instant>,
    /// What is left of this minute's time.
    left: Cell<Duration>,
    /// Since when it is being used.
    since: Cell<Instant>,
}

impl WritingTime {
    /// `seconds` of each minute.
    pub fn new(seconds: f64) -> Self {
        let (each_minute, now) = (Duration::from_secs_f64(seconds), Instant::now());
        Self { each_minute, minute: Cell::new(now), left: Cell::new(each_minute), since: Cell::new(now) }
    }

    /// Does `work`, whose time counts.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let now = Instant::now();
        if self.minute.get() + MINUTE <= now {
            self.minute.set(now);
            self.left.set(self.each_minute);
        }
        self.since.set(now);
        let done = work();
        self.left.set(self.left.get().saturating_sub(now.elapsed()));
        done
    }

    /// Whether the model may still write.
    pub fn is_left(&self) -> bool {
        self.since.get().elapsed() < self.left.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_of_a_minute_is_gone_and_waiting_uses_nothing() {
        let time = WritingTime::new(60.0);
        assert_eq!(time.left.get(), time.each_minute);
        assert!(time.during(|| time.is_left()));
        assert!(time.left.get() < time.each_minute);
        assert!(!WritingTime::new(0.0).during(|| WritingTime::new(0.0).is_left()));
    }
}
