//! What a person did with a draft: the one vocabulary for the review queue, the record and what is learnt from both.
//!
//! Never holds what the draft said, only what was sent in its place.

use serde::{Deserialize, Serialize};

use crate::{Confidence, Origin};

/// What a person did with a draft, or with the values decided.
///
/// Also reads the names under which stores keep it (`approve`, `edit`, `reject`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Review {
    /// It is sent unchanged.
    #[serde(alias = "approve")]
    Accepted,
    /// This is sent in its place.
    #[serde(alias = "edit")]
    Edited(String),
    /// It is not sent, for this reason.
    #[serde(alias = "reject")]
    Rejected(String),
}

/// A draft with its review: one line of what the probability of a draft is learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewedDraft {
    /// [`Draft::origin`](crate::Draft::origin).
    pub origin: Origin,
    /// [`Draft::prior`](crate::Draft::prior).
    pub prior: Confidence,
    /// What was done with it.
    pub review: Review,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_is_written_one_way_and_read_from_both() {
        let read = |text: &str| serde_json::from_str::<Review>(text).unwrap();
        for (old, new) in [
            (r#""approve""#, r#""accepted""#),
            (r#"{"edit":"Hi"}"#, r#"{"edited":"Hi"}"#),
            (r#"{"reject":"no"}"#, r#"{"rejected":"no"}"#),
        ] {
            assert_eq!(read(old), read(new));
            assert_eq!(serde_json::to_string(&read(old)).unwrap(), new);
        }
    }
}
