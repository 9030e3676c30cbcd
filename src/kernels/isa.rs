//! Which instruction set the kernels run on. An [`Isa`] exists only for what this CPU has: that is the promise
//! on which every kernel's soundness stands. Features listed here must be those of the shims in
//! `dispatch` and of the kernels.

use std::fmt;
use std::sync::OnceLock;

use crate::cpu::{Cpu, Task, dispatch};

/// The environment variable that forces an instruction set.
pub const ISA_VARIABLE: &str = "FIRSTLINE_ISA";

/// An instruction set that this CPU has. Greater ones are faster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Isa(pub(crate) Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(not(all(target_arch = "x86_64", not(miri))), allow(dead_code))]
pub(crate) enum Kind {
    Scalar,
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// AVX2, FMA and F16C: int8 products by way of 16-bit ones.
    Avx2,
    /// AVX2 with the dot product of AVX-VNNI.
    AvxVnni,
    /// AVX-512 with VNNI, float32 attention.
    Avx512,
    /// AVX-512 with VNNI and BF16.
    Avx512Bf16,
}

impl Isa {
    /// The instruction set without any vector instructions that the compiler was not told of: the reference
    /// for all others, and the one that every CPU has.
    pub const SCALAR: Self = Self(Kind::Scalar);

    /// Every instruction set of this CPU, slowest first.
    pub fn available() -> Vec<Self> {
        #[allow(unused_mut)]
        let mut found = vec![Kind::Scalar];
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx2") && has!("fma") && has!("f16c") {
                found.push(Kind::Avx2);
                if has!("avxvnni") {
                    found.push(Kind::AvxVnni);
                }
                if has!("avx512f")
                    && has!("avx512bw")
                    && has!("avx512vl")
                    && has!("avx512dq")
                    && has!("avx512vnni")
                {
                    found.push(Kind::Avx512);
                    if has!("avx512bf16") {
                        found.push(Kind::Avx512Bf16);
                    }
                }
            }
        }
        #[cfg(all(target_arch = "aarch64", not(miri)))]
        if std::arch::is_aarch64_feature_detected!("neon")
            && std::arch::is_aarch64_feature_detected!("dotprod")
        {
            found.push(Kind::Neon);
        }
        found.into_iter().map(Self).collect()
    }

    /// The fastest instruction set of this CPU.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::SCALAR)
    }

    /// The instruction set called `name`, as [`Isa::name`] calls it.
    ///
    /// # Errors
    /// Says what there is when this CPU has no such instruction set.
    pub fn named(name: &str) -> Result<Self, String> {
        let all = Self::available();
        all.iter().copied().find(|isa| isa.name() == name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|isa| isa.name()).collect();
            format!("{name:?} is no instruction set of this CPU (have: {})", names.join(", "))
        })
    }

    /// What this process runs on: `FIRSTLINE_ISA` where it is set, else the best. Asked once; later changes of
    /// the variable change nothing.
    ///
    /// # Errors
    /// As [`Isa::named`].
    pub fn chosen() -> Result<Self, String> {
        static CHOSEN: OnceLock<Result<Isa, String>> = OnceLock::new();
        let choose = || match std::env::var(ISA_VARIABLE) {
            Ok(name) if !name.is_empty() => Self::named(&name),
            Err(std::env::VarError::NotUnicode(_)) => Self::named("(not Unicode)"),
            _ => Ok(Self::best()),
        };
        CHOSEN.get_or_init(choose).clone()
    }

    /// The numbers that it quantises to.
    pub fn grid(self) -> Grid {
        struct Ask<'a>(&'a mut Grid);
        impl Task for Ask<'_> {
            #[inline(always)]
            fn run<C: Cpu>(self, _: C) {
                *self.0 = C::GRID;
            }
        }
        let mut grid = Grid::default();
        dispatch(self, Ask(&mut grid));
        grid
    }

    /// Its name, as `FIRSTLINE_ISA` takes it: `scalar`, `neon`, `avx2`, `avxvnni`, `avx512`, `avx512bf16`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "neon",
            Kind::Avx2 => "avx2",
            Kind::AvxVnni => "avxvnni",
            Kind::Avx512 => "avx512",
            Kind::Avx512Bf16 => "avx512bf16",
        }
    }
}

/// The whole numbers that activations and weights are quantised to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grid {
    /// Activations 0 to 255, weights -127 to 127: for instructions that sum products in 32 bits.
    #[default]
    Wide,
    /// Activations 0 to 190, and weights of which those that meet in one sum of 16 bits are small enough together that
    /// it can't overflow, whatever the activations: for CPUs without such instructions. Every instruction set can
    /// multiply numbers of this grid.
    Narrow,
}

impl Grid {
    /// Greatest activation of [`Grid::Narrow`]: fewer would coarsen activations, more would coarsen weights.
    pub(crate) const LEVELS: i32 = 190;
    /// What neither the positive nor the negative weights of a pair of neighbouring inputs, whose products meet in 16
    /// bits, may exceed together.
    pub(crate) const LIMIT: i32 = i16::MAX as i32 / Self::LEVELS;

    /// Greatest activation.
    pub(crate) fn levels(self) -> f32 {
        match self {
            Self::Wide => 255.0,
            Self::Narrow => Self::LEVELS as f32,
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_available_goes_by_its_name_and_the_last_is_best() {
        let all = Isa::available();
        assert!(all.is_sorted() && all[0] == Isa::SCALAR);
        assert_eq!(all.last(), Some(&Isa::best()));
        for isa in all {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        assert!(Isa::named("altivec").unwrap_err().contains("have: scalar"));
    }
}
