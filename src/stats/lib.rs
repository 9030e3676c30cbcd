//! Statistics on plain numbers: how sure a share is, whether stated confidences come true, and what could be accepted
//! at which risk.
//!
//! Training measures models with it and the rollout judges its weeks with it, so that both mean the same by an interval.
//! This room must never know a ticket, a label or a model. Nothing here reads a file or the clock; what is drawn
//! is drawn with a fixed seed, so equal input gives equal figures to the last bit, whatever order it comes in.

mod binomial;
mod bootstrap;
mod ece;
mod interval;
mod ranking;
mod selective;

pub use binomial::{at_most, trials_needed, upper_bound};
pub use bootstrap::{RESAMPLES, percentile, resample};
pub use ece::{ECE_BINS, ReliabilityBin, confidence_histogram, ece, ece_ci95, reliability};
pub use interval::{Interval, share, wilson95};
pub use ranking::{Ranking, Scored, Tie};
pub use selective::{Accepted, RiskPoint, accepted_at, aurc, coverage_at_precision, risk_coverage};
