//! The reference: one row, one panel, plain integers.
#![allow(unsafe_code)]

use crate::cpu::{Cpu, PANEL, Sink};
use crate::simd::scalar::Scalar;

impl Cpu for Scalar {
    type S = Self;
    const ROWS: usize = 1;
    const PANELS: usize = 1;
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
}
