//! Four lanes of NEON.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: a `Neon` is made only after the CPU was found to have NEON, and memory is reached
// only through slices whose length was checked.

use std::arch::aarch64::*;
use std::arch::asm;

use super::{Pairs, Simd};

/// NEON is there.
#[derive(Clone, Copy)]
pub(crate) struct Neon(());

impl Neon {
    /// # Safety
    /// The CPU must have NEON.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(())
    }
}

impl Simd for Neon {
    const LANES: usize = 4;
    type F = float32x4_t;

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32]) -> float32x4_t {
        assert!(from.len() >= 4);
        unsafe { vld1q_f32(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: float32x4_t, to: &mut [f32]) {
        assert!(to.len() >= 4);
        unsafe { vst1q_f32(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vaddq_f32(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vsubq_f32(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vdivq_f32(a, b) }
    }

    #[inline(always)]
    fn fma(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // Not `vmaxq_f32`, which gives NaN where `b` would be asked for.
        unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) }
    }

    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vcltq_f32(a, b), a, b) }
    }

    #[inline(always)]
    fn round(self, v: float32x4_t) -> float32x4_t {
        unsafe { vrndnq_f32(v) }
    }

    #[inline(always)]
    fn scale2(self, v: float32x4_t, n: float32x4_t) -> float32x4_t {
        unsafe {
            let n = vmaxq_s32(vcvtq_s32_f32(n), vdupq_n_s32(-127));
            let power = vshlq_n_s32::<23>(vaddq_s32(n, vdupq_n_s32(127)));
            vmulq_f32(v, vreinterpretq_f32_s32(power))
        }
    }

    #[inline(always)]
    fn sum(self, v: float32x4_t) -> f32 {
        unsafe { vaddvq_f32(v) }
    }

    #[inline(always)]
    fn largest(self, v: float32x4_t) -> f32 {
        unsafe { vmaxvq_f32(v) }
    }

    #[inline(always)]
    fn smallest(self, v: float32x4_t) -> f32 {
        unsafe { vminvq_f32(v) }
    }

    #[inline(always)]
    fn store_bytes(self, v: float32x4_t, to: &mut [u8]) {
        unsafe {
            let words = vqmovun_s32(vcvtnq_s32_f32(v));
            let bytes = vqmovn_u16(vcombine_u16(words, words));
            to[..4].copy_from_slice(&vget_lane_u32::<0>(vreinterpret_u32_u8(bytes)).to_ne_bytes());
        }
    }

    #[inline(always)]
    fn load_half(self, from: &[u16]) -> float32x4_t {
        assert!(from.len() >= 4);
        unsafe {
            let halves = vld1_u16(from.as_ptr());
            let v: float32x4_t;
            asm!("fcvtl {v:v}.4s, {h:v}.4h", v = out(vreg) v, h = in(vreg) halves, options(pure, nomem, nostack));
            v
        }
    }

    #[inline(always)]
    fn store_half(self, v: float32x4_t, to: &mut [u16]) {
        assert!(to.len() >= 4);
        unsafe {
            let halves: uint16x4_t;
            asm!("fcvtn {h:v}.4h, {v:v}.4s", h = out(vreg) halves, v = in(vreg) v, options(pure, nomem, nostack));
            vst1_u16(to.as_mut_ptr(), halves);
        }
    }
}

impl Pairs for Neon {
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
    fn mac(self, sum: float32x4_t, a: f32, b: &[f32]) -> float32x4_t {
        self.fma(self.splat(a), self.load(b), sum)
    }
}
