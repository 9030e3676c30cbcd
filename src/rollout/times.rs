//! How long tickets take, counting those that are not done.

use firstline_stats::{Duration, KaplanMeier, mean, quantile, winsorised_mean};
use serde::Serialize;

use crate::facts::LONGEST;

/// Durations of tickets, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Times {
    /// Tickets that have ended.
    pub n: u64,
    /// Tickets that have not.
    pub open: u64,
    /// Tickets whose clock goes wrong: ended before they began, or decades later.
    pub left_out: u64,
    /// Share of all that has not ended.
    pub open_share: Option<f64>,
    /// Mean of those that have ended.
    pub mean: Option<f64>,
    /// The same with each above the 99 % quantile taken as that.
    pub winsorised_mean: Option<f64>,
    /// Median of those that have ended.
    pub p50: Option<f64>,
    /// Their 95 % quantile: nearest rank.
    pub p95: Option<f64>,
    /// The time by which half of all have ended, open ones counted as lasting on (Kaplan and Meier). `None` where fewer than half
    /// have.
    pub median_with_open: Option<f64>,
}

impl Times {
    /// The figures of `durations`, in any order.
    pub fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        let (sound, wrong): (Vec<Duration>, Vec<Duration>) =
            durations.into_iter().partition(|duration| (0.0..=LONGEST).contains(&duration.seconds));
        let mut ended: Vec<f64> = sound.iter().filter(|d| d.ended).map(|d| d.seconds).collect();
        ended.sort_by(f64::total_cmp);
        let open = sound.len() - ended.len();
        Self {
            n: ended.len() as u64,
            open: open as u64,
            left_out: wrong.len() as u64,
            open_share: (!sound.is_empty()).then(|| open as f64 / sound.len() as f64),
            mean: mean(&ended),
            winsorised_mean: winsorised_mean(&ended, 0.99),
            p50: quantile(&ended, 0.5),
            p95: quantile(&ended, 0.95),
            median_with_open: KaplanMeier::new(sound).median(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r1_open_tickets_are_not_forgotten() {
        let of = |seconds, ended| Duration { seconds, ended };
        let found =
            Times::of([of(10.0, true), of(20.0, true), of(500.0, false), of(900.0, false), of(-1.0, true)]);
        assert_eq!((found.n, found.open, found.left_out, found.open_share), (2, 2, 1, Some(0.5)));
        assert_eq!((found.mean, found.p50, found.median_with_open), (Some(15.0), Some(10.0), Some(20.0)));
        assert_eq!(Times::of([of(5.0, false)]).median_with_open, None);
        assert_eq!(Times::of([]), Times::default());
    }
}
