//! Incidents, weeks and verdicts.
//!
//! Weeks and verdicts are only ever added. The audit log never gets an incident's words.

use firstline_fault::Result;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;

use super::meant::{Meant, meant};
use super::{Shelf, bytes_of, decisions, name, of_customers, page, programme};
use crate::audit::{Log, Note, hash_of};
use crate::db::{Db, Row, Tx, Value, clean, json, token};
use crate::{
    Added, CustomerSet, Evidence, IncidentFacts, IncidentRecord, IncidentResult, IncidentState, NewIncident,
    NewVerdict, NewWeek, Paged, Ruling, VerdictRecord, WeekRecord,
};

const INCIDENT: &str =
    "SELECT i.id, t.number, t.customer, i.decision_id, i.action_id, i.at, i.recorded_at, i.decided_at, i.kind, i.severity,
    i.sla_credit, i.credit_amount, i.state, i.actor, i.reason FROM incidents i JOIN tickets t ON t.id = i.ticket_id";

/// What figures need of incidents. Where no action is named, the last one of the ticket that its customer could see is meant.
const FACTS: &str = "SELECT i.id, t.customer, d.board, d.type, i.at, i.recorded_at, i.decided_at, i.state, i.sla_credit, i.credit_amount,
    COALESCE((SELECT COALESCE(a.origin, 'person') FROM actions a WHERE a.id = i.action_id),
        (SELECT COALESCE(b.origin, 'person') FROM actions b WHERE b.ticket_id = i.ticket_id AND b.kind IN ('reply', 'close')
        AND b.state = 'done' AND b.done_at <= i.at ORDER BY b.done_at DESC, b.id DESC LIMIT 1))
    FROM incidents i JOIN tickets t ON t.id = i.ticket_id JOIN decisions d ON d.id = i.decision_id";

/// Characters of an incident's id.
const ID: usize = 32;

impl<D: Db> Evidence for Shelf<D> {
    fn add_incidents(
        &self,
        incidents: &[NewIncident],
        customers: &CustomerSet,
        now: Timestamp,
    ) -> Result<Vec<IncidentResult>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            incidents.iter().map(|incident| add_incident(tx, &mut log, (incident, now), customers)).collect()
        })
    }

    fn judge_incident(
        &self,
        id: &str,
        ruling: &Ruling,
        customers: &CustomerSet,
        now: Timestamp,
    ) -> Result<Option<IncidentRecord>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let Some(IncidentRecord { decision, .. }) = of_incident(tx, id, customers)? else {
                return Ok(None);
            };
            let sql = "UPDATE incidents SET state = $2, decided_at = $3, actor = $4, sla_credit = COALESCE($5, sla_credit),
                severity = COALESCE($6, severity), reason = COALESCE($7, reason),
                credit_amount = CASE WHEN COALESCE($5, sla_credit) = 0 THEN NULL ELSE COALESCE($8, credit_amount) END WHERE id = $1";
            let values = [
                id.into(),
                name(ruling.state)?,
                now.into(),
                (&ruling.by.person).into(),
                ruling.sla_credit.map(i64::from).into(),
                ruling.severity.as_ref().into(),
                ruling.reason.as_ref().into(),
                ruling.credit_amount.into(),
            ];
            tx.execute(sql, &values)?;
            let detail =
                json!({"incident": id, "state": ruling.state, "by": log.salted(&ruling.by.person)});
            log.add(tx, Note { actor: &ruling.by.actor, action: "incident", subject: &decision, detail })?;
            of_incident(tx, id, customers)
        })
    }

    fn incidents(
        &self,
        from: Timestamp,
        to: Timestamp,
        customers: &CustomerSet,
    ) -> Result<Vec<IncidentFacts>> {
        let mut sql = format!("{FACTS} WHERE i.at >= $1 AND i.at < $2");
        let mut values = vec![from.into(), to.into()];
        of_customers(&mut sql, &mut values, "t.customer", customers);
        sql.push_str(" ORDER BY i.at, i.id");
        self.read(|tx| tx.query(&sql, &values)?.into_iter().map(read_facts).collect())
    }

    fn incident_list(
        &self,
        state: Option<IncidentState>,
        customers: &CustomerSet,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Paged<IncidentRecord>> {
        let (mut which, mut values) = ("WHERE 1 = 1".to_owned(), Vec::new());
        if let Some(state) = state {
            which.push_str(" AND i.state = $1");
            values.push(name(state)?);
        }
        if let Some(before) = before {
            values.push(before.into());
            let n = values.len();
            which.push_str(&format!(
                " AND (i.recorded_at, i.id) < (SELECT l.recorded_at, l.id FROM incidents l WHERE l.id = ${n})"
            ));
        }
        of_customers(&mut which, &mut values, "t.customer", customers);
        which.push_str(&format!(" ORDER BY i.recorded_at DESC, i.id DESC LIMIT ${}", values.len() + 1));
        let bytes = bytes_of(&["i.reason"]);
        let sizes = format!("SELECT {bytes} FROM incidents i JOIN tickets t ON t.id = i.ticket_id {which}");
        self.read(|tx| {
            let (fits, more) = page(tx, &sizes, &values, limit)?;
            let values = [&values[..], &[fits.into()]].concat();
            let rows = tx.query(&format!("{INCIDENT} {which}"), &values)?;
            Ok(Paged { items: rows.into_iter().map(read_incident).collect::<Result<_>>()?, more })
        })
    }

    fn add_week(&self, week: &NewWeek, now: Timestamp) -> Result<Added> {
        self.write(|tx| add_week(tx, week, now))
    }

    fn weeks(
        &self,
        scope: Option<&str>,
        from: Date,
        to: Date,
        customers: &CustomerSet,
    ) -> Result<Vec<WeekRecord>> {
        let mut sql = "SELECT scope, customer, week, state, figures, sha, at, actor FROM weeks
            WHERE week >= $1 AND week < $2"
            .to_owned();
        let mut values = vec![(&from.to_string()).into(), (&to.to_string()).into()];
        if let Some(scope) = scope {
            values.push(scope.into());
            sql.push_str(&format!(" AND scope = ${}", values.len()));
        }
        of_customers(&mut sql, &mut values, "customer", customers);
        sql.push_str(" ORDER BY scope, customer, week, state");
        self.read(|tx| tx.query(&sql, &values)?.into_iter().map(read_week).collect())
    }

    fn add_verdict(&self, verdict: &NewVerdict, now: Timestamp) -> Result<Added> {
        self.write(|tx| add_verdict(tx, verdict, now))
    }

    fn verdicts(&self, gate: Option<&str>) -> Result<Vec<VerdictRecord>> {
        let mut sql = "SELECT id, at, gate, passed, evidence_sha, figures, actor FROM verdicts".to_owned();
        let values: Vec<Value> = gate.map(Value::from).into_iter().collect();
        if gate.is_some() {
            sql.push_str(" WHERE gate = $1");
        }
        sql.push_str(" ORDER BY at, id");
        self.read(|tx| tx.query(&sql, &values)?.into_iter().map(read_verdict).collect())
    }
}

pub(super) fn add_incident(
    tx: &mut dyn Tx,
    log: &mut Log,
    (incident, now): (&NewIncident, Timestamp),
    customers: &CustomerSet,
) -> Result<IncidentResult> {
    let row = match of_which(tx, incident, customers)? {
        Meant::One(row) => row,
        Meant::Several => return Ok(IncidentResult::Ambiguous),
        Meant::Nothing => return Ok(IncidentResult::Unknown),
    };
    // A ticket's own: nobody learns, or takes, the names that other customers' senders give.
    let mut id = hash_of(&json(&(&row, clean(&incident.key)))?);
    id.truncate(ID);
    let known = "SELECT at, kind, COALESCE(action_id, 0) FROM incidents WHERE id = $1";
    if let Some(known) = tx.first(known, &[(&id).into()])? {
        let due = [incident.at.into(), (&incident.kind).into(), incident.action.unwrap_or(0).into()];
        let same = known.values() == due;
        return Ok(if same { IncidentResult::Known(id) } else { IncidentResult::Other(id) });
    }
    if let Some(action) = incident.action {
        let sql = "SELECT id FROM actions WHERE id = $1 AND ticket_id = $2";
        if tx.first(sql, &[action.into(), (&row).into()])?.is_none() {
            return Ok(IncidentResult::Unknown);
        }
    }
    let sql = "INSERT INTO incidents (id, ticket_id, decision_id, action_id, at, recorded_at, kind, severity, sla_credit, state,
        actor, reason, credit_amount, decided_at) SELECT $1, t.id, COALESCE($3, t.decision_id), $4, $5, $6, $7, $8, $9, $10, $11, $12,
        $13, $14 FROM tickets t WHERE t.id = $2 RETURNING decision_id";
    let is_decided = incident.state != IncidentState::Suspected;
    let values = [
        (&id).into(),
        (&row).into(),
        incident.decision.as_ref().into(),
        incident.action.into(),
        incident.at.into(),
        now.into(),
        (&incident.kind).into(),
        (&incident.severity).into(),
        i64::from(incident.sla_credit).into(),
        name(incident.state)?,
        (&incident.by.person).into(),
        incident.reason.as_ref().into(),
        incident.credit_amount.into(),
        is_decided.then_some(now).into(),
    ];
    let Some(mut row) = tx.first(sql, &values)? else { return Ok(IncidentResult::Unknown) };
    let decision = row.text()?;
    let by = log.salted(&incident.by.person);
    let detail = json!({"incident": id, "kind": incident.kind, "state": incident.state, "by": by});
    log.add(tx, Note { actor: &incident.by.actor, action: "incident", subject: &decision, detail })?;
    Ok(IncidentResult::Stored(id))
}

/// The row of the ticket that an incident is about.
fn of_which(tx: &mut dyn Tx, incident: &NewIncident, customers: &CustomerSet) -> Result<Meant> {
    let NewIncident { ticket_id, customer, decision, .. } = incident;
    let Some(decision) = decision else {
        let Some(number) = ticket_id else { return Ok(Meant::Nothing) };
        let found = meant(tx, &[(number, customer.as_deref())], customers)?.pop();
        return Ok(found.unwrap_or(Meant::Nothing));
    };
    let record = decisions::decision(tx, decision)?.filter(|record| record.is_for(customers));
    // What else is said of the ticket must be true of it.
    let fits = |said: &Option<String>, is: &str| said.as_ref().is_none_or(|said| clean(said) == is);
    let record = record.filter(|of| fits(ticket_id, &of.ticket_id) && fits(customer, &of.customer));
    Ok(record.map_or(Meant::Nothing, |record| Meant::One(record.row)))
}

fn of_incident(tx: &mut dyn Tx, id: &str, customers: &CustomerSet) -> Result<Option<IncidentRecord>> {
    let mut sql = format!("{INCIDENT} WHERE i.id = $1");
    let mut values = vec![id.into()];
    of_customers(&mut sql, &mut values, "t.customer", customers);
    tx.first(&sql, &values)?.map(read_incident).transpose()
}

fn read_incident(mut row: Row) -> Result<IncidentRecord> {
    Ok(IncidentRecord {
        id: row.text()?,
        ticket_id: row.text()?,
        customer: row.text()?,
        decision: row.text()?,
        action: row.maybe_int()?,
        at: row.time()?,
        recorded_at: row.time()?,
        decided_at: row.maybe_time()?,
        kind: row.text()?,
        severity: row.text()?,
        sla_credit: row.int()? != 0,
        credit_amount: row.maybe_real()?,
        state: row.name()?,
        by: row.text()?,
        reason: row.maybe_text()?,
    })
}

/// Incidents that happened since a moment.
pub(super) fn incidents_since(tx: &mut dyn Tx, since: Timestamp) -> Result<Vec<IncidentFacts>> {
    let sql = format!("{FACTS} WHERE i.at >= $1 ORDER BY i.at, i.id");
    tx.query(&sql, &[since.into()])?.into_iter().map(read_facts).collect()
}

fn read_facts(mut row: Row) -> Result<IncidentFacts> {
    Ok(IncidentFacts {
        id: row.text()?,
        customer: row.text()?,
        board: row.maybe_text()?,
        ticket_type: row.maybe_text()?,
        at: row.time()?,
        recorded_at: row.time()?,
        decided_at: row.maybe_time()?,
        state: row.name()?,
        sla_credit: row.int()? != 0,
        credit_amount: row.maybe_real()?,
        alone: row.maybe_text()?.map(|origin| origin == "auto"),
    })
}

fn add_week(tx: &mut dyn Tx, week: &NewWeek, now: Timestamp) -> Result<Added> {
    let mut log = Log::open(tx, now)?;
    let NewWeek { scope, customer, week, state, figures, by } = week;
    let (figures, week) = (json(figures)?, week.to_string());
    let (id, sha) = (log.salted(&json(&(scope, customer, &week, state))?), hash_of(&figures));
    if let Some(mut row) = tx.first("SELECT sha FROM weeks WHERE id = $1", &[(&id).into()])? {
        return Ok(if row.text()? == sha { Added::Known } else { Added::Other });
    }
    let sql = "INSERT INTO weeks (id, scope, customer, week, state, figures, sha, at, actor, nonce)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let values = [
        (&id).into(),
        scope.into(),
        customer.as_ref().into(),
        (&week).into(),
        name(state)?,
        Value::Text(figures),
        (&sha).into(),
        now.into(),
        (&by.person).into(),
        (&token()?).into(),
    ];
    tx.execute(sql, &values)?;
    // The figures of one customer could be guessed by whoever knows them roughly: their hash stays in the row.
    let sha = customer.is_none().then_some(sha);
    let detail = json!({"scope": log.salted(scope), "week": week, "state": state, "sha": sha});
    log.add(tx, Note { actor: &by.actor, action: "week", subject: &id, detail })?;
    Ok(Added::Stored)
}

fn read_week(mut row: Row) -> Result<WeekRecord> {
    Ok(WeekRecord {
        scope: row.text()?,
        customer: row.maybe_text()?,
        week: programme::date(&row.text()?)?,
        state: row.name()?,
        figures: row.json()?,
        sha: row.text()?,
        at: row.time()?,
        by: row.text()?,
    })
}

fn add_verdict(tx: &mut dyn Tx, verdict: &NewVerdict, now: Timestamp) -> Result<Added> {
    let mut log = Log::open(tx, now)?;
    let NewVerdict { id, gate, passed, evidence_sha, figures, by } = verdict;
    let figures = json(figures)?;
    let sql = "SELECT gate, passed, evidence_sha, figures FROM verdicts WHERE id = $1";
    if let Some(row) = tx.first(sql, &[id.into()])? {
        let due = [gate.into(), i64::from(*passed).into(), evidence_sha.into(), Value::Text(figures)];
        return Ok(if row.values() == due { Added::Known } else { Added::Other });
    }
    let sql = "INSERT INTO verdicts (id, at, gate, passed, evidence_sha, figures, actor, nonce)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let sha = hash_of(&figures);
    let values = [
        id.into(),
        now.into(),
        gate.into(),
        i64::from(*passed).into(),
        evidence_sha.into(),
        Value::Text(figures),
        (&by.person).into(),
        (&token()?).into(),
    ];
    tx.execute(sql, &values)?;
    let detail = json!({"gate": gate, "passed": passed, "evidence_sha": evidence_sha, "figures": sha});
    log.add(tx, Note { actor: &by.actor, action: "gate", subject: id, detail })?;
    Ok(Added::Stored)
}

fn read_verdict(mut row: Row) -> Result<VerdictRecord> {
    Ok(VerdictRecord {
        id: row.text()?,
        at: row.time()?,
        gate: row.text()?,
        passed: row.int()? != 0,
        evidence_sha: row.text()?,
        figures: row.json()?,
        by: row.text()?,
    })
}
