//! The lane that acts without a person where a grant allows it: it looks at each decision of that route once its draft is there, and puts
//! what is done, or why a person does it, on record.
//!
//! Its work is in the store: what a process leaves behind another takes up, and of two that look at one decision one is told that it has
//! changed. Must never act on what was looked at under another grant.

use firstline_fault::Result;
use firstline_store::{ActingBounds, ActingPlan, ActingResult, ActingTicket, Cell};
use firstline_ticket::{Field, Origin, Phase};
use jiff::ToSpan;

use crate::rollout::{Doing, allowed, look};
use crate::shared::Shared;

/// Decisions that are looked at together.
const TOGETHER: usize = 32;

/// Acts until it is stopped.
pub(super) fn run(shared: &Shared) -> Result<()> {
    // A file that can't be read was found at the start.
    let origins = shared.settings.autonomous.origins()?;
    while !shared.act_bell.is_stopped() {
        if shared.settings.phase < Phase::Autonomous {
            shared.act_bell.sleep();
            continue;
        }
        match look_through(shared, &origins) {
            // What has changed meanwhile is looked at again in a while.
            Ok(0) => shared.act_bell.sleep(),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "acting");
                shared.act_bell.sleep();
            }
        }
    }
    Ok(())
}

/// Looks once at all that may be acted on; gives of how much it is on record what becomes of it. One that fails keeps nothing else back.
fn look_through(shared: &Shared, origins: &[Origin]) -> Result<usize> {
    let (mut settled, mut after) = (0, None::<String>);
    while !shared.act_bell.is_stopped() {
        let page = shared.store.to_act(after.as_deref(), TOGETHER)?;
        let Some(last) = page.last() else { break };
        after = Some(last.record.id.clone());
        for seen in &page {
            match act(shared, seen, origins) {
                Ok(result) => settled += usize::from(result != ActingResult::Changed),
                Err(error) => tracing::error!(%error, decision = seen.record.id, "acting"),
            }
        }
    }
    Ok(settled)
}

fn act(shared: &Shared, seen: &ActingTicket, origins: &[Origin]) -> Result<ActingResult> {
    let record = &seen.record;
    let label = |field| record.decision.fields.get(&field).map(|decided| decided.label.as_str());
    let cell =
        Cell { customer: &record.customer, board: label(Field::Board), ticket_type: label(Field::Type) };
    // By the certificate of the bundle that decided, which is the one in service or nothing is done.
    let found = allowed(shared.store.as_ref(), shared.settings.phase, &[(cell, &record.bundle)])?;
    let Some(allowed) = found.first() else { return Ok(ActingResult::Changed) };
    let live = shared.live.load_full();
    let mut doing = look(seen, allowed, origins, |draft| live.is_by_subtype(draft));
    if live.id != record.bundle {
        let why = "another bundle is in service than the one that decided it".to_owned();
        doing = Doing { reasons: vec![why], ..Doing::default() };
    }
    let now = shared.clock.now();
    let settings = &shared.settings.autonomous;
    let plan = ActingPlan {
        record,
        epoch: allowed.epoch,
        reply: doing.reply,
        fields: doing.fields,
        reasons: doing.reasons,
        not_before: now.checked_add(i64::from(settings.hold_seconds).seconds()).unwrap_or(now),
        bounds: ActingBounds {
            replies_per_hour: settings.replies_per_hour,
            replies_per_customer_day: settings.replies_per_customer_day,
        },
    };
    let result = shared.store.act_alone(&plan, now)?;
    let kind = match result {
        ActingResult::Acts => "acts",
        ActingResult::Left => "left",
        ActingResult::Changed => return Ok(result),
    };
    shared.metrics.acting.get_or_create(&kind.into()).inc();
    Ok(result)
}
