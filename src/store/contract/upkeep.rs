//! The audit log, deletion, backups, and how much is waiting.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use firstline_fault::Result;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::audit::{AuditEntry, Verified};

/// What keeps a store honest and small.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Upkeep {
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

    /// Checks the whole audit log, whether it still holds these `heads` (number and hash), and all rows against it, as of one
    /// moment.
    ///
    /// # Errors
    /// [`Code::Audit`](firstline_fault::Code::Audit) where the chain is broken, was cut, or is empty.
    fn audit_check(&self, heads: &[(i64, String)]) -> Result<Verified>;

    /// The number and hash of the last entry of the audit log; `None` where there is none.
    fn audit_head(&self) -> Result<Option<(i64, String)>>;

    /// Deletes all that is known of these customers, and takes them out of the keys that are held to them; the audit log keeps that
    /// it was done, and salted hashes of their names.
    fn forget(&self, customers: &[String], actor: &str, now: Timestamp) -> Result<Forgotten>;

    /// The customers that the store has anything of, in the form that they are compared in, with their tickets.
    fn customers(&self) -> Result<BTreeMap<String, u64>>;

    /// The time that may be relied on for deletion: `now`, unless the clock jumped ahead. `ran` is how long this process has run
    /// since it last asked, by a clock that can't be set.
    fn trusted_time(&self, now: Timestamp, ran: Duration) -> Result<TrustedTime>;

    /// Deletes the words of tickets, drafts, replies and job items that came in before `before` and are not waiting for
    /// anything: the oldest first, and no more than a tenth of the tickets that have words at once.
    fn purge(&self, before: Timestamp, now: Timestamp) -> Result<Purged>;

    /// Takes a lane that works on one replica at a time, or keeps it, for `time` from `now` on; `false` while another owner has it.
    fn take_lane(&self, name: &str, owner: &str, now: Timestamp, time: SignedDuration) -> Result<bool>;

    /// Leaves a lane to others, where `owner` has it.
    fn leave_lane(&self, name: &str, owner: &str) -> Result<()>;

    /// How much is waiting.
    fn backlog(&self) -> Result<Backlog>;

    /// Writes to the store, and so says whether what is accepted would be on record.
    fn ping(&self) -> Result<()>;

    /// Copies all of it into a new file, while others go on reading and writing. Only SQLite can: PostgreSQL has `pg_dump`.
    fn backup(&self, to: &Path) -> Result<()>;

    /// How many rows each table has.
    #[cfg(test)]
    fn counts(&self) -> Result<BTreeMap<String, u64>>;
}

/// What was deleted of customers, table by table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Tickets.
    pub tickets: u64,
    /// Decisions, with their drafts.
    pub decisions: u64,
    /// Reviews.
    pub reviews: u64,
    /// Outcomes.
    pub outcomes: u64,
    /// Actions, done or not.
    pub actions: u64,
    /// Events of tickets.
    pub events: u64,
    /// Incidents.
    pub incidents: u64,
    /// Figures of weeks that were theirs alone.
    pub weeks: u64,
    /// Grants and holds that were about them, and programmes that had them among their pilots.
    pub grants: u64,
    /// Drafts that were to be written.
    pub drafts: u64,
    /// Items of jobs: their words, what was wrong with them and whose they were.
    pub job_items: u64,
    /// Jobs that had such items: their idempotency keys, and the hashes of what was asked.
    pub jobs: u64,
    /// Keys that were held to the customers; those that were held to nobody else are revoked.
    pub keys: u64,
    /// Entries of the audit log, written by versions before, in which labels or a reviewer's name can still be read.
    pub readable_audit_entries: u64,
    /// Whether no copy is left in the store's files: someone who was reading may have kept the log of writes from being emptied.
    pub wiped: bool,
}

/// What was deleted because it was old: the words. Decisions, labels and times stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Tickets whose words are gone.
    pub tickets: u64,
    /// Drafts, replies and reasons of incidents whose words are gone.
    pub texts: u64,
}

/// What time it is, as far as that may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedTime {
    /// The time.
    pub at: Timestamp,
    /// Whether the clock is ahead of it, and has not yet run long enough to be believed.
    pub held: bool,
}

/// How much is waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Backlog {
    /// Items of jobs.
    pub triage: u64,
    /// Drafts to be written.
    pub drafts: u64,
    /// Drafts to be reviewed.
    pub reviews: u64,
    /// Actions to be done.
    pub actions: u64,
    /// Actions that were given up.
    pub failed_actions: u64,
    /// Actions that are held back.
    pub held_actions: u64,
}
