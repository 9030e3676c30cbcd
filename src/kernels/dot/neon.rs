//! NEON's signed dot product: activations are moved down by 128 to become signed, which `OFFSET` tells. Tiles
//! of 4 rows by 16 columns: 16 sums, 4 vectors of weights, one of activations.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: a `NeonDot` is made only after the CPU was found to have NEON and its dot product;
// the extents of `a` and `b` are the caller's word.

use std::arch::aarch64::*;
use std::arch::asm;

use crate::cpu::{Cpu, PANEL, Sink};
use crate::simd::neon::Neon;

/// NEON and its dot product are there.
#[derive(Clone, Copy)]
pub(crate) struct NeonDot(Neon);

impl NeonDot {
    /// # Safety
    /// The CPU must have NEON and its dot product.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(unsafe { Neon::new() })
    }
}

/// `sum + a . b`, four bytes a lane. The intrinsic is not stable, the instruction is.
#[inline(always)]
unsafe fn sdot(mut sum: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {a:v}.16b, {b:v}.16b",
            sum = inout(vreg) sum,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

impl Cpu for NeonDot {
    type S = Neon;
    const ROWS: usize = 4;
    const PANELS: usize = 1;
    const BLOCK_ROWS: usize = 4;
    const FLOAT_ROWS: usize = 4;
    const OFFSET: f32 = 128.0;

    #[inline(always)]
    fn simd(self) -> Neon {
        self.0
    }

    #[inline(always)]
    unsafe fn tile<const R: usize, const P: usize>(
        self,
        a: *const u8,
        stride: usize,
        b: *const i8,
        steps: usize,
        sink: &mut impl Sink<Self::S>,
    ) {
        unsafe {
            for p in 0..P {
                let b = b.add(p * steps * 4 * PANEL);
                let mut sums = [[vdupq_n_s32(0); 4]; R];
                for k in 0..steps {
                    let mut w = [vdupq_n_s8(0); 4];
                    for q in 0..4 {
                        w[q] = vld1q_s8(b.add(k * 4 * PANEL + 16 * q));
                    }
                    for r in 0..R {
                        let four = a.add(r * stride + 4 * k).cast::<u32>().read_unaligned();
                        let x = vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x8080_8080));
                        for q in 0..4 {
                            sums[r][q] = sdot(sums[r][q], x, w[q]);
                        }
                    }
                }
                for r in 0..R {
                    for q in 0..4 {
                        sink.put(r, p * PANEL + 4 * q, vcvtq_f32_s32(sums[r][q]));
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn group<const BITS: usize, const WIDE: bool, const SPLIT: bool, const R: usize>(
        self,
        a: *const i8,
        stride: usize,
        low: *const u8,
        high: *const u8,
        lane: usize,
    ) -> [[float32x4_t; R]; 2] {
        unsafe {
            let mut sums = [[vdupq_n_s32(0); R]; 2];
            unrolled!(j < 8, {
                let (step, half) = (j / 2, j % 2);
                let quad = if BITS == 8 { j } else { step + 4 * half };
                let w = match (WIDE, BITS) {
                    (true, _) => vld1q_u8(low.add(64 * quad + 4 * lane)),
                    // Moved down by 128 to become signed; made up for below.
                    (_, 8) => veorq_u8(vld1q_u8(low.add(64 * quad + 4 * lane)), vdupq_n_u8(0x80)),
                    _ => numbers::<BITS>(low, high, lane, step, half),
                };
                let w = vreinterpretq_s8_u8(w);
                let to = if SPLIT { half } else { 0 };
                for r in 0..R {
                    let x = vdupq_n_u32(a.add(r * stride + 4 * quad).cast::<u32>().read_unaligned());
                    let x = vreinterpretq_s8_u32(x);
                    sums[to][r] = sdot(sums[to][r], x, w);
                    if BITS == 8 {
                        sums[1][r] = sdot(sums[1][r], x, vdupq_n_s8(64));
                    }
                }
            });
            let mut out = [[vdupq_n_f32(0.0); R]; 2];
            for r in 0..R {
                if BITS == 8 {
                    sums[0][r] = vaddq_s32(sums[0][r], vaddq_s32(sums[1][r], sums[1][r]));
                }
                out[0][r] = vcvtq_f32_s32(sums[0][r]);
                out[1][r] = vcvtq_f32_s32(sums[1][r]);
            }
            out
        }
    }

    #[inline(always)]
    unsafe fn widen<const BITS: usize>(self, low: *const u8, high: *const u8, to: *mut u8) {
        unsafe {
            unrolled!(j < 8, {
                for lane in [0, 4, 8, 12] {
                    vst1q_u8(to.add(64 * j + 4 * lane), numbers::<BITS>(low, high, lane, j % 4, j / 4));
                }
            });
        }
    }
}

/// The numbers of 4 channels, from `lane` on, for four inputs: step `step` of half `half` of a group.
///
/// # Safety
/// As [`Cpu::group`], for numbers of 4 to 6 bits; the CPU must have NEON.
#[inline(always)]
unsafe fn numbers<const BITS: usize>(
    low: *const u8,
    high: *const u8,
    lane: usize,
    step: usize,
    half: usize,
) -> uint8x16_t {
    unsafe {
        let bytes = vld1q_u8(low.add(64 * step + 4 * lane));
        let four = if half == 0 { vandq_u8(bytes, vdupq_n_u8(15)) } else { vshrq_n_u8::<4>(bytes) };
        if BITS == 4 {
            return four;
        }
        // Where the bits above are, and the first of them.
        let (at, first) = if BITS == 5 { (0, step + 4 * half) } else { (64 * half, 2 * step) };
        let bits = vshlq_u8(vld1q_u8(high.add(at + 4 * lane)), vdupq_n_s8(4 - first as i8));
        vorrq_u8(four, vandq_u8(bits, vdupq_n_u8(if BITS == 5 { 0x10 } else { 0x30 })))
    }
}
