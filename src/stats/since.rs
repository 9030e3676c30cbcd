//! What has been gained since: values of today beside what is kept of those of before, kind by kind of work.
//!
//! Of before only means and deviations are known, since single values are not kept for months.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{percentile, quantile};

/// Number, mean and standard deviation of values that are gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How many.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

/// Values above this quantile count as that quantile.
const WINSOR: f64 = 0.99;

impl Moments {
    /// Of values in any order, winsorised at 99 %; `None` of fewer than two, which have no deviation.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mut ascending = values.to_vec();
        ascending.sort_unstable_by(f64::total_cmp);
        let top = quantile(&ascending, WINSOR).filter(|_| values.len() > 1)?;
        let n = ascending.len() as f64;
        let values = || ascending.iter().map(|value| value.min(top));
        let mean = values().sum::<f64>() / n;
        let squares: f64 = values().map(|value| (value - mean).powi(2)).sum();
        Some(Self { n: ascending.len() as u64, mean, deviation: (squares / (n - 1.0)).sqrt() })
    }

    /// A mean as another sample might have had it, never below 0.
    fn drawn(&self, random: &mut ChaCha8Rng) -> f64 {
        let error = self.deviation / (self.n.max(1) as f64).sqrt();
        (self.mean + error * normal(random)).max(0.0)
    }
}

/// Values of one kind of work since, with what is kept of before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Since {
    /// Before.
    pub before: Moments,
    /// Each value since.
    pub after: Vec<f64>,
}

/// What was gained, with 95 % intervals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gain {
    /// What all values of after would have come to at the means of before.
    pub before: f64,
    /// What they came to.
    pub after: f64,
    /// The difference: above 0 where less was needed.
    pub gained: f64,
    /// Its interval.
    pub interval: [f64; 2],
    /// `after / before - 1`: -0.4 for 40 % less.
    pub change: f64,
    /// Its interval.
    pub change_interval: [f64; 2],
    /// Values of after that count.
    pub n: u64,
}

/// Samples that an interval is taken of.
const SAMPLES: usize = 1_000;

/// What was gained over all kinds together. The intervals come from 1,000 samples, drawn by `seed`: of the values of after, whatever
/// kind they are of, and of the means of before. `None` where there is nothing to compare.
pub fn gain(kinds: &[Since], seed: u64) -> Option<Gain> {
    let kinds: Vec<&Since> =
        kinds.iter().filter(|kind| kind.before.n > 0 && !kind.after.is_empty()).collect();
    let values: Vec<(usize, f64)> = kinds
        .iter()
        .enumerate()
        .flat_map(|(k, kind)| kind.after.iter().map(move |value| (k, *value)))
        .collect();
    let sums = |means: &[f64], each: &mut dyn FnMut(usize) -> (usize, f64)| {
        (0..values.len()).map(each).fold((0.0, 0.0), |sum, (k, value)| (sum.0 + means[k], sum.1 + value))
    };
    let means: Vec<f64> = kinds.iter().map(|kind| kind.before.mean).collect();
    let (before, after) = sums(&means, &mut |i| values[i]);
    if before <= 0.0 {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut gains, mut changes) = (Vec::with_capacity(SAMPLES), Vec::with_capacity(SAMPLES));
    for _ in 0..SAMPLES {
        let means: Vec<f64> = kinds.iter().map(|kind| kind.before.drawn(&mut random)).collect();
        let (before, after) = sums(&means, &mut |_| values[random.random_range(0..values.len())]);
        gains.push(before - after);
        changes.extend((before > 0.0).then(|| after / before - 1.0));
    }
    Some(Gain {
        before,
        after,
        gained: before - after,
        interval: ends(&mut gains),
        change: after / before - 1.0,
        change_interval: ends(&mut changes),
        n: values.len() as u64,
    })
}

fn ends(values: &mut [f64]) -> [f64; 2] {
    values.sort_unstable_by(f64::total_cmp);
    match values.is_empty() {
        true => [f64::NEG_INFINITY, f64::INFINITY],
        false => [percentile(values, 0.025), percentile(values, 0.975)],
    }
}

/// A normal deviate (Box and Muller 1958).
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (a, b): (f64, f64) = (random.random_range(0.0..1.0), random.random_range(0.0..1.0));
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(before: &[f64], after: &[f64]) -> Since {
        Since { before: Moments::of(before).unwrap_or_default(), after: after.to_vec() }
    }

    #[test]
    fn r80_a_gain_is_the_mean_of_before_less_what_was_needed() {
        // Means of 20 and 60; (20-10) + (20-12) + (60-75) = 3.
        let kinds = [kind(&[10.0, 30.0], &[10.0, 12.0]), kind(&[50.0, 70.0], &[75.0])];
        let found = gain(&kinds, 1).unwrap();
        assert_eq!((found.before, found.after, found.gained, found.n), (100.0, 97.0, 3.0, 3));
        assert!((found.change + 0.03).abs() < 1e-12);
        assert!(found.interval[0] < 3.0 && found.interval[1] > 3.0, "{found:?}");
        assert_eq!(gain(&kinds, 1), gain(&kinds, 1));
        // A single value of before has no deviation, and none is nothing.
        assert_eq!(gain(&[kind(&[10.0], &[5.0])], 1), None);
        assert_eq!((gain(&[], 1), gain(&[kind(&[10.0, 20.0], &[])], 1)), (None, None));
    }

    #[test]
    fn moments_are_those_of_the_book_and_a_giant_is_cut_to_the_others() {
        let found = Moments::of(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert!((found.mean - 5.0).abs() < 1e-12 && (found.deviation - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        let mut many = vec![10.0; 199];
        many.push(1e9);
        assert_eq!(Moments::of(&many).unwrap().mean, 10.0);
    }

    #[test]
    fn r80_the_interval_holds_the_true_gain_as_often_as_it_says() {
        let mut random = ChaCha8Rng::seed_from_u64(80);
        let mut draw = |n: usize, mean: f64| -> Vec<f64> {
            (0..n).map(|_| -mean * (1.0 - random.random_range(0.0..1.0f64)).ln()).collect()
        };
        // Many kinds with few values each: the interval must not shrink with their number.
        let held = (0..80u64).filter(|seed| {
            let kinds: Vec<Since> = (0..30).map(|_| kind(&draw(30, 30.0), &draw(3, 15.0))).collect();
            let found = gain(&kinds, *seed).unwrap();
            found.change_interval[0] <= -0.5 && -0.5 <= found.change_interval[1]
        });
        let held = held.count();
        assert!(held >= 70, "{held} of 80");
    }
}
