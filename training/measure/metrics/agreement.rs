//! How often the prediction is what people finally chose, and how much of that is more than chance.

use firstline_stats::share;

use super::Predictions;

/// Share of tickets predicted right: `hits / n`. `0` when there is no ticket.
pub fn accuracy(p: &Predictions) -> f64 {
    share(p.hits(), p.n())
}

/// Share of tickets whose true label is among the `top` most probable.
///
/// Among equal probabilities the lower index ranks first, so that `top_accuracy(p, 1)` is
/// [`accuracy`]. With `top >= k` every known label counts as found; unseen ones never do. `0` when there
/// is no ticket.
pub fn top_accuracy(p: &Predictions, top: usize) -> f64 {
    let found = p.rows().zip(p.truth()).filter(|(row, truth)| {
        truth.is_some_and(|t| {
            let t = t as usize;
            let before = |(i, q): (usize, &f32)| *q > row[t] || (*q == row[t] && i < t);
            row.iter().enumerate().filter(|&x| before(x)).count() < top
        })
    });
    share(found.count(), p.n())
}

/// Cohen's kappa of truth and prediction ([`firstline_stats::kappa`]). All unseen labels together are one class that is never
/// predicted.
pub fn kappa(p: &Predictions) -> f64 {
    firstline_stats::kappa(p.pairs().map(|(truth, predicted)| (truth, Some(predicted))))
}

/// Share of the most frequent true label: the accuracy of always giving that one answer.
///
/// It is taken from the scored tickets themselves, so it is the best that a constant answer could do.
/// Unseen labels are in `n` but not in the race, as nobody can answer them. `0` when there is no ticket.
pub fn majority_share(p: &Predictions) -> f64 {
    let mut counts = vec![0usize; p.k()];
    for t in p.truth().iter().flatten() {
        counts[*t as usize] += 1;
    }
    share(counts.into_iter().max().unwrap_or(0), p.n())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Predictions 0, 0, 1, 1, 2 for truths 0, 1, 1, 1, unseen.
    fn five() -> Predictions {
        let probs = [[0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.0, 1.0, 0.0], [0.3, 0.3, 0.4]];
        Predictions::new(3, probs.concat(), vec![Some(0), Some(1), Some(1), Some(1), None]).unwrap()
    }

    #[test]
    fn by_hand() {
        let p = five();
        assert_eq!(accuracy(&p), 0.6);
        assert_eq!(top_accuracy(&p, 1), 0.6);
        assert_eq!(top_accuracy(&p, 3), 0.8);
        assert_eq!(majority_share(&p), 0.6);
        // Chance: (1·2 + 3·2 + 0·1) / 25 = 0.32.
        assert!((kappa(&p) - 0.28 / 0.68).abs() < 1e-12);
    }

    #[test]
    fn equal_probabilities_rank_by_index() {
        let p = Predictions::new(4, vec![0.25; 8], vec![Some(2), Some(3)]).unwrap();
        assert_eq!(top_accuracy(&p, 3), 0.5);
    }

    #[test]
    fn no_ticket_and_one_class() {
        let none = Predictions::new(3, vec![], vec![]).unwrap();
        assert_eq!((accuracy(&none), top_accuracy(&none, 3), kappa(&none)), (0.0, 0.0, 0.0));
        assert_eq!(majority_share(&none), 0.0);
        let one = Predictions::new(1, vec![1.0; 3], vec![Some(0); 3]).unwrap();
        assert_eq!((accuracy(&one), kappa(&one), majority_share(&one)), (1.0, 0.0, 1.0));
    }

    #[test]
    fn only_unseen_labels() {
        let p = Predictions::new(2, vec![0.9, 0.1], vec![None]).unwrap();
        assert_eq!((accuracy(&p), top_accuracy(&p, 3), kappa(&p), majority_share(&p)), (0.0, 0.0, 0.0, 0.0));
    }
}
