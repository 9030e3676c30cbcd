//! How tickets ended, and the decisions that are judged by it.

use firstline_fault::Result;
use firstline_ticket::{Counted, JudgedDecision, Outcome};
use jiff::Timestamp;

use super::CustomerSet;

/// One outcome a ticket. It is joined to the newest decision before its labels were known, and stays with that.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Outcomes {
    /// How tickets ended. Later news of a ticket is added to earlier, value by value. News of one who may see all customers is not
    /// overwritten by one held to some: theirs only fills what is still open.
    fn feedback(&self, news: &[Feedback], customers: &CustomerSet, now: Timestamp) -> Result<Vec<Joined>>;

    /// Decisions about tickets that came in from `from` to before `to`, the newest of each ticket before its outcome was
    /// known, with how they ended, in the order in which they came in. The replies' words are left out, and so are the labels
    /// beside those that were decided.
    fn judged(&self, from: Timestamp, to: Timestamp, customers: &CustomerSet) -> Result<Vec<JudgedDecision>>;

    /// Gives `each` the same in the little that figures need, and the actions that were done in that time and that customers could see.
    /// UTC day by UTC day, of each its tickets first, in order of time. Whole days are kept ready, so that a year takes the time of its
    /// days; a day is made again after anything about its tickets has changed. Stopped by a fault, it may have given some.
    fn judged_tickets(
        &self,
        from: Timestamp,
        to: Timestamp,
        customers: &CustomerSet,
        each: &mut dyn FnMut(&Counted<'_>),
    ) -> Result<()>;
}

/// News of how a ticket ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Feedback {
    /// The decision that it is about; without it the newest of `ticket_id`.
    pub decision_id: Option<String>,
    /// The ticket, as its senders call it.
    pub ticket_id: Option<String>,
    /// Whose ticket it is, where several customers have one of that number.
    pub customer: Option<String>,
    /// How it ended, as far as this news tells. Its labels are locked from then on; its distance is given by the caller, who
    /// has both the reply and the draft.
    pub outcome: Outcome,
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
    /// Several customers have a ticket of that number, and nobody can tell whose is meant.
    Ambiguous,
}
