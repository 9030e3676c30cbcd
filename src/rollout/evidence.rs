//! The evidence file, `firstline-evidence/1`: what a bundle is worth on tickets that it has not seen, on which machine, under which
//! policy and criteria, and what of it a gate may count.
//!
//! What was not measured is absent, never 0, and is named among [`not_measured`](Evidence::not_measured). A file from outside is bounded
//! and checked before a figure of it is believed; one whose figures do not follow from its counts does not count. The file is no proof
//! that anything was measured: an administrator who invents counts and figures that fit together is not found out, which is why a
//! verdict names the person who asked. Must never judge by a share that the counts beside it do not give.

mod check;
mod counts;
mod figures;
mod page;
mod refusals;
mod tables;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use firstline_ticket::Field;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{PriorityCalls, ShadowEvidence};
use figures::count;

pub use figures::{
    Agreed, AttackFigures, BestFigures, Calibration, CalibrationBin, CanaryFigures, Certificate,
    DraftFigures, GateRow, Latency, Load, Quantiles, RulesFigures, RulesReplay, Safety, WeekAgreement,
    WeekByWeek,
};
pub use refusals::{EvidenceRefusal, InService, LiveFigures, Suites};

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
    /// Agreement on board and type on the tickets that the best technicians closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<BestFigures>,
    /// Agreement of technicians with each other on board and type of tickets that are nearly the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Agreed>,
    /// The desk's rules beside the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<RulesFigures>,
    /// A rules file replayed beside the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_replay: Option<RulesReplay>,
    /// Priorities that were called too low or too high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<PriorityCalls>,
    /// Whether stated confidences come true.
    #[serde(default)]
    pub calibration: BTreeMap<Field, Calibration>,
    /// Thresholds from which what is asserted of a category's decisions may be trusted, and what could not be certified.
    #[serde(default)]
    pub certificates: Vec<Certificate>,
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

/// A part that was not measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotMeasured {
    /// The part.
    pub part: String,
    /// Why, and what would change it.
    pub why: String,
}

impl Evidence {
    /// What was certified of each category and assertion, and what could not be: what the gate from assist to autonomous reads.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// What the gate from shadow to assist is computed from. `live` are the figures of a store, which go before what held-out tickets
    /// say; without them the days are those that the tickets cover, and how many tickets of the PSA come in is not known.
    pub fn shadow(&self, live: Option<&LiveFigures>) -> ShadowEvidence {
        let live = live.cloned().unwrap_or_default();
        let drafts = self.drafts.as_ref().filter(|drafts| drafts.due > 0);
        let days = self.data.from.until(self.data.to).map_or(0, |span| span.get_days() + 1);
        let attacks = self.safety.attacks.as_ref();
        let canaries = self.safety.canaries.as_ref();
        ShadowEvidence {
            days: live.days.unwrap_or(u32::try_from(days).unwrap_or(0)),
            agreement: live.agreement.or_else(|| self.joint.get(BOARD_TYPE).map(Agreed::count)),
            ceiling: self.ceiling.as_ref().map(Agreed::count),
            coverage: live.coverage,
            coverage_lacks: live.coverage_lacks,
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
