//! Facts that figures are computed from: what happened to tickets, and how they stand.

use firstline_fault::Result;
use firstline_ticket::{Event, JudgedDecision};
use jiff::Timestamp;
use serde::Serialize;

use super::CustomerSet;
use super::outbox::ActionKind;

/// Events of tickets, and the readers that figures are computed with.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Facts {
    /// Puts events on record, and says what became of each, in their order. An event is known by its ticket and
    /// [`Event::psa_key`]: the same again is the same; with other content it replaces what stood there. What a key for all
    /// customers has told is not replaced by one held to some. A batch is one entry in the audit log.
    ///
    /// An event of a ticket that is not known yet is not kept: send it again once the ticket has come in.
    fn record_events(
        &self,
        events: &[NewEvent],
        customers: &CustomerSet,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<EventResult>>;

    /// Gives `each` the tickets of `customers` that were opened from `from` to before `to`, by the PSA's time, or received where
    /// that is not known, in that order; with their events, and the decision that is judged by their outcome. Tickets that moved
    /// to another customer are there once, as they stand at that one. Read in pages, so that memory does not grow with their
    /// number; a ticket that changes meanwhile is given as it was, or as it is.
    ///
    /// # Errors
    /// Those of `each` end it and are given back.
    fn facts(
        &self,
        from: Timestamp,
        to: Timestamp,
        customers: &CustomerSet,
        each: &mut dyn FnMut(TicketRow) -> Result<()>,
    ) -> Result<()>;

    /// The actions that were done from `from` to before `to` and that customers could see, in order of time.
    fn seen_actions(&self, from: Timestamp, to: Timestamp) -> Result<Vec<SeenAction>>;

    /// The tickets of which [`seen_actions`](Self::seen_actions) has any from `from` on, with what happened to each.
    fn acted_tickets(&self, from: Timestamp) -> Result<Vec<ActedTicket>>;

    /// The ticket of a decision, where anything was done in it that its customer could see.
    fn acted_ticket(&self, decision: &str) -> Result<Option<ActedTicket>>;
}

/// An action that was done and that a customer could see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenAction {
    /// Its id.
    pub id: i64,
    /// What kind it is.
    pub kind: ActionKind,
    /// The decision that it followed from.
    pub decision: String,
    /// When it was done.
    pub at: Timestamp,
    /// Whether no person had approved it.
    pub alone: bool,
    /// Whose ticket it was done in.
    pub customer: String,
    /// The board that was decided.
    pub board: Option<String>,
    /// The type that was decided.
    pub ticket_type: Option<String>,
}

/// A ticket in which something was done that its customer could see.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ActedTicket {
    /// What was done, in order of time.
    pub actions: Vec<SeenAction>,
    /// Whether it is known to have been opened again.
    pub reopened: Option<bool>,
    /// When its outcome was last reported.
    pub reported_at: Option<Timestamp>,
    /// What happened to it, in order of time.
    pub events: Vec<Event>,
    /// When its customer wrote thanks, or that the matter is done, and nothing else.
    pub content: Vec<Timestamp>,
}

/// An event of a ticket, to be put on record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// The ticket, as its senders call it.
    pub ticket_id: String,
    /// Whose ticket it is, in the form that customers are compared in: an event of another customer's ticket is unknown. `None`
    /// where the number alone tells.
    pub customer: Option<String>,
    /// What happened. The text key of a message is a hash: no words.
    pub event: Event,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventResult {
    /// It is on record now.
    Stored,
    /// It was on record already, the same.
    Known,
    /// It was on record with other content, which it has replaced.
    Changed,
    /// It is on record with other content, told by a key for all customers, which stands.
    Kept,
    /// No ticket of that number is known, or it is none of the caller's customers'.
    Unknown,
    /// Several customers have a ticket of that number, and nobody can tell whose is meant.
    Ambiguous,
}

/// All that is known of one ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct TicketRow {
    /// The decision that is judged by the ticket's outcome, and that outcome. Its `received_at` is that of this decision.
    pub judged: JudgedDecision,
    /// When the ticket came in for the first time.
    pub first_received_at: Timestamp,
    /// How it came in, as its sender says: `email`, `phone`; `None` also for tickets recorded by versions before.
    pub source: Option<String>,
    /// When the decision was made.
    pub decided_at: Timestamp,
    /// The bundle that decided.
    pub bundle: String,
    /// The decision of the first ticket of its storm of alerts; its own for that one. `None` outside of storms.
    pub storm: Option<String>,
    /// When its outcome was first reported with a resolution, or at all where none was reported.
    pub reported_at: Option<Timestamp>,
    /// The review of its draft or values.
    pub review: Option<ReviewTimes>,
    /// What happened to it, in order of time.
    pub events: Vec<Event>,
}

/// How long a review took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReviewTimes {
    /// When the person first saw what they reviewed.
    pub opened_at: Option<Timestamp>,
    /// When they decided.
    pub at: Timestamp,
    /// Seconds for which they were at it, pauses left out.
    pub active_seconds: Option<f64>,
}
