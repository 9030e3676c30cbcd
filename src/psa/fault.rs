//! What is wrong with one row, before the row's place is known.

use firstline_fault::{Code, Error, UserError};
use firstline_ticket::Ticket;

/// A [`UserError`] without its place, so that good rows never pay for formatting one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: Code,
    pub(crate) problem: String,
    pub(crate) next: String,
    /// Whether every other row must have it too, so that going on makes no sense.
    pub(crate) whole_file: bool,
}

impl Fault {
    pub(crate) fn new(code: Code, problem: impl Into<String>, next: impl Into<String>) -> Self {
        Self { code, problem: problem.into(), next: next.into(), whole_file: false }
    }

    /// Puts `what` before the problem: the field or column at fault.
    pub(crate) fn of(mut self, what: &str) -> Self {
        self.problem = format!("{what}: {}", self.problem);
        self
    }

    pub(crate) fn at(self, place: impl Into<String>) -> Error {
        UserError::new(self.code, place, self.problem, self.next).into()
    }

    /// The reason as the rejects file tells it.
    pub(crate) fn reason(&self) -> String {
        format!("{}. {}", self.problem, self.next)
    }
}

/// [`Ticket::check`] as a fault.
pub(crate) fn check(ticket: &Ticket) -> Result<(), Fault> {
    match ticket.check("") {
        Ok(()) => Ok(()),
        Err(Error::User(e)) => Err(Fault::new(e.code, e.problem, e.next)),
        Err(Error::Internal(e)) => Err(Fault::new(Code::TicketText, e.context, "")),
    }
}

/// At most `limit` bytes of `text`, cut between characters.
pub(crate) fn clip(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}
