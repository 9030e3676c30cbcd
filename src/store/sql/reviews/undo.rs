//! Taking a review back, as long as nothing has come of it.
//!
//! Must never take back what somebody may have begun to send.

use firstline_fault::Result;
use firstline_ticket::DraftState;
use jiff::Timestamp;
use serde_json::json;

use super::super::{days, decisions, name};
use crate::audit::{Log, Note};
use crate::db::Tx;
use crate::{DecisionRecord, GivenReview, ReviewResult, Undo};

/// What an action says whose review was taken back.
const UNDONE: &str = "the review was taken back";

/// The review of a decision.
pub(super) fn review_of(tx: &mut dyn Tx, decision: &str) -> Result<Option<GivenReview>> {
    let sql = "SELECT at, actor, reviewer, verdict FROM reviews WHERE decision_id = $1";
    let Some(mut row) = tx.first(sql, &[decision.into()])? else { return Ok(None) };
    Ok(Some(GivenReview {
        at: row.time()?,
        actor: row.text()?,
        reviewer: row.text()?,
        verdict: row.maybe_json()?,
    }))
}

/// Which review of the decision this is, as part of its actions' keys: nothing for the first.
pub(super) fn round(tx: &mut dyn Tx, record: &DecisionRecord) -> Result<String> {
    let row = tx.first("SELECT undone FROM decisions WHERE id = $1", &[(&record.id).into()])?;
    let undone = row.map_or(Ok(0), |mut row| row.int())?;
    Ok(if undone == 0 { String::new() } else { format!("again-{undone}") })
}

/// Takes a review back.
pub(super) fn undo(tx: &mut dyn Tx, undo: &Undo<'_>, now: Timestamp) -> Result<ReviewResult> {
    let mut log = Log::open(tx, now)?;
    let Some(record) = decisions::decision(tx, undo.decision_id)? else { return Ok(ReviewResult::Missing) };
    let given = review_of(tx, &record.id)?;
    let is_own = given.is_some_and(|given| given.actor == undo.actor && given.at > undo.since);
    if record.is_hidden() || undo.version != record.version || !is_own || !can_wait_again(tx, &record)? {
        return Ok(ReviewResult::Conflict(record.into()));
    }
    let sql = "UPDATE actions SET state = 'void', payload = NULL, held_at = NULL, fault = $2
        WHERE decision_id = $1 AND COALESCE(origin, 'person') = 'person' AND state IN ('waiting', 'held')";
    tx.execute(sql, &[(&record.id).into(), UNDONE.into()])?;
    tx.execute("DELETE FROM reviews WHERE decision_id = $1", &[(&record.id).into()])?;
    let state = match record.draft_state {
        DraftState::None => DraftState::None,
        _ => DraftState::Pending,
    };
    let sql =
        "UPDATE decisions SET draft_state = $2, version = version + 1, undone = undone + 1 WHERE id = $1";
    tx.execute(sql, &[(&record.id).into(), name(state)?])?;
    days::stale(tx, [record.id.as_str()])?;
    let detail = json!({ "was": record.draft_state });
    log.add(tx, Note { actor: undo.actor, action: "undo", subject: &record.id, detail })?;
    let now_is = decisions::decision(tx, &record.id)?;
    Ok(now_is.map_or(ReviewResult::Missing, |record| ReviewResult::Done(record.into())))
}

/// Whether the decision is still its ticket's newest, and nothing that a person approved of it may have been done.
fn can_wait_again(tx: &mut dyn Tx, record: &DecisionRecord) -> Result<bool> {
    let lock = "SELECT a.id FROM actions a WHERE a.decision_id = $1 FOR UPDATE";
    tx.query(lock, &[(&record.id).into()])?;
    let sql = "SELECT t.id FROM tickets t WHERE t.id = $1 AND t.decision_id = $2 AND t.moved_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM actions a WHERE a.decision_id = $2 AND COALESCE(a.origin, 'person') = 'person'
            AND (a.attempts > 0 OR a.state IN ('claimed', 'done', 'failed')))";
    Ok(tx.first(sql, &[(&record.row).into(), (&record.id).into()])?.is_some())
}
