//! The places of a ticket that a column of an export can fill.

use std::fmt;
use std::str::FromStr;

use firstline_fault::{Code, UserError};
use firstline_ticket::Ticket;
use serde::Serialize;

macro_rules! slots {
    ($($variant:ident $name:literal $doc:literal),+ $(,)?) => {
        /// A field of the canonical ticket that one column can fill.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Slot { $(#[doc = $doc] $variant),+ }

        impl Slot {
            /// Every slot, in the order of the canonical form.
            pub const ALL: &'static [Slot] = &[$(Slot::$variant),+];

            /// The key in the canonical JSON.
            pub fn name(self) -> &'static str {
                match self { $(Slot::$variant => $name),+ }
            }
        }
    };
}

slots! {
    Id "id" "The ticket's identity.",
    OpenedAt "opened_at" "When it was opened.",
    Subject "subject" "Subject line.",
    Body "body" "First message.",
    Customer "customer" "Client company.",
    Contact "contact" "Person at the customer.",
    Source "source" "How it came in.",
    Board "board" "Board, queue, team.",
    Type "type" "Type, issue type, ticket type.",
    Subtype "subtype" "Subtype, sub-issue type, category.",
    Priority "priority" "Priority label.",
    Technician "technician" "Who finally owned it.",
    FirstResponseAt "first_response_at" "First response to the customer.",
    ResolvedAt "resolved_at" "When it was resolved.",
    Reopened "reopened" "Whether it was opened again.",
    Escalated "escalated" "Whether it went to a higher tier.",
    Resolution "resolution" "How it was resolved.",
}

impl Slot {
    /// Whether `key` is one of the canonical form's own, so that no foreign column may be written under it.
    pub(crate) fn is_reserved(key: &str) -> bool {
        key == "messages" || Slot::ALL.iter().any(|s| s.name() == key)
    }

    /// Whether `ticket` has the field.
    pub(crate) fn is_filled(self, ticket: &Ticket) -> bool {
        match self {
            Slot::Id => !ticket.id.is_empty(),
            Slot::OpenedAt => ticket.opened_at.is_some(),
            Slot::Subject => ticket.subject.is_some(),
            Slot::Body => ticket.body.is_some(),
            Slot::Customer => ticket.customer.is_some(),
            Slot::Contact => ticket.contact.is_some(),
            Slot::Source => ticket.source.is_some(),
            Slot::Board => ticket.board.is_some(),
            Slot::Type => ticket.kind.is_some(),
            Slot::Subtype => ticket.subtype.is_some(),
            Slot::Priority => ticket.priority.is_some(),
            Slot::Technician => ticket.technician.is_some(),
            Slot::FirstResponseAt => ticket.first_response_at.is_some(),
            Slot::ResolvedAt => ticket.resolved_at.is_some(),
            Slot::Reopened => ticket.reopened.is_some(),
            Slot::Escalated => ticket.escalated.is_some(),
            Slot::Resolution => ticket.resolution.is_some(),
        }
    }

    /// All names, for error messages.
    pub(crate) fn names() -> String {
        Slot::ALL.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Slot {
    type Err = UserError;

    fn from_str(s: &str) -> Result<Self, UserError> {
        let wanted = s.trim().to_ascii_lowercase();
        Slot::ALL.iter().copied().find(|slot| slot.name() == wanted).ok_or_else(|| {
            UserError::new(
                Code::CsvColumn,
                "--map",
                format!("no field {s:?}"),
                format!("Use one of {}", Slot::names()),
            )
        })
    }
}
