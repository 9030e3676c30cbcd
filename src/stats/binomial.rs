//! Exact binomial probabilities of an error rate, with no normal approximation: what certificates stand on.

use statrs::distribution::{Binomial, DiscreteCDF};

/// Probability of at most `errors` among `n` trials that each fail with probability `rate`: small when the true rate is
/// surely lower. 1 for no trial.
pub fn at_most(errors: usize, n: usize, rate: f64) -> f64 {
    match Binomial::new(rate, n as u64) {
        Ok(binomial) if n > 0 => binomial.cdf(errors as u64),
        _ => 1.0,
    }
}

/// The exact one-sided upper bound of an error rate (Clopper and Pearson 1934): the rate at which so few `errors`
/// among `n` would have had the probability `1 - confidence`. 1 for no trial, or when all fail.
pub fn upper_bound(errors: usize, n: usize, confidence: f64) -> f64 {
    if errors >= n {
        return 1.0;
    }
    let (mut low, mut high) = (errors as f64 / n as f64, 1.0);
    // Halved until nothing is left between them that a float64 could tell apart at this size.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        match at_most(errors, n, middle) > 1.0 - confidence {
            true => low = middle,
            false => high = middle,
        }
    }
    high
}

/// Probability of at least `hits` among `n` trials that each succeed with probability `rate`. 1 for no hit asked.
pub fn at_least(hits: usize, n: usize, rate: f64) -> f64 {
    match hits {
        0 => 1.0,
        hits if hits > n => 0.0,
        hits => at_most(n - hits, n, 1.0 - rate),
    }
}

/// The exact one-sided lower bound of a share (Clopper and Pearson 1934): the rate at which so many `hits` among `n`
/// would have had the probability `1 - confidence`. 0 for no trial, or no hit.
pub fn lower_bound(hits: usize, n: usize, confidence: f64) -> f64 {
    1.0 - upper_bound(n.saturating_sub(hits), n, confidence)
}

/// The fewest trials that show, with `confidence`, an error rate of at most `rate` when no more than `errors` of them
/// fail: 149, 236 and 313 for 0, 1 and 2 errors at 2 % and 95 %.
///
/// # Panics
/// When `rate` or `confidence` is not between 0 and 1, both excluded: no number of trials would do.
pub fn trials_needed(errors: usize, rate: f64, confidence: f64) -> usize {
    assert!(rate > 0.0 && rate < 1.0, "a rate of {rate}");
    assert!(confidence > 0.0 && confidence < 1.0, "a confidence of {confidence}");
    let shows = |n: usize| at_most(errors, n, rate) <= 1.0 - confidence;
    let mut high = errors + 1;
    while !shows(high) {
        high *= 2;
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if shows(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upper_bound_is_that_of_clopper_and_pearson() {
        assert!((upper_bound(0, 149, 0.95) - (1.0 - 0.05_f64.powf(1.0 / 149.0))).abs() < 1e-12);
        // scipy.stats.beta.ppf(0.95, 4, 97)
        assert!((upper_bound(3, 100, 0.95) - 0.075_7).abs() < 1e-4, "{}", upper_bound(3, 100, 0.95));
        assert_eq!((upper_bound(0, 0, 0.95), upper_bound(7, 7, 0.95)), (1.0, 1.0));
    }

    #[test]
    fn the_lower_bound_mirrors_the_upper_one() {
        // scipy.stats.beta.ppf(0.05, 85, 16) and ppf(0.05, 18, 3).
        for (hits, n, low) in [(85, 100, 0.778_463_09), (18, 20, 0.717_381_48)] {
            let found = lower_bound(hits, n, 0.95);
            assert!((found - low).abs() < 1e-7, "{hits} of {n}: {found}");
            assert!((at_least(hits, n, found) - 0.05).abs() < 1e-9);
        }
        assert_eq!((lower_bound(0, 9, 0.95), lower_bound(0, 0, 0.95)), (0.0, 0.0));
        assert!((lower_bound(20, 20, 0.95) - 0.05f64.powf(1.0 / 20.0)).abs() < 1e-12);
        assert_eq!((at_least(0, 5, 0.1), at_least(6, 5, 0.9)), (1.0, 0.0));
    }

    #[test]
    fn at_most_adds_up_the_single_probabilities() {
        let choose = |n: u32, k: u32| (0..k).map(|i| f64::from(n - i) / f64::from(i + 1)).product::<f64>();
        let by_hand: f64 =
            (0..=3).map(|k| choose(20, k) * 0.1f64.powi(k as i32) * 0.9f64.powi(20 - k as i32)).sum();
        assert!((at_most(3, 20, 0.1) - by_hand).abs() < 1e-12);
        assert_eq!(at_most(0, 0, 0.1), 1.0);
    }

    #[test]
    fn as_many_trials_are_needed_as_the_bound_says_and_none_fewer() {
        assert_eq!([0, 1, 2].map(|errors| trials_needed(errors, 0.02, 0.95)), [149, 236, 313]);
        for errors in [0, 4] {
            let n = trials_needed(errors, 0.05, 0.9);
            assert!(upper_bound(errors, n, 0.9) <= 0.05 && upper_bound(errors, n - 1, 0.9) > 0.05);
        }
    }
}
