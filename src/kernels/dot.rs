//! The int8 dot products, one file an instruction set. All give the same integers: the unsigned activations
//! times the signed weights never saturate on the way.

/// `$do` for `$r` from 0 to below `$n`, at most 8, written out: LLVM leaves so large a loop rolled, and then keeps
/// the sums in memory.
macro_rules! unrolled {
    ($r:ident < $n:expr, $do:expr) => {
        unrolled!(@ $r, $n, $do; 0 1 2 3 4 5 6 7)
    };
    (@ $r:ident, $n:expr, $do:expr; $($i:literal)*) => {
        $(if $i < $n {
            let $r = $i;
            $do
        })*
    };
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx_vnni;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
mod scalar;
