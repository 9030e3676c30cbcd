//! The history as training holds it: composed texts, context and labels.
//!
//! Must never keep anything else of a ticket.

use std::collections::BTreeMap;

use firstline_ticket::{Field, Ticket};
use firstline_triage::{Bundle, Input, compose, context_features};
use jiff::Timestamp;
use serde_json::Value;

use super::duplicates::NearDuplicates;

/// One ticket, ready to learn from.
#[derive(Debug, Clone)]
pub struct HistoryTicket {
    /// Its id.
    pub id: String,
    /// [`Bundle::ticket_hash`].
    pub hash: u64,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// Its text.
    pub input: Input,
    /// Its context features.
    pub context: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<Field, String>,
    /// The data's own `split`, where it has one.
    pub split: Option<String>,
    /// The data's own `family`, where it has one.
    pub family: Option<String>,
}

/// The tickets of a history.
#[derive(Debug, Default)]
pub struct History {
    /// The tickets, in the order of the file; those of a test file of their own come last.
    pub tickets: Vec<HistoryTicket>,
    /// How many stand before the first ticket of the test file.
    pub held_out: usize,
}

impl HistoryTicket {
    /// Normalises `ticket` and keeps what training reads.
    pub fn new(ticket: &Ticket) -> Self {
        let input = compose(ticket);
        let text_of = |key: &str| match ticket.extra.get(key)? {
            Value::String(s) => Some(s.trim().to_owned()),
            Value::Number(n) => Some(n.to_string()),
            _ => None,
        };
        Self {
            id: ticket.id.clone(),
            hash: Bundle::ticket_hash(ticket),
            opened_at: ticket.opened_at,
            context: context_features(ticket, input.is_alert),
            input,
            labels: Field::ALL.iter().filter_map(|&f| Some((f, ticket.label(f)?.to_owned()))).collect(),
            split: text_of("split"),
            family: text_of("family"),
        }
    }
}

impl History {
    /// The family of each ticket: near-duplicate texts, joined with the data's own families.
    pub fn families(&self) -> Vec<u32> {
        let mut near = NearDuplicates::default();
        let mut first_of: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, ticket) in self.tickets.iter().enumerate() {
            near.add(&ticket.input.text());
            if let Some(family) = &ticket.family {
                let first = *first_of.entry(family).or_insert(i);
                near.link(first, i);
            }
        }
        near.families()
    }
}
