//! Readers that figures are computed with.
//!
//! The decision that is judged is the one that [`Outcomes::judged`](crate::Outcomes::judged) gives. What a figure means is another
//! room's: here are facts, and sums of them.

use firstline_fault::Result;
use jiff::Timestamp;

#[cfg(test)]
use super::days;
use super::outcomes::{self, JOINED, JUDGED};
use super::{Shelf, events, of_customers, seen_actions};
use crate::db::{Db, Row, Tx};
use crate::{ActedTicket, CustomerSet, EventResult, Facts, NewEvent, ReviewTimes, SeenAction, TicketRow};

/// Tickets that are read at a time.
const CHUNK: usize = 1_000;

/// When a ticket was opened, by the PSA's time; as the schema's index has it.
const OPENED: &str = "COALESCE(d.opened_at, d.received_at)";

impl<D: Db> Facts for Shelf<D> {
    fn record_events(
        &self,
        events: &[NewEvent],
        customers: &CustomerSet,
        actor: &str,
        now: Timestamp,
    ) -> Result<Vec<EventResult>> {
        self.write(|tx| events::record(tx, events, customers, actor, now))
    }

    fn facts(
        &self,
        from: Timestamp,
        to: Timestamp,
        customers: &CustomerSet,
        each: &mut dyn FnMut(TicketRow) -> Result<()>,
    ) -> Result<()> {
        let mut last = (from, i64::MIN);
        loop {
            let page = self.read(|tx| page(tx, (last, to), customers))?;
            let ended = page.len() < CHUNK;
            for (place, ticket) in page {
                last = place;
                each(ticket)?;
            }
            if ended {
                return Ok(());
            }
        }
    }

    fn seen_actions(&self, from: Timestamp, to: Timestamp) -> Result<Vec<SeenAction>> {
        self.read(|tx| seen_actions::between(tx, from, to))
    }

    fn acted_tickets(&self, from: Timestamp) -> Result<Vec<ActedTicket>> {
        self.read(|tx| seen_actions::tickets(tx, "a.done_at >= $1", from.into()))
    }

    fn acted_ticket(&self, decision: &str) -> Result<Option<ActedTicket>> {
        let of = "a.ticket_id = (SELECT x.ticket_id FROM decisions x WHERE x.id = $1)";
        Ok(self.read(|tx| seen_actions::tickets(tx, of, decision.into()))?.pop())
    }
}

/// When a ticket was opened, and the number of its decision.
type Place = (Timestamp, i64);

/// The next tickets after a place, opened before a moment.
fn page(
    tx: &mut dyn Tx,
    (after, to): (Place, Timestamp),
    customers: &CustomerSet,
) -> Result<Vec<(Place, TicketRow)>> {
    let (mut of, mut values) = (String::new(), vec![after.0.into(), after.1.into(), to.into()]);
    of_customers(&mut of, &mut values, "t.customer", customers);
    let sql = pages().replace("{customers}", &of);
    let rows = tx.query(&sql, &values)?;
    let found = rows.into_iter().map(|mut row| ticket(&mut row)).collect::<Result<Vec<_>>>()?;
    let ids: Vec<String> = found.iter().map(|(_, id, _)| id.clone()).collect();
    let mut events = events::of_tickets(tx, &ids)?;
    let whole = found.into_iter().map(|(place, id, ticket)| {
        let events = events.remove(&id).unwrap_or_default();
        (place, TicketRow { events, ..ticket })
    });
    Ok(whole.collect())
}

/// The tickets after the place in `$1` and `$2` that were opened before `$3`.
fn pages() -> String {
    let joined = JOINED.replace("WHERE", "WHERE 1 = 1 {customers} AND");
    format!(
        "SELECT d.seq, {OPENED}, d.ticket_id, (SELECT MIN(x.received_at) FROM decisions x WHERE x.ticket_id = d.ticket_id), t.source,
        d.at, d.bundle, COALESCE(d.collapsed_into, CASE WHEN d.storm IS NOT NULL THEN d.id END),
        COALESCE(o.reported_at, CASE WHEN o.source <> 'review' THEN o.at END), r.at, r.opened_at, r.active_seconds, {JUDGED}
        FROM decisions d {joined} AND {OPENED} >= $1 AND ({OPENED} > $1 OR d.seq > $2) AND {OPENED} < $3
        ORDER BY {OPENED}, d.seq LIMIT {CHUNK}"
    )
}

/// A ticket without its events, and its row's id.
fn ticket(row: &mut Row) -> Result<(Place, String, TicketRow)> {
    let (seq, opened_at, id) = (row.int()?, row.time()?, row.text()?);
    let (first_received_at, source, decided_at) = (row.time()?, row.maybe_text()?, row.time()?);
    let bundle = row.text()?;
    let (storm, reported_at) = (row.maybe_text()?, row.maybe_time()?);
    let (reviewed_at, opened, active_seconds) = (row.maybe_time()?, row.maybe_time()?, row.maybe_real()?);
    let ticket = TicketRow {
        judged: outcomes::read(row)?,
        first_received_at,
        source,
        decided_at,
        bundle,
        storm,
        reported_at,
        review: reviewed_at.map(|at| ReviewTimes { opened_at: opened, at, active_seconds }),
        events: Vec::new(),
    };
    Ok(((opened_at, seq), id, ticket))
}

/// What the readers ask the engine, by name: for looking at how it goes about it.
#[cfg(test)]
pub(crate) fn statements() -> [(&'static str, String); 4] {
    [
        ("pages", pages().replace("{customers}", "")),
        ("days that are ready", days::READY.to_owned()),
        ("span of the days", days::SPAN.to_owned()),
        ("what was done on a day", days::DONE.to_owned()),
    ]
}
