//! How good predictions are, and how far their confidence can be trusted.
//!
//! Pure functions over one field's [`Predictions`]: agreement ([`accuracy`], [`kappa`], [`macro_f1`]), the
//! probabilities themselves ([`nll`], [`brier`]), calibration ([`reliability`], [`ece`]) and what can be
//! left to the machine at which risk ([`aurc`], [`coverage_at_precision`]). [`FieldMetrics`] holds one
//! figure of each.
//!
//! Every figure is the same whatever order the tickets come in, to the last bit. A ticket whose true label
//! the model has never seen counts as wrong everywhere; it is never left out. Nothing here reads a file or
//! fits anything, and what is drawn is drawn with a fixed seed.

mod agreement;
mod calls;
mod classes;
mod confusion;
mod field;
mod groups;
mod predictions;
mod probability;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod invariance;

// What is of plain numbers lies in the stats room; here it stands beside the figures of predictions.
pub use firstline_stats::{
    Accepted, ECE_BINS, Interval, Ranking, ReliabilityBin, RiskPoint, Scored, Tie, accepted_at, aurc,
    confidence_histogram, coverage_at_precision, ece, ece_ci95, reliability, risk_coverage, wilson95,
};

pub use agreement::{accuracy, kappa, majority_share, top_accuracy};
pub use calls::Calls;
pub use classes::{ClassScore, ClassTable, macro_f1};
pub use confusion::{ConfusedPair, Confusion};
pub use field::{Certified, FieldMetrics};
pub use groups::{GroupMetrics, LEAST_GROUP, by_group};
pub use predictions::Predictions;
pub use probability::{PROBABILITY_FLOOR, brier, nll};
