//! Choosing how a mixture's probabilities are corrected: temperature alone, vector scaling or isotonic regression,
//! whichever has the least cross-validated log loss on the calibrate window.

use firstline_triage::Calibrator;
use rayon::prelude::*;

use crate::prepare::shuffled;

const FOLDS: usize = 5;
/// Steps of the gradient descent that fits a vector, and their size.
const STEPS: usize = 150;
const RATE: f64 = 0.3;
/// How strongly a vector is held to changing nothing, in tickets for each label.
const PENALTY: f64 = 4.0;
/// Tickets that each step of the isotonic line stands on at least.
const LEAST_STEP: usize = 20;

/// A mixture's probabilities of one ticket, and its label.
type Told<'a> = (&'a [f32], u32);

/// The calibrator for a mixture that said `probabilities` where `labels` are right; and what is told of each ticket by
/// a calibrator of its kind that was fitted without it.
pub(crate) fn fit_calibrator(
    probabilities: &[&[f32]],
    labels: &[u32],
    seed: u64,
) -> (Calibrator, Vec<Vec<f32>>) {
    let told: Vec<Told<'_>> = probabilities.iter().copied().zip(labels.iter().copied()).collect();
    let fits: [fn(&[Told<'_>]) -> Calibrator; 3] = [|_| Calibrator::Temperature, vector, isotonic];
    let order = shuffled(told.len(), seed);
    let cross = |fit: &fn(&[Told<'_>]) -> Calibrator| -> Vec<Vec<f32>> {
        let mut calibrated = vec![Vec::new(); told.len()];
        for fold in 0..FOLDS {
            let part = |inside: bool| {
                order.iter().enumerate().filter(move |(i, _)| (i % FOLDS == fold) == inside).map(|(_, &i)| i)
            };
            let calibrator = fit(&part(false).map(|i| told[i]).collect::<Vec<_>>());
            for i in part(true) {
                calibrated[i] = told[i].0.to_vec();
                calibrator.apply(&mut calibrated[i]);
            }
        }
        calibrated
    };
    let loss = |calibrated: &Vec<Vec<f32>>| -> f64 {
        let nll = |(p, &label): (&Vec<f32>, &u32)| -f64::from(p[label as usize].max(1e-9)).ln();
        calibrated.iter().zip(labels).map(nll).sum()
    };
    let mut crossed: Vec<Vec<Vec<f32>>> = fits.iter().map(cross).collect();
    let losses: Vec<f64> = crossed.iter().map(loss).collect();
    // The simplest among equals.
    let best = (0..fits.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap_or(0);
    (fits[best](&told), crossed.swap_remove(best))
}

/// Vector scaling by gradient descent with a penalty on what it changes.
fn vector(told: &[Told<'_>]) -> Calibrator {
    let Some(k) = told.first().map(|(p, _)| p.len()) else { return Calibrator::Temperature };
    let logs: Vec<Vec<f64>> =
        told.iter().map(|(p, _)| p.iter().map(|&p| f64::from(p.max(1e-9)).ln()).collect()).collect();
    // Changes of scale, then shifts.
    let mut w = vec![0.0f64; 2 * k];
    let mut seen = vec![1e-3f64; 2 * k];
    for _ in 0..STEPS {
        let gradient = |(logs, (_, label)): (&Vec<f64>, &Told<'_>)| {
            let z: Vec<f64> = (0..k).map(|c| (1.0 + w[c]) * logs[c] + w[k + c]).collect();
            let max = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = z.iter().map(|z| (z - max).exp()).sum();
            let residual = |c: usize| (z[c] - max).exp() / sum - f64::from(u8::from(c == *label as usize));
            let shift: Vec<f64> = (0..k).map(residual).collect();
            let scale = shift.iter().zip(logs).map(|(r, log)| r * log);
            scale.chain(shift.iter().copied()).collect::<Vec<f64>>()
        };
        // Fixed parts, summed in order: the same on any number of threads.
        let parts: Vec<Vec<f64>> = logs
            .par_chunks(256)
            .zip(told.par_chunks(256))
            .map(|(logs, told)| {
                let mut sum = vec![0.0; 2 * k];
                for pair in logs.iter().zip(told) {
                    sum.iter_mut().zip(gradient(pair)).for_each(|(s, g)| *s += g);
                }
                sum
            })
            .collect();
        for j in 0..2 * k {
            let g = (parts.iter().map(|p| p[j]).sum::<f64>() + PENALTY * w[j]) / told.len() as f64;
            seen[j] += g * g;
            w[j] -= RATE * g / seen[j].sqrt();
        }
    }
    let scale = w[..k].iter().map(|w| (1.0 + w).max(0.05) as f32).collect();
    Calibrator::Vector { scale, shift: w[k..].iter().map(|&w| w as f32).collect() }
}

/// Isotonic regression of being right on the largest probability, by pooling adjacent violators (Ayer et al. 1955), of
/// steps that stand on enough tickets.
fn isotonic(told: &[Told<'_>]) -> Calibrator {
    let mut points: Vec<(f32, bool)> = told
        .iter()
        .map(|(p, label)| {
            let top = firstline_triage::argmax(p);
            (p[top], top == *label as usize)
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Blocks: tickets, right ones, sum of their probabilities.
    let mut blocks: Vec<(usize, usize, f64)> = Vec::new();
    for chunk in points.chunks(LEAST_STEP) {
        let right = chunk.iter().filter(|(_, right)| *right).count();
        blocks.push((chunk.len(), right, chunk.iter().map(|(p, _)| f64::from(*p)).sum()));
        while let [.., a, b] = blocks[..]
            && a.1 * b.0 >= b.1 * a.0
        {
            blocks.truncate(blocks.len() - 2);
            blocks.push((a.0 + b.0, a.1 + b.1, a.2 + b.2));
        }
    }
    if blocks.is_empty() {
        return Calibrator::Temperature;
    }
    // Nobody is ever quite sure (Laplace's rule).
    let to = blocks.iter().map(|&(n, right, _)| ((right + 1) as f64 / (n + 2) as f64) as f32);
    let mut to: Vec<f32> = to.collect();
    for i in 1..to.len() {
        to[i] = to[i].max(to[i - 1]);
    }
    Calibrator::Isotonic { from: blocks.iter().map(|&(n, _, sum)| (sum / n as f64) as f32).collect(), to }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` tickets of two labels at probabilities spread over `0.5..1`, right with the probability that `truth` says.
    fn draw(n: usize, truth: impl Fn(f32) -> f32) -> (Vec<[f32; 2]>, Vec<u32>) {
        let (a, b, c) = (shuffled(n, 1), shuffled(n, 2), shuffled(n, 3));
        (0..n)
            .map(|i| {
                let p = 0.5 + 0.5 * (a[i] as f32 + 0.5) / n as f32;
                let top = (c[i] % 2) as u32;
                let right = (b[i] as f32) < truth(p) * n as f32;
                (if top == 0 { [p, 1.0 - p] } else { [1.0 - p, p] }, if right { top } else { 1 - top })
            })
            .unzip()
    }

    fn chosen(p: &[[f32; 2]], labels: &[u32]) -> Calibrator {
        fit_calibrator(&p.iter().map(|p| &p[..]).collect::<Vec<_>>(), labels, 5).0
    }

    #[test]
    fn what_is_calibrated_stays_nearly_as_it_is() {
        let (p, labels) = draw(2_000, |p| p);
        let c = chosen(&p, &labels);
        for p in [0.6, 0.75, 0.9] {
            let mut q = [p, 1.0 - p];
            c.apply(&mut q);
            assert!((q[0] - p).abs() < 0.06, "{p} becomes {} by {}", q[0], c.name());
        }
    }

    #[test]
    fn a_step_is_found_by_the_isotonic_line() {
        let (p, labels) = draw(4_000, |p| if p < 0.8 { 0.6 } else { 0.97 });
        let c = chosen(&p, &labels);
        assert_eq!(c.name(), "isotonic");
        let mut low = [0.75, 0.25];
        c.apply(&mut low);
        assert!((low[0] - 0.6).abs() < 0.05, "{low:?}");
    }

    #[test]
    fn a_label_that_is_told_too_often_is_shifted() {
        let (p, mut labels) = draw(3_000, |p| p);
        // A third of what is told as label 0 is label 1.
        for (i, (p, label)) in p.iter().zip(&mut labels).enumerate() {
            if p[0] > p[1] && i % 3 == 0 {
                *label = 1;
            }
        }
        let c = chosen(&p, &labels);
        assert_eq!(c.name(), "vector");
        let mut q = [0.6, 0.4];
        c.apply(&mut q);
        assert!(q[0] < 0.55, "{q:?}");
    }
}
