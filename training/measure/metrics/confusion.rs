//! Which labels are taken for which.

use std::collections::BTreeMap;

use super::Predictions;

/// The confusion matrix, kept sparse: it has at most one entry a ticket, however many labels there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confusion {
    counts: BTreeMap<(Option<u32>, u32), usize>,
}

/// One pair of labels that were confused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfusedPair {
    /// The true label; `None` for one the model does not know.
    pub truth: Option<u32>,
    /// What was predicted instead.
    pub predicted: u32,
    /// On how many tickets.
    pub n: usize,
}

impl Confusion {
    /// Counts `p`.
    pub fn new(p: &Predictions) -> Self {
        let mut counts = BTreeMap::new();
        for pair in p.pairs() {
            *counts.entry(pair).or_insert(0) += 1;
        }
        Self { counts }
    }

    /// Tickets with label `truth` that were predicted as `predicted`.
    pub fn count(&self, truth: Option<u32>, predicted: u32) -> usize {
        self.counts.get(&(truth, predicted)).copied().unwrap_or(0)
    }

    /// The entries that are not zero: truth, prediction, count; by label index, unseen labels first.
    pub fn entries(&self) -> impl Iterator<Item = (Option<u32>, u32, usize)> {
        self.counts.iter().map(|(&(truth, predicted), &n)| (truth, predicted, n))
    }

    /// The `limit` most frequent confusions, most frequent first; equal counts by label index.
    pub fn worst(&self, limit: usize) -> Vec<ConfusedPair> {
        let mut pairs: Vec<ConfusedPair> = self
            .entries()
            .filter(|(truth, predicted, _)| *truth != Some(*predicted))
            .map(|(truth, predicted, n)| ConfusedPair { truth, predicted, n })
            .collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.n));
        pairs.truncate(limit);
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_worst_pairs() {
        // Predictions 1, 1, 0, 0, 0.
        let probs = [[0.1, 0.9], [0.2, 0.8], [0.9, 0.1], [0.6, 0.4], [0.7, 0.3]];
        let truth = vec![Some(0), Some(0), Some(0), Some(1), None];
        let c = Confusion::new(&Predictions::new(2, probs.concat(), truth).unwrap());
        assert_eq!((c.count(Some(0), 1), c.count(Some(0), 0), c.count(None, 1)), (2, 1, 0));
        let worst: Vec<_> = c.worst(2).iter().map(|w| (w.truth, w.predicted, w.n)).collect();
        assert_eq!(worst, [(Some(0), 1, 2), (None, 0, 1)]);
        assert_eq!(c.worst(9).len(), 3);
    }
}
