//! What can be done to a ticket, and what webhooks are told of.

use crate::world::{Author, Id};

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// It was opened.
    Opened,
    /// Its summary.
    Summary,
    /// Its status.
    Status,
    /// Its board.
    Board,
    /// Its type.
    Kind,
    /// Its subtype.
    Subkind,
    /// Its priority.
    Priority,
    /// Its owner.
    Owner,
    /// Its customer.
    Company,
    /// Its contact.
    Contact,
    /// Merged into another.
    Merged,
    /// Deleted.
    Deleted,
}

/// Something that a webhook may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Happened {
    /// The ticket.
    pub ticket: Id,
    /// It is new.
    pub created: bool,
    /// It was deleted.
    pub deleted: bool,
    /// By whom.
    pub by: Author,
}
