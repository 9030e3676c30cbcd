//! Tickets and what was decided about them.
//!
//! A decision, the work for its draft and its entry in the audit log are on record together or not at all. A call
//! takes as many statements for 256 tickets as for one, as long as no ticket comes twice in it.

use std::collections::{BTreeMap, HashMap, HashSet};

use firstline_fault::Result;
use firstline_ticket::{Decision, DraftState, Field};
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, jobs, name};
use crate::audit::{Log, Note, hash_of};
use crate::db::{Db, Row, Tx, Value, clean, execute_rows, json, list};
use crate::digests::{self, Kind};
use crate::{Decided, DecisionRecord, Decisions, Recorded, Standing, StormHead};

/// The columns that [`read`] reads.
pub(super) const COLUMNS: &str = "d.id, d.ticket_id, t.customer, d.at, d.received_at, d.input_hash, d.bundle, d.drafting,
    d.decision, d.route, d.collapsed_into, d.draft_state, d.draft, d.drafted_at, d.drafted_bundle, d.drafted_by, d.version,
    o.labels";

/// Where they come from, decisions first.
pub(super) const SOURCES: &str =
    "JOIN tickets t ON t.id = d.ticket_id LEFT JOIN outcomes o ON o.ticket_id = d.ticket_id";

const STANDING: &str =
    "SELECT t.id, t.version, d.id, d.input_hash, d.bundle, d.drafting, d.decision, d.route, d.at, d.collapsed_into, d.draft_state,
    d.version, CAST(CASE WHEN o.reply IS NOT NULL OR o.first_response_at IS NOT NULL OR EXISTS (SELECT 1 FROM decisions x
        WHERE x.ticket_id = t.id AND x.draft_state IN ('approved', 'edited')) THEN 1 ELSE 0 END AS BIGINT),
    o.labels, t.customer FROM tickets t JOIN decisions d ON d.id = t.decision_id LEFT JOIN outcomes o ON o.ticket_id = t.id
    WHERE t.id IN (SELECT value ->> 0 FROM rows($1))";

/// Of each storm its head alone is looked up, so that a storm of thousands costs no more than one of two.
const STORM_HEADS: &str = "SELECT h.storm, d.id, d.ticket_id, d.decision, d.at FROM (
        SELECT r.value ->> 0 AS storm, (SELECT x.seq FROM decisions x WHERE x.storm = r.value ->> 0
            AND x.collapsed_into IS NULL AND x.at >= $2 ORDER BY x.at, x.seq LIMIT 1) AS head FROM rows($1) r
    ) h JOIN decisions d ON d.seq = h.head";

impl<D: Db> Decisions for Shelf<D> {
    fn standing(&self, tickets: &[&str]) -> Result<HashMap<String, Standing>> {
        let known: HashMap<String, Standing> = self.read(|tx| {
            let rows = tx.query(STANDING, &[list(tickets.iter().copied())?])?;
            rows.into_iter().map(|mut row| Ok((row.text()?, standing(&mut row)?))).collect()
        })?;
        Ok(by_name(tickets, &known))
    }

    fn record(&self, decided: &[Decided], now: Timestamp) -> Result<Vec<Recorded>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let (recorded, kept) = sort_out(tx, decided)?;
            for these in runs(&kept) {
                let tickets: Vec<&str> = these.iter().map(|kept| kept.one.ticket.id.as_str()).collect();
                supersede(tx, &tickets)?;
                insert(tx, these, now)?;
            }
            let done = kept.iter().filter_map(|kept| Some((kept.item.as_ref()?, kept.one.id.as_str())));
            jobs::decided(tx, done, now)?;
            log.add_all(tx, kept.iter().map(|kept| note(kept.one, now)).collect::<Result<Vec<_>>>()?)?;
            Ok(recorded)
        })
    }

    fn storm_heads(&self, storms: &[&str], since: Timestamp) -> Result<HashMap<String, StormHead>> {
        let known: HashMap<String, StormHead> = self.read(|tx| {
            let rows = tx.query(STORM_HEADS, &[list(storms.iter().copied())?, since.into()])?;
            rows.into_iter()
                .map(|mut row| {
                    let storm = row.text()?;
                    let head = StormHead {
                        decision_id: row.text()?,
                        ticket_id: row.text()?,
                        decision: row.json()?,
                        at: row.time()?,
                    };
                    Ok((storm, head))
                })
                .collect()
        })?;
        Ok(by_name(storms, &known))
    }

    fn decision(&self, id: &str) -> Result<Option<DecisionRecord>> {
        self.read(|tx| decision(tx, id))
    }

    fn decision_of(&self, ticket: &str) -> Result<Option<DecisionRecord>> {
        self.read(|tx| decision_of(tx, ticket))
    }

    fn want_draft(&self, decision: &str, actor: &str) -> Result<bool> {
        self.write(|tx| {
            let sql =
                "UPDATE decisions SET draft_asked = 1, draft_due = 1, draft_state = 'writing', version = version + 1
                WHERE id = $1 AND draft_asked = 0 AND draft_state = 'none' AND collapsed_into IS NULL
                AND EXISTS (SELECT 1 FROM tickets t WHERE t.decision_id = decisions.id AND t.ticket IS NOT NULL)
                RETURNING received_at";
            let Some(mut row) = tx.first(sql, &[decision.into()])? else { return Ok(false) };
            jobs::want_drafts(tx, &[vec![actor.into(), row.time()?.into(), decision.into()]])?;
            Ok(true)
        })
    }
}

/// What was found under the names as they are kept, under those that were asked for.
fn by_name<T: Clone>(names: &[&str], known: &HashMap<String, T>) -> HashMap<String, T> {
    let found = |name: &&str| Some(((*name).to_owned(), known.get(&clean(name))?.clone()));
    names.iter().filter_map(found).collect()
}

fn standing(row: &mut Row) -> Result<Standing> {
    Ok(Standing {
        version: row.int()?,
        decision_id: row.text()?,
        input_hash: row.text()?,
        bundle: row.text()?,
        drafting: row.maybe_text()?,
        decision: row.json()?,
        route: row.name()?,
        at: row.time()?,
        collapsed_into: row.maybe_text()?,
        draft_state: row.name()?,
        draft_version: row.int()?,
        answered: row.int()? != 0,
        locked: row.maybe_json()?.unwrap_or_default(),
        customer: row.text()?,
    })
}

/// A row of [`COLUMNS`].
pub(super) fn read(row: &mut Row) -> Result<DecisionRecord> {
    Ok(DecisionRecord {
        id: row.text()?,
        ticket_id: row.text()?,
        customer: row.text()?,
        at: row.time()?,
        received_at: row.time()?,
        input_hash: row.text()?,
        bundle: row.text()?,
        drafting: row.maybe_text()?,
        decision: row.json()?,
        route: row.name()?,
        collapsed_into: row.maybe_text()?,
        draft_state: row.name()?,
        draft: row.maybe_json()?,
        drafted_at: row.maybe_time()?,
        drafted_bundle: row.maybe_text()?,
        drafted_by: row.maybe_text()?,
        version: row.int()?,
        outcome: row.maybe_json()?.unwrap_or_default(),
    })
}

pub(super) fn decision(tx: &mut dyn Tx, id: &str) -> Result<Option<DecisionRecord>> {
    let row =
        tx.first(&format!("SELECT {COLUMNS} FROM decisions d {SOURCES} WHERE d.id = $1"), &[id.into()])?;
    row.map(|mut row| read(&mut row)).transpose()
}

pub(super) fn decision_of(tx: &mut dyn Tx, ticket: &str) -> Result<Option<DecisionRecord>> {
    let sql = format!("SELECT {COLUMNS} FROM decisions d {SOURCES} WHERE t.id = $1 AND d.id = t.decision_id");
    let row = tx.first(&sql, &[ticket.into()])?;
    row.map(|mut row| read(&mut row)).transpose()
}

/// The labels that a decision sets.
pub(super) fn labels(decision: &Decision) -> BTreeMap<Field, String> {
    decision.fields.iter().map(|(field, decided)| (*field, decided.label.clone())).collect()
}

/// One that goes on record.
struct Kept<'a> {
    one: &'a Decided,
    /// The ticket's version from now on.
    version: i64,
    /// The item of a job that it does.
    item: Option<jobs::Held>,
}

/// What becomes of each, one after another: those that go on record change what those after them find.
fn sort_out<'a>(tx: &mut dyn Tx, decided: &'a [Decided]) -> Result<(Vec<Recorded>, Vec<Kept<'a>>)> {
    let mut held = jobs::held_items(tx, decided.iter().filter_map(|one| Some(one.work.as_ref()?.0)))?;
    let sql = "SELECT id, version FROM tickets WHERE id IN (SELECT value ->> 0 FROM rows($1))";
    let rows = tx.query(sql, &[list(decided.iter().map(|one| &one.ticket.id))?])?;
    let mut versions =
        rows.into_iter().map(|mut row| Ok((row.text()?, row.int()?))).collect::<Result<HashMap<_, _>>>()?;
    let (mut recorded, mut kept) = (Vec::with_capacity(decided.len()), Vec::new());
    for one in decided {
        if one
            .work
            .as_ref()
            .is_some_and(|(work, owner)| held.get(work).is_none_or(|item| item.owner != clean(owner)))
        {
            recorded.push(Recorded::Lost);
            continue;
        }
        let version = versions.entry(clean(&one.ticket.id)).or_default();
        if *version != one.expected {
            recorded.push(Recorded::Stale);
            continue;
        }
        *version += 1;
        // Done is done: no other does it again.
        let item = one.work.as_ref().and_then(|(work, _)| held.remove(work));
        kept.push(Kept { one, version: *version, item });
        recorded.push(Recorded::Stored);
    }
    Ok((recorded, kept))
}

/// Cuts them, in order, where a ticket comes again: one statement can't write it twice.
fn runs<'k, 'a>(mut kept: &'k [Kept<'a>]) -> Vec<&'k [Kept<'a>]> {
    let mut runs = Vec::new();
    while !kept.is_empty() {
        let mut tickets = HashSet::new();
        let fits = kept.iter().take_while(|kept| tickets.insert(clean(&kept.one.ticket.id))).count();
        let (these, rest) = kept.split_at(fits);
        runs.push(these);
        kept = rest;
    }
    runs
}

fn insert(tx: &mut dyn Tx, kept: &[Kept<'_>], now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO tickets (id, customer, ticket, received_at, version, decision_id)
        SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT), value ->> 5
        FROM rows($1) WHERE 1 = 1
        ON CONFLICT (id) DO UPDATE SET customer = excluded.customer, ticket = excluded.ticket,
        received_at = excluded.received_at, version = excluded.version, decision_id = excluded.decision_id";
    let tickets = kept.iter().map(ticket_row).collect::<Result<Vec<_>>>()?;
    execute_rows(tx, sql, &tickets, &[])?;
    let sql = "INSERT INTO decisions (id, ticket_id, received_at, opened_at, input_hash, bundle, drafting, decision, route,
        storm, collapsed_into, draft_state, draft_asked, draft_due, at, version)
        SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), value ->> 4, value ->> 5,
        value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, CAST(value ->> 12 AS BIGINT),
        CAST(value ->> 12 AS BIGINT), CAST($2 AS BIGINT), 1 FROM rows($1)";
    let decisions = kept.iter().map(|kept| decision_row(kept.one)).collect::<Result<Vec<_>>>()?;
    execute_rows(tx, sql, &decisions, &[now.into()])?;
    let drafts = kept.iter().map(|kept| kept.one).filter(|one| one.draft);
    let drafts: Vec<Vec<Value>> =
        drafts.map(|one| vec![(&one.actor).into(), one.received_at.into(), (&one.id).into()]).collect();
    jobs::want_drafts(tx, &drafts)
}

fn ticket_row(Kept { one, version, .. }: &Kept<'_>) -> Result<Vec<Value>> {
    Ok(vec![
        (&one.ticket.id).into(),
        (&one.customer).into(),
        Value::Text(json(&one.ticket)?),
        one.received_at.into(),
        (*version).into(),
        (&one.id).into(),
    ])
}

fn decision_row(one: &Decided) -> Result<Vec<Value>> {
    Ok(vec![
        (&one.id).into(),
        (&one.ticket.id).into(),
        one.received_at.into(),
        one.ticket.opened_at.into(),
        (&one.input_hash).into(),
        (&one.bundle).into(),
        one.drafting.as_ref().into(),
        Value::Text(json(&one.decision)?),
        name(one.route)?,
        one.storm.as_ref().into(),
        one.collapsed_into.as_ref().into(),
        name(if one.draft { DraftState::Writing } else { DraftState::None })?,
        i64::from(one.draft).into(),
    ])
}

fn note(one: &Decided, now: Timestamp) -> Result<Note<'_>> {
    let (decision, ticket) = (json(&one.decision)?, clean(&one.ticket.id));
    let detail = json!({
        "ticket": one.ticket.id,
        "input_hash": one.input_hash,
        "bundle": one.bundle,
        "drafting": one.drafting,
        "decision": hash_of(&decision),
        "labels": labels(&one.decision),
        "route": one.route,
        "rows": rows(one, &ticket, Value::Text(decision), now)?,
    });
    Ok(Note { actor: &one.actor, action: "decide", subject: &one.id, detail })
}

/// What the rows of a decision and its ticket say: the columns of [`Kind::Decision`] and [`Kind::Ticket`], as they are written.
fn rows(one: &Decided, ticket: &str, decision: Value, now: Timestamp) -> Result<[serde_json::Value; 2]> {
    let (id, received) = (Value::from(&one.id), Value::from(one.received_at));
    let of_ticket = [ticket.into(), (&one.customer).into(), received.clone(), id.clone(), decision.clone()];
    let of_decision = [
        id,
        ticket.into(),
        now.into(),
        received,
        one.ticket.opened_at.into(),
        (&one.input_hash).into(),
        (&one.bundle).into(),
        one.drafting.as_ref().into(),
        decision,
        name(one.route)?,
        one.storm.as_ref().into(),
        one.collapsed_into.as_ref().into(),
    ];
    let key = clean(&one.id);
    Ok([digests::row(Kind::Decision, &key, &of_decision), digests::row(Kind::Ticket, ticket, &of_ticket)])
}

/// Makes drafts for these tickets void that nobody has reviewed, written or still to be.
pub(super) fn supersede(tx: &mut dyn Tx, tickets: &[&str]) -> Result<()> {
    let tickets = [list(tickets.iter().copied())?];
    // CROSS: SQLite keeps to that order. A ticket has few decisions; those that wait may be many.
    let sql = "UPDATE decisions SET draft_state = 'superseded', version = version + 1
        WHERE draft_state IN ('writing', 'pending') AND seq IN (SELECT d.seq FROM rows($1) r CROSS JOIN decisions d
            WHERE d.ticket_id = r.value ->> 0 AND d.draft_state IN ('writing', 'pending'))";
    if tx.execute(sql, &tickets)? > 0 {
        let sql = "DELETE FROM work WHERE kind = 'draft' AND decision_id IN (
            SELECT id FROM decisions WHERE ticket_id IN (SELECT value ->> 0 FROM rows($1)))";
        tx.execute(sql, &tickets)?;
    }
    Ok(())
}
