//! Which tier handled a ticket. Tiers are data that a person has confirmed: without them, nobody knows.
//!
//! Must never guess: a ticket whose boards or technicians have no tier is unknown, and a hand-off within a tier is no escalation.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::{Changed, Event, Field, Happening};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::TicketFacts;

/// The tiers of a desk, `tiers.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// Tier of each board, 1 to 3.
    #[serde(default)]
    pub boards: BTreeMap<String, u8>,
    /// Tier of each technician.
    #[serde(default)]
    pub technicians: BTreeMap<String, u8>,
    /// Tier that a ticket has come to when it gets a status.
    #[serde(default)]
    pub statuses: BTreeMap<String, u8>,
    /// Statuses in which a ticket is done.
    #[serde(default)]
    pub closed: BTreeSet<String>,
    /// Statuses in which the desk waits for the customer or a supplier.
    #[serde(default)]
    pub waiting: BTreeSet<String>,
    /// The best technicians, with whom agreement is measured apart; empty where nobody has named them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub best: BTreeSet<String>,
}

impl Tiers {
    /// Reads `tiers.toml`; `place` names it in errors.
    ///
    /// # Errors
    /// [`Code::Config`] when it is not of that form, or a tier is not 1 to 3.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let fault = |problem: String| {
            let next = "Give [boards], [technicians] and [statuses] names with a tier of 1, 2 or 3";
            UserError::new(Code::Config, place, problem, next)
        };
        let tiers: Self = toml::from_str(text)
            .map_err(|e| fault(e.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))?;
        let all = tiers.boards.iter().chain(&tiers.technicians).chain(&tiers.statuses);
        match all.into_iter().find(|(_, tier)| !(1..=3).contains(*tier)) {
            Some((name, tier)) => Err(fault(format!("{name:?} has tier {tier}")).into()),
            None => Ok(tiers),
        }
    }

    /// The highest tier that handled `ticket`; `None` where that is not known. What the PSA says itself comes first.
    pub fn handled_by(&self, ticket: &TicketFacts) -> Option<u8> {
        match ticket.escalated {
            Some(true) => return Some(2),
            Some(false) => return Some(1),
            None => (),
        }
        let seen = |table: &BTreeMap<String, u8>, of: Changed, now: Option<&str>| -> (Option<u8>, bool) {
            let changes = ticket.changes(of);
            let names = changes.iter().flat_map(|change| [change.from, change.to]).chain([now]).flatten();
            let tiers: Vec<Option<u8>> = names.map(|name| table.get(name).copied()).collect();
            (tiers.iter().copied().flatten().max(), tiers.iter().all(Option::is_some) && !tiers.is_empty())
        };
        let (board, all_boards) = seen(&self.boards, Changed::Board, ticket.label(Field::Board));
        let (owner, all_owners) = seen(&self.technicians, Changed::Owner, ticket.label(Field::Technician));
        let (status, _) = seen(&self.statuses, Changed::Status, None);
        let highest = board.max(owner).max(status)?;
        // Tier 1 alone holds only where whatever has tiers is known throughout.
        let complete = (self.boards.is_empty() || all_boards) && (self.technicians.is_empty() || all_owners);
        (highest > 1 || (complete && ticket.history_known)).then_some(highest)
    }

    /// Whether `ticket` was opened again after it had been done; `None` where that is not known.
    pub fn reopened(&self, ticket: &TicketFacts) -> Option<bool> {
        let opened_again = |change: &crate::facts::Change<'_>| {
            let closed = |status: Option<&str>| status.is_some_and(|status| self.closed.contains(status));
            closed(change.from) && !closed(change.to)
        };
        let by_events = || {
            let known = !self.closed.is_empty() && ticket.history_known;
            known.then(|| ticket.changes(Changed::Status).iter().any(opened_again))
        };
        ticket.reopened.or_else(by_events)
    }

    /// When a ticket's status went from one that closes to one that does not, each time after `from`; never where no statuses are known to
    /// close.
    pub fn opened_again<'a>(
        &'a self,
        events: &'a [Event],
        from: Timestamp,
    ) -> impl Iterator<Item = Timestamp> + 'a {
        let closed =
            |status: &Option<String>| status.as_ref().is_some_and(|status| self.closed.contains(status));
        let again = move |event: &&Event| match &event.what {
            Happening::Change { of: Changed::Status, from: was, to } => {
                event.at > from && closed(was) && to.is_some() && !closed(to)
            }
            _ => false,
        };
        events.iter().filter(again).map(|event| event.at)
    }

    /// Seconds from the opening to the last resolution in which the desk waited for somebody else; `None` where the statuses are not
    /// known.
    pub fn waited(&self, ticket: &TicketFacts) -> Option<f64> {
        let end = ticket.resolved_at?;
        if self.waiting.is_empty() || !ticket.history_known {
            return None;
        }
        let mut since = None;
        let mut waited = 0.0;
        for change in ticket.changes(Changed::Status) {
            let at = change.event.at.clamp(ticket.opened_at, end.max(ticket.opened_at));
            if let Some(since) = since.take() {
                waited += at.duration_since(since).as_secs_f64();
            }
            since = change.to.is_some_and(|to| self.waiting.contains(to)).then_some(at);
        }
        Some(waited + since.map_or(0.0, |since| end.duration_since(since).as_secs_f64().max(0.0)))
    }
}

/// Times that a ticket went from one technician to another; the first to take it is no hand-off. `None` where its history is not
/// known.
pub fn hand_offs(ticket: &TicketFacts) -> Option<usize> {
    let passed =
        |change: &crate::facts::Change<'_>| matches!((change.from, change.to), (Some(a), Some(b)) if a != b);
    ticket.history_known.then(|| ticket.changes(Changed::Owner).iter().filter(|c| passed(c)).count())
}

/// Whether one technician on one board did it all: what can be said of first-level work where no tiers are known, under its own
/// name. That rules routed it at intake is no move. `None` where its history is not known.
pub fn single_touch(ticket: &TicketFacts) -> Option<bool> {
    let boards = ticket.changes(Changed::Board);
    let moved = boards.iter().any(|c| c.from.is_some() && c.from != c.to && !ticket.is_intake(c));
    hand_offs(ticket).map(|hand_offs| hand_offs == 0 && !moved)
}

/// Names that say their tier themselves: "Tier 2", "L3 Escalations", "2nd Line", "Level 1". A suggestion, which a person confirms.
pub fn suggested_tier(name: &str) -> Option<u8> {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let tier = |word: &str| word.parse::<u8>().ok().filter(|tier| (1..=3).contains(tier));
    let level = |word: &str| ["tier", "level", "line", "stufe", "niveau", "nivel"].contains(&word);
    let ordinal = |word: &str| tier(word.trim_end_matches(|c: char| c.is_ascii_alphabetic()));
    words.iter().enumerate().find_map(|(i, word)| {
        let next = words.get(i + 1).copied().unwrap_or_default();
        let glued = ["l", "t", "tier", "level"].iter().find_map(|p| word.strip_prefix(p).and_then(tier));
        let before = level(word).then(|| tier(next)).flatten();
        let after = level(next).then(|| ordinal(word)).flatten();
        glued.or(before).or(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::{at, change, ticket};

    fn tiers() -> Tiers {
        let text = r#"
            closed = ["Closed"]
            waiting = ["Waiting customer"]
            [boards]
            "Service Desk" = 1
            "Network" = 2
            [statuses]
            "Escalated" = 2
        "#;
        Tiers::parse(text, "tiers.toml").unwrap()
    }

    #[test]
    fn r4_without_tiers_nobody_knows_and_with_them_the_highest_counts() {
        let mut facts = ticket("1");
        assert_eq!(Tiers::default().handled_by(&facts), None);
        assert_eq!(tiers().handled_by(&facts), Some(1));
        facts.events = vec![change(5, Changed::Board, "Network", "Service Desk")];
        assert_eq!(tiers().handled_by(&facts), Some(2));
        facts.events = vec![change(5, Changed::Status, "New", "Escalated")];
        assert_eq!(tiers().handled_by(&facts), Some(2));
        facts.events = vec![change(5, Changed::Board, "Cabling", "Service Desk")];
        assert_eq!(tiers().handled_by(&facts), None, "a board without a tier");
        facts.escalated = Some(false);
        assert_eq!(tiers().handled_by(&facts), Some(1), "the PSA says so");
        let no_history = TicketFacts { history_known: false, ..ticket("2") };
        assert_eq!(tiers().handled_by(&no_history), None);
    }

    #[test]
    fn r4_a_hand_off_within_a_tier_is_no_escalation_and_a_technician_who_left_has_no_tier() {
        let mut with_people = tiers();
        with_people.technicians =
            [("ada".to_owned(), 1), ("ben".to_owned(), 1), ("cem".to_owned(), 2)].into();
        let mut facts = ticket("1");
        facts.events = vec![change(5, Changed::Owner, "ada", "ben")];
        assert_eq!(with_people.handled_by(&facts), Some(1));
        assert_eq!((hand_offs(&facts), single_touch(&facts)), (Some(1), Some(false)));
        facts.events.push(change(9, Changed::Owner, "ben", "cem"));
        assert_eq!(with_people.handled_by(&facts), Some(2));
        facts.events = vec![change(5, Changed::Owner, "ada", "left in May")];
        assert_eq!(with_people.handled_by(&facts), None);
        let mut first = change(1, Changed::Owner, "", "ada");
        first.at = at("2026-11-02T08:01:00Z");
        facts.events = vec![first];
        assert_eq!((hand_offs(&facts), single_touch(&facts)), (Some(0), Some(true)));
    }

    #[test]
    fn r4_what_rules_route_at_intake_is_still_one_touch() {
        let mut facts = ticket("1");
        let mut routed = change(0, Changed::Board, "Inbox", "Service Desk");
        routed.actor_kind = firstline_ticket::ActorKind::System;
        facts.events = vec![routed.clone()];
        assert_eq!(single_touch(&facts), Some(true));
        facts.events = vec![change(0, Changed::Board, "Inbox", "Service Desk")];
        assert_eq!(single_touch(&facts), Some(false), "a person moved it");
        routed.at = at("2026-11-02T09:00:00Z");
        facts.events = vec![routed];
        assert_eq!(single_touch(&facts), Some(false), "a rule moved it an hour later");
    }

    #[test]
    fn r3_reopened_and_waiting_are_read_from_statuses() {
        let mut facts = ticket("1");
        facts.events = vec![
            change(10, Changed::Status, "New", "Waiting customer"),
            change(70, Changed::Status, "Waiting customer", "Closed"),
            change(80, Changed::Status, "Closed", "Open"),
            change(90, Changed::Status, "Open", "Waiting customer"),
        ];
        facts.resolved_at = Some(at("2026-11-02T10:00:00Z"));
        assert_eq!((tiers().reopened(&facts), tiers().waited(&facts)), (Some(true), Some(90.0 * 60.0)));
        assert_eq!((Tiers::default().reopened(&facts), Tiers::default().waited(&facts)), (None, None));
        facts.events.truncate(2);
        assert_eq!(tiers().reopened(&facts), Some(false));
        facts.reopened = Some(true);
        assert_eq!(tiers().reopened(&facts), Some(true));
    }

    #[test]
    fn r43_the_moment_of_opening_again_is_that_of_the_status() {
        let mut facts = ticket("1");
        facts.events = vec![
            change(10, Changed::Status, "New", "Closed"),
            change(20, Changed::Status, "Closed", "Open"),
            change(30, Changed::Status, "Open", "Closed"),
            change(40, Changed::Status, "Closed", "Closed"),
            change(50, Changed::Board, "Closed", "Desk"),
        ];
        let again = |from: usize| tiers().opened_again(&facts.events, facts.events[from].at).next();
        assert_eq!((again(0), again(1), again(2)), (Some(facts.events[1].at), None, None));
        assert_eq!(Tiers::default().opened_again(&facts.events, facts.opened_at).next(), None);
    }

    #[test]
    fn r4_a_file_is_refused_by_name_and_names_suggest_tiers() {
        let wrong = Tiers::parse("[boards]\n\"Sales\" = 4", "tiers.toml").unwrap_err().to_string();
        assert!(wrong.contains("tiers.toml") && wrong.contains("Sales"), "{wrong}");
        assert!(Tiers::parse("[board]\nx = 1", "t").unwrap_err().to_string().contains("board"));
        let names = [
            "Tier 2",
            "L3 Escalations",
            "2nd Line Support",
            "level1",
            "First contact",
            "Office 365",
            "P1 desk",
        ];
        assert_eq!(names.map(suggested_tier), [Some(2), Some(3), Some(2), Some(1), None, None, None]);
    }
}
