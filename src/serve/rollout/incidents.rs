//! Incidents: what a customer could see and that may have been wrong, who decides about it, and what it comes to.
//!
//! A machine reports what is suspected; only a person confirms or dismisses. An incident counts in the week in which it happened,
//! whenever it is entered; rows of weeks that are on record stay as they are.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use firstline_rollout::{
    Acted, ErrorFigures, Incident, IncidentState as State, OpenHours, Reported, Share, Week, error_figures,
};
use firstline_store::{
    Author, CustomerSet, IncidentFacts, IncidentRecord, IncidentState as Stored, NewIncident, Ruling, Store,
};
use firstline_ticket::{Counted, VisibleAction, customer_key};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::figures::Figure;
use super::text;

/// Longest name, in bytes.
const MOST_NAME: usize = 256;
/// The highest amount of a credit.
const MOST_AMOUNT: f64 = 1e9;

/// Declares an enumeration whose values have names.
macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$about:meta])* $value:ident $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$about])* $value),+
        }

        impl $name {
            /// The names of all values.
            pub const NAMES: &[&str] = &[$($text),+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }

            /// The value of this name.
            pub fn named(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$value),)+ _ => None }
            }
        }
    };
}

named! {
    /// What went wrong. `correction`: what was sent needed a correction or an apology; `contradiction`: the customer said otherwise;
    /// `reopened`: it was opened again; `posted_twice`: the same reply went out twice; `wrong_recipient`: it reached somebody whom it
    /// should not have; `wrong_closing`: it was closed, and was not done; `late`: it took longer than was agreed; `other`.
    IncidentKind {
        /// It needed a correction or an apology.
        Correction "correction",
        /// The customer said otherwise.
        Contradiction "contradiction",
        /// It was opened again.
        Reopened "reopened",
        /// The same went out twice.
        PostedTwice "posted_twice",
        /// It reached somebody whom it should not have.
        WrongRecipient "wrong_recipient",
        /// It was closed, and was not done.
        WrongClosing "wrong_closing",
        /// It took longer than was agreed.
        Late "late",
        /// Anything else.
        Other "other",
    }
}

named! {
    /// How bad it was.
    IncidentSeverity {
        /// Hardly noticed.
        Low "low",
        /// It cost somebody time.
        Medium "medium",
        /// It did harm.
        High "high",
    }
}

named! {
    /// How an incident stands. `suspected`: nobody has decided yet; `confirmed`: a person has found the error; `dismissed`: a person has
    /// found none.
    IncidentState {
        /// Nobody has decided yet.
        Suspected "suspected",
        /// A person has found the error.
        Confirmed "confirmed",
        /// A person has found none.
        Dismissed "dismissed",
    }
}

impl From<IncidentState> for Stored {
    fn from(state: IncidentState) -> Self {
        match state {
            IncidentState::Suspected => Self::Suspected,
            IncidentState::Confirmed => Self::Confirmed,
            IncidentState::Dismissed => Self::Dismissed,
        }
    }
}

impl From<Stored> for IncidentState {
    fn from(state: Stored) -> Self {
        match state {
            Stored::Suspected => Self::Suspected,
            Stored::Confirmed => Self::Confirmed,
            Stored::Dismissed => Self::Dismissed,
        }
    }
}

/// An incident that is reported.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentReport {
    /// The sender's name of it, unique within the ticket: the same again is the same incident.
    #[schema(min_length = 1, max_length = 256)]
    pub key: String,
    /// The ticket. This or `decision_id` is needed.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub ticket_id: Option<String>,
    /// Whose ticket it is: needed where several customers have one of that id.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub customer: Option<String>,
    /// The decision that was wrong, where that is known.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub decision_id: Option<String>,
    /// The action of the outbox that was wrong. Where none is named, the ticket's last that the customer could see is meant.
    #[serde(default)]
    pub action_id: Option<i64>,
    /// When it happened, RFC 3339: the week that it counts in.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// What went wrong.
    pub kind: IncidentKind,
    /// How bad it was.
    pub severity: IncidentSeverity,
    /// Whether the customer gets a credit for it.
    #[serde(default)]
    pub sla_credit: bool,
    /// What that comes to, in your own currency.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub sla_credit_amount: Option<f64>,
    /// Whether it is an error for certain. Only a person says so, with a key of their own and the right to review, and a note.
    #[serde(default)]
    pub confirmed: bool,
    /// What is known of it, in words. They are deleted with other old words once somebody has decided.
    #[serde(default)]
    #[schema(max_length = 2_000)]
    pub note: Option<String>,
}

impl IncidentReport {
    /// Checks the report at `place` and makes it fit for the record. `may_confirm` tells whether a person with the right to review
    /// makes it.
    ///
    /// # Errors
    /// [`Code::Request`] or [`Code::Date`] where a value can't be; [`Code::Scope`] where a machine confirms.
    pub fn checked(self, place: &str, by: &Author, may_confirm: bool, now: Timestamp) -> Result<NewIncident> {
        let fault = |code, problem: &str, next: &str| Err(UserError::new(code, place, problem, next).into());
        let names = [
            ("ticket_id", &self.ticket_id),
            ("customer", &self.customer),
            ("decision_id", &self.decision_id),
        ];
        let names = names.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        for (name, text) in names.chain([("key", &self.key)]) {
            if text.trim().is_empty() || text.len() > MOST_NAME {
                let problem = format!("{name} is empty or longer than {MOST_NAME} bytes");
                return fault(Code::Request, &problem, "Send an id or a name");
            }
        }
        if self.ticket_id.is_none() && self.decision_id.is_none() {
            return fault(Code::Request, "neither ticket_id nor decision_id", "Send one of them");
        }
        if !(Timestamp::UNIX_EPOCH..=now + 24.hours()).contains(&self.at) {
            return fault(Code::Date, "a time that can't be", "Send when it happened, as RFC 3339");
        }
        amount(place, self.sla_credit, self.sla_credit_amount)?;
        if self.confirmed && !may_confirm {
            let next = "Report it without `confirmed`, or use the own key of a person who may review";
            return fault(Code::Scope, "only a person confirms an incident", next);
        }
        if self.confirmed && self.note.is_none() {
            return fault(Code::Request, "it is confirmed without a note", "Say what went wrong");
        }
        Ok(NewIncident {
            key: self.key,
            ticket_id: self.ticket_id,
            customer: self.customer.as_deref().map(customer_key),
            decision: self.decision_id,
            action: self.action_id,
            at: self.at,
            kind: self.kind.name().to_owned(),
            severity: self.severity.name().to_owned(),
            sla_credit: self.sla_credit,
            credit_amount: self.sla_credit_amount,
            state: if self.confirmed { Stored::Confirmed } else { Stored::Suspected },
            by: by.clone(),
            reason: self.note.as_deref().map(text::reason).transpose()?,
        })
    }
}

/// An amount goes with a credit, and is one.
fn amount(place: &str, credit: bool, amount: Option<f64>) -> Result<()> {
    let Some(amount) = amount else { return Ok(()) };
    let problem = match credit {
        false => "sla_credit_amount without sla_credit",
        true if !(0.0..=MOST_AMOUNT).contains(&amount) => {
            "sla_credit_amount is below 0 or above 1,000,000,000"
        }
        true => return Ok(()),
    };
    let next = "Send \"sla_credit\": true with an amount in your own currency, or leave both out";
    Err(UserError::new(Code::Request, place, problem, next).into())
}

/// What a person decides about an incident.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IncidentRuling {
    /// `confirmed` or `dismissed`.
    pub state: IncidentState,
    /// Why: it takes the place of the note.
    #[schema(min_length = 1, max_length = 2_000)]
    pub reason: String,
    /// Whether the customer gets a credit for it; as it was where this is left out.
    #[serde(default)]
    pub sla_credit: Option<bool>,
    /// What that comes to, in your own currency; as it was where this is left out.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    pub sla_credit_amount: Option<f64>,
    /// How bad it was; as it was where this is left out.
    #[serde(default)]
    pub severity: Option<IncidentSeverity>,
}

/// Decides an incident of `customers`, or decides it again. The caller sees to it that `by` is a person who may review.
///
/// # Errors
/// [`Code::Request`] without a reason; [`Code::NotFound`] where there is no such incident.
pub fn decide_incident(
    store: &dyn Store,
    id: &str,
    ruling: &IncidentRuling,
    (by, customers): (&Author, &CustomerSet),
    now: Timestamp,
) -> Result<IncidentView> {
    if ruling.state == IncidentState::Suspected {
        let next = "Send \"confirmed\" or \"dismissed\"";
        return Err(UserError::new(Code::Request, "state", "nothing is decided by it", next).into());
    }
    let place = format!("incident {id}");
    amount(&place, ruling.sla_credit == Some(true), ruling.sla_credit_amount)?;
    let new = Ruling {
        state: ruling.state.into(),
        sla_credit: ruling.sla_credit,
        credit_amount: ruling.sla_credit_amount,
        severity: ruling.severity.map(|severity| severity.name().to_owned()),
        by: by.clone(),
        reason: Some(text::reason(&ruling.reason)?),
    };
    let missing = || {
        let next = "Look it up: GET /v1/incidents, or `firstline incidents list`";
        UserError::new(Code::NotFound, place.clone(), "no such incident, or not for this key", next)
    };
    let decided = store.judge_incident(id, &new, customers, now)?;
    Ok(decided.map(IncidentView::from).ok_or_else(missing)?)
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct IncidentView {
    /// Its id.
    pub id: String,
    /// The ticket.
    pub ticket_id: String,
    /// Whose ticket it is.
    pub customer: String,
    /// The decision that it hangs on: the one that was named, or the ticket's newest by then.
    pub decision_id: String,
    /// The action that was wrong, where one was named.
    pub action_id: Option<i64>,
    /// When it happened.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// When it was put on record.
    #[schema(value_type = String, format = "date-time")]
    pub recorded_at: Timestamp,
    /// When a person last decided about it.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub decided_at: Option<Timestamp>,
    /// What went wrong.
    pub kind: IncidentKind,
    /// How bad it was.
    pub severity: IncidentSeverity,
    /// Whether the customer gets a credit for it.
    pub sla_credit: bool,
    /// What that comes to, in your own currency.
    pub sla_credit_amount: Option<f64>,
    /// How it stands.
    pub state: IncidentState,
    /// Who reported or decided it last.
    pub by: String,
    /// What was said of it last; null also where it was deleted because it was old.
    pub note: Option<String>,
}

impl From<IncidentRecord> for IncidentView {
    fn from(of: IncidentRecord) -> Self {
        Self {
            kind: IncidentKind::named(&of.kind).unwrap_or(IncidentKind::Other),
            severity: IncidentSeverity::named(&of.severity).unwrap_or(IncidentSeverity::Medium),
            state: of.state.into(),
            id: of.id,
            ticket_id: of.ticket_id,
            customer: of.customer,
            decision_id: of.decision,
            action_id: of.action,
            at: of.at,
            recorded_at: of.recorded_at,
            decided_at: of.decided_at,
            sla_credit: of.sla_credit,
            sla_credit_amount: of.credit_amount,
            by: of.by,
            note: of.reason,
        }
    }
}

/// Errors that customers saw, out of the actions of Firstline's that they could see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
pub struct CustomerErrors {
    /// Confirmed incidents, and suspected ones that nobody has decided on for three business days, out of all such actions.
    pub errors: Figure,
    /// The same of actions that a person had approved.
    pub approved: Figure,
    /// The same of those that nobody had.
    pub autonomous: Figure,
    /// Incidents that a person has yet to decide about.
    pub undecided: u64,
    /// Confirmed incidents that the customer gets a credit for.
    pub sla_credits: u64,
    /// What these come to, as far as anybody has said.
    pub sla_credit_amount: Option<f64>,
}

impl From<ErrorFigures> for CustomerErrors {
    fn from(found: ErrorFigures) -> Self {
        let ErrorFigures { all, approved, alone, undecided, sla_credits, sla_credit_amount } = found;
        let of = |share: Share| Figure::from(&share);
        let (errors, approved, autonomous) = (of(all), of(approved), of(alone));
        Self { errors, approved, autonomous, undecided, sla_credits, sla_credit_amount }
    }
}

impl CustomerErrors {
    /// Whether there is anything to tell but what was done.
    fn is_clean(&self) -> bool {
        self.errors.count.unwrap_or(0) == 0 && self.undecided == 0 && self.sla_credits == 0
    }

    /// As figures of a week, by name.
    fn figures(self) -> BTreeMap<String, Figure> {
        let tickets = |n| Figure { value: Some(n as f64), n, ..Figure::default() };
        let all = [
            ("errors", self.errors),
            ("errors_approved", self.approved),
            ("errors_autonomous", self.autonomous),
            ("incidents_undecided", tickets(self.undecided)),
            ("sla_credits", tickets(self.sla_credits)),
            ("sla_credit_amount", Figure::plain(self.sla_credit_amount, self.sla_credits)),
        ];
        all.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
    }
}

/// Errors of a calendar week, as known now.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WeekErrors {
    /// The week in ISO 8601, such as `2026-W48`: the one in which they happened, whenever they were entered.
    pub week: String,
    /// Its number in the programme; null before its first week.
    pub number: Option<u32>,
    /// What customers saw in it.
    #[serde(flatten)]
    pub found: CustomerErrors,
}

/// Incidents that happened from one moment to before another.
#[derive(Debug)]
pub(crate) struct Incidents(Vec<Reported>);

impl Incidents {
    /// Reads them.
    pub(crate) fn read(
        store: &dyn Store,
        (from, to): (Timestamp, Timestamp),
        customers: &CustomerSet,
    ) -> Result<Self> {
        Ok(Self(store.incidents(from, to, customers)?.iter().map(reported).collect()))
    }

    /// The figures of those that happened in a part of that time, in which customers could see what was `acted`, as known at `moment`.
    pub(crate) fn figures(
        &self,
        (from, to): (Timestamp, Timestamp),
        acted: Acted,
        hours: &OpenHours,
        moment: Timestamp,
    ) -> ErrorFigures {
        // They are in order of time.
        let first = self.0.partition_point(|one| one.incident.at < from);
        let after = self.0.partition_point(|one| one.incident.at < to).max(first);
        error_figures(acted, &self.0[first..after], hours, moment)
    }
}

/// Whether an incident counts as an error at `now`.
pub(super) fn counted(of: &IncidentFacts, hours: &OpenHours, now: Timestamp) -> bool {
    reported(of).incident.counts(hours, now)
}

fn reported(of: &IncidentFacts) -> Reported {
    Reported {
        incident: incident(of),
        recorded_at: of.recorded_at,
        credit_amount: of.credit_amount,
        alone: of.alone,
    }
}

/// As it stands.
pub(super) fn incident(of: &IncidentFacts) -> Incident {
    let state = match of.state {
        Stored::Suspected => State::Suspected,
        Stored::Confirmed => State::Confirmed,
        Stored::Dismissed => State::Dismissed,
    };
    let since = of.decided_at.unwrap_or(of.recorded_at);
    Incident { at: of.at, state, since, sla_credit: of.sla_credit }
}

/// The figures of a week's errors among `customers`, as known at `moment`.
pub(super) fn of_week(
    store: &dyn Store,
    week: &Week,
    customers: &CustomerSet,
    (hours, moment): (&OpenHours, Timestamp),
) -> Result<BTreeMap<String, Figure>> {
    let mut acted = Acted::default();
    store.judged_tickets(week.start, week.end, customers, &mut |counted| match counted {
        Counted::Action(VisibleAction { alone: true, .. }) => acted.alone += 1,
        Counted::Action(_) => acted.approved += 1,
        Counted::Ticket(_) => {}
    })?;
    let span = (week.start, week.end);
    let found = Incidents::read(store, span, customers)?.figures(span, acted, hours, moment);
    Ok(CustomerErrors::from(found).figures())
}

/// The errors of weeks in which there were any, with what was `acted` in each, as known at `moment`. `first` is the programme's first.
pub(super) fn by_week(
    incidents: &Incidents,
    weeks: &[(Week, Acted)],
    first: Option<&Week>,
    (hours, moment): (&OpenHours, Timestamp),
) -> Vec<WeekErrors> {
    let of = |(week, acted): &(Week, Acted)| WeekErrors {
        week: week.to_string(),
        number: first.and_then(|first| week.number_since(first, hours.zone())),
        found: incidents.figures((week.start, week.end), *acted, hours, moment).into(),
    };
    weeks.iter().map(of).filter(|week| !week.found.is_clean()).collect()
}
