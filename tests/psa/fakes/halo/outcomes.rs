//! Outcomes: each action has one, and it may carry its own visibility, mail and status.
//!
//! UNCONFIRMED: all numbers but 7, the internal note of stock data, and what system outcomes are called.

use super::{EMAIL_AND_WAIT, EMAIL_USER, PRIVATE_NOTE, PUBLIC_NOTE, RESOLVE};
use crate::deed::Deed;
use crate::world::Id;

/// An outcome.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// Its id.
    pub(super) id: Id,
    /// Its name.
    pub(super) name: &'static str,
    /// What the button says.
    pub(super) button: &'static str,
    /// Whether customers don't see it.
    pub(super) private: bool,
    /// Whether it mails the customer.
    pub(super) mails: bool,
    /// The status that it sets; 0: none.
    pub(super) status: Id,
    /// Whether it counts as a response.
    pub(super) responds: bool,
    /// Its number among those of the system; 0: people's.
    pub(super) system: Id,
    /// Whether it is off the screens.
    pub(super) hidden: bool,
}

const fn of_people(id: Id, name: &'static str, button: &'static str) -> Kind {
    Kind {
        id,
        name,
        button,
        private: false,
        mails: false,
        status: 0,
        responds: false,
        system: 0,
        hidden: false,
    }
}

const fn of_system(id: Id, name: &'static str, system: Id) -> Kind {
    Kind { system, hidden: true, ..of_people(id, name, "") }
}

/// What opened the ticket, where a customer's mail did.
pub(super) const FIRST_MAIL: Id = 8;
/// What opened the ticket otherwise.
pub(super) const LOGGED: Id = 9;
/// A customer's mail.
pub(super) const USER_MAIL: Id = 10;
/// Time that was recorded.
pub(super) const TIME: Id = 11;
/// What nobody wrote.
pub(super) const AUTOMATIC: Id = 12;

/// All outcomes.
pub(super) const ALL: [Kind; 17] = [
    Kind { mails: true, responds: true, ..of_people(EMAIL_USER, "Email User", "Email User") },
    of_people(PUBLIC_NOTE, "Public Note", "Add Public Note"),
    Kind { private: true, ..of_people(PRIVATE_NOTE, "Private Note", "Add Note") },
    of_people(FIRST_MAIL, "First User Email", ""),
    of_people(LOGGED, "Ticket Logged", ""),
    of_people(USER_MAIL, "Email Update", ""),
    Kind { private: true, ..of_people(TIME, "Time Entry", "Log Time") },
    of_system(AUTOMATIC, "Acknowledgement", 4),
    of_system(13, "Changed Status", 5),
    of_system(14, "Re-Assigned", 6),
    of_system(15, "Changed Team", 7),
    of_system(16, "Changed Priority", 8),
    of_system(17, "Merged", 9),
    Kind {
        mails: true,
        responds: true,
        status: 4,
        ..of_people(EMAIL_AND_WAIT, "Await Reply", "Await Reply")
    },
    Kind { mails: true, responds: true, status: 8, ..of_people(RESOLVE, "Resolve", "Resolve") },
    Kind { status: 9, private: true, ..of_people(23, "Close", "Close") },
    Kind { hidden: true, private: true, ..of_people(30, "Legacy Note", "Legacy Note") },
];

/// The outcome of that id.
pub(super) fn by_id(id: Id) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.id == id)
}

/// The outcome of that name.
pub(super) fn by_name(name: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

/// The outcome of a change.
pub(super) fn of(deed: Deed) -> Id {
    match deed {
        Deed::Opened => LOGGED,
        Deed::Owner => 14,
        Deed::Board => 15,
        Deed::Priority => 16,
        Deed::Merged => 17,
        _ => 13,
    }
}
