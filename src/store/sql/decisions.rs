//! Tickets and what was decided about them.
//!
//! A decision, the work for its draft and its entry in the audit log are on record together or not at all.

use std::collections::{BTreeMap, HashMap};

use firstline_fault::Result;
use firstline_ticket::{Decision, Field};
use jiff::Timestamp;
use serde_json::json;

use super::{jobs, name};
use crate::audit::{Log, hash_of};
use crate::db::{Row, Tx, Value, json};
use crate::{Decided, DecisionRecord, DraftState, Recorded, Standing, StormHead};

/// What [`read`] reads.
pub(super) const RECORD: &str =
    "SELECT d.id, d.ticket_id, t.customer, d.at, d.received_at, d.input_hash, d.bundle,
    d.decision, d.route, d.collapsed_into, d.draft_state, d.draft, d.drafted_at, d.version, o.labels, t.ticket
    FROM decisions d JOIN tickets t ON t.id = d.ticket_id LEFT JOIN outcomes o ON o.ticket_id = d.ticket_id";

/// A row of [`RECORD`], up to its last column but one.
pub(super) fn read(row: &mut Row) -> Result<DecisionRecord> {
    Ok(DecisionRecord {
        id: row.text()?,
        ticket_id: row.text()?,
        customer: row.text()?,
        at: row.time()?,
        received_at: row.time()?,
        input_hash: row.text()?,
        bundle: row.text()?,
        decision: row.json()?,
        route: row.name()?,
        collapsed_into: row.maybe_text()?,
        draft_state: row.name()?,
        draft: row.maybe_json()?,
        drafted_at: row.maybe_time()?,
        version: row.int()?,
        outcome: row.maybe_json()?.unwrap_or_default(),
    })
}

pub(super) fn decision(tx: &mut dyn Tx, id: &str) -> Result<Option<DecisionRecord>> {
    let row = tx.first(&format!("{RECORD} WHERE d.id = $1"), &[id.into()])?;
    row.map(|mut row| read(&mut row)).transpose()
}

pub(super) fn decision_of(tx: &mut dyn Tx, ticket: &str) -> Result<Option<DecisionRecord>> {
    let row = tx.first(&format!("{RECORD} WHERE t.id = $1 AND d.id = t.decision_id"), &[ticket.into()])?;
    row.map(|mut row| read(&mut row)).transpose()
}

pub(super) fn standing(tx: &mut dyn Tx, tickets: &[&str]) -> Result<HashMap<String, Standing>> {
    let sql =
        "SELECT t.version, d.id, d.input_hash, d.bundle, d.decision, d.route, d.at, d.collapsed_into, d.draft_state,
        d.version, CAST(CASE WHEN o.reply IS NOT NULL OR o.first_response_at IS NOT NULL OR EXISTS (SELECT 1 FROM decisions x
            WHERE x.ticket_id = t.id AND x.draft_state IN ('approved', 'edited')) THEN 1 ELSE 0 END AS BIGINT),
        o.labels, t.customer FROM tickets t JOIN decisions d ON d.id = t.decision_id LEFT JOIN outcomes o ON o.ticket_id = t.id
        WHERE t.id = $1";
    let mut found = HashMap::new();
    for &ticket in tickets {
        let Some(mut row) = tx.first(sql, &[ticket.into()])? else { continue };
        let standing = Standing {
            version: row.int()?,
            decision_id: row.text()?,
            input_hash: row.text()?,
            bundle: row.text()?,
            decision: row.json()?,
            route: row.name()?,
            at: row.time()?,
            collapsed_into: row.maybe_text()?,
            draft_state: row.name()?,
            draft_version: row.int()?,
            answered: row.int()? != 0,
            locked: row.maybe_json()?.unwrap_or_default(),
            customer: row.text()?,
        };
        found.insert(ticket.to_owned(), standing);
    }
    Ok(found)
}

pub(super) fn storm_heads(
    tx: &mut dyn Tx,
    storms: &[&str],
    since: Timestamp,
) -> Result<HashMap<String, StormHead>> {
    let sql = "SELECT id, ticket_id, decision, at FROM decisions
        WHERE storm = $1 AND collapsed_into IS NULL AND at >= $2 ORDER BY at, seq LIMIT 1";
    let mut found = HashMap::new();
    for &storm in storms {
        let Some(mut row) = tx.first(sql, &[storm.into(), since.into()])? else { continue };
        let head = StormHead {
            decision_id: row.text()?,
            ticket_id: row.text()?,
            decision: row.json()?,
            at: row.time()?,
        };
        found.insert(storm.to_owned(), head);
    }
    Ok(found)
}

/// The labels that a decision sets.
pub(super) fn labels(decision: &Decision) -> BTreeMap<Field, String> {
    decision.fields.iter().map(|(field, decided)| (*field, decided.label.clone())).collect()
}

pub(super) fn record(tx: &mut dyn Tx, decided: &[Decided], now: Timestamp) -> Result<Vec<Recorded>> {
    let mut log = Log::open(tx, now)?;
    decided.iter().map(|one| record_one(tx, &mut log, one, now)).collect()
}

fn record_one(tx: &mut dyn Tx, log: &mut Log, one: &Decided, now: Timestamp) -> Result<Recorded> {
    let job = match &one.work {
        None => None,
        Some((work, owner)) => match jobs::held_item(tx, *work, owner)? {
            None => return Ok(Recorded::Lost),
            job => job,
        },
    };
    let ticket = Value::from(&one.ticket.id);
    let version = tx.first("SELECT version FROM tickets WHERE id = $1", std::slice::from_ref(&ticket))?;
    let version = version.map_or(Ok(0), |mut row| row.int())?;
    if version != one.expected {
        return Ok(Recorded::Stale);
    }
    supersede(tx, &one.ticket.id)?;
    insert(tx, one, version + 1, now)?;
    if one.draft {
        jobs::want_draft(tx, &one.id, one.received_at, &one.actor)?;
    }
    if let (Some((work, _)), Some(job)) = (&one.work, job) {
        jobs::decided(tx, *work, &job, &one.id, now)?;
    }
    let detail = json!({
        "ticket": one.ticket.id,
        "input_hash": one.input_hash,
        "bundle": one.bundle,
        "decision": hash_of(&json(&one.decision)?),
        "labels": labels(&one.decision),
        "route": one.route,
    });
    log.add(tx, &one.actor, "decide", &one.id, &detail)?;
    Ok(Recorded::Stored)
}

fn insert(tx: &mut dyn Tx, one: &Decided, version: i64, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO tickets (id, customer, ticket, received_at, version, decision_id)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO UPDATE SET customer = excluded.customer, ticket = excluded.ticket,
        received_at = excluded.received_at, version = excluded.version, decision_id = excluded.decision_id";
    let values = [
        (&one.ticket.id).into(),
        (&one.customer).into(),
        Value::Text(json(&one.ticket)?),
        one.received_at.into(),
        version.into(),
        (&one.id).into(),
    ];
    tx.execute(sql, &values)?;
    let sql = "INSERT INTO decisions (id, ticket_id, at, received_at, opened_at, input_hash, bundle, decision, route,
        storm, collapsed_into, draft_state, draft_asked, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1)";
    let state = if one.draft { DraftState::Writing } else { DraftState::None };
    let values = [
        (&one.id).into(),
        (&one.ticket.id).into(),
        now.into(),
        one.received_at.into(),
        one.ticket.opened_at.into(),
        (&one.input_hash).into(),
        (&one.bundle).into(),
        Value::Text(json(&one.decision)?),
        name(one.route)?,
        one.storm.as_ref().into(),
        one.collapsed_into.as_ref().into(),
        name(state)?,
        i64::from(one.draft).into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

pub(super) fn want_draft(tx: &mut dyn Tx, id: &str, actor: &str) -> Result<bool> {
    let sql = "UPDATE decisions SET draft_asked = 1, draft_state = 'writing', version = version + 1
        WHERE id = $1 AND draft_asked = 0 AND draft_state = 'none' AND collapsed_into IS NULL
        AND EXISTS (SELECT 1 FROM tickets t WHERE t.decision_id = decisions.id AND t.ticket IS NOT NULL)
        RETURNING received_at";
    let Some(mut row) = tx.first(sql, &[id.into()])? else { return Ok(false) };
    jobs::want_draft(tx, id, row.time()?, actor)?;
    Ok(true)
}

/// Makes drafts void that nobody has reviewed, written or still to be.
pub(super) fn supersede(tx: &mut dyn Tx, ticket: &str) -> Result<()> {
    let sql = "UPDATE decisions SET draft_state = 'superseded', version = version + 1
        WHERE ticket_id = $1 AND draft_state IN ('writing', 'pending')";
    if tx.execute(sql, &[ticket.into()])? > 0 {
        let sql = "DELETE FROM work WHERE kind = 'draft'
            AND decision_id IN (SELECT id FROM decisions WHERE ticket_id = $1)";
        tx.execute(sql, &[ticket.into()])?;
    }
    Ok(())
}
