//! Tests that may be looked at every week, and as often as anybody likes, without raising more false alarms than promised.
//!
//! Both are e-processes: under the hypothesis their value has a mean of at most 1 at any time, so a large one is evidence
//! whatever made people look.

use serde::{Deserialize, Serialize};

/// Error rates that [`MixtureCusum`] looks for beside the one that is allowed.
const WORSE: [f64; 3] = [0.04, 0.06, 0.10];

/// Whether an error rate has risen above what is allowed: a mixture of CUSUMs made of likelihood ratios (Shin, Ramdas, Rinaldo: E-detectors,
/// arXiv 2203.03532). Each sum `S_q ← max(S_q, 0) + Σ [x ln(q/p) + (1-x) ln((1-q)/(1-p))]` looks for one worse rate `q`;
/// the sums begin again at 0, where they had fallen below, when a week begins.
///
/// With an alarm at a [`value`](Self::value) of 50, false ones are on average at least 50 weeks apart as long as the rate is the allowed
/// one or less, even when every single action is looked at: the sums begin again at most once a week (their bound on the average run
/// length of e-detectors).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixtureCusum {
    allowed: f64,
    sums: [f64; 3],
}

impl MixtureCusum {
    /// A detector that has seen nothing. `allowed` is the highest rate that is all right, 0.02 for 2 %.
    ///
    /// # Panics
    /// When `allowed` is not above 0 and below 4 %, the lowest rate that is looked for.
    pub fn new(allowed: f64) -> Self {
        assert!(allowed > 0.0 && allowed < WORSE[0], "an allowed rate of {allowed}");
        Self { allowed, sums: [0.0; 3] }
    }

    /// A week begins: what spoke against an alarm is forgotten.
    pub fn begin_week(&mut self) {
        self.sums.iter_mut().for_each(|sum| *sum = sum.max(0.0));
    }

    /// `errors` among `actions` more actions of the week. Their order does not matter.
    pub fn add(&mut self, errors: u64, actions: u64) {
        let right = actions.saturating_sub(errors) as f64;
        for (sum, worse) in self.sums.iter_mut().zip(WORSE) {
            *sum += errors as f64 * (worse / self.allowed).ln()
                + right * ((1.0 - worse) / (1.0 - self.allowed)).ln();
        }
    }

    /// The mean of `e^S_q`: the evidence that the rate has risen. 1 where nothing speaks for it or against it.
    pub fn value(&self) -> f64 {
        self.sums.iter().map(|sum| sum.exp()).sum::<f64>() / WORSE.len() as f64
    }
}

/// Bets that are averaged by [`ShareBetting`].
const BETS: u32 = 40;

/// Evidence that a share is below what is needed: the wealth of somebody who bets against it, fairly, and spreads the stake over many
/// bets (Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, arXiv 2010.09686: diversified
/// bets). If the share is `needed` or more, the wealth passes 20 with a probability of at most 1/20, however often one looks.
///
/// It depends on the counts only, never on the order in which tickets are taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ShareBetting {
    /// The share that is needed.
    pub needed: f64,
    /// Tickets that have it.
    pub hits: u64,
    /// Tickets looked at.
    pub n: u64,
}

impl ShareBetting {
    /// The wealth by now, beginning with 1: the mean over bets `λ` of `Π (1 - λ (x - needed))`. Stakes are spread evenly between
    /// none and the largest that a hit can't ruin, `1 / (1 - needed)`.
    ///
    /// 1 where `needed` is not between 0 and 1, both excluded.
    pub fn value(&self) -> f64 {
        if !(self.needed > 0.0 && self.needed < 1.0) {
            return 1.0;
        }
        let (hits, misses) = (self.hits as f64, self.n.saturating_sub(self.hits) as f64);
        let logs = (1..=BETS).map(|bet| {
            let stake = f64::from(bet) / f64::from(BETS + 1) / (1.0 - self.needed);
            hits * (1.0 - stake * (1.0 - self.needed)).ln() + misses * (stake * self.needed).ln_1p()
        });
        let logs: Vec<f64> = logs.collect();
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = logs.iter().map(|log| (log - top).exp()).sum::<f64>() / f64::from(BETS);
        (top + mean.ln()).exp()
    }

    /// The highest share that the bets have not refuted at an alarm of `alarm`: the upper end of a confidence sequence, right at all
    /// times together with a probability of at least `1 - 1/alarm`. 1 where nothing is refuted.
    pub fn upper_bound(&self, alarm: f64) -> f64 {
        let refuted = |needed: f64| Self { needed, ..*self }.value() >= alarm;
        let (mut low, mut high) = (self.hits as f64 / self.n.max(1) as f64, 1.0);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if refuted(middle) { high = middle } else { low = middle }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::at_most;

    const WEEKS: usize = 13;
    const ACTIONS: u64 = 50;
    const RUNS: usize = 4_000;

    /// Shares of [`RUNS`] programmes of 13 weeks at 50 actions that fire, and the median week in which those do: looked at when
    /// a week closes, and at every send.
    fn programmes(rate: f64) -> [(f64, Option<usize>); 2] {
        let mut random = ChaCha8Rng::seed_from_u64(70);
        let mut fired = [Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            let (mut cusum, mut first) = (MixtureCusum::new(0.02), [None; 2]);
            for week in 1..=WEEKS {
                cusum.begin_week();
                for _ in 0..ACTIONS {
                    cusum.add(u64::from(random.random_bool(rate)), 1);
                    if first[1].is_none() && cusum.value() >= 50.0 {
                        first[1] = Some(week);
                    }
                }
                if first[0].is_none() && cusum.value() >= 50.0 {
                    first[0] = Some(week);
                }
            }
            fired.iter_mut().zip(first).for_each(|(weeks, week)| weeks.extend(week));
        }
        fired.map(|mut weeks| {
            weeks.sort_unstable();
            (weeks.len() as f64 / RUNS as f64, weeks.get(weeks.len() / 2).copied())
        })
    }

    #[test]
    fn r70_the_cusum_stays_quiet_at_1_percent_and_fires_at_5() {
        // Within 1.5 points of .001/.026/.96/1.0 at week's close and .004/.08/.98/1.0 at each send.
        let wanted = [(0.01, 0.001, 0.004), (0.02, 0.026, 0.08), (0.05, 0.96, 0.98), (0.10, 1.0, 1.0)];
        for (rate, close, send) in wanted {
            let [at_close, at_send] = programmes(rate);
            assert!(
                (at_close.0 - close).abs() < 0.015 && (at_send.0 - send).abs() < 0.015,
                "{rate}: {at_close:?} {at_send:?}"
            );
            match rate {
                0.05 => assert_eq!((at_close.1, at_send.1), (Some(5), Some(4))),
                0.10 => assert_eq!((at_close.1, at_send.1), (Some(2), Some(1))),
                _ => (),
            }
        }
    }

    #[test]
    fn r70_the_literal_rule_fires_by_chance_in_most_programmes() {
        // More than 2 % of 50 are two errors: 9 % of weeks at a true 1 %, .70 of programmes.
        let week = 1.0 - at_most(1, 50, 0.01);
        assert!((week - 0.089).abs() < 5e-4);
        assert!((1.0 - (1.0 - week).powi(13) - 0.704).abs() < 5e-4);
        // Checked after each send, the first error fires unless it is the fiftieth action: .39 of weeks.
        let each = 1.0 - 0.99f64.powi(49);
        assert!((each - 0.389).abs() < 5e-4);
        // Below 50 actions one error is always more.
        assert!((1..50).all(|n| 1.0 / f64::from(n) > 0.02) && 1.0 / 50.0 <= 0.02);
    }

    #[test]
    fn r70_false_alarms_are_at_least_fifty_weeks_apart() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let runs = 300;
        let mut waited = 0;
        for _ in 0..runs {
            let mut cusum = MixtureCusum::new(0.02);
            for _ in 0..400 {
                waited += 1;
                cusum.begin_week();
                let mut alarm = false;
                for _ in 0..ACTIONS {
                    cusum.add(u64::from(random.random_bool(0.02)), 1);
                    alarm |= cusum.value() >= 50.0;
                }
                if alarm {
                    break;
                }
            }
        }
        assert!(waited >= 50 * runs, "{} weeks", f64::from(waited) / f64::from(runs));
    }

    #[test]
    fn the_cusum_is_the_sum_by_hand() {
        let mut cusum = MixtureCusum::new(0.02);
        assert_eq!(cusum.value(), 1.0);
        cusum.add(0, 50);
        assert!(cusum.value() < 0.4);
        cusum.begin_week();
        assert_eq!(cusum.value(), 1.0);
        cusum.add(1, 3);
        let ratio = |q: f64| q / 0.02 * ((1.0 - q) / 0.98).powi(2);
        assert!((cusum.value() - WORSE.map(ratio).iter().sum::<f64>() / 3.0).abs() < 1e-12);
    }

    #[test]
    fn r71_at_the_share_that_is_needed_bets_seldom_win() {
        // 50 tickets a week for 10 weeks, looked at after every ticket.
        let mut random = ChaCha8Rng::seed_from_u64(71);
        let alarms = |share: f64, random: &mut ChaCha8Rng| {
            let runs = 400;
            let fired = (0..runs).filter(|_| {
                let mut bets = ShareBetting { needed: 0.75, hits: 0, n: 0 };
                (0..500).any(|_| {
                    bets.n += 1;
                    bets.hits += u64::from(random.random_bool(share));
                    bets.value() >= 20.0
                })
            });
            fired.count() as f64 / f64::from(runs)
        };
        let by_chance = alarms(0.75, &mut random);
        assert!(by_chance <= 0.05, "{by_chance}");
        assert!(alarms(0.80, &mut random) <= 0.02);
        let found = alarms(0.65, &mut random);
        assert!(found >= 0.97, "{found}");
    }

    #[test]
    fn r71_bets_are_fair_and_know_no_order() {
        // Mean wealth after five tickets at the needed share, over all outcomes: exactly 1.
        let choose = [1.0, 5.0, 10.0, 10.0, 5.0, 1.0];
        let mean: f64 = (0..=5u64)
            .map(|hits| {
                let probability =
                    choose[hits as usize] * 0.75f64.powi(hits as i32) * 0.25f64.powi(5 - hits as i32);
                probability * ShareBetting { needed: 0.75, hits, n: 5 }.value()
            })
            .sum();
        assert!((mean - 1.0).abs() < 1e-12);
        assert!(ShareBetting { needed: 0.75, hits: 300, n: 500 }.value() > 1e6);
        assert!(ShareBetting { needed: 0.75, hits: 1_000_000, n: 1_000_000 }.value() < 1.0);
        assert_eq!(ShareBetting { needed: 1.0, hits: 0, n: 9 }.value(), 1.0);
    }

    #[test]
    fn r71_bets_are_those_of_the_authors_own_package() {
        // confseq 0.0.11, diversified_betting_mart(x, .75, theta=0, trunc_scale=1) with the stakes d / 41 / .25.
        let wanted = [
            (140, 200, 0.363_697_885_664_039),
            (60, 100, 37.283_869_882_851_16),
            (85, 100, 0.012_615_950_616_642_6),
            (30, 50, 3.458_130_647_179_666),
        ];
        for (hits, n, value) in wanted {
            let found = ShareBetting { needed: 0.75, hits, n }.value();
            assert!((found / value - 1.0).abs() < 1e-12, "{hits} of {n}: {found}");
        }
    }

    #[test]
    fn r71_the_bound_of_the_sequence_is_wider_than_that_of_one_look() {
        let bets = ShareBetting { needed: 0.75, hits: 140, n: 200 };
        let (bound, once) = (bets.upper_bound(20.0), crate::upper_bound(140, 200, 0.95));
        assert!(bound > once && bound < once + 0.06, "{bound} {once}");
        assert!((ShareBetting { needed: bound + 1e-9, ..bets }.value() - 20.0).abs() < 0.1);
        assert_eq!(ShareBetting { hits: 0, n: 0, ..bets }.upper_bound(20.0), 1.0);
    }
}
