//! How far a connection has come: kept in the service's store, so that another process can go on.
//!
//! Holds ids, times and labels, no words. It is bounded: what is older than the overlap is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use firstline_ticket::{ActorKind, Event, Field, Happening};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use xxhash_rust::xxh3::xxh3_64;

use crate::connector::{History, Record, Seen};
use crate::pull::field_of;

/// Tickets that are open are remembered up to so many: the cursor keeps below what the service takes.
const MOST_OPEN: usize = 10_000;
/// States that were read are remembered up to so many; more are read again.
const MOST_RECENT: usize = 30_000;
/// Longest cursor, in bytes: the service takes 4 MiB.
const MOST_BYTES: usize = 7 << 19;
/// Longest label that is remembered, in bytes: one that is longer is never overwritten.
const MOST_LABEL: usize = 120;
/// How often a ticket comes again that can't be read or is refused, and how many do.
const MOST_TIMES: u8 = 20;
const MOST_AGAIN: usize = 1_000;
/// Seconds before it comes again; each time after twice as long, up to an hour.
const AGAIN: i64 = 30;
const LONGEST_AGAIN: i64 = 3_600;
/// Tickets of the day that are none for triage.
const MOST_OUT: usize = 20_000;

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
    /// Tickets that could not be read or were refused: they come again.
    pub retries: BTreeMap<String, Retry>,
    /// Tickets opened since the last list that are none for triage, such as those of projects, with the time of their opening.
    pub out: BTreeMap<String, Timestamp>,
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

/// A ticket that comes again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// How often it has failed.
    pub times: u8,
    /// When it is due.
    pub due: Timestamp,
}

/// Times of change may be whole seconds: what was read within so long of its change may change once more and look the same.
const UNSURE: SignedDuration = SignedDuration::from_secs(2);

/// The state of a ticket that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// A hash of what tells it from any other.
    pub version: u64,
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
    /// Leaves alone all that stands there: a technician has opened it, and chosen it.
    pub(super) fn leave_all(&mut self) {
        self.labels.values_mut().for_each(|label| *label = None);
    }

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
        let fits = |label: &&str| label.len() <= MOST_LABEL;
        let label = |field| (field, record.ticket.label(field).filter(fits).map(str::to_owned));
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

    /// Open tickets that are to be looked at again, in turn; [`looked_at`](Self::looked_at) tells that one was.
    pub(super) fn look_again(&self, now: Timestamp) -> Vec<String> {
        let Some((last, after)) = &self.looked else { return Vec::new() };
        let open = self.open.len() as i64;
        let due = now.duration_since(*last).as_secs().clamp(0, LOOK) * open / LOOK;
        let next = self.open.range::<str, _>((Bound::Excluded(after.as_str()), Bound::Unbounded));
        let all = next.map(|(id, _)| id).chain(self.open.keys());
        all.take(due.min(MOST_LOOKS).min(open) as usize).cloned().collect()
    }

    /// A ticket was looked at again, of so many `open` ones: the next is due that much later.
    pub(super) fn looked_at(&mut self, id: &str, open: usize) {
        if let Some((last, after)) = &mut self.looked {
            let each = SignedDuration::from_secs(LOOK / i64::try_from(open).unwrap_or(1).max(1));
            *last = last.checked_add(each).unwrap_or(*last);
            id.clone_into(after);
        }
    }

    /// The tickets that come again now.
    pub(super) fn due(&self, now: Timestamp) -> Vec<String> {
        let mut due: Vec<(&Retry, &String)> = self
            .retries
            .iter()
            .filter(|(_, retry)| retry.due <= now)
            .map(|(id, retry)| (retry, id))
            .collect();
        due.sort_by_key(|(retry, _)| retry.due);
        due.into_iter().map(|(_, id)| id.clone()).collect()
    }

    /// A ticket is none for triage: it is missing in no list.
    pub(super) fn leave_out(&mut self, id: &str, opened: Option<Timestamp>) {
        if let Some(opened) = opened.filter(|opened| self.listed_to.is_none_or(|to| *opened >= to))
            && self.out.len() < MOST_OUT
        {
            self.out.insert(id.to_owned(), opened);
        }
    }

    /// It as the service keeps it, below what the service takes: what is forgotten is read once more.
    pub(super) fn kept(&mut self) -> String {
        self.bound();
        loop {
            let text = json!(self).to_string();
            if text.len() <= MOST_BYTES {
                return text;
            }
            if !self.recent.is_empty() {
                self.forget_recent(self.recent.len() / 2);
            } else if !self.open.is_empty() {
                self.forget_open(self.open.len() * 3 / 4);
            } else {
                self.out.clear();
                self.retries.clear();
            }
        }
    }

    /// A state that was read and that the service has: what is `held` of the ticket, if it is open. The labels at the first decision stay
    /// what changes are compared with.
    pub fn settle(
        &mut self,
        seen: &Seen,
        held: Option<OpenTicket>,
        (latest, now): (Option<Timestamp>, Timestamp),
    ) {
        self.retries.remove(&seen.id);
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

    /// Tickets that have to come again, each so often at most, the first time half a minute after `now`. Gives those that are given up.
    pub fn come_again(&mut self, ids: &BTreeSet<String>, now: Timestamp) -> Vec<String> {
        let mut given_up = Vec::new();
        for id in ids {
            let times = self.retries.get(id).map_or(1, |retry| retry.times + 1);
            if times > MOST_TIMES || times == 1 && self.retries.len() >= MOST_AGAIN {
                self.retries.remove(id);
                given_up.push(id.clone());
                continue;
            }
            let pause = (AGAIN << times.saturating_sub(1).min(12)).min(LONGEST_AGAIN);
            let due = now.checked_add(SignedDuration::from_secs(pause)).unwrap_or(now);
            self.retries.insert(id.clone(), Retry { times, due });
        }
        given_up
    }

    /// From when on changes are asked for: the watermark, less what clocks and pages may hide.
    pub fn since(&self, start: Timestamp, overlap: SignedDuration) -> Timestamp {
        self.watermark.and_then(|at| at.checked_sub(overlap).ok()).unwrap_or(start)
    }

    /// Whether this state was read already.
    pub fn knows(&self, seen: &Seen) -> bool {
        self.recent.get(&seen.id).is_some_and(|read| read.sure && read.version == hash(&seen.version))
    }

    /// The service has this state, as it was read at `now`; `latest` is the latest change that the PSA has told of.
    pub fn read(&mut self, seen: &Seen, latest: Option<Timestamp>, now: Timestamp) {
        let before = self.recent.get(&seen.id).filter(|read| read.version == hash(&seen.version));
        let since = before.map_or(now, |read| read.since);
        let old = latest.is_some_and(|latest| latest.duration_since(seen.at) > UNSURE);
        let sure = old || now.duration_since(since) > UNSURE;
        self.recent.insert(seen.id.clone(), Read { version: hash(&seen.version), at: seen.at, since, sure });
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
        self.forget_open(MOST_OPEN);
        self.forget_recent(MOST_RECENT);
    }

    fn forget_open(&mut self, most: usize) {
        if self.open.len() <= most {
            return;
        }
        let number = |id: &str| id.parse::<u64>().unwrap_or_default();
        let mut ids: Vec<u64> = self.open.keys().map(|id| number(id)).collect();
        ids.sort_unstable();
        let before = ids[ids.len() - most..].first().copied().unwrap_or(u64::MAX);
        self.open.retain(|id, _| number(id) >= before);
    }

    fn forget_recent(&mut self, most: usize) {
        if self.recent.len() <= most {
            return;
        }
        let mut times: Vec<Timestamp> = self.recent.values().map(|read| read.at).collect();
        times.sort_unstable();
        let from = times[times.len() - most..].first().copied().unwrap_or(Timestamp::MAX);
        let mut room = most;
        // Of those of one moment some have to go, too.
        self.recent.retain(|_, read| {
            let stays = read.at >= from && room > 0;
            room -= usize::from(stays);
            stays
        });
    }
}

fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_ticket::Ticket;

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

    #[test]
    fn it_keeps_below_what_the_service_takes_whatever_the_psa_tells() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let mut cursor = Cursor { watermark: Some(at(0)), ..Cursor::default() };
        for n in 0..25_000_i64 {
            let version = "v".repeat(500);
            let seen = Seen { id: n.to_string(), version, at: at(n), opened_at: None, customer: None };
            cursor.read(&seen, Some(at(n)), at(n));
            let ticket =
                Ticket { board: Some("b".repeat(90)), kind: Some("t".repeat(5_000)), ..Ticket::default() };
            let held = OpenTicket::of(&Record { ticket, ..Record::default() });
            assert_eq!(held.labels[&Field::Type], None, "a label that is too long is never overwritten");
            cursor.open.insert(n.to_string(), held);
        }
        let kept = cursor.kept();
        assert!(kept.len() <= MOST_BYTES && cursor.recent.len() > 5_000 && !cursor.open.contains_key("7"));
        assert!(cursor.open.contains_key("24999"), "the newest stay");
        assert_eq!(serde_json::from_str::<Cursor>(&kept).unwrap(), cursor);
    }

    #[test]
    fn what_fails_comes_again_later_and_later_and_is_given_up_with_a_word() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let mut cursor = Cursor::default();
        let bad = BTreeSet::from(["7".to_owned()]);
        let mut now = at(0);
        assert!(cursor.come_again(&bad, now).is_empty() && cursor.due(now).is_empty());
        let mut waited = Vec::new();
        for _ in 1..MOST_TIMES {
            let due = cursor.retries["7"].due;
            assert_eq!(cursor.due(due), ["7"]);
            waited.push(due.duration_since(now).as_secs());
            now = due;
            assert!(cursor.come_again(&bad, now).is_empty());
        }
        assert_eq!(waited[..8], [30, 60, 120, 240, 480, 960, 1_920, 3_600]);
        assert_eq!((cursor.come_again(&bad, now), cursor.retries.len()), (vec!["7".to_owned()], 0));
    }

    #[test]
    fn each_open_ticket_is_looked_at_within_a_week() {
        let at = |second: i64| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let mut cursor = Cursor { looked: Some((at(0), String::new())), ..Cursor::default() };
        for n in 0..100 {
            cursor.open.insert(n.to_string(), OpenTicket::default());
        }
        let (mut seen, mut hour) = (BTreeSet::new(), 0);
        while hour < 7 * 24 {
            hour += 1;
            for id in cursor.look_again(at(3_600 * hour)) {
                cursor.looked_at(&id, 100);
                assert!(seen.insert(id), "none twice before all were");
            }
        }
        assert!(seen.len() >= 99, "{}", seen.len());
        assert!(cursor.look_again(at(3_600 * hour)).len() <= 1, "and no more than that");
    }
}
