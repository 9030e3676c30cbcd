//! What learnt models say of a ticket's features: heads, their mixture, its calibration, and the label that is decided.
//!
//! It must never read a file or a ticket's text.

mod calibrator;
mod correctness;
mod field;
mod head;
mod hierarchy;
mod mixture;
mod ordinal;
mod probability;
mod reserve;

pub use calibrator::Calibrator;
pub use correctness::{Correctness, Evidence, SIGNS, Signs};
pub use field::{FieldModel, Judgement, Member, Opinion};
pub use head::{Head, axpy};
pub use hierarchy::{Decoded, HIERARCHY, Hierarchy, decide_together};
pub use mixture::Mixture;
pub use ordinal::Ordinal;
pub use probability::{argmax, log_softmax, retire, softmax};
pub use reserve::{Closing, Reserve, Reserved};
