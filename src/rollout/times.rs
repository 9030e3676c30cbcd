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
    /// The 95 % interval of the mean, by its standard error; `None` below 30 tickets, where durations, which have long tails, allow none.
    pub mean_interval: Option<[f64; 2]>,
    /// Median of those that have ended.
    pub p50: Option<f64>,
    /// Its 95 % interval by ranks, whatever the durations are spread like; `None` below six tickets, where there is none.
    pub p50_interval: Option<[f64; 2]>,
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
            mean_interval: mean_interval(&ended),
            p50: quantile(&ended, 0.5),
            p50_interval: median_interval(&ended),
            p95: quantile(&ended, 0.95),
            median_with_open: KaplanMeier::new(sound).median(),
        }
    }
}

/// The normal deviate that leaves 2.5 % above it.
const Z: f64 = 1.959_963_984_540_054;

fn mean_interval(ended: &[f64]) -> Option<[f64; 2]> {
    let mean = mean(ended).filter(|_| ended.len() >= 30)?;
    let n = ended.len() as f64;
    let variance = ended.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let half = Z * (variance / n).sqrt();
    Some([(mean - half).max(0.0), mean + half])
}

/// The ranks between which half of all lies with a probability of 95 %, by the normal law (Conover 1999, 3.2).
fn median_interval(ended: &[f64]) -> Option<[f64; 2]> {
    let n = ended.len() as f64;
    let half = Z * n.sqrt() / 2.0;
    let (low, high) = ((n / 2.0 - half).ceil() as usize, (n / 2.0 + half).ceil() as usize);
    let at = |rank: usize| ended.get(rank.checked_sub(1)?).copied();
    (ended.len() >= 6).then(|| Some([at(low.max(1))?, at(high.min(ended.len()))?])).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r3_mean_and_median_have_intervals_where_there_are_enough_tickets() {
        let of = |n: u32| Times::of((1..=n).map(|i| Duration { seconds: f64::from(i), ended: true }));
        assert_eq!((of(5).p50_interval, of(29).mean_interval), (None, None));
        // n = 16: ranks ceil(8 - 3.92) = 5 and ceil(8 + 3.92) = 12 (Conover's example 2 of section 3.2).
        assert_eq!(of(16).p50_interval, Some([5.0, 12.0]));
        // 1 to 100: the variance is 100 * 101 / 12.
        let [low, high] = of(100).mean_interval.unwrap();
        let half = 1.959_963_984_540_054 * (10_100.0f64 / 12.0 / 100.0).sqrt();
        assert!((low - (50.5 - half)).abs() < 1e-9 && (high - (50.5 + half)).abs() < 1e-9);
    }

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
