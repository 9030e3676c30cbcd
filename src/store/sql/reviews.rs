//! The review queue, and what people did with what was in it.
//!
//! A draft is reviewed once. The audit log gets the hash of what is sent, never its words.

mod queue;
mod undo;

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{Draft, DraftState, Field, Outcome, Review, ReviewedDraft, Ticket};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::outcomes::{self, News};
use super::{Shelf, acting, bytes_of, decisions, name, outbox, page};
use crate::audit::{Log, Note, hash_of};
use crate::db::{Db, Tx, Value, json, list};
use crate::{
    ActionKind, ActionOrigin, CustomerSet, DecisionRecord, GivenReview, Paged, QueueQuery, ReviewItem,
    ReviewQueue, ReviewRequest, ReviewResult, Undo,
};

impl<D: Db> ReviewQueue for Shelf<D> {
    fn reviews(
        &self,
        state: DraftState,
        customers: &CustomerSet,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Paged<ReviewItem>> {
        let sources = decisions::SOURCES;
        let mut which =
            format!("FROM decisions d {sources} WHERE d.draft_state = $1 AND {}", decisions::SHOWN);
        let mut values = vec![name(state)?];
        if let Some(after) = after {
            which.push_str(" AND d.seq > (SELECT seq FROM decisions WHERE id = $2)");
            values.push(after.into());
        }
        outbox::seen_by(&mut which, &mut values, customers);
        which.push_str(&format!(" ORDER BY d.seq LIMIT ${}", values.len() + 1));
        self.read(|tx| items(tx, &which, &values, limit))
    }

    fn queue(&self, query: &QueueQuery<'_>, limit: usize) -> Result<Paged<ReviewItem>> {
        let (from, values) = queue::list(query);
        self.read(|tx| items(tx, &from, &values, limit))
    }

    fn review_of(&self, decision: &str) -> Result<Option<GivenReview>> {
        self.read(|tx| undo::review_of(tx, decision))
    }

    fn undo_review(&self, undo: &Undo<'_>, now: Timestamp) -> Result<ReviewResult> {
        self.write(|tx| undo::undo(tx, undo, now))
    }

    fn review(&self, review: &ReviewRequest, now: Timestamp) -> Result<ReviewResult> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let Some(record) = decisions::decision(tx, &review.decision_id)? else {
                return Ok(ReviewResult::Missing);
            };
            if record.is_hidden() {
                return Ok(ReviewResult::Conflict(record.into()));
            }
            let digest = hash_of(&json(&(kept(&review.verdict), &review.fields))?);
            let sql =
                "SELECT digest FROM reviews WHERE actor = $1 AND idempotency_key = $2 AND decision_id = $3";
            let key =
                [(&review.actor).into(), (&review.idempotency_key).into(), (&review.decision_id).into()];
            if let Some(mut row) = tx.first(sql, &key)? {
                let same = row.text()? == digest;
                let record = record.into();
                return Ok(if same { ReviewResult::Done(record) } else { ReviewResult::Conflict(record) });
            }
            if review.version != record.version || !open(tx, review, &record)? {
                return Ok(ReviewResult::Conflict(record.into()));
            }
            keep(tx, review, &digest, now)?;
            let detail = carry_out(tx, &log, review, &record, now)?;
            log.add(tx, Note { actor: &review.actor, action: "review", subject: &record.id, detail })?;
            let now_is = decisions::decision(tx, &record.id)?;
            Ok(now_is.map_or(ReviewResult::Missing, |record| ReviewResult::Done(record.into())))
        })
    }

    fn reviewed_ticket(&self, decision: &str) -> Result<Option<Ticket>> {
        let sql = "SELECT t.ticket FROM decisions d JOIN tickets t ON t.id = d.ticket_id WHERE d.id = $1";
        self.read(|tx| {
            let row = tx.first(sql, &[decision.into()])?;
            row.map_or(Ok(None), |mut row| row.maybe_json())
        })
    }

    fn reviewed(&self) -> Result<Vec<ReviewedDraft>> {
        let sql = "SELECT d.draft, r.verdict FROM reviews r JOIN decisions d ON d.id = r.decision_id
            WHERE d.draft_state IN ('approved', 'edited', 'rejected') AND d.draft IS NOT NULL AND r.verdict IS NOT NULL
            ORDER BY d.seq";
        self.read(|tx| {
            let rows = tx.query(sql, &[])?;
            rows.into_iter()
                .map(|mut row| {
                    let draft: Draft = row.json()?;
                    let review = match row.json()? {
                        // An edit that changes nothing is an approval, whichever button was pressed.
                        Review::Edited(text) if text == draft.text => Review::Accepted,
                        review => review,
                    };
                    Ok(ReviewedDraft { origin: draft.origin, prior: draft.prior, review })
                })
                .collect()
        })
    }
}

/// The decisions of a list with their tickets; `from` ends with the limit's place.
fn items(tx: &mut dyn Tx, from: &str, values: &[Value], limit: usize) -> Result<Paged<ReviewItem>> {
    let (columns, bytes) = (decisions::COLUMNS, bytes_of(&["t.ticket", "d.decision", "d.draft"]));
    let (fits, more) = page(tx, &format!("SELECT {bytes} {from}"), values, limit)?;
    let values = [values, &[fits.into()]].concat();
    let rows = tx.query(&format!("SELECT {columns}, t.ticket {from}"), &values)?;
    let items = rows.into_iter().map(|mut row| {
        let record = decisions::read(&mut row)?;
        let ticket = row.maybe_json()?;
        let ticket = ticket.unwrap_or_else(|| Ticket { id: record.ticket_id.clone(), ..Ticket::default() });
        Ok(ReviewItem { ticket, record })
    });
    Ok(Paged { items: items.collect::<Result<_>>()?, more })
}

/// A review as the store spells it, and always has: the digests of reviews rest on it.
fn kept(review: &Review) -> serde_json::Value {
    match review {
        Review::Accepted => json!("approve"),
        Review::Edited(text) => json!({"edit": text}),
        Review::Rejected(why) => json!({"reject": why}),
    }
}

/// Does what the person decided; gives what the audit log says of it.
fn carry_out(
    tx: &mut dyn Tx,
    log: &Log,
    review: &ReviewRequest,
    record: &DecisionRecord,
    now: Timestamp,
) -> Result<serde_json::Value> {
    let state = match (record.draft_state, &review.verdict) {
        (DraftState::None, _) => DraftState::None,
        (_, Review::Accepted) => DraftState::Approved,
        (_, Review::Edited(_)) => DraftState::Edited,
        (_, Review::Rejected(_)) => DraftState::Rejected,
    };
    let sql = "UPDATE decisions SET draft_state = $2, version = version + 1 WHERE id = $1";
    tx.execute(sql, &[(&record.id).into(), name(state)?])?;
    // From here on it is the person's word.
    acting::withdraw(tx, &list([&record.row])?)?;
    let locked = lock(tx, review, record, now)?;
    let sent = match (&review.verdict, &record.draft) {
        (Review::Accepted, draft) => draft.as_ref().map(|d| d.text.as_str()),
        (Review::Edited(text), _) => Some(text.as_str()),
        (Review::Rejected(_), _) => None,
    };
    if review.act {
        let fields = match &review.verdict {
            Review::Rejected(_) => review.fields.clone(),
            // What people have set stands above what was decided.
            _ => decisions::labels(&record.decision).into_iter().chain(locked).collect(),
        };
        let after = SignedDuration::from_secs(review.undo_seconds.into());
        let start = (ActionOrigin::Person, now.checked_add(after).unwrap_or(now));
        // The actions of a review that was taken back keep their keys, whatever became of them.
        let round = undo::round(tx, record)?;
        let about = (record, round.as_str());
        act(tx, about, sent, &fields, (start, now))?;
        if let Some(run) = &review.run {
            outbox::add_for(tx, about, (ActionKind::Run, run), start, now)?;
        }
    }
    let found: Vec<&str> = review.findings.iter().map(|found| found.check.as_str()).collect();
    Ok(json!({
        "claimed": review.claimed.as_deref().map(|name| log.salted(name)),
        "verdict": state,
        "sent": sent.map(|text| log.salted(text)),
        "field_hashes": log.salted_labels(&review.fields),
        "findings": found,
        "act": review.act,
        "run": review.run.as_ref().map(|run| log.salted(&run.to_string())),
    }))
}

/// Whether it may be reviewed: a draft that waits; the values of a decision without one, once.
fn open(tx: &mut dyn Tx, review: &ReviewRequest, record: &DecisionRecord) -> Result<bool> {
    // The key stands for one review; to use it for another is a mistake.
    let sql =
        "SELECT decision_id FROM reviews WHERE (actor = $1 AND idempotency_key = $2) OR decision_id = $3";
    let values = [(&review.actor).into(), (&review.idempotency_key).into(), (&record.id).into()];
    if tx.first(sql, &values)?.is_some() {
        return Ok(false);
    }
    // A newer decision about the ticket stands in this one's place.
    let sql = "SELECT decision_id FROM tickets WHERE id = $1 AND moved_at IS NULL";
    let newest = tx.first(sql, &[(&record.row).into()])?;
    if newest.map(|mut row| row.text()).transpose()?.as_ref() != Some(&record.id) {
        return Ok(false);
    }
    Ok(match record.draft_state {
        DraftState::Pending => true,
        // What goes out alone may be stopped, or sent in other words, as long as nobody has claimed it.
        DraftState::Auto => {
            // Locked: a claim that is under way is seen, and none begins before the review is on record.
            let lock = "SELECT a.id FROM actions a WHERE a.decision_id = $1 AND a.kind = 'reply' FOR UPDATE";
            tx.query(lock, &[(&record.id).into()])?;
            let sql = format!("SELECT a.id FROM actions a WHERE a.decision_id = $1 AND {}", acting::SENDS);
            tx.first(&sql, &[(&record.id).into()])?.is_none()
        }
        DraftState::None => review.verdict == Review::Accepted,
        _ => false,
    })
}

fn keep(tx: &mut dyn Tx, review: &ReviewRequest, digest: &str, now: Timestamp) -> Result<()> {
    let sql =
        "INSERT INTO reviews (decision_id, at, actor, reviewer, idempotency_key, digest, verdict, distance, findings, claimed,
        opened_at, active_seconds) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let values = [
        (&review.decision_id).into(),
        now.into(),
        (&review.actor).into(),
        (&review.reviewer).into(),
        (&review.idempotency_key).into(),
        digest.into(),
        Value::Text(json(&kept(&review.verdict))?),
        review.distance.into(),
        Value::Text(json(&review.findings)?),
        review.claimed.as_ref().into(),
        review.opened_at.into(),
        review.active_seconds.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Locks what the person set, and gives all that people have set.
fn lock(
    tx: &mut dyn Tx,
    review: &ReviewRequest,
    record: &DecisionRecord,
    now: Timestamp,
) -> Result<BTreeMap<Field, String>> {
    if review.fields.is_empty() {
        return Ok(record.outcome.clone());
    }
    let outcome = Outcome { labels: review.fields.clone(), ..Outcome::default() };
    let news = News { outcome: &outcome, source: outcomes::REVIEW, actor: &review.actor, wide: review.wide };
    Ok(outcomes::merge(tx, record, &news, now)?.labels)
}

/// Puts what follows into the outbox.
fn act(
    tx: &mut dyn Tx,
    (record, round): (&DecisionRecord, &str),
    sent: Option<&str>,
    fields: &BTreeMap<Field, String>,
    (start, now): ((ActionOrigin, Timestamp), Timestamp),
) -> Result<()> {
    if let Some(text) = sent {
        let language = record.draft.as_ref().map(|d| d.language.as_str());
        let payload = json!({"text": text, "language": language});
        outbox::add_for(tx, (record, round), (ActionKind::Reply, &payload), start, now)?;
    }
    if !fields.is_empty() {
        let payload = json!({"fields": fields});
        outbox::add_for(tx, (record, round), (ActionKind::SetFields, &payload), start, now)?;
    }
    Ok(())
}
