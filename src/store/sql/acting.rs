//! Acting without a person.
//!
//! What is looked at outside a transaction is compared again inside the one that puts actions on record, and once more in the one that
//! claims them. Must never send what a person has stopped, nor to a ticket that a person has touched.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{DraftState, Field, Phase};
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::{Shelf, days, decisions, evidence, grants, name, of_customers, outbox};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, json, list};
use crate::{
    Acting, ActingBounds, ActingPlan, ActingRecord, ActingResult, ActingTicket, ActionKind, ActionOrigin,
    CategoryFacts, Cell, CustomerSet, DecisionRecord,
};

/// That somebody of the desk has done anything to the ticket `t`, `o` being its outcome.
pub(super) const TOUCHED: &str =
    "(EXISTS (SELECT 1 FROM events e WHERE e.ticket_id = t.id AND e.actor_kind = 'technician')
    OR EXISTS (SELECT 1 FROM decisions x JOIN reviews r ON r.decision_id = x.id WHERE x.ticket_id = t.id)
    OR COALESCE(o.labels, '{}') <> '{}')";

/// That the ticket of which `o` is the outcome is closed.
const CLOSED: &str = "(o.resolved_at IS NOT NULL OR COALESCE(o.deleted, 0) = 1 OR o.merged_into IS NOT NULL)";

/// That the customer of the ticket `t` has been answered, or may have been, `o` being its outcome.
const ANSWERED: &str = "(o.reply IS NOT NULL OR o.first_response_at IS NOT NULL
    OR EXISTS (SELECT 1 FROM decisions x WHERE x.ticket_id = t.id AND x.draft_state IN ('approved', 'edited'))
    OR EXISTS (SELECT 1 FROM actions b WHERE b.ticket_id = t.id AND b.kind = 'reply' AND b.state IN ('claimed', 'done')))";

/// That a reply may have been sent by the action `a`, or is going to be: it was claimed before, and nobody has made it void.
pub(super) const SENDS: &str =
    "(a.kind = 'reply' AND (a.state IN ('claimed', 'done') OR (a.attempts > 0 AND a.state <> 'void')))";

/// That an answer of the customer of the ticket `t` contradicted Firstline.
const CONTRADICTED: &str =
    "EXISTS (SELECT 1 FROM answers w WHERE w.ticket_id = t.id AND w.said = 'contradicted')";

/// What an action says that a person of the desk was faster than.
const FASTER: &str = "a person is at the ticket";

/// What a decision says whose reply is held back.
pub(super) const ON_HOLD: &str = "acting alone is on hold, or no longer granted here";

/// What a decision says whose reply may have been sent.
const MAY_BE_SENT: &str = "its reply may have been sent: look in the PSA before another one is";

impl<D: Db> Acting for Shelf<D> {
    fn to_act(&self, after: Option<&str>, limit: usize) -> Result<Vec<ActingTicket>> {
        let (columns, sources) = (decisions::COLUMNS, decisions::SOURCES);
        let truth = |what: &str| format!("CAST(CASE WHEN {what} THEN 1 ELSE 0 END AS BIGINT)");
        let sql = format!(
            "SELECT {columns}, t.ticket, {}, {}, {}, COALESCE(o.opened_by_technician, 0) FROM decisions d {sources}
            WHERE d.route = 'auto' AND d.acting IS NULL AND d.draft_state IN ('none', 'pending') AND t.decision_id = d.id
            AND t.moved_at IS NULL AND COALESCE(d.blind, 0) = 0
            AND d.seq > COALESCE((SELECT p.seq FROM decisions p WHERE p.id = $1), 0) ORDER BY d.seq LIMIT $2",
            truth(TOUCHED),
            truth(&format!("({ANSWERED} OR {CLOSED})")),
            truth(CONTRADICTED)
        );
        self.read(|tx| {
            let rows = tx.query(&sql, &[after.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()])?;
            let read = rows.into_iter().map(|mut row| {
                Ok(ActingTicket {
                    record: decisions::read(&mut row)?,
                    ticket: row.maybe_json()?,
                    touched: row.int()? != 0,
                    answered: row.int()? != 0,
                    contradicted: row.int()? != 0,
                    opened_by_technician: row.int()? != 0,
                })
            });
            read.collect()
        })
    }

    fn act_alone(&self, plan: &ActingPlan<'_>, now: Timestamp) -> Result<ActingResult> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let record = plan.record;
            let acts = plan.reply || !plan.fields.is_empty();
            if !stands(tx, plan)? || (acts && !is_granted(tx, plan)?) {
                return Ok(ActingResult::Changed);
            }
            let mut reasons = plan.reasons.clone();
            let bound = if plan.reply { over(tx, record, &plan.bounds, now)? } else { None };
            reasons.extend(bound.map(str::to_owned));
            let reply = record.draft.as_ref().filter(|_| plan.reply && bound.is_none());
            let told = ActingRecord {
                reply: reply.is_some(),
                fields: plan.fields.keys().copied().collect(),
                reasons: reasons.clone(),
            };
            let state = if reply.is_some() { DraftState::Auto } else { record.draft_state };
            let sql =
                "UPDATE decisions SET acting = $2, draft_state = $3, version = version + 1 WHERE id = $1";
            tx.execute(sql, &[(&record.id).into(), Value::Text(json(&told)?), name(state)?])?;
            let start = (ActionOrigin::Auto, plan.not_before);
            // The caller looks in the PSA first: since then nobody may have written, and no technician may have been at the ticket.
            let as_of = record.received_at.to_string();
            let untouched_since = opened_at(tx, record)?.map(|at| at.to_string());
            if let Some(draft) = reply {
                let payload = json!({
                    "text": draft.text, "language": draft.language, "as_of": as_of, "untouched_since": untouched_since,
                });
                outbox::add(tx, record, (ActionKind::Reply, &payload), start, now)?;
            }
            if !plan.fields.is_empty() {
                let payload = json!({"fields": plan.fields, "as_of": as_of, "untouched_since": untouched_since});
                outbox::add(tx, record, (ActionKind::SetFields, &payload), start, now)?;
            }
            let acts = reply.is_some() || !plan.fields.is_empty();
            let detail = json!({
                "sent": reply.map(|draft| log.salted(&draft.text)),
                "field_hashes": log.salted_labels(&plan.fields),
                "reasons": reasons,
                "epoch": plan.epoch,
                "not_before": plan.not_before.as_microsecond(),
            });
            log.add(tx, Note { actor: "firstline", action: "act_alone", subject: &record.id, detail })?;
            Ok(if acts { ActingResult::Acts } else { ActingResult::Left })
        })
    }

    fn stop_action(
        &self,
        id: i64,
        customers: &CustomerSet,
        actor: &str,
        now: Timestamp,
    ) -> Result<Option<bool>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let mut sql =
                "SELECT a.state, a.attempts, a.decision_id, a.idempotency_key, t.customer FROM actions a
                JOIN tickets t ON t.id = a.ticket_id WHERE a.id = $1 AND a.origin = 'auto'"
                    .to_owned();
            let mut values = vec![id.into()];
            of_customers(&mut sql, &mut values, "t.customer", customers);
            sql.push_str(" FOR UPDATE");
            let Some(mut row) = tx.first(&sql, &values)? else { return Ok(None) };
            let (state, attempts) = (row.text()?, row.int()?);
            let (decision, key) = (row.text()?, row.text()?);
            // One that was claimed may have been done, and may be tried again: only what is held back can't.
            if state != "held" && (state != "waiting" || attempts > 0) {
                return Ok(Some(false));
            }
            grants::drop_stale(tx, "a.id = $2", "a person has stopped it", &[id.into()])?;
            let detail = json!({"action": key, "state": "stopped"});
            log.add(tx, Note { actor, action: "act_stop", subject: &decision, detail })?;
            Ok(Some(true))
        })
    }

    fn category_facts(&self, since: Timestamp) -> Result<Vec<CategoryFacts>> {
        self.read(|tx| category_facts(tx, since))
    }
}

fn category_facts(tx: &mut dyn Tx, since: Timestamp) -> Result<Vec<CategoryFacts>> {
    let mut found: BTreeMap<(String, String), CategoryFacts> = BTreeMap::new();
    let of = |row: &mut Row| -> Result<(String, String)> { Ok((row.text()?, row.text()?)) };
    let reviewed = "SELECT d.board, d.type, COUNT(*), COUNT(CASE WHEN d.draft_state = 'approved' OR r.distance = 0 THEN 1 END)
        FROM reviews r JOIN decisions d ON d.id = r.decision_id WHERE r.at >= $1 AND d.board IS NOT NULL AND d.type IS NOT NULL
        AND d.draft_state IN ('approved', 'edited', 'rejected') GROUP BY d.board, d.type";
    for mut row in tx.query(reviewed, &[since.into()])? {
        let facts = found.entry(of(&mut row)?).or_default();
        (facts.reviewed, facts.accepted) = (count(row.int()?), count(row.int()?));
    }
    let sent = "SELECT d.board, d.type, COUNT(*) FROM actions a JOIN decisions d ON d.id = a.decision_id
        WHERE a.done_at >= $1 AND a.kind = 'reply' AND COALESCE(a.origin, 'person') = 'person'
        AND d.board IS NOT NULL AND d.type IS NOT NULL GROUP BY d.board, d.type";
    for mut row in tx.query(sent, &[since.into()])? {
        let category = of(&mut row)?;
        found.entry(category).or_default().sent = count(row.int()?);
    }
    for facts in evidence::incidents_since(tx, since)? {
        // Errors of what nobody approved say nothing of what people did.
        if let (Some(board), Some(kind), Some(false) | None) = (&facts.board, &facts.ticket_type, facts.alone)
        {
            found.entry((board.clone(), kind.clone())).or_default().incidents.push(facts);
        }
    }
    let named =
        found.into_iter().map(|((board, ticket_type), facts)| CategoryFacts { board, ticket_type, ..facts });
    Ok(named.collect())
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

/// Whether the decision is as it was looked at, and still its ticket's newest; and, where anything is to be done, that nobody is at its
/// ticket.
fn stands(tx: &mut dyn Tx, plan: &ActingPlan<'_>) -> Result<bool> {
    let mut sql = "SELECT d.id FROM decisions d JOIN tickets t ON t.id = d.ticket_id LEFT JOIN outcomes o ON o.ticket_id = t.id
        WHERE d.id = $1 AND d.version = $2 AND d.acting IS NULL AND t.decision_id = d.id AND t.moved_at IS NULL"
        .to_owned();
    if plan.reply || !plan.fields.is_empty() {
        sql.push_str(&format!(" AND NOT {TOUCHED} AND NOT {CLOSED} AND NOT {CONTRADICTED}"));
    }
    if plan.reply {
        sql.push_str(&format!(" AND NOT {ANSWERED}"));
    }
    let found = tx.first(&sql, &[(&plan.record.id).into(), plan.record.version.into()])?;
    Ok(found.is_some())
}

/// When the decision's ticket was opened in the PSA.
fn opened_at(tx: &mut dyn Tx, record: &DecisionRecord) -> Result<Option<Timestamp>> {
    let row = tx.first("SELECT opened_at FROM decisions WHERE id = $1", &[(&record.id).into()])?;
    row.map_or(Ok(None), |mut row| row.maybe_time())
}

/// Whether what is granted in the decision's cell is what it was looked at by.
fn is_granted(tx: &mut dyn Tx, plan: &ActingPlan<'_>) -> Result<bool> {
    let label = |field| plan.record.decision.fields.get(&field).map(|one| one.label.as_str());
    let cell =
        Cell { customer: &plan.record.customer, board: label(Field::Board), ticket_type: label(Field::Type) };
    let found = grants::effective(tx, &[cell])?;
    let found = found.first().map(|found| (found.epoch, found.phase));
    Ok(found == Some((plan.epoch, Phase::Autonomous)))
}

/// The bound that a reply would pass.
fn over(
    tx: &mut dyn Tx,
    record: &DecisionRecord,
    bounds: &ActingBounds,
    now: Timestamp,
) -> Result<Option<&'static str>> {
    let since = |hours: i64| now.checked_sub(hours.hours()).unwrap_or(Timestamp::MIN);
    let sent = "SELECT COUNT(*) FROM actions a JOIN tickets t ON t.id = a.ticket_id
        WHERE a.origin = 'auto' AND a.kind = 'reply' AND a.state <> 'void' AND a.created_at > $1";
    let mut count = |sql: &str, values: &[Value]| -> Result<u32> {
        let found = tx.first(sql, values)?.map_or(Ok(0), |mut row| row.int())?;
        Ok(u32::try_from(found).unwrap_or(u32::MAX))
    };
    if count(sent, &[since(1).into()])? >= bounds.replies_per_hour {
        return Ok(Some("as many replies as may go out alone in an hour have gone out"));
    }
    let of_customer = format!("{sent} AND t.customer = $2");
    let day = count(&of_customer, &[since(24).into(), (&record.customer).into()])?;
    let over = day >= bounds.replies_per_customer_day;
    Ok(over.then_some("as many replies as may go out alone to a customer in a day have gone out"))
}

/// Returns to review what was to be sent alone and will not be: of these decisions the drafts that no action sends any more, and says
/// `why`. One that is its ticket's newest no longer is superseded. What was claimed and is void now may have been sent all the same, unless
/// it `is_unsent`: the reviewer is told to look.
pub(super) fn to_review(tx: &mut dyn Tx, decisions: &[String], why: &str, is_unsent: bool) -> Result<()> {
    if decisions.is_empty() {
        return Ok(());
    }
    let tried =
        "EXISTS (SELECT 1 FROM actions a WHERE a.decision_id = d.id AND a.kind = 'reply' AND a.attempts > 0)";
    let sql = format!(
        "SELECT d.id, d.acting, CAST(CASE WHEN t.decision_id = d.id THEN 1 ELSE 0 END AS BIGINT),
            CAST(CASE WHEN {tried} THEN 1 ELSE 0 END AS BIGINT)
        FROM decisions d JOIN tickets t ON t.id = d.ticket_id WHERE d.draft_state = 'auto' AND d.id IN (SELECT value ->> 0 FROM rows($1))
        AND NOT EXISTS (SELECT 1 FROM actions a WHERE a.decision_id = d.id AND ({SENDS} OR (a.kind = 'reply' AND a.state = 'waiting')))"
    );
    let mut returned = Vec::new();
    for mut row in tx.query(&sql, &[list(decisions)?])? {
        let id = row.text()?;
        let mut told: ActingRecord = row.maybe_json()?.unwrap_or_default();
        let (is_newest, was_tried) = (row.int()? != 0, row.int()? != 0);
        told.reply = false;
        told.reasons.push(why.to_owned());
        if was_tried && !is_unsent {
            told.reasons.push(MAY_BE_SENT.to_owned());
        }
        let state = if is_newest { DraftState::Pending } else { DraftState::Superseded };
        let sql = "UPDATE decisions SET acting = $2, draft_state = $3, version = version + 1 WHERE id = $1";
        tx.execute(sql, &[(&id).into(), Value::Text(json(&told)?), name(state)?])?;
        returned.push(id);
    }
    days::stale(tx, returned.iter().map(String::as_str))
}

/// The decisions that `sql` gives, each in a row.
pub(super) fn ids(tx: &mut dyn Tx, sql: &str, values: &[Value]) -> Result<Vec<String>> {
    tx.query(sql, values)?.into_iter().map(|mut row| row.text()).collect()
}

/// Holds back what nobody approved and the bundle in service has not decided: nobody has certified that. All of it, where nothing may be
/// done alone. Its drafts go to review.
pub(super) fn hold_others(tx: &mut dyn Tx, bundle: Option<&str>, now: Timestamp) -> Result<()> {
    let sql = "UPDATE actions AS a SET state = 'held', held_at = $2, owner = NULL, lease_until = NULL WHERE a.origin = 'auto'
        AND a.kind IN ('reply', 'set_fields', 'close') AND (a.state IN ('waiting', 'failed') OR (a.state = 'claimed' AND a.lease_until <= $2))
        AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.id = a.decision_id AND d.bundle = $1) RETURNING decision_id";
    let held = ids(tx, sql, &[bundle.map(str::to_owned).as_ref().into(), now.into()])?;
    to_review(tx, &held, "nothing of this bundle may be done alone now", false)
}

/// Makes void what must not be done any more: a person is at its ticket, its customer has been answered or has written again, or the
/// ticket is closed. What was claimed and not settled is held back instead: it may have been done.
pub(super) fn recall(tx: &mut dyn Tx, now: Timestamp) -> Result<()> {
    let sql = format!(
        "SELECT a.id, a.state FROM actions a JOIN tickets t ON t.id = a.ticket_id LEFT JOIN outcomes o ON o.ticket_id = t.id
        WHERE a.origin = 'auto' AND a.kind IN ('reply', 'set_fields', 'close')
        AND (a.state IN ('waiting', 'failed') OR (a.state = 'claimed' AND a.lease_until <= $1))
        AND (t.decision_id <> a.decision_id OR t.moved_at IS NOT NULL OR {TOUCHED} OR {CLOSED} OR (a.kind = 'reply' AND {}))",
        ANSWERED.replace("b.ticket_id = t.id", "b.ticket_id = t.id AND b.id <> a.id")
    );
    for mut row in tx.query(&sql, &[now.into()])? {
        let (id, state) = (row.int()?, row.text()?);
        if state == "claimed" {
            let sql = "UPDATE actions SET state = 'held', held_at = $2, fault = $3, owner = NULL, lease_until = NULL WHERE id = $1";
            tx.execute(sql, &[id.into(), now.into(), FASTER.into()])?;
        } else {
            grants::drop_stale(tx, "a.id = $2", FASTER, &[id.into()])?;
        }
    }
    Ok(())
}

/// Makes void what was to be done alone about the tickets of these rows and nobody has claimed: they are decided anew, or people have
/// answered. Their drafts are superseded by the caller.
pub(super) fn withdraw(tx: &mut dyn Tx, rows: &Value) -> Result<()> {
    let sql = "UPDATE actions SET state = 'void', payload = NULL, fault = $2 WHERE origin = 'auto' AND attempts = 0
        AND kind IN ('reply', 'set_fields', 'close') AND state IN ('waiting', 'held') AND ticket_id IN (SELECT value ->> 0 FROM rows($1))";
    tx.execute(sql, &[rows.clone(), "the ticket was decided anew, or a person has answered".into()])?;
    Ok(())
}
