//! What figures need of a day's tickets, kept ready: a year is read in the time of its days, not of its rows.
//!
//! A day is the UTC day on which the judged decision's ticket came in. Whatever the audit log says of a decision makes the days of its
//! ticket stale, so that no writer can forget to; a stale day is made again when it is next asked for. Must hold nothing that the
//! tables do not say: `days` can be emptied at any time.

use std::collections::{BTreeMap, HashSet};

use firstline_fault::{InternalError, Result};
use firstline_ticket::{DraftState, Field, JudgedTicket, Route, Verdict};
use jiff::Timestamp;

use super::outcomes::judged;
use crate::CustomerSet;
use crate::db::{Db, Tx, Value, json, list};
use crate::sql::Shelf;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The days of a span that are ready, and those that have tickets.
pub(super) const READY: &str = "SELECT day, block FROM days WHERE day >= $1 AND day <= $2";
pub(super) const BUSY: &str =
    "SELECT DISTINCT received_at / 86400000000 FROM decisions WHERE received_at >= $1 AND received_at < $2";

/// The tickets of a day by customer, each packed.
type Day = BTreeMap<String, Vec<Packed>>;

/// Time, bits, labels that people ended with instead, and seconds or shares: first response, resolution, handle, draft, confidence,
/// distance.
type Packed = (i64, u32, Vec<String>, [Option<f64>; 6]);

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
        let (first, last) =
            (from.as_microsecond().div_euclid(DAY), (to.as_microsecond() - 1).div_euclid(DAY));
        let values = [Value::Int(first), Value::Int(last)];
        let (mut tickets, mut ready) = (Vec::new(), HashSet::new());
        for mut row in self.read(|tx| tx.query(READY, &values))? {
            ready.insert(row.int()?);
            take(row.json()?, customers, &mut tickets)?;
        }
        // One transaction for each: nobody waits for a year of them.
        let span = [Value::Int(first.saturating_mul(DAY)), Value::Int((last + 1).saturating_mul(DAY))];
        for mut row in self.read(|tx| tx.query(BUSY, &span))? {
            let day = row.int()?;
            if !ready.contains(&day) {
                take(self.write(|tx| make(tx, day))?, customers, &mut tickets)?;
            }
        }
        tickets.retain(|ticket| ticket.received_at >= from && ticket.received_at < to);
        tickets.sort_by_key(|ticket| ticket.received_at);
        Ok(tickets)
    }
}

/// Puts a day together and keeps it.
fn make(tx: &mut dyn Tx, number: i64) -> Result<Day> {
    // The same lock as that of every writer: nothing of the day changes meanwhile.
    tx.query("SELECT setting FROM meta WHERE name = 'head' FOR UPDATE", &[])?;
    let mut day = Day::new();
    let moment = |us: i64| {
        Timestamp::from_microsecond(us).map_err(|e| InternalError::new(format!("a day's time: {e}")))
    };
    for one in judged(tx, (moment(number * DAY)?, moment((number + 1) * DAY)?), &CustomerSet::All)? {
        day.entry(one.customer.clone()).or_default().push(pack(JudgedTicket::from(&one)));
    }
    let sql = "INSERT INTO days (day, block) VALUES ($1, $2) ON CONFLICT (day) DO UPDATE SET block = excluded.block";
    tx.execute(sql, &[number.into(), Value::Text(json(&day)?)])?;
    Ok(day)
}

fn take(day: Day, customers: &CustomerSet, tickets: &mut Vec<JudgedTicket>) -> Result<()> {
    for (_, packed) in day.into_iter().filter(|(customer, _)| customers.has(customer)) {
        for one in packed {
            tickets.push(unpack(one).ok_or_else(|| InternalError::new("a day of the store can't be read"))?);
        }
    }
    Ok(())
}

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
    let numbers =
        [one.first_response, one.resolution, one.handle, one.drafted, one.draft_confidence, one.distance];
    (one.received_at.as_microsecond(), bits.0, labels, numbers)
}

fn unpack((received_at, bits, labels, numbers): Packed) -> Option<JudgedTicket> {
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
    let [first_response, resolution, handle, drafted, draft_confidence, distance] = numbers;
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
