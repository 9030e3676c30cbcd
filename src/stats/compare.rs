//! Whether two groups differ: exact where counts are compared, by ranks where durations are.
//!
//! Every test is one-sided or names its sides. None corrects for how often it is asked: that is the caller's to say.

use std::cmp::Ordering;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::factorial::ln_binomial;

use crate::{Interval, at_most, lower_bound, share, upper_bound};

/// A share as counts: `hits` of `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many have it.
    pub hits: usize,
    /// Of how many.
    pub n: usize,
}

/// Fisher's exact test, one-sided: the probability that `now` has so small a share beside `before`, or a smaller one, when
/// both are draws of one rate and all hits together are taken as given. 1 where either is empty.
///
/// `hits` above `n` count as `n`. It takes steps in the order of the standard deviation, whatever the counts.
pub fn fisher_lower(now: Count, before: Count) -> f64 {
    let (hits, n, m) = (now.hits.min(now.n), now.n, before.n);
    let all = hits + before.hits.min(m);
    let (least, most) = (all.saturating_sub(m), all.min(n));
    if hits >= most {
        return 1.0;
    }
    // Of `all` hits among both, `k` are of now: how much rarer one fewer is.
    let fewer = |k: usize| (k * (m + k - all)) as f64 / ((all - k + 1) * (n - k + 1)) as f64;
    let mean = n as f64 * all as f64 / (n + m) as f64;
    let (mut sum, mut k) = (0.0, hits);
    if hits as f64 <= mean {
        let mut term = hypergeometric(hits, n, all, m);
        while term > sum * f64::EPSILON {
            sum += term;
            if k == least {
                break;
            }
            term *= fewer(k);
            k -= 1;
        }
        return sum.min(1.0);
    }
    let mut term = hypergeometric(hits + 1, n, all, m);
    while term > sum * f64::EPSILON {
        k += 1;
        sum += term;
        if k == most {
            break;
        }
        term /= fewer(k + 1);
    }
    (1.0 - sum).max(0.0)
}

/// The probability that `k` of `n` are hits when `all` of `n + m` are.
fn hypergeometric(k: usize, n: usize, all: usize, m: usize) -> f64 {
    let ways = |n: usize, k: usize| ln_binomial(n as u64, k as u64);
    (ways(n, k) + ways(m, all - k) - ways(n + m, all)).exp()
}

/// The one-sided lower bound, at `confidence`, of the share of `first` minus that of `second`, from other tickets: each share's exact
/// bound recovers its variance (Zou and Donner 2008). -1 where either is empty.
pub fn difference_lower_bound(first: Count, second: Count, confidence: f64) -> f64 {
    if first.n == 0 || second.n == 0 {
        return -1.0;
    }
    let (p, q) = (share(first.hits, first.n), share(second.hits, second.n));
    let below = p - lower_bound(first.hits, first.n, confidence);
    let above = upper_bound(second.hits, second.n, confidence) - q;
    (p - q - below.hypot(above)).max(-1.0)
}

/// Two answers to the same questions, where only the questions on which they differ count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct McNemar {
    /// Questions that both were asked.
    pub n: usize,
    /// Right by the first only.
    pub first_only: usize,
    /// Right by the second only.
    pub second_only: usize,
    /// Share of the first that is right minus that of the second.
    pub difference: f64,
    /// Its 95 % interval: Wald's for paired shares, with half a question added to each of the four cells (Agresti and Min 2005).
    pub interval: Interval,
    /// The exact two-sided probability of a split at least so uneven when both are equally often right (McNemar 1947).
    pub p: f64,
}

/// Compares two answers, given as `(first is right, second is right)` for each question. No question: a difference of 0 within
/// `[-1, 1]`, p = 1.
pub fn mcnemar(answers: impl IntoIterator<Item = (bool, bool)>) -> McNemar {
    let (mut n, mut first_only, mut second_only) = (0usize, 0usize, 0usize);
    for (first, second) in answers {
        n += 1;
        first_only += usize::from(first && !second);
        second_only += usize::from(second && !first);
    }
    let differ = first_only + second_only;
    let p = (2.0 * at_most(first_only.min(second_only), differ, 0.5)).min(1.0);
    let interval = match n {
        0 => Interval { lo: -1.0, hi: 1.0 },
        _ => paired_interval(n, first_only, second_only),
    };
    let difference = if n == 0 { 0.0 } else { share(first_only, n) - share(second_only, n) };
    McNemar { n, first_only, second_only, difference, interval, p }
}

fn paired_interval(n: usize, first_only: usize, second_only: usize) -> Interval {
    let (n, b, c) = (n as f64 + 2.0, first_only as f64 + 0.5, second_only as f64 + 0.5);
    let difference = (b - c) / n;
    let half = 1.959_963_984_540_054 * (b + c - (b - c).powi(2) / n).sqrt() / n;
    Interval { lo: (difference - half).max(-1.0), hi: (difference + half).min(1.0) }
}

/// Groups of at most this many values, without ties, are compared exactly.
const EXACT: usize = 20;

/// Mann and Whitney's test (1947), one-sided: how probable it is that values of `now` rank so high among those of `before`, or
/// higher, when both come from one distribution. Ties share their middle rank; then, and in groups of more than 20 values, the normal
/// approximation with the correction for ties and for continuity stands for the exact sum. 1 where either is empty.
/// Not-a-number is left out.
///
/// `O(n log n)`.
pub fn mann_whitney_higher(now: &[f64], before: &[f64]) -> f64 {
    let finite = |of: &'static str, values: &[f64]| -> Vec<(f64, &'static str)> {
        values.iter().filter(|value| !value.is_nan()).map(|value| (*value, of)).collect()
    };
    let (mut all, before) = (finite("now", now), finite("before", before));
    let (n1, n2) = (all.len(), before.len());
    if n1 == 0 || n2 == 0 {
        return 1.0;
    }
    all.extend(before);
    all.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal));
    let (mut rank_sum, mut ties, mut below) = (0.0, 0.0, 0usize);
    for tie in all.chunk_by(|a, b| a.0 == b.0) {
        let middle = below as f64 + (tie.len() as f64 + 1.0) / 2.0;
        rank_sum += middle * tie.iter().filter(|(_, of)| *of == "now").count() as f64;
        ties += (tie.len() as f64).powi(3) - tie.len() as f64;
        below += tie.len();
    }
    let u = rank_sum - (n1 * (n1 + 1)) as f64 / 2.0;
    match ties == 0.0 && n1 <= EXACT && n2 <= EXACT {
        true => exact_tail(u as usize, n1, n2),
        false => normal_tail(u, (n1 as f64, n2 as f64), ties),
    }
}

/// The share of all orders of `n1` and `n2` values with a statistic of at least `u`.
fn exact_tail(u: usize, n1: usize, n2: usize) -> f64 {
    // `ways[j][s]`: how many choices of j of the ranks so far have a statistic of s. Each value of the first group adds as many as
    // there are values of the second below it.
    let top = n1 * n2;
    let mut ways = vec![vec![0.0f64; top + 1]; n1 + 1];
    ways[0][0] = 1.0;
    for rank in 0..n1 + n2 {
        for j in (1..=n1.min(rank + 1)).rev() {
            let beaten = rank + 1 - j;
            if beaten > n2 {
                continue;
            }
            let (less, more) = ways.split_at_mut(j);
            more[0][beaten..].iter_mut().zip(&less[j - 1]).for_each(|(to, from)| *to += from);
        }
    }
    let all: f64 = ways[n1].iter().sum();
    ways[n1][u.min(top)..].iter().sum::<f64>() / all
}

fn normal_tail(u: f64, (n1, n2): (f64, f64), ties: f64) -> f64 {
    let n = n1 + n2;
    let variance = n1 * n2 / 12.0 * (n + 1.0 - ties / (n * (n - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    Normal::standard().sf((u - n1 * n2 / 2.0 - 0.5) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn count(hits: usize, n: usize) -> Count {
        Count { hits, n }
    }

    #[test]
    fn fishers_lady_tastes_tea() {
        // The Design of Experiments, 1935: three of four cups right by chance, 17 of 70 ways; all four, 1 of 70.
        assert!((fisher_lower(count(1, 4), count(3, 4)) - 17.0 / 70.0).abs() < 1e-12);
        assert!((fisher_lower(count(0, 4), count(4, 4)) - 1.0 / 70.0).abs() < 1e-12);
        // scipy.stats.fisher_exact([[70, 30], [170, 30]], "less")
        assert!((fisher_lower(count(70, 100), count(170, 200)) - 0.002_140_492_2).abs() < 1e-9);
        assert_eq!(
            (fisher_lower(count(0, 0), count(3, 4)), fisher_lower(count(3, 3), count(4, 4))),
            (1.0, 1.0)
        );
    }

    #[test]
    fn the_bound_of_a_difference_holds_as_often_as_it_says() {
        assert_eq!(difference_lower_bound(count(0, 0), count(5, 10), 0.95), -1.0);
        // Against a share that is known exactly it is that share's own bound.
        let alone = lower_bound(80, 100, 0.95) - 0.5;
        let known = difference_lower_bound(count(80, 100), count(50_000_000, 100_000_000), 0.95);
        assert!((alone - known).abs() < 1e-4, "{alone} {known}");
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut draw = |n: usize, share: f64| count((0..n).filter(|_| random.random_bool(share)).count(), n);
        let held = (0..1_000)
            .filter(|_| difference_lower_bound(draw(200, 0.84), draw(150, 0.86), 0.95) <= -0.02)
            .count();
        assert!((945..=990).contains(&held), "{held} of 1,000");
    }

    #[test]
    fn mcnemar_counts_only_where_the_two_differ() {
        let pairs = |both, first, second, none| {
            let of = |n: usize, pair| std::iter::repeat_n(pair, n);
            let right = of(both, (true, true)).chain(of(first, (true, false)));
            right.chain(of(second, (false, true))).chain(of(none, (false, false))).collect::<Vec<_>>()
        };
        // scipy.stats.binomtest(5, 17).pvalue
        let found = mcnemar(pairs(40, 12, 5, 3));
        assert!((found.p - 0.143_463_134_765_625).abs() < 1e-12 && found.n == 60);
        assert!((found.difference - 7.0 / 60.0).abs() < 1e-12);
        // Agresti, Categorical Data Analysis, table 10.1: approval 880 of 1,600, then 944; a difference of .04 within
        // (.02, .06).
        let approval = mcnemar(pairs(794, 86, 150, 570));
        assert!((approval.difference + 0.04).abs() < 1e-12 && approval.p < 1e-4);
        let Interval { lo, hi } = approval.interval;
        assert!((lo + 0.058_7).abs() < 5e-4 && (hi + 0.021_3).abs() < 5e-4, "{lo} to {hi}");
        assert_eq!((mcnemar([]).p, mcnemar([]).interval), (1.0, Interval { lo: -1.0, hi: 1.0 }));
        assert_eq!(mcnemar(pairs(9, 0, 0, 0)).p, 1.0);
    }

    #[test]
    fn ranks_are_compared_as_mann_and_whitney_do() {
        // scipy.stats.mannwhitneyu, method="exact", then with ties "asymptotic".
        let exact = mann_whitney_higher(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]);
        assert!((exact - 0.055_555_555_555_555_55).abs() < 1e-12, "{exact}");
        let exact = mann_whitney_higher(&[4.5, 6.5, 8.0, 9.0, 10.0], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5]);
        assert!((exact - 0.015_151_515_151_515_152).abs() < 1e-12, "{exact}");
        let tied = mann_whitney_higher(&[2.0, 3.0, 4.0, 6.0, 7.0, 9.0, 9.0], &[1.0, 2.0, 2.0, 3.0, 5.0, 8.0]);
        assert!((tied - 0.074_863_990_947_725_61).abs() < 1e-9, "{tied}");
        assert_eq!(mann_whitney_higher(&[1.0; 30], &[1.0; 30]), 1.0);
        assert_eq!((mann_whitney_higher(&[], &[1.0]), mann_whitney_higher(&[f64::NAN], &[1.0])), (1.0, 1.0));
    }

    #[test]
    fn the_exact_and_the_normal_tail_meet() {
        for u in [150, 200, 250, 300] {
            let (exact, normal) = (exact_tail(u, 20, 20), normal_tail(u as f64, (20.0, 20.0), 0.0));
            assert!((exact - normal).abs() < 0.005, "{u}: {exact} {normal}");
        }
    }
}
