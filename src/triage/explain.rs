//! What the model reads of a ticket, and what was cut and why: for a desk that checks its own mail.
//!
//! Must never read a ticket in another way than the model does.

use firstline_ticket::{Kind, Ticket};
use serde::Serialize;

use crate::features::compose_read;
use crate::kind::kind_of;
use crate::normalize::{FieldCut, read};

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

/// Explains how `ticket` is read.
pub fn explain(ticket: &Ticket) -> Explanation {
    let read = read(ticket);
    let cut = read.cuts();
    Explanation {
        id: ticket.id.clone(),
        kind: kind_of(ticket, &compose_read(&read)),
        subject: read.subject.text,
        text: read.body.text,
        cut,
    }
}
