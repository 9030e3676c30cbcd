//! Activations for layers of blocks: rows quantised in groups of 32, and what is done with a row before that, root mean
//! square norm (Zhang and Sennrich, arXiv 1910.07467) or SwiGLU (Shazeer, arXiv 2002.05202).

use crate::Isa;
use crate::blocks::GROUP;
use crate::cpu::{Cpu, Task, dispatch};
use crate::simd::{Simd, silu};

/// Rows of activations as signed bytes, -127 to 127, with a scale for every group.
#[derive(Debug, Clone, Default)]
pub struct GroupedRows {
    width: usize,
    bytes: Vec<i8>,
    factors: Vec<Factor>,
}

/// Of a row's group: its scale, and the scale times the sum of the first half, the second half, both.
pub(crate) type Factor = [f32; 4];

/// Some of the rows, to be written.
#[derive(Debug)]
pub struct GroupedPart<'a> {
    width: usize,
    /// The first of these rows.
    first: usize,
    bytes: &'a mut [i8],
    factors: &'a mut [Factor],
}

impl GroupedRows {
    /// Makes room for `rows` rows of `width` values, a multiple of [`GROUP`]; what was there is lost.
    ///
    /// # Panics
    /// When it is none.
    pub fn reset(&mut self, rows: usize, width: usize) {
        assert!(width > 0 && width.is_multiple_of(GROUP), "rows of {width} values");
        self.width = width;
        self.bytes.resize(rows * width, 0);
        self.factors.resize(rows * (width / GROUP), [0.0; 4]);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.width.max(1)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Value `column` of row `row`, as quantised.
    ///
    /// # Panics
    /// When there is no such row or column.
    pub fn get(&self, row: usize, column: usize) -> f32 {
        assert!(column < self.width, "column {column} of {}", self.width);
        let at = row * self.width + column;
        self.factors[at / GROUP][0] * f32::from(self.bytes[at])
    }

    /// The rows in parts of `rows`, to be written by whoever has one.
    ///
    /// # Panics
    /// When `rows` is 0.
    pub fn parts(&mut self, rows: usize) -> Vec<GroupedPart<'_>> {
        let width = self.width;
        let bytes = self.bytes.chunks_mut(rows * width);
        bytes
            .zip(self.factors.chunks_mut(rows * (width / GROUP)))
            .enumerate()
            .map(|(i, (bytes, factors))| GroupedPart { width, first: i * rows, bytes, factors })
            .collect()
    }

    /// Bytes and factors.
    pub(crate) fn all(&self) -> (&[i8], &[Factor]) {
        (&self.bytes, &self.factors)
    }
}

impl GroupedPart<'_> {
    /// The first of its rows.
    pub fn first(&self) -> usize {
        self.first
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.bytes.len() / self.width
    }
}

/// What is done with a row before it is quantised.
#[derive(Debug, Clone, Copy)]
pub enum Before<'a> {
    /// Nothing.
    Nothing,
    /// `x * weight / sqrt(mean(x^2) + eps)`
    RmsNorm {
        /// One for each value.
        weight: &'a [f32],
        /// What keeps the root from being 0.
        eps: f32,
    },
    /// `silu(x) * up`
    SwiGlu {
        /// One for each value of each row.
        up: &'a [f32],
    },
}

/// Puts rows of `x` through `before` and quantises them to the rows of `out`, the same number: symmetrically, the nearest
/// of 255 values. A group with a value that is no finite number has a scale that is none.
///
/// # Panics
/// When the lengths do not belong together.
pub fn quantise_groups(isa: Isa, x: &[f32], before: Before<'_>, out: &mut GroupedPart<'_>) {
    assert_eq!(x.len(), out.rows() * out.width, "rows of {} values", out.width);
    match before {
        Before::Nothing => {}
        Before::RmsNorm { weight, .. } => assert_eq!(weight.len(), out.width, "a norm of another width"),
        Before::SwiGlu { up } => assert_eq!(up.len(), x.len(), "gates and ups"),
    }
    dispatch(isa, Quantise { x, before, out });
}

/// `1 / sqrt(mean(x^2) + eps)`
#[inline(always)]
fn per_root<S: Simd>(s: S, row: &[f32], eps: f32) -> f32 {
    let mut sums = [s.splat(0.0); 4];
    for (i, at) in (0..row.len()).step_by(S::LANES).enumerate() {
        let v = s.load(&row[at..]);
        sums[i % 4] = s.fma(v, v, sums[i % 4]);
    }
    let sum = s.sum(s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3])));
    (sum / row.len() as f32 + eps).sqrt().recip()
}

struct Quantise<'a, 'b> {
    x: &'a [f32],
    before: Before<'a>,
    out: &'a mut GroupedPart<'b>,
}

impl Task for Quantise<'_, '_> {
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let s = cpu.simd();
        let width = self.out.width;
        let rows =
            self.out.bytes.chunks_exact_mut(width).zip(self.out.factors.chunks_exact_mut(width / GROUP));
        for (r, (bytes, factors)) in rows.enumerate() {
            let row = &self.x[r * width..][..width];
            match self.before {
                Before::Nothing => each(s, bytes, factors, Plain { row }),
                Before::RmsNorm { weight, eps } => {
                    let factor = per_root(s, row, eps);
                    each(s, bytes, factors, Normed { row, weight, factor });
                }
                Before::SwiGlu { up } => {
                    each(s, bytes, factors, Gated { gates: row, ups: &up[r * width..][..width] });
                }
            }
        }
    }
}

/// A row's values. Not a closure, which would be compiled without the instruction set.
trait Values<S: Simd>: Copy {
    /// Those from `at` on.
    fn at(self, s: S, at: usize) -> S::F;
}

#[derive(Clone, Copy)]
struct Plain<'a> {
    row: &'a [f32],
}

#[derive(Clone, Copy)]
struct Normed<'a> {
    row: &'a [f32],
    weight: &'a [f32],
    factor: f32,
}

#[derive(Clone, Copy)]
struct Gated<'a> {
    gates: &'a [f32],
    ups: &'a [f32],
}

impl<S: Simd> Values<S> for Plain<'_> {
    #[inline(always)]
    fn at(self, s: S, at: usize) -> S::F {
        s.load(&self.row[at..])
    }
}

impl<S: Simd> Values<S> for Normed<'_> {
    #[inline(always)]
    fn at(self, s: S, at: usize) -> S::F {
        s.mul(s.mul(s.load(&self.row[at..]), s.splat(self.factor)), s.load(&self.weight[at..]))
    }
}

impl<S: Simd> Values<S> for Gated<'_> {
    #[inline(always)]
    fn at(self, s: S, at: usize) -> S::F {
        s.mul(silu(s, s.load(&self.gates[at..])), s.load(&self.ups[at..]))
    }
}

#[inline(always)]
fn each<S: Simd>(s: S, bytes: &mut [i8], factors: &mut [Factor], values: impl Values<S>) {
    let groups = bytes.as_chunks_mut::<GROUP>().0.iter_mut().zip(factors);
    for (g, (bytes, factor)) in groups.enumerate() {
        let mut row = [0.0_f32; GROUP];
        let (mut most, mut poison) = (s.splat(0.0), s.splat(0.0));
        for at in (0..GROUP).step_by(S::LANES) {
            let v = values.at(s, g * GROUP + at);
            most = s.max(s.max(v, s.sub(s.splat(0.0), v)), most);
            // Stays 0 unless a value is no finite number, which the comparisons might not notice.
            poison = s.fma(v, s.splat(0.0), poison);
            s.store(v, &mut row[at..]);
        }
        let scale = s.largest(most) / 127.0 + s.sum(poison);
        let per_step = if scale >= f32::MIN_POSITIVE { scale.recip() } else { 0.0 };
        let mut shifted = [0_u8; GROUP];
        for at in (0..GROUP).step_by(S::LANES) {
            let v = s.fma(s.load(&row[at..]), s.splat(per_step), s.splat(128.0));
            s.store_bytes(v, &mut shifted[at..]);
        }
        let mut sums = [0_i32; 2];
        for k in 0..GROUP {
            bytes[k] = (shifted[k] ^ 0x80) as i8;
        }
        for k in 0..GROUP / 2 {
            sums[0] += i32::from(bytes[k]);
            sums[1] += i32::from(bytes[GROUP / 2 + k]);
        }
        let [first, second] = sums.map(|sum| scale * sum as f32);
        *factor = [scale, first, second, first + second];
    }
}
