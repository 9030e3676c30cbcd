//! The parts of the evidence: counts first, and what follows from them.
//!
//! Must never hold a share without what it is counted over.

use std::collections::BTreeMap;

use firstline_stats::{Count, quantile};
use firstline_ticket::Assertion;
use serde::{Deserialize, Serialize};

use crate::{Check, Direction, FieldAgreement, RulesBeside, Share};

/// How often two agree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreed {
    /// Tickets, or pairs of them.
    pub n: u64,
    /// Those on which both say the same.
    pub right: u64,
    /// `right / n`.
    pub share: f64,
    /// Lower end of Wilson's 95 % interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Cohen's kappa.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kappa: Option<f64>,
}

impl Agreed {
    /// Of a share; `None` of nothing.
    pub fn of(share: &Share, kappa: Option<f64>) -> Option<Self> {
        let (found, low, high) = (share.share?, share.low?, share.high?);
        Some(Self { n: share.of, right: share.count, share: found, low, high, kappa })
    }

    /// Of a field's agreement; `None` of nothing.
    pub fn of_field(field: &FieldAgreement) -> Option<Self> {
        Self::of(&field.share, Some(field.kappa))
    }

    /// The counts, which a gate judges by.
    pub fn count(&self) -> Count {
        count(self.right, self.n)
    }
}

pub(super) fn count(hits: u64, n: u64) -> Count {
    Count { hits: usize::try_from(hits).unwrap_or(usize::MAX), n: usize::try_from(n).unwrap_or(usize::MAX) }
}

/// Agreement on board and type on the tickets that the best technicians closed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BestFigures {
    /// How many they are.
    pub technicians: u64,
    /// Whether somebody has named them; else they are the quarter whose labels are doubted least.
    pub named: bool,
    /// The agreement.
    #[serde(flatten)]
    pub agreed: Agreed,
}

/// The desk's rules beside the model: by the board that a ticket had before any person touched it, where that is known, else by the
/// rules file that was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RulesFigures {
    /// Tickets.
    pub n: u64,
    /// Those that the rules sent to the board they were closed on.
    pub rules_right: u64,
    /// Those that the model did.
    pub model_right: u64,
    /// Share of the rules.
    pub agreement: f64,
    /// Share of the rules less that of the model.
    pub difference: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Probability of such a difference if both were equally often right (McNemar, exact, two-sided).
    pub mcnemar_p: f64,
    /// Of those tickets the ones whose initial board is known; the others were judged by replaying rules.
    #[serde(default)]
    pub by_initial_label: u64,
}

/// A rules file, replayed over all tickets beside the model, whatever is known of their initial boards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RulesReplay {
    /// sha256 of the file.
    pub sha256: String,
    /// Rules that it holds.
    pub rules: u64,
    /// Of those, rules whose condition can't be read: they never fire.
    pub unread: u64,
    /// The comparison.
    #[serde(flatten)]
    pub beside: RulesFigures,
}

impl RulesFigures {
    /// Of a comparison; `None` of nothing.
    pub fn of(beside: &RulesBeside) -> Option<Self> {
        let test = &beside.test;
        Some(Self {
            n: beside.rules.of,
            rules_right: beside.rules.count,
            model_right: beside.model.count,
            agreement: beside.rules.share?,
            difference: test.difference,
            low: test.interval.lo,
            high: test.interval.hi,
            mcnemar_p: test.p,
            by_initial_label: beside.by_initial_label,
        })
    }
}

/// Whether the stated confidences of a field come true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Tickets.
    pub n: u64,
    /// Expected calibration error, 15 bins of equal mass.
    pub ece: f64,
    /// Brier score of the probabilities, 0 to 2.
    pub brier: f64,
    /// Mean negative log-likelihood, in nats.
    pub nll: f64,
    /// The bins, least confident first.
    #[serde(default)]
    pub bins: Vec<CalibrationBin>,
}

/// A bin of the reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Tickets.
    pub n: u64,
    /// Those that were right.
    pub right: u64,
    /// Mean confidence.
    pub confidence: f64,
    /// Lower end of the 95 % interval of the share that was right.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// How far one thing that is asserted of a category's decisions may be trusted, on the tickets that training kept for this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// The board that is decided; absent where the bundle decides none, and of all categories together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// The type that is decided; absent where the bundle decides none, and of all categories together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// What is asserted. A priority errs where it is less urgent than the closing one.
    pub assertion: Assertion,
    /// Score ([`Assertion::score`]) from which on the assertion may be trusted, never below the floor for acting alone; absent where it
    /// may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Tickets that were tested: of a reply, those to which somebody waits for an answer.
    pub tested: u64,
    /// Of those, accepted ones.
    pub accepted: u64,
    /// Of the accepted, wrong ones; where nothing is certified, of the surest.
    pub errors: u64,
    /// Exact upper bound of the share of errors among the accepted; absent where nothing is certified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Probability with which the bounds of one assertion hold, of all categories at once.
    pub confidence: f64,
    /// Share of the tested tickets that is accepted.
    pub coverage: f64,
}

impl Certificate {
    /// Whether it is of all categories together: it promises nothing of any one of them.
    pub fn is_of_all(&self) -> bool {
        self.board.is_none() && self.r#type.is_none()
    }

    /// Its category as `board > type`; empty of all together.
    pub fn category(&self) -> String {
        [&self.board, &self.r#type].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" > ")
    }
}

/// Drafts of first responses to people's tickets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DraftFigures {
    /// People's tickets.
    pub n: u64,
    /// Of those, tickets for which a draft was asked here; those that a rule keeps with a person are among them.
    pub due: u64,
    /// Of these, tickets that got one.
    pub made: u64,
    /// Of these, tickets that got one within 60 seconds.
    pub within_60s: u64,
    /// Seconds that 95 % of the drafts keep to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<f64>,
    /// Drafts beside which the reply is known that was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<u64>,
    /// Of those, drafts that could have been sent as they are: no further from the reply than 5 % of its words, without greeting and
    /// signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbatim: Option<u64>,
    /// Drafts that people edited; known in service only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<u64>,
    /// Drafts that people rejected; known in service only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<u64>,
    /// `compared` and `verbatim` by category, `board > type`.
    #[serde(default)]
    pub categories: BTreeMap<String, [u64; 2]>,
}

/// A time that tickets took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// Tickets.
    pub n: u64,
    /// Time that half of them keep to,
    pub p50: f64,
    /// 95 %,
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
}

impl Quantiles {
    /// Of times in any order; `None` of nothing.
    pub fn of(mut times: Vec<f64>) -> Option<Self> {
        times.retain(|time| time.is_finite());
        times.sort_by(f64::total_cmp);
        let at = |share| quantile(&times, share);
        Some(Self { n: times.len() as u64, p50: at(0.5)?, p95: at(0.95)?, p99: at(0.99)? })
    }
}

/// How long one ticket takes where no other is about.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Milliseconds to a decision.
    pub triage_ms: Quantiles,
    /// Seconds to a decision and its draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft_s: Option<Quantiles>,
}

/// How many tickets the machine decides when there is always more to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Tickets that were decided.
    pub n: u64,
    /// Seconds that this took.
    pub seconds: f64,
    /// Tickets a second.
    pub per_second: f64,
    /// Milliseconds from the start of a ticket's batch to its decision that 99 % keep to.
    pub p99_ms: f64,
    /// How it was measured.
    pub how: String,
}

/// Attacks and canaries, tried on this bundle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Safety {
    /// Tickets that give orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attacks: Option<AttackFigures>,
    /// Sentences that one customer was sent, asked for in the name of another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canaries: Option<CanaryFigures>,
}

/// Tickets that give orders.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AttackFigures {
    /// How many were tried.
    pub n: u64,
    /// How many came to nothing.
    pub passed: u64,
    /// Those that did not, and what was seen; the first of them.
    #[serde(default)]
    pub failed: Vec<String>,
}

/// Sentences that one customer was sent, asked for in the name of another.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CanaryFigures {
    /// How many were asked for.
    pub n: u64,
    /// How many were shown.
    pub leaked: u64,
    /// How many were shown to the customer that was sent them: where none was, silence proves nothing.
    pub own: u64,
    /// Ids of the resolved tickets that leaked; the first of them.
    #[serde(default)]
    pub leaks: Vec<String>,
}

/// The agreement week by week.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WeekByWeek {
    /// The weeks of the desk in which tickets were opened, in order.
    pub weeks: Vec<WeekAgreement>,
}

/// The agreement on board and type of one week's tickets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekAgreement {
    /// The week, as ISO 8601 writes it: `2026-W49`.
    pub week: String,
    /// Tickets.
    pub n: u64,
    /// Those on which desk and Firstline agree.
    pub right: u64,
    /// Resolved tickets that first level handled alone, and resolved tickets of which the tier is known; absent where it is of none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level_one: Option<[u64; 2]>,
}

/// What a gate asks for and what was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateRow {
    /// What is asked.
    pub name: String,
    /// On which side of `needed` it has to be.
    pub direction: Direction,
    /// The threshold.
    pub needed: f64,
    /// What was found; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<f64>,
    /// One-sided exact 95 % bounds, where the gate compares them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The upper one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Over how many.
    pub n: u64,
    /// Whether it holds.
    pub passed: bool,
    /// By how much it is missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short_by: Option<f64>,
    /// What is missing, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl From<&Check> for GateRow {
    fn from(check: &Check) -> Self {
        Self {
            name: check.name.clone(),
            direction: check.direction,
            needed: check.needed,
            found: check.found,
            low: check.bounds.map(|bounds| bounds.lo),
            high: check.bounds.map(|bounds| bounds.hi),
            n: check.n,
            passed: check.passed,
            short_by: check.short_by,
            missing: check.missing.clone(),
        }
    }
}
