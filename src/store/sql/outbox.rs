//! What is to be done in the PSA, each thing once.
//!
//! An action is claimed by one owner at a time, and a ticket's actions one after another. Whether one whose lease ended was
//! done, only the PSA knows: its idempotency key stays the same.

use firstline_fault::Result;
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, bytes_of, name, of_customers, page};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, clean, json, list};
use crate::{Action, ActionClaim, ActionKind, ActionState, CustomerSet, DecisionRecord, Outbox, Paged};

const ACTION: &str =
    "SELECT a.id, a.kind, a.ticket_id, t.customer, a.decision_id, a.payload, a.idempotency_key, a.state,
    a.attempts, a.lease_until, a.fault FROM actions a JOIN tickets t ON t.id = a.ticket_id";

fn read(mut row: Row) -> Result<Action> {
    Ok(Action {
        id: row.int()?,
        kind: row.name()?,
        ticket_id: row.text()?,
        customer: row.text()?,
        decision_id: row.text()?,
        payload: row.maybe_json()?.unwrap_or_default(),
        idempotency_key: row.text()?,
        state: row.name()?,
        attempts: row.int()?,
        lease_until: row.maybe_time()?,
        fault: row.maybe_text()?,
    })
}

impl<D: Db> Outbox for Shelf<D> {
    fn claim_actions(&self, claim: &ActionClaim<'_>) -> Result<Vec<Action>> {
        self.write(|tx| {
            give_up(tx, claim.now)?;
            let free = free(tx, claim)?;
            if free.is_empty() {
                return Ok(Vec::new());
            }
            let free = list(free)?;
            let these = "IN (SELECT CAST(value ->> 0 AS BIGINT) FROM rows($1))";
            let sql = format!(
                "UPDATE actions SET state = 'claimed', owner = $2, lease_until = $3, most = $4, attempts = attempts + 1
                WHERE id {these}"
            );
            tx.execute(&sql, &[free.clone(), claim.owner.into(), claim.until.into(), claim.most.into()])?;
            let sql = format!("{ACTION} WHERE a.id {these} ORDER BY a.id");
            tx.query(&sql, &[free])?.into_iter().map(read).collect()
        })
    }

    fn settle_action(
        &self,
        id: i64,
        owner: &str,
        customers: &CustomerSet,
        failed: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let sql =
                "SELECT a.state, a.owner, a.attempts, a.most, a.decision_id, a.idempotency_key, t.customer
                FROM actions a JOIN tickets t ON t.id = a.ticket_id WHERE a.id = $1 FOR UPDATE";
            let Some(mut row) = tx.first(sql, &[id.into()])? else { return Ok(false) };
            let (state, holder, attempts) = (row.text()?, row.maybe_text()?, row.int()?);
            let (most, decision, key) = (row.maybe_int()?, row.text()?, row.text()?);
            if !customers.has(&row.text()?) || holder.as_deref() != Some(clean(owner).as_str()) {
                return Ok(false);
            }
            match state.as_str() {
                "done" => return Ok(true),
                "claimed" => {}
                _ => return Ok(false),
            }
            let (state, fault, not_before) = match failed {
                None => ("done", None, now),
                Some((why, _)) if most.is_some_and(|most| attempts >= most) => ("failed", Some(why), now),
                Some((why, retry_at)) => ("waiting", Some(why), retry_at),
            };
            // Who did it stays known: saying so again is no fault.
            let holder = if state == "done" { Some(owner) } else { None };
            let sql =
                "UPDATE actions SET state = $2, fault = $3, not_before = $4, owner = $5, lease_until = NULL
                WHERE id = $1";
            tx.execute(sql, &[id.into(), state.into(), fault.into(), not_before.into(), holder.into()])?;
            if state != "waiting" {
                let detail = json!({"action": key, "state": state});
                log.add(tx, Note { actor: owner, action: "act", subject: &decision, detail })?;
            }
            Ok(true)
        })
    }

    fn actions(
        &self,
        state: Option<ActionState>,
        customers: &CustomerSet,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Paged<Action>> {
        let (mut which, mut values) = ("WHERE 1 = 1".to_owned(), Vec::new());
        if let Some(state) = state {
            which.push_str(" AND a.state = $1");
            values.push(name(state)?);
        }
        if let Some(before) = before {
            values.push(before.into());
            which.push_str(&format!(" AND a.id < ${}", values.len()));
        }
        of_customers(&mut which, &mut values, "t.customer", customers);
        which.push_str(&format!(" ORDER BY a.id DESC LIMIT ${}", values.len() + 1));
        let bytes = bytes_of(&["a.payload", "a.fault"]);
        let sizes = format!("SELECT {bytes} FROM actions a JOIN tickets t ON t.id = a.ticket_id {which}");
        self.read(|tx| {
            let (fits, more) = page(tx, &sizes, &values, limit)?;
            let values = [&values[..], &[fits.into()]].concat();
            let rows = tx.query(&format!("{ACTION} {which}"), &values)?;
            Ok(Paged { items: rows.into_iter().map(read).collect::<Result<_>>()?, more })
        })
    }
}

/// Adds an action that follows from a decision.
pub(super) fn add(
    tx: &mut dyn Tx,
    record: &DecisionRecord,
    kind: ActionKind,
    payload: &serde_json::Value,
    now: Timestamp,
) -> Result<()> {
    let suffix = match kind {
        ActionKind::Reply => "reply",
        ActionKind::SetFields => "fields",
    };
    let sql = "INSERT INTO actions (kind, ticket_id, decision_id, payload, idempotency_key, state, not_before, created_at)
        VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $6)";
    let values = [
        name(kind)?,
        (&record.ticket_id).into(),
        (&record.id).into(),
        Value::Text(json(payload)?),
        (&format!("{}:{suffix}", record.id)).into(),
        now.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Gives actions up that were claimed as often as they may be, and never settled.
fn give_up(tx: &mut dyn Tx, now: Timestamp) -> Result<()> {
    let sql = "UPDATE actions SET state = 'failed', owner = NULL, lease_until = NULL,
        fault = 'claimed as often as it may be, and never settled'
        WHERE state IN ('waiting', 'claimed') AND attempts >= most AND (state = 'waiting' OR lease_until <= $1)";
    tx.execute(sql, &[now.into()])?;
    Ok(())
}

/// The actions that may be claimed, locked.
fn free(tx: &mut dyn Tx, claim: &ActionClaim<'_>) -> Result<Vec<i64>> {
    let mut sql = "SELECT id FROM actions a WHERE state IN ('waiting', 'claimed')
        AND ((state = 'waiting' AND not_before <= $1) OR (state = 'claimed' AND lease_until <= $1))
        AND NOT EXISTS (SELECT 1 FROM actions b WHERE b.ticket_id = a.ticket_id AND b.id < a.id
            AND b.state IN ('waiting', 'claimed'))"
        .to_owned();
    let mut values = vec![claim.now.into()];
    if *claim.customers != CustomerSet::All {
        sql.push_str(" AND ticket_id IN (SELECT id FROM tickets WHERE 1 = 1");
        of_customers(&mut sql, &mut values, "customer", claim.customers);
        sql.push(')');
    }
    values.push(claim.limit.into());
    sql.push_str(&format!(" ORDER BY id LIMIT ${} FOR UPDATE SKIP LOCKED", values.len()));
    tx.query(&sql, &values)?.into_iter().map(|mut row| row.int()).collect()
}
