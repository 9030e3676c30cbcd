//! What is done row by row: layer norm, and quantisation of activations.

use crate::cpu::{Cpu, Task, dispatch};
use crate::simd::Simd;
use crate::{Isa, padded};

/// Rows of activations as bytes: `x = scale * u + low`, with a scale and a low of its own for each row
/// ("dynamic, per token, asymmetric"). Rows are padded to a multiple of 16 bytes.
#[derive(Debug, Clone, Default)]
pub struct QuantisedRows {
    width: usize,
    bytes: Vec<u8>,
    scales: Vec<f32>,
    lows: Vec<f32>,
}

impl QuantisedRows {
    /// Makes room for `rows` rows of `width` values; what was there is lost. Allocates only when it has never
    /// been as large.
    pub fn reset(&mut self, rows: usize, width: usize) {
        self.width = padded(width);
        self.bytes.resize(rows * self.width, 0);
        self.scales.resize(rows, 0.0);
        self.lows.resize(rows, 0.0);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// Bytes of a row, padding included.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Value `column` of row `row`, as quantised.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn get(&self, row: usize, column: usize) -> f32 {
        assert!(column < self.width, "column {column} of {}", self.width);
        self.scales[row] * f32::from(self.bytes[row * self.width + column]) + self.lows[row]
    }

    /// Bytes, scales, lows.
    pub(crate) fn parts(&self) -> (&[u8], &[f32], &[f32]) {
        (&self.bytes, &self.scales, &self.lows)
    }
}

/// Quantises rows of `n` values, `padded(n)` apart, each multiplied by its column's `factor` first where such
/// are given: the layer's weights must have been divided by it.
///
/// # Panics
/// When the lengths do not belong together.
pub fn quantise(isa: Isa, x: &[f32], n: usize, factor: Option<&[f32]>, out: &mut QuantisedRows) {
    let width = padded(n);
    assert!(n > 0 && x.len().is_multiple_of(width), "rows of {n} values");
    assert!(factor.is_none_or(|factor| factor.len() == width), "factors of another width");
    out.reset(x.len() / width, n);
    match factor {
        Some(factor) => dispatch(isa, Quantise::<true> { x, factor, out }),
        None => dispatch(isa, Quantise::<false> { x, factor: &[], out }),
    }
}

struct Quantise<'a, const SMOOTH: bool> {
    x: &'a [f32],
    factor: &'a [f32],
    out: &'a mut QuantisedRows,
}

impl<const SMOOTH: bool> Task for Quantise<'_, SMOOTH> {
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let s = cpu.simd();
        let width = self.out.width;
        let rows = self.x.chunks_exact(width).zip(self.out.bytes.chunks_exact_mut(width));
        let ranges = self.out.scales.iter_mut().zip(&mut self.out.lows);
        for ((row, bytes), (scale, low)) in rows.zip(ranges) {
            let values = |at: usize| {
                let v = s.load(&row[at..]);
                if SMOOTH { s.mul(v, s.load(&self.factor[at..])) } else { v }
            };
            // Padding may take part: it is 0, and a range that holds 0 loses next to nothing.
            let (mut least, mut most) = (values(0), values(0));
            for at in (C::S::LANES..width).step_by(C::S::LANES) {
                let v = values(at);
                least = s.min(v, least);
                most = s.max(v, most);
            }
            let (least, most) = (s.smallest(least), s.largest(most));
            let range = most - least;
            *low = least;
            *scale = range / 255.0;
            let per_step = s.splat(if range > 0.0 { 255.0 / range } else { 0.0 });
            let base = s.splat(if range > 0.0 { -least * (255.0 / range) } else { 0.0 });
            for at in (0..width).step_by(C::S::LANES) {
                s.store_bytes(s.fma(values(at), per_step, base), &mut bytes[at..]);
            }
        }
    }
}

/// Layer norm of rows of `weight.len()` values, padded(n) apart, in place: `(x - mean) / sqrt(variance + eps)
/// * weight + bias` (Ba, Kiros, Hinton, arXiv 1607.06450). Padding must be 0 and stays so.
///
/// # Panics
/// When the lengths do not belong together.
pub fn layer_norm(isa: Isa, x: &mut [f32], weight: &[f32], bias: &[f32], eps: f32) {
    assert!(!weight.is_empty() && weight.len() == bias.len(), "{} weights", weight.len());
    assert!(x.len().is_multiple_of(padded(weight.len())), "rows of {} values", weight.len());
    dispatch(isa, LayerNorm { x, weight, bias, eps });
}

struct LayerNorm<'a> {
    x: &'a mut [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    eps: f32,
}

impl Task for LayerNorm<'_> {
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let s = cpu.simd();
        let lanes = C::S::LANES;
        let n = self.weight.len();
        let whole = n - n % lanes;
        for row in self.x.chunks_exact_mut(padded(n)) {
            let row = &mut row[..n];
            // Two passes: the shorter E[x^2] - E[x]^2 loses its digits where the mean is large.
            let (mut sum0, mut sum1) = (s.splat(0.0), s.splat(0.0));
            for pair in row[..whole].chunks(2 * lanes) {
                sum0 = s.add(sum0, s.load(pair));
                if pair.len() > lanes {
                    sum1 = s.add(sum1, s.load(&pair[lanes..]));
                }
            }
            let rest: f32 = row[whole..].iter().sum();
            let mean = (s.sum(s.add(sum0, sum1)) + rest) / n as f32;
            let centre = s.splat(mean);
            let (mut sum0, mut sum1) = (s.splat(0.0), s.splat(0.0));
            for pair in row[..whole].chunks(2 * lanes) {
                let d = s.sub(s.load(pair), centre);
                sum0 = s.fma(d, d, sum0);
                if pair.len() > lanes {
                    let d = s.sub(s.load(&pair[lanes..]), centre);
                    sum1 = s.fma(d, d, sum1);
                }
            }
            let rest: f32 = row[whole..].iter().map(|x| (x - mean) * (x - mean)).sum();
            let variance = (s.sum(s.add(sum0, sum1)) + rest) / n as f32;
            let scale = (variance + self.eps).sqrt().recip();
            let factor = s.splat(scale);
            let parameters = self.weight.chunks(lanes).zip(self.bias.chunks(lanes));
            for (x, (w, b)) in row.chunks_mut(lanes).zip(parameters) {
                if x.len() == lanes {
                    let normed = s.mul(s.sub(s.load(x), centre), factor);
                    s.store(s.fma(normed, s.load(w), s.load(b)), x);
                } else {
                    let normed = s.mul(s.sub(s.load_part(x), centre), factor);
                    s.store_part(s.fma(normed, s.load_part(w), s.load_part(b)), x);
                }
            }
        }
    }
}
