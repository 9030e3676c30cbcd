//! The bootstrap: a figure over and over on samples drawn anew, and where its values lie (Efron 1979).
//!
//! Must never seed itself: who calls it passes the generator, so that the same input gives the same figures.

use rand_chacha::ChaCha8Rng;

/// Samples that every figure here is taken of.
pub const RESAMPLES: usize = 200;

/// [`RESAMPLES`] values of `figure`, ascending, each on a sample of `n` items. `draw` makes item `i` of a sample, from
/// the data or from a model of it.
pub fn resample<T>(
    n: usize,
    random: &mut ChaCha8Rng,
    mut draw: impl FnMut(&mut ChaCha8Rng, usize) -> T,
    mut figure: impl FnMut(Vec<T>) -> f64,
) -> Vec<f64> {
    let mut found: Vec<f64> =
        (0..RESAMPLES).map(|_| figure((0..n).map(|i| draw(random, i)).collect())).collect();
    found.sort_unstable_by(f64::total_cmp);
    found
}

/// The value below which `share` of `ascending` lies, the nearest one there is.
///
/// # Panics
/// When there is no value, or `share` is not in `0..=1`.
pub fn percentile(ascending: &[f64], share: f64) -> f64 {
    ascending[(share * (ascending.len() - 1) as f64).round() as usize]
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;

    #[test]
    fn the_means_of_samples_spread_as_their_standard_error_says() {
        let data: Vec<f64> = (0..400).map(|i| f64::from(i) / 400.0).collect();
        let draw = |random: &mut ChaCha8Rng, _: usize| data[random.random_range(0..data.len())];
        let mean = |sample: Vec<f64>| sample.iter().sum::<f64>() / sample.len() as f64;
        let found = resample(data.len(), &mut ChaCha8Rng::seed_from_u64(1), draw, mean);
        assert!(found.len() == RESAMPLES && found.is_sorted());
        // The standard deviation of a uniform draw is 1/sqrt(12), of the mean of 400 a twentieth of that.
        let half = 1.96 / 12f64.sqrt() / 20.0;
        let (low, high) = (percentile(&found, 0.025), percentile(&found, 0.975));
        assert!((low - (0.5 - half)).abs() < 0.01 && (high - (0.5 + half)).abs() < 0.01, "{low} to {high}");
        assert_eq!(found, resample(data.len(), &mut ChaCha8Rng::seed_from_u64(1), draw, mean));
    }

    #[test]
    fn a_percentile_is_the_nearest_value() {
        let ascending = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!([0.0, 0.5, 0.6, 1.0].map(|share| percentile(&ascending, share)), [1.0, 3.0, 3.0, 5.0]);
    }
}
