//! AVX2 without a dot product for bytes. Its byte multiply-add saturates at 16 bits, so both sides are widened
//! to 16 bits first: half the speed, but exact. A tile's 6 rows are widened once and
//! meet 8 columns after the other: 12 sums, two vectors of weights, one of activations.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: an `Avx2Dot` is made only after the CPU was found to have AVX2 and FMA; the extents
// of `a` and `b` are the caller's word.

use std::arch::x86_64::*;

use crate::cpu::{Cpu, PANEL, Sink};
use crate::simd::avx2::Avx2;

/// Groups of 4 inputs that are widened at a time, a multiple of 4: those of 6 rows lie in the first-level cache.
const CHUNK: usize = 96;

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
    const ROWS: usize = 6;
    const PANELS: usize = 3;
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
            let mut wide = [[[0_i16; 4]; CHUNK]; R];
            // sums[p][half][r][q]: columns 8 half + 4 q to 8 half + 4 q + 3, each in two lanes.
            let mut sums = [[[[_mm256_setzero_si256(); 2]; R]; 2]; P];
            for first in (0..steps).step_by(CHUNK) {
                let some = CHUNK.min(steps - first);
                for r in 0..R {
                    let row = a.add(r * stride + 4 * first);
                    for k in (0..some).step_by(4) {
                        let x = _mm256_cvtepu8_epi16(_mm_loadu_si128(row.add(4 * k).cast()));
                        _mm256_storeu_si256(wide[r].as_mut_ptr().add(k).cast(), x);
                    }
                }
                for p in 0..P {
                    for half in 0..2 {
                        let mut part = sums[p][half];
                        for k in 0..some {
                            let w = b.add(((p * steps + first + k) * PANEL + 8 * half) * 4);
                            let w = [
                                _mm256_cvtepi8_epi16(_mm_loadu_si128(w.cast())),
                                _mm256_cvtepi8_epi16(_mm_loadu_si128(w.add(16).cast())),
                            ];
                            for r in 0..R {
                                let four = wide[r].as_ptr().add(k).cast::<i64>().read_unaligned();
                                let x = _mm256_set1_epi64x(four);
                                for q in 0..2 {
                                    part[r][q] = _mm256_add_epi32(part[r][q], _mm256_madd_epi16(x, w[q]));
                                }
                            }
                        }
                        sums[p][half] = part;
                    }
                }
            }
            for p in 0..P {
                for half in 0..2 {
                    unrolled!(r < R, {
                        // Sums of neighbours come out as columns 0 1 4 5 | 2 3 6 7.
                        let eight = _mm256_hadd_epi32(sums[p][half][r][0], sums[p][half][r][1]);
                        let eight = _mm256_permute4x64_epi64::<0b11_01_10_00>(eight);
                        sink.put(r, p * PANEL + 8 * half, _mm256_cvtepi32_ps(eight));
                    });
                }
            }
        }
    }
}
