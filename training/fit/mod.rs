//! Fitting, one part at a time: a head, a mixture, a calibrator, a correctness model, the encoder.
//!
//! Each fits what it is given to the tickets it is given; nothing here chooses between ways or looks at another window.

mod calibrate;
mod correctness;
mod finetune;
mod heads;
mod pool;

pub use finetune::Objective;
pub use heads::{Examples, FitOptions, Step, fit};
pub use pool::{PoolData, fit_mixture};

pub(crate) use calibrate::fit_calibrator;
pub(crate) use correctness::{SignedDecision, fit_correctness};
pub(crate) use finetune::{Course, TOKEN_BUDGET, finetune};
