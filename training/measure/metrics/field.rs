//! All figures of one field, as `firstline evaluate --json` prints them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Calls, ECE_BINS, GroupMetrics, Interval, Predictions, accuracy, aurc, brier, coverage_at_precision, ece,
    ece_ci95, kappa, macro_f1, majority_share, nll, top_accuracy, wilson95,
};

/// What a threshold that was certified beforehand lets through.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Certified {
    /// The threshold.
    pub threshold: f64,
    /// The share of errors that it promises not to pass.
    pub target_error: f64,
    /// Tickets accepted.
    pub accepted: usize,
    /// Of those, wrong ones.
    pub errors: usize,
    /// Share of all tickets that is accepted.
    pub coverage: f64,
    /// Share of errors among the accepted; 0 where none is.
    pub error: f64,
}

/// All figures of one field. Shares are in `0..=1`; with `n = 0` every figure is 0 and the interval
/// `[0, 1]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldMetrics {
    /// Tickets scored.
    pub n: usize,
    /// Share predicted right.
    pub accuracy: f64,
    /// Wilson's 95 % interval of the accuracy, tickets taken as independent.
    pub accuracy_ci95: Interval,
    /// Mean F1 over the labels that occur.
    pub macro_f1: f64,
    /// Share whose true label is among the three most probable.
    pub top3: f64,
    /// Cohen's kappa.
    pub kappa: f64,
    /// Mean negative log-likelihood, in nats.
    pub nll: f64,
    /// Multiclass Brier score, in `0..=2`.
    pub brier: f64,
    /// Expected calibration error, 15 bins of equal mass.
    pub ece: f64,
    /// Its 95 % interval, by bootstrap.
    pub ece_ci95: Interval,
    /// Area under the risk-coverage curve.
    pub aurc: f64,
    /// Largest share of tickets accepted at 90 % precision.
    pub coverage_at_90: f64,
    /// The same at 95 %.
    pub coverage_at_95: f64,
    /// The same at 98 %.
    pub coverage_at_98: f64,
    /// Share of the most frequent true label.
    pub majority: f64,
    /// Area under the risk-coverage curve where the most probable label's probability is the confidence: what the
    /// correctness model is measured by.
    pub aurc_by_probability: f64,
    /// Accuracy of the n-gram baseline on the same tickets; `null` until the caller sets it.
    pub ngram_accuracy: Option<f64>,
    /// Over- and under-calls, where the labels have an order; `null` until the caller sets it.
    pub calls: Option<Calls>,
    /// Accuracy of each member of the mixture by itself; empty until the caller sets it.
    pub members_alone: BTreeMap<String, f64>,
    /// What the certified threshold lets through on these tickets; `null` until the caller sets it, and where
    /// nothing is certified.
    pub certified: Option<Certified>,
    /// Figures of each customer that has tickets enough; empty until the caller sets it.
    pub by_customer: BTreeMap<String, GroupMetrics>,
    /// Figures of each label that was decided often enough; empty until the caller sets it.
    pub by_decision: BTreeMap<String, GroupMetrics>,
}

impl FieldMetrics {
    /// Scores `p`; [`FieldMetrics::ngram_accuracy`] stays `None`.
    pub fn new(p: &Predictions) -> Self {
        let ranking = p.ranking();
        Self {
            n: p.n(),
            accuracy: accuracy(p),
            accuracy_ci95: wilson95(p.hits(), p.n()),
            macro_f1: macro_f1(p),
            top3: top_accuracy(p, 3),
            kappa: kappa(p),
            nll: nll(p),
            brier: brier(p),
            ece: ece(&ranking, ECE_BINS),
            ece_ci95: ece_ci95(&ranking, ECE_BINS),
            aurc: aurc(&ranking),
            coverage_at_90: coverage_at_precision(&ranking, 0.90),
            coverage_at_95: coverage_at_precision(&ranking, 0.95),
            coverage_at_98: coverage_at_precision(&ranking, 0.98),
            majority: majority_share(p),
            aurc_by_probability: aurc(&p.ranking_by_probability()),
            ngram_accuracy: None,
            calls: None,
            members_alone: BTreeMap::new(),
            certified: None,
            by_customer: BTreeMap::new(),
            by_decision: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keys_are_the_contract() {
        let p = Predictions::new(2, vec![0.75, 0.25], vec![Some(0)]).unwrap();
        let json = serde_json::to_string(&FieldMetrics::new(&p)).unwrap();
        let keys: Vec<&str> =
            json.split('"').skip(1).step_by(2).filter(|k| k.chars().all(|c| c != ':')).collect();
        assert_eq!(
            keys.join(" "),
            "n accuracy accuracy_ci95 macro_f1 top3 kappa nll brier ece ece_ci95 aurc coverage_at_90 coverage_at_95 \
             coverage_at_98 majority aurc_by_probability ngram_accuracy calls members_alone certified \
             by_customer by_decision"
        );
        assert!(
            json.ends_with("\"ngram_accuracy\":null,\"calls\":null,\"members_alone\":{},\"certified\":null,\"by_customer\":{},\"by_decision\":{}}"),
            "{json}"
        );
    }

    #[test]
    fn no_ticket_gives_figures_that_json_can_hold() {
        let none = FieldMetrics::new(&Predictions::new(3, vec![], vec![]).unwrap());
        let json = serde_json::to_string(&none).unwrap();
        assert_eq!(serde_json::from_str::<FieldMetrics>(&json).unwrap(), none);
        assert_eq!((none.n, none.accuracy, none.accuracy_ci95.hi), (0, 0.0, 1.0));
    }
}
