//! Which tickets of a split are learnt from, which choose, and which are kept for certifying.
//!
//! Must never name a ticket of the test window.

use std::collections::HashSet;

use firstline_triage::SplitFacts;

use super::history::{History, HistoryTicket};
use super::shuffle::shuffled;
use super::split::{Split, SplitWindow};

/// The rows that are learnt from, and those that certify what was learnt.
pub(crate) struct LearningRows {
    /// Heads are fitted on these.
    pub(crate) train: Vec<usize>,
    /// Regularisation, mixture and calibration are chosen on these.
    pub(crate) calibrate: Vec<usize>,
    /// Not learnt from: the finished model decides them. One ticket of each family, since a storm of alerts is one
    /// witness, not a hundred.
    pub(crate) certify: Vec<usize>,
}

impl LearningRows {
    /// The rows of `split`; where `at_most` is less than train and calibrate have together, the newest of both, or any
    /// by `seed` where they have no dates.
    pub(crate) fn new(
        history: &History,
        split: &Split,
        families: &[u32],
        at_most: Option<usize>,
        seed: u64,
    ) -> Self {
        let [mut train, mut calibrate] =
            [SplitWindow::Train, SplitWindow::Calibrate].map(|window| split.rows(window));
        let all = train.len() + calibrate.len();
        if let Some(at_most) = at_most.filter(|&n| n < all) {
            for rows in [&mut train, &mut calibrate] {
                let n = rows.len() * at_most / all;
                *rows = newest(history, rows, n, seed);
            }
        }
        let mut witnesses = HashSet::new();
        let mut certify = split.rows(SplitWindow::Certify);
        certify.retain(|&row| witnesses.insert(families[row]));
        Self { train, calibrate, certify }
    }

    /// Train, then calibrate: the order of the bundle's history.
    pub(crate) fn history(&self) -> Vec<usize> {
        self.train.iter().chain(&self.calibrate).copied().collect()
    }

    /// Train, calibrate, certify.
    pub(crate) fn all(&self) -> Vec<usize> {
        self.history().into_iter().chain(self.certify.iter().copied()).collect()
    }

    /// What the bundle records of `split` and of these rows.
    pub(crate) fn facts(&self, tickets: &[HistoryTicket], split: &Split) -> SplitFacts {
        let days = || self.train.iter().chain(&self.calibrate).filter_map(|&r| tickets[r].opened_at);
        let day = |t: jiff::Timestamp| t.to_string().chars().take(10).collect::<String>();
        SplitFacts {
            kind: split.kind.to_owned(),
            train: self.train.len(),
            calibrate: self.calibrate.len(),
            certify: self.certify.len(),
            test: split.count(SplitWindow::Test),
            repeats: split.count(SplitWindow::Repeat),
            unused: split.count(SplitWindow::Unused),
            learnt_from: days().min().zip(days().max()).map(|(first, last)| (day(first), day(last))),
            note: split.note.map(str::to_owned),
        }
    }
}

/// The `n` newest of `rows`, ascending; any where they have no dates.
fn newest(history: &History, rows: &[usize], n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = shuffled(rows.len(), seed).into_iter().map(|i| rows[i]).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(history.tickets[row].opened_at));
    order.truncate(n);
    order.sort_unstable();
    order
}
