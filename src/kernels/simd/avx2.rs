//! Eight lanes of AVX2 with fused multiply-add.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: an `Avx2` is made only after the CPU was found to have AVX2 and FMA, and memory is
// reached only through slices whose length was checked.

use std::arch::x86_64::*;

use super::{Pairs, Simd};

/// AVX2 and FMA are there.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The CPU must have AVX2 and FMA.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }

    /// Folds both halves by `of` until one lane is left.
    #[inline(always)]
    fn fold(self, v: __m256, of: impl Fn(__m128, __m128) -> __m128) -> f32 {
        unsafe {
            let v = of(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
            let v = of(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(of(v, _mm_shuffle_ps::<1>(v, v)))
        }
    }
}

impl Simd for Avx2 {
    const LANES: usize = 8;
    type F = __m256;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> __m256 {
        assert!(from.len() >= 8);
        unsafe { _mm256_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: __m256, to: &mut [f32]) {
        assert!(to.len() >= 8);
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_div_ps(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_min_ps(a, b) }
    }

    #[inline(always)]
    fn round(self, v: __m256) -> __m256 {
        unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(v) }
    }

    #[inline(always)]
    fn scale2(self, v: __m256, n: __m256) -> __m256 {
        unsafe {
            let n = _mm256_max_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(-127));
            let power = _mm256_slli_epi32::<23>(_mm256_add_epi32(n, _mm256_set1_epi32(127)));
            _mm256_mul_ps(v, _mm256_castsi256_ps(power))
        }
    }

    #[inline(always)]
    fn sum(self, v: __m256) -> f32 {
        self.fold(v, |a, b| unsafe { _mm_add_ps(a, b) })
    }

    #[inline(always)]
    fn largest(self, v: __m256) -> f32 {
        self.fold(v, |a, b| unsafe { _mm_max_ps(a, b) })
    }

    #[inline(always)]
    fn smallest(self, v: __m256) -> f32 {
        self.fold(v, |a, b| unsafe { _mm_min_ps(a, b) })
    }

    #[inline(always)]
    fn store_bytes(self, v: __m256, to: &mut [u8]) {
        assert!(to.len() >= 8);
        unsafe {
            let v = _mm256_cvtps_epi32(v);
            let words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
            _mm_storel_epi64(to.as_mut_ptr().cast(), _mm_packus_epi16(words, words));
        }
    }

    #[inline(always)]
    fn load_half(self, from: &[u16]) -> __m256 {
        assert!(from.len() >= 8);
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast())) }
    }

    #[inline(always)]
    fn store_half(self, v: __m256, to: &mut [u16]) {
        assert!(to.len() >= 8);
        unsafe {
            let halves = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v);
            _mm_storeu_si128(to.as_mut_ptr().cast(), halves);
        }
    }
}

impl Pairs for Avx2 {
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
    fn mac(self, sum: __m256, a: f32, b: &[f32]) -> __m256 {
        self.fma(self.splat(a), self.load(b), sum)
    }

    #[inline(always)]
    fn transpose16(self, from: &[f32], width: usize, to: &mut [f32], stride: usize) {
        for i in [0, 8] {
            for j in [0, 8] {
                let rows = std::array::from_fn(|k| self.load(&from[(i + k) * width + j..]));
                for (k, row) in transposed(rows).into_iter().enumerate() {
                    self.store(row, &mut to[(j + k) * stride + i..]);
                }
            }
        }
    }
}

/// A block of 8 x 8 values on its side: pairs, then quadruples within 128 bits, then halves.
///
/// Only for callers with AVX2, which each has by an [`Avx2`] of its own.
#[inline(always)]
fn transposed(r: [__m256; 8]) -> [__m256; 8] {
    unsafe {
        let mut quads = r;
        for i in [0, 4] {
            let low = [_mm256_unpacklo_ps(r[i], r[i + 1]), _mm256_unpacklo_ps(r[i + 2], r[i + 3])];
            let high = [_mm256_unpackhi_ps(r[i], r[i + 1]), _mm256_unpackhi_ps(r[i + 2], r[i + 3])];
            quads[i] = _mm256_shuffle_ps::<0x44>(low[0], low[1]);
            quads[i + 1] = _mm256_shuffle_ps::<0xee>(low[0], low[1]);
            quads[i + 2] = _mm256_shuffle_ps::<0x44>(high[0], high[1]);
            quads[i + 3] = _mm256_shuffle_ps::<0xee>(high[0], high[1]);
        }
        // quads[4 i + j] holds, in its 128-bit block k, column 4 k + j of rows 4 i to 4 i + 3.
        let mut out = r;
        for j in 0..4 {
            out[j] = _mm256_permute2f128_ps::<0x20>(quads[j], quads[4 + j]);
            out[4 + j] = _mm256_permute2f128_ps::<0x31>(quads[j], quads[4 + j]);
        }
        out
    }
}
