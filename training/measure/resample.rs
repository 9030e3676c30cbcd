//! How often a certified promise is broken: tickets that a bundle has not learnt from are split anew, at random, time after time; one part
//! certifies, and the errors of what it lets through are counted on the other.
//!
//! The heads stay as they are, so both parts are draws of one stream, which is what a certificate supposes. Whether next month's
//! tickets are of that stream too no resampling tells.

use std::collections::BTreeMap;

use firstline_stats::{Interval, at_least, wilson95};
use firstline_ticket::Assertion;
use serde::Serialize;

use super::certification::{AssertionCertification, DecidedCategory, Tested};
use super::certify::Promise;
use crate::prepare::shuffled;

/// A category's errors are surely more than promised where so many would come by chance no more often.
const SURELY: f64 = 0.05;

/// How an assertion is resampled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// What is promised.
    pub promise: Promise,
    /// How often the tickets are split anew.
    pub resamples: usize,
    /// The share that certifies.
    pub share: f64,
    /// Seed of the splits.
    pub seed: u64,
}

/// What came of the resamples of one assertion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Resampled {
    /// What is asserted.
    pub assertion: Assertion,
    /// Tickets that were split.
    pub tickets: usize,
    /// Wrong decisions among them.
    pub errors: usize,
    /// With one threshold for all.
    pub one_threshold: Kept,
    /// With a threshold for each category.
    pub by_category: Kept,
}

/// How a promise was kept.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Kept {
    /// Certificates that a resample grants, on average.
    pub certified: f64,
    /// Share of the other part that is accepted, on average.
    pub accepted: f64,
    /// Resamples in which more of what is accepted of the other part is wrong than was promised.
    pub broken: usize,
    /// Wilson's 95 % interval of their share; the resamples share one set of tickets, so it is too narrow.
    pub interval: Interval,
    /// Resamples in which the errors of some category by itself are surely more than promised, an exact test at 5 %.
    pub broken_in_a_category: usize,
}

/// Resamples what `assertion` asserts of the decisions in `tested`.
///
/// # Panics
/// When the promise is none, as [`certify`](super::certify::certify()).
pub fn resample(assertion: Assertion, tested: &[Tested], resampling: Resampling) -> Resampled {
    let n = tested.len();
    let certifying = (n as f64 * resampling.share).round() as usize;
    let (mut one_threshold, mut by_category) = (Sum::default(), Sum::default());
    for round in 0..resampling.resamples as u64 {
        let order = shuffled(n, resampling.seed.wrapping_add(round));
        let (first, other) = order.split_at(certifying.min(n));
        let part: Vec<Tested> = first.iter().map(|&i| tested[i].clone()).collect();
        let found = AssertionCertification::of(assertion, &part, resampling.promise);
        let others = || other.iter().map(|&i| &tested[i]);
        let all = found.all.threshold;
        one_threshold.add(resampling.promise, usize::from(all.is_some()), others(), |_| all);
        let thresholds: BTreeMap<&DecidedCategory, f64> =
            found.certified().filter_map(|one| Some((&one.category, one.certification.threshold?))).collect();
        by_category.add(resampling.promise, thresholds.len(), others(), |one| {
            thresholds.get(&one.category).copied()
        });
    }
    let errors = tested.iter().filter(|one| !one.scored.correct).count();
    let kept = |sum: Sum| sum.kept(resampling.resamples, n - certifying.min(n));
    Resampled {
        assertion,
        tickets: n,
        errors,
        one_threshold: kept(one_threshold),
        by_category: kept(by_category),
    }
}

/// Sums over resamples.
#[derive(Default)]
struct Sum {
    certified: usize,
    accepted: usize,
    broken: usize,
    broken_in_a_category: usize,
}

impl Sum {
    /// Adds a resample that granted `certified` certificates, whose thresholds let through some of the `others`.
    fn add<'a>(
        &mut self,
        promise: Promise,
        certified: usize,
        others: impl Iterator<Item = &'a Tested>,
        threshold: impl Fn(&Tested) -> Option<f64>,
    ) {
        let mut categories: BTreeMap<&DecidedCategory, (usize, usize)> = BTreeMap::new();
        for one in others.filter(|one| threshold(one).is_some_and(|from| one.scored.confidence >= from)) {
            let (accepted, errors) = categories.entry(&one.category).or_default();
            *accepted += 1;
            *errors += usize::from(!one.scored.correct);
        }
        let (accepted, errors) = categories.values().fold((0, 0), |(a, e), (b, f)| (a + b, e + f));
        let surely = |(accepted, errors): &(usize, usize)| {
            *errors > 0 && at_least(*errors, *accepted, promise.error) <= SURELY
        };
        self.certified += certified;
        self.accepted += accepted;
        self.broken += usize::from(errors as f64 > promise.error * accepted as f64);
        self.broken_in_a_category += usize::from(categories.values().any(surely));
    }

    fn kept(self, resamples: usize, others: usize) -> Kept {
        let runs = resamples.max(1) as f64;
        Kept {
            certified: self.certified as f64 / runs,
            accepted: self.accepted as f64 / runs / others.max(1) as f64,
            broken: self.broken,
            interval: wilson95(self.broken, resamples),
            broken_in_a_category: self.broken_in_a_category,
        }
    }
}

#[cfg(test)]
mod tests {
    use firstline_stats::Scored;

    use super::*;

    fn tested(board: &str, n: usize, wrong: usize) -> Vec<Tested> {
        let category = DecidedCategory { board: Some(board.to_owned()), kind: None };
        let one = |i| Tested {
            category: category.clone(),
            scored: Scored { confidence: 0.99, correct: i >= wrong },
        };
        (0..n).map(one).collect()
    }

    const RESAMPLING: Resampling = Resampling {
        promise: Promise { error: 0.02, confidence: 0.95, floor: 0.9 },
        resamples: 200,
        share: 0.5,
        seed: 1,
    };

    #[test]
    fn what_is_surely_right_is_granted_and_kept_and_what_is_not_is_refused() {
        let pool = [tested("Net", 600, 0), tested("Desk", 600, 60)].concat();
        let found = resample(Assertion::Board, &pool, RESAMPLING);
        assert_eq!((found.tickets, found.errors), (1_200, 60));
        assert_eq!((found.one_threshold.certified, found.one_threshold.accepted), (0.0, 0.0));
        let kept = found.by_category;
        assert!(kept.certified == 1.0 && (kept.accepted - 0.5).abs() < 0.02, "{kept:?}");
        assert_eq!((kept.broken, kept.broken_in_a_category), (0, 0));
        assert_eq!(resample(Assertion::Board, &pool, RESAMPLING), found);
    }

    #[test]
    fn at_an_error_just_above_the_promise_few_resamples_break_it() {
        // Errors of 2.1 % in each of four categories, which share the chance.
        let pool = ["a", "b", "c", "d"].map(|board| tested(board, 1_000, 21)).concat();
        let found = resample(Assertion::Board, &pool, RESAMPLING);
        let kept = found.by_category;
        assert!(kept.broken <= 10 && kept.interval.lo <= 0.05, "{kept:?}");
        assert_eq!(resample(Assertion::Board, &[], RESAMPLING).by_category.accepted, 0.0);
    }
}
