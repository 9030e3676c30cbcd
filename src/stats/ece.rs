//! Whether a stated confidence comes true: of all decisions made at 0.9, 90 % should be right.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Interval, Ranking, Scored, Tie, percentile, resample, share, wilson95};

/// Number of bins of [`ece`] in every report.
pub const ECE_BINS: usize = 15;

/// One bin of the reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// Decisions in the bin, at least one.
    pub n: usize,
    /// How many of them were right.
    pub correct: usize,
    /// Their mean confidence.
    pub mean_confidence: f64,
    /// `correct / n`.
    pub accuracy: f64,
    /// Wilson's 95 % interval of the accuracy.
    pub interval: Interval,
}

/// Splits the decisions into at most `bins` bins of equal mass by confidence, least confident first.
///
/// Decisions of equal confidence stay in one bin: the one that holds their middle rank. Without ties the
/// sizes differ by at most one; with them, or with fewer decisions than bins, empty bins are left out. No
/// decision or `bins = 0`: no bin.
pub fn reliability(ranking: &Ranking, bins: usize) -> Vec<ReliabilityBin> {
    if bins == 0 {
        return Vec::new();
    }
    let mut below = 0;
    let ranked: Vec<(usize, &Tie)> = ranking
        .ties()
        .iter()
        .rev()
        .map(|tie| {
            // The middle rank is `below + n/2`; doubled, it is a whole number.
            let middle = 2 * below + tie.n;
            below += tie.n;
            ((middle as u128 * bins as u128 / (2 * ranking.n() as u128)) as usize, tie)
        })
        .collect();
    ranked.chunk_by(|a, b| a.0 == b.0).map(bin).collect()
}

fn bin(ties: &[(usize, &Tie)]) -> ReliabilityBin {
    let (n, correct) = ties.iter().fold((0, 0), |(n, c), (_, t)| (n + t.n, c + t.correct));
    let mass: f64 = ties.iter().map(|(_, t)| t.confidence * t.n as f64).sum();
    ReliabilityBin {
        n,
        correct,
        mean_confidence: mass / n as f64,
        accuracy: share(correct, n),
        interval: wilson95(correct, n),
    }
}

/// Expected calibration error of the top label with bins of equal mass (Nguyen and O'Connor, EMNLP 2015;
/// Nixon et al., arXiv 1904.01685): `Σ_b n_b/n |accuracy_b - mean confidence_b|`, over the bins of
/// [`reliability`]. `0` when there is no decision.
///
/// It is biased upwards on few decisions: with 20 a bin, a perfectly calibrated model that is
/// always 80 % sure shows some 0.07.
pub fn ece(ranking: &Ranking, bins: usize) -> f64 {
    let gaps: f64 =
        reliability(ranking, bins).iter().map(|b| b.n as f64 * (b.accuracy - b.mean_confidence).abs()).sum();
    if ranking.n() == 0 { 0.0 } else { gaps / ranking.n() as f64 }
}

/// A 95 % interval of [`ece`], by bootstrap. Resampling the decisions gives the spread, and by how much the figure rises with
/// the noise that this adds, which the upper end is freed of and the lower one, mirrored (the basic bootstrap, Davison
/// and Hinkley 1997, section 5.2), twice. The lower end is 0 where perfectly calibrated confidences would show as much
/// by chance. Drawn with a fixed seed from the decisions in their ranked order, so the same ones give the
/// same interval; `[0, 1]` when there is none.
pub fn ece_ci95(ranking: &Ranking, bins: usize) -> Interval {
    let n = ranking.n();
    if n == 0 {
        return Interval { lo: 0.0, hi: 1.0 };
    }
    let decisions: Vec<Scored> = ranking
        .ties()
        .iter()
        .flat_map(|t| (0..t.n).map(|i| Scored { confidence: t.confidence, correct: i < t.correct }))
        .collect();
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let of_sample = |sample: Vec<Scored>| ece(&Ranking::new(sample), bins);
    let resampled = resample(n, &mut random, |random, _| decisions[random.random_range(0..n)], of_sample);
    let as_stated = |random: &mut ChaCha8Rng, i: usize| {
        let Scored { confidence, .. } = decisions[i];
        Scored { confidence, correct: random.random_range(0.0..1.0) < confidence }
    };
    let perfect = resample(n, &mut random, as_stated, of_sample);
    let figure = ece(ranking, bins);
    let rise = (resampled.iter().sum::<f64>() / resampled.len() as f64 - figure).max(0.0);
    let lo = match figure <= percentile(&perfect, 0.975) {
        true => 0.0,
        false => (2.0 * figure - percentile(&resampled, 0.975)).clamp(0.0, figure),
    };
    Interval { lo, hi: (percentile(&resampled, 0.975) - rise).clamp(figure, 1.0) }
}

/// Number of decisions in each of `bins` equally wide slices of confidence; the last one includes 1.
pub fn confidence_histogram(ranking: &Ranking, bins: usize) -> Vec<usize> {
    let mut counts = vec![0; bins];
    for tie in ranking.ties() {
        let slice = (tie.confidence * bins as f64) as usize;
        if let Some(count) = counts.get_mut(slice.min(bins.saturating_sub(1))) {
            *count += tie.n;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::ranking;

    #[test]
    fn the_interval_of_the_error_holds_the_true_one() {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        // So much too sure, at any confidence.
        for (too_sure, n) in [(0.08, 1_000), (0.0, 1_000), (0.02, 2_000)] {
            let mut held = 0;
            for _ in 0..24 {
                let drawn: Vec<(f64, bool)> = (0..n)
                    .map(|_| {
                        let confidence = random.random_range(0.5..1.0);
                        (confidence, random.random_range(0.0..1.0) < confidence - too_sure)
                    })
                    .collect();
                let ranking = ranking(&drawn);
                let interval = ece_ci95(&ranking, ECE_BINS);
                held += usize::from(interval.lo <= too_sure && too_sure <= interval.hi);
                let figure = ece(&ranking, ECE_BINS);
                assert!(interval.lo <= figure && figure <= interval.hi);
            }
            assert!(held >= 20, "{held} of 24 hold {too_sure}");
        }
        assert_eq!(ece_ci95(&ranking(&[]), ECE_BINS), Interval { lo: 0.0, hi: 1.0 });
    }

    #[test]
    fn two_bins_by_hand() {
        let r = ranking(&[(0.5, true), (0.6, false), (0.8, true), (1.0, true)]);
        let bins = reliability(&r, 2);
        assert_eq!(bins.iter().map(|b| (b.n, b.correct)).collect::<Vec<_>>(), [(2, 1), (2, 2)]);
        assert!((bins[0].mean_confidence - 0.55).abs() < 1e-12);
        assert_eq!(bins[1].interval, wilson95(2, 2));
        assert!((ece(&r, 2) - (0.05 + 0.1) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn without_ties_the_bins_are_equal() {
        let pairs: Vec<_> = (0..100).map(|i| (f64::from(i) / 100.0, true)).collect();
        let sizes: Vec<_> = reliability(&ranking(&pairs), ECE_BINS).iter().map(|b| b.n).collect();
        assert_eq!(sizes.len(), 15);
        assert!(sizes.iter().all(|n| (6..=7).contains(n)), "{sizes:?}");
    }

    #[test]
    fn ties_stay_together() {
        let mut pairs = vec![(0.7, true); 60];
        pairs.extend([(0.7, false); 40]);
        let r = ranking(&pairs);
        assert_eq!(reliability(&r, ECE_BINS).len(), 1);
        assert!((ece(&r, ECE_BINS) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn few_or_no_decisions() {
        assert_eq!(ece(&ranking(&[]), ECE_BINS), 0.0);
        assert!(reliability(&ranking(&[(0.5, true)]), 0).is_empty());
        assert_eq!(reliability(&ranking(&[(0.5, true), (0.9, false)]), ECE_BINS).len(), 2);
    }

    #[test]
    fn histogram_counts_everyone_once() {
        let r = ranking(&[(0.0, true), (0.24, true), (0.25, false), (1.0, true), (1.0, true)]);
        assert_eq!(confidence_histogram(&r, 4), [2, 1, 0, 2]);
        assert!(confidence_histogram(&r, 0).is_empty());
    }
}
