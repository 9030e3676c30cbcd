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
    /// Why, such as `quote`, `signature`, `disclaimer` or `habit`.
    reason: String,
    /// The field that it stood in.
    field: TextField,
    /// First byte in the field as it was sent.
    start: usize,
    /// The byte after the last.
    end: usize,
}

/// A field with text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TextField {
    Subject,
    Body,
}

impl From<Explanation> for Reading {
    fn from(explained: Explanation) -> Self {
        let Explanation { id: _, kind, subject, text, cut } = explained;
        let cut = cut.into_iter().map(|cut| Cut {
            reason: cut.reason.name().to_owned(),
            field: if cut.field == "subject" { TextField::Subject } else { TextField::Body },
            start: cut.start,
            end: cut.end,
        });
        Self { kind: kind.into(), subject, text, cut: cut.collect() }
    }
}
