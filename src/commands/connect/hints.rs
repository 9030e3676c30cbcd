//! Tickets that webhooks told of and that wait to be read: few, each once, and none again before it has rested.
//!
//! Must never grow with what is posted: beyond its bounds the next poll finds what is left out.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use firstline_psa::hook::{Refused, Told};

/// Tickets that wait.
const MOST: usize = 1_000;
/// Tickets that are given at a time, so that a poll is never late by much.
const PART: usize = 16;
/// A ticket is given again after so long at the earliest.
const AGAIN: Duration = Duration::from_secs(5);
/// How often it is looked whether the program is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Tickets that wait, and what became of deliveries.
#[derive(Debug, Default)]
pub(super) struct Hints {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Since when each waits.
    waiting: BTreeMap<String, Instant>,
    /// When each was given, as long as that matters.
    given: BTreeMap<String, Instant>,
    refused: BTreeMap<Refused, u64>,
    left_out: u64,
    switched_off: bool,
}

impl Hints {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A delivery was judged.
    pub(super) fn tell(&self, judged: &Result<Told, Refused>, now: Instant) {
        let mut state = self.lock();
        match judged {
            Ok(Told::Tickets(ids)) => {
                for id in ids {
                    state.add(id, now);
                }
                self.bell.notify_one();
            }
            Ok(Told::SwitchedOff) => state.switched_off = true,
            Err(refused) => *state.refused.entry(*refused).or_default() += 1,
        }
    }

    /// A poll begins: what waits is among what it lists.
    pub(super) fn clear(&self) {
        self.lock().waiting.clear();
    }

    /// Whether tickets are to be read.
    pub(super) fn are_waiting(&self, now: Instant) -> bool {
        let state = self.lock();
        state.waiting.keys().any(|id| !state.rests(id, now))
    }

    /// Waits until tickets are to be read, and gives them; `None` once `until` has come, or the program is to stop.
    pub(super) fn wait(&self, until: Instant, stopping: &dyn Fn() -> bool) -> Option<BTreeSet<String>> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if stopping() || now >= until {
                return None;
            }
            let ready = state.take(now);
            if !ready.is_empty() {
                return Some(ready);
            }
            let pause = LOOK.min(until.saturating_duration_since(now));
            let waited = self.bell.wait_timeout(state, pause);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What there is to say about deliveries since this was asked last.
    pub(super) fn said(&self) -> Vec<String> {
        let mut state = self.lock();
        let mut said: Vec<String> = std::mem::take(&mut state.refused)
            .into_iter()
            .map(|(refused, n)| format!("webhooks: {n} refused, {}", refused.why()))
            .collect();
        let left_out = std::mem::take(&mut state.left_out);
        if left_out > 0 {
            said.push(format!(
                "webhooks: queue full, {left_out} tickets dropped; the next poll will pick them up"
            ));
        }
        if std::mem::take(&mut state.switched_off) {
            said.push(
                "webhooks: an unverified message says the PSA has disabled them; confirm with --check"
                    .to_owned(),
            );
        }
        said
    }
}

impl State {
    fn add(&mut self, id: &str, now: Instant) {
        if self.waiting.contains_key(id) {
            return;
        }
        if self.waiting.len() >= MOST {
            self.left_out += 1;
            return;
        }
        self.waiting.insert(id.to_owned(), now);
    }

    fn rests(&self, id: &str, now: Instant) -> bool {
        self.given.get(id).is_some_and(|at| now.saturating_duration_since(*at) < AGAIN)
    }

    /// The tickets that have waited longest, of those that have rested.
    fn take(&mut self, now: Instant) -> BTreeSet<String> {
        self.given.retain(|_, at| now.saturating_duration_since(*at) < AGAIN);
        let mut ready: Vec<(Instant, String)> = self
            .waiting
            .iter()
            .filter(|(id, _)| !self.rests(id, now))
            .map(|(id, since)| (*since, id.clone()))
            .collect();
        ready.sort();
        let taken: BTreeSet<String> = ready.into_iter().take(PART).map(|(_, id)| id).collect();
        for id in &taken {
            self.waiting.remove(id);
            self.given.insert(id.clone(), now);
        }
        taken
    }
}

/// A round that lasts longer, as after an outage, gives way to tickets that wait; the next one goes on where it stopped.
const LONG_ROUND: Duration = Duration::from_secs(30);
/// How long it gives way.
const GIVEN: Duration = Duration::from_secs(2);
/// No round gives way so long after the last one that was done as a whole: actions are written at its end.
const WHOLE: Duration = Duration::from_secs(300);

/// Whether a round gives way to tickets that wait.
#[derive(Debug)]
pub(super) struct Way<'a> {
    hints: &'a Hints,
    began: Instant,
    whole: Instant,
    given: Cell<bool>,
}

impl<'a> Way<'a> {
    /// Of a round that begins at `began`; the last whole one ended at `whole`.
    pub(super) fn new(hints: &'a Hints, began: Instant, whole: Instant) -> Self {
        Self { hints, began, whole, given: Cell::new(false) }
    }

    /// Whether the round is to stop, for the next one to go on.
    pub(super) fn is_given(&self, now: Instant) -> bool {
        let long = now.saturating_duration_since(self.began) >= LONG_ROUND;
        let late = now.saturating_duration_since(self.whole) >= WHOLE;
        self.given.set(long && !late && self.hints.are_waiting(now));
        self.given.get()
    }

    /// Whether it was stopped.
    pub(super) fn was_given(&self) -> bool {
        self.given.get()
    }

    /// When the next round is due, which is `regular` after a whole one.
    pub(super) fn until(&self, regular: Instant) -> Instant {
        if self.was_given() { Instant::now() + GIVEN } else { regular }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ids: &[&str]) -> Result<Told, Refused> {
        Ok(Told::Tickets(ids.iter().map(|id| (*id).to_owned()).collect()))
    }

    fn ids(taken: &BTreeSet<String>) -> Vec<&str> {
        taken.iter().map(String::as_str).collect()
    }

    #[test]
    fn a_ticket_that_is_told_again_and_again_is_given_once_in_a_while() {
        let (hints, start) = (Hints::default(), Instant::now());
        let after = |ms: u64| start + Duration::from_millis(ms);
        let mut given = 0;
        assert!(!hints.are_waiting(start));
        for ms in 0..20_000 {
            hints.tell(&told(&["7", "8"]), after(ms));
            given += hints.lock().take(after(ms)).len();
        }
        assert_eq!(given, 8, "two tickets, each at 0, 5, 10 and 15 s");
        // What was told while the ticket rested is not lost.
        assert!(!hints.are_waiting(after(19_999)) && hints.are_waiting(after(20_000)));
        assert_eq!(ids(&hints.lock().take(after(20_000))), ["7", "8"]);
        assert!(hints.lock().take(after(30_000)).is_empty());
    }

    #[test]
    fn a_flood_is_bounded_and_those_that_waited_longest_come_first() {
        let (hints, start) = (Hints::default(), Instant::now());
        for n in (0..5_000_u32).rev() {
            hints.tell(&told(&[&n.to_string()]), start + Duration::from_millis(u64::from(5_000 - n)));
        }
        assert_eq!(hints.lock().waiting.len(), MOST);
        let taken = hints.lock().take(start + Duration::from_secs(9));
        assert_eq!(taken.len(), PART);
        assert!(taken.iter().all(|id| id.parse::<usize>().unwrap() >= 5_000 - PART), "{taken:?}");
        assert_eq!(
            hints.said(),
            ["webhooks: queue full, 4000 tickets dropped; the next poll will pick them up"]
        );
        assert!(hints.said().is_empty(), "it is said once");
        hints.clear();
        assert!(hints.lock().waiting.is_empty());
    }

    #[test]
    fn what_is_refused_wakes_nobody() {
        let hints = Hints::default();
        for refused in [Refused::Forged, Refused::Forged, Refused::Unsigned] {
            hints.tell(&Err(refused), Instant::now());
        }
        hints.tell(&Ok(Told::SwitchedOff), Instant::now());
        let until = Instant::now() + Duration::from_millis(30);
        assert_eq!(hints.wait(until, &|| false), None);
        let said = hints.said().join("\n");
        assert!(
            said.contains("2 refused, with a wrong signature") && said.contains("disabled them"),
            "{said}"
        );
        hints.tell(&told(&["12"]), Instant::now());
        let far = Instant::now() + Duration::from_secs(3_600);
        assert_eq!(hints.wait(far, &|| true), None, "a program that is to stop reads nothing more");
        assert_eq!(hints.wait(far, &|| false).as_ref().map(ids), Some(vec!["12"]));
    }

    #[test]
    fn a_long_round_gives_way_to_tickets_that_wait_unless_the_last_whole_one_is_long_past() {
        let (hints, start) = (Hints::default(), Instant::now());
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let way = Way::new(&hints, start, start);
        assert!(!way.is_given(after(40)), "nothing waits");
        hints.tell(&told(&["7"]), start);
        assert!(!way.is_given(after(29)) && !way.was_given());
        assert!(way.is_given(after(30)) && way.was_given());
        assert!(way.until(after(3_600)) < after(3_600));
        let later = Way::new(&hints, after(271), start);
        assert!(!later.is_given(after(301)) && later.until(after(3_600)) == after(3_600));
    }
}
