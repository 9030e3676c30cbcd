//! Sixteen lanes of AVX-512.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: an `Avx512` is made only after the CPU was found to have the features that the
// intrinsics need (`Avx512::new`), and memory is reached only through slices whose length was checked.

use std::arch::x86_64::*;

use super::{Pairs, Simd};

/// AVX-512 F, BW, VL and DQ are there.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// # Safety
    /// The CPU must have AVX-512 F, BW, VL and DQ.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

impl Simd for Avx512 {
    const LANES: usize = 16;
    type F = __m512;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m512 {
        assert!(from.len() >= 16);
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: __m512, to: &mut [f32]) {
        assert!(to.len() >= 16);
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn round(self, v: __m512) -> __m512 {
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v) }
    }

    #[inline(always)]
    fn scale2(self, v: __m512, n: __m512) -> __m512 {
        unsafe { _mm512_scalef_ps(v, n) }
    }

    #[inline(always)]
    fn sum(self, v: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(v) }
    }

    #[inline(always)]
    fn largest(self, v: __m512) -> f32 {
        unsafe { _mm512_reduce_max_ps(v) }
    }

    #[inline(always)]
    fn smallest(self, v: __m512) -> f32 {
        unsafe { _mm512_reduce_min_ps(v) }
    }

    #[inline(always)]
    fn store_bytes(self, v: __m512, to: &mut [u8]) {
        assert!(to.len() >= 16);
        unsafe {
            // Negative numbers would wrap in the unsigned narrowing.
            let v = _mm512_max_epi32(_mm512_cvtps_epi32(v), _mm512_setzero_si512());
            _mm_storeu_si128(to.as_mut_ptr().cast(), _mm512_cvtusepi32_epi8(v));
        }
    }

    #[inline(always)]
    fn load_half(self, from: &[u16]) -> __m512 {
        assert!(from.len() >= 16);
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn store_half(self, v: __m512, to: &mut [u16]) {
        assert!(to.len() >= 16);
        unsafe {
            let halves = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v);
            _mm256_storeu_si256(to.as_mut_ptr().cast(), halves);
        }
    }
}

impl Pairs for Avx512 {
    const STEP: usize = 1;
    type E = f32;

    #[inline(always)]
    fn convert(self, [low, high]: [Self::F; 2], to: &mut [f32]) {
        self.store(low, to);
        self.store(high, &mut to[Self::LANES..]);
    }

    #[inline(always)]
    fn interleave(self, rows: [&[f32]; 2], to: &mut [f32]) {
        self.store(self.load(rows[0]), to);
    }

    #[inline(always)]
    fn mac(self, sum: __m512, a: f32, b: &[f32]) -> __m512 {
        self.fma(self.splat(a), self.load(b), sum)
    }

    #[inline(always)]
    fn transpose16(self, from: &[f32], width: usize, to: &mut [f32], stride: usize) {
        let rows = std::array::from_fn(|i| unsafe { _mm512_castps_si512(self.load(&from[i * width..])) });
        for (j, row) in transposed(rows).into_iter().enumerate() {
            self.store(unsafe { _mm512_castsi512_ps(row) }, &mut to[j * stride..]);
        }
    }
}

/// A block of 16 x 16 32-bit elements on its side: pairs, then quadruples within 128 bits, then blocks of
/// 128 bits.
///
/// Only for callers with AVX-512 F, which each has by an [`Avx512`] of its own.
#[inline(always)]
pub(super) fn transposed(r: [__m512i; 16]) -> [__m512i; 16] {
    unsafe {
        let mut a = r;
        for i in 0..8 {
            a[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
            a[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
        }
        let mut b = a;
        for i in 0..4 {
            let q = 4 * i;
            b[q] = _mm512_unpacklo_epi64(a[q], a[q + 2]);
            b[q + 1] = _mm512_unpackhi_epi64(a[q], a[q + 2]);
            b[q + 2] = _mm512_unpacklo_epi64(a[q + 1], a[q + 3]);
            b[q + 3] = _mm512_unpackhi_epi64(a[q + 1], a[q + 3]);
        }
        // b[4 i + j] holds, in its 128-bit block k, column 4 k + j of rows 4 i to 4 i + 3.
        let mut out = b;
        for j in 0..4 {
            let even01 = _mm512_shuffle_i32x4::<0x88>(b[j], b[4 + j]);
            let odd01 = _mm512_shuffle_i32x4::<0xdd>(b[j], b[4 + j]);
            let even23 = _mm512_shuffle_i32x4::<0x88>(b[8 + j], b[12 + j]);
            let odd23 = _mm512_shuffle_i32x4::<0xdd>(b[8 + j], b[12 + j]);
            out[j] = _mm512_shuffle_i32x4::<0x88>(even01, even23);
            out[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even01, even23);
            out[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd01, odd23);
            out[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd01, odd23);
        }
        out
    }
}
