//! What the page shows of one field.

use firstline_ticket::{Field, LabelSpace};

use super::Matrix;
use crate::audit::FieldAudit;
use crate::metrics::{
    Accepted, ClassScore, ClassTable, Confusion, ECE_BINS, FieldMetrics, Predictions, ReliabilityBin,
    RiskPoint, accepted_at, confidence_histogram, reliability, risk_coverage,
};
use crate::{AssertionCertification, CurvePoint};

/// The confidence that the headline speaks of.
const SURE: f64 = 0.9;
/// Slices of the confidence histogram.
const SLICES: usize = 20;
/// Confused pairs listed.
const PAIRS: usize = 10;

/// All that the page shows of one field.
#[derive(Debug, Clone)]
pub struct FieldReport {
    /// The field.
    pub field: Field,
    /// Its figures.
    pub metrics: FieldMetrics,
    /// The n-gram baseline on the same tickets, where there is one.
    pub ngram: Option<Baseline>,
    /// What the bar of the headline accepts.
    pub sure: Accepted,
    /// Bins of equal mass, least confident first.
    pub reliability: Vec<ReliabilityBin>,
    /// Tickets in equally wide slices of confidence.
    pub histogram: Vec<usize>,
    /// The risk-coverage curve.
    pub risk_coverage: Vec<RiskPoint>,
    /// Every label, most frequent first.
    pub classes: Vec<ClassRow>,
    /// Tickets whose true label the model had never seen.
    pub unseen: usize,
    /// The confusion matrix of the most frequent labels.
    pub matrix: Matrix,
    /// The most frequent confusions: true label (`None`: never seen), predicted label, tickets.
    pub confused: Vec<(Option<String>, String, usize)>,
    /// Labels of the history that were too rare to learn; set by the caller.
    pub rare: Vec<String>,
    /// What may be left to the machine; set by the caller.
    pub verdicts: Option<AssertionCertification>,
    /// How the history's labels stand up to a second look; set by the caller.
    pub audit: Option<FieldAudit>,
    /// What more history would buy; set by the caller.
    pub curve: Vec<CurvePoint>,
}

/// A weaker model on the same tickets, to compare with.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Its figures.
    pub metrics: FieldMetrics,
    /// Its risk-coverage curve.
    pub risk_coverage: Vec<RiskPoint>,
}

/// One label's counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRow {
    /// The label.
    pub label: String,
    /// Its counts.
    pub score: ClassScore,
}

impl FieldReport {
    /// Gathers the report of `field` from what the model and, where there is one, the n-gram baseline
    /// predicted on the same tickets. [`FieldMetrics::ngram_accuracy`] is set from the baseline.
    ///
    /// # Panics
    /// When `predictions` is over more labels than `labels` has.
    pub fn new(
        field: Field,
        labels: &LabelSpace,
        predictions: &Predictions,
        ngram: Option<&Predictions>,
    ) -> Self {
        assert!(predictions.k() <= labels.len(), "predictions of another label space");
        let ranking = predictions.ranking();
        let ngram = ngram
            .map(|p| Baseline { metrics: FieldMetrics::new(p), risk_coverage: risk_coverage(&p.ranking()) });
        let table = ClassTable::new(predictions);
        let confusion = Confusion::new(predictions);
        let name = |i: u32| labels.label(i as usize).to_owned();
        Self {
            field,
            metrics: FieldMetrics {
                ngram_accuracy: ngram.as_ref().map(|b| b.metrics.accuracy),
                ..FieldMetrics::new(predictions)
            },
            ngram,
            sure: accepted_at(&ranking, SURE),
            reliability: reliability(&ranking, ECE_BINS),
            histogram: confidence_histogram(&ranking, SLICES),
            risk_coverage: risk_coverage(&ranking),
            classes: class_rows(labels, &table),
            unseen: table.unseen,
            matrix: Matrix::new(labels, &table, &confusion),
            confused: confusion
                .worst(PAIRS)
                .iter()
                .map(|pair| (pair.truth.map(name), name(pair.predicted), pair.n))
                .collect(),
            rare: Vec::new(),
            verdicts: None,
            audit: None,
            curve: Vec::new(),
        }
    }

    /// The most frequent true label.
    pub(super) fn most_common(&self) -> Option<&str> {
        self.classes.first().filter(|row| row.score.support > 0).map(|row| row.label.as_str())
    }
}

fn class_rows(labels: &LabelSpace, table: &ClassTable) -> Vec<ClassRow> {
    let mut rows: Vec<ClassRow> = table
        .classes
        .iter()
        .zip(labels.labels())
        .map(|(score, label)| ClassRow { label: label.clone(), score: *score })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.score.support));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_by_support_and_the_baseline_is_taken_over() {
        let labels = LabelSpace::new(["a", "b", "c"].map(String::from));
        let probs = [[0.1, 0.8, 0.1], [0.1, 0.2, 0.7], [0.0, 0.95, 0.05]];
        let p = Predictions::new(3, probs.concat(), vec![Some(1), Some(2), None]).unwrap();
        let base = Predictions::new(3, [1.0, 0.0, 0.0].repeat(3), vec![Some(1), Some(2), None]).unwrap();
        let f = FieldReport::new(Field::Board, &labels, &p, Some(&base));
        let order: Vec<_> = f.classes.iter().map(|c| c.label.as_str()).collect();
        assert_eq!(order, ["b", "c", "a"]);
        assert_eq!((f.metrics.ngram_accuracy, f.unseen, f.most_common()), (Some(0.0), 1, Some("b")));
        assert_eq!(f.confused, [(None, "b".to_owned(), 1)]);
        assert_eq!((f.sure.n, f.sure.correct), (1, 0));
    }
}
