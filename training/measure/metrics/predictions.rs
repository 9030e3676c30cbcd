//! What a model said about one field of many tickets, beside the truth.

use firstline_fault::InternalError;

use super::{Ranking, Scored};

/// Predicted probabilities of `n` tickets over `k` labels, and the true labels.
///
/// The predicted label of a ticket is its most probable one, the lowest index among equals; its confidence
/// is that label's probability, unless [`Predictions::decided`] has set others.
#[derive(Debug, Clone)]
pub struct Predictions {
    k: usize,
    probs: Vec<f32>,
    truth: Vec<Option<u32>>,
    predicted: Vec<u32>,
    confidence: Vec<f32>,
}

impl Predictions {
    /// Takes `probs`, `n x k` row-major, and `truth` of length `n`, each an index below `k` or `None` for
    /// a label the model does not know.
    ///
    /// Rows are expected to sum to one, within rounding; this is not checked, since a mixture may be cut
    /// to its leading labels.
    ///
    /// # Errors
    /// When the lengths do not fit, an index is not below `k`, a probability is not in `0..=1`, or there
    /// are tickets but no label.
    pub fn new(k: usize, probs: Vec<f32>, truth: Vec<Option<u32>>) -> Result<Self, InternalError> {
        let fault = |what: String| Err(InternalError::new(format!("scoring predictions: {what}")));
        if k == 0 && !truth.is_empty() {
            return fault(format!("{} tickets but no label", truth.len()));
        }
        if truth.len().checked_mul(k) != Some(probs.len()) {
            return fault(format!(
                "{} probabilities for {} tickets and {k} labels",
                probs.len(),
                truth.len()
            ));
        }
        if let Some(label) = truth.iter().flatten().find(|&&t| t as usize >= k) {
            return fault(format!("true label {label} of {k}"));
        }
        if let Some(p) = probs.iter().find(|p| !(0.0..=1.0).contains(*p)) {
            return fault(format!("a probability of {p}"));
        }
        let rows = || probs.chunks_exact(k.max(1));
        let predicted: Vec<u32> = rows().map(argmax).collect();
        let confidence = rows().zip(&predicted).map(|(row, &label)| row[label as usize]).collect();
        Ok(Self { k, probs, truth, predicted, confidence })
    }

    /// The same, each ticket's predicted label and its confidence being what a decision made of the probabilities.
    ///
    /// # Errors
    /// When there is not one label below `k` and one confidence in `0..=1` for each ticket.
    pub fn decided(self, predicted: Vec<u32>, confidence: Vec<f32>) -> Result<Self, InternalError> {
        let fits = predicted.len() == self.n()
            && confidence.len() == self.n()
            && predicted.iter().all(|&label| (label as usize) < self.k)
            && confidence.iter().all(|c| (0.0..=1.0).contains(c));
        match fits {
            true => Ok(Self { predicted, confidence, ..self }),
            false => Err(InternalError::new(format!("decisions that do not fit {} tickets", self.n()))),
        }
    }

    /// Number of tickets.
    pub fn n(&self) -> usize {
        self.truth.len()
    }

    /// Number of labels.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Each ticket's `k` probabilities, in the order of the tickets.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.probs.chunks_exact(self.k.max(1))
    }

    /// Each ticket's true label.
    pub fn truth(&self) -> &[Option<u32>] {
        &self.truth
    }

    /// Each ticket's predicted label.
    pub fn predicted(&self) -> &[u32] {
        &self.predicted
    }

    /// Number of tickets whose true label the model does not know.
    pub fn unseen(&self) -> usize {
        self.truth.iter().filter(|t| t.is_none()).count()
    }

    /// Number of tickets predicted right.
    pub fn hits(&self) -> usize {
        self.pairs().filter(|&(truth, predicted)| truth == Some(predicted)).count()
    }

    /// True and predicted label of each ticket.
    pub fn pairs(&self) -> impl Iterator<Item = (Option<u32>, u32)> {
        self.truth.iter().copied().zip(self.predicted.iter().copied())
    }

    /// Each ticket's confidence and whether its prediction was right.
    pub fn scored(&self) -> impl Iterator<Item = Scored> {
        self.confidence.iter().zip(self.pairs()).map(|(&confidence, (truth, predicted))| Scored {
            confidence: f64::from(confidence),
            correct: truth == Some(predicted),
        })
    }

    /// The tickets by falling probability of the predicted label, whatever their confidence.
    pub fn ranking_by_probability(&self) -> Ranking {
        Ranking::new(
            self.rows().zip(self.scored()).zip(&self.predicted).map(|((row, scored), &label)| Scored {
                confidence: f64::from(row[label as usize]),
                ..scored
            }),
        )
    }

    /// The tickets by falling confidence.
    pub fn ranking(&self) -> Ranking {
        Ranking::new(self.scored())
    }

    /// The tickets at `order` alone, in that order, as they were decided.
    ///
    /// # Panics
    /// When one of them is not there.
    pub fn of(&self, order: &[usize]) -> Self {
        let row = |&i: &usize| &self.probs[i * self.k..(i + 1) * self.k];
        Self {
            k: self.k,
            probs: order.iter().flat_map(row).copied().collect(),
            truth: order.iter().map(|&i| self.truth[i]).collect(),
            predicted: order.iter().map(|&i| self.predicted[i]).collect(),
            confidence: order.iter().map(|&i| self.confidence[i]).collect(),
        }
    }
}

fn argmax(row: &[f32]) -> u32 {
    let mut best = 0;
    for (i, p) in row.iter().enumerate() {
        if *p > row[best] {
            best = i;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals_is_predicted() {
        let p = Predictions::new(3, vec![0.2, 0.4, 0.4, 1.0, 0.0, 0.0], vec![Some(1), None]).unwrap();
        assert_eq!(p.predicted(), [1, 0]);
        assert_eq!((p.hits(), p.unseen()), (1, 1));
        let scored: Vec<_> = p.scored().map(|s| (s.confidence, s.correct)).collect();
        assert_eq!(scored, [(f64::from(0.4f32), true), (1.0, false)]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(Predictions::new(2, vec![0.5], vec![Some(0)]).is_err());
        assert!(Predictions::new(2, vec![0.5, 0.5], vec![Some(2)]).is_err());
        assert!(Predictions::new(2, vec![0.5, f32::NAN], vec![Some(0)]).is_err());
        assert!(Predictions::new(2, vec![0.5, 1.5], vec![Some(0)]).is_err());
        assert!(Predictions::new(0, vec![], vec![None]).is_err());
        assert_eq!(Predictions::new(0, vec![], vec![]).unwrap().ranking().n(), 0);
    }
}
