//! Two periods compared as if both had the same mix of work.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{RESAMPLES, percentile, resample, winsorised_mean};

/// Values of one kind of work, before and after.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stratum {
    /// Values before.
    pub before: Vec<f64>,
    /// Values after.
    pub after: Vec<f64>,
}

/// A relative change, freed of changes in the mix.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Standardised {
    /// Mean before, over the mix of after.
    pub before: f64,
    /// Mean after.
    pub after: f64,
    /// `after / before - 1`: -0.4 for 40 % less.
    pub change: f64,
    /// Lower end of its 95 % interval, by bootstrap.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Values of after that count.
    pub n: usize,
    /// Values of after whose kind did not occur before, or of before whose kind did not occur after: they can't be compared.
    pub left_out: usize,
}

/// Values above this quantile of their stratum and side count as that quantile.
const WINSOR: f64 = 0.99;

/// Direct standardisation: `Σ_c w_c after_c / Σ_c w_c before_c - 1`, where `w_c` is how often kind `c` occurs after and the means are
/// winsorised at 99 %. The interval comes from 1,000 samples drawn, by `seed`, within each kind and side; it takes the mix as
/// given. `None` where no kind occurs on both sides, or the mean before is 0.
pub fn standardised_change(strata: &[Stratum], seed: u64) -> Option<Standardised> {
    let (both, one): (Vec<&Stratum>, Vec<&Stratum>) =
        strata.iter().partition(|stratum| !stratum.before.is_empty() && !stratum.after.is_empty());
    let sides = |of: &dyn Fn(&Stratum) -> &Vec<f64>| both.iter().map(|s| sorted(of(s))).collect::<Vec<_>>();
    let (befores, afters) = (sides(&|s| &s.before), sides(&|s| &s.after));
    let weights: Vec<f64> = afters.iter().map(|values| values.len() as f64).collect();
    let mean = |side: &[Vec<f64>]| {
        let sum: f64 =
            side.iter().zip(&weights).map(|(v, w)| w * winsorised_mean(v, WINSOR).unwrap_or(0.0)).sum();
        sum / weights.iter().sum::<f64>()
    };
    let (before, after) = (mean(&befores), mean(&afters));
    if both.is_empty() || before <= 0.0 {
        return None;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut changes: Vec<f64> = Vec::new();
    for _ in 0..1_000 / RESAMPLES {
        // One item of a sample: all strata drawn anew.
        let draw = |random: &mut ChaCha8Rng, _: usize| [redrawn(&befores, random), redrawn(&afters, random)];
        changes.extend(resample(1, &mut random, draw, |drawn| mean(&drawn[0][1]) / mean(&drawn[0][0]) - 1.0));
    }
    changes.sort_unstable_by(f64::total_cmp);
    Some(Standardised {
        before,
        after,
        change: after / before - 1.0,
        low: percentile(&changes, 0.025),
        high: percentile(&changes, 0.975),
        n: afters.iter().map(Vec::len).sum(),
        left_out: one.iter().map(|stratum| stratum.before.len() + stratum.after.len()).sum(),
    })
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn redrawn(side: &[Vec<f64>], random: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let mut again = |values: &Vec<f64>| {
        sorted(&(0..values.len()).map(|_| values[random.random_range(0..values.len())]).collect::<Vec<_>>())
    };
    side.iter().map(&mut again).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stratum(before: &[f64], after: &[f64]) -> Stratum {
        Stratum { before: before.to_vec(), after: after.to_vec() }
    }

    #[test]
    fn r40_a_change_of_the_mix_alone_is_no_change() {
        // Resets take 10, migrations 100; after, there are more migrations.
        let strata = [stratum(&[10.0; 90], &[10.0; 30]), stratum(&[100.0; 10], &[100.0; 70])];
        let found = standardised_change(&strata, 1).unwrap();
        assert!(found.change.abs() < 1e-12 && found.low.abs() < 1e-12 && found.high.abs() < 1e-12);
        assert_eq!((found.before, found.n, found.left_out), (73.0, 100, 0));
    }

    #[test]
    fn r40_what_can_be_compared_is_compared_and_the_rest_counted() {
        let strata = [
            stratum(&[20.0, 40.0], &[12.0, 18.0, 24.0]),
            stratum(&[60.0], &[30.0]),
            stratum(&[5.0; 4], &[]),
            stratum(&[], &[9.0]),
        ];
        let found = standardised_change(&strata, 1).unwrap();
        // Before (3·30 + 60)/4, after (3·18 + 30)/4.
        assert!((found.before - 37.5).abs() < 1e-12 && (found.after - 21.0).abs() < 1e-12);
        assert!((found.change + 0.44).abs() < 1e-12 && found.low < found.change && found.change < found.high);
        assert_eq!((found.n, found.left_out), (4, 5));
        assert_eq!(standardised_change(&strata, 1), standardised_change(&strata, 1));
        assert_eq!(standardised_change(&strata[2..], 1), None);
    }

    #[test]
    fn r40_the_interval_holds_the_true_change_as_often_as_it_says() {
        let mut random = ChaCha8Rng::seed_from_u64(40);
        let mut draw = |n: usize, mean: f64| -> Vec<f64> {
            (0..n).map(|_| -mean * (1.0 - random.random_range(0.0..1.0f64)).ln()).collect()
        };
        let held = (0..60u64).filter(|seed| {
            let strata = [
                Stratum { before: draw(80, 30.0), after: draw(60, 15.0) },
                Stratum { before: draw(40, 60.0), after: draw(90, 30.0) },
            ];
            let found = standardised_change(&strata, *seed).unwrap();
            found.low <= -0.5 && -0.5 <= found.high
        });
        let held = held.count();
        assert!(held >= 52, "{held} of 60");
    }
}
