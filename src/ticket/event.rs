//! Dated facts about a ticket: who wrote, what changed, how long somebody worked.
//!
//! Never a word of the ticket's text. Events are facts as the PSA reports them; what follows from them is another room's.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened to a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The PSA's id of what is reported, unique within the ticket: the same event may be reported twice.
    pub psa_key: String,
    /// When it happened (UTC instant).
    pub at: Timestamp,
    /// Who did it, as the PSA names them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Who or what that is.
    pub actor_kind: ActorKind,
    /// What happened.
    #[serde(flatten)]
    pub what: Happening,
}

/// Who or what did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person of the desk.
    Technician,
    /// A person of the customer.
    Customer,
    /// A rule, a monitor or another program of the PSA.
    System,
    /// Firstline.
    Firstline,
}

/// A message, a time entry, a change or a merge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// A message was written.
    Message {
        /// Whether the customer can see it.
        visible: bool,
        /// Whether nobody wrote it: an acknowledgement, an out-of-office note.
        #[serde(default)]
        automatic: bool,
        /// A hash of its text without what differs from ticket to ticket, by which texts that recur are known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text_key: Option<u64>,
    },
    /// Somebody worked, from `at` on or until then.
    TimeEntry {
        /// Seconds of work.
        seconds: f64,
        /// Whether the customer can see its notes.
        #[serde(default)]
        visible: bool,
    },
    /// A value was changed.
    Change {
        /// The value that was changed.
        of: Changed,
        /// What stood there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// What stands there now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// The ticket was merged into another.
    Merge {
        /// The ticket that goes on.
        into: String,
    },
}

/// A value that changes in the life of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Its status.
    Status,
    /// Board, queue or team.
    Board,
    /// Type within the board.
    Type,
    /// Subtype within the type.
    Subtype,
    /// Priority.
    Priority,
    /// The technician who owns it.
    Owner,
    /// The customer.
    Customer,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_flat_object() {
        let line = r#"{"psa_key":"audit-7","at":"2026-11-02T08:00:00Z","actor":"mira","actor_kind":"technician","event":"change","of":"board","from":"Service Desk","to":"Network"}"#;
        let event: Event = serde_json::from_str(line).unwrap();
        let what = Happening::Change {
            of: Changed::Board,
            from: Some("Service Desk".into()),
            to: Some("Network".into()),
        };
        assert_eq!(event.what, what);
        assert_eq!(serde_json::to_string(&event).unwrap(), line);
        let message = r#"{"psa_key":"n1","at":"2026-11-02T08:00:00Z","actor_kind":"system","event":"message","visible":true}"#;
        let event: Event = serde_json::from_str(message).unwrap();
        assert_eq!(event.what, Happening::Message { visible: true, automatic: false, text_key: None });
    }
}
