//! How often the desk's own decisions were right, by how sure they were: what a confidence means here.
//!
//! Counted from the tickets of the last thirteen weeks, now and then, away from those who wait. Holds counts, no words.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use firstline_fault::Result;
use firstline_store::{CustomerSet, Store};
use firstline_ticket::{Field, JudgedTicket, Verdict};
use jiff::{Timestamp, ToSpan};

/// How long a count holds.
const HOLDS: Duration = Duration::from_secs(15 * 60);
/// Hours that are counted.
const HOURS: i64 = 13 * 7 * 24;
/// Where bands of confidence begin.
const EDGES: [f64; 7] = [0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95];

/// How many were right, of how many, by field and band.
pub(crate) type Counts = BTreeMap<(Field, usize), (u64, u64)>;

/// The counts, as they were made last.
#[derive(Debug, Default)]
pub(crate) struct Bands {
    counts: Mutex<Option<(Instant, Arc<Counts>)>>,
    counting: AtomicBool,
}

/// The band of a confidence.
pub(crate) fn band(confidence: f64) -> usize {
    EDGES.iter().rposition(|edge| confidence >= *edge).unwrap_or_default()
}

/// Where a band begins and ends.
pub(crate) fn ends(band: usize) -> (f64, f64) {
    let edge = |at: usize| EDGES.get(at).copied().unwrap_or(1.0);
    (edge(band), edge(band + 1))
}

impl Bands {
    /// The counts as far as there are any, and whether it is the caller's turn to make new ones.
    pub(crate) fn counts(&self) -> (Arc<Counts>, bool) {
        let kept = self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_old = kept.as_ref().is_none_or(|(at, _)| at.elapsed() > HOLDS);
        let is_mine = is_old && !self.counting.swap(true, Ordering::AcqRel);
        (kept.map(|(_, counts)| counts).unwrap_or_default(), is_mine)
    }

    /// The counts as far as there are any.
    pub(crate) fn kept(&self) -> Arc<Counts> {
        let kept = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|(_, counts)| Arc::clone(counts)).unwrap_or_default()
    }

    /// Counts again. Where that fails, the counts of before stay for as long again.
    pub(crate) fn count(&self, store: &dyn Store, now: Timestamp) {
        let found = counted(store, now);
        let mut kept = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = match found {
            Ok(counts) => Arc::new(counts),
            Err(error) => {
                tracing::warn!(%error, "counting how often decisions were right");
                kept.as_ref().map(|(_, counts)| Arc::clone(counts)).unwrap_or_default()
            }
        };
        *kept = Some((Instant::now(), counts));
        self.counting.store(false, Ordering::Release);
    }
}

fn counted(store: &dyn Store, now: Timestamp) -> Result<Counts> {
    let mut counts = Counts::new();
    let from = now.checked_sub(HOURS.hours()).unwrap_or(Timestamp::MIN);
    store.facts(from, now, &CustomerSet::All, &mut |row| {
        let judged = &row.judged;
        let verdicts = JudgedTicket::from(judged).verdicts;
        for (field, verdict) in Field::ALL.into_iter().zip(verdicts) {
            let Some(decided) = judged.decision.fields.get(&field) else { continue };
            let is_right = match verdict {
                Verdict::Same => true,
                Verdict::Other(_) => false,
                Verdict::Open | Verdict::Undecided(_) => continue,
            };
            let of = counts.entry((field, band(decided.confidence.get()))).or_default();
            *of = (of.0 + u64::from(is_right), of.1 + 1);
        }
        Ok(())
    })?;
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_confidence_has_a_band() {
        let bands = [0.0, 0.49, 0.5, 0.85, 0.94, 0.95, 1.0].map(band);
        assert_eq!(bands, [0, 0, 1, 4, 5, 6, 6]);
    }

    #[test]
    fn one_counts_and_the_others_go_on() {
        let bands = Bands::default();
        assert!(bands.kept().is_empty());
        assert_eq!((bands.counts().1, bands.counts().1), (true, false));
    }
}
