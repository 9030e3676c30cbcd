//! What may be left to the machine: risk against coverage as the bar of confidence is lowered.

use crate::{Interval, Ranking, Tie, share, wilson95};

/// One bar of confidence and what it lets through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RiskPoint {
    /// The bar: decisions at or above it are accepted.
    pub threshold: f64,
    /// Share of decisions accepted.
    pub coverage: f64,
    /// Share of errors among the accepted.
    pub risk: f64,
}

/// The risk-coverage curve: one point for every distinct confidence, coverage rising to 1. Decisions of
/// equal confidence are accepted together. No decision: no point.
pub fn risk_coverage(ranking: &Ranking) -> Vec<RiskPoint> {
    let (mut n, mut correct) = (0, 0);
    let point = |tie: &Tie| {
        n += tie.n;
        correct += tie.correct;
        RiskPoint { threshold: tie.confidence, coverage: share(n, ranking.n()), risk: share(n - correct, n) }
    };
    ranking.ties().iter().map(point).collect()
}

/// Area under the risk-coverage curve (Geifman, Uziel and El-Yaniv, arXiv 1805.08206):
/// `1/n Σ_{i=1..n} errors among the i most confident / i`. Lower is better.
///
/// Among decisions of equal confidence the mean over all their orders is taken: each counts as the group's
/// mean error. `0` when there is no decision.
pub fn aurc(ranking: &Ranking) -> f64 {
    let (mut i, mut errors, mut area) = (0usize, 0usize, 0.0);
    for tie in ranking.ties() {
        let wrong = tie.n - tie.correct;
        let each = share(wrong, tie.n);
        for j in 1..=tie.n {
            area += (errors as f64 + j as f64 * each) / (i + j) as f64;
        }
        i += tie.n;
        errors += wrong;
    }
    if i == 0 { 0.0 } else { area / i as f64 }
}

/// The largest share of decisions that one bar of confidence accepts with a precision of at least
/// `precision` among them; `0` where no bar does, or there is no decision.
///
/// The bar is chosen on the very decisions it is judged on, so this says what the ranking could give, not
/// what a bar chosen beforehand will hold.
pub fn coverage_at_precision(ranking: &Ranking, precision: f64) -> f64 {
    let (mut n, mut correct, mut best) = (0, 0, 0);
    for tie in ranking.ties() {
        n += tie.n;
        correct += tie.correct;
        // 0.98 · 50 may come out a bit above 49; a millionth of a decision is no error.
        if correct as f64 + 1e-6 >= precision * n as f64 {
            best = n;
        }
    }
    share(best, ranking.n())
}

/// What a given bar of confidence lets through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accepted {
    /// The bar.
    pub threshold: f64,
    /// Decisions at or above it.
    pub n: usize,
    /// How many of them are right.
    pub correct: usize,
    /// Share of all decisions.
    pub coverage: f64,
    /// Share of the accepted that are right, `0` when none is accepted.
    pub precision: f64,
    /// Wilson's 95 % interval of the precision.
    pub interval: Interval,
}

/// Accepts the decisions whose confidence is at least `threshold`.
pub fn accepted_at(ranking: &Ranking, threshold: f64) -> Accepted {
    let above = ranking.ties().iter().take_while(|t| t.confidence >= threshold);
    let (n, correct) = above.fold((0, 0), |(n, c), t| (n + t.n, c + t.correct));
    Accepted {
        threshold,
        n,
        correct,
        coverage: share(n, ranking.n()),
        precision: share(correct, n),
        interval: wilson95(correct, n),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::ranking;

    #[test]
    fn curve_and_area_by_hand() {
        let r = ranking(&[(0.9, true), (0.8, false), (0.7, true), (0.6, false)]);
        let risks: Vec<_> = risk_coverage(&r).iter().map(|p| (p.coverage, p.risk)).collect();
        assert_eq!(risks, [(0.25, 0.0), (0.5, 0.5), (0.75, 1.0 / 3.0), (1.0, 0.5)]);
        assert!((aurc(&r) - (0.0 + 0.5 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
    }

    #[test]
    fn tied_area_is_the_mean_over_all_orders() {
        let tied = ranking(&[(0.9, true), (0.5, true), (0.5, false), (0.5, true)]);
        let orders = [[true, true, false], [true, false, true], [false, true, true]];
        let mean: f64 = orders
            .iter()
            .map(|o| aurc(&ranking(&[(0.9, true), (0.5, o[0]), (0.4, o[1]), (0.3, o[2])])))
            .sum::<f64>()
            / 3.0;
        assert!((aurc(&tied) - mean).abs() < 1e-12);
        assert_eq!(risk_coverage(&tied).len(), 2);
    }

    #[test]
    fn coverage_takes_ties_whole_and_may_recover() {
        // Precision at the bars: 1/1, 1/2, 2/3, 3/4.
        let r = ranking(&[(0.9, true), (0.8, false), (0.7, true), (0.6, true)]);
        assert_eq!(coverage_at_precision(&r, 0.75), 1.0);
        assert_eq!(coverage_at_precision(&r, 0.76), 0.25);
        let tied = ranking(&[(0.9, true), (0.9, false), (0.6, false)]);
        assert_eq!(coverage_at_precision(&tied, 0.9), 0.0);
    }

    #[test]
    fn a_precision_met_exactly_counts() {
        for (percent, n) in [(90, 10), (95, 60), (98, 50), (98, 350)] {
            let wrong = n * (100 - percent) / 100;
            let pairs: Vec<_> = (0..n).map(|i| (0.5, i >= wrong)).collect();
            assert_eq!(coverage_at_precision(&ranking(&pairs), f64::from(percent) / 100.0), 1.0);
        }
    }

    #[test]
    fn a_bar_includes_its_own_height() {
        let a = accepted_at(&ranking(&[(0.9, true), (0.9, false), (0.8, true)]), 0.9);
        assert_eq!((a.n, a.correct, a.precision), (2, 1, 0.5));
        assert_eq!(accepted_at(&ranking(&[(0.5, true)]), 0.9).interval, Interval { lo: 0.0, hi: 1.0 });
    }

    #[test]
    fn no_decision() {
        let none = ranking(&[]);
        assert!(risk_coverage(&none).is_empty());
        assert_eq!((aurc(&none), coverage_at_precision(&none, 0.9)), (0.0, 0.0));
    }
}
