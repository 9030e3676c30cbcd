//! How handle time changed, freed of changes in the mix of work, and how coarse its records are.

use std::collections::BTreeMap;

use firstline_stats::{Standardised, Stratum, share, standardised_change};
use firstline_ticket::Field;
use serde::Serialize;

use crate::{HandleBasis, TicketFacts};

/// The change of handle time between two periods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HandleChange {
    /// Over categories and priorities, at the mix of after, in seconds.
    pub change: Standardised,
    /// How the times of both periods are known.
    pub basis: HandleBasis,
    /// Share of times that are whole quarters of an hour: the higher, the more they are rounded.
    pub quarter_hours: f64,
    /// The change if every time of after were 7.5 minutes shorter, and longer: what rounding alone could make of it.
    pub rounding: [f64; 2],
}

/// Half a quarter of an hour, in seconds.
const HALF_QUARTER: f64 = 450.0;

/// The change of handle time from `before` to `after`, over their categories (board, type) and priorities, on one basis for both. `None`
/// where nothing can be compared.
pub fn handle_change(before: &[&TicketFacts], after: &[&TicketFacts], seed: u64) -> Option<HandleChange> {
    let basis = shared_basis(&[before, after])?;
    let change = |shift: f64| standardised_change(&strata(before, after, basis, shift), seed);
    let times = before.iter().chain(after).filter_map(|ticket| ticket.handle_time_by(basis));
    let whole: Vec<bool> =
        times.map(|seconds| seconds > 0.0 && seconds % (2.0 * HALF_QUARTER) == 0.0).collect();
    let (shorter, longer) = (change(-HALF_QUARTER)?.change, change(HALF_QUARTER)?.change);
    Some(HandleChange {
        change: change(0.0)?,
        basis,
        quarter_hours: share(whole.iter().filter(|whole| **whole).count(), whole.len()),
        rounding: [shorter, longer],
    })
}

/// The best basis by which at least half of the tickets of each period whose time is known at all have one.
fn shared_basis(periods: &[&[&TicketFacts]]) -> Option<HandleBasis> {
    let covers = |basis: HandleBasis, tickets: &[&TicketFacts]| {
        let by_this = tickets.iter().filter(|ticket| ticket.handle_time_by(basis).is_some()).count();
        let by_any = tickets.iter().filter(|ticket| ticket.handle_time().is_some()).count();
        by_this > 0 && 2 * by_this >= by_any
    };
    HandleBasis::ALL.into_iter().find(|basis| periods.iter().all(|tickets| covers(*basis, tickets)))
}

fn strata(before: &[&TicketFacts], after: &[&TicketFacts], basis: HandleBasis, shift: f64) -> Vec<Stratum> {
    let labels = |ticket: &TicketFacts| {
        [Field::Board, Field::Type, Field::Priority].map(|f| ticket.label(f).map(str::to_owned))
    };
    let mut strata: BTreeMap<[Option<String>; 3], Stratum> = BTreeMap::new();
    for ticket in before {
        strata.entry(labels(ticket)).or_default().before.extend(ticket.handle_time_by(basis));
    }
    for ticket in after {
        let shifted = ticket.handle_time_by(basis).map(|seconds| (seconds + shift).max(0.0));
        strata.entry(labels(ticket)).or_default().after.extend(shifted);
    }
    strata.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::{ActorKind, Happening};

    use crate::facts::tests::{event, ticket};

    fn of(kind: &str, minutes: &[f64]) -> Vec<TicketFacts> {
        let one = |minutes: &f64| {
            let mut facts = TicketFacts { handle_seconds: Some(minutes * 60.0), ..ticket("1") };
            facts.labels.insert(Field::Type, kind.into());
            facts
        };
        minutes.iter().map(one).collect()
    }

    #[test]
    fn r40_times_that_are_known_in_different_ways_are_not_compared() {
        let logged = |n: usize| -> Vec<TicketFacts> {
            let entry = Happening::TimeEntry { seconds: 900.0, visible: false };
            let events = vec![event(5, ActorKind::Technician, entry)];
            vec![TicketFacts { events, ..ticket("1") }; n]
        };
        let (logged, reported) = (logged(20), of("Mail", &[15.0; 20]));
        let (logged, reported): (Vec<&TicketFacts>, Vec<&TicketFacts>) =
            (logged.iter().collect(), reported.iter().collect());
        assert_eq!(handle_change(&logged, &reported, 1), None);
        assert_eq!(handle_change(&logged, &logged, 1).unwrap().basis, HandleBasis::TimeEntries);
        assert_eq!(handle_change(&reported, &reported, 1).unwrap().basis, HandleBasis::Reported);
    }

    #[test]
    fn r40_handle_time_is_compared_within_category_and_priority() {
        let before = [of("Reset", &[15.0; 60]), of("Move", &[60.0; 20])].concat();
        let after = [of("Reset", &[7.5; 20]), of("Move", &[30.0; 60])].concat();
        let (before, after): (Vec<&TicketFacts>, Vec<&TicketFacts>) =
            (before.iter().collect(), after.iter().collect());
        let found = handle_change(&before, &after, 1).unwrap();
        assert!((found.change.change + 0.5).abs() < 1e-12, "{:?}", found.change);
        // All of before, and the moves of after.
        assert_eq!(found.quarter_hours, 140.0 / 160.0);
        assert!(found.rounding[0] < -0.5 && found.rounding[1] > -0.5 && found.rounding[1] < -0.3);
        assert_eq!(handle_change(&[], &[], 1), None);
    }
}
