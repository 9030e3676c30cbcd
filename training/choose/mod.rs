//! Choosing between ways, on tickets that the ways were not fitted on: the encoder, each field's regularisation and
//! mixture, and how the fields decide together.
//!
//! Nothing here may look at the test window; the tickets kept for certifying are decided once, by the finished model.

mod encoder;
mod field;
mod hierarchy;
mod members;
mod reserve;

pub use encoder::{FineTuning, Tried};
pub use members::Decays;

pub(crate) use encoder::EncoderChoice;
pub(crate) use field::{LearntField, learn_field};
pub(crate) use hierarchy::conclude;
pub(crate) use members::{cross_head, epochs};
pub(crate) use reserve::set_aside;
