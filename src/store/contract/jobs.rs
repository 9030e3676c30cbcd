//! Jobs and their items, drafts to be written, and who is at what.

use firstline_fault::Result;
use firstline_ticket::{Decision, Draft, Ticket};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decisions::DecisionRecord;

/// Work that is handed out under leases. No two owners ever hold one piece of it.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Jobs {
    /// Takes a job in: once this returns, its tickets are never lost. Gives its id: an older one's where that has the
    /// idempotency key.
    fn add_job(&self, job: &NewJob, now: Timestamp) -> Result<String>;

    /// A job.
    fn job(&self, id: &str) -> Result<Option<Job>>;

    /// The items of a job from `place` on, `limit` of them, or as many as have [`PAGE_BYTES`](crate::PAGE_BYTES).
    fn job_items(&self, id: &str, place: i64, limit: usize) -> Result<Vec<JobItem>>;

    /// Calls a job off: items that nobody has claimed are not done. `None` where there is none of that id.
    fn cancel_job(&self, id: &str, actor: &str, now: Timestamp) -> Result<Option<Job>>;

    /// Claims up to `limit` pieces of work, or as many as have [`PAGE_BYTES`](crate::PAGE_BYTES), for `owner` until `until`: those
    /// that nobody holds, and those whose lease has ended; as many of each actor's as of another's, each actor's oldest first. What
    /// was claimed twenty times and never finished is given up, so that a ticket that kills the process
    /// does not kill it for ever.
    fn claim(
        &self,
        kind: WorkKind,
        owner: &str,
        limit: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Work>>;

    /// A draft is ready, or there can't be one. Gives `false`, and does nothing, where the lease is lost or the decision was
    /// superseded.
    fn drafted(&self, result: &DraftResult<'_>, now: Timestamp) -> Result<bool>;

    /// Work that can't be done: the item of the job has failed, the draft will not come.
    fn fail(&self, work: i64, owner: &str, fault: &JobFault, now: Timestamp) -> Result<bool>;

    /// Gives back all work that `owner` holds, when it stops; that is no attempt that failed.
    fn release(&self, owner: &str) -> Result<u64>;

    /// The item of a job was decided before, just as it is, by this decision. Gives `false`, and does nothing, where the lease
    /// is lost.
    fn known(&self, work: i64, owner: &str, decision: &str, now: Timestamp) -> Result<bool>;

    /// Holds on to work that `owner` has, until `until`: what a process does as long as it is at it. Gives how much of it
    /// `owner` still had.
    fn renew(&self, work: &[i64], owner: &str, until: Timestamp) -> Result<u64>;

    /// Takes all work away from those that hold it: for a process that knows that it is the only one, after it was killed.
    fn take_over(&self) -> Result<u64>;
}

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkKind {
    /// A ticket of a job is to be decided.
    Triage,
    /// A first response is to be drafted.
    Draft,
}

/// A piece of work that its owner holds until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// Its id.
    pub id: i64,
    /// The job it belongs to, for [`WorkKind::Triage`].
    pub job: Option<String>,
    /// Whether the job wants drafts.
    pub drafts: bool,
    /// The ticket.
    pub ticket: Ticket,
    /// The decision that a draft is wanted for, for [`WorkKind::Draft`].
    pub decision: Option<(String, Decision)>,
    /// Who asked.
    pub actor: String,
    /// When the ticket came in.
    pub received_at: Timestamp,
    /// How often it has been claimed, this time included.
    pub attempts: i64,
}

/// What came of a piece of work of [`WorkKind::Draft`].
#[derive(Debug, Clone, Copy)]
pub struct DraftResult<'a> {
    /// The work's id.
    pub work: i64,
    /// Who holds it.
    pub owner: &'a str,
    /// The draft; `None` where none may be sent.
    pub draft: Option<&'a Draft>,
    /// The bundle that it was written with.
    pub bundle: &'a str,
    /// The id of everything that shaped it: index, writer, templates, reviews, voice.
    pub drafting: Option<&'a str>,
}

/// A job: many tickets to be decided when there is time.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id, never used before.
    pub id: String,
    /// The tickets, or what is wrong with them, in order: an error is an item that has failed from the start.
    pub items: Vec<std::result::Result<Ticket, RefusedItem>>,
    /// Whether drafts are wanted.
    pub drafts: bool,
    /// The id of the API key.
    pub actor: String,
    /// The same key again by the same actor is the same job: the id of the first is given back. With other tickets it is a
    /// conflict.
    pub idempotency_key: Option<String>,
    /// Tickets of the actor's jobs that may wait, these with them; a first job may have more.
    pub most_waiting: usize,
}

/// An item of a job that has failed from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedItem {
    /// Whose it is, as far as could be read: what is said of it may quote it, and goes when the customer is forgotten.
    pub customer: Option<String>,
    /// What is wrong with it.
    pub fault: JobFault,
}

/// What is wrong with an item of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFault {
    /// The code, `E_...`.
    pub code: String,
    /// What it says.
    pub message: String,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Some items are left.
    Running,
    /// All are done or have failed.
    Done,
    /// It was called off; what was done by then stays.
    Cancelled,
}

/// A job.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// How it stands.
    pub state: JobState,
    /// How many items it has.
    pub total: i64,
    /// How many of them are decided.
    pub done: i64,
    /// How many of them have failed.
    pub failed: i64,
    /// When it was given.
    pub created_at: Timestamp,
    /// When the last item was decided.
    pub updated_at: Timestamp,
    /// Who gave it.
    pub actor: String,
}

/// What became of an item of a job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobItem {
    /// Its place, counted from 0.
    pub place: i64,
    /// The decision; `None` where it is not made yet, or failed.
    pub decision: Option<DecisionRecord>,
    /// What went wrong.
    pub fault: Option<JobFault>,
}
