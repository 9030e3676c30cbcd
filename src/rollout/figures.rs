//! The figures of some tickets: how long they wait and take, who handles them, how often they come back.
//!
//! Each ticket is measured once, and then counted in as many groups as it belongs to.

use std::collections::{BTreeMap, BTreeSet};

use firstline_stats::Duration;
use firstline_ticket::Changed;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::facts::LONGEST;
use crate::response::{Basis, Response, first_response, first_response_by, recurring_texts};
use crate::tiers::{hand_offs, single_touch};
use crate::{OpenHours, Share, TicketFacts, Tiers, Times};

/// What a desk knows about itself.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// When it is open.
    pub hours: &'a OpenHours,
    /// Its tiers; [`Tiers::default`] where none are known.
    pub tiers: &'a Tiers,
    /// The basis on which first responses are taken; the best that is known of each ticket where there is none.
    pub basis: Option<Basis>,
}

/// The figures of some tickets.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Tickets that the figures are about.
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

/// A ticket with all that figures count of it.
pub(crate) struct Measured<'a> {
    pub(crate) ticket: &'a TicketFacts,
    response: Response,
    /// How long the customer waited, by the clock and in open hours; `None` where nobody did.
    wait: Option<[Duration; 2]>,
    /// How long it took to the last resolution; `None` where it was closed in bulk.
    resolution: Option<[Duration; 2]>,
    without_waiting: Option<Duration>,
    /// Whether it was opened in the time that the figures are of.
    of_the_time: bool,
    tier: Option<u8>,
    single_touch: Option<bool>,
    reopened: Option<bool>,
    handed_off: Option<bool>,
    handle: Option<Duration>,
}

/// Measures `tickets`, as known at `now`, of the time that begins at `from`.
pub(crate) fn measure<'a>(
    tickets: &[&'a TicketFacts],
    desk: &Desk<'_>,
    from: Timestamp,
    now: Timestamp,
) -> Vec<Measured<'a>> {
    let (texts, bulk) = (recurring_texts(tickets), closed_in_bulk(tickets));
    let spans = |ticket: &TicketFacts, until: Timestamp, ended: bool| {
        let seconds = until.duration_since(ticket.opened_at).as_secs_f64();
        // A clock that goes wrong is counted as such, and not walked through day by day.
        let sound = (0.0..=LONGEST).contains(&seconds);
        let in_open_hours = if sound { desk.hours.seconds(ticket.opened_at, until) } else { seconds };
        [seconds, in_open_hours].map(|seconds| Duration { seconds, ended })
    };
    let one = |ticket: &&'a TicketFacts| {
        let ticket = *ticket;
        let response = match desk.basis {
            Some(basis) => first_response_by(ticket, basis, &texts),
            None => first_response(ticket, &texts),
        };
        let wait = match response {
            Response::Answered { at, .. } => Some(spans(ticket, at, true)),
            Response::Waiting => Some(spans(ticket, now, false)),
            Response::BadClock => Some(spans(ticket, Timestamp::MIN, true)),
            Response::NeverAnswered | Response::OpenedByTechnician => None,
        };
        let resolved = ticket.resolved_at;
        let in_bulk = bulk.contains(ticket.id.as_str());
        let without_waiting = resolved.zip(desk.tiers.waited(ticket)).map(|(at, waited)| {
            let seconds = at.duration_since(ticket.opened_at).as_secs_f64() - waited;
            Duration { seconds, ended: true }
        });
        Measured {
            ticket,
            response,
            wait,
            resolution: (!in_bulk).then(|| spans(ticket, resolved.unwrap_or(now), resolved.is_some())),
            without_waiting: without_waiting.filter(|_| !in_bulk),
            of_the_time: ticket.opened_at >= from,
            tier: desk.tiers.handled_by(ticket),
            single_touch: single_touch(ticket),
            reopened: desk.tiers.reopened(ticket),
            handed_off: hand_offs(ticket).map(|times| times > 0),
            handle: ticket.handle_time().map(|seconds| Duration { seconds, ended: true }),
        }
    };
    tickets.iter().map(one).collect()
}

impl Measured<'_> {
    /// Seconds that the customer waited for an answer that came.
    pub(crate) fn answered_after(&self) -> Option<f64> {
        self.wait.and_then(|[wait, _]| sound(&wait))
    }

    /// Seconds to the last resolution.
    pub(crate) fn resolved_after(&self) -> Option<f64> {
        self.resolution.and_then(|[resolution, _]| sound(&resolution))
    }

    /// Seconds of work.
    pub(crate) fn handle(&self) -> Option<f64> {
        self.handle.and_then(|handle| sound(&handle))
    }

    /// Of a resolved ticket, whether first level handled it alone.
    pub(crate) fn by_first_level(&self) -> Option<bool> {
        self.tier.filter(|_| self.ticket.resolved_at.is_some()).map(|tier| tier == 1)
    }

    /// Whether it was opened again.
    pub(crate) fn came_back(&self) -> Option<bool> {
        self.reopened
    }
}

/// The seconds of what has ended, unless a clock goes wrong.
fn sound(duration: &Duration) -> Option<f64> {
    Some(duration.seconds).filter(|seconds| duration.ended && (0.0..=LONGEST).contains(seconds))
}

impl Figures {
    /// The figures of what was measured.
    pub(crate) fn of(measured: &[&Measured<'_>]) -> Self {
        let all = || measured.iter().copied();
        let resolved = || all().filter(|one| one.ticket.resolved_at.is_some());
        let answered = |response| all().filter(|one| one.response == response).count() as u64;
        let mut bases = BTreeMap::new();
        for one in all() {
            if let Response::Answered { basis, .. } = one.response {
                *bases.entry(basis).or_insert(0) += 1;
            }
        }
        // Of the tickets from before, only those that were resolved are here: they would make all look slow.
        let resolution = |i: usize| Times {
            median_with_open: Times::of(
                all().filter(|one| one.of_the_time).filter_map(|one| Some(one.resolution?[i])),
            )
            .median_with_open,
            ..Times::of(all().filter_map(|one| Some(one.resolution?[i])))
        };
        Self {
            tickets: measured.len() as u64,
            first_response: Times::of(all().filter_map(|one| Some(one.wait?[0]))),
            first_response_open_hours: Times::of(all().filter_map(|one| Some(one.wait?[1]))),
            bases,
            never_answered: answered(Response::NeverAnswered),
            opened_by_technician: answered(Response::OpenedByTechnician),
            resolution: resolution(0),
            resolution_open_hours: resolution(1),
            resolution_without_waiting: Times::of(all().filter_map(|one| one.without_waiting)),
            closed_in_bulk: all().filter(|one| one.resolution.is_none()).count() as u64,
            level_one: Share::of(resolved().filter_map(|one| one.tier).map(|tier| tier == 1)),
            level_one_unknown: resolved().filter(|one| one.tier.is_none()).count() as u64,
            single_touch: Share::of(resolved().filter_map(|one| one.single_touch)),
            reopened: Share::of(all().filter_map(|one| one.reopened)),
            handed_off: Share::of(all().filter_map(|one| one.handed_off)),
            handle: Times::of(all().filter_map(|one| one.handle)),
        }
    }
}

/// How far the stamp of a resolution may be from the change of status.
const STAMPED: SignedDuration = SignedDuration::from_secs(5);

/// Tickets that one person closes within a minute, at least so many.
const BULK: usize = 20;

/// Tickets closed with many others within one minute by one person: a clearing out, which says nothing of how long they took.
fn closed_in_bulk<'a>(tickets: &[&'a TicketFacts]) -> BTreeSet<&'a str> {
    let mut by_actor: BTreeMap<&str, Vec<(Timestamp, &str)>> = BTreeMap::new();
    for ticket in tickets {
        let Some(at) = ticket.resolved_at else { continue };
        let changes = ticket.changes(Changed::Status);
        // PSAs stamp a resolution a moment before or after the status that brings it.
        let closing = changes.iter().rev().find(|change| change.event.at.duration_since(at).abs() <= STAMPED);
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
