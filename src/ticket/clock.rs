//! The time that stored records carry: the machine's, or one that starts where it is told and can be moved forward.
//!
//! A clock is handed to whatever puts times on record, so that a whole run can take place in another time. Sleeping, timeouts and
//! back-off never ask it. Must never go back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// The first look at the machine's clock by this process.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A clock, cheap to clone: clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<Simulated>>);

#[derive(Debug)]
struct Simulated {
    start: Timestamp,
    began: Instant,
    /// Nanoseconds that were skipped: they only grow.
    skipped: AtomicU64,
}

impl Simulated {
    fn elapsed(&self) -> Duration {
        self.began.elapsed() + Duration::from_nanos(self.skipped.load(Ordering::SeqCst))
    }
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self::default()
    }

    /// A clock that shows `start` now, and runs as fast as the machine's.
    pub fn starting_at(start: Timestamp) -> Self {
        Self(Some(Arc::new(Simulated { start, began: Instant::now(), skipped: AtomicU64::new(0) })))
    }

    /// The time that it shows.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            None => Timestamp::now(),
            Some(simulated) => {
                let run = SignedDuration::try_from(simulated.elapsed()).unwrap_or(SignedDuration::MAX);
                simulated.start.checked_add(run).unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// How long it has run, what was skipped included. It is not set back or ahead when the machine's time is set.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            None => BEGAN.elapsed(),
            Some(simulated) => simulated.elapsed(),
        }
    }

    /// Moves it forward to `to`, for all its clones. A time that has passed changes nothing, and nothing moves the machine's clock.
    pub fn skip_to(&self, to: Timestamp) {
        let Some(simulated) = &self.0 else { return };
        let due = Duration::try_from(to.duration_since(simulated.start)).unwrap_or_default();
        let due = due.saturating_sub(simulated.began.elapsed());
        simulated.skipped.fetch_max(u64::try_from(due.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn a_clock_starts_where_it_is_told_and_runs() {
        let clock = Clock::starting_at(at(0));
        let first = clock.now();
        assert!(first >= at(0) && first < at(3_600), "{first}");
        std::thread::sleep(Duration::from_millis(5));
        assert!(clock.now() >= first + SignedDuration::from_millis(5));
    }

    #[test]
    fn it_is_moved_forward_for_all_its_clones_and_never_back() {
        let clock = Clock::starting_at(at(0));
        let clone = clock.clone();
        clock.skip_to(at(86_400));
        let moved = clone.now();
        assert!(moved >= at(86_400) && moved < at(2 * 86_400), "{moved}");
        assert!(clone.elapsed() >= Duration::from_secs(86_400));
        for past in [at(3_600), at(0), at(-86_400), Timestamp::MIN] {
            clone.skip_to(past);
            assert!(clock.now() >= moved, "{past}");
        }
        // Other clocks are not moved, nor is the machine's.
        assert!(Clock::starting_at(at(0)).now() < at(86_400));
        let real = Clock::real();
        real.skip_to(Timestamp::MAX);
        assert!(real.now() < Timestamp::MAX);
    }

    #[test]
    fn the_end_of_time_is_no_fault() {
        let clock = Clock::starting_at(at(0));
        clock.skip_to(Timestamp::MAX);
        assert!(clock.now() <= Timestamp::MAX && clock.now() > at(86_400));
        assert_eq!(Clock::starting_at(Timestamp::MAX).now(), Timestamp::MAX);
    }

    #[test]
    fn whoever_moves_it_meanwhile_it_never_goes_back() {
        let clock = Clock::starting_at(at(0));
        std::thread::scope(|scope| {
            for mover in 0..4 {
                let clock = clock.clone();
                scope.spawn(move || (0..500).for_each(|i| clock.skip_to(at(i * 60 + mover))));
            }
            let mut last = clock.now();
            for _ in 0..2_000 {
                let now = clock.now();
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        });
        assert!(clock.now() >= at(499 * 60 + 3));
    }
}
