//! What the record says: key performance indicators over decisions and how their tickets ended.
//!
//! Pure functions over recorded events: no clock, no store, no models. Every share comes with what it was counted over and its
//! 95 % interval, since a small desk's week is a small sample. Phases, gates and rollback are to stand on the same figures;
//! they are not here yet.

mod calendar;
mod kpis;
mod share;

pub use calendar::{Week, weeks};
pub use kpis::{Agreement, Drafts, Durations, Kpis, kpis};
pub use share::Share;
