//! Jobs and their items, drafts to be written, and who is at what.
//!
//! No two owners ever hold one piece of work, and none is handed out for ever: what was claimed twenty times and never finished
//! is given up.

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_ticket::{Draft, Ticket};
use jiff::Timestamp;
use serde_json::json;

use super::{decisions, name};
use crate::audit::{Log, hash_of};
use crate::db::{Row, Tx, Value, json};
use crate::{Job, JobFault, JobItem, JobState, NewJob, Work, WorkKind};

impl WorkKind {
    fn name(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::Draft => "draft",
        }
    }
}

pub(super) fn add(tx: &mut dyn Tx, job: &NewJob, now: Timestamp) -> Result<String> {
    let failed = job.items.iter().filter(|item| item.is_err()).count();
    let state = if failed == job.items.len() { JobState::Done } else { JobState::Running };
    let sql = "INSERT INTO jobs (id, state, total, done, failed, drafts, actor, idempotency_key, created_at, updated_at,
        digest) VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $8, $9) ON CONFLICT (actor, idempotency_key) DO NOTHING";
    let key = Value::from(job.idempotency_key.as_ref());
    let digest = hash_of(&json(&(&job.items, job.drafts))?);
    let values = [
        (&job.id).into(),
        name(state)?,
        job.items.len().into(),
        failed.into(),
        i64::from(job.drafts).into(),
        (&job.actor).into(),
        key.clone(),
        now.into(),
        (&digest).into(),
    ];
    if tx.execute(sql, &values)? == 0 {
        let sql = "SELECT id, digest FROM jobs WHERE actor = $1 AND idempotency_key = $2";
        let Some(mut known) = tx.first(sql, &[(&job.actor).into(), key])? else {
            return Err(InternalError::new("looking a job up by its key").into());
        };
        let (id, before) = (known.text()?, known.text()?);
        if before != digest {
            let problem = "the key stands for another job already";
            let next = "Send the same tickets, or another key";
            return Err(UserError::new(Code::Conflict, "Idempotency-Key", problem, next).into());
        }
        return Ok(id);
    }
    for (place, item) in job.items.iter().enumerate() {
        add_item(tx, job, place, item, now)?;
    }
    let detail = json!({"items": job.items.len(), "failed": failed});
    Log::open(tx, now)?.add(tx, &job.actor, "job", &job.id, &detail)?;
    Ok(job.id.clone())
}

fn add_item(
    tx: &mut dyn Tx,
    job: &NewJob,
    place: usize,
    item: &std::result::Result<Ticket, JobFault>,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO work (kind, state, actor, received_at, job, place, customer, ticket, fault)
        VALUES ('triage', $1, $2, $3, $4, $5, $6, $7, $8)";
    let ((state, customer), (ticket, fault)) = match item {
        Ok(ticket) => {
            let customer = ticket.customer_key();
            (("waiting", Some(customer)), (Some(json(ticket)?), None))
        }
        Err(fault) => (("failed", None), (None, Some(json(fault)?))),
    };
    let values = [
        state.into(),
        (&job.actor).into(),
        now.into(),
        (&job.id).into(),
        place.into(),
        customer.as_ref().into(),
        ticket.as_ref().into(),
        fault.as_ref().into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

pub(super) fn job(tx: &mut dyn Tx, id: &str) -> Result<Option<Job>> {
    let sql = "SELECT id, state, total, done, failed, created_at, updated_at, actor FROM jobs WHERE id = $1";
    let Some(mut row) = tx.first(sql, &[id.into()])? else { return Ok(None) };
    Ok(Some(Job {
        id: row.text()?,
        state: row.name()?,
        total: row.int()?,
        done: row.int()?,
        failed: row.int()?,
        created_at: row.time()?,
        updated_at: row.time()?,
        actor: row.text()?,
    }))
}

pub(super) fn items(tx: &mut dyn Tx, id: &str, place: i64, limit: usize) -> Result<Vec<JobItem>> {
    let sql =
        "SELECT place, decision_id, fault FROM work WHERE job = $1 AND place >= $2 ORDER BY place LIMIT $3";
    let mut items = Vec::new();
    for mut row in tx.query(sql, &[id.into(), place.into(), limit.into()])? {
        let (place, decision, fault) = (row.int()?, row.maybe_text()?, row.maybe_json()?);
        let decision = match decision {
            Some(id) => decisions::decision(tx, &id)?,
            None => None,
        };
        items.push(JobItem { place, decision, fault });
    }
    Ok(items)
}

pub(super) fn cancel(tx: &mut dyn Tx, id: &str, actor: &str, now: Timestamp) -> Result<Option<Job>> {
    let mut log = Log::open(tx, now)?;
    let sql = "UPDATE jobs SET state = 'cancelled', updated_at = $2 WHERE id = $1 AND state = 'running'";
    if tx.execute(sql, &[id.into(), now.into()])? > 0 {
        let sql = "UPDATE work SET state = 'cancelled', ticket = NULL WHERE job = $1 AND state = 'waiting'";
        let items = tx.execute(sql, &[id.into()])?;
        log.add(tx, actor, "job_cancel", id, &json!({"items": items}))?;
    }
    job(tx, id)
}

/// How often work is handed out; the index `work_worn` counts on it.
const CLAIMS: i64 = 20;

/// What may be claimed at `$2` of the kind `$1`.
const OPEN: &str = "SELECT id FROM work WHERE kind = $1 AND state IN ('waiting', 'claimed')
    AND (state = 'waiting' OR lease_until <= $2)
    AND (job IS NULL OR job NOT IN (SELECT id FROM jobs WHERE state = 'cancelled'))";

pub(super) fn claim(
    tx: &mut dyn Tx,
    kind: WorkKind,
    owner: &str,
    limit: usize,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<Work>> {
    let sql = format!("{OPEN} AND attempts >= {CLAIMS} ORDER BY id FOR UPDATE SKIP LOCKED");
    let worn = tx.query(&sql, &[kind.name().into(), now.into()])?;
    let fault =
        JobFault { code: "E_INTERNAL".to_owned(), message: format!("given up after {CLAIMS} attempts") };
    for mut row in worn {
        give_up(tx, row.int()?, &fault, now)?;
    }
    let sql = format!("{OPEN} ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED");
    let free = tx.query(&sql, &[kind.name().into(), now.into(), limit.into()])?;
    let take = "UPDATE work SET state = 'claimed', owner = $2, lease_until = $3, attempts = attempts + 1 WHERE id = $1";
    let sql = "SELECT w.id, w.job, j.drafts, COALESCE(w.ticket, t.ticket), d.ticket_id, d.id, d.decision, w.actor,
        w.received_at, w.attempts FROM work w LEFT JOIN jobs j ON j.id = w.job
        LEFT JOIN decisions d ON d.id = w.decision_id LEFT JOIN tickets t ON t.id = d.ticket_id WHERE w.id = $1";
    let mut claimed = Vec::with_capacity(free.len());
    for mut row in free {
        let id = Value::Int(row.int()?);
        tx.execute(take, &[id.clone(), owner.into(), until.into()])?;
        if let Some(row) = tx.first(sql, &[id])? {
            claimed.push(work(row)?);
        }
    }
    Ok(claimed)
}

fn work(mut row: Row) -> Result<Work> {
    let (id, job) = (row.int()?, row.maybe_text()?);
    let drafts = row.maybe_int()?.is_none_or(|wanted| wanted != 0);
    let (ticket, ticket_id) = (row.maybe_json::<Ticket>()?, row.maybe_text()?);
    let ticket = ticket.unwrap_or_else(|| Ticket { id: ticket_id.unwrap_or_default(), ..Ticket::default() });
    let decision = row.maybe_text()?.zip(row.maybe_json()?);
    let (actor, received_at, attempts) = (row.text()?, row.time()?, row.int()?);
    Ok(Work { id, job, drafts, ticket, decision, actor, received_at, attempts })
}

/// The job of an item that `owner` holds.
pub(super) fn held_item(tx: &mut dyn Tx, work: i64, owner: &str) -> Result<Option<String>> {
    let sql = "SELECT job FROM work WHERE id = $1 AND kind = 'triage' AND state = 'claimed' AND owner = $2 FOR UPDATE";
    tx.first(sql, &[work.into(), owner.into()])?.map(|mut row| row.text()).transpose()
}

/// An item became a decision; its words are the ticket's from now on.
pub(super) fn decided(tx: &mut dyn Tx, work: i64, job: &str, decision: &str, now: Timestamp) -> Result<()> {
    let sql =
        "UPDATE work SET state = 'done', decision_id = $2, ticket = NULL, owner = NULL, lease_until = NULL
        WHERE id = $1";
    tx.execute(sql, &[work.into(), decision.into()])?;
    count(tx, job, (1, 0), now)
}

/// An item that was decided before, just as it is.
pub(super) fn known(tx: &mut dyn Tx, work: i64, owner: &str, decision: &str, now: Timestamp) -> Result<bool> {
    let Some(job) = held_item(tx, work, owner)? else { return Ok(false) };
    decided(tx, work, &job, decision, now)?;
    Ok(true)
}

/// Counts items of a job that are done and that have failed.
fn count(tx: &mut dyn Tx, job: &str, (done, failed): (i64, i64), now: Timestamp) -> Result<()> {
    let sql = "UPDATE jobs SET done = done + $2, failed = failed + $3, updated_at = $4,
        state = CASE WHEN state = 'running' AND done + $2 + failed + $3 >= total THEN 'done' ELSE state END
        WHERE id = $1";
    tx.execute(sql, &[job.into(), done.into(), failed.into(), now.into()])?;
    Ok(())
}

/// A draft is to be written.
pub(super) fn want_draft(tx: &mut dyn Tx, decision: &str, received_at: Timestamp, actor: &str) -> Result<()> {
    let sql = "INSERT INTO work (kind, state, actor, received_at, decision_id)
        VALUES ('draft', 'waiting', $1, $2, $3)";
    tx.execute(sql, &[actor.into(), received_at.into(), decision.into()])?;
    Ok(())
}

pub(super) fn drafted(
    tx: &mut dyn Tx,
    work: i64,
    owner: &str,
    draft: Option<&Draft>,
    now: Timestamp,
) -> Result<bool> {
    let mut log = Log::open(tx, now)?;
    let sql =
        "SELECT decision_id FROM work WHERE id = $1 AND kind = 'draft' AND state = 'claimed' AND owner = $2
        FOR UPDATE";
    let Some(mut row) = tx.first(sql, &[work.into(), owner.into()])? else { return Ok(false) };
    let decision = row.text()?;
    tx.execute("DELETE FROM work WHERE id = $1", &[work.into()])?;
    let state = if draft.is_some() { "pending" } else { "none" };
    let sql = "UPDATE decisions SET draft_state = $2, draft = $3, draft_confidence = $4, drafted_at = $5,
        version = version + 1 WHERE id = $1 AND draft_state = 'writing'";
    let text = draft.map(json).transpose()?;
    let values = [
        (&decision).into(),
        state.into(),
        text.as_ref().into(),
        draft.map(|d| d.confidence.get()).into(),
        draft.map(|_| now).into(),
    ];
    if tx.execute(sql, &values)? == 0 {
        return Ok(false);
    }
    let detail = match draft {
        Some(d) => json!({"text": hash_of(&d.text), "origin": d.origin, "confidence": d.confidence}),
        None => json!({}),
    };
    log.add(tx, "firstline", "draft", &decision, &detail)?;
    Ok(true)
}

pub(super) fn fail(
    tx: &mut dyn Tx,
    work: i64,
    owner: &str,
    fault: &JobFault,
    now: Timestamp,
) -> Result<bool> {
    let sql = "SELECT id FROM work WHERE id = $1 AND state = 'claimed' AND owner = $2 FOR UPDATE";
    let held = tx.first(sql, &[work.into(), owner.into()])?.is_some();
    if held {
        give_up(tx, work, fault, now)?;
    }
    Ok(held)
}

/// The item has failed, or the draft will not come.
pub(super) fn give_up(tx: &mut dyn Tx, work: i64, fault: &JobFault, now: Timestamp) -> Result<()> {
    let sql = "SELECT job, decision_id FROM work WHERE id = $1";
    let Some(mut row) = tx.first(sql, &[work.into()])? else { return Ok(()) };
    match (row.maybe_text()?, row.maybe_text()?) {
        (Some(job), _) => {
            let sql = "UPDATE work SET state = 'failed', fault = $2, ticket = NULL, owner = NULL, lease_until = NULL
                WHERE id = $1";
            tx.execute(sql, &[work.into(), Value::Text(json(fault)?)])?;
            count(tx, &job, (0, 1), now)
        }
        (None, decision) => {
            tx.execute("DELETE FROM work WHERE id = $1", &[work.into()])?;
            // It may be asked for again.
            let sql = "UPDATE decisions SET draft_state = 'none', draft_asked = 0, version = version + 1
                WHERE id = $1 AND draft_state = 'writing'";
            tx.execute(sql, &[decision.as_ref().into()])?;
            Ok(())
        }
    }
}

pub(super) fn release(tx: &mut dyn Tx, owner: &str) -> Result<u64> {
    // Giving back in good order is no attempt that failed.
    let sql = "UPDATE work SET state = 'waiting', owner = NULL, lease_until = NULL, attempts = attempts - 1
        WHERE owner = $1 AND state = 'claimed'";
    tx.execute(sql, &[owner.into()])
}

pub(super) fn take_over(tx: &mut dyn Tx) -> Result<u64> {
    let sql = "UPDATE work SET state = 'waiting', owner = NULL, lease_until = NULL WHERE state = 'claimed'";
    tx.execute(sql, &[])
}

pub(super) fn renew(tx: &mut dyn Tx, work: &[i64], owner: &str, until: Timestamp) -> Result<u64> {
    let sql = "UPDATE work SET lease_until = $3 WHERE id = $1 AND owner = $2 AND state = 'claimed'";
    work.iter().map(|&id| tx.execute(sql, &[id.into(), owner.into(), until.into()])).sum()
}
