//! Numerics for CPUs: linear layers in int8 and in quantised blocks, attention, norms, written once and compiled for every
//! instruction set, of which an [`Isa`] is chosen at run time.
//!
//! This crate holds nearly all of the project's unsafe code. It knows slices and shapes, no models and no files; callers
//! split rows and columns among threads as they like, a [`Team`] of which is here for small parts. Every function gives the same results on every
//! instruction set of one [`Grid`] but for float32's rounding (int8 sums are exact) and, in attention, bfloat16's.

#![allow(clippy::needless_range_loop, reason = "tiles of registers are walked by index, several at once")]

/// `$do` for `$i` from 0 to below `$n`, at most 16, written out: LLVM leaves large loops rolled, and then keeps
/// arrays of vectors in memory.
macro_rules! unrolled {
    ($i:ident < $n:expr, $do:expr) => {
        unrolled!(@ $i, $n, $do; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    (@ $i:ident, $n:expr, $do:expr; $($value:literal)*) => {{
        $(if $value < $n {
            let $i = $value;
            $do;
        })*
    }};
}

mod attention;
mod block_linear;
#[cfg(test)]
mod block_tests;
mod blocks;
mod cache;
mod columns;
mod cpu;
mod dot;
mod grouped;
mod isa;
mod linear;
mod probe;
mod rows;
mod simd;
mod team;
#[cfg(test)]
mod tests;

pub use attention::{Heads, Scratch, attention};
pub use block_linear::block_linear;
pub use blocks::{Block, BlockLinear, Form, GROUP, pack_panel};
pub use cache::{KEY_BLOCK, attend, keep};
pub use columns::Columns;
pub use grouped::{Before, GroupedPart, GroupedRows, quantise_groups};
pub use isa::{Grid, ISA_VARIABLE, Isa};
pub use linear::{Epilogue, MAX_INPUTS, Packed, PackedLinear, linear, pack, packed_lengths};
pub use probe::multiply;
pub use rows::{Activation, QuantisedRows, layer_norm, quantise, turn};
pub use team::Team;

/// `n` rounded up to the next multiple of 16: the width of all rows here, so that no vector is cut.
pub fn padded(n: usize) -> usize {
    n.next_multiple_of(16)
}
