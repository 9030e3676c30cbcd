//! The manager's pages: the week, the rollout, the baseline, incidents, the outbox.
//!
//! Plain values in, markup out. Works without a script: every action is a form. Must never show a figure without what it is counted
//! over, nor invent one that nobody knows.

mod bars;
pub mod baseline;
mod holds;
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

use crate::app::Place;
use crate::words::Language;

/// What names the window at a place of the manager's; empty at another.
pub fn title(place: Place, language: Language) -> &'static str {
    let words = words::of(language);
    match place {
        Place::Week => words.week_title,
        Place::Rollout => words.rollout_title,
        Place::Baseline => words.baseline_title,
        Place::Incidents => words.incidents_title,
        Place::Outbox => words.outbox_title,
        Place::Review | Place::People | Place::Me => "",
    }
}
