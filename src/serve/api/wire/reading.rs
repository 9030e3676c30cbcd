//! What the model reads of a ticket, and what was cut of it.

use firstline_triage::Explanation;
use serde::Serialize;
use utoipa::ToSchema;

use super::Kind;

/// A ticket as the model reads it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Reading {
    /// Who wrote it: a person, or a machine of some kind.
    kind: Kind,
    subject: String,
    text: String,
    /// What was cut of subject and body.
    cut: Vec<Cut>,
}

/// A stretch that was cut.
#[derive(Debug, Serialize, ToSchema)]
struct Cut {
    /// Why, such as `quote`, `signature` or `disclaimer`.
    reason: String,
    /// `subject` or `body`.
    field: String,
    /// First byte in the field as it was sent.
    start: usize,
    /// The byte after the last.
    end: usize,
}

impl From<Explanation> for Reading {
    fn from(explained: Explanation) -> Self {
        let Explanation { id: _, kind, subject, text, cut } = explained;
        let cut = cut.into_iter().map(|cut| Cut {
            reason: cut.reason.name().to_owned(),
            field: cut.field.to_owned(),
            start: cut.start,
            end: cut.end,
        });
        Self { kind: kind.into(), subject, text, cut: cut.collect() }
    }
}
