//! AVX2 without a dot product for bytes. Its byte multiply-add sums pairs of products in 16 bits, which those of
//! [`Grid::Narrow`] can't overflow; each sum is then widened to 32 bits: 6 multiplications and additions of vectors for
//! 64 products, where widening each byte before it is multiplied takes 8. Tiles of 3 rows by 16 columns.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: an `Avx2Dot` is made only after the CPU was found to have AVX2 and FMA; the extents
// of `a` and `b` are the caller's word.

use std::arch::asm;
use std::arch::x86_64::*;

use crate::Grid;
use crate::cpu::{Cpu, PANEL, Sink};
use crate::simd::avx2::Avx2;

/// AVX2 and FMA are there.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Dot(Avx2);

impl Avx2Dot {
    /// # Safety
    /// The CPU must have AVX2 and FMA.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(unsafe { Avx2::new() })
    }
}

/// `sum` and the pairs of `products`, in 32 bits. Written out because LLVM, given the intrinsics, reorders the
/// additions until it runs out of registers.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn widened(mut sum: __m256i, products: __m256i, ones: __m256i) -> __m256i {
    unsafe {
        asm!(
            "vpmaddwd {product}, {products}, {ones}",
            "vpaddd {sum}, {sum}, {product}",
            sum = inout(ymm_reg) sum,
            products = in(ymm_reg) products,
            ones = in(ymm_reg) ones,
            product = out(ymm_reg) _,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

/// The sums of `R` rows and one panel. A function of its own, since only one that has the instruction set may name
/// its registers.
///
/// # Safety
/// As [`Cpu::tile`]; the CPU must have AVX2.
#[target_feature(enable = "avx2")]
unsafe fn sums<const R: usize>(a: *const u8, stride: usize, b: *const i8, steps: usize) -> [[__m256i; 2]; R] {
    unsafe {
        let ones = _mm256_set1_epi16(1);
        let mut sums = [[_mm256_setzero_si256(); 2]; R];
        for k in 0..steps {
            let left = _mm256_loadu_si256(b.add(k * 4 * PANEL).cast());
            let right = _mm256_loadu_si256(b.add(k * 4 * PANEL + 32).cast());
            for r in 0..R {
                let x = _mm256_set1_epi32(a.add(r * stride + 4 * k).cast::<i32>().read_unaligned());
                sums[r][0] = widened(sums[r][0], _mm256_maddubs_epi16(x, left), ones);
                sums[r][1] = widened(sums[r][1], _mm256_maddubs_epi16(x, right), ones);
            }
        }
        sums
    }
}

impl Cpu for Avx2Dot {
    type S = Avx2;
    const ROWS: usize = 3;
    const PANELS: usize = 1;
    const FLOAT_ROWS: usize = 6;
    const GRID: Grid = Grid::Narrow;

    #[inline(always)]
    fn simd(self) -> Avx2 {
        self.0
    }

    #[inline(always)]
    fn fetch(self, at: *const i8) {
        // A prefetch reads nothing that the program could see, and fails on no address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at) }
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
        for p in 0..P {
            unsafe {
                let sums = sums::<R>(a, stride, b.add(p * steps * 4 * PANEL), steps);
                unrolled!(r < R, {
                    for half in 0..2 {
                        sink.put(r, p * PANEL + 8 * half, _mm256_cvtepi32_ps(sums[r][half]));
                    }
                });
            }
        }
    }
}
