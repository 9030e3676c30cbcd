//! One lane: the reference that every instruction set is tested against.

use half::f16;

use super::{Pairs, Simd};

/// No vector instructions.
#[derive(Clone, Copy)]
pub(crate) struct Scalar;

impl Simd for Scalar {
    const LANES: usize = 1;
    type F = f32;

    #[inline(always)]
    fn splat(self, x: f32) -> f32 {
        x
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> f32 {
        from[0]
    }

    #[inline(always)]
    fn store(self, v: f32, to: &mut [f32]) {
        to[0] = v;
    }

    #[inline(always)]
    fn add(self, a: f32, b: f32) -> f32 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f32, b: f32) -> f32 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f32, b: f32) -> f32 {
        a * b
    }

    #[inline(always)]
    fn div(self, a: f32, b: f32) -> f32 {
        a / b
    }

    #[inline(always)]
    fn fma(self, a: f32, b: f32, c: f32) -> f32 {
        // Not `mul_add`: without the instruction that is a call.
        a * b + c
    }

    #[inline(always)]
    fn max(self, a: f32, b: f32) -> f32 {
        if a > b { a } else { b }
    }

    #[inline(always)]
    fn min(self, a: f32, b: f32) -> f32 {
        if a < b { a } else { b }
    }

    #[inline(always)]
    fn round(self, v: f32) -> f32 {
        // `round_ties_even` is a call where the instruction is missing; adding and taking away 1.5 * 2^23
        // rounds in the same way below 2^22, and greater arguments do not occur.
        const MAGIC: f32 = 12_582_912.0;
        if v.abs() < 4_194_304.0 { (v + MAGIC) - MAGIC } else { v }
    }

    #[inline(always)]
    fn scale2(self, v: f32, n: f32) -> f32 {
        if n < -126.0 { 0.0 } else { v * f32::from_bits((((n as i32) + 127) as u32) << 23) }
    }

    #[inline(always)]
    fn sum(self, v: f32) -> f32 {
        v
    }

    #[inline(always)]
    fn largest(self, v: f32) -> f32 {
        v
    }

    #[inline(always)]
    fn smallest(self, v: f32) -> f32 {
        v
    }

    #[inline(always)]
    fn store_bytes(self, v: f32, to: &mut [u8]) {
        to[0] = self.round(v) as u8;
    }

    #[inline(always)]
    fn load_half(self, from: &[u16]) -> f32 {
        f16::from_bits(from[0]).to_f32_const()
    }

    #[inline(always)]
    fn store_half(self, v: f32, to: &mut [u16]) {
        to[0] = f16::from_f32_const(v).to_bits();
    }
}

impl Pairs for Scalar {
    const STEP: usize = 1;
    type E = f32;

    #[inline(always)]
    fn convert(self, from: [f32; 2], to: &mut [f32]) {
        to.copy_from_slice(&from);
    }

    #[inline(always)]
    fn interleave(self, rows: [&[f32]; 2], to: &mut [f32]) {
        to[0] = rows[0][0];
    }

    #[inline(always)]
    fn mac(self, sum: f32, a: f32, b: &[f32]) -> f32 {
        sum + a * b[0]
    }
}
