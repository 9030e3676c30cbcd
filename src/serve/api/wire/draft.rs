//! A first response.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{Basis, Origin};

/// A first response to a ticket.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Draft {
    /// The text, ready to be sent.
    text: String,
    /// Its language, ISO 639-1.
    #[schema(example = "en")]
    language: String,
    origin: Origin,
    /// Where its sentences come from; empty for a key that is held to some customers.
    sources: Vec<Source>,
    /// Probability that it is sent unchanged.
    #[schema(minimum = 0.0, maximum = 1.0)]
    confidence: f64,
    basis: Basis,
    /// The confidence that follows from the sources alone, whatever people did with drafts before it.
    #[schema(minimum = 0.0, maximum = 1.0)]
    prior: f64,
    /// Whether the sender has to be identified before anything else is done.
    verify_identity: bool,
    /// What each check said.
    verdicts: Vec<CheckResult>,
    /// Drafts that did not pass, in whose place this one stands.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    rejected: Vec<RejectedDraft>,
    /// Milliseconds that each stage took, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    timings_ms: BTreeMap<String, f64>,
}

/// Where some of a draft's sentences come from.
#[derive(Debug, Serialize, ToSchema)]
struct Source {
    /// The resolved ticket, or the template.
    id: String,
    /// What was taken of it, as it stands in the draft.
    sentences: Vec<String>,
}

/// What a check said of a draft.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckResult {
    /// The check.
    check: String,
    /// Whether the draft passed it.
    passed: bool,
    /// What it found, where the draft did not pass.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    found: String,
}

/// A draft that did not pass.
#[derive(Debug, Serialize, ToSchema)]
struct RejectedDraft {
    origin: Origin,
    /// The checks that it did not pass.
    because: Vec<CheckResult>,
}

impl Draft {
    /// Takes out from which tickets it was made.
    pub(super) fn hide_sources(&mut self) {
        self.sources.clear();
    }
}

impl From<firstline_ticket::Draft> for Draft {
    fn from(draft: firstline_ticket::Draft) -> Self {
        let firstline_ticket::Draft {
            text,
            language,
            origin,
            sources,
            confidence,
            basis,
            prior,
            verify_identity,
            verdicts,
            rejected,
            timings_ms,
        } = draft;
        let source = |source: firstline_ticket::Source| Source { id: source.id, sentences: source.sentences };
        let rejected_draft = |draft: firstline_ticket::Rejected| RejectedDraft {
            origin: draft.origin.into(),
            because: draft.because.into_iter().map(Into::into).collect(),
        };
        Self {
            text,
            language,
            origin: origin.into(),
            sources: sources.into_iter().map(source).collect(),
            confidence: confidence.get(),
            basis: basis.into(),
            prior: prior.get(),
            verify_identity,
            verdicts: verdicts.into_iter().map(Into::into).collect(),
            rejected: rejected.into_iter().map(rejected_draft).collect(),
            timings_ms,
        }
    }
}

impl From<firstline_ticket::CheckResult> for CheckResult {
    fn from(verdict: firstline_ticket::CheckResult) -> Self {
        let firstline_ticket::CheckResult { check, passed, found } = verdict;
        Self { check, passed, found }
    }
}
