//! The supervised contrastive loss: texts of one class are drawn together and those of others apart.
//!
//! Khosla et al. (arXiv 2004.11362, equation 2) over the vectors of one batch, as Gunel et al. (arXiv 2011.01403)
//! mix it with the log loss where examples are few. It is worked out on plain vectors, outside the graph, and its
//! gradient handed to the shards: no shard needs the others' graphs (Gao et al., arXiv 2101.06983).

use super::Example;

/// How sharply near vectors are told from far ones.
const TEMPERATURE: f64 = 0.1;

/// The loss of `vectors`, the unit vectors of `batch`, over the tasks, each by its share; and its gradient for each
/// vector. Examples without another of their class in a task count for nothing in it.
pub(super) fn contrast(batch: &[Example<'_>], vectors: &[Vec<f32>], shares: &[f64]) -> (f64, Vec<Vec<f32>>) {
    let n = batch.len();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let near: Vec<Vec<f64>> =
        vectors.iter().map(|a| vectors.iter().map(|b| dot(a, b) / TEMPERATURE).collect()).collect();
    let mut loss = 0.0;
    // How the loss changes with each entry of `near`.
    let mut slopes = vec![vec![0.0; n]; n];
    for (task, share) in shares.iter().enumerate() {
        let class = |i: usize| batch[i].labels[task];
        let labelled: Vec<usize> = (0..n).filter(|&i| class(i).is_some()).collect();
        let others = |i: usize| labelled.iter().copied().filter(move |&j| j != i);
        let friends = |i: usize| others(i).filter(|&j| class(j) == class(i)).count();
        let anchors: Vec<usize> = labelled.iter().copied().filter(|&i| friends(i) > 0).collect();
        let weight = share / anchors.len().max(1) as f64;
        for &i in &anchors {
            let most = others(i).map(|j| near[i][j]).fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = others(i).map(|j| (near[i][j] - most).exp()).sum();
            let friend = 1.0 / friends(i) as f64;
            for j in others(i) {
                let log_p = near[i][j] - most - total.ln();
                let wanted = if class(j) == class(i) { friend } else { 0.0 };
                loss -= weight * wanted * log_p;
                slopes[i][j] += weight * (log_p.exp() - wanted);
            }
        }
    }
    let gradient = |i: usize| {
        let mut sum = vec![0.0; vectors[i].len()];
        for (j, other) in vectors.iter().enumerate() {
            let slope = ((slopes[i][j] + slopes[j][i]) / TEMPERATURE) as f32;
            sum.iter_mut().zip(other).for_each(|(sum, x)| *sum += slope * x);
        }
        sum
    };
    (loss, (0..n).map(gradient).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(angle: f32) -> Vec<f32> {
        vec![angle.cos(), angle.sin()]
    }

    const LABELS: [[Option<u32>; 2]; 6] = [
        [Some(0), Some(1)],
        [Some(0), None],
        [Some(1), Some(1)],
        [Some(1), Some(0)],
        [Some(2), Some(1)],
        [None, None],
    ];

    fn batch() -> Vec<Example<'static>> {
        LABELS.iter().map(|labels| Example { ids: &[], labels }).collect()
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let vectors: Vec<Vec<f32>> = (0..6).map(|i| unit(0.7 * i as f32)).collect();
        let (_, gradient) = contrast(&batch(), &vectors, &[0.7, 0.3]);
        for i in 0..6 {
            for d in 0..2 {
                let moved = |by: f32| {
                    let mut vectors = vectors.clone();
                    vectors[i][d] += by;
                    contrast(&batch(), &vectors, &[0.7, 0.3]).0
                };
                let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
                assert!((slope - f64::from(gradient[i][d])).abs() < 2e-3, "{i} {d}: {slope} {gradient:?}");
            }
        }
        assert_eq!(gradient[5], [0.0, 0.0], "a text without a label is neither drawn nor driven");
    }

    #[test]
    fn it_is_small_where_classes_lie_apart_and_log_of_the_others_where_all_are_one() {
        let apart = [0.0, 0.0, 2.0, 2.0, 4.0, 5.0].map(unit);
        assert!(contrast(&batch(), &apart, &[1.0, 0.0]).0 < 0.01);
        let one = [1.0; 6].map(unit);
        // Four others are labelled; one of them is the friend.
        assert!((contrast(&batch(), &one, &[1.0, 0.0]).0 - 4f64.ln()).abs() < 1e-9);
        assert_eq!(contrast(&[], &[], &[1.0]).0, 0.0);
    }
}
