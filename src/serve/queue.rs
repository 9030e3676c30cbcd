//! All computing for callers waits here: tickets to be decided, texts to be embedded, searches. One lane takes it out.
//!
//! Keys share the lane fairly (`turns`), whatever they ask for and however often. Batches are never delayed to fill up: the lane
//! takes what has come in meanwhile. A batch is short where several keys ask, by the speed that was measured, so that a key that
//! comes next waits little. Calls go before jobs, but not for ever.
//!
//! A key may have its share of the queue waiting, and as much as is done in time at its share of the speed; more is refused at the
//! door. A key that has nothing waiting is never refused, whatever others have.

mod turns;
mod work;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::item::Item;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::settings::Limits;

use turns::Turns;
pub(crate) use work::{Batch, Piece, Work, cost_of, encoding_cost};

/// How much the newest batch says of the speed.
const NEWEST: f64 = 0.2;
/// Before anything was measured: cost a second.
const FIRST_GUESS: f64 = 5_000.0;
/// How long a batch may take where one key asks, and where several do.
const ALONE: Duration = Duration::from_millis(250);
const SHARED: Duration = Duration::from_millis(10);
/// A batch that takes so long tells the speed; shorter ones tell more of what a batch costs.
const TELLING: Duration = Duration::from_millis(50);
/// How long ago another key may have asked for the lane to count as shared.
const LATELY: Duration = Duration::from_secs(10);
/// How long ago a call may have asked for jobs to have little of a batch.
const CALLED: Duration = Duration::from_secs(2);
/// The least budget of a batch: smaller ones only cost.
const LEAST: usize = 64;
/// Batches of calls alone while jobs wait; the next one begins with jobs.
const PATIENCE_OF_JOBS: u32 = 8;

/// The queue.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Cost a second, as the bits of an `f64`.
    speed: AtomicU64,
    batch_tokens: usize,
    queue_tokens: usize,
    longest: Duration,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Waiting {
    calls: Turns,
    jobs: Turns,
    /// The cost that each key has a place for: of what waits, is computed, or is on its way here. Keys with none have no entry.
    places: HashMap<Arc<str>, usize>,
    /// The key that asked last, and until when the lane counts as shared.
    last: Arc<str>,
    shared_until: Option<Instant>,
    /// When a call asked last.
    called: Option<Instant>,
    /// Whether a batch is computed now.
    is_computing: bool,
    /// Batches since jobs that wait had something in one.
    passed_over: u32,
    closed: bool,
}

/// A place in the queue for a call of a key, given back when it is dropped; then what the call still has waiting is taken out.
#[derive(Debug)]
pub(crate) struct Place {
    queue: Arc<Queue>,
    key: Arc<str>,
    cost: usize,
    /// Held as long as the caller waits.
    alive: Option<Arc<()>>,
    is_finished: bool,
}

/// A part of a call's computing: its cost, and what to do.
pub(crate) type Part<T> = (usize, Box<dyn FnOnce() -> Result<T, Problem> + Send>);

impl Place {
    /// Whether somebody waits for the call, for as long as it lasts.
    pub(crate) fn caller(&self) -> Weak<()> {
        self.alive.as_ref().map_or_else(Weak::new, Arc::downgrade)
    }

    /// All of the call was computed: nothing of it waits.
    pub(crate) fn finish(mut self) {
        self.is_finished = true;
    }

    /// Computes parts of the call, other keys' work between them; gives their results in order.
    ///
    /// # Errors
    /// The first part's that fails, and then the others are not begun; that it is too late; that the service is stopping.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        deadline: Instant,
        parts: Vec<Part<T>>,
    ) -> Result<Vec<T>, Problem> {
        let alive = self.alive.clone().unwrap_or_default();
        let (work, replies): (Vec<_>, Vec<_>) = parts
            .into_iter()
            .map(|(cost, part)| {
                let (reply, done) = oneshot::channel();
                let run = move || drop(reply.send(part()));
                (Work::Piece(Piece::new(cost, deadline, &alive, run)), done)
            })
            .unzip();
        drop(alive);
        self.queue.push(&self.key, work).map_err(|_| Problem::overload("the service is stopping", 5))?;
        let mut results = Vec::with_capacity(replies.len());
        for done in replies {
            match tokio::time::timeout_at((deadline + Duration::from_secs(1)).into(), done).await {
                Ok(Ok(result)) => results.push(result?),
                Ok(Err(_)) if Instant::now() < deadline => {
                    return Err(Problem::internal("a piece of a call was lost on its way"));
                }
                Ok(Err(_)) | Err(_) => return Err(Problem::late("the call")),
            }
        }
        Ok(results)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Nobody waits from here on.
        self.alive = None;
        let mut waiting = self.queue.lock();
        if !self.is_finished {
            waiting.calls.prune(&self.key, Instant::now());
        }
        if let Some(cost) = waiting.places.get_mut(&self.key) {
            *cost = cost.saturating_sub(self.cost);
            if *cost == 0 {
                waiting.places.remove(&self.key);
            }
        }
        self.queue.show(&waiting);
    }
}

impl Queue {
    pub(crate) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Arc<Self> {
        Self::of(limits.batch_tokens, limits.queue_tokens, Duration::from_millis(limits.queue_ms), metrics)
    }

    fn of(batch_tokens: usize, queue_tokens: usize, longest: Duration, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            waiting: Mutex::default(),
            changed: Condvar::new(),
            speed: AtomicU64::new(FIRST_GUESS.to_bits()),
            batch_tokens,
            queue_tokens,
            longest,
            metrics,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn speed(&self) -> f64 {
        f64::from_bits(self.speed.load(Ordering::Relaxed))
    }

    fn show(&self, waiting: &Waiting) {
        self.metrics.queue_tickets.set((waiting.calls.len() + waiting.jobs.len()) as i64);
        self.metrics.queue_tokens.set(waiting.places.values().sum::<usize>() as i64);
    }

    /// A place for a call of about this cost, or the seconds after which to ask again. A key that has none gets one.
    pub(crate) fn place(self: &Arc<Self>, key: &str, cost: usize) -> Result<Place, u64> {
        let mut waiting = self.lock();
        let has = waiting.places.get(key).copied().unwrap_or(0);
        let keys = waiting.places.len().max(1);
        let wait = self.wait(has, keys);
        let is_too_much = has + cost > self.queue_tokens / keys || wait > self.longest;
        if waiting.closed || (has > 0 && is_too_much) {
            return Err(wait.as_secs().clamp(1, 60));
        }
        let known = waiting.places.get_key_value(key).map(|(key, _)| Arc::clone(key));
        let key = known.unwrap_or_else(|| key.into());
        waiting.places.insert(Arc::clone(&key), has + cost);
        self.show(&waiting);
        Ok(Place { queue: Arc::clone(self), key, cost, alive: Some(Arc::new(())), is_finished: false })
    }

    /// Where the key has so much waiting that another call would be refused, whatever it is: the seconds after which to ask again.
    pub(crate) fn is_full_for(&self, key: &str) -> Option<u64> {
        let waiting = self.lock();
        let has = waiting.places.get(key).copied().unwrap_or(0);
        let keys = waiting.places.len().max(1);
        let wait = self.wait(has, keys);
        let is_full = has > 0 && (has >= self.queue_tokens / keys || wait > self.longest);
        is_full.then(|| wait.as_secs().clamp(1, 60))
    }

    /// How long a key's backlog takes at its share of the speed.
    fn wait(&self, backlog: usize, keys: usize) -> Duration {
        Duration::from_secs_f64((backlog * keys) as f64 / self.speed())
    }

    /// Puts work of a key's calls into the queue, or gives it back where the queue is closed.
    pub(crate) fn push(&self, key: &str, work: Vec<Work>) -> Result<(), Vec<Work>> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(work);
        }
        if &*waiting.last != key {
            // The first key to ask is alone.
            let is_first = waiting.last.is_empty();
            waiting.shared_until = (!is_first).then(|| Instant::now() + LATELY);
            waiting.last = key.into();
        }
        if !work.iter().all(Work::is_of_job) {
            waiting.called = Some(Instant::now());
        }
        waiting.calls.push(key, work);
        self.show(&waiting);
        self.changed.notify_all();
        Ok(())
    }

    /// The same for tickets of jobs, each under its sender's key: they are decided when no call waits, and now and then anyway.
    pub(crate) fn push_jobs(&self, items: Vec<Item>) -> bool {
        let mut waiting = self.lock();
        if !waiting.closed {
            for item in items {
                let key = item.order.actor.clone();
                waiting.jobs.push(&key, [Work::Ticket(Box::new(item))]);
            }
        }
        self.show(&waiting);
        self.changed.notify_all();
        !waiting.closed
    }

    /// Waits for work and takes a batch of it; `None` once the queue is closed and empty. Work that nobody waits for any more is
    /// left out.
    pub(crate) fn take(&self) -> Option<Batch> {
        let mut waiting = self.lock();
        loop {
            let batch = self.next(&mut waiting, Instant::now());
            self.show(&waiting);
            if !batch.is_empty() {
                waiting.is_computing = true;
                return Some(batch);
            }
            if waiting.closed {
                return None;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn next(&self, waiting: &mut Waiting, now: Instant) -> Batch {
        let budget = self.budget(waiting, now);
        // A call that comes in next waits for this batch: jobs have a part of it at most, and little where calls are about.
        let is_called = waiting.called.is_some_and(|called| now < called + CALLED);
        let for_jobs = if is_called { self.cost_in(SHARED / 2) } else { (budget / 4).max(LEAST) };
        let mut batch = Batch::default();
        if waiting.passed_over >= PATIENCE_OF_JOBS {
            waiting.jobs.fill(&mut batch, for_jobs, now);
        }
        waiting.calls.fill(&mut batch, budget, now);
        let left = waiting.jobs.len();
        waiting.jobs.fill(&mut batch, for_jobs, now);
        let served = waiting.passed_over >= PATIENCE_OF_JOBS || waiting.jobs.len() < left;
        waiting.passed_over = if served || left == 0 { 0 } else { waiting.passed_over + 1 };
        batch
    }

    /// The cost of a batch that takes as long as a batch may.
    fn budget(&self, waiting: &Waiting, now: Instant) -> usize {
        let is_shared = waiting.shared_until.is_some_and(|until| now < until) || waiting.calls.keys() > 1;
        self.cost_in(if is_shared { SHARED } else { ALONE })
    }

    /// The cost of a batch that takes so long.
    fn cost_in(&self, time: Duration) -> usize {
        let cost = (self.speed() * time.as_secs_f64()) as usize;
        cost.clamp(LEAST, self.batch_tokens.max(LEAST))
    }

    /// A batch of this cost took so long.
    pub(crate) fn took(&self, cost: usize, time: Duration) {
        let speed = cost as f64 / time.as_secs_f64().max(1e-6);
        let weight = NEWEST * (time.as_secs_f64() / TELLING.as_secs_f64()).min(1.0);
        let speed = self.speed() * (1.0 - weight) + speed * weight;
        self.speed.store(speed.to_bits(), Ordering::Relaxed);
        self.lock().is_computing = false;
        self.changed.notify_all();
    }

    /// Waits until no call waits or is computed, `longest` at most: other lanes do so before each piece of work.
    pub(crate) fn give_way(&self, longest: Duration) {
        let end = Instant::now() + longest;
        let mut waiting = self.lock();
        while !waiting.closed && (waiting.calls.len() > 0 || waiting.is_computing) {
            let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                return;
            };
            waiting = self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes nothing in from now on; what is in is computed.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}
