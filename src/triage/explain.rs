//! What the model reads of a ticket, and what was cut and why: for a desk that checks its own mail.
//!
//! Must never read a ticket: [`Reader`](crate::Reader) does, for the model too.

use firstline_ticket::{Kind, Ticket};
use serde::Serialize;

use crate::normalize::{FieldCut, Reading};

/// A ticket as the model reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The ticket's id.
    pub id: String,
    /// Who wrote it: a person, or a machine of some kind.
    pub kind: Kind,
    /// What is read of the subject.
    pub subject: String,
    /// What is read of the body.
    pub text: String,
    /// What was cut, in the order of subject and body.
    pub cut: Vec<FieldCut>,
}

impl Explanation {
    pub(crate) fn new(ticket: &Ticket, kind: Kind, read: Reading) -> Self {
        let cut = read.cuts();
        Self { id: ticket.id.clone(), kind, subject: read.subject.text, text: read.body.text, cut }
    }
}
