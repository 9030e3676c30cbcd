//! From what people did with drafts to the probability that the next one is sent unchanged: a logistic model, held near the
//! prior by a penalty that a few reviews do not overcome.
//!
//! Must never be measured on reviews that it was fitted to.

use std::collections::BTreeMap;

use firstline_drafts::{MIN_REVIEWS, Reviews, logit};
use firstline_stats::{ECE_BINS, Ranking, Scored, ece};
use firstline_ticket::{Origin, Review, ReviewedDraft};
use serde::Serialize;

/// The penalty's weight, in reviews, that holds bias and slope where they were.
const HELD: f64 = 2.0;
/// The same for each origin's own parameter.
const HELD_ORIGIN: f64 = 4.0;
/// Passes over the parameters: each is set by Newton's method, the others as they are.
const PASSES: usize = 30;
/// Parts of the reviews, each left out once.
const FOLDS: usize = 5;
const ORIGINS: [Origin; 4] =
    [Origin::Template, Origin::Retrieved, Origin::Generated, Origin::Acknowledgement];

/// What reviews say of the confidences.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewReport {
    /// Number of reviews.
    pub reviews: usize,
    /// Drafts that were sent unchanged.
    pub accepted: usize,
    /// Drafts that were sent after a change.
    pub edited: usize,
    /// Drafts that were not sent.
    pub rejected: usize,
    /// Whether there are enough reviews for what was learnt to be used.
    pub enough: bool,
    /// How well the priors fit what was done.
    pub prior: ConfidenceFit,
    /// The same of what was learnt, cross-validated by fifths; `None` for too few reviews.
    pub learnt: Option<ConfidenceFit>,
}

/// How well probabilities fit what was done.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ConfidenceFit {
    /// Mean probability told.
    pub mean: f64,
    /// Mean log loss, nats.
    pub log_loss: f64,
    /// Mean squared error.
    pub brier: f64,
    /// Expected calibration error, bins of equal mass.
    pub ece: f64,
}

/// Learns from all of `reviewed`, and measures that on reviews left out in turn.
pub fn learn_reviews(reviewed: &[ReviewedDraft]) -> (Reviews, ReviewReport) {
    let outcome = |r: &ReviewedDraft| r.review == Review::Accepted;
    let count = |of: fn(&Review) -> bool| reviewed.iter().filter(|r| of(&r.review)).count();
    let enough = reviewed.len() >= MIN_REVIEWS;
    let told = |by: &dyn Fn(usize, &ReviewedDraft) -> f64| {
        confidence_fit(&reviewed.iter().enumerate().map(|(i, r)| (by(i, r), outcome(r))).collect::<Vec<_>>())
    };
    let learnt = enough.then(|| {
        let folds: Vec<Reviews> = (0..FOLDS)
            .map(|fold| {
                let others = reviewed.iter().enumerate().filter(|(i, _)| i % FOLDS != fold);
                // Of a fold there may be too few; what is measured is the model all the same.
                Reviews { reviews: reviewed.len(), ..learn(&others.map(|(_, r)| r).collect::<Vec<_>>()) }
            })
            .collect();
        told(&|i, r| folds[i % FOLDS].confidence(r.origin, r.prior).0.get())
    });
    let report = ReviewReport {
        reviews: reviewed.len(),
        accepted: count(|r| *r == Review::Accepted),
        edited: count(|r| matches!(r, Review::Edited(_))),
        rejected: count(|r| matches!(r, Review::Rejected(_))),
        enough,
        prior: told(&|_, r| r.prior.get()),
        learnt,
    };
    (learn(&reviewed.iter().collect::<Vec<_>>()), report)
}

/// How well probabilities fit outcomes; all zero for none.
pub(super) fn confidence_fit(told: &[(f64, bool)]) -> ConfidenceFit {
    let n = told.len().max(1) as f64;
    let mean = |of: &dyn Fn(f64, f64) -> f64| {
        told.iter().map(|&(p, y)| of(p, f64::from(u8::from(y)))).sum::<f64>() / n
    };
    let loss = |p: f64, y: f64| {
        let p = p.clamp(1e-6, 1.0 - 1e-6);
        -(y * p.ln() + (1.0 - y) * (1.0 - p).ln())
    };
    let ranking = Ranking::new(told.iter().map(|&(confidence, correct)| Scored { confidence, correct }));
    ConfidenceFit {
        mean: mean(&|p, _| p),
        log_loss: mean(&loss),
        brier: mean(&|p, y| (p - y).powi(2)),
        ece: ece(&ranking, ECE_BINS),
    }
}

fn learn(reviewed: &[&ReviewedDraft]) -> Reviews {
    // Bias, slope, then one for each origin; with where each is held, and how fast.
    let anchor = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
    let held = [HELD, HELD, HELD_ORIGIN, HELD_ORIGIN, HELD_ORIGIN, HELD_ORIGIN];
    let rows: Vec<([f64; 6], f64)> = reviewed
        .iter()
        .map(|r| {
            let mut row = [1.0, logit(r.prior), 0.0, 0.0, 0.0, 0.0];
            for (x, origin) in row[2..].iter_mut().zip(ORIGINS) {
                *x = f64::from(u8::from(origin == r.origin));
            }
            (row, f64::from(u8::from(r.review == Review::Accepted)))
        })
        .collect();
    let mut w = anchor;
    for _ in 0..PASSES {
        for j in 0..w.len() {
            let (mut slope, mut curve) = (held[j] * (w[j] - anchor[j]), held[j]);
            for (x, y) in &rows {
                let z: f64 = x.iter().zip(&w).map(|(x, w)| x * w).sum();
                let p = 1.0 / (1.0 + (-z).exp());
                slope += (p - y) * x[j];
                // At least a part of the curve at its steepest, so that no step overshoots.
                curve += (p * (1.0 - p)).max(0.05) * x[j] * x[j];
            }
            w[j] -= slope / curve;
        }
        // A draft that more speaks for is never less likely to be sent.
        w[1] = w[1].max(0.0);
    }
    let origins: BTreeMap<Origin, f64> = ORIGINS.into_iter().zip(w[2..].iter().copied()).collect();
    Reviews { reviews: reviewed.len(), bias: w[0], slope: w[1], origins }
}

#[cfg(test)]
mod tests {
    use firstline_ticket::Confidence;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn reviewed(n: usize, chance: impl Fn(Origin, f64) -> f64) -> Vec<ReviewedDraft> {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        (0..n)
            .map(|i| {
                let (origin, prior) = (ORIGINS[i % 4], random.random_range(0.02..0.8));
                let accepted = random.random_range(0.0..1.0) < chance(origin, prior);
                let review = if accepted { Review::Accepted } else { Review::Rejected("wrong".into()) };
                ReviewedDraft { origin, prior: Confidence::new(prior), review }
            })
            .collect()
    }

    #[test]
    fn few_reviews_move_little_and_many_a_lot() {
        let never = |_: Origin, _: f64| 0.0;
        let (few, report) = learn_reviews(&reviewed(8, never));
        assert!(few.bias > -3.0 && !report.enough && report.learnt.is_none());
        let (many, report) = learn_reviews(&reviewed(400, never));
        assert!(many.confidence(Origin::Template, Confidence::new(0.8)).0.get() < 0.1);
        assert_eq!((report.reviews, report.accepted, report.rejected), (400, 0, 400));
        assert!(report.learnt.unwrap().log_loss < report.prior.log_loss);
    }

    #[test]
    fn what_is_learnt_is_calibrated_where_the_prior_was_not() {
        let chance = |origin, p: f64| if origin == Origin::Template { (p + 0.2).min(1.0) } else { p * 0.6 };
        let (learnt, report) = learn_reviews(&reviewed(4_000, chance));
        let fit = report.learnt.unwrap();
        assert!(
            fit.ece < 0.05 && fit.log_loss < report.prior.log_loss && fit.ece < report.prior.ece,
            "{report:?}"
        );
        let told = |origin| learnt.confidence(origin, Confidence::new(0.5)).0.get();
        assert!((told(Origin::Template) - 0.7).abs() < 0.07 && (told(Origin::Retrieved) - 0.3).abs() < 0.07);
    }
}
