//! Fitting the correctness model: what the signs add to the mixture's own log-odds, by logistic regression with a ridge
//! penalty, its strength and its very use chosen by cross-validated log loss.

use firstline_triage::{Correctness, SIGNS, Signs};

use crate::prepare::shuffled;

/// Penalties that are tried, in units of one example's loss for a weight of one standard deviation.
const PENALTIES: [f64; 5] = [0.3, 3.0, 30.0, 300.0, 3_000.0];
const FOLDS: usize = 5;
/// Newton's steps; it has long converged by then.
const STEPS: usize = 25;
/// Fewest of right and of wrong decisions that anything can be learnt from.
const LEAST: usize = 10;
const D: usize = SIGNS.len() + 1;
/// The sign that is the mixture's own log-odds: unpenalised, its weight is 1, so a strong penalty leaves the mixture.
const LOG_ODDS: usize = 0;

/// A decision of the mixture, with what is known about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedDecision {
    /// What speaks for or against it.
    pub(crate) signs: Signs,
    /// The mixture's own probability of the label.
    pub(crate) probability: f64,
    /// Whether the label was right.
    pub(crate) right: bool,
}

/// Fits the model to `decisions`. `None` where there is too little to learn from, or where the mixture's own probability,
/// cross-validated, says as much.
pub(crate) fn fit_correctness(decisions: &[SignedDecision], seed: u64) -> Option<Correctness> {
    let right = decisions.iter().filter(|d| d.right).count();
    if right < LEAST || decisions.len() - right < LEAST {
        return None;
    }
    let order = shuffled(decisions.len(), seed);
    let mut best = (decisions.iter().map(|d| loss(d.probability, d.right)).sum::<f64>(), None);
    for penalty in PENALTIES {
        let mut total = 0.0;
        for fold in 0..FOLDS {
            let part =
                |inside: bool| order.iter().enumerate().filter(move |(i, _)| (i % FOLDS == fold) == inside);
            let train: Vec<_> = part(false).map(|(_, &i)| decisions[i]).collect();
            let model = ridge(&train, penalty);
            total += part(true)
                .map(|(_, &i)| loss(model.probability(&decisions[i].signs), decisions[i].right))
                .sum::<f64>();
        }
        if total < best.0 {
            best = (total, Some(penalty));
        }
    }
    best.1.map(|penalty| ridge(decisions, penalty))
}

fn loss(p: f64, right: bool) -> f64 {
    -(if right { p } else { 1.0 - p }).max(1e-9).ln()
}

/// Minimises the log loss plus `penalty / 2` times the squared weights of the standardised signs, by Newton's method;
/// the weights add to the mixture's log-odds.
fn ridge(decisions: &[SignedDecision], penalty: f64) -> Correctness {
    let n = decisions.len() as f64;
    let mean: Signs = std::array::from_fn(|j| decisions.iter().map(|d| d.signs[j]).sum::<f64>() / n);
    let scale: Signs = std::array::from_fn(|j| {
        let variance = decisions.iter().map(|d| (d.signs[j] - mean[j]).powi(2)).sum::<f64>() / n;
        variance.sqrt().max(1e-9)
    });
    // The last input is 1, for the bias, which is not penalised.
    let input = |signs: &Signs| -> [f64; D] {
        std::array::from_fn(|j| if j + 1 < D { (signs[j] - mean[j]) / scale[j] } else { 1.0 })
    };
    let mut w = [0.0; D];
    for _ in 0..STEPS {
        let mut gradient = [0.0; D];
        let mut hessian = [[0.0; D]; D];
        for (j, row) in hessian.iter_mut().enumerate() {
            let penalty = if j + 1 < D { penalty } else { 1e-6 };
            row[j] = penalty;
            gradient[j] = penalty * w[j];
        }
        for SignedDecision { signs, right, .. } in decisions {
            let x = input(signs);
            let z: f64 = signs[LOG_ODDS] + w.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>();
            let p = 1.0 / (1.0 + (-z).exp());
            let (residual, curve) = (p - f64::from(u8::from(*right)), (p * (1.0 - p)).max(1e-9));
            for j in 0..D {
                gradient[j] += residual * x[j];
                for i in 0..=j {
                    hessian[j][i] += curve * x[j] * x[i];
                }
            }
        }
        let step = solve(hessian, gradient);
        w.iter_mut().zip(step).for_each(|(w, s)| *w -= s.clamp(-5.0, 5.0));
    }
    let mut weights: Vec<f64> = (0..D - 1).map(|j| w[j] / scale[j]).collect();
    let bias = w[D - 1] - weights.iter().zip(mean).map(|(w, m)| w * m).sum::<f64>();
    weights[LOG_ODDS] += 1.0;
    Correctness { weights, bias }
}

/// Solves `a x = b` for a positive definite `a`, of which the lower half is read, by Cholesky's decomposition.
fn solve(mut a: [[f64; D]; D], mut b: [f64; D]) -> [f64; D] {
    for j in 0..D {
        for i in 0..=j {
            let sum: f64 = (0..i).map(|k| a[j][k] * a[i][k]).sum();
            a[j][i] = if i == j { (a[j][j] - sum).max(1e-12).sqrt() } else { (a[j][i] - sum) / a[i][i] };
        }
    }
    for j in 0..D {
        let sum: f64 = (0..j).map(|k| a[j][k] * b[k]).sum();
        b[j] = (b[j] - sum) / a[j][j];
    }
    for j in (0..D).rev() {
        let sum: f64 = (j + 1..D).map(|k| a[k][j] * b[k]).sum();
        b[j] = (b[j] - sum) / a[j][j];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_stats::{Ranking, Scored, aurc};

    /// Decisions whose chance of being right depends on `of` the first two signs; the mixture knows the first alone.
    fn decisions(n: usize, of: impl Fn(f64, f64) -> f64) -> Vec<SignedDecision> {
        let (a, b, c) = (shuffled(n, 1), shuffled(n, 2), shuffled(n, 3));
        let unit = |i: usize| i as f64 / n as f64;
        (0..n)
            .map(|i| {
                let mut signs = [0.0; SIGNS.len()];
                (signs[0], signs[1]) = (4.0 * unit(a[i]), 4.0 * unit(b[i]) - 2.0);
                let p = |z: f64| 1.0 / (1.0 + (-z).exp());
                let right = unit(c[i]) < p(of(signs[0], signs[1]));
                SignedDecision { signs, probability: p(signs[0]), right }
            })
            .collect()
    }

    #[test]
    fn a_sign_that_the_mixture_does_not_know_is_found_and_orders_better() {
        let all = decisions(4_000, |a, b| a + 1.5 * b);
        let model = fit_correctness(&all[..2_000], 7).unwrap();
        assert!((model.weights[1] - 1.5).abs() < 0.3, "{model:?}");
        let area = |confidence: &dyn Fn(&SignedDecision) -> f64| {
            aurc(&Ranking::new(
                all[2_000..].iter().map(|d| Scored { confidence: confidence(d), correct: d.right }),
            ))
        };
        assert!(area(&|d| model.probability(&d.signs)) < 0.8 * area(&|d| d.probability));
    }

    #[test]
    fn where_the_mixture_knows_all_there_is_no_model() {
        let all = decisions(2_000, |a, _| a);
        if let Some(model) = fit_correctness(&all, 7) {
            assert!(model.weights[1].abs() < 0.2, "nothing much may be made of noise: {model:?}");
        }
        let mut sure = decisions(200, |_, _| 20.0);
        sure.iter_mut().for_each(|d| d.right = true);
        assert!(fit_correctness(&sure, 7).is_none(), "nothing wrong, nothing to learn");
    }

    #[test]
    fn the_solver_solves() {
        let mut a = [[0.0; D]; D];
        for (j, row) in a.iter_mut().enumerate() {
            row.iter_mut().take(j + 1).for_each(|x| *x = 1.0);
            row[j] = 1.0 + j as f64;
        }
        let x: [f64; D] = std::array::from_fn(|j| j as f64 - 3.0);
        let b = std::array::from_fn(|i| (0..D).map(|j| a[i.max(j)][i.min(j)] * x[j]).sum());
        assert!(solve(a, b).iter().zip(x).all(|(got, want)| (got - want).abs() < 1e-9));
    }
}
