//! How far what is asserted of a bundle's decisions may be left to it, and on what grounds: one threshold for all of them, and one for
//! each category that it decides.
//!
//! Must stand on nothing but the tickets that were kept for certifying.

use std::collections::BTreeMap;

use firstline_stats::Scored;
use firstline_ticket::{Assertion, Field};
use firstline_triage::{Bundle, Closing, FieldModel, Ordinal, Reserve, Reserved};
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

/// The models of a bundle's fields.
type Models = BTreeMap<Field, FieldModel>;

/// A decision as an assertion tests it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    /// What it puts the ticket into.
    pub category: DecidedCategory,
    /// How sure it is of what is asserted, and whether that was right.
    pub scored: Scored,
}

/// What `models` decided on the tickets of `reserve`, as `assertion` tests it: a reply on those to which somebody waits for an answer.
/// Tickets that were closed without one of the labels are left out. `None` where they decide too little, or too little is kept.
pub fn tested(models: &Models, reserve: &Reserve, assertion: Assertion) -> Option<Vec<Tested>> {
    let columns = assertion.fields().iter().map(|field| Some((*field, reserve.fields.get(field)?)));
    let columns: Vec<(Field, &Vec<Reserved>)> = columns.collect::<Option<_>>()?;
    let replies = matches!(assertion, Assertion::Reply | Assertion::SubtypeReply);
    if replies && reserve.wants_answer.is_empty() {
        return None;
    }
    let ordinal = models.get(&Field::Priority).and_then(|model| model.ordinal.as_ref());
    let one = |i: usize| {
        let decided: Vec<Reserved> = columns.iter().map(|(_, column)| column[i]).collect();
        let confidence = decided.iter().map(|one| f64::from(one.confidence)).reduce(f64::min)?;
        let correct = decided.iter().all(|one| is_right(assertion, one, ordinal));
        let is_closed = decided.iter().all(|one| one.closing != Closing::Empty);
        is_closed.then(|| Tested {
            category: category(models, reserve, i),
            scored: Scored { confidence, correct },
        })
    };
    let asked = |i: &usize| !replies || reserve.wants_answer[*i];
    Some((0..reserve.len()).filter(asked).filter_map(one).collect())
}

/// The category of the decision on the ticket at `place` of `reserve`.
fn category(models: &Models, reserve: &Reserve, place: usize) -> DecidedCategory {
    let label = |field| {
        let decided = reserve.fields.get(&field)?.get(place)?;
        Some(models.get(&field)?.space.labels()[decided.label as usize].clone())
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
        let tested = tested(&bundle.fields, &bundle.reserve, assertion)?;
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

#[cfg(test)]
mod tests {
    use firstline_ticket::LabelSpace;
    use firstline_triage::{Calibrator, Member, Mixture};

    use super::*;

    const PROMISE: Promise = Promise { error: 0.02, confidence: 0.95, floor: 0.90 };

    fn model(labels: &[&str], ordinal: Option<Ordinal>) -> FieldModel {
        FieldModel {
            space: LabelSpace::new(labels.iter().map(|label| (*label).to_owned())),
            prior: vec![1.0 / labels.len() as f32; labels.len()],
            members: vec![Member::Neighbours],
            mixture: Mixture { weights: vec![1.0], temperature: 1.0, floor: 0.0 },
            calibrator: Calibrator::Temperature,
            history_labels: Vec::new(),
            ordinal,
            retired: Vec::new(),
            correctness: None,
            rare: BTreeMap::new(),
        }
    }

    fn models() -> Models {
        // `P9` says no rank.
        let ranks = vec![Some(0), Some(1), Some(2), None];
        let ordinal = Ordinal { ranks, under_call: 2.0, over_call: 1.0, step: 0.5 };
        [
            (Field::Board, model(&["Desk", "Net"], None)),
            (Field::Type, model(&["Mail", "VPN"], None)),
            (Field::Priority, model(&["P1", "P2", "P3", "P9"], Some(ordinal))),
        ]
        .into()
    }

    fn reserved(label: u32, confidence: f32, closing: Closing) -> Reserved {
        Reserved { label, confidence, closing }
    }

    fn found(tested: &[Tested]) -> Vec<(String, f64, bool)> {
        let one = |one: &Tested| {
            let rounded = (1_000.0 * one.scored.confidence).round() / 1_000.0;
            (one.category.to_string(), rounded, one.scored.correct)
        };
        tested.iter().map(one).collect()
    }

    #[test]
    fn r44_a_reply_needs_board_and_type_right_together_where_somebody_waits_for_it() {
        use Closing::{Empty, Label, Unlearnt};
        let boards = [(1, Label(1)), (1, Label(1)), (1, Label(0)), (1, Label(1)), (0, Unlearnt), (0, Empty)];
        let kinds =
            [(1, Label(1)), (1, Label(0)), (1, Label(1)), (1, Label(1)), (0, Label(0)), (0, Label(0))];
        let column = |labels: [(u32, Closing); 6], confidence: f32| {
            labels.map(|(label, closing)| reserved(label, confidence, closing)).to_vec()
        };
        let reserve = Reserve {
            wants_answer: vec![true, true, true, false, true, true],
            fields: [(Field::Board, column(boards, 0.97)), (Field::Type, column(kinds, 0.95))].into(),
        };
        let of = |assertion| tested(&models(), &reserve, assertion).map(|tested| found(&tested));
        let net = |confidence, correct| ("Net > VPN".to_owned(), confidence, correct);
        let desk = |confidence, correct| ("Desk > Mail".to_owned(), confidence, correct);
        // Both right; the type wrong; the board wrong; the alert is not among them, nor the ticket without a board at closing.
        let reply = vec![net(0.95, true), net(0.95, false), net(0.95, false), desk(0.95, false)];
        assert_eq!(of(Assertion::Reply), Some(reply));
        let board =
            vec![net(0.97, true), net(0.97, true), net(0.97, false), net(0.97, true), desk(0.97, false)];
        assert_eq!(of(Assertion::Board), Some(board));
        // What the bundle does not decide can't be tested, nor a reply where nobody knows who waits for one.
        assert_eq!((of(Assertion::SubtypeReply), of(Assertion::Priority)), (None, None));
        let of_before = Reserve { wants_answer: Vec::new(), ..reserve.clone() };
        assert_eq!(tested(&models(), &of_before, Assertion::Reply), None);
        assert_eq!(tested(&models(), &of_before, Assertion::Type).unwrap().len(), 6);
    }

    #[test]
    fn r44_a_priority_errs_where_it_is_less_urgent_than_it_should_be_or_may_be() {
        use Closing::{Label, Unlearnt};
        let right = |label, closing| {
            let ordinal = models().remove(&Field::Priority).unwrap().ordinal;
            is_right(Assertion::Priority, &reserved(label, 0.9, closing), ordinal.as_ref())
        };
        assert!(right(1, Label(1)) && right(0, Label(2)) && right(1, Label(2)));
        assert!(!right(2, Label(1)) && !right(1, Label(0)));
        // A rank that is not known may be any; the very same label is no less urgent.
        assert!(!right(0, Label(3)) && !right(3, Label(2)) && !right(0, Unlearnt) && right(3, Label(3)));
        assert!(!is_right(Assertion::Priority, &reserved(0, 0.9, Label(1)), None));
        // A label errs in either direction.
        assert!(!is_right(Assertion::Board, &reserved(0, 0.9, Label(1)), None));
    }

    fn tickets(board: &str, n: usize, wrong: usize) -> Vec<Tested> {
        let category = DecidedCategory { board: Some(board.to_owned()), kind: Some("VPN".to_owned()) };
        let one = |i| Tested {
            category: category.clone(),
            scored: Scored { confidence: 0.999, correct: i >= wrong },
        };
        (0..n).map(one).collect()
    }

    fn granted(all: &[Vec<Tested>]) -> Vec<String> {
        let found = AssertionCertification::of(Assertion::Reply, &all.concat(), PROMISE);
        found.certified().map(|one| one.category.board.clone().unwrap()).collect()
    }

    #[test]
    fn r44_categories_share_the_chance_and_hand_on_what_they_need_no_longer() {
        assert_eq!(granted(&[tickets("Net", 149, 0), tickets("Desk", 148, 0)]), ["Net"]);
        // The larger one passes down to the floor, and the whole chance is free for the other.
        assert_eq!(granted(&[tickets("Net", 149, 0), tickets("Desk", 200, 0)]), ["Desk", "Net"]);
        // One that does not keeps its share.
        assert_eq!(granted(&[tickets("Net", 190, 0), tickets("Desk", 200, 20)]), ["Net"]);
        assert_eq!(granted(&[tickets("Net", 170, 0), tickets("Desk", 200, 20)]), [""; 0]);
        assert_eq!(granted(&[tickets("Net", 300, 20)]), [""; 0]);
        assert_eq!(granted(&[]), [""; 0]);
    }

    #[test]
    fn r44_a_category_says_how_many_sure_tickets_it_still_needs() {
        let all = [tickets("Net", 149, 0), tickets("Desk", 100, 0), tickets("Mail", 100, 1)].concat();
        let found = AssertionCertification::of(Assertion::Reply, &all, PROMISE);
        let more: Vec<Option<usize>> =
            found.categories.iter().map(|one| one.certification.more_accepted).collect();
        // The next largest has the whole chance that the certified one hands on: 149 without an error. The one after it half of the
        // chance, beside one: 277 with an error.
        assert_eq!(more, [None, Some(49), Some(177)]);
        assert_eq!((found.alone(), found.categories[0].certification.threshold), (149, Some(0.90)));
    }
}
