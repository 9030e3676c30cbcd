//! The review queue, and what people did with what was in it.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{CheckResult, DraftState, Field, Review, ReviewedDraft, Ticket};
use jiff::Timestamp;

use super::decisions::DecisionRecord;
use super::{CustomerSet, Paged};

/// Drafts and people. A draft is reviewed once.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait ReviewQueue {
    /// Drafts in the queue, oldest first: those in `state`, of `customers`, after the decision `after`, and none that is
    /// [hidden](DecisionRecord::is_hidden). A page of `limit` of them, or of [`PAGE_BYTES`](crate::PAGE_BYTES).
    fn reviews(
        &self,
        state: DraftState,
        customers: &CustomerSet,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Paged<ReviewItem>>;

    /// What a person has before them: decisions of one list, of `customers`, and none that is
    /// [hidden](DecisionRecord::is_hidden). A page of `limit`, or of [`PAGE_BYTES`](crate::PAGE_BYTES).
    fn queue(&self, query: &QueueQuery<'_>, limit: usize) -> Result<Paged<ReviewItem>>;

    /// The review of a decision; `None` where there is none.
    fn review_of(&self, decision: &str) -> Result<Option<GivenReview>>;

    /// Takes a review back: atomic. Where it is the actor's own, made after [`Undo::since`], and nothing of what followed has been
    /// claimed, its actions are void and the draft waits again. Labels that the person set stay set.
    fn undo_review(&self, undo: &Undo<'_>, now: Timestamp) -> Result<ReviewResult>;

    /// A person's review: atomic, and the same again is the same. Where the draft is open and its version the one that was
    /// seen, its state changes, values are locked and, where [`ReviewRequest::act`] says so, actions go into the outbox.
    fn review(&self, review: &ReviewRequest, now: Timestamp) -> Result<ReviewResult>;

    /// The ticket that a decision is about, as it came last for that customer; `None` where its words are gone.
    fn reviewed_ticket(&self, decision: &str) -> Result<Option<Ticket>>;

    /// Drafts with their reviews, for learning how likely drafts are sent unchanged.
    fn reviewed(&self) -> Result<Vec<ReviewedDraft>>;
}

/// A person's review.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRequest {
    /// The decision whose draft it is.
    pub decision_id: String,
    /// The [`DecisionRecord::version`] that the person saw.
    pub version: i64,
    /// What they decided.
    pub verdict: Review,
    /// Who they are: the name of their key.
    pub reviewer: String,
    /// Who they say to be; nobody has checked it.
    pub claimed: Option<String>,
    /// What the guard found in their own words.
    pub findings: Vec<CheckResult>,
    /// Whether their key is for all customers.
    pub wide: bool,
    /// Values that they set; these are locked.
    pub fields: BTreeMap<Field, String>,
    /// The same key again is the same review.
    pub idempotency_key: String,
    /// Whether what is approved goes into the outbox.
    pub act: bool,
    /// Seconds for which what goes into the outbox waits there, so that it can be taken back.
    pub undo_seconds: u32,
    /// What the desk's own automation is to be given, where it is to run.
    pub run: Option<serde_json::Value>,
    /// How far what is sent is from the draft, 0 for the same, 1 for nothing in common.
    pub distance: f64,
    /// When they first saw what they review.
    pub opened_at: Option<Timestamp>,
    /// Seconds for which they were at it, pauses left out.
    pub active_seconds: Option<f64>,
    /// The id of the API key, or the command.
    pub actor: String,
}

/// Which decisions a person has before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueList {
    /// Drafts that wait for a person.
    #[default]
    Waiting,
    /// What the actor has reviewed.
    Mine,
    /// Drafts that wait, since a rule gives them to a person.
    Person,
    /// Decisions with an action that is held back.
    Held,
    /// Drafts that wait again, since a review was taken back.
    Undone,
    /// Decisions without a draft that nobody has reviewed: only their fields can be set.
    Fields,
}

/// A part of the queue.
#[derive(Debug, Clone, Copy)]
pub struct QueueQuery<'a> {
    /// The list.
    pub list: QueueList,
    /// Who asks: the id of the API key.
    pub actor: &'a str,
    /// Whose tickets.
    pub customers: &'a CustomerSet,
    /// Those decided to be of this board.
    pub board: Option<&'a str>,
    /// Those decided to be of this type.
    pub ticket_type: Option<&'a str>,
    /// Those whose number or text has this in it; case does not count in ASCII.
    pub words: Option<&'a str>,
    /// Whether the newest comes first.
    pub newest: bool,
    /// After the decision of this id.
    pub after: Option<&'a str>,
}

/// A review, as it is on record.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenReview {
    /// When it was given.
    pub at: Timestamp,
    /// The id of the API key that gave it.
    pub actor: String,
    /// The name of that key.
    pub reviewer: String,
    /// What was decided; `None` once its words are deleted for their age.
    pub verdict: Option<Review>,
}

/// A review that is taken back.
#[derive(Debug, Clone, Copy)]
pub struct Undo<'a> {
    /// The decision that was reviewed.
    pub decision_id: &'a str,
    /// The [`DecisionRecord::version`] that the person saw.
    pub version: i64,
    /// The id of the API key that takes it back: only its own reviews.
    pub actor: &'a str,
    /// Reviews of before this moment stand.
    pub since: Timestamp,
}

/// What became of a review.
#[derive(Debug, Clone, PartialEq)]
pub enum ReviewResult {
    /// It holds; also where the same review came before.
    Done(Box<DecisionRecord>),
    /// Somebody else was first, or the draft is not open to review, or hidden: it stands like this.
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
