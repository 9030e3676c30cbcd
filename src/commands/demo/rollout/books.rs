//! The stand-in's own books beside the service's store, once the weeks are over: each thing done once, and none where it was not allowed.
//!
//! Must never count what the loop says of itself: one side is what stands in the PSA, the other what stands in the store.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fakes::{Author, Deed, World};
use firstline_store::{Action, ActionKind, ActionOrigin, ActionState, CustomerSet, Hold};
use firstline_ticket::own_mark;
use jiff::Timestamp;
use serde::Serialize;

use super::stage::Stage;
use super::through::Through;
use crate::commands::demo::psa::told;
use crate::failure::Failure;

/// Actions that are read at once.
const PAGE: usize = 500;
/// Differences of a kind that are named.
const NAMED: usize = 5;

/// Both books, and where they differ.
#[derive(Debug, Default, Serialize)]
pub(super) struct Books {
    /// Tickets that the PSA has opened since the loop ran.
    opened: usize,
    /// Of these, tickets with a decision.
    decided: usize,
    /// Decisions beyond the first of a state of a ticket.
    decided_twice: usize,
    /// Decisions about a ticket that had changed.
    decided_again: usize,
    /// Replies that the store has as done.
    replies: usize,
    /// Notes with Firstline's mark that stand in the PSA.
    notes: usize,
    /// Tickets that the store has as closed by Firstline.
    closed: usize,
    /// Closings by the API's user in the PSA's history.
    closings: usize,
    /// Label changes that the store has as done.
    labels: usize,
    /// Writes that the PSA has taken.
    writes: usize,
    /// Of these, writes before the gate to assist passed.
    before_the_gate: usize,
    /// Of these, writes while all that people approve was on hold.
    on_hold: usize,
    /// Replies that nobody approved, before anything was granted or while that was on hold.
    alone_unasked: usize,
    /// What does not fit.
    differences: Vec<String>,
}

/// What the store says.
#[derive(Debug, Default)]
struct Ours {
    /// All actions that were done.
    done: Vec<Action>,
    /// When the gates to assist and to autonomous passed.
    assist_from: Option<Timestamp>,
    alone_from: Option<Timestamp>,
    /// Holds of everything: how far, since when, until when.
    holds: Vec<(Hold, Timestamp, Option<Timestamp>)>,
}

/// What the PSA says.
#[derive(Debug, Default)]
struct Theirs {
    /// Notes of the API's user: their ticket and what they say.
    notes: Vec<(String, String)>,
    /// Tickets that it closed, once for each time.
    closings: Vec<String>,
    /// When it wrote, and what.
    writes: Vec<(Timestamp, String)>,
}

impl Books {
    /// Compares them, with the moments from which on people's approval and nobody's was enough.
    pub(super) fn of(
        stage: &Stage,
        through: &Through,
        (assist_from, alone_from): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<Self, Failure> {
        let holds = stage.store.holds(false)?.into_iter().filter(|hold| hold.scope == Default::default());
        let holds = holds.map(|hold| (hold.level, hold.at, hold.released.map(|release| release.at)));
        let ours = Ours { done: done(stage)?, assist_from, alone_from, holds: holds.collect() };
        let (theirs, opened) = through.stand_in.fake.world(|world| {
            let opened: BTreeSet<String> = world.tickets.keys().map(ToString::to_string).collect();
            (Theirs::of(world), opened)
        });
        let mut books = Self::compare(&ours, &theirs);
        let told = told(stage.store.as_ref())?;
        books.opened = opened.len();
        let missing: Vec<&str> =
            opened.iter().filter(|number| !told.contains_key(*number)).map(String::as_str).collect();
        books.decided = books.opened - missing.len();
        books.decided_twice = told.values().map(|one| one.twice).sum();
        books.decided_again = told.values().map(|one| one.again).sum();
        books.differ("tickets were not decided", missing.into_iter());
        let twice = told.iter().filter(|(_, one)| one.twice > 0).map(|(number, _)| number.as_str());
        books.differ("tickets were decided twice as they were", twice);
        Ok(books)
    }

    fn compare(ours: &Ours, theirs: &Theirs) -> Self {
        let of = |kind| ours.done.iter().filter(move |action| action.kind == kind);
        let mut books = Self {
            replies: of(ActionKind::Reply).count(),
            notes: theirs.notes.len(),
            closings: theirs.closings.len(),
            labels: of(ActionKind::SetFields).count(),
            writes: theirs.writes.len(),
            ..Self::default()
        };
        books.notes_fit(ours, theirs);
        let mut closed: Vec<&str> = of(ActionKind::Close)
            .filter(|action| action.psa_ref.is_some())
            .map(|action| action.ticket_id.as_str())
            .collect();
        books.closed = closed.len();
        let mut closings: Vec<&str> = theirs.closings.iter().map(String::as_str).collect();
        closed.sort_unstable();
        closings.sort_unstable();
        books.differ(
            "tickets are closed once in one of the books alone",
            apart(&closed, &closings).into_iter(),
        );
        books.nothing_unasked(ours, theirs);
        books
    }

    /// Each reply stands in its ticket once, and nothing else of Firstline's does.
    fn notes_fit(&mut self, ours: &Ours, theirs: &Theirs) {
        let mut standing: BTreeMap<(&str, i64), usize> = BTreeMap::new();
        let mut unmarked = Vec::new();
        for (ticket, text) in &theirs.notes {
            match own_mark(text).and_then(action_of) {
                Some(action) => *standing.entry((ticket, action)).or_default() += 1,
                None => unmarked.push(ticket.as_str()),
            }
        }
        self.differ("notes stand in the PSA without a mark, in tickets", unmarked.into_iter());
        let mut wrong = Vec::new();
        for action in ours.done.iter().filter(|action| action.kind == ActionKind::Reply) {
            let times = standing.remove(&(action.ticket_id.as_str(), action.id)).unwrap_or(0);
            if times != 1 {
                wrong.push(format!("{} ({times} times)", action.ticket_id));
            }
        }
        self.differ("replies do not stand in the PSA once, in tickets", wrong.iter().map(String::as_str));
        let more: Vec<&str> = standing.keys().map(|(ticket, _)| *ticket).collect();
        self.differ("notes stand in the PSA that no done action has written, in tickets", more.into_iter());
    }

    /// Nothing is written before it is allowed, nor while it is on hold.
    fn nothing_unasked(&mut self, ours: &Ours, theirs: &Theirs) {
        let on_hold = |at: Timestamp, level: Hold| {
            let holds = |(hold, from, to): &(Hold, Timestamp, Option<Timestamp>)| {
                *hold >= level && *from <= at && to.is_none_or(|to| at < to)
            };
            ours.holds.iter().any(holds)
        };
        let before = |at: Timestamp, from: Option<Timestamp>| from.is_none_or(|from| at < from);
        let early = theirs.writes.iter().filter(|(at, _)| before(*at, ours.assist_from));
        let early: Vec<&str> = early.map(|(_, what)| what.as_str()).collect();
        let held = theirs.writes.iter().filter(|(at, _)| on_hold(*at, Hold::BackOut));
        let held: Vec<&str> = held.map(|(_, what)| what.as_str()).collect();
        let unasked = ours.done.iter().filter(|action| {
            let is_reply = action.kind == ActionKind::Reply && action.origin == ActionOrigin::Auto;
            let at = action.done_at.filter(|_| is_reply);
            at.is_some_and(|at| before(at, ours.alone_from) || on_hold(at, Hold::Pause))
        });
        let unasked: Vec<&str> = unasked.map(|action| action.ticket_id.as_str()).collect();
        (self.before_the_gate, self.on_hold, self.alone_unasked) = (early.len(), held.len(), unasked.len());
        self.differ("writes came before the gate to assist passed", early.into_iter());
        self.differ("writes came while everything was on hold", held.into_iter());
        self.differ("replies went out alone that were not granted, in tickets", unasked.into_iter());
    }

    fn differ<'a>(&mut self, what: &str, places: impl Iterator<Item = &'a str>) {
        let places: Vec<&str> = places.collect();
        if !places.is_empty() {
            let named = places.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            self.differences.push(format!("{} {what}: {named}", places.len()));
        }
    }

    /// Where the books differ.
    pub(super) fn differences(&self) -> &[String] {
        &self.differences
    }

    /// What they say, in a line.
    pub(super) fn line(&self) -> String {
        format!(
            "{} tickets opened, {} decided; {} replies done, {} in the PSA; {} closed, {} in the PSA; {} writes, {} before the gate, {} on hold",
            self.opened,
            self.decided,
            self.replies,
            self.notes,
            self.closed,
            self.closings,
            self.writes,
            self.before_the_gate,
            self.on_hold
        )
    }
}

impl Theirs {
    fn of(world: &World) -> Self {
        let notes = world.notes.values().filter(|note| note.by == Author::Api);
        let closing: BTreeSet<&str> = world
            .statuses
            .values()
            .filter(|status| status.closed)
            .map(|status| status.name.as_str())
            .collect();
        let closings = world.changes.iter().filter(|change| {
            change.by == Author::Api
                && change.deed == Deed::Status
                && change.to.as_deref().is_some_and(|to| closing.contains(to))
        });
        Self {
            notes: notes.map(|note| (note.ticket.to_string(), note.text.clone())).collect(),
            closings: closings.map(|change| change.ticket.to_string()).collect(),
            writes: world.writes.iter().map(|write| (write.at, write.what.clone())).collect(),
        }
    }
}

/// All actions that were done.
fn done(stage: &Stage) -> Result<Vec<Action>, Failure> {
    let (mut done, mut before) = (Vec::new(), None);
    loop {
        let page = stage.store.actions(Some(ActionState::Done), &CustomerSet::All, before, PAGE)?;
        before = page.items.last().map(|action| action.id);
        done.extend(page.items);
        if !page.more || before.is_none() {
            return Ok(done);
        }
    }
}

/// The action that a mark names, such as 17 in `[ref FL-42-9f3a2b1c-17]`.
fn action_of(mark: &str) -> Option<i64> {
    mark.trim_end_matches(']').rsplit('-').next()?.parse().ok()
}

/// What stands in one of two sorted lists more often than in the other.
fn apart<'a>(one: &[&'a str], other: &[&'a str]) -> Vec<&'a str> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    one.iter().for_each(|name| *counts.entry(name).or_default() += 1);
    other.iter().for_each(|name| *counts.entry(name).or_default() -= 1);
    counts.into_iter().filter(|(_, n)| *n != 0).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use firstline_ticket::mark_own_note;
    use serde_json::json;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 60 * minute).unwrap()
    }

    fn action(id: i64, kind: ActionKind, origin: ActionOrigin, minute: i64) -> Action {
        Action {
            id,
            kind,
            ticket_id: (100 + id).to_string(),
            customer: "moss".to_owned(),
            decision_id: format!("d{id}"),
            payload: json!({}),
            idempotency_key: format!("k{id}"),
            state: ActionState::Done,
            attempts: 1,
            lease_until: None,
            fault: None,
            origin,
            epoch: 0,
            done_at: Some(at(minute)),
            psa_ref: Some("1".to_owned()),
            result: None,
        }
    }

    /// A reply that a person approved, one that nobody did, and a closing.
    fn books() -> (Ours, Theirs) {
        let done = vec![
            action(1, ActionKind::Reply, ActionOrigin::Person, 10),
            action(2, ActionKind::Reply, ActionOrigin::Auto, 20),
            action(3, ActionKind::Close, ActionOrigin::Auto, 30),
        ];
        let note = |id: i64| ((100 + id).to_string(), mark_own_note("Please restart it.", id));
        let theirs = Theirs {
            notes: vec![note(1), note(2)],
            closings: vec!["103".to_owned()],
            writes: [10, 20, 30].map(|minute| (at(minute), format!("write {minute}"))).into(),
        };
        (Ours { done, assist_from: Some(at(5)), alone_from: Some(at(15)), holds: Vec::new() }, theirs)
    }

    #[test]
    fn books_that_agree_differ_nowhere() {
        let (ours, theirs) = books();
        let found = Books::compare(&ours, &theirs);
        assert!(found.differences().is_empty(), "{found:?}");
        assert_eq!((found.replies, found.notes, found.closed, found.closings, found.writes), (2, 2, 1, 1, 3));
    }

    #[test]
    fn each_difference_is_told() {
        type Change = fn(&mut Ours, &mut Theirs);
        let changes: [(Change, &str); 9] = [
            (
                |_, theirs| theirs.notes.push(theirs.notes[0].clone()),
                "1 replies do not stand in the PSA once, in tickets: 101 (2 times)",
            ),
            (
                |_, theirs| drop(theirs.notes.pop()),
                "1 replies do not stand in the PSA once, in tickets: 102 (0 times)",
            ),
            (
                |ours, _| drop(ours.done.remove(0)),
                "1 notes stand in the PSA that no done action has written, in tickets: 101",
            ),
            (
                |_, theirs| theirs.notes[1].1 = "Hello.".to_owned(),
                "1 notes stand in the PSA without a mark, in tickets: 102",
            ),
            (
                |_, theirs| theirs.closings.push("103".to_owned()),
                "1 tickets are closed once in one of the books alone: 103",
            ),
            (
                |ours, _| ours.done[2].psa_ref = None,
                "1 tickets are closed once in one of the books alone: 103",
            ),
            (
                |ours, _| ours.assist_from = Some(at(11)),
                "1 writes came before the gate to assist passed: write 10",
            ),
            (
                |ours, _| ours.holds = vec![(Hold::BackOut, at(25), None)],
                "1 writes came while everything was on hold: write 30",
            ),
            (
                |ours, _| ours.holds = vec![(Hold::Pause, at(15), Some(at(25)))],
                "1 replies went out alone that were not granted, in tickets: 102",
            ),
        ];
        for (change, told) in changes {
            let (mut ours, mut theirs) = books();
            change(&mut ours, &mut theirs);
            let found = Books::compare(&ours, &theirs);
            assert!(found.differences().iter().any(|one| one == told), "{told}: {:?}", found.differences());
        }
    }

    #[test]
    fn nothing_is_allowed_where_no_gate_has_passed() {
        let (ours, theirs) = books();
        let found = Books::compare(&Ours { assist_from: None, alone_from: None, ..ours }, &theirs);
        assert_eq!((found.before_the_gate, found.alone_unasked), (3, 1));
    }
}
