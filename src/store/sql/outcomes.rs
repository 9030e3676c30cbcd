//! How tickets ended, and the decisions that are judged by it.
//!
//! One outcome a ticket. It is joined to the newest decision before its labels were known, and stays with that.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{Field, JudgedDecision, Outcome};
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, decisions, of_customers};
use crate::audit::{Log, Note, hash_of};
use crate::db::{Db, Row, Tx, Value, json};
use crate::{CustomerSet, DecisionRecord, Feedback, Joined, Outcomes};

/// The source of labels that a person set in a review. They stand before the ticket is closed, so that they are no report of how
/// it ended.
pub(super) const REVIEW: &str = "review";

/// Decisions that are read at a time.
const CHUNK: usize = 1_000;

impl<D: Db> Outcomes for Shelf<D> {
    fn feedback(&self, news: &[Feedback], customers: &CustomerSet, now: Timestamp) -> Result<Vec<Joined>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            news.iter().map(|one| join(tx, &mut log, one, customers, now)).collect()
        })
    }

    fn judged(&self, from: Timestamp, to: Timestamp, customers: &CustomerSet) -> Result<Vec<JudgedDecision>> {
        let mut sql = "SELECT d.seq, d.id, d.ticket_id, t.customer, d.received_at, d.opened_at, d.route, d.decision, d.draft_due,
            d.drafted_at, d.draft_state, d.draft_confidence,
            CAST(CASE WHEN o.source <> 'review' THEN 1 ELSE 0 END AS BIGINT),
            o.labels, o.first_response_at, o.resolved_at, o.reopened, o.escalated, o.customer_visible_error, o.handle_seconds,
            COALESCE(CASE WHEN d.draft_state IN ('approved', 'edited') THEN r.distance END, o.distance)
            FROM decisions d JOIN tickets t ON t.id = d.ticket_id LEFT JOIN outcomes o ON o.ticket_id = t.id
            LEFT JOIN reviews r ON r.decision_id = d.id
            WHERE d.id = COALESCE(o.decision_id, t.decision_id) AND d.received_at >= $1 AND d.received_at < $2"
            .to_owned();
        let mut values = vec![from.into(), to.into()];
        of_customers(&mut sql, &mut values, "t.customer", customers);
        let n = values.len();
        sql.push_str(&format!(
            " AND (d.received_at > ${0} OR (d.received_at = ${0} AND d.seq > ${1})) ORDER BY d.received_at, d.seq LIMIT {CHUNK}",
            n + 1,
            n + 2
        ));
        self.read(|tx| {
            let (mut judged, mut last) = (Vec::<JudgedDecision>::new(), (from, i64::MIN));
            loop {
                let values = [&values[..], &[last.0.into(), last.1.into()]].concat();
                let rows = tx.query(&sql, &values)?;
                let ended = rows.len() < CHUNK;
                for mut row in rows {
                    let seq = row.int()?;
                    let one = read(row)?;
                    last = (one.received_at, seq);
                    judged.push(one);
                }
                if ended {
                    return Ok(judged);
                }
            }
        })
    }
}

fn join(
    tx: &mut dyn Tx,
    log: &mut Log,
    one: &Feedback,
    customers: &CustomerSet,
    now: Timestamp,
) -> Result<Joined> {
    let about = match (&one.decision_id, &one.ticket_id) {
        (Some(id), _) => decisions::decision(tx, id)?,
        (None, Some(ticket)) => decisions::decision_of(tx, ticket)?,
        (None, None) => None,
    };
    let Some(DecisionRecord { id, ticket_id, .. }) = about.filter(|d| customers.has(&d.customer)) else {
        return Ok(Joined::Unknown);
    };
    let Feedback { outcome, source, .. } = one;
    merge(tx, &ticket_id, &id, &News { outcome, source }, now)?;
    // A customer who has been answered needs no first response.
    if outcome.reply.is_some() || outcome.first_response_at.is_some() || outcome.resolved_at.is_some() {
        decisions::supersede(tx, &[&ticket_id])?;
    }
    let detail = json!({
        "ticket": ticket_id,
        "source": source,
        "labels": outcome.labels,
        "reply": outcome.reply.as_deref().map(hash_of),
    });
    log.add(tx, Note { actor: &one.actor, action: "feedback", subject: &id, detail })?;
    Ok(Joined::To(id))
}

/// What is added to the outcome of a ticket.
pub(super) struct News<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) source: &'a str,
}

/// Adds news to what is known of a ticket, and gives its labels.
pub(super) fn merge(
    tx: &mut dyn Tx,
    ticket: &str,
    decision: &str,
    news: &News<'_>,
    now: Timestamp,
) -> Result<BTreeMap<Field, String>> {
    let known =
        tx.first("SELECT decision_id, labels FROM outcomes WHERE ticket_id = $1", &[ticket.into()])?;
    let (mut joined, mut labels) = (decision.to_owned(), BTreeMap::new());
    let set = &news.outcome.labels;
    if let Some(mut row) = known {
        let before = row.text()?;
        labels = row.json()?;
        // A newer decision was made in view of labels that were known already: it can't be judged by them.
        if !labels.is_empty() || set.is_empty() {
            joined = before;
        }
    }
    labels.extend(set.clone());
    let keys = [ticket.into(), (&joined).into(), now.into(), Value::Text(json(&labels)?)];
    put(tx, keys, news)?;
    if !set.is_empty() {
        tx.execute("UPDATE tickets SET version = version + 1 WHERE id = $1", &[ticket.into()])?;
    }
    Ok(labels)
}

/// Writes an outcome; `keys` are ticket, decision, time and all labels.
fn put(tx: &mut dyn Tx, keys: [Value; 4], News { outcome, source }: &News<'_>) -> Result<()> {
    let sql = "INSERT INTO outcomes (ticket_id, decision_id, at, labels, reply, first_response_at, resolved_at, reopened,
        escalated, customer_visible_error, handle_seconds, distance, source)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (ticket_id) DO UPDATE SET decision_id = excluded.decision_id, at = excluded.at,
        labels = excluded.labels, source = CASE WHEN excluded.source = 'review' THEN outcomes.source ELSE excluded.source END,
        reply = COALESCE(excluded.reply, outcomes.reply),
        first_response_at = COALESCE(excluded.first_response_at, outcomes.first_response_at),
        resolved_at = COALESCE(excluded.resolved_at, outcomes.resolved_at),
        reopened = COALESCE(excluded.reopened, outcomes.reopened),
        escalated = COALESCE(excluded.escalated, outcomes.escalated),
        customer_visible_error = COALESCE(excluded.customer_visible_error, outcomes.customer_visible_error),
        handle_seconds = COALESCE(excluded.handle_seconds, outcomes.handle_seconds),
        distance = COALESCE(excluded.distance,
            CASE WHEN outcomes.decision_id = excluded.decision_id THEN outcomes.distance END)";
    let told = [
        outcome.reply.as_ref().map(json).transpose()?.as_ref().into(),
        outcome.first_response_at.into(),
        outcome.resolved_at.into(),
        outcome.reopened.map(i64::from).into(),
        outcome.escalated.map(i64::from).into(),
        outcome.customer_visible_error.map(i64::from).into(),
        outcome.handle_seconds.into(),
        outcome.distance.into(),
        (*source).into(),
    ];
    let values: Vec<Value> = keys.into_iter().chain(told).collect();
    tx.execute(sql, &values)?;
    Ok(())
}

fn read(mut row: Row) -> Result<JudgedDecision> {
    let one = JudgedDecision {
        decision_id: row.text()?,
        ticket_id: row.text()?,
        customer: row.text()?,
        received_at: row.time()?,
        opened_at: row.maybe_time()?,
        route: row.name()?,
        decision: row.json()?,
        draft_due: row.int()? != 0,
        drafted_at: row.maybe_time()?,
        draft_state: row.name()?,
        draft_confidence: row.maybe_real()?,
        reported: row.int()? != 0,
        outcome: Outcome {
            labels: row.maybe_json()?.unwrap_or_default(),
            reply: None,
            first_response_at: row.maybe_time()?,
            resolved_at: row.maybe_time()?,
            reopened: row.maybe_int()?.map(|yes| yes != 0),
            escalated: row.maybe_int()?.map(|yes| yes != 0),
            customer_visible_error: row.maybe_int()?.map(|yes| yes != 0),
            handle_seconds: row.maybe_real()?,
            distance: row.maybe_real()?,
        },
    };
    Ok(without_alternatives(one))
}

/// Of many decisions only what was decided is kept: the labels beside it are most of their bytes.
fn without_alternatives(mut one: JudgedDecision) -> JudgedDecision {
    for field in one.decision.fields.values_mut() {
        field.alternatives = Vec::new();
    }
    one
}
