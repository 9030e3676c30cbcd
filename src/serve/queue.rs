//! What waits to be decided, and how much of it is decided together.
//!
//! Nothing waits for company: the lane that decides takes what has come in meanwhile, up to a budget of tokens. Batches are ragged, so
//! tokens are what a batch costs. Calls go before jobs. The queue is bounded, and what would wait too long, by how fast tokens
//! went through lately, is refused at the door: an overloaded service says so at once and keeps its word to those it let in.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::item::Item;
use crate::metrics::Metrics;
use crate::settings::Limits;

/// How much the newest batch says of how fast tokens go through.
const NEWEST: f64 = 0.2;
/// Before anything was measured: tokens a second.
const FIRST_GUESS: f64 = 5_000.0;

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Tokens a second, as the bits of an `f64`.
    speed: AtomicU64,
    batch_tokens: usize,
    queue_tokens: usize,
    longest: Duration,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Waiting {
    calls: VecDeque<Item>,
    jobs: VecDeque<Item>,
    /// Tokens of calls: of those in the queue, being decided, and promised a place.
    tokens: usize,
    /// Tickets being decided.
    deciding: usize,
    closed: bool,
}

/// A place in the queue for so many tokens, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    queue: Arc<Queue>,
    tokens: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.queue.lock();
        waiting.tokens = waiting.tokens.saturating_sub(self.tokens);
        self.queue.metrics.queue_tokens.set(waiting.tokens as i64);
    }
}

impl Queue {
    pub(crate) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            speed: AtomicU64::new(FIRST_GUESS.to_bits()),
            batch_tokens: limits.batch_tokens,
            queue_tokens: limits.queue_tokens,
            longest: Duration::from_millis(limits.queue_ms),
            metrics,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn speed(&self) -> f64 {
        f64::from_bits(self.speed.load(Ordering::Relaxed))
    }

    /// A place for about `tokens`, or after how many seconds to ask again. An idle service takes whatever a call may have.
    pub(crate) fn place(self: &Arc<Self>, tokens: usize) -> Result<Place, u64> {
        let mut waiting = self.lock();
        let all = waiting.tokens + tokens;
        let wait = Duration::from_secs_f64(waiting.tokens as f64 / self.speed());
        if waiting.closed || (waiting.tokens > 0 && (all > self.queue_tokens || wait > self.longest)) {
            return Err(wait.as_secs().clamp(1, 60));
        }
        waiting.tokens = all;
        self.metrics.queue_tokens.set(all as i64);
        Ok(Place { queue: Arc::clone(self), tokens })
    }

    /// Puts the tickets of a call into the queue, or gives them back where it is closed.
    pub(crate) fn push(&self, items: Vec<Item>) -> Result<(), Vec<Item>> {
        self.add(items, |waiting| &mut waiting.calls)
    }

    /// The same for a job's: they are decided when no call waits.
    pub(crate) fn push_job(&self, items: Vec<Item>) -> Result<(), Vec<Item>> {
        self.add(items, |waiting| &mut waiting.jobs)
    }

    fn add(&self, items: Vec<Item>, to: fn(&mut Waiting) -> &mut VecDeque<Item>) -> Result<(), Vec<Item>> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(items);
        }
        to(&mut waiting).extend(items);
        self.metrics.queue_tickets.set((waiting.calls.len() + waiting.jobs.len()) as i64);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits for something to decide and takes a batch of it; `None` once the queue is closed and empty. What nobody waits for
    /// any more is left out.
    pub(crate) fn take(&self) -> Option<Vec<Item>> {
        let mut waiting = self.lock();
        loop {
            let now = Instant::now();
            let Waiting { calls, jobs, .. } = &mut *waiting;
            let mut batch = Vec::new();
            fill(&mut batch, calls, self.batch_tokens, now);
            // A call that comes in next waits for this batch: with jobs alone it is a short one.
            fill(&mut batch, jobs, self.batch_tokens / 4, now);
            self.metrics.queue_tickets.set((calls.len() + jobs.len()) as i64);
            if !batch.is_empty() {
                waiting.deciding = batch.len();
                return Some(batch);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A batch of so many tokens took so long.
    pub(crate) fn took(&self, tokens: usize, time: Duration) {
        let speed = tokens as f64 / time.as_secs_f64().max(1e-6);
        // Small batches tell more of what a batch costs than of what a token does.
        let weight = NEWEST * (tokens as f64 / self.batch_tokens as f64).min(1.0);
        let speed = self.speed() * (1.0 - weight) + speed * weight;
        self.speed.store(speed.to_bits(), Ordering::Relaxed);
        self.lock().deciding = 0;
        self.changed.notify_all();
    }

    /// Waits until no call waits or is decided, `longest` at most: what other lanes do before each piece of work.
    pub(crate) fn give_way(&self, longest: Duration) {
        let end = Instant::now() + longest;
        let mut waiting = self.lock();
        while !waiting.closed && (!waiting.calls.is_empty() || waiting.deciding > 0) {
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return;
            };
            waiting = self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes nothing in from now on; what is in is decided.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

/// Moves items into `batch` while they are of one bundle and have `budget` tokens together at most, or are alone.
fn fill(batch: &mut Vec<Item>, from: &mut VecDeque<Item>, budget: usize, now: Instant) {
    let mut tokens: usize = batch.iter().map(Item::tokens).sum();
    while let Some(next) = from.front() {
        if next.is_given_up(now) {
            if let Some(item) = from.pop_front() {
                item.give_up();
            }
            continue;
        }
        let fits = batch
            .first()
            .is_none_or(|first| Arc::ptr_eq(&first.live, &next.live) && tokens + next.tokens() <= budget);
        if !fits {
            return;
        }
        tokens += next.tokens();
        batch.extend(from.pop_front());
    }
}
