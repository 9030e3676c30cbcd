//! Which customers are good to begin with. A ranking with its parts: a person picks.

use std::collections::{BTreeMap, BTreeSet};

use firstline_stats::{mean, share};
use firstline_ticket::{ActorKind, Field, Happening};
use jiff::Timestamp;
use serde::Serialize;

use crate::{Desk, TicketFacts};

/// What a score is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Tickets a week, on a logarithmic scale, full at 40.
    Volume,
    /// How near the middle of all customers it is in handle time, escalations and variety.
    MidComplexity,
    /// How often it answers a technician's question within one business day.
    Cooperation,
    /// How fully its tickets are filled in, and how rarely a label of them is in doubt.
    Hygiene,
    /// What could be automated of its mix of tickets.
    Potential,
}

impl Part {
    /// Each part with its weight.
    pub const WEIGHTS: [(Self, f64); 5] = [
        (Self::Volume, 0.25),
        (Self::MidComplexity, 0.20),
        (Self::Cooperation, 0.20),
        (Self::Hygiene, 0.20),
        (Self::Potential, 0.15),
    ];

    /// What is missing where it is not known.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Volume => "Tickets a week",
            Self::MidComplexity => "Handle time, escalations and variety",
            Self::Cooperation => "How soon customers answer technicians' questions",
            Self::Hygiene => "How fully tickets are filled in",
            Self::Potential => "What could be automated (minutes by category: `--automation`)",
        }
    }
}

/// Why a customer is no pilot whatever its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// Fewer than five tickets a week.
    FewTickets,
    /// Its contacts or its contract ask for people.
    Vip,
    /// It is leaving.
    Leaving,
}

impl Exclusion {
    /// The reason, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::FewTickets => "fewer than 5 tickets a week",
            Self::Vip => "VIP or compliance",
            Self::Leaving => "leaving",
        }
    }
}

/// What the desk knows of a customer beside its tickets.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CustomerNotes {
    /// VIP or compliance.
    pub vip: bool,
    /// It is leaving.
    pub leaving: bool,
    /// Share of its labels that the audit doubts.
    pub doubts: Option<f64>,
}

/// A customer's place in the ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pilot {
    /// The customer.
    pub customer: String,
    /// Tickets of people a week.
    pub per_week: f64,
    /// 0 to 100. Where a part is not known, its weight is shared out among the rest.
    pub score: f64,
    /// Each part, 0 to 1; `None` where it is not known.
    pub parts: BTreeMap<Part, Option<f64>>,
    /// Why it is none.
    pub excluded: Option<Exclusion>,
}

/// Tickets a week at which volume is full.
const FULL: f64 = 40.0;
/// Tickets a week below which a customer is no pilot.
const FEWEST: f64 = 5.0;

/// What a ranking is taken with, beside the tickets.
#[derive(Debug, Clone, Copy)]
pub struct PilotSetting<'a> {
    /// The desk's hours and tiers.
    pub desk: &'a Desk<'a>,
    /// Weeks that the tickets are of.
    pub weeks: f64,
    /// Minutes that automation could save on one ticket of a category (board, type).
    pub minutes: &'a BTreeMap<(String, String), f64>,
    /// What is known of customers.
    pub notes: &'a BTreeMap<String, CustomerNotes>,
}

/// Customers of people's `tickets`, the best pilot first, those that are none last. Equal scores by name.
pub fn pilots(tickets: &[&TicketFacts], setting: &PilotSetting<'_>) -> Vec<Pilot> {
    let mut groups: BTreeMap<&str, Vec<&TicketFacts>> = BTreeMap::new();
    for ticket in tickets {
        groups.entry(ticket.customer.trim()).or_default().push(ticket);
    }
    groups.remove("");
    let measured: Vec<(&str, Measured)> =
        groups.iter().map(|(name, tickets)| (*name, Measured::of(name, tickets, setting))).collect();
    let mut pilots: Vec<Pilot> =
        measured.iter().map(|(name, own)| own.pilot(name, &measured, setting)).collect();
    pilots
        .sort_by(|a, b| (a.excluded.is_some().cmp(&b.excluded.is_some())).then(b.score.total_cmp(&a.score)));
    pilots
}

/// What is measured of one customer alone.
struct Measured {
    per_week: f64,
    /// Handle time, escalated share, entropy of categories.
    complexity: [Option<f64>; 3],
    cooperation: Option<f64>,
    hygiene: f64,
    minutes: Option<f64>,
}

impl Measured {
    fn of(name: &str, tickets: &[&TicketFacts], setting: &PilotSetting<'_>) -> Self {
        let handled: Vec<f64> = tickets.iter().filter_map(|ticket| ticket.handle_time()).collect();
        let escalated: Vec<bool> =
            tickets.iter().filter_map(|t| setting.desk.tiers.handled_by(t)).map(|tier| tier > 1).collect();
        let escalated = (!escalated.is_empty())
            .then(|| share(escalated.iter().filter(|escalated| **escalated).count(), escalated.len()));
        let minutes = tickets.iter().filter_map(|t| setting.minutes.get(&category(t)?).copied());
        let doubts = setting.notes.get(name).and_then(|notes| notes.doubts).unwrap_or(0.0);
        Self {
            per_week: tickets.len() as f64 / setting.weeks.max(f64::MIN_POSITIVE),
            complexity: [mean(&handled), escalated, Some(entropy(tickets))],
            cooperation: cooperation(tickets, setting.desk),
            hygiene: filled(tickets) * (1.0 - doubts.clamp(0.0, 1.0)),
            // Of all its tickets: those of a category with nothing to save count as such, once anything is known at all.
            minutes: (!setting.minutes.is_empty()).then(|| minutes.sum::<f64>() / tickets.len() as f64),
        }
    }

    fn pilot(&self, name: &str, all: &[(&str, Self)], setting: &PilotSetting<'_>) -> Pilot {
        let most = all.iter().filter_map(|(_, other)| other.minutes).fold(0.0, f64::max);
        let parts = [
            (Part::Volume, Some((self.per_week.ln_1p() / FULL.ln_1p()).min(1.0))),
            (Part::MidComplexity, self.middle(all)),
            (Part::Cooperation, self.cooperation),
            (Part::Hygiene, Some(self.hygiene)),
            (Part::Potential, self.minutes.filter(|_| most > 0.0).map(|minutes| minutes / most)),
        ];
        let parts = BTreeMap::from(parts);
        let known = || Part::WEIGHTS.iter().filter_map(|(part, weight)| Some((weight, parts[part]?)));
        let weights: f64 = known().map(|(weight, _)| weight).sum();
        let score = 100.0 * known().map(|(weight, part)| weight * part).sum::<f64>() / weights;
        let notes = setting.notes.get(name).copied().unwrap_or_default();
        let excluded = match self.per_week {
            _ if notes.vip => Some(Exclusion::Vip),
            _ if notes.leaving => Some(Exclusion::Leaving),
            per_week if per_week < FEWEST => Some(Exclusion::FewTickets),
            _ => None,
        };
        Pilot { customer: name.to_owned(), per_week: self.per_week, score, parts, excluded }
    }

    /// The mean, over what is known, of how near the middle of all customers it is.
    fn middle(&self, all: &[(&str, Self)]) -> Option<f64> {
        let near = (0..3).filter_map(|i| {
            let own = self.complexity[i]?;
            let others: Vec<f64> = all.iter().filter_map(|(_, other)| other.complexity[i]).collect();
            let below = others.iter().filter(|other| **other < own).count() as f64;
            let same = others.iter().filter(|other| **other == own).count() as f64;
            let percentile = (below + same / 2.0) / others.len() as f64;
            Some(1.0 - 2.0 * (percentile - 0.5).abs())
        });
        mean(&near.collect::<Vec<f64>>())
    }
}

fn category(ticket: &TicketFacts) -> Option<(String, String)> {
    Some((ticket.label(Field::Board)?.to_owned(), ticket.label(Field::Type)?.to_owned()))
}

/// How evenly tickets are spread over categories, in nats.
fn entropy(tickets: &[&TicketFacts]) -> f64 {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    tickets.iter().for_each(|ticket| *counts.entry(category(ticket)).or_insert(0) += 1);
    let parts = counts.values().map(|count| share(*count, tickets.len()));
    parts.map(|part| -part * part.ln()).sum()
}

/// The share of board, type, subtype, priority and contact that is filled in.
fn filled(tickets: &[&TicketFacts]) -> f64 {
    let fields = [Field::Board, Field::Type, Field::Subtype, Field::Priority];
    let of = |ticket: &&TicketFacts| {
        let labels = fields.iter().filter(|field| ticket.label(**field).is_some()).count();
        labels + usize::from(ticket.contact.as_deref().is_some_and(|contact| !contact.trim().is_empty()))
    };
    share(tickets.iter().map(of).sum(), 5 * tickets.len())
}

/// The share of technicians' questions that the customer answers within one business day; `None` without any. Words are not
/// known here: a message to the customer counts as a question where the technician writes again later, and so did not end with it.
fn cooperation(tickets: &[&TicketFacts], desk: &Desk<'_>) -> Option<f64> {
    let (mut asked, mut answered) = (0, 0);
    for ticket in tickets {
        let history = ticket.history();
        let by = |kind: ActorKind| -> BTreeSet<Timestamp> {
            let visible =
                |what: &Happening| matches!(what, Happening::Message { visible: true, automatic: false, .. });
            let found = history.iter().filter(|event| event.actor_kind == kind && visible(&event.what));
            found.map(|event| event.at).collect()
        };
        let (technician, customer) = (by(ActorKind::Technician), by(ActorKind::Customer));
        for question in technician.iter().take(technician.len().saturating_sub(1)) {
            let Some(until) = desk.hours.a_day_after(*question) else { continue };
            asked += 1;
            answered += usize::from(customer.range(*question..=until).next().is_some());
        }
    }
    (asked > 0).then(|| share(answered, asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::{event, ticket};
    use crate::hours::tests::desk as open_hours;
    use crate::{OpenHours, Tiers};

    fn message(minutes: i64, by: ActorKind) -> firstline_ticket::Event {
        event(minutes, by, Happening::Message { visible: true, automatic: false, text_key: None })
    }

    fn of(customer: &str, n: usize, minutes: f64) -> Vec<TicketFacts> {
        let one = |i| TicketFacts {
            customer: customer.into(),
            handle_seconds: Some(minutes * 60.0),
            ..ticket(&format!("{customer}{i}"))
        };
        (0..n).map(one).collect()
    }

    fn ranked(
        tickets: &[TicketFacts],
        minutes: &BTreeMap<(String, String), f64>,
        notes: &BTreeMap<String, CustomerNotes>,
    ) -> Vec<Pilot> {
        let (hours, tiers): (OpenHours, Tiers) = (open_hours(), Tiers::default());
        let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
        let all: Vec<&TicketFacts> = tickets.iter().collect();
        pilots(&all, &PilotSetting { desk: &desk, weeks: 2.0, minutes, notes })
    }

    #[test]
    fn r9_the_score_is_the_weighted_sum_of_its_parts() {
        let tickets = [of("A", 80, 20.0), of("B", 40, 10.0), of("C", 20, 40.0)].concat();
        let found = ranked(&tickets, &BTreeMap::new(), &BTreeMap::new());
        let names: Vec<&str> = found.iter().map(|pilot| pilot.customer.as_str()).collect();
        // A is both the largest and, in handle time, in the middle.
        assert_eq!(names, ["A", "B", "C"]);
        let a = &found[0];
        assert_eq!(
            (a.per_week, a.parts[&Part::Volume], a.parts[&Part::Hygiene]),
            (40.0, Some(1.0), Some(0.6))
        );
        assert_eq!((a.parts[&Part::Cooperation], a.parts[&Part::Potential]), (None, None));
        // Handle time at the middle, entropy alike for all: both 1.
        assert_eq!(a.parts[&Part::MidComplexity], Some(1.0));
        let wanted = 100.0 * (0.25 + 0.20 + 0.20 * 0.6) / 0.65;
        assert!((a.score - wanted).abs() < 1e-9, "{}", a.score);
    }

    #[test]
    fn r9_cooperation_is_an_answer_within_a_business_day() {
        let mut tickets = of("A", 2, 20.0);
        // Asked on Monday at 9:00, answered on Tuesday at 8:50; closed with a last word.
        tickets[0].events = vec![
            message(0, ActorKind::Technician),
            message(24 * 60 - 10, ActorKind::Customer),
            message(24 * 60, ActorKind::Technician),
        ];
        assert_eq!(
            ranked(&tickets, &BTreeMap::new(), &BTreeMap::new())[0].parts[&Part::Cooperation],
            Some(1.0)
        );
        // Answered two days later.
        tickets[1].events = vec![
            message(0, ActorKind::Technician),
            message(48 * 60, ActorKind::Customer),
            message(49 * 60, ActorKind::Technician),
        ];
        assert_eq!(
            ranked(&tickets, &BTreeMap::new(), &BTreeMap::new())[0].parts[&Part::Cooperation],
            Some(0.5)
        );
    }

    #[test]
    fn r9_some_customers_are_no_pilots_whatever_their_score() {
        let tickets =
            [of("A", 80, 20.0), of("B", 40, 10.0), of("C", 9, 40.0), of("D", 30, 30.0), of(" ", 30, 30.0)]
                .concat();
        let note = |vip, leaving| CustomerNotes { vip, leaving, doubts: Some(0.5) };
        let notes = [("A".to_owned(), note(true, false)), ("B".to_owned(), note(false, true))].into();
        let minutes = [(("Service Desk".to_owned(), "Mail".to_owned()), 4.0)].into();
        let found = ranked(&tickets, &minutes, &notes);
        let excluded: Vec<(&str, Option<Exclusion>)> =
            found.iter().map(|pilot| (pilot.customer.as_str(), pilot.excluded)).collect();
        let of = |name| excluded.iter().find(|(customer, _)| *customer == name).unwrap().1;
        assert_eq!(excluded[0], ("D", None));
        assert_eq!(
            ["A", "B", "C"].map(of),
            [Some(Exclusion::Vip), Some(Exclusion::Leaving), Some(Exclusion::FewTickets)]
        );
        assert_eq!(found.len(), 4);
        let a = found.iter().find(|pilot| pilot.customer == "A").unwrap();
        assert_eq!((a.parts[&Part::Hygiene], a.parts[&Part::Potential]), (Some(0.3), Some(1.0)));
    }
}
