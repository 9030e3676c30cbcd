//! Jobs and their items, drafts to be written, and who is at what.
//!
//! No two owners ever hold one piece of work, and none is handed out for ever: what was claimed twenty times and never finished
//! is given up.

use std::collections::{BTreeMap, HashMap};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_ticket::{Draft, Ticket};
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, bytes_of, days, decisions, name, page};
use crate::audit::{Log, Note, hash_of_json};
use crate::db::{Db, Row, Tx, Value, execute_rows, json, list};
use crate::{
    DraftResult, Job, JobFault, JobItem, JobState, Jobs, NewJob, PAGE_BYTES, RefusedItem, Work, WorkKind,
};

impl WorkKind {
    fn name(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::Draft => "draft",
        }
    }
}

/// How often work is handed out; the index `work_worn` counts on it.
const CLAIMS: i64 = 20;

/// Items of a job that are written together.
const TOGETHER: usize = 128;

/// What may be claimed at `$2` of the kind `$1`.
const OPEN: &str = "FROM work WHERE kind = $1 AND state IN ('waiting', 'claimed')
    AND (state = 'waiting' OR lease_until <= $2)
    AND (job IS NULL OR job NOT IN (SELECT id FROM jobs WHERE state = 'cancelled'))";

/// The pieces of work in `rows($1)`.
const THESE: &str = "IN (SELECT CAST(value ->> 0 AS BIGINT) FROM rows($1))";

impl<D: Db> Jobs for Shelf<D> {
    fn add_job(&self, job: &NewJob, now: Timestamp) -> Result<String> {
        // Made beforehand: no writer is held up by it.
        let digest = hash_of_json(&(&job.items, job.drafts))?;
        self.write(|tx| {
            if let Some(known) = add(tx, job, &digest, now)? {
                return Ok(known);
            }
            let sql =
                "INSERT INTO work (kind, state, actor, received_at, job, place, customer, ticket, fault)
                SELECT 'triage', value ->> 1, CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($4 AS TEXT),
                CAST(value ->> 0 AS BIGINT), value ->> 2, value ->> 3, value ->> 4 FROM rows($1)";
            // A few at a time: a job may be long, and is there twice already.
            let mut items = job.items.iter().enumerate().map(item_row);
            loop {
                let these = items.by_ref().take(TOGETHER).collect::<Result<Vec<_>>>()?;
                if these.is_empty() {
                    break;
                }
                execute_rows(tx, sql, &these, &[(&job.actor).into(), now.into(), (&job.id).into()])?;
            }
            let failed = job.items.iter().filter(|item| item.is_err()).count();
            let detail = json!({"items": job.items.len(), "failed": failed});
            Log::open(tx, now)?
                .add(tx, Note { actor: &job.actor, action: "job", subject: &job.id, detail })?;
            Ok(job.id.clone())
        })
    }

    fn job(&self, id: &str) -> Result<Option<Job>> {
        self.read(|tx| job(tx, id))
    }

    fn job_items(&self, id: &str, place: i64, limit: usize) -> Result<Vec<JobItem>> {
        // LEFT: an item without a decision is an item as well.
        let which = format!(
            "FROM work w LEFT JOIN decisions d ON d.id = w.decision_id LEFT {}
            WHERE w.job = $1 AND w.place >= $2 ORDER BY w.place LIMIT $3",
            decisions::SOURCES
        );
        let bytes = bytes_of(&["w.fault", "d.decision", "d.draft"]);
        let sql = format!("SELECT w.place, w.fault, d.seq, {} {which}", decisions::COLUMNS);
        self.read(|tx| {
            let (fits, _) = page(tx, &format!("SELECT {bytes} {which}"), &[id.into(), place.into()], limit)?;
            let rows = tx.query(&sql, &[id.into(), place.into(), fits.into()])?;
            rows.into_iter()
                .map(|mut row| {
                    let (place, fault, decided) = (row.int()?, row.maybe_json()?, row.maybe_int()?);
                    let decision = decided.map(|_| decisions::read(&mut row)).transpose()?;
                    Ok(JobItem { place, decision, fault })
                })
                .collect()
        })
    }

    fn cancel_job(&self, id: &str, actor: &str, now: Timestamp) -> Result<Option<Job>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let sql =
                "UPDATE jobs SET state = 'cancelled', updated_at = $2 WHERE id = $1 AND state = 'running'";
            if tx.execute(sql, &[id.into(), now.into()])? > 0 {
                let sql =
                    "UPDATE work SET state = 'cancelled', ticket = NULL WHERE job = $1 AND state = 'waiting'";
                let items = tx.execute(sql, &[id.into()])?;
                let detail = json!({"items": items});
                log.add(tx, Note { actor, action: "job_cancel", subject: id, detail })?;
            }
            job(tx, id)
        })
    }

    fn claim(
        &self,
        kind: WorkKind,
        owner: &str,
        limit: usize,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Work>> {
        // Read beforehand: it takes longer than a writer may hold others up.
        let shares = self.read(|tx| shares(tx, kind, now))?;
        self.write(|tx| {
            give_up_worn(tx, kind, now)?;
            let free = free(tx, kind, &shares, (limit, now))?;
            if free.is_empty() {
                return Ok(Vec::new());
            }
            let free = list(fitting(tx, free)?)?;
            let sql = format!(
                "UPDATE work SET state = 'claimed', owner = $2, lease_until = $3, attempts = attempts + 1
                WHERE id {THESE}"
            );
            tx.execute(&sql, &[free.clone(), owner.into(), until.into()])?;
            let sql = format!(
                "SELECT w.id, w.job, j.drafts, COALESCE(w.ticket, t.ticket), t.number, d.id, d.decision, w.actor,
                w.received_at, w.attempts FROM work w LEFT JOIN jobs j ON j.id = w.job
                LEFT JOIN decisions d ON d.id = w.decision_id LEFT JOIN tickets t ON t.id = d.ticket_id
                WHERE w.id {THESE} ORDER BY w.id"
            );
            tx.query(&sql, &[free])?.into_iter().map(work).collect()
        })
    }

    fn drafted(&self, result: &DraftResult<'_>, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let sql = "SELECT decision_id FROM work WHERE id = $1 AND kind = 'draft' AND state = 'claimed' AND owner = $2
                FOR UPDATE";
            let held = tx.first(sql, &[result.work.into(), result.owner.into()])?;
            let Some(mut row) = held else { return Ok(false) };
            let decision = row.text()?;
            tx.execute("DELETE FROM work WHERE id = $1", &[result.work.into()])?;
            if !put_draft(tx, &decision, result, now)? {
                return Ok(false);
            }
            let detail = match result.draft {
                Some(draft) => json!({
                    "text": log.salted(&draft.text),
                    "origin": draft.origin,
                    "confidence": draft.confidence,
                    "bundle": result.bundle,
                    "drafting": result.drafting,
                }),
                None => json!({}),
            };
            log.add(tx, Note { actor: "firstline", action: "draft", subject: &decision, detail })?;
            Ok(true)
        })
    }

    fn fail(&self, work: i64, owner: &str, fault: &JobFault, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let sql = "SELECT id FROM work WHERE id = $1 AND state = 'claimed' AND owner = $2 FOR UPDATE";
            let held = tx.first(sql, &[work.into(), owner.into()])?.is_some();
            if held {
                give_up(tx, work, fault, now)?;
            }
            Ok(held)
        })
    }

    fn release(&self, owner: &str) -> Result<u64> {
        // Giving back in good order is no attempt that failed.
        let sql =
            "UPDATE work SET state = 'waiting', owner = NULL, lease_until = NULL, attempts = attempts - 1
            WHERE owner = $1 AND state = 'claimed'";
        self.write(|tx| tx.execute(sql, &[owner.into()]))
    }

    fn known(&self, work: i64, owner: &str, decision: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let item = held_items(tx, [work])?.remove(&work);
            let Some(item) = item.filter(|item| item.owner == crate::db::clean(owner)) else {
                return Ok(false);
            };
            decided(tx, [(&item, decision)], now)?;
            Ok(true)
        })
    }

    fn renew(&self, work: &[i64], owner: &str, until: Timestamp) -> Result<u64> {
        // Locked in the order of their ids, as everywhere: two that want the same rows must not wait for each other.
        let lock = format!("SELECT id FROM work WHERE id {THESE} ORDER BY id FOR UPDATE");
        let sql =
            format!("UPDATE work SET lease_until = $3 WHERE id {THESE} AND owner = $2 AND state = 'claimed'");
        self.write(|tx| {
            let these = list(work.iter().copied())?;
            tx.query(&lock, std::slice::from_ref(&these))?;
            tx.execute(&sql, &[these, owner.into(), until.into()])
        })
    }

    fn take_over(&self) -> Result<u64> {
        let sql =
            "UPDATE work SET state = 'waiting', owner = NULL, lease_until = NULL WHERE state = 'claimed'";
        self.write(|tx| tx.execute(sql, &[]))
    }
}

/// Work of one actor, from one id to another.
struct Share {
    actor: String,
    from: i64,
    to: i64,
}

/// Whose work waits, and where: of jobs those that run, oldest first; of drafts each actor's.
fn shares(tx: &mut dyn Tx, kind: WorkKind, now: Timestamp) -> Result<Vec<Share>> {
    let rows = match kind {
        WorkKind::Triage => {
            let sql = "SELECT j.actor, f.id, l.id FROM jobs j JOIN work f ON f.job = j.id AND f.place = 0
                JOIN work l ON l.job = j.id AND l.place = j.total - 1 WHERE j.state = 'running' ORDER BY f.id";
            tx.query(sql, &[])?
        }
        WorkKind::Draft => {
            let sql = format!("SELECT actor, MIN(id), MAX(id) {OPEN} GROUP BY actor ORDER BY actor");
            tx.query(&sql, &[kind.name().into(), now.into()])?
        }
    };
    let share = |mut row: Row| Ok(Share { actor: row.text()?, from: row.int()?, to: row.int()? });
    rows.into_iter().map(share).collect()
}

/// Up to `limit` pieces of open work, as many of each actor's as of another's, each actor's oldest first. The actor who is served
/// first changes with the time, so that no order favours one.
fn free(
    tx: &mut dyn Tx,
    kind: WorkKind,
    shares: &[Share],
    (limit, now): (usize, Timestamp),
) -> Result<Vec<i64>> {
    let mut actors: Vec<&str> = shares.iter().map(|share| share.actor.as_str()).collect();
    actors.sort_unstable();
    actors.dedup();
    let first = usize::try_from(now.as_millisecond()).unwrap_or(0) % actors.len().max(1);
    actors.rotate_left(first);
    let sql = format!(
        "SELECT id {OPEN} AND actor = $3 AND id BETWEEN $4 AND $5 ORDER BY id LIMIT $6 FOR UPDATE SKIP LOCKED"
    );
    let mut free = Vec::new();
    for (i, actor) in actors.iter().enumerate() {
        let mut quota = (limit - free.len()).div_ceil(actors.len() - i);
        for share in shares.iter().filter(|share| share.actor == *actor) {
            if quota == 0 {
                break;
            }
            let (from, to) = (share.from.into(), share.to.into());
            let values = [kind.name().into(), now.into(), (*actor).into(), from, to, quota.into()];
            let found = tx.query(&sql, &values)?;
            quota -= found.len();
            for mut row in found {
                free.push(row.int()?);
            }
        }
    }
    Ok(free)
}

/// The first of these pieces of work, as many as have [`PAGE_BYTES`], and one at least.
fn fitting(tx: &mut dyn Tx, mut these: Vec<i64>) -> Result<Vec<i64>> {
    let sql = format!("SELECT id, {} FROM work WHERE id {THESE}", bytes_of(&["ticket"]));
    let rows = tx.query(&sql, &[list(these.iter().copied())?])?;
    let sizes: HashMap<i64, i64> =
        rows.into_iter().map(|mut row| Ok((row.int()?, row.int()?))).collect::<Result<_>>()?;
    let mut bytes = 0;
    let over = these.iter().position(|id| {
        bytes += sizes.get(id).copied().unwrap_or_default();
        bytes.unsigned_abs() as usize > PAGE_BYTES
    });
    these.truncate(over.unwrap_or(these.len()).max(1));
    Ok(these)
}

/// Adds the job itself; gives the id of the one that its key stands for, where there is one.
fn add(tx: &mut dyn Tx, job: &NewJob, digest: &str, now: Timestamp) -> Result<Option<String>> {
    let failed = job.items.iter().filter(|item| item.is_err()).count();
    let state = if failed == job.items.len() { JobState::Done } else { JobState::Running };
    let sql = "INSERT INTO jobs (id, state, total, done, failed, drafts, actor, idempotency_key, created_at, updated_at,
        digest) VALUES ($1, $2, $3, 0, $4, $5, $6, $7, $8, $8, $9) ON CONFLICT (actor, idempotency_key) DO NOTHING";
    let key = Value::from(job.idempotency_key.as_ref());
    let values = [
        (&job.id).into(),
        name(state)?,
        job.items.len().into(),
        failed.into(),
        i64::from(job.drafts).into(),
        (&job.actor).into(),
        key.clone(),
        now.into(),
        digest.into(),
    ];
    if tx.execute(sql, &values)? > 0 {
        return check_backlog(tx, job).map(|()| None);
    }
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
    Ok(Some(id))
}

/// Checks that no more of the actor's tickets wait than may, the new job's among them.
fn check_backlog(tx: &mut dyn Tx, job: &NewJob) -> Result<()> {
    let sql = "SELECT CAST(COALESCE(SUM(total - done - failed), 0) AS BIGINT) FROM jobs
        WHERE actor = $1 AND state = 'running' AND id <> $2";
    let before =
        tx.first(sql, &[(&job.actor).into(), (&job.id).into()])?.map_or(Ok(0), |mut row| row.int())?;
    let before = usize::try_from(before).unwrap_or(0);
    if before > 0 && before + job.items.len() > job.most_waiting {
        let problem = format!("{before} tickets of this key's jobs wait already");
        let next = "Send it again when some are decided";
        return Err(UserError::new(Code::Overload, "the job", problem, next).into());
    }
    Ok(())
}

fn item_row((place, item): (usize, &std::result::Result<Ticket, RefusedItem>)) -> Result<Vec<Value>> {
    Ok(match item {
        Ok(ticket) => vec![
            place.into(),
            "waiting".into(),
            (&ticket.customer_key()).into(),
            Value::Text(json(ticket)?),
            Value::Null,
        ],
        Err(RefusedItem { customer, fault }) => {
            let (whose, why) = (customer.as_ref().into(), Value::Text(json(fault)?));
            vec![place.into(), "failed".into(), whose, Value::Null, why]
        }
    })
}

fn job(tx: &mut dyn Tx, id: &str) -> Result<Option<Job>> {
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

fn work(mut row: Row) -> Result<Work> {
    let (id, job) = (row.int()?, row.maybe_text()?);
    let drafts = row.maybe_int()?.is_none_or(|wanted| wanted != 0);
    let (ticket, ticket_id) = (row.maybe_json::<Ticket>()?, row.maybe_text()?);
    let ticket = ticket.unwrap_or_else(|| Ticket { id: ticket_id.unwrap_or_default(), ..Ticket::default() });
    let decision = row.maybe_text()?.zip(row.maybe_json()?);
    let (actor, received_at, attempts) = (row.text()?, row.time()?, row.int()?);
    Ok(Work { id, job, drafts, ticket, decision, actor, received_at, attempts })
}

/// An item of a job that somebody holds.
pub(super) struct Held {
    id: i64,
    pub(super) owner: String,
    job: String,
}

/// Those of `work` that are items of jobs and are held.
pub(super) fn held_items(tx: &mut dyn Tx, work: impl IntoIterator<Item = i64>) -> Result<HashMap<i64, Held>> {
    let work: Vec<i64> = work.into_iter().collect();
    if work.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT id, owner, job FROM work WHERE id {THESE} AND kind = 'triage' AND state = 'claimed' ORDER BY id FOR UPDATE"
    );
    let rows = tx.query(&sql, &[list(work)?])?;
    rows.into_iter()
        .map(|mut row| {
            let held = Held { id: row.int()?, owner: row.text()?, job: row.text()? };
            Ok((held.id, held))
        })
        .collect()
}

/// Items became decisions; their words are the tickets' from now on.
pub(super) fn decided<'h>(
    tx: &mut dyn Tx,
    items: impl IntoIterator<Item = (&'h Held, &'h str)>,
    now: Timestamp,
) -> Result<()> {
    let (mut rows, mut jobs) = (Vec::new(), BTreeMap::new());
    for (item, decision) in items {
        rows.push(vec![item.id.into(), decision.into()]);
        *jobs.entry(item.job.as_str()).or_insert(0) += 1;
    }
    let sql = "UPDATE work SET state = 'done', decision_id = r.value ->> 1, ticket = NULL, owner = NULL,
        lease_until = NULL FROM rows($1) r WHERE work.id = CAST(r.value ->> 0 AS BIGINT)";
    execute_rows(tx, sql, &rows, &[])?;
    for (job, done) in jobs {
        count(tx, job, done, 0, now)?;
    }
    Ok(())
}

/// Counts items of a job that are done and that have failed.
fn count(tx: &mut dyn Tx, job: &str, done: i64, failed: i64, now: Timestamp) -> Result<()> {
    let sql = "UPDATE jobs SET done = done + $2, failed = failed + $3, updated_at = $4,
        state = CASE WHEN state = 'running' AND done + $2 + failed + $3 >= total THEN 'done' ELSE state END
        WHERE id = $1";
    tx.execute(sql, &[job.into(), done.into(), failed.into(), now.into()])?;
    Ok(())
}

/// Drafts are to be written: rows of who asked, when the ticket came in, and the decision.
pub(super) fn want_drafts(tx: &mut dyn Tx, drafts: &[Vec<Value>]) -> Result<()> {
    let sql = "INSERT INTO work (kind, state, actor, received_at, decision_id)
        SELECT 'draft', 'waiting', value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2 FROM rows($1)";
    execute_rows(tx, sql, drafts, &[]).map(drop)
}

/// Puts a draft, or that there can't be one, on record; `false` where the decision does not wait for it any more.
fn put_draft(tx: &mut dyn Tx, decision: &str, result: &DraftResult<'_>, now: Timestamp) -> Result<bool> {
    let draft: Option<&Draft> = result.draft;
    let sql = "UPDATE decisions SET draft_state = $2, draft = $3, draft_confidence = $4, drafted_at = $5, drafted_bundle = $6,
        drafted_by = $7, draft_due = $8, acting = NULL, version = version + 1 WHERE id = $1 AND draft_state = 'writing'";
    let text = draft.map(json).transpose()?;
    let values = [
        decision.into(),
        if draft.is_some() { "pending" } else { "none" }.into(),
        text.as_ref().into(),
        draft.map(|d| d.confidence.get()).into(),
        draft.map(|_| now).into(),
        draft.map(|_| result.bundle).into(),
        draft.and(result.drafting).into(),
        i64::from(draft.is_some()).into(),
    ];
    Ok(tx.execute(sql, &values)? > 0)
}

fn give_up_worn(tx: &mut dyn Tx, kind: WorkKind, now: Timestamp) -> Result<()> {
    let sql = format!("SELECT id {OPEN} AND attempts >= {CLAIMS} ORDER BY id FOR UPDATE SKIP LOCKED");
    let fault =
        JobFault { code: "E_INTERNAL".to_owned(), message: format!("given up after {CLAIMS} attempts") };
    for mut row in tx.query(&sql, &[kind.name().into(), now.into()])? {
        give_up(tx, row.int()?, &fault, now)?;
    }
    Ok(())
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
            count(tx, &job, 0, 1, now)
        }
        (None, decision) => {
            tx.execute("DELETE FROM work WHERE id = $1", &[work.into()])?;
            // It may be asked for again.
            let sql = "UPDATE decisions SET draft_state = 'none', draft_asked = 0, version = version + 1
                WHERE id = $1 AND draft_state = 'writing'";
            tx.execute(sql, &[decision.as_ref().into()])?;
            days::stale(tx, decision.as_deref())
        }
    }
}
