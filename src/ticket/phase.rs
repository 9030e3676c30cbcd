//! How far a desk lets Firstline go.
//!
//! Only the names of the phases and their order. What moves a desk from one to the next is decided elsewhere, and never here.

use serde::{Deserialize, Serialize};

/// What Firstline may do, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Read: nothing is decided live.
    Baseline,
    /// Decide and draft silently: everything is recorded, the outbox stays empty.
    Shadow,
    /// Do what people approve: it goes into the outbox.
    Assist,
    /// Act alone in the categories granted for it.
    Autonomous,
}
