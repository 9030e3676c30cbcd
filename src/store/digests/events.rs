//! Digests of what happened to tickets: one for all events of a ticket.
//!
//! A ticket has many events, which come in batches: one digest each would be most of the log. The order in which events were told
//! never matters.

use std::collections::BTreeMap;

use firstline_fault::Result;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{Claims, Compared, EVENTS, Kind, PAGE, add, short, some};
use crate::db::{Tx, Value, hex, list};

/// The columns of an event, its ticket first and its PSA key second.
pub(crate) const EVENT: &str =
    "e.ticket_id, e.psa_key, e.at, e.kind, e.changed, e.was, e.became, e.actor, e.actor_kind, e.visible,
    e.automatic, e.text_key, e.seconds, e.wide";

/// The events of a ticket.
struct Told {
    /// The ticket's first decision, which goes with it.
    of: String,
    digest: String,
}

/// How an entry says what the events of these tickets are, in the order of the tickets' rows.
pub(crate) fn rows_of_events(tx: &mut dyn Tx, tickets: &[&str]) -> Result<Vec<Json>> {
    let told = told(tx, tickets)?;
    Ok(told.into_iter().map(|(ticket, told)| json!([EVENTS, ticket, told.digest, told.of])).collect())
}

fn told(tx: &mut dyn Tx, tickets: &[&str]) -> Result<BTreeMap<String, Told>> {
    let these = [list(tickets.iter().copied())?];
    let sql = format!("SELECT {EVENT} FROM rows($1) r CROSS JOIN events e WHERE e.ticket_id = r.value ->> 0");
    let mut events: BTreeMap<String, Vec<Vec<Value>>> = BTreeMap::new();
    for row in tx.query(&sql, &these)? {
        let values = row.values();
        if let Some(Value::Text(ticket)) = values.first() {
            events.entry(ticket.clone()).or_default().push(values);
        }
    }
    // The confidences of a decision are in no log: nobody guesses what a digest stands for.
    let sql = "SELECT h.ticket, d.id, d.decision FROM (
            SELECT r.value ->> 0 AS ticket, (SELECT MIN(x.seq) FROM decisions x WHERE x.ticket_id = r.value ->> 0) AS head
            FROM rows($1) r
        ) h JOIN decisions d ON d.seq = h.head";
    let mut told = BTreeMap::new();
    for mut row in tx.query(sql, &these)? {
        let (ticket, of, decision) = (row.text()?, row.text()?, row.text()?);
        if let Some(events) = events.remove(&ticket) {
            told.insert(ticket, Told { of, digest: digest(events, decision) });
        }
    }
    Ok(told)
}

fn digest(mut events: Vec<Vec<Value>>, decision: String) -> String {
    let key = |event: &Vec<Value>| match event.get(1) {
        Some(Value::Text(key)) => key.clone(),
        _ => String::new(),
    };
    // By bytes: engines sort texts each in its own way.
    events.sort_by_cached_key(key);
    let mut hasher = Sha256::new();
    add(&mut hasher, &EVENTS.into());
    add(&mut hasher, &Value::Text(decision));
    events.iter().flatten().for_each(|value| add(&mut hasher, value));
    hex(&hasher.finalize())
}

impl Claims {
    /// Compares the events of all tickets with what the log says of them.
    pub(super) fn compare_events(&mut self, tx: &mut dyn Tx, found: &mut Compared) -> Result<()> {
        let sql = format!(
            "SELECT DISTINCT ticket_id FROM events WHERE ticket_id > $1 ORDER BY ticket_id LIMIT {PAGE}"
        );
        let (mut last, mut changed, mut untold) = (String::new(), Vec::new(), Vec::new());
        loop {
            let rows = tx.query(&sql, &[last.as_str().into()])?;
            let tickets = rows.into_iter().map(|mut row| row.text()).collect::<Result<Vec<_>>>()?;
            let Some(end) = tickets.last() else { break };
            last.clone_from(end);
            let tickets: Vec<&str> = tickets.iter().map(String::as_str).collect();
            for (ticket, told) in told(tx, &tickets)? {
                match self.claims.remove(&short(Kind::Events, &ticket)).and_then(|claim| claim.digest) {
                    Some(said) if *said == *told.digest => found.compared += 1,
                    Some(_) => changed.push(ticket),
                    None => untold.push(ticket),
                }
            }
            if tickets.len() < PAGE {
                break;
            }
        }
        for (tickets, how) in [(changed, "not as the log says"), (untold, "that the log does not tell of")] {
            if !tickets.is_empty() {
                found.findings.push(format!("{EVENTS}: {} {how}: {}", tickets.len(), some(&tickets)));
            }
        }
        Ok(())
    }
}
