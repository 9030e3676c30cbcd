//! Facts that figures are computed from: what happened to tickets, and how they stand.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{Event, JudgedDecision, Phase, Route};
use jiff::Timestamp;
use serde::Serialize;

use super::CustomerSet;

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

    /// Figures of the tickets of `customers` opened in each of these spans, from a moment to before another: computed by the
    /// engine, so that no ticket is read into memory.
    fn tallies(&self, spans: &[(Timestamp, Timestamp)], customers: &CustomerSet) -> Result<Vec<Tally>>;
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
    /// The phase of its scope at that time; `None` for decisions of versions before.
    pub phase: Option<Phase>,
    /// Whether it belongs to the blind sample: nobody saw it before the ticket was closed.
    pub blind: bool,
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

/// Figures of the tickets that were opened in a span.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Tickets.
    pub tickets: u64,
    /// Tickets by where their decision went.
    pub routes: BTreeMap<Route, u64>,
    /// Tickets whose outcome was reported.
    pub reported: u64,
    /// Decisions of the blind sample or from shadow, with board and type reported, and both right.
    pub unseen: Ratio,
    /// The same of decisions that people saw: they kept board and type.
    pub seen: Ratio,
    /// Drafts due, and ready within 60 seconds of intake.
    pub within_60_seconds: Ratio,
    /// Drafts that were made.
    pub drafts: u64,
    /// Drafts that people sent unchanged.
    pub approved: u64,
    /// Drafts that people sent in other words.
    pub edited: u64,
    /// Drafts that people did not send.
    pub rejected: u64,
    /// Tickets of which it is known whether they were opened again, and were.
    pub reopened: Ratio,
    /// Tickets of which it is known whether they went to a higher tier, and did.
    pub escalated: Ratio,
    /// Tickets whose report said whether the customer saw an error, and that had one.
    pub errors: Ratio,
    /// Seconds from opening, or intake where that is not known, to the first response, of tickets that a person waits for: those
    /// that are no storm's.
    pub first_response: Spread,
    /// Seconds from there to the resolution.
    pub resolution: Spread,
    /// Seconds of work on a ticket, as reported.
    pub handle: Spread,
}

/// A part of a whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Ratio {
    /// The part.
    pub part: u64,
    /// The whole.
    pub of: u64,
}

/// Durations, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their median, nearest rank.
    pub p50: Option<f64>,
    /// Their 95 % quantile, nearest rank.
    pub p95: Option<f64>,
}
