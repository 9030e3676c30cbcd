//! The loop between a PSA and the service: what changed goes to triage, what ended to feedback, what was approved to the PSA.
//!
//! The service's batch API is all that it knows of Firstline, as any glue would. What is read twice is decided once, what is written
//! carries a mark. Must never write where writing is off, nor move on before the service has what was read.

mod answers;
mod api;
mod cursor;
mod hinted;
mod outbox;
mod outcome;
mod rights;
mod round;
mod sweep;

pub use api::{Claimed, Quiet, Service, Settled, Wanted, What};
pub use cursor::{Cursor, OpenTicket};
pub use hinted::hinted;
pub use outcome::{events_of, feedback_of};
pub use rights::decided;
pub use round::{Round, RoundSettings, WriteSettings, round};
