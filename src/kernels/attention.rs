//! Self-attention of one sequence: `softmax(q . k / sqrt(d)) . v` for each head (Vaswani et al., arXiv
//! 1706.03762), in float32, or with bfloat16 products and float32 sums where the CPU has them. No mask: a
//! sequence holds no padding.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::cpu::{Cpu, Task, dispatch};
use crate::simd::{Pairs, Simd, exp2};
use crate::{Isa, padded};

/// Shape of an attention layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Number of heads.
    pub count: usize,
    /// Values of one head, `d`.
    pub size: usize,
}

impl Heads {
    /// Values of all heads.
    pub fn width(self) -> usize {
        self.count * self.size
    }
}

/// Working memory of [`attention`], kept between calls so that they need not allocate.
#[derive(Debug, Default)]
pub struct Scratch {
    elements: Vec<u32>,
    floats: Vec<f32>,
}

/// Attention of the queries `rows` over all `t` tokens of a sequence. `qkv` holds, for each token, queries,
/// keys and values of all heads one after the other (`t x padded(3 * heads.width())`); `out` gets `rows.len() x
/// padded(heads.width())`, its padding columns left as they are.
///
/// # Panics
/// When the lengths do not belong together.
pub fn attention(
    isa: Isa,
    qkv: &[f32],
    heads: Heads,
    rows: Range<usize>,
    scratch: &mut Scratch,
    out: &mut [f32],
) {
    let stride = padded(3 * heads.width());
    assert!(heads.width() > 0 && qkv.len().is_multiple_of(stride), "queries, keys and values");
    let t = qkv.len() / stride;
    assert!(rows.start <= rows.end && rows.end <= t, "rows {rows:?} of {t}");
    assert_eq!(out.len(), rows.len() * padded(heads.width()), "room for the results");
    if !rows.is_empty() {
        dispatch(isa, Attention { qkv, heads, rows, scratch, out });
    }
}

struct Attention<'a> {
    qkv: &'a [f32],
    heads: Heads,
    rows: Range<usize>,
    scratch: &'a mut Scratch,
    out: &'a mut [f32],
}

/// Lengths in elements or values, for one head.
#[derive(Clone, Copy)]
struct Sizes {
    /// Tokens.
    t: usize,
    /// Tokens padded, so that whole vectors of scores can be converted.
    keys: usize,
    /// A head's values padded in the same way.
    depth: usize,
    /// Elements of a head's queries or keys.
    steps: usize,
}

impl Task for Attention<'_> {
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let s = cpu.simd();
        let step = C::S::STEP;
        let stride = padded(3 * self.heads.width());
        let t = self.qkv.len() / stride;
        // Multiples of 32 are whole vectors of pairs at any number of lanes.
        let depth = self.heads.size.next_multiple_of(32);
        let sizes = Sizes { t, keys: t.next_multiple_of(32), depth, steps: depth / step };
        let Sizes { keys, steps, .. } = sizes;
        let tile = C::FLOAT_ROWS;
        let (elements, floats) = (&mut self.scratch.elements, &mut self.scratch.floats);
        // keys on their side, values, queries and weights of a tile, 16 keys on the way
        let lengths = [steps * keys, keys / step * depth, tile * steps, tile * keys / step, 16 * steps];
        let need: usize = lengths.iter().sum();
        if elements.len() < need {
            elements.resize(need, 0);
        }
        if floats.len() < tile * keys + depth {
            floats.resize(tile * keys + depth, 0.0);
        }
        let (kt, rest) = as_elements::<C::S>(&mut elements[..need]).split_at_mut(lengths[0]);
        let (v, rest) = rest.split_at_mut(lengths[1]);
        let (q, rest) = rest.split_at_mut(lengths[2]);
        let (p, block) = rest.split_at_mut(lengths[3]);
        let (scores, one) = floats.split_at_mut(tile * keys);
        let one = &mut one[..depth];
        let count = self.rows.len();
        let tiles = count.div_ceil(tile);
        let real = (t - 1) % C::S::LANES + 1;
        let mask = std::array::from_fn(|lane| if lane < real { 0.0 } else { NOT_THERE });
        for head in 0..self.heads.count {
            let head = Head { qkv: self.qkv, stride, heads: self.heads, head };
            head.pack_keys(s, sizes, block, kt, one);
            head.pack_values(s, sizes, v);
            for i in 0..tiles {
                let rows = i * count / tiles..(i + 1) * count / tiles;
                let width = padded(self.heads.width());
                let out = &mut self.out[rows.start * width..rows.end * width];
                let first = self.rows.start + rows.start;
                let mut work = Work { s, sizes, kt, v, q, p, scores, mask: &mask, one };
                match rows.len() {
                    1 => work.tile::<1>(&head, first, out),
                    2 if tile >= 2 => work.tile::<2>(&head, first, out),
                    3 if tile >= 3 => work.tile::<3>(&head, first, out),
                    4 if tile >= 4 => work.tile::<4>(&head, first, out),
                    5 if tile >= 5 => work.tile::<5>(&head, first, out),
                    6 if tile >= 6 => work.tile::<6>(&head, first, out),
                    7 if tile >= 7 => work.tile::<7>(&head, first, out),
                    8 if tile >= 8 => work.tile::<8>(&head, first, out),
                    n => unreachable!("a tile of {n} rows"),
                }
            }
        }
    }
}

/// The scratch as elements of the instruction set.
#[inline(always)]
fn as_elements<S: Pairs>(words: &mut [u32]) -> &mut [S::E] {
    const { assert!(size_of::<S::E>() == 4 && align_of::<S::E>() == 4) };
    // SAFETY: elements are float32 or pairs of bfloat16 in 32 bits: of the same size and alignment as the words,
    // and valid whatever the bits.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}

/// A score whose weight is 0, and finite: an infinite one would take an infinite one from itself in [`exp2`].
const NOT_THERE: f32 = -1e30;

/// Where a head's values lie.
#[derive(Clone, Copy)]
struct Head<'a> {
    qkv: &'a [f32],
    stride: usize,
    heads: Heads,
    head: usize,
}

impl Head<'_> {
    /// Queries (0), keys (1) or values (2) of token `row`.
    #[inline(always)]
    fn part(&self, part: usize, row: usize) -> &[f32] {
        let at = row * self.stride + part * self.heads.width() + self.head * self.heads.size;
        &self.qkv[at..at + self.heads.size]
    }

    /// A token's queries or keys as elements, padded with zeros.
    #[inline(always)]
    fn convert<S: Pairs>(&self, s: S, part: usize, row: usize, one: &mut [f32], to: &mut [S::E]) {
        let from = self.part(part, row);
        let from = if from.len() == one.len() {
            from
        } else {
            one[..from.len()].copy_from_slice(from);
            one[from.len()..].fill(0.0);
            one
        };
        for (from, to) in from.chunks_exact(2 * S::LANES).zip(to.chunks_exact_mut(2 * S::LANES / S::STEP)) {
            s.convert([s.load(from), s.load(&from[S::LANES..])], to);
        }
    }

    /// All keys on their side: `steps x keys` elements.
    #[inline(always)]
    fn pack_keys<S: Pairs>(&self, s: S, z: Sizes, block: &mut [S::E], kt: &mut [S::E], one: &mut [f32]) {
        for first in (0..z.t).step_by(16) {
            for (i, to) in block.chunks_exact_mut(z.steps).enumerate() {
                match first + i < z.t {
                    true => self.convert(s, 1, first + i, one, to),
                    false => to.fill(S::E::default()),
                }
            }
            for at in (0..z.steps).step_by(16) {
                s.transpose16(&block[at..], z.steps, &mut kt[at * z.keys + first..], z.keys);
            }
        }
    }

    /// All values, neighbouring tokens together: `keys / STEP x depth` elements.
    #[inline(always)]
    fn pack_values<S: Pairs>(&self, s: S, z: Sizes, v: &mut [S::E]) {
        let n = self.heads.size;
        let zeros = [0.0; 16];
        for (i, to) in v.chunks_exact_mut(z.depth).take(z.t.div_ceil(S::STEP)).enumerate() {
            let first = self.part(2, i * S::STEP);
            let second = if i * S::STEP + 1 < z.t { self.part(2, i * S::STEP + 1) } else { &[][..] };
            for at in (0..n).step_by(S::LANES) {
                let to = &mut to[at..at + S::LANES];
                if at + S::LANES <= n {
                    let second = if second.is_empty() { &zeros } else { &second[at..] };
                    s.interleave([&first[at..], second], to);
                } else {
                    let mut rows = [[0.0; 16]; 2];
                    rows[0][..n - at].copy_from_slice(&first[at..]);
                    if !second.is_empty() {
                        rows[1][..n - at].copy_from_slice(&second[at..]);
                    }
                    s.interleave([&rows[0], &rows[1]], to);
                }
            }
        }
    }
}

/// One head, packed, and room for a tile of queries.
struct Work<'a, S: Pairs> {
    s: S,
    sizes: Sizes,
    kt: &'a [S::E],
    v: &'a [S::E],
    q: &'a mut [S::E],
    p: &'a mut [S::E],
    scores: &'a mut [f32],
    /// Added to the last vector of scores: 0 where a key is, else [`NOT_THERE`].
    mask: &'a [f32; 16],
    one: &'a mut [f32],
}

impl<S: Pairs> Work<'_, S> {
    /// `R` queries from token `first` on.
    #[inline(always)]
    fn tile<const R: usize>(&mut self, head: &Head<'_>, first: usize, out: &mut [f32]) {
        let (s, z) = (self.s, self.sizes);
        for r in 0..R {
            let to = &mut self.q[r * z.steps..(r + 1) * z.steps];
            head.convert(s, 0, first + r, self.one, to);
        }
        let blocks = z.t.div_ceil(S::LANES);
        let mut most = [s.splat(f32::NEG_INFINITY); R];
        for block in (0..blocks).step_by(2) {
            match block + 2 <= blocks {
                true => self.score::<R, 2>(block, blocks, &mut most),
                false => self.score::<R, 1>(block, blocks, &mut most),
            }
        }
        let mut totals = [0.0; R];
        for (r, total) in totals.iter_mut().enumerate() {
            *total = self.weigh(r, head.heads.size, s.largest(most[r]));
        }
        let (n, width) = (head.heads.size, padded(head.heads.width()));
        let weights = z.keys / S::STEP;
        let used = z.t.div_ceil(S::STEP);
        let mut at = 0;
        while at < n {
            let place = head.head * n + at;
            if at + 2 * S::LANES <= n {
                let sums = product::<S, R, 2>(s, self.p, weights, used, &self.v[at..], z.depth);
                for r in 0..R {
                    let factor = s.splat(totals[r].recip());
                    let to = &mut out[r * width + place..];
                    s.store(s.mul(sums[r][0], factor), to);
                    s.store(s.mul(sums[r][1], factor), &mut to[S::LANES..]);
                }
                at += 2 * S::LANES;
            } else {
                let sums = product::<S, R, 1>(s, self.p, weights, used, &self.v[at..], z.depth);
                for r in 0..R {
                    let v = s.mul(sums[r][0], s.splat(totals[r].recip()));
                    let to = &mut out[r * width + place..];
                    match n - at < S::LANES {
                        true => s.store_part(v, &mut to[..n - at]),
                        false => s.store(v, to),
                    }
                }
                at += S::LANES;
            }
        }
    }

    /// Scores of the tile's queries for `V` vectors of keys from vector `block` of `blocks` on, and the greatest so
    /// far, lane by lane.
    #[inline(always)]
    fn score<const R: usize, const V: usize>(&mut self, block: usize, blocks: usize, most: &mut [S::F; R]) {
        let (s, z) = (self.s, self.sizes);
        let at = block * S::LANES;
        let sums = product::<S, R, V>(s, self.q, z.steps, z.steps, &self.kt[at..], z.keys);
        let mask = s.load(self.mask);
        for r in 0..R {
            for v in 0..V {
                let sum = if block + v + 1 == blocks { s.add(sums[r][v], mask) } else { sums[r][v] };
                most[r] = s.max(sum, most[r]);
                s.store(sum, &mut self.scores[r * z.keys + at + v * S::LANES..]);
            }
        }
    }

    /// Softmax of one row of scores, whose greatest is `most`, not yet divided by the sum of its weights, which is
    /// returned. The greatest weight is 1, so nothing overflows.
    #[inline(always)]
    fn weigh(&mut self, r: usize, size: usize, most: f32) -> f32 {
        let (s, z) = (self.s, self.sizes);
        // exp((x - most) / sqrt(size)) as a power of two.
        let factor = std::f32::consts::LOG2_E / (size as f32).sqrt();
        let (base, factor) = (s.splat(-most * factor), s.splat(factor));
        let row = &self.scores[r * z.keys..][..z.t.next_multiple_of(S::LANES)];
        let p = &mut self.p[r * (z.keys / S::STEP)..][..z.keys / S::STEP];
        let mut total = s.splat(0.0);
        for (row, p) in row.chunks(2 * S::LANES).zip(p.chunks_exact_mut(2 * S::LANES / S::STEP)) {
            let mut weights = [s.splat(0.0); 2];
            weights[0] = exp2(s, s.fma(s.load(row), factor, base));
            if row.len() > S::LANES {
                weights[1] = exp2(s, s.fma(s.load(&row[S::LANES..]), factor, base));
            }
            total = s.add(total, s.add(weights[0], weights[1]));
            s.convert(weights, p);
        }
        s.sum(total)
    }
}

/// `R` rows of `a`, `steps` elements each, times `V` vectors of columns of `b`.
#[inline(always)]
fn product<S: Pairs, const R: usize, const V: usize>(
    s: S,
    a: &[S::E],
    a_stride: usize,
    steps: usize,
    b: &[S::E],
    b_stride: usize,
) -> [[S::F; V]; R] {
    assert!(steps > 0 && steps <= a_stride && V * S::LANES <= b_stride);
    assert!(a.len() >= (R - 1) * a_stride + steps && b.len() >= (steps - 1) * b_stride + V * S::LANES);
    let mut sums = [[s.splat(0.0); V]; R];
    for k in 0..steps {
        // SAFETY: the lengths were checked above.
        unsafe {
            let row = b.as_ptr().add(k * b_stride);
            for r in 0..R {
                let x = *a.get_unchecked(r * a_stride + k);
                for v in 0..V {
                    let columns = std::slice::from_raw_parts(row.add(v * S::LANES), S::LANES);
                    sums[r][v] = s.mac(sums[r][v], x, columns);
                }
            }
        }
    }
    sums
}
