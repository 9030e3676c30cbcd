//! The lane of jobs: tickets that are on record and wait for time. They are decided with those of calls, behind them; a process
//! that dies leaves claims that end, and another takes them up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use firstline_fault::{Code, Result};
use firstline_store::{Store, Work, WorkKind};
use jiff::{Timestamp, ToSpan};
use rayon::prelude::*;
use tokio::sync::oneshot;

use crate::auth::Keys;
use crate::desk::Desk;
use crate::drafts::DraftBell;
use crate::intake::input_hash;
use crate::item::{Answer, Asked, Held, Item, LEASE};
use crate::problem::Problem;
use crate::queue::Queue;

/// Tickets claimed at a time.
const CLAIMED: usize = 64;

/// The lane.
#[derive(Debug)]
pub(crate) struct JobLane {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) desk: Arc<ArcSwap<Desk>>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) owner: String,
    pub(crate) held: Arc<Held>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) bell: DraftBell,
    /// The other lane's.
    pub(crate) drafts: Arc<DraftBell>,
}

type Waiting = (i64, oneshot::Receiver<std::result::Result<Answer, Problem>>);

impl JobLane {
    /// Works until it is stopped.
    pub(crate) fn run(&self) {
        while !self.bell.stopped() {
            match self.some() {
                Ok(0) => self.bell.sleep(),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "working at jobs");
                    self.bell.sleep();
                }
            }
        }
    }

    fn some(&self) -> Result<usize> {
        let now = Timestamp::now();
        let until = now.checked_add(LEASE.seconds()).unwrap_or(now);
        let claimed = self.store.claim(WorkKind::Triage, &self.owner, CLAIMED, now, until)?;
        let n = claimed.len();
        if n == 0 {
            return Ok(0);
        }
        let _held = self.held.hold(&claimed);
        let desk = self.desk.load_full();
        let ids: Vec<&str> = claimed.iter().map(|work| work.ticket.id.as_str()).collect();
        let standing = self.store.standing(&ids)?;
        let prepared: Vec<_> = claimed
            .into_par_iter()
            .map(|work| {
                let prepared = desk.engine.prepare(&work.ticket).map_err(Problem::from);
                let hash = input_hash(&work.ticket);
                (work, prepared.and_then(|prepared| Ok((prepared, hash?))))
            })
            .collect();
        let (mut items, mut waiting): (Vec<Item>, Vec<Waiting>) = Default::default();
        for (work, prepared) in prepared {
            let (prepared, input_hash) = match prepared {
                Ok(prepared) => prepared,
                Err(problem) => {
                    self.store.fail(work.id, &self.owner, &problem.fault(), Timestamp::now())?;
                    continue;
                }
            };
            let (reply, answer) = oneshot::channel();
            let Work { id, ticket, drafts, actor, received_at, .. } = work;
            let asked = Asked {
                received_at,
                customers: self.keys.customers(&actor),
                actor,
                customer: ticket.customer_key(),
                input_hash,
                storm: desk.engine.storm_key(&ticket, &prepared),
                draft: drafts,
                work: Some((id, self.owner.clone())),
            };
            let standing = standing.get(&ticket.id).cloned();
            let came = Instant::now();
            let deadline = came + Duration::from_secs(LEASE.unsigned_abs());
            let desk = Arc::clone(&desk);
            let item = Item { desk, ticket, prepared, asked, standing, came, deadline, tries: 0, reply };
            if let Some(problem) = item.refused() {
                self.store.fail(id, &self.owner, &problem.fault(), Timestamp::now())?;
            } else if let Some(known) = item.again(self.store.as_ref(), &self.drafts) {
                known?;
            } else {
                waiting.push((id, answer));
                items.push(item);
            }
        }
        if self.queue.push_job(items).is_ok() {
            waiting.into_iter().try_for_each(|waiting| self.settle(waiting))?;
        }
        Ok(n)
    }

    /// Waits for an item, and puts on record that it failed, where it will fail again.
    fn settle(&self, (work, answer): Waiting) -> Result<()> {
        // A fault of ours or of the store may pass: it is held no longer, the claim ends, and the item is tried again.
        let passes = |problem: &Problem| problem.status >= 500 || problem.code == Code::Overload.as_str();
        let lost = |problem: &Problem| problem.code == Code::Conflict.as_str();
        match answer.blocking_recv() {
            Ok(Err(problem)) if !passes(&problem) && !lost(&problem) => {
                self.store.fail(work, &self.owner, &problem.fault(), Timestamp::now())?;
            }
            _ => {}
        }
        Ok(())
    }
}
