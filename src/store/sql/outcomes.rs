//! How tickets ended, and the decisions that are judged by it.
//!
//! One outcome a ticket. It is joined to the newest decision before its labels were known, and stays with that. What one who may
//! see all customers has told, one held to some can't overwrite.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_ticket::{Counted, Field, JudgedDecision, Outcome};
use jiff::Timestamp;
use serde_json::json;

use super::decisions::{self, About};
use super::{Shelf, name, of_customers};
use crate::audit::{Log, Note};
use crate::db::{Db, Row, Tx, Value, clean, json};
use crate::{CustomerSet, DecisionRecord, Feedback, Joined, Outcomes};

/// The source of labels that a person set in a review. They stand before the ticket is closed, so that they are no report of how
/// it ended.
pub(super) const REVIEW: &str = "review";

/// Decisions that are read at a time.
const CHUNK: usize = 1_000;

/// The columns of a [`JudgedDecision`].
pub(super) const JUDGED: &str = "d.id, t.number, t.customer, d.received_at, d.opened_at, d.route, d.phase, d.blind, d.decision, d.draft_due,
    d.drafted_at, d.draft_state, d.draft_confidence, CAST(CASE WHEN o.source <> 'review' THEN 1 ELSE 0 END AS BIGINT),
    o.labels, o.first_response_at, o.first_response_basis, o.acknowledged_at, o.resolved_at, o.reopened, o.escalated, o.tier,
    o.initial_labels, o.initial_basis, o.opened_by_technician, o.project, o.deleted, o.merged_into, o.history_known,
    o.customer_visible_error, o.handle_seconds,
    COALESCE(CASE WHEN d.draft_state IN ('approved', 'edited') THEN r.distance END, o.distance)";

/// Where they come from, decisions first: of each ticket the decision that is judged.
pub(super) const JOINED: &str =
    "JOIN tickets t ON t.id = d.ticket_id LEFT JOIN outcomes o ON o.ticket_id = t.id
    LEFT JOIN reviews r ON r.decision_id = d.id
    WHERE t.moved_at IS NULL AND d.id = COALESCE(o.decision_id, t.decision_id)";

impl<D: Db> Outcomes for Shelf<D> {
    fn feedback(&self, news: &[Feedback], customers: &CustomerSet, now: Timestamp) -> Result<Vec<Joined>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            news.iter().map(|one| join(tx, &mut log, one, customers, now)).collect()
        })
    }

    fn judged(&self, from: Timestamp, to: Timestamp, customers: &CustomerSet) -> Result<Vec<JudgedDecision>> {
        self.read(|tx| judged(tx, (from, to), customers))
    }

    fn judged_tickets(
        &self,
        from: Timestamp,
        to: Timestamp,
        customers: &CustomerSet,
        each: &mut dyn FnMut(&Counted<'_>),
    ) -> Result<()> {
        self.days((from, to), customers, each)
    }
}

/// Decisions about tickets that came in from a moment to before another, in the order in which they came in.
pub(super) fn judged(
    tx: &mut dyn Tx,
    (from, to): (Timestamp, Timestamp),
    customers: &CustomerSet,
) -> Result<Vec<JudgedDecision>> {
    let mut sql = format!(
        "SELECT d.seq, {JUDGED} FROM decisions d {JOINED} AND d.received_at >= $1 AND d.received_at < $2"
    );
    let mut values = vec![from.into(), to.into()];
    of_customers(&mut sql, &mut values, "t.customer", customers);
    let n = values.len();
    sql.push_str(&format!(
        " AND (d.received_at > ${0} OR (d.received_at = ${0} AND d.seq > ${1})) ORDER BY d.received_at, d.seq LIMIT {CHUNK}",
        n + 1,
        n + 2
    ));
    let (mut judged, mut last) = (Vec::<JudgedDecision>::new(), (from, i64::MIN));
    loop {
        let values = [&values[..], &[last.0.into(), last.1.into()]].concat();
        let rows = tx.query(&sql, &values)?;
        let ended = rows.len() < CHUNK;
        for mut row in rows {
            let seq = row.int()?;
            let one = read(&mut row)?;
            last = (one.received_at, seq);
            judged.push(one);
        }
        if ended {
            return Ok(judged);
        }
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
        (Some(id), _) => decisions::decision(tx, id)?.filter(|record| record.is_for(customers)),
        (None, Some(number)) => match decisions::decision_of(tx, number, one.customer.as_deref(), customers)?
        {
            About::One(record) => Some(*record),
            About::Several => return Ok(Joined::Ambiguous),
            About::Nothing => None,
        },
        (None, None) => None,
    };
    let Some(record) = about else { return Ok(Joined::Unknown) };
    let Feedback { outcome, source, actor, .. } = one;
    let wide = *customers == CustomerSet::All;
    let merged = merge(tx, &record, &News { outcome, source, actor, wide }, now)?;
    // A customer who has been answered needs no first response.
    if outcome.reply.is_some() || outcome.first_response_at.is_some() || outcome.resolved_at.is_some() {
        decisions::supersede(tx, &[&record.row])?;
    }
    let detail = json!({
        "ticket": record.ticket_id,
        "source": source,
        "label_hashes": log.salted_labels(&outcome.labels),
        "reply": outcome.reply.as_deref().map(|reply| log.salted(reply)),
        "over": merged.over,
        "yields": merged.yields,
    });
    log.add(tx, Note { actor, action: "feedback", subject: &record.id, detail })?;
    Ok(Joined::To(record.id))
}

/// What is added to the outcome of a ticket.
pub(super) struct News<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) source: &'a str,
    /// The id of the API key, or the command.
    pub(super) actor: &'a str,
    /// Whether the writer may see all customers.
    pub(super) wide: bool,
}

/// What came of news.
pub(super) struct Merged {
    /// All labels that the ticket has now.
    pub(super) labels: BTreeMap<Field, String>,
    /// The other writer whose news stood there before.
    over: Option<String>,
    /// Whether what that one told stands, and the news only filled what was open.
    yields: bool,
}

/// Adds news to what is known of the ticket that `record` is about.
pub(super) fn merge(
    tx: &mut dyn Tx,
    record: &DecisionRecord,
    news: &News<'_>,
    now: Timestamp,
) -> Result<Merged> {
    let sql = "SELECT decision_id, labels, actor, wide FROM outcomes WHERE ticket_id = $1";
    let known = tx.first(sql, &[(&record.row).into()])?;
    let (mut joined, mut before) = (record.id.clone(), BTreeMap::new());
    let (mut over, mut yields) = (None, false);
    let set = &news.outcome.labels;
    if let Some(mut row) = known {
        let decision = row.text()?;
        before = row.json()?;
        over = Some(row.text()?).filter(|writer| *writer != clean(news.actor));
        yields = row.int()? != 0 && !news.wide;
        // A newer decision was made in view of labels that were known already: it can't be judged by them.
        if !before.is_empty() || set.is_empty() || yields {
            joined = decision;
        }
    }
    let mut labels = before.clone();
    labels.extend(set.clone());
    if yields {
        labels.extend(before.clone());
    }
    let label = |field| labels.get(&field).map(|label| label.trim()).into();
    let keys = vec![
        (&record.row).into(),
        (&joined).into(),
        now.into(),
        Value::Text(json(&labels)?),
        label(Field::Board),
        label(Field::Type),
        (news.source != REVIEW).then_some(now).into(),
        news.source.into(),
        news.actor.into(),
        i64::from(news.wide).into(),
        news.outcome.distance.into(),
    ];
    put(tx, keys, news.outcome, yields)?;
    if !set.is_empty() && (!yields || labels != before) {
        tx.execute("UPDATE tickets SET version = version + 1 WHERE id = $1", &[(&record.row).into()])?;
    }
    Ok(Merged { labels, over, yields })
}

/// Columns of an outcome that are written anew with each piece of news.
const KEYS: [&str; 11] = [
    "ticket_id",
    "decision_id",
    "at",
    "labels",
    "board",
    "type",
    "reported_at",
    "source",
    "actor",
    "wide",
    "distance",
];

/// Values of an outcome that news adds to, one by one.
const VALUES: [&str; 17] = [
    "reply",
    "first_response_at",
    "first_response_basis",
    "acknowledged_at",
    "resolved_at",
    "reopened",
    "escalated",
    "tier",
    "initial_labels",
    "initial_basis",
    "opened_by_technician",
    "project",
    "deleted",
    "merged_into",
    "history_known",
    "customer_visible_error",
    "handle_seconds",
];

fn values(outcome: &Outcome) -> Result<[Value; 17]> {
    let truth = |yes: Option<bool>| yes.map(i64::from).into();
    let text = |text: Option<String>| text.map_or(Value::Null, Value::Text);
    Ok([
        text(outcome.reply.as_ref().map(json).transpose()?),
        outcome.first_response_at.into(),
        outcome.first_response_basis.map(name).transpose()?.unwrap_or(Value::Null),
        outcome.acknowledged_at.into(),
        outcome.resolved_at.into(),
        truth(outcome.reopened),
        truth(outcome.escalated),
        outcome.tier.map(i64::from).into(),
        text(outcome.initial_labels.as_ref().map(json).transpose()?),
        outcome.initial_basis.map(name).transpose()?.unwrap_or(Value::Null),
        truth(outcome.opened_by_technician),
        truth(outcome.project),
        truth(outcome.deleted),
        outcome.merged_into.as_ref().into(),
        truth(outcome.history_known),
        truth(outcome.customer_visible_error),
        outcome.handle_seconds.into(),
    ])
}

/// Values that say how another one is known: they go with it.
const BASES: [(&str, &str); 2] =
    [("first_response_basis", "first_response_at"), ("initial_basis", "initial_labels")];

/// Writes an outcome, of which `keys` are the [`KEYS`]. Where it `yields`, what is known stands.
fn put(tx: &mut dyn Tx, keys: Vec<Value>, outcome: &Outcome, yields: bool) -> Result<()> {
    let (first, second) = if yields { ("outcomes", "excluded") } else { ("excluded", "outcomes") };
    let merged = |name: &&str| match BASES.iter().find(|(basis, _)| basis == name) {
        Some((basis, of)) => format!(
            "{basis} = CASE WHEN {first}.{of} IS NOT NULL THEN {first}.{basis} ELSE {second}.{basis} END"
        ),
        None => format!("{name} = COALESCE({first}.{name}, {second}.{name})"),
    };
    // Labels that were set in a review are no report, whoever set them: the first report names its source.
    let stands = match yields {
        true => "outcomes.source <> 'review' OR excluded.source = 'review'",
        false => "excluded.source = 'review'",
    };
    let columns = [&KEYS[..], &VALUES[..]].concat();
    let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "INSERT INTO outcomes ({}) VALUES ({})
        ON CONFLICT (ticket_id) DO UPDATE SET decision_id = excluded.decision_id, at = excluded.at,
        labels = excluded.labels, board = excluded.board, type = excluded.type,
        reported_at = CASE WHEN outcomes.resolved_at IS NULL AND excluded.resolved_at IS NOT NULL THEN excluded.reported_at
            ELSE COALESCE(outcomes.reported_at, excluded.reported_at) END,
        source = CASE WHEN {stands} THEN outcomes.source ELSE excluded.source END,
        actor = {first}.actor, wide = CASE WHEN outcomes.wide = 1 THEN 1 ELSE excluded.wide END, {},
        distance = COALESCE({first}.distance,
            CASE WHEN outcomes.decision_id = excluded.decision_id THEN {second}.distance END)",
        columns.join(", "),
        places.join(", "),
        VALUES.iter().map(merged).collect::<Vec<_>>().join(", ")
    );
    let values: Vec<Value> = keys.into_iter().chain(values(outcome)?).collect();
    tx.execute(&sql, &values)?;
    Ok(())
}

/// A row of [`JUDGED`].
pub(super) fn read(row: &mut Row) -> Result<JudgedDecision> {
    let one = JudgedDecision {
        decision_id: row.text()?,
        ticket_id: row.text()?,
        customer: row.text()?,
        received_at: row.time()?,
        opened_at: row.maybe_time()?,
        route: row.name()?,
        phase: row.maybe_name()?,
        blind: row.maybe_int()? == Some(1),
        decision: row.json()?,
        draft_due: row.int()? != 0,
        drafted_at: row.maybe_time()?,
        draft_state: row.name()?,
        draft_confidence: row.maybe_real()?,
        reported: row.int()? != 0,
        outcome: outcome(row)?,
    };
    Ok(without_alternatives(one))
}

/// The columns of [`JUDGED`] from the labels on.
fn outcome(row: &mut Row) -> Result<Outcome> {
    let truth = |row: &mut Row| Ok::<_, firstline_fault::Error>(row.maybe_int()?.map(|yes| yes != 0));
    Ok(Outcome {
        labels: row.maybe_json()?.unwrap_or_default(),
        reply: None,
        first_response_at: row.maybe_time()?,
        first_response_basis: row.maybe_name()?,
        acknowledged_at: row.maybe_time()?,
        resolved_at: row.maybe_time()?,
        reopened: truth(row)?,
        escalated: truth(row)?,
        tier: row.maybe_int()?.and_then(|tier| u8::try_from(tier).ok()),
        initial_labels: row.maybe_json()?,
        initial_basis: row.maybe_name()?,
        opened_by_technician: truth(row)?,
        project: truth(row)?,
        deleted: truth(row)?,
        merged_into: row.maybe_text()?,
        history_known: truth(row)?,
        customer_visible_error: truth(row)?,
        handle_seconds: row.maybe_real()?,
        distance: row.maybe_real()?,
    })
}

/// Of many decisions only what was decided is kept: the labels beside it are most of their bytes.
fn without_alternatives(mut one: JudgedDecision) -> JudgedDecision {
    for field in one.decision.fields.values_mut() {
        field.alternatives = Vec::new();
    }
    one
}
