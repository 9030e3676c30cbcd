//! AVX2 without a dot product for bytes. Its byte multiply-add saturates at 16 bits, so both sides are widened
//! to 16 bits first: half the speed, but exact. Tiles of 3 rows by 16 columns: 12 sums, one vector of weights,
//! one of activations.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: an `Avx2Dot` is made only after the CPU was found to have AVX2 and FMA; the extents
// of `a` and `b` are the caller's word.

use std::arch::x86_64::*;

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

impl Cpu for Avx2Dot {
    type S = Avx2;
    const ROWS: usize = 3;
    const PANELS: usize = 1;
    const FLOAT_ROWS: usize = 4;
    const OFFSET: f32 = 0.0;

    #[inline(always)]
    fn simd(self) -> Avx2 {
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
                // sums[r][q]: columns 4 q to 4 q + 3, each in two lanes.
                let mut sums = [[_mm256_setzero_si256(); 4]; R];
                for k in 0..steps {
                    let mut x = [_mm256_setzero_si256(); R];
                    for r in 0..R {
                        let four = a.add(r * stride + 4 * k).cast::<i32>().read_unaligned();
                        x[r] = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
                    }
                    for q in 0..4 {
                        let w = _mm_loadu_si128(b.add(k * 4 * PANEL + 16 * q).cast());
                        let w = _mm256_cvtepi8_epi16(w);
                        for r in 0..R {
                            let pairs = _mm256_madd_epi16(x[r], w);
                            sums[r][q] = _mm256_add_epi32(sums[r][q], pairs);
                        }
                    }
                }
                for r in 0..R {
                    for half in 0..2 {
                        // Sums of neighbours come out as columns 0 1 4 5 | 2 3 6 7.
                        let eight = _mm256_hadd_epi32(sums[r][2 * half], sums[r][2 * half + 1]);
                        let eight = _mm256_permute4x64_epi64::<0b11_01_10_00>(eight);
                        sink.put(r, p * PANEL + 8 * half, _mm256_cvtepi32_ps(eight));
                    }
                }
            }
        }
    }
}
