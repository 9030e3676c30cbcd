//! What figures need of a day's tickets, kept ready: a year is read in the time of its days, not of its rows.
//!
//! A day is the UTC day on which the judged decision's ticket came in. Whatever the audit log says of a decision makes the days of its
//! ticket stale, so that no writer can forget to; a stale day is made again when it is next asked for. Must hold nothing that the
//! tables do not say: `days` can be emptied at any time.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::thread;

use firstline_fault::{InternalError, Result};
use firstline_ticket::{DraftState, Field, JudgedTicket, Route, Verdict};
use jiff::Timestamp;

use super::outcomes::judged;
use crate::CustomerSet;
use crate::db::{Db, Tx, Value, json, list};
use crate::sql::Shelf;

/// Days that are worth a thread of their own.
const LEAST_DAYS: usize = 16;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The days of a span that are ready, and the first and last moment of all that came in.
pub(super) const READY: &str = "SELECT day, block FROM days WHERE day >= $1 AND day <= $2 ORDER BY day";
pub(super) const SPAN: &str =
    "SELECT (SELECT MIN(received_at) FROM decisions), (SELECT MAX(received_at) FROM decisions)";

/// The customers of a day, and its tickets in the order in which they came in, each packed, with the place of its customer.
type Day = (Vec<String>, Vec<(usize, Packed)>);

/// Time, bits, labels that people ended with instead; microseconds to the first response, the resolution and the draft, since whole
/// numbers are read faster; seconds of work, confidence and distance.
type Packed = (i64, u32, Vec<String>, [Option<i64>; 3], [Option<f64>; 3]);

/// Makes the days of the tickets of these `decisions` stale.
pub(crate) fn stale<'a>(tx: &mut dyn Tx, decisions: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let sql = format!(
        "DELETE FROM days WHERE day IN (SELECT y.received_at / {DAY} FROM rows($1) r
        JOIN decisions x ON x.id = r.value ->> 0 JOIN decisions y ON y.ticket_id = x.ticket_id)"
    );
    tx.execute(&sql, &[list(decisions)?]).map(drop)
}

/// Makes all days stale.
pub(super) fn all_stale(tx: &mut dyn Tx) -> Result<()> {
    tx.execute("DELETE FROM days", &[]).map(drop)
}

impl<D: Db> Shelf<D> {
    /// What figures need of the tickets that came in from `from` to before `to`, in the order in which they came in.
    pub(super) fn days(
        &self,
        (from, to): (Timestamp, Timestamp),
        customers: &CustomerSet,
    ) -> Result<Vec<JudgedTicket>> {
        let day_of = |at: Timestamp| at.as_microsecond().div_euclid(DAY);
        let mut tickets = Vec::new();
        let Some(all) = self.read(span)? else { return Ok(tickets) };
        let first = day_of(from.max(all.0));
        let last = day_of(to).min(day_of(all.1));
        let values = [Value::Int(first), Value::Int(last)];
        let ready = self.read(|tx| tx.query(READY, &values))?.into_iter();
        let ready = ready.map(|mut row| Ok((row.int()?, row.text()?))).collect::<Result<Vec<_>>>()?;
        let mut ready = parsed(&ready)?.into_iter().peekable();
        for day in first..=last {
            let found = match ready.next_if(|(of, _)| *of == day) {
                Some((_, found)) => found,
                // One transaction for each: nobody waits for a year of them.
                None => self.write(|tx| make(tx, day))?,
            };
            take(found, customers, &mut tickets)?;
        }
        tickets.retain(|ticket| ticket.received_at >= from && ticket.received_at < to);
        Ok(tickets)
    }
}

/// Days as they are kept, each with its number: a year of them is some megabytes, which all cores share.
fn parsed(kept: &[(i64, String)]) -> Result<Vec<(i64, Day)>> {
    let parse = |(number, block): &(i64, String)| match serde_json::from_str(block) {
        Ok(day) => Ok((*number, day)),
        Err(e) => Err(InternalError::new(format!("reading a day of the store: {e}")).into()),
    };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let part = kept.len().div_ceil(cores).max(LEAST_DAYS);
    thread::scope(|scope| {
        let parts = kept
            .chunks(part)
            .map(|days| scope.spawn(move || days.iter().map(parse).collect::<Result<Vec<_>>>()));
        let parts: Vec<_> = parts.collect();
        let joined = parts
            .into_iter()
            .map(|part| part.join().map_err(|_| InternalError::new("reading days of the store")));
        let mut days = Vec::with_capacity(kept.len());
        for part in joined {
            days.extend(part??);
        }
        Ok(days)
    })
}

/// The first and last moment of all that came in.
fn span(tx: &mut dyn Tx) -> Result<Option<(Timestamp, Timestamp)>> {
    let Some(mut row) = tx.first(SPAN, &[])? else { return Ok(None) };
    Ok(row.maybe_time()?.zip(row.maybe_time()?))
}

/// Puts a day together and keeps it.
fn make(tx: &mut dyn Tx, number: i64) -> Result<Day> {
    // The same lock as that of every writer: nothing of the day changes meanwhile.
    tx.query("SELECT setting FROM meta WHERE name = 'head' FOR UPDATE", &[])?;
    let (mut day, mut places) = (Day::default(), HashMap::new());
    let moment = |us: i64| {
        Timestamp::from_microsecond(us).map_err(|e| InternalError::new(format!("a day's time: {e}")))
    };
    for one in judged(tx, (moment(number * DAY)?, moment((number + 1) * DAY)?), &CustomerSet::All)? {
        let (customers, tickets) = &mut day;
        let place = *places.entry(one.customer.clone()).or_insert_with(|| {
            customers.push(one.customer.clone());
            customers.len() - 1
        });
        tickets.push((place, pack(JudgedTicket::from(&one))));
    }
    let sql = "INSERT INTO days (day, block) VALUES ($1, $2) ON CONFLICT (day) DO UPDATE SET block = excluded.block";
    tx.execute(sql, &[number.into(), Value::Text(json(&day)?)])?;
    Ok(day)
}

fn take((names, packed): Day, customers: &CustomerSet, tickets: &mut Vec<JudgedTicket>) -> Result<()> {
    let wanted: Vec<bool> = names.iter().map(|name| customers.has(name)).collect();
    for (place, one) in packed {
        if wanted.get(place) == Some(&true) {
            tickets.push(unpack(one).ok_or_else(|| InternalError::new("a day of the store can't be read"))?);
        }
    }
    Ok(())
}

/// Microseconds of a second.
const MICROS: f64 = 1e6;

const ROUTES: [Route; 3] = [Route::Person, Route::Review, Route::Storm];
const STATES: [DraftState; 7] = [
    DraftState::None,
    DraftState::Writing,
    DraftState::Pending,
    DraftState::Approved,
    DraftState::Edited,
    DraftState::Rejected,
    DraftState::Superseded,
];
const KNOWN: [Option<bool>; 3] = [None, Some(false), Some(true)];

/// Small numbers in one, the first in the lowest bits.
struct Bits(u32, u32);

impl Bits {
    fn put(&mut self, value: usize, width: u32) {
        self.0 |= (value as u32) << self.1;
        self.1 += width;
    }

    fn get(&mut self, width: u32) -> usize {
        let value = (self.0 >> self.1) & ((1 << width) - 1);
        self.1 += width;
        value as usize
    }
}

fn pack(one: JudgedTicket) -> Packed {
    let (mut bits, mut labels) = (Bits(0, 0), Vec::new());
    for verdict in one.verdicts {
        let code = match verdict {
            Verdict::Open => 0,
            Verdict::Same => 1,
            Verdict::Other(label) => {
                labels.push(label);
                2
            }
            Verdict::Undecided(label) => {
                labels.push(label);
                3
            }
        };
        bits.put(code, 2);
    }
    let place = |of: Option<usize>| of.unwrap_or_default();
    bits.put(place(ROUTES.iter().position(|route| *route == one.route)), 2);
    bits.put(place(STATES.iter().position(|state| *state == one.draft_state)), 3);
    for known in [one.seen, one.reopened, one.escalated, one.customer_visible_error] {
        bits.put(place(KNOWN.iter().position(|known_as| *known_as == known)), 2);
    }
    for yes in [one.waits, one.draft_due, one.reported] {
        bits.put(usize::from(yes), 1);
    }
    let times = [one.first_response, one.resolution, one.drafted];
    let times = times.map(|seconds| seconds.map(|seconds| (seconds * MICROS).round() as i64));
    let rest = [one.handle, one.draft_confidence, one.distance];
    (one.received_at.as_microsecond(), bits.0, labels, times, rest)
}

fn unpack((received_at, bits, labels, times, rest): Packed) -> Option<JudgedTicket> {
    let (mut bits, mut labels) = (Bits(bits, 0), labels.into_iter());
    let mut verdicts: [Verdict; Field::ALL.len()] = Default::default();
    for verdict in &mut verdicts {
        *verdict = match bits.get(2) {
            0 => Verdict::Open,
            1 => Verdict::Same,
            2 => Verdict::Other(labels.next()?),
            _ => Verdict::Undecided(labels.next()?),
        };
    }
    let (route, draft_state) = (*ROUTES.get(bits.get(2))?, *STATES.get(bits.get(3))?);
    let mut known = || KNOWN.get(bits.get(2)).copied();
    let (seen, reopened, escalated, customer_visible_error) = (known()?, known()?, known()?, known()?);
    let mut yes = || bits.get(1) == 1;
    let (waits, draft_due, reported) = (yes(), yes(), yes());
    let [first_response, resolution, drafted] = times.map(|time| time.map(|us| us as f64 / MICROS));
    let [handle, draft_confidence, distance] = rest;
    Some(JudgedTicket {
        received_at: Timestamp::from_microsecond(received_at).ok()?,
        route,
        seen,
        waits,
        verdicts,
        first_response,
        resolution,
        handle,
        draft_due,
        drafted,
        draft_state,
        draft_confidence,
        distance,
        reported,
        reopened,
        escalated,
        customer_visible_error,
    })
}
