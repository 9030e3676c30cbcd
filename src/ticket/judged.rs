//! What was decided about a ticket, beside how it ended: what agreement and every other KPI are computed from.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Decision, Field};

/// Where a decision goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// A person decides: a rule says so.
    Person,
    /// It is proposed to a person.
    Review,
    /// It is one of a storm of alerts and shares the decision of the first.
    Storm,
}

/// What a draft is waiting for, or what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DraftState {
    /// It was not asked for, or nothing may be sent.
    None,
    /// It is being written.
    Writing,
    /// It waits for a person.
    Pending,
    /// It was approved as it is.
    Approved,
    /// It was approved in other words.
    Edited,
    /// It was turned down.
    Rejected,
    /// A newer decision about the ticket, or the reply that was sent without it, made it void.
    Superseded,
}

/// A decision with how its ticket ended: what KPIs are computed from.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The decision.
    pub decision_id: String,
    /// The ticket.
    pub ticket_id: String,
    /// Whose it is.
    pub customer: String,
    /// When the ticket came in.
    pub received_at: Timestamp,
    /// When it was opened, by the PSA.
    pub opened_at: Option<Timestamp>,
    /// Where the decision went.
    pub route: Route,
    /// What was decided.
    pub decision: Decision,
    /// When its draft was ready.
    pub drafted_at: Option<Timestamp>,
    /// Whether there was one to be asked for.
    pub draft_state: DraftState,
    /// The draft's confidence.
    pub draft_confidence: Option<f64>,
    /// How it ended, as far as known: labels.
    pub labels: BTreeMap<Field, String>,
    /// When the customer was first answered.
    pub first_response_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Whether it was opened again.
    pub reopened: Option<bool>,
    /// Whether the customer saw an error.
    pub customer_visible_error: Option<bool>,
    /// Seconds of work.
    pub handle_seconds: Option<f64>,
    /// How far what was sent is from the draft, 0 to 1.
    pub distance: Option<f64>,
}
