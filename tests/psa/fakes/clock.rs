//! The time that a fake desk has: the machine's, one that runs faster, ahead or behind, or the one that a whole run is given.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A clock.
#[derive(Debug, Clone)]
pub struct Clock {
    time: Time,
    speed: f64,
}

#[derive(Debug, Clone)]
enum Time {
    /// It shows `base` at that moment, and runs.
    Own(Timestamp, Instant),
    /// It shows what the run's clock shows.
    Run(firstline_ticket::Clock),
}

impl Clock {
    /// A clock that shows `base` now and runs `speed` times as fast as the machine's; 0 stands still.
    pub fn new(base: Timestamp, speed: f64) -> Self {
        Self { time: Time::Own(base, Instant::now()), speed }
    }

    /// The machine's time.
    pub fn real() -> Self {
        Self::new(Timestamp::now(), 1.0)
    }

    /// Follows the clock of a run, which may be moved forward.
    pub fn following(run: firstline_ticket::Clock) -> Self {
        Self { time: Time::Run(run), speed: 1.0 }
    }

    /// The time that it shows.
    pub fn now(&self) -> Timestamp {
        match &self.time {
            Time::Run(run) => run.now(),
            Time::Own(base, since) => {
                let run = SignedDuration::try_from_secs_f64(since.elapsed().as_secs_f64() * self.speed);
                run.ok().and_then(|run| base.checked_add(run).ok()).unwrap_or(*base)
            }
        }
    }

    /// How long the machine has to wait until `seconds` have passed on it; not at all where it stands still.
    pub fn wait(&self, seconds: f64) -> Duration {
        if self.speed > 0.0 {
            Duration::try_from_secs_f64(seconds / self.speed).unwrap_or_default()
        } else {
            Duration::ZERO
        }
    }

    /// Sets it, forward or back; it runs on as fast as before, and follows no other clock any more.
    pub fn set(&mut self, now: Timestamp) {
        *self = Self::new(now, self.speed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_follows_the_run_until_it_is_set() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let run = firstline_ticket::Clock::starting_at(at(0));
        let mut clock = Clock::following(run.clone());
        assert!(clock.now() >= at(0) && clock.now() < at(60));
        run.skip_to(at(7_200));
        assert!(clock.now() >= at(7_200) && clock.now() < at(7_260));
        assert_eq!(clock.wait(2.0), Duration::from_secs(2));
        clock.set(at(60));
        run.skip_to(at(86_400));
        assert!(clock.now() >= at(60) && clock.now() < at(120), "it has a time of its own now");
    }
}
