//! What is to be done in the PSA, each thing once.
//!
//! An action is claimed by one owner at a time, and a ticket's actions one after another. Whether one whose lease ended was
//! done, only the PSA knows: its idempotency key stays the same. Claims are counted for each key, so that none uses up another's.

use firstline_fault::Result;
use firstline_ticket::Phase;
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::{Shelf, acting, bytes_of, decisions, grants, name, of_customers, page};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, clean, json, list};
use crate::{
    Action, ActionClaim, ActionKind, ActionOrigin, ActionReport, ActionState, Cell, CustomerSet,
    DecisionRecord, Holder, Outbox, Paged, Settlement,
};

const ACTION: &str =
    "SELECT a.id, a.kind, t.number, t.customer, a.decision_id, a.payload, a.idempotency_key, a.state,
    a.attempts, a.lease_until, a.fault, COALESCE(a.origin, 'person'), COALESCE(a.epoch, 0), a.done_at, a.psa_ref, a.result
    FROM actions a JOIN tickets t ON t.id = a.ticket_id";

/// The actions in `rows($1)`.
const THESE: &str = "IN (SELECT CAST(value ->> 0 AS BIGINT) FROM rows($1))";

/// That the action `a` belongs to a decision that is [hidden](DecisionRecord::is_hidden): approved by a version that let such ones be
/// reviewed.
fn hidden() -> String {
    format!(
        "EXISTS (SELECT 1 FROM decisions d LEFT JOIN outcomes o ON o.ticket_id = d.ticket_id
        WHERE d.id = a.decision_id AND NOT {})",
        decisions::SHOWN
    )
}

/// Hours after which what was held back is stale.
const HELD_HOURS: i64 = 24;

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
        origin: row.name()?,
        epoch: row.int()?,
        done_at: row.maybe_time()?,
        psa_ref: row.maybe_text()?,
        result: row.maybe_json()?,
    })
}

impl<D: Db> Outbox for Shelf<D> {
    fn claim_actions(&self, claim: &ActionClaim<'_>) -> Result<Vec<Action>> {
        self.write(|tx| {
            give_up(tx, claim.now)?;
            hold_back(tx, claim.now)?;
            hold_ungranted(tx, claim.now)?;
            acting::hold_others(tx, claim.alone, claim.now)?;
            acting::recall(tx, claim.now)?;
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
        report: &ActionReport<'_>,
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
                    let is_done = matches!(report, ActionReport::Done { .. });
                    let state = if is_done { "done though void" } else { "void" };
                    let detail = json!({"action": held.key, "state": state});
                    log.add(tx, Note { actor: holder.key, action: "act", subject: &held.decision, detail })?;
                    return Ok(Settlement::Void);
                }
                _ => return Ok(Settlement::NotHeld),
            }
            settle(tx, &held, report, now)?;
            let (state, psa_ref) = match report {
                ActionReport::Done { psa_ref, .. } => ("done", *psa_ref),
                ActionReport::Failed { .. } if held.is_last => ("failed", None),
                ActionReport::Failed { .. } => return Ok(Settlement::Settled),
                ActionReport::Returned { why } if held.is_alone_reply() => {
                    // Nobody has approved it, and it is known not to be sent: a person answers.
                    let sql =
                        "UPDATE actions SET state = 'void', payload = NULL, held_at = NULL WHERE id = $1";
                    tx.execute(sql, &[id.into()])?;
                    acting::to_review(tx, std::slice::from_ref(&held.decision), why, true)?;
                    ("void", None)
                }
                ActionReport::Returned { .. } => ("held", None),
            };
            let mut detail = json!({"action": held.key, "state": state});
            if state == "done" {
                detail["done_at"] = now.as_microsecond().into();
                detail["psa_ref"] = psa_ref.map(clean).into();
            }
            log.add(tx, Note { actor: holder.key, action: "act", subject: &held.decision, detail })?;
            Ok(Settlement::Settled)
        })
    }

    fn retry_action(&self, id: i64, customers: &CustomerSet, actor: &str, now: Timestamp) -> Result<bool> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let mut sql = format!(
                "SELECT a.decision_id, a.idempotency_key FROM actions a JOIN tickets t ON t.id = a.ticket_id
                WHERE a.id = $1 AND (a.state = 'failed' OR (a.state = 'held' AND a.held_at > $2))
                AND t.moved_at IS NULL AND NOT {} AND NOT {}
                AND NOT (a.origin = 'auto' AND a.kind = 'reply' AND a.attempts = 0)",
                grants::outdated(),
                grants::stopped()
                    .replace("JOIN tickets t ON t.id", "JOIN tickets u ON u.id")
                    .replace("t.customer", "u.customer")
            );
            let day_ago = now.checked_sub(HELD_HOURS.hours()).unwrap_or(Timestamp::MIN);
            let mut values = vec![id.into(), day_ago.into()];
            of_customers(&mut sql, &mut values, "t.customer", customers);
            let Some(mut row) = tx.first(&sql, &values)? else { return Ok(false) };
            let (decision, key) = (row.text()?, row.text()?);
            tx.execute("DELETE FROM action_claims WHERE action_id = $1", &[id.into()])?;
            // Of what was held back, the person who says so now is who approves it.
            let sql = "UPDATE actions SET origin = CASE WHEN state = 'held' THEN 'person' ELSE origin END,
                epoch = CASE WHEN state = 'held' THEN CAST($3 AS BIGINT) ELSE epoch END,
                state = 'waiting', held_at = NULL, not_before = $2 WHERE id = $1";
            let epoch = grants::epoch(tx)?;
            tx.execute(sql, &[id.into(), now.into(), epoch.into()])?;
            let detail = json!({"action": key, "state": "waiting"});
            log.add(tx, Note { actor, action: "act_retry", subject: &decision, detail })?;
            Ok(true)
        })
    }

    fn drop_held(&self, before: Timestamp, now: Timestamp) -> Result<u64> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let which = "a.state = 'held' AND a.held_at < $2";
            let dropped = grants::drop_stale(tx, which, "held back for too long", &[before.into()])?;
            if dropped > 0 {
                let (subject, detail) = (before.to_string(), json!({"actions": dropped}));
                log.add(tx, Note { actor: "firstline", action: "drop_held", subject: &subject, detail })?;
            }
            Ok(dropped)
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
        let (mut which, mut values) = (format!("WHERE NOT {}", hidden()), Vec::new());
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
        let bytes = bytes_of(&["a.payload", "a.fault", "a.result"]);
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
    id: i64,
    state: String,
    kind: String,
    origin: String,
    decision: String,
    key: String,
    /// Whether the holder's key may not claim it again.
    is_last: bool,
}

impl Held {
    /// Whether it is a reply that nobody approved.
    fn is_alone_reply(&self) -> bool {
        self.kind == "reply" && self.origin == "auto"
    }
}

/// The action, locked, where `holder` has claimed it.
fn held(tx: &mut dyn Tx, id: i64, holder: &Holder<'_>) -> Result<Option<Held>> {
    let sql = "SELECT a.kind, COALESCE(a.origin, 'person'), a.state, a.owner, a.decision_id, a.idempotency_key, t.customer, a.most,
        (SELECT c.claims FROM action_claims c WHERE c.action_id = a.id AND c.actor = a.actor)
        FROM actions a JOIN tickets t ON t.id = a.ticket_id WHERE a.id = $1 FOR UPDATE";
    let Some(mut row) = tx.first(sql, &[id.into()])? else { return Ok(None) };
    let (kind, origin) = (row.text()?, row.text()?);
    let (state, owner, decision, key) = (row.text()?, row.maybe_text()?, row.text()?, row.text()?);
    if !holder.customers.has(&row.text()?) || owner.as_deref() != Some(clean(holder.owner).as_str()) {
        return Ok(None);
    }
    let (most, claims) = (row.maybe_int()?, row.maybe_int()?.unwrap_or_default());
    let is_last = most.is_some_and(|most| claims >= most);
    Ok(Some(Held { id, state, kind, origin, decision, key, is_last }))
}

/// Adds an action that follows from a decision: one of its kind and origin.
pub(super) fn add(
    tx: &mut dyn Tx,
    record: &DecisionRecord,
    what: (ActionKind, &serde_json::Value),
    start: (ActionOrigin, Timestamp),
    now: Timestamp,
) -> Result<()> {
    add_for(tx, (record, ""), what, start, now)
}

/// The same of an action that follows from something else about the decision as well, which `why` names: one of its kind and origin for each.
pub(super) fn add_for(
    tx: &mut dyn Tx,
    (record, why): (&DecisionRecord, &str),
    (kind, payload): (ActionKind, &serde_json::Value),
    (origin, not_before): (ActionOrigin, Timestamp),
    now: Timestamp,
) -> Result<()> {
    let suffix = match kind {
        ActionKind::Reply => "reply",
        ActionKind::SetFields => "fields",
        ActionKind::Close => "close",
        ActionKind::Reopen => "reopen",
        ActionKind::Run => "run",
    };
    let by = if origin == ActionOrigin::Auto { "auto_" } else { "" };
    let sql = "INSERT INTO actions (kind, ticket_id, decision_id, payload, idempotency_key, state, not_before, created_at, origin,
        epoch) VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7, $8, $9)";
    let why = if why.is_empty() { String::new() } else { format!(":{why}") };
    let key = Value::from(&format!("{}:{by}{suffix}{why}", record.id));
    let values = [
        name(kind)?,
        (&record.row).into(),
        (&record.id).into(),
        Value::Text(json(payload)?),
        key.clone(),
        not_before.into(),
        now.into(),
        name(origin)?,
        grants::epoch(tx)?.into(),
    ];
    tx.execute(sql, &values)?;
    let sql = format!(
        "UPDATE actions AS a SET state = 'held', held_at = $2 WHERE a.idempotency_key = $1 AND {}",
        grants::stopped()
    );
    tx.execute(&sql, &[key, now.into()])?;
    Ok(())
}

/// Writes what a holder says of an action.
fn settle(tx: &mut dyn Tx, held: &Held, report: &ActionReport<'_>, now: Timestamp) -> Result<()> {
    let id = held.id.into();
    match report {
        // Who did it stays known: saying so again is no fault.
        ActionReport::Done { psa_ref, result } => {
            let sql = "UPDATE actions SET state = 'done', fault = NULL, not_before = $2, lease_until = NULL, done_at = $2,
                psa_ref = $3, result = $4 WHERE id = $1";
            let result = result.map(|result| json(result).map(Value::Text)).transpose()?;
            tx.execute(sql, &[id, now.into(), (*psa_ref).into(), result.into()])?;
        }
        ActionReport::Failed { why, retry_at } => {
            let (state, not_before) = if held.is_last { ("failed", now) } else { ("waiting", *retry_at) };
            let sql =
                "UPDATE actions SET state = $2, fault = $3, not_before = $4, owner = NULL, lease_until = NULL
                WHERE id = $1";
            tx.execute(sql, &[id, state.into(), (*why).into(), not_before.into()])?;
        }
        ActionReport::Returned { why } => {
            let sql = "UPDATE actions SET state = 'held', held_at = $2, fault = $3, owner = NULL, lease_until = NULL WHERE id = $1";
            tx.execute(sql, &[id, now.into(), (*why).into()])?;
        }
    }
    Ok(())
}

/// Makes all actions void that are still to be done for the tickets of the rows in `rows`; their holders hear of it when they
/// look or report.
pub(super) fn void(tx: &mut dyn Tx, rows: &Value) -> Result<()> {
    let sql = "UPDATE actions SET state = 'void', payload = NULL, lease_until = NULL, fault = $2
        WHERE state IN ('waiting', 'claimed', 'failed', 'held') AND ticket_id IN (SELECT value ->> 0 FROM rows($1))";
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

/// Holds back what could be claimed and was decided before a grant, hold or release that bears on it. One whose lease has ended may
/// have been done: whoever puts it back has its idempotency key to ask by.
fn hold_back(tx: &mut dyn Tx, now: Timestamp) -> Result<()> {
    let epoch = grants::epoch(tx)?;
    if epoch == 0 {
        return Ok(());
    }
    let sql = format!(
        "UPDATE actions AS a SET state = 'held', held_at = $1, owner = NULL, lease_until = NULL
        WHERE a.state IN ('waiting', 'claimed', 'failed') AND (a.state <> 'claimed' OR a.lease_until <= $1)
        AND COALESCE(a.epoch, 0) < $2 AND {} RETURNING decision_id",
        grants::fenced()
    );
    let held = acting::ids(tx, &sql, &[now.into(), epoch.into()])?;
    acting::to_review(tx, &held, acting::ON_HOLD, false)
}

/// Holds back what stands where grants allow nothing to be done: tickets of customers that are no pilots, above all. Where there are no
/// grants at all, the caller's settings alone decide.
fn hold_ungranted(tx: &mut dyn Tx, now: Timestamp) -> Result<()> {
    if grants::grants(tx, true)?.is_empty() {
        return Ok(());
    }
    let from = "FROM actions a JOIN tickets t ON t.id = a.ticket_id JOIN decisions d ON d.id = a.decision_id
        WHERE a.state IN ('waiting', 'claimed', 'failed') AND (a.state <> 'claimed' OR a.lease_until <= $1)";
    let rows = tx.query(&format!("SELECT DISTINCT t.customer, d.board, d.type {from}"), &[now.into()])?;
    let rows = rows.into_iter().map(|mut row| Ok((row.text()?, row.maybe_text()?, row.maybe_text()?)));
    let found = rows.collect::<Result<Vec<(String, Option<String>, Option<String>)>>>()?;
    let cells: Vec<Cell<'_>> = found
        .iter()
        .map(|(customer, board, kind)| Cell {
            customer,
            board: board.as_deref(),
            ticket_type: kind.as_deref(),
        })
        .collect();
    let sql = format!(
        "UPDATE actions SET state = 'held', held_at = $1, owner = NULL, lease_until = NULL WHERE id IN (SELECT a.id {from}
        AND t.customer = $2 AND COALESCE(d.board, '') = $3 AND COALESCE(d.type, '') = $4) RETURNING decision_id"
    );
    for (cell, allowed) in cells.iter().zip(grants::effective(tx, &cells)?) {
        if allowed.phase < Phase::Assist {
            let [board, kind] = [cell.board, cell.ticket_type].map(Option::unwrap_or_default);
            let values = [now.into(), cell.customer.into(), board.into(), kind.into()];
            let held = acting::ids(tx, &sql, &values)?;
            acting::to_review(tx, &held, acting::ON_HOLD, false)?;
        }
    }
    Ok(())
}

/// The actions that may be claimed, locked: also those that another key has given up.
fn free(tx: &mut dyn Tx, claim: &ActionClaim<'_>) -> Result<Vec<i64>> {
    let fenced = grants::fenced();
    let mut sql = format!(
        "SELECT id FROM actions a WHERE state IN ('waiting', 'claimed', 'failed')
        AND ((state = 'waiting' AND not_before <= $1) OR (state = 'claimed' AND lease_until <= $1) OR state = 'failed')
        AND payload IS NOT NULL AND NOT {fenced} AND NOT {}
        AND NOT EXISTS (SELECT 1 FROM tickets m WHERE m.id = a.ticket_id AND m.moved_at IS NOT NULL)
        AND NOT EXISTS (SELECT 1 FROM action_claims c WHERE c.action_id = a.id AND c.actor = $2 AND c.claims >= $3)
        AND NOT EXISTS (SELECT 1 FROM actions b WHERE b.ticket_id = a.ticket_id AND b.id < a.id
            AND b.state IN ('waiting', 'claimed'))",
        hidden()
    );
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
