//! Who or what a ticket's text comes from.
//!
//! Must never decide by itself which it is: reading a ticket is another room's.

use serde::{Deserialize, Serialize};

/// Who or what wrote a ticket's text. Only a [`Person`](Self::Person) waits for an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person who wants something.
    #[default]
    Person,
    /// A person who says thanks, or that it works again, and asks for nothing.
    Thanks,
    /// An out-of-office note, or another automatic reply.
    AutoReply,
    /// A mail that could not be delivered.
    Bounce,
    /// A receipt: a mail was delivered, read, or deleted unread.
    Receipt,
    /// A calendar's mail: an invitation was accepted, declined, changed or called off.
    Calendar,
    /// A service desk's automatic acknowledgement of a request.
    Acknowledgement,
    /// A newsletter or other bulk mail.
    Newsletter,
    /// Another notice of a program, from an address that nobody reads.
    Notice,
    /// A monitoring alert.
    Alert,
}

impl Kind {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Thanks => "thanks",
            Self::AutoReply => "auto_reply",
            Self::Bounce => "bounce",
            Self::Receipt => "receipt",
            Self::Calendar => "calendar",
            Self::Acknowledgement => "acknowledgement",
            Self::Newsletter => "newsletter",
            Self::Notice => "notice",
            Self::Alert => "alert",
        }
    }

    /// Whether somebody waits for an answer: then a first response is drafted, and the time until one counts.
    pub fn wants_answer(self) -> bool {
        self == Self::Person
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_person_waits_for_an_answer() {
        assert!(Kind::default().wants_answer());
        let others =
            ["thanks", "auto_reply", "bounce", "receipt", "calendar", "acknowledgement", "newsletter"];
        for name in others.into_iter().chain(["notice", "alert"]) {
            let kind: Kind = serde_json::from_value(name.into()).unwrap();
            assert!(!kind.wants_answer(), "{name}");
            assert_eq!(kind.name(), name);
        }
    }
}
