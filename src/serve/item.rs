//! A ticket on its way through the service, and what its sender gets.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use firstline_fault::{Code, Result as Outcome};
use firstline_store::{CustomerSet, DraftState, Route, Standing, Store, Work};
use firstline_ticket::{Decision, Field, Ticket};
use firstline_triage::Prepared;
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::desk::Desk;
use crate::drafts::DraftBell;
use crate::problem::Problem;

/// Seconds that a claim of work holds; whoever is at it renews it every two.
pub(crate) const LEASE: i64 = 20;

/// The work that this process is at. What it is done with, or gave up for a fault that may pass, is not in it: its claim ends.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<HashSet<i64>>);

/// Some of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hold<'h> {
    held: &'h Held,
    work: Vec<i64>,
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes claimed work up.
    pub(crate) fn hold(&self, work: &[Work]) -> Hold<'_> {
        let work: Vec<i64> = work.iter().map(|work| work.id).collect();
        self.lock().extend(&work);
        Hold { held: self, work }
    }

    /// All of it.
    pub(crate) fn all(&self) -> Vec<i64> {
        self.lock().iter().copied().collect()
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut held = self.held.lock();
        self.work.iter().for_each(|id| {
            held.remove(id);
        });
    }
}

/// Labels of a field that are kept on record: the decision and its alternatives.
pub(crate) const KEPT_LABELS: usize = 5;

/// What is on record of a ticket's decision.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) decision_id: String,
    pub(crate) bundle: String,
    pub(crate) decision: Decision,
    pub(crate) route: Route,
    pub(crate) collapsed_into: Option<String>,
    pub(crate) repeated: bool,
    pub(crate) draft_state: DraftState,
    pub(crate) draft_version: i64,
}

impl Answer {
    /// What stands of a ticket that came again.
    fn of(standing: &Standing) -> Self {
        Self {
            decision_id: standing.decision_id.clone(),
            bundle: standing.bundle.clone(),
            decision: standing.decision.clone(),
            route: standing.route,
            collapsed_into: standing.collapsed_into.clone(),
            repeated: true,
            draft_state: standing.draft_state,
            draft_version: standing.draft_version,
        }
    }
}

/// What a ticket's sender wants, and what is known of it beside its text.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) received_at: Timestamp,
    pub(crate) actor: String,
    /// Whose tickets the actor may see.
    pub(crate) customers: CustomerSet,
    pub(crate) customer: String,
    pub(crate) input_hash: String,
    pub(crate) storm: Option<String>,
    pub(crate) draft: bool,
    /// `(work id, owner)` where it is an item of a job.
    pub(crate) work: Option<(i64, String)>,
}

/// A key that is held to some customers asked for another's ticket.
pub(crate) fn not_for_this_key() -> Problem {
    let next = "Use a key for this customer";
    Problem::new(Code::Scope, "customer", "the key is not for this ticket's customer", next)
}

/// A ticket on its way.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) desk: Arc<Desk>,
    pub(crate) ticket: Ticket,
    pub(crate) prepared: Prepared,
    pub(crate) asked: Asked,
    pub(crate) standing: Option<Standing>,
    pub(crate) came: Instant,
    pub(crate) deadline: Instant,
    pub(crate) tries: u32,
    pub(crate) reply: oneshot::Sender<Result<Answer, Problem>>,
}

impl Item {
    /// What deciding it costs.
    pub(crate) fn tokens(&self) -> usize {
        self.prepared.tokens()
    }

    /// The values that people have set.
    pub(crate) fn given(&self) -> BTreeMap<Field, String> {
        self.standing.as_ref().map(|standing| standing.locked.clone()).unwrap_or_default()
    }

    /// What is wrong with deciding it, in view of how it stands: it is another customer's than the sender may see.
    pub(crate) fn refused(&self) -> Option<Problem> {
        let theirs = self.standing.as_ref().is_some_and(|known| !self.asked.customers.has(&known.customer));
        theirs.then(not_for_this_key)
    }

    /// Whether what stands is what would be decided: nothing of the ticket, of the bundle and of what people set has changed.
    fn holds(&self) -> Option<&Standing> {
        let set = |standing: &Standing| {
            standing.locked.iter().all(|(field, label)| {
                standing.decision.fields.get(field).is_some_and(|decided| decided.label == *label)
            })
        };
        self.standing.as_ref().filter(|standing| {
            standing.input_hash == self.asked.input_hash && standing.bundle == self.desk.id && set(standing)
        })
    }

    /// What the alerts of its storm share. What a person has set is nobody else's: such a ticket is of no storm.
    pub(crate) fn storm(&self) -> Option<&str> {
        let is_set = self.standing.as_ref().is_some_and(|standing| !standing.locked.is_empty());
        self.asked.storm.as_deref().filter(|_| !is_set)
    }

    /// The answer to a ticket whose decision [holds](Self::holds): what stands, on record as the job's item where it is one, and
    /// the draft that is asked for only now.
    pub(crate) fn again(&self, store: &dyn Store, drafts: &DraftBell) -> Option<Outcome<Answer>> {
        let standing = self.holds()?;
        let answer = || {
            let mut answer = Answer::of(standing);
            if let Some((work, owner)) = &self.asked.work {
                store.known(*work, owner, &answer.decision_id, Timestamp::now())?;
            }
            let due = self.asked.draft && standing.draft_state == DraftState::None && !standing.answered;
            if due && store.want_draft(&answer.decision_id, &self.asked.actor)? {
                (answer.draft_state, answer.draft_version) =
                    (DraftState::Writing, standing.draft_version + 1);
                drafts.ring();
            }
            Ok(answer)
        };
        Some(answer())
    }

    /// Whether a first response is due: it was asked for, or one is under way that this decision takes the place of, and the
    /// customer has not been answered.
    pub(crate) fn is_draft_due(&self) -> bool {
        let waits = |state| matches!(state, DraftState::Writing | DraftState::Pending);
        match &self.standing {
            Some(standing) => !standing.answered && (self.asked.draft || waits(standing.draft_state)),
            None => self.asked.draft,
        }
    }

    /// Whether nobody waits for it any more. A job's item is never given up: it is on record.
    pub(crate) fn is_given_up(&self, now: Instant) -> bool {
        self.asked.work.is_none() && (self.reply.is_closed() || self.deadline <= now)
    }

    /// Says that it came too late.
    pub(crate) fn give_up(self) {
        let next = "Send it again; send fewer at a time";
        let problem = "it was not decided within the deadline, and nothing is recorded of it";
        self.answer(Err(Problem::new(Code::Deadline, "the ticket", problem, next)));
    }

    /// Tells whoever waits; that nobody does is no fault.
    pub(crate) fn answer(self, answer: Result<Answer, Problem>) {
        let _gone = self.reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_with_is_held_no_longer() {
        let work = |id| Work {
            id,
            job: None,
            drafts: false,
            ticket: Ticket::default(),
            decision: None,
            actor: String::new(),
            received_at: Timestamp::UNIX_EPOCH,
            attempts: 1,
        };
        let held = Held::default();
        let first = held.hold(&[work(1), work(2)]);
        let second = held.hold(&[work(3)]);
        drop(first);
        assert_eq!(held.all(), [3]);
        drop(second);
        assert!(held.all().is_empty());
    }
}
