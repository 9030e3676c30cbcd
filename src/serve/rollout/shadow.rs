//! What shadow shows: agreement, priorities called wrong, drafts that could have been sent, and how tickets come in.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use firstline_store::{CustomerSet, Store};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::DeskRules;
use super::figures::{Figure, Seen, calls, shown};
use super::weeks::seen;

/// Days that are looked at.
const MOST_DAYS: i64 = 92;
/// Tickets that are listed one by one.
const MOST_LISTED: usize = 200;

/// Of which time, and whose tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShadowWindow {
    /// Opened from this moment.
    pub from: Timestamp,
    /// To before this one.
    pub to: Timestamp,
    /// Of these customers.
    pub customers: CustomerSet,
}

/// What shadow shows.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Shadow {
    /// Tickets opened from this moment.
    #[schema(value_type = String, format = "date-time")]
    pub from: Timestamp,
    /// To before this one.
    #[schema(value_type = String, format = "date-time")]
    pub to: Timestamp,
    /// Tickets.
    pub tickets: u64,
    /// Agreement on board and type, of tickets that nobody saw decided.
    pub agreement: Figure,
    /// The same of tickets that the best technicians closed.
    pub agreement_best: Figure,
    /// What people who saw a decision left as it was: no agreement.
    pub left_as_seen: Figure,
    /// Agreement on each field.
    pub by_field: BTreeMap<String, Figure>,
    /// Cohen's kappa of each field: the part that is more than chance.
    pub kappa: BTreeMap<String, Figure>,
    /// Agreement by the bundle that decided.
    pub by_bundle: BTreeMap<String, Figure>,
    /// Priorities called too low.
    pub priority_under: Figure,
    /// Priorities called too high.
    pub priority_over: Figure,
    /// By how urgent the ticket was, 0 the most.
    pub by_priority: Vec<ByPriority>,
    /// Tickets of the most urgent priority that were called less urgent, one by one; the first 200.
    pub missed_most_urgent: Vec<MissedPriority>,
    /// Drafts that could have been sent as they were, by category.
    pub usable_verbatim: BTreeMap<String, Figure>,
    /// People's tickets with a draft within 60 seconds.
    pub drafted_in_time: Figure,
    /// Seconds from the opening in the PSA to the intake: median.
    pub intake_lag_median: Figure,
    /// What 95 % keep to.
    pub intake_lag_p95: Figure,
    /// Tickets that took longer than a minute to come in.
    pub intake_late: Figure,
}

/// Priority calls of one rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ByPriority {
    /// How urgent tickets of it are, 0 the most.
    pub rank: usize,
    /// Called right.
    pub right: u64,
    /// Called less urgent.
    pub under: u64,
    /// Called more urgent.
    pub over: u64,
}

/// A ticket that was called less urgent than it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissedPriority {
    /// Whose it is.
    pub customer: String,
    /// Its id in the PSA.
    pub ticket_id: String,
}

/// What shadow shows of a time, as known at `now`.
///
/// # Errors
/// [`Code::Request`] where the time is none that can be looked at.
pub fn shadow(store: &dyn Store, rules: &DeskRules, window: &ShadowWindow, now: Timestamp) -> Result<Shadow> {
    let ShadowWindow { from, to, customers } = window;
    if from >= to || to.duration_since(*from) > SignedDuration::from_hours(24 * MOST_DAYS) {
        let next = "Give from before to, at most 92 days apart";
        return Err(UserError::new(Code::Request, "from, to", "no such time", next).into());
    }
    let tickets = seen(store, (*from, *to), customers)?;
    let all: Vec<&Seen> = tickets.iter().collect();
    let found = shown(&all, rules, now);
    let figures = |shares: &BTreeMap<String, firstline_rollout::Share>| -> BTreeMap<String, Figure> {
        shares.iter().map(|(name, share)| (name.clone(), share.into())).collect()
    };
    let (under, over, ranked) = calls(&found.priorities);
    let share = |n: u64| Figure::from(&firstline_rollout::Share::new(n, ranked));
    let missed = found.priorities.missed.iter().filter_map(|id| {
        let (customer, ticket_id) = id.split_once('/')?;
        Some(MissedPriority { customer: customer.to_owned(), ticket_id: ticket_id.to_owned() })
    });
    let fields = || found.agreement.fields.iter();
    Ok(Shadow {
        from: *from,
        to: *to,
        tickets: tickets.len() as u64,
        agreement: (&found.agreement.joint).into(),
        agreement_best: (&found.agreement.best).into(),
        left_as_seen: (&found.agreement.kept).into(),
        by_field: fields().map(|(field, of)| (field.to_string(), (&of.share).into())).collect(),
        kappa: fields()
            .map(|(field, of)| (field.to_string(), Figure::plain(Some(of.kappa), of.share.of)))
            .collect(),
        by_bundle: figures(&found.agreement.bundles),
        priority_under: share(under),
        priority_over: share(over),
        by_priority: found
            .priorities
            .ranks
            .iter()
            .map(|(rank, [right, under, over])| ByPriority {
                rank: *rank,
                right: *right,
                under: *under,
                over: *over,
            })
            .collect(),
        missed_most_urgent: missed.take(MOST_LISTED).collect(),
        usable_verbatim: figures(&found.usable),
        drafted_in_time: (&found.drafted).into(),
        intake_lag_median: Figure::of(found.lag.p50, found.lag.p50_interval, found.lag.n),
        intake_lag_p95: Figure::plain(found.lag.p95, found.lag.n),
        intake_late: (&found.late).into(),
    })
}
