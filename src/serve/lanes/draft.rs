//! The lane in which first responses are drafted: one thread, which gives way to triage before each draft and, while a language
//! model writes, before each token. Its work is in the store: what a process leaves behind another takes up.

use std::cell::Cell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use firstline_fault::{InternalError, Result};
use firstline_store::{JobFault, Store, Work, WorkKind};
use firstline_ticket::{Draft, Origin};
use jiff::{Timestamp, ToSpan};
use tokio::sync::oneshot;

use crate::desk::Desk;
use crate::item::{Held, LEASE};
use crate::metrics::Metrics;
use crate::queue::Queue;

/// Drafts claimed at a time.
const CLAIMED: usize = 2;
/// How long the lane sleeps where nobody rings: other processes leave work behind too.
const SLEEP: Duration = Duration::from_millis(500);
/// How long it gives way to triage before a draft, and before a token.
const BEFORE_DRAFT: Duration = Duration::from_secs(1);
const BEFORE_TOKEN: Duration = Duration::from_millis(50);

/// Wakes a lane, and tells those who wait for a draft.
#[derive(Debug, Default)]
pub(crate) struct DraftBell {
    rung: Mutex<bool>,
    bell: Condvar,
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
    stopped: AtomicBool,
}

impl DraftBell {
    /// There is work.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_all();
    }

    /// Ends the lane after the draft that it is at.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// Whether the lane is to end.
    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Sleeps until somebody rings, or a little while.
    pub(crate) fn sleep(&self) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rung, _) =
            self.bell.wait_timeout_while(rung, SLEEP, |rung| !*rung).unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }

    /// Hears when the draft of this decision is ready.
    pub(crate) fn wait_for(&self, decision: &str) -> oneshot::Receiver<()> {
        let (ready, wait) = oneshot::channel();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, all| {
            all.retain(|ready| !ready.is_closed());
            !all.is_empty()
        });
        waiting.entry(decision.to_owned()).or_default().push(ready);
        wait
    }

    fn ready(&self, decision: &str) {
        let waits = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(decision);
        for ready in waits.into_iter().flatten() {
            let _gone = ready.send(());
        }
    }
}

/// The time that a language model has: so many seconds of each minute, so that a burst of tickets does not wait for it again
/// and again.
#[derive(Debug)]
pub struct WritingTime {
    each_minute: Duration,
    minute: Cell<Instant>,
    /// What of it is left, and since when it is being used.
    left: Cell<Duration>,
    since: Cell<Instant>,
}

/// What the seconds are counted in.
const MINUTE: Duration = Duration::from_secs(60);

impl WritingTime {
    /// So many seconds of each minute.
    pub fn new(seconds: f64) -> Self {
        let (each_minute, now) = (Duration::from_secs_f64(seconds), Instant::now());
        Self { each_minute, minute: Cell::new(now), left: Cell::new(each_minute), since: Cell::new(now) }
    }

    /// Does `work`, whose time counts.
    pub fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        let now = Instant::now();
        if self.minute.get() + MINUTE <= now {
            self.minute.set(now);
            self.left.set(self.each_minute);
        }
        self.since.set(now);
        let done = work();
        self.left.set(self.left.get().saturating_sub(now.elapsed()));
        done
    }

    /// Whether the model may still write.
    pub fn is_left(&self) -> bool {
        self.since.get().elapsed() < self.left.get()
    }
}

/// The lane.
#[derive(Debug)]
pub(crate) struct DraftLane {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) desk: Arc<ArcSwap<Desk>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) bell: Arc<DraftBell>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) owner: String,
    pub(crate) held: Arc<Held>,
    pub(crate) writing_seconds: f64,
}

impl DraftLane {
    /// Drafts until it is stopped; `threads` is what it may compute on.
    pub(crate) fn run(&self, threads: usize) -> Result<()> {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|_| "draft".to_owned()).build();
        let pool = pool.map_err(|e| InternalError::new(format!("starting threads: {e}")))?;
        pool.install(|| {
            let time = WritingTime::new(self.writing_seconds);
            while !self.bell.stopped() {
                match self.some(&time) {
                    Ok(0) => self.bell.sleep(),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(%error, "drafting");
                        self.bell.sleep();
                    }
                }
            }
        });
        Ok(())
    }

    fn some(&self, time: &WritingTime) -> Result<usize> {
        let now = Timestamp::now();
        let until = now.checked_add(LEASE.seconds()).unwrap_or(now);
        let claimed = self.store.claim(WorkKind::Draft, &self.owner, CLAIMED, now, until)?;
        let _held = self.held.hold(&claimed);
        for work in &claimed {
            // What is left is given back when the service stops.
            if self.bell.stopped() {
                break;
            }
            self.queue.give_way(BEFORE_DRAFT);
            self.one(work, time)?;
        }
        Ok(claimed.len())
    }

    fn one(&self, work: &Work, time: &WritingTime) -> Result<()> {
        let Some((id, decision)) = &work.decision else { return Ok(()) };
        let desk = self.desk.load_full();
        let go_on = || {
            self.queue.give_way(BEFORE_TOKEN);
            if time.is_left() && !self.bell.stopped() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let start = Instant::now();
        // Whatever a ticket makes of the drafter, the next one is drafted.
        let draft = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            time.during(|| desk.draft(&work.ticket, decision, &go_on))
        }));
        let draft = draft.unwrap_or_else(|_| Err(InternalError::new("drafting panicked").into()));
        self.metrics.stage_seconds.get_or_create(&"draft".into()).observe(start.elapsed().as_secs_f64());
        let now = Timestamp::now();
        match draft {
            Ok(draft) => {
                self.metrics.drafts.get_or_create(&origin(draft.as_ref()).into()).inc();
                self.store.drafted(work.id, &self.owner, draft.as_ref(), now)?;
            }
            Err(error) => {
                tracing::error!(%error, decision = %id, "no draft");
                let code = error.code().map_or("E_INTERNAL", |code| code.as_str()).to_owned();
                let fault =
                    JobFault { code, message: "the draft could not be made; the log tells why".to_owned() };
                self.store.fail(work.id, &self.owner, &fault, now)?;
            }
        }
        self.bell.ready(id);
        Ok(())
    }
}

fn origin(draft: Option<&Draft>) -> &'static str {
    match draft.map(|draft| draft.origin) {
        None => "none",
        Some(Origin::Template) => "template",
        Some(Origin::Retrieved) => "retrieved",
        Some(Origin::Generated) => "generated",
        Some(Origin::Acknowledgement) => "acknowledgement",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_of_a_minute_is_gone_and_waiting_uses_nothing() {
        let time = WritingTime::new(60.0);
        assert_eq!(time.left.get(), time.each_minute);
        assert!(time.during(|| time.is_left()));
        assert!(time.left.get() < time.each_minute);
        assert!(!WritingTime::new(0.0).during(|| WritingTime::new(0.0).is_left()));
    }
}
