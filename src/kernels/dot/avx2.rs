//! AVX2 without a dot product for bytes. Its byte multiply-add sums pairs of products in 16 bits, which those of
//! [`Grid::Narrow`] can't overflow; each sum is then widened to 32 bits: 6 multiplications and additions of vectors for
//! 64 products, where widening each byte before it is multiplied takes 8. Tiles of 3 rows by 16 columns.
#![allow(unsafe_code, clippy::undocumented_unsafe_blocks)]
// SAFETY of every block here: an `Avx2Dot` is made only after the CPU was found to have AVX2 and FMA; the extents
// of `a` and `b` are the caller's word.

use std::arch::asm;
use std::arch::x86_64::*;

use crate::Grid;
use crate::cpu::{Cpu, PANEL, Sink};
use crate::simd::avx2::Avx2;

/// AVX2 and FMA are there.
#[derive(Clone, Copy)]
pub(crate) struct Avx2Dot(Avx2);

impl Avx2Dot {
    /// # Safety
    /// The CPU must have AVX2 and FMA.
    #[inline(always)]
    pub(crate) unsafe fn new() -> Self {
        Self(unsafe { Avx2::new() })
    }
}

/// `sum` and the pairs of `products`, in 32 bits. Written out because LLVM, given the intrinsics, reorders the
/// additions until it runs out of registers.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn widened(mut sum: __m256i, products: __m256i, ones: __m256i) -> __m256i {
    unsafe {
        asm!(
            "vpmaddwd {product}, {products}, {ones}",
            "vpaddd {sum}, {sum}, {product}",
            sum = inout(ymm_reg) sum,
            products = in(ymm_reg) products,
            ones = in(ymm_reg) ones,
            product = out(ymm_reg) _,
            options(pure, nomem, nostack, preserves_flags)
        );
    }
    sum
}

/// The sums of `R` rows and one panel. A function of its own, since only one that has the instruction set may name
/// its registers.
///
/// # Safety
/// As [`Cpu::tile`]; the CPU must have AVX2.
#[target_feature(enable = "avx2")]
unsafe fn sums<const R: usize>(a: *const u8, stride: usize, b: *const i8, steps: usize) -> [[__m256i; 2]; R] {
    unsafe {
        let ones = _mm256_set1_epi16(1);
        let mut sums = [[_mm256_setzero_si256(); 2]; R];
        for k in 0..steps {
            let left = _mm256_loadu_si256(b.add(k * 4 * PANEL).cast());
            let right = _mm256_loadu_si256(b.add(k * 4 * PANEL + 32).cast());
            for r in 0..R {
                let x = _mm256_set1_epi32(a.add(r * stride + 4 * k).cast::<i32>().read_unaligned());
                sums[r][0] = widened(sums[r][0], _mm256_maddubs_epi16(x, left), ones);
                sums[r][1] = widened(sums[r][1], _mm256_maddubs_epi16(x, right), ones);
            }
        }
        sums
    }
}

impl Cpu for Avx2Dot {
    type S = Avx2;
    const ROWS: usize = 3;
    const PANELS: usize = 1;
    const BLOCK_ROWS: usize = 4;
    const FLOAT_ROWS: usize = 6;
    const GRID: Grid = Grid::Narrow;

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
        for p in 0..P {
            unsafe {
                let sums = sums::<R>(a, stride, b.add(p * steps * 4 * PANEL), steps);
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
            let ones = _mm256_set1_epi16(1);
            let zeros = _mm256_setzero_si256();
            let mut sums = [[zeros; R]; 2];
            // Sums in 16 bits: as many pairs of products as can't overflow them meet before they are widened. Numbers of 8
            // bits are multiplied half by half.
            let mut narrow = [[zeros; R]; 2];
            unrolled!(j < 8, {
                if BITS == 8 {
                    let w = _mm256_loadu_si256(low.add(64 * j + 4 * lane).cast());
                    let halves = [lower(w), upper(w)];
                    for r in 0..R {
                        let x = _mm256_set1_epi32(a.add(r * stride + 4 * j).cast::<i32>().read_unaligned());
                        for half in 0..2 {
                            let products = _mm256_maddubs_epi16(halves[half], x);
                            narrow[half][r] = _mm256_add_epi16(narrow[half][r], products);
                        }
                    }
                } else {
                    // Four inputs of one half of the group, then the four of the other that lie in the same bytes.
                    let (step, half) = (j / 2, j % 2);
                    let quad = step + 4 * half;
                    let w = match WIDE {
                        true => _mm256_loadu_si256(low.add(64 * quad + 4 * lane).cast()),
                        false => numbers::<BITS>(low, high, lane, step, half),
                    };
                    let to = if BITS == 4 && !SPLIT { 0 } else { half };
                    for r in 0..R {
                        let x =
                            _mm256_set1_epi32(a.add(r * stride + 4 * quad).cast::<i32>().read_unaligned());
                        let products = _mm256_maddubs_epi16(w, x);
                        narrow[to][r] = _mm256_add_epi16(narrow[to][r], products);
                        if BITS == 6 && step % 2 == 1 {
                            let wide = _mm256_madd_epi16(narrow[to][r], ones);
                            sums[to][r] = _mm256_add_epi32(sums[to][r], wide);
                            narrow[to][r] = zeros;
                        }
                    }
                }
            });
            for r in 0..R {
                if BITS == 4 || BITS == 5 {
                    sums[0][r] = _mm256_madd_epi16(narrow[0][r], ones);
                    sums[1][r] = _mm256_madd_epi16(narrow[1][r], ones);
                }
                if BITS == 8 {
                    let upper = _mm256_madd_epi16(narrow[1][r], _mm256_set1_epi16(16));
                    sums[0][r] = _mm256_add_epi32(_mm256_madd_epi16(narrow[0][r], ones), upper);
                } else if !SPLIT && BITS != 4 {
                    sums[0][r] = _mm256_add_epi32(sums[0][r], sums[1][r]);
                }
            }
            floats(sums)
        }
    }

    #[inline(always)]
    unsafe fn widen<const BITS: usize>(self, low: *const u8, high: *const u8, to: *mut u8) {
        unsafe { spread::<BITS>(low, high, to) }
    }
}

/// The lower four bits of every byte.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn lower(w: __m256i) -> __m256i {
    _mm256_and_si256(w, _mm256_set1_epi8(15))
}

/// The upper four bits of every byte.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn upper(w: __m256i) -> __m256i {
    _mm256_and_si256(_mm256_srli_epi16::<4>(w), _mm256_set1_epi8(15))
}

/// The numbers of 8 channels, from `lane` on, for four inputs: step `step` of half `half` of a group.
///
/// # Safety
/// As [`Cpu::group`], for numbers of 4 to 6 bits; the CPU must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn numbers<const BITS: usize>(
    low: *const u8,
    high: *const u8,
    lane: usize,
    step: usize,
    half: usize,
) -> __m256i {
    unsafe {
        let bytes = _mm256_loadu_si256(low.add(64 * step + 4 * lane).cast());
        let four = if half == 0 { lower(bytes) } else { upper(bytes) };
        if BITS == 4 {
            return four;
        }
        // Where the bits above are, and the first of them.
        let (at, first) = if BITS == 5 { (0, step + 4 * half) } else { (64 * half, 2 * step) };
        let bits = _mm256_loadu_si256(high.add(at + 4 * lane).cast());
        let left = _mm_cvtsi32_si128(4_usize.saturating_sub(first) as i32);
        let right = _mm_cvtsi32_si128(first.saturating_sub(4) as i32);
        let bits = _mm256_srl_epi16(_mm256_sll_epi16(bits, left), right);
        let mask = _mm256_set1_epi8(if BITS == 5 { 0x10 } else { 0x30 });
        _mm256_or_si256(four, _mm256_and_si256(bits, mask))
    }
}

/// As float32.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn floats<const R: usize>(sums: [[__m256i; R]; 2]) -> [[__m256; R]; 2] {
    let mut out = [[_mm256_setzero_ps(); R]; 2];
    for half in 0..2 {
        for r in 0..R {
            out[half][r] = _mm256_cvtepi32_ps(sums[half][r]);
        }
    }
    out
}

/// What [`Cpu::widen`] does.
///
/// # Safety
/// As [`Cpu::widen`]; the CPU must have AVX2.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn spread<const BITS: usize>(low: *const u8, high: *const u8, to: *mut u8) {
    unsafe {
        unrolled!(j < 8, {
            for lane in [0, 8] {
                let w = numbers::<BITS>(low, high, lane, j % 4, j / 4);
                _mm256_storeu_si256(to.add(64 * j + 4 * lane).cast(), w);
            }
        });
    }
}
