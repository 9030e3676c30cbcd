//! Tickets by falling confidence, equal ones together.

use firstline_ticket::Confidence;

/// One ticket's confidence, from whatever model scores it, and whether the prediction was right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Confidence in `0..=1`.
    pub confidence: f64,
    /// Whether the prediction was right.
    pub correct: bool,
}

/// The tickets that share one confidence. No threshold can part them, so no figure may either.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tie {
    /// Their confidence.
    pub confidence: f64,
    /// How many they are, at least one.
    pub n: usize,
    /// How many of them are right.
    pub correct: usize,
}

/// Tickets by falling confidence. Built from any order, always the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranking {
    ties: Vec<Tie>,
    n: usize,
}

impl Ranking {
    /// Ranks `judged`. Confidences are clamped to `0..=1`, not-a-number ranks last.
    pub fn new(judged: impl IntoIterator<Item = Judged>) -> Self {
        let mut all: Vec<(f64, bool)> =
            judged.into_iter().map(|j| (Confidence::new(j.confidence).get(), j.correct)).collect();
        all.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let ties = all
            .chunk_by(|a, b| a.0 == b.0)
            .map(|tie| Tie {
                confidence: tie[0].0,
                n: tie.len(),
                correct: tie.iter().filter(|(_, correct)| *correct).count(),
            })
            .collect();
        Self { ties, n: all.len() }
    }

    /// Number of tickets.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The groups of equal confidence, most confident first.
    pub fn ties(&self) -> &[Tie] {
        &self.ties
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A ranking of `(confidence, correct)` pairs.
    pub(in super::super) fn ranking(pairs: &[(f64, bool)]) -> Ranking {
        Ranking::new(pairs.iter().map(|&(confidence, correct)| Judged { confidence, correct }))
    }

    #[test]
    fn equal_confidences_become_one() {
        let r = ranking(&[(0.5, true), (0.9, true), (0.5, false), (f64::NAN, true), (7.0, false)]);
        let ties: Vec<_> = r.ties().iter().map(|t| (t.confidence, t.n, t.correct)).collect();
        assert_eq!(ties, [(1.0, 1, 0), (0.9, 1, 1), (0.5, 2, 1), (0.0, 1, 1)]);
        assert_eq!(r.n(), 5);
    }

    #[test]
    fn the_two_zeros_are_one_confidence() {
        assert_eq!(ranking(&[(-0.0, true), (0.0, false)]).ties().len(), 1);
    }
}
