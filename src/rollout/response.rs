//! When a customer was first answered, and how that is known.
//!
//! A reply is what a technician wrote, or what Firstline sent, where the customer can see it. An automatic acknowledgement is none,
//! and a PSA's stamp only says that a status was set.

use std::collections::{BTreeMap, BTreeSet};

use firstline_stats::quantile;
use firstline_ticket::{ActorKind, Event, Happening};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::TicketFacts;
use crate::facts::LONGEST;

/// How a first response is known, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// A message that the customer can see.
    Message,
    /// A time entry whose notes the customer can see.
    TimeEntry,
    /// The PSA's own stamp.
    Stamp,
}

impl Basis {
    /// All, the best first.
    pub const ALL: [Self; 3] = [Self::Message, Self::TimeEntry, Self::Stamp];

    /// Its name, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Message => "messages that the customer could see",
            Self::TimeEntry => "time entries with visible notes",
            Self::Stamp => "the PSA's stamp",
        }
    }
}

/// What became of a customer's wait for a first answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Answered at that moment, never before the opening.
    Answered {
        /// The moment of the answer.
        at: Timestamp,
        /// How that is known.
        basis: Basis,
    },
    /// Resolved without a word that is known.
    NeverAnswered,
    /// Neither answered nor resolved yet.
    Waiting,
    /// A technician opened it: the customer was on the phone.
    OpenedByTechnician,
    /// Answered long before it was opened, or decades later: a clock goes wrong.
    BadClock,
}

/// Answered before the opening by no more than so many seconds: clocks that differ. It counts as answered at once.
const SKEW: f64 = 300.0;

/// The first response to `ticket`, by the best basis that is known of it. `acknowledgements` are texts that are known to be automatic
/// ([`recurring_texts`]).
pub fn first_response(ticket: &TicketFacts, acknowledgements: &BTreeSet<u64>) -> Response {
    let [message, entry, stamp] = Basis::ALL.map(|basis| first_response_by(ticket, basis, acknowledgements));
    let found = [message, entry, stamp];
    let answered = found.into_iter().find(|response| matches!(response, Response::Answered { .. }));
    let odd = || found.into_iter().find(|response| *response == Response::BadClock);
    answered.or_else(odd).unwrap_or(stamp)
}

/// The first response to `ticket` by one basis alone: times before and after a change are compared on the same.
pub fn first_response_by(ticket: &TicketFacts, basis: Basis, acknowledgements: &BTreeSet<u64>) -> Response {
    if ticket.opened_by_technician {
        return Response::OpenedByTechnician;
    }
    let history = ticket.history();
    let events = || history.iter().filter(|event| basis_of(event, acknowledgements) == Some(basis));
    // A message long before the opening belongs to something else; a later one may still be the answer.
    let wait = |at: Timestamp| at.duration_since(ticket.opened_at).as_secs_f64();
    let sound = |at: &Timestamp| (-SKEW..=LONGEST).contains(&wait(*at));
    let mut times: Vec<Timestamp> = match basis {
        Basis::Stamp => ticket.response_stamp.into_iter().collect(),
        _ => events().map(|event| event.at).collect(),
    };
    times.sort_unstable();
    match times.iter().copied().find(sound) {
        Some(at) => Response::Answered { at: at.max(ticket.opened_at), basis },
        None if !times.is_empty() => Response::BadClock,
        None if ticket.resolved_at.is_some() => Response::NeverAnswered,
        None => Response::Waiting,
    }
}

fn basis_of(event: &Event, acknowledgements: &BTreeSet<u64>) -> Option<Basis> {
    let answers = matches!(event.actor_kind, ActorKind::Technician | ActorKind::Firstline);
    match event.what {
        Happening::Message { visible: true, automatic: false, text_key } if answers => {
            let known = text_key.is_some_and(|key| acknowledgements.contains(&key));
            (!known).then_some(Basis::Message)
        }
        Happening::TimeEntry { visible: true, .. } if answers => Some(Basis::TimeEntry),
        _ => None,
    }
}

/// The best basis by which at least half of the answered tickets of each period are known to be answered; `None` where there is no
/// such: then the periods can't be compared.
pub fn shared_basis(periods: &[&[&TicketFacts]], acknowledgements: &BTreeSet<u64>) -> Option<Basis> {
    let covers = |basis: Basis, tickets: &[&TicketFacts]| {
        let (mut by_any, mut by_this) = (0usize, 0usize);
        for ticket in tickets {
            let answered = |response| matches!(response, Response::Answered { .. });
            by_any += usize::from(answered(first_response(ticket, acknowledgements)));
            by_this += usize::from(answered(first_response_by(ticket, basis, acknowledgements)));
        }
        by_this > 0 && 2 * by_this >= by_any
    };
    Basis::ALL.into_iter().find(|basis| periods.iter().all(|tickets| covers(*basis, tickets)))
}

/// A text is considered automatic if it appears on this many tickets,
const RECURS_ON: usize = 20;
/// on such a share of all,
const RECURS_SHARE: f64 = 0.05;
/// and comes so soon after the opening, in seconds, at the median.
const RECURS_WITHIN: f64 = 120.0;

/// Texts that recur over tickets within two minutes of their opening: acknowledgements that the PSA sends in a technician's name.
pub fn recurring_texts(tickets: &[&TicketFacts]) -> BTreeSet<u64> {
    let mut delays: BTreeMap<u64, BTreeMap<&str, f64>> = BTreeMap::new();
    for ticket in tickets {
        for event in ticket.history() {
            let Happening::Message { visible: true, text_key: Some(key), .. } = event.what else { continue };
            if event.actor_kind != ActorKind::Customer {
                let delay = event.at.duration_since(ticket.opened_at).as_secs_f64();
                delays.entry(key).or_default().entry(&ticket.id).or_insert(delay);
            }
        }
    }
    let often = (RECURS_SHARE * tickets.len() as f64).max(RECURS_ON as f64);
    let recurs = |of: &BTreeMap<&str, f64>| {
        let mut delays: Vec<f64> = of.values().copied().collect();
        delays.sort_by(f64::total_cmp);
        of.len() as f64 >= often && quantile(&delays, 0.5).is_some_and(|median| median <= RECURS_WITHIN)
    };
    delays.into_iter().filter(|(_, of)| recurs(of)).map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::{at, event, ticket};

    fn message(minutes: i64, by: ActorKind, visible: bool, automatic: bool) -> Event {
        event(minutes, by, Happening::Message { visible, automatic, text_key: None })
    }

    fn answered(ticket: &TicketFacts) -> Option<(i64, Basis)> {
        match first_response(ticket, &BTreeSet::new()) {
            Response::Answered { at, basis } => Some((at.duration_since(ticket.opened_at).as_mins(), basis)),
            _ => None,
        }
    }

    #[test]
    fn r5_a_message_counts_before_a_time_entry_and_that_before_a_stamp() {
        let mut facts = ticket("1");
        facts.response_stamp = Some(at("2026-11-02T08:02:00Z"));
        assert_eq!(answered(&facts), Some((2, Basis::Stamp)));
        facts.events.push(event(
            20,
            ActorKind::Technician,
            Happening::TimeEntry { seconds: 60.0, visible: true },
        ));
        facts.events.push(event(
            5,
            ActorKind::Technician,
            Happening::TimeEntry { seconds: 60.0, visible: false },
        ));
        assert_eq!(answered(&facts), Some((20, Basis::TimeEntry)));
        facts.events.push(message(45, ActorKind::Technician, true, false));
        facts.events.push(message(50, ActorKind::Firstline, true, false));
        assert_eq!(answered(&facts), Some((45, Basis::Message)));
        facts.events.push(message(30, ActorKind::Firstline, true, false));
        assert_eq!(answered(&facts), Some((30, Basis::Message)));
    }

    #[test]
    fn r5_acknowledgements_internal_notes_and_the_customer_are_no_answer() {
        let mut facts = ticket("1");
        facts.events = vec![
            message(1, ActorKind::System, true, false),
            message(1, ActorKind::Firstline, true, true),
            message(2, ActorKind::Technician, false, false),
            message(3, ActorKind::Customer, true, false),
        ];
        assert_eq!(first_response(&facts, &BTreeSet::new()), Response::Waiting);
        facts.resolved_at = Some(at("2026-11-02T12:00:00Z"));
        assert_eq!(first_response(&facts, &BTreeSet::new()), Response::NeverAnswered);
        facts.opened_by_technician = true;
        assert_eq!(first_response(&facts, &BTreeSet::new()), Response::OpenedByTechnician);
    }

    #[test]
    fn r5_clocks_that_differ_by_minutes_are_forgiven_and_by_hours_are_not() {
        let mut facts = ticket("1");
        facts.events = vec![message(-4, ActorKind::Technician, true, false)];
        assert_eq!(answered(&facts), Some((0, Basis::Message)));
        facts.events = vec![message(-6, ActorKind::Technician, true, false)];
        assert_eq!(first_response_by(&facts, Basis::Message, &BTreeSet::new()), Response::BadClock);
        facts.events.push(message(10, ActorKind::Technician, true, false));
        assert_eq!(answered(&facts), Some((10, Basis::Message)));
    }

    #[test]
    fn r5_a_text_that_recurs_at_once_is_an_acknowledgement() {
        let with = |id: usize, key: u64, seconds: i64| {
            let mut facts = ticket(&id.to_string());
            let what = Happening::Message { visible: true, automatic: false, text_key: Some(key) };
            let mut event = event(0, ActorKind::Technician, what);
            event.at += jiff::SignedDuration::from_secs(seconds);
            facts.events.push(event);
            facts
        };
        // 1: at once and often. 2: a reply that the desk keeps ready, hours later. 3: at once, but rare.
        let of = |from: usize, n: usize, key, seconds| (from..from + n).map(move |id| with(id, key, seconds));
        let tickets: Vec<TicketFacts> =
            of(0, 30, 1, 40).chain(of(30, 60, 2, 9_000)).chain(of(90, 10, 3, 30)).collect();
        let all: Vec<&TicketFacts> = tickets.iter().collect();
        let known = recurring_texts(&all);
        assert_eq!(known, BTreeSet::from([1]));
        assert_eq!(first_response(&tickets[0], &known), Response::Waiting);
        assert!(matches!(first_response(&tickets[40], &known), Response::Answered { .. }));
    }

    #[test]
    fn r5_two_periods_are_compared_on_one_basis() {
        let stamped =
            |id: &str| TicketFacts { response_stamp: Some(at("2026-11-02T08:10:00Z")), ..ticket(id) };
        let mut both = stamped("2");
        both.events = vec![message(30, ActorKind::Technician, true, false)];
        let (old, new) = (stamped("1"), both);
        let none = BTreeSet::new();
        assert_eq!(shared_basis(&[&[&old], &[&new]], &none), Some(Basis::Stamp));
        assert_eq!(shared_basis(&[&[&new], &[&new]], &none), Some(Basis::Message));
        assert_eq!(shared_basis(&[&[&new], &[&ticket("3")]], &none), None);
    }
}
