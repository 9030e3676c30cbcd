//! Acting without a person: which decisions may, what is done about them, and how it is stopped.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{Field, Ticket};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::CustomerSet;
use super::decisions::DecisionRecord;
use super::evidence::IncidentFacts;

/// What is done that nobody approves.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Acting {
    /// Decisions of [`Route::Auto`](firstline_ticket::Route::Auto) that nobody has looked at yet, oldest first: the newest of their
    /// tickets, whose draft is there or will not come. Of those that came after the decision `after`, where one is named.
    fn to_act(&self, after: Option<&str>, limit: usize) -> Result<Vec<ActingTicket>>;

    /// Puts on record what is done about a decision, and why the rest stays with a person. All in one transaction: the bounds of
    /// [`ActingBounds`] are counted, the epoch is compared, and actions of origin [`Auto`](super::outbox::ActionOrigin::Auto) are added that
    /// nobody may claim before `not_before`.
    fn act_alone(&self, plan: &ActingPlan<'_>, now: Timestamp) -> Result<ActingResult>;

    /// Stops an action of origin [`Auto`](super::outbox::ActionOrigin::Auto) that nobody has claimed, or that is held back: it is never done, and
    /// its draft goes to review. `None` where there is no such action of `customers`; `false` where it may be being done, or is settled.
    fn stop_action(
        &self,
        id: i64,
        customers: &CustomerSet,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<bool>>;

    /// What people did with drafts since a moment, and what came of what they approved, by the category that was decided, in the order of
    /// the categories. What has no board or no type is in none.
    fn category_facts(&self, since: Timestamp) -> Result<Vec<CategoryFacts>>;
}

/// What people did with the drafts of a category, and what came of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CategoryFacts {
    /// The board that was decided.
    pub board: String,
    /// The type that was decided.
    pub ticket_type: String,
    /// Drafts that were reviewed.
    pub reviewed: u64,
    /// Of those, drafts that were approved as they were.
    pub accepted: u64,
    /// Replies that a person approved and that were sent.
    pub sent: u64,
    /// Incidents about its decisions, of what people approved.
    pub incidents: Vec<IncidentFacts>,
}

/// A decision that Firstline may act on, with its ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct ActingTicket {
    /// The ticket as it came; `None` where its words are deleted.
    pub ticket: Option<Ticket>,
    /// The decision.
    pub record: DecisionRecord,
    /// Whether a person of the desk has done anything to the ticket.
    pub touched: bool,
    /// Whether its customer has been answered.
    pub answered: bool,
    /// Whether an answer of its customer once contradicted Firstline: then nothing is sent alone any more.
    pub contradicted: bool,
    /// Whether a technician opened it.
    pub opened_by_technician: bool,
}

/// How much may be done alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActingBounds {
    /// Replies within an hour, over all customers.
    pub replies_per_hour: u32,
    /// Replies to one customer within a day.
    pub replies_per_customer_day: u32,
}

/// What is to be done about a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct ActingPlan<'a> {
    /// The decision as it was looked at.
    pub record: &'a DecisionRecord,
    /// [`Effective::epoch`](super::programme::Effective::epoch) of its cell as it was looked at: another one by now, and nothing is done.
    pub epoch: i64,
    /// Whether its draft is sent.
    pub reply: bool,
    /// The labels that are set.
    pub fields: BTreeMap<Field, String>,
    /// Why the rest stays with a person.
    pub reasons: Vec<String>,
    /// When it may be claimed at the earliest: until then anybody can stop it.
    pub not_before: Timestamp,
    /// How much may be done.
    pub bounds: ActingBounds,
}

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActingResult {
    /// It is on record; something is done.
    Acts,
    /// It is on record; a person does it all.
    Left,
    /// The ticket, its draft or what is granted has changed meanwhile, and nothing is on record: look again.
    Changed,
}

/// What became of a decision that Firstline might have acted on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActingRecord {
    /// Whether the draft is sent without a person.
    #[serde(default)]
    pub reply: bool,
    /// The fields that are set without a person.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// Why the rest stays with a person.
    #[serde(default)]
    pub reasons: Vec<String>,
}
