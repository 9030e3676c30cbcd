//! Choosing how members are pooled: weights and temperature that minimise the log loss of a window on which
//! no member was fitted.

use firstline_triage::Mixture;
use rayon::prelude::*;

/// Smallest step of the search, in units of a member's weight.
const FINEST: f64 = 0.01;
/// A member that gets less than this share of the weight is left out: it would cost time and say nothing.
const LEAST_WEIGHT: f64 = 0.02;
/// Where the search of the noise floor starts, and the most it may become.
const FIRST_FLOOR: f64 = 0.01;
const MOST_FLOOR: f64 = 0.5;
/// The most a member's weight may become: where members separate the examples, the loss alone would let the
/// confidence grow to 1.
const MOST_WEIGHT: f64 = 4.0;

/// What a pool is fitted to.
#[derive(Debug, Clone, Copy)]
pub struct PoolData<'a> {
    /// `members[m][i]` are member `m`'s log-probabilities of example `i`, `k` of them.
    pub members: &'a [&'a [Vec<f32>]],
    /// The examples' true classes.
    pub labels: &'a [u32],
    /// Share of each class, `k`.
    pub prior: &'a [f32],
}

/// Fits weights, temperature and floor by coordinate descent with a shrinking step. The sum of
/// the unnormalised weights is one over the temperature.
///
/// # Panics
/// When there is no member or no example.
pub fn fit_mixture(data: PoolData<'_>) -> Mixture {
    assert!(
        !data.members.is_empty() && !data.labels.is_empty(),
        "something to pool and something to fit it to"
    );
    let mut point = vec![1.0 / data.members.len() as f64; data.members.len()];
    point.push(FIRST_FLOOR);
    descend(data, &mut point);
    let total = |point: &[f64]| point[..data.members.len()].iter().sum::<f64>();
    let least = LEAST_WEIGHT * total(&point);
    if point[..data.members.len()].iter().any(|&w| w > 0.0 && w < least) {
        point[..data.members.len()].iter_mut().filter(|w| **w < least).for_each(|w| *w = 0.0);
        descend(data, &mut point);
    }
    let sum = total(&point);
    let floor = point.pop().unwrap_or(0.0);
    Mixture { weights: point.iter().map(|w| w / sum).collect(), temperature: 1.0 / sum, floor }
}

impl PoolData<'_> {
    /// Mean log loss in nats at `point`: the unnormalised weights, then the floor.
    fn nll(self, point: &[f64]) -> f64 {
        let (weights, floor) = (&point[..self.members.len()], point[self.members.len()]);
        let losses: Vec<f64> = self
            .labels
            .par_iter()
            .enumerate()
            .map(|(i, &label)| {
                let z = |c: usize| {
                    weights.iter().zip(self.members).map(|(w, m)| w * f64::from(m[i][c])).sum::<f64>()
                };
                let logits: Vec<f64> = (0..self.prior.len()).map(z).collect();
                let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = logits.iter().map(|z| (z - max).exp()).sum();
                let label = label as usize;
                let p =
                    (1.0 - floor) * (logits[label] - max).exp() / sum + floor * f64::from(self.prior[label]);
                -p.max(f64::MIN_POSITIVE).ln()
            })
            .collect();
        // Summed in order, so that the result does not depend on the number of threads.
        losses.iter().sum::<f64>() / self.labels.len() as f64
    }

    /// Mean log loss of a fitted pool.
    pub(crate) fn loss(self, mixture: &Mixture) -> f64 {
        let mut point: Vec<f64> = mixture.weights.iter().map(|w| w / mixture.temperature).collect();
        point.push(mixture.floor);
        self.nll(&point)
    }
}

/// Coordinate descent over the weights and the floor; a weight of zero stays zero.
fn descend(data: PoolData<'_>, point: &mut [f64]) {
    let members = data.members.len();
    let active: Vec<usize> = (0..=members).filter(|&c| c == members || point[c] > 0.0).collect();
    let mut best = data.nll(point);
    let mut step = 0.4;
    while step >= FINEST {
        let mut moved = false;
        for &c in &active {
            // The floor lives on a scale a tenth of the weights'.
            let (size, most) = if c == members { (step / 10.0, MOST_FLOOR) } else { (step, MOST_WEIGHT) };
            for direction in [size, -size] {
                let before = point[c];
                point[c] = (before + direction).clamp(0.0, most);
                let loss = match point[..members].iter().sum::<f64>() < FINEST {
                    true => f64::INFINITY,
                    false => data.nll(point),
                };
                if loss < best - 1e-7 {
                    (best, moved) = (loss, true);
                } else {
                    point[c] = before;
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
        let row = |i: usize| if i.is_multiple_of(2) == hit(i) { [margin, 0.0] } else { [0.0, margin] };
        (0..100).map(|i| log_softmax(&row(i))).collect()
    }

    fn labels() -> Vec<u32> {
        (0..100).map(|i| i % 2).collect()
    }

    const PRIOR: [f32; 2] = [0.5, 0.5];

    fn data<'a>(members: &'a [&'a [Vec<f32>]], labels: &'a [u32]) -> PoolData<'a> {
        PoolData { members, labels, prior: &PRIOR }
    }

    #[test]
    fn an_overconfident_member_becomes_honest() {
        let sure = member(10.0, |i| i < 80);
        let mixture = fit_mixture(data(&[&sure], &labels()));
        let p = mixture.pool(&[sure[0].clone()], &PRIOR);
        assert!((p[0] - 0.8).abs() < 0.02, "80 of 100 right, so 0.8 it should say, not {}", p[0]);
    }

    #[test]
    fn noisy_labels_give_a_floor_that_a_temperature_alone_would_not() {
        // Nine in ten examples are easy but for 6 % wrong labels; the rest are truly undecided.
        let rows: Vec<Vec<f32>> = member(8.0, |i| i % 17 != 0)
            .into_iter()
            .enumerate()
            .map(|(i, row)| if i % 10 == 3 { log_softmax(&[0.2, 0.0]) } else { row })
            .collect();
        let labels = labels();
        let mixture = fit_mixture(data(&[&rows], &labels));
        assert!(mixture.floor > 0.05, "{mixture:?}");
        let without = Mixture { floor: 0.0, ..mixture.clone() };
        assert!(data(&[&rows], &labels).loss(&mixture) < data(&[&rows], &labels).loss(&without));
    }

    #[test]
    fn a_member_that_knows_nothing_gets_no_weight() {
        let (good, noise) = (member(2.0, |i| i < 90), member(2.0, |i| i / 2 % 2 == 0));
        let mixture = fit_mixture(data(&[&good, &noise], &labels()));
        assert!(mixture.weights[0] > 0.95, "{mixture:?}");
        assert!((mixture.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn pooling_two_that_err_apart_beats_each() {
        let (a, b) = (member(2.0, |i| i < 80), member(2.0, |i| i >= 20));
        let labels = labels();
        let loss = |members: &[&[Vec<f32>]]| {
            let data = data(members, &labels);
            data.loss(&fit_mixture(data))
        };
        let both = loss(&[&a, &b]);
        assert!(both < loss(&[&a]) && both < loss(&[&b]));
    }
}
