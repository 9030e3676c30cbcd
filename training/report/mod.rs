//! The evaluation report: one self-contained HTML page that a service-desk manager can read and print.
//!
//! [`FieldReport::new`] gathers what the page shows of one field, [`render`] writes the page: for each field a sentence in
//! plain words, the figures beside the baselines, what may be decided alone, the plots, for whom the confidence holds, how
//! good the history's labels are and what more of it would buy, which labels are confused, and every label's own figures.
//!
//! This module decides what the sections are and what they say. `firstline_pages` decides how they look, draws the plots and
//! makes text safe. Labels, file names and notes come from other people's data: they go through its `label` and `note`, and
//! never into an attribute or a style. Nothing here reads a file or the clock, so equal input gives an equal page.

mod facts;
mod field;
mod matrix;
mod page;
mod past;
mod plots;
mod tables;
mod trust;
mod words;

#[cfg(test)]
mod tests;

pub use facts::{Facts, Part, Trimmed};
pub use field::{Baseline, ClassRow, FieldReport};
pub use matrix::Matrix;
pub use page::render;

/// All that one page shows.
#[derive(Debug, Clone)]
pub struct Report {
    /// The page's title.
    pub title: String,
    /// What was evaluated on what.
    pub facts: Facts,
    /// One entry an evaluated field, in the order shown.
    pub fields: Vec<FieldReport>,
}
