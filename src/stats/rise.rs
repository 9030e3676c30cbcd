//! Whether an error rate is above what was promised, or surely below, looked at week by week and as often as anybody likes.
//!
//! Both are e-processes: mixtures of likelihood ratios, whose value has a mean of at most 1 at any time while the opposite is true, so that
//! it ever passes `1 / chance` with no more than that chance (Ville 1939; Howard et al., arXiv 1810.08240; Ramdas et al.,
//! arXiv 2210.01948). Weeks are told apart, the order within a week never matters.

use crate::Count;

/// Rates that are tried against the promised one, as multiples of it: the worse ones,
const WORSE: [f64; 6] = [1.5, 2.0, 3.0, 4.0, 6.0, 10.0];
/// and the better ones.
const BETTER: [f64; 5] = [0.0, 0.1, 0.25, 0.5, 0.75];
/// No rate that is tried is higher.
const HIGHEST: f64 = 0.99;
/// Trials that are looked ahead at most.
const FARTHEST: usize = 1 << 40;
/// Evidence is counted up to here.
const MOST: f64 = 1e100;

/// The highest evidence, after any of `weeks`, that errors (`hits` of `n`) are more frequent than `rate`, from some week on. While they are
/// not, it ever passes `1 / chance` with a probability of at most `chance`, however many weeks are looked at.
///
/// A likelihood ratio for each worse rate and each week in which it may have begun. The first weeks weigh most, the `j`-th
/// `1 / (j (j + 1))`, so that a rate that was too high from the beginning is found at once, and one that rises late is still found: what
/// went well before speaks for nothing.
pub fn evidence_above(weeks: impl IntoIterator<Item = Count>, rate: f64) -> f64 {
    if !(rate > 0.0 && rate < HIGHEST) {
        return 1.0;
    }
    let mut begun = [0.0f64; WORSE.len()];
    let (mut highest, mut week) = (1.0f64, 0.0);
    for count in weeks {
        week += 1.0;
        for (sum, times) in begun.iter_mut().zip(WORSE) {
            let worse = (rate * times).min(HIGHEST);
            *sum = (*sum + 1.0 / (week * (week + 1.0))) * log_ratio(count, worse, rate).exp();
            // Evidence without end: nothing is lost by counting no further.
            *sum = sum.min(MOST);
        }
        // What has not begun yet is worth its weight.
        let waiting = 1.0 / (week + 1.0);
        highest = highest.max(waiting + begun.iter().sum::<f64>() / WORSE.len() as f64);
    }
    highest
}

/// The evidence that errors (`hits` of `n`) are rarer than `rate`: while they are not, it ever passes `1 / chance` with a probability of
/// at most `chance`.
pub fn evidence_below(count: Count, rate: f64) -> f64 {
    if !(rate > 0.0 && rate < HIGHEST) {
        return 1.0;
    }
    let of = |times: f64| log_ratio(count, rate * times, rate).exp();
    BETTER.into_iter().map(of).sum::<f64>() / BETTER.len() as f64
}

/// The fewest further trials, none of them an error, after which [`evidence_below`] is at least `1 / chance`; looked for up to a trillion.
pub fn clean_needed(count: Count, rate: f64, chance: f64) -> usize {
    let shows =
        |more: usize| evidence_below(Count { hits: count.hits, n: count.n + more }, rate) >= 1.0 / chance;
    if shows(0) {
        return 0;
    }
    let (mut low, mut high) = (0, 1);
    while !shows(high) && high < FARTHEST {
        high *= 2;
    }
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if shows(middle) { high = middle } else { low = middle }
    }
    high
}

/// Logarithm of how much likelier `count` is at `rate` than at `null`.
fn log_ratio(count: Count, rate: f64, null: f64) -> f64 {
    let right = count.n.saturating_sub(count.hits) as f64;
    let errors = match count.hits {
        0 => 0.0,
        hits => hits as f64 * (rate / null).ln(),
    };
    errors + right * ((1.0 - rate) / (1.0 - null)).ln()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const RATE: f64 = 0.02;

    fn count(hits: usize, n: usize) -> Count {
        Count { hits, n }
    }

    /// Of 2,000 runs of 52 weeks with `per_week` trials, those whose evidence passes 20, and the median week in which it did. The rate
    /// is `before` until `change` weeks have passed, then `after`.
    fn alarms(per_week: usize, before: f64, (change, after): (usize, f64)) -> (usize, usize) {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut fired = Vec::new();
        for _ in 0..2_000 {
            let mut weeks = Vec::new();
            for week in 0..52 {
                let rate = if week < change { before } else { after };
                weeks.push(count((0..per_week).filter(|_| random.random_bool(rate)).count(), per_week));
            }
            if evidence_above(weeks.iter().copied(), RATE) >= 20.0 {
                let at = (1..=52).find(|&n| evidence_above(weeks[..n].iter().copied(), RATE) >= 20.0);
                fired.extend(at);
            }
        }
        fired.sort_unstable();
        (fired.len(), fired.get(fired.len() / 2).copied().unwrap_or(0))
    }

    #[test]
    fn fifty_two_looks_raise_no_more_false_alarms_than_one_is_allowed() {
        for per_week in [5, 20, 100] {
            for rate in [0.01, 0.02] {
                let (fired, _) = alarms(per_week, rate, (52, rate));
                println!("{per_week} a week at {rate}: {fired} of 2000 years raise an alarm");
                assert!(fired <= if rate < RATE { 20 } else { 100 }, "{per_week} a week at {rate}: {fired}");
            }
        }
    }

    #[test]
    fn a_rate_that_is_too_high_is_found_and_one_that_rises_late_too() {
        for (per_week, at_once, late) in [(20, 15, 52), (50, 8, 40), (100, 5, 34)] {
            let (fired, week) = alarms(per_week, 0.05, (52, 0.05));
            println!("{per_week} a week at 5 %: {fired} of 2000 found, median week {week}");
            assert!(fired > 1_800 && week <= at_once, "{per_week} a week: {fired}, week {week}");
            let (fired, week) = alarms(per_week, 0.005, (26, 0.06));
            println!("{per_week} a week, 6 % from week 27 on: {fired} of 2000 found, median week {week}");
            assert!(
                fired > 1_400 && week <= late,
                "{per_week} a week, from week 27 on: {fired}, week {week}"
            );
        }
    }

    #[test]
    fn the_evidence_is_the_likelihood_ratio_by_hand() {
        let by_hand = |week: Count| {
            let of = |times: f64| {
                let worse: f64 = RATE * times;
                (worse / RATE).powi(week.hits as i32)
                    * ((1.0 - worse) / (1.0 - RATE)).powi((week.n - week.hits) as i32)
            };
            0.5 + 0.5 * WORSE.into_iter().map(of).sum::<f64>() / 6.0
        };
        assert!((evidence_above([count(3, 10)], RATE) - by_hand(count(3, 10))).abs() < 1e-9);
        // What went well takes nothing back that was shown, and no week is no evidence.
        let shown = evidence_above([count(9, 10)], RATE);
        assert!(
            shown > 1e6 && (evidence_above([count(9, 10), count(0, 900)], RATE) - shown).abs() < 1e-9 * shown
        );
        assert_eq!(evidence_above([], RATE), 1.0);
        assert_eq!(evidence_above([count(0, 50); 9], RATE), 1.0);
        // No end of errors is a number, and no rate no evidence.
        assert!(evidence_above([count(100_000, 100_000); 3], RATE).is_finite());
        assert_eq!((evidence_above([count(9, 10)], 0.0), evidence_below(count(0, 999), 1.0)), (1.0, 1.0));
    }

    #[test]
    fn so_many_clean_trials_are_needed_and_none_fewer() {
        for start in [count(0, 0), count(0, 149), count(3, 200)] {
            let more = clean_needed(start, RATE, 0.05);
            let with = |more: usize| evidence_below(count(start.hits, start.n + more), RATE);
            assert!(with(more) >= 20.0 && with(more - 1) < 20.0, "{start:?}: {more}");
        }
        assert_eq!(clean_needed(count(0, 1_000), RATE, 0.05), 0);
        // One look would do with 149; a price is paid for looking every week.
        assert!((180..=195).contains(&clean_needed(count(0, 0), RATE, 0.05)));
    }
}
