//! Choosing how members are pooled: weights and temperature that minimise the log loss of a window on which
//! no member was fitted.

use firstline_triage::Mixture;
use rayon::prelude::*;

/// Smallest step of the search, in units of a member's weight.
const FINEST: f64 = 0.01;
/// A member that gets less than this share of the weight is left out: it would cost time and say nothing.
const LEAST_WEIGHT: f64 = 0.02;

/// Fits the pooling of `members` to `labels`: `members[m][i]` are member `m`'s log-probabilities of example
/// `i`. The unnormalised weights are searched by coordinate descent with a shrinking step (the loss is convex
/// in them); their sum is one over the temperature.
///
/// # Panics
/// When there is no member or no example.
pub fn fit_mixture(members: &[&[Vec<f32>]], labels: &[u32]) -> Mixture {
    assert!(!members.is_empty() && !labels.is_empty(), "something to pool and something to fit it to");
    let mut weights = vec![1.0 / members.len() as f64; members.len()];
    descend(members, labels, &mut weights);
    let total: f64 = weights.iter().sum();
    if weights.iter().any(|&w| w > 0.0 && w < LEAST_WEIGHT * total) {
        weights.iter_mut().filter(|w| **w < LEAST_WEIGHT * total).for_each(|w| *w = 0.0);
        descend(members, labels, &mut weights);
    }
    let total: f64 = weights.iter().sum();
    Mixture { weights: weights.iter().map(|w| w / total).collect(), temperature: 1.0 / total }
}

/// Mean log loss of the pool, in nats.
pub(crate) fn mean_nll(members: &[&[Vec<f32>]], labels: &[u32], weights: &[f64]) -> f64 {
    let losses: Vec<f64> = labels
        .par_iter()
        .enumerate()
        .map(|(i, &label)| {
            let z = |c: usize| weights.iter().zip(members).map(|(w, m)| w * f64::from(m[i][c])).sum::<f64>();
            let logits: Vec<f64> = (0..members[0][i].len()).map(z).collect();
            let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            max + logits.iter().map(|z| (z - max).exp()).sum::<f64>().ln() - logits[label as usize]
        })
        .collect();
    // Summed in order, so that the result does not depend on the number of threads.
    losses.iter().sum::<f64>() / labels.len() as f64
}

/// Coordinate descent that leaves zero weights at zero and the others at or above [`FINEST`] in sum.
fn descend(members: &[&[Vec<f32>]], labels: &[u32], weights: &mut [f64]) {
    let active: Vec<usize> = (0..weights.len()).filter(|&m| weights[m] > 0.0).collect();
    let mut best = mean_nll(members, labels, weights);
    let mut step = 0.4;
    while step >= FINEST {
        let mut moved = false;
        for &m in &active {
            for direction in [step, -step] {
                let before = weights[m];
                weights[m] = (before + direction).max(0.0);
                let loss = match weights.iter().sum::<f64>() < FINEST {
                    true => f64::INFINITY,
                    false => mean_nll(members, labels, weights),
                };
                if loss < best - 1e-7 {
                    (best, moved) = (loss, true);
                } else {
                    weights[m] = before;
                }
            }
        }
        if !moved {
            step /= 2.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_triage::log_softmax;

    /// A member that puts `margin` on the right class where `hit` says so, and on the other elsewhere.
    fn member(margin: f32, hit: impl Fn(usize) -> bool) -> Vec<Vec<f32>> {
        let row = |i: usize| if (i % 2 == 0) == hit(i) { [margin, 0.0] } else { [0.0, margin] };
        (0..100).map(|i| log_softmax(&row(i))).collect()
    }

    fn labels() -> Vec<u32> {
        (0..100).map(|i| i % 2).collect()
    }

    #[test]
    fn temperature_makes_an_overconfident_member_honest() {
        let sure = member(10.0, |i| i < 80);
        let mixture = fit_mixture(&[&sure], &labels());
        let p = mixture.pool(&[sure[0].clone()]);
        assert!((p[0] - 0.8).abs() < 0.02, "80 of 100 right, so 0.8 it should say, not {}", p[0]);
        assert!(mixture.temperature > 3.0);
    }

    #[test]
    fn a_member_that_knows_nothing_gets_no_weight() {
        let (good, noise) = (member(2.0, |i| i < 90), member(2.0, |i| i / 2 % 2 == 0));
        let mixture = fit_mixture(&[&good, &noise], &labels());
        assert!(mixture.weights[0] > 0.95, "{mixture:?}");
        assert!((mixture.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn pooling_two_that_err_apart_beats_each() {
        let (a, b) = (member(2.0, |i| i < 80), member(2.0, |i| i >= 20));
        let both = fit_mixture(&[&a, &b], &labels());
        let scaled: Vec<f64> = both.weights.iter().map(|w| w / both.temperature).collect();
        let loss = mean_nll(&[&a, &b], &labels(), &scaled);
        assert!(loss < mean_nll(&[&a], &labels(), &[1.0]) && loss < mean_nll(&[&b], &labels(), &[1.0]));
    }
}
