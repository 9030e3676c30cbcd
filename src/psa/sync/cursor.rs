//! How far a connection has come: kept in the service's store, so that another process can go on.
//!
//! Holds ids, times and labels, no words. It is bounded: what is older than the overlap is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use firstline_ticket::{ActorKind, Event, Field, Happening};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use xxhash_rust::xxh3::xxh3_64;

use crate::connector::{History, Record, Seen};
use crate::pull::field_of;

/// Tickets that are open are remembered up to so many: the cursor keeps below what the service takes.
const MOST_OPEN: usize = 10_000;
/// States that were read are remembered up to so many; more are read again.
const MOST_RECENT: usize = 10_000;
/// How often a ticket comes again that can't be read or is refused, and how many do.
const MOST_TIMES: u8 = 20;
const MOST_AGAIN: usize = 1_000;

/// How far a connection has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// The latest change that was seen, by the PSA's clock.
    pub watermark: Option<Timestamp>,
    /// Tickets that changed shortly before it, with the state that was read.
    pub recent: BTreeMap<String, Read>,
    /// Tickets that were sent to triage and are open.
    pub open: BTreeMap<String, OpenTicket>,
    /// Tickets that could not be read or were refused, and how often: they come again.
    pub again: BTreeMap<String, u8>,
    /// Up to when the PSA's lists of opened tickets were sent.
    pub listed_to: Option<Timestamp>,
    /// When the next one is due.
    pub sweep_due: Option<Timestamp>,
    /// When open tickets were last looked at again, and the last of them.
    pub looked: Option<(Timestamp, String)>,
}

/// Each open ticket is looked at again within so many seconds, a week, though the PSA tells of no change: what closed out of sight is
/// found so. And so many at once at most.
const LOOK: i64 = 7 * 86_400;
const MOST_LOOKS: i64 = 8;

/// Times of change may be whole seconds: what was read within so long of its change may change once more and look the same.
const UNSURE: SignedDuration = SignedDuration::from_secs(2);

/// The state of a ticket that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// What tells it from any other.
    pub version: String,
    /// When it was reached, by the PSA's clock.
    pub at: Timestamp,
    /// When it was first read, by this machine's clock.
    pub since: Timestamp,
    /// Whether it was read long enough after its change.
    pub sure: bool,
}

/// A ticket that was sent to triage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenTicket {
    /// The labels that it had then. A label that differs from these was changed by a person, and is not overwritten.
    pub labels: BTreeMap<Field, Option<String>>,
    /// A hash of its customer's name.
    pub customer: u64,
}

impl OpenTicket {
    /// Leaves alone what people had set before it was first read: what stands there is never overwritten.
    pub(super) fn leave(&mut self, history: &History) {
        let by_person = |event: &&Event| event.actor_kind == ActorKind::Technician;
        let touched: BTreeSet<Field> = history
            .events
            .iter()
            .filter(by_person)
            .filter_map(|event| match &event.what {
                Happening::Change { of, .. } => field_of(*of),
                _ => None,
            })
            .collect();
        // An expected blank is no match for a value.
        for (_, label) in
            self.labels.iter_mut().filter(|(field, _)| !history.complete || touched.contains(field))
        {
            *label = None;
        }
    }

    /// What is remembered of a ticket as it stands.
    pub fn of(record: &Record) -> Self {
        let label = |field| (field, record.ticket.label(field).map(str::to_owned));
        let customer = xxh3_64(record.ticket.customer_key().as_bytes());
        Self { labels: Field::ALL.into_iter().map(label).collect(), customer }
    }
}

impl Cursor {
    /// Where lists of opened tickets and looks at open ones begin, the first time.
    pub(super) fn begin(&mut self, start: Timestamp, now: Timestamp) {
        self.listed_to.get_or_insert(start);
        self.looked.get_or_insert((now, String::new()));
        self.sweep_due.get_or_insert(now.checked_add(SignedDuration::from_hours(1)).unwrap_or(now));
    }

    /// Open tickets that are to be looked at again, in turn.
    pub(super) fn look_again(&mut self, now: Timestamp) -> Vec<String> {
        let Some((last, after)) = self.looked.clone() else { return Vec::new() };
        let open = self.open.len() as i64;
        let due = now.duration_since(last).as_secs().clamp(0, LOOK) * open / LOOK;
        if due == 0 {
            return Vec::new();
        }
        let next = self.open.range((Bound::Excluded(after), Bound::Unbounded)).map(|(id, _)| id);
        let again = next.chain(self.open.keys()).take(due.min(MOST_LOOKS).min(open) as usize).cloned();
        let again: Vec<String> = again.collect();
        self.looked = again.last().map(|last| (now, last.clone()));
        again
    }

    /// A state that was read and that the service has: what is `held` of the ticket, if it is open. The labels at the first decision stay
    /// what changes are compared with.
    pub fn settle(
        &mut self,
        seen: &Seen,
        held: Option<OpenTicket>,
        (latest, now): (Option<Timestamp>, Timestamp),
    ) {
        self.again.remove(&seen.id);
        match held {
            Some(held) => {
                let customer = held.customer;
                self.open.entry(seen.id.clone()).or_insert(held).customer = customer;
            }
            None => {
                self.open.remove(&seen.id);
            }
        }
        if !seen.version.is_empty() {
            self.read(seen, latest, now);
        }
    }

    /// Tickets that have to come again, each so often at most.
    pub fn come_again(&mut self, ids: &BTreeSet<String>) {
        for id in ids {
            *self.again.entry(id.clone()).or_default() += 1;
        }
        self.again.retain(|_, times| *times <= MOST_TIMES);
        while self.again.len() > MOST_AGAIN {
            self.again.pop_first();
        }
    }

    /// From when on changes are asked for: the watermark, less what clocks and pages may hide.
    pub fn since(&self, start: Timestamp, overlap: SignedDuration) -> Timestamp {
        self.watermark.and_then(|at| at.checked_sub(overlap).ok()).unwrap_or(start)
    }

    /// Whether this state was read already.
    pub fn knows(&self, seen: &Seen) -> bool {
        self.recent.get(&seen.id).is_some_and(|read| read.sure && read.version == seen.version)
    }

    /// The service has this state, as it was read at `now`; `latest` is the latest change that the PSA has told of.
    pub fn read(&mut self, seen: &Seen, latest: Option<Timestamp>, now: Timestamp) {
        let before = self.recent.get(&seen.id).filter(|read| read.version == seen.version);
        let since = before.map_or(now, |read| read.since);
        let old = latest.is_some_and(|latest| latest.duration_since(seen.at) > UNSURE);
        let sure = old || now.duration_since(since) > UNSURE;
        self.recent.insert(seen.id.clone(), Read { version: seen.version.clone(), at: seen.at, since, sure });
    }

    /// All changes up to `latest` were read: what is older than the overlap can't be told again.
    pub fn advance(&mut self, latest: Option<Timestamp>, overlap: SignedDuration) {
        self.watermark = self.watermark.max(latest);
        let oldest = self.watermark.and_then(|at| at.checked_sub(overlap).ok());
        self.recent.retain(|_, read| oldest.is_none_or(|oldest| read.at >= oldest));
        self.bound();
    }

    /// Keeps it below what the service takes: tickets with the lowest ids go first, which are the oldest.
    pub fn bound(&mut self) {
        let number = |id: &String| id.parse::<u64>().unwrap_or_default();
        while self.open.len() > MOST_OPEN {
            let Some(oldest) = self.open.keys().min_by_key(|id| number(id)).cloned() else { break };
            self.open.remove(&oldest);
        }
        if self.recent.len() > MOST_RECENT {
            let mut times: Vec<Timestamp> = self.recent.values().map(|read| read.at).collect();
            times.sort_unstable();
            let from = times[times.len() - MOST_RECENT];
            self.recent.retain(|_, read| read.at >= from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_twice_in_a_second_is_read_again() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let seen = |id: &str, second: i64| Seen {
            id: id.to_owned(),
            version: format!("{second}"),
            at: at(second),
            opened_at: None,
            customer: None,
        };
        let mut cursor = Cursor::default();
        // Of two changes the older one is sure at once. The newer one is, once it was read again later.
        for (id, second) in [("old", 0), ("new", 9)] {
            cursor.read(&seen(id, second), Some(at(9)), at(9));
        }
        assert!(cursor.knows(&seen("old", 0)) && !cursor.knows(&seen("new", 9)));
        cursor.read(&seen("new", 9), Some(at(9)), at(10));
        assert!(!cursor.knows(&seen("new", 9)), "a second later is too soon");
        cursor.read(&seen("new", 9), Some(at(9)), at(12));
        assert!(cursor.knows(&seen("new", 9)) && !cursor.knows(&seen("new", 13)));
        // What is older than the overlap is forgotten, and asked for no more.
        cursor.advance(Some(at(9)), SignedDuration::from_secs(5));
        assert_eq!(cursor.recent.keys().collect::<Vec<_>>(), ["new"]);
        assert_eq!(cursor.since(at(0), SignedDuration::from_secs(5)), at(4));
    }
}
