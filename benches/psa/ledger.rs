//! What the store has of a day, beside what happened in the PSA.
//!
//! The audit log says when each ticket was decided and drafted, and whether twice; the facts say how each ended. Must take the PSA's word
//! for what happened, never the connection's.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fakes::{Deed, Fake, World};
use firstline_store::{CustomerSet, Store, TicketRow};
use firstline_ticket::Field;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::score::Score;

/// Entries of the audit log that are read at a time.
const PAGE: usize = 10_000;
/// A first draft is due within this many seconds of the ticket's creation, and for this share of tickets.
const DRAFT_WITHIN: f64 = 60.0;
const DRAFT_SHARE: f64 = 0.95;

/// A ticket as the PSA has it.
pub(crate) struct True {
    opened: Timestamp,
    /// Whether it has ended: closed, or merged into another.
    ended: bool,
    merged: bool,
    labels: BTreeMap<Field, String>,
    /// When it was closed and opened again, in order.
    closings: Vec<(Timestamp, bool)>,
    /// Values that were changed, in order.
    changes: Vec<(Timestamp, String)>,
}

impl True {
    fn was_closed(&self, at: Timestamp) -> bool {
        self.closings.iter().rev().find(|(then, _)| *then <= at).is_some_and(|(_, closed)| *closed)
    }
}

/// The tickets of a PSA that are not deleted.
pub(crate) fn truth(fake: &Fake) -> BTreeMap<String, True> {
    let one = |world: &World, ticket: &firstline_fakes::Ticket| {
        let labels = [
            (Field::Board, world.boards.get(&ticket.board).map(|found| found.name.clone())),
            (Field::Type, ticket.kind.and_then(|id| world.kinds.get(&id)).map(|found| found.name.clone())),
            (
                Field::Subtype,
                ticket.subkind.and_then(|id| world.subkinds.get(&id)).map(|found| found.name.clone()),
            ),
            (
                Field::Priority,
                ticket.priority.and_then(|id| world.priorities.get(&id)).map(|found| found.name.clone()),
            ),
            (
                Field::Technician,
                ticket.owner.and_then(|id| world.technicians.get(&id)).map(|found| found.name.clone()),
            ),
        ];
        True {
            opened: ticket.entered_at,
            ended: ticket.closed_at.is_some() || ticket.merged_into.is_some(),
            merged: ticket.merged_into.is_some(),
            labels: labels.into_iter().filter_map(|(field, label)| Some((field, label?))).collect(),
            closings: Vec::new(),
            changes: Vec::new(),
        }
    };
    fake.world(|world| {
        let there = world.tickets.values().filter(|ticket| !ticket.deleted);
        let mut all: BTreeMap<String, True> =
            there.map(|ticket| (ticket.id.to_string(), one(world, ticket))).collect();
        let closing: BTreeSet<&str> = world
            .statuses
            .values()
            .filter(|status| status.closed)
            .map(|status| status.name.as_str())
            .collect();
        for change in &world.changes {
            let Some(ticket) = all.get_mut(&change.ticket.to_string()) else { continue };
            let closed = change.to.as_deref().is_some_and(|name| closing.contains(name));
            if change.deed == Deed::Status {
                ticket.closings.push((change.at, closed));
            }
            let (from, to) = (change.from.as_deref().unwrap_or("-"), change.to.as_deref().unwrap_or("-"));
            let what = format!("{:?} {from} -> {to} by {:?}", change.deed, change.by);
            ticket.changes.push((change.at, what));
        }
        all
    })
}

/// A decision on record.
struct Decided {
    at: Timestamp,
    input: String,
    /// Whether labels of the ticket had been set since the one before: what people set is part of what is decided on.
    after_labels: bool,
}

/// What is on record.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Decisions by ticket, in order.
    decided: BTreeMap<String, Vec<Decided>>,
    /// When a ticket had its first draft.
    drafted: BTreeMap<String, Timestamp>,
    /// The ticket of each decision.
    ticket_of: BTreeMap<String, String>,
    rows: BTreeMap<String, TicketRow>,
    /// Tickets whose labels were told since they were decided last.
    told: BTreeSet<String>,
    /// What the audit log has of each ticket, in order.
    courses: BTreeMap<String, Vec<(Timestamp, String)>>,
}

impl Ledger {
    /// Reads a store.
    pub(crate) fn read(store: &dyn Store) -> Self {
        let (mut ledger, mut seq) = (Self::default(), 0);
        loop {
            let entries = store.audit_entries(seq, PAGE).expect("the audit log");
            let Some(last) = entries.last() else { break };
            seq = last.seq;
            entries
                .iter()
                .for_each(|entry| ledger.take(&entry.action, &entry.subject, (&entry.detail, entry.at)));
        }
        let now = Timestamp::now();
        let (from, to) = (now - SignedDuration::from_hours(24 * 365), now + SignedDuration::from_hours(24));
        let mut each = |row: TicketRow| {
            ledger.rows.insert(row.judged.ticket_id.clone(), row);
            Ok(())
        };
        store.facts(from, to, &CustomerSet::All, &mut each).expect("the facts");
        ledger
    }

    fn take(&mut self, action: &str, subject: &str, (detail, at): (&str, Timestamp)) {
        let detail: Value = serde_json::from_str(detail).unwrap_or_default();
        let ticket = self.ticket_of.get(subject).cloned();
        match (action, ticket) {
            ("decide", _) => {
                let text = |key: &str| detail[key].as_str().unwrap_or_default().to_owned();
                let (ticket, input) = (text("ticket"), text("input_hash") + &text("bundle"));
                self.ticket_of.insert(subject.to_owned(), ticket.clone());
                let after_labels = self.told.remove(&ticket);
                self.decided.entry(ticket).or_default().push(Decided { at, input, after_labels });
            }
            ("draft", Some(ticket)) if detail["text"].is_string() => {
                self.drafted.entry(ticket).or_insert(at);
            }
            ("feedback" | "review", Some(ticket)) => {
                self.told.insert(ticket);
            }
            _ => {}
        }
        if let Some(ticket) = self.ticket_of.get(subject) {
            let state = detail["state"].as_str().or(detail["kind"].as_str()).unwrap_or_default();
            let step = (at, format!("{action} {state}"));
            self.courses.entry(ticket.clone()).or_default().push(step);
        }
    }

    /// What happened to a ticket in the PSA and on record, in seconds from its opening.
    fn course(&self, id: &str, ticket: &True) -> String {
        let on_record = self.courses.get(id).into_iter().flatten();
        let mut steps: Vec<&(Timestamp, String)> = on_record.chain(&ticket.changes).collect();
        steps.sort_by_key(|(at, _)| *at);
        let since = |at: Timestamp| at.duration_since(ticket.opened).as_secs_f64();
        let steps: Vec<String> =
            steps.iter().map(|(at, what)| format!("{:.1} s {what}", since(*at))).collect();
        steps.join(", ")
    }

    /// Tickets that were opened by `until` and are not on record.
    pub(crate) fn undecided(&self, truth: &BTreeMap<String, True>, until: Timestamp) -> Vec<String> {
        let missing =
            |(id, ticket): &(&String, &True)| ticket.opened <= until && !self.decided.contains_key(*id);
        truth.iter().filter(missing).map(|(id, _)| id.clone()).collect()
    }

    /// Tickets that have ended in the PSA, and whose end is not on record, or another.
    pub(crate) fn unjoined(&self, truth: &BTreeMap<String, True>) -> Vec<String> {
        let ended = truth.iter().filter(|(_, ticket)| ticket.ended);
        let told = |(id, ticket): (&String, &True)| {
            Some(format!("{id} ({}: {})", self.lacks(id, ticket)?, self.course(id, ticket)))
        };
        ended.filter_map(told).collect()
    }

    fn lacks(&self, id: &str, ticket: &True) -> Option<String> {
        let Some(row) = self.rows.get(id) else { return Some("not on record".to_owned()) };
        let outcome = &row.judged.outcome;
        if !row.judged.reported || outcome.resolved_at.is_none() && outcome.merged_into.is_none() {
            return Some("its end is not".to_owned());
        }
        if ticket.merged && outcome.merged_into.is_none() {
            return Some("its merge is not".to_owned());
        }
        let other = ticket.labels.iter().find(|(field, label)| outcome.labels.get(field) != Some(label));
        other.map(|(field, label)| format!("{field} {label:?}, on record {:?}", outcome.labels.get(field)))
    }

    /// Tickets of which the same was decided twice, though nobody had set anything.
    fn twice(&self) -> Vec<String> {
        let again = |decided: &[Decided]| {
            decided.windows(2).any(|two| two[0].input == two[1].input && !two[1].after_labels)
        };
        self.decided.iter().filter(|(_, decided)| again(decided)).map(|(id, _)| id.clone()).collect()
    }

    /// Adds what must hold of every day to a score, and how long things took; `lag` is the aim of the
    /// decisions' p95, in words and seconds.
    pub(crate) fn judge(&self, score: &mut Score, truth: &BTreeMap<String, True>, lag: Option<(&str, f64)>) {
        let all = truth.len();
        let edited = self.decided.values().flatten().filter(|decided| decided.after_labels).count();
        let decisions: usize = self.decided.values().map(Vec::len).sum();
        score.must_be(
            "tickets opened in the PSA that are decided",
            all - self.undecided(truth, Timestamp::MAX).len(),
            all,
        );
        let strange = self.decided.keys().filter(|id| !truth.contains_key(*id)).count();
        score.must_be("tickets on record that the PSA does not have", strange, 0);
        score.none("tickets of which the same was decided twice", &self.twice());
        let again = decisions - self.decided.len();
        score.fact("decided again on another subject, sender or customer", again - edited);
        score.fact("decided again since people had set labels", edited);
        let closed = |(id, decided): (&String, &Vec<Decided>)| {
            let was =
                |one: &&Decided| one.after_labels && truth.get(id).is_some_and(|t| t.was_closed(one.at));
            decided.iter().skip(1).filter(was).count()
        };
        score.fact("  of them when they were closed", self.decided.iter().map(closed).sum::<usize>());
        let ended = truth.values().filter(|ticket| ticket.ended).count();
        let unjoined = self.unjoined(truth);
        score.must_be("ends in the PSA that are joined, with the same labels", ended - unjoined.len(), ended);
        if !unjoined.is_empty() {
            score.none("  not joined", &unjoined);
        }
        score.fact("  of them merged into another", truth.values().filter(|ticket| ticket.merged).count());
        let since = |id: &String, at: Timestamp| Some(at.duration_since(truth.get(id)?.opened).as_secs_f64());
        let first = |(id, decided): (&String, &Vec<Decided>)| since(id, decided.first()?.at);
        let lags: Vec<f64> = self.decided.iter().filter_map(first).collect();
        let aim = lag.map(|(words, _)| format!("; aim: p95 within {words}")).unwrap_or_default();
        score.seconds(&format!("from opening to the decision{aim}"), lags, lag.map(|(_, seconds)| seconds));
        let drafts: Vec<f64> = self.drafted.iter().filter_map(|(id, at)| since(id, *at)).collect();
        let within = drafts.iter().filter(|seconds| **seconds <= DRAFT_WITHIN).count();
        score.seconds("from opening to the first draft", drafts, None);
        let due = |row: &&TicketRow| row.judged.draft_due || self.drafted.contains_key(&row.judged.ticket_id);
        let due = self.rows.values().filter(due).count();
        score.share(
            "first draft within 60 s, of tickets that are due one",
            (within, due),
            lag.map(|_| DRAFT_SHARE),
        );
        let people = self.rows.values().filter(|row| row.judged.decision.kind.wants_answer()).count();
        score.share("first draft within 60 s, of all people's tickets", (within, people), None);
    }
}
