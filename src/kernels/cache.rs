//! Attention over keys and values that are kept, in float16, from one token to the next. Several query heads may share
//! one head of keys and values (Ainslie et al., arXiv 2305.13245); the rows of queries here all do.
//!
//! Keys lie in blocks of 16 tokens, on their side: `size x 16` values a block. Values lie token by token.
#![allow(unsafe_code)]

use crate::Isa;
use crate::cpu::{Cpu, Task, dispatch};
use crate::simd::{Simd, exp2};

/// Tokens of a block of keys: a head's keep is made for a multiple of these.
pub const KEY_BLOCK: usize = 16;

/// Score of what is not to be attended to: far below any other, and still a number.
const NOT_THERE: f32 = -1e30;

/// Keeps a token's `key` and `value`, of one head, as the one at `position` in `keys` and `values`. What float16 can't hold
/// becomes the greatest that it can: an infinite value would spoil other rows, where it has no weight.
///
/// # Panics
/// When there is no room at `position`, or the lengths are not those of heads of one size.
pub fn keep(isa: Isa, keys: &mut [u16], values: &mut [u16], position: usize, key: &[f32], value: &[f32]) {
    let size = key.len();
    check(size, keys, values);
    assert!(value.len() == size && position < values.len() / size, "position {position}");
    dispatch(isa, Keep { keys, values, position, key, value });
}

fn check(size: usize, keys: &[u16], values: &[u16]) {
    assert!(size > 0 && size.is_multiple_of(16), "heads of {size} values");
    assert!(keys.len() == values.len() && keys.len().is_multiple_of(KEY_BLOCK * size), "another size");
}

struct Keep<'a> {
    keys: &'a mut [u16],
    values: &'a mut [u16],
    position: usize,
    key: &'a [f32],
    value: &'a [f32],
}

impl Task for Keep<'_> {
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let (s, size) = (cpu.simd(), self.key.len());
        let value = &mut self.values[self.position * size..][..size];
        for at in (0..size).step_by(C::S::LANES) {
            s.store_half(finite(s, s.load(&self.value[at..])), &mut value[at..]);
        }
        let block = &mut self.keys[self.position / KEY_BLOCK * KEY_BLOCK * size..][..KEY_BLOCK * size];
        let mut halves = [0_u16; 16];
        for at in (0..size).step_by(C::S::LANES) {
            s.store_half(finite(s, s.load(&self.key[at..])), &mut halves);
            for lane in 0..C::S::LANES {
                block[(at + lane) * KEY_BLOCK + self.position % KEY_BLOCK] = halves[lane];
            }
        }
    }
}

/// What float16 can hold.
#[inline(always)]
fn finite<S: Simd>(s: S, v: S::F) -> S::F {
    const MOST: f32 = 65_504.0;
    s.min(s.max(v, s.splat(-MOST)), s.splat(MOST))
}

/// `softmax(q . keys / sqrt(size)) . values` for each row of `queries`, over as many of the first tokens as `limits` says
/// for it: rows of `size` values, to the same rows of `out`. A row's result is the same to the bit whatever other rows
/// there are. `scratch` grows as needed.
///
/// # Panics
/// When the lengths do not belong together, or a limit is 0 or more than what is kept.
#[allow(clippy::too_many_arguments, reason = "each is a matrix")]
pub fn attend(
    isa: Isa,
    size: usize,
    queries: &[f32],
    limits: &[usize],
    keys: &[u16],
    values: &[u16],
    scratch: &mut Vec<f32>,
    out: &mut [f32],
) {
    check(size, keys, values);
    assert!(queries.len() == limits.len() * size && out.len() == queries.len(), "rows of {size} values");
    let most = limits.iter().copied().max().unwrap_or(0);
    assert!(limits.iter().all(|&l| l > 0) && most <= values.len() / size, "{most} tokens are not kept");
    let top = most.next_multiple_of(KEY_BLOCK);
    let wide = if limits.len() >= WIDENED { top * size } else { 0 };
    let room = ROWS * top + 2 * wide;
    if scratch.len() < room {
        scratch.resize(room, 0.0);
    }
    let (scores, kept) = scratch[..room].split_at_mut(ROWS * top);
    let used = top * size;
    dispatch(
        isa,
        Attend { size, queries, limits, keys: &keys[..used], values: &values[..used], scores, kept, out },
    );
}

/// Most rows that are attended to together.
const ROWS: usize = 4;
/// From so many rows on, all that is kept is made float32 first, once for all of them.
const WIDENED: usize = 12;

struct Attend<'a> {
    size: usize,
    queries: &'a [f32],
    limits: &'a [usize],
    keys: &'a [u16],
    values: &'a [u16],
    scores: &'a mut [f32],
    /// Room for keys and values as float32, or none.
    kept: &'a mut [f32],
    out: &'a mut [f32],
}

impl Task for Attend<'_> {
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let Self { size, queries, limits, keys, values, scores, kept, out } = self;
        if kept.is_empty() {
            return Rows { size, queries, limits, keys, values, scores, out }.all(cpu);
        }
        let s = cpu.simd();
        let (wide_keys, wide_values) = kept.split_at_mut(keys.len());
        for (from, to) in [(keys, &mut *wide_keys), (values, &mut *wide_values)] {
            for (from, to) in from.chunks_exact(C::S::LANES).zip(to.chunks_exact_mut(C::S::LANES)) {
                s.store(s.load_half(from), to);
            }
        }
        Rows { size, queries, limits, keys: &*wide_keys, values: &*wide_values, scores, out }.all(cpu);
    }
}

/// A kept value.
trait Kept: Copy {
    /// A vector of them.
    fn load<S: Simd>(s: S, from: &[Self]) -> S::F;
}

impl Kept for u16 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[u16]) -> S::F {
        s.load_half(from)
    }
}

impl Kept for f32 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[f32]) -> S::F {
        s.load(from)
    }
}

/// What is to be done, with keys and values in whichever form.
struct Rows<'a, K> {
    size: usize,
    queries: &'a [f32],
    limits: &'a [usize],
    keys: &'a [K],
    values: &'a [K],
    scores: &'a mut [f32],
    out: &'a mut [f32],
}

impl<K: Kept> Rows<'_, K> {
    #[inline(always)]
    fn all<C: Cpu>(mut self, cpu: C) {
        let mut row = 0;
        while row < self.limits.len() {
            row += match self.limits.len() - row {
                4.. => self.rows::<C, 4>(cpu, row),
                3 => self.rows::<C, 3>(cpu, row),
                2 => self.rows::<C, 2>(cpu, row),
                _ => self.rows::<C, 1>(cpu, row),
            };
        }
    }

    /// `R` rows from `row` on; says how many those are.
    #[inline(always)]
    fn rows<C: Cpu, const R: usize>(&mut self, cpu: C, row: usize) -> usize {
        let (s, size) = (cpu.simd(), self.size);
        let limits = &self.limits[row..row + R];
        let top = limits.iter().copied().max().unwrap_or(0);
        let stride = top.next_multiple_of(KEY_BLOCK);
        let queries = &self.queries[row * size..][..R * size];
        for (block, keys) in self.keys[..stride * size].chunks_exact(KEY_BLOCK * size).enumerate() {
            let mut at = 0;
            while at < KEY_BLOCK {
                let to = &mut self.scores[block * KEY_BLOCK + at..];
                let from = &keys[at..];
                at += match C::S::LANES {
                    16 => {
                        product::<_, K, R, 1>(s, queries, size, size, from, KEY_BLOCK, [1.0; R], to, stride)
                    }
                    _ => product::<_, K, R, 2>(s, queries, size, size, from, KEY_BLOCK, [1.0; R], to, stride),
                };
            }
        }
        let mut shares = [0.0; R];
        for r in 0..R {
            shares[r] = weigh(s, &mut self.scores[r * stride..][..stride], limits[r], size).recip();
        }
        let out = &mut self.out[row * size..][..R * size];
        let mut at = 0;
        while at < size {
            let (from, to) = (&self.values[at..], &mut out[at..]);
            at += match C::S::LANES {
                16 => product::<_, K, R, 1>(s, self.scores, stride, top, from, size, shares, to, size),
                _ => product::<_, K, R, 2>(s, self.scores, stride, top, from, size, shares, to, size),
            };
        }
        R
    }
}

/// Scores of the first `limit` tokens to their weights, not yet divided by their sum, which is returned; 0 for all others.
#[inline(always)]
fn weigh<S: Simd>(s: S, scores: &mut [f32], limit: usize, size: usize) -> f32 {
    scores[limit..].fill(NOT_THERE);
    let used = limit.next_multiple_of(S::LANES);
    let mut most = s.splat(NOT_THERE);
    for at in (0..used).step_by(S::LANES) {
        most = s.max(s.load(&scores[at..]), most);
    }
    // exp((x - most) / sqrt(size)) as a power of two.
    let factor = std::f32::consts::LOG2_E / (size as f32).sqrt();
    let (base, factor) = (s.splat(-s.largest(most) * factor), s.splat(factor));
    let mut total = s.splat(0.0);
    for at in (0..used).step_by(S::LANES) {
        let x = s.fma(s.load(&scores[at..]), factor, base);
        let weight = exp2(s, s.max(x, s.splat(-150.0)));
        total = s.add(total, weight);
        s.store(weight, &mut scores[at..]);
    }
    scores[limit..].fill(0.0);
    s.sum(total)
}

/// `R` rows of `a`, `steps` values each, times `V` vectors of columns of `b`; each row times its share, to `out`.
/// Says how many columns those are.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "three matrices and their strides")]
fn product<S: Simd, K: Kept, const R: usize, const V: usize>(
    s: S,
    a: &[f32],
    a_stride: usize,
    steps: usize,
    b: &[K],
    b_stride: usize,
    shares: [f32; R],
    out: &mut [f32],
    out_stride: usize,
) -> usize {
    assert!(steps > 0 && steps <= a_stride && V * S::LANES <= b_stride);
    assert!(a.len() >= (R - 1) * a_stride + steps && b.len() >= (steps - 1) * b_stride + V * S::LANES);
    let mut sums = [[s.splat(0.0); V]; R];
    for k in 0..steps {
        // SAFETY: the lengths were checked above.
        unsafe {
            let row = b.as_ptr().add(k * b_stride);
            let mut columns = [s.splat(0.0); V];
            for v in 0..V {
                columns[v] = K::load(s, std::slice::from_raw_parts(row.add(v * S::LANES), S::LANES));
            }
            for r in 0..R {
                let x = s.splat(*a.get_unchecked(r * a_stride + k));
                for v in 0..V {
                    sums[r][v] = s.fma(x, columns[v], sums[r][v]);
                }
            }
        }
    }
    for r in 0..R {
        for v in 0..V {
            s.store(s.mul(sums[r][v], s.splat(shares[r])), &mut out[r * out_stride + v * S::LANES..]);
        }
    }
    V * S::LANES
}
