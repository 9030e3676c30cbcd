//! Numbers that look random and are the same everywhere: SplitMix64 (Steele, Lea, Flood 2014), ten lines.

/// The generator's state.
pub(crate) struct SplitMix(u64);

impl SplitMix {
    /// Begins with `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1, all equally likely.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal, mean 0, variance 1: a sum of three uniforms. Additions only, so no platform's
    /// mathematics library has a say.
    pub(crate) fn normal(&mut self) -> f32 {
        let mut uniform = || (self.bits() >> 40) as f32 / (1_u32 << 24) as f32;
        2.0 * (uniform() + uniform() + uniform() - 1.5)
    }
}
