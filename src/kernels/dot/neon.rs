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
}
