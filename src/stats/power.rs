//! How many tickets a finding needs, and how small a change so many can show: summed exactly, so that nobody signs a threshold that
//! chance alone decides.

use statrs::function::factorial::ln_factorial;

use crate::{Count, at_least, at_most, fisher_lower, trials_needed};

/// The power that is asked for where nobody says another.
pub const POWER: f64 = 0.8;

/// The probability that `n` trials of a true share `rate` have an exact one-sided lower bound
/// ([`lower_bound`](crate::lower_bound)) of at least `needed`.
pub fn power_of_bound(rate: f64, n: usize, needed: f64, confidence: f64) -> f64 {
    // The bound is reached where so many hits would be rare at `needed`.
    let reaches = |hits: usize| at_least(hits, n, needed) <= 1.0 - confidence;
    if !reaches(n) {
        return 0.0;
    }
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = usize::midpoint(low, high);
        if reaches(middle) { high = middle } else { low = middle + 1 }
    }
    at_least(high, n, rate)
}

/// The fewest trials of a true share `rate` that have a lower bound of at least `needed` with a probability of [`POWER`]. Power
/// climbs in a saw: for some more trials it may fall short again by a few points. `None` where `rate` is not above `needed`, or no
/// million trials would do.
///
/// # Panics
/// When `needed` or `confidence` is not between 0 and 1, both excluded.
pub fn trials_for_bound(rate: f64, needed: f64, confidence: f64) -> Option<usize> {
    if rate <= needed {
        return None;
    }
    // The saw's teeth: the fewest trials at which so many misses are still good enough.
    let tooth = |misses: usize| trials_needed(misses, 1.0 - needed, confidence);
    let enough = |misses: usize| at_most(misses, tooth(misses), 1.0 - rate) >= POWER;
    let mut high = 1;
    if enough(0) {
        return Some(tooth(0));
    }
    while !enough(high) {
        high *= 2;
        if tooth(high) > 1_000_000 {
            return None;
        }
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if enough(middle) { high = middle } else { low = middle }
    }
    Some(tooth(high))
}

/// The probability that Fisher's one-sided test at `alpha` finds a fall, when the true shares are `before` over `n_before`
/// tickets and `now` over `n_now`. Summed over all counts but those beyond seven standard deviations.
pub fn power_of_fisher((before, n_before): (f64, usize), (now, n_now): (f64, usize), alpha: f64) -> f64 {
    let (olds, news) = (likely(before, n_before), likely(now, n_now));
    let probabilities = |(from, to): (usize, usize), rate: f64, n: usize| -> Vec<f64> {
        (from..=to).map(|hits| mass(hits, n, rate)).collect()
    };
    let (of_old, of_new) = (probabilities(olds, before, n_before), probabilities(news, now, n_now));
    // The more hits there were before, the more are few now: the border only climbs.
    let (mut border, mut below, mut power) = (news.0, 0.0, 0.0);
    for (hits, probability) in (olds.0..=olds.1).zip(&of_old) {
        let rejects =
            |new: usize| fisher_lower(Count { hits: new, n: n_now }, Count { hits, n: n_before }) <= alpha;
        while border <= news.1 && rejects(border) {
            below += of_new[border - news.0];
            border += 1;
        }
        power += probability * below;
    }
    power
}

/// The highest share below `before` that [`power_of_fisher`] finds with [`POWER`] at 5 %: `before` minus it is the smallest
/// detectable fall. `None` where not even a share of 0 would be found. A rise is a fall of what is missing: ask for `1 - before`.
pub fn detectable_fall(before: f64, n_before: usize, n_now: usize) -> Option<f64> {
    let found = |now: f64| power_of_fisher((before, n_before), (now, n_now), 0.05) >= POWER;
    if n_before == 0 || n_now == 0 || !found(0.0) {
        return None;
    }
    let (mut low, mut high) = (0.0, before);
    for _ in 0..12 {
        let middle = f64::midpoint(low, high);
        if found(middle) { low = middle } else { high = middle }
    }
    Some(low)
}

/// The smallest fall of a mean that a one-sided test at 5 % finds with a probability of 80 %, from the standard deviation of single
/// values: `(z_.95 + z_.80) · sd · √(1/n + 1/m)`. Infinite where a side is empty.
pub fn detectable_difference(deviation: f64, n_before: usize, n_now: usize) -> f64 {
    (1.644_853_626_951 + 0.841_621_233_573) * deviation * (1.0 / n_before as f64 + 1.0 / n_now as f64).sqrt()
}

/// Counts within seven standard deviations of what is expected.
fn likely(rate: f64, n: usize) -> (usize, usize) {
    let (mean, reach) = (rate * n as f64, 7.0 * (rate * (1.0 - rate) * n as f64).sqrt() + 1.0);
    ((mean - reach).max(0.0) as usize, ((mean + reach) as usize).min(n))
}

fn mass(hits: usize, n: usize, rate: f64) -> f64 {
    let times = |count: usize, log: f64| if count == 0 { 0.0 } else { count as f64 * log };
    let ways = ln_factorial(n as u64) - ln_factorial(hits as u64) - ln_factorial((n - hits) as u64);
    (ways + times(hits, rate.ln()) + times(n - hits, (1.0 - rate).ln())).exp()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::lower_bound;

    #[test]
    fn r25_the_tickets_that_the_85_percent_gate_needs() {
        // About 290, 850, 1,900 and 60: between the first count that has 80 % power and the last that hasn't.
        let wanted = [(0.90, 290, 281), (0.88, 850, 814), (0.87, 1_900, 1_886), (0.95, 60, 59)];
        for (rate, n, fewest) in wanted {
            let power = power_of_bound(rate, n, 0.85, 0.95);
            assert!((power - 0.8).abs() < 0.025, "{n} at {rate}: {power}");
            assert_eq!(trials_for_bound(rate, 0.85, 0.95), Some(fewest));
            assert!(power_of_bound(rate, fewest, 0.85, 0.95) >= 0.8);
            assert!(power_of_bound(rate, fewest - 1, 0.85, 0.95) < 0.8);
        }
        assert_eq!((trials_for_bound(0.85, 0.85, 0.95), trials_for_bound(0.8501, 0.85, 0.95)), (None, None));
    }

    #[test]
    fn the_power_of_a_bound_is_how_often_it_is_reached() {
        let by_hand: f64 = (0..=40)
            .filter(|hits| lower_bound(*hits, 40, 0.95) >= 0.7)
            .map(|hits| mass(hits, 40, 0.85))
            .sum();
        assert!((power_of_bound(0.85, 40, 0.7, 0.95) - by_hand).abs() < 1e-9);
        assert_eq!(power_of_bound(0.99, 5, 0.85, 0.95), 0.0);
    }

    #[test]
    fn the_power_of_fishers_test_is_the_sum_over_all_tables() {
        let mut by_hand = 0.0;
        for old in 0..=30 {
            for new in 0..=20 {
                if fisher_lower(Count { hits: new, n: 20 }, Count { hits: old, n: 30 }) <= 0.05 {
                    by_hand += mass(old, 30, 0.8) * mass(new, 20, 0.4);
                }
            }
        }
        assert!((power_of_fisher((0.8, 30), (0.4, 20), 0.05) - by_hand).abs() < 1e-9);
        let low = detectable_fall(0.8, 300, 200).unwrap();
        assert!(low > 0.66 && low < 0.72, "{low}");
        assert!((power_of_fisher((0.8, 300), (low, 200), 0.05) - 0.8).abs() < 0.02);
        assert_eq!((detectable_fall(0.8, 300, 0), detectable_fall(0.1, 20, 3)), (None, None));
        assert!((detectable_difference(10.0, 100, 100) - 3.516).abs() < 1e-3);
    }

    /// The share of runs in which one of the looks finds a fall: the last two of `weeks` beside the four before them, at 1 %.
    fn found(weeks: &[f64], n: usize, random: &mut ChaCha8Rng) -> f64 {
        // For every count before, the most hits now that are too few.
        let border: Vec<i64> = (0..=4 * n)
            .map(|hits| {
                let rejects = |new: &usize| {
                    fisher_lower(Count { hits: *new, n: 2 * n }, Count { hits, n: 4 * n }) <= 0.01
                };
                // Far below the expected share everything is rejected; the border is sought from there.
                (0..=2 * n).take_while(rejects).count() as i64 - 1
            })
            .collect();
        let runs = 4_000;
        let fell = (0..runs).filter(|_| {
            let hits: Vec<usize> =
                weeks.iter().map(|share| (0..n).filter(|_| random.random_bool(*share)).count()).collect();
            hits.windows(6).any(|six| {
                let (before, now) = (six[..4].iter().sum::<usize>(), six[4..].iter().sum::<usize>());
                now as i64 <= border[before]
            })
        });
        fell.count() as f64 / f64::from(runs)
    }

    #[test]
    fn r62_the_tested_rule_seldom_errs_and_finds_a_real_fall() {
        let mut random = ChaCha8Rng::seed_from_u64(62);
        // Seven looks at a steady 85 % need twelve weeks.
        let steady = found(&[0.85; 12], 50, &mut random);
        assert!((steady - 0.04).abs() < 0.012, "{steady}");
        for (n, wanted) in [(25, 0.50), (50, 0.84), (100, 0.99)] {
            let weeks = [[0.85; 6], [0.70; 6]].concat();
            let share = found(&weeks, n, &mut random);
            assert!((share - wanted).abs() < 0.025, "{n} a week: {share}");
        }
    }
}
