//! What one key may have of the service beside the queue: requests at a time, calls that block at a time, one thread that reads.
//!
//! A part of the requests is never one key's, a key's calls of the store never take all of its connections, and its long bodies
//! never the cores: whatever one key does, another's request is taken in and finds the store free. Must never make a request wait for another key's.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Calls of one key that block at a time: half of the connections that a store of one file has for reading.
const HANDS: usize = 2;

tokio::task_local! {
    /// The seat of the request that this task answers, once its key is known.
    static SEAT: OnceLock<Seat>;
}

/// The shares of all keys that have a request open.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Requests at a time that one key alone may have.
    most: usize,
    keys: Arc<Mutex<HashMap<String, Share>>>,
    /// For calls without a key.
    keyless: Arc<Semaphore>,
}

#[derive(Debug)]
struct Share {
    requests: usize,
    hands: Arc<Semaphore>,
    /// For the one that reads a long body or long texts.
    reading: Arc<Semaphore>,
    /// Calls that wait for drafts at a time.
    waits: Arc<Semaphore>,
}

/// A request among its key's, until this is dropped.
#[derive(Debug)]
struct Seat {
    keys: Arc<Mutex<HashMap<String, Share>>>,
    key: String,
    hands: Arc<Semaphore>,
    reading: Arc<Semaphore>,
    waits: Arc<Semaphore>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut keys = lock(&self.keys);
        if let Some(share) = keys.get_mut(&self.key) {
            share.requests -= 1;
            if share.requests == 0 {
                keys.remove(&self.key);
            }
        }
    }
}

fn lock(keys: &Mutex<HashMap<String, Share>>) -> MutexGuard<'_, HashMap<String, Share>> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shares {
    /// Shares of `requests` at a time.
    pub(crate) fn new(requests: usize) -> Self {
        let hands = || Arc::new(Semaphore::new(HANDS));
        Self { most: requests - requests / 4, keys: Arc::default(), keyless: hands() }
    }

    /// Answers a request that has no seat yet.
    pub(crate) async fn visit<F: Future>(answer: F) -> F::Output {
        SEAT.scope(OnceLock::new(), answer).await
    }

    /// Counts the request that this task answers among those of its key.
    ///
    /// # Errors
    /// The key has its share of requests open.
    pub(crate) fn enter(&self, key: &str) -> Result<(), Problem> {
        if SEAT.try_with(|seat| seat.get().is_some()).unwrap_or(true) {
            return Ok(());
        }
        let seat = self.seat(key)?;
        // What was looked at above is set by this task alone.
        let _set = SEAT.try_with(|place| place.set(seat).is_ok());
        Ok(())
    }

    /// The key of the request that this task answers, once it is known.
    pub(crate) fn key(&self) -> Option<String> {
        SEAT.try_with(|seat| seat.get().map(|seat| seat.key.clone())).ok().flatten()
    }

    fn seat(&self, key: &str) -> Result<Seat, Problem> {
        let mut keys = lock(&self.keys);
        let others = keys.len() - usize::from(keys.contains_key(key));
        let most = (self.most / (others + 1)).max(1);
        let semaphore = |n| Arc::new(Semaphore::new(n));
        let waits = (self.most / 6).max(1);
        let open =
            || Share { requests: 0, hands: semaphore(HANDS), reading: semaphore(1), waits: semaphore(waits) };
        let share = keys.entry(key.to_owned()).or_insert_with(open);
        if share.requests >= most {
            return Err(Problem::overload("this key", 1));
        }
        share.requests += 1;
        let [hands, reading, waits] = [&share.hands, &share.reading, &share.waits].map(Arc::clone);
        Ok(Seat { keys: Arc::clone(&self.keys), key: key.to_owned(), hands, reading, waits })
    }

    /// Whether the key of the request that this task answers may have one more call that waits for drafts: until what is given is
    /// dropped.
    pub(crate) fn wait(&self) -> Option<OwnedSemaphorePermit> {
        let waits = SEAT.try_with(|seat| seat.get().map(|seat| Arc::clone(&seat.waits))).ok().flatten()?;
        waits.try_acquire_owned().ok()
    }

    /// Waits until the key of the request that this task answers may do one more thing that blocks.
    pub(crate) async fn hand(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.one_of(|seat| &seat.hands).await
    }

    /// Waits until nothing else that is long is read for the key of the request that this task answers.
    pub(crate) async fn reading(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.one_of(|seat| &seat.reading).await
    }

    async fn one_of(
        &self,
        semaphore: impl Fn(&Seat) -> &Arc<Semaphore>,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        let seated = SEAT.try_with(|seat| seat.get().map(|seat| Arc::clone(semaphore(seat)))).ok().flatten();
        seated.unwrap_or_else(|| Arc::clone(&self.keyless)).acquire_owned().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_requests_is_never_one_keys() {
        let shares = Shares::new(16);
        let noisy: Vec<Seat> = std::iter::from_fn(|| shares.seat("noisy").ok()).collect();
        assert_eq!(noisy.len(), 12);
        let quiet: Vec<Seat> = std::iter::from_fn(|| shares.seat("quiet").ok()).collect();
        assert_eq!(quiet.len(), 6, "half of what one key may have alone");
        // Above its share now: it gets none back before it has fewer than others may have.
        let mut noisy = noisy;
        noisy.truncate(7);
        assert_eq!(shares.seat("noisy").unwrap_err().code, "E_OVERLOAD");
        noisy.truncate(5);
        assert!(shares.seat("noisy").is_ok());
        drop((noisy, quiet));
        assert!(lock(&shares.keys).is_empty(), "keys that are gone are forgotten");
    }

    #[test]
    fn few_requests_are_shared_too() {
        for requests in 1..4 {
            let shares = Shares::new(requests);
            assert_eq!(
                std::iter::from_fn(|| shares.seat("a").ok()).take(9).collect::<Vec<_>>().len(),
                requests
            );
        }
    }

    #[tokio::test]
    async fn one_key_blocks_with_its_own_hands_alone() {
        let shares = Shares::new(16);
        Shares::visit(async {
            shares.enter("noisy").unwrap();
            let held = [shares.hand().await.unwrap(), shares.hand().await.unwrap()];
            assert!(futures_now(shares.hand()).await.is_none(), "a third waits");
            let quiet = Shares::visit(async {
                shares.enter("quiet").unwrap();
                futures_now(shares.hand()).await.is_some()
            });
            assert!(quiet.await, "another key does not");
            drop(held);
            assert!(futures_now(shares.hand()).await.is_some());
        })
        .await;
    }

    /// What a future gives at once.
    async fn futures_now<F: Future>(future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            out = future => Some(out),
            () = std::future::ready(()) => None,
        }
    }
}
