//! A PSA as the loop sees it: what has changed, what a ticket says, what happened to it, and the few things that are written.
//!
//! A connector translates one vendor's protocol and decides nothing. Must never write what it was not told to, and never send again what
//! may have arrived without looking for its mark first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use firstline_fault::{Code, Error, Result, UserError};
use firstline_ticket::{Event, Field, Ticket, customer_key};
use jiff::Timestamp;

use crate::hook::{Standing, Subscription};

/// A ticket in a list of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// What tells this state of it from any other, as its time of change.
    pub version: String,
    /// When it changed, by the PSA's clock.
    pub at: Timestamp,
    /// When it was opened, where the list says so.
    pub opened_at: Option<Timestamp>,
    /// Its customer, where the list says so.
    pub customer: Option<String>,
}

/// A ticket as it stands in the PSA.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// The ticket, its messages and the labels that it has now.
    pub ticket: Ticket,
    /// What tells this state of it from any other.
    pub version: String,
    /// When it changed, by the PSA's clock.
    pub changed_at: Option<Timestamp>,
    /// Its status.
    pub status: Option<String>,
    /// Whether that status closes it.
    pub closed: bool,
    /// Whether it is of a project.
    pub project: bool,
    /// Whether its board is left out: it is no ticket for triage, whose end is told all the same where it came in elsewhere.
    pub left_out: bool,
    /// Whether a technician opened it, as on the phone.
    pub opened_by_technician: Option<bool>,
    /// The ticket that it was merged into.
    pub merged_into: Option<String>,
    /// The PSA's stamp of a first response, which is no message.
    pub response_stamp: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// What happened to a ticket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Events, oldest first.
    pub events: Vec<Event>,
    /// Whether all that happened is among them.
    pub complete: bool,
    /// Lines that were not understood: counted, and kept as they came.
    pub unread: Vec<String>,
}

/// Something that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// A note.
    Note {
        /// What it says, with its mark.
        text: String,
        /// Whether the customer gets to see it.
        visible: bool,
        /// Whom it is for, as [`customer_key`] has it; empty where nobody knows. On another customer's ticket it is not written.
        customer: String,
        /// The status that the ticket gets with it, by the PSA's name; one that closes is never set. Where it can't be set the note
        /// stands, and [`Done::Written`] says so.
        status: Option<String>,
    },
    /// Labels, by field.
    SetFields(BTreeMap<Field, String>),
    /// The ticket is closed, or opened again.
    Turn(Turn),
}

/// A status with which a ticket is closed, or opened again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Whether it closes.
    pub closes: bool,
    /// The status, by the PSA's name. One that does the opposite of what is wanted is never set.
    pub status: String,
    /// Whether tickets end here with that status though the PSA does not close them with it.
    pub ends: bool,
    /// Whose ticket it is, as [`customer_key`] has it.
    pub customer: String,
    /// Whom it is assigned to where nobody owns it.
    pub technician: Option<String>,
}

/// A ticket as it stands right before it is closed or opened again.
pub(crate) struct Stands<'a> {
    pub(crate) closed: bool,
    pub(crate) customer: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    /// Whether nobody owns it.
    pub(crate) unowned: bool,
}

/// What of a turn is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left<'a> {
    pub(crate) status: Option<&'a str>,
    pub(crate) technician: Option<&'a str>,
}

impl Turn {
    /// What is still to be done to a ticket that stands so; nothing may be where it is another customer's.
    pub(crate) fn left(&self, now: &Stands<'_>) -> std::result::Result<Left<'_>, Done> {
        if customer_key(now.customer.unwrap_or_default()) != self.customer {
            return Err(Done::Changed { what: "the ticket is another customer's".to_owned() });
        }
        let folded = |name: &str| name.trim().to_lowercase();
        let is_set = now.status.is_some_and(|status| folded(status) == folded(&self.status));
        let closed = now.closed || self.ends && is_set;
        let stands = if self.closes { closed || is_set } else { !closed && is_set };
        let status = (!stands).then_some(self.status.as_str());
        let technician = self.technician.as_deref().filter(|_| now.unowned && !self.closes);
        match (status, technician) {
            (None, None) => Err(Done::WasThere { psa_ref: None }),
            (status, technician) => Ok(Left { status, technician }),
        }
    }

    /// Whether a status does what is wanted, as the PSA has it.
    pub(crate) fn fits(&self, closes: bool) -> bool {
        (closes || self.ends) == self.closes
    }

    /// What a status has to be that fits.
    pub(crate) fn wanted(&self) -> &'static str {
        if self.closes { "that closes" } else { "that is open" }
    }
}

/// What is said where a ticket was opened again and could not be assigned.
pub(crate) fn not_assigned(technician: &str, error: &Error) -> String {
    format!("the ticket is open again, and was not assigned to {technician:?}: {}", problem(error))
}

fn problem(error: &Error) -> String {
    match error {
        Error::User(fault) => fault.problem.clone(),
        fault => fault.to_string(),
    }
}

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// It was done; the PSA's id of what came of it.
    Written {
        /// The id, such as a note's.
        psa_ref: Option<String>,
        /// What was cut to fit the PSA's limits, or was not done beside it.
        cut: Option<String>,
    },
    /// It had been done before.
    WasThere {
        /// The id, such as a note's.
        psa_ref: Option<String>,
    },
    /// It was not done, since a person has changed the ticket meanwhile.
    Changed {
        /// What was changed.
        what: String,
    },
}

/// What is said where a note stands and the status that was to go with it does not.
pub(crate) fn not_set(status: &str, error: &Error) -> String {
    format!("the note stands, and the status {status:?} was not set: {}", problem(error))
}

/// Why a note or labels are not written to a ticket as it stands right before the write.
pub(crate) fn halted(act: &Act, closed: bool, customer: Option<&str>) -> Option<Done> {
    let what = match act {
        // Whether that is in its way is its own matter.
        Act::Turn(_) => return None,
        _ if closed => "the ticket is closed",
        Act::Note { customer: wanted, .. } if customer_key(customer.unwrap_or_default()) != *wanted => {
            "the ticket is another customer's"
        }
        Act::Note { .. } | Act::SetFields(_) => return None,
    };
    Some(Done::Changed { what: what.to_owned() })
}

/// Whether something that a connector needs is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// What was found.
    pub found: String,
    /// What to do, where it is not as it should be.
    pub next: Option<String>,
}

/// The row of a check that says which statuses close.
pub(crate) const CLOSING: &str = "statuses that close";

/// Whether a check came as far as what there is to choose from: else the PSA could not be asked.
pub fn was_asked(found: &[Finding]) -> bool {
    found.iter().any(|row| row.what == CLOSING)
}

/// Seconds that the clocks of a PSA and this machine may be apart.
const SKEW: i64 = 120;

/// Whether this machine's clock agrees with the one of the PSA that `place` names.
///
/// # Errors
/// Where it is more than two minutes ahead or behind: the PSA's rules.
pub(crate) fn clock(server: Option<Timestamp>, place: &str) -> Result<String> {
    let Some(server) = server else { return Ok("the PSA does not tell its time".to_owned()) };
    let skew = Timestamp::now().duration_since(server).as_secs();
    if skew.abs() > SKEW {
        let side = if skew > 0 { "ahead of" } else { "behind" };
        let problem = format!("this machine's clock is {} s {side} the PSA's", skew.abs());
        let next = "Set this machine's clock: turn on time synchronisation";
        return Err(UserError::new(Code::Psa, place, problem, next).into());
    }
    Ok(format!("{} s apart", skew.abs()))
}

/// A rule of the PSA that acts on tickets, as it stands there.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRule {
    /// Its name.
    pub name: String,
    /// Where it was found, such as "workflow" or "parsing rule".
    pub source: String,
    /// Its place in the order in which rules are tried.
    pub order: u64,
    /// Whether no rule after it is tried once it fires.
    pub stops: bool,
    /// What it asks for: by field or `words`.
    pub when: BTreeMap<String, Vec<String>>,
    /// What it sets, by field.
    pub set: BTreeMap<Field, String>,
    /// Whether it also acts on customers: replies, closes.
    pub acts_on_customers: bool,
    /// It as the PSA has it, where not all of it was understood.
    pub raw: Option<String>,
}

/// What the PSA has to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    /// Boards, queues or teams.
    pub boards: Vec<String>,
    /// Types, each with its board where types belong to one.
    pub types: Vec<(Option<String>, String)>,
    /// Subtypes, each with its board where subtypes belong to one.
    pub subtypes: Vec<(Option<String>, String)>,
    /// Statuses, each with its board where statuses belong to one, and whether it closes.
    pub statuses: Vec<(Option<String>, String, bool)>,
    /// Priorities.
    pub priorities: Vec<String>,
    /// Technicians who work there.
    pub technicians: Vec<String>,
}

impl Reference {
    /// The names of statuses that close a ticket, in lower case.
    pub fn closing(&self) -> BTreeSet<String> {
        self.statuses
            .iter()
            .filter(|(.., closes)| *closes)
            .map(|(_, name, _)| name.trim().to_lowercase())
            .collect()
    }
}

/// A PSA.
pub trait Connector: Send {
    /// Tells `each` every ticket that changed at `since` or later, in any order, some twice.
    ///
    /// # Errors
    /// When the list can't be read to its end. What was told until then stands.
    fn changed_since(&mut self, since: Timestamp, each: &mut dyn FnMut(Seen) -> Result<()>) -> Result<()>;

    /// The tickets of `ids` are read next: a PSA whose requests are few may be asked for them together.
    ///
    /// # Errors
    /// When the PSA can't be asked.
    fn expect(&mut self, ids: &[String]) -> Result<()> {
        let _ = ids;
        Ok(())
    }

    /// The ticket of that id as it stands; `None` where it is gone, or not for this user to see.
    ///
    /// # Errors
    /// When the PSA can't be asked.
    fn ticket(&mut self, id: &str) -> Result<Option<Record>>;

    /// What happened to a ticket.
    ///
    /// # Errors
    /// When the PSA can't be asked.
    fn history(&mut self, id: &str) -> Result<History>;

    /// What there is to choose from.
    ///
    /// # Errors
    /// When the PSA can't be asked.
    fn reference(&mut self) -> Result<Reference>;

    /// The rules that act on tickets, as far as the PSA tells them.
    ///
    /// # Errors
    /// When the PSA can't be asked.
    fn rules(&mut self) -> Result<Vec<FoundRule>>;

    /// Does `act` to a ticket whose labels are expected to be `labels`, of the fields that are given. Right before the write it looks
    /// whether the ticket is closed, merged, or another customer's than the note's by now: then nothing is written.
    ///
    /// # Errors
    /// When it is not known to be done: it may be tried again, and is looked for then.
    fn apply(&mut self, id: &str, act: &Act, labels: &BTreeMap<Field, Option<String>>) -> Result<Done>;

    /// The id of the note of a ticket that has `mark` in it.
    ///
    /// # Errors
    /// When the PSA can't be asked.
    fn find_mark(&mut self, id: &str, mark: &str) -> Result<Option<String>>;

    /// How the webhook of `wanted` stands in the PSA; made there, or switched on again, where it names an address.
    ///
    /// # Errors
    /// When the PSA can't be asked, refuses it, or has no webhooks that are known.
    fn webhook(&mut self, wanted: &Subscription) -> Result<Standing> {
        let next = "Leave [webhook] out of the settings: polling finds all that changes";
        Err(UserError::new(Code::Psa, &wanted.path, "no webhooks are known of this PSA", next).into())
    }

    /// What is written from now on is sent before `deadline` or not at all; `None` sets no such time.
    fn write_by(&mut self, deadline: Option<Instant>);

    /// Looks whether all is there that it needs: credentials, rights, the clock, what it may write.
    fn check(&mut self) -> Vec<Finding>;
}
