//! A figure that gets worse in two weeks running: the rule to the letter, and beside it a test of whether the fall is real.
//!
//! A figure that only wavers falls twice running in 60 % of seven-week programmes, so the letter pauses expansion and nothing else.

use firstline_stats::{Count, fisher_lower, mann_whitney_higher, quantile, share};
use jiff::Timestamp;
use serde::Serialize;

use crate::baseline::opened_by;
use crate::figures::{Desk, Measured, measure};
use crate::{Kpi, Population, TicketFacts, TwoFalls, Week, percent, select};

/// A figure's closed weeks, in any order, each with its number in the programme.
#[derive(Debug, Clone, PartialEq)]
pub enum Series {
    /// A share of which more is better.
    HigherShare(Vec<(u32, Count)>),
    /// A share of which less is better.
    LowerShare(Vec<(u32, Count)>),
    /// Times, judged by their median, of which less is better.
    Times(Vec<(u32, Vec<f64>)>),
}

/// What is said of two falls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TwoFallsFound {
    /// The last week with enough tickets.
    pub week: u32,
    /// Whether it was worse than the week before it, and that worse than the one before.
    pub fell: bool,
    /// The chance of so bad a fall, the last two weeks beside the four before them, if nothing had changed; `None` where there are
    /// fewer than six weeks.
    pub p: Option<f64>,
    /// Whether that is small enough to call the fall real.
    pub real: Option<bool>,
}

impl TwoFallsFound {
    /// What was found of a figure of this name, in words, with what the test says beside it.
    pub fn in_words(&self, name: &str) -> String {
        let fell = if self.fell { "has fallen in two weeks running" } else { "is lower than it was" };
        let chance = self.p.map(|p| percent(p.max(1e-4)));
        let tested = match (chance, self.real) {
            (Some(p), Some(true)) => {
                format!("the fall is real: by chance so bad a one has a probability of {p}")
            }
            (Some(p), _) => {
                format!("so bad a fall has a probability of {p} by chance alone: it need not be real")
            }
            (None, _) => "there are too few weeks to test whether it is real".to_owned(),
        };
        format!("R62: {name} {fell}, up to week {}; {tested}", self.week)
    }
}

impl TwoFalls {
    /// Whether what was found pauses expansion.
    pub fn pauses(self, found: &TwoFallsFound) -> bool {
        let real = found.real == Some(true);
        match self {
            Self::Literal => found.fell,
            Self::Tested => real,
            Self::Both => found.fell || real,
        }
    }
}

/// Tickets that a week needs to be looked at.
const FEWEST: usize = 10;

/// The chance below which a fall is called real. [`two_falls_by_chance`](firstline_stats::two_falls_by_chance) is what it
/// guards against: over seven looks it errs in 4 % of programmes.
const REAL: f64 = 0.01;

/// A week's figure, the lower the worse.
fn goodness(count: &Count, higher: bool) -> f64 {
    let share = share(count.hits, count.n);
    if higher { share } else { -share }
}

/// Whether a figure fell in its last two weeks. Weeks with fewer than ten tickets are skipped. `None` where no week has so many.
pub fn two_falls(series: &Series) -> Option<TwoFallsFound> {
    match series {
        Series::HigherShare(weeks) => of_shares(weeks, true),
        Series::LowerShare(weeks) => of_shares(weeks, false),
        Series::Times(weeks) => of_times(weeks),
    }
}

fn of_shares(weeks: &[(u32, Count)], higher: bool) -> Option<TwoFallsFound> {
    let mut weeks: Vec<&(u32, Count)> = weeks.iter().filter(|(_, count)| count.n >= FEWEST).collect();
    weeks.sort_by_key(|(number, _)| *number);
    let figures: Vec<f64> = weeks.iter().map(|(_, count)| goodness(count, higher)).collect();
    let pooled = |weeks: &[&(u32, Count)]| {
        let (hits, n) = weeks.iter().fold((0, 0), |(hits, n), (_, c)| (hits + c.hits.min(c.n), n + c.n));
        Count { hits: if higher { hits } else { n - hits }, n }
    };
    let p = lately(&weeks).map(|(before, now)| fisher_lower(pooled(now), pooled(before)));
    Some(found(weeks.last()?.0, &figures, p))
}

fn of_times(weeks: &[(u32, Vec<f64>)]) -> Option<TwoFallsFound> {
    let mut weeks: Vec<&(u32, Vec<f64>)> = weeks.iter().filter(|(_, times)| times.len() >= FEWEST).collect();
    weeks.sort_by_key(|(number, _)| *number);
    let median = |times: &[f64]| {
        let mut times = times.to_vec();
        times.sort_by(f64::total_cmp);
        quantile(&times, 0.5).map_or(0.0, |median| -median)
    };
    let figures: Vec<f64> = weeks.iter().map(|(_, times)| median(times)).collect();
    let pooled =
        |weeks: &[&(u32, Vec<f64>)]| weeks.iter().flat_map(|(_, times)| times.clone()).collect::<Vec<_>>();
    let p = lately(&weeks).map(|(before, now)| mann_whitney_higher(&pooled(now), &pooled(before)));
    Some(found(weeks.last()?.0, &figures, p))
}

/// The times of a signed figure in a week, in seconds, as known at `moment`: those of people's tickets that were opened in it. Empty
/// for a figure that is no time.
pub fn week_times(
    kpi: Kpi,
    facts: &[TicketFacts],
    desk: &Desk<'_>,
    (week, moment): (&Week, Timestamp),
) -> Vec<f64> {
    let then = opened_by(facts, week, moment);
    let people = select(&then, Population::People).tickets;
    times(kpi, &measure(&people, desk, week.start, moment))
}

/// The times of a figure that were measured.
pub(crate) fn times(kpi: Kpi, measured: &[Measured<'_>]) -> Vec<f64> {
    let of = |one: &Measured<'_>| match kpi {
        Kpi::HandleTime => one.handle(),
        Kpi::FirstResponse => one.answered_after(),
        Kpi::Resolution => one.resolved_after(),
        _ => None,
    };
    measured.iter().filter_map(of).collect()
}

/// The four weeks before the last two, and those.
fn lately<T>(weeks: &[T]) -> Option<(&[T], &[T])> {
    let six = weeks.len().checked_sub(6)?;
    Some(weeks[six..].split_at(4))
}

fn found(week: u32, figures: &[f64], p: Option<f64>) -> TwoFallsFound {
    let fell = matches!(figures, [.., a, b, c] if c < b && b < a);
    TwoFallsFound { week, fell, p, real: p.map(|p| p <= REAL) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(hits: &[usize]) -> Vec<(u32, Count)> {
        hits.iter().zip(1..).map(|(hits, week)| (week, Count { hits: *hits, n: 50 })).collect()
    }

    #[test]
    fn r62_two_falls_running_are_found_and_a_small_one_is_not_called_real() {
        let small = two_falls(&Series::HigherShare(shares(&[43, 42, 44, 43, 42, 41]))).unwrap();
        assert_eq!((small.week, small.fell, small.real), (6, true, Some(false)));
        let real = two_falls(&Series::HigherShare(shares(&[43, 44, 43, 44, 36, 30]))).unwrap();
        assert_eq!((real.fell, real.real), (true, Some(true)));
        let level = two_falls(&Series::HigherShare(shares(&[43, 44, 43, 42, 42, 41]))).unwrap();
        assert!(!level.fell, "an equal week is no fall");
        assert_eq!(two_falls(&Series::HigherShare(shares(&[43, 42, 41]))).unwrap().p, None);
        // Of errors, more is worse.
        assert!(two_falls(&Series::LowerShare(shares(&[1, 2, 3]))).unwrap().fell);
        let worse = two_falls(&Series::LowerShare(shares(&[1, 0, 1, 0, 9, 12]))).unwrap();
        assert_eq!((worse.fell, worse.real), (true, Some(true)));
    }

    #[test]
    fn r62_what_pauses_is_what_was_signed() {
        let found = |fell, real| TwoFallsFound { week: 9, fell, p: None, real };
        let cases =
            [found(true, Some(false)), found(false, Some(true)), found(true, None), found(false, None)];
        let of = |rule: TwoFalls| cases.each_ref().map(|found| rule.pauses(found));
        assert_eq!(of(TwoFalls::Literal), [true, false, true, false]);
        assert_eq!(of(TwoFalls::Tested), [false, true, false, false]);
        assert_eq!(of(TwoFalls::Both), [true, true, true, false]);
    }

    #[test]
    fn r62_weeks_with_few_tickets_are_skipped_whatever_their_order() {
        let mut weeks = shares(&[45, 44, 43]);
        weeks.push((4, Count { hits: 0, n: 9 }));
        weeks.push((5, Count { hits: 0, n: 0 }));
        weeks.reverse();
        let found = two_falls(&Series::HigherShare(weeks)).unwrap();
        assert_eq!((found.week, found.fell), (3, true));
        assert_eq!(two_falls(&Series::HigherShare(vec![(1, Count { hits: 9, n: 9 })])), None);
        assert_eq!(two_falls(&Series::Times(vec![])), None);
    }

    #[test]
    fn r62_times_are_compared_by_rank() {
        let week = |from: u32| (0..20).map(|i| f64::from(from + 10 * i)).collect::<Vec<f64>>();
        let of = |from: &[u32]| {
            Series::Times(from.iter().zip(1..).map(|(from, number)| (number, week(*from))).collect())
        };
        let slower = two_falls(&of(&[100, 101, 100, 102, 200, 260])).unwrap();
        assert_eq!((slower.fell, slower.real), (true, Some(true)));
        let faster = two_falls(&of(&[100, 101, 100, 102, 60, 50])).unwrap();
        assert_eq!((faster.fell, faster.real), (false, Some(false)));
    }
}
