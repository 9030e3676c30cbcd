//! Smoothing: what moves the difficulty of quantising from activations to weights (SmoothQuant, Xiao et al.,
//! arXiv 2211.10438). The activations' peaks come from the model itself, run in float32 over random tokens:
//! no text is needed, and the result depends on the weights alone. What a layer norm alone tells of its
//! channels does not help: outliers come from what is fed into it.

use candle_core::Device;

use crate::bert::Bert;
use crate::config::Config;
use crate::random::SplitMix;
use crate::weights::Weights;
use crate::{Pooling, Precision, Result};

/// Random sequences and their length. Four times as many change nothing.
const SEQUENCES: usize = 4;
const LENGTH: usize = 32;

/// Largest magnitudes of each channel of what goes into a layer's attention and into its feed-forward part.
pub(crate) type Peaks = [Vec<f32>; 2];

/// The peaks of every layer over random tokens between the two of `frame`.
///
/// # Errors
/// As [`Bert::load`] and [`Bert::peaks`].
pub(crate) fn peaks(weights: &Weights, config: &Config, frame: [u32; 2]) -> Result<Vec<Peaks>> {
    let bert = Bert::load(weights, config, Pooling::Mean, Precision::F32.dtype(), &Device::Cpu)?;
    let mut random = SplitMix::new(1);
    let length = LENGTH.min(config.max_position_embeddings);
    let sequence = |_| {
        let mut ids: Vec<u32> =
            (0..length).map(|_| (random.bits() % config.vocab_size as u64) as u32).collect();
        ids[0] = frame[0];
        ids[length - 1] = frame[1];
        ids
    };
    let sequences: Vec<Vec<u32>> = (0..SEQUENCES).map(sequence).collect();
    bert.peaks(&sequences.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// What each input of a layer of `weight` (`outputs x inputs`) is multiplied by before it is quantised: the
/// geometric mean of its largest weight and the reciprocal of its peak.
pub(crate) fn factors(peaks: &[f32], weight: &[f32]) -> Vec<f32> {
    let mut largest = vec![0.0_f32; peaks.len()];
    for row in weight.chunks_exact(peaks.len()) {
        largest.iter_mut().zip(row).for_each(|(most, w)| *most = most.max(w.abs()));
    }
    let factor = |(peak, weight): (&f32, &f32)| {
        let factor = (weight / peak).sqrt();
        if factor.is_finite() && factor > 1e-4 { factor } else { 1.0 }
    };
    peaks.iter().zip(&largest).map(factor).collect()
}

/// Divides the weights (`outputs x inputs`) by what their inputs are multiplied by.
pub(crate) fn fold_into(factors: &[f32], weight: &mut [f32]) {
    for row in weight.chunks_exact_mut(factors.len()) {
        row.iter_mut().zip(factors).for_each(|(w, factor)| *w /= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smoothed_layer_gives_what_it_gave() {
        let plain = vec![1.0, -2.0, 0.5, 0.25, 3.0, 0.0];
        let mut weight = plain.clone();
        let factors = factors(&[4.0, 0.1, 0.0], &plain);
        assert_eq!(factors[0], 0.5);
        assert_eq!(factors[2], 1.0, "no peak, no factor");
        fold_into(&factors, &mut weight);
        for (plain, weight) in plain.chunks_exact(3).zip(weight.chunks_exact(3)) {
            let x = [0.7_f32, -1.5, 2.0];
            let want: f32 = plain.iter().zip(x).map(|(w, x)| w * x).sum();
            let got: f32 = weight.iter().zip(x).zip(&factors).map(|((w, x), f)| w * x * f).sum();
            assert!((got - want).abs() < 1e-5, "{got}, not {want}");
        }
    }
}
