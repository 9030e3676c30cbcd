//! What was known of a ticket at some moment: its outcome, and the labels that it had then.
//!
//! Must never tell of anything later. What has no date, such as that a ticket was deleted, is not told at all.

use std::collections::BTreeMap;

use firstline_ticket::{Changed, Field};
use jiff::{SignedDuration, Timestamp};

use crate::TicketFacts;
use crate::facts::{MENDED, changed};

impl TicketFacts {
    /// Whether its outcome was known at `moment`: it was resolved, and the outcome reported. Of a ticket that was opened again
    /// the last resolution counts.
    pub fn outcome_known(&self, moment: Timestamp) -> bool {
        let Some(resolved) = self.resolved_at else { return false };
        self.outcome_reported_at.map_or(resolved, |reported| reported.max(resolved)) <= moment
    }

    /// The label of `field` that it had at `moment`; `None` when blank.
    pub fn label_at(&self, field: Field, moment: Timestamp) -> Option<&str> {
        let later = self.changes(changed(field)).into_iter().find(|change| change.event.at > moment);
        later.map_or(self.label(field), |change| change.from)
    }

    /// Whose it was when it came in, before it was moved to another customer; `None` where nobody knows.
    pub fn customer_when_opened(&self) -> Option<&str> {
        let moved = self.changes(Changed::Customer);
        let first = moved.first().map_or(Some(self.customer.as_str()), |change| change.from);
        first.filter(|name| !name.is_empty())
    }

    /// The label that it was closed with, as known at `moment`: a mistake that is mended within seven days after closing is none.
    /// `None` while its outcome is not known.
    pub fn closing_label_at(&self, field: Field, moment: Timestamp) -> Option<&str> {
        let closed = self.resolved_at.filter(|_| self.outcome_known(moment))?;
        self.label_at(field, moment.min(closed + SignedDuration::from_hours(24 * MENDED)))
    }

    /// The labels that could be learnt from it at `moment`; `None` while its outcome is not known.
    pub fn learnt_labels(&self, moment: Timestamp) -> Option<BTreeMap<Field, String>> {
        let label = |field| Some((field, self.label_at(field, moment)?.to_owned()));
        self.outcome_known(moment).then(|| Field::ALL.into_iter().filter_map(label).collect())
    }
}

#[cfg(test)]
mod tests {
    use firstline_ticket::{ActorKind, Event, Happening};

    use super::*;
    use crate::facts::tests::{at, ticket};

    fn moved(day: &str, from: &str, to: &str) -> Event {
        let what = Happening::Change { of: Changed::Board, from: Some(from.into()), to: Some(to.into()) };
        let at = at(&format!("2026-11-{day}T12:00:00Z"));
        Event { psa_key: day.into(), at, actor: None, actor_kind: ActorKind::Technician, what }
    }

    fn closed() -> TicketFacts {
        let mut facts = ticket("1");
        facts.resolved_at = Some(at("2026-11-10T08:00:00Z"));
        facts.events =
            vec![moved("20", "Mail", "Service Desk"), moved("12", "Net", "Mail"), moved("03", "", "Net")];
        facts
    }

    #[test]
    fn a_label_is_the_one_that_stood_there_then() {
        let facts = closed();
        let board = |day: &str| facts.label_at(Field::Board, at(&format!("2026-11-{day}T13:00:00Z")));
        assert_eq!(
            ["02", "03", "12", "19", "20"].map(board),
            [None, Some("Net"), Some("Mail"), Some("Mail"), Some("Service Desk")]
        );
        // Of a field that never changed the label that stands there.
        assert_eq!(facts.label_at(Field::Type, at("2026-11-02T09:00:00Z")), Some("Mail"));
    }

    #[test]
    fn nothing_is_learnt_before_the_outcome_is_known_and_nothing_of_later() {
        let mut facts = closed();
        let learnt = |facts: &TicketFacts, day: &str| {
            let labels = facts.learnt_labels(at(&format!("2026-11-{day}T09:00:00Z")));
            labels.map(|labels| labels[&Field::Board].clone())
        };
        assert_eq!(learnt(&facts, "09"), None);
        assert_eq!(learnt(&facts, "11").as_deref(), Some("Net"));
        assert_eq!(learnt(&facts, "21").as_deref(), Some("Service Desk"));
        // An outcome that comes in three weeks late is unknown until then.
        facts.outcome_reported_at = Some(at("2026-11-30T09:00:00Z"));
        assert_eq!((learnt(&facts, "29"), facts.outcome_known(at("2026-11-30T09:00:00Z"))), (None, true));
        facts.resolved_at = None;
        assert!(!facts.outcome_known(Timestamp::MAX));
    }

    #[test]
    fn r24_the_closing_label_is_the_newest_of_seven_days_as_far_as_known() {
        let facts = closed();
        let closing =
            |day: &str| facts.closing_label_at(Field::Board, at(&format!("2026-11-{day}T13:00:00Z")));
        assert_eq!(["09", "10", "13", "30"].map(closing), [None, Some("Net"), Some("Mail"), Some("Mail")]);
        assert_eq!(closing("30"), facts.closing_label(Field::Board));
    }

    #[test]
    fn a_ticket_that_was_moved_came_in_for_its_first_customer() {
        let mut facts = ticket("1");
        assert_eq!(facts.customer_when_opened(), Some("Corvid Ltd"));
        let moved = |minutes, from| crate::facts::tests::change(minutes, Changed::Customer, from, "x");
        facts.events = vec![moved(90, "Alder"), moved(5, "Birch")];
        assert_eq!(facts.customer_when_opened(), Some("Birch"));
        facts.events = vec![moved(5, "")];
        assert_eq!(facts.customer_when_opened(), None);
    }
}
