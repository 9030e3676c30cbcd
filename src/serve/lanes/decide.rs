//! Two threads from ticket to record: one decides batch after batch, the other settles what was decided against what stands and
//! puts it on record, while the next batch is decided. The sender of a ticket hears of it when it is on record, not before.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use firstline_fault::{Code, InternalError, Result};
use firstline_rollout::is_blind;
use firstline_store::{Cell, Decided, DraftState, Recorded, Route, StormHead};
use firstline_ticket::{Decision, Field, Phase};
use firstline_triage::settle;
use jiff::{Timestamp, ToSpan};
use rayon::prelude::*;
use uuid::Uuid;

use super::spawn;
use crate::item::{Answer, Item, KEPT_LABELS};
use crate::problem::Problem;
use crate::queue::{Piece, Work, cost_of};
use crate::rollout::{Allowed, Certified, allowed};
use crate::shared::Shared;

/// Batches between the two threads.
const BETWEEN: usize = 2;
/// The cost of tickets from which on no more are added to a transaction.
const RECORDED_TOGETHER: usize = 1_024;
/// How often a ticket that changes all the time is decided anew before its sender has to wait.
const MOST_TRIES: u32 = 5;

/// Labels of a field that are looked at: a label that stands needs the confidence that the model has in it now.
const LOOKED_AT: usize = 10;

/// What was decided; no decision for one of a storm, which shares its head's.
type Batch = Vec<(Item, Option<Decision>)>;

/// Both threads' work.
#[derive(Debug, Clone)]
struct Deciding {
    shared: Arc<Shared>,
}

/// Starts both. They end when they are through with what was in the queue, which must be closed.
pub(super) fn start(shared: &Arc<Shared>) -> Result<Vec<JoinHandle<()>>> {
    let (to_record, decided) = sync_channel(BETWEEN);
    let first = Deciding { shared: Arc::clone(shared) };
    let second = first.clone();
    let decide = spawn("decide", move || {
        first.decide_all(&to_record);
        Ok(())
    })?;
    let record = spawn("record", move || {
        second.record_all(&decided);
        Ok(())
    })?;
    Ok(vec![decide, record])
}

impl Deciding {
    fn decide_all(&self, to_record: &SyncSender<Batch>) {
        while let Some(batch) = self.shared.queue.take() {
            let start = Instant::now();
            self.shared.metrics.batch_tokens.observe(batch.cost as f64);
            if !batch.tickets.is_empty() {
                // The other thread ends only after this one.
                let _ended = to_record.send(self.decide_tickets(batch.tickets));
            }
            batch.pieces.into_par_iter().for_each(Piece::run);
            self.shared.queue.took(batch.cost, start.elapsed());
        }
    }

    fn decide_tickets(&self, tickets: Vec<Item>) -> Batch {
        let metrics = &self.shared.metrics;
        let start = Instant::now();
        metrics.batch_tickets.observe(tickets.len() as f64);
        let waits = metrics.stage_seconds.get_or_create(&"wait".into()).clone();
        tickets.iter().for_each(|item| waits.observe((start - item.order.came).as_secs_f64()));
        let decided = match decide(&tickets) {
            Ok(decisions) => tickets.into_iter().zip(decisions).collect(),
            // One of them may be to blame: each by itself, then.
            Err(_) => tickets.into_iter().filter_map(alone).collect(),
        };
        metrics.stage("decide", start);
        decided
    }

    fn record_all(&self, decided: &Receiver<Batch>) {
        while let Ok(mut batch) = decided.recv() {
            // One transaction for all that is there, unless it is so much that those who come next would wait for it.
            let cost =
                |batch: &Batch| batch.iter().map(|(item, _)| cost_of(item.bytes(), item.cost)).sum::<usize>();
            while cost(&batch) < RECORDED_TOGETHER
                && let Ok(more) = decided.try_recv()
            {
                batch.extend(more);
            }
            let start = Instant::now();
            self.record(batch);
            self.shared.metrics.stage("record", start);
        }
    }

    fn record(&self, batch: Batch) {
        let now = self.shared.clock.now();
        let mut heads = match self.heads(&batch, now) {
            Ok(heads) => heads,
            Err(problem) => return batch.into_iter().for_each(|(item, _)| item.answer(Err(problem.clone()))),
        };
        // Those that follow a head of this very batch are recorded when it is.
        let mut later = Vec::new();
        let mut first = Vec::new();
        let mut storms = HashSet::new();
        for (item, decision) in batch {
            // A ticket does not follow itself.
            let head =
                item.storm().and_then(|storm| heads.get(storm)).filter(|h| h.ticket_id != item.ticket.id);
            if let Some(head) = head {
                first.push(collapsed(item, head));
                continue;
            }
            // Batches that are recorded together were decided apart: each may have a first of the same storm.
            match decision.filter(|_| leads(&item, &mut storms)) {
                Some(decision) => first.push(self.settled(item, decision)),
                None => later.push(item),
            }
        }
        for (item, decided) in self.put(first, now) {
            if let (Some(storm), None) = (&decided.storm, &decided.collapsed_into) {
                heads.insert(storm.clone(), head_of(&decided, now));
            }
            self.answer(item, decided);
        }
        let (mut follow, mut alone) = (Vec::new(), Vec::new());
        for item in later {
            match item.storm().and_then(|storm| heads.get(storm)) {
                Some(head) => follow.push(collapsed(item, head)),
                None => alone.push(item),
            }
        }
        self.put(follow, now).into_iter().for_each(|(item, decided)| self.answer(item, decided));
        // Their head did not make it.
        self.again(alone);
    }

    /// The heads of the storms that are going on.
    fn heads(
        &self,
        batch: &Batch,
        now: Timestamp,
    ) -> std::result::Result<HashMap<String, StormHead>, Problem> {
        let storms: Vec<&str> = batch.iter().filter_map(|(item, _)| item.storm()).collect();
        if storms.is_empty() {
            return Ok(HashMap::new());
        }
        let since = now
            .checked_sub(i64::from(self.shared.settings.storm_minutes).minutes())
            .unwrap_or(Timestamp::MIN);
        Ok(self.shared.store.storm_heads(&storms, since)?)
    }

    /// A decision as it goes on record.
    fn settled(&self, item: Item, mut decision: Decision) -> (Item, Decided) {
        if let Some(standing) = &item.standing {
            settle(&mut decision, &standing.decision, self.shared.settings.change_at);
        }
        for field in decision.fields.values_mut() {
            field.alternatives.truncate(KEPT_LABELS - 1);
        }
        let by_rule = decision.rules.iter().any(|rule| rule.person);
        let route = if by_rule { Route::Person } else { Route::Review };
        let draft = decision.kind.wants_answer() && item.is_draft_due();
        let decided = decided(&item, decision, route, None, draft);
        (item, decided)
    }

    /// Puts these on record; gives those that are. What has changed meanwhile is decided again.
    fn put(&self, items: Vec<(Item, Decided)>, now: Timestamp) -> Vec<(Item, Decided)> {
        let (items, mut decided): (Vec<Item>, Vec<Decided>) = items.into_iter().unzip();
        if items.is_empty() {
            return Vec::new();
        }
        if let Err(error) = self.judge(&mut decided) {
            let problem = Problem::from(error);
            items.into_iter().for_each(|item| item.answer(Err(problem.clone())));
            return Vec::new();
        }
        let recorded = match self.shared.store.record(&decided, now) {
            Ok(recorded) => recorded,
            Err(error) => {
                let problem = Problem::from(error);
                items.into_iter().for_each(|item| item.answer(Err(problem.clone())));
                return Vec::new();
            }
        };
        let (mut stored, mut stale) = (Vec::new(), Vec::new());
        for ((item, decided), recorded) in items.into_iter().zip(decided).zip(recorded) {
            match recorded {
                Recorded::Stored => stored.push((item, decided)),
                Recorded::Stale => stale.push(item),
                Recorded::Moved => {
                    let problem = "it came in later as another customer's: this is old news";
                    let next = "Send it as the PSA has it now";
                    item.answer(Err(Problem::new(Code::NotFound, "the ticket", problem, next)));
                }
                Recorded::Lost => {
                    let problem = "its job was called off, or somebody else does it";
                    item.answer(Err(Problem::new(
                        Code::Conflict,
                        "the job's item",
                        problem,
                        "Ask how the job stands",
                    )));
                }
            }
        }
        self.again(stale);
        stored
    }

    /// Says of each how far Firstline may go with it, and whether it belongs to the blind sample, of which nothing is drafted.
    fn judge(&self, decided: &mut [Decided]) -> Result<()> {
        let label = |one: &Decided, field| one.decision.fields.get(&field).map(|found| found.label.clone());
        let categories: Vec<_> =
            decided.iter().map(|one| (label(one, Field::Board), label(one, Field::Type))).collect();
        let cells = decided.iter().zip(&categories).map(|(one, (board, kind))| {
            let (board, ticket_type) = (board.as_deref(), kind.as_deref());
            (Cell { customer: &one.customer, board, ticket_type }, one.bundle.as_str())
        });
        let cells: Vec<(Cell<'_>, &str)> = cells.collect();
        let settings = &self.shared.settings;
        let found = allowed(self.shared.store.as_ref(), settings.phase, &cells)?;
        drop(cells);
        for (one, Allowed { phase, granted, thresholds, .. }) in decided.iter_mut().zip(found) {
            one.phase = Some(phase);
            // What a rule has fired on is urgent, or for a person: nobody is to be kept from it.
            let may_hide = granted
                && phase >= Phase::Assist
                && one.route == Route::Review
                && one.decision.rules.is_empty()
                // What a storm shares, everybody sees with the next of it.
                && one.storm.is_none();
            one.blind =
                may_hide && is_blind(&one.ticket.id, settings.rollout.blind_share, &self.shared.installation);
            one.draft &= !one.blind;
            if one.route == Route::Review && !one.blind && Certified::of(&one.decision, &thresholds).any() {
                one.route = Route::Auto;
            }
        }
        Ok(())
    }

    /// Decides tickets anew, as they stand now.
    fn again(&self, items: Vec<Item>) {
        if items.is_empty() {
            return;
        }
        let named: Vec<_> = items.iter().map(Item::reference).collect();
        let standing = match self.shared.store.standing(&named) {
            Ok(standing) => standing,
            Err(error) => {
                let problem = Problem::from(error);
                return items.into_iter().for_each(|item| item.answer(Err(problem.clone())));
            }
        };
        let (mut next, now) = (Vec::new(), self.shared.clock.now());
        for (mut item, standing) in items.into_iter().zip(standing) {
            item.standing = standing;
            item.tries += 1;
            if let Some(problem) = item.refused() {
                item.answer(Err(problem));
            } else if let Some(known) = item.known(self.shared.store.as_ref(), &self.shared.draft_bell, now) {
                item.answer(known.map_err(Problem::from));
            } else if item.tries >= MOST_TRIES {
                let problem = "it changes faster than it can be decided";
                item.answer(Err(Problem::new(Code::Conflict, "the ticket", problem, "Send it again later")));
            } else {
                next.push(item);
            }
        }
        for item in next {
            let key = item.order.actor.clone();
            for work in
                self.shared.queue.push(&key, vec![Work::Ticket(Box::new(item))]).err().unwrap_or_default()
            {
                if let Work::Ticket(item) = work {
                    item.answer(Err(Problem::overload("the service is stopping", 5)));
                }
            }
        }
    }

    fn answer(&self, item: Item, decided: Decided) {
        let route = match decided.route {
            Route::Person => "person",
            Route::Review => "review",
            Route::Auto => "auto",
            Route::Storm => "storm",
        };
        self.shared.metrics.decisions.get_or_create(&route.into()).inc();
        if decided.draft {
            self.shared.draft_bell.ring();
        }
        let drafting = item.live.drafting.clone();
        item.answer(Ok(Answer {
            decision_id: decided.id,
            bundle: decided.bundle,
            drafting: Some(drafting),
            decision: decided.decision,
            route: decided.route,
            collapsed_into: decided.collapsed_into,
            repeated: false,
            phase: decided.phase,
            blind: decided.blind,
            draft_state: if decided.draft { DraftState::Writing } else { DraftState::None },
            draft_version: 1,
        }));
    }
}

/// Decides an item by itself; one that can't be hears why.
fn alone(item: Item) -> Option<(Item, Option<Decision>)> {
    match decide(std::slice::from_ref(&item)) {
        Ok(mut decisions) => Some((item, decisions.pop().flatten())),
        Err(error) => {
            item.answer(Err(error.into()));
            None
        }
    }
}

/// Decides the items of a batch, all of one bundle; whatever a ticket makes of the engine, the next batch is decided.
fn decide(batch: &[Item]) -> Result<Vec<Option<Decision>>> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| decide_batch(batch)))
        .unwrap_or_else(|_| Err(InternalError::new("deciding a batch panicked").into()))
}

/// Decides the items of a batch: none for those that follow another of their storm.
fn decide_batch(batch: &[Item]) -> Result<Vec<Option<Decision>>> {
    let mut storms = HashSet::new();
    let leads: Vec<bool> = batch.iter().map(|item| leads(item, &mut storms)).collect();
    let asked: Vec<&Item> =
        batch.iter().zip(&leads).filter(|(_, leads)| **leads).map(|(item, _)| item).collect();
    let Some(first) = asked.first() else { return Ok(vec![None; batch.len()]) };
    let engine = &first.live.engine;
    let features = engine.gather(asked.iter().filter_map(|item| item.prepared.clone()).collect())?;
    let tickets: Vec<_> = asked.iter().map(|item| item.ticket.clone()).collect();
    let given: Vec<_> = asked.iter().map(|item| item.given()).collect();
    let mut decisions = engine.decide_features(&tickets, &features, &given, LOOKED_AT)?.into_iter();
    Ok(leads.into_iter().map(|leads| if leads { decisions.next() } else { None }).collect())
}

/// Whether an item is decided by itself: the first of its storm, of which `storms` has those that were seen.
fn leads(item: &Item, storms: &mut HashSet<String>) -> bool {
    let first = item.storm().is_none_or(|storm| storms.insert(storm.to_owned()));
    // One that is known may be the head itself.
    first || item.standing.is_some()
}

fn decided(item: &Item, decision: Decision, route: Route, into: Option<String>, draft: bool) -> Decided {
    Decided {
        id: Uuid::now_v7().to_string(),
        ticket: item.ticket.clone(),
        customer: item.customer.clone(),
        sees: item.order.customers.clone(),
        expected: item.standing.as_ref().map_or(0, |standing| standing.version),
        input_hash: item.input_hash.clone(),
        bundle: item.live.id.clone(),
        drafting: Some(item.live.drafting.clone()),
        decision,
        route,
        storm: item.storm().map(str::to_owned),
        collapsed_into: into,
        draft,
        phase: None,
        blind: false,
        received_at: item.order.received_at,
        actor: item.order.actor.clone(),
        work: item.order.work.clone(),
    }
}

/// An alert that shares the decision of the first of its storm.
fn collapsed(item: Item, head: &StormHead) -> (Item, Decided) {
    let mut decision = Decision { id: item.ticket.id.clone(), ..head.decision.clone() };
    // What a person has set of the head, they have not set of this one.
    decision.kept.clear();
    let decided = decided(&item, decision, Route::Storm, Some(head.decision_id.clone()), false);
    (item, decided)
}

fn head_of(decided: &Decided, at: Timestamp) -> StormHead {
    StormHead {
        decision_id: decided.id.clone(),
        ticket_id: decided.ticket.id.clone(),
        decision: decided.decision.clone(),
        at,
    }
}
