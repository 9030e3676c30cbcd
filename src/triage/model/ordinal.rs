//! Priorities are ordered, and calling one too low costs more than calling it too high: the decision is the label of
//! least expected cost, not the most probable one.
//!
//! A label whose name says no rank takes no part in that. It is decided exactly where it is the most probable of all labels;
//! everywhere else the cost decides among the ranked ones, and how likely the others are says nothing for one of them against
//! another. So a label without rank must never change which of the ranked ones is chosen.

use serde::{Deserialize, Serialize};

use super::probability::argmax;

/// The ranks of a field's labels and what a wrong one costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ordinal {
    /// The rank of each label, 0 the most urgent; `None` where its name says none.
    pub ranks: Vec<Option<usize>>,
    /// Cost of a label one rank too low.
    pub under_call: f64,
    /// Cost of a label one rank too high.
    pub over_call: f64,
    /// What each further rank adds, as a share of that.
    pub step: f64,
}

impl Ordinal {
    /// What it costs to decide `decided` where `truth` is right; nothing where both have the same rank, or one has none.
    pub fn cost(&self, decided: usize, truth: usize) -> f64 {
        let (Some(decided), Some(truth)) = (self.ranks[decided], self.ranks[truth]) else { return 0.0 };
        let further = |ranks: usize| 1.0 + self.step * (ranks - 1) as f64;
        match decided.cmp(&truth) {
            std::cmp::Ordering::Equal => 0.0,
            std::cmp::Ordering::Greater => self.under_call * further(decided - truth),
            std::cmp::Ordering::Less => self.over_call * further(truth - decided),
        }
    }

    /// The label of least expected cost, the more probable one among equals; one without rank where that is the most
    /// probable of all.
    pub fn decide(&self, probabilities: &[f32]) -> usize {
        let most_probable = argmax(probabilities);
        if self.ranks[most_probable].is_none() {
            return most_probable;
        }
        let expected = |decided: usize| -> f64 {
            let of = |(truth, &p): (usize, &f32)| f64::from(p) * self.cost(decided, truth);
            match self.ranks[decided] {
                Some(_) => probabilities.iter().enumerate().map(of).sum(),
                None => f64::INFINITY,
            }
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
            && self.ranks.iter().flatten().all(|&r| r < 1_000)
            && costs.iter().all(|c| (0.0..=1e6).contains(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDINAL: fn(f64) -> Ordinal =
        |under_call| Ordinal { ranks: [2, 0, 1].map(Some).to_vec(), under_call, over_call: 1.0, step: 0.5 };

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

    #[test]
    fn a_label_without_rank_is_decided_where_it_is_the_most_probable_and_leaves_the_others_order_alone() {
        // Low, critical, high, and one that nobody knows.
        let ranks = vec![Some(2), Some(0), Some(1), None];
        let partial = |under_call| Ordinal { ranks: ranks.clone(), ..ORDINAL(under_call) };
        for under_call in [0.9, 2.0, 30.0] {
            let among_ranked = ORDINAL(under_call).decide(&[0.5, 0.2, 0.3]);
            assert_eq!(partial(under_call).decide(&[0.5, 0.2, 0.3, 0.0]), among_ranked);
            assert_eq!(partial(under_call).decide(&[0.3, 0.12, 0.18, 0.29]), among_ranked, "{under_call}");
            assert_eq!(partial(under_call).decide(&[0.3, 0.12, 0.18, 0.4]), 3);
        }
        assert!(partial(1.0).is_sound(4) && !partial(1.0).is_sound(3));
        assert_eq!(partial(1.0).cost(3, 0) + partial(1.0).cost(0, 3), 0.0);
    }

    #[test]
    fn an_order_of_an_older_bundle_is_read_and_written_as_it_was() {
        let old = r#"{"ranks":[2,0,1],"under_call":1.25,"over_call":1.0,"step":0.5}"#;
        let read: Ordinal = serde_json::from_str(old).unwrap();
        assert_eq!(read, ORDINAL(1.25));
        assert_eq!(serde_json::to_string(&read).unwrap(), old);
        let partial = Ordinal { ranks: vec![Some(1), None], ..read };
        let json = serde_json::to_string(&partial).unwrap();
        assert!(json.contains("[1,null]"), "{json}");
        assert_eq!(serde_json::from_str::<Ordinal>(&json).unwrap(), partial);
    }
}
