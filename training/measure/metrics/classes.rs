//! Precision, recall and F1, label by label and averaged.

use firstline_stats::share;

use super::Predictions;

/// Counts of one label, and the figures made of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassScore {
    /// Tickets that truly have this label.
    pub support: usize,
    /// Tickets predicted to have it.
    pub predicted: usize,
    /// Tickets predicted to have it that do.
    pub hits: usize,
}

impl ClassScore {
    /// `hits / predicted`; `None` when it was never predicted.
    pub fn precision(&self) -> Option<f64> {
        (self.predicted > 0).then(|| share(self.hits, self.predicted))
    }

    /// `hits / support`; `None` when no ticket has the label.
    pub fn recall(&self) -> Option<f64> {
        (self.support > 0).then(|| share(self.hits, self.support))
    }

    /// `2 hits / (support + predicted)`, the harmonic mean of precision and recall; `None` when the label
    /// occurs on neither side.
    pub fn f1(&self) -> Option<f64> {
        let both = self.support + self.predicted;
        (both > 0).then(|| share(2 * self.hits, both))
    }
}

/// The scores of all `k` labels, in the order of the label space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassTable {
    /// One score a label.
    pub classes: Vec<ClassScore>,
    /// Tickets whose true label the model does not know.
    pub unseen: usize,
}

impl ClassTable {
    /// Counts `p`.
    pub fn new(p: &Predictions) -> Self {
        let mut classes = vec![ClassScore::default(); p.k()];
        for (truth, predicted) in p.pairs() {
            classes[predicted as usize].predicted += 1;
            if let Some(t) = truth {
                classes[t as usize].support += 1;
                classes[t as usize].hits += usize::from(t == predicted);
            }
        }
        Self { classes, unseen: p.unseen() }
    }
}

/// Unweighted mean of F1 over the labels that occur in the truth or among the predictions, as
/// scikit-learn's `f1_score(average="macro")` takes it.
///
/// All unseen labels together are one class with F1 `0`. `0` when there is no ticket.
pub fn macro_f1(p: &Predictions) -> f64 {
    let table = ClassTable::new(p);
    let scores: Vec<f64> = table.classes.iter().filter_map(ClassScore::f1).collect();
    let classes = scores.len() + usize::from(table.unseen > 0);
    if classes == 0 { 0.0 } else { scores.iter().sum::<f64>() / classes as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Predictions 0, 0, 1 for truths 0, 1, 1; label 2 occurs nowhere.
        let probs = [[0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1]];
        let mut truth = vec![Some(0), Some(1), Some(1)];
        let p = Predictions::new(3, probs.concat(), truth.clone()).unwrap();
        let table = ClassTable::new(&p);
        assert_eq!(table.classes[0], ClassScore { support: 1, predicted: 2, hits: 1 });
        assert_eq!(table.classes[0].precision(), Some(0.5));
        assert_eq!(table.classes[1].recall(), Some(0.5));
        assert_eq!((table.classes[2].precision(), table.classes[2].f1()), (None, None));
        assert!((macro_f1(&p) - 2.0 / 3.0).abs() < 1e-12);

        truth[0] = None;
        let p = Predictions::new(3, probs.concat(), truth).unwrap();
        // F1: label 0 is 0, label 1 is 2/3, the unseen one 0.
        assert!((macro_f1(&p) - 2.0 / 9.0).abs() < 1e-12);
    }

    #[test]
    fn no_ticket() {
        assert_eq!(macro_f1(&Predictions::new(2, vec![], vec![]).unwrap()), 0.0);
    }
}
