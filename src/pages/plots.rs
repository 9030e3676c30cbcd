//! The plots, as SVG that stands inside a page.
//!
//! A plot takes figures and gives markup. Its title is its name for screen readers; colours follow the page's theme.

mod canvas;
mod learning;
mod reliability;
mod risk;

pub use learning::LearningCurve;
pub use reliability::Reliability;
pub use risk::{Line, RiskCoverage};

/// A share at a place on the x axis, with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The place.
    pub x: f64,
    /// The share, 0 to 1.
    pub y: f64,
    /// Lower end of its interval.
    pub low: f64,
    /// Upper end of its interval.
    pub high: f64,
}
