//! What was decided, drafted, reviewed, learnt of the outcome and is to be done: on record before anybody acts on it.
//!
//! One trait, [`Store`], made of one small trait for each subject, and two engines behind it: SQLite, one file, the default;
//! PostgreSQL, for several replicas that share one queue. All SQL is written once, in `sql`, for both. Every call is one
//! transaction: after it returns, what it was given survives a killed process; if it fails, nothing of it stays.
//!
//! This room knows tickets and what belongs to them, and neither models nor HTTP. It has no clock: callers say what time it
//! is, but where an older store is brought up to this version. The audit log holds ids and hashes, never a ticket's words, a label or
//! a person's name.

mod anchor;
mod audit;
mod contract;
mod db;
mod digests;
mod file;
mod pool;
mod postgres;
mod restore;
mod sql;
mod sqlite;
mod store;

#[cfg(test)]
mod tests;

pub use anchor::{Anchor, AnchorKey, anchor, anchors, public_keys};
pub use audit::{AuditEntry, Verified, verify};
pub use contract::acting::{
    Acting, ActingBounds, ActingPlan, ActingRecord, ActingResult, ActingTicket, CategoryFacts,
};
pub use contract::answers::{AnswerSaid, Answered, Answers, Conversation, NewAnswer, SentReply};
pub use contract::connections::{Connection, ConnectionLease, Connections};
pub use contract::decisions::{Decided, DecisionRecord, Decisions, Recorded, Standing, StormHead, TicketRef};
pub use contract::evidence::{
    Added, Evidence, IncidentFacts, IncidentRecord, IncidentResult, IncidentState, NewIncident, NewVerdict,
    NewWeek, Ruling, VerdictRecord, WeekRecord, WeekState,
};
pub use contract::facts::{ActedTicket, EventResult, Facts, NewEvent, ReviewTimes, SeenAction, TicketRow};
pub use contract::jobs::{
    DraftResult, Job, JobFault, JobItem, JobState, Jobs, NewJob, RefusedItem, Work, WorkKind,
};
pub use contract::keys::{KeyRecord, Keys};
pub use contract::outbox::{
    Action, ActionClaim, ActionKind, ActionOrigin, ActionReport, ActionState, Holder, Outbox, Settlement,
};
pub use contract::outcomes::{Feedback, Joined, Outcomes};
pub use contract::programme::{
    Cell, CriteriaRecord, Effective, GrantRecord, GrantScope, Held, Hold, HoldRecord, NewGrant, NewHold,
    NewProgramme, NewSignature, ProgrammeRecord, Programmes, Release, SignatureRecord, Signing,
};
pub use contract::reviews::{
    GivenReview, QueueList, QueueQuery, ReviewItem, ReviewQueue, ReviewRequest, ReviewResult, Undo,
};
pub use contract::sessions::{NewSession, SessionRecord, Sessions};
pub use contract::upkeep::{Backlog, Forgotten, Purged, TrustedTime, Upkeep};
pub use contract::users::{Link, NewUser, Proof, UserRecord, Users};
pub use contract::{Author, CustomerSet, PAGE_BYTES, Paged};
pub use firstline_ticket::{DraftState, Route};
pub use restore::{Restored, restore};
pub use store::{Location, Store, open, open_alone};
