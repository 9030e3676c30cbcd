//! A ticket in canonical form, as a schema: it is read and passed on as it came, so that one bad ticket harms no other.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A ticket in canonical form. Everything is optional but `id` and one of `subject` and `body`; other keys pass through.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Ticket {
    /// The ticket's identity in the PSA.
    #[schema(example = "T20261126.0042", max_length = 256)]
    id: String,
    /// When it was opened, RFC 3339.
    #[schema(format = "date-time", example = "2026-11-26T08:15:00Z")]
    #[serde(skip_serializing_if = "Option::is_none")]
    opened_at: Option<String>,
    /// Subject line, as received.
    #[schema(example = "Printer on the 2nd floor is offline")]
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// First message, plain text or HTML.
    #[schema(example = "Since this morning nobody can print.")]
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Client company.
    #[schema(example = "Contoso", max_length = 256)]
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    /// The person who wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
    /// How it came in: `email`, `phone`, `portal`, `monitoring`, or what the PSA calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
}
