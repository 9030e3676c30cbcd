//! How handle time changed, freed of changes in the mix of work, and how coarse its records are.

use std::collections::BTreeMap;

use firstline_stats::{Standardised, Stratum, share, standardised_change};
use firstline_ticket::Field;
use serde::Serialize;

use crate::{Saved, TicketFacts};

/// The change of handle time between two periods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct HandleChange {
    /// Over categories and priorities, at the mix of after, in seconds.
    pub change: Standardised,
    /// Share of times that are whole quarters of an hour: the higher, the more they are rounded.
    pub quarter_hours: f64,
    /// The change if every time of after were 7.5 minutes shorter, and longer: what rounding alone could make of it.
    pub rounding: [f64; 2],
}

/// Half a quarter of an hour, in seconds.
const HALF_QUARTER: f64 = 450.0;

/// The change of handle time from `before` to `after`, over their categories (board, type) and priorities. `None` where nothing can be
/// compared.
pub fn handle_change(before: &[&TicketFacts], after: &[&TicketFacts], seed: u64) -> Option<HandleChange> {
    let change = |shift: f64| standardised_change(&strata(before, after, shift), seed);
    let times = before.iter().chain(after).filter_map(|ticket| ticket.handle_time());
    let whole: Vec<bool> =
        times.map(|seconds| seconds > 0.0 && seconds % (2.0 * HALF_QUARTER) == 0.0).collect();
    let (shorter, longer) = (change(-HALF_QUARTER)?.change, change(HALF_QUARTER)?.change);
    Some(HandleChange {
        change: change(0.0)?,
        quarter_hours: share(whole.iter().filter(|whole| **whole).count(), whole.len()),
        rounding: [shorter, longer],
    })
}

/// The share of technicians' time that is saved on the tickets of `after`: what they would have taken before, less what they took and
/// less `extra` seconds of reviews, corrections and incidents that no ticket's time holds. `None` where nothing can be compared.
pub fn saved(before: &[&TicketFacts], after: &[&TicketFacts], extra: f64, seed: u64) -> Option<Saved> {
    let Standardised { before, change, low, n, .. } = standardised_change(&strata(before, after, 0.0), seed)?;
    let extra = extra / (before * n as f64);
    Some(Saved { share: -change - extra, high: -low - extra, n: n as u64 })
}

fn labels(ticket: &TicketFacts) -> [Option<&str>; 3] {
    [Field::Board, Field::Type, Field::Priority].map(|field| ticket.label(field))
}

fn strata(before: &[&TicketFacts], after: &[&TicketFacts], shift: f64) -> Vec<Stratum> {
    let mut strata: BTreeMap<[Option<&str>; 3], Stratum> = BTreeMap::new();
    for ticket in before {
        strata.entry(labels(ticket)).or_default().before.extend(ticket.handle_time());
    }
    for ticket in after {
        let shifted = ticket.handle_time().map(|seconds| (seconds + shift).max(0.0));
        strata.entry(labels(ticket)).or_default().after.extend(shifted);
    }
    strata.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::ticket;

    fn of(kind: &str, minutes: &[f64]) -> Vec<TicketFacts> {
        let one = |minutes: &f64| {
            let mut facts = TicketFacts { handle_seconds: Some(minutes * 60.0), ..ticket("1") };
            facts.labels.insert(Field::Type, kind.into());
            facts
        };
        minutes.iter().map(one).collect()
    }

    #[test]
    fn r72_reviews_and_corrections_are_no_saving() {
        let (before, after) = (of("Reset", &[20.0; 60]), of("Reset", &[15.0; 40]));
        let (before, after): (Vec<&TicketFacts>, Vec<&TicketFacts>) =
            (before.iter().collect(), after.iter().collect());
        let share = |extra| saved(&before, &after, extra, 1).unwrap();
        assert!((share(0.0).share - 0.25).abs() < 1e-12 && share(0.0).n == 40);
        // Two minutes of review on each ticket: 10 % of what it took.
        assert!((share(40.0 * 120.0).share - 0.15).abs() < 1e-12);
        assert!((share(40.0 * 120.0).high - 0.15).abs() < 1e-12);
        assert_eq!(saved(&before, &[], 0.0, 1), None);
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
