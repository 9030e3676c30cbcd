//! What the programme is judged by: incidents, weeks and verdicts.

use firstline_fault::Result;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Author, CustomerSet, Paged};

/// Evidence on record. Weeks and verdicts are only ever added; each addition is an entry in the audit log.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Evidence {
    /// Puts incidents on record, and says what became of each, in their order. One is known by its ticket and [`NewIncident::key`]: the
    /// same again is the same, and stays as it is.
    fn add_incidents(
        &self,
        incidents: &[NewIncident],
        customers: &CustomerSet,
        now: Timestamp,
    ) -> Result<Vec<IncidentResult>>;

    /// Decides an incident, or decides it again. `None` where there is none of that id among `customers`.
    fn judge_incident(
        &self,
        id: &str,
        ruling: &Ruling,
        customers: &CustomerSet,
        now: Timestamp,
    ) -> Result<Option<IncidentRecord>>;

    /// Incidents of `customers` that happened from `from` to before `to`, in order of time, as figures need them.
    fn incidents(
        &self,
        from: Timestamp,
        to: Timestamp,
        customers: &CustomerSet,
    ) -> Result<Vec<IncidentFacts>>;

    /// Incidents of `customers` on record, the newest entries first: those in `state`, or all. A page of `limit` of them, of those
    /// before the incident `before`.
    fn incident_list(
        &self,
        state: Option<IncidentState>,
        customers: &CustomerSet,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Paged<IncidentRecord>>;

    /// Puts the figures of a week on record. A week's row never changes.
    fn add_week(&self, week: &NewWeek, now: Timestamp) -> Result<Added>;

    /// The weeks on record that begin from `from` to before `to`, in order of scope, customer, week and state. Those of a scope, or
    /// all; rows about one customer only where `customers` has them.
    fn weeks(
        &self,
        scope: Option<&str>,
        from: Date,
        to: Date,
        customers: &CustomerSet,
    ) -> Result<Vec<WeekRecord>>;

    /// Puts the verdict of a gate on record.
    fn add_verdict(&self, verdict: &NewVerdict, now: Timestamp) -> Result<Added>;

    /// All verdicts, of a gate or all, oldest first.
    fn verdicts(&self, gate: Option<&str>) -> Result<Vec<VerdictRecord>>;
}

/// What became of something that is only ever added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is on record.
    Stored,
    /// It was on record, the same.
    Known,
    /// Something else is on record in its place, which stands.
    Other,
}

/// How an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Noticed by rules; nobody has decided yet.
    Suspected,
    /// A person has confirmed the error.
    Confirmed,
    /// A person has found no error.
    Dismissed,
}

/// An incident, to be put on record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIncident {
    /// Its sender's name of it, unique within the ticket.
    pub key: String,
    /// The ticket, as its senders call it. This or `decision` is needed.
    pub ticket_id: Option<String>,
    /// Whose ticket it is, where several customers have one of that number, in the form that customers are compared in.
    pub customer: Option<String>,
    /// The decision that was wrong, where that is known.
    pub decision: Option<String>,
    /// The action of the outbox that was wrong, where that is known.
    pub action: Option<i64>,
    /// When it happened.
    pub at: Timestamp,
    /// What went wrong: a short name such as `correction`, `contradiction`, `reopened`, `posted_twice`.
    pub kind: String,
    /// How bad it was: a short name such as `low`, `high`.
    pub severity: String,
    /// Whether the customer gets a credit for it.
    pub sla_credit: bool,
    /// What that comes to, in the desk's own currency.
    pub credit_amount: Option<f64>,
    /// How it stands.
    pub state: IncidentState,
    /// Who says so.
    pub by: Author,
    /// Why, in words. They go when they are old.
    pub reason: Option<String>,
}

/// What became of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncidentResult {
    /// It is on record under this id.
    Stored(String),
    /// It was, the same.
    Known(String),
    /// Another incident of that ticket has its key, and stands.
    Other(String),
    /// No such ticket or decision is known, or it is none of the caller's customers'; or it has no such action.
    Unknown,
    /// Several customers have a ticket of that number, and nobody can tell whose is meant.
    Ambiguous,
}

/// What a person decides about an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Ruling {
    /// How it stands from now on.
    pub state: IncidentState,
    /// Whether the customer gets a credit for it; `None` leaves that as it is.
    pub sla_credit: Option<bool>,
    /// What that comes to; `None` leaves it as it is.
    pub credit_amount: Option<f64>,
    /// How bad it was; `None` leaves that as it is.
    pub severity: Option<String>,
    /// Who says so.
    pub by: Author,
    /// Why, in words; `None` leaves them as they are.
    pub reason: Option<String>,
}

/// What figures need of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentFacts {
    /// Its id.
    pub id: String,
    /// Whose ticket it is about.
    pub customer: String,
    /// The board of the decision that it hangs on.
    pub board: Option<String>,
    /// The type of that decision.
    pub ticket_type: Option<String>,
    /// When it happened.
    pub at: Timestamp,
    /// When it was put on record.
    pub recorded_at: Timestamp,
    /// When a person last decided about it.
    pub decided_at: Option<Timestamp>,
    /// How it stands.
    pub state: IncidentState,
    /// Whether the customer gets a credit for it.
    pub sla_credit: bool,
    /// What that comes to, in the desk's own currency.
    pub credit_amount: Option<f64>,
    /// Whether the action that was wrong had been approved by nobody; where none is named, the last one before it that the ticket's
    /// customer could see. `None` where there was none.
    pub alone: Option<bool>,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IncidentRecord {
    /// Its id.
    pub id: String,
    /// The ticket, as its senders call it.
    pub ticket_id: String,
    /// Whose ticket it is.
    pub customer: String,
    /// The decision that it hangs on: the one that was named, or the ticket's newest by then.
    pub decision: String,
    /// The action that was wrong.
    pub action: Option<i64>,
    /// When it happened.
    pub at: Timestamp,
    /// When it was put on record.
    pub recorded_at: Timestamp,
    /// When a person last decided about it.
    pub decided_at: Option<Timestamp>,
    /// What went wrong.
    pub kind: String,
    /// How bad it was.
    pub severity: String,
    /// Whether the customer gets a credit for it.
    pub sla_credit: bool,
    /// What that comes to, in the desk's own currency.
    pub credit_amount: Option<f64>,
    /// How it stands.
    pub state: IncidentState,
    /// Who reported or decided it last.
    pub by: String,
    /// Why; `None` also when it was deleted because it was old.
    pub reason: Option<String>,
}

/// Whether later news can still change a week's figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeekState {
    /// It is over.
    Closed,
    /// It is over for so long that its figures count.
    Settled,
}

/// The figures of a week, to be put on record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewWeek {
    /// What the figures are of: a name such as `all` or `granted`.
    pub scope: String,
    /// The customer that they are of; `None` for more than one.
    pub customer: Option<String>,
    /// The week's Monday, in the desk's zone.
    pub week: Date,
    /// Whether it is settled.
    pub state: WeekState,
    /// The figures. No words, and no customer's name but that of `customer`.
    pub figures: serde_json::Value,
    /// Who says so.
    pub by: Author,
}

/// The figures of a week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeekRecord {
    /// What the figures are of.
    pub scope: String,
    /// The customer that they are of; `None` for more than one.
    pub customer: Option<String>,
    /// The week's Monday, in the desk's zone.
    pub week: Date,
    /// Whether it is settled.
    pub state: WeekState,
    /// The figures.
    pub figures: serde_json::Value,
    /// The sha256 of their JSON text, hexadecimal.
    pub sha: String,
    /// When they were put on record.
    pub at: Timestamp,
    /// Who computed them.
    pub by: String,
}

/// A gate's verdict, to be put on record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVerdict {
    /// Its id, never used before: the same again is the same verdict.
    pub id: String,
    /// The gate: `shadow_to_assist`, `assist_to_autonomous`.
    pub gate: String,
    /// Whether the gate was passed.
    pub passed: bool,
    /// The sha256 of the evidence file.
    pub evidence_sha: String,
    /// What was needed and found. No words, and no customer's name.
    pub figures: serde_json::Value,
    /// Who says so.
    pub by: Author,
}

/// A gate's verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictRecord {
    /// Its id.
    pub id: String,
    /// When it was put on record.
    pub at: Timestamp,
    /// The gate.
    pub gate: String,
    /// Whether the gate was passed.
    pub passed: bool,
    /// The sha256 of the evidence file.
    pub evidence_sha: String,
    /// What was needed and found.
    pub figures: serde_json::Value,
    /// The person.
    pub by: String,
}
