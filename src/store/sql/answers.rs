//! Answers of customers, and what follows from them.
//!
//! Must never close a ticket that a person of the desk is at, nor one whose customer has written something else since.

use firstline_fault::Result;
use firstline_ticket::Field;
use jiff::Timestamp;
use serde_json::json;

use super::decisions::About;
use super::{Shelf, acting, decisions, evidence, name, outbox};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx};
use crate::{
    ActionKind, ActionOrigin, AnswerSaid, Answered, Answers, Author, Conversation, CustomerSet,
    IncidentState, NewAnswer, NewIncident, SentReply,
};

impl<D: Db> Answers for Shelf<D> {
    fn conversation(
        &self,
        number: &str,
        customer: Option<&str>,
        customers: &CustomerSet,
    ) -> Result<Option<Conversation>> {
        self.read(|tx| {
            let About::One(record) = decisions::decision_of(tx, number, customer, customers)? else {
                return Ok(None);
            };
            let sql = format!(
                "SELECT t.ticket, CAST(CASE WHEN {} THEN 1 ELSE 0 END AS BIGINT) FROM tickets t
                LEFT JOIN outcomes o ON o.ticket_id = t.id WHERE t.id = $1",
                acting::TOUCHED
            );
            let Some(mut row) = tx.first(&sql, &[(&record.row).into()])? else { return Ok(None) };
            let (ticket, touched) = (row.maybe_json()?, row.int()? != 0);
            let sql = "SELECT a.done_at, COALESCE(a.origin, 'person') FROM actions a
                WHERE a.ticket_id = $1 AND a.kind = 'reply' AND a.state = 'done' AND a.done_at IS NOT NULL
                ORDER BY a.done_at DESC, a.id DESC LIMIT 1";
            let replied = tx.first(sql, &[(&record.row).into()])?;
            let read = |mut row: Row| -> Result<SentReply> {
                let at = row.time()?;
                Ok(SentReply { at, alone: row.text()? == "auto" })
            };
            Ok(Some(Conversation {
                ticket,
                record: *record,
                touched,
                replied: replied.map(read).transpose()?,
            }))
        })
    }

    fn record_answer(&self, answer: &NewAnswer<'_>, now: Timestamp) -> Result<Answered> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            if !put(tx, answer, now)? {
                return Ok(Answered::Known);
            }
            let record = &answer.conversation.record;
            if matches!(answer.said, AnswerSaid::Contradicted | AnswerSaid::Other) {
                let sql = "UPDATE actions SET state = 'void', payload = NULL, fault = $2
                    WHERE ticket_id = $1 AND kind = 'close' AND state IN ('waiting', 'held', 'failed')";
                tx.execute(sql, &[(&record.row).into(), "its customer has written something else".into()])?;
            }
            let answered = follow(tx, answer, now)?;
            let detail = json!({
                "said": answer.said,
                "language": answer.language,
                "key": log.salted(answer.key),
                "follows": match answered {
                    Answered::Closes => Some("close"),
                    Answered::Reopens => Some("reopen"),
                    Answered::Noted | Answered::Known => None,
                },
            });
            log.add(tx, Note { actor: answer.actor, action: "answer", subject: &record.id, detail })?;
            if answered == Answered::Reopens {
                suspect(tx, &mut log, answer, now)?;
            }
            Ok(answered)
        })
    }
}

/// Whether it is new.
fn put(tx: &mut dyn Tx, answer: &NewAnswer<'_>, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO answers (ticket_id, message_key, at, recorded_at, said, language, confidence)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (ticket_id, message_key) DO NOTHING";
    let values = [
        (&answer.conversation.record.row).into(),
        answer.key.into(),
        answer.at.into(),
        now.into(),
        name(answer.said)?,
        answer.language.into(),
        answer.confidence.into(),
    ];
    Ok(tx.execute(sql, &values)? > 0)
}

/// Adds the action that follows.
fn follow(tx: &mut dyn Tx, answer: &NewAnswer<'_>, now: Timestamp) -> Result<Answered> {
    let record = &answer.conversation.record;
    // Of a clock that is ahead, the sender's: what was done before now is to be seen.
    let as_of = answer.at.min(now).to_string();
    if answer.reopen {
        let technician = record.decision.fields.get(&Field::Technician).map(|decided| &decided.label);
        let payload = json!({"technician": technician, "as_of": as_of});
        let kind = (ActionKind::Reopen, &payload);
        outbox::add_for(tx, (record, answer.key), kind, (ActionOrigin::Auto, now), now)?;
        return Ok(Answered::Reopens);
    }
    let Some(not_before) = answer.close else { return Ok(Answered::Noted) };
    // Anything else that the customer has written since the reply waits for a person: a question, another matter.
    let sql = format!(
        "SELECT d.opened_at FROM tickets t JOIN decisions d ON d.id = t.decision_id LEFT JOIN outcomes o ON o.ticket_id = t.id
        WHERE t.id = $1 AND d.id = $2 AND NOT {} AND o.resolved_at IS NULL AND NOT EXISTS (SELECT 1 FROM answers w
            WHERE w.ticket_id = t.id AND (w.said = 'contradicted' OR (w.said = 'other' AND w.at >= $3)))",
        acting::TOUCHED
    );
    let replied = answer.conversation.replied.map_or(answer.at, |reply| reply.at);
    let Some(mut row) = tx.first(&sql, &[(&record.row).into(), (&record.id).into(), replied.into()])? else {
        return Ok(Answered::Noted);
    };
    let untouched_since = row.maybe_time()?.unwrap_or(replied).to_string();
    let payload = json!({"as_of": as_of, "untouched_since": untouched_since});
    let start = (ActionOrigin::Auto, not_before);
    outbox::add_for(tx, (record, answer.key), (ActionKind::Close, &payload), start, now)?;
    Ok(Answered::Closes)
}

/// Puts on record that Firstline may have been wrong.
fn suspect(tx: &mut dyn Tx, log: &mut Log, answer: &NewAnswer<'_>, now: Timestamp) -> Result<()> {
    let record = &answer.conversation.record;
    let incident = NewIncident {
        key: format!("contradiction:{}", answer.key),
        ticket_id: None,
        customer: None,
        decision: Some(record.id.clone()),
        action: None,
        at: answer.at,
        kind: "contradiction".to_owned(),
        severity: "low".to_owned(),
        sla_credit: false,
        credit_amount: None,
        state: IncidentState::Suspected,
        by: Author { person: "firstline".to_owned(), actor: answer.actor.to_owned() },
        reason: None,
    };
    evidence::add_incident(tx, log, (&incident, now), &CustomerSet::All).map(drop)
}
