//! The things that a desk is made of.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::deed::Deed;

/// An id of the tenant.
pub type Id = i64;

/// What is told apart by board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Types belong to a board; else to the desk.
    pub kinds_by_board: bool,
    /// Statuses belong to a board; else to the desk.
    pub statuses_by_board: bool,
}

/// A customer.
#[derive(Debug, Clone, Default)]
pub struct Company {
    /// Its id.
    pub id: Id,
    /// Its short name.
    pub identifier: String,
    /// Its name.
    pub name: String,
}

/// A person of a customer.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    /// Their id.
    pub id: Id,
    /// Their employer.
    pub company: Id,
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
}

/// A person of the desk.
#[derive(Debug, Clone, Default)]
pub struct Technician {
    /// Their id.
    pub id: Id,
    /// Their login.
    pub identifier: String,
    /// Their name.
    pub name: String,
    /// Their role, where owners have one.
    pub role: Id,
    /// Whether they work there still.
    pub active: bool,
}

/// A board, queue or team.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The API user can't see it.
    pub hidden: bool,
}

/// A type.
#[derive(Debug, Clone, Default)]
pub struct Kind {
    /// Its id.
    pub id: Id,
    /// The board that it belongs to, where types do.
    pub board: Option<Id>,
    /// Its name.
    pub name: String,
}

/// A subtype.
#[derive(Debug, Clone, Default)]
pub struct Subkind {
    /// Its id.
    pub id: Id,
    /// The type that it belongs to.
    pub kind: Id,
    /// Its name.
    pub name: String,
}

/// What a status means for the clocks of a service level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nobody has answered.
    #[default]
    New,
    /// Somebody has.
    Responded,
    /// The clock stands still.
    Waiting,
    /// It is done.
    Resolved,
}

/// A status.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Its id.
    pub id: Id,
    /// The board that it belongs to, where statuses do.
    pub board: Option<Id>,
    /// Its name.
    pub name: String,
    /// Tickets in it are closed.
    pub closed: bool,
    /// What it means for the clocks.
    pub stage: Stage,
}

/// A priority.
#[derive(Debug, Clone, Default)]
pub struct Priority {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
}

/// Where tickets come from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Its id.
    pub id: Id,
    /// Its name.
    pub name: String,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Author {
    /// A rule or a connector of the PSA itself.
    #[default]
    System,
    /// A person of the desk.
    Technician(Id),
    /// A person of a customer.
    Contact(Id),
    /// The user of the API: the connector that is tested.
    Api,
}

/// A ticket that is opened.
#[derive(Debug, Clone, Default)]
pub struct NewTicket {
    /// When; now where not said.
    pub at: Option<Timestamp>,
    /// Its title.
    pub summary: String,
    /// What it says.
    pub description: String,
    /// Whose it is.
    pub company: Id,
    /// Who wrote.
    pub contact: Option<Id>,
    /// Its board.
    pub board: Id,
    /// Its type.
    pub kind: Option<Id>,
    /// Its subtype.
    pub subkind: Option<Id>,
    /// Its priority; the middle one where not said.
    pub priority: Option<Id>,
    /// Its status; the board's first where not said.
    pub status: Option<Id>,
    /// Its owner.
    pub owner: Option<Id>,
    /// Where it comes from.
    pub source: Option<Id>,
    /// Whether rules route and acknowledge it.
    pub routed: bool,
}

/// A ticket.
#[derive(Debug, Clone, Default)]
pub struct Ticket {
    /// Its id.
    pub id: Id,
    /// Its title.
    pub summary: String,
    /// Whose it is.
    pub company: Id,
    /// Who wrote.
    pub contact: Option<Id>,
    /// Its board.
    pub board: Id,
    /// Its type.
    pub kind: Option<Id>,
    /// Its subtype.
    pub subkind: Option<Id>,
    /// Its priority.
    pub priority: Option<Id>,
    /// Its status.
    pub status: Option<Id>,
    /// Its owner.
    pub owner: Option<Id>,
    /// Where it comes from.
    pub source: Option<Id>,
    /// When it was opened.
    pub entered_at: Timestamp,
    /// By whom.
    pub entered_by: Author,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: Author,
    /// When its status first said that somebody answered, which is no proof that somebody did.
    pub responded_at: Option<Timestamp>,
    /// When its status last said that it is done.
    pub resolved_at: Option<Timestamp>,
    /// Since when it is closed.
    pub closed_at: Option<Timestamp>,
    /// Who closed it.
    pub closed_by: Option<Author>,
    /// It has been closed, now or before.
    pub has_been_closed: bool,
    /// The ticket that it was merged into.
    pub merged_into: Option<Id>,
    /// It is of a project.
    pub project: bool,
    /// It is deleted.
    pub deleted: bool,
    /// Values of the wire that the world has no word for.
    pub kept: Map<String, Value>,
}

impl Ticket {
    /// A value of it.
    pub fn value(&self, of: Deed) -> Option<Id> {
        match of {
            Deed::Status => self.status,
            Deed::Board => Some(self.board),
            Deed::Kind => self.kind,
            Deed::Subkind => self.subkind,
            Deed::Priority => self.priority,
            Deed::Owner => self.owner,
            Deed::Company => Some(self.company),
            Deed::Contact => self.contact,
            Deed::Opened | Deed::Summary | Deed::Merged | Deed::Deleted => None,
        }
    }

    pub(super) fn set(&mut self, of: Deed, to: Option<Id>) {
        match of {
            Deed::Status => self.status = to,
            Deed::Board => self.board = to.unwrap_or(self.board),
            Deed::Kind => self.kind = to,
            Deed::Subkind => self.subkind = to,
            Deed::Priority => self.priority = to,
            Deed::Owner => self.owner = to,
            Deed::Company => self.company = to.unwrap_or(self.company),
            Deed::Contact => self.contact = to,
            Deed::Opened | Deed::Summary | Deed::Merged | Deed::Deleted => {}
        }
    }

    /// What a status sets: a response once and for all, a resolution anew each time.
    pub(super) fn stamp(&mut self, stage: Stage, closed: bool, at: Timestamp, by: Author) {
        if stage == Stage::Responded || stage == Stage::Resolved {
            self.responded_at.get_or_insert(at);
        }
        self.resolved_at = (stage == Stage::Resolved).then_some(at);
        self.closed_at = closed.then_some(at);
        self.closed_by = closed.then_some(by);
        self.has_been_closed |= closed;
    }
}

/// A note.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// Its id.
    pub id: Id,
    /// Its ticket.
    pub ticket: Id,
    /// When it was written.
    pub at: Timestamp,
    /// By whom.
    pub by: Author,
    /// In whose name the API user wrote it.
    pub as_technician: Option<Id>,
    /// Its title, where notes have one.
    pub title: String,
    /// What it says.
    pub text: String,
    /// Whether the customer can see it.
    pub visible: bool,
    /// Whether nobody wrote it.
    pub automatic: bool,
    /// Whether it is what the ticket was opened with.
    pub first: bool,
    /// Whether it tells how the ticket was resolved.
    pub resolution: bool,
    /// Whether the customer got it by mail.
    pub mailed: bool,
    /// Values of the wire that the world has no word for.
    pub kept: Map<String, Value>,
}

impl Note {
    /// A note that says `text`.
    pub fn said(text: &str, visible: bool) -> Self {
        Self { text: text.to_owned(), visible, at: Timestamp::UNIX_EPOCH, ..Self::default() }
    }
}

/// Time that somebody worked.
#[derive(Debug, Clone, Default)]
pub struct TimeEntry {
    /// Its id.
    pub id: Id,
    /// The ticket.
    pub ticket: Id,
    /// Who worked.
    pub technician: Id,
    /// From when.
    pub from: Timestamp,
    /// Seconds.
    pub seconds: f64,
    /// What was done.
    pub notes: String,
    /// Whether the customer can see the notes.
    pub visible: bool,
    /// Who recorded it: the API user, or the technician where not said.
    pub by: Author,
    /// Values of the wire that the world has no word for.
    pub kept: Map<String, Value>,
}

/// A change of a ticket.
#[derive(Debug, Clone)]
pub struct Change {
    /// The ticket.
    pub ticket: Id,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: Author,
    /// Of what.
    pub deed: Deed,
    /// The name of what stood there.
    pub from: Option<String>,
    /// The name of what stands there now.
    pub to: Option<String>,
}

/// A write of an API user.
#[derive(Debug, Clone)]
pub struct Write {
    /// The ticket.
    pub ticket: Id,
    /// When.
    pub at: Timestamp,
    /// What: the method and the path.
    pub what: String,
}

/// A mail that a customer got.
#[derive(Debug, Clone, Copy)]
pub struct Mail {
    /// Of which ticket.
    pub ticket: Id,
    /// Which note.
    pub note: Id,
    /// When.
    pub at: Timestamp,
}
