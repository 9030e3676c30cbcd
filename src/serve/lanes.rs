//! The threads that work beside the requests, all over one shared state: `decide` takes tickets from queue to record, `draft`
//! writes first responses, `act` does what a grant lets it do alone, `job` feeds the queue with stored tickets, `rollout` closes weeks and
//! lets triggers fire, `upkeep` renews and deletes.
//!
//! What one lane leaves for another is in the queue or in the store. Only `job` waits for another, for what `decide` makes of its
//! tickets.

mod act;
mod decide;
mod draft;
mod job;
mod rollout;
mod upkeep;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use firstline_fault::{InternalError, Result};

use crate::shared::Shared;

/// The lanes that are waited for when the service stops.
#[derive(Debug)]
pub(crate) struct Lanes(Mutex<Vec<JoinHandle<()>>>);

impl Lanes {
    /// Starts all lanes.
    pub(crate) fn start(shared: &Arc<Shared>) -> Result<Self> {
        let mut threads = decide::start(shared)?;
        // Drafts have half of the cores at most: triage comes first.
        let cores = std::thread::available_parallelism().map_or(1, |n| (n.get() / 2).max(1));
        let drafts = Arc::clone(shared);
        threads.push(spawn("drafts", move || draft::run(&drafts, cores))?);
        let jobs = Arc::clone(shared);
        threads.push(spawn("jobs", move || {
            job::run(&jobs);
            Ok(())
        })?);
        let acting = Arc::clone(shared);
        threads.push(spawn("act", move || act::run(&acting))?);
        let watched = Arc::clone(shared);
        threads.push(spawn("rollout", move || {
            rollout::run(&watched);
            Ok(())
        })?);
        // Nobody waits for this one: it does nothing that could be half done.
        let upkeep = Arc::downgrade(shared);
        spawn("upkeep", move || {
            upkeep::run(&upkeep);
            Ok(())
        })?;
        Ok(Self(Mutex::new(threads)))
    }

    /// Waits until the lanes are through; the queue must be closed and the bells stopped. Those that decide are the first: a
    /// job's items are answered by them.
    pub(crate) fn join(&self) {
        for lane in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let name = lane.thread().name().unwrap_or_default().to_owned();
            if lane.join().is_err() {
                tracing::error!(lane = name, "a lane has panicked");
            }
        }
    }
}

/// Starts a thread; the log hears where it ends by a fault.
fn spawn(name: &'static str, work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<JoinHandle<()>> {
    let work = move || {
        if let Err(error) = work() {
            tracing::error!(%error, lane = name, "a lane has ended");
        }
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
    Ok(thread.map_err(|e| InternalError::new(format!("starting a thread: {e}")))?)
}
