//! Readers that figures are computed with.
//!
//! The decision that is judged is the one that [`Outcomes::judged`](crate::Outcomes::judged) gives. What a figure means is another
//! room's: here are facts, and sums of them.

use firstline_fault::Result;
use firstline_ticket::Route;
use jiff::Timestamp;

use super::outcomes::{self, JOINED, JUDGED};
use super::{Shelf, events, of_customers};
use crate::db::{Db, Row, Tx};
use crate::{CustomerSet, EventResult, Facts, NewEvent, Ratio, ReviewTimes, Spread, Tally, TicketRow};

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

    fn tallies(&self, spans: &[(Timestamp, Timestamp)], customers: &CustomerSet) -> Result<Vec<Tally>> {
        let tally = |tx: &mut dyn Tx, (from, to): &(Timestamp, Timestamp)| {
            let mut tally = Tally::default();
            for (sql, add) in [(counts(), count as Add), (spreads(), spread)] {
                let (mut of, mut values) = (String::new(), vec![(*from).into(), (*to).into()]);
                of_customers(&mut of, &mut values, "t.customer", customers);
                for mut row in tx.query(&sql.replace("{customers}", &of), &values)? {
                    add(&mut tally, &mut row)?;
                }
            }
            Ok(tally)
        };
        self.read(|tx| spans.iter().map(|span| tally(tx, span)).collect())
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
        d.at, d.bundle, d.phase, d.blind, COALESCE(d.collapsed_into, CASE WHEN d.storm IS NOT NULL THEN d.id END),
        COALESCE(o.reported_at, CASE WHEN o.source <> 'review' THEN o.at END), r.at, r.opened_at, r.active_seconds, {JUDGED}
        FROM decisions d {joined} AND {OPENED} >= $1 AND ({OPENED} > $1 OR d.seq > $2) AND {OPENED} < $3
        ORDER BY {OPENED}, d.seq LIMIT {CHUNK}"
    )
}

/// A ticket without its events, and its row's id.
fn ticket(row: &mut Row) -> Result<(Place, String, TicketRow)> {
    let (seq, opened_at, id) = (row.int()?, row.time()?, row.text()?);
    let (first_received_at, source, decided_at) = (row.time()?, row.maybe_text()?, row.time()?);
    let (bundle, phase, blind) = (row.text()?, row.maybe_name()?, row.maybe_int()? == Some(1));
    let (storm, reported_at) = (row.maybe_text()?, row.maybe_time()?);
    let (reviewed_at, opened, active_seconds) = (row.maybe_time()?, row.maybe_time()?, row.maybe_real()?);
    let ticket = TicketRow {
        judged: outcomes::read(row)?,
        first_received_at,
        source,
        decided_at,
        bundle,
        phase,
        blind,
        storm,
        reported_at,
        review: reviewed_at.map(|at| ReviewTimes { opened_at: opened, at, active_seconds }),
        events: Vec::new(),
    };
    Ok(((opened_at, seq), id, ticket))
}

/// Adds a row to a tally.
type Add = fn(&mut Tally, &mut Row) -> Result<()>;

/// The tickets opened from `$1` to before `$2`. A span is asked for by itself: with its moments at hand, engines know how little of
/// the year it is.
fn of_span() -> String {
    let reviews = "LEFT JOIN reviews r ON r.decision_id = d.id";
    let joined = JOINED.replace(reviews, "").replace("WHERE", "WHERE 1 = 1 {customers} AND");
    format!("FROM decisions d {joined} AND {OPENED} >= $1 AND {OPENED} < $2")
}

/// What [`count`] adds: a row for each route.
fn counts() -> String {
    let sum = |what: &str| format!("CAST(COALESCE(SUM(CASE WHEN {what} THEN 1 ELSE 0 END), 0) AS BIGINT)");
    let reported = "o.source <> 'review'";
    let both = format!("{reported} AND d.own = 1 AND o.board IS NOT NULL AND o.type IS NOT NULL");
    let unseen = format!("{both} AND (d.blind = 1 OR d.phase IN ('baseline', 'shadow'))");
    let seen = format!("{both} AND d.blind = 0 AND d.phase IN ('assist', 'autonomous')");
    let right = "AND d.board = o.board AND d.type = o.type";
    let soon = "AND d.drafted_at - d.received_at <= 60000000";
    let sums = [
        "1 = 1".to_owned(),
        reported.to_owned(),
        format!("{unseen} {right}"),
        unseen,
        format!("{seen} {right}"),
        seen,
        format!("d.draft_due = 1 {soon}"),
        "d.draft_due = 1".to_owned(),
        "d.drafted_at IS NOT NULL".to_owned(),
        "d.drafted_at IS NOT NULL AND d.draft_state = 'approved'".to_owned(),
        "d.drafted_at IS NOT NULL AND d.draft_state = 'edited'".to_owned(),
        "d.drafted_at IS NOT NULL AND d.draft_state = 'rejected'".to_owned(),
        "o.reopened = 1".to_owned(),
        "o.reopened IS NOT NULL".to_owned(),
        "o.escalated = 1".to_owned(),
        "o.escalated IS NOT NULL".to_owned(),
        "o.customer_visible_error = 1".to_owned(),
        "o.customer_visible_error IS NOT NULL".to_owned(),
    ];
    let sums: Vec<String> = sums.iter().map(|what| sum(what)).collect();
    format!("SELECT d.route, {} {} GROUP BY d.route", sums.join(", "), of_span())
}

fn count(tally: &mut Tally, row: &mut Row) -> Result<()> {
    let route: Route = row.name()?;
    let next = |row: &mut Row| Ok::<_, firstline_fault::Error>(u64::try_from(row.int()?).unwrap_or_default());
    let of_route = next(row)?;
    tally.tickets += of_route;
    *tally.routes.entry(route).or_default() += of_route;
    tally.reported += next(row)?;
    for ratio in [&mut tally.unseen, &mut tally.seen, &mut tally.within_60_seconds] {
        *ratio = Ratio { part: ratio.part + next(row)?, of: ratio.of + next(row)? };
    }
    for number in [&mut tally.drafts, &mut tally.approved, &mut tally.edited, &mut tally.rejected] {
        *number += next(row)?;
    }
    for ratio in [&mut tally.reopened, &mut tally.escalated, &mut tally.errors] {
        *ratio = Ratio { part: ratio.part + next(row)?, of: ratio.of + next(row)? };
    }
    Ok(())
}

/// Ten years: no desk takes longer, and a clock that went wrong does not count. Seconds.
const LONGEST: &str = "315360000.0";

/// What [`spread`] adds: a row for each span and measure. Quantiles are nearest ranks.
fn spreads() -> String {
    let since = |at: &str| format!("CAST({at} - {OPENED} AS DOUBLE PRECISION) / 1000000.0");
    // Nobody waits where a machine wrote. What wrote was not kept before.
    let waits = "COALESCE(d.kind, 'person') = 'person'";
    let measures = format!(
        "SELECT w.which AS which, CASE w.which
            WHEN 1 THEN CASE WHEN {waits} THEN {} END WHEN 2 THEN {} ELSE o.handle_seconds END AS x {}",
        since("o.first_response_at"),
        since("o.resolved_at"),
        of_span().replace(
            "WHERE 1 = 1",
            "CROSS JOIN (SELECT 1 AS which UNION ALL SELECT 2 UNION ALL SELECT 3) w WHERE 1 = 1"
        ),
    );
    format!(
        "SELECT CAST(which AS BIGINT), CAST(COUNT(*) AS BIGINT), AVG(x),
            MAX(CASE WHEN place = (n + 1) / 2 THEN x END), MAX(CASE WHEN place = (95 * n + 99) / 100 THEN x END)
        FROM (SELECT which, x, ROW_NUMBER() OVER (PARTITION BY which ORDER BY x) AS place,
                COUNT(*) OVER (PARTITION BY which) AS n
            FROM ({measures}) m WHERE x >= 0.0 AND x <= {LONGEST}) ranked
        GROUP BY which"
    )
}

fn spread(tally: &mut Tally, row: &mut Row) -> Result<()> {
    let which = row.int()?;
    let spread = Spread {
        count: u64::try_from(row.int()?).unwrap_or_default(),
        mean: row.maybe_real()?,
        p50: row.maybe_real()?,
        p95: row.maybe_real()?,
    };
    match which {
        1 => tally.first_response = spread,
        2 => tally.resolution = spread,
        _ => tally.handle = spread,
    }
    Ok(())
}

/// What the readers ask the engine, by name: for looking at how it goes about it.
#[cfg(test)]
pub(crate) fn statements() -> [(&'static str, String); 3] {
    [("pages", pages()), ("counts", counts()), ("spreads", spreads())]
        .map(|(name, sql)| (name, sql.replace("{customers}", "")))
}
