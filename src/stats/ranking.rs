//! Decisions by falling confidence, equal ones together.

/// One decision's confidence, from whatever model scored it, and whether it was right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// Confidence in `0..=1`.
    pub confidence: f64,
    /// Whether the decision was right.
    pub correct: bool,
}

/// The decisions that share one confidence. No threshold can part them, so no figure may either.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tie {
    /// Their confidence.
    pub confidence: f64,
    /// How many they are, at least one.
    pub n: usize,
    /// How many of them are right.
    pub correct: usize,
}

/// Decisions by falling confidence. Built from any order, always the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranking {
    ties: Vec<Tie>,
    n: usize,
}

impl Ranking {
    /// Ranks `scored`. Confidences are clamped to `0..=1`, not-a-number ranks last.
    pub fn new(scored: impl IntoIterator<Item = Scored>) -> Self {
        let mut all: Vec<(f64, bool)> =
            scored.into_iter().map(|s| (clamped(s.confidence), s.correct)).collect();
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

    /// Number of decisions.
    pub fn n(&self) -> usize {
        self.n
    }

    /// The groups of equal confidence, most confident first.
    pub fn ties(&self) -> &[Tie] {
        &self.ties
    }
}

fn clamped(confidence: f64) -> f64 {
    if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A ranking of `(confidence, correct)` pairs.
    pub(crate) fn ranking(pairs: &[(f64, bool)]) -> Ranking {
        Ranking::new(pairs.iter().map(|&(confidence, correct)| Scored { confidence, correct }))
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
