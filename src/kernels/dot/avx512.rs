//! AVX-512 VNNI: 64 products an instruction, in tiles of 8 rows by 48 columns. 24 sums hide the instruction's
//! latency, and each step's 3 loads of weights and 8 of activations cost less than its 24 products.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: a `Vnni` is made only after the CPU was found to have AVX-512 F, BW, VL, DQ and
// VNNI; the extents of `a` and `b` are the caller's word.

use std::arch::x86_64::*;

use crate::cpu::{Cpu, PANEL, Sink};
use crate::simd::Pairs;

/// AVX-512 VNNI beside the float vectors `S`.
#[derive(Clone, Copy)]
pub(crate) struct Vnni<S>(S);

impl<S> Vnni<S> {
    /// # Safety
    /// The CPU must have AVX-512 F, BW, VL, DQ and VNNI.
    #[inline(always)]
    pub(crate) unsafe fn new(simd: S) -> Self {
        Self(simd)
    }
}

impl<S: Pairs<F = __m512>> Cpu for Vnni<S> {
    type S = S;
    const ROWS: usize = 8;
    const PANELS: usize = 3;
    const BLOCK_ROWS: usize = 8;
    const FLOAT_ROWS: usize = 8;

    #[inline(always)]
    fn simd(self) -> S {
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
            let mut sums = [[_mm512_setzero_si512(); P]; R];
            let panel = steps * 4 * PANEL;
            for k in 0..steps {
                let mut w = [_mm512_setzero_si512(); P];
                for p in 0..P {
                    w[p] = _mm512_loadu_si512(b.add(p * panel + k * 4 * PANEL).cast());
                }
                for r in 0..R {
                    let x = a.add(r * stride + 4 * k).cast::<i32>().read_unaligned();
                    let x = _mm512_set1_epi32(x);
                    for p in 0..P {
                        sums[r][p] = _mm512_dpbusd_epi32(sums[r][p], x, w[p]);
                    }
                }
            }
            unrolled!(r < R, {
                for p in 0..P {
                    sink.put(r, p * PANEL, _mm512_cvtepi32_ps(sums[r][p]));
                }
            });
        }
    }

    #[inline(always)]
    unsafe fn group<const BITS: usize, const WIDE: bool, const SPLIT: bool, const R: usize>(
        self,
        a: *const i8,
        stride: usize,
        low: *const u8,
        high: *const u8,
        _lane: usize,
    ) -> [[__m512; R]; 2] {
        // A vector holds all channels of a panel.
        unsafe {
            let mut sums = [[_mm512_setzero_si512(); R]; 2];
            unrolled!(j < 8, {
                let (step, half) = (j / 2, j % 2);
                let quad = if BITS == 8 { j } else { step + 4 * half };
                let w = match WIDE || BITS == 8 {
                    true => _mm512_loadu_si512(low.add(64 * quad).cast()),
                    false => numbers::<BITS>(low, high, step, half),
                };
                let to = if SPLIT { half } else { 0 };
                for r in 0..R {
                    let x = _mm512_set1_epi32(a.add(r * stride + 4 * quad).cast::<i32>().read_unaligned());
                    sums[to][r] = _mm512_dpbusd_epi32(sums[to][r], w, x);
                }
            });
            let mut out = [[_mm512_setzero_ps(); R]; 2];
            for half in 0..2 {
                for r in 0..R {
                    out[half][r] = _mm512_cvtepi32_ps(sums[half][r]);
                }
            }
            out
        }
    }

    #[inline(always)]
    unsafe fn widen<const BITS: usize>(self, low: *const u8, high: *const u8, to: *mut u8) {
        unsafe {
            unrolled!(j < 8, {
                _mm512_storeu_si512(to.add(64 * j).cast(), numbers::<BITS>(low, high, j % 4, j / 4));
            });
        }
    }
}

/// The numbers of 16 channels for four inputs: step `step` of half `half` of a group.
///
/// # Safety
/// As [`Cpu::group`], for numbers of 4 to 6 bits; the CPU must have AVX-512 F and BW.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn numbers<const BITS: usize>(low: *const u8, high: *const u8, step: usize, half: usize) -> __m512i {
    unsafe {
        let bytes = _mm512_loadu_si512(low.add(64 * step).cast());
        let bytes = if half == 0 { bytes } else { _mm512_srli_epi16::<4>(bytes) };
        let four = _mm512_and_si512(bytes, _mm512_set1_epi8(15));
        if BITS == 4 {
            return four;
        }
        // Where the bits above are, and the first of them.
        let (at, first) = if BITS == 5 { (0, step + 4 * half) } else { (64 * half, 2 * step) };
        let bits = _mm512_loadu_si512(high.add(at).cast());
        let left = _mm_cvtsi32_si128(4_usize.saturating_sub(first) as i32);
        let right = _mm_cvtsi32_si128(first.saturating_sub(4) as i32);
        let bits = _mm512_srl_epi16(_mm512_sll_epi16(bits, left), right);
        let mask = _mm512_set1_epi8(if BITS == 5 { 0x10 } else { 0x30 });
        _mm512_or_si512(four, _mm512_and_si512(bits, mask))
    }
}
