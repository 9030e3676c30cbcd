//! The gate from assist to autonomous: category by category, on the evidence of the bundle in service and on what people did with its drafts.
//!
//! Passing puts the verdict on record, and then the grants. For the first categories two different persons have to ask with the same
//! evidence. Must never grant on what is not known, nor while anything is on hold there.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::{Code, Result, UserError};
use firstline_rollout::evidence::{Certificate, EvidenceRefusal};
use firstline_rollout::{CategoryEvidence, CategoryGate, Criteria, Evidence, autonomous_gate};
use firstline_stats::Count;
use firstline_store::{
    CategoryFacts, GrantScope, HoldRecord, NewGrant, NewVerdict, ProgrammeRecord, Store, VerdictRecord,
};
use firstline_ticket::{Assertion, Phase, is_same_person};
use firstline_triage::sha256_hex;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::day90::saving_so_far;
use super::gate::{self, GateCheck, GateRequest};
use super::holds::{HoldView, barred_bundle, refutes_a_certificate};
use super::in_service::InServiceNow;
use super::incidents::counted;
use super::text::{self, ASSIST_TO_AUTONOMOUS};
use super::{DeskRules, phase};
use crate::auth::{Person, Scope};

/// Days in which a second person has to ask with the same evidence.
const SECOND_WITHIN: i64 = 14;

/// The gate's verdict on all categories that the evidence certifies anything of.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AutonomousVerdict {
    /// `assist_to_autonomous`.
    pub gate: String,
    /// Whether a category passed, and the evidence counts.
    pub passed: bool,
    /// The categories.
    pub categories: Vec<CategoryVerdict>,
    /// Why the evidence does not count; empty where it does.
    pub refused: Vec<String>,
    /// The sha256 of the evidence file.
    pub evidence_sha256: String,
    /// Its name on record; missing where the evidence was refused: then nothing is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Whether another person has to ask with the same evidence before all that passed is granted.
    pub second_person_needed: bool,
    /// Holds that kept anything from being granted.
    pub on_hold: Vec<HoldView>,
}

/// The verdict on a category.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CategoryVerdict {
    /// The board that is decided.
    pub board: String,
    /// The type that is decided.
    #[serde(rename = "type")]
    pub ticket_type: String,
    /// Whether all checks hold.
    pub passed: bool,
    /// Whether it was granted now.
    pub granted: bool,
    /// Whether three back-outs within 90 days keep it from being granted until another bundle is in service.
    pub barred: bool,
    /// The checks.
    pub checks: Vec<GateCheck>,
    /// From which score on each thing that is certified may be done alone: `reply`, `subtype_reply`, or a field.
    pub thresholds: BTreeMap<String, f64>,
}

/// Which categories are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Categories {
    /// Those of a board; of all where there is none.
    pub board: Option<String>,
    /// Those of a type; of all where there is none.
    pub ticket_type: Option<String>,
}

impl Categories {
    fn has(&self, board: &str, ticket_type: &str) -> bool {
        let is = |named: &Option<String>, found: &str| named.as_deref().is_none_or(|named| named == found);
        is(&self.board, board) && is(&self.ticket_type, ticket_type)
    }
}

/// Asks the gate from assist to autonomous for categories.
///
/// # Errors
/// [`Code::Scope`] without the right to approve the rollout; [`Code::Conflict`] where nothing has started, nothing is signed, or the
/// installation is not in assist; [`Code::Config`] where the evidence is none.
pub fn gate_autonomous(
    store: &dyn Store,
    rules: &DeskRules,
    (request, which): (&GateRequest, &Categories),
    service: &InServiceNow,
    (person, now): (&Person, Timestamp),
) -> Result<AutonomousVerdict> {
    person.may(Scope::ApproveRollout)?;
    let reason = text::reason(&request.reason)?;
    let (programme, (record, signed)) = (gate::started(store)?, gate::signed(store, now)?);
    if phase::recorded_phase(store, Phase::Baseline)? < Phase::Assist {
        let problem = "the desk is not in assist: people have to have reviewed drafts first";
        let next = "Ask the gate to assist: firstline rollout gate --to assist";
        return Err(UserError::new(Code::Conflict, "the rollout", problem, next).into());
    }
    let evidence = Evidence::parse(&request.evidence, "the evidence")?;
    let sha = sha256_hex(&request.evidence);
    let refusals = evidence.refusals(&gate::in_service(service, (&record.sha, &signed), now)?);
    let categories = match refusals.is_empty() {
        true => judge(store, rules, (&evidence, which), (&programme, &signed), now)?,
        false => Vec::new(),
    };
    let mut verdict = AutonomousVerdict {
        gate: ASSIST_TO_AUTONOMOUS.to_owned(),
        passed: categories.iter().any(|category| category.passed),
        categories,
        refused: refusals.iter().map(EvidenceRefusal::to_string).collect(),
        evidence_sha256: sha,
        verdict: None,
        second_person_needed: false,
        on_hold: Vec::new(),
    };
    if !verdict.refused.is_empty() {
        return Ok(verdict);
    }
    let seconded = seconded(store, &verdict, person, now)?;
    verdict.second_person_needed = verdict.categories.iter().any(|one| one.passed && !seconded.has(one));
    verdict.verdict = Some(put(store, &verdict, person, now)?);
    let measured_at = evidence.made_at;
    grant(store, &programme, (&mut verdict, &seconded), (&reason, service, measured_at), (person, now))?;
    Ok(verdict)
}

/// The verdicts on the categories that the evidence has certificates of.
fn judge(
    store: &dyn Store,
    rules: &DeskRules,
    (evidence, which): (&Evidence, &Categories),
    (programme, criteria): (&ProgrammeRecord, &Criteria),
    now: Timestamp,
) -> Result<Vec<CategoryVerdict>> {
    let since =
        programme.started_on.to_zoned(rules.zone().clone()).map_or(Timestamp::MIN, |start| start.timestamp());
    let known = store.category_facts(since)?;
    let saving = saving_so_far(store, rules, now)?;
    let mut of: BTreeMap<(&str, &str), Vec<&Certificate>> = BTreeMap::new();
    for certificate in evidence.certificates() {
        if let (Some(board), Some(kind)) = (&certificate.board, &certificate.r#type)
            && which.has(board, kind)
        {
            of.entry((board, kind)).or_default().push(certificate);
        }
    }
    let errors = |facts: &CategoryFacts| {
        facts.incidents.iter().filter(|incident| counted(incident, &rules.hours, now)).count() as u64
    };
    let sent_in_all = tally(known.iter().map(&errors).sum(), known.iter().map(|facts| facts.sent).sum());
    let nothing = CategoryFacts::default();
    let tried = evidence.shadow(None);
    let verdicts = of.into_iter().map(|((board, kind), certificates)| {
        let facts =
            known.iter().find(|facts| facts.board == board && facts.ticket_type == kind).unwrap_or(&nothing);
        let found = autonomous_gate(
            &CategoryEvidence {
                certificates: &certificates,
                reviewed: tally(facts.accepted, facts.reviewed),
                sent: tally(errors(facts), facts.sent),
                sent_in_all,
                attacks: tried.attacks,
                canaries: tried.canaries,
                saving: saving.as_ref(),
            },
            criteria,
        );
        view(board, kind, &found)
    });
    Ok(verdicts.collect())
}

fn tally(hits: u64, n: u64) -> Count {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Count { hits: size(hits), n: size(n) }
}

fn view(board: &str, ticket_type: &str, found: &CategoryGate) -> CategoryVerdict {
    CategoryVerdict {
        board: board.to_owned(),
        ticket_type: ticket_type.to_owned(),
        passed: found.gate.passed,
        granted: false,
        barred: false,
        checks: found.gate.checks.iter().map(GateCheck::from).collect(),
        thresholds: found
            .thresholds
            .iter()
            .map(|(of, threshold)| (of.name().to_owned(), *threshold))
            .collect(),
    }
}

/// The categories that somebody else has asked for as well.
enum Seconded {
    /// All: autonomy was granted before, and one person may go on.
    All,
    /// These boards and types.
    Only(BTreeSet<(String, String)>),
}

impl Seconded {
    fn has(&self, category: &CategoryVerdict) -> bool {
        match self {
            Self::All => true,
            Self::Only(these) => these.contains(&(category.board.clone(), category.ticket_type.clone())),
        }
    }
}

/// The categories that passed when somebody else asked with the same evidence.
fn seconded(
    store: &dyn Store,
    verdict: &AutonomousVerdict,
    person: &Person,
    now: Timestamp,
) -> Result<Seconded> {
    let alone = |scope: &GrantScope, phase: Phase| scope.board.is_some() && phase == Phase::Autonomous;
    if store.grants(false)?.iter().any(|grant| alone(&grant.scope, grant.phase)) {
        return Ok(Seconded::All);
    }
    let since = now.checked_sub((SECOND_WITHIN * 24).hours()).unwrap_or(Timestamp::MIN);
    let is_of_another = |one: &&VerdictRecord| {
        one.evidence_sha == verdict.evidence_sha256
            && one.at >= since
            && !is_same_person(&one.by, &person.name)
    };
    let verdicts = store.verdicts(Some(ASSIST_TO_AUTONOMOUS))?;
    let passed = |one: &serde_json::Value| -> Option<(String, String)> {
        let text = |key: &str| one[key].as_str().map(str::to_owned);
        (one["passed"] == true).then_some((text("board")?, text("type")?))
    };
    let these = verdicts.iter().filter(is_of_another).flat_map(|one| {
        one.figures.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(passed)
    });
    Ok(Seconded::Only(these.collect()))
}

/// Puts the verdict on record; gives its name.
fn put(store: &dyn Store, verdict: &AutonomousVerdict, person: &Person, now: Timestamp) -> Result<String> {
    let id = Uuid::now_v7().to_string();
    let new = NewVerdict {
        id: id.clone(),
        gate: verdict.gate.clone(),
        passed: verdict.passed,
        evidence_sha: verdict.evidence_sha256.clone(),
        figures: json!(verdict.categories),
        by: person.author(),
    };
    store.add_verdict(&new, now)?;
    Ok(id)
}

/// Grants the categories that passed for two, then the pilots and the installation: what is left half-done by a crash allows nothing.
fn grant(
    store: &dyn Store,
    programme: &ProgrammeRecord,
    (verdict, seconded): (&mut AutonomousVerdict, &Seconded),
    (reason, service, measured_at): (&str, &InServiceNow, Timestamp),
    (person, now): (&Person, Timestamp),
) -> Result<()> {
    let holds = store.holds(true)?;
    let grants = store.grants(true)?;
    let bars = |scope: &GrantScope| -> Vec<&HoldRecord> {
        let meets = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
        let of = |hold: &&HoldRecord| {
            meets(&hold.scope.customer, &scope.customer)
                && meets(&hold.scope.board, &scope.board)
                && meets(&hold.scope.ticket_type, &scope.ticket_type)
        };
        // A certificate that was refuted is replaced by one on newer evidence: the hold stays until a person ends it.
        let bars = |hold: &&HoldRecord| !refutes_a_certificate(hold) || hold.at >= measured_at;
        holds.iter().filter(of).filter(bars).collect()
    };
    let new = |scope: GrantScope, thresholds: BTreeMap<Assertion, f64>| NewGrant {
        scope,
        phase: Phase::Autonomous,
        thresholds,
        bundle: Some(service.bundle_id.clone()),
        evidence_sha: Some(verdict.evidence_sha256.clone()),
        by: person.author(),
        reason: reason.to_owned(),
    };
    let mut barred: Vec<i64> = Vec::new();
    let mut wanted = Vec::new();
    for category in verdict.categories.iter_mut().filter(|one| one.passed && seconded.has(one)) {
        let scope = GrantScope {
            customer: None,
            board: Some(category.board.clone()),
            ticket_type: Some(category.ticket_type.clone()),
        };
        let here = bars(&scope);
        barred.extend(here.iter().map(|hold| hold.id));
        category.barred =
            barred_bundle(store, &scope, now)?.is_some_and(|bundle| bundle == service.bundle_id);
        if here.is_empty() && !category.barred {
            category.granted = true;
            let thresholds =
                Assertion::ALL.iter().filter_map(|of| Some((*of, *category.thresholds.get(of.name())?)));
            wanted.push((scope, thresholds.collect()));
        }
    }
    if !wanted.is_empty() {
        let pilots = programme.pilots.iter().map(|pilot| Some(pilot.clone()));
        let above = pilots.chain([None]).map(|customer| GrantScope { customer, ..GrantScope::default() });
        let stands = |scope: &GrantScope| {
            grants.iter().any(|one| one.scope == *scope && one.phase == Phase::Autonomous)
        };
        // A pilot that is on hold, or that was taken back, stays where it is.
        let is_assist =
            |scope: &GrantScope| grants.iter().any(|one| one.scope == *scope && one.phase == Phase::Assist);
        wanted.extend(
            above.filter(|scope| !stands(scope) && is_assist(scope)).map(|scope| (scope, BTreeMap::new())),
        );
    }
    for (scope, thresholds) in wanted {
        store.grant(&new(scope, thresholds), now)?;
    }
    barred.sort_unstable();
    barred.dedup();
    verdict.on_hold =
        holds.iter().filter(|hold| barred.contains(&hold.id)).cloned().map(HoldView::from).collect();
    Ok(())
}
