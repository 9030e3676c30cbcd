//! Vectors of float32 behind one trait, so that each float kernel is written once and compiled for every
//! instruction set. A value of a [`Simd`] type exists only where the CPU has its instructions.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod bf16;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod scalar;

/// Vectors of [`Simd::LANES`] float32 values.
///
/// Every method is to be inlined into a function that has the instruction set enabled; elsewhere it would
/// still be sound, but slow.
pub(crate) trait Simd: Copy {
    /// Values of a vector: a power of two, at most 16.
    const LANES: usize;
    /// A vector.
    type F: Copy;

    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::F;
    /// The first lanes of `from`, which must hold as many.
    fn load(self, from: &[f32]) -> Self::F;
    /// Puts all lanes at the start of `to`, which must have the room.
    fn store(self, v: Self::F, to: &mut [f32]);
    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once where the CPU can.
    fn fma(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The greater of both, lane by lane; `b` where either is no number.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The smaller of both, lane by lane; `b` where either is no number.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The nearest whole number, ties to even.
    fn round(self, v: Self::F) -> Self::F;
    /// `v * 2^n` for whole numbers `n` of at most 127; 0 or nearly 0 below -126.
    fn scale2(self, v: Self::F, n: Self::F) -> Self::F;
    /// Sum of all lanes.
    fn sum(self, v: Self::F) -> f32;
    /// Greatest lane.
    fn largest(self, v: Self::F) -> f32;
    /// Smallest lane.
    fn smallest(self, v: Self::F) -> f32;
    /// Each lane to the nearest byte, 0 to 255, at the start of `to`.
    fn store_bytes(self, v: Self::F, to: &mut [u8]);

    /// The first lanes of `from`, which must hold as many, from float16.
    fn load_half(self, from: &[u16]) -> Self::F;
    /// Puts all lanes at the start of `to`, rounded to float16, ties to even.
    fn store_half(self, v: Self::F, to: &mut [u16]);

    /// Fewer values than lanes, the missing ones 0.
    #[inline(always)]
    fn load_part(self, from: &[f32]) -> Self::F {
        let mut whole = [0.0; 16];
        whole[..from.len()].copy_from_slice(from);
        self.load(&whole)
    }

    /// The first `to.len()` lanes, fewer than all.
    #[inline(always)]
    fn store_part(self, v: Self::F, to: &mut [f32]) {
        let mut whole = [0.0; 16];
        self.store(v, &mut whole);
        to.copy_from_slice(&whole[..to.len()]);
    }
}

/// Vectors that attention multiplies: float32, or pairs of bfloat16 in the same 32 bits.
pub(crate) trait Pairs: Simd {
    /// Values in one element.
    const STEP: usize;
    /// An element: 32 bits.
    type E: Copy + Default;

    /// Two vectors of values to `2 * LANES / STEP` elements at the start of `to`, neighbours together.
    fn convert(self, from: [Self::F; 2], to: &mut [Self::E]);
    /// `LANES` elements, each with value `i` of every row in `rows`, whose number is [`Pairs::STEP`].
    fn interleave(self, rows: [&[f32]; 2], to: &mut [Self::E]);
    /// `sum + a * b`, all values of an element multiplied and summed; `b` from the start of the slice.
    fn mac(self, sum: Self::F, a: Self::E, b: &[Self::E]) -> Self::F;
    /// `to[j][i] = from[i][j]` for a block of 16 x 16 elements, rows `width` and `stride` elements apart.
    #[inline(always)]
    fn transpose16(self, from: &[Self::E], width: usize, to: &mut [Self::E], stride: usize) {
        for i in 0..16 {
            for j in 0..16 {
                to[j * stride + i] = from[i * width + j];
            }
        }
    }
}

/// `2^x` within a relative error of 3e-6 for -126 <= x <= 127; 0 or nearly 0 below. A polynomial of degree 4
/// over half an octave on either side, minimax in the relative error.
#[inline(always)]
pub(crate) fn exp2<S: Simd>(s: S, x: S::F) -> S::F {
    const C: [f32; 5] = [0.999_999_3, 0.693_121_8, 0.240_247_46, 0.055_917_863, 0.009_570_051];
    let n = s.round(x);
    let f = s.sub(x, n);
    let mut p = s.splat(C[4]);
    for c in C[..4].iter().rev() {
        p = s.fma(p, f, s.splat(*c));
    }
    s.scale2(p, n)
}

/// GELU, `x * Phi(x)`, within an absolute error of `GELU_ERROR`: `Phi(x) - 1/2` as an odd polynomial, minimax in
/// the error of the product, held constant where `|x|` exceeds its range.
#[inline(always)]
pub(crate) fn gelu<S: Simd>(s: S, x: S::F) -> S::F {
    const RANGE: f32 = 3.7;
    const C: [f32; 6] =
        [0.396_475_03, -0.062_587_66, 0.007_848_676, -0.000_617_498_6, 2.688_854e-5, -4.899_679_5e-7];
    let y = s.min(s.max(x, s.splat(-RANGE)), s.splat(RANGE));
    let square = s.mul(y, y);
    let mut p = s.splat(C[5]);
    for c in C[..5].iter().rev() {
        p = s.fma(p, square, s.splat(*c));
    }
    s.mul(x, s.fma(y, p, s.splat(0.5)))
}

/// Largest absolute error of [`gelu`] for `|x| <= 12`: a hundredth of what quantising to bytes costs after it.
#[cfg(test)]
pub(crate) const GELU_ERROR: f32 = 5e-4;

/// GELU by its tanh approximation: `x * sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3))`.
#[inline(always)]
pub(crate) fn gelu_tanh<S: Simd>(s: S, x: S::F) -> S::F {
    // -2 sqrt(2 / pi) log2(e), and that times 0.044715.
    let (linear, cubic) = (s.splat(-2.302_208_2), s.splat(-0.102_943_24));
    let square = s.mul(x, x);
    let z = s.mul(x, s.fma(cubic, square, linear));
    let z = s.min(s.max(z, s.splat(-126.0)), s.splat(126.0));
    s.div(x, s.add(s.splat(1.0), exp2(s, z)))
}

/// SiLU, `x * sigmoid(x)`, as exact as [`exp2`].
#[inline(always)]
pub(crate) fn silu<S: Simd>(s: S, x: S::F) -> S::F {
    let z = s.mul(x, s.splat(-std::f32::consts::LOG2_E));
    let z = s.min(s.max(z, s.splat(-126.0)), s.splat(126.0));
    s.div(x, s.add(s.splat(1.0), exp2(s, z)))
}
