//! What was done that customers could see, action by action: what triggers count, and what people look through after a hold.
//!
//! Labels that were set are none of it. Must count as [`days`](super::days) does.

use std::collections::HashMap;

use firstline_fault::Result;
use jiff::Timestamp;

use super::events;
use crate::db::{Row, Tx, Value, list};
use crate::{ActedTicket, SeenAction};

const ACTIONS: &str = "SELECT a.id, a.kind, a.decision_id, a.done_at, COALESCE(a.origin, 'person'), t.customer, d.board, d.type, a.ticket_id
    FROM actions a JOIN tickets t ON t.id = a.ticket_id JOIN decisions d ON d.id = a.decision_id
    WHERE a.kind <> 'set_fields' AND a.state = 'done'";

/// What was done from a moment to before another.
pub(super) fn between(tx: &mut dyn Tx, from: Timestamp, to: Timestamp) -> Result<Vec<SeenAction>> {
    let sql = format!("{ACTIONS} AND a.done_at >= $1 AND a.done_at < $2 ORDER BY a.done_at, a.id");
    let rows = tx.query(&sql, &[from.into(), to.into()])?;
    rows.into_iter().map(|row| Ok(read(row)?.0)).collect()
}

/// The tickets of the actions that are so, `$1` being the value.
pub(super) fn tickets(tx: &mut dyn Tx, which: &str, value: Value) -> Result<Vec<ActedTicket>> {
    let sql = format!("{ACTIONS} AND {which} ORDER BY a.ticket_id, a.done_at, a.id");
    let rows = tx.query(&sql, &[value])?;
    let mut tickets: Vec<(String, ActedTicket)> = Vec::new();
    for row in rows {
        let (action, id) = read(row)?;
        if tickets.last().is_none_or(|(last, _)| *last != id) {
            tickets.push((id, ActedTicket::default()));
        }
        tickets.last_mut().into_iter().for_each(|(_, ticket)| ticket.actions.push(action.clone()));
    }
    let ids: Vec<String> = tickets.iter().map(|(id, _)| id.clone()).collect();
    let mut events = events::of_tickets(tx, &ids)?;
    let sql =
        "SELECT o.ticket_id, o.reopened, o.at FROM rows($1) r JOIN outcomes o ON o.ticket_id = r.value ->> 0
        WHERE o.source <> 'review'";
    let mut outcomes = HashMap::new();
    for mut row in tx.query(sql, &[list(&ids)?])? {
        outcomes.insert(row.text()?, (row.maybe_int()?, row.time()?));
    }
    let sql = "SELECT n.ticket_id, n.at FROM rows($1) r JOIN answers n ON n.ticket_id = r.value ->> 0
        WHERE n.said IN ('confirmed', 'thanks')";
    let mut content: HashMap<String, Vec<Timestamp>> = HashMap::new();
    for mut row in tx.query(sql, &[list(&ids)?])? {
        content.entry(row.text()?).or_default().push(row.time()?);
    }
    Ok(tickets
        .into_iter()
        .map(|(id, ticket)| {
            let outcome = outcomes.get(&id);
            ActedTicket {
                content: content.remove(&id).unwrap_or_default(),
                reopened: outcome.and_then(|(reopened, _)| *reopened).map(|yes| yes != 0),
                reported_at: outcome.map(|(_, at)| *at),
                events: events.remove(&id).unwrap_or_default(),
                ..ticket
            }
        })
        .collect())
}

/// An action, and the row of its ticket.
fn read(mut row: Row) -> Result<(SeenAction, String)> {
    let action = SeenAction {
        id: row.int()?,
        kind: row.name()?,
        decision: row.text()?,
        at: row.time()?,
        alone: row.text()? == "auto",
        customer: row.text()?,
        board: row.maybe_text()?,
        ticket_type: row.maybe_text()?,
    };
    Ok((action, row.text()?))
}
