//! Tickets and what was decided about them.

use std::collections::{BTreeMap, HashMap};

use firstline_fault::Result;
use firstline_ticket::{Decision, Draft, DraftState, Field, Phase, Route, Ticket};
use jiff::Timestamp;

use super::CustomerSet;
use super::acting::ActingRecord;

/// Decisions on record. One draft belongs to each.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Decisions {
    /// How each of `tickets` stands, in their order; `None` of those that are not known at their customer. One query, however
    /// many they are.
    fn standing(&self, tickets: &[TicketRef<'_>]) -> Result<Vec<Option<Standing>>>;

    /// Puts decisions on record, with an entry each in the audit log, and work for the drafts that are wanted. The draft of
    /// an older decision about the ticket that was not reviewed yet is superseded. What comes of one is seen by those after
    /// it in the same call.
    ///
    /// Where the ticket stands at another customer that the sender may see as well, it has moved: what waited there, drafts and
    /// actions, is void, and the move is an entry in the audit log. A ticket of a customer that the sender may not see is
    /// another ticket, whatever its number.
    fn record(&self, decided: &[Decided], now: Timestamp) -> Result<Vec<Recorded>>;

    /// The first decisions since `since` of each of these storms. One query, however many they are.
    fn storm_heads(&self, storms: &[&str], since: Timestamp) -> Result<HashMap<String, StormHead>>;

    /// A decision.
    fn decision(&self, id: &str) -> Result<Option<DecisionRecord>>;

    /// The newest decision about the ticket that senders call `number`, as it stands at one of `customers`: at `customer`
    /// where several have one of that number. `None` where there is none, or nobody can tell which is meant.
    fn decision_of(
        &self,
        number: &str,
        customer: Option<&str>,
        customers: &CustomerSet,
    ) -> Result<Option<DecisionRecord>>;

    /// Asks for the draft of a decision that was recorded without; `false` where one was asked for before, or the decision is
    /// not its ticket's newest, shares another's, or belongs to the blind sample.
    fn want_draft(&self, decision: &str, actor: &str) -> Result<bool>;
}

/// A ticket as its senders know it: numbers are a customer's own, another customer's ticket may have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketRef<'a> {
    /// What its senders call it.
    pub number: &'a str,
    /// Whose it is, in the form that customers are compared in.
    pub customer: &'a str,
}

/// A ticket and what was decided about it, to be put on record.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The decision's id, never used before.
    pub id: String,
    /// The ticket, as it came.
    pub ticket: Ticket,
    /// Whose it is, in the form that customers are compared in; empty where nobody knows.
    pub customer: String,
    /// The customers that its sender may see: from any of these it may have moved.
    pub sees: CustomerSet,
    /// The [`Standing::version`] that this was decided in view of; 0 where the ticket was not known.
    pub expected: i64,
    /// Hash of what was decided on.
    pub input_hash: String,
    /// The bundle that decided.
    pub bundle: String,
    /// The id of everything that would have shaped a draft at that time: index, writer, templates, reviews, voice.
    pub drafting: Option<String>,
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
    /// How far Firstline might go with it: the phase of its scope at that time; `None` where nobody knows.
    pub phase: Option<Phase>,
    /// Whether it belongs to the blind sample: neither shown nor drafted until the ticket is closed.
    pub blind: bool,
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
    /// The ticket came in later as another customer's: this is old news, and nothing of it is recorded.
    Moved,
}

/// How a known ticket stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Grows with each decision about the ticket and each value that a person sets.
    pub version: i64,
    /// The newest decision's id.
    pub decision_id: String,
    /// Hash of what it was decided on.
    pub input_hash: String,
    /// The bundle that decided it.
    pub bundle: String,
    /// The id of everything that shaped drafts when it was decided: [`Decided::drafting`].
    pub drafting: Option<String>,
    /// What was decided.
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
    /// Whether the ticket is known to be closed: resolved, merged into another, or deleted.
    pub closed: bool,
    /// Values that a person has set.
    pub locked: BTreeMap<Field, String>,
    /// [`Decided::phase`] of the newest decision; `None` also for decisions of versions before.
    pub phase: Option<Phase>,
    /// [`Decided::blind`] of it.
    pub blind: bool,
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
    /// When that was.
    pub at: Timestamp,
}

impl DecisionRecord {
    /// Whether those who may see `customers` may see it.
    pub fn is_for(&self, customers: &CustomerSet) -> bool {
        *customers == CustomerSet::All || (customers.has(&self.customer) && !self.moved)
    }

    /// Whether nobody is to see it yet: it belongs to the blind sample, and its ticket is open.
    pub fn is_hidden(&self) -> bool {
        self.blind && !self.closed
    }
}

/// A decision, with all that is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRecord {
    /// Its id.
    pub id: String,
    /// The ticket, as its senders call it.
    pub ticket_id: String,
    /// The row of that ticket.
    pub(crate) row: String,
    /// Whose it was when it was decided.
    pub customer: String,
    /// Whether the ticket has moved to another customer since: then only those who may see all customers see this.
    pub moved: bool,
    /// When it was made.
    pub at: Timestamp,
    /// When the ticket came in.
    pub received_at: Timestamp,
    /// Hash of what it was decided on.
    pub input_hash: String,
    /// The bundle that decided.
    pub bundle: String,
    /// [`Decided::drafting`].
    pub drafting: Option<String>,
    /// What was decided.
    pub decision: Decision,
    /// Where it went.
    pub route: Route,
    /// The decision that it shares, where it is one of a storm.
    pub collapsed_into: Option<String>,
    /// [`Decided::phase`]; `None` also for decisions of versions before.
    pub phase: Option<Phase>,
    /// [`Decided::blind`].
    pub blind: bool,
    /// Whether its ticket is known to be closed: resolved, merged into another, or deleted.
    pub closed: bool,
    /// How its draft stands.
    pub draft_state: DraftState,
    /// The draft.
    pub draft: Option<Draft>,
    /// When that was ready.
    pub drafted_at: Option<Timestamp>,
    /// The bundle that the draft was written with.
    pub drafted_bundle: Option<String>,
    /// The id of everything that shaped the draft, as in [`Self::drafting`], when it was written.
    pub drafted_by: Option<String>,
    /// Version of the review, for `If-Match`: grows with each change of the draft's state.
    pub version: i64,
    /// Labels that the ticket has in the end.
    pub outcome: BTreeMap<Field, String>,
    /// What is done about it without a person, and why a person does the rest; `None` where nobody has looked, or nothing is granted.
    pub acting: Option<ActingRecord>,
}
