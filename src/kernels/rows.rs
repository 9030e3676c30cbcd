//! What is done row by row: layer norm, and turning and quantising activations.

use crate::cpu::{Cpu, Task, dispatch};
use crate::simd::Simd;
use crate::{Isa, padded};

/// Rows of activations, turned as by [`turn`], as bytes: `x = scale * u + low`, with a scale and a low of its
/// own for each row ("dynamic, per token, asymmetric"). Rows are padded to a multiple of 16 bytes.
#[derive(Debug, Clone, Default)]
pub struct QuantisedRows {
    width: usize,
    bytes: Vec<u8>,
    scales: Vec<f32>,
    lows: Vec<f32>,
    turned: Vec<f32>,
}

impl QuantisedRows {
    /// Makes room for `rows` rows of `width` values; what was there is lost. Allocates only when it has never
    /// been as large.
    pub fn reset(&mut self, rows: usize, width: usize) {
        self.width = padded(width);
        self.bytes.resize(rows * self.width, 0);
        self.turned.resize(self.width, 0.0);
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

    /// Value `column` of row `row`, as turned and quantised.
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

/// Values that are turned together lie so many apart: a Hadamard transform then needs additions of whole
/// vectors only, at any number of lanes.
const STRIDE: usize = 16;

/// How many values are turned together in a row of `width`, a multiple of [`STRIDE`].
fn group(width: usize) -> usize {
    1 << (width / STRIDE).trailing_zeros().min(4)
}

/// Turns a row in place by a block Hadamard transform, not normalised. Turning both activations and weights
/// leaves their products what they are, times the size of a group, which is returned; and it spreads outliers
/// of either over many channels, where they cost less (QuaRot, Ashkboos et al., arXiv 2404.00456).
///
/// # Panics
/// Unless the row's length is a multiple of 16.
#[inline(always)]
pub fn turn(row: &mut [f32]) -> usize {
    assert!(row.len().is_multiple_of(STRIDE), "a row of {} values", row.len());
    let group = group(row.len());
    for block in row.chunks_exact_mut((group * STRIDE).max(1)) {
        let mut half = STRIDE;
        while half < block.len() {
            for pair in block.chunks_exact_mut(2 * half) {
                let (a, b) = pair.split_at_mut(half);
                for (a, b) in a.iter_mut().zip(b) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
            half *= 2;
        }
    }
    group
}

/// Turns and quantises rows of `n` values, `padded(n)` apart, each multiplied by its column's `factor` first
/// where such are given: the layer's weights must have been divided by it. Padding must be 0.
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
        match group(self.out.width) {
            1 => self.rows::<C, 1>(cpu),
            2 => self.rows::<C, 2>(cpu),
            4 => self.rows::<C, 4>(cpu),
            8 => self.rows::<C, 8>(cpu),
            _ => self.rows::<C, 16>(cpu),
        }
    }
}

impl<const SMOOTH: bool> Quantise<'_, SMOOTH> {
    #[inline(always)]
    fn rows<C: Cpu, const G: usize>(self, cpu: C) {
        let s = cpu.simd();
        let lanes = C::S::LANES;
        let QuantisedRows { width, bytes, scales, lows, turned } = self.out;
        let rows = self.x.chunks_exact(*width).zip(bytes.chunks_exact_mut(*width));
        for ((row, bytes), (scale, low)) in rows.zip(scales.iter_mut().zip(lows)) {
            let (mut least, mut most) = (s.splat(f32::INFINITY), s.splat(f32::NEG_INFINITY));
            for block in (0..*width).step_by(G * STRIDE) {
                for at in (block..block + STRIDE).step_by(lanes) {
                    let mut v = [s.splat(0.0); G];
                    for (i, v) in v.iter_mut().enumerate() {
                        let at = at + i * STRIDE;
                        *v = s.load(&row[at..]);
                        if SMOOTH {
                            *v = s.mul(*v, s.load(&self.factor[at..]));
                        }
                    }
                    butterflies(s, &mut v);
                    for (i, v) in v.into_iter().enumerate() {
                        least = s.min(v, least);
                        most = s.max(v, most);
                        s.store(v, &mut turned[at + i * STRIDE..]);
                    }
                }
            }
            let (least, most) = (s.smallest(least), s.largest(most));
            let range = most - least;
            *low = least;
            *scale = range / 255.0;
            let per_step = s.splat(if range > 0.0 { 255.0 / range } else { 0.0 });
            let base = s.splat(if range > 0.0 { -least * (255.0 / range) } else { 0.0 });
            for (v, bytes) in turned.chunks_exact(lanes).zip(bytes.chunks_exact_mut(lanes)) {
                s.store_bytes(s.fma(s.load(v), per_step, base), bytes);
            }
        }
    }
}

/// The Hadamard transform of `G` vectors, lane by lane.
#[inline(always)]
fn butterflies<S: Simd, const G: usize>(s: S, v: &mut [S::F; G]) {
    let mut half = 1;
    while half < G {
        for i in 0..G {
            if i & half == 0 {
                (v[i], v[i | half]) = (s.add(v[i], v[i | half]), s.sub(v[i], v[i | half]));
            }
        }
        half *= 2;
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
