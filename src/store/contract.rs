//! The contract that both engines keep: one small trait for each subject, with the records that it takes and gives.
//!
//! Says what each call means, and never how. The tests hold both engines to it.

pub(crate) mod decisions;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod outbox;
pub(crate) mod outcomes;
pub(crate) mod reviews;
pub(crate) mod upkeep;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A set of customers that a caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CustomerSet {
    /// Every customer.
    #[default]
    All,
    /// Only these, in the form that customers are compared in.
    Only(BTreeSet<String>),
}

impl CustomerSet {
    /// Whether `customer` is one of them.
    pub fn has(&self, customer: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(these) => these.contains(customer),
        }
    }
}
