//! A multinomial logistic head: one linear map from features to logits.

use crate::features::SparseRow;

/// Weights of one head over the sparse block, the embedding, or both.
///
/// `logits = bias + sum_j x_j * sparse[j] + sum_d e_d * dense[d]`, each row `classes` wide. A block that the
/// head does not read is empty; sparse features beyond its rows are ignored.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Number of classes, `k`.
    pub classes: usize,
    /// Sparse weights, `features x k`, row-major; empty when the head does not read them.
    pub sparse: Vec<f32>,
    /// Embedding weights, `dimensions x k`, row-major, of as many leading dimensions as the head reads; empty when it
    /// reads none.
    pub dense: Vec<f32>,
    /// Bias, `k`.
    pub bias: Vec<f32>,
}

impl Head {
    /// Whether the shapes fit each other and a head that reads `dimensions` of an embedding.
    pub fn is_consistent(&self, dimensions: usize) -> bool {
        let k = self.classes;
        k > 0
            && self.bias.len() == k
            && self.sparse.len().is_multiple_of(k)
            && (self.dense.is_empty() || self.dense.len() == dimensions * k)
    }

    /// Logits of one ticket, `k` of them.
    ///
    /// # Panics
    /// When the head reads the embedding and `embedding` is shorter than its rows.
    pub fn logits(&self, features: SparseRow<'_>, embedding: &[f32]) -> Vec<f32> {
        let k = self.classes;
        let mut out = self.bias.clone();
        for (j, x) in features.iter() {
            // Rows past the end belong to blocks that this head does not read.
            if let Some(weights) = self.sparse.get(j * k..(j + 1) * k) {
                axpy(&mut out, x, weights);
            }
        }
        for (weights, &e) in self.dense.chunks_exact(k).zip(embedding) {
            axpy(&mut out, e, weights);
        }
        out
    }
}

/// `out += x * weights`, elementwise.
pub fn axpy(out: &mut [f32], x: f32, weights: &[f32]) {
    out.iter_mut().zip(weights).for_each(|(o, w)| *o += x * w);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_follow_the_formula() {
        let head = Head {
            classes: 2,
            sparse: vec![1.0, 2.0, 3.0, 4.0],
            dense: vec![10.0, 20.0],
            bias: vec![0.5, 0.25],
        };
        let row = SparseRow { index: &[1, 7], value: &[2.0, 9.0] };
        assert_eq!(head.logits(row, &[0.1]), [0.5 + 6.0 + 1.0, 0.25 + 8.0 + 2.0]);
        assert!(head.is_consistent(1) && !head.is_consistent(2) && !head.is_consistent(0));
    }
}
