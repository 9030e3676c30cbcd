//! Products of grouped activations with weights in blocks: a row of them to decode, many to read a prompt.
#![allow(unsafe_code)]

use crate::blocks::{BlockLinear, Form, GROUP};
use crate::columns::Columns;
use crate::cpu::{Cpu, PANEL, Task, dispatch};
use crate::grouped::GroupedRows;
use crate::linear::Epilogue;
use crate::simd::Simd;
use crate::{Isa, padded};

/// `out = epilogue(x . weights)` for the output channels that are the columns of `out`, panels of 16. A row's results
/// are the same to the bit whatever other rows and columns are asked for.
///
/// # Panics
/// When the sizes do not belong together, or columns begin or end within a panel.
pub fn block_linear(
    isa: Isa,
    x: &GroupedRows,
    layer: BlockLinear<'_>,
    epilogue: Epilogue,
    out: &mut Columns<'_>,
) {
    let columns = out.columns();
    assert_eq!(x.width(), layer.inputs(), "activations of another width");
    assert_eq!(x.len(), out.rows(), "room for the results");
    assert!(columns.start.is_multiple_of(PANEL) && columns.end.is_multiple_of(PANEL), "panels cut");
    assert!(columns.end <= padded(layer.outputs()), "columns {columns:?} of {}", layer.outputs());
    // One piece of code for each form: all of them in one would take the compiler minutes.
    match layer.form() {
        Form::Q4 => dispatch(isa, Blocks::<4, false, false> { x, layer, epilogue, out }),
        Form::Q4Low => dispatch(isa, Blocks::<4, false, true> { x, layer, epilogue, out }),
        Form::Q5 => dispatch(isa, Blocks::<5, false, false> { x, layer, epilogue, out }),
        Form::Q5Low => dispatch(isa, Blocks::<5, false, true> { x, layer, epilogue, out }),
        Form::Q6 => dispatch(isa, Blocks::<6, true, false> { x, layer, epilogue, out }),
        Form::Q8 => dispatch(isa, Blocks::<8, false, false> { x, layer, epilogue, out }),
    }
}

/// Numbers of `BITS` bits, with a scale for each half of a group if `SPLIT`, and a low if `LOW`.
struct Blocks<'a, 'b, const BITS: usize, const SPLIT: bool, const LOW: bool> {
    x: &'a GroupedRows,
    layer: BlockLinear<'a>,
    epilogue: Epilogue,
    out: &'a mut Columns<'b>,
}

/// From so many rows on, a panel's numbers are made bytes first, once for all of them.
const WIDENED: usize = 12;

impl<const BITS: usize, const SPLIT: bool, const LOW: bool> Task for Blocks<'_, '_, BITS, SPLIT, LOW> {
    #[inline(always)]
    fn run<C: Cpu>(self, cpu: C) {
        let (form, groups) = (self.layer.form(), self.layer.inputs() / GROUP);
        let at = form.layout(self.layer.inputs());
        let columns = self.out.columns();
        let wide = BITS < 8 && self.x.len() >= WIDENED;
        let mut bytes = vec![0_u8; if wide { groups * GROUP * PANEL } else { 0 }];
        for panel in columns.start / PANEL..columns.end / PANEL {
            let all = self.layer.panel(panel);
            let (low, high) = (&all[..at.high], &all[at.high..at.scales]);
            if wide {
                let sizes = (form.low_bytes(), form.high_bytes());
                for (g, to) in bytes.chunks_exact_mut(GROUP * PANEL).enumerate() {
                    let low = &low[g * sizes.0..][..sizes.0];
                    let high = &high[g * sizes.1..][..sizes.1];
                    // SAFETY: these are the bytes of a group, and room for its numbers.
                    unsafe { cpu.widen::<BITS>(low.as_ptr(), high.as_ptr(), to.as_mut_ptr()) };
                }
            }
            let mut tile = Tile {
                x: self.x,
                low: if wide { &bytes } else { low },
                high,
                scales: &all[at.scales..at.lows],
                lows: &all[at.lows..],
                zero: -f32::from(form.zero()),
                column: panel * PANEL - columns.start,
                row: 0,
                // Behind the last panel lies what is needed soon after, or what another thread has asked for.
                next: all.as_ptr().wrapping_add(all.len()),
                share: all.len() / groups,
                add: self.epilogue == Epilogue::Add,
                out: &mut *self.out,
            };
            if wide {
                tile.rows::<C, BITS, true, SPLIT, LOW>(cpu);
            } else {
                tile.rows::<C, BITS, false, SPLIT, LOW>(cpu);
            }
        }
    }
}

/// A panel, and the rows from `row` on.
struct Tile<'a, 'b> {
    x: &'a GroupedRows,
    low: &'a [u8],
    high: &'a [u8],
    scales: &'a [u8],
    lows: &'a [u8],
    /// The form's zero, negative.
    zero: f32,
    /// The panel's first column in `out`.
    column: usize,
    row: usize,
    /// The next panel, and the share of it that is asked for with each group of the first rows: weights come from far
    /// away, and each panel begins anew what the CPU foresees.
    next: *const u8,
    share: usize,
    add: bool,
    out: &'a mut Columns<'b>,
}

impl Tile<'_, '_> {
    #[inline(always)]
    fn rows<C: Cpu, const BITS: usize, const WIDE: bool, const SPLIT: bool, const LOW: bool>(
        &mut self,
        cpu: C,
    ) {
        while self.row < self.x.len() {
            self.row += match self.x.len() - self.row {
                8.. if C::BLOCK_ROWS >= 8 => self.tile::<C, BITS, WIDE, SPLIT, LOW, 8>(cpu),
                4.. if C::BLOCK_ROWS >= 4 => self.tile::<C, BITS, WIDE, SPLIT, LOW, 4>(cpu),
                2.. if C::BLOCK_ROWS >= 2 => self.tile::<C, BITS, WIDE, SPLIT, LOW, 2>(cpu),
                _ => self.tile::<C, BITS, WIDE, SPLIT, LOW, 1>(cpu),
            };
        }
    }

    /// `R` rows; says how many those are.
    #[inline(always)]
    fn tile<
        C: Cpu,
        const BITS: usize,
        const WIDE: bool,
        const SPLIT: bool,
        const LOW: bool,
        const R: usize,
    >(
        &mut self,
        cpu: C,
    ) -> usize {
        for lane in (0..PANEL).step_by(C::S::LANES) {
            let sums = self.sums::<C, BITS, WIDE, SPLIT, LOW, R>(cpu, lane);
            let s = cpu.simd();
            for r in 0..R {
                let to = &mut self.out.row(self.row + r)[self.column + lane..];
                let v = if self.add { s.add(s.load(to), sums[r]) } else { sums[r] };
                s.store(v, to);
            }
        }
        R
    }

    /// The results of a vector of columns, from column `lane` of the panel on.
    #[inline(always)]
    fn sums<
        C: Cpu,
        const BITS: usize,
        const WIDE: bool,
        const SPLIT: bool,
        const LOW: bool,
        const R: usize,
    >(
        &self,
        cpu: C,
        lane: usize,
    ) -> [<C::S as Simd>::F; R] {
        let s = cpu.simd();
        let width = self.x.width();
        let groups = width / GROUP;
        let (a, factors) = self.x.all();
        let a = &a[self.row * width..][..R * width];
        let factors = &factors[self.row * groups..][..R * groups];
        let low_bytes = PANEL * GROUP * if WIDE || BITS == 8 { 8 } else { 4 } / 8;
        let high_bytes = PANEL * GROUP * if WIDE || BITS == 8 { 0 } else { BITS - 4 } / 8;
        let parts = if SPLIT { 2 } else { 1 };
        assert!(groups * low_bytes <= self.low.len() && groups * high_bytes <= self.high.len());
        assert!(groups * parts * PANEL * 2 <= self.scales.len());
        assert!(!LOW || groups * PANEL * 2 <= self.lows.len());
        let zero = s.splat(self.zero);
        let mut sums = [s.splat(0.0); R];
        for g in 0..groups {
            if lane == 0 && self.row == 0 {
                for line in (0..self.share).step_by(64) {
                    cpu.fetch(self.next.wrapping_add(g * self.share + line).cast());
                }
            }
            // SAFETY: `a` is R rows of `width` bytes; the panel holds the numbers of every group, and its scales and lows,
            // as checked above. Those begin at even addresses: a layer's bytes do, and all offsets are even.
            unsafe {
                let dots = cpu.group::<BITS, WIDE, SPLIT, R>(
                    a.as_ptr().add(g * GROUP),
                    width,
                    self.low.as_ptr().add(g * low_bytes),
                    self.high.as_ptr().add(g * high_bytes),
                    lane,
                );
                for p in 0..parts {
                    let scale = half(s, self.scales.as_ptr().add(2 * ((g * parts + p) * PANEL + lane)));
                    let low = match LOW {
                        true => half(s, self.lows.as_ptr().add(2 * (g * PANEL + lane))),
                        false => zero,
                    };
                    for r in 0..R {
                        let factor = factors.get_unchecked(r * groups + g);
                        let sum = s.splat(factor[if SPLIT { 1 + p } else { 3 }]);
                        let dot = s.mul(dots[p][r], s.splat(factor[0]));
                        sums[r] = match LOW {
                            true => s.fma(low, sum, s.fma(scale, dot, sums[r])),
                            false => s.fma(scale, s.fma(zero, sum, dot), sums[r]),
                        };
                    }
                }
            }
        }
        sums
    }
}

/// A vector of float16.
///
/// # Safety
/// So many must be readable at `at`, an even address.
#[inline(always)]
unsafe fn half<S: Simd>(s: S, at: *const u8) -> S::F {
    const _: () = assert!(cfg!(target_endian = "little"), "packed scales are little-endian");
    // SAFETY: the caller's word.
    s.load_half(unsafe { std::slice::from_raw_parts(at.cast(), S::LANES) })
}
