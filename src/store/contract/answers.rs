//! What customers wrote after a reply, as it was read, and what follows from it.

use firstline_fault::Result;
use firstline_ticket::Ticket;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::CustomerSet;
use super::decisions::DecisionRecord;

/// Answers on record. No words of them: a key, how they were read, and what was done.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Answers {
    /// How a ticket stands towards its customer, as the newest decision at one of `customers` says; `None` where it is not known, or
    /// several customers have one of that number and none is named.
    fn conversation(
        &self,
        number: &str,
        customer: Option<&str>,
        customers: &CustomerSet,
    ) -> Result<Option<Conversation>>;

    /// Puts an answer on record with what follows from it, in one transaction: the action, the suspected incident, and that a closing which
    /// waits is void where the customer has written something else since. The same again is known, and changes nothing.
    fn record_answer(&self, answer: &NewAnswer<'_>, now: Timestamp) -> Result<Answered>;
}

/// How a ticket stands towards its customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// The ticket as it came; `None` where its words are deleted.
    pub ticket: Option<Ticket>,
    /// The newest decision about it.
    pub record: DecisionRecord,
    /// Whether a person of the desk has done anything to it.
    pub touched: bool,
    /// The newest reply that Firstline has sent.
    pub replied: Option<SentReply>,
}

/// A reply that Firstline has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentReply {
    /// When it was reported done.
    pub at: Timestamp,
    /// Whether nobody had approved it.
    pub alone: bool,
}

/// What an answer says of the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerSaid {
    /// It is done.
    Confirmed,
    /// It is not done.
    Contradicted,
    /// Thanks, and nothing of the matter.
    Thanks,
    /// Anything else.
    Other,
}

/// An answer, to be put on record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAnswer<'a> {
    /// How its ticket stood when it was read.
    pub conversation: &'a Conversation,
    /// What it is known by, unique within the ticket.
    pub key: &'a str,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub said: AnswerSaid,
    /// Its language, ISO 639-1.
    pub language: Option<&'a str>,
    /// How sure the classifier is that it confirms.
    pub confidence: Option<f64>,
    /// Whether the ticket is to be closed: then the earliest time.
    pub close: Option<Timestamp>,
    /// Whether the ticket is to be opened again and given to a technician.
    pub reopen: bool,
    /// The id of the API key that told of it.
    pub actor: &'a str,
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It is on record, and nothing follows.
    Noted,
    /// The ticket is to be closed.
    Closes,
    /// The ticket is to be opened again.
    Reopens,
    /// It was on record.
    Known,
}
