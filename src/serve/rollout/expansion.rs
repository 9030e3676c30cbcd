//! The next step of the rollout, from what is on record. A plan that a person carries out: it grants nothing.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_rollout::{
    Automation, Candidate, CategoryState, CustomerNotes, Expansion, ExpansionFacts, ExpansionStep, Pilot,
    PilotSetting, Population, TicketFacts, expansion, largest_categories, pilots, select,
};
use firstline_store::{CustomerSet, GrantRecord, GrantScope, Hold, HoldRecord, Store};
use firstline_ticket::{Field, Phase};
use jiff::{SignedDuration, Timestamp};

use super::criteria;
use super::desk::DeskRules;
use super::figures::WeekSheet;
use super::holds::HoldLevel;
use super::weeks::{self, seen};

/// Days of tickets that a ranking is taken of.
const DAYS: i64 = 90;
/// Categories that are looked at.
const CATEGORIES: usize = 200;
/// Back-outs of a category within [`DAYS`] that bar it.
const BARRED_AT: usize = 3;

/// What a plan is asked with, beside what is on record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NextRequest {
    /// What of each category (board, type) can be automated, as `firstline bench` measured it: where coverage is above 0, a
    /// certificate covers its replies.
    pub automation: BTreeMap<(String, String), Automation>,
    /// What is known of customers, by the form that they are compared in.
    pub notes: BTreeMap<String, CustomerNotes>,
}

/// The plan, as known at `now`.
///
/// # Errors
/// As for the store's calls.
pub fn next(
    store: &dyn Store,
    rules: &DeskRules,
    request: &NextRequest,
    now: Timestamp,
) -> Result<Expansion> {
    let (newest, holds) = (store.grants(true)?, store.holds(false)?);
    let since = newest.iter().filter(|grant| grant.phase > Phase::Shadow).map(|grant| grant.since).max();
    let settled = match since {
        Some(since) => weeks::settled_since(store, since, now)?,
        None => Vec::new(),
    };
    let week_was_good = match settled.last() {
        Some((_, sheet)) => good(store, sheet, now)?,
        None => Some(true),
    };
    let from = now - SignedDuration::from_hours(24 * DAYS);
    let tickets = people_since(store, (from, now))?;
    let people: Vec<&TicketFacts> = tickets.iter().collect();
    let per_weeks = spanned(&people, now);
    let categories = categories(&people, per_weeks, request, (&newest, &holds, now));
    let in_force = holds.iter().filter(|hold| hold.released.is_none());
    let in_force = in_force.map(|hold| {
        let level = HoldLevel::from(hold.level).name();
        format!("{} ({level}, {}): {}", hold.id, about(&hold.scope), hold.reason)
    });
    Ok(expansion(&ExpansionFacts {
        assisting: since.is_some(),
        settled_since_grant: settled.len() as u64,
        week_was_good,
        holds: in_force.collect(),
        customers: customers(&people, per_weeks, rules, (request, &newest)),
        categories,
    }))
}

/// Days of tickets that customers are ranked by.
pub(crate) const RANKED_DAYS: i64 = DAYS;

/// Weeks that the tickets span, one at least.
fn spanned(people: &[&TicketFacts], now: Timestamp) -> f64 {
    let first = people.iter().map(|ticket| ticket.opened_at).min();
    first.map_or(1.0, |first| (now.duration_since(first).as_secs_f64() / (7.0 * 86_400.0)).max(1.0))
}

/// Whether a settled week was on the right side of the signed limits; `None` where its agreement is not known.
fn good(store: &dyn Store, sheet: &WeekSheet, now: Timestamp) -> Result<Option<bool>> {
    let rollback = criteria::standing(store, now)?.map(|(_, criteria)| criteria.rollback).unwrap_or_default();
    let errors = sheet.figures.get("errors");
    let errors = errors.map_or((0, 0), |of| (of.count.unwrap_or(0), of.n));
    let few = errors.0 as f64 <= rollback.errors * errors.1 as f64;
    let agreement = sheet.figures.get("agreement").and_then(|of| of.value);
    Ok(agreement.map(|agreement| agreement >= rollback.agreement && few))
}

/// Customers as pilots by their tickets of the last 90 days, the best first, as known at `now`.
///
/// # Errors
/// As for the store's calls.
pub fn pilot_ranking(store: &dyn Store, rules: &DeskRules, now: Timestamp) -> Result<Vec<Pilot>> {
    let tickets = people_since(store, (now - SignedDuration::from_hours(24 * DAYS), now))?;
    let people: Vec<&TicketFacts> = tickets.iter().collect();
    Ok(ranked(&people, spanned(&people, now), rules, &NextRequest::default()))
}

fn ranked(people: &[&TicketFacts], weeks: f64, rules: &DeskRules, request: &NextRequest) -> Vec<Pilot> {
    let minutes = |category: firstline_rollout::Category| {
        Some(((category.board, category.r#type), category.minutes_per_week? / category.per_week))
    };
    let all = largest_categories(people, weeks, &request.automation, usize::MAX).people;
    let minutes: BTreeMap<(String, String), f64> = all.into_iter().filter_map(minutes).collect();
    let desk = rules.desk();
    pilots(people, &PilotSetting { desk: &desk, weeks, minutes: &minutes, notes: &request.notes })
}

fn customers(
    people: &[&TicketFacts],
    weeks: f64,
    rules: &DeskRules,
    (request, newest): (&NextRequest, &[GrantRecord]),
) -> Vec<Candidate> {
    let granted = |customer: &str| {
        newest
            .iter()
            .any(|grant| grant.scope.customer.as_deref() == Some(customer) && grant.phase > Phase::Shadow)
    };
    let ranked = ranked(people, weeks, rules, request).into_iter().map(|pilot| Candidate {
        granted: granted(&pilot.customer),
        excluded: pilot.excluded.map(|why| why.in_words().to_owned()),
        score: Some(pilot.score),
        per_week: Some(pilot.per_week),
        customer: pilot.customer,
    });
    ranked.collect()
}

fn categories(
    people: &[&TicketFacts],
    weeks: f64,
    request: &NextRequest,
    (newest, holds, now): (&[GrantRecord], &[HoldRecord], Timestamp),
) -> Vec<CategoryState> {
    let of = |category: firstline_rollout::Category| {
        let (board, ticket_type) = (category.board, category.r#type);
        let is = |scope: &GrantScope| {
            scope.board.as_deref() == Some(&board) && scope.ticket_type.as_deref() == Some(&ticket_type)
        };
        let back_outs = holds.iter().filter(|hold| {
            is(&hold.scope)
                && hold.level >= Hold::BackOut
                && hold.at > now - SignedDuration::from_hours(24 * DAYS)
        });
        CategoryState {
            minutes_per_week: category.minutes_per_week,
            per_week: Some(category.per_week),
            certified: category.automation.and_then(|of| of.coverage).is_some_and(|coverage| coverage > 0.0),
            autonomous: newest.iter().any(|grant| is(&grant.scope) && grant.phase == Phase::Autonomous),
            barred: back_outs.count() >= BARRED_AT,
            board,
            r#type: ticket_type,
        }
    };
    let labelled = people.iter().copied().filter(|ticket| ticket.label(Field::Board).is_some());
    let labelled: Vec<&TicketFacts> = labelled.collect();
    largest_categories(&labelled, weeks, &request.automation, CATEGORIES).people.into_iter().map(of).collect()
}

/// A plan in words: what may be done now, or what it waits for.
pub(super) fn in_words(plan: &Expansion) -> Vec<String> {
    match &plan.now {
        Some(step) => vec![step_in_words(step)],
        None => plan.waits_for.iter().map(|why| format!("Expand nothing yet: {why}.")).collect(),
    }
}

/// A step in words.
pub fn step_in_words(step: &ExpansionStep) -> String {
    match step {
        ExpansionStep::Category { board, r#type: kind, because } => {
            format!("Let Firstline act alone in {board} > {kind}: {because}.")
        }
        ExpansionStep::Customer { customer, because } => format!("Add the customer {customer}: {because}."),
    }
}

/// A scope in words.
pub(super) fn about(scope: &GrantScope) -> String {
    let GrantScope { customer, board, ticket_type } = scope;
    let category = [board, ticket_type].into_iter().flatten().cloned().collect::<Vec<_>>().join(" > ");
    let parts: Vec<&str> =
        [customer.as_deref().unwrap_or(""), &category].into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "everything".to_owned() } else { parts.join(", ") }
}

/// Tickets of people among those seen since a moment, as known at `now`: what a ranking is taken of.
fn people_since(store: &dyn Store, (from, now): (Timestamp, Timestamp)) -> Result<Vec<TicketFacts>> {
    let tickets = seen(store, (from, now), &CustomerSet::All)?;
    let then: Vec<_> = tickets.iter().map(|ticket| ticket.named_facts(now)).collect();
    Ok(select(&then, Population::People).tickets.into_iter().cloned().collect())
}
