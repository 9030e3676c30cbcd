//! Errors: what the user can fix, with a code, a place and a next step; and what is our fault.
//!
//! The lowest room: every other one but `kernels` and `stats` returns its [`Error`]. It must never know what the rooms above do:
//! tickets, models and protocols appear here only as texts.

mod code;
mod error;

pub use code::Code;
pub use error::{Error, InternalError, Result, UserError};
