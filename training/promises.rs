//! What of a bundle's decisions may be left to it, and on what grounds: one threshold for a whole field, and one for
//! each label that it decides.

use std::collections::BTreeMap;

use firstline_triage::{FieldModel, Reserve};
use serde::Serialize;

use crate::certify::{
    Certificate, Outlook, Promise, Refusal, certify, certify_together, least_left_to_people,
};
use crate::metrics::Judged;

/// How many times the tickets there are a forecast of missing tickets reaches.
const FARTHEST: usize = 10;

/// The verdicts on one field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdicts {
    /// One threshold for all decisions of the field.
    pub all: Verdict,
    /// One threshold for each label that was decided, all of them promised together.
    pub categories: BTreeMap<String, Verdict>,
}

/// The verdict on one group of decisions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Verdict {
    /// Decisions that were tested.
    pub tickets: usize,
    /// Of those, wrong ones.
    pub errors: usize,
    /// The lowest confidence that may be trusted; `null` where none may.
    pub threshold: Option<f64>,
    /// Decisions of at least that confidence.
    pub accepted: usize,
    /// Of those, or where nothing is certified of the surest, wrong ones.
    pub accepted_errors: usize,
    /// Share of the tested tickets that is accepted.
    pub coverage: f64,
    /// Exact upper bound of the share of errors among the accepted.
    pub error_bound: Option<f64>,
    /// Whether they may be trusted, and if not, whether there is hope.
    pub standing: Standing,
    /// Where more tickets of the kind would probably do: how many.
    pub more_tickets: Option<usize>,
    /// Share that has to stay with people whatever the confidence.
    pub least_left_to_people: f64,
}

/// Whether decisions may be trusted, and if not, whether there is hope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
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
pub fn reserve(model: &FieldModel) -> Vec<Judged> {
    let Reserve { confidence, correct, .. } = &model.reserve;
    let judged =
        |(&confidence, &correct): (&f32, &bool)| Judged { confidence: f64::from(confidence), correct };
    confidence.iter().zip(correct).map(judged).collect()
}

impl Verdicts {
    /// Judges `model` by the tickets that were kept for it; `None` where there are none.
    ///
    /// # Panics
    /// As [`certify`].
    pub fn new(model: &FieldModel, promise: Promise) -> Option<Self> {
        let all = reserve(model);
        if all.is_empty() {
            return None;
        }
        let mut categories: BTreeMap<u32, Vec<Judged>> = BTreeMap::new();
        for (judged, &label) in all.iter().zip(&model.reserve.label) {
            categories.entry(label).or_default().push(*judged);
        }
        let (labels, groups): (Vec<u32>, Vec<Vec<Judged>>) = categories.into_iter().unzip();
        let outcomes = certify_together(&groups, promise);
        let verdicts =
            groups.iter().zip(outcomes).map(|(group, outcome)| Verdict::new(group, outcome, promise));
        let name = |label: &u32| model.space.labels()[*label as usize].clone();
        Some(Self {
            all: Verdict::new(&all, certify(&all, promise), promise),
            categories: labels.iter().map(name).zip(verdicts).collect(),
        })
    }
}

impl Verdict {
    /// Whether the decisions may be left to the machine, in words.
    pub fn in_words(&self) -> String {
        match self.standing {
            Standing::Certified => format!("from {:.3} on", self.threshold.unwrap_or(1.0)),
            Standing::NeedsTickets => {
                format!("not yet: some {} more tickets", self.more_tickets.unwrap_or_default())
            }
            Standing::Unclear => "too few to tell".to_owned(),
            Standing::StaysWithPeople => "stays with people".to_owned(),
        }
    }

    fn new(tickets: &[Judged], outcome: Result<Certificate, Refusal>, promise: Promise) -> Self {
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
            standing: Standing::Unclear,
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
                standing: Standing::Certified,
                ..row
            },
            Err(Refusal { accepted, errors, outlook }) => {
                // As many of the tickets as now would pass the threshold where testing began.
                let share = accepted as f64 / n.max(1) as f64;
                let more = |needed: usize| (needed as f64 / share).ceil() as usize - n;
                let (standing, more_tickets) = match outlook {
                    Outlook::Needs(needed) if accepted > 0 && more(needed) <= FARTHEST * n => {
                        (Standing::NeedsTickets, Some(more(needed)))
                    }
                    Outlook::Needs(_) | Outlook::Unclear => (Standing::Unclear, None),
                    Outlook::Hopeless => (Standing::StaysWithPeople, None),
                };
                Self { accepted_errors: errors, standing, more_tickets, ..row }
            }
        }
    }
}
