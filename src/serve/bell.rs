//! How lanes are woken, and how a request hears that a draft is ready.
//!
//! Nothing depends on a bell: a lane that is not rung for looks for work by itself, since other processes leave work behind too.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// How long a lane sleeps where nobody rings.
const SLEEP: Duration = Duration::from_millis(500);

/// Wakes a lane, and ends it.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
    stopped: AtomicBool,
}

impl Bell {
    /// There is work.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Ends the lane after the piece of work that it is at.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.ring();
    }

    /// Whether the lane is to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Sleeps until somebody rings, or a little while.
    pub(crate) fn sleep(&self) {
        self.rings();
    }

    /// Sleeps until somebody rings, or a little while; whether somebody has rung.
    pub(crate) fn rings(&self) -> bool {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rung, _) = self
            .changed
            .wait_timeout_while(rung, SLEEP, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *rung)
    }
}

/// The requests that wait for a draft, by the id of its decision.
#[derive(Debug, Default)]
pub(crate) struct DraftWaiters(Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>);

impl DraftWaiters {
    /// Hears when the draft of this decision is ready.
    pub(crate) fn wait_for(&self, decision: &str) -> oneshot::Receiver<()> {
        let (ready, wait) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, all| {
            all.retain(|ready| !ready.is_closed());
            !all.is_empty()
        });
        waiting.entry(decision.to_owned()).or_default().push(ready);
        wait
    }

    /// Tells those who wait that the draft of this decision is ready, or will not come.
    pub(crate) fn tell(&self, decision: &str) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(decision);
        for ready in waiting.into_iter().flatten() {
            let _gone = ready.send(());
        }
    }
}
