//! What is known of each figure before anybody signs a threshold for it: where the desk stands, and how many tickets will show it.

use std::collections::BTreeMap;

use firstline_stats::{mean, share};
use firstline_ticket::Field;
use jiff::Timestamp;

use crate::response::{Response, first_response, recurring_texts};
use crate::{Desk, Known, Kpi, TicketFacts};

/// Weeks of the thirteen in which everything is decided and drafted, the whole desk over: from the third on.
const SHADOWED: f64 = 11.0;
/// Weeks in which Firstline may act for the pilots once approved: from the seventh on.
const ASSISTED: f64 = 7.0;
/// Weeks in which it may act alone: from the eleventh on.
const ALONE: f64 = 3.0;

/// The tickets that a threshold is weighed with, people's of a baseline.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// Of the whole desk.
    pub desk: &'a [&'a TicketFacts],
    /// Of the customers among whom Firstline is to act.
    pub scope: &'a [&'a TicketFacts],
    /// Weeks that they are of.
    pub weeks: f64,
}

/// What `tickets` say of each figure; one that nobody has the facts for is absent. As many tickets are expected as the baseline has in
/// as many weeks.
pub fn known(tickets: &Grounds<'_>, desk: &Desk<'_>) -> BTreeMap<Kpi, Known> {
    let expected = |n: usize, weeks: f64| (n as f64 * weeks / tickets.weeks.max(1.0)) as usize;
    let only =
        |n: usize, weeks: f64| (n > 0).then(|| Known { n_day90: expected(n, weeks), ..Known::default() });
    let of_mean = |values: Vec<f64>| {
        let base = mean(&values)?;
        let n_base = values.len();
        Some(Known {
            base: Some(base),
            n_base,
            deviation: deviation(&values, base),
            n_day90: expected(n_base, ASSISTED),
        })
    };
    let of_share = |these: Vec<bool>| {
        let n_base = these.len();
        let base = (n_base > 0).then(|| share(these.iter().filter(|holds| **holds).count(), n_base))?;
        Some(Known { base: Some(base), n_base, deviation: None, n_day90: expected(n_base, ASSISTED) })
    };
    let filed = |ticket: &&&TicketFacts| {
        let closed = [Field::Board, Field::Type].iter().all(|field| ticket.closing_label(*field).is_some());
        ticket.resolved_at.is_some() && closed
    };
    let asking = tickets.desk.iter().filter(|ticket| ticket.kind.wants_answer()).count();
    let tiers: Vec<bool> =
        resolved(tickets.scope).filter_map(|t| desk.tiers.handled_by(t)).map(|tier| tier == 1).collect();
    let first_level = tiers.iter().filter(|first| **first).count();
    let found = [
        (Kpi::Agreement, only(tickets.desk.iter().filter(filed).count(), SHADOWED)),
        (Kpi::HandleTime, of_mean(tickets.scope.iter().filter_map(|ticket| ticket.handle_time()).collect())),
        (Kpi::L1Autonomous, only(first_level, ALONE)),
        (Kpi::L1Share, of_share(tiers)),
        (Kpi::FirstResponse, of_mean(waits(tickets.scope))),
        (
            Kpi::Resolution,
            of_mean(resolved(tickets.scope).filter_map(|t| seconds(t, t.resolved_at?)).collect()),
        ),
        (Kpi::Reopened, of_share(tickets.scope.iter().filter_map(|t| desk.tiers.reopened(t)).collect())),
        (Kpi::Verbatim, only(asking, SHADOWED)),
        (Kpi::DraftedInTime, only(asking, SHADOWED)),
        (Kpi::Errors, only(tickets.scope.len(), ASSISTED)),
    ];
    found.into_iter().filter_map(|(kpi, known)| Some((kpi, known?))).collect()
}

fn resolved<'a>(tickets: &'a [&'a TicketFacts]) -> impl Iterator<Item = &'a TicketFacts> {
    tickets.iter().copied().filter(|ticket| ticket.resolved_at.is_some())
}

/// Seconds from the opening; `None` where a clock goes wrong.
fn seconds(ticket: &TicketFacts, at: Timestamp) -> Option<f64> {
    let seconds = at.duration_since(ticket.opened_at).as_secs_f64();
    (0.0..=crate::facts::LONGEST).contains(&seconds).then_some(seconds)
}

fn waits(tickets: &[&TicketFacts]) -> Vec<f64> {
    let texts = recurring_texts(tickets);
    let wait = |ticket: &&TicketFacts| match first_response(ticket, &texts) {
        Response::Answered { at, .. } => seconds(ticket, at),
        _ => None,
    };
    tickets.iter().filter_map(wait).collect()
}

/// The standard deviation; `None` of fewer than two.
fn deviation(values: &[f64], mean: f64) -> Option<f64> {
    let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    (values.len() > 1).then(|| (squares / (values.len() - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::{at, ticket};
    use crate::hours::tests::desk as open_hours;
    use crate::{Criteria, Refusal, Tiers};

    #[test]
    fn r10_thresholds_are_weighed_with_what_the_baseline_knows() {
        let one = |minutes: i64| {
            let mut facts = ticket(&minutes.to_string());
            facts.resolved_at = Some(facts.opened_at + jiff::SignedDuration::from_mins(minutes));
            facts.handle_seconds = Some(60.0 * minutes as f64);
            facts
        };
        let tickets: Vec<TicketFacts> = (1..=1_300).map(|i| one(10 + i % 20)).collect();
        let all: Vec<&TicketFacts> = tickets.iter().collect();
        let (hours, tiers) = (open_hours(), Tiers::default());
        let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
        let found = known(&Grounds { desk: &all, scope: &all[..130], weeks: 13.0 }, &desk);
        assert_eq!(found[&Kpi::Agreement].n_day90, 1_100);
        let handle = found[&Kpi::HandleTime];
        assert_eq!((handle.n_base, handle.n_day90), (130, 70));
        // 10 to 29 minutes, each equally often except the first ten; the mean and spread are computed here.
        let minutes: Vec<f64> = (1..=130).map(|i: i32| f64::from(10 + i % 20)).collect();
        let mean = minutes.iter().sum::<f64>() / 130.0;
        let variance = minutes.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 129.0;
        assert!((handle.base.unwrap() - 60.0 * mean).abs() < 1e-9);
        assert!((handle.deviation.unwrap() - 60.0 * variance.sqrt()).abs() < 1e-9);
        assert_eq!(found[&Kpi::Resolution].base, handle.base);
        // Nobody has told tiers, nor whether a ticket came back, nor when a customer was answered.
        for kpi in [Kpi::L1Autonomous, Kpi::L1Share, Kpi::Reopened, Kpi::FirstResponse] {
            assert!(!found.contains_key(&kpi), "{kpi:?}");
        }
        let criteria = Criteria::parse(Criteria::EXAMPLE, "c").unwrap();
        assert_eq!(criteria.refusals(&found), [Refusal::FactsMissing { name: Kpi::L1Autonomous }]);
        assert_eq!(known(&Grounds { desk: &[], scope: &[], weeks: 13.0 }, &desk), BTreeMap::new());
        assert_eq!(seconds(&tickets[0], at("2020-01-01T00:00:00Z")), None);
    }
}
