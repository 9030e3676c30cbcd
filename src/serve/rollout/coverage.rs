//! Coverage: of the tickets that the PSA lists, those that came in, and how soon.
//!
//! Counts are kept; the ids of tickets that are missing are told and not kept.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_rollout::intake;
use firstline_stats::Count;
use firstline_store::{CustomerSet, NewVerdict, Store};
use firstline_ticket::customer_key;
use firstline_triage::sha256_hex;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::text::FIRSTLINE;
use super::weeks::seen;
use crate::auth::Person;

/// The name of counts on record.
const COVERAGE: &str = "coverage";
/// Tickets of a list.
pub(crate) const MOST_LISTED: usize = 20_000;
/// Share of the PSA's tickets that need a decision.
const NEEDED: f64 = 0.99;
/// Seconds after which a ticket that a webhook reports is late.
const LATE: f64 = 60.0;
/// Days that a list may be over.
const MOST_DAYS: i64 = 92;
/// Ids that are told.
const MOST_TOLD: usize = 1_000;

/// The PSA's own list of the tickets that were opened in a time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// From this moment.
    #[schema(value_type = String, format = "date-time")]
    pub from: Timestamp,
    /// To before this one.
    #[schema(value_type = String, format = "date-time")]
    pub to: Timestamp,
    /// 1 to 20,000 tickets.
    #[schema(min_items = 1, max_items = 20_000)]
    pub tickets: Vec<ListedTicket>,
}

/// A ticket of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedTicket {
    /// Its id in the PSA.
    #[schema(max_length = 256)]
    pub ticket_id: String,
    /// Whose it is: needed where several customers have one of that id.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub customer: Option<String>,
}

/// How completely, and how soon, tickets come in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// The time.
    #[schema(value_type = String, format = "date-time")]
    pub from: Timestamp,
    /// Its end.
    #[schema(value_type = String, format = "date-time")]
    pub to: Timestamp,
    /// Tickets that the PSA lists.
    pub listed: u64,
    /// Those that have a decision.
    pub found: u64,
    /// `found / listed`.
    pub share: Option<f64>,
    /// Whether that is enough: 99 %.
    pub enough: bool,
    /// Seconds from the opening to the intake: the median of those of which it is known.
    pub lag_median: Option<f64>,
    /// What 95 % keep to.
    pub lag_p95: Option<f64>,
    /// Tickets that took longer than a minute, as after an outage.
    pub late: u64,
    /// Ids of tickets without a decision, the first 1,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub missing: Vec<String>,
}

/// Counts how completely the tickets of `listed` came in, and puts the counts on record.
///
/// # Errors
/// [`Code::Request`] where the list is none that can be counted; [`Code::Scope`] where the caller is held to some customers.
pub fn coverage(
    store: &dyn Store,
    listed: &Listed,
    (actor, person): (&str, Option<&Person>),
    now: Timestamp,
) -> Result<Coverage> {
    check(listed)?;
    let ids: BTreeSet<ListedTicket> = listed.tickets.iter().map(plain).collect();
    let slack = SignedDuration::from_hours(24);
    let (from, to) = (listed.from - slack, listed.to + slack);
    let mut known: BTreeMap<String, Vec<(String, Option<f64>)>> = BTreeMap::new();
    for ticket in seen(store, (from, to), &CustomerSet::All)? {
        let (customer, number) = ticket.named();
        known.entry(number.to_owned()).or_default().push((customer.to_owned(), ticket.lag()));
    }
    let (mut names, mut received) = (BTreeSet::new(), Vec::new());
    for ticket in &ids {
        let name = name(ticket);
        names.insert(name.clone());
        let here = known.get(&ticket.ticket_id).into_iter().flatten();
        let mut here =
            here.filter(|(customer, _)| ticket.customer.as_ref().is_none_or(|asked| asked == customer));
        match here.next() {
            Some((_, lag)) => received.push((name, *lag)),
            // One that was opened at another time than the PSA says now is there all the same.
            None if is_there(store, ticket)? => received.push((name, None)),
            None => {}
        }
    }
    let lags = received.iter().filter_map(|(name, lag)| Some((name.as_str(), (*lag)?)));
    let timed = intake(&BTreeSet::new(), lags, LATE);
    let found: BTreeSet<&str> = received.iter().map(|(name, _)| name.as_str()).collect();
    let missing = ids.iter().filter(|ticket| !found.contains(name(ticket).as_str()));
    let missing: Vec<String> = missing.map(|ticket| ticket.ticket_id.clone()).take(MOST_TOLD).collect();
    let share = found.len() as f64 / names.len().max(1) as f64;
    let counted = Coverage {
        from: listed.from,
        to: listed.to,
        listed: names.len() as u64,
        found: found.len() as u64,
        share: Some(share),
        enough: share >= NEEDED,
        lag_median: timed.lag.p50,
        lag_p95: timed.lag.p95,
        late: timed.late.len() as u64,
        missing,
    };
    put(store, &counted, &ids, (actor, person), now)?;
    Ok(counted)
}

fn plain(ticket: &ListedTicket) -> ListedTicket {
    let customer = ticket.customer.as_deref().map(customer_key);
    ListedTicket { ticket_id: ticket.ticket_id.trim().to_owned(), customer }
}

fn name(ticket: &ListedTicket) -> String {
    format!("{}/{}", ticket.customer.as_deref().unwrap_or_default(), ticket.ticket_id)
}

fn is_there(store: &dyn Store, ticket: &ListedTicket) -> Result<bool> {
    let found = store.decision_of(&ticket.ticket_id, ticket.customer.as_deref(), &CustomerSet::All)?;
    Ok(found.is_some_and(|record| ticket.customer.as_ref().is_none_or(|asked| *asked == record.customer)))
}

fn check(listed: &Listed) -> Result<()> {
    let fault = |place: &str, problem: &str, next: &str| {
        Err(UserError::new(Code::Request, place, problem, next).into())
    };
    if !(1..=MOST_LISTED).contains(&listed.tickets.len()) {
        return fault("tickets", "none, or more than 20,000", "Send 1 to 20,000, a shorter time at once");
    }
    let long = listed.to.duration_since(listed.from);
    if listed.from >= listed.to || long > SignedDuration::from_hours(24 * MOST_DAYS) {
        return fault("from, to", "no such time", "Give from before to, at most 92 days apart");
    }
    let bad = |text: &str| text.trim().is_empty() || text.len() > 256;
    let bad_ticket = |ticket: &ListedTicket| {
        bad(&ticket.ticket_id) || ticket.customer.as_ref().is_some_and(|customer| customer.len() > 256)
    };
    match listed.tickets.iter().position(bad_ticket) {
        Some(i) => fault(
            &format!("tickets[{i}]"),
            "its id or customer is empty or longer than 256 bytes",
            "Send it as the PSA has it",
        ),
        None => Ok(()),
    }
}

fn put(
    store: &dyn Store,
    counted: &Coverage,
    ids: &BTreeSet<ListedTicket>,
    (actor, person): (&str, Option<&Person>),
    now: Timestamp,
) -> Result<()> {
    let all: Vec<String> = ids.iter().map(name).collect();
    let kept = Coverage { missing: Vec::new(), ..counted.clone() };
    let figures =
        serde_json::to_value(kept).map_err(|e| InternalError::new(format!("coverage as JSON: {e}")))?;
    let name = person.map_or(FIRSTLINE, |person| person.name.as_str());
    let verdict = NewVerdict {
        id: Uuid::now_v7().to_string(),
        gate: COVERAGE.to_owned(),
        passed: counted.enough,
        evidence_sha: sha256_hex(all.join("\n").as_bytes()),
        figures,
        by: firstline_store::Author { person: name.to_owned(), actor: actor.to_owned() },
    };
    store.add_verdict(&verdict, now).map(drop)
}

/// What is kept of a count.
#[derive(Deserialize)]
struct Kept {
    listed: u64,
    found: u64,
}

/// The newest count on record.
pub(super) fn newest(store: &dyn Store) -> Result<Option<Count>> {
    let newest = store.verdicts(Some(COVERAGE))?.pop();
    let kept = newest.and_then(|verdict| serde_json::from_value::<Kept>(verdict.figures).ok());
    let number = |n: u64| usize::try_from(n).unwrap_or(0);
    Ok(kept.map(|kept| Count { hits: number(kept.found), n: number(kept.listed) }))
}

/// The newest count on record, as it was told but for the ids.
pub(super) fn newest_view(store: &dyn Store) -> Result<Option<Coverage>> {
    let newest = store.verdicts(Some(COVERAGE))?.pop();
    Ok(newest.and_then(|verdict| serde_json::from_value(verdict.figures).ok()))
}
