//! Where a desk stands before it begins: 90 days of its history, as a whole and by segment.
//!
//! It refuses to speak of too short a history, and says of each figure how many tickets it is about.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::{Code, Result, UserError};
use firstline_stats::Duration;
use firstline_ticket::Changed;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::response::{Basis, Response, first_response, first_response_by, recurring_texts};
use crate::tiers::{hand_offs, single_touch};
use crate::{LeftOut, OpenHours, Population, Segment, Share, TicketFacts, Tiers, Times, Week, select};

/// Days of history that a baseline needs at least.
const FEWEST_DAYS: i64 = 30;
/// Days, and tickets, below which it carries a warning.
const FEW: (i64, usize) = (60, 500);

/// What a desk knows about itself.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// When it is open.
    pub hours: &'a OpenHours,
    /// Its tiers.
    pub tiers: &'a Tiers,
    /// The basis on which first responses are taken; the best that is known of each ticket where there is none.
    pub basis: Option<Basis>,
}

/// The figures of some tickets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Tickets.
    pub tickets: u64,
    /// Seconds from the opening to the first response.
    pub first_response: Times,
    /// The same in open hours.
    pub first_response_open_hours: Times,
    /// By which basis first responses are known.
    pub bases: BTreeMap<Basis, u64>,
    /// Tickets resolved without a word to the customer that is known; they are in no time.
    pub never_answered: u64,
    /// Tickets that a technician opened; they are in no first-response time.
    pub opened_by_technician: u64,
    /// Seconds from the opening to the last resolution.
    pub resolution: Times,
    /// The same in open hours.
    pub resolution_open_hours: Times,
    /// The same without what the desk waited for others, of the resolved tickets of which that is known.
    pub resolution_without_waiting: Times,
    /// Tickets closed at once with many others by one person; they are in no resolution time.
    pub closed_in_bulk: u64,
    /// Resolved tickets that nobody above tier 1 handled, of those of which the tier is known.
    pub level_one: Share,
    /// Resolved tickets of which the tier is not known.
    pub level_one_unknown: u64,
    /// Resolved tickets that one technician on one board did alone, of those whose history is known: not the same as
    /// [`level_one`](Self::level_one), and no stand-in for it.
    pub single_touch: Share,
    /// Tickets opened again, of those of which that is known.
    pub reopened: Share,
    /// Tickets that went from one technician to another, of those whose history is known.
    pub handed_off: Share,
    /// Seconds of work.
    pub handle: Times,
}

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
}

/// The figures of one week: of the tickets of `population` that were opened in it, as known at `moment`. A week that has settled is
/// asked for as of [`Week::settles_at`]: then nothing that happens later changes it.
pub fn week_figures(
    tickets: &[TicketFacts],
    desk: &Desk<'_>,
    (week, population): (&Week, Population),
    moment: Timestamp,
) -> WeekFigures {
    let opened = tickets.iter().filter(|ticket| week.has(ticket.opened_at) && ticket.opened_at <= moment);
    let then: Vec<TicketFacts> = opened.map(|ticket| ticket.as_of(moment)).collect();
    let selected = select(&then, population);
    let measure = Measure { desk, texts: recurring_texts(&selected.tickets), now: moment, from: week.start };
    let open_days = desk.hours.open_days(week.start, week.end) as u64;
    let n = selected.tickets.len() as f64;
    WeekFigures {
        figures: measure.figures(&selected.tickets),
        left_out: selected.left_out,
        open_days,
        per_open_day: (open_days > 0).then(|| n / open_days as f64),
    }
}

/// The figures of a week.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeekFigures {
    /// They.
    pub figures: Figures,
    /// What they leave out.
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
    let measure = Measure { desk, texts: recurring_texts(&people.tickets), now, from };
    let mut warnings = Vec::new();
    if days < FEW.0 || people.tickets.len() < FEW.1 {
        warnings.push(format!(
            "{days} days with {} tickets of people: figures by segment are rough below {} days or {} tickets",
            people.tickets.len(),
            FEW.0,
            FEW.1
        ));
    }
    let whole = measure.figures(&people.tickets);
    if whole.level_one_unknown > 0 {
        warnings.push(format!(
            "the tier of {} resolved tickets is not known: see `firstline rollout tiers --suggest`",
            whole.level_one_unknown
        ));
    }
    Ok(Baseline {
        from,
        to: start,
        days,
        alerts: measure.figures(&alerts.tickets),
        left_out: LeftOut { alerts: 0, ..people.left_out },
        opened_before: people.tickets.iter().filter(|ticket| ticket.opened_at < from).count() as u64,
        segments: Segment::ALL.map(|segment| (segment, measure.groups(&people.tickets, segment))).into(),
        people: whole,
        warnings,
    })
}

/// Everything that figures are taken with.
struct Measure<'a> {
    desk: &'a Desk<'a>,
    texts: BTreeSet<u64>,
    now: Timestamp,
    from: Timestamp,
}

impl Measure<'_> {
    fn groups(&self, tickets: &[&TicketFacts], segment: Segment) -> Vec<(String, Figures)> {
        let mut groups: BTreeMap<String, Vec<&TicketFacts>> = BTreeMap::new();
        for ticket in tickets {
            groups.entry(segment.of(ticket, self.desk.hours.zone())).or_default().push(ticket);
        }
        let mut groups: Vec<(String, Figures)> =
            groups.into_iter().map(|(name, tickets)| (name, self.figures(&tickets))).collect();
        groups.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.tickets));
        groups
    }

    fn figures(&self, tickets: &[&TicketFacts]) -> Figures {
        let mut figures = Figures { tickets: tickets.len() as u64, ..Figures::default() };
        self.responses(tickets, &mut figures);
        self.resolutions(tickets, &mut figures);
        let tiers = self.desk.tiers;
        let resolved = || tickets.iter().filter(|ticket| ticket.resolved_at.is_some());
        let level_one: Vec<Option<bool>> =
            resolved().map(|ticket| tiers.handled_by(ticket).map(|tier| tier == 1)).collect();
        figures.level_one_unknown = level_one.iter().filter(|known| known.is_none()).count() as u64;
        figures.level_one = Share::of(level_one.into_iter().flatten());
        figures.single_touch = Share::of(resolved().filter_map(|ticket| single_touch(ticket)));
        figures.reopened = Share::of(tickets.iter().filter_map(|ticket| tiers.reopened(ticket)));
        figures.handed_off = Share::of(tickets.iter().filter_map(|t| hand_offs(t)).map(|times| times > 0));
        let handled = tickets.iter().filter_map(|ticket| ticket.handle_time());
        figures.handle = Times::of(handled.map(|seconds| Duration { seconds, ended: true }));
        figures
    }

    fn responses(&self, tickets: &[&TicketFacts], figures: &mut Figures) {
        let (mut wall, mut open) = (Vec::new(), Vec::new());
        for ticket in tickets {
            let response = match self.desk.basis {
                Some(basis) => first_response_by(ticket, basis, &self.texts),
                None => first_response(ticket, &self.texts),
            };
            let (until, ended) = match response {
                Response::Answered { at, basis } => {
                    *figures.bases.entry(basis).or_insert(0) += 1;
                    (at, true)
                }
                Response::Waiting => (self.now, false),
                Response::NeverAnswered => {
                    figures.never_answered += 1;
                    continue;
                }
                Response::OpenedByTechnician => {
                    figures.opened_by_technician += 1;
                    continue;
                }
                Response::BadClock => (Timestamp::MIN, true),
            };
            self.spans(ticket, (until, ended), &mut wall, &mut open);
        }
        (figures.first_response, figures.first_response_open_hours) = (Times::of(wall), Times::of(open));
    }

    fn resolutions(&self, tickets: &[&TicketFacts], figures: &mut Figures) {
        let bulk = closed_in_bulk(tickets);
        figures.closed_in_bulk = bulk.len() as u64;
        let (mut wall, mut open, mut without) = (Vec::new(), Vec::new(), Vec::new());
        // Of the tickets from before, only those that are resolved are here: they would make the others look slow.
        let (mut cohort, mut cohort_open) = (Vec::new(), Vec::new());
        for ticket in tickets.iter().filter(|ticket| !bulk.contains(ticket.id.as_str())) {
            let until = (ticket.resolved_at.unwrap_or(self.now), ticket.resolved_at.is_some());
            self.spans(ticket, until, &mut wall, &mut open);
            if ticket.opened_at >= self.from {
                self.spans(ticket, until, &mut cohort, &mut cohort_open);
            }
            if let (Some(at), Some(waited)) = (ticket.resolved_at, self.desk.tiers.waited(ticket)) {
                let seconds = at.duration_since(ticket.opened_at).as_secs_f64() - waited;
                without.push(Duration { seconds, ended: true });
            }
        }
        let times = |all: Vec<Duration>, cohort: Vec<Duration>| Times {
            median_with_open: Times::of(cohort).median_with_open,
            ..Times::of(all)
        };
        (figures.resolution, figures.resolution_open_hours) = (times(wall, cohort), times(open, cohort_open));
        figures.resolution_without_waiting = Times::of(without);
    }

    /// Notes how long `ticket` took until then, by the clock and in open hours.
    fn spans(
        &self,
        ticket: &TicketFacts,
        (until, ended): (Timestamp, bool),
        wall: &mut Vec<Duration>,
        open: &mut Vec<Duration>,
    ) {
        let seconds = until.duration_since(ticket.opened_at).as_secs_f64();
        // A clock that goes wrong is counted as such once, and not walked through day by day.
        let sound = (0.0..=crate::facts::LONGEST).contains(&seconds);
        let in_open = if sound { self.desk.hours.seconds(ticket.opened_at, until) } else { seconds };
        wall.push(Duration { seconds, ended });
        open.push(Duration { seconds: in_open, ended });
    }
}

/// Tickets that one person closes within a minute, at least so many.
const BULK: usize = 20;

/// Tickets closed with many others within one minute by one person: a clearing out, which says nothing of how long they took.
fn closed_in_bulk<'a>(tickets: &[&'a TicketFacts]) -> BTreeSet<&'a str> {
    let mut by_actor: BTreeMap<&str, Vec<(Timestamp, &str)>> = BTreeMap::new();
    for ticket in tickets {
        let Some(at) = ticket.resolved_at else { continue };
        let changes = ticket.changes(Changed::Status);
        let closing = changes.iter().rev().find(|change| change.event.at == at);
        if let Some(actor) = closing.and_then(|change| change.event.actor.as_deref()) {
            by_actor.entry(actor).or_default().push((at, &ticket.id));
        }
    }
    let mut bulk = BTreeSet::new();
    for mut closed in by_actor.into_values() {
        closed.sort_unstable();
        let mut from = 0;
        for to in 0..closed.len() {
            while closed[to].0.duration_since(closed[from].0) >= SignedDuration::from_mins(1) {
                from += 1;
            }
            if to + 1 - from == BULK {
                bulk.extend(closed[from..=to].iter().map(|(_, id)| *id));
            } else if to + 1 - from > BULK {
                bulk.insert(closed[to].1);
            }
        }
    }
    bulk
}

#[cfg(test)]
mod tests;
