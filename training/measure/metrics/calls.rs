//! In which direction ordered labels are wrong.

use serde::{Deserialize, Serialize};

use super::Predictions;

/// Tickets by how far the predicted rank is from the true one. Those of a label that the model does not know, or that has no
/// rank, are in none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Of the true rank.
    pub right: usize,
    /// One rank less urgent than they should be.
    pub under: usize,
    /// Two ranks or more less urgent.
    pub far_under: usize,
    /// One rank more urgent.
    pub over: usize,
    /// Two ranks or more more urgent.
    pub far_over: usize,
}

impl Calls {
    /// Counts `p`; `ranks[label]` is 0 for the most urgent, `None` where the label has no rank.
    ///
    /// # Panics
    /// When there are fewer ranks than labels.
    pub fn new(p: &Predictions, ranks: &[Option<usize>]) -> Self {
        let mut calls = Self::default();
        for (truth, predicted) in p.pairs() {
            let Some(truth) = truth else { continue };
            let (Some(truth), Some(predicted)) = (ranks[truth as usize], ranks[predicted as usize]) else {
                continue;
            };
            *match predicted as i64 - truth as i64 {
                0 => &mut calls.right,
                1 => &mut calls.under,
                2.. => &mut calls.far_under,
                -1 => &mut calls.over,
                _ => &mut calls.far_over,
            } += 1;
        }
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_is_counted() {
        // Labels 0, 1, 2 rank 1, 0, 2; predicted 0, 1, 2, 0, 2, 1 and one of an unknown truth.
        let row = |label: usize| (0..3).map(|c| if c == label { 0.8 } else { 0.1 }).collect::<Vec<f32>>();
        let probs: Vec<f32> = [0, 1, 2, 0, 2, 1, 0].into_iter().flat_map(row).collect();
        let truth = [Some(0), Some(0), Some(0), Some(1), Some(1), Some(2), None];
        let p = Predictions::new(3, probs, truth.to_vec()).unwrap();
        let want = Calls { right: 1, under: 2, far_under: 1, over: 1, far_over: 1 };
        assert_eq!(Calls::new(&p, &[1, 0, 2].map(Some)), want);
        let without_rank = Calls { right: 1, under: 1, over: 1, ..Calls::default() };
        assert_eq!(Calls::new(&p, &[Some(1), Some(0), None]), without_rank);
    }
}
