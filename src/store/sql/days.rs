//! What figures need of a day, kept ready: a year is read in the time of its days, not of its rows.
//!
//! A UTC day has the tickets whose judged decision came in on it, and the actions that were done on it and that customers could see.
//! Whatever the audit log says of a decision makes the days of its ticket and of its actions stale, so that no writer can forget to; a
//! stale day is made again when it is next asked for. Must hold nothing that the tables do not say: `days` can be emptied at any time,
//! and a row that was cut or changed is made again, never believed.

mod packed;

use firstline_fault::{InternalError, Result};
use firstline_ticket::{Counted, JudgedTicket, VisibleAction};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use self::packed::{Packing, read};
use super::outcomes::judged;
use crate::CustomerSet;
use crate::db::{Db, Row, Tx, Value, hex, list};
use crate::sql::Shelf;

/// The form of a day's text: another one's rows are made again.
const FORM: u8 = 2;
/// Characters of a row before the day's text: a digest.
const DIGEST: usize = 32;
/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The days of a span that are ready, and the first and last moments of all that came in and was done.
pub(super) const READY: &str = "SELECT day, block FROM days WHERE day >= $1 AND day <= $2 ORDER BY day";
pub(super) const SPAN: &str = "SELECT (SELECT MIN(received_at) FROM decisions), (SELECT MAX(received_at) FROM decisions),
    (SELECT MIN(done_at) FROM actions WHERE done_at IS NOT NULL), (SELECT MAX(done_at) FROM actions WHERE done_at IS NOT NULL)";
/// What was done from a moment to before another and could be seen, as the schema's index has it.
pub(super) const DONE: &str = "SELECT a.done_at, COALESCE(a.origin, 'person'), t.customer FROM actions a JOIN tickets t ON t.id = a.ticket_id
    WHERE a.done_at >= $1 AND a.done_at < $2 AND a.kind IN ('reply', 'close') AND a.state = 'done' ORDER BY a.done_at, a.id";

/// Makes the days of the tickets of these `decisions`, and of what was done for them, stale.
pub(crate) fn stale<'a>(tx: &mut dyn Tx, decisions: impl IntoIterator<Item = &'a str>) -> Result<()> {
    let sql = format!(
        "DELETE FROM days WHERE day IN (SELECT y.received_at / {DAY} FROM rows($1) r
        JOIN decisions x ON x.id = r.value ->> 0 JOIN decisions y ON y.ticket_id = x.ticket_id
        UNION ALL SELECT a.done_at / {DAY} FROM rows($1) r JOIN actions a ON a.decision_id = r.value ->> 0
        WHERE a.done_at IS NOT NULL)"
    );
    tx.execute(&sql, &[list(decisions)?]).map(drop)
}

/// Makes all days stale.
pub(super) fn all_stale(tx: &mut dyn Tx) -> Result<()> {
    tx.execute("DELETE FROM days", &[]).map(drop)
}

impl<D: Db> Shelf<D> {
    /// Gives `each` what figures need of the tickets that came in, and of the actions that were done, from `from` to before `to`: day
    /// by day, of each its tickets first, in order of time.
    pub(super) fn days(
        &self,
        (from, to): (Timestamp, Timestamp),
        customers: &CustomerSet,
        each: &mut dyn FnMut(&Counted<'_>),
    ) -> Result<()> {
        let day_of = |at: Timestamp| at.as_microsecond().div_euclid(DAY);
        let Some((begin, end)) = self.read(span)? else { return Ok(()) };
        let (first, last) = (day_of(from.max(begin)), day_of(to.min(end)));
        let values = [Value::Int(first), Value::Int(last)];
        let (salt, ready) = self.read(|tx| Ok((salt(tx)?, tx.query(READY, &values)?)))?;
        let mut ready = ready.into_iter().map(kept).collect::<Result<Vec<_>>>()?.into_iter().peekable();
        let mut give = |counted: &Counted<'_>| {
            if (from..to).contains(&counted.at()) {
                each(counted);
            }
        };
        for day in first..=last {
            let row = ready.next_if(|(of, _)| *of == day).map(|(_, row)| row);
            let made;
            let text = match row.as_deref().and_then(|row| opened(&salt, day, row)) {
                Some(text) => text,
                None => {
                    // One transaction for each: nobody waits for a year of them.
                    made = self.write(|tx| make(tx, &salt, day))?;
                    &made
                }
            };
            let odd = || InternalError::new("a day of the store can't be read");
            read(text, customers, &mut give).ok_or_else(odd)?;
        }
        Ok(())
    }
}

fn kept(mut row: Row) -> Result<(i64, String)> {
    Ok((row.int()?, row.text()?))
}

/// The first and last moment of all that came in or was done; `None` where nothing came in.
fn span(tx: &mut dyn Tx) -> Result<Option<(Timestamp, Timestamp)>> {
    let Some(mut row) = tx.first(SPAN, &[])? else { return Ok(None) };
    let received = row.maybe_time()?.zip(row.maybe_time()?);
    let done = row.maybe_time()?.zip(row.maybe_time()?);
    let all = received.into_iter().chain(done);
    Ok(all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))))
}

/// What digests of this store begin with: another store's fit none of its days.
fn salt(tx: &mut dyn Tx) -> Result<String> {
    let row = tx.first("SELECT setting FROM meta WHERE name = 'salt'", &[])?;
    row.map_or(Ok(String::new()), |mut row| row.text())
}

/// The digest of a day's text.
fn digest(salt: &str, day: i64, text: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [salt.as_bytes(), &[FORM], &day.to_le_bytes(), text.as_bytes()] {
        hasher.update(part);
    }
    hex(&hasher.finalize()[..DIGEST / 2])
}

/// The text in a row of the day, where it is what was once written.
fn opened<'a>(salt: &str, day: i64, row: &'a str) -> Option<&'a str> {
    let (said, text) = row.split_at_checked(DIGEST)?;
    (said == digest(salt, day, text)).then_some(text)
}

/// Puts a day together and keeps it.
fn make(tx: &mut dyn Tx, salt: &str, number: i64) -> Result<String> {
    // The same lock as that of every writer: nothing of the day changes meanwhile.
    tx.query("SELECT setting FROM meta WHERE name = 'head' FOR UPDATE", &[])?;
    let moment = |us: i64| {
        Timestamp::from_microsecond(us).map_err(|e| InternalError::new(format!("a day's time: {e}")))
    };
    let (from, to) = (moment(number * DAY)?, moment((number + 1) * DAY)?);
    let mut day = Packing::default();
    for one in judged(tx, (from, to), &CustomerSet::All)? {
        day.ticket(&one.customer, &JudgedTicket::from(&one));
    }
    for mut row in tx.query(DONE, &[from.into(), to.into()])? {
        let (at, origin, customer) = (row.time()?, row.text()?, row.text()?);
        day.action(&customer, VisibleAction { at, alone: origin == "auto" });
    }
    let text = day.text()?;
    let row = [digest(salt, number, &text), text.clone()].concat();
    let sql = "INSERT INTO days (day, block) VALUES ($1, $2) ON CONFLICT (day) DO UPDATE SET block = excluded.block";
    tx.execute(sql, &[number.into(), Value::Text(row)])?;
    Ok(text)
}
