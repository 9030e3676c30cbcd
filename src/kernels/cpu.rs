//! What a kernel needs of a CPU, and the one place where an [`Isa`] becomes code compiled for it.
#![allow(unsafe_code)]

use crate::blocks::{GROUP, number};
use crate::isa::{Grid, Isa, Kind};
use crate::simd::{Pairs, Simd, scalar::Scalar};

/// Columns of a panel of packed weights.
pub(crate) const PANEL: usize = 16;

/// An instruction set: float32 vectors, and int8 dot products.
pub(crate) trait Cpu: Copy {
    /// Its float32 vectors.
    type S: Pairs;
    /// Most rows of an int8 tile.
    const ROWS: usize;
    /// Panels of a wide int8 tile.
    const PANELS: usize;
    /// Most rows of a float tile.
    const FLOAT_ROWS: usize;
    /// Most rows of a tile of blocks: 1, 2, 4 or 8.
    const BLOCK_ROWS: usize;
    /// What the kernel takes from every activation before it multiplies.
    const OFFSET: f32 = 0.0;
    /// The numbers that it can multiply.
    const GRID: Grid = Grid::Wide;

    /// Its float32 vectors.
    fn simd(self) -> Self::S;

    /// Asks for the cache line of `at`, whatever lies there, where the CPU can be asked.
    #[inline(always)]
    fn fetch(self, at: *const i8) {
        let _ = at;
    }

    /// Dot products of `R` rows of activations with the columns of `P` panels, each exact in 32 bits and then
    /// rounded to float32, into `sink`.
    ///
    /// # Safety
    /// `a` must be readable for `R` rows of `4 * steps` bytes that lie `stride` bytes apart, `b` for `P` panels
    /// of `steps * 4 * PANEL` bytes one after the other.
    unsafe fn tile<const R: usize, const P: usize>(
        self,
        a: *const u8,
        stride: usize,
        b: *const i8,
        steps: usize,
        sink: &mut impl Sink<Self::S>,
    );

    /// Dot products of `R` rows of signed activations, -127 to 127, with the unsigned numbers of a vector of channels, from
    /// channel `lane` of a panel on, over one group of inputs: exact, then as float32. Of the group's halves apart if
    /// `SPLIT`; else the first is of all of it, and the second means nothing.
    ///
    /// # Safety
    /// `a` must be readable for `R` rows of 32 bytes that lie `stride` bytes apart; `low` and `high` for the bytes of a
    /// panel's group in numbers of `BITS` bits, which lie as [`crate::BlockLinear`] says, or, if `WIDE`, as it says of
    /// numbers of 8 bits.
    unsafe fn group<const BITS: usize, const WIDE: bool, const SPLIT: bool, const R: usize>(
        self,
        a: *const i8,
        stride: usize,
        low: *const u8,
        high: *const u8,
        lane: usize,
    ) -> [[<Self::S as Simd>::F; R]; 2];

    /// The numbers of a panel's group, `BITS` bits each, to a byte each, as numbers of 8 bits lie.
    ///
    /// # Safety
    /// `low` and `high` as for [`Cpu::group`]; `to` must be writable for 512 bytes.
    #[inline(always)]
    unsafe fn widen<const BITS: usize>(self, low: *const u8, high: *const u8, to: *mut u8) {
        // SAFETY: the caller's word.
        let (low, high, to) = unsafe {
            (
                std::slice::from_raw_parts(low, GROUP * PANEL / 2),
                std::slice::from_raw_parts(high, GROUP * PANEL * (BITS - 4) / 8),
                std::slice::from_raw_parts_mut(to, GROUP * PANEL),
            )
        };
        for (k, to) in to.chunks_exact_mut(4 * PANEL).enumerate() {
            for (at, to) in to.iter_mut().enumerate() {
                *to = number(BITS, low, high, at / 4, 4 * k + at % 4);
            }
        }
    }
}

/// Where the vectors of a tile go. A trait and not a closure: only a method can be made to be inlined always, and
/// elsewhere it would be compiled without the instruction set.
pub(crate) trait Sink<S: Simd> {
    /// Takes the vector of row `row` that begins at column `column`, both counted within the tile.
    fn put(&mut self, row: usize, column: usize, dots: S::F);
}

/// Work that is compiled once for each instruction set. `run` must be inlined (`#[inline(always)]`).
pub(crate) trait Task {
    /// Does it.
    fn run<C: Cpu>(self, cpu: C);
}

/// Runs `task` compiled for `isa`.
pub(crate) fn dispatch<T: Task>(isa: Isa, task: T) {
    #[cfg(target_arch = "x86_64")]
    {
        use crate::dot::{avx_vnni::AvxVnni, avx2::Avx2Dot, avx512::Vnni};
        use crate::simd::{avx512::Avx512, bf16::Avx512Bf16};

        #[target_feature(enable = "avx2,fma,f16c")]
        fn avx2<T: Task>(task: T) {
            // SAFETY: this function runs only on CPUs with AVX2, FMA and F16C.
            task.run(unsafe { Avx2Dot::new() });
        }
        #[target_feature(enable = "avx2,fma,f16c,avxvnni")]
        fn avx_vnni<T: Task>(task: T) {
            // SAFETY: this function runs only on CPUs with AVX2, FMA, F16C and AVX-VNNI.
            task.run(unsafe { AvxVnni::new() });
        }
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
        fn avx512<T: Task>(task: T) {
            // SAFETY: this function runs only on CPUs with these features.
            task.run(unsafe { Vnni::new(Avx512::new()) });
        }
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16")]
        fn avx512bf16<T: Task>(task: T) {
            // SAFETY: this function runs only on CPUs with these features.
            task.run(unsafe { Vnni::new(Avx512Bf16::new()) });
        }
        // An `isa` exists only for what `Isa::available` found, which asks for the features of these functions.
        match isa.0 {
            Kind::Scalar => task.run(Scalar),
            // SAFETY: as told above.
            Kind::Avx2 => unsafe { avx2(task) },
            // SAFETY: as told above.
            Kind::AvxVnni => unsafe { avx_vnni(task) },
            // SAFETY: as told above.
            Kind::Avx512 => unsafe { avx512(task) },
            // SAFETY: as told above.
            Kind::Avx512Bf16 => unsafe { avx512bf16(task) },
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        use crate::dot::neon::NeonDot;

        #[target_feature(enable = "neon,dotprod")]
        fn neon<T: Task>(task: T) {
            // SAFETY: this function runs only on CPUs with NEON and its dot product.
            task.run(unsafe { NeonDot::new() });
        }
        match isa.0 {
            // SAFETY: `isa` exists only for what `Isa::available` found, which asks for the same features.
            Kind::Neon => unsafe { neon(task) },
            _ => task.run(Scalar),
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = isa;
        task.run(Scalar);
    }
}
