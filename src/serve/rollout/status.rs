//! How the programme stands, at a glance: counts that the store adds up, and what is on record.

use std::collections::BTreeMap;

use firstline_fault::{InternalError, Result};
use firstline_rollout::{Acted, Kpis, OpenHours, Share, Week, WeekTallies, counted};
use firstline_store::{CustomerSet, GrantRecord, Hold, HoldRecord, ProgrammeRecord, Store};
use firstline_ticket::{Counted, Phase};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::coverage::{self, Coverage};
use super::criteria;
use super::figures::Figure;
use super::holds::{HoldView, Scoped};
use super::incidents::{self, CustomerErrors, Incidents, WeekErrors};
use super::phase::recorded_phase;
use super::text::SHADOW_TO_ASSIST;
use super::weeks::{self, WeekView, first};

/// Days of a programme.
const DAYS: i64 = 90;

/// How the programme stands.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Status {
    /// The programme; null before it has started.
    pub programme: Option<ProgrammeView>,
    /// How far Firstline may go at most, as the store says by grants and holds: `baseline`, `shadow`, `assist`, `autonomous`. Where
    /// nothing was ever granted, what the settings allow.
    pub phase: String,
    /// What the settings allow at most: the service's own, or those that a command has read.
    pub settings_phase: String,
    /// `settings_phase`, where it is below `phase`: a service with these settings goes no further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capped_at: Option<String>,
    /// The version of the criteria in force; null where none is.
    pub criteria_in_force: Option<u32>,
    /// Of the newest version: signatures that are missing.
    pub signatures_missing: Option<usize>,
    /// The grants that hold, the oldest first.
    pub grants: Vec<GrantView>,
    /// The holds in force.
    pub holds: Vec<HoldView>,
    /// All that were ever put in force, ended ones included.
    pub rollbacks: Rollbacks,
    /// Tickets opened since the start, or in the last 90 days before one.
    pub tickets: u64,
    /// Of those, tickets whose outcome is known.
    pub reported: u64,
    /// Agreement on board and type so far, of tickets that nobody saw decided.
    pub agreement: Figure,
    /// What people who saw a decision left as it was.
    pub left_as_seen: Figure,
    /// Drafts that were due, and ready within 60 seconds.
    pub drafted_in_time: Figure,
    /// Errors that customers saw so far, by when they happened.
    pub errors: CustomerErrors,
    /// The weeks in which there were any, or credits for them, as known now: also what was entered after the week was put on record.
    pub errors_by_week: Vec<WeekErrors>,
    /// Weeks on record as closed, and as settled.
    pub weeks_closed: u64,
    /// Settled weeks are what a gate counts.
    pub weeks_settled: u64,
    /// Work on tickets in the newest week on record; null before the first.
    pub work: Option<WorkView>,
    /// How completely tickets came in, as it was last counted.
    pub coverage: Option<Coverage>,
    /// The gate's last verdict.
    pub last_verdict: Option<LastVerdict>,
    /// What to do next.
    pub next: Vec<String>,
}

/// A programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProgrammeView {
    /// The day on which it started, in the desk's time zone.
    #[schema(value_type = String, format = "date")]
    pub started_on: Date,
    /// Its day, 1 for the first, of 90; 0 before the start.
    pub day: i64,
    /// Its week, 1 for the first whole one; 0 before that.
    pub week: u32,
    /// The pilot customers.
    pub pilots: Vec<String>,
    /// Who started it, or changed its pilots.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
}

impl ProgrammeView {
    pub(super) fn of(programme: ProgrammeRecord, zone: &TimeZone, now: Timestamp) -> Result<Self> {
        let first = first(&programme, zone)?;
        let week = Week::of(now, zone).map_err(|e| InternalError::new(e.to_string()))?;
        let today = now.to_zoned(zone.clone()).date();
        let days = programme.started_on.until(today).map_or(0, |span| i64::from(span.get_days()) + 1);
        let ProgrammeRecord { started_on, pilots, by, at, .. } = programme;
        let number = week.number_since(&first, zone).unwrap_or(0);
        Ok(Self { started_on, day: days.clamp(0, 10 * DAYS), week: number, pilots, by, at })
    }
}

/// How often the programme was held back, by whomever.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rollbacks {
    /// Pauses.
    pub pauses: u64,
    /// Back-outs.
    pub back_outs: u64,
    /// Stops.
    pub stops: u64,
    /// Those that a trigger has fired, by its name; also those that paused expansion alone.
    pub by_trigger: BTreeMap<String, u64>,
}

impl Rollbacks {
    fn of(holds: &[HoldRecord]) -> Self {
        let mut found = Self::default();
        for hold in holds {
            match hold.level {
                Hold::PauseExpansion | Hold::Cleanup => {}
                Hold::Pause => found.pauses += 1,
                Hold::BackOut => found.back_outs += 1,
                Hold::Stop => found.stops += 1,
            }
            let figures = hold.figures.as_ref().filter(|_| hold.trigger_key.is_some());
            if let Some(trigger) = figures.and_then(|figures| figures["trigger"].as_str()) {
                *found.by_trigger.entry(trigger.to_owned()).or_default() += 1;
            }
        }
        found
    }
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct GrantView {
    /// Its number.
    pub grant: i64,
    /// What it is about.
    pub scope: Scoped,
    /// How far Firstline may go there: `shadow`, `assist`, `autonomous`.
    pub phase: String,
    /// The bundle that it was granted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// The sha256 of the evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence_sha256: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = "date-time")]
    pub since: Timestamp,
    /// Who granted it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl From<GrantRecord> for GrantView {
    fn from(grant: GrantRecord) -> Self {
        let GrantRecord { epoch, scope, phase, bundle, evidence_sha, since, by, reason, .. } = grant;
        Self {
            grant: epoch,
            scope: scope.into(),
            phase: phase_name(phase).to_owned(),
            bundle,
            evidence_sha256: evidence_sha,
            since,
            by,
            reason,
        }
    }
}

/// Work on the tickets of a week, as it was put on record.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WorkView {
    /// The week's number in the programme.
    pub week: u32,
    /// Minutes of work on a ticket.
    pub minutes_per_ticket: Figure,
    /// Share of the time of before that was saved where Firstline might act.
    pub saved: Figure,
    /// Tickets resolved alone, of all that first level resolved.
    pub l1_autonomous: Figure,
    /// How these are known: `time_entries`, `reported`, `reviews`, `estimate`.
    #[serde(rename = "known_by")]
    pub basis: BTreeMap<String, String>,
}

impl WorkView {
    fn of(view: &WeekView) -> Self {
        let figure = |name: &str| view.sheet.figures.get(name).copied().unwrap_or_default();
        Self {
            week: view.sheet.number,
            minutes_per_ticket: figure("minutes_per_ticket"),
            saved: figure("saved"),
            l1_autonomous: figure("l1_autonomous"),
            basis: view.sheet.basis.clone(),
        }
    }
}

/// A gate's last verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LastVerdict {
    /// The gate.
    pub gate: String,
    /// Whether it was passed.
    pub passed: bool,
    /// When.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// By whom it was asked.
    pub by: String,
    /// The sha256 of the evidence.
    pub evidence_sha256: String,
}

pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Baseline => "baseline",
        Phase::Shadow => "shadow",
        Phase::Assist => "assist",
        Phase::Autonomous => "autonomous",
    }
}

fn figure(share: Share) -> Figure {
    (&share).into()
}

/// How the programme stands, where the settings allow `most`.
///
/// # Errors
/// As for the store's calls.
pub fn status(store: &dyn Store, hours: &OpenHours, most: Phase, now: Timestamp) -> Result<Status> {
    let zone = hours.zone();
    let programme = store.programme()?;
    let since = match &programme {
        Some(programme) => {
            let start = programme.started_on.to_zoned(zone.clone());
            start.map_err(|e| InternalError::new(e.to_string()))?.timestamp()
        }
        None => now - SignedDuration::from_hours(24 * DAYS),
    };
    // Of a programme that went on for long, the last year.
    let since = since.max(now - SignedDuration::from_hours(24 * 366)).min(now);
    let end = now + SignedDuration::from_hours(24);
    let mut by_week = tallies(since, end, zone)?;
    // Which labels the bundle knows is no question of the agreement on board and type.
    store.judged_tickets(since, end, &CustomerSet::All, &mut |counted| by_week.add(counted, &|_, _| true))?;
    let all = by_week.total();
    let incidents = Incidents::read(store, (since, end), &CustomerSet::All)?;
    let errors = incidents.figures((since, end), all.acted(), hours, now).into();
    let start = programme.as_ref().map(|programme| first(programme, zone)).transpose()?;
    let errors_by_week = incidents::by_week(&incidents, &acted(by_week), start.as_ref(), (hours, now));
    let (agreement, left_as_seen) = (all.board_and_type(false), all.board_and_type(true));
    let tally = all.kpis();
    let list = criteria::criteria(store, now)?;
    let newest = list.versions.last();
    let missing = newest.map(|of| usize::from(of.needed).saturating_sub(of.signatures.len()));
    let all = weeks::weeks(store, zone, usize::MAX)?;
    let whole = || all.iter().filter(|week| week.scope == weeks::ALL);
    let last = store.verdicts(Some(SHADOW_TO_ASSIST))?.pop();
    let (grants, all_holds) = (store.grants(true)?.into_iter(), store.holds(false)?);
    let rollbacks = Rollbacks::of(&all_holds);
    let holds = all_holds.into_iter().filter(|hold| hold.released.is_none());
    let holds = holds.map(|hold| HoldView::from(hold).with_actions(store)).collect::<Result<_>>()?;
    let recorded = recorded_phase(store, most)?;
    let view = programme.map(|programme| ProgrammeView::of(programme, zone, now)).transpose()?;
    let mut status = Status {
        programme: view,
        phase: phase_name(recorded).to_owned(),
        settings_phase: phase_name(most).to_owned(),
        capped_at: (most < recorded).then(|| phase_name(most).to_owned()),
        criteria_in_force: list.in_force,
        signatures_missing: missing,
        grants: grants.map(GrantView::from).collect(),
        holds,
        rollbacks,
        tickets: tally.tickets,
        reported: tally.reported,
        agreement: figure(agreement),
        left_as_seen: figure(left_as_seen),
        drafted_in_time: figure(tally.drafts.within_60_seconds),
        errors,
        errors_by_week,
        weeks_closed: whole().filter(|week| !week.settled).count() as u64,
        weeks_settled: whole().filter(|week| week.settled).count() as u64,
        work: whole().next_back().map(WorkView::of),
        coverage: coverage::newest_view(store)?,
        last_verdict: last.map(|verdict| LastVerdict {
            gate: verdict.gate,
            passed: verdict.passed,
            at: verdict.at,
            by: verdict.by,
            evidence_sha256: verdict.evidence_sha,
        }),
        next: Vec::new(),
    };
    status.next = next(&status, &tally, most);
    Ok(status)
}

/// Empty tallies of the weeks of a span.
fn tallies(from: Timestamp, to: Timestamp, zone: &TimeZone) -> Result<WeekTallies> {
    let weeks = firstline_rollout::weeks(from, to, zone);
    Ok(WeekTallies::new(weeks.map_err(|e| InternalError::new(format!("the weeks of the programme: {e}")))?))
}

/// What was done in each week that customers could see.
fn acted(tallies: WeekTallies) -> Vec<(Week, Acted)> {
    tallies.weeks().into_iter().map(|(week, tally)| (week, tally.acted())).collect()
}

/// The errors of the programme's weeks in which `customers` saw any, as known now: also what was entered after a week was put on record.
/// Of a programme that went on for long, those of the last year.
///
/// # Errors
/// As for the store's calls.
pub fn week_errors(
    store: &dyn Store,
    hours: &OpenHours,
    customers: &CustomerSet,
    now: Timestamp,
) -> Result<Vec<WeekErrors>> {
    let Some(programme) = store.programme()? else { return Ok(Vec::new()) };
    let start = first(&programme, hours.zone())?;
    let from = start.start.max(now - SignedDuration::from_hours(24 * 366));
    let mut tallies = tallies(from, now, hours.zone())?;
    store.judged_tickets(from, now, customers, &mut |counted| {
        if let Counted::Action(_) = counted {
            tallies.add(counted, &|_, _| true);
        }
    })?;
    let incidents = Incidents::read(store, (from, now), customers)?;
    Ok(incidents::by_week(&incidents, &acted(tallies), Some(&start), (hours, now)))
}

/// What to do next, in words.
fn next(status: &Status, tally: &Kpis, most: Phase) -> Vec<String> {
    let started = status.programme.is_some();
    let granted = status.grants.iter().any(|grant| grant.phase == "assist" || grant.phase == "autonomous");
    let found = [
        (
            status.criteria_in_force.is_none(),
            match status.signatures_missing {
                None => {
                    "Put criteria on record and sign them: firstline rollout sign --criteria FILE".to_owned()
                }
                Some(n) => {
                    let persons = counted(n as u64, "more person", "more persons");
                    format!("Have {persons} sign the criteria: firstline rollout sign")
                }
            },
        ),
        (
            status.criteria_in_force.is_some() && !started,
            "Start the programme: firstline rollout start --baseline FILE --pilot CUSTOMER".to_owned(),
        ),
        (
            started && tally.tickets > 0 && tally.reported == 0,
            "Report how tickets ended: POST /v1/feedback, or firstline store outcomes".to_owned(),
        ),
        (
            status.errors.undecided > 0,
            "Decide on suspected incidents, before they count as errors: firstline incidents list".to_owned(),
        ),
        (
            started && status.coverage.is_none(),
            "Count how completely tickets come in: POST /v1/rollout/coverage".to_owned(),
        ),
        (
            started && !granted && status.weeks_settled > 0,
            "Measure the bundle and ask the gate: firstline bench, firstline rollout gate".to_owned(),
        ),
        (
            granted && most < Phase::Assist,
            "The settings keep Firstline below what is granted: set phase = \"assist\" for the service"
                .to_owned(),
        ),
        (
            !status.holds.is_empty(),
            "Find the cause of what is on hold, then: firstline rollout resume".to_owned(),
        ),
    ];
    found.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text).collect()
}
