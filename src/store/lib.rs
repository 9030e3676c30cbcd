//! What was decided, drafted, reviewed, learnt of the outcome and is to be done: on record before anybody acts on it.
//!
//! One trait, [`Store`], made of one small trait for each subject, and two engines behind it: SQLite, one file, the default;
//! PostgreSQL, for several replicas that share one queue. All SQL is written once, in `sql`, for both. Every call is one
//! transaction: after it returns, what it was given survives a killed process; if it fails, nothing of it stays.
//!
//! This room knows tickets and what belongs to them, and neither models nor HTTP. It has no clock: callers say what time it
//! is. The audit log holds ids, labels and hashes, never a ticket's words.

mod audit;
mod contract;
mod db;
mod pool;
mod postgres;
mod sql;
mod sqlite;
mod store;

#[cfg(test)]
mod tests;

pub use audit::{AuditEntry, verify};
pub use contract::{CustomerSet, PAGE_BYTES, Paged};
pub use contract::decisions::{Decided, DecisionRecord, Decisions, Recorded, Standing, StormHead};
pub use contract::jobs::{DraftResult, Job, JobFault, JobItem, JobState, Jobs, NewJob, Work, WorkKind};
pub use contract::keys::{KeyRecord, Keys};
pub use contract::outbox::{Action, ActionClaim, ActionKind, ActionState, Outbox};
pub use contract::outcomes::{Feedback, Joined, Outcomes};
pub use contract::reviews::{ReviewItem, ReviewQueue, ReviewRequest, ReviewResult};
pub use contract::upkeep::{Backlog, Forgotten, Purged, Upkeep};
pub use firstline_ticket::{DraftState, Route};
pub use store::{Location, Store, open};
