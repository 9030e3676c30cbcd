//! How tickets ended, and the decisions that are judged by it.
//!
//! One outcome a ticket. It is joined to the newest decision before its labels were known, and stays with that.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::Field;
use jiff::Timestamp;
use serde_json::json;

use super::{decisions, of_customers};
use crate::audit::{Log, hash_of};
use crate::db::{Row, Tx, Value, json};
use crate::{CustomerSet, DecisionRecord, Feedback, Joined, Judged};

pub(super) fn feedback(
    tx: &mut dyn Tx,
    news: &[Feedback],
    customers: &CustomerSet,
    now: Timestamp,
) -> Result<Vec<Joined>> {
    let mut log = Log::open(tx, now)?;
    news.iter().map(|one| feedback_one(tx, &mut log, one, customers, now)).collect()
}

fn feedback_one(
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
    merge(tx, &ticket_id, &id, one, now)?;
    // Whoever has been answered needs no first response.
    if one.reply.is_some() || one.first_response_at.is_some() || one.resolved_at.is_some() {
        decisions::supersede(tx, &ticket_id)?;
    }
    let detail = json!({
        "ticket": ticket_id,
        "source": one.source,
        "labels": one.labels,
        "reply": one.reply.as_deref().map(hash_of),
    });
    log.add(tx, &one.actor, "feedback", &id, &detail)?;
    Ok(Joined::To(id))
}

/// Adds news to what is known of a ticket, and gives its labels.
pub(super) fn merge(
    tx: &mut dyn Tx,
    ticket: &str,
    decision: &str,
    news: &Feedback,
    now: Timestamp,
) -> Result<BTreeMap<Field, String>> {
    let known =
        tx.first("SELECT decision_id, labels FROM outcomes WHERE ticket_id = $1", &[ticket.into()])?;
    let (mut joined, mut labels) = (decision.to_owned(), BTreeMap::new());
    if let Some(mut row) = known {
        let before = row.text()?;
        labels = row.json()?;
        // A newer decision was made in view of labels that were known already: it can't be judged by them.
        if !labels.is_empty() || news.labels.is_empty() {
            joined = before;
        }
    }
    labels.extend(news.labels.clone());
    put(tx, ticket, &joined, &labels, news, now)?;
    if !news.labels.is_empty() {
        tx.execute("UPDATE tickets SET version = version + 1 WHERE id = $1", &[ticket.into()])?;
    }
    Ok(labels)
}

fn put(
    tx: &mut dyn Tx,
    ticket: &str,
    decision: &str,
    labels: &BTreeMap<Field, String>,
    news: &Feedback,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO outcomes (ticket_id, decision_id, at, labels, reply, first_response_at, resolved_at, reopened,
        customer_visible_error, handle_seconds, distance, source) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (ticket_id) DO UPDATE SET decision_id = excluded.decision_id, at = excluded.at,
        labels = excluded.labels, source = excluded.source, reply = COALESCE(excluded.reply, outcomes.reply),
        first_response_at = COALESCE(excluded.first_response_at, outcomes.first_response_at),
        resolved_at = COALESCE(excluded.resolved_at, outcomes.resolved_at),
        reopened = COALESCE(excluded.reopened, outcomes.reopened),
        customer_visible_error = COALESCE(excluded.customer_visible_error, outcomes.customer_visible_error),
        handle_seconds = COALESCE(excluded.handle_seconds, outcomes.handle_seconds),
        distance = COALESCE(excluded.distance,
            CASE WHEN outcomes.decision_id = excluded.decision_id THEN outcomes.distance END)";
    let values = [
        ticket.into(),
        decision.into(),
        now.into(),
        Value::Text(json(labels)?),
        news.reply.as_ref().map(json).transpose()?.as_ref().into(),
        news.first_response_at.into(),
        news.resolved_at.into(),
        news.reopened.map(i64::from).into(),
        news.customer_visible_error.map(i64::from).into(),
        news.handle_seconds.into(),
        news.distance.into(),
        (&news.source).into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

pub(super) fn judged(
    tx: &mut dyn Tx,
    from: Timestamp,
    to: Timestamp,
    customers: &CustomerSet,
) -> Result<Vec<Judged>> {
    let mut sql =
        "SELECT d.id, d.ticket_id, t.customer, d.received_at, d.opened_at, d.route, d.decision, d.drafted_at,
        d.draft_state, d.draft_confidence, o.labels, o.first_response_at, o.resolved_at, o.reopened,
        o.customer_visible_error, o.handle_seconds,
        COALESCE(CASE WHEN d.draft_state IN ('approved', 'edited') THEN r.distance END, o.distance)
        FROM decisions d JOIN tickets t ON t.id = d.ticket_id LEFT JOIN outcomes o ON o.ticket_id = t.id
        LEFT JOIN reviews r ON r.decision_id = d.id
        WHERE d.id = COALESCE(o.decision_id, t.decision_id) AND d.received_at >= $1 AND d.received_at < $2"
            .to_owned();
    let mut values = vec![from.into(), to.into()];
    of_customers(&mut sql, &mut values, "t.customer", customers);
    sql.push_str(" ORDER BY d.received_at, d.seq");
    tx.query(&sql, &values)?.into_iter().map(read).collect()
}

fn read(mut row: Row) -> Result<Judged> {
    Ok(Judged {
        decision_id: row.text()?,
        ticket_id: row.text()?,
        customer: row.text()?,
        received_at: row.time()?,
        opened_at: row.maybe_time()?,
        route: row.name()?,
        decision: row.json()?,
        drafted_at: row.maybe_time()?,
        draft_state: row.name()?,
        draft_confidence: row.maybe_real()?,
        labels: row.maybe_json()?.unwrap_or_default(),
        first_response_at: row.maybe_time()?,
        resolved_at: row.maybe_time()?,
        reopened: row.maybe_int()?.map(|yes| yes != 0),
        customer_visible_error: row.maybe_int()?.map(|yes| yes != 0),
        handle_seconds: row.maybe_real()?,
        distance: row.maybe_real()?,
    })
}
