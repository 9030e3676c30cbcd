//! The manager's pages: the week, the rollout, the baseline, incidents, the outbox.
//!
//! Plain values in, markup out. Works without a script: every action is a form. Must never show a figure without what it is counted
//! over, nor invent one that nobody knows.

mod bars;
pub mod baseline;
pub mod incidents;
pub mod outbox;
mod parts;
pub mod rollout;
mod signing;
pub mod week;
mod words;

#[cfg(test)]
mod tests;

pub use bars::Bar;
pub use parts::{Basis, FigureView, Level, Measure, Phase, Said, ScopeView, Target, Unit};
