//! Statistics on plain numbers: how sure a share is, whether stated confidences come true, what could be accepted
//! at which risk, whether two times differ, and whether a figure has turned bad.
//!
//! Training measures models with it and the rollout judges its weeks with it, so that both mean the same by an interval.
//! This room must never know a ticket, a label or a model. Nothing here reads a file or the clock; what is drawn
//! is drawn with a fixed seed, so equal input gives equal figures to the last bit, whatever order it comes in.

mod binomial;
mod bootstrap;
mod compare;
mod ece;
mod falls;
mod interval;
mod kappa;
mod power;
mod ranking;
mod selective;
mod sequential;
mod since;
mod standardise;
mod summary;
mod survival;

pub use binomial::{at_least, at_most, lower_bound, trials_needed, upper_bound};
pub use bootstrap::{RESAMPLES, percentile, resample};
pub use compare::{Count, McNemar, difference_lower_bound, fisher_lower, mann_whitney_higher, mcnemar};
pub use ece::{ECE_BINS, ReliabilityBin, confidence_histogram, ece, ece_ci95, reliability};
pub use falls::two_falls_by_chance;
pub use interval::{Interval, share, wilson95};
pub use kappa::kappa;
pub use power::{
    POWER, detectable_difference, detectable_fall, power_of_bound, power_of_fisher, trials_for_bound,
};
pub use ranking::{Ranking, Scored, Tie};
pub use selective::{Accepted, RiskPoint, accepted_at, aurc, coverage_at_precision, risk_coverage};
pub use sequential::{MixtureCusum, ShareBetting};
pub use since::{Gain, Moments, Since, gain};
pub use standardise::{Standardised, Stratum, standardised_change};
pub use summary::{mean, quantile, select_quantiles, winsorised_mean};
pub use survival::{Duration, KaplanMeier};
