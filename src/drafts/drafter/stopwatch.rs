//! How long each stage of a draft took, by a clock that the caller brings.
//!
//! Must never look at a clock of its own.

use std::collections::BTreeMap;
use std::time::Duration;

/// The time since any fixed moment.
pub(super) type Clock<'a> = &'a dyn Fn() -> Duration;

/// Milliseconds by `clock`; 0 without one.
pub(super) fn now(clock: Option<Clock<'_>>) -> f64 {
    clock.map_or(0.0, |clock| clock().as_secs_f64() * 1e3)
}

/// Sums up what each stage took.
pub(super) struct Stopwatch<'a> {
    clock: Option<Clock<'a>>,
    last: f64,
    timings_ms: BTreeMap<String, f64>,
}

impl<'a> Stopwatch<'a> {
    /// Starts now; `spent` are milliseconds that went into stages before.
    pub(super) fn new(clock: Option<Clock<'a>>, spent: &[(&str, f64)]) -> Self {
        let timings_ms = spent.iter().map(|(stage, ms)| ((*stage).to_owned(), *ms)).collect();
        Self { clock, last: now(clock), timings_ms }
    }

    /// What went by since the last call was spent on `stage`.
    pub(super) fn lap(&mut self, stage: &str) {
        let now = now(self.clock);
        *self.timings_ms.entry(stage.to_owned()).or_default() += now - self.last;
        self.last = now;
    }

    /// Milliseconds by stage; none without a clock.
    pub(super) fn finish(self) -> BTreeMap<String, f64> {
        if self.clock.is_some() { self.timings_ms } else { BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_stage_that_comes_twice_is_summed_up() {
        let ms = Cell::new(0);
        let clock = || Duration::from_millis(ms.get());
        let mut watch = Stopwatch::new(Some(&clock), &[("embed", 5.0)]);
        for (at, stage) in [(10, "choose"), (30, "guard"), (35, "choose")] {
            ms.set(at);
            watch.lap(stage);
        }
        let want = [("choose", 15.0), ("embed", 5.0), ("guard", 20.0)].map(|(s, t)| (s.to_owned(), t));
        assert_eq!(watch.finish(), BTreeMap::from(want));
        assert!(Stopwatch::new(None, &[("embed", 5.0)]).finish().is_empty());
    }
}
