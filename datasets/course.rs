//! The course that tickets take beside the work itself: who gets them first, which go to the second tier, are merged, moved, reported
//! late or credited. Drawn from a stream of its own, so that texts and labels stay as they are.

use std::collections::HashMap;

use crate::arrivals::{Event, Shape};
use crate::calendar::{DAY, HOUR, Span};
use crate::catalog::Catalog;
use crate::desk::Handling;
use crate::dice::{Dice, Stream};
use crate::settings::Settings;
use crate::world::World;

/// Seconds that a P1 and a P2 may take before they can bring a credit.
const TARGETS: [i64; 2] = [8 * HOUR, DAY];
/// Days after the resolution within which a credit is entered.
const CREDITED: (i64, i64) = (1, 45);
/// Days after the resolution within which a late outcome is reported.
const LATE: (i64, i64) = (14, 35);

/// The course of one ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Course {
    /// Index of the technician who gets it first.
    pub(crate) first_owner: usize,
    pub(crate) senior: Option<Senior>,
    pub(crate) merged: Option<Merge>,
    /// Index of the customer under whose name it came in, where that was the wrong one.
    pub(crate) came_under: Option<usize>,
    pub(crate) reported_at: Option<i64>,
    pub(crate) sla_credit_at: Option<i64>,
}

/// The second tier's part in a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Senior {
    pub(crate) technician: usize,
    /// Whether it was on the second tier's board meanwhile.
    pub(crate) by_board: bool,
    /// Whether the engineer closes it.
    pub(crate) keeps: bool,
}

/// The end of a ticket in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Merge {
    /// Index of the ticket that goes on.
    pub(crate) into: usize,
    pub(crate) at: i64,
}

/// What the courses are drawn from.
struct Source<'a> {
    catalog: &'a Catalog,
    world: &'a World,
    settings: &'a Settings,
    span: Span,
    end: i64,
}

/// The courses of `events` as they were `handled`.
pub(crate) fn courses(
    catalog: &Catalog,
    world: &World,
    settings: &Settings,
    (events, handled): (&[Event], &[Handling]),
    seed: u64,
) -> Vec<Course> {
    let span = Span::ending(settings.end, settings.days);
    let source = Source { catalog, world, settings, span, end: span.end() };
    let parents = parents(catalog, events);
    let one = |i: usize| {
        let mut dice = Dice::new(seed, Stream::Course, i as u64);
        let parent = parents[i].map(|parent| (parent, &handled[parent]));
        source.course(&events[i], &handled[i], parent, &mut dice)
    };
    (0..events.len()).map(one).collect()
}

/// For each follow-up and further report, the index of the ticket that it belongs to.
fn parents(catalog: &Catalog, events: &[Event]) -> Vec<Option<usize>> {
    let is_first = |e: &Event| e.shape == Shape::Single && !catalog.kinds[e.kind].traits.alert;
    let first: HashMap<u64, usize> =
        events.iter().enumerate().filter(|(_, e)| is_first(e)).map(|(i, e)| (e.facts, i)).collect();
    let of = |e: &Event| matches!(e.shape, Shape::Echo | Shape::Outage).then(|| first.get(&e.facts).copied());
    events.iter().map(|event| of(event).flatten()).collect()
}

impl Source<'_> {
    /// All draws are made for each ticket, so that one setting changes nothing else.
    fn course(
        &self,
        event: &Event,
        handling: &Handling,
        parent: Option<(usize, &Handling)>,
        dice: &mut Dice,
    ) -> Course {
        let desk = &self.settings.desk;
        let person = !self.catalog.kinds[event.kind].traits.alert;
        let handed_over = dice.chance(desk.handed_over) && person;
        let other = self.colleague(event, handling.technician, dice);
        let senior = self.senior(handling, dice);
        let merges = dice.chance(desk.merged);
        let open = |parent: &Handling| handling.started_at < parent.resolved_at.min(self.end);
        let merged = parent.filter(|(_, parent)| merges && open(parent));
        let moved = dice.chance(desk.moved) && person;
        let came_under = self.other_customer(event, dice).filter(|_| moved);
        let reported_at = self.later(handling, LATE, dice.chance(desk.reported_late), dice);
        let missed = TARGETS.get(handling.priority).is_some_and(|t| handling.resolved_at - event.at > *t);
        let credited = dice.chance(desk.sla_credits) && missed && person;
        let sla_credit_at = self.later(handling, CREDITED, credited, dice);
        if let Some((into, _)) = merged {
            let merged = Some(Merge { into, at: handling.started_at });
            return Course { first_owner: handling.technician, merged, came_under, ..Course::default() };
        }
        let first_owner = other.filter(|_| handed_over).unwrap_or(handling.technician);
        Course { first_owner, senior, merged: None, came_under, reported_at, sla_credit_at }
    }

    fn senior(&self, handling: &Handling, dice: &mut Dice) -> Option<Senior> {
        let desk = &self.settings.desk;
        let (by_board, back) = (dice.chance(desk.escalated_by_board), dice.chance(desk.handed_back));
        let board = &self.catalog.places[handling.place].board;
        let first = self.catalog.first_level();
        let skill = |t: &crate::catalog::Technician| t.skills.get(board).copied().unwrap_or(0.05);
        let weights: Vec<f64> = self.catalog.staff[first..].iter().map(skill).collect();
        let technician = first + dice.weighted(&weights);
        // What is there when the history ends has no second tier's label: it came to the engineer alone.
        let ends_there = handling.back_at() >= self.end;
        handling.escalated_at(self.end)?;
        Some(Senior { technician, by_board: by_board && !ends_there, keeps: !back || ends_there })
    }

    /// Another technician of the first tier who works there then.
    fn colleague(&self, event: &Event, not: usize, dice: &mut Dice) -> Option<usize> {
        let day = self.span.day_of(event.at);
        let works = |i: &usize| {
            let who = &self.catalog.staff[*i];
            who.left.is_none_or(|d| day < d) && who.joined.is_none_or(|d| day >= d)
        };
        let others: Vec<usize> =
            (0..self.catalog.first_level()).filter(|i| *i != not).filter(works).collect();
        let drawn = dice.below(others.len());
        others.get(drawn).copied()
    }

    fn other_customer(&self, event: &Event, dice: &mut Dice) -> Option<usize> {
        let day = self.span.day_of(event.at);
        let customers = &self.world.customers;
        let others: Vec<usize> = (0..customers.len())
            .filter(|i| {
                *i != event.customer && (customers[*i].active.0..customers[*i].active.1).contains(&day)
            })
            .collect();
        let drawn = dice.below(others.len());
        others.get(drawn).copied()
    }

    /// An instant some days after the resolution; `None` where the history ends before the last that it could be.
    fn later(&self, handling: &Handling, days: (i64, i64), wanted: bool, dice: &mut Dice) -> Option<i64> {
        let at = handling.resolved_at + dice.between(days.0 * DAY, days.1 * DAY);
        (wanted && handling.resolved_at + days.1 * DAY < self.end).then_some(at)
    }
}

/// Which technicians log their time to the second: a fixed number of them.
pub(crate) fn exact_loggers(catalog: &Catalog, settings: &Settings, seed: u64) -> Vec<bool> {
    let n = catalog.staff.len();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|i| Dice::new(seed, Stream::Staff, *i as u64).below(usize::MAX));
    let wanted = (settings.desk.exact_time * n as f64 + 0.5) as usize;
    let mut exact = vec![false; n];
    order.into_iter().take(wanted).for_each(|i| exact[i] = true);
    exact
}
