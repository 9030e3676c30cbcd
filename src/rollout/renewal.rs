//! Whether a certificate still stands, by what came of the decisions that were left to the machine since: looked at every week, without
//! anything being peeked at.
//!
//! Tickets of before speak for a certificate, never against what came of it since: they were chosen for being right. Must never let a
//! certificate stand by what is not known: decisions whose outcome is open are not counted.

use firstline_stats::{Count, clean_needed, evidence_above, evidence_below};
use serde::Serialize;

/// A certificate as it was granted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Granted {
    /// Decisions that it was tested on and accepted, and the wrong ones among them.
    pub tested: Count,
    /// The share of errors that it promises not to pass, 0.02 for 2 %.
    pub error: f64,
    /// The chance with which that may be wrong, 0.05 for 5 %: for this certificate, so a share of it where several are watched.
    pub chance: f64,
}

/// How a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The bound of the error rate, over what it was granted on and all weeks since, is within the promise at any time that is looked.
    Stands,
    /// Neither is shown: it goes on by what it was granted on.
    NotEnough,
    /// Errors are more frequent than promised. It stays so, whatever comes after.
    Lapsed,
}

/// What a look at a certificate shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Renewal {
    /// How it stands.
    pub standing: Standing,
    /// Decisions since it was granted, with a known outcome.
    pub accepted: u64,
    /// Wrong ones among them.
    pub errors: u64,
    /// The highest evidence by now that errors are more frequent than promised; at `1 / chance` it lapses.
    pub against: f64,
    /// Further right decisions that would renew it; none where it stands, or has lapsed.
    pub clean_needed: Option<u64>,
}

/// Looks at the certificate `granted` after `weeks`, in order: the decisions of each that were left to the machine and whose outcome is
/// known, and the errors among them (`hits`).
///
/// One that keeps its promise is lapsed with a probability of at most `chance` in all its life, however often one looks.
pub fn renewal(granted: Granted, weeks: &[Count]) -> Renewal {
    let Granted { tested, error, chance } = granted;
    let since = weeks.iter().fold(Count { hits: 0, n: 0 }, |sum, week| both(sum, *week));
    let against = evidence_above(weeks.iter().copied(), error);
    let all = both(tested, since);
    let standing = if against >= 1.0 / chance {
        Standing::Lapsed
    } else if evidence_below(all, error) >= 1.0 / chance {
        Standing::Stands
    } else {
        Standing::NotEnough
    };
    let clean_needed = (standing == Standing::NotEnough).then(|| clean_needed(all, error, chance) as u64);
    Renewal { standing, accepted: since.n as u64, errors: since.hits as u64, against, clean_needed }
}

fn both(a: Count, b: Count) -> Count {
    Count { hits: a.hits + b.hits, n: a.n + b.n }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Granted on 149 decisions, none of them wrong.
    const GRANTED: Granted = Granted { tested: Count { hits: 0, n: 149 }, error: 0.02, chance: 0.05 };

    fn count(hits: usize, n: usize) -> Count {
        Count { hits, n }
    }

    /// Of 1,000 cells with `per_week` decisions and a true `rate`, looked at in each of 52 weeks, those that lapse, the median week in which
    /// they do, and those that were renewed before.
    fn year(per_week: usize, rate: f64) -> (usize, usize, usize) {
        let mut random = ChaCha8Rng::seed_from_u64(44);
        let (mut lapsed, mut renewed) = (Vec::new(), 0);
        for _ in 0..1_000 {
            let (mut weeks, mut stood) = (Vec::new(), false);
            for week in 1..=52 {
                weeks.push(count((0..per_week).filter(|_| random.random_bool(rate)).count(), per_week));
                match renewal(GRANTED, &weeks).standing {
                    Standing::Lapsed => {
                        lapsed.push(week);
                        break;
                    }
                    Standing::Stands => stood = true,
                    Standing::NotEnough => {}
                }
            }
            renewed += usize::from(stood);
        }
        lapsed.sort_unstable();
        (lapsed.len(), lapsed.get(lapsed.len() / 2).copied().unwrap_or(0), renewed)
    }

    #[test]
    fn r42_a_cell_that_errs_in_1_percent_keeps_its_certificate_for_a_year() {
        for per_week in [10, 50] {
            let (lapsed, _, renewed) = year(per_week, 0.01);
            println!("{per_week} a week at 1 %: {lapsed} of 1000 lapse, {renewed} are renewed at some time");
            assert!(lapsed <= 50, "{per_week} a week: {lapsed} of 1000 lapse");
        }
        let (lapsed, ..) = year(50, 0.02);
        assert!(lapsed <= 50, "at the promised rate itself: {lapsed} of 1000 lapse");
    }

    #[test]
    fn r42_a_cell_that_errs_in_5_percent_loses_it() {
        for (per_week, weeks) in [(20, 15), (50, 8)] {
            let (lapsed, week, renewed) = year(per_week, 0.05);
            println!(
                "{per_week} a week at 5 %: {lapsed} of 1000 lapse, median week {week}, {renewed} renewed"
            );
            assert!(lapsed > 900 && week <= weeks, "{per_week} a week: {lapsed} of 1000, median week {week}");
        }
    }

    #[test]
    fn r42_it_says_what_it_knows_and_what_is_missing() {
        let fresh = renewal(GRANTED, &[]);
        assert_eq!((fresh.standing, fresh.accepted, fresh.against), (Standing::NotEnough, 0, 1.0));
        let missing = fresh.clean_needed.unwrap() as usize;
        let weeks = [count(0, missing - 1), count(0, 0), count(0, 1)];
        assert_eq!(renewal(GRANTED, &weeks[..2]).standing, Standing::NotEnough);
        let stands = renewal(GRANTED, &weeks);
        assert_eq!(
            (stands.standing, stands.clean_needed, stands.accepted),
            (Standing::Stands, None, missing as u64)
        );
        // An error takes it back, and does not make it lapse.
        let one = renewal(GRANTED, &[weeks[0], weeks[2], count(1, 1)]);
        assert!(one.standing == Standing::NotEnough && one.clean_needed > Some(1), "{one:?}");
        // What was shown once stays shown, and what it was granted on excuses nothing.
        let bad = [count(0, 30), count(6, 30)];
        let large = Granted { tested: count(0, 100_000), ..GRANTED };
        for granted in [GRANTED, large] {
            assert_eq!(renewal(granted, &bad).standing, Standing::Lapsed);
            let after = [bad[0], bad[1], count(0, 5_000)];
            assert_eq!(renewal(granted, &after).standing, Standing::Lapsed);
        }
        // Of ten that are watched together, each needs more to lapse.
        let shared = Granted { chance: 0.005, ..GRANTED };
        assert_eq!(renewal(shared, &[count(3, 30)]).against, renewal(GRANTED, &[count(3, 30)]).against);
        assert!(renewal(shared, &[]).clean_needed > fresh.clean_needed);
    }
}
