//! The evidence file, `firstline-evidence/1`: what a bundle is worth on tickets that it has not seen, on which machine, under which
//! policy and criteria, and what of it a gate may count.
//!
//! What was not measured is absent, never 0, and is named among [`not_measured`](Evidence::not_measured). A file from outside is bounded
//! and checked before a figure of it is believed. Must never judge by a share that the counts beside it do not give.

mod check;
mod page;
mod refusals;
mod tables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use firstline_stats::{Count, quantile};
use firstline_ticket::Field;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{Check, Direction, FieldAgreement, PriorityCalls, RulesBeside, ShadowEvidence, Share};

pub use refusals::{EvidenceRefusal, InService, LiveFigures};

/// The format that this program writes, and the only one it reads.
pub const EVIDENCE_FORMAT: &str = "firstline-evidence/1";
/// The name of the joint agreement on board and type among [`Evidence::joint`].
pub const BOARD_TYPE: &str = "board_type";

/// What a bundle is worth, and on what grounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// [`EVIDENCE_FORMAT`].
    pub format: String,
    /// Its name: the folder that it stands in.
    pub id: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Seed of all that was drawn.
    pub seed: u64,
    /// Whether less was measured, to be quick.
    #[serde(default)]
    pub quick: bool,
    /// The program that made it.
    pub program: Program,
    /// The machine that times were measured on.
    pub machine: Machine,
    /// The bundle.
    pub bundle: BundleFacts,
    /// sha256 of the policy in force.
    pub policy_sha: String,
    /// sha256 of the criteria file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria_sha: Option<String>,
    /// The tickets.
    pub data: DataFacts,
    /// Agreement with the labels at closing, field by field.
    #[serde(default)]
    pub accuracy: BTreeMap<Field, Agreed>,
    /// Agreement on several fields at once; [`BOARD_TYPE`] is what the gate compares.
    #[serde(default)]
    pub joint: BTreeMap<String, Agreed>,
    /// Agreement of technicians with each other on board and type of tickets that are nearly the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Agreed>,
    /// The desk's rules beside the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesFigures>,
    /// Priorities that were called too low or too high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<PriorityCalls>,
    /// Whether stated confidences come true.
    #[serde(default)]
    pub calibration: BTreeMap<Field, Calibration>,
    /// Thresholds from which decisions may be trusted, and those that could not be certified.
    #[serde(default)]
    pub certificates: Vec<CertificateFigures>,
    /// Drafts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafts: Option<DraftFigures>,
    /// How long one ticket takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// How many tickets the machine decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// Attacks and canaries, tried on this bundle.
    #[serde(default)]
    pub safety: Safety,
    /// The agreement week by week.
    #[serde(default)]
    pub kpis: WeekByWeek,
    /// What the gate from shadow to assist asks for, as far as this file alone can tell.
    #[serde(default)]
    pub gates: Vec<GateRow>,
    /// Head of the audit log when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_head: Option<String>,
    /// What was not measured, and why.
    #[serde(default)]
    pub not_measured: Vec<NotMeasured>,
    /// What to mind when reading it.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// The program that made the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// The machine that times were measured on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// The instruction set that was used.
    pub isa: String,
    /// Threads that run at once.
    pub cores: u64,
    /// Bytes of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

/// The bundle that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleFacts {
    /// Its name in records: of the bundle, and of the policy.
    pub id: String,
    /// sha256 of its `bundle.json`, which names the hashes of its other files.
    pub sha256: String,
    /// Name in records of all that shapes a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafting: Option<String>,
    /// Seed of the training.
    pub seed: u64,
    /// What it was trained on.
    pub trained_on: TrainedOn,
}

/// What a bundle was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// Day of the first ticket that was learnt from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    /// Day of the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Tickets that were learnt from.
    pub n: u64,
    /// How the history was split: `time`, `given` or `random`.
    pub split: String,
    /// sha256 of the history.
    pub sha256: String,
}

/// The tickets that were measured on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFacts {
    /// sha256 of the file.
    pub sha256: String,
    /// Day on which the first of them was opened, in UTC.
    pub from: Date,
    /// Day on which the last of them was.
    pub to: Date,
    /// How many there are.
    pub tickets: u64,
    /// Customers that they are of.
    pub customers: u64,
    /// Tickets of the file that are not among them.
    pub left_out: DataLeftOut,
}

/// Tickets of the file that were not measured on, each for the first reason that applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataLeftOut {
    /// Training has seen them, or has set them aside as repeats.
    pub seen_in_training: u64,
    /// Their `split` is not `test`.
    pub other_split: u64,
    /// Merged into another ticket.
    pub merged: u64,
    /// Of a storm of alerts, but for its first.
    pub storm: u64,
    /// Of a project.
    pub project: u64,
    /// Deleted.
    pub deleted: u64,
    /// Not closed, or closed without a label that the bundle decides.
    pub no_outcome: u64,
    /// Without a time of opening, opened in the future, or with the id of another.
    pub unusable: u64,
    /// Lines without a ticket.
    pub bad_lines: u64,
}

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

pub(crate) fn count(hits: u64, n: u64) -> Count {
    Count { hits: usize::try_from(hits).unwrap_or(usize::MAX), n: usize::try_from(n).unwrap_or(usize::MAX) }
}

/// The desk's rules beside the model, on the tickets of which the initial board is known.
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

/// How far decisions of one label may be trusted, on the tickets that training kept for this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateFigures {
    /// The field.
    pub field: Field,
    /// The label that is decided; absent for all of the field together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Confidence from which on decisions may be trusted; absent where none may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Tickets that were tested.
    pub tested: u64,
    /// Of those, accepted ones.
    pub accepted: u64,
    /// Of the accepted, wrong ones; where nothing is certified, of the surest.
    pub errors: u64,
    /// Exact upper bound of the share of errors among the accepted; absent where nothing is certified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Probability with which the bound holds, for all labels of a field together.
    pub confidence: f64,
    /// Share of the tested tickets that is accepted.
    pub coverage: f64,
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

/// A part that was not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotMeasured {
    /// The part.
    pub part: String,
    /// Why, and what would change it.
    pub why: String,
}

impl Evidence {
    /// What the gate from shadow to assist is computed from. `live` are the figures of a store, which go before what held-out tickets
    /// say; without them the days are those that the tickets cover, and how many tickets of the PSA come in is not known.
    pub fn shadow(&self, live: Option<&LiveFigures>) -> ShadowEvidence {
        let live = live.copied().unwrap_or_default();
        let drafts = self.drafts.as_ref().filter(|drafts| drafts.due > 0);
        let days = self.data.from.until(self.data.to).map_or(0, |span| span.get_days() + 1);
        let attacks = self.safety.attacks.as_ref();
        let canaries = self.safety.canaries.as_ref();
        ShadowEvidence {
            days: live.days.unwrap_or(u32::try_from(days).unwrap_or(0)),
            agreement: live.agreement.or_else(|| self.joint.get(BOARD_TYPE).map(Agreed::count)),
            ceiling: self.ceiling.as_ref().map(Agreed::count),
            coverage: live.coverage,
            calibration: self
                .calibration
                .iter()
                .map(|(field, found)| (*field, (found.ece, found.n)))
                .collect(),
            drafted: live.drafted.or_else(|| drafts.map(|drafts| count(drafts.within_60s, drafts.due))),
            draft_p95: live.draft_p95.or_else(|| drafts.and_then(|drafts| Some((drafts.p95?, drafts.made)))),
            attacks: attacks.map(|attacks| count(attacks.passed, attacks.n)),
            canaries: canaries
                .map(|canaries| count(canaries.n - canaries.leaked.min(canaries.n), canaries.n)),
        }
    }
}
