//! Tickets and what was decided about them.
//!
//! A decision, the work for its draft and its entry in the audit log are on record together or not at all. A call
//! takes as many statements for 256 tickets as for one, as long as no ticket comes twice in it and none moves.
//!
//! A row of `tickets` is a ticket at one customer, under the number that its senders know. Must never change a row's customer: what
//! hangs on it would come along.

use std::collections::{BTreeMap, HashMap, HashSet};

use firstline_fault::Result;
use firstline_ticket::{Decision, DraftState, Field, Kept as KeptBy};
use jiff::Timestamp;
use serde_json::json;

use super::{Shelf, acting, days, jobs, name, of_customers, outbox};
use crate::audit::{Log, Note, hash_of};
use crate::db::{Db, Row, Tx, Value, clean, execute_rows, json, list};
use crate::digests::{self, Kind};
use crate::{CustomerSet, Decided, DecisionRecord, Decisions, Recorded, Standing, StormHead, TicketRef};

/// The columns that [`read`] reads.
pub(super) const COLUMNS: &str = "d.id, t.number, d.ticket_id, t.customer, t.moved_at, d.at, d.received_at, d.input_hash, d.bundle, d.drafting,
    d.decision, d.route, d.collapsed_into, d.phase, d.blind, d.draft_state, d.draft, d.drafted_at, d.drafted_bundle, d.drafted_by,
    d.version, o.labels, d.acting,
    CAST(CASE WHEN o.resolved_at IS NOT NULL OR o.deleted = 1 OR o.merged_into IS NOT NULL THEN 1 ELSE 0 END AS BIGINT)";

/// That the decision `d` is not [hidden](DecisionRecord::is_hidden), `o` being its ticket's outcome.
pub(super) const SHOWN: &str = "(COALESCE(d.blind, 0) = 0 OR o.resolved_at IS NOT NULL OR COALESCE(o.deleted, 0) = 1 OR o.merged_into IS NOT NULL)";

/// Where they come from, decisions first.
pub(super) const SOURCES: &str =
    "JOIN tickets t ON t.id = d.ticket_id LEFT JOIN outcomes o ON o.ticket_id = d.ticket_id";

const STANDING: &str =
    "SELECT t.number, t.customer, t.version, d.id, d.input_hash, d.bundle, d.drafting, d.decision, d.route, d.at, d.collapsed_into, d.draft_state,
    d.version, CAST(CASE WHEN o.reply IS NOT NULL OR o.first_response_at IS NOT NULL OR EXISTS (SELECT 1 FROM decisions x
        WHERE x.ticket_id = t.id AND x.draft_state IN ('approved', 'edited'))
        OR EXISTS (SELECT 1 FROM actions y WHERE y.ticket_id = t.id AND y.kind = 'reply' AND y.state IN ('claimed', 'done'))
        THEN 1 ELSE 0 END AS BIGINT),
    CAST(CASE WHEN o.resolved_at IS NOT NULL OR o.deleted = 1 OR o.merged_into IS NOT NULL THEN 1 ELSE 0 END AS BIGINT),
    o.labels, d.phase, d.blind FROM rows($1) r CROSS JOIN tickets t JOIN decisions d ON d.id = t.decision_id
    LEFT JOIN outcomes o ON o.ticket_id = t.id
    WHERE t.number = r.value ->> 0 AND t.customer = r.value ->> 1 AND t.moved_at IS NULL";

/// Of each storm its head alone is looked up, so that a storm of thousands costs no more than one of two.
const STORM_HEADS: &str = "SELECT h.storm, d.id, t.number, d.decision, d.at FROM (
        SELECT r.value ->> 0 AS storm, (SELECT x.seq FROM decisions x WHERE x.storm = r.value ->> 0
            AND x.collapsed_into IS NULL AND x.at >= $2
            AND NOT EXISTS (SELECT 1 FROM tickets m WHERE m.id = x.ticket_id AND m.moved_at IS NOT NULL) ORDER BY x.at, x.seq LIMIT 1) AS head FROM rows($1) r
    ) h JOIN decisions d ON d.seq = h.head JOIN tickets t ON t.id = d.ticket_id";

impl<D: Db> Decisions for Shelf<D> {
    fn standing(&self, tickets: &[TicketRef<'_>]) -> Result<Vec<Option<Standing>>> {
        let named: Vec<[Value; 2]> =
            tickets.iter().map(|one| [one.number.into(), one.customer.into()]).collect();
        let known: HashMap<(String, String), Standing> = self.read(|tx| {
            let rows = tx.query(STANDING, &[Value::Text(json(&named)?)])?;
            rows.into_iter().map(|mut row| Ok(((row.text()?, row.text()?), standing(&mut row)?))).collect()
        })?;
        let found = |one: &TicketRef<'_>| known.get(&(clean(one.number), clean(one.customer))).cloned();
        Ok(tickets.iter().map(found).collect())
    }

    fn record(&self, decided: &[Decided], now: Timestamp) -> Result<Vec<Recorded>> {
        self.write(|tx| {
            let mut log = Log::open(tx, now)?;
            let (recorded, kept) = sort_out(tx, decided)?;
            let mut void = HashMap::new();
            for these in runs(&kept) {
                let moved: Vec<&str> =
                    these.iter().flat_map(|kept| &kept.moved).map(String::as_str).collect();
                void.extend(close(tx, &moved, now)?);
                let rows: Vec<&str> = these.iter().map(|kept| kept.row.as_str()).collect();
                supersede(tx, &rows)?;
                insert(tx, these, now)?;
            }
            let done = kept.iter().filter_map(|kept| Some((kept.item.as_ref()?, kept.one.id.as_str())));
            jobs::decided(tx, done, now)?;
            let notes =
                kept.iter().flat_map(|kept| moves(kept, &void).map(Ok).chain([note(&log, kept, now)]));
            let notes = notes.collect::<Result<Vec<_>>>()?;
            log.add_all(tx, notes)?;
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

    fn decision_of(
        &self,
        number: &str,
        customer: Option<&str>,
        customers: &CustomerSet,
    ) -> Result<Option<DecisionRecord>> {
        let found = self.read(|tx| decision_of(tx, number, customer, customers))?;
        Ok(if let About::One(record) = found { Some(*record) } else { None })
    }

    fn want_draft(&self, decision: &str, actor: &str) -> Result<bool> {
        self.write(|tx| {
            let sql =
                "UPDATE decisions SET draft_asked = 1, draft_due = 1, draft_state = 'writing', version = version + 1
                WHERE id = $1 AND draft_asked = 0 AND draft_state = 'none' AND collapsed_into IS NULL AND COALESCE(blind, 0) = 0
                AND EXISTS (SELECT 1 FROM tickets t WHERE t.decision_id = decisions.id AND t.ticket IS NOT NULL
                    AND t.moved_at IS NULL)
                AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.decision_id = decisions.id)
                RETURNING received_at";
            let Some(mut row) = tx.first(sql, &[decision.into()])? else { return Ok(false) };
            jobs::want_drafts(tx, &[vec![actor.into(), row.time()?.into(), decision.into()]])?;
            days::stale(tx, [decision])?;
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
        closed: row.int()? != 0,
        locked: row.maybe_json()?.unwrap_or_default(),
        phase: row.maybe_name()?,
        blind: row.maybe_int()?.is_some_and(|blind| blind != 0),
    })
}

/// A row of [`COLUMNS`].
pub(super) fn read(row: &mut Row) -> Result<DecisionRecord> {
    Ok(DecisionRecord {
        id: row.text()?,
        ticket_id: row.text()?,
        row: row.text()?,
        customer: row.text()?,
        moved: row.maybe_time()?.is_some(),
        at: row.time()?,
        received_at: row.time()?,
        input_hash: row.text()?,
        bundle: row.text()?,
        drafting: row.maybe_text()?,
        decision: row.json()?,
        route: row.name()?,
        collapsed_into: row.maybe_text()?,
        phase: row.maybe_name()?,
        blind: row.maybe_int()?.is_some_and(|blind| blind != 0),
        draft_state: row.name()?,
        draft: row.maybe_json()?,
        drafted_at: row.maybe_time()?,
        drafted_bundle: row.maybe_text()?,
        drafted_by: row.maybe_text()?,
        version: row.int()?,
        outcome: row.maybe_json()?.unwrap_or_default(),
        acting: row.maybe_json()?,
        closed: row.int()? != 0,
    })
}

pub(super) fn decision(tx: &mut dyn Tx, id: &str) -> Result<Option<DecisionRecord>> {
    let row =
        tx.first(&format!("SELECT {COLUMNS} FROM decisions d {SOURCES} WHERE d.id = $1"), &[id.into()])?;
    row.map(|mut row| read(&mut row)).transpose()
}

/// The decision that a ticket's number stands for.
pub(super) enum About {
    One(Box<DecisionRecord>),
    /// Several customers have a ticket of that number.
    Several,
    Nothing,
}

/// The newest decision about the ticket of this number at one of `customers`. Of several the one at `customer` is meant; without
/// it the one that a key for all customers has sent: a key held to one makes nobody else's number ambiguous.
pub(super) fn decision_of(
    tx: &mut dyn Tx,
    number: &str,
    customer: Option<&str>,
    customers: &CustomerSet,
) -> Result<About> {
    let mut sql = format!(
        "SELECT t.wide, {COLUMNS} FROM decisions d {SOURCES}
        WHERE t.number = $1 AND t.moved_at IS NULL AND d.id = t.decision_id"
    );
    let mut values = vec![number.into()];
    of_customers(&mut sql, &mut values, "t.customer", customers);
    let rows = tx.query(&sql, &values)?;
    let mut found = rows
        .into_iter()
        .map(|mut row| Ok((row.int()? != 0, read(&mut row)?)))
        .collect::<Result<Vec<(bool, DecisionRecord)>>>()?;
    if found.len() > 1 {
        let named = customer.map(clean);
        let meant = |(wide, record): &(bool, DecisionRecord)| match &named {
            Some(named) => record.customer == *named,
            None => *wide,
        };
        found.retain(meant);
        if found.len() != 1 {
            return Ok(About::Several);
        }
    }
    Ok(found.pop().map_or(About::Nothing, |(_, record)| About::One(record.into())))
}

/// The labels that a decision sets.
pub(super) fn labels(decision: &Decision) -> BTreeMap<Field, String> {
    decision.fields.iter().map(|(field, decided)| (*field, decided.label.clone())).collect()
}

/// One that goes on record.
struct Kept<'a> {
    one: &'a Decided,
    /// The ticket's row: the first decision's id names a new one.
    row: String,
    /// The ticket's version from now on.
    version: i64,
    /// Rows of other customers that the ticket leaves.
    moved: Vec<String>,
    /// The item of a job that it does.
    item: Option<jobs::Held>,
}

/// What becomes of each, one after another: those that go on record change what those after them find.
fn sort_out<'a>(tx: &mut dyn Tx, decided: &'a [Decided]) -> Result<(Vec<Recorded>, Vec<Kept<'a>>)> {
    let mut held = jobs::held_items(tx, decided.iter().filter_map(|one| Some(one.work.as_ref()?.0)))?;
    let mut open = open_rows(tx, decided)?;
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
        let rows = open.entry(clean(&one.ticket.id)).or_default();
        match place(rows, one) {
            Ok((row, version, moved)) => {
                // Done is done: no other does it again.
                let item = one.work.as_ref().and_then(|(work, _)| held.remove(work));
                kept.push(Kept { one, row, version, moved, item });
                recorded.push(Recorded::Stored);
            }
            Err(why) => recorded.push(why),
        }
    }
    Ok((recorded, kept))
}

/// A ticket at a customer that it has not left.
struct Open {
    customer: String,
    row: String,
    version: i64,
    received_at: Timestamp,
    wide: bool,
    /// When a key for all customers sent it last.
    wide_at: Option<Timestamp>,
}

/// The open rows of the numbers that come in, whosever they are.
fn open_rows(tx: &mut dyn Tx, decided: &[Decided]) -> Result<HashMap<String, Vec<Open>>> {
    let sql = "SELECT number, customer, id, version, received_at, wide, wide_at FROM tickets
        WHERE number IN (SELECT value ->> 0 FROM rows($1)) AND moved_at IS NULL";
    let mut open: HashMap<String, Vec<Open>> = HashMap::new();
    for mut row in tx.query(sql, &[list(decided.iter().map(|one| &one.ticket.id))?])? {
        let (number, customer, id) = (row.text()?, row.text()?, row.text()?);
        let (version, received_at, wide) = (row.int()?, row.time()?, row.int()? != 0);
        let wide_at = row.maybe_time()?;
        let found = Open { customer, row: id, version, received_at, wide, wide_at };
        open.entry(number).or_default().push(found);
    }
    Ok(open)
}

/// Where a ticket goes among the open rows of its number: its row, its version there, and the rows that it leaves. A sender
/// moves only tickets of customers that it may see: to it, nobody else's are there.
fn place(rows: &mut Vec<Open>, one: &Decided) -> std::result::Result<(String, i64, Vec<String>), Recorded> {
    let customer = clean(&one.customer);
    let here = rows.iter().find(|open| open.customer == customer);
    let (row, version) = here.map_or((clean(&one.id), 0), |open| (open.row.clone(), open.version));
    // What only a held key has said of a number makes nothing old that one says who may see all.
    let wide = one.sees == CustomerSet::All;
    let is_wide = wide || here.is_some_and(|open| open.wide);
    let wide_at = if wide { Some(one.received_at) } else { here.and_then(|open| open.wide_at) };
    if version != one.expected {
        return Err(Recorded::Stale);
    }
    let left = |open: &Open| open.customer != customer && one.sees.has(&open.customer);
    let outdates = |open: &Open| match wide {
        true => open.wide_at.is_some_and(|at| at > one.received_at),
        false => open.received_at > one.received_at,
    };
    if rows.iter().any(|open| left(open) && outdates(open)) {
        return Err(Recorded::Moved);
    }
    let moved = rows.iter().filter(|open| left(open)).map(|open| open.row.clone()).collect();
    rows.retain(|open| open.customer != customer && !left(open));
    let (version, received_at) = (version + 1, one.received_at);
    rows.push(Open { customer, row: row.clone(), version, received_at, wide: is_wide, wide_at });
    Ok((row, version, moved))
}

/// Of rows that were closed, the newest decision and those whose approved drafts are void, by row.
type Void = HashMap<String, (String, Vec<String>)>;

/// Closes the rows of tickets that have moved to another customer: nothing that waits there is written, reviewed or sent. Gives
/// what was approved there and will not be sent.
fn close(tx: &mut dyn Tx, rows: &[&str], now: Timestamp) -> Result<Void> {
    if rows.is_empty() {
        return Ok(Void::new());
    }
    let these = list(rows.iter().copied())?;
    let of_these = "ticket_id IN (SELECT value ->> 0 FROM rows($1))";
    let sql = "UPDATE tickets SET moved_at = $2, version = version + 1 WHERE id IN (SELECT value ->> 0 FROM rows($1))";
    tx.execute(sql, &[these.clone(), now.into()])?;
    // What was approved and not sent yet is void as well.
    let unsent = "draft_state IN ('approved', 'edited') AND EXISTS (SELECT 1 FROM actions a WHERE a.decision_id = decisions.id
        AND a.kind = 'reply' AND a.state IN ('waiting', 'claimed', 'failed', 'held'))";
    let sql = format!("SELECT ticket_id, id FROM decisions WHERE {of_these} AND {unsent}");
    let newest = "SELECT id, decision_id FROM tickets WHERE id IN (SELECT value ->> 0 FROM rows($1))";
    let newest = tx.query(newest, std::slice::from_ref(&these))?;
    let mut void = newest
        .into_iter()
        .map(|mut row| Ok((row.text()?, (row.text()?, Vec::new()))))
        .collect::<Result<Void>>()?;
    days::stale(tx, void.values().map(|(newest, _)| newest.as_str()))?;
    for mut row in tx.query(&sql, std::slice::from_ref(&these))? {
        void.entry(row.text()?).or_default().1.push(row.text()?);
    }
    let sql = format!(
        "UPDATE decisions SET version = version + 1, draft_state = CASE
            WHEN draft_state IN ('writing', 'pending', 'auto') THEN 'superseded'
            WHEN {unsent} THEN 'superseded' ELSE draft_state END WHERE {of_these}"
    );
    tx.execute(&sql, std::slice::from_ref(&these))?;
    let sql = format!(
        "DELETE FROM work WHERE kind = 'draft' AND decision_id IN (SELECT id FROM decisions WHERE {of_these})"
    );
    tx.execute(&sql, std::slice::from_ref(&these))?;
    outbox::void(tx, &these)?;
    Ok(void)
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
    let sql = "INSERT INTO tickets (id, customer, ticket, received_at, version, decision_id, number, wide, wide_at, source)
        SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT), CAST(value ->> 4 AS BIGINT), value ->> 5,
        value ->> 6, CAST(value ->> 7 AS BIGINT), CAST(value ->> 8 AS BIGINT), value ->> 9 FROM rows($1) WHERE 1 = 1
        ON CONFLICT (id) DO UPDATE SET ticket = excluded.ticket, received_at = excluded.received_at,
        version = excluded.version, decision_id = excluded.decision_id, source = excluded.source,
        wide = CASE WHEN excluded.wide = 1 THEN 1 ELSE tickets.wide END,
        wide_at = COALESCE(excluded.wide_at, tickets.wide_at)";
    let tickets = kept.iter().map(ticket_row).collect::<Result<Vec<_>>>()?;
    execute_rows(tx, sql, &tickets, &[])?;
    let sql = "INSERT INTO decisions (id, ticket_id, received_at, opened_at, input_hash, bundle, drafting, decision, route,
        storm, collapsed_into, draft_state, draft_asked, draft_due, phase, blind, board, type, own, kind, at, version)
        SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), value ->> 4, value ->> 5,
        value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11, CAST(value ->> 12 AS BIGINT),
        CAST(value ->> 12 AS BIGINT), value ->> 13, CAST(value ->> 14 AS BIGINT), value ->> 15, value ->> 16,
        CAST(value ->> 17 AS BIGINT), value ->> 18, CAST($2 AS BIGINT), 1 FROM rows($1)";
    let decisions = kept.iter().map(decision_row).collect::<Result<Vec<_>>>()?;
    execute_rows(tx, sql, &decisions, &[now.into()])?;
    let drafts = kept.iter().map(|kept| kept.one).filter(|one| one.draft);
    let drafts: Vec<Vec<Value>> =
        drafts.map(|one| vec![(&one.actor).into(), one.received_at.into(), (&one.id).into()]).collect();
    jobs::want_drafts(tx, &drafts)
}

fn ticket_row(Kept { one, row, version, .. }: &Kept<'_>) -> Result<Vec<Value>> {
    Ok(vec![
        row.into(),
        (&one.customer).into(),
        Value::Text(json(&one.ticket)?),
        one.received_at.into(),
        (*version).into(),
        (&one.id).into(),
        (&one.ticket.id).into(),
        i64::from(one.sees == CustomerSet::All).into(),
        (one.sees == CustomerSet::All).then_some(one.received_at).into(),
        source(one),
    ])
}

/// How a ticket came in: a short name, never words.
fn source(one: &Decided) -> Value {
    let source = one.ticket.source.as_deref().map(str::trim).filter(|source| !source.is_empty());
    source.map(|source| source.chars().take(64).collect::<String>()).as_ref().into()
}

/// The columns of a decision that later versions added.
fn added(one: &Decided) -> Result<[Value; 6]> {
    let label = |field| one.decision.fields.get(&field).map(|decided| decided.label.trim());
    let own = [Field::Board, Field::Type]
        .iter()
        .all(|field| label(*field).is_some() && one.decision.kept.get(field) != Some(&KeptBy::Person));
    Ok([
        one.phase.map(name).transpose()?.unwrap_or(Value::Null),
        i64::from(one.blind).into(),
        label(Field::Board).into(),
        label(Field::Type).into(),
        i64::from(own).into(),
        name(one.decision.kind)?,
    ])
}

fn decision_row(Kept { one, row, .. }: &Kept<'_>) -> Result<Vec<Value>> {
    let mut columns = vec![
        (&one.id).into(),
        row.into(),
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
    ];
    columns.extend(added(one)?);
    Ok(columns)
}

/// An entry for each customer that a ticket leaves: ids, and nobody's name.
fn moves<'k>(kept: &'k Kept<'_>, void: &'k Void) -> impl Iterator<Item = Note<'k>> {
    let Kept { one, moved, .. } = kept;
    moved.iter().map(move |row| Note {
        actor: &one.actor,
        action: "move",
        subject: &one.id,
        detail: json!({
            "ticket": one.ticket.id,
            "left": row,
            "decided": void.get(row).map(|(decision, _)| decision),
            "void": void.get(row).map(|(_, void)| void),
        }),
    })
}

fn note<'k>(log: &Log, kept: &'k Kept<'_>, now: Timestamp) -> Result<Note<'k>> {
    let one = kept.one;
    let decision = json(&one.decision)?;
    let detail = json!({
        "ticket": one.ticket.id,
        "input_hash": log.salted(&one.input_hash),
        "bundle": one.bundle,
        "drafting": one.drafting,
        "decision": hash_of(&decision),
        "label_hashes": log.salted_labels(&labels(&one.decision)),
        "route": one.route,
        "rows": rows(kept, Value::Text(decision), now)?,
    });
    Ok(Note { actor: &one.actor, action: "decide", subject: &one.id, detail })
}

/// What the rows of a decision and its ticket say: the columns of [`Kind::Decision`] and [`Kind::Ticket`], as they are written.
fn rows(Kept { one, row, .. }: &Kept<'_>, decision: Value, now: Timestamp) -> Result<[serde_json::Value; 2]> {
    let (id, received) = (Value::from(&one.id), Value::from(one.received_at));
    let of_ticket = [
        row.into(),
        (&one.ticket.id).into(),
        (&one.customer).into(),
        received.clone(),
        id.clone(),
        decision.clone(),
        source(one),
    ];
    let mut of_decision = vec![
        id,
        row.into(),
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
    of_decision.extend(added(one)?);
    let key = clean(&one.id);
    Ok([digests::row(Kind::Decision, &key, &of_decision), digests::row(Kind::Ticket, row, &of_ticket)])
}

/// Makes drafts for the tickets of these rows void that nobody has reviewed, written or still to be.
pub(super) fn supersede(tx: &mut dyn Tx, rows: &[&str]) -> Result<()> {
    let tickets = [list(rows.iter().copied())?];
    acting::withdraw(tx, &tickets[0])?;
    // CROSS: SQLite keeps to that order. A ticket has few decisions; those that wait may be many.
    let sql = "UPDATE decisions SET draft_state = 'superseded', version = version + 1
        WHERE draft_state IN ('writing', 'pending', 'auto') AND seq IN (SELECT d.seq FROM rows($1) r CROSS JOIN decisions d
            WHERE d.ticket_id = r.value ->> 0 AND d.draft_state IN ('writing', 'pending', 'auto')
            AND NOT EXISTS (SELECT 1 FROM actions a WHERE a.decision_id = d.id AND a.kind = 'reply' AND a.state IN ('waiting', 'claimed', 'failed', 'held', 'done')))";
    if tx.execute(sql, &tickets)? > 0 {
        let sql = "DELETE FROM work WHERE kind = 'draft' AND decision_id IN (
            SELECT id FROM decisions WHERE ticket_id IN (SELECT value ->> 0 FROM rows($1)))";
        tx.execute(sql, &tickets)?;
    }
    Ok(())
}
