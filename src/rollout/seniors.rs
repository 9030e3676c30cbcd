//! How much of their time technicians above first level spend on first-level work (R56).
//!
//! Must never guess: without tiers of boards and technicians, or without time entries, nobody knows.

use std::collections::{BTreeMap, BTreeSet};

use firstline_ticket::{ActorKind, Field, Happening};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Desk, TicketFacts, Week};

/// Time of technicians above first level, as they logged it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seniors {
    /// Seconds on boards of first level.
    pub level_one: f64,
    /// Seconds on boards whose tier is known.
    pub all: f64,
    /// Technicians times weeks in which they logged anything.
    pub technician_weeks: u64,
}

impl Seniors {
    /// First-level work as a share of their time; `None` where they logged none.
    pub fn share(&self) -> Option<f64> {
        (self.all > 0.0).then(|| self.level_one / self.all)
    }
}

/// The time that technicians above first level logged on `tickets`; `None` where no tiers tell who they are, or they logged none.
pub fn seniors(tickets: &[&TicketFacts], desk: &Desk<'_>) -> Option<Seniors> {
    let mut found = Seniors::default();
    let mut weeks: BTreeSet<(&str, Timestamp)> = BTreeSet::new();
    for ticket in tickets {
        let Some(tier) = ticket.label(Field::Board).and_then(|board| desk.tiers.boards.get(board)) else {
            continue;
        };
        for (technician, at, seconds) in logged(ticket) {
            if desk.tiers.technicians.get(technician).is_some_and(|tier| *tier > 1) {
                found.all += seconds;
                found.level_one += if *tier == 1 { seconds } else { 0.0 };
                weeks.extend(Week::of(at, desk.hours.zone()).ok().map(|week| (technician, week.start)));
            }
        }
    }
    found.technician_weeks = weeks.len() as u64;
    (found.all > 0.0).then_some(found)
}

/// Technicians with at least one time entry, week by week.
pub fn technicians_at_work(tickets: &[&TicketFacts], desk: &Desk<'_>) -> BTreeMap<Timestamp, usize> {
    let mut weeks: BTreeMap<Timestamp, BTreeSet<&str>> = BTreeMap::new();
    for (technician, at, _) in tickets.iter().flat_map(|ticket| logged(ticket)) {
        if let Ok(week) = Week::of(at, desk.hours.zone()) {
            weeks.entry(week.start).or_default().insert(technician);
        }
    }
    weeks.into_iter().map(|(start, names)| (start, names.len())).collect()
}

/// Time entries of technicians who are named: who, when, how many seconds.
fn logged(ticket: &TicketFacts) -> Vec<(&str, Timestamp, f64)> {
    let entries = ticket.history().into_iter().filter_map(|event| match event.what {
        Happening::TimeEntry { seconds, .. } if event.actor_kind == ActorKind::Technician => {
            let sound = (0.0..=crate::facts::LONGEST).contains(&seconds);
            Some((event.actor.as_deref()?.trim(), event.at, seconds))
                .filter(|(name, ..)| sound && !name.is_empty())
        }
        _ => None,
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tiers;
    use crate::facts::tests::{event, ticket};
    use crate::hours::tests::desk as open_hours;

    fn worked(board: &str, who: &str, minutes: i64, seconds: f64) -> TicketFacts {
        let mut facts = ticket(&format!("{board}{who}{minutes}"));
        facts.labels.insert(Field::Board, board.into());
        let mut entry =
            event(minutes, ActorKind::Technician, Happening::TimeEntry { seconds, visible: false });
        entry.actor = Some(who.to_owned());
        facts.events = vec![entry.clone(), entry];
        facts
    }

    #[test]
    fn r56_seniors_time_on_first_level_boards_is_a_share_of_all_that_they_logged() {
        let week = 7 * 24 * 60;
        let tickets = [
            worked("Service Desk", "ada", 0, 900.0),
            worked("Projects", "ada", week, 2_700.0),
            worked("Service Desk", "ben", 60, 600.0),
            // On a board of no tier, and one whose clock is broken.
            worked("Sales", "ada", 0, 9_000.0),
            worked("Service Desk", "ada", 10, f64::NAN),
        ];
        let all: Vec<&TicketFacts> = tickets.iter().collect();
        let hours = open_hours();
        let name = |name: &str, tier| (name.to_owned(), tier);
        let tiers = Tiers {
            boards: [name("Service Desk", 1), name("Projects", 2)].into(),
            technicians: [name("ada", 2), name("ben", 1)].into(),
            ..Tiers::default()
        };
        let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
        let found = seniors(&all, &desk).unwrap();
        assert_eq!((found.level_one, found.all, found.technician_weeks), (900.0, 3_600.0, 2));
        assert_eq!(found.share(), Some(0.25));
        let unknown = Tiers::default();
        assert_eq!(seniors(&all, &Desk { tiers: &unknown, ..desk }), None);
        let weeks: Vec<usize> = technicians_at_work(&all, &desk).into_values().collect();
        assert_eq!(weeks, [2, 1]);
    }
}
