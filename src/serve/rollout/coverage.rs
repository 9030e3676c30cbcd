//! Coverage: of the tickets that the PSA lists, those that came in, and how soon.
//!
//! Counts are kept; the ids of tickets that are missing are told and not kept. Must never let a list that leaves tickets out, or one of
//! another time, stand for the weeks that a gate judges.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_rollout::{Week, intake};
use firstline_stats::Count;
use firstline_store::{CustomerSet, NewVerdict, Store};
use firstline_ticket::customer_key;
use firstline_triage::sha256_hex;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::figures::Seen;
use super::text::FIRSTLINE;
use super::weeks::seen;
use crate::auth::Person;

/// The name of counts on record.
const COVERAGE: &str = "coverage";
/// Tickets of a list.
pub(crate) const MOST_LISTED: usize = 20_000;
/// Share of the PSA's tickets that need a decision.
const NEEDED: f64 = 0.99;
/// Share of the store's own tickets of the time that a complete list may lack.
const UNLISTED: f64 = 0.01;
/// Listed tickets that a gate asks for; all tickets of the time, where there are fewer.
const FEWEST: u64 = 100;
/// Clocks of two machines may differ by so many minutes.
const SKEW: i64 = 5;
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
    /// Tickets that the store received of the time: those that were merged or deleted since are not among them.
    #[serde(default)]
    pub received: u64,
    /// Of those, tickets that are not on the list. More than 1 % of them show that the list is not complete.
    #[serde(default)]
    pub not_listed: u64,
    /// Whether the list is complete, and 99 % of its tickets have a decision.
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
    check(listed, now)?;
    let ids: BTreeSet<ListedTicket> = listed.tickets.iter().map(plain).collect();
    let slack = SignedDuration::from_hours(24);
    let (from, to) = (listed.from - slack, listed.to + slack);
    let mut known: BTreeMap<String, Vec<(String, Option<f64>)>> = BTreeMap::new();
    let around = seen(store, (from, to), &CustomerSet::All)?;
    for ticket in &around {
        let (customer, number) = ticket.named();
        known.entry(number.to_owned()).or_default().push((customer.to_owned(), ticket.lag()));
    }
    let ours: Vec<&Seen> = around.iter().filter(|ticket| is_of(ticket, (listed.from, listed.to))).collect();
    let not_listed = not_listed(&ours, &ids);
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
        received: ours.len() as u64,
        not_listed,
        enough: share >= NEEDED && is_complete(not_listed, ours.len() as u64),
        lag_median: timed.lag.p50,
        lag_p95: timed.lag.p95,
        late: timed.late.len() as u64,
        missing,
    };
    put(store, &counted, &ids, (actor, person), now)?;
    Ok(counted)
}

/// Whether the PSA would list the ticket among those that were opened in the span.
fn is_of(ticket: &Seen, (from, to): (Timestamp, Timestamp)) -> bool {
    let facts = &ticket.facts;
    (from..to).contains(&facts.opened_at) && !facts.deleted && facts.merged_into.is_none()
}

fn is_complete(not_listed: u64, received: u64) -> bool {
    not_listed as f64 <= UNLISTED * received as f64
}

/// Those of `tickets` that are not on the list. An entry without a customer stands for one ticket of its number.
fn not_listed(tickets: &[&Seen], ids: &BTreeSet<ListedTicket>) -> u64 {
    let entry = |number: &str, customer: Option<&str>| ListedTicket {
        ticket_id: number.trim().to_owned(),
        customer: customer.map(str::to_owned),
    };
    let mut unnamed: BTreeMap<&str, u64> = BTreeMap::new();
    for ticket in tickets {
        let (customer, number) = ticket.named();
        if !ids.contains(&entry(number, Some(customer))) {
            *unnamed.entry(number).or_default() += 1;
        }
    }
    unnamed.into_iter().map(|(number, n)| n - u64::from(ids.contains(&entry(number, None)))).sum()
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

fn check(listed: &Listed, now: Timestamp) -> Result<()> {
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
    if listed.to > now + SignedDuration::from_mins(SKEW) {
        return fault(
            "to",
            "it lies in the future: tickets of that time are still to come",
            "Give a time that is over",
        );
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
struct Kept {
    from: Timestamp,
    to: Timestamp,
    listed: u64,
    found: u64,
    #[serde(default)]
    received: u64,
    #[serde(default)]
    not_listed: u64,
}

impl Kept {
    fn share(&self) -> f64 {
        self.found as f64 / self.listed.max(1) as f64
    }
}

/// What the counts on record say of the weeks that a gate judges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Covered {
    /// Tickets of the lists, and those with a decision; `None` where no list is of that time.
    pub(super) count: Option<Count>,
    /// Why it does not cover the weeks.
    pub(super) lacks: Option<String>,
}

/// What the counts on record say of the time from the first to the last of `weeks`, which are in order.
pub(super) fn covered(store: &dyn Store, weeks: &[Week]) -> Result<Covered> {
    let (Some(first), Some(last)) = (weeks.first(), weeks.last()) else { return Ok(Covered::default()) };
    let time = (first.start, last.end);
    let on_record = store.verdicts(Some(COVERAGE))?.into_iter();
    let all: Vec<Kept> = on_record.filter_map(|row| serde_json::from_value(row.figures).ok()).collect();
    let counts = standing(&all, time);
    let Some(end) = counts.iter().map(|count| count.to).max() else { return Ok(Covered::default()) };
    let begin = counts.first().map_or(time.0, |count| count.from).min(time.0);
    // Tickets that came in after their list was counted were not compared with it.
    let span = (begin, end.max(time.1));
    let tickets = seen(store, span, &CustomerSet::All)?;
    let mut opened: Vec<Timestamp> =
        tickets.iter().filter(|ticket| is_of(ticket, span)).map(|ticket| ticket.facts.opened_at).collect();
    opened.sort_unstable();
    let before = |moment: Timestamp| opened.partition_point(|at| *at < moment) as u64;
    let received = |(from, to): (Timestamp, Timestamp)| before(to) - before(from);
    let unlisted = |count: &&Kept| {
        let now = received((count.from, count.to));
        let missing = count.not_listed + now.saturating_sub(count.received);
        (!is_complete(missing, now)).then_some((missing, now, count.from, count.to))
    };
    let chosen = worst(&counts);
    let sum = |of: fn(&Kept) -> u64| chosen.iter().map(of).sum::<u64>();
    let (listed, found) = (sum(|count| count.listed), sum(|count| count.found));
    let needed = FEWEST.min(received(time));
    let lacks = match (gap(&counts, time), counts.iter().find_map(|count| unlisted(&count))) {
        (Some((from, to)), _) => Some(format!(
            "no list covers {from:.0} to {to:.0}; send the PSA's list of that time: POST /v1/rollout/coverage"
        )),
        (None, Some((missing, now, from, to))) => Some(format!(
            "the list of {from:.0} to {to:.0} is not complete: {missing} of {now} tickets that came in are not on it; send the whole list"
        )),
        (None, None) if listed < needed => {
            Some(format!("the lists hold {listed} tickets, {needed} are needed"))
        }
        (None, None) => None,
    };
    let number = |n: u64| usize::try_from(n).unwrap_or(0);
    Ok(Covered { count: Some(Count { hits: number(found), n: number(listed) }), lacks })
}

/// Of `all` counts, in order of their making, those that stand for a part of the time, by their beginning. One that a later count spans
/// is replaced by it.
fn standing(all: &[Kept], (from, to): (Timestamp, Timestamp)) -> Vec<Kept> {
    let mut standing: Vec<Kept> = Vec::new();
    // The spans of later counts that lie in no other: the later they begin, the later they end.
    let mut later: BTreeMap<Timestamp, Timestamp> = BTreeMap::new();
    for count in all.iter().rev().filter(|count| count.from < to && from < count.to) {
        if later.range(..=count.from).next_back().is_some_and(|(_, end)| *end >= count.to) {
            continue;
        }
        let inside = later.range(count.from..).take_while(|(_, end)| **end <= count.to);
        let inside: Vec<Timestamp> = inside.map(|(begin, _)| *begin).collect();
        for begin in inside {
            later.remove(&begin);
        }
        later.insert(count.from, count.to);
        standing.push(*count);
    }
    standing.sort_by_key(|count| (count.from, count.to));
    standing
}

/// Of counts that overlap the worst: it stands for all of them.
fn worst(counts: &[Kept]) -> Vec<Kept> {
    let mut chosen: Vec<(Timestamp, Kept)> = Vec::new();
    for count in counts {
        match chosen.last_mut().filter(|(end, _)| count.from < *end) {
            Some((end, kept)) => {
                *end = count.to.max(*end);
                if (count.share(), kept.listed) < (kept.share(), count.listed) {
                    *kept = *count;
                }
            }
            None => chosen.push((count.to, *count)),
        }
    }
    chosen.into_iter().map(|(_, count)| count).collect()
}

/// The first part of the time that none of `counts` is of.
fn gap(counts: &[Kept], (from, to): (Timestamp, Timestamp)) -> Option<(Timestamp, Timestamp)> {
    let mut reached = from;
    for count in counts {
        if count.from > reached {
            return Some((reached, count.from.min(to)));
        }
        reached = reached.max(count.to);
    }
    (reached < to).then_some((reached, to))
}

/// The newest count on record, as it was told but for the ids.
pub(super) fn newest_view(store: &dyn Store) -> Result<Option<Coverage>> {
    let newest = store.verdicts(Some(COVERAGE))?.pop();
    Ok(newest.and_then(|verdict| serde_json::from_value(verdict.figures).ok()))
}
