//! The vocabulary every other room speaks: tickets, label fields, confidence, decisions, drafts, reviews, outcomes,
//! events, phases.
//!
//! Plain data and its invariants only, and the [`Clock`] that gives the times on record. This
//! crate never reads files, never looks at a clock by itself and knows neither models nor service desks' protocols.

mod assertion;
mod clock;
mod decision;
mod draft;
mod event;
mod field;
mod judged;
mod kind;
mod lines;
mod outcome;
mod own_note;
mod person;
mod phase;
mod review;
mod ticket;

pub use assertion::Assertion;
pub use clock::Clock;
pub use decision::{Candidate, Confidence, Decision, FieldDecision, FiredRule, Kept, Route};
pub use draft::{Basis, CheckResult, Draft, DraftState, Origin, Rejected, Source};
pub use event::{ActorKind, Changed, Event, Happening};
pub use field::{Field, LabelSpace};
pub use judged::{Counted, JudgedTicket, Verdict, VisibleAction};
pub use kind::Kind;
pub use lines::{Line, Lines, MAX_LINE_BYTES};
pub use outcome::{InitialBasis, JudgedDecision, Outcome, ResponseBasis};
pub use own_note::{mark_own_note, own_mark, unmarked, without_own_notes};
pub use person::{has_unseen, is_same_person};
pub use phase::Phase;
pub use review::{Review, ReviewedDraft};
pub use ticket::{Message, Ticket, customer_key};
