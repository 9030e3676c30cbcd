//! The gate from shadow to assist: the evidence file of a bundle and what the store has seen of it since, against what was signed.
//!
//! Passing puts the verdict with the evidence's hash on record, and then the grants. Must never grant on what is not known, nor while
//! anything is on hold.

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_rollout::evidence::{EvidenceRefusal, InService, LiveFigures};
use firstline_rollout::{Check, Criteria, Direction, Evidence, ShadowThresholds, shadow_gate};
use firstline_stats::Count;
use firstline_store::{
    CriteriaRecord, CustomerSet, GrantScope, Hold, NewGrant, NewHold, NewVerdict, ProgrammeRecord, Store,
};
use firstline_ticket::{Counted, Phase};
use firstline_triage::sha256_hex;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

use super::figures::{Figure, WeekSheet};
use super::holds::{self, HoldView};
use super::in_service::{InServiceNow, suites};
use super::text::{self, SHADOW_TO_ASSIST};
use super::{coverage, criteria, weeks};
use crate::auth::{Person, Scope};

/// What the check of the agreement is called.
const AGREEMENT: &str = "agreement on board and type";

/// What a person asks of the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateRequest {
    /// The evidence file, as it is.
    pub evidence: Vec<u8>,
    /// Why the desk may go on.
    pub reason: String,
}

/// The gate's verdict.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct GateVerdict {
    /// `shadow_to_assist`.
    pub gate: String,
    /// Whether all checks hold, and the evidence counts.
    pub passed: bool,
    /// The checks.
    pub checks: Vec<GateCheck>,
    /// Why the evidence does not count; empty where it does.
    pub refused: Vec<String>,
    /// The sha256 of the evidence file.
    pub evidence_sha256: String,
    /// Its name on record; missing where the evidence was refused: then nothing is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<String>,
    /// Pilots to which assist was granted.
    pub granted: Vec<String>,
    /// Holds that kept anything from being granted.
    pub on_hold: Vec<HoldView>,
    /// What to do about the training data, where the agreement is too low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<CleanupPlan>,
}

/// One thing that the gate asks for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct GateCheck {
    /// What is asked.
    pub name: String,
    /// Whether `found` has to be at `needed` or above it; at or below it where false.
    pub at_least: bool,
    /// The threshold.
    pub needed: f64,
    /// What was found; null where it is not known.
    pub found: Option<f64>,
    /// Lower one-sided exact 95 % bound, where the gate compares it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<f64>,
    /// The upper one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<f64>,
    /// Over how many it was found.
    pub n: u64,
    /// Whether it holds.
    pub passed: bool,
    /// By how much it is missed: the point, or the bound where the point would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_by: Option<f64>,
    /// What is missing, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// A week of cleaning up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct CleanupPlan {
    /// What to do, in order.
    pub steps: Vec<String>,
    /// Outcomes that the gate would need at the agreement found, and those there are; missing where no number would do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tickets: Option<String>,
}

impl From<&Check> for GateCheck {
    fn from(check: &Check) -> Self {
        Self {
            name: check.name.clone(),
            at_least: check.direction == Direction::AtLeast,
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

/// Asks the gate from shadow to assist.
///
/// # Errors
/// [`Code::Scope`] without the right to approve the rollout; [`Code::Conflict`] where nothing has started, nothing is signed, or a
/// cleanup waits for another bundle; [`Code::Config`] where the evidence is none.
pub fn gate(
    store: &dyn Store,
    zone: &TimeZone,
    request: &GateRequest,
    service: &InServiceNow,
    (person, now): (&Person, Timestamp),
) -> Result<GateVerdict> {
    person.may(Scope::ApproveRollout)?;
    let reason = text::reason(&request.reason)?;
    let (programme, (record, signed)) = (started(store)?, signed(store, now)?);
    let evidence = Evidence::parse(&request.evidence, "the evidence")?;
    let sha = sha256_hex(&request.evidence);
    let in_service = in_service(service, (&record.sha, &signed), now)?;
    let thresholds = in_service.thresholds;
    let refusals = evidence.refusals(&in_service);
    let live = live(store, zone, &programme, &service.bundle_id, now)?;
    let found = shadow_gate(&evidence.shadow(Some(&live)), &thresholds);
    let mut verdict = GateVerdict {
        gate: SHADOW_TO_ASSIST.to_owned(),
        passed: found.passed && refusals.is_empty(),
        checks: found.checks.iter().map(GateCheck::from).collect(),
        refused: refusals.iter().map(EvidenceRefusal::to_string).collect(),
        evidence_sha256: sha.clone(),
        verdict: None,
        granted: Vec::new(),
        on_hold: Vec::new(),
        plan: None,
    };
    if !verdict.refused.is_empty() {
        return Ok(verdict);
    }
    verdict.verdict = Some(put(store, &verdict, person, now)?);
    if verdict.passed {
        end_cleanup(store, service, person, now)?;
        grant(store, &programme, (&mut verdict, &reason, service), person, now)?;
    } else if let Some(low) = found.checks.iter().find(|check| is_low(check)) {
        verdict.plan = Some(plan(low));
        verdict.on_hold.extend(clean_up(store, low, service, person, now)?);
    }
    Ok(verdict)
}

/// What evidence is compared with.
pub(super) fn in_service<'a>(
    service: &'a InServiceNow,
    (criteria_sha, signed): (&'a str, &Criteria),
    now: Timestamp,
) -> Result<InService<'a>> {
    Ok(InService {
        bundle_id: &service.bundle_id,
        bundle_sha256: &service.bundle_sha256,
        trained_on: &service.trained_on,
        policy_sha: &service.policy_sha,
        suites: suites()?,
        thresholds: ShadowThresholds::signed(signed),
        criteria_sha: Some(criteria_sha),
        now,
    })
}

pub(super) fn started(store: &dyn Store) -> Result<ProgrammeRecord> {
    let next = "Start it: firstline rollout start";
    let none = || UserError::new(Code::Conflict, "the rollout", "no programme has started", next);
    Ok(store.programme()?.ok_or_else(none)?)
}

pub(super) fn signed(store: &dyn Store, now: Timestamp) -> Result<(CriteriaRecord, Criteria)> {
    let next = "Have them signed: firstline rollout sign";
    let none = || UserError::new(Code::Conflict, "the criteria", "none are in force", next);
    Ok(criteria::standing(store, now)?.ok_or_else(none)?)
}

/// What the store has seen of this bundle in settled weeks, of tickets that nobody saw decided.
fn live(
    store: &dyn Store,
    zone: &TimeZone,
    programme: &ProgrammeRecord,
    bundle: &str,
    now: Timestamp,
) -> Result<LiveFigures> {
    let start = programme.started_on.to_zoned(zone.clone());
    let start = start.map_err(|e| InternalError::new(e.to_string()))?.timestamp();
    let settled = weeks::settled_since(store, start, now)?;
    let judged = settled.iter().filter(|(_, sheet)| sheet.by_bundle.contains_key(bundle));
    let judged = judged.map(|(monday, _)| weeks::week_of(*monday, zone)).collect::<Result<Vec<_>>>()?;
    let covered = coverage::covered(store, &judged)?;
    let sheets: Vec<WeekSheet> = settled.into_iter().map(|(_, sheet)| sheet).collect();
    // Shadow begins with the first decision, not with the calendar.
    let mut first = None::<Timestamp>;
    store.judged_tickets(start.min(now), now, &CustomerSet::All, &mut |counted| {
        if let Counted::Ticket(ticket) = counted {
            first.get_or_insert(ticket.received_at);
        }
    })?;
    let days = first.map_or(0, |first| now.duration_since(first).as_hours() / 24);
    let of_bundle = |sheet: &WeekSheet| sheet.by_bundle.get(bundle).copied();
    let figure = |name: &'static str| move |sheet: &WeekSheet| sheet.figures.get(name).copied();
    let p95 = sheets.iter().filter_map(figure("draft_seconds_p95"));
    // The slowest week stands for all: no quantile can be put together from others.
    let p95 = p95.filter_map(|figure| Some((figure.value?, figure.n)));
    Ok(LiveFigures {
        days: Some(u32::try_from(days).unwrap_or(0)),
        agreement: Some(sum(sheets.iter().filter_map(of_bundle))),
        coverage: covered.count,
        coverage_lacks: covered.lacks,
        drafted: Some(sum(sheets.iter().filter_map(figure("drafted_in_time")))),
        draft_p95: p95.reduce(|a, b| (a.0.max(b.0), a.1 + b.1)),
    })
}

fn sum(figures: impl Iterator<Item = Figure>) -> Count {
    figures.fold(Count { hits: 0, n: 0 }, |sum, figure| Count {
        hits: sum.hits + usize::try_from(figure.count.unwrap_or(0)).unwrap_or(0),
        n: sum.n + usize::try_from(figure.n).unwrap_or(0),
    })
}

/// Puts the verdict on record; gives its name.
fn put(store: &dyn Store, verdict: &GateVerdict, person: &Person, now: Timestamp) -> Result<String> {
    let id = Uuid::now_v7().to_string();
    let figures = serde_json::to_value(&verdict.checks)
        .map_err(|e| InternalError::new(format!("a verdict as JSON: {e}")))?;
    let new = NewVerdict {
        id: id.clone(),
        gate: verdict.gate.clone(),
        passed: verdict.passed,
        evidence_sha: verdict.evidence_sha256.clone(),
        figures,
        by: person.author(),
    };
    store.add_verdict(&new, now)?;
    Ok(id)
}

/// Grants assist to the pilots, and to the installation last: what is left half-done by a crash allows nothing.
fn grant(
    store: &dyn Store,
    programme: &ProgrammeRecord,
    (verdict, reason, service): (&mut GateVerdict, &str, &InServiceNow),
    person: &Person,
    now: Timestamp,
) -> Result<()> {
    let holds = store.holds(true)?;
    let bars = |scope: &GrantScope| {
        let of = |hold: &&firstline_store::HoldRecord| {
            hold.scope.customer.is_none() || hold.scope.customer == scope.customer
        };
        holds.iter().filter(of).map(|hold| hold.id).collect::<Vec<_>>()
    };
    let grants = store.grants(true)?;
    let stands =
        |scope: &GrantScope| grants.iter().any(|grant| grant.scope == *scope && grant.phase >= Phase::Assist);
    let whole = GrantScope::default();
    let of_pilots = programme
        .pilots
        .iter()
        .map(|pilot| GrantScope { customer: Some(pilot.clone()), ..GrantScope::default() });
    let mut barred = bars(&whole);
    if barred.is_empty() {
        for scope in of_pilots.chain([whole]) {
            let here = bars(&scope);
            if !here.is_empty() {
                barred.extend(here);
                continue;
            }
            if stands(&scope) {
                continue;
            }
            verdict.granted.extend(scope.customer.clone());
            let new = NewGrant {
                scope,
                phase: Phase::Assist,
                thresholds: BTreeMap::new(),
                bundle: Some(service.bundle_id.clone()),
                evidence_sha: Some(verdict.evidence_sha256.clone()),
                by: person.author(),
                reason: reason.to_owned(),
            };
            store.grant(&new, now)?;
        }
    }
    let kept = holds.iter().filter(|hold| barred.contains(&hold.id)).cloned();
    verdict.on_hold.extend(kept.map(HoldView::from));
    Ok(())
}

/// Whether the agreement itself is too low, and not only its bound.
fn is_low(check: &Check) -> bool {
    let short = check.found.is_some_and(|found| found < check.needed);
    check.name == AGREEMENT && !check.passed && short
}

/// What to do about it (R25).
fn plan(check: &Check) -> CleanupPlan {
    let found = check.found.unwrap_or(0.0);
    let steps = vec![
        format!(
            "The agreement is {:.1} % over {} tickets, {:.1} % are needed: this is a problem of the training data.",
            100.0 * found, check.n, 100.0 * check.needed
        ),
        "List the labels that look wrong, and correct them in the PSA: firstline audit-labels --tickets HISTORY".to_owned(),
        "See whether more tickets would help: firstline learning-curve --tickets HISTORY".to_owned(),
        "Train another bundle, measure it and put it in service: firstline train, firstline bench".to_owned(),
        "Ask the gate again, once weeks decided by that bundle have settled: firstline rollout gate".to_owned(),
    ];
    let tickets = check.missing.clone();
    CleanupPlan { steps, tickets }
}

/// Pauses expansion until there is another bundle; gives the hold, which may stand already.
fn clean_up(
    store: &dyn Store,
    check: &Check,
    service: &InServiceNow,
    person: &Person,
    now: Timestamp,
) -> Result<Option<HoldView>> {
    let standing = store.holds(true)?.into_iter().find(|hold| hold.level == Hold::Cleanup);
    if let Some(hold) = standing {
        return Ok(Some(hold.into()));
    }
    let new = NewHold {
        level: Hold::Cleanup,
        scope: GrantScope::default(),
        by: person.author(),
        reason: "the gate found the agreement too low: clean the training data".to_owned(),
        figures: Some(serde_json::json!({
            "bundle": service.bundle_sha256, "found": check.found, "needed": check.needed, "n": check.n,
        })),
        trigger_key: None,
    };
    Ok(Some(holds::put(store, &new, now)?.0))
}

/// Ends a cleanup whose bundle is no longer in service: the gate has passed with another.
fn end_cleanup(store: &dyn Store, service: &InServiceNow, person: &Person, now: Timestamp) -> Result<()> {
    for hold in store.holds(true)?.into_iter().filter(|hold| hold.level == Hold::Cleanup) {
        let bundle = hold.figures.as_ref().and_then(|figures| figures["bundle"].as_str());
        if bundle.is_some_and(|bundle| bundle != service.bundle_sha256) {
            store.release_hold(hold.id, &person.author(), "the gate has passed with another bundle", now)?;
        }
    }
    Ok(())
}
