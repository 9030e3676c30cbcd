//! What happened to tickets.
//!
//! Never a word of a ticket. An event belongs to a ticket's row, and so to one customer for ever.

use std::collections::{BTreeSet, HashMap};

use firstline_fault::Result;
use firstline_ticket::{Event, Happening};
use jiff::Timestamp;
use serde_json::json;

use super::meant::{Meant, meant};
use super::name;
use crate::audit::{Log, Note, hash_of_json};
use crate::db::{Row, Tx, Value, clean, execute_rows, json, list};
use crate::digests::{EVENT, rows_of_events};
use crate::{CustomerSet, EventResult, NewEvent};

/// An event's row and PSA key.
type Key = (String, String);

/// Puts events on record, one after another: of one that comes twice the later stands.
pub(super) fn record(
    tx: &mut dyn Tx,
    events: &[NewEvent],
    customers: &CustomerSet,
    actor: &str,
    now: Timestamp,
) -> Result<Vec<EventResult>> {
    let mut log = Log::open(tx, now)?;
    let wide = *customers == CustomerSet::All;
    let asked: Vec<(&str, Option<&str>)> =
        events.iter().map(|one| (one.ticket_id.as_str(), one.customer.as_deref())).collect();
    let rows = meant(tx, &asked, customers)?;
    let keys = events.iter().zip(&rows).filter_map(|(one, row)| match row {
        Meant::One(row) => Some((row.clone(), clean(&one.event.psa_key))),
        _ => None,
    });
    let mut known = known(tx, keys)?;
    let (mut results, mut put) = (Vec::with_capacity(events.len()), HashMap::<Key, Vec<Value>>::new());
    for (one, row) in events.iter().zip(rows) {
        let row = match row {
            Meant::One(row) => row,
            Meant::Several => {
                results.push(EventResult::Ambiguous);
                continue;
            }
            Meant::Nothing => {
                results.push(EventResult::Unknown);
                continue;
            }
        };
        let key = (row, clean(&one.event.psa_key));
        let told = columns(&key.0, &one.event, wide)?;
        let result = beside(known.get(&key), &told);
        if matches!(result, EventResult::Stored | EventResult::Changed) {
            known.insert(key.clone(), told.clone());
            put.insert(key, told);
        }
        results.push(result);
    }
    if !put.is_empty() {
        write(tx, &put)?;
        let detail = told(tx, &results, &put)?;
        log.add(tx, Note { actor, action: "events", subject: "events", detail })?;
    }
    Ok(results)
}

/// What becomes of an event beside the one that is on record under its key.
fn beside(known: Option<&Vec<Value>>, told: &[Value]) -> EventResult {
    let Some(known) = known else { return EventResult::Stored };
    let last = known.len().saturating_sub(1);
    match (known[..last] == told[..last], &known[last], &told[last]) {
        // Told again by a key for all customers, it stands above those held to some.
        (true, Value::Int(0), Value::Int(1)) => EventResult::Changed,
        (true, ..) => EventResult::Known,
        (false, Value::Int(1), Value::Int(0)) => EventResult::Kept,
        (false, ..) => EventResult::Changed,
    }
}

/// What the audit log says of a batch: how many, the hash of what was told, and what the tickets' events are by now.
fn told(
    tx: &mut dyn Tx,
    results: &[EventResult],
    put: &HashMap<Key, Vec<Value>>,
) -> Result<serde_json::Value> {
    let count = |of| results.iter().filter(|result| **result == of).count();
    let mut told: Vec<(&Key, &Vec<Value>)> = put.iter().collect();
    told.sort_by_key(|(key, _)| *key);
    let tickets: BTreeSet<&str> = put.keys().map(|(row, _)| row.as_str()).collect();
    let rows = rows_of_events(tx, &tickets.into_iter().collect::<Vec<_>>())?;
    Ok(json!({
        "stored": count(EventResult::Stored),
        "changed": count(EventResult::Changed),
        "hash": hash_of_json(&rows)?,
        "rows": rows,
    }))
}

/// The columns of [`EVENT`].
fn columns(row: &str, event: &Event, wide: bool) -> Result<Vec<Value>> {
    let mut columns = vec![Value::Null; 14];
    columns[0] = row.into();
    columns[1] = (&event.psa_key).into();
    columns[2] = event.at.into();
    columns[7] = event.actor.as_ref().into();
    columns[8] = name(event.actor_kind)?;
    columns[13] = i64::from(wide).into();
    let kind = match &event.what {
        Happening::Message { visible, automatic, text_key } => {
            columns[9] = i64::from(*visible).into();
            columns[10] = i64::from(*automatic).into();
            columns[11] = text_key.map(u64::cast_signed).into();
            "message"
        }
        Happening::TimeEntry { seconds, visible } => {
            columns[9] = i64::from(*visible).into();
            // To the millisecond: what comes back is what was told.
            columns[12] = if seconds.is_finite() { (seconds * 1e3).round() / 1e3 } else { 0.0 }.into();
            "time_entry"
        }
        Happening::Change { of, from, to } => {
            columns[4] = name(*of)?;
            columns[5] = from.as_ref().into();
            columns[6] = to.as_ref().into();
            "change"
        }
        Happening::Merge { into } => {
            columns[6] = into.into();
            "merge"
        }
    };
    columns[3] = kind.into();
    Ok(columns)
}

/// A row of [`EVENT`], with the row of its ticket.
fn read(mut row: Row) -> Result<(String, Event)> {
    let (ticket, psa_key, at, kind) = (row.text()?, row.text()?, row.time()?, row.text()?);
    let (changed, from, to) = (row.maybe_name()?, row.maybe_text()?, row.maybe_text()?);
    let (actor, actor_kind) = (row.maybe_text()?, row.name()?);
    let (visible, automatic) = (row.maybe_int()? == Some(1), row.maybe_int()? == Some(1));
    let (text_key, seconds) = (row.maybe_int()?.map(i64::cast_unsigned), row.maybe_real()?);
    let what = match (kind.as_str(), changed) {
        ("message", _) => Happening::Message { visible, automatic, text_key },
        ("time_entry", _) => Happening::TimeEntry { seconds: seconds.unwrap_or_default(), visible },
        ("change", Some(of)) => Happening::Change { of, from, to },
        ("merge", _) => Happening::Merge { into: to.unwrap_or_default() },
        _ => return Err(firstline_fault::InternalError::new("reading an event of an unknown kind").into()),
    };
    Ok((ticket, Event { psa_key, at, actor, actor_kind, what }))
}

/// The events on record under these keys, as columns.
fn known(tx: &mut dyn Tx, keys: impl Iterator<Item = Key>) -> Result<HashMap<Key, Vec<Value>>> {
    let keys: Vec<[String; 2]> = keys.map(|(row, key)| [row, key]).collect();
    let sql = format!(
        "SELECT {EVENT} FROM rows($1) r CROSS JOIN events e
        WHERE e.ticket_id = r.value ->> 0 AND e.psa_key = r.value ->> 1"
    );
    let mut known = HashMap::new();
    for row in tx.query(&sql, &[Value::Text(json(&keys)?)])? {
        let columns = row.values();
        if let [Value::Text(row), Value::Text(key), ..] = &columns[..] {
            known.insert((row.clone(), key.clone()), columns);
        }
    }
    Ok(known)
}

fn write(tx: &mut dyn Tx, put: &HashMap<Key, Vec<Value>>) -> Result<()> {
    let sql = "INSERT INTO events (ticket_id, psa_key, at, kind, changed, was, became, actor, actor_kind, visible, automatic,
        text_key, seconds, wide)
        SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4, value ->> 5, value ->> 6,
        value ->> 7, value ->> 8, CAST(value ->> 9 AS BIGINT), CAST(value ->> 10 AS BIGINT), CAST(value ->> 11 AS BIGINT),
        CAST(value ->> 12 AS DOUBLE PRECISION), CAST(value ->> 13 AS BIGINT) FROM rows($1) WHERE 1 = 1
        ON CONFLICT (ticket_id, psa_key) DO UPDATE SET at = excluded.at, kind = excluded.kind, changed = excluded.changed,
        was = excluded.was, became = excluded.became, actor = excluded.actor, actor_kind = excluded.actor_kind,
        visible = excluded.visible, automatic = excluded.automatic, text_key = excluded.text_key,
        seconds = excluded.seconds, wide = excluded.wide";
    let rows: Vec<Vec<Value>> = put.values().cloned().collect();
    execute_rows(tx, sql, &rows, &[]).map(drop)
}

/// The events of these rows of tickets, each ticket's in order of time.
pub(super) fn of_tickets(tx: &mut dyn Tx, rows: &[String]) -> Result<HashMap<String, Vec<Event>>> {
    let sql = format!(
        "SELECT {EVENT} FROM rows($1) r CROSS JOIN events e WHERE e.ticket_id = r.value ->> 0 ORDER BY e.at, e.psa_key"
    );
    let mut events: HashMap<String, Vec<Event>> = HashMap::new();
    for row in tx.query(&sql, &[list(rows)?])? {
        let (ticket, event) = read(row)?;
        events.entry(ticket).or_default().push(event);
    }
    Ok(events)
}
