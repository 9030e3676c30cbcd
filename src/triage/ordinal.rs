//! Priorities are ordered, and calling one too low costs more than calling it too high: the decision is the label of
//! least expected cost, not the most probable one.

use serde::{Deserialize, Serialize};

use crate::argmax;

/// The ranks of a field's labels and what a wrong one costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ordinal {
    /// The rank of each label, 0 the most urgent.
    pub ranks: Vec<usize>,
    /// Cost of a label one rank too low.
    pub under_call: f64,
    /// Cost of a label one rank too high.
    pub over_call: f64,
    /// What each further rank adds, as a share of that.
    pub step: f64,
}

impl Ordinal {
    /// What it costs to decide `decided` where `truth` is right; nothing where both have the same rank.
    pub fn cost(&self, decided: usize, truth: usize) -> f64 {
        let (decided, truth) = (self.ranks[decided], self.ranks[truth]);
        let further = |ranks: usize| 1.0 + self.step * (ranks - 1) as f64;
        match decided.cmp(&truth) {
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => self.under_call * further(decided - truth),
            std::cmp::Ordering::Less => self.over_call * further(truth - decided),
        }
    }

    /// The label of least expected cost, the more probable one among equals.
    pub fn decide(&self, probabilities: &[f32]) -> usize {
        let expected = |decided: usize| -> f64 {
            let of = |(truth, &p): (usize, &f32)| f64::from(p) * self.cost(decided, truth);
            probabilities.iter().enumerate().map(of).sum()
        };
        let costs: Vec<f64> = (0..probabilities.len()).map(expected).collect();
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let cheapest = |(&p, &cost): (&f32, &f64)| if cost <= least + 1e-12 { p } else { -1.0 };
        argmax(&probabilities.iter().zip(&costs).map(cheapest).collect::<Vec<_>>())
    }

    /// Whether it fits `k` labels.
    pub(crate) fn is_sound(&self, k: usize) -> bool {
        let costs = [self.under_call, self.over_call, self.step];
        self.ranks.len() == k
            && self.ranks.iter().all(|&r| r < 1_000)
            && costs.iter().all(|c| (0.0..=1e6).contains(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDINAL: fn(f64) -> Ordinal =
        |under_call| Ordinal { ranks: vec![2, 0, 1], under_call, over_call: 1.0, step: 0.5 };

    #[test]
    fn costs_grow_with_the_ranks_between() {
        let o = ORDINAL(3.0);
        assert_eq!(
            [o.cost(0, 0), o.cost(2, 1), o.cost(0, 1), o.cost(1, 2), o.cost(1, 0)],
            [0.0, 3.0, 4.5, 1.0, 1.5]
        );
        assert!(o.is_sound(3) && !o.is_sound(2));
    }

    #[test]
    fn a_costly_under_call_makes_the_decision_more_urgent() {
        // Low .5, critical .2, high .3.
        let p = [0.5, 0.2, 0.3];
        assert_eq!(ORDINAL(0.9).decide(&p), 0);
        assert_eq!(ORDINAL(2.0).decide(&p), 2);
        assert_eq!(ORDINAL(30.0).decide(&p), 1);
    }

    #[test]
    fn with_equal_costs_and_no_step_it_is_the_most_probable() {
        let flat = Ordinal { under_call: 1.0, step: 0.0, ..ORDINAL(1.0) };
        assert_eq!(flat.decide(&[0.3, 0.4, 0.3]), 1);
        assert_eq!(flat.decide(&[0.4, 0.2, 0.4]), 0);
    }
}
