//! What Firstline decides about a ticket, and how sure it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Field, Kind};

/// A calibrated probability in `0..=1`: of all decisions made at 0.9, 90 % are right.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(from = "f64", into = "f64")]
pub struct Confidence(f64);

impl From<f64> for Confidence {
    fn from(p: f64) -> Self {
        Self::new(p)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

impl Confidence {
    /// Wraps a probability, clamped to `0..=1`; not-a-number becomes 0, the confidence that acts on nothing.
    pub fn new(p: f64) -> Self {
        Self(if p.is_nan() { 0.0 } else { p.clamp(0.0, 1.0) })
    }

    /// The probability.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// One possible value with its calibrated probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// A label of the field's space.
    pub label: String,
    /// Its probability.
    pub confidence: Confidence,
}

/// The decision on one field and the runners-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldDecision {
    /// The label.
    pub label: String,
    /// Probability that it is right.
    pub confidence: Confidence,
    /// The next labels, most probable first.
    pub alternatives: Vec<Candidate>,
}

/// A rule that stands above the models and fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FiredRule {
    /// Its name.
    pub name: String,
    /// The priority that the model had decided, where the rule raised it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raised_priority_from: Option<String>,
    /// Whether a person decides.
    pub person: bool,
    /// Whether the sender's identity has to be verified before anything is sent.
    pub verify_identity: bool,
}

/// Why a field keeps a label whatever the model says now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// A person has set it.
    Person,
    /// It stood before, and the model is not sure enough to change it.
    Standing,
}

/// Where a decision goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// A person decides: a rule says so.
    Person,
    /// It is proposed to a person.
    Review,
    /// A grant lets Firstline act on it without a person.
    Auto,
    /// It is one of a storm of alerts and shares the decision of the first.
    Storm,
}

/// All that was decided about one ticket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The ticket's id.
    pub id: String,
    /// Who or what wrote it.
    #[serde(default)]
    pub kind: Kind,
    /// One decision a trained field.
    pub fields: BTreeMap<Field, FieldDecision>,
    /// The rules that fired.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<FiredRule>,
    /// The fields whose label does not come from the model, or not from this time.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<Field, Kept>,
    /// Tokens of the ticket's text that did not fit the encoder and were left out of its embedding.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tokens_cut: usize,
}

// serde's `skip_serializing_if` hands a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_a_probability_whatever_comes_in() {
        assert_eq!(Confidence::new(f64::NAN).get(), 0.0);
        assert_eq!(Confidence::new(1.7).get(), 1.0);
        assert_eq!(Confidence::new(-0.1).get(), 0.0);
    }
}
