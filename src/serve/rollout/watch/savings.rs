//! The time that is saved (R72), judged once the signed week is over: what the pilots' tickets took before anything was shown to
//! technicians, beside what they took after.
//!
//! Reviews are no saving. Where the store has no times of before, nobody knows: a person decides.

use firstline_fault::Result;
use firstline_rollout::{Population, Saved, TicketFacts, saved, savings_trigger, select};
use firstline_store::{CustomerSet, GrantScope, Store};
use firstline_ticket::Phase;
use jiff::{Timestamp, ToSpan};

use super::super::desk::DeskRules;
use super::super::figures::Seen;
use super::Firing;
use super::scene::Scene;

/// Days before the programme from which tickets are compared with.
const BASELINE_DAYS: i64 = 90;
/// Of the bootstrap: the same figures give the same interval.
const SEED: u64 = 72;

/// What fires, where the week is over by which time must be saved. Each reaction once.
pub(super) fn fired(store: &dyn Store, rules: &DeskRules, scene: &Scene) -> Result<Option<Firing>> {
    let Some(last) = scene.last_closed() else { return Ok(None) };
    let limits = scene.limits(last);
    if last < limits.savings_by_week {
        return Ok(None);
    }
    let saved = known(store, rules, scene, limits.savings_by_week)?;
    let Some(fired) = savings_trigger(last, saved, limits) else { return Ok(None) };
    let rest = (fired.week, fired.reaction);
    Firing::of(&fired, &GrantScope::default(), rest).map(Some)
}

/// What was saved up to the end of a week; `None` where nobody knows.
fn known(store: &dyn Store, rules: &DeskRules, scene: &Scene, week: u32) -> Result<Option<Saved>> {
    let end = scene.weeks.iter().find(|(number, _)| *number == week).map(|(_, week)| week.end);
    let shown = store.grants(false)?.into_iter().find(|grant| {
        grant.phase >= Phase::Assist
            && grant.scope.customer.as_ref().is_some_and(|name| scene.programme.pilots.contains(name))
    });
    let (Some(end), Some(since)) = (end, shown.map(|grant| grant.since)) else { return Ok(None) };
    let pilots = CustomerSet::Only(scene.programme.pilots.iter().cloned().collect());
    let (mut before, mut after, mut reviews) = (Vec::new(), Vec::new(), 0.0);
    let start = scene.programme.started_on.to_zoned(rules.zone().clone()).map_or(since, |at| at.timestamp());
    let from = start.min(since).checked_sub((24 * BASELINE_DAYS).hours()).unwrap_or(Timestamp::MIN);
    store.facts(from, end, &pilots, &mut |row| {
        let review = row.review.and_then(|review| review.active_seconds).unwrap_or(0.0);
        let facts = Seen::of(row).facts;
        if facts.opened_at < since {
            before.push(facts);
        } else {
            reviews += review;
            after.push(facts);
        }
        Ok(())
    })?;
    Ok(saved(&people(&before), &people(&after), reviews, SEED))
}

fn people(tickets: &[TicketFacts]) -> Vec<&TicketFacts> {
    select(tickets, Population::People).tickets
}
