//! The contract that both engines keep: one small trait for each subject, with the records that it takes and gives.
//!
//! Says what each call means, and never how. The tests hold both engines to it.

pub(crate) mod acting;
pub(crate) mod answers;
pub(crate) mod connections;
pub(crate) mod decisions;
pub(crate) mod evidence;
pub(crate) mod facts;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod outbox;
pub(crate) mod outcomes;
pub(crate) mod programme;
pub(crate) mod reviews;
pub(crate) mod sessions;
pub(crate) mod upkeep;
pub(crate) mod users;

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

/// Who does something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The person, by the name of their key; `firstline` where a trigger fired.
    pub person: String,
    /// The id of the API key, or the command: what the audit log names.
    pub actor: String,
}

/// Bytes at which a page of a list ends, whatever its number of items: about as many as its items have in the store. One item
/// is always on it.
pub const PAGE_BYTES: usize = 4 << 20;

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Paged<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// Whether it may not be the last: it ended at its number of items, or of bytes.
    pub more: bool,
}
