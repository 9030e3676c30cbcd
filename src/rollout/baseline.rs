//! Where a desk stands before it begins: 90 days of its history, as a whole and by segment.
//!
//! It refuses to speak of too short a history, and says of each figure how many tickets it is about.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::figures::{Measured, measure};
use crate::{Basis, Before, Desk, Figures, LeftOut, Population, Segment, TicketFacts, Week, select};

/// Days of history that a baseline needs at least.
const FEWEST_DAYS: i64 = 30;
/// Days below which it carries a warning,
const FEW_DAYS: i64 = 60;
/// and tickets.
const FEW_TICKETS: u64 = 500;

/// Where a desk stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    /// The first moment of the time it is about.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// Days from the first ticket to `to`.
    pub days: i64,
    /// Tickets of people.
    pub people: Figures,
    /// Alerts of monitoring, a storm counted once.
    pub alerts: Figures,
    /// What is in neither.
    pub left_out: LeftOut,
    /// Of all, those opened before `from` and resolved in the time.
    pub opened_before: u64,
    /// People's tickets by segment and group, the largest group first.
    pub segments: BTreeMap<Segment, Vec<(String, Figures)>>,
    /// What to mind when reading it.
    pub warnings: Vec<String>,
    /// What people's tickets took, kind by kind: what is gained later is told from it.
    pub before: Before,
}

/// The figures of one week: of the tickets of `population` that were opened in it, as known at `moment`. A week that has settled is
/// asked for as of [`Week::settles_at`]: then nothing that happens later changes it.
pub fn week_figures(
    tickets: &[TicketFacts],
    desk: &Desk<'_>,
    (week, population): (&Week, Population),
    moment: Timestamp,
) -> WeekFigures {
    let then = opened_by(tickets, week, moment);
    let selected = select(&then, population);
    let measured = measure(&selected.tickets, desk, week.start, moment);
    let open_days = desk.hours.open_days(week.start, week.end) as u64;
    let n = selected.tickets.len() as f64;
    WeekFigures {
        figures: Figures::of(&measured.iter().collect::<Vec<_>>()),
        left_out: selected.left_out,
        open_days,
        per_open_day: (open_days > 0).then(|| n / open_days as f64),
    }
}

/// The figures of the same tickets as [`week_figures`] counts, by the group that each belongs to.
pub fn week_groups(
    tickets: &[TicketFacts],
    desk: &Desk<'_>,
    (week, population): (&Week, Population),
    moment: Timestamp,
    group: impl Fn(&TicketFacts) -> String,
) -> BTreeMap<String, Figures> {
    let then = opened_by(tickets, week, moment);
    let mut groups: BTreeMap<String, Vec<Measured<'_>>> = BTreeMap::new();
    for one in measure(&select(&then, population).tickets, desk, week.start, moment) {
        groups.entry(group(one.ticket)).or_default().push(one);
    }
    let figures = |measured: Vec<Measured<'_>>| Figures::of(&measured.iter().collect::<Vec<_>>());
    groups.into_iter().map(|(name, measured)| (name, figures(measured))).collect()
}

/// The tickets that were opened in `week` by `moment`, as they were known then.
pub(crate) fn opened_by(tickets: &[TicketFacts], week: &Week, moment: Timestamp) -> Vec<TicketFacts> {
    let opened = tickets.iter().filter(|ticket| week.has(ticket.opened_at) && ticket.opened_at <= moment);
    opened.map(|ticket| ticket.as_of(moment)).collect()
}

/// The figures of a week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeekFigures {
    /// The figures of the tickets opened in it.
    pub figures: Figures,
    /// Tickets that the figures leave out.
    pub left_out: LeftOut,
    /// Days of the week that were open: fewer in a week with a holiday.
    pub open_days: u64,
    /// Tickets by open day; `None` in a week that was closed throughout.
    pub per_open_day: Option<f64>,
}

/// The baseline of a programme that starts at `start`, over `days` before it. Tickets that are open are taken to last until
/// `now` at least.
///
/// # Errors
/// [`Code::Empty`] when the history covers fewer than 30 days of that time.
pub fn baseline(
    tickets: &[TicketFacts],
    desk: &Desk<'_>,
    (start, days): (Timestamp, u16),
    now: Timestamp,
) -> Result<Baseline> {
    let from = start - SignedDuration::from_hours(24 * i64::from(days));
    let within = |at: Timestamp| (from..start).contains(&at);
    let ours = || {
        let ours = tickets.iter().filter(|t| within(t.opened_at) || t.resolved_at.is_some_and(within));
        ours.filter(|t| t.opened_at < start)
    };
    let people = select(ours(), Population::People);
    let alerts = select(ours(), Population::Alerts);
    let first = people.tickets.iter().map(|ticket| ticket.opened_at.max(from)).min();
    let days = first.map_or(0, |first| start.duration_since(first).as_hours() / 24);
    if days < FEWEST_DAYS {
        let problem = format!("the history covers {days} days before {start}, fewer than {FEWEST_DAYS}");
        return Err(UserError::new(
            Code::Empty,
            "baseline",
            problem,
            "Give a longer history, or start later",
        )
        .into());
    }
    let figures = |measured: &[Measured<'_>]| Figures::of(&measured.iter().collect::<Vec<_>>());
    let of_people = measure(&people.tickets, desk, from, now);
    let whole = figures(&of_people);
    Ok(Baseline {
        from,
        to: start,
        days,
        alerts: figures(&measure(&alerts.tickets, desk, from, now)),
        left_out: LeftOut { alerts: 0, ..people.left_out },
        opened_before: people.tickets.iter().filter(|ticket| ticket.opened_at < from).count() as u64,
        segments: Segment::ALL
            .map(|segment| (segment, groups(&of_people, segment, desk.hours.zone())))
            .into(),
        warnings: warnings(&whole, days),
        before: Before::of(&of_people, desk),
        people: whole,
    })
}

/// What to mind when reading figures over so many `days`, and what they can't say.
fn warnings(figures: &Figures, days: i64) -> Vec<String> {
    let n = figures.tickets;
    let answered: u64 = figures.bases.values().sum();
    let stamped = figures.bases.get(&Basis::Stamp).copied().unwrap_or(0);
    let unknown = figures.level_one_unknown;
    let found = [
        (
            days < FEW_DAYS || n < FEW_TICKETS,
            format!(
                "{days} days with {n} tickets of people: figures by segment are rough below {FEW_DAYS} days or {FEW_TICKETS} tickets"
            ),
        ),
        (
            stamped > 0,
            format!(
                "{stamped} of {answered} first responses are known by the PSA's stamp alone: a status was set, which is no reply"
            ),
        ),
        (
            unknown > 0,
            format!(
                "the tier of {unknown} resolved tickets is not known: see `firstline rollout tiers --suggest`"
            ),
        ),
        (
            figures.reopened.of < n,
            format!("of {} tickets nobody knows whether they were opened again", n - figures.reopened.of),
        ),
        (
            figures.handle.n < n,
            format!(
                "no time is logged on {} tickets{}",
                n - figures.handle.n,
                if figures.handle.n > 0 { ": handle time is that of the others" } else { "" }
            ),
        ),
    ];
    found.into_iter().filter(|(holds, _)| *holds).map(|(_, warning)| warning).collect()
}

/// The figures of each group of a segment, the largest first.
fn groups(measured: &[Measured<'_>], segment: Segment, zone: &TimeZone) -> Vec<(String, Figures)> {
    let mut groups: BTreeMap<String, Vec<&Measured<'_>>> = BTreeMap::new();
    for one in measured {
        groups.entry(segment.of(one.ticket, zone)).or_default().push(one);
    }
    let mut groups: Vec<(String, Figures)> =
        groups.into_iter().map(|(name, measured)| (name, Figures::of(&measured))).collect();
    groups.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.tickets));
    groups
}

#[cfg(test)]
mod tests;
