//! The little of a judged decision that figures are computed from, and of an action that was done.
//!
//! Must hold no words of the ticket, and nothing that names it or a person.

use jiff::Timestamp;

use crate::{DraftState, Field, JudgedDecision, Kept, Phase, Route};

/// What people ended with in one field, beside what was decided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Nobody has said, or what a person had set before stands.
    #[default]
    Open,
    /// The same label.
    Same,
    /// This label, where another was decided.
    Other(&'a str),
    /// This label, where nothing was decided, or a person had set another before: neither agreement nor disagreement.
    Undecided(&'a str),
}

/// A judged decision as figures need it. Durations are in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JudgedTicket<'a> {
    /// When the ticket came in.
    pub received_at: Timestamp,
    /// Where the decision went.
    pub route: Route,
    /// Whether people saw the decision before the ticket was closed; `None` where nobody knows, or it came in closed.
    pub seen: Option<bool>,
    /// Whether a person waits for an answer.
    pub waits: bool,
    /// What people ended with, in the order of [`Field::ALL`].
    pub verdicts: [Verdict<'a>; Field::ALL.len()],
    /// From opening, or intake where that is not known, to the first response.
    pub first_response: Option<f64>,
    /// From there to the resolution.
    pub resolution: Option<f64>,
    /// Work on it.
    pub handle: Option<f64>,
    /// Whether a first response was due.
    pub draft_due: bool,
    /// From intake to the draft.
    pub drafted: Option<f64>,
    /// How the draft stands.
    pub draft_state: DraftState,
    /// The draft's confidence.
    pub draft_confidence: Option<f64>,
    /// How far what was sent is from the draft.
    pub distance: Option<f64>,
    /// Whether anybody has reported how the ticket ended.
    pub reported: bool,
    /// Whether it was opened again.
    pub reopened: Option<bool>,
    /// Whether it went to a higher tier.
    pub escalated: Option<bool>,
    /// Whether the customer saw something wrong that Firstline did.
    pub customer_visible_error: Option<bool>,
}

/// An action that a customer could see, once it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisibleAction {
    /// When it was done.
    pub at: Timestamp,
    /// Whether no person had approved it.
    pub alone: bool,
}

/// Something that figures count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Counted<'a> {
    /// A ticket.
    Ticket(&'a JudgedTicket<'a>),
    /// An action.
    Action(VisibleAction),
}

impl Counted<'_> {
    /// The moment by which it belongs to a time: the ticket's intake, or when the action was done.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Ticket(ticket) => ticket.received_at,
            Self::Action(action) => action.at,
        }
    }
}

impl<'a> From<&'a JudgedDecision> for JudgedTicket<'a> {
    fn from(one: &'a JudgedDecision) -> Self {
        let outcome = &one.outcome;
        let began = one.opened_at.unwrap_or(one.received_at);
        // What came in after it was closed was decided by nobody but the desk.
        let in_time = outcome.resolved_at.is_none_or(|closed| one.received_at < closed);
        // Whole microseconds, which is what a store keeps.
        let micros = |from: Timestamp, to: Timestamp| to.as_microsecond() - from.as_microsecond();
        let since = |from, to: Option<Timestamp>| to.map(|to| micros(from, to) as f64 / 1e6);
        Self {
            received_at: one.received_at,
            route: one.route,
            seen: one.phase.filter(|_| in_time).map(|phase| phase >= Phase::Assist && !one.blind),
            waits: one.decision.kind.wants_answer(),
            verdicts: Field::ALL.map(|field| verdict(one, field)),
            first_response: since(began, outcome.first_response_at),
            resolution: since(began, outcome.resolved_at),
            handle: outcome.handle_seconds,
            draft_due: one.draft_due,
            drafted: since(one.received_at, one.drafted_at),
            draft_state: one.draft_state,
            draft_confidence: one.draft_confidence,
            distance: outcome.distance,
            reported: one.reported,
            reopened: outcome.reopened,
            escalated: outcome.escalated,
            customer_visible_error: outcome.customer_visible_error,
        }
    }
}

/// What people ended with in `field`. What a person had set before is no decision, and does not count.
fn verdict(one: &JudgedDecision, field: Field) -> Verdict<'_> {
    let Some(ended) = one.outcome.labels.get(&field) else { return Verdict::Open };
    let decided = one.decision.fields.get(&field);
    let same = decided.is_some_and(|decided| decided.label.trim() == ended.trim());
    let counts = decided.is_some() && one.decision.kept.get(&field) != Some(&Kept::Person);
    match (same, counts) {
        (true, true) => Verdict::Same,
        (true, false) => Verdict::Open,
        (false, true) => Verdict::Other(ended),
        (false, false) => Verdict::Undecided(ended),
    }
}
