//! How fast this CPU multiplies in the kernels' own tile, with operands that stay in the first-level cache: what a
//! layer could reach if memory cost nothing.

use crate::Isa;
use crate::cpu::{Cpu, PANEL, Sink, Task, dispatch};
use crate::simd::Simd;

/// Multiplies and sums bytes from the first-level cache by the widest int8 tile, at least `least` times, and
/// returns how many multiplications that were.
pub fn multiply(isa: Isa, least: u64) -> u64 {
    let mut done = 0;
    dispatch(isa, Multiply { least, done: &mut done });
    done
}

struct Multiply<'a> {
    least: u64,
    done: &'a mut u64,
}

/// Groups of 4 inputs: short enough that both operands stay in the first-level cache.
const STEPS: usize = 128;

impl Task for Multiply<'_> {
    #[inline(always)]
    fn run<C: Cpu>(mut self, cpu: C) {
        match (C::ROWS, C::PANELS) {
            (8, 3) => go::<C, 8, 3>(cpu, &mut self),
            (3, 1) => go::<C, 3, 1>(cpu, &mut self),
            (6, 1) => go::<C, 6, 1>(cpu, &mut self),
            (4, 1) => go::<C, 4, 1>(cpu, &mut self),
            _ => go::<C, 1, 1>(cpu, &mut self),
        }
    }
}

#[inline(always)]
#[allow(unsafe_code)]
fn go<C: Cpu, const R: usize, const P: usize>(cpu: C, work: &mut Multiply<'_>) {
    let a = vec![3_u8; R * STEPS * 4];
    let b = vec![5_i8; P * STEPS * 4 * PANEL];
    while *work.done < work.least {
        for _ in 0..64 {
            // SAFETY: `a` and `b` have just these lengths.
            unsafe {
                cpu.tile::<R, P>(a.as_ptr(), STEPS * 4, b.as_ptr(), STEPS, &mut Unused);
            }
        }
        *work.done += (64 * R * P * STEPS * 4 * PANEL) as u64;
    }
}

/// Nobody looks at the results.
struct Unused;

impl<S: Simd> Sink<S> for Unused {
    #[inline(always)]
    fn put(&mut self, _: usize, _: usize, dots: S::F) {
        std::hint::black_box(dots);
    }
}
