//! How far a connection has come: kept in the service's store, so that another process can go on.
//!
//! Holds ids, times and labels, no words. It is bounded: what is older than the overlap is forgotten.

use std::collections::BTreeMap;

use firstline_ticket::Field;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::connector::Seen;

/// Tickets that are open are remembered up to so many.
const MOST_OPEN: usize = 20_000;

/// How far a connection has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// The latest change that was seen, by the PSA's clock.
    pub watermark: Option<Timestamp>,
    /// Tickets that changed shortly before it, with the state that was read.
    pub recent: BTreeMap<String, Read>,
    /// Tickets that were sent to triage and are open.
    pub open: BTreeMap<String, OpenTicket>,
}

/// The state of a ticket that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// What tells it from any other.
    pub version: String,
    /// When it was reached, by the PSA's clock.
    pub at: Timestamp,
}

/// A ticket that was sent to triage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OpenTicket {
    /// The labels that it had then: whoever changes one meanwhile has the last word.
    pub labels: BTreeMap<Field, Option<String>>,
}

impl Cursor {
    /// From when on changes are asked for: the watermark, less what clocks and pages may hide.
    pub fn since(&self, start: Timestamp, overlap: SignedDuration) -> Timestamp {
        self.watermark.and_then(|at| at.checked_sub(overlap).ok()).unwrap_or(start)
    }

    /// Whether this state was read already.
    pub fn knows(&self, seen: &Seen) -> bool {
        self.recent.get(&seen.id).is_some_and(|read| read.version == seen.version)
    }

    /// The service has this state.
    pub fn read(&mut self, seen: &Seen) {
        self.recent.insert(seen.id.clone(), Read { version: seen.version.clone(), at: seen.at });
    }

    /// All changes up to `latest` were read: what is older than the overlap can't be told again.
    pub fn advance(&mut self, latest: Option<Timestamp>, overlap: SignedDuration) {
        self.watermark = self.watermark.max(latest);
        let oldest = self.watermark.and_then(|at| at.checked_sub(overlap).ok());
        self.recent.retain(|_, read| oldest.is_none_or(|oldest| read.at >= oldest));
        while self.open.len() > MOST_OPEN {
            self.open.pop_first();
        }
    }
}
