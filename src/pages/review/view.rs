//! What the review page shows, as plain data.
//!
//! The caller has already left out what its reader may not see. All text may be hostile: the parts that print it escape it.

use crate::words::Words;

/// A list of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// Drafts that wait for a person.
    #[default]
    Waiting,
    /// What the reader has reviewed.
    Mine,
    /// What a rule gives to a person.
    Person,
    /// What is held back.
    Held,
    /// What was taken back and waits again.
    Undone,
    /// Decisions without a draft.
    Fields,
}

impl Tab {
    /// All lists, in the order in which they are shown.
    pub const ALL: [Tab; 6] = [Tab::Waiting, Tab::Mine, Tab::Person, Tab::Held, Tab::Undone, Tab::Fields];

    /// Its name in addresses.
    pub fn name(self) -> &'static str {
        match self {
            Tab::Waiting => "waiting",
            Tab::Mine => "mine",
            Tab::Person => "person",
            Tab::Held => "held",
            Tab::Undone => "undone",
            Tab::Fields => "fields",
        }
    }

    /// The list of this name; the first where there is none.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|tab| tab.name() == name).unwrap_or_default()
    }

    pub(super) fn title(self, words: &Words) -> &'static str {
        match self {
            Tab::Waiting => words.waiting,
            Tab::Mine => words.mine,
            Tab::Person => words.person,
            Tab::Held => words.held,
            Tab::Undone => words.undone,
            Tab::Fields => words.fields_only,
        }
    }

    pub(super) fn empty(self, words: &Words) -> &'static str {
        match self {
            Tab::Waiting => words.nothing_waiting,
            Tab::Mine => words.nothing_mine,
            Tab::Person => words.nothing_person,
            Tab::Held => words.nothing_held,
            Tab::Undone => words.nothing_undone,
            Tab::Fields => words.nothing_fields,
        }
    }
}

/// What the reader has narrowed the queue to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// The list.
    pub tab: Tab,
    /// A customer's name; empty: all.
    pub customer: String,
    /// A board; empty: all.
    pub board: String,
    /// A type; empty: all.
    pub category: String,
    /// Words that are looked for. They never stand in an address.
    pub words: String,
    /// Whether the newest comes first.
    pub newest: bool,
}

impl Filters {
    /// Whether anything but the list is narrowed.
    pub fn is_narrow(&self) -> bool {
        [&self.customer, &self.board, &self.category, &self.words].into_iter().any(|text| !text.is_empty())
    }
}

/// The queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueView {
    /// What it is narrowed to.
    pub filters: Filters,
    /// Customers to choose from, where the reader is held to some.
    pub customers: Vec<String>,
    /// Boards to choose from.
    pub boards: Vec<String>,
    /// Types to choose from.
    pub categories: Vec<String>,
    /// The tickets.
    pub lines: Vec<QueueLine>,
    /// Where the next page begins: after the decision of this id.
    pub next: Option<String>,
}

/// A ticket in the queue.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueLine {
    /// Its decision.
    pub id: String,
    /// The draft's version.
    pub version: i64,
    /// The ticket's number.
    pub number: String,
    /// Whose it is.
    pub customer: String,
    /// Its subject.
    pub subject: String,
    /// Board and type.
    pub category: String,
    /// The draft's probability of being sent unchanged, else the category's.
    pub confidence: Option<f64>,
    /// Seconds since it came in.
    pub age_seconds: u64,
    /// Why to look closely.
    pub flags: Vec<Flag>,
    /// Others who look at it.
    pub others: Vec<String>,
    /// Whether its fields may be approved together with others'.
    pub in_batch: bool,
    /// Whether it is the one that is open.
    pub is_open: bool,
}

/// Why to look closely, in the order in which it is shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// A rule of this name gives it to a person.
    Person(String),
    /// A rule of this name asks who the writer is.
    Verify(String),
    /// A priority was raised: from which, and by which rule.
    Raised {
        /// The priority that the model had decided.
        from: String,
        /// The rule.
        rule: String,
    },
    /// It is one of a storm; the decision that it shares, where it is not the first.
    Storm(Option<String>),
    /// So many tokens were not read.
    Cut(usize),
    /// The draft is in a language that is not the page's.
    Language(String),
    /// Why nothing was done about it without a person.
    Returned(String),
}

/// How a draft stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// There is none.
    None,
    /// It is being written.
    Writing,
    /// It waits for a person.
    #[default]
    Pending,
    /// It goes out without a person.
    Auto,
    /// It was approved.
    Approved,
    /// It was approved in other words.
    Edited,
    /// It was turned down.
    Rejected,
    /// Another stands in its place.
    Superseded,
}

impl Standing {
    pub(super) fn word(self, words: &Words) -> &'static str {
        match self {
            Standing::None => words.state_none,
            Standing::Writing => words.state_writing,
            Standing::Pending => words.state_pending,
            Standing::Auto => words.state_auto,
            Standing::Approved => words.state_approved,
            Standing::Edited => words.state_edited,
            Standing::Rejected => words.state_rejected,
            Standing::Superseded => words.state_superseded,
        }
    }
}

/// The ticket that is open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenReview {
    /// Its decision.
    pub id: String,
    /// The draft's version, which the review has to carry.
    pub version: i64,
    /// How the draft stands.
    pub standing: Standing,
    /// Whether it may be reviewed.
    pub is_open: bool,
    /// The ticket.
    pub ticket: TicketView,
    /// What was decided.
    pub fields: Vec<FieldView>,
    /// Why to look closely.
    pub flags: Vec<Flag>,
    /// The draft.
    pub draft: Option<DraftView>,
    /// What the reader has written.
    pub edit: Option<EditView>,
    /// Others who look at it.
    pub others: Vec<String>,
    /// Whether nothing leaves, whatever is approved.
    pub shadow: bool,
    /// How a reply reaches the writer.
    pub sends: Sends,
    /// Seconds for which an approval can be taken back.
    pub undo_seconds: u32,
    /// Seconds for which the draft has to be on screen before it can be approved.
    pub look_seconds: f64,
    /// When the reader first saw it, RFC 3339.
    pub opened_at: String,
    /// The ticket in the PSA.
    pub psa_link: Option<String>,
    /// The decision after it and before it, in the list.
    pub next: Option<String>,
    /// See `next`.
    pub previous: Option<String>,
}

/// How a reply reaches the writer, as the connector's settings have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sends {
    /// Nobody has said.
    #[default]
    Unknown,
    /// As a note that the customer sees.
    Note,
    /// As a note, and by mail.
    Mail,
    /// As a note that the customer does not see.
    Internal,
}

/// A ticket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketView {
    /// Its number.
    pub number: String,
    /// Its subject.
    pub subject: String,
    /// Whose it is.
    pub customer: String,
    /// Who wrote.
    pub contact: String,
    /// When it was opened, in the desk's zone.
    pub opened: String,
    /// How it came in.
    pub source: String,
    /// Its text, as it is read; `None` where its words are gone.
    pub text: Option<String>,
    /// Its text as it came, where that is more.
    pub raw: Option<String>,
    /// What was removed before it was read: reasons and how often.
    pub removed: Vec<(String, usize)>,
    /// Other messages of the ticket: who, when, and the text.
    pub thread: Vec<(String, String)>,
    /// Names of attachments.
    pub attachments: Vec<String>,
    /// Whether all of a long text is shown.
    pub all: bool,
}

/// What was decided about a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldView {
    /// Its key: `board`, `type`, `subtype`, `priority`, `technician`.
    pub key: &'static str,
    /// The label that was decided.
    pub decided: String,
    /// The label that is chosen now.
    pub chosen: String,
    /// Its probability.
    pub confidence: f64,
    /// Of the desk's tickets with such a confidence: how many were right, of how many.
    pub counted: Option<(u64, u64)>,
    /// The next labels with their probabilities.
    pub alternatives: Vec<(String, f64)>,
    /// Why it keeps a label.
    pub kept: Option<Kept>,
    /// The labels that may stand beside what is chosen in the fields before it.
    pub options: Vec<String>,
}

/// Why a field keeps a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// A person has set it.
    Person,
    /// It stood before.
    Standing,
}

/// Where a draft came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DraftOrigin {
    /// A template.
    Template,
    /// Past sentences.
    #[default]
    Retrieved,
    /// Past sentences, chosen by a model.
    Generated,
    /// It says only that the ticket was received.
    Acknowledgement,
}

impl DraftOrigin {
    pub(super) fn word(self, words: &Words) -> &'static str {
        match self {
            DraftOrigin::Template => words.origin_template,
            DraftOrigin::Retrieved => words.origin_retrieved,
            DraftOrigin::Generated => words.origin_generated,
            DraftOrigin::Acknowledgement => words.origin_acknowledgement,
        }
    }
}

/// A draft.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DraftView {
    /// Its text.
    pub text: String,
    /// Its language, ISO 639-1.
    pub language: String,
    /// Where it came from.
    pub origin: DraftOrigin,
    /// Its text in pieces, each with its source.
    pub sentences: Vec<(String, SentenceSource)>,
    /// Probability that it is sent unchanged.
    pub confidence: f64,
    /// Whether that was learnt from reviews.
    pub learnt: bool,
    /// Checks that it passed.
    pub passed: usize,
    /// Checks that it did not pass, and what they found.
    pub failed: Vec<Finding>,
    /// Texts that failed before it, each with what was found.
    pub replaced: Vec<(DraftOrigin, Vec<Finding>)>,
}

/// Where a sentence comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SentenceSource {
    /// A resolved ticket.
    Ticket(String),
    /// A template.
    Template(String),
    /// Tickets of several customers, of which the reader may not see which.
    Shared,
    /// Nothing: a greeting, a signature, a slot.
    None,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: String,
    /// What it found.
    pub found: String,
    /// Whether a person has to confirm it.
    pub hard: bool,
}

/// What the reader has written in the draft's place.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EditView {
    /// The text.
    pub text: String,
    /// How far it is from the draft, 0 to 1.
    pub distance: f64,
    /// What was found in it.
    pub findings: Vec<Finding>,
}

/// What is said of what was done last.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    /// What was done.
    pub done: Done,
    /// What can be taken back: decision, version, and for how many seconds.
    pub undo: Option<(String, i64, u32)>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// A draft was approved.
    Approved,
    /// A person's text was approved.
    Edited,
    /// A draft was turned down.
    Rejected,
    /// Fields were set.
    Fields,
    /// A review was taken back.
    Undone,
    /// So many of so many were approved together.
    Batch(usize, usize),
}

/// The whole page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReviewView {
    /// The queue.
    pub queue: QueueView,
    /// The ticket that is open.
    pub open: Option<OpenReview>,
    /// What was done last.
    pub toast: Option<Toast>,
    /// What was not done, and why.
    pub alert: Option<String>,
}

/// What the loser of two reviewers is shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConflictView {
    /// The decision.
    pub id: String,
    /// Who was first; empty where nobody knows.
    pub winner: String,
    /// How the draft stands now.
    pub standing: Standing,
    /// The text that stands, where the reader may see it.
    pub stands: Option<String>,
    /// What the reader wrote.
    pub own: String,
}
