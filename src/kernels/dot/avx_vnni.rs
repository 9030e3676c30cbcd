//! AVX-VNNI: 32 products an instruction, in tiles of 6 rows by 16 columns: 12 sums, 2 vectors of weights and
//! one of activations are 15 of the 16 registers.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: an `AvxVnni` is made only after the CPU was found to have AVX2, FMA and AVX-VNNI;
// the extents of `a` and `b` are the caller's word.

use std::arch::x86_64::*;

use super::avx2::{floats, numbers, spread};
use crate::cpu::{Cpu, PANEL, Sink};
use crate::simd::avx2::Avx2;

/// AVX-VNNI is there.
#[derive(Clone, Copy)]
pub(crate) struct AvxVnni(Avx2);

impl AvxVnni {
    /// # Safety
    /// The CPU must have AVX2, FMA and AVX-VNNI.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(unsafe { Avx2::new() })
    }
}

impl Cpu for AvxVnni {
    type S = Avx2;
    const ROWS: usize = 6;
    const PANELS: usize = 1;
    const BLOCK_ROWS: usize = 4;
    const FLOAT_ROWS: usize = 6;

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
        unsafe {
            for p in 0..P {
                let b = b.add(p * steps * 4 * PANEL);
                let mut sums = [[_mm256_setzero_si256(); 2]; R];
                for k in 0..steps {
                    let left = _mm256_loadu_si256(b.add(k * 4 * PANEL).cast());
                    let right = _mm256_loadu_si256(b.add(k * 4 * PANEL + 32).cast());
                    for r in 0..R {
                        let x = a.add(r * stride + 4 * k).cast::<i32>().read_unaligned();
                        let x = _mm256_set1_epi32(x);
                        sums[r][0] = _mm256_dpbusd_avx_epi32(sums[r][0], x, left);
                        sums[r][1] = _mm256_dpbusd_avx_epi32(sums[r][1], x, right);
                    }
                }
                unrolled!(r < R, {
                    for half in 0..2 {
                        sink.put(r, p * PANEL + 8 * half, _mm256_cvtepi32_ps(sums[r][half]));
                    }
                });
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
    ) -> [[__m256; R]; 2] {
        unsafe {
            let mut sums = [[_mm256_setzero_si256(); R]; 2];
            unrolled!(j < 8, {
                let (step, half) = (j / 2, j % 2);
                let quad = if BITS == 8 { j } else { step + 4 * half };
                let w = match WIDE || BITS == 8 {
                    true => _mm256_loadu_si256(low.add(64 * quad + 4 * lane).cast()),
                    false => numbers::<BITS>(low, high, lane, step, half),
                };
                let to = if SPLIT { half } else { 0 };
                for r in 0..R {
                    let x = _mm256_set1_epi32(a.add(r * stride + 4 * quad).cast::<i32>().read_unaligned());
                    sums[to][r] = _mm256_dpbusd_avx_epi32(sums[to][r], w, x);
                }
            });
            floats(sums)
        }
    }

    #[inline(always)]
    unsafe fn widen<const BITS: usize>(self, low: *const u8, high: *const u8, to: *mut u8) {
        unsafe { spread::<BITS>(low, high, to) }
    }
}
