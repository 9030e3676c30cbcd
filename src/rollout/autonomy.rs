//! Which tickets Firstline resolved alone (R54), and which only ran out.
//!
//! Must never count what somebody may have done: a ticket whose history is not known is neither.

use firstline_ticket::{ActorKind, Changed, Event, Happening};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{Share, TicketFacts, Tiers};

/// Who resolved a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Autonomy {
    /// Firstline: it answered, and closed it when the customer had confirmed. No person of the desk did anything in between.
    Confirmed,
    /// Firstline alone answered, and a rule of the PSA's or the customer closed it.
    TimedOut,
    /// A person had a part in it, or it is not resolved.
    People,
    /// Nobody knows.
    Unknown,
}

/// Days within which a ticket that is opened again was not resolved; until then that is provisional.
const HOLDS_AFTER: i64 = 30;

/// How far the stamp of a resolution may be from the change of status.
const STAMPED: SignedDuration = SignedDuration::from_secs(5);

/// Who resolved `ticket`.
pub fn autonomy(ticket: &TicketFacts, tiers: &Tiers) -> Autonomy {
    let Some(closed) = ticket.resolved_at else { return Autonomy::People };
    let history = ticket.history();
    let before = || history.iter().copied().filter(|event| event.at <= closed + STAMPED);
    let by_people = before().any(|event| event.actor_kind == ActorKind::Technician);
    let reviewed = ticket.review.is_some_and(|review| review.at <= closed);
    let again = ticket.reopened == Some(true) || tiers.reopened(ticket) == Some(true);
    let answered = |event: &Event| {
        let visible = matches!(event.what, Happening::Message { visible: true, automatic: false, .. });
        event.actor_kind == ActorKind::Firstline && visible
    };
    if by_people || reviewed || again || ticket.opened_by_technician || !before().any(answered) {
        return Autonomy::People;
    }
    let closing = ticket.changes(Changed::Status).into_iter().rev().find(|change| {
        let into_closed = change.to.is_some_and(|status| tiers.closed.contains(status));
        into_closed || change.event.at.duration_since(closed).abs() <= STAMPED
    });
    match closing.map(|change| change.event.actor_kind) {
        _ if !ticket.history_known => Autonomy::Unknown,
        None => Autonomy::Unknown,
        Some(ActorKind::Firstline) => Autonomy::Confirmed,
        Some(ActorKind::System | ActorKind::Customer) => Autonomy::TimedOut,
        Some(ActorKind::Technician) => Autonomy::People,
    }
}

/// Whether `ticket` may still be opened again in the time that counts against it.
pub fn is_provisional(ticket: &TicketFacts, now: Timestamp) -> bool {
    ticket.resolved_at.is_some_and(|at| now < at + SignedDuration::from_hours(24 * HOLDS_AFTER))
}

/// Resolved first-level tickets, and who resolved them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LevelOne {
    /// All that first level resolved, by people or not, and all of which nobody knows which level resolved them.
    pub resolved: u64,
    /// Of these, the ones whose level nobody knows: they count as first level's, so that what is resolved alone is never too large a part.
    pub unplaced: u64,
    /// Of those, the ones that Firstline resolved alone.
    pub confirmed: u64,
    /// The ones that only ran out.
    pub timed_out: u64,
    /// Of the confirmed ones, those that may still be opened again in the time that counts.
    pub provisional: u64,
    /// Of all resolved tickets, those of which nobody knows who resolved them.
    pub unknown: u64,
}

impl LevelOne {
    /// Of people's tickets, each with who resolved it, as known at `moment`.
    pub fn of<'a>(
        tickets: impl IntoIterator<Item = (&'a TicketFacts, Autonomy)>,
        tiers: &Tiers,
        moment: Timestamp,
    ) -> Self {
        let mut found = Self::default();
        for (ticket, who) in tickets.into_iter().filter(|(ticket, _)| ticket.resolved_at.is_some()) {
            let alone = matches!(who, Autonomy::Confirmed | Autonomy::TimedOut);
            found.unknown += u64::from(who == Autonomy::Unknown);
            // What no person touched was first-level work.
            if !alone {
                match tiers.handled_by(ticket) {
                    Some(1) => {}
                    Some(_) => continue,
                    None => found.unplaced += 1,
                }
            }
            found.resolved += 1;
            found.timed_out += u64::from(who == Autonomy::TimedOut);
            if who == Autonomy::Confirmed {
                found.confirmed += 1;
                found.provisional += u64::from(is_provisional(ticket, moment));
            }
        }
        found
    }

    /// Resolved alone, of all that first level resolved, or may have resolved.
    pub fn share(&self) -> Share {
        Share::new(self.confirmed, self.resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reviewed;
    use crate::facts::tests::{at, event, ticket};

    fn message(minutes: i64, by: ActorKind) -> Event {
        event(minutes, by, Happening::Message { visible: true, automatic: false, text_key: None })
    }

    fn status(minutes: i64, by: ActorKind, from: &str, to: &str) -> Event {
        let what = Happening::Change { of: Changed::Status, from: Some(from.into()), to: Some(to.into()) };
        event(minutes, by, what)
    }

    /// Answered after 2 minutes, confirmed after 30, closed after 31.
    fn alone() -> TicketFacts {
        let mut facts = ticket("1");
        facts.resolved_at = Some(at("2026-11-02T08:31:00Z"));
        facts.events = vec![
            message(2, ActorKind::Firstline),
            message(30, ActorKind::Customer),
            status(31, ActorKind::Firstline, "Waiting", "Closed"),
        ];
        facts
    }

    fn tiers() -> Tiers {
        Tiers { closed: ["Closed".to_owned()].into(), ..Tiers::default() }
    }

    #[test]
    fn r54_what_a_person_had_a_part_in_is_not_resolved_alone() {
        assert_eq!(autonomy(&alone(), &tiers()), Autonomy::Confirmed);
        let entry = Happening::TimeEntry { seconds: 60.0, visible: false };
        let note = Happening::Message { visible: false, automatic: false, text_key: None };
        let parts = [
            event(10, ActorKind::Technician, note),
            event(10, ActorKind::Technician, entry),
            crate::facts::tests::change(10, Changed::Priority, "P3", "P2"),
        ];
        for part in parts {
            let mut facts = alone();
            facts.events.push(part.clone());
            assert_eq!(autonomy(&facts, &tiers()), Autonomy::People, "{part:?}");
            // Filing it away later is no part in it.
            facts.events.last_mut().unwrap().at = at("2026-11-20T08:00:00Z");
            assert_eq!(autonomy(&facts, &tiers()), Autonomy::Confirmed, "{part:?}");
        }
        let review = Some(Reviewed { at: at("2026-11-02T08:01:00Z"), seconds: None });
        assert_eq!(autonomy(&TicketFacts { review, ..alone() }, &tiers()), Autonomy::People);
        assert_eq!(
            autonomy(&TicketFacts { opened_by_technician: true, ..alone() }, &tiers()),
            Autonomy::People
        );
        assert_eq!(autonomy(&TicketFacts { resolved_at: None, ..alone() }, &tiers()), Autonomy::People);
        // Nothing was said: Firstline resolved nothing.
        let mut silent = alone();
        silent.events.remove(0);
        assert_eq!(autonomy(&silent, &tiers()), Autonomy::People);
    }

    #[test]
    fn r54_silence_is_no_confirmation_and_an_unknown_history_no_proof() {
        for by in [ActorKind::System, ActorKind::Customer] {
            let mut facts = alone();
            facts.events[2].actor_kind = by;
            assert_eq!(autonomy(&facts, &tiers()), Autonomy::TimedOut, "{by:?}");
            assert_eq!(autonomy(&facts, &Tiers::default()), Autonomy::TimedOut, "{by:?}");
        }
        let mut facts = alone();
        facts.events.truncate(2);
        assert_eq!(autonomy(&facts, &tiers()), Autonomy::Unknown);
        assert_eq!(autonomy(&TicketFacts { history_known: false, ..alone() }, &tiers()), Autonomy::Unknown);
    }

    #[test]
    fn r54_a_ticket_of_unknown_level_makes_no_share_larger() {
        let (alone, mut people) = (alone(), alone());
        people.events.remove(2);
        assert_eq!(tiers().handled_by(&people), None);
        let told = [(&alone, Autonomy::Confirmed), (&people, Autonomy::People), (&people, Autonomy::People)];
        let found = LevelOne::of(told, &tiers(), at("2026-11-03T08:00:00Z"));
        assert_eq!((found.confirmed, found.resolved, found.unplaced), (1, 3, 2));
    }

    #[test]
    fn r54_opened_again_it_was_not_resolved_and_for_30_days_that_may_come() {
        assert_eq!(autonomy(&TicketFacts { reopened: Some(true), ..alone() }, &tiers()), Autonomy::People);
        let mut again = alone();
        again.events.push(status(3_000, ActorKind::Customer, "Closed", "New"));
        assert_eq!(autonomy(&again, &tiers()), Autonomy::People);
        assert!(is_provisional(&alone(), at("2026-12-02T08:30:59Z")));
        assert!(!is_provisional(&alone(), at("2026-12-02T08:31:00Z")));
    }
}
