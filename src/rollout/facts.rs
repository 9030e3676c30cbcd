//! What is known of a ticket that figures are computed from. Facts only: what nobody has said is `None`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use firstline_ticket::{ActorKind, Changed, Event, Field, Happening, Kind};
use jiff::Timestamp;

/// Ten years: no desk takes longer. Seconds.
pub(crate) const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// What is known of one ticket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketFacts {
    /// Its id.
    pub id: String,
    /// Whose it was when it was closed, or is now.
    pub customer: String,
    /// Who wrote it.
    pub contact: Option<String>,
    /// How it came in: email, phone, portal.
    pub source: Option<String>,
    /// Who or what wrote it.
    pub kind: Kind,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Whether a technician opened it, as one does on the phone: then nobody waits for a first answer.
    pub opened_by_technician: bool,
    /// When it was resolved for the last time.
    pub resolved_at: Option<Timestamp>,
    /// When the PSA says that it was answered: when a status was set, rather than when anybody wrote.
    pub response_stamp: Option<Timestamp>,
    /// The labels that it had before any person touched it; `None` where nobody kept them.
    pub initial: Option<BTreeMap<Field, String>>,
    /// The labels that it has now.
    pub labels: BTreeMap<Field, String>,
    /// Whether it went to a higher tier, where the PSA says so.
    pub escalated: Option<bool>,
    /// Whether it was opened again, where the PSA says so.
    pub reopened: Option<bool>,
    /// Seconds of work on it.
    pub handle_seconds: Option<f64>,
    /// The ticket that it was merged into.
    pub merged_into: Option<String>,
    /// The first ticket of the storm of alerts that it belongs to; its own id for that one.
    pub storm: Option<String>,
    /// Whether it belongs to a project: planned work, no request.
    pub project: bool,
    /// Whether it was deleted.
    pub deleted: bool,
    /// Whether all that happened to it is among `events`. Otherwise what is missing there may have happened.
    pub history_known: bool,
    /// What happened to it, in any order, and the same event perhaps twice.
    pub events: Vec<Event>,
}

impl TicketFacts {
    /// The label of `field`, trimmed; `None` when absent or blank.
    pub fn label(&self, field: Field) -> Option<&str> {
        self.labels.get(&field).map(|label| label.trim()).filter(|label| !label.is_empty())
    }

    /// Seconds of work on it: as reported, or the sum of its technicians' time entries; `None` where there is neither.
    pub fn handle_time(&self) -> Option<f64> {
        let entries = || {
            let seconds = self.history().into_iter().filter_map(|event| match event.what {
                Happening::TimeEntry { seconds, .. } if event.actor_kind == ActorKind::Technician => {
                    Some(seconds)
                }
                _ => None,
            });
            seconds.reduce(|sum, seconds| sum + seconds)
        };
        self.handle_seconds.or_else(entries).filter(|seconds| (0.0..=LONGEST).contains(seconds))
    }

    /// What happened, in order of time, each event once. The order in which events were reported does not matter.
    pub(crate) fn history(&self) -> Vec<&Event> {
        let mut events: Vec<&Event> = self.events.iter().collect();
        events.sort_by(|a, b| compare(a, b));
        events.dedup_by(|a, b| a.psa_key == b.psa_key && a.at == b.at);
        events
    }

    /// Changes of one value, in order of time.
    pub(crate) fn changes(&self, of: Changed) -> Vec<Change<'_>> {
        let changes = self.history().into_iter().filter_map(|event| match &event.what {
            Happening::Change { of: found, from, to } if *found == of => {
                Some(Change { event, from: text(from), to: text(to) })
            }
            _ => None,
        });
        changes.collect()
    }
}

fn text(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|value| !value.is_empty())
}

/// A change with its two values; `None` for a blank.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) event: &'a Event,
    pub(crate) from: Option<&'a str>,
    pub(crate) to: Option<&'a str>,
}

/// By time, then by the PSA's key, then by everything else: a total order, so that ties fall alike whatever came first.
fn compare(a: &Event, b: &Event) -> Ordering {
    let key = |event: &Event| (event.at, event.psa_key.clone());
    key(a).cmp(&key(b)).then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A ticket of board "Service Desk", type "Mail", opened on Monday 2 November 2026 at 9:00 in Berlin.
    pub(crate) fn ticket(id: &str) -> TicketFacts {
        let labels = [(Field::Board, "Service Desk"), (Field::Type, "Mail"), (Field::Priority, "P3")];
        TicketFacts {
            id: id.into(),
            customer: "Corvid Ltd".into(),
            opened_at: at("2026-11-02T08:00:00Z"),
            labels: labels.map(|(field, label)| (field, label.to_owned())).into(),
            history_known: true,
            ..TicketFacts::default()
        }
    }

    /// An event `minutes` after that ticket was opened.
    pub(crate) fn event(minutes: i64, actor_kind: ActorKind, what: Happening) -> Event {
        let at = at("2026-11-02T08:00:00Z") + jiff::SignedDuration::from_mins(minutes);
        Event { psa_key: format!("{minutes}-{what:?}"), at, actor: None, actor_kind, what }
    }

    pub(crate) fn change(minutes: i64, of: Changed, from: &str, to: &str) -> Event {
        let what = Happening::Change { of, from: Some(from.into()), to: Some(to.into()) };
        event(minutes, ActorKind::Technician, what)
    }

    #[test]
    fn r40_handle_time_is_what_was_reported_or_logged() {
        let mut facts = ticket("1");
        assert_eq!(facts.handle_time(), None);
        let entry = |seconds| Happening::TimeEntry { seconds, visible: false };
        facts.events = vec![
            event(5, ActorKind::Technician, entry(900.0)),
            event(9, ActorKind::Technician, entry(600.0)),
            event(9, ActorKind::System, entry(60.0)),
        ];
        facts.events.push(facts.events[0].clone());
        assert_eq!(facts.handle_time(), Some(1_500.0));
        facts.handle_seconds = Some(1_200.0);
        assert_eq!(facts.handle_time(), Some(1_200.0));
        facts.handle_seconds = Some(f64::NAN);
        assert_eq!(facts.handle_time(), None);
    }

    #[test]
    fn a_history_is_in_order_and_has_each_event_once() {
        let mut facts = ticket("1");
        let late = change(9, Changed::Owner, "a", "b");
        facts.events = vec![late.clone(), change(3, Changed::Status, "New", "Open"), late];
        let minutes: Vec<&str> =
            facts.history().iter().map(|e| e.psa_key.split('-').next().unwrap()).collect();
        assert_eq!(minutes, ["3", "9"]);
        assert_eq!(facts.changes(Changed::Owner).len(), 1);
    }
}
