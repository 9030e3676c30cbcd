//! The vocabulary every other room speaks: tickets, label fields, confidence, decisions, drafts, errors.
//!
//! Plain data and its invariants only. This crate never reads files, never looks at the clock and knows
//! neither models nor service desks' protocols.

mod decision;
mod draft;
mod field;
mod judged;
mod lines;
mod ticket;

pub use decision::{Candidate, Confidence, Decision, FieldDecision, FiredRule, Kept};
pub use draft::{Basis, Draft, Origin, Rejected, Review, Reviewed, Source, Verdict};
pub use field::{Field, LabelSpace};
pub use judged::{DraftState, Judged, Route};
pub use lines::{Line, Lines, MAX_LINE_BYTES};
pub use ticket::{Message, Ticket, customer_key};
