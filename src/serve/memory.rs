//! What requests take up: bytes of bodies and answers, and places. Counted as it comes, and given back when it is dropped.
//!
//! No key gets more than what is left for all others: one alone has half at most, two have a third each. So a key that takes all
//! it can get leaves room for the next. Must never count by what a client announces, only by what is there.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::problem::Problem;

/// Bytes that a byte of a body takes up until its request is done: as it came, as it was read, as it goes into the store, and what
/// is made of its text. Measured: tests/attack/memory.py.
pub(crate) const BODY_FACTOR: usize = 7;
/// Bytes that a value of JSON takes up beside its text.
pub(crate) const VALUE_BYTES: usize = 128;
/// Bytes that a page of a list takes up while it is made: what the store gives for it, and the answer that becomes of that.
pub(crate) const PAGE_MEMORY: usize = 3 * firstline_store::PAGE_BYTES;

/// Something that there is so much of.
#[derive(Debug)]
pub(crate) struct Pool {
    total: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_key: HashMap<String, usize>,
}

impl Pool {
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self { total, taken: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `n` for `key`, where it then has no more than was left.
    fn take(&self, key: &str, n: usize) -> bool {
        let mut taken = self.lock();
        let left = self.total.saturating_sub(taken.all);
        let has = taken.by_key.get(key).copied().unwrap_or(0);
        if has.saturating_add(n) > left {
            return false;
        }
        taken.all += n;
        match taken.by_key.get_mut(key) {
            Some(has) => *has += n,
            None => drop(taken.by_key.insert(key.to_owned(), n)),
        }
        true
    }

    fn give(&self, key: &str, n: usize) {
        let mut taken = self.lock();
        taken.all = taken.all.saturating_sub(n);
        if let Some(has) = taken.by_key.get_mut(key) {
            *has = has.saturating_sub(n);
            if *has == 0 {
                taken.by_key.remove(key);
            }
        }
    }
}

tokio::task_local! {
    /// What the request that is being answered holds.
    static HELD: Held;
}

/// What a request holds; clones hold it together. It goes along with what was read from the request, wherever that goes.
#[derive(Debug, Clone)]
pub(crate) struct Held(Arc<Share>);

#[derive(Debug)]
struct Share {
    memory: Arc<Pool>,
    places: Arc<Pool>,
    /// Whose request it is, once that is known, with a place.
    key: OnceLock<String>,
    bytes: AtomicUsize,
}

impl Drop for Share {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        self.memory.give(self.key.get().map_or("", String::as_str), bytes);
        if let Some(key) = self.key.get() {
            self.places.give(key, 1);
        }
    }
}

impl Held {
    /// Nothing yet, of nobody.
    pub(crate) fn new(memory: &Arc<Pool>, places: &Arc<Pool>) -> Self {
        let (memory, places) = (Arc::clone(memory), Arc::clone(places));
        Self(Arc::new(Share { memory, places, key: OnceLock::new(), bytes: AtomicUsize::new(0) }))
    }

    /// Answers a request that holds this.
    pub(crate) async fn during<F: Future>(self, answer: F) -> F::Output {
        HELD.scope(self, answer).await
    }

    /// What the request that is being answered holds; nothing outside of one.
    pub(crate) fn current() -> Option<Self> {
        HELD.try_with(Clone::clone).ok()
    }

    /// The request is this key's: it takes one of its places.
    pub(crate) fn is_of(&self, key: &str) -> Result<(), Problem> {
        if self.0.key.get().is_some() {
            return Ok(());
        }
        if !self.0.places.take(key, 1) {
            return Err(Problem::overload("this key's requests", 1));
        }
        if self.0.key.set(key.to_owned()).is_err() {
            self.0.places.give(key, 1);
        }
        Ok(())
    }

    /// Whether it is known whose the request is.
    pub(crate) fn has_key(&self) -> bool {
        self.0.key.get().is_some()
    }

    /// Takes up so many more bytes.
    pub(crate) fn grow(&self, bytes: usize) -> Result<(), Problem> {
        let key = self.0.key.get().map_or("", String::as_str);
        if !self.0.memory.take(key, bytes) {
            return Err(Problem::overload("memory for requests", 1));
        }
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// So many bytes of the same key's, apart from these: for an answer, which outlives its request.
    pub(crate) fn apart(&self, bytes: usize) -> Result<Bytes, Problem> {
        let key = self.0.key.get().cloned().unwrap_or_default();
        match self.0.memory.take(&key, bytes) {
            true => Ok(Bytes { memory: Arc::clone(&self.0.memory), key, bytes }),
            false => Err(Problem::overload("memory for answers", 1)),
        }
    }
}

/// Takes up bytes for the request that is being answered, where there is one: before something large is read for it.
pub(crate) fn grow(bytes: usize) -> Result<(), Problem> {
    Held::current().map_or(Ok(()), |held| held.grow(bytes))
}

/// Bytes that are held by themselves.
#[derive(Debug)]
pub(crate) struct Bytes {
    memory: Arc<Pool>,
    key: String,
    bytes: usize,
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.memory.give(&self.key, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(memory: &Arc<Pool>, places: &Arc<Pool>, key: &str) -> Held {
        let held = Held::new(memory, places);
        held.is_of(key).unwrap();
        held
    }

    #[test]
    fn one_key_leaves_as_much_as_it_has() {
        let (memory, places) = (Pool::new(1_000), Pool::new(100));
        let greedy: Vec<Held> = (0..20).map(|_| held(&memory, &places, "greedy")).collect();
        let got = greedy.iter().filter(|held| held.grow(100).is_ok()).count();
        assert_eq!(got, 5, "half");
        let other = held(&memory, &places, "other");
        assert!(other.grow(200).is_ok() && other.grow(200).is_err(), "no more than is left after it");
        assert!(held(&memory, &places, "third").grow(100).is_ok());
        drop(greedy);
        assert!(other.grow(200).is_ok());
    }

    #[test]
    fn what_is_taken_is_given_back_whole_and_once() {
        let (memory, places) = (Pool::new(1_000), Pool::new(4));
        let one = held(&memory, &places, "a");
        one.grow(300).unwrap();
        let clone = one.clone();
        let answer = one.apart(100).unwrap();
        drop(one);
        assert_eq!(memory.lock().all, 400, "a clone holds it");
        drop(clone);
        assert_eq!(memory.lock().all, 100, "an answer outlives its request");
        drop(answer);
        assert!(memory.lock().all == 0 && memory.lock().by_key.is_empty());
        assert!(places.lock().all == 0 && places.lock().by_key.is_empty());
    }

    #[test]
    fn places_are_shared_in_the_same_way() {
        let (memory, places) = (Pool::new(1_000), Pool::new(8));
        let _greedy: Vec<Held> = (0..4).map(|_| held(&memory, &places, "greedy")).collect();
        assert!(Held::new(&memory, &places).is_of("greedy").is_err());
        let refused = Held::new(&memory, &places).is_of("greedy").unwrap_err();
        assert_eq!(refused.code, "E_OVERLOAD");
        held(&memory, &places, "other");
        // One place is enough for one request.
        held(&memory, &Pool::new(1), "only");
    }
}
