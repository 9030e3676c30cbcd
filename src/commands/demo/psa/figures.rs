//! What a run showed, day by day: out of the service's store, beside the books of the PSA's stand-in.
//!
//! Tickets count on the day on which the PSA opened them, ends on the day on which it last closed them, even where a customer's thanks
//! has opened them again. Must never count what only the
//! generator knows.

use std::collections::{BTreeMap, HashMap, HashSet};

use firstline_fakes::{Change, Deed, Id, Logged, Ticket, World, Write};
use firstline_stats::{Interval, quantile, wilson95};
use firstline_store::{AuditEntry, CustomerSet, Store};
use firstline_ticket::{Field, JudgedDecision, JudgedTicket, Verdict};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;

use super::desk::Desk;
use super::stage::Stage;
use crate::failure::Failure;

/// Seconds within which a first draft is due.
pub(super) const IN_TIME: f64 = 60.0;
/// The name of agreement on all fields at once.
pub(super) const ALL: &str = "all";
/// Entries of the audit log that are read at a time.
const PAGE: usize = 10_000;

/// The figures.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// Of each day.
    pub(super) days: BTreeMap<Date, Tally>,
    /// Of all of them.
    pub(super) total: Tally,
    /// Each ticket's decision, with how it ended.
    pub(super) judged: Vec<JudgedDecision>,
    /// The tickets as the PSA has them, by their number.
    pub(super) tickets: HashMap<String, Ticket>,
    /// When the PSA last closed each ticket that it has closed.
    closed: HashMap<Id, Timestamp>,
}

/// What is counted.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Tally {
    /// Tickets that the PSA opened.
    pub(super) opened: usize,
    /// Of these, tickets that have a decision.
    pub(super) decided: usize,
    /// Decisions beyond the first of a ticket that had not changed.
    pub(super) decided_twice: usize,
    /// Decisions beyond the first of a ticket that had: its customer, contact or words.
    pub(super) decided_again: usize,
    /// Tickets that wait for an answer, as far as they were decided, and all that were not.
    pub(super) drafts_due: usize,
    /// Of these, tickets that have a draft.
    pub(super) drafted: usize,
    /// Of these, tickets that had it within a minute of the PSA's opening.
    pub(super) drafted_in_time: Share,
    /// Seconds from the PSA's opening to the first draft: median.
    pub(super) draft_seconds_p50: Option<f64>,
    /// What 95 % keep to.
    pub(super) draft_seconds_p95: Option<f64>,
    /// Tickets that the PSA closed, also those that were opened again.
    pub(super) closed: usize,
    /// Of these, tickets whose end is joined to their decision.
    pub(super) joined: usize,
    /// Of these, tickets that were opened again before the loop saw them closed: they have not ended.
    pub(super) back_open: usize,
    /// Decisions that agree with the labels at closing, by field and on all at once.
    pub(super) agreement: BTreeMap<&'static str, Share>,
    /// Requests to the PSA.
    pub(super) requests: usize,
    /// Of these, requests that it refused or left without a reply.
    pub(super) refused: usize,
    /// Writes to the PSA.
    pub(super) writes: usize,
    #[serde(skip)]
    seconds: Vec<f64>,
}

/// A share, with its Wilson interval at 95 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) part: usize,
    pub(super) of: usize,
}

impl Share {
    fn count(&mut self, holds: bool) {
        self.of += 1;
        self.part += usize::from(holds);
    }

    /// The share; `None` of nothing.
    pub(super) fn value(self) -> Option<f64> {
        (self.of > 0).then(|| firstline_stats::share(self.part, self.of))
    }

    /// Its interval.
    pub(super) fn interval(self) -> Interval {
        wilson95(self.part, self.of)
    }
}

impl Serialize for Share {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let interval = (self.of > 0).then(|| self.interval());
        serde_json::json!({"part": self.part, "of": self.of, "share": self.value(), "interval95": interval})
            .serialize(serializer)
    }
}

impl Figures {
    /// Reads them.
    pub(super) fn of(stage: &Stage, desk: &Desk) -> Result<Self, Failure> {
        let now = stage.clock.now();
        let judged = stage.store.judged(Timestamp::UNIX_EPOCH, now, &CustomerSet::All)?;
        let (tickets, closed, writes) = stage.desk.fake.world(|world| {
            let known = world.tickets.values().filter(|ticket| !ticket.deleted);
            let tickets: HashMap<String, Ticket> =
                known.map(|ticket| (ticket.id.to_string(), ticket.clone())).collect();
            (tickets, closed(world), world.writes.clone())
        });
        let mut figures = Self { judged, tickets, closed, ..Self::default() };
        figures.name_days(desk);
        figures.count_tickets(desk, &told(stage.store.as_ref())?);
        figures.count_traffic(desk, &stage.desk.fake.log(), &writes);
        figures.total.finish();
        figures.days.values_mut().for_each(Tally::finish);
        Ok(figures)
    }

    /// Days on which nothing happens are shown, too.
    fn name_days(&mut self, desk: &Desk) {
        let mut day = desk.first_day();
        for _ in 0..desk.days {
            self.days.entry(day).or_default();
            day = day.tomorrow().unwrap_or(day);
        }
    }

    fn count_tickets(&mut self, desk: &Desk, told: &HashMap<String, Told>) {
        let judged: HashMap<&str, &JudgedDecision> =
            self.judged.iter().map(|one| (one.ticket_id.as_str(), one)).collect();
        for (number, ticket) in &self.tickets {
            let one = judged.get(number.as_str()).copied();
            let told = told.get(number).copied().unwrap_or_default();
            let mut on = |at: Timestamp, count: &dyn Fn(&mut Tally)| {
                count(self.days.entry(desk.day(at)).or_default());
                count(&mut self.total);
            };
            on(ticket.entered_at, &|tally| tally.open(ticket, one, told));
            if let Some(&at) = self.closed.get(&ticket.id) {
                on(at, &|tally| tally.close(ticket, one));
            }
        }
    }

    fn count_traffic(&mut self, desk: &Desk, log: &[Logged], writes: &[Write]) {
        // What was asked after the last day belongs to it: the last round, and what was still to be told.
        let day = |at: Timestamp| desk.day(at.min(desk.to - jiff::SignedDuration::from_nanos(1)));
        for logged in log {
            for tally in [self.days.entry(day(logged.at)).or_default(), &mut self.total] {
                tally.requests += 1;
                tally.refused += usize::from(logged.status == 0 || logged.status >= 400);
            }
        }
        for write in writes {
            self.days.entry(day(write.at)).or_default().writes += 1;
            self.total.writes += 1;
        }
    }
}

impl Tally {
    fn open(&mut self, ticket: &Ticket, one: Option<&JudgedDecision>, told: Told) {
        self.opened += 1;
        self.decided += usize::from(one.is_some());
        self.decided_twice += told.twice;
        self.decided_again += told.again;
        if one.is_some_and(|one| !one.decision.kind.wants_answer()) {
            return;
        }
        self.drafts_due += 1;
        let seconds = told.drafted_at.map(|at| at.duration_since(ticket.entered_at).as_secs_f64());
        self.drafted += usize::from(seconds.is_some());
        self.drafted_in_time.count(seconds.is_some_and(|seconds| seconds <= IN_TIME));
        self.seconds.extend(seconds);
    }

    fn close(&mut self, ticket: &Ticket, one: Option<&JudgedDecision>) {
        self.closed += 1;
        let Some(one) = one.filter(|one| one.reported) else {
            self.back_open += usize::from(ticket.closed_at.is_none() && ticket.merged_into.is_none());
            return;
        };
        self.joined += 1;
        let verdicts = JudgedTicket::from(one).verdicts;
        let is_known = |verdict: &Verdict<'_>| matches!(verdict, Verdict::Same | Verdict::Other(_));
        for (field, verdict) in Field::ALL.iter().zip(&verdicts).filter(|(_, verdict)| is_known(verdict)) {
            self.agreement.entry(field.name()).or_default().count(*verdict == Verdict::Same);
        }
        if verdicts.iter().all(is_known) {
            let all = verdicts.iter().all(|verdict| *verdict == Verdict::Same);
            self.agreement.entry(ALL).or_default().count(all);
        }
    }

    fn finish(&mut self) {
        self.seconds.sort_by(f64::total_cmp);
        self.draft_seconds_p50 = quantile(&self.seconds, 0.5);
        self.draft_seconds_p95 = quantile(&self.seconds, 0.95);
    }
}

/// When each ticket was last closed, or merged into another.
fn closed(world: &World) -> HashMap<Id, Timestamp> {
    let closing: HashSet<&str> =
        world.statuses.values().filter(|status| status.closed).map(|status| status.name.as_str()).collect();
    let closes = |change: &&Change| match change.deed {
        Deed::Status => change.to.as_deref().is_some_and(|to| closing.contains(to)),
        deed => deed == Deed::Merged,
    };
    world.changes.iter().filter(closes).map(|change| (change.ticket, change.at)).collect()
}

/// What the audit log tells of a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::commands::demo) struct Told {
    /// Decisions beyond the first of a state of it.
    pub(in crate::commands::demo) twice: usize,
    /// States beyond the first that were decided.
    pub(in crate::commands::demo) again: usize,
    /// When its first draft was ready.
    drafted_at: Option<Timestamp>,
}

/// What the audit log tells of each ticket: it has an entry for each decision and each draft.
pub(in crate::commands::demo) fn told(store: &dyn Store) -> Result<HashMap<String, Told>, Failure> {
    let mut states = HashMap::<String, HashMap<String, usize>>::new();
    let (mut drafts, mut tickets, mut last) = (HashMap::new(), HashMap::new(), 0);
    loop {
        let page = store.audit_entries(last, PAGE)?;
        for AuditEntry { at, action, subject, detail, .. } in &page {
            let detail: Value = serde_json::from_str(detail)?;
            let text = |key: &str| detail[key].as_str().unwrap_or_default().to_owned();
            match action.as_str() {
                "decide" => {
                    tickets.insert(subject.clone(), text("ticket"));
                    *states.entry(text("ticket")).or_default().entry(text("input_hash")).or_default() += 1;
                }
                // One that could not be made has no text.
                "draft" if detail["text"].is_string() => {
                    if let Some(ticket) = tickets.get(subject) {
                        drafts.entry(ticket.clone()).or_insert(*at);
                    }
                }
                _ => {}
            }
        }
        match page.last() {
            Some(entry) => last = entry.seq,
            None => break,
        }
    }
    let told = states.into_iter().map(|(ticket, states)| {
        let told = Told { drafted_at: drafts.get(&ticket).copied(), ..Told::of(&states) };
        (ticket, told)
    });
    Ok(told.collect())
}

impl Told {
    /// By the times that each state of a ticket was decided.
    fn of(states: &HashMap<String, usize>) -> Self {
        let twice = states.values().map(|n| n - 1).sum();
        Self { twice, again: states.len().saturating_sub(1), drafted_at: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_comes_again_is_decided_twice_and_another_again() {
        let of = |states: &[(&str, usize)]| {
            Told::of(&states.iter().map(|(state, n)| ((*state).to_owned(), *n)).collect())
        };
        assert_eq!(of(&[("a", 1)]), Told::default());
        assert_eq!(of(&[("a", 1), ("b", 1)]), Told { again: 1, ..Told::default() });
        assert_eq!(of(&[("a", 3), ("b", 1)]), Told { twice: 2, again: 1, drafted_at: None });
    }

    #[test]
    fn a_share_of_nothing_is_not_known() {
        let mut share = Share::default();
        assert_eq!((share.value(), serde_json::json!(share)["interval95"].is_null()), (None, true));
        [true, true, false, true].into_iter().for_each(|holds| share.count(holds));
        assert_eq!((share, share.value()), (Share { part: 3, of: 4 }, Some(0.75)));
        assert!(share.interval().lo < 0.75 && share.interval().hi > 0.75);
    }
}
