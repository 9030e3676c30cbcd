//! What the finished models decided on tickets of which they, their mixture and their confidences know nothing, beside how those
//! tickets were closed: the ground on which thresholds are certified.
//!
//! Nothing may be fitted to it or chosen by it.

use std::collections::BTreeMap;

use firstline_ticket::Field;

use super::FieldModel;

/// The tickets that were kept for certifying, in the order of the history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reserve {
    /// Whether somebody waits for an answer to each ticket; empty where that is not known, as in bundles of before.
    pub wants_answer: Vec<bool>,
    /// Of each field that is decided, what was decided of each ticket.
    pub fields: BTreeMap<Field, Vec<Reserved>>,
}

/// What was decided of one field of one ticket, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reserved {
    /// The index of the label that was decided.
    pub label: u32,
    /// How sure that was.
    pub confidence: f32,
    /// The label that people closed the ticket with.
    pub closing: Closing,
}

/// The label that a ticket was closed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// The index of the label.
    Label(u32),
    /// A label that the model does not know.
    Unlearnt,
    /// None.
    Empty,
}

impl Reserve {
    /// How many tickets were kept.
    pub fn len(&self) -> usize {
        self.fields.values().map(Vec::len).max().unwrap_or_default()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether its columns fit each other and the labels of `models`.
    pub(crate) fn is_sound(&self, models: &BTreeMap<Field, FieldModel>) -> bool {
        let n = self.len();
        let fits = |one: &Reserved, k: u32| {
            let closing = match one.closing {
                Closing::Label(label) => label < k,
                Closing::Unlearnt | Closing::Empty => true,
            };
            closing && one.label < k && (0.0..=1.0).contains(&one.confidence)
        };
        let column = |(field, column): (&Field, &Vec<Reserved>)| {
            let labels = models.get(field).map(|model| model.space.len() as u32);
            column.len() == n && labels.is_some_and(|k| column.iter().all(|one| fits(one, k)))
        };
        (self.wants_answer.is_empty() || self.wants_answer.len() == n) && self.fields.iter().all(column)
    }
}
