//! The parts as they are measured, and the evidence that they make.

use std::collections::{BTreeMap, BTreeSet};

use firstline_drafts::Drafter;
use firstline_rollout::evidence::{
    Agreed, BestFigures, BundleFacts, Calibration, Certificate, DataFacts, DraftFigures, EVIDENCE_FORMAT,
    GateRow, Latency, Load, NotMeasured, Program, RulesFigures, RulesReplay, Safety, WeekAgreement,
    WeekByWeek,
};
use firstline_rollout::{Evidence, PriorityCalls, ShadowThresholds, Share, shadow_gate};
use firstline_serve::rollout::trained_on;
use firstline_serve::served_id;
use firstline_ticket::{Decision, Field, Ticket};
use firstline_triage::{BundleInfo, Engine};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::material::Material;
use super::{Extent, LaidDown};
use crate::commands::doctor;
use crate::failure::Failure;

/// What was measured so far.
pub(super) struct Measured<'a> {
    pub(super) material: &'a Material,
    info: BundleInfo,
    seed: u64,
    quick: bool,
    /// What was decided of each ticket.
    pub(super) decisions: Vec<Decision>,
    pub(super) accuracy: BTreeMap<Field, Agreed>,
    pub(super) joint: BTreeMap<String, Agreed>,
    pub(super) best: Option<BestFigures>,
    pub(super) ceiling: Option<Agreed>,
    pub(super) rules: Option<RulesFigures>,
    pub(super) rules_replay: Option<RulesReplay>,
    pub(super) priority: Option<PriorityCalls>,
    pub(super) calibration: BTreeMap<Field, Calibration>,
    pub(super) certificates: Vec<Certificate>,
    pub(super) drafts: Option<DraftFigures>,
    /// Drafts that could have been sent as they were, by board and type.
    pub(super) repeats: BTreeMap<(String, String), Share>,
    pub(super) latency: Option<Latency>,
    pub(super) load: Option<Load>,
    pub(super) safety: Safety,
    pub(super) weeks: Vec<WeekAgreement>,
    not_measured: Vec<NotMeasured>,
    pub(super) notes: Vec<String>,
}

impl<'a> Measured<'a> {
    pub(super) fn new(
        extent: &Extent,
        laid_down: &LaidDown,
        material: &'a Material,
        engine: &Engine,
    ) -> Self {
        let mut measured = Self {
            material,
            info: engine.bundle().info.clone(),
            seed: extent.seed,
            quick: extent.quick,
            decisions: Vec::new(),
            accuracy: BTreeMap::new(),
            joint: BTreeMap::new(),
            best: None,
            ceiling: None,
            rules: None,
            rules_replay: None,
            priority: None,
            calibration: BTreeMap::new(),
            certificates: Vec::new(),
            drafts: None,
            repeats: BTreeMap::new(),
            latency: None,
            load: None,
            safety: Safety::default(),
            weeks: Vec::new(),
            not_measured: Vec::new(),
            notes: Vec::new(),
        };
        measured.notes.extend(measured.info.split.note.clone());
        if extent.quick {
            measured
                .notes
                .push("Quick: times, drafts and canaries are measured on fewer tickets.".to_owned());
        }
        if laid_down.criteria.is_none() {
            measured
                .missing("criteria", "no gate counts this evidence: name the signed file with --criteria");
        }
        measured.missing(
            "intake",
            "how many of the PSA's tickets come in, and how soon, only a service can tell",
        );
        measured
    }

    /// Says that a part was not measured.
    pub(super) fn missing(&mut self, part: &str, why: impl Into<String>) {
        self.not_measured.push(NotMeasured { part: part.to_owned(), why: why.into() });
    }

    /// The evidence.
    pub(super) fn finish(
        self,
        drafter: &Drafter<'_>,
        laid_down: &LaidDown,
        bundle_sha256: &str,
        made_at: Timestamp,
    ) -> Result<Evidence, Failure> {
        let (id, policy_sha) = served_id(bundle_sha256, &laid_down.policy)?;
        let compact = made_at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut evidence = Evidence {
            format: EVIDENCE_FORMAT.to_owned(),
            id: format!("{compact}-{}", &bundle_sha256[..8]),
            made_at,
            seed: self.seed,
            quick: self.quick,
            program: Program {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                commit: option_env!("FIRSTLINE_COMMIT").map(str::to_owned),
            },
            machine: doctor::machine(),
            bundle: BundleFacts {
                id,
                sha256: bundle_sha256.to_owned(),
                drafting: Some(drafter.drafting_id()?),
                seed: self.info.seed,
                trained_on: trained_on(&self.info),
            },
            policy_sha,
            criteria_sha: laid_down.criteria.as_ref().map(|(_, sha)| sha.clone()),
            data: data(self.material),
            accuracy: self.accuracy,
            joint: self.joint,
            best: self.best,
            ceiling: self.ceiling,
            rules: self.rules,
            rules_replay: self.rules_replay,
            priority: self.priority,
            calibration: self.calibration,
            certificates: self.certificates,
            drafts: self.drafts,
            latency: self.latency,
            load: self.load,
            safety: self.safety,
            kpis: WeekByWeek { weeks: self.weeks },
            gates: Vec::new(),
            audit_head: None,
            not_measured: self.not_measured,
            notes: self.notes,
        };
        if let Some(overlap) = evidence.overlap() {
            evidence.notes.push(format!("No gate counts this evidence: {overlap}."));
        }
        let thresholds = laid_down
            .criteria
            .as_ref()
            .map_or_else(ShadowThresholds::default, |(criteria, _)| ShadowThresholds::signed(criteria));
        let gate = shadow_gate(&evidence.shadow(None), &thresholds);
        evidence.gates = gate.checks.iter().map(GateRow::from).collect();
        Ok(evidence)
    }
}

fn data(material: &Material) -> DataFacts {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let days = || material.facts.iter().map(|facts| day(facts.opened_at));
    let customers: BTreeSet<String> = material.tickets.iter().map(Ticket::customer_key).collect();
    DataFacts {
        sha256: material.sha256.clone(),
        from: days().min().unwrap_or_default(),
        to: days().max().unwrap_or_default(),
        tickets: material.tickets.len() as u64,
        customers: customers.iter().filter(|key| !key.is_empty()).count() as u64,
        left_out: material.left_out,
    }
}
