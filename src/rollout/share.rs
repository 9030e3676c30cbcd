//! A share and how sure it is.

use firstline_stats::{Interval, wilson95};
use serde::Serialize;

/// A count out of a total, with Wilson's interval ([`wilson95`]).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Share {
    /// How many are counted.
    pub count: u64,
    /// Out of how many.
    pub of: u64,
    /// `count / of`; `None` of nothing.
    pub share: Option<f64>,
    /// The interval's lower end.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
}

impl Share {
    /// `count` of `of`.
    pub fn new(count: u64, of: u64) -> Self {
        if of == 0 {
            return Self { count, of, ..Self::default() };
        }
        let Interval { lo, hi } = wilson95(count as usize, of as usize);
        Self { count, of, share: Some(count as f64 / of as f64), low: Some(lo), high: Some(hi) }
    }

    /// How many of `these` are true.
    pub fn of(these: impl Iterator<Item = bool>) -> Self {
        let (count, of) = these.fold((0, 0), |(count, of), holds| (count + u64::from(holds), of + 1));
        Self::new(count, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_wilsons() {
        // 81 of 263: Newcombe 1998, table I.
        let share = Share::new(81, 263);
        assert!((share.low.unwrap() - 0.2553).abs() < 5e-5 && (share.high.unwrap() - 0.3662).abs() < 5e-5);
        assert_eq!(Share::new(0, 0).share, None);
        assert_eq!(Share::new(0, 20).low, Some(0.0));
        assert_eq!(Share::of([true, false].into_iter()), Share::new(1, 2));
    }
}
