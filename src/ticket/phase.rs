//! How far a desk lets Firstline go.
//!
//! Only the name of the phase. What moves a desk from one to the next is decided elsewhere, and never here.

use serde::{Deserialize, Serialize};

/// What may be done with what people approve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing: everything is recorded, the outbox stays empty.
    Shadow,
    /// It goes into the outbox.
    Assist,
}
