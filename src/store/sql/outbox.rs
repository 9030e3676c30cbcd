//! What is to be done in the PSA, each thing once.
//!
//! An action is claimed by one owner at a time, and a ticket's actions one after another. Whether one whose lease ended was
//! done, only the PSA knows: its idempotency key stays the same. Claims are counted for each key, so that none uses up another's.

use firstline_fault::Result;
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, bytes_of, name, of_customers, page};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, clean, json, list};
use crate::{
    Action, ActionClaim, ActionKind, ActionState, CustomerSet, DecisionRecord, Holder, Outbox, Paged,
    Settlement,
};

const ACTION: &str =
    "SELECT a.id, a.kind, t.number, t.customer, a.decision_id, a.payload, a.idempotency_key, a.state,
    a.attempts, a.lease_until, a.fault FROM actions a JOIN tickets t ON t.id = a.ticket_id";

/// The actions in `rows($1)`.
const THESE: &str = "IN (SELECT CAST(value ->> 0 AS BIGINT) FROM rows($1))";

/// What a void action says.
const MOVED: &str = "its ticket moved to another customer";

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
            let sql = format!(
                "UPDATE actions SET state = 'claimed', owner = $2, lease_until = $3, most = $4, actor = $5,
                attempts = attempts + 1 WHERE id {THESE}"
            );
            let Holder { key, owner, .. } = claim.holder;
            let values = [free.clone(), owner.into(), claim.until.into(), claim.most.into(), key.into()];
            tx.execute(&sql, &values)?;
            let sql = "INSERT INTO action_claims (action_id, actor, claims)
                SELECT CAST(value ->> 0 AS BIGINT), CAST($2 AS TEXT), 1 FROM rows($1) WHERE 1 = 1
                ON CONFLICT (action_id, actor) DO UPDATE SET claims = action_claims.claims + 1";
            tx.execute(sql, &[free.clone(), key.into()])?;
            let sql = format!("{ACTION} WHERE a.id {THESE} ORDER BY a.id");
            tx.query(&sql, &[free])?.into_iter().map(read).collect()
        })
    }

    fn settle_action(
        &self,
        id: i64,
        holder: &Holder<'_>,
        failed: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) -> Result<Settlement> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let Some(held) = held(tx, id, holder)? else { return Ok(Settlement::NotHeld) };
            match held.state.as_str() {
                "done" => return Ok(Settlement::Settled),
                "claimed" => {}
                "void" => {
                    // It may have been done before anybody heard that it is void: that has to be known.
                    let state = if failed.is_none() { "done though void" } else { "void" };
                    let detail = json!({"action": held.key, "state": state});
                    log.add(tx, Note { actor: holder.key, action: "act", subject: &held.decision, detail })?;
                    return Ok(Settlement::Void);
                }
                _ => return Ok(Settlement::NotHeld),
            }
            let (state, fault, not_before) = match failed {
                None => ("done", None, now),
                Some((why, _)) if held.is_last => ("failed", Some(why), now),
                Some((why, retry_at)) => ("waiting", Some(why), retry_at),
            };
            // Who did it stays known: saying so again is no fault.
            let owner = if state == "done" { Some(holder.owner) } else { None };
            let sql =
                "UPDATE actions SET state = $2, fault = $3, not_before = $4, owner = $5, lease_until = NULL
                WHERE id = $1";
            tx.execute(sql, &[id.into(), state.into(), fault.into(), not_before.into(), owner.into()])?;
            if state != "waiting" {
                let detail = json!({"action": held.key, "state": state});
                log.add(tx, Note { actor: holder.key, action: "act", subject: &held.decision, detail })?;
            }
            Ok(Settlement::Settled)
        })
    }

    fn retry_action(&self, id: i64, customers: &CustomerSet, actor: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let mut sql =
                "SELECT a.decision_id, a.idempotency_key FROM actions a JOIN tickets t ON t.id = a.ticket_id
                WHERE a.id = $1 AND a.state = 'failed'"
                    .to_owned();
            let mut values = vec![id.into()];
            of_customers(&mut sql, &mut values, "t.customer", customers);
            let Some(mut row) = tx.first(&sql, &values)? else { return Ok(false) };
            let (decision, key) = (row.text()?, row.text()?);
            tx.execute("DELETE FROM action_claims WHERE action_id = $1", &[id.into()])?;
            let sql =
                "UPDATE actions SET state = 'waiting', not_before = $2 WHERE id = $1 AND state = 'failed'";
            tx.execute(sql, &[id.into(), now.into()])?;
            let detail = json!({"action": key, "state": "waiting"});
            log.add(tx, Note { actor, action: "act_retry", subject: &decision, detail })?;
            Ok(true)
        })
    }

    fn action(&self, id: i64, holder: &Holder<'_>) -> Result<Option<Action>> {
        let mut sql = format!("{ACTION} WHERE a.id = $1");
        let mut values = vec![id.into()];
        of_customers(&mut sql, &mut values, "t.customer", holder.customers);
        if *holder.customers != CustomerSet::All {
            values.push(holder.key.into());
            // Who holds an action that became void has to hear of it.
            sql.push_str(&format!(" AND (t.moved_at IS NULL OR a.actor = ${})", values.len()));
        }
        self.read(|tx| tx.first(&sql, &values)?.map(read).transpose())
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
        seen_by(&mut which, &mut values, customers);
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

/// Adds to `sql` that the ticket `t` is for those who may see `customers`: theirs, and not moved away since.
pub(super) fn seen_by(sql: &mut String, values: &mut Vec<Value>, customers: &CustomerSet) {
    of_customers(sql, values, "t.customer", customers);
    if *customers != CustomerSet::All {
        sql.push_str(" AND t.moved_at IS NULL");
    }
}

/// An action in its owner's hands.
struct Held {
    state: String,
    decision: String,
    key: String,
    /// Whether the holder's key may not claim it again.
    is_last: bool,
}

/// The action, locked, where `holder` has claimed it.
fn held(tx: &mut dyn Tx, id: i64, holder: &Holder<'_>) -> Result<Option<Held>> {
    let sql = "SELECT a.state, a.owner, a.decision_id, a.idempotency_key, t.customer, a.most,
        (SELECT c.claims FROM action_claims c WHERE c.action_id = a.id AND c.actor = a.actor)
        FROM actions a JOIN tickets t ON t.id = a.ticket_id WHERE a.id = $1 FOR UPDATE";
    let Some(mut row) = tx.first(sql, &[id.into()])? else { return Ok(None) };
    let (state, owner, decision, key) = (row.text()?, row.maybe_text()?, row.text()?, row.text()?);
    if !holder.customers.has(&row.text()?) || owner.as_deref() != Some(clean(holder.owner).as_str()) {
        return Ok(None);
    }
    let (most, claims) = (row.maybe_int()?, row.maybe_int()?.unwrap_or_default());
    Ok(Some(Held { state, decision, key, is_last: most.is_some_and(|most| claims >= most) }))
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
        (&record.row).into(),
        (&record.id).into(),
        Value::Text(json(payload)?),
        (&format!("{}:{suffix}", record.id)).into(),
        now.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Makes all actions void that are still to be done for the tickets of the rows in `rows`; their holders hear of it when they
/// look or report.
pub(super) fn void(tx: &mut dyn Tx, rows: &Value) -> Result<()> {
    let sql = "UPDATE actions SET state = 'void', payload = NULL, lease_until = NULL, fault = $2
        WHERE state IN ('waiting', 'claimed', 'failed') AND ticket_id IN (SELECT value ->> 0 FROM rows($1))";
    tx.execute(sql, &[rows.clone(), MOVED.into()])?;
    Ok(())
}

/// Gives actions up whose key has claimed them as often as it may, and never settled the last time.
fn give_up(tx: &mut dyn Tx, now: Timestamp) -> Result<()> {
    let sql = "UPDATE actions SET state = 'failed', owner = NULL, lease_until = NULL,
        fault = 'claimed as often as it may be, and never settled'
        WHERE state = 'claimed' AND lease_until <= $1 AND EXISTS (SELECT 1 FROM action_claims c
            WHERE c.action_id = actions.id AND c.actor = actions.actor AND c.claims >= actions.most)";
    tx.execute(sql, &[now.into()])?;
    Ok(())
}

/// The actions that may be claimed, locked: also those that another key has given up.
fn free(tx: &mut dyn Tx, claim: &ActionClaim<'_>) -> Result<Vec<i64>> {
    let mut sql = "SELECT id FROM actions a WHERE state IN ('waiting', 'claimed', 'failed')
        AND ((state = 'waiting' AND not_before <= $1) OR (state = 'claimed' AND lease_until <= $1) OR state = 'failed')
        AND payload IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM tickets m WHERE m.id = a.ticket_id AND m.moved_at IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM action_claims c WHERE c.action_id = a.id AND c.actor = $2 AND c.claims >= $3)
        AND NOT EXISTS (SELECT 1 FROM actions b WHERE b.ticket_id = a.ticket_id AND b.id < a.id
            AND b.state IN ('waiting', 'claimed'))"
        .to_owned();
    let mut values = vec![claim.now.into(), claim.holder.key.into(), claim.most.into()];
    if *claim.holder.customers != CustomerSet::All {
        sql.push_str(" AND ticket_id IN (SELECT t.id FROM tickets t WHERE 1 = 1");
        seen_by(&mut sql, &mut values, claim.holder.customers);
        sql.push(')');
    } else {
        // A number that only a held key has sent for its customer, while the desk's own key knows it as another's: who acts for all
        // would act in that one's ticket.
        sql.push_str(
            " AND NOT EXISTS (SELECT 1 FROM tickets t JOIN tickets o ON o.number = t.number AND o.customer <> t.customer
            WHERE t.id = a.ticket_id AND t.wide = 0 AND o.wide = 1 AND o.moved_at IS NULL)",
        );
    }
    values.push(claim.limit.into());
    sql.push_str(&format!(" ORDER BY id LIMIT ${} FOR UPDATE SKIP LOCKED", values.len()));
    tx.query(&sql, &values)?.into_iter().map(|mut row| row.int()).collect()
}
