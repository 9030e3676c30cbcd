//! How a ticket ended, and the decision that is judged by it: what agreement and every other KPI are computed from.
//!
//! Facts as they were reported. Nothing here is guessed: what nobody has said is `None`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Decision, DraftState, Field, Phase, Route};

/// How the moment of the first response is known, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseBasis {
    /// A message of a technician that the customer can see.
    Message,
    /// A time entry whose notes the customer can see.
    TimeEntry,
    /// A stamp of the PSA, which is set by a change of status.
    Stamp,
}

/// How the labels before any person touched the ticket are known, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InitialBasis {
    /// They were kept at intake.
    Intake,
    /// They follow from the history of changes.
    History,
    /// Routing rules were run over the ticket again.
    Replay,
}

/// How a ticket ended, as far as known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The labels that people set, or left as decided.
    pub labels: BTreeMap<Field, String>,
    /// What the technician sent first.
    pub reply: Option<String>,
    /// When the customer was first answered.
    pub first_response_at: Option<Timestamp>,
    /// How that moment is known.
    pub first_response_basis: Option<ResponseBasis>,
    /// When an automatic acknowledgement went out.
    pub acknowledged_at: Option<Timestamp>,
    /// When the ticket was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Whether it was opened again.
    pub reopened: Option<bool>,
    /// Whether it went to a higher tier.
    pub escalated: Option<bool>,
    /// The highest tier that worked on it, 1 the lowest.
    pub tier: Option<u8>,
    /// The labels that it had before any person touched it.
    pub initial_labels: Option<BTreeMap<Field, String>>,
    /// How those labels are known.
    pub initial_basis: Option<InitialBasis>,
    /// Whether a technician opened it, as on the phone.
    pub opened_by_technician: Option<bool>,
    /// Whether it belongs to a project.
    pub project: Option<bool>,
    /// Whether it was deleted in the PSA.
    pub deleted: Option<bool>,
    /// The ticket that it was merged into, as its senders call it.
    pub merged_into: Option<String>,
    /// Whether all events of the ticket have been reported.
    pub history_known: Option<bool>,
    /// Whether the customer saw something wrong that Firstline did.
    pub customer_visible_error: Option<bool>,
    /// Seconds of work on it.
    pub handle_seconds: Option<f64>,
    /// How far what was sent is from the draft: 0 for the same, 1 for nothing in common.
    pub distance: Option<f64>,
}

/// A decision beside how its ticket ended.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedDecision {
    /// The decision.
    pub decision_id: String,
    /// The ticket.
    pub ticket_id: String,
    /// Whose it is.
    pub customer: String,
    /// When the ticket came in.
    pub received_at: Timestamp,
    /// When the PSA says that it was opened.
    pub opened_at: Option<Timestamp>,
    /// Where the decision went.
    pub route: Route,
    /// The phase of its scope at that time; `None` where nobody knows, as of decisions of versions before.
    pub phase: Option<Phase>,
    /// Whether it belongs to the blind sample: nobody saw it before the ticket was closed.
    pub blind: bool,
    /// What was decided.
    pub decision: Decision,
    /// Whether a first response was due: it was asked for, and the drafter did not find that none may be sent.
    pub draft_due: bool,
    /// When the draft was ready.
    pub drafted_at: Option<Timestamp>,
    /// How the draft stands.
    pub draft_state: DraftState,
    /// The draft's confidence.
    pub draft_confidence: Option<f64>,
    /// Whether anybody has reported how the ticket ended. Labels that were set in a review are no such report: they stand
    /// in `outcome` before the ticket is closed.
    pub reported: bool,
    /// How it ended.
    pub outcome: Outcome,
}
