//! Linear layers in int8: weights quantised per output channel and packed beforehand, activations per row and
//! on the fly, sums exact in 32 bits, results float32.
//!
//! With activations `x = scale * u + low` (`u` unsigned) and weights `w = step * q` (`q` signed), the product
//! is `scale * step * (u . q) + low * (step * sum q)`: the second part needs no zero point, only the sum of
//! each channel's weights, kept beside them. Both sides are turned first ([`turn`]), which leaves the product
//! what it is.
#![allow(unsafe_code)]

use std::ops::Range;

use crate::cpu::{Cpu, PANEL, Sink, Task, dispatch};
use crate::rows::{QuantisedRows, turn};
use crate::simd::Simd;
use crate::{Grid, Isa, padded};

/// Largest number of inputs of a layer: sums of so many products fit into 32 bits.
pub const MAX_INPUTS: usize = i32::MAX as usize / (255 * 127);

/// A linear layer's packed weights: views into memory, so that they may lie in a mapped file.
///
/// `weights` holds panels of 16 output channels; in a panel, for each group of 4 inputs, the 4 weights of each
/// channel. Both sides are padded to multiples of 16 with zeros.
#[derive(Debug, Clone, Copy)]
pub struct PackedLinear<'a> {
    inputs: usize,
    outputs: usize,
    grid: Grid,
    weights: &'a [i8],
    /// Step of each output channel's weights.
    steps: &'a [f32],
    /// Each output channel's weights summed, in real units.
    sums: &'a [f32],
    bias: &'a [f32],
}

/// Lengths of the parts of a packed layer: `(weights, each of steps, sums and bias)`.
pub fn packed_lengths(inputs: usize, outputs: usize) -> (usize, usize) {
    (padded(inputs) * padded(outputs), padded(outputs))
}

impl<'a> PackedLinear<'a> {
    /// A view of a packed layer; `None` unless the lengths are those of [`packed_lengths`], with at most
    /// [`MAX_INPUTS`] inputs.
    pub fn new(
        inputs: usize,
        outputs: usize,
        grid: Grid,
        weights: &'a [i8],
        [steps, sums, bias]: [&'a [f32]; 3],
    ) -> Option<Self> {
        let (n, each) = packed_lengths(inputs, outputs);
        let fits = weights.len() == n && [steps, sums, bias].iter().all(|part| part.len() == each);
        (fits && padded(inputs) <= MAX_INPUTS).then_some(Self {
            inputs,
            outputs,
            grid,
            weights,
            steps,
            sums,
            bias,
        })
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }
}

/// A linear layer quantised and packed, on the heap.
#[derive(Debug, Clone, PartialEq)]
pub struct Packed {
    /// What the weights are rounded to.
    pub grid: Grid,
    /// See [`PackedLinear`].
    pub weights: Vec<i8>,
    /// Step of each output channel's weights.
    pub steps: Vec<f32>,
    /// Each output channel's weights summed, in real units.
    pub sums: Vec<f32>,
    /// Bias of each output channel.
    pub bias: Vec<f32>,
}

/// Turns `weight` (`outputs x inputs`, row-major) as [`quantise`](crate::quantise) turns what it is multiplied
/// with, quantises it symmetrically per output channel, to what the instruction set's [`Grid`] allows, and packs it. The
/// result is the same on every instruction set of one grid.
///
/// # Panics
/// When the lengths do not belong together.
pub fn pack(isa: Isa, weight: &[f32], bias: &[f32], inputs: usize) -> Packed {
    let outputs = bias.len();
    assert_eq!(weight.len(), inputs * outputs, "weights of {outputs} x {inputs}");
    let (n, each) = packed_lengths(inputs, outputs);
    let mut packed = Packed {
        grid: isa.grid(),
        weights: vec![0; n],
        steps: vec![0.0; each],
        sums: vec![0.0; each],
        bias: vec![0.0; each],
    };
    packed.bias[..outputs].copy_from_slice(bias);
    if n > 0 {
        dispatch(isa, Pack { weight, inputs, packed: &mut packed });
    }
    packed
}

struct Pack<'a> {
    weight: &'a [f32],
    inputs: usize,
    packed: &'a mut Packed,
}

impl Task for Pack<'_> {
    /// Plain loops, which the compiler turns into vectors of the instruction set.
    #[inline(always)]
    fn run<C: Cpu>(self, _: C) {
        let height = padded(self.inputs);
        let (mut turned, mut bytes) = (vec![0.0; height], vec![0_i8; height]);
        for (c, row) in self.weight.chunks_exact(self.inputs).enumerate() {
            turned[..self.inputs].copy_from_slice(row);
            turned[self.inputs..].fill(0.0);
            let share = 1.0 / turn(&mut turned) as f32;
            turned.iter_mut().for_each(|w| *w *= share);
            let most = turned.iter().fold(0.0_f32, |most, w| if w.abs() > most { w.abs() } else { most });
            let step = match self.packed.grid {
                Grid::Wide => most / 127.0,
                Grid::Narrow => narrow_step(&turned).max(most / 127.0),
            };
            // A step so small that its reciprocal is infinite stands for a channel of zeros.
            let per_step = if step >= f32::MIN_POSITIVE { step.recip() } else { 0.0 };
            for (q, w) in bytes.iter_mut().zip(&turned) {
                *q = (w * per_step).round_ties_even() as i8;
            }
            if self.packed.grid == Grid::Narrow {
                narrow(&turned, per_step, &mut bytes);
            }
            let panel = &mut self.packed.weights[c / PANEL * PANEL * height..][..PANEL * height];
            let groups = panel.as_chunks_mut::<{ 4 * PANEL }>().0;
            for (group, four) in groups.iter_mut().zip(bytes.as_chunks::<4>().0) {
                group.as_chunks_mut::<4>().0[c % PANEL] = *four;
            }
            let sum: i32 = bytes.iter().map(|&q| i32::from(q)).sum();
            self.packed.steps[c] = step;
            self.packed.sums[c] = step * sum as f32;
        }
    }
}

/// The step at which a channel's weights just fit [`Grid::LIMIT`], but for rounding.
#[inline(always)]
fn narrow_step(row: &[f32]) -> f32 {
    let mut most = [0.0_f32; 2];
    for [a, b] in row.as_chunks::<2>().0 {
        let sums = [a.max(0.0) + b.max(0.0), (-a).max(0.0) + (-b).max(0.0)];
        for (most, sum) in most.iter_mut().zip(sums) {
            *most = if sum > *most { sum } else { *most };
        }
    }
    most[0].max(most[1]) / Grid::LIMIT as f32
}

/// Moves weights towards zero where rounding has carried those of one sum beyond [`Grid::LIMIT`].
#[inline(always)]
fn narrow(row: &[f32], per_step: f32, bytes: &mut [i8]) {
    for (pair, exact) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(row.as_chunks::<2>().0) {
        for sign in [1, -1] {
            let over = pair.iter().map(|&q| (sign * i16::from(q)).max(0)).sum::<i16>() - Grid::LIMIT as i16;
            if over > 0 {
                lessen(pair, exact, per_step, sign as i8, over);
            }
        }
    }
}

/// Takes `over` steps from weights of this sign, always from the one that is least wrong after that.
#[cold]
fn lessen(pair: &mut [i8; 2], exact: &[f32; 2], per_step: f32, sign: i8, over: i16) {
    for _ in 0..over {
        let above = |&i: &usize| f32::from(sign) * (f32::from(pair[i]) - exact[i] * per_step);
        let there = [0, 1].into_iter().filter(|&i| pair[i] * sign > 0);
        if let Some(i) = there.max_by(|a, b| above(a).total_cmp(&above(b))) {
            pair[i] -= sign;
        }
    }
}

/// What is done with each result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epilogue {
    /// Written.
    Store,
    /// Added to what is there: the residual.
    Add,
}

/// `out = epilogue(x . weights + bias)` for rows `rows` of `x`: `out` holds `rows.len()` rows of
/// `padded(layer.outputs())` values, padding columns included.
///
/// # Panics
/// When the lengths do not belong together.
pub fn linear(
    isa: Isa,
    x: &QuantisedRows,
    rows: Range<usize>,
    layer: PackedLinear<'_>,
    epilogue: Epilogue,
    out: &mut [f32],
) {
    assert!(rows.start <= rows.end && rows.end <= x.len(), "rows {rows:?} of {}", x.len());
    assert_eq!(x.width(), padded(layer.inputs), "activations of another width");
    assert_eq!(out.len(), rows.len() * padded(layer.outputs), "room for the results");
    let narrow = x.grid() == Grid::Narrow && layer.grid == Grid::Narrow;
    assert!(narrow || isa.grid() == Grid::Wide, "{isa} would overflow on numbers of this grid");
    if !out.is_empty() {
        dispatch(isa, Linear { x, rows, layer, epilogue, out });
    }
}

struct Linear<'a> {
    x: &'a QuantisedRows,
    rows: Range<usize>,
    layer: PackedLinear<'a>,
    epilogue: Epilogue,
    out: &'a mut [f32],
}

impl Task for Linear<'_> {
    #[inline(always)]
    fn run<C: Cpu>(mut self, cpu: C) {
        let panels = padded(self.layer.outputs) / PANEL;
        let count = self.rows.len();
        // Tiles of nearly the same height: a last tile of one row would cost as much as one of several.
        let tiles = count.div_ceil(C::ROWS);
        let mut panel = 0;
        while panel < panels {
            let wide = panel + C::PANELS <= panels;
            for tile in 0..tiles {
                let rows = tile * count / tiles..(tile + 1) * count / tiles;
                self.fetch::<C>(cpu, panel, tile, tiles);
                match (wide && C::PANELS == 3, self.epilogue) {
                    (true, Epilogue::Store) => self.sized::<C, 3, false>(cpu, rows, panel),
                    (true, Epilogue::Add) => self.sized::<C, 3, true>(cpu, rows, panel),
                    (false, Epilogue::Store) => self.sized::<C, 1, false>(cpu, rows, panel),
                    (false, Epilogue::Add) => self.sized::<C, 1, true>(cpu, rows, panel),
                }
            }
            panel += if wide { C::PANELS } else { 1 };
        }
    }
}

impl Linear<'_> {
    /// Asks for the share of tile `tile` of `tiles` in the panels after those from `panel` on: a model's weights
    /// do not fit into the second-level cache, and what the CPU foresees by itself begins anew with each panel.
    /// Behind the last panel lies, in a pack, what is needed soon after.
    #[inline(always)]
    fn fetch<C: Cpu>(&self, cpu: C, panel: usize, tile: usize, tiles: usize) {
        const LINE: usize = 64;
        let (size, lines) =
            (PANEL * padded(self.layer.inputs), C::PANELS * PANEL * padded(self.layer.inputs) / LINE);
        let next = self.layer.weights.as_ptr().wrapping_add((panel + C::PANELS) * size);
        for line in tile * lines / tiles..(tile + 1) * lines / tiles {
            cpu.fetch(next.wrapping_add(line * LINE));
        }
    }

    #[inline(always)]
    fn sized<C: Cpu, const P: usize, const ADD: bool>(&mut self, cpu: C, rows: Range<usize>, panel: usize) {
        match rows.len() {
            1 => self.tile::<C, 1, P, ADD>(cpu, rows.start, panel),
            2 if C::ROWS >= 2 => self.tile::<C, 2, P, ADD>(cpu, rows.start, panel),
            3 if C::ROWS >= 3 => self.tile::<C, 3, P, ADD>(cpu, rows.start, panel),
            4 if C::ROWS >= 4 => self.tile::<C, 4, P, ADD>(cpu, rows.start, panel),
            5 if C::ROWS >= 5 => self.tile::<C, 5, P, ADD>(cpu, rows.start, panel),
            6 if C::ROWS >= 6 => self.tile::<C, 6, P, ADD>(cpu, rows.start, panel),
            7 if C::ROWS >= 7 => self.tile::<C, 7, P, ADD>(cpu, rows.start, panel),
            8 if C::ROWS >= 8 => self.tile::<C, 8, P, ADD>(cpu, rows.start, panel),
            n => unreachable!("a tile of {n} rows"),
        }
    }

    /// `R` rows from `row` on, `P` panels from `panel` on.
    #[inline(always)]
    fn tile<C: Cpu, const R: usize, const P: usize, const ADD: bool>(
        &mut self,
        cpu: C,
        row: usize,
        panel: usize,
    ) {
        let (width, height) = (padded(self.layer.outputs), padded(self.layer.inputs));
        let first = self.rows.start + row;
        let (a, scales, lows) = self.x.parts();
        let a = &a[first * height..(first + R) * height];
        let start = panel * PANEL;
        let b = &self.layer.weights[start * height..][..P * PANEL * height];
        let out = &mut self.out[row * width..(row + R) * width];
        assert!(start + P * PANEL <= width);
        let columns = start..start + P * PANEL;
        let mut finish = Finish::<C, ADD> {
            s: cpu.simd(),
            scales: &scales[first..first + R],
            lows: &lows[first..first + R],
            steps: &self.layer.steps[columns.clone()],
            sums: &self.layer.sums[columns.clone()],
            bias: &self.layer.bias[columns],
            // SAFETY: `start` is less than `width`.
            out: unsafe { out.as_mut_ptr().add(start) },
            width,
        };
        // SAFETY: `a` holds R rows of `height` bytes one after the other, `b` P panels of 16 * `height`; from
        // `out` on there are R rows of P * 16 columns, `width` apart.
        unsafe { cpu.tile::<R, P>(a.as_ptr(), height, b.as_ptr(), height / 4, &mut finish) };
    }
}

/// From dot products to results, written or, if `ADD`, added. The slices are of a tile's rows or columns.
struct Finish<'a, C: Cpu, const ADD: bool> {
    s: C::S,
    scales: &'a [f32],
    lows: &'a [f32],
    steps: &'a [f32],
    sums: &'a [f32],
    bias: &'a [f32],
    out: *mut f32,
    width: usize,
}

impl<C: Cpu, const ADD: bool> Sink<C::S> for Finish<'_, C, ADD> {
    #[inline(always)]
    fn put(&mut self, row: usize, column: usize, dots: <C::S as Simd>::F) {
        let s = self.s;
        let scale = self.scales[row];
        let low = if C::OFFSET == 0.0 { self.lows[row] } else { self.lows[row] + C::OFFSET * scale };
        let base = s.fma(s.splat(low), s.load(&self.sums[column..]), s.load(&self.bias[column..]));
        let y = s.fma(s.mul(dots, s.splat(scale)), s.load(&self.steps[column..]), base);
        // SAFETY: whoever made this vouches for the rows and columns of a tile.
        let place =
            unsafe { std::slice::from_raw_parts_mut(self.out.add(row * self.width + column), C::S::LANES) };
        let y = if ADD { s.add(y, s.load(place)) } else { y };
        s.store(y, place);
    }
}
