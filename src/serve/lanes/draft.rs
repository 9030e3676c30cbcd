//! The lane in which first responses are drafted: one thread, which gives way to triage before each draft and, while a language
//! model writes, before each token. Its work is in the store: what a process leaves behind another takes up.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use firstline_fault::{InternalError, Result};
use firstline_store::{DraftResult, JobFault, Work, WorkKind};
use firstline_ticket::{Draft, Origin};
use jiff::ToSpan;

use crate::leases::LEASE;
use crate::shared::Shared;
use crate::writing_time::WritingTime;

/// Drafts claimed at a time.
const CLAIMED: usize = 2;
/// How long it gives way to triage before a draft, and before a token.
const BEFORE_DRAFT: Duration = Duration::from_secs(1);
const BEFORE_TOKEN: Duration = Duration::from_millis(50);

/// Drafts until it is stopped; `threads` is what it may compute on.
pub(super) fn run(shared: &Shared, threads: usize) -> Result<()> {
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|_| "draft".to_owned()).build();
    let pool = pool.map_err(|e| InternalError::new(format!("starting threads: {e}")))?;
    pool.install(|| {
        let time = WritingTime::new(shared.settings.writing_seconds);
        while !shared.draft_bell.is_stopped() {
            match work(shared, &time) {
                Ok(0) => shared.draft_bell.sleep(),
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "drafting");
                    shared.draft_bell.sleep();
                }
            }
        }
    });
    Ok(())
}

/// Claims some drafts and makes them; gives how many.
fn work(shared: &Shared, time: &WritingTime) -> Result<usize> {
    let now = shared.clock.now();
    let until = now.checked_add(LEASE.seconds()).unwrap_or(now);
    let claimed = shared.store.claim(WorkKind::Draft, &shared.owner, CLAIMED, now, until)?;
    let _hold = shared.leases.hold(&claimed);
    for work in &claimed {
        // What is left is given back when the service stops.
        if shared.draft_bell.is_stopped() {
            break;
        }
        shared.queue.give_way(BEFORE_DRAFT);
        draft(shared, work, time)?;
    }
    Ok(claimed.len())
}

fn draft(shared: &Shared, work: &Work, time: &WritingTime) -> Result<()> {
    let Some((id, decision)) = &work.decision else { return Ok(()) };
    let live = shared.live.load_full();
    let go_on = || {
        shared.queue.give_way(BEFORE_TOKEN);
        if time.is_left() && !shared.draft_bell.is_stopped() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let start = Instant::now();
    // Whatever a ticket makes of the drafter, the next one is drafted.
    let draft = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        time.during(|| live.draft(&work.ticket, decision, &go_on))
    }));
    let draft = draft.unwrap_or_else(|_| Err(InternalError::new("drafting panicked").into()));
    shared.metrics.stage("draft", start);
    let now = shared.clock.now();
    match draft {
        Ok(draft) => {
            shared.metrics.drafts.get_or_create(&origin(draft.as_ref()).into()).inc();
            let result = DraftResult {
                work: work.id,
                owner: &shared.owner,
                draft: draft.as_ref(),
                bundle: &live.id,
                drafting: Some(&live.drafting),
            };
            shared.store.drafted(&result, now)?;
        }
        Err(error) => {
            tracing::error!(%error, decision = %id, "no draft");
            let code = error.code().map_or("E_INTERNAL", |code| code.as_str()).to_owned();
            let fault =
                JobFault { code, message: "the draft could not be made; the log tells why".to_owned() };
            shared.store.fail(work.id, &shared.owner, &fault, now)?;
        }
    }
    shared.draft_waiters.tell(id);
    Ok(())
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
