//! Which tickets a figure is about, and which it leaves out: no figure without both counts.

use firstline_ticket::Kind;
use serde::Serialize;

use crate::TicketFacts;

/// Which tickets count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// All that is work of the desk: without merged, project and deleted tickets; a storm of alerts counts once.
    All,
    /// Of those, what people wrote.
    People,
    /// Of those, alerts of monitoring.
    Alerts,
}

/// Tickets that a population leaves out, each for the first reason that applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Deleted in the PSA.
    pub deleted: u64,
    /// Merged into another, which counts.
    pub merged: u64,
    /// Of a project.
    pub project: u64,
    /// Of a storm of alerts, but for its first.
    pub storm: u64,
    /// Alerts, where people's tickets are counted.
    pub alerts: u64,
    /// Mail of machines: automatic replies, bounces, newsletters.
    pub machines: u64,
    /// People's, where alerts are counted.
    pub people: u64,
}

/// The tickets of a population.
#[derive(Debug, Clone)]
pub struct Selected<'a> {
    /// They.
    pub tickets: Vec<&'a TicketFacts>,
    /// How many were left out, and why.
    pub left_out: LeftOut,
}

/// Selects the tickets of `population`.
pub fn select<'a>(
    tickets: impl IntoIterator<Item = &'a TicketFacts>,
    population: Population,
) -> Selected<'a> {
    let mut selected = Selected { tickets: Vec::new(), left_out: LeftOut::default() };
    for ticket in tickets {
        match reason(ticket, population, &mut selected.left_out) {
            Some(count) => *count += 1,
            None => selected.tickets.push(ticket),
        }
    }
    selected
}

fn reason<'a>(ticket: &TicketFacts, population: Population, out: &'a mut LeftOut) -> Option<&'a mut u64> {
    let of_storm = ticket.storm.as_ref().is_some_and(|first| *first != ticket.id);
    let person = matches!(ticket.kind, Kind::Person | Kind::Thanks);
    let alert = ticket.kind == Kind::Alert;
    match population {
        _ if ticket.deleted => Some(&mut out.deleted),
        _ if ticket.merged_into.is_some() => Some(&mut out.merged),
        _ if ticket.project => Some(&mut out.project),
        _ if of_storm => Some(&mut out.storm),
        Population::People if alert => Some(&mut out.alerts),
        Population::Alerts if person => Some(&mut out.people),
        Population::People | Population::Alerts if !person && !alert => Some(&mut out.machines),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::ticket;

    #[test]
    fn each_population_says_what_it_left_out() {
        let person = ticket("1");
        let alert = TicketFacts { kind: Kind::Alert, storm: Some("2".into()), ..ticket("2") };
        let echo = TicketFacts { kind: Kind::Alert, storm: Some("2".into()), ..ticket("3") };
        let merged = TicketFacts { merged_into: Some("1".into()), ..ticket("4") };
        let parent_gone = TicketFacts { merged_into: Some("1".into()), deleted: true, ..ticket("5") };
        let project = TicketFacts { project: true, ..ticket("6") };
        let bounce = TicketFacts { kind: Kind::Bounce, ..ticket("7") };
        let tickets = [person, alert, echo, merged, parent_gone, project, bounce];
        let of = |population| {
            let found = select(&tickets, population);
            (found.tickets.iter().map(|t| t.id.clone()).collect::<Vec<_>>().join(" "), found.left_out)
        };
        let always = LeftOut { deleted: 1, merged: 1, project: 1, storm: 1, ..LeftOut::default() };
        assert_eq!(of(Population::All), ("1 2 7".into(), always));
        assert_eq!(of(Population::People), ("1".into(), LeftOut { alerts: 1, machines: 1, ..always }));
        assert_eq!(of(Population::Alerts), ("2".into(), LeftOut { people: 1, machines: 1, ..always }));
    }
}
