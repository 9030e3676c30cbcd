//! What is done row by row: layer norm, and turning and quantising activations.

use crate::cpu::{Cpu, Task, dispatch};
use crate::simd::{Simd, gelu, gelu_tanh};
use crate::{Grid, Isa, padded};

/// Rows of activations, turned as by [`turn`], as bytes: `x = scale * u + low`, with a scale and a low of its
/// own for each row ("dynamic, per token, asymmetric"). Rows are padded to a multiple of 16 bytes.
#[derive(Debug, Clone, Default)]
pub struct QuantisedRows {
    grid: Grid,
    width: usize,
    bytes: Vec<u8>,
    scales: Vec<f32>,
    lows: Vec<f32>,
    turned: Vec<f32>,
}

/// Rows that go from one step to the next together: what is slow at the end of a row, the sum over a vector, then
/// waits for no other row.
const ROWS: usize = 4;
/// As many values of them as stay in the first-level cache.
const TURNED: usize = 4096;

impl QuantisedRows {
    /// Makes room for `rows` rows of `width` values; what was there is lost. Allocates only when it has never
    /// been as large.
    pub fn reset(&mut self, rows: usize, width: usize) {
        self.width = padded(width);
        self.bytes.resize(rows * self.width, 0);
        self.turned.resize(self.width * (TURNED / self.width.max(1)).clamp(1, ROWS), 0.0);
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

    /// The numbers they were quantised to.
    pub fn grid(&self) -> Grid {
        self.grid
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

/// What is done with each value before a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Identity,
    /// GELU; absolute error below 5e-4.
    Gelu,
    /// GELU's tanh approximation.
    GeluTanh,
    /// `max(x, 0)`
    Relu,
}

/// Quantises rows of `n` values, `padded(n)` apart: each goes through `activation`, is multiplied by its column's
/// `factor` where such are given (the layer's weights must have been divided by it), and turned with its
/// neighbours. Padding must be 0.
///
/// The activation belongs here and not to the end of the layer before: its multiplications and the additions of
/// the turn use different units of the CPU.
///
/// # Panics
/// When the lengths do not belong together.
pub fn quantise(
    isa: Isa,
    x: &[f32],
    n: usize,
    activation: Activation,
    factor: Option<&[f32]>,
    out: &mut QuantisedRows,
) {
    let width = padded(n);
    assert!(n > 0 && x.len().is_multiple_of(width), "rows of {n} values");
    assert!(factor.is_none_or(|factor| factor.len() == width), "factors of another width");
    out.reset(x.len() / width, n);
    dispatch(isa, Quantise { x, activation, factor, out });
}

struct Quantise<'a> {
    x: &'a [f32],
    activation: Activation,
    factor: Option<&'a [f32]>,
    out: &'a mut QuantisedRows,
}

impl Task for Quantise<'_> {
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

impl Quantise<'_> {
    #[inline(always)]
    fn rows<C: Cpu, const G: usize>(self, cpu: C) {
        let s = cpu.simd();
        let lanes = C::S::LANES;
        let QuantisedRows { grid, width, bytes, scales, lows, turned } = self.out;
        *grid = C::GRID;
        let (width, levels) = (*width, grid.levels());
        let count = turned.len() / width;
        let blocks = self.x.chunks(count * width).zip(bytes.chunks_mut(count * width));
        for ((x, bytes), (scales, lows)) in blocks.zip(scales.chunks_mut(count).zip(lows.chunks_mut(count))) {
            let rows = x.chunks_exact(width).zip(turned.chunks_exact_mut(width));
            for ((row, turned), (scale, low)) in rows.zip(scales.iter_mut().zip(&mut *lows)) {
                let (mut least, mut most) = (s.splat(f32::INFINITY), s.splat(f32::NEG_INFINITY));
                // Stays 0 unless a value is no finite number, which the comparisons might not notice.
                let mut poison = s.splat(0.0);
                for block in (0..width).step_by(G * STRIDE) {
                    for at in (block..block + STRIDE).step_by(lanes) {
                        let mut v = [s.splat(0.0); G];
                        unrolled!(i < G, v[i] = s.load(&row[at + i * STRIDE..]));
                        match self.activation {
                            Activation::Identity => {}
                            Activation::Gelu => unrolled!(i < G, v[i] = gelu(s, v[i])),
                            Activation::GeluTanh => unrolled!(i < G, v[i] = gelu_tanh(s, v[i])),
                            Activation::Relu => unrolled!(i < G, v[i] = s.max(v[i], s.splat(0.0))),
                        }
                        if let Some(factor) = self.factor {
                            unrolled!(i < G, v[i] = s.mul(v[i], s.load(&factor[at + i * STRIDE..])));
                        }
                        butterflies(s, &mut v);
                        for (i, v) in v.into_iter().enumerate() {
                            least = s.min(v, least);
                            most = s.max(v, most);
                            poison = s.fma(v, s.splat(0.0), poison);
                            s.store(v, &mut turned[at + i * STRIDE..]);
                        }
                    }
                }
                *low = s.smallest(least) + s.sum(poison);
                *scale = (s.largest(most) - *low) / levels;
            }
            let rows = turned.chunks_exact(width).zip(bytes.chunks_exact_mut(width));
            for ((turned, bytes), (scale, low)) in rows.zip(scales.iter().zip(&*lows)) {
                let per_step = if *scale > 0.0 { scale.recip() } else { 0.0 };
                let (factor, base) = (s.splat(per_step), s.splat(-low * per_step));
                for (v, bytes) in turned.chunks_exact(lanes).zip(bytes.chunks_exact_mut(lanes)) {
                    let v = s.fma(s.load(v), factor, base);
                    // Rounding may go far beyond where a row's values are all but equal; bytes end at 255 by themselves.
                    let v = if C::GRID == Grid::Narrow { s.min(v, s.splat(levels)) } else { v };
                    s.store_bytes(v, bytes);
                }
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
        let width = padded(n);
        for rows in self.x.chunks_mut(ROWS * width) {
            // Two passes: the shorter E[x^2] - E[x]^2 loses its digits where the mean is large.
            let (mut means, mut factors) = ([0.0; ROWS], [0.0; ROWS]);
            for (row, mean) in rows.chunks_exact(width).zip(&mut means) {
                let (vectors, rest) = row[..n].split_at(whole);
                let mut sums = [s.splat(0.0); 4];
                for four in vectors.chunks(4 * lanes) {
                    for (sum, x) in sums.iter_mut().zip(four.chunks_exact(lanes)) {
                        *sum = s.add(*sum, s.load(x));
                    }
                }
                *mean = (sum_of(s, sums) + rest.iter().sum::<f32>()) / n as f32;
            }
            for (row, (mean, factor)) in rows.chunks_exact(width).zip(means.iter().zip(&mut factors)) {
                let (vectors, rest) = row[..n].split_at(whole);
                let centre = s.splat(*mean);
                let mut sums = [s.splat(0.0); 4];
                for four in vectors.chunks(4 * lanes) {
                    for (sum, x) in sums.iter_mut().zip(four.chunks_exact(lanes)) {
                        let d = s.sub(s.load(x), centre);
                        *sum = s.fma(d, d, *sum);
                    }
                }
                let rest: f32 = rest.iter().map(|x| (x - mean) * (x - mean)).sum();
                let variance = (sum_of(s, sums) + rest) / n as f32;
                *factor = (variance + self.eps).sqrt().recip();
            }
            for (row, (mean, factor)) in rows.chunks_exact_mut(width).zip(means.iter().zip(&factors)) {
                let (centre, factor) = (s.splat(*mean), s.splat(*factor));
                let parameters = self.weight.chunks(lanes).zip(self.bias.chunks(lanes));
                for (x, (w, b)) in row[..n].chunks_mut(lanes).zip(parameters) {
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
}

/// Sum of all lanes of four vectors.
#[inline(always)]
fn sum_of<S: Simd>(s: S, [a, b, c, d]: [S::F; 4]) -> f32 {
    s.sum(s.add(s.add(a, b), s.add(c, d)))
}
