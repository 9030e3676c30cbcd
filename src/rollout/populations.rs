//! Which tickets a figure is about, and which it leaves out: no figure without both counts.

use std::collections::BTreeMap;

use firstline_ticket::Kind;
use jiff::Timestamp;
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
    /// The tickets that count.
    pub tickets: Vec<&'a TicketFacts>,
    /// How many were left out, and why.
    pub left_out: LeftOut,
}

/// Selects the tickets of `population`. Of a storm the earliest ticket stands for all, of those that are neither deleted nor
/// merged.
pub fn select<'a>(
    tickets: impl IntoIterator<Item = &'a TicketFacts>,
    population: Population,
) -> Selected<'a> {
    let tickets: Vec<&TicketFacts> = tickets.into_iter().collect();
    let mut storms: BTreeMap<&str, (Timestamp, &str)> = BTreeMap::new();
    for ticket in tickets.iter().filter(|t| !t.deleted && t.merged_into.is_none() && !t.project) {
        let Some(storm) = &ticket.storm else { continue };
        let own = (ticket.opened_at, ticket.id.as_str());
        let first = storms.entry(storm).or_insert(own);
        *first = own.min(*first);
    }
    let mut selected = Selected { tickets: Vec::new(), left_out: LeftOut::default() };
    for ticket in tickets {
        let first = ticket.storm.as_deref().and_then(|storm| storms.get(storm));
        let of_storm = first.is_some_and(|(_, first)| *first != ticket.id);
        match reason(ticket, of_storm, population, &mut selected.left_out) {
            Some(count) => *count += 1,
            None => selected.tickets.push(ticket),
        }
    }
    selected
}

fn reason<'a>(
    ticket: &TicketFacts,
    of_storm: bool,
    population: Population,
    out: &'a mut LeftOut,
) -> Option<&'a mut u64> {
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

    #[test]
    fn a_storm_counts_once_even_if_its_first_ticket_is_gone() {
        let alert = |id: &str, deleted| TicketFacts {
            kind: Kind::Alert,
            storm: Some("1".into()),
            deleted,
            ..ticket(id)
        };
        let mut tickets = [alert("3", false), alert("1", true), alert("2", false)];
        let of = |tickets: &[TicketFacts]| {
            let found = select(tickets, Population::Alerts);
            (found.tickets.iter().map(|t| t.id.clone()).collect::<Vec<_>>(), found.left_out)
        };
        let wanted = (vec!["2".to_owned()], LeftOut { deleted: 1, storm: 1, ..LeftOut::default() });
        assert_eq!(of(&tickets), wanted);
        tickets.reverse();
        assert_eq!(of(&tickets), wanted);
    }
}
