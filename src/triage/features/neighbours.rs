//! A vote of the nearest tickets of the history, by cosine of their embeddings.

use firstline_fault::Result;
use firstline_nn::Rows;

/// Tickets looked at for one query; those without a label of the field do not vote.
const CANDIDATES: usize = 64;
/// Tickets that vote.
const VOTERS: usize = 20;
/// How fast a vote fades with distance: weight `exp((cosine - 1) / TEMPERATURE)`.
const TEMPERATURE: f32 = 0.08;
/// Weight of the prior, in votes of a ticket at cosine 1; keeps unseen labels above zero.
const PRIOR: f32 = 0.1;

/// The history's embeddings, searched by cosine.
#[derive(Debug, Clone)]
pub struct Neighbours {
    rows: Rows,
}

impl Neighbours {
    /// Indexes `n x d` unit-length embeddings, row-major.
    ///
    /// # Errors
    /// An internal error when the length is not a multiple of `dimensions`.
    pub fn new(embeddings: &[f32], dimensions: usize) -> Result<Self> {
        Ok(Self { rows: Rows::new(embeddings, dimensions)? })
    }

    /// The nearest tickets of each query (`q x d`): `(index, cosine)`, nearest first, ties by index.
    ///
    /// # Errors
    /// An internal error when the queries' length does not fit.
    pub fn nearest(&self, queries: &[f32]) -> Result<Vec<Vec<(u32, f32)>>> {
        if self.rows.is_empty() {
            return Ok(Vec::new());
        }
        let scores = self.rows.dot(queries)?;
        Ok(scores.chunks_exact(self.rows.len()).map(top_candidates).collect())
    }

    /// The vote of `nearest` over `prior.len()` classes, as log-probabilities.
    pub fn vote(nearest: &[(u32, f32)], labels: &[u32], prior: &[f32]) -> Vec<f32> {
        let mut votes: Vec<f32> = prior.iter().map(|p| PRIOR * p.max(1e-6)).collect();
        let voters = nearest.iter().filter_map(|&(i, cosine)| {
            let label = *labels.get(i as usize)? as usize;
            (label < prior.len()).then_some((label, cosine))
        });
        for (label, cosine) in voters.take(VOTERS) {
            votes[label] += ((cosine - 1.0) / TEMPERATURE).exp();
        }
        let total: f32 = votes.iter().sum();
        votes.iter().map(|v| (v / total).ln()).collect()
    }
}

fn top_candidates(scores: &[f32]) -> Vec<(u32, f32)> {
    let nearer = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(2 * CANDIDATES);
    let mut bar = f32::NEG_INFINITY;
    for (i, &score) in scores.iter().enumerate() {
        if score > bar || best.len() < CANDIDATES {
            best.push((i as u32, score));
            if best.len() == 2 * CANDIDATES {
                best.sort_unstable_by(nearer);
                best.truncate(CANDIDATES);
                bar = best[CANDIDATES - 1].1;
            }
        }
    }
    best.sort_unstable_by(nearer);
    best.truncate(CANDIDATES);
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_candidates_agree_with_a_full_sort() {
        let scores: Vec<f32> = (0..1000u32).map(|i| ((i * 7919) % 503) as f32).collect();
        let mut all: Vec<(u32, f32)> = scores.iter().enumerate().map(|(i, &s)| (i as u32, s)).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        assert_eq!(top_candidates(&scores), all[..CANDIDATES]);
        assert_eq!(top_candidates(&scores[..5]).len(), 5);
    }

    #[test]
    fn near_tickets_outvote_far_ones_and_unlabelled_ones_do_not_vote() {
        let index = Neighbours::new(&[1.0, 0.0, 0.0, 1.0, 0.9, 0.1], 2).unwrap();
        let nearest = index.nearest(&[1.0, 0.0]).unwrap().remove(0);
        assert_eq!(nearest.iter().map(|n| n.0).collect::<Vec<_>>(), [0, 2, 1]);
        let log_p = Neighbours::vote(&nearest, &[0, 1, 0], &[0.5, 0.5]);
        assert!(log_p[0] > log_p[1]);
        let log_p = Neighbours::vote(&nearest, &[u32::MAX, 1, u32::MAX], &[0.5, 0.5]);
        assert!((log_p.iter().map(|l| l.exp()).sum::<f32>() - 1.0).abs() < 1e-5);
        assert!(log_p[1] >= log_p[0]);
    }
}
