//! The programme: when it started, what was signed, what was granted, and what is on hold.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{Assertion, Phase};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Author;

/// The rollout on record. Everything here is only ever added to; each addition is an entry in the audit log.
///
/// # Errors
/// Every call can fail with [`Code::Store`](firstline_fault::Code::Store), where the engine can't be reached or written; then
/// nothing of it was done.
#[expect(clippy::missing_errors_doc, reason = "the same for all calls, told above")]
pub trait Programmes {
    /// Starts a programme, or changes its pilots: the newest holds.
    fn start_programme(&self, programme: &NewProgramme, now: Timestamp) -> Result<ProgrammeRecord>;

    /// The programme that holds; `None` before the first.
    fn programme(&self) -> Result<Option<ProgrammeRecord>>;

    /// Adds a version of the criteria and gives its number, counted from 1. The same text as the newest version's is that version.
    fn add_criteria(&self, text: &str, sha: &str, by: &Author, now: Timestamp) -> Result<u32>;

    /// All versions of the criteria with their signatures, oldest first.
    fn criteria(&self) -> Result<Vec<CriteriaRecord>>;

    /// Signs a version of the criteria.
    fn sign(&self, signature: &NewSignature, now: Timestamp) -> Result<Signing>;

    /// Puts a grant on record and gives its number, which is the scope's epoch from then on. What was approved there more than a day
    /// before, and is still to be done, becomes void in the same transaction.
    fn grant(&self, grant: &NewGrant, now: Timestamp) -> Result<i64>;

    /// All grants, oldest first; or only those that are the newest of their scope.
    fn grants(&self, newest_only: bool) -> Result<Vec<GrantRecord>>;

    /// What is in force in each of these cells, in their order. One query, however many they are.
    fn effective(&self, cells: &[Cell<'_>]) -> Result<Vec<Effective>>;

    /// Whether anything on record stands in a scope: a name that nobody uses is most often a misspelt one.
    fn is_known(&self, scope: &GrantScope) -> Result<bool>;

    /// Puts a scope on hold. What is still to be done there is held back in the same transaction: on
    /// [`Hold::Pause`] what nobody approved, on [`Hold::BackOut`] and [`Hold::Stop`] everything. A trigger whose key is on record changes
    /// nothing: the hold that it fired is given.
    fn hold(&self, hold: &NewHold, now: Timestamp) -> Result<Held>;

    /// Ends a hold; `false` where there is none of that number in force. What was held back stays so: a person puts it back with
    /// [`Outbox::retry_action`](crate::Outbox::retry_action), within a day.
    fn release_hold(&self, hold: i64, by: &Author, reason: &str, now: Timestamp) -> Result<bool>;

    /// All holds, oldest first; or only those in force.
    fn holds(&self, in_force_only: bool) -> Result<Vec<HoldRecord>>;
}

/// A programme, to be put on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProgramme {
    /// The day on which it starts, in the desk's zone.
    pub started_on: Date,
    /// The pilot customers, in the form that customers are compared in.
    pub pilots: Vec<String>,
    /// Who starts it.
    pub by: Author,
}

/// A programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProgrammeRecord {
    /// Its number; changed pilots get another.
    pub id: i64,
    /// The day on which it started, in the desk's zone.
    pub started_on: Date,
    /// The pilot customers, in the form that customers are compared in.
    pub pilots: Vec<String>,
    /// When it was put on record.
    pub at: Timestamp,
    /// Who did.
    pub by: String,
}

/// A version of the criteria.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CriteriaRecord {
    /// Its number, counted from 1.
    pub version: u32,
    /// The criteria, as TOML.
    pub text: String,
    /// Their sha256, hexadecimal, as the caller computed it.
    pub sha: String,
    /// When it was put on record.
    pub at: Timestamp,
    /// Who did.
    pub by: String,
    /// Who has signed it, in order of time.
    pub signatures: Vec<SignatureRecord>,
}

/// That somebody has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignatureRecord {
    /// The person, as they are known to the service.
    pub person: String,
    /// The name that they typed.
    pub typed_name: String,
    /// As what they sign.
    pub role: String,
    /// When.
    pub at: Timestamp,
}

/// A signature, to be put on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSignature {
    /// The version of the criteria.
    pub version: u32,
    /// The sha256 of what was signed: that version's, or nothing is signed.
    pub sha: String,
    /// The person who signs.
    pub by: Author,
    /// The name that they typed.
    pub typed_name: String,
    /// As what they sign.
    pub role: String,
}

/// What became of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// It is on record.
    Signed,
    /// This person, or one whose name looks the same, has signed this version before.
    Already,
    /// There is no such version, or it says something else.
    Missing,
}

/// Customers and categories that a grant or a hold is about: `None` stands for all.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantScope {
    /// The customer, in the form that customers are compared in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The board that was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// The type that was decided.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub ticket_type: Option<String>,
}

/// A customer and a category: where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell<'a> {
    /// The customer, in the form that customers are compared in.
    pub customer: &'a str,
    /// The board that was decided.
    pub board: Option<&'a str>,
    /// The type that was decided.
    pub ticket_type: Option<&'a str>,
}

/// A grant, to be put on record. It holds until a newer one of the same scope.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGrant {
    /// What it is about.
    pub scope: GrantScope,
    /// How far Firstline may go there.
    pub phase: Phase,
    /// From which score on each thing that is certified there may be done alone ([`Assertion::score`]), 0 to 1.
    pub thresholds: BTreeMap<Assertion, f64>,
    /// The bundle that it was certified for.
    pub bundle: Option<String>,
    /// The sha256 of the evidence.
    pub evidence_sha: Option<String>,
    /// Who grants it.
    pub by: Author,
    /// Why.
    pub reason: String,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GrantRecord {
    /// Its number: the epoch of its scope from then on.
    pub epoch: i64,
    /// What it is about.
    pub scope: GrantScope,
    /// How far Firstline may go there.
    pub phase: Phase,
    /// From which score on each thing that is certified there may be done alone ([`Assertion::score`]), 0 to 1.
    pub thresholds: BTreeMap<Assertion, f64>,
    /// The bundle that it was certified for.
    pub bundle: Option<String>,
    /// The sha256 of the evidence.
    pub evidence_sha: Option<String>,
    /// Since when it holds.
    pub since: Timestamp,
    /// The person.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What is in force in a cell: the least of what holds for the installation, for the customer and for the category.
///
/// The newest grant of each scope that has the cell counts, and the phase is the least of theirs. Where none is for the whole
/// installation it is [`Phase::Baseline`]; where none names the customer it is [`Phase::Shadow`] at most, since only pilots may see
/// anything done; where none names the board it is [`Phase::Assist`] at most, since only a certified category may act alone. So a
/// grant for the installation lets nobody act by itself, and caps what is granted below it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effective {
    /// How far Firstline may go, holds considered.
    pub phase: Phase,
    /// From which score on each thing that the newest grant that names the board certifies may be done alone: the highest of the
    /// grants'.
    pub thresholds: BTreeMap<Assertion, f64>,
    /// The bundle that the newest grant that names the board is for.
    pub bundle: Option<String>,
    /// The sha256 of that grant's evidence.
    pub evidence_sha: Option<String>,
    /// Since when the newest of the grants holds.
    pub since: Option<Timestamp>,
    /// The number of the newest grant, hold or release that concerns the cell; 0 where there is none. An action that was decided in
    /// view of an earlier one is not done.
    pub epoch: i64,
    /// The strongest hold in force.
    pub hold: Option<Hold>,
    /// Whether new grants may be made here.
    pub may_expand: bool,
}

/// How far a hold goes, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// No new grants.
    PauseExpansion,
    /// No new grants: training data is cleaned until there is another bundle.
    Cleanup,
    /// From autonomous to assist.
    Pause,
    /// To shadow.
    BackOut,
    /// To shadow, on the word of anybody with the right to stop: decisions and drafts are recorded, and nothing is done.
    Stop,
}

/// A hold, to be put on record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewHold {
    /// How far it goes.
    pub level: Hold,
    /// What it is about.
    pub scope: GrantScope,
    /// Who, or what, puts it on hold.
    pub by: Author,
    /// Why: a person's words, or the trigger.
    pub reason: String,
    /// The figures that it was decided on, as JSON.
    pub figures: Option<serde_json::Value>,
    /// What fired, where a trigger did: the same never fires twice.
    pub trigger_key: Option<String>,
}

/// A hold that was put on record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Its number.
    pub id: i64,
    /// Actions that were held back.
    pub held: u64,
    /// Actions that somebody was at when it fired: they can't be called back.
    pub in_flight: Vec<i64>,
    /// Whether its trigger had fired before: that hold is on record, whether in force or not, and nothing was changed.
    pub is_known: bool,
}

/// A hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HoldRecord {
    /// Its number.
    pub id: i64,
    /// How far it goes.
    pub level: Hold,
    /// What it is about.
    pub scope: GrantScope,
    /// Since when.
    pub at: Timestamp,
    /// The person, or `firstline` where a trigger fired.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The figures that it was decided on.
    pub figures: Option<serde_json::Value>,
    /// What fired, where a trigger did.
    pub trigger_key: Option<String>,
    /// How it ended.
    pub released: Option<Release>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Release {
    /// When.
    pub at: Timestamp,
    /// The person.
    pub by: String,
    /// Why.
    pub reason: String,
}
