//! Whose turn it is: deficit round robin over keys (Shreedhar and Varghese 1995), keys that had nothing waiting first
//! (FQ-CoDel, RFC 8290).
//!
//! Each turn adds a quantum to what a key may take; what it does not use up stays, as long as it has work. A key that asks for
//! little overtakes those with a backlog, but only once a round. Must never look at a clock, nor at anything but keys and costs.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::work::{Batch, Work};

/// The cost that a key may take in a turn: about a short ticket.
const QUANTUM: usize = 64;
/// The same where it overtakes the others: about the longest ticket that the encoder reads.
const FIRST_QUANTUM: usize = 512;

/// Work by key, and the order of turns.
#[derive(Debug, Default)]
pub(super) struct Turns {
    flows: HashMap<Arc<str>, Flow>,
    /// Keys that had nothing waiting when they asked: before the others.
    fresh: VecDeque<Arc<str>>,
    others: VecDeque<Arc<str>>,
    len: usize,
}

#[derive(Debug, Default)]
struct Flow {
    work: VecDeque<Work>,
    deficit: usize,
    /// Whether this turn's quantum was added.
    in_turn: bool,
}

impl Turns {
    /// Units of work that wait.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Keys that have work waiting.
    pub(super) fn keys(&self) -> usize {
        self.flows.values().filter(|flow| !flow.work.is_empty()).count()
    }

    pub(super) fn push(&mut self, key: &str, work: impl IntoIterator<Item = Work>) {
        let mut work = work.into_iter().peekable();
        if work.peek().is_none() {
            return;
        }
        if !self.flows.contains_key(key) {
            let key: Arc<str> = key.into();
            self.fresh.push_back(Arc::clone(&key));
            self.flows.insert(key, Flow::default());
        }
        if let Some(flow) = self.flows.get_mut(key) {
            let before = flow.work.len();
            flow.work.extend(work);
            self.len += flow.work.len() - before;
        }
    }

    /// Moves work into `batch`, turn by turn, until `budget` is spent.
    pub(super) fn fill(&mut self, batch: &mut Batch, budget: usize, now: Instant) {
        let mut has_taken = false;
        loop {
            let is_fresh = !self.fresh.is_empty();
            let line = if is_fresh { &mut self.fresh } else { &mut self.others };
            let Some(key) = line.front() else { return };
            let Some(flow) = self.flows.get_mut(key) else { return };
            if !std::mem::replace(&mut flow.in_turn, true) {
                flow.deficit += if is_fresh { FIRST_QUANTUM } else { QUANTUM };
            }
            self.len -= flow.skip_given_up(now);
            match flow.work.front() {
                Some(next) if next.cost() <= flow.deficit => {
                    if !batch.takes(next, budget) {
                        // It has overtaken the others by a batch; what it has left waits for its turn.
                        if is_fresh && has_taken {
                            flow.deficit = flow.deficit.min(QUANTUM);
                            self.others.extend(self.fresh.pop_front());
                        }
                        return;
                    }
                    has_taken = true;
                    flow.deficit -= next.cost();
                    self.len -= 1;
                    flow.work.pop_front().into_iter().for_each(|work| batch.push(work));
                }
                next => {
                    let is_idle = next.is_none();
                    (flow.in_turn, has_taken) = (false, false);
                    flow.deficit = if is_idle { 0 } else { flow.deficit };
                    let Some(key) = line.pop_front() else { return };
                    // A key that has just overtaken the others waits for one round, even when it has nothing more now.
                    match is_idle && !is_fresh {
                        true => drop(self.flows.remove(&key)),
                        false => self.others.push_back(key),
                    }
                }
            }
        }
    }

    /// Takes out the work of `key` that nobody waits for any more.
    pub(super) fn prune(&mut self, key: &str, now: Instant) {
        if let Some(flow) = self.flows.get_mut(key) {
            let before = flow.work.len();
            flow.work.retain(|work| !work.is_given_up(now));
            self.len -= before - flow.work.len();
        }
    }
}

impl Flow {
    /// Drops what stands first and nobody waits for; gives how much.
    fn skip_given_up(&mut self, now: Instant) -> usize {
        let before = self.work.len();
        while self.work.front().is_some_and(|work| work.is_given_up(now)) {
            self.work.pop_front().into_iter().for_each(Work::give_up);
        }
        before - self.work.len()
    }
}
