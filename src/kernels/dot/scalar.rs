//! The reference: one row, one panel, plain integers.
#![allow(unsafe_code)]

use crate::blocks::{GROUP, number};
use crate::cpu::{Cpu, PANEL, Sink};
use crate::simd::scalar::Scalar;

impl Cpu for Scalar {
    type S = Self;
    const ROWS: usize = 1;
    const PANELS: usize = 1;
    const BLOCK_ROWS: usize = 1;
    const FLOAT_ROWS: usize = 1;

    #[inline(always)]
    fn simd(self) -> Self {
        self
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
            for r in 0..R {
                // SAFETY: the caller vouches for these extents.
                let (row, panel) = unsafe {
                    (
                        std::slice::from_raw_parts(a.add(r * stride), 4 * steps),
                        std::slice::from_raw_parts(b.add(p * steps * 4 * PANEL), steps * 4 * PANEL),
                    )
                };
                let mut sums = [0_i32; PANEL];
                for (x, w) in row.as_chunks::<4>().0.iter().zip(panel.as_chunks::<{ 4 * PANEL }>().0) {
                    for (sum, w) in sums.iter_mut().zip(w.as_chunks::<4>().0) {
                        *sum += x.iter().zip(w).map(|(&x, &w)| i32::from(x) * i32::from(w)).sum::<i32>();
                    }
                }
                for (c, sum) in sums.into_iter().enumerate() {
                    sink.put(r, p * PANEL + c, sum as f32);
                }
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
    ) -> [[f32; R]; 2] {
        let bits = if WIDE { 8 } else { BITS };
        // SAFETY: the caller vouches for these extents.
        let (low, high) = unsafe {
            (
                std::slice::from_raw_parts(low, PANEL * GROUP * if bits == 8 { 8 } else { 4 } / 8),
                std::slice::from_raw_parts(high, PANEL * GROUP * if bits == 8 { 0 } else { bits - 4 } / 8),
            )
        };
        let mut sums = [[0.0; R]; 2];
        for r in 0..R {
            // SAFETY: as told above.
            let row = unsafe { std::slice::from_raw_parts(a.add(r * stride), GROUP) };
            let mut dots = [0_i32; 2];
            for (k, &x) in row.iter().enumerate() {
                let half = if SPLIT { k / (GROUP / 2) } else { 0 };
                dots[half] += i32::from(x) * i32::from(number(bits, low, high, lane, k));
            }
            sums[0][r] = dots[0] as f32;
            sums[1][r] = dots[1] as f32;
        }
        sums
    }
}
