//! Whether more is better, or less.

use firstline_stats::trials_for_bound;
use serde::{Deserialize, Serialize};

/// On which side of a threshold a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// At the threshold or above it.
    AtLeast,
    /// At the threshold or below it.
    AtMost,
}

impl Direction {
    /// By how much `found` misses `needed`; 0 or less where it does not.
    pub(crate) fn short(self, found: f64, needed: f64) -> f64 {
        match self {
            Self::AtLeast => needed - found,
            Self::AtMost => found - needed,
        }
    }

    /// Tickets that a rate as `found` needs until its bound is on this side of `needed`; `None` where none would do.
    pub(crate) fn tickets(self, found: f64, needed: f64, confidence: f64) -> Option<usize> {
        match self {
            Self::AtLeast => trials_for_bound(found, needed, confidence),
            Self::AtMost => trials_for_bound(1.0 - found, 1.0 - needed, confidence),
        }
    }
}
