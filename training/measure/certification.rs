//! How far what is asserted of a bundle's decisions may be left to it, and on what grounds: one threshold for all of them, and one for
//! each category that it decides.
//!
//! Must stand on nothing but the tickets that were kept for certifying.

use std::collections::BTreeMap;

use firstline_stats::Scored;
use firstline_ticket::{Assertion, Field};
use firstline_triage::{Bundle, Closing, Ordinal, Reserve, Reserved};
use serde::Serialize;

use super::certify::{
    Certificate, Outlook, Promise, Refusal, certify, certify_together, least_left_to_people,
};

/// A forecast of missing tickets goes up to this many times the tickets there are.
const FARTHEST: usize = 10;

/// What a decision puts a ticket into: its board and its type, as far as the bundle decides them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct DecidedCategory {
    /// The board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// The type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl std::fmt::Display for DecidedCategory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.board, &self.kind) {
            (Some(board), Some(kind)) => write!(f, "{board} > {kind}"),
            (one, other) => f.write_str(one.as_ref().or(other.as_ref()).map_or("", String::as_str)),
        }
    }
}

/// How far one assertion may be left to the machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AssertionCertification {
    /// What is asserted.
    pub assertion: Assertion,
    /// One threshold for all decisions: it promises nothing of any one category.
    pub all: Certification,
    /// One threshold for each category that was decided, all of them promised together; the largest first.
    pub categories: Vec<CategoryCertification>,
}

/// How far one assertion may be left to the machine in one category.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryCertification {
    /// The category.
    #[serde(flatten)]
    pub category: DecidedCategory,
    /// What was certified.
    #[serde(flatten)]
    pub certification: Certification,
}

/// How far one group of decisions may be left to the machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Certification {
    /// Decisions that were tested.
    pub tickets: usize,
    /// Of those, wrong ones.
    pub errors: usize,
    /// The lowest score that may be trusted; `null` where none may.
    pub threshold: Option<f64>,
    /// Decisions of at least that score.
    pub accepted: usize,
    /// Wrong ones among those; where nothing is certified, among the surest.
    pub accepted_errors: usize,
    /// Share of the tested tickets that is accepted.
    pub coverage: f64,
    /// Exact upper bound of the share of errors among the accepted.
    pub error_bound: Option<f64>,
    /// Whether they may be trusted, and if not, whether there is hope.
    pub standing: CertificationStatus,
    /// How many more sure decisions, none of them wrong, would be enough, where any number would.
    pub more_accepted: Option<usize>,
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

/// A decision as an assertion tests it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    /// What it puts the ticket into.
    pub category: DecidedCategory,
    /// How sure it is of what is asserted, and whether that was right.
    pub scored: Scored,
}

/// What `bundle` decided on the tickets of `reserve`, as `assertion` tests it: a reply on those to which somebody waits for an answer.
/// Tickets that were closed without one of the labels are left out. `None` where the bundle decides too little, or too little is kept.
pub fn tested(bundle: &Bundle, reserve: &Reserve, assertion: Assertion) -> Option<Vec<Tested>> {
    let columns = assertion.fields().iter().map(|field| Some((*field, reserve.fields.get(field)?)));
    let columns: Vec<(Field, &Vec<Reserved>)> = columns.collect::<Option<_>>()?;
    let replies = matches!(assertion, Assertion::Reply | Assertion::SubtypeReply);
    if replies && reserve.wants_answer.is_empty() {
        return None;
    }
    let ordinal = bundle.fields.get(&Field::Priority).and_then(|model| model.ordinal.as_ref());
    let one = |i: usize| {
        let decided: Vec<Reserved> = columns.iter().map(|(_, column)| column[i]).collect();
        let confidence = decided.iter().map(|one| f64::from(one.confidence)).reduce(f64::min)?;
        let correct = decided.iter().all(|one| is_right(assertion, one, ordinal));
        let is_closed = decided.iter().all(|one| one.closing != Closing::Empty);
        is_closed.then(|| Tested {
            category: category(bundle, reserve, i),
            scored: Scored { confidence, correct },
        })
    };
    let asked = |i: &usize| !replies || reserve.wants_answer[*i];
    Some((0..reserve.len()).filter(asked).filter_map(one).collect())
}

/// The category of the decision on the ticket at `place` of `reserve`.
fn category(bundle: &Bundle, reserve: &Reserve, place: usize) -> DecidedCategory {
    let label = |field| {
        let decided = reserve.fields.get(&field)?.get(place)?;
        Some(bundle.fields.get(&field)?.space.labels()[decided.label as usize].clone())
    };
    DecidedCategory { board: label(Field::Board), kind: label(Field::Type) }
}

/// Whether what is asserted of the decision held: the label is the one that the ticket was closed with; or, of a priority by its
/// `ordinal`, at least as urgent. One whose rank is not known is no more urgent than another.
pub(crate) fn is_right(assertion: Assertion, one: &Reserved, ordinal: Option<&Ordinal>) -> bool {
    let Closing::Label(closing) = one.closing else { return false };
    let rank = |label: u32| *ordinal?.ranks.get(label as usize)?;
    let is_urgent_enough =
        || rank(one.label).zip(rank(closing)).is_some_and(|(decided, closing)| decided <= closing);
    closing == one.label || (assertion == Assertion::Priority && is_urgent_enough())
}

impl AssertionCertification {
    /// Judges what `bundle` decides by the tickets that were kept for it; `None` where there are none.
    ///
    /// # Panics
    /// As [`certify`].
    pub fn new(bundle: &Bundle, assertion: Assertion, promise: Promise) -> Option<Self> {
        let tested = tested(bundle, &bundle.reserve, assertion)?;
        (!tested.is_empty()).then(|| Self::of(assertion, &tested, promise))
    }

    /// Judges the decisions in `tested`.
    ///
    /// # Panics
    /// As [`certify`].
    pub fn of(assertion: Assertion, tested: &[Tested], promise: Promise) -> Self {
        let mut categories: BTreeMap<&DecidedCategory, Vec<Scored>> = BTreeMap::new();
        tested.iter().for_each(|one| categories.entry(&one.category).or_default().push(one.scored));
        let (names, groups): (Vec<&DecidedCategory>, Vec<Vec<Scored>>) = categories.into_iter().unzip();
        let outcomes = certify_together(&groups, promise);
        let of_category =
            |((name, group), outcome): ((&DecidedCategory, &Vec<Scored>), _)| CategoryCertification {
                category: name.clone(),
                certification: Certification::new(group, outcome, promise),
            };
        let mut categories: Vec<CategoryCertification> =
            names.into_iter().zip(&groups).zip(outcomes).map(of_category).collect();
        categories.sort_by_key(|one| std::cmp::Reverse(one.certification.tickets));
        let all: Vec<Scored> = tested.iter().map(|one| one.scored).collect();
        Self { assertion, all: Certification::new(&all, certify(&all, promise), promise), categories }
    }

    /// The categories that may be left to the machine.
    pub fn certified(&self) -> impl Iterator<Item = &CategoryCertification> {
        self.categories.iter().filter(|one| one.certification.threshold.is_some())
    }

    /// Decisions that may be left to the machine, of all that were tested: those that the thresholds of their categories let through.
    pub fn alone(&self) -> usize {
        self.certified().map(|one| one.certification.accepted).sum()
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
            more_accepted: None,
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
                let more_accepted = match outlook {
                    Outlook::Needs(needed) => Some(needed.saturating_sub(accepted)),
                    Outlook::Unclear | Outlook::Hopeless => None,
                };
                Self { accepted_errors: errors, standing, more_accepted, more_tickets, ..row }
            }
        }
    }
}
