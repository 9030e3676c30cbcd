//! The contract that both engines keep; `tests.rs` holds them to it.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use firstline_fault::{Code, Error, Result, UserError};
use firstline_ticket::Draft;
use jiff::Timestamp;

use crate::postgres::Postgres;
use crate::sql::Shelf;
use crate::sqlite::Sqlite;
use crate::{
    Action, ActionState, AuditEntry, Backlog, CustomerSet, Decided, DecisionRecord, DraftState, Feedback,
    Forgotten, Job, JobFault, JobItem, Joined, Judged, KeyRecord, NewJob, Purged, Recorded, ReviewItem,
    ReviewRequest, Reviewed, Standing, StormHead, Work, WorkKind,
};

/// Everything that outlives the process. Calls block; each is one transaction, and may be made from any thread.
///
/// # Errors
/// Every call can fail with [`Code::Store`], where the engine can't be reached or written; then
/// nothing of it was done.
#[allow(clippy::missing_errors_doc)]
pub trait Store: Send + Sync + fmt::Debug {
    /// How those of `tickets` stand that are known.
    fn standing(&self, tickets: &[&str]) -> Result<HashMap<String, Standing>>;

    /// Puts decisions on record, with an entry each in the audit log, and work for the drafts that are wanted. The draft of
    /// an older decision about the ticket that was not reviewed yet is superseded.
    fn record(&self, decided: &[Decided], now: Timestamp) -> Result<Vec<Recorded>>;

    /// The first decisions since `since` of each of these storms.
    fn storm_heads(&self, storms: &[&str], since: Timestamp) -> Result<HashMap<String, StormHead>>;

    /// A decision.
    fn decision(&self, id: &str) -> Result<Option<DecisionRecord>>;

    /// The newest decision about a ticket.
    fn decision_of(&self, ticket: &str) -> Result<Option<DecisionRecord>>;

    /// Takes a job in: once this returns, its tickets are never lost. Gives its id: an older one's where that has the
    /// idempotency key.
    fn add_job(&self, job: &NewJob, now: Timestamp) -> Result<String>;

    /// A job.
    fn job(&self, id: &str) -> Result<Option<Job>>;

    /// The items of a job from `place` on, `limit` of them.
    fn job_items(&self, id: &str, place: i64, limit: usize) -> Result<Vec<JobItem>>;

    /// Calls a job off: items that nobody has claimed are not done. `None` where there is none of that id.
    fn cancel_job(&self, id: &str, actor: &str, now: Timestamp) -> Result<Option<Job>>;

    /// Claims up to `limit` pieces of work for `owner` until `until`, oldest first: those that nobody holds, and those whose
    /// lease has ended. No two owners ever hold one. What was claimed twenty times and never finished is given up, so that a
    /// ticket that kills the process does not kill it for ever.
    fn claim(
        &self,
        kind: WorkKind,
        owner: &str,
        limit: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Work>>;

    /// A draft is ready, or `None` where there can't be one. Gives `false`, and does nothing, where the lease is lost or the
    /// decision was superseded.
    fn drafted(&self, work: i64, owner: &str, draft: Option<&Draft>, now: Timestamp) -> Result<bool>;

    /// Work that can't be done: the item of the job has failed, the draft will not come.
    fn fail(&self, work: i64, owner: &str, fault: &JobFault, now: Timestamp) -> Result<bool>;

    /// Gives back all work that `owner` holds, when it stops; that is no attempt that failed.
    fn release(&self, owner: &str) -> Result<u64>;

    /// Asks for the draft of a decision that was recorded without; `false` where one was asked for before, or the decision is
    /// not its ticket's newest, or shares another's.
    fn want_draft(&self, decision: &str, actor: &str) -> Result<bool>;

    /// The item of a job was decided before, just as it is, by this decision. Gives `false`, and does nothing, where the lease is
    /// lost.
    fn known(&self, work: i64, owner: &str, decision: &str, now: Timestamp) -> Result<bool>;

    /// Holds on to work that `owner` has, until `until`: what a process does as long as it is at it.
    fn renew(&self, work: &[i64], owner: &str, until: Timestamp) -> Result<u64>;

    /// Takes the work away from whoever held it: for a process that knows that it is the only one, after it was killed.
    fn take_over(&self) -> Result<u64>;

    /// Drafts in the queue, oldest first: those in `state`, of `customers`, after the decision `after`.
    fn reviews(
        &self,
        state: DraftState,
        customers: &CustomerSet,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ReviewItem>>;

    /// A person's review: atomic, and the same again is the same. Where the draft is open and its version the one that was
    /// seen, its state changes, values are locked and, where [`ReviewRequest::act`] says so, actions go into the outbox.
    fn review(&self, review: &ReviewRequest, now: Timestamp) -> Result<Reviewed>;

    /// Reviews of drafts, for learning how likely drafts are sent unchanged.
    fn reviewed(&self) -> Result<Vec<firstline_ticket::Reviewed>>;

    /// How tickets ended. Later news of a ticket is added to earlier, value by value.
    fn feedback(&self, news: &[Feedback], customers: &CustomerSet, now: Timestamp) -> Result<Vec<Joined>>;

    /// Decisions about tickets that came in from `from` to before `to`, the newest of each ticket before its outcome was
    /// known, with how they ended.
    fn judged(&self, from: Timestamp, to: Timestamp, customers: &CustomerSet) -> Result<Vec<Judged>>;

    /// Claims up to `limit` actions for `owner` until `until`, oldest first and one of a ticket at a time. An action whose
    /// lease has ended may have been done: whoever claims it again has its idempotency key to ask by. After `most` claims it
    /// is given up.
    fn claim_actions(
        &self,
        owner: &str,
        customers: &CustomerSet,
        limit: usize,
        most: i64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Action>>;

    /// An action was done, or could not be, for this reason: then it waits until `retry_at`. Gives `false` where the claim is
    /// not `owner`'s (any more), or the ticket is not one of `customers`; saying twice that it was done is no fault.
    fn settle_action(
        &self,
        id: i64,
        owner: &str,
        customers: &CustomerSet,
        failed: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Actions in the outbox, those in `state` or all, the newest first.
    fn actions(
        &self,
        state: Option<ActionState>,
        customers: &CustomerSet,
        limit: usize,
    ) -> Result<Vec<Action>>;

    /// Adds an API key.
    fn add_key(&self, key: &KeyRecord, actor: &str, now: Timestamp) -> Result<()>;

    /// All API keys.
    fn keys(&self) -> Result<Vec<KeyRecord>>;

    /// Takes a key back; `false` where there is no such key that holds.
    fn revoke_key(&self, id: &str, actor: &str, now: Timestamp) -> Result<bool>;

    /// Adds to the audit log.
    fn audit(
        &self,
        actor: &str,
        action: &str,
        subject: &str,
        detail: &serde_json::Value,
        now: Timestamp,
    ) -> Result<()>;

    /// Entries of the audit log after `seq`, in order.
    fn audit_entries(&self, seq: i64, limit: usize) -> Result<Vec<AuditEntry>>;

    /// Deletes all that is known of a customer; the audit log keeps that it was done, and a hash of whose it was.
    fn forget(&self, customer: &str, actor: &str, now: Timestamp) -> Result<Forgotten>;

    /// Deletes the words of tickets, drafts, replies and job items that came in before `before` and are not waiting for
    /// anything.
    fn purge(&self, before: Timestamp, now: Timestamp) -> Result<Purged>;

    /// How much is waiting.
    fn backlog(&self) -> Result<Backlog>;

    /// Says whether the engine answers and can write.
    fn ping(&self) -> Result<()>;

    /// Copies all of it into a new file, while others go on reading and writing. Only SQLite can: PostgreSQL has `pg_dump`.
    fn backup(&self, to: &Path) -> Result<()>;

    /// How many rows each table has.
    #[cfg(test)]
    fn counts(&self) -> Result<std::collections::BTreeMap<String, u64>>;
}

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// `postgres://user:password@host/database`. It is a secret.
    Postgres(String),
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}

impl FromStr for Location {
    type Err = Error;

    /// Reads where a store is. What looks like the address of a database, and is none that can be used, is never taken for a
    /// file's name: it may hold a password, which a file's name is printed with.
    fn from_str(text: &str) -> Result<Self> {
        let lower = text.to_lowercase();
        if lower.starts_with("postgres://") || lower.starts_with("postgresql://") {
            let (_, rest) = text.split_once("://").unwrap_or_default();
            return Ok(Self::Postgres(format!("postgres://{rest}")));
        }
        if lower.contains("://") || lower.contains("password=") || lower.contains("host=") || text.is_empty()
        {
            let problem = "neither a file nor an address that begins with postgres://";
            let next = "Name a file, or write postgres://user:password@host/database";
            return Err(UserError::new(Code::Store, "store", problem, next).into());
        }
        Ok(Self::Sqlite(text.into()))
    }
}

/// Opens a store, makes it where it is not there, and brings an older one to this version.
///
/// # Errors
/// [`Code::Store`] when it can't be opened, is no store, or was written by a newer version.
pub fn open(location: &Location) -> Result<Box<dyn Store>> {
    Ok(match location {
        Location::Sqlite(path) => Box::new(Shelf { db: Sqlite::open(path)? }),
        Location::Postgres(url) => Box::new(Shelf { db: Postgres::open(url)? }),
    })
}
