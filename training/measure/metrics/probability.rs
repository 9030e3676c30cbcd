//! Proper scores: how good the probabilities are, not only the choice.

use super::Predictions;

/// The least probability that [`nll`] takes the logarithm of: the spacing of `f32` at one, about 1.2e-7.
/// A label the model ruled out, or never knew, thus costs 15.9 nats and not infinitely many.
pub const PROBABILITY_FLOOR: f64 = f32::EPSILON as f64;

/// Mean negative log-likelihood, in nats: `-1/n Σ_i ln max(p_i[truth_i], floor)`, with
/// [`PROBABILITY_FLOOR`] for unseen labels. `0` when there is no ticket.
pub fn nll(p: &Predictions) -> f64 {
    mean_by_ticket(p, |_, true_p| -true_p.max(PROBABILITY_FLOOR).ln())
}

/// Multiclass Brier score (Monthly Weather Review 78, 1950): `1/n Σ_i Σ_c (p_i[c] - [c = truth_i])²`, in
/// `0..=2`.
///
/// An unseen label is one more class that was given probability 0, so it adds 1 to the squares of the
/// others. `0` when there is no ticket.
pub fn brier(p: &Predictions) -> f64 {
    mean_by_ticket(p, |row, true_p| {
        let squares: f64 = row.iter().map(|q| f64::from(*q) * f64::from(*q)).sum();
        squares - 2.0 * true_p + 1.0
    })
}

/// Mean of `loss(row, probability of the true label)`, which is 0 for an unseen label. The losses are
/// sorted before they are added, so that the sum does not depend on the order of the tickets.
fn mean_by_ticket(p: &Predictions, loss: impl Fn(&[f32], f64) -> f64) -> f64 {
    let mut losses: Vec<f64> = p
        .rows()
        .zip(p.truth())
        .map(|(row, truth)| loss(row, truth.map_or(0.0, |t| f64::from(row[t as usize]))))
        .collect();
    losses.sort_unstable_by(f64::total_cmp);
    if losses.is_empty() { 0.0 } else { losses.iter().sum::<f64>() / losses.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let p = Predictions::new(2, vec![0.75, 0.25, 0.5, 0.5], vec![Some(0), Some(1)]).unwrap();
        assert!((nll(&p) - (-(0.75f64.ln()) - 0.5f64.ln()) / 2.0).abs() < 1e-12);
        assert!((brier(&p) - (0.125 + 0.5) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn impossible_and_unseen_labels_cost_the_floor_and_one() {
        let ruled_out = Predictions::new(2, vec![1.0, 0.0], vec![Some(1)]).unwrap();
        let unseen = Predictions::new(2, vec![1.0, 0.0], vec![None]).unwrap();
        assert_eq!(nll(&ruled_out), -PROBABILITY_FLOOR.ln());
        assert_eq!(nll(&unseen), nll(&ruled_out));
        assert_eq!((brier(&ruled_out), brier(&unseen)), (2.0, 2.0));
        let split = Predictions::new(2, vec![0.5, 0.5], vec![None]).unwrap();
        assert_eq!(brier(&split), 1.5);
    }

    #[test]
    fn no_ticket() {
        let none = Predictions::new(2, vec![], vec![]).unwrap();
        assert_eq!((nll(&none), brier(&none)), (0.0, 0.0));
    }
}
