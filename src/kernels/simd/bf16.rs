//! AVX-512 whose products are of bfloat16 pairs, summed in float32: twice the multiplications an instruction.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: an `Avx512Bf16` is made only after the CPU was found to have AVX-512 F, BW, VL,
// DQ and BF16, and memory is reached only through slices whose length was checked.

use std::arch::x86_64::*;

use super::avx512::{Avx512, transposed};
use super::{Pairs, Simd};

/// AVX-512 F, BW, VL, DQ and BF16 are there.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Bf16(Avx512);

impl Avx512Bf16 {
    /// # Safety
    /// The CPU must have AVX-512 F, BW, VL, DQ and BF16.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(unsafe { Avx512::new() })
    }
}

macro_rules! as_avx512 {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)?;)*) => {
        impl Simd for Avx512Bf16 {
            const LANES: usize = 16;
            type F = __m512;
            $(
                #[inline(always)]
                fn $name(self, $($arg: $type),*) $(-> $out)? {
                    self.0.$name($($arg),*)
                }
            )*
        }
    };
}

as_avx512! {
    splat(x: f32) -> __m512;
    load(from: &[f32]) -> __m512;
    store(v: __m512, to: &mut [f32]);
    add(a: __m512, b: __m512) -> __m512;
    sub(a: __m512, b: __m512) -> __m512;
    mul(a: __m512, b: __m512) -> __m512;
    div(a: __m512, b: __m512) -> __m512;
    fma(a: __m512, b: __m512, c: __m512) -> __m512;
    max(a: __m512, b: __m512) -> __m512;
    min(a: __m512, b: __m512) -> __m512;
    round(v: __m512) -> __m512;
    scale2(v: __m512, n: __m512) -> __m512;
    sum(v: __m512) -> f32;
    largest(v: __m512) -> f32;
    smallest(v: __m512) -> f32;
    store_bytes(v: __m512, to: &mut [u8]);
    load_half(from: &[u16]) -> __m512;
    store_half(v: __m512, to: &mut [u16]);
}

impl Pairs for Avx512Bf16 {
    const STEP: usize = 2;
    type E = u32;

    #[inline(always)]
    fn convert(self, [low, high]: [__m512; 2], to: &mut [u32]) {
        assert!(to.len() >= 16);
        unsafe {
            let pairs: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(high, low));
            _mm512_storeu_si512(to.as_mut_ptr().cast(), pairs);
        }
    }

    #[inline(always)]
    fn interleave(self, rows: [&[f32]; 2], to: &mut [u32]) {
        assert!(to.len() >= 16);
        let [first, second] = rows.map(|row| self.load(row));
        unsafe {
            let pairs: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(second, first));
            // The halves of `pairs` are the rows; words i and 16 + i become neighbours.
            const ORDER: [u16; 32] = {
                let mut order = [0; 32];
                let mut i = 0;
                while i < 32 {
                    order[i] = (i / 2 + 16 * (i % 2)) as u16;
                    i += 1;
                }
                order
            };
            let order = _mm512_loadu_si512(ORDER.as_ptr().cast());
            _mm512_storeu_si512(to.as_mut_ptr().cast(), _mm512_permutexvar_epi16(order, pairs));
        }
    }

    #[inline(always)]
    fn mac(self, sum: __m512, a: u32, b: &[u32]) -> __m512 {
        assert!(b.len() >= 16);
        unsafe {
            let a: __m512bh = std::mem::transmute(_mm512_set1_epi32(a as i32));
            let b: __m512bh = std::mem::transmute(_mm512_loadu_si512(b.as_ptr().cast()));
            _mm512_dpbf16_ps(sum, a, b)
        }
    }

    #[inline(always)]
    fn transpose16(self, from: &[u32], width: usize, to: &mut [u32], stride: usize) {
        assert!(from.len() >= 15 * width + 16 && to.len() >= 15 * stride + 16);
        unsafe {
            let rows = std::array::from_fn(|i| _mm512_loadu_si512(from.as_ptr().add(i * width).cast()));
            for (j, row) in transposed(rows).into_iter().enumerate() {
                _mm512_storeu_si512(to.as_mut_ptr().add(j * stride).cast(), row);
            }
        }
    }
}
