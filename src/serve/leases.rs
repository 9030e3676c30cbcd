//! The stored work that this process has claimed. A claim ends by itself unless it is renewed, so that what a dead process had
//! begun is taken up by another.
//!
//! Must never hold what the process is done with, or gave up for a fault that may pass: its claim has to end.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use firstline_store::Work;

/// Seconds that a claim holds; the process that works on it renews it every two.
pub(crate) const LEASE: i64 = 20;

/// All work that this process holds, by its id.
#[derive(Debug, Default)]
pub(crate) struct Leases(Mutex<HashSet<i64>>);

/// Some of that work, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Hold<'h> {
    leases: &'h Leases,
    work: Vec<i64>,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, HashSet<i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds claimed work.
    pub(crate) fn hold(&self, work: &[Work]) -> Hold<'_> {
        let work: Vec<i64> = work.iter().map(|work| work.id).collect();
        self.lock().extend(&work);
        Hold { leases: self, work }
    }

    /// The ids of all work that is held.
    pub(crate) fn all(&self) -> Vec<i64> {
        self.lock().iter().copied().collect()
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let mut held = self.leases.lock();
        self.work.iter().for_each(|id| {
            held.remove(id);
        });
    }
}

#[cfg(test)]
mod tests {
    use firstline_ticket::Ticket;
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn what_is_done_with_is_held_no_longer() {
        let work = |id| Work {
            id,
            job: None,
            drafts: false,
            ticket: Ticket::default(),
            decision: None,
            actor: String::new(),
            received_at: Timestamp::UNIX_EPOCH,
            attempts: 1,
        };
        let leases = Leases::default();
        let first = leases.hold(&[work(1), work(2)]);
        let second = leases.hold(&[work(3)]);
        drop(first);
        assert_eq!(leases.all(), [3]);
        drop(second);
        assert!(leases.all().is_empty());
    }
}
