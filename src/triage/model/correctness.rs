//! The correctness model: how likely it is that the label that was decided is right.
//!
//! A temperature or any other rescaling leaves the order of confidences as it was, and a decision's worth lies in
//! that order (arXiv 2510.20242). This is a logistic regression over what the members of the mixture and the history
//! say about one ticket (after arXiv 2008.09371); its figure is the confidence that a decision carries.

use serde::{Deserialize, Serialize};

use crate::features::Neighbours;

/// What the model reads, in order.
pub const SIGNS: [&str; 10] = [
    "log-odds",
    "margin",
    "entropy",
    "votes",
    "nearest",
    "neighbourhood",
    "agreement",
    "sceptic",
    "rarity",
    "length",
];

/// Tickets whose distance counts as the neighbourhood's.
const NEIGHBOURHOOD: usize = 10;

/// The values of [`SIGNS`] for one decision.
pub type Signs = [f64; SIGNS.len()];

/// A fitted correctness model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correctness {
    /// Weight of each sign.
    pub weights: Vec<f64>,
    /// Log-odds where all signs are 0.
    pub bias: f64,
}

impl Correctness {
    /// Probability that the label is right.
    pub fn probability(&self, signs: &Signs) -> f64 {
        let z = self.bias + self.weights.iter().zip(signs).map(|(w, s)| w * s).sum::<f64>();
        1.0 / (1.0 + (-z).exp())
    }

    /// Whether the weights fit the signs and are numbers.
    pub(crate) fn is_sound(&self) -> bool {
        self.weights.len() == SIGNS.len() && self.weights.iter().chain([&self.bias]).all(|w| w.is_finite())
    }
}

/// What is known of one decision.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The index of the label that was decided.
    pub label: usize,
    /// The probabilities that it was decided by, `k`.
    pub probabilities: &'a [f32],
    /// The members' log-probabilities, each `k`; one that has no weight is empty.
    pub members: &'a [Vec<f32>],
    /// The nearest tickets of the history with their cosines, nearest first.
    pub nearest: &'a [(u32, f32)],
    /// Label index of each ticket of the history.
    pub history_labels: &'a [u32],
    /// Share of each label in the history.
    pub prior: &'a [f32],
    /// Features of the ticket's n-grams and context that the vocabulary knows.
    pub features: usize,
}

impl Evidence<'_> {
    /// The signs of the label's being right.
    pub fn signs(&self) -> Signs {
        let label = self.label;
        let ln = |p: f32| f64::from(p.clamp(1e-6, 1.0)).ln();
        let p = self.probabilities[label];
        let second = (0..self.probabilities.len()).filter(|&c| c != label).map(|c| self.probabilities[c]);
        let second = second.fold(0.0, f32::max);
        let entropy: f64 = self.probabilities.iter().map(|&p| -f64::from(p) * ln(p)).sum();
        let votes = Neighbours::vote(self.nearest, self.history_labels, self.prior);
        let cosines = || self.nearest.iter().take(NEIGHBOURHOOD).map(|&(_, cosine)| f64::from(cosine));
        let nearest = cosines().next().unwrap_or(0.0);
        let neighbourhood = cosines().sum::<f64>() / cosines().count().max(1) as f64;
        let voiced = || self.members.iter().filter(|m| !m.is_empty());
        let agree = voiced().filter(|m| m.iter().all(|&other| other <= m[label])).count();
        let sceptic = voiced().map(|m| f64::from(m[label])).fold(0.0, f64::min);
        [
            ln(p) - ln(1.0 - p),
            ln(p) - ln(second),
            entropy,
            f64::from(votes[label].exp()),
            nearest,
            neighbourhood,
            agree as f64 / voiced().count().max(1) as f64,
            sceptic.max(-10.0),
            ln(self.prior[label]),
            (1.0 + self.features as f64).ln(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence<'a>(p: &'a [f32], members: &'a [Vec<f32>], nearest: &'a [(u32, f32)]) -> Evidence<'a> {
        let label = usize::from(p[1] > p[0]);
        Evidence {
            label,
            probabilities: p,
            members,
            nearest,
            history_labels: &[1, 1, 0],
            prior: &[0.4, 0.6],
            features: 3,
        }
    }

    #[test]
    fn signs_say_what_their_names_say() {
        let members = [vec![-2.0, -0.1], vec![-0.5, -0.9], Vec::new()];
        let near = [(0, 0.9), (1, 0.8), (2, 0.1)];
        let of = |name: &str, e: Evidence<'_>| e.signs()[SIGNS.iter().position(|s| *s == name).unwrap()];
        let e = evidence(&[0.25, 0.75], &members, &near);
        assert!((of("log-odds", e) - 3f64.ln()).abs() < 1e-6 && (of("margin", e) - 3f64.ln()).abs() < 1e-6);
        assert!((of("neighbourhood", e) - 0.6).abs() < 1e-6 && (of("nearest", e) - 0.9).abs() < 1e-6);
        assert_eq!(of("agreement", e), 0.5);
        assert!((of("sceptic", e) + 0.9).abs() < 1e-6);
        assert!(of("votes", e) > 0.9 && of("votes", evidence(&[0.75, 0.25], &members, &near)) < 0.1);
        assert!((of("length", e) - 4f64.ln()).abs() < 1e-12 && (of("rarity", e) - 0.6f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn extremes_stay_finite() {
        for p in [[0.0, 1.0], [0.5, 0.5]] {
            let signs = evidence(&p, &[], &[]).signs();
            assert!(signs.iter().all(|s| s.is_finite()), "{signs:?}");
            let model = Correctness { weights: vec![1e6; SIGNS.len()], bias: 0.0 };
            assert!((0.0..=1.0).contains(&model.probability(&signs)));
        }
    }
}
