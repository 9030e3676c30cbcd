//! What was decided, drafted, reviewed, learnt of the outcome and is to be done: on record before anybody acts on it.
//!
//! One trait, [`Store`], and two engines behind it: SQLite, one file, the default; PostgreSQL, for several replicas that share
//! one queue. All SQL is written once, in `sql`, for both. Every call is one transaction: after it returns, what it was
//! given survives a killed process; if it fails, nothing of it stays.
//!
//! This room knows tickets and what belongs to them, and neither models nor HTTP. It has no clock: callers say what time it
//! is. The audit log holds ids, labels and hashes, never a ticket's words.

mod audit;
mod db;
mod pool;
mod postgres;
mod records;
mod sql;
mod sqlite;
mod store;

#[cfg(test)]
mod tests;

pub use audit::{AuditEntry, verify};
pub use firstline_ticket::{DraftState, Judged, Route};
pub use records::{
    Action, ActionKind, ActionState, Backlog, CustomerSet, Decided, DecisionRecord, Feedback, Forgotten, Job,
    JobFault, JobItem, JobState, Joined, KeyRecord, NewJob, Purged, Recorded, ReviewItem, ReviewRequest,
    Reviewed, Standing, StormHead, Verdict, Work, WorkKind,
};
pub use store::{Location, Store, open};
