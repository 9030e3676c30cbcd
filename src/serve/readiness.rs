//! Whether what is accepted now would be on record: a write that is really done, once a second however often somebody asks.
//!
//! Nobody needs a key to ask. Must never let callers cause more than one write a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use firstline_fault::{Error, Result};
use firstline_store::Store;

/// For how long an answer holds.
const HOLDS: Duration = Duration::from_secs(1);

/// The last answer.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Instant, Option<Error>)>>);

impl Readiness {
    /// Writes to the store, or says what came of the last write. Who asks meanwhile waits for the same write.
    pub(crate) fn check(&self, store: &dyn Store) -> Result<()> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = last.as_ref().filter(|(at, _)| at.elapsed() < HOLDS);
        let error = match fresh {
            Some((_, error)) => error.clone(),
            None => {
                let error = store.ping().err();
                *last = Some((Instant::now(), error.clone()));
                error
            }
        };
        error.map_or(Ok(()), Err)
    }
}
