//! How members are pooled into one calibrated distribution.
//!
//! Log-linear pooling (Genest and Zidek 1986) with temperature scaling (Guo et al. 2017) and a noise floor:
//! `p = (1 - e) * softmax(sum_m w_m * log p_m / T) + e * prior`, with `w` non-negative and summing to 1.
//! People file some tickets wrongly whatever the text says; the floor `e` is how often, and keeps a model of
//! noisy labels from ever being surer than its labels allow.

use serde::{Deserialize, Serialize};

/// Pooling weights and temperature of one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mixture {
    /// One weight a member, non-negative, summing to 1.
    pub weights: Vec<f64>,
    /// Temperature; above 1 makes the distribution flatter.
    pub temperature: f64,
    /// Share of the prior that is mixed in, `0..1`.
    pub floor: f64,
}

impl Mixture {
    /// Pools the members' log-probabilities, each `k` long, into probabilities; `prior` is `k` long too. A
    /// member of weight 0 may be empty.
    ///
    /// # Panics
    /// When there are not as many members as weights, or none.
    pub fn pool(&self, members: &[Vec<f32>], prior: &[f32]) -> Vec<f32> {
        assert_eq!(members.len(), self.weights.len(), "one weight a member");
        let mut logits = vec![0.0f64; prior.len()];
        for (weight, log_p) in self.weights.iter().zip(members) {
            logits.iter_mut().zip(log_p).for_each(|(z, &lp)| *z += weight / self.temperature * f64::from(lp));
        }
        let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logits.iter().map(|z| (z - max).exp()).sum();
        let mixed = |(z, &prior): (&f64, &f32)| {
            (1.0 - self.floor) * (z - max).exp() / sum + self.floor * f64::from(prior)
        };
        logits.iter().zip(prior).map(|pair| mixed(pair) as f32).collect()
    }

    /// Whether it pools `members`, at least one, and its figures are in their bounds.
    pub(crate) fn is_sound(&self, members: usize) -> bool {
        members > 0
            && self.weights.len() == members
            && (1e-3..=1e3).contains(&self.temperature)
            && (0.0..=1.0).contains(&self.floor)
            && self.weights.iter().all(|w| (0.0..=1.0).contains(w))
            && (self.weights.iter().sum::<f64>() - 1.0).abs() < 1e-6
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::probability::log_softmax;

    #[test]
    fn one_member_at_temperature_one_is_that_member() {
        let log_p = log_softmax(&[1.0, 2.0, 4.0]);
        let mixture = Mixture { weights: vec![1.0], temperature: 1.0, floor: 0.0 };
        let p = mixture.pool(std::slice::from_ref(&log_p), &[0.2, 0.3, 0.5]);
        assert!(p.iter().zip(&log_p).all(|(p, lp)| (p.ln() - lp).abs() < 1e-5));
    }

    #[test]
    fn temperature_flattens_and_the_floor_caps() {
        let member = vec![log_softmax(&[0.0, 3.0])];
        let sharp = Mixture { weights: vec![1.0], temperature: 0.5, floor: 0.0 }.pool(&member, &[0.5, 0.5]);
        let flat = Mixture { weights: vec![1.0], temperature: 4.0, floor: 0.0 }.pool(&member, &[0.5, 0.5]);
        assert!(sharp[1] > flat[1] && flat[1] > 0.5);
        let capped = Mixture { weights: vec![1.0], temperature: 0.01, floor: 0.1 }.pool(&member, &[0.5, 0.5]);
        assert!((capped[1] - 0.95).abs() < 1e-6, "never surer than the floor allows: {capped:?}");
    }
}
