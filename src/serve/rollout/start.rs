//! The start of the programme: the desk's baseline goes on record, and from then on grants say how far Firstline may go.

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_rollout::Before;
use firstline_store::{
    Added, GrantScope, NewGrant, NewProgramme, NewWeek, ProgrammeRecord, Store, WeekState,
};
use firstline_ticket::{Phase, customer_key};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::status::ProgrammeView;
use super::weeks::BASELINE;
use super::work::{BEFORE, monday_of};
use super::{criteria, text};
use crate::auth::{Person, Scope};

/// Pilots of a programme.
const MOST_PILOTS: usize = 50;
/// Days of history that a baseline is over at least.
const FEWEST_DAYS: i64 = 30;
/// Days that the start may lie back, and ahead.
const MOST_BACK: i64 = 90;
const MOST_AHEAD: i64 = 30;

/// The start, as a person asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartRequest {
    /// The day on which it starts; today where there is none.
    pub on: Option<Date>,
    /// The pilot customers: only their tickets may ever be acted on.
    pub pilots: Vec<String>,
    /// What `firstline rollout baseline --json` has printed.
    pub baseline: String,
    /// Why it may start.
    pub reason: String,
}

/// A programme that has started.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Started {
    /// The programme.
    pub programme: ProgrammeView,
    /// The version of the criteria that it is judged by.
    pub criteria: u32,
    /// The sha256 of the baseline's figures in the audit log.
    pub baseline_sha256: String,
}

/// What is kept of a baseline: no customer, technician or label stands in it. What tickets took by category is a row of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    from: Timestamp,
    to: Timestamp,
    days: i64,
    people: Value,
    alerts: Value,
    left_out: Value,
    #[serde(default)]
    history_sha256: Option<String>,
}

/// What `firstline rollout baseline --json` prints, as far as it is kept.
#[derive(Debug, Deserialize)]
struct Printed {
    #[serde(default)]
    history_sha256: Option<String>,
    baseline: Kept,
}

/// What tickets took before, as `firstline rollout baseline --json` prints it; versions before this one did not.
#[derive(Debug, Deserialize)]
struct PrintedBefore {
    baseline: OfBefore,
}

#[derive(Debug, Deserialize)]
struct OfBefore {
    #[serde(default)]
    before: Option<Before>,
}

/// Starts the programme in shadow, or changes the pilots of the one that runs.
///
/// # Errors
/// [`Code::Scope`] without the right to approve the rollout; [`Code::Conflict`] where no criteria are signed, or another baseline is
/// on record; [`Code::Config`] where the baseline is none.
pub fn start(
    store: &dyn Store,
    zone: &TimeZone,
    request: &StartRequest,
    person: &Person,
    now: Timestamp,
) -> Result<Started> {
    person.may(Scope::ApproveRollout)?;
    let reason = text::reason(&request.reason)?;
    let pilots = pilots(&request.pilots)?;
    let signed = signed(store, now)?;
    let running = store.programme()?;
    let on = day(request.on, running.as_ref(), zone, now)?;
    let kept = read(&request.baseline)?;
    let monday = monday_of(on, zone)?;
    let before = read_before(&request.baseline)?;
    let sha = keep(store, (BASELINE, &kept), monday, person, now)?;
    if let Some(before) = &before {
        keep(store, (BEFORE, before), monday, person, now)?;
    }
    let whole = GrantScope::default();
    if !store.grants(true)?.iter().any(|grant| grant.scope == whole) {
        let grant = NewGrant {
            scope: whole,
            phase: Phase::Shadow,
            thresholds: BTreeMap::new(),
            bundle: None,
            evidence_sha: None,
            by: person.author(),
            reason,
        };
        store.grant(&grant, now)?;
    }
    let left = running.iter().flat_map(|programme| &programme.pilots).filter(|pilot| !pilots.contains(pilot));
    take_back(store, left, person, now)?;
    let programme = match running {
        Some(programme) if programme.pilots == pilots => programme,
        _ => store.start_programme(&NewProgramme { started_on: on, pilots, by: person.author() }, now)?,
    };
    let programme = ProgrammeView::of(programme, zone, now)?;
    Ok(Started { programme, criteria: signed, baseline_sha256: sha })
}

/// Customers that are pilots no longer go back to shadow, category by category: what was granted to them is not theirs for ever.
fn take_back<'a>(
    store: &dyn Store,
    pilots: impl Iterator<Item = &'a String>,
    person: &Person,
    now: Timestamp,
) -> Result<()> {
    let grants = store.grants(true)?;
    for pilot in pilots {
        let theirs = grants.iter().filter(|grant| grant.scope.customer.as_deref() == Some(pilot));
        for grant in theirs.filter(|grant| grant.phase > Phase::Shadow) {
            let shadow = NewGrant {
                scope: grant.scope.clone(),
                phase: Phase::Shadow,
                thresholds: BTreeMap::new(),
                bundle: None,
                evidence_sha: None,
                by: person.author(),
                reason: "no longer a pilot".to_owned(),
            };
            store.grant(&shadow, now)?;
        }
    }
    Ok(())
}

/// The version of the criteria in force (R12).
fn signed(store: &dyn Store, now: Timestamp) -> Result<u32> {
    if let Some((record, _)) = criteria::standing(store, now)? {
        return Ok(record.version);
    }
    let newest = criteria::criteria(store, now)?.versions.pop();
    let problem = match newest {
        None => "no criteria are on record".to_owned(),
        Some(version) => format!(
            "version {} has {} of the {} signatures that it needs, each of another person",
            version.version,
            version.signatures.len(),
            version.needed
        ),
    };
    let next = "Have the criteria signed first: firstline rollout sign";
    Err(UserError::new(Code::Conflict, "the criteria", problem, next).into())
}

fn pilots(named: &[String]) -> Result<Vec<String>> {
    if !(1..=MOST_PILOTS).contains(&named.len()) {
        let next =
            "Name the customers on whose tickets Firstline may act: firstline rollout pilots ranks them";
        return Err(UserError::new(Code::Request, "pilots", "none, or more than 50", next).into());
    }
    let mut pilots: Vec<String> = named
        .iter()
        .map(|name| text::name("pilots", name).map(|name| customer_key(&name)))
        .collect::<Result<_>>()?;
    pilots.sort();
    pilots.dedup();
    Ok(pilots)
}

/// The day of the start.
fn day(
    asked: Option<Date>,
    running: Option<&ProgrammeRecord>,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Date> {
    let today = now.to_zoned(zone.clone()).date();
    let fault =
        |problem: String, next: &str| Err(UserError::new(Code::Conflict, "the start", problem, next).into());
    if let Some(programme) = running {
        let on = programme.started_on;
        return match asked.is_none_or(|asked| asked == on) {
            true => Ok(on),
            false => {
                fault(format!("the programme runs since {on}"), "Leave the day out to change the pilots")
            }
        };
    }
    let on = asked.unwrap_or(today);
    let first = today.checked_sub(MOST_BACK.days()).unwrap_or(Date::MIN);
    let last = today.checked_add(MOST_AHEAD.days()).unwrap_or(Date::MAX);
    match (first..=last).contains(&on) {
        true => Ok(on),
        false => {
            fault(format!("{on} is too far from today, {today}"), "Give a day from 90 days ago to 30 ahead")
        }
    }
}

fn read(text: &str) -> Result<Kept> {
    let next = "Give what `firstline rollout baseline --json` prints";
    let fault = |problem: String| UserError::new(Code::Config, "the baseline", problem, next);
    let printed: Printed = serde_json::from_str(text).map_err(|e| fault(e.to_string()))?;
    let kept = Kept { history_sha256: printed.history_sha256, ..printed.baseline };
    let tickets = kept.people.get("tickets").and_then(Value::as_u64).unwrap_or(0);
    if kept.from >= kept.to || kept.days < FEWEST_DAYS || tickets == 0 {
        let problem = format!("it is over {} days and {tickets} tickets of people: too little", kept.days);
        return Err(fault(problem).into());
    }
    Ok(kept)
}

/// What tickets took before; `None` where the baseline is of a version that did not say.
fn read_before(text: &str) -> Result<Option<Before>> {
    let printed: PrintedBefore = serde_json::from_str(text).map_err(|e| {
        let next = "Give what `firstline rollout baseline --json` prints";
        UserError::new(Code::Config, "the baseline", e.to_string(), next)
    })?;
    Ok(printed.baseline.before)
}

/// Puts a part of the baseline on record under its name; gives the hash of its figures.
fn keep(
    store: &dyn Store,
    (scope, kept): (&str, &impl Serialize),
    monday: Date,
    person: &Person,
    now: Timestamp,
) -> Result<String> {
    let figures =
        serde_json::to_value(kept).map_err(|e| InternalError::new(format!("a baseline as JSON: {e}")))?;
    let week = NewWeek {
        scope: scope.to_owned(),
        customer: None,
        week: monday,
        state: WeekState::Settled,
        figures,
        by: person.author(),
    };
    if store.add_week(&week, now)? == Added::Other {
        let problem = "another baseline is on record, and that stands";
        let next = "Give the baseline that the programme was started with";
        return Err(UserError::new(Code::Conflict, "the baseline", problem, next).into());
    }
    let next = monday.checked_add(1.days()).unwrap_or(Date::MAX);
    let rows = store.weeks(Some(scope), monday, next, &firstline_store::CustomerSet::All)?;
    Ok(rows.into_iter().next().map(|row| row.sha).unwrap_or_default())
}
