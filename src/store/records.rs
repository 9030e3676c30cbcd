//! What goes into a store and comes out of it.

use std::collections::{BTreeMap, BTreeSet};

use firstline_ticket::{Decision, Draft, DraftState, Field, Route, Ticket};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A ticket and what was decided about it, to be put on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The decision's id, never used before.
    pub id: String,
    /// The ticket, as it came.
    pub ticket: Ticket,
    /// Whose it is, in the form that customers are compared in; empty where nobody knows.
    pub customer: String,
    /// The [`Standing::version`] that this was decided in view of; 0 where the ticket was not known.
    pub expected: i64,
    /// Hash of what was decided on.
    pub input_hash: String,
    /// The bundle that decided.
    pub bundle: String,
    /// The decision.
    pub decision: Decision,
    /// Where it goes.
    pub route: Route,
    /// What tickets of one storm of alerts share.
    pub storm: Option<String>,
    /// The decision that it shares, where it is one of a storm and not the first.
    pub collapsed_into: Option<String>,
    /// Whether a first response is to be drafted.
    pub draft: bool,
    /// When the ticket came in.
    pub received_at: Timestamp,
    /// The id of the API key, or the command, that asked.
    pub actor: String,
    /// The item of a job that this does, and who holds it: `(work id, owner)`. Where the lease is lost, nothing is recorded.
    pub work: Option<(i64, String)>,
}

/// What became of a [`Decided`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is on record.
    Stored,
    /// The ticket has changed meanwhile: look at how it stands and decide again.
    Stale,
    /// Its work belongs to somebody else by now: leave it.
    Lost,
}

/// How a known ticket stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Grows with each decision about the ticket and each value that a person sets.
    pub version: i64,
    /// The newest decision.
    pub decision_id: String,
    /// Hash of what it was decided on.
    pub input_hash: String,
    /// The bundle that decided it.
    pub bundle: String,
    /// It.
    pub decision: Decision,
    /// Where it went.
    pub route: Route,
    /// When it was made.
    pub at: Timestamp,
    /// The decision that it shares, where it is one of a storm.
    pub collapsed_into: Option<String>,
    /// How its draft stands.
    pub draft_state: DraftState,
    /// The draft's version.
    pub draft_version: i64,
    /// Whether the customer has been answered, by a draft that was approved or without one: no other first response is due.
    pub answered: bool,
    /// Values that a person has set.
    pub locked: BTreeMap<Field, String>,
    /// Whose the ticket is.
    pub customer: String,
}

/// The first alert of a storm.
#[derive(Debug, Clone, PartialEq)]
pub struct StormHead {
    /// Its decision.
    pub decision_id: String,
    /// Its ticket.
    pub ticket_id: String,
    /// What was decided.
    pub decision: Decision,
    /// When.
    pub at: Timestamp,
}

/// A decision, with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRecord {
    /// Its id.
    pub id: String,
    /// The ticket.
    pub ticket_id: String,
    /// Whose it is.
    pub customer: String,
    /// When it was made.
    pub at: Timestamp,
    /// When the ticket came in.
    pub received_at: Timestamp,
    /// Hash of what it was decided on.
    pub input_hash: String,
    /// The bundle that decided.
    pub bundle: String,
    /// It.
    pub decision: Decision,
    /// Where it went.
    pub route: Route,
    /// The decision that it shares, where it is one of a storm.
    pub collapsed_into: Option<String>,
    /// How its draft stands.
    pub draft_state: DraftState,
    /// The draft.
    pub draft: Option<Draft>,
    /// When that was ready.
    pub drafted_at: Option<Timestamp>,
    /// Version of the review, for `If-Match`: grows with each change of the draft's state.
    pub version: i64,
    /// Labels that the ticket has in the end.
    pub outcome: BTreeMap<Field, String>,
}

/// A set of customers that a caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CustomerSet {
    /// Every customer.
    #[default]
    All,
    /// Only these, in the form that customers are compared in.
    Only(BTreeSet<String>),
}

impl CustomerSet {
    /// Whether `customer` is one of them.
    pub fn has(&self, customer: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(these) => these.contains(customer),
        }
    }
}

/// What a person did with a draft, or with the values decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It may be sent as it is.
    Approve,
    /// This is sent in its place.
    Edit(String),
    /// It is not sent, for this reason.
    Reject(String),
}

/// A person's review.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRequest {
    /// The decision whose draft it is.
    pub decision_id: String,
    /// The [`DecisionRecord::version`] that the person saw.
    pub version: i64,
    /// What they decided.
    pub verdict: Verdict,
    /// Who.
    pub reviewer: String,
    /// Values that they set; these are locked.
    pub fields: BTreeMap<Field, String>,
    /// The same key again is the same review.
    pub idempotency_key: String,
    /// Whether what is approved goes into the outbox.
    pub act: bool,
    /// How far what is sent is from the draft, 0 for the same, 1 for nothing in common.
    pub distance: f64,
    /// The id of the API key, or the command.
    pub actor: String,
}

/// What became of a review.
#[derive(Debug, Clone, PartialEq)]
pub enum Reviewed {
    /// It holds; also where the same review came before.
    Done(Box<DecisionRecord>),
    /// Somebody else was first, or the draft is not open to review: it stands like this.
    Conflict(Box<DecisionRecord>),
    /// There is no such decision.
    Missing,
}

/// A draft in the review queue.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewItem {
    /// The ticket, as it came.
    pub ticket: Ticket,
    /// The decision and its draft.
    pub record: DecisionRecord,
}

/// What was learnt of how a ticket ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Feedback {
    /// The decision that it is about; else the newest of `ticket_id`.
    pub decision_id: Option<String>,
    /// The ticket.
    pub ticket_id: Option<String>,
    /// The labels that people set. These are locked from then on.
    pub labels: BTreeMap<Field, String>,
    /// What the technician sent first.
    pub reply: Option<String>,
    /// When.
    pub first_response_at: Option<Timestamp>,
    /// When the ticket was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Whether it was opened again.
    pub reopened: Option<bool>,
    /// Whether the customer saw something wrong that Firstline did.
    pub customer_visible_error: Option<bool>,
    /// Seconds of work on it.
    pub handle_seconds: Option<f64>,
    /// How far the reply is from the draft, 0 to 1, by whoever has both: given the draft.
    pub distance: Option<f64>,
    /// Where it came from: `feedback` or `import`.
    pub source: String,
    /// The id of the API key, or the command.
    pub actor: String,
}

/// What a piece of feedback was joined to.
#[derive(Debug, Clone, PartialEq)]
pub enum Joined {
    /// This decision.
    To(String),
    /// No decision is known of that id or ticket, or it is not for this caller.
    Unknown,
}

/// What work is.
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

/// A job: many tickets to be decided when there is time.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id, never used before.
    pub id: String,
    /// The tickets, or what is wrong with them, in order: an error is an item that has failed from the start.
    pub items: Vec<std::result::Result<Ticket, JobFault>>,
    /// Whether drafts are wanted.
    pub drafts: bool,
    /// The id of the API key.
    pub actor: String,
    /// The same key again by the same actor is the same job, where it is: the id of the first is given back. With other tickets it
    /// is a conflict.
    pub idempotency_key: Option<String>,
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
    /// Items.
    pub total: i64,
    /// Of them decided.
    pub done: i64,
    /// Of them failed.
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

/// What is to be done in the PSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// Send `payload.text` to the customer.
    Reply,
    /// Set the labels in `payload.fields`.
    SetFields,
}

/// How an action stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionState {
    /// Nobody has claimed it.
    Waiting,
    /// Somebody is at it.
    Claimed,
    /// It was done.
    Done,
    /// It was given up after too many attempts; a person has to look.
    Failed,
}

/// An action in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its id.
    pub id: i64,
    /// What it is.
    pub kind: ActionKind,
    /// In which ticket.
    pub ticket_id: String,
    /// Whose that is.
    pub customer: String,
    /// The decision it follows from.
    pub decision_id: String,
    /// What is sent or set.
    pub payload: serde_json::Value,
    /// Never the same for two actions, always the same for one: what the PSA is to know it by.
    pub idempotency_key: String,
    /// How it stands.
    pub state: ActionState,
    /// How often it was claimed, this time included.
    pub attempts: i64,
    /// Until when the claim holds.
    pub lease_until: Option<Timestamp>,
    /// Why the last attempt failed.
    pub fault: Option<String>,
}

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its public part.
    pub id: String,
    /// What it is for, in words.
    pub name: String,
    /// Hash of the secret, a PHC string.
    pub hash: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Whose tickets it may see.
    pub customers: CustomerSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it holds.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// What was deleted of a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Tickets.
    pub tickets: u64,
    /// Decisions, with their drafts, reviews and outcomes.
    pub decisions: u64,
    /// Items of jobs and actions that were not done yet.
    pub work: u64,
}

/// What was deleted because it was old: the words. Decisions, labels and times stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Purged {
    /// Tickets whose words are gone.
    pub tickets: u64,
    /// Drafts and replies whose words are gone.
    pub texts: u64,
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
}
