//! A ticket on its way through the service, and what its sender gets.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use firstline_fault::{Code, Result as OrFault};
use firstline_store::{CustomerSet, DraftState, Route, Standing, Store, TicketRef};
use firstline_ticket::{Decision, Field, Phase, Ticket};
use firstline_triage::Prepared;
use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::bell::Bell;
use crate::live_bundle::LiveBundle;
use crate::memory::Held;
use crate::problem::Problem;

/// Labels of a field that are kept on record: the decision and its alternatives.
pub(crate) const KEPT_LABELS: usize = 5;

/// What is on record of a ticket's decision.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) decision_id: String,
    pub(crate) bundle: String,
    /// The id of everything that shapes this decision's draft.
    pub(crate) drafting: Option<String>,
    pub(crate) decision: Decision,
    pub(crate) route: Route,
    pub(crate) collapsed_into: Option<String>,
    pub(crate) repeated: bool,
    /// How far Firstline might go with it; `None` where nobody knows.
    pub(crate) phase: Option<Phase>,
    /// Whether it belongs to the blind sample.
    pub(crate) blind: bool,
    pub(crate) draft_state: DraftState,
    pub(crate) draft_version: i64,
}

/// What the sender of a ticket wants.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) received_at: Timestamp,
    pub(crate) actor: String,
    /// Whose tickets the actor may see.
    pub(crate) customers: CustomerSet,
    /// Whether a first response is to be drafted.
    pub(crate) draft: bool,
    /// Whether text that is too long for the encoder may be cut.
    pub(crate) truncate: bool,
    pub(crate) came: Instant,
    pub(crate) deadline: Instant,
    /// `(work id, owner)` where it is an item of a job.
    pub(crate) work: Option<(i64, String)>,
    /// What its request takes up, for as long as the ticket is on its way.
    pub(crate) _held: Option<Held>,
}

/// A key that is held to some customers asked for another's ticket.
pub(crate) fn not_for_this_key() -> Problem {
    let next = "Use a key for this customer";
    Problem::new(Code::Scope, "customer", "the key is not for this ticket's customer", next)
}

fn too_long(id: &str, tokens: usize) -> Problem {
    let problem = format!("{tokens} tokens of its text do not fit the encoder");
    let next = "Set \"truncate\": true, and its middle is cut out of the embedding; the answer says how much";
    Problem::new(Code::Input, &format!("ticket {id}"), problem, next)
}

/// A ticket on its way.
#[derive(Debug)]
pub(crate) struct Item {
    /// The bundle that it was prepared with, and is decided by.
    pub(crate) live: Arc<LiveBundle>,
    pub(crate) ticket: Ticket,
    /// What the engine has read of it.
    pub(crate) prepared: Option<Prepared>,
    /// What deciding it costs once it is read, by its length.
    pub(crate) cost: usize,
    pub(crate) customer: String,
    pub(crate) input_hash: String,
    /// What the alerts of its storm share, once it is prepared.
    pub(crate) storm_key: Option<String>,
    pub(crate) order: Order,
    pub(crate) standing: Option<Standing>,
    pub(crate) tries: u32,
    pub(crate) reply: oneshot::Sender<Result<Answer, Problem>>,
}

impl Item {
    /// Reads it; one that can't be read hears why, whatever it makes of the engine, and so does one that comes too late.
    pub(crate) fn read(mut self) -> Option<Self> {
        if self.is_given_up(Instant::now()) {
            self.give_up();
            return None;
        }
        let read = catch_unwind(AssertUnwindSafe(|| self.prepare()));
        match read.unwrap_or_else(|_| Err(Problem::internal("reading a ticket panicked"))) {
            Ok(()) => Some(self),
            Err(problem) => {
                self.answer(Err(problem));
                None
            }
        }
    }

    /// Reads it, as far as that goes without others, where that has not been done.
    fn prepare(&mut self) -> Result<(), Problem> {
        if self.prepared.is_some() {
            return Ok(());
        }
        let engine = &self.live.engine;
        let prepared = engine.prepare(&self.ticket)?;
        if prepared.tokens_cut() > 0 && !self.order.truncate {
            return Err(too_long(&self.ticket.id, prepared.tokens_cut()));
        }
        self.storm_key = engine.storm_key(&self.ticket, &prepared);
        self.prepared = Some(prepared);
        Ok(())
    }

    /// Bytes of its text.
    pub(crate) fn bytes(&self) -> usize {
        [&self.ticket.subject, &self.ticket.body].into_iter().flatten().map(String::len).sum()
    }

    /// The values that people have set.
    pub(crate) fn given(&self) -> BTreeMap<Field, String> {
        self.standing.as_ref().map(|standing| standing.locked.clone()).unwrap_or_default()
    }

    /// What the store knows it by.
    pub(crate) fn reference(&self) -> TicketRef<'_> {
        TicketRef { number: &self.ticket.id, customer: &self.customer }
    }

    /// What is wrong with deciding it, in view of how it stands: its sender may not see its customer, or no longer, or its text
    /// was cut and may not be.
    pub(crate) fn refused(&self) -> Option<Problem> {
        if !self.order.customers.has(&self.customer) {
            return Some(not_for_this_key());
        }
        let cut = self.holds().map_or(0, |standing| standing.decision.tokens_cut);
        (cut > 0 && !self.order.truncate).then(|| too_long(&self.ticket.id, cut))
    }

    /// Whether what stands is what would be decided: nothing of the ticket, of the bundle and of what people set has changed. Of a
    /// closed ticket people's labels are its end, and nothing that is still to be decided with.
    fn holds(&self) -> Option<&Standing> {
        let set = |standing: &Standing| {
            standing.locked.iter().all(|(field, label)| {
                standing.decision.fields.get(field).is_some_and(|decided| decided.label == *label)
            })
        };
        self.standing.as_ref().filter(|standing| {
            standing.input_hash == self.input_hash
                && standing.bundle == self.live.id
                && (standing.closed || set(standing))
        })
    }

    /// What the alerts of its storm share. What a person has set is nobody else's: such a ticket is of no storm.
    pub(crate) fn storm(&self) -> Option<&str> {
        let is_set = self.standing.as_ref().is_some_and(|standing| !standing.locked.is_empty());
        self.storm_key.as_deref().filter(|_| !is_set)
    }

    /// The answer to a ticket whose decision [holds](Self::holds): what stands, on record as the job's item where it is one, and
    /// the draft that is asked for only now.
    pub(crate) fn known(
        &self,
        store: &dyn Store,
        draft_bell: &Bell,
        now: Timestamp,
    ) -> Option<OrFault<Answer>> {
        let standing = self.holds()?;
        let answer = || {
            let mut answer = self.repeat(standing);
            if let Some((work, owner)) = &self.order.work {
                store.known(*work, owner, &answer.decision_id, now)?;
            }
            let waits = standing.decision.kind.wants_answer() && !standing.answered && !standing.closed;
            let due =
                self.order.draft && !standing.blind && standing.draft_state == DraftState::None && waits;
            if due && store.want_draft(&answer.decision_id, &self.order.actor)? {
                (answer.draft_state, answer.draft_version) =
                    (DraftState::Writing, standing.draft_version + 1);
                draft_bell.ring();
            }
            Ok(answer)
        };
        Some(answer())
    }

    /// What stands of a ticket that came again.
    fn repeat(&self, standing: &Standing) -> Answer {
        Answer {
            decision_id: standing.decision_id.clone(),
            bundle: standing.bundle.clone(),
            drafting: standing.drafting.clone(),
            decision: standing.decision.clone(),
            route: standing.route,
            collapsed_into: standing.collapsed_into.clone(),
            repeated: true,
            phase: standing.phase,
            blind: standing.blind,
            draft_state: standing.draft_state,
            draft_version: standing.draft_version,
        }
    }

    /// Whether a first response is due: it was asked for, or one is under way that this decision takes the place of, and the
    /// customer has not been answered.
    pub(crate) fn is_draft_due(&self) -> bool {
        let waits = |state| matches!(state, DraftState::Writing | DraftState::Pending | DraftState::Auto);
        match &self.standing {
            Some(standing) => !standing.answered && (self.order.draft || waits(standing.draft_state)),
            None => self.order.draft,
        }
    }

    /// Whether nobody waits for it any more. A job's item is never given up: it is on record.
    pub(crate) fn is_given_up(&self, now: Instant) -> bool {
        self.order.work.is_none() && (self.reply.is_closed() || self.order.deadline <= now)
    }

    /// Says that it came too late.
    pub(crate) fn give_up(self) {
        let next = "Send it again; send fewer at a time";
        let problem = "it was not decided within the deadline, and nothing is recorded of it";
        self.answer(Err(Problem::new(Code::Deadline, "the ticket", problem, next)));
    }

    /// Tells the one that waits; that nobody does is no fault.
    pub(crate) fn answer(self, answer: Result<Answer, Problem>) {
        let _gone = self.reply.send(answer);
    }
}
