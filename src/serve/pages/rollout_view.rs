//! The view of the rollout's page, from what is on record.
//!
//! Must compute no figure: verdicts are shown as they were put on record.

use firstline_pages::manage::rollout::{
    CategoryChecks, CheckView, GateView, GrantLine, LogLine, Logged, Rights, RolloutView, SignedView,
    StartedView, TriggerKind, TriggerLine, VerdictView, VersionView,
};
use firstline_pages::manage::{Level, Phase, Said, ScopeView};
use firstline_rollout::{Criteria, Rollback};
use firstline_store::{GrantRecord, HoldRecord, Store, VerdictRecord};
use firstline_ticket::is_same_person;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::told;
use super::view::moment;
use super::viewer::Viewer;
use crate::auth::Scope;
use crate::problem::Problem;
use crate::rollout::{
    self, AutonomousVerdict, CriteriaList, CriteriaVersion, GateCheck, GateVerdict, HoldView, Status,
};
use crate::shared::Shared;

/// Lines of the log.
const LOG: usize = 100;
/// Checks, and categories, of a verdict that are shown.
const MOST: usize = 200;

/// The page, as it stands now.
pub(super) fn view(shared: &Shared, viewer: &Viewer, said: Option<Said>) -> Result<RolloutView, Problem> {
    let (store, now) = (shared.store.as_ref(), shared.clock.now());
    let rules = shared.desk()?;
    let zone = rules.zone();
    let status = rollout::status(store, &rules.hours, shared.settings.phase, now)?;
    let list = rollout::criteria(store, now)?;
    let (holds, verdicts) = (store.holds(false)?, store.verdicts(None)?);
    let phase = Phase::named(&status.phase).unwrap_or(Phase::Baseline);
    let name = viewer.caller.person.as_deref().unwrap_or_default();
    let mut grants: Vec<GrantLine> = store.grants(true)?.iter().map(|one| grant(one, zone)).collect();
    grants.sort_by_key(|one| std::cmp::Reverse(one.phase));
    let log = log(store, (&holds, &verdicts, &list), zone)?;
    Ok(RolloutView {
        phase,
        capped_at: status.capped_at.as_deref().and_then(Phase::named),
        gates: [(Phase::Assist, "shadow_to_assist"), (Phase::Autonomous, "assist_to_autonomous")]
            .into_iter()
            .map(|(to, name)| gate(to, name, &verdicts, phase, zone))
            .collect(),
        versions: list.versions.iter().rev().map(|one| version(one, list.in_force, name, zone)).collect(),
        triggers: triggers(&list, &holds)?,
        holds: holds
            .iter()
            .rev()
            .filter(|one| one.released.is_none())
            .map(|one| told::hold(one, zone))
            .collect(),
        rights: rights(viewer),
        started: started(&status),
        next: status.next,
        grants,
        log,
        said,
    })
}

/// What a person may do here; a machine's key does nothing.
fn rights(viewer: &Viewer) -> Rights {
    let is_person = viewer.caller.person.is_some();
    let may = |scope| is_person && viewer.caller.may_for_all(scope).is_ok();
    let approve = may(Scope::ApproveRollout);
    Rights { hold: may(Scope::Manage), stop: may(Scope::Stop), approve, sign: approve || may(Scope::Manage) }
}

fn started(status: &Status) -> Option<StartedView> {
    let programme = status.programme.as_ref()?;
    Some(StartedView {
        on: programme.started_on.to_string(),
        day: programme.day,
        week: programme.week,
        pilots: programme.pilots.clone(),
        by: programme.by.clone(),
    })
}

fn grant(of: &GrantRecord, zone: &TimeZone) -> GrantLine {
    GrantLine {
        scope: told::scope(&of.scope),
        phase: told::phase(of.phase),
        thresholds: of.thresholds.iter().map(|(what, from)| (what.name().to_owned(), *from)).collect(),
        certificate: of.evidence_sha.clone(),
        bundle: of.bundle.clone(),
        since: moment(of.since, zone),
        by: of.by.clone(),
        reason: of.reason.clone(),
    }
}

fn version(of: &CriteriaVersion, in_force: Option<u32>, reader: &str, zone: &TimeZone) -> VersionView {
    let signed = |one: &rollout::SignedBy| SignedView {
        person: one.person.clone(),
        typed: one.typed_name.clone(),
        role: one.role.clone(),
        at: moment(one.at, zone),
    };
    VersionView {
        version: of.version,
        text: of.text.clone(),
        sha256: of.sha256.clone(),
        at: moment(of.at, zone),
        by: of.by.clone(),
        needed: usize::from(of.needed),
        signatures: of.signatures.iter().map(signed).collect(),
        in_force: in_force == Some(of.version),
        by_reader: of.signatures.iter().any(|one| is_same_person(&one.person, reader)),
    }
}

fn gate(to: Phase, name: &str, verdicts: &[VerdictRecord], phase: Phase, zone: &TimeZone) -> GateView {
    let before = if to == Phase::Autonomous { Phase::Assist } else { Phase::Shadow };
    let newest = verdicts.iter().rev().find(|one| one.gate == name);
    // Categories are granted one by one: that gate is asked again and again.
    let again = to == Phase::Autonomous && phase == Phase::Autonomous;
    GateView { to, asked: newest.map(|one| recorded(one, zone)), is_next: phase == before || again }
}

/// A verdict on record: checks, or categories with theirs.
fn recorded(of: &VerdictRecord, zone: &TimeZone) -> VerdictView {
    let rows = of.figures.as_array().map(Vec::as_slice).unwrap_or_default();
    let categories =
        rows.iter().filter(|row| row["board"].is_string()).take(MOST).map(|row| CategoryChecks {
            category: format!("{} > {}", word(row, "board"), word(row, "type")),
            passed: row["passed"] == true,
            checks: row["checks"]
                .as_array()
                .into_iter()
                .flatten()
                .take(MOST)
                .filter_map(check_on_record)
                .collect(),
        });
    VerdictView {
        passed: of.passed,
        at: moment(of.at, zone),
        by: of.by.clone(),
        sha256: of.evidence_sha.clone(),
        checks: rows.iter().take(MOST).filter_map(check_on_record).collect(),
        categories: categories.collect(),
        ..VerdictView::default()
    }
}

fn word(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

fn check_on_record(row: &Value) -> Option<CheckView> {
    Some(CheckView {
        name: row["name"].as_str()?.to_owned(),
        at_least: row["at_least"] == true,
        needed: row["needed"].as_f64()?,
        found: row["found"].as_f64(),
        n: row["n"].as_u64().unwrap_or_default(),
        passed: row["passed"] == true,
        short_by: row["short_by"].as_f64(),
        missing: row["missing"].as_str().map(str::to_owned),
    })
}

fn check(of: &GateCheck) -> CheckView {
    CheckView {
        name: of.name.clone(),
        at_least: of.at_least,
        needed: of.needed,
        found: of.found,
        n: of.n,
        passed: of.passed,
        short_by: of.short_by,
        missing: of.missing.clone(),
    }
}

fn on_hold(of: &[HoldView]) -> Vec<(i64, Level)> {
    of.iter().map(|one| (one.hold, Level::named(one.level.name()).unwrap_or(Level::Stop))).collect()
}

/// What came of asking the gate to assist.
pub(super) fn of_assist(of: &GateVerdict) -> VerdictView {
    VerdictView {
        passed: of.passed,
        sha256: of.evidence_sha256.clone(),
        checks: of.checks.iter().map(check).collect(),
        refused: of.refused.clone(),
        granted: of.granted.clone(),
        on_hold: on_hold(&of.on_hold),
        plan: of.plan.iter().flat_map(|plan| plan.steps.iter().chain(&plan.tickets).cloned()).collect(),
        ..VerdictView::default()
    }
}

/// What came of asking the gate to autonomous.
pub(super) fn of_autonomous(of: &AutonomousVerdict) -> VerdictView {
    let name = |one: &rollout::CategoryVerdict| format!("{} > {}", one.board, one.ticket_type);
    let category = |one: &rollout::CategoryVerdict| CategoryChecks {
        category: name(one),
        passed: one.passed,
        checks: one.checks.iter().map(check).collect(),
    };
    VerdictView {
        passed: of.passed,
        sha256: of.evidence_sha256.clone(),
        categories: of.categories.iter().map(category).collect(),
        refused: of.refused.clone(),
        granted: of.categories.iter().filter(|one| one.granted).map(name).collect(),
        second_person: of.second_person_needed,
        on_hold: on_hold(&of.on_hold),
        ..VerdictView::default()
    }
}

/// The triggers with the limits of the criteria in force, else those of the roadmap.
fn triggers(list: &CriteriaList, holds: &[HoldRecord]) -> Result<Vec<TriggerLine>, Problem> {
    let in_force = list.versions.iter().find(|one| Some(one.version) == list.in_force);
    let criteria = in_force.map(|one| Criteria::parse(&one.text, "the criteria in force")).transpose()?;
    let rollback = criteria.map_or_else(Rollback::default, |criteria| criteria.rollback);
    let of = |kind: &TriggerKind| {
        let fired = holds.iter().filter(|hold| {
            let figures = hold.figures.as_ref().filter(|_| hold.trigger_key.is_some());
            figures.is_some_and(|figures| figures["trigger"] == kind.name())
        });
        TriggerLine {
            kind: *kind,
            limit: match kind {
                TriggerKind::Errors => Some(rollback.errors),
                TriggerKind::Agreement => Some(rollback.agreement),
                TriggerKind::Savings => Some(rollback.savings),
                _ => None,
            },
            in_force: fired.clone().filter(|hold| hold.released.is_none()).map(|hold| hold.id).collect(),
            fired: fired.count() as u64,
        }
    };
    Ok(TriggerKind::ALL.iter().map(of).collect())
}

/// What was done, the newest first.
fn log(
    store: &dyn Store,
    (holds, verdicts, list): (&[HoldRecord], &[VerdictRecord], &CriteriaList),
    zone: &TimeZone,
) -> Result<Vec<LogLine>, Problem> {
    let mut all: Vec<(Timestamp, Logged, ScopeView, String, String)> = Vec::new();
    for one in store.grants(false)? {
        all.push((
            one.since,
            Logged::Granted(told::phase(one.phase)),
            told::scope(&one.scope),
            one.by,
            one.reason,
        ));
    }
    for one in holds {
        let (level, scope) = (told::level(one.level), told::scope(&one.scope));
        if let Some(end) = &one.released {
            all.push((end.at, Logged::Resumed(level), scope.clone(), end.by.clone(), end.reason.clone()));
        }
        all.push((one.at, Logged::Held(level), scope, one.by.clone(), one.reason.clone()));
    }
    for one in verdicts {
        let to = match one.gate.as_str() {
            "shadow_to_assist" => Phase::Assist,
            "assist_to_autonomous" => Phase::Autonomous,
            // Counts of coverage are on record as verdicts too, and are no gate.
            _ => continue,
        };
        let what = Logged::Asked(to, one.passed);
        all.push((
            one.at,
            what,
            ScopeView::default(),
            one.by.clone(),
            format!("sha256 {}", one.evidence_sha),
        ));
    }
    for version in &list.versions {
        for one in &version.signatures {
            let what = Logged::Signed(version.version);
            all.push((
                one.at,
                what,
                ScopeView::default(),
                one.person.clone(),
                format!("{}, {}", one.typed_name, one.role),
            ));
        }
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.0));
    all.truncate(LOG);
    Ok(all
        .into_iter()
        .map(|(at, what, scope, by, why)| LogLine { at: moment(at, zone), what, scope, by, why })
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(gate: &str, figures: Value) -> VerdictRecord {
        VerdictRecord {
            id: "v".to_owned(),
            at: "2026-11-02T08:00:00Z".parse().unwrap(),
            gate: gate.to_owned(),
            passed: false,
            evidence_sha: "s".to_owned(),
            figures,
            by: "Ada".to_owned(),
        }
    }

    #[test]
    fn a_verdict_on_record_is_shown_with_its_checks_or_its_categories() {
        let one = json!({"name": "agreement", "at_least": true, "needed": 0.85, "found": null, "n": 0, "passed": false,
            "missing": "no week has settled"});
        let plain = recorded(&record("shadow_to_assist", json!([one])), &TimeZone::UTC);
        assert_eq!((plain.checks.len(), plain.categories.len(), plain.checks[0].found), (1, 0, None));
        let of = json!([{"board": "Desk", "type": "Mail", "passed": true, "checks": [one]}]);
        let categories = recorded(&record("assist_to_autonomous", of), &TimeZone::UTC);
        assert_eq!((categories.checks.len(), categories.categories[0].checks.len()), (0, 1));
        assert_eq!(categories.categories[0].category, "Desk > Mail");
        // Counts of coverage, or whatever an older version kept, are shown without a check.
        assert!(recorded(&record("coverage", json!({"listed": 3})), &TimeZone::UTC).checks.is_empty());
    }

    #[test]
    fn the_gate_that_can_be_asked_is_the_next_one() {
        let next = |phase| {
            [Phase::Assist, Phase::Autonomous].map(|to| gate(to, "x", &[], phase, &TimeZone::UTC).is_next)
        };
        assert_eq!(next(Phase::Baseline), [false, false]);
        assert_eq!(next(Phase::Shadow), [true, false]);
        assert_eq!(next(Phase::Assist), [false, true]);
        assert_eq!(next(Phase::Autonomous), [false, true]);
    }
}
