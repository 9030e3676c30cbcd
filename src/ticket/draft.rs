//! A first response, and what it stands on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Confidence;

/// How a draft came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// An approved template, its slots filled.
    Template,
    /// Sentences of past replies.
    Retrieved,
    /// Sentences of past replies that a language model chose.
    Generated,
    /// Nothing but that the ticket was received.
    Acknowledgement,
}

/// Where a draft's sentences come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The resolved ticket, or the template.
    pub id: String,
    /// What was taken of it, as it stands in the draft.
    pub sentences: Vec<String>,
}

/// What a check said of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check.
    pub check: String,
    /// Whether the draft passed it.
    pub passed: bool,
    /// What it found, where it did not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
}

/// A draft that did not pass, in whose place another stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// How it came about.
    pub origin: Origin,
    /// The checks that it did not pass.
    pub because: Vec<CheckResult>,
}

/// What a draft's confidence was learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Nothing: it follows from how like the ticket its sources are, and errs on the low side.
    Prior,
    /// What people did with drafts before it.
    Feedback,
}

/// What a draft is waiting for, or what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DraftState {
    /// It was not asked for, or nothing may be sent.
    None,
    /// It is being written.
    Writing,
    /// It waits for a person.
    Pending,
    /// It goes out without a person, unless somebody stops it.
    Auto,
    /// It was approved as it is.
    Approved,
    /// It was approved in other words.
    Edited,
    /// It was turned down.
    Rejected,
    /// A newer decision about the ticket, or the reply that was sent without it, made it void.
    Superseded,
}

/// A first response to a ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The text, ready to be sent.
    pub text: String,
    /// Its language, ISO 639-1.
    pub language: String,
    /// How it came about.
    pub origin: Origin,
    /// Where its sentences come from.
    pub sources: Vec<Source>,
    /// Probability that it is sent unchanged.
    pub confidence: Confidence,
    /// What that was learnt from.
    pub basis: Basis,
    /// What follows from how like the ticket its sources are, whatever people did with drafts before it.
    pub prior: Confidence,
    /// Whether the sender has to be identified before anything else is done.
    pub verify_identity: bool,
    /// What each check said.
    pub verdicts: Vec<CheckResult>,
    /// Drafts that did not pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
    /// Milliseconds that each stage took.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timings_ms: BTreeMap<String, f64>,
}
