//! Enumerations, each with the values of the domain's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Declares an enumeration with the domain's values, and the way there and back. A value that the domain gains does not compile
/// until it stands here.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident of $domain:path { $($(#[$about:meta])* $value:ident),+ $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub(crate) enum $name {
            $($(#[$about])* $value),+
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value {
                    $(<$domain>::$value => Self::$value),+
                }
            }
        }

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$value => Self::$value),+
                }
            }
        }
    )+};
}

words! {
    /// Where a decision goes. `person`: a rule keeps it with people; `review`: to be proposed; `auto`: a grant lets Firstline act
    /// on it; `storm`: one of many alerts, decided as the first of them.
    Route of firstline_ticket::Route {
        /// A rule keeps it with people.
        Person,
        /// To be proposed.
        Review,
        /// A grant lets Firstline act on it.
        Auto,
        /// One of many alerts.
        Storm,
    }

    /// Who or what wrote a ticket. Only `person` waits for an answer, and gets a draft. `thanks`: a person who asks for nothing;
    /// `notice`: a program's mail of no other kind.
    Kind of firstline_ticket::Kind {
        /// A person who wants something.
        Person,
        /// A person who says thanks.
        Thanks,
        /// An automatic reply, such as an out-of-office note.
        AutoReply,
        /// A mail that could not be delivered.
        Bounce,
        /// A delivery or read receipt.
        Receipt,
        /// An answer to an invitation, or another calendar's mail.
        Calendar,
        /// A service desk's automatic acknowledgement.
        Acknowledgement,
        /// Bulk mail.
        Newsletter,
        /// A program's notice.
        Notice,
        /// A monitoring alert.
        Alert,
    }

    /// A field that is decided.
    FieldName of firstline_ticket::Field {
        /// Board, queue or team.
        Board,
        /// Type within the board.
        Type,
        /// Subtype within the type.
        Subtype,
        /// Priority.
        Priority,
        /// Owner.
        Technician,
    }

    /// Why a field keeps its label. `person`: somebody has set it; `standing`: it stood before, and the model is not sure enough
    /// to change it.
    KeptBy of firstline_ticket::Kept {
        /// Somebody has set it.
        Person,
        /// It stood before.
        Standing,
    }

    /// What a draft is waiting for, or what became of it. `none`: not asked for, or nothing may be sent; `superseded`: a newer
    /// decision, or a reply that was sent without it, made it void.
    DraftState of firstline_ticket::DraftState {
        /// There is none.
        None,
        /// It is being written.
        Writing,
        /// It waits for a person.
        Pending,
        /// It goes out without a person, unless somebody stops it.
        Auto,
        /// Approved as it is.
        Approved,
        /// Approved in other words.
        Edited,
        /// Turned down.
        Rejected,
        /// Void.
        Superseded,
    }

    /// How a draft came about. `template`: an approved template with its slots filled; `retrieved`: sentences of past replies;
    /// `generated`: such sentences, chosen by a language model; `acknowledgement`: nothing but that the ticket was received.
    Origin of firstline_ticket::Origin {
        /// A template.
        Template,
        /// Past replies.
        Retrieved,
        /// Past replies, chosen by a language model.
        Generated,
        /// An acknowledgement.
        Acknowledgement,
    }

    /// What a draft's confidence was learnt from. `prior`: nothing, it follows from how like the ticket its sources are;
    /// `feedback`: what people did with drafts before it.
    Basis of firstline_ticket::Basis {
        /// Nothing.
        Prior,
        /// Reviews.
        Feedback,
    }

    /// How far a desk lets Firstline go.
    Phase of firstline_ticket::Phase {
        /// Nothing is decided live.
        Baseline,
        /// All is recorded, nothing is done.
        Shadow,
        /// What people approve is done.
        Assist,
        /// Firstline acts alone where that was granted.
        Autonomous,
    }

    /// Who or what did something. `system`: a rule, a monitor or another program of the PSA.
    ActorKind of firstline_ticket::ActorKind {
        /// A person of the desk.
        Technician,
        /// A person of the customer.
        Customer,
        /// A program of the PSA.
        System,
        /// Firstline.
        Firstline,
    }

    /// A value that changes in the life of a ticket.
    Changed of firstline_ticket::Changed {
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

    /// How the moment of the first response is known: by a technician's message, a time entry with visible notes, or the PSA's stamp,
    /// which a change of status sets.
    ResponseBasis of firstline_ticket::ResponseBasis {
        /// A message.
        Message,
        /// A time entry.
        TimeEntry,
        /// A stamp.
        Stamp,
    }

    /// How the labels before any person touched the ticket are known: kept at intake, from the history of changes, or by running the
    /// routing rules again.
    InitialBasis of firstline_ticket::InitialBasis {
        /// Kept at intake.
        Intake,
        /// From the history.
        History,
        /// By the rules.
        Replay,
    }

    /// How a job stands.
    JobState of firstline_store::JobState {
        /// Some items are left.
        Running,
        /// All are decided or have failed.
        Done,
        /// It was called off.
        Cancelled,
    }

    /// How an action stands. `failed`: a key has given it up after too many attempts, and a person has to look; `void`: its ticket
    /// moved to another customer, it was held back for a day, or it was approved more than a day before a grant that concerns it, and it
    /// must not be done; `held`: its scope is on hold, what is granted there has changed, or a backup was restored, and a person has to
    /// look.
    ActionState of firstline_store::ActionState {
        /// Nobody has claimed it.
        Waiting,
        /// Somebody is at it.
        Claimed,
        /// It was done.
        Done,
        /// It was given up.
        Failed,
        /// It must not be done.
        Void,
        /// It waits for a person.
        Held,
    }

    /// On whose word something is done. `person`: somebody approved it; `auto`: nobody did, a grant allows it.
    ActionOrigin of firstline_store::ActionOrigin {
        /// A person approved it.
        Person,
        /// A grant allows it.
        Auto,
    }
}
