//! What is known of a ticket that figures are computed from. Facts only: what nobody has said is `None`.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use firstline_ticket::{ActorKind, Changed, Event, Field, Happening, Kind};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Ten years: no desk takes longer. Seconds.
pub(crate) const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// Days after closing within which a change of a label mends it.
pub(crate) const MENDED: i64 = 7;

/// Seconds after the opening within which a PSA's rules have run.
const RULES_RUN: i64 = 60;

/// What changes where a label does.
pub(crate) fn changed(field: Field) -> Changed {
    match field {
        Field::Board => Changed::Board,
        Field::Type => Changed::Type,
        Field::Subtype => Changed::Subtype,
        Field::Priority => Changed::Priority,
        Field::Technician => Changed::Owner,
    }
}

/// How seconds of work are known, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandleBasis {
    /// The sum of technicians' time entries, where all of them are known.
    TimeEntries,
    /// A sum that was reported with the outcome.
    Reported,
    /// The time for which somebody was at its review in Firstline. It is no sum of the work, and never stands for one.
    Reviews,
}

impl HandleBasis {
    /// All, the best first.
    pub const ALL: [Self; 3] = [Self::TimeEntries, Self::Reported, Self::Reviews];

    /// Those that technicians logged.
    pub const LOGGED: [Self; 2] = [Self::TimeEntries, Self::Reported];

    /// Its name, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::TimeEntries => "time entries",
            Self::Reported => "times reported with outcomes",
            Self::Reviews => "time at reviews",
        }
    }
}

/// Longest time at one review that counts. Seconds.
const LONGEST_REVIEW: f64 = 1_800.0;

/// The review of what Firstline had decided or drafted for a ticket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reviewed {
    /// When the person decided.
    pub at: Timestamp,
    /// Seconds for which they were at it, pauses left out.
    pub seconds: Option<f64>,
}

/// What is known of one ticket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TicketFacts {
    /// The ticket's id in the PSA.
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
    /// When its outcome was reported, where that was later than it was resolved.
    pub outcome_reported_at: Option<Timestamp>,
    /// When a credit for a missed service level was entered for it, whoever missed it.
    pub sla_credit_at: Option<Timestamp>,
    /// The labels that it has now.
    pub labels: BTreeMap<Field, String>,
    /// Whether it went to a higher tier, where the PSA says so.
    pub escalated: Option<bool>,
    /// Whether it was opened again, where the PSA says so.
    pub reopened: Option<bool>,
    /// Seconds of work on it.
    pub handle_seconds: Option<f64>,
    /// Its review.
    pub review: Option<Reviewed>,
    /// The ticket that it was merged into.
    pub merged_into: Option<String>,
    /// The storm of alerts that it belongs to, by the id of its first ticket; its own id for that one.
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

    /// The label of `field` that it had when it was closed, or that was mended within seven days after. What is changed later is
    /// another story. `None` when blank.
    pub fn closing_label(&self, field: Field) -> Option<&str> {
        let Some(closed) = self.resolved_at else { return self.label(field) };
        let until = closed + SignedDuration::from_hours(24 * MENDED);
        let later = self.changes(changed(field)).into_iter().find(|change| change.event.at > until);
        later.map_or(self.label(field), |change| change.from)
    }

    /// The label of `field` that it had before any person touched it: as kept at intake, else what stood when rules had run, within a
    /// minute. `None` where that is not known.
    pub fn initial_label(&self, field: Field) -> Option<&str> {
        if let Some(initial) = &self.initial {
            return initial.get(&field).map(|label| label.trim()).filter(|label| !label.is_empty());
        }
        if !self.history_known {
            return None;
        }
        let changes = self.changes(changed(field));
        match (changes.iter().take_while(|change| self.is_intake(change)).last(), changes.first()) {
            (Some(last), _) => last.to,
            (None, Some(first)) => first.from,
            (None, None) => self.label(field),
        }
    }

    /// What was known at that moment: later events are gone, and so is an outcome that was reported later. A week that has settled is
    /// computed from it, so that nothing later changes it.
    pub fn as_of(&self, moment: Timestamp) -> Self {
        let mut then = self.clone();
        then.events.retain(|event| event.at <= moment);
        then.response_stamp = self.response_stamp.filter(|at| *at <= moment);
        then.sla_credit_at = self.sla_credit_at.filter(|at| *at <= moment);
        then.review = self.review.filter(|review| review.at <= moment);
        if self.outcome_reported_at.max(self.resolved_at).is_some_and(|at| at > moment) {
            then.resolved_at = None;
            then.outcome_reported_at = None;
            then.labels.clear();
            (then.escalated, then.reopened, then.handle_seconds) = (None, None, None);
        }
        then
    }

    /// Seconds of work on it by the best basis that is known, of those that technicians logged.
    pub fn handle_time(&self) -> Option<f64> {
        HandleBasis::LOGGED.into_iter().find_map(|basis| self.handle_time_by(basis))
    }

    /// Seconds of work on it by one basis alone: times before and after a change are compared on the same.
    pub fn handle_time_by(&self, basis: HandleBasis) -> Option<f64> {
        let seconds = match basis {
            HandleBasis::TimeEntries => {
                let entries = self.history().into_iter().filter_map(|event| match event.what {
                    Happening::TimeEntry { seconds, .. } if event.actor_kind == ActorKind::Technician => {
                        Some(seconds)
                    }
                    _ => None,
                });
                entries.reduce(|sum, seconds| sum + seconds).filter(|_| self.history_known)
            }
            HandleBasis::Reported => self.handle_seconds,
            HandleBasis::Reviews => {
                self.review.and_then(|review| review.seconds).map(|s| s.min(LONGEST_REVIEW))
            }
        };
        seconds.filter(|seconds| (0.0..=LONGEST).contains(seconds))
    }

    /// What happened, in order of time, each event once. The order in which events were reported does not matter.
    pub(crate) fn history(&self) -> Vec<&Event> {
        let mut events: Vec<&Event> = self.events.iter().collect();
        events.sort_by(|a, b| compare(a, b));
        events.dedup_by(|a, b| a.psa_key == b.psa_key && a.at == b.at);
        events
    }

    /// Whether a PSA's rules made that change as they routed the ticket at intake.
    pub(crate) fn is_intake(&self, change: &Change<'_>) -> bool {
        change.event.actor_kind == ActorKind::System
            && change.event.at.duration_since(self.opened_at) <= SignedDuration::from_secs(RULES_RUN)
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
    (a.at, &a.psa_key).cmp(&(b.at, &b.psa_key)).then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
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
        let by = HandleBasis::ALL.map(|basis| facts.handle_time_by(basis));
        assert_eq!((facts.handle_time(), by), (Some(1_500.0), [Some(1_500.0), Some(1_200.0), None]));
        // Some of the entries are no sum.
        facts.history_known = false;
        assert_eq!(facts.handle_time(), Some(1_200.0));
        facts.handle_seconds = Some(f64::NAN);
        assert_eq!(facts.handle_time(), None);
        // Minutes at a review are no work on the ticket, and nobody is at one for hours.
        let review = |seconds| Some(Reviewed { at: at("2026-11-02T09:00:00Z"), seconds });
        facts.review = review(Some(40.0));
        assert_eq!((facts.handle_time(), facts.handle_time_by(HandleBasis::Reviews)), (None, Some(40.0)));
        facts.review = review(Some(9_000.0));
        assert_eq!(facts.handle_time_by(HandleBasis::Reviews), Some(1_800.0));
        assert_eq!(facts.as_of(at("2026-11-02T08:59:59Z")).review, None);
    }

    #[test]
    fn r8_the_initial_label_is_what_rules_left_before_any_person() {
        let mut facts = ticket("1");
        assert_eq!(facts.initial_label(Field::Board), Some("Service Desk"));
        let by = |seconds: i64, actor_kind, from: &str, to: &str| {
            let mut event = change(0, Changed::Board, from, to);
            event.at += SignedDuration::from_secs(seconds);
            Event { actor_kind, psa_key: seconds.to_string(), ..event }
        };
        // Moved by a rule right after intake, then by a person.
        facts.events = vec![
            by(900, ActorKind::Technician, "Network", "Service Desk"),
            by(5, ActorKind::System, "Inbox", "Network"),
        ];
        assert_eq!(facts.initial_label(Field::Board), Some("Network"));
        facts.events = vec![by(30, ActorKind::Technician, "Inbox", "Service Desk")];
        assert_eq!(facts.initial_label(Field::Board), Some("Inbox"));
        // A rule that runs an hour later escalates; it does not route.
        facts.events = vec![by(3_600, ActorKind::System, "Service Desk", "Escalations")];
        assert_eq!(facts.initial_label(Field::Board), Some("Service Desk"));
        facts.history_known = false;
        assert_eq!(facts.initial_label(Field::Board), None);
        facts.initial = Some([(Field::Board, "Alerts".to_owned())].into());
        assert_eq!(
            (facts.initial_label(Field::Board), facts.initial_label(Field::Type)),
            (Some("Alerts"), None)
        );
    }

    #[test]
    fn r24_a_label_that_is_mended_within_a_week_counts_and_one_changed_later_does_not() {
        let mut facts = ticket("1");
        facts.resolved_at = Some(at("2026-11-02T10:00:00Z"));
        facts.labels.insert(Field::Board, "Archive".into());
        let days = |days: i64, from: &str, to: &str| change(days * 24 * 60, Changed::Board, from, to);
        facts.events = vec![days(3, "Service Desk", "Network"), days(30, "Network", "Archive")];
        assert_eq!(facts.closing_label(Field::Board), Some("Network"));
        facts.events.truncate(1);
        assert_eq!(facts.closing_label(Field::Board), Some("Archive"));
        assert_eq!(facts.closing_label(Field::Subtype), None);
    }

    #[test]
    fn what_is_reported_later_is_not_known_yet() {
        let mut facts = ticket("1");
        facts.resolved_at = Some(at("2026-11-03T10:00:00Z"));
        facts.outcome_reported_at = Some(at("2026-11-24T10:00:00Z"));
        facts.events = vec![
            change(60, Changed::Status, "New", "Open"),
            change(9_000, Changed::Status, "Open", "Closed"),
        ];
        let then = facts.as_of(at("2026-11-05T00:00:00Z"));
        assert_eq!((then.resolved_at, then.label(Field::Board), then.events.len()), (None, None, 1));
        assert_eq!(facts.as_of(at("2026-11-25T00:00:00Z")), facts);
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
