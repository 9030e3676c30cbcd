//! The lane of jobs: tickets that are on record and wait for time. They are decided with those of calls, behind them; a process
//! that dies leaves claims that end, and another takes them up.

use std::time::{Duration, Instant};

use firstline_fault::{Code, Result};
use firstline_store::{Work, WorkKind};
use jiff::ToSpan;
use tokio::sync::oneshot;

use crate::intake::{Admitted, Incoming, admit};
use crate::item::{Answer, Item, Order};
use crate::leases::LEASE;
use crate::problem::Problem;
use crate::shared::Shared;

/// Tickets claimed at a time.
const CLAIMED: usize = 64;

/// Works until it is stopped.
pub(super) fn run(shared: &Shared) {
    while !shared.job_bell.is_stopped() {
        match work(shared) {
            Ok(0) => shared.job_bell.sleep(),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "working at jobs");
                shared.job_bell.sleep();
            }
        }
    }
}

/// Claims some items and sees them decided; gives how many.
fn work(shared: &Shared) -> Result<usize> {
    let now = shared.clock.now();
    let until = now.checked_add(LEASE.seconds()).unwrap_or(now);
    let claimed = shared.store.claim(WorkKind::Triage, &shared.owner, CLAIMED, now, until)?;
    if claimed.is_empty() {
        return Ok(0);
    }
    let _hold = shared.leases.hold(&claimed);
    let ids: Vec<i64> = claimed.iter().map(|work| work.id).collect();
    let incoming = claimed.into_iter().map(|work| Ok(incoming(shared, work))).collect();
    let (admitted, items) = admit(shared, &shared.live.load_full(), incoming)?;
    let mut waiting = Vec::new();
    for (id, admitted) in ids.iter().zip(admitted) {
        match admitted {
            Admitted::Refused(problem) => fail(shared, *id, &problem)?,
            Admitted::Known(_) => {}
            Admitted::Waiting(answer) => waiting.push((*id, answer)),
        }
    }
    if shared.queue.push_jobs(items.into_iter().filter_map(Item::read).collect()) {
        waiting.into_iter().try_for_each(|(id, answer)| settle(shared, id, answer))?;
    }
    Ok(ids.len())
}

fn incoming(shared: &Shared, work: Work) -> Incoming {
    let Work { id, ticket, drafts, actor, received_at, .. } = work;
    let came = Instant::now();
    // The key may have been made since this process last read them.
    if shared.keys.is_unknown(&actor) {
        let _read = shared.keys.reload(shared.store.as_ref());
    }
    let order = Order {
        received_at,
        customers: shared.keys.customers(&actor),
        actor,
        draft: drafts,
        truncate: true,
        came,
        deadline: came + Duration::from_secs(LEASE.unsigned_abs()),
        work: Some((id, shared.owner.clone())),
        _held: None,
    };
    Incoming { ticket, order }
}

/// Waits for an item, and puts on record that it failed, where it will fail again.
fn settle(
    shared: &Shared,
    work: i64,
    answer: oneshot::Receiver<std::result::Result<Answer, Problem>>,
) -> Result<()> {
    // A fault of ours or of the store may pass: it is held no longer, the claim ends, and the item is tried again.
    let passes = |problem: &Problem| problem.status >= 500 || problem.code == Code::Overload.as_str();
    let lost = |problem: &Problem| problem.code == Code::Conflict.as_str();
    match answer.blocking_recv() {
        Ok(Err(problem)) if !passes(&problem) && !lost(&problem) => fail(shared, work, &problem),
        _ => Ok(()),
    }
}

fn fail(shared: &Shared, work: i64, problem: &Problem) -> Result<()> {
    shared.store.fail(work, &shared.owner, &problem.fault(), shared.clock.now())?;
    Ok(())
}
