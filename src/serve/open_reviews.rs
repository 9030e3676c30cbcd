//! What people have open on the review page: since when, what they have written so far, and who else is there.
//!
//! In memory, within bounds: a text that is given up for room is still in its writer's window. Must never show one person's text to
//! another, nor hold what was decided.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Tickets that are open at a time, over all people; the one that was touched first gives way.
const MOST_OPEN: usize = 4_096;
/// Bytes of texts that are kept.
const MOST_BYTES: usize = 16 << 20;
/// A person who was not heard of for so long is elsewhere.
const AWAY: Duration = Duration::from_secs(35);

#[derive(Debug)]
struct Open {
    name: String,
    opened_at: Timestamp,
    text: Option<String>,
    touched: Instant,
}

#[derive(Debug, Default)]
struct Inner {
    /// By decision and key.
    open: HashMap<String, HashMap<String, Open>>,
    count: usize,
    bytes: usize,
}

/// What people have open.
#[derive(Debug, Default)]
pub(crate) struct OpenReviews(Mutex<Inner>);

impl OpenReviews {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody looks at a decision; gives since when, and what they have written.
    pub(crate) fn look(
        &self,
        decision: &str,
        (key, name): (&str, &str),
        now: Timestamp,
    ) -> (Timestamp, Option<String>) {
        self.lock().touch(decision, (key, name), now, |open| (open.opened_at, open.text.clone()))
    }

    /// Keeps what somebody has written.
    pub(crate) fn write(&self, decision: &str, (key, name): (&str, &str), text: &str, now: Timestamp) {
        let mut inner = self.lock();
        let before = inner.touch(decision, (key, name), now, |open| {
            open.text.replace(text.to_owned()).map_or(0, |before| before.len())
        });
        inner.bytes = inner.bytes + text.len() - before;
        inner.make_room();
    }

    /// Drops what somebody has written: it is the draft again.
    pub(crate) fn unwrite(&self, decision: &str, key: &str) {
        let mut inner = self.lock();
        let open = inner.open.get_mut(decision).and_then(|here| here.get_mut(key));
        let bytes = open.and_then(|open| open.text.take()).map_or(0, |text| text.len());
        inner.bytes -= bytes;
    }

    /// The names of the others who look at a decision.
    pub(crate) fn others(&self, decision: &str, key: &str) -> Vec<String> {
        let inner = self.lock();
        let here = inner.open.get(decision).into_iter().flatten();
        let mut names: Vec<String> = here
            .filter(|(other, open)| *other != key && open.touched.elapsed() < AWAY)
            .map(|(_, open)| open.name.clone())
            .collect();
        names.sort();
        names
    }

    /// A decision was reviewed: what anybody has written of it is of no use any more.
    pub(crate) fn decided(&self, decision: &str) {
        let mut inner = self.lock();
        let keys: Vec<String> =
            inner.open.get(decision).map(|here| here.keys().cloned().collect()).unwrap_or_default();
        keys.iter().for_each(|key| inner.remove(decision, key));
    }
}

impl Inner {
    fn touch<T>(
        &mut self,
        decision: &str,
        (key, name): (&str, &str),
        now: Timestamp,
        use_it: impl FnOnce(&mut Open) -> T,
    ) -> T {
        let here = self.open.entry(decision.to_owned()).or_default();
        let known = here.len();
        let open = here.entry(key.to_owned()).or_insert_with(|| Open {
            name: name.to_owned(),
            opened_at: now,
            text: None,
            touched: Instant::now(),
        });
        open.touched = Instant::now();
        let out = use_it(open);
        self.count += here.len() - known;
        self.make_room();
        out
    }

    fn make_room(&mut self) {
        while self.count > MOST_OPEN || self.bytes > MOST_BYTES {
            let all = self
                .open
                .iter()
                .flat_map(|(id, here)| here.iter().map(move |(key, open)| (open.touched, id, key)));
            let Some((decision, key)) = all.min().map(|(_, id, key)| (id.clone(), key.clone())) else {
                return;
            };
            self.remove(&decision, &key);
        }
    }

    fn remove(&mut self, decision: &str, key: &str) {
        let Some(here) = self.open.get_mut(decision) else { return };
        if let Some(open) = here.remove(key) {
            self.count -= 1;
            self.bytes -= open.text.map_or(0, |text| text.len());
        }
        if here.is_empty() {
            self.open.remove(decision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_text_is_its_writers_and_the_others_are_named() {
        let open = OpenReviews::default();
        let later = NOW + jiff::SignedDuration::from_secs(9);
        assert_eq!(open.look("d1", ("k1", "Jo"), NOW), (NOW, None));
        open.write("d1", ("k1", "Jo"), "my words", later);
        assert_eq!(open.look("d1", ("k1", "Jo"), later), (NOW, Some("my words".to_owned())));
        assert_eq!(open.look("d1", ("k2", "Kim"), later), (later, None));
        assert_eq!(
            (open.others("d1", "k2"), open.others("d1", "k1")),
            (vec!["Jo".to_owned()], vec!["Kim".to_owned()])
        );
        open.write("d2", ("k1", "Jo"), "other words", later);
        open.decided("d1");
        assert_eq!(open.look("d1", ("k1", "Jo"), later).1, None);
        assert_eq!(open.look("d2", ("k1", "Jo"), later).1.as_deref(), Some("other words"));
        assert_eq!(open.others("d2", "k1"), Vec::<String>::new());
    }

    #[test]
    fn there_is_room_for_so_much_and_no_more() {
        let open = OpenReviews::default();
        let text = "x".repeat(1 << 20);
        for i in 0..40 {
            open.write(&format!("d{i}"), ("k", "Jo"), &text, NOW);
        }
        assert_eq!(open.lock().bytes, MOST_BYTES);
        assert_eq!(
            (open.look("d0", ("k", "Jo"), NOW).1, open.look("d39", ("k", "Jo"), NOW).1.is_some()),
            (None, true)
        );
        for i in 0..MOST_OPEN + 9 {
            open.look(&format!("e{i}"), ("k", "Jo"), NOW);
        }
        let inner = open.lock();
        assert_eq!((inner.count, inner.open.len(), inner.bytes), (MOST_OPEN, MOST_OPEN, 0));
    }
}
