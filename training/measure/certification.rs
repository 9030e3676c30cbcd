//! How far a bundle's decisions may be left to it, and on what grounds: one threshold for a whole field, and one for
//! each label that it decides.
//!
//! Must stand on nothing but the tickets that were kept for certifying.

use std::collections::BTreeMap;

use firstline_stats::Scored;
use firstline_triage::{FieldModel, Reserve};
use serde::Serialize;

use super::certify::{
    Certificate, Outlook, Promise, Refusal, certify, certify_together, least_left_to_people,
};

/// A forecast of missing tickets goes up to this many times the tickets there are.
const FARTHEST: usize = 10;

/// How far one field may be left to the machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldCertification {
    /// One threshold for all decisions of the field.
    pub all: Certification,
    /// One threshold for each label that was decided, all of them promised together.
    pub categories: BTreeMap<String, Certification>,
}

/// How far one group of decisions may be left to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Certification {
    /// Decisions that were tested.
    pub tickets: usize,
    /// Of those, wrong ones.
    pub errors: usize,
    /// The lowest confidence that may be trusted; `null` where none may.
    pub threshold: Option<f64>,
    /// Decisions of at least that confidence.
    pub accepted: usize,
    /// Wrong ones among those; where nothing is certified, among the surest.
    pub accepted_errors: usize,
    /// Share of the tested tickets that is accepted.
    pub coverage: f64,
    /// Exact upper bound of the share of errors among the accepted.
    pub error_bound: Option<f64>,
    /// Whether they may be trusted, and if not, whether there is hope.
    pub standing: CertificationStatus,
    /// How many more tickets of the kind would probably be enough, where that can be told.
    pub more_tickets: Option<usize>,
    /// Share that has to stay with people whatever the confidence.
    pub least_left_to_people: f64,
}

/// Whether decisions may be trusted, and if not, whether there is hope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificationStatus {
    /// From a threshold on.
    Certified,
    /// With more tickets like these, probably.
    NeedsTickets,
    /// Too few tickets to tell.
    Unclear,
    /// Too often wrong, surely.
    StaysWithPeople,
}

/// The decisions on the tickets that were kept for certifying.
pub fn reserve(model: &FieldModel) -> Vec<Scored> {
    let Reserve { confidence, correct, .. } = &model.reserve;
    let scored =
        |(&confidence, &correct): (&f32, &bool)| Scored { confidence: f64::from(confidence), correct };
    confidence.iter().zip(correct).map(scored).collect()
}

impl FieldCertification {
    /// Judges `model` by the tickets that were kept for it; `None` where there are none.
    ///
    /// # Panics
    /// As [`certify`].
    pub fn new(model: &FieldModel, promise: Promise) -> Option<Self> {
        let all = reserve(model);
        if all.is_empty() {
            return None;
        }
        let mut categories: BTreeMap<u32, Vec<Scored>> = BTreeMap::new();
        for (scored, &label) in all.iter().zip(&model.reserve.label) {
            categories.entry(label).or_default().push(*scored);
        }
        let (labels, groups): (Vec<u32>, Vec<Vec<Scored>>) = categories.into_iter().unzip();
        let outcomes = certify_together(&groups, promise);
        let certifications =
            groups.iter().zip(outcomes).map(|(group, outcome)| Certification::new(group, outcome, promise));
        let name = |label: &u32| model.space.labels()[*label as usize].clone();
        Some(Self {
            all: Certification::new(&all, certify(&all, promise), promise),
            categories: labels.iter().map(name).zip(certifications).collect(),
        })
    }
}

impl Certification {
    /// Whether the decisions may be left to the machine, in words.
    pub fn in_words(&self) -> String {
        match self.standing {
            CertificationStatus::Certified => format!("from {:.3} on", self.threshold.unwrap_or(1.0)),
            CertificationStatus::NeedsTickets => {
                format!("not yet: some {} more tickets", self.more_tickets.unwrap_or_default())
            }
            CertificationStatus::Unclear => "too few to tell".to_owned(),
            CertificationStatus::StaysWithPeople => "stays with people".to_owned(),
        }
    }

    fn new(tickets: &[Scored], outcome: Result<Certificate, Refusal>, promise: Promise) -> Self {
        let n = tickets.len();
        let errors = tickets.iter().filter(|t| !t.correct).count();
        let row = Self {
            tickets: n,
            errors,
            threshold: None,
            accepted: 0,
            accepted_errors: 0,
            coverage: 0.0,
            error_bound: None,
            standing: CertificationStatus::Unclear,
            more_tickets: None,
            least_left_to_people: least_left_to_people(errors as f64 / n.max(1) as f64, promise.error),
        };
        match outcome {
            Ok(c) => Self {
                threshold: Some(c.threshold),
                accepted: c.accepted,
                accepted_errors: c.errors,
                coverage: c.coverage,
                error_bound: Some(c.bound),
                standing: CertificationStatus::Certified,
                ..row
            },
            Err(Refusal { accepted, errors, outlook }) => {
                // As many of the tickets as now would pass the threshold where testing began.
                let share = accepted as f64 / n.max(1) as f64;
                let more = |needed: usize| (needed as f64 / share).ceil() as usize - n;
                let (standing, more_tickets) = match outlook {
                    Outlook::Needs(needed) if accepted > 0 && more(needed) <= FARTHEST * n => {
                        (CertificationStatus::NeedsTickets, Some(more(needed)))
                    }
                    Outlook::Needs(_) | Outlook::Unclear => (CertificationStatus::Unclear, None),
                    Outlook::Hopeless => (CertificationStatus::StaysWithPeople, None),
                };
                Self { accepted_errors: errors, standing, more_tickets, ..row }
            }
        }
    }
}
