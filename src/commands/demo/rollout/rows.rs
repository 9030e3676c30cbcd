//! The weeks of a run, one row each.

use firstline_rollout::{Desk as RolloutDesk, Population, Week, week_figures};
use firstline_serve::rollout::{WeekView, report_day90, weeks};
use serde::Serialize;

use super::people::Past;
use super::stage::Stage;
use super::{WEEKS, course};
use crate::commands::demo::psa::Desk;
use crate::failure::Failure;

/// A week.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    /// Its number in the programme.
    week: u32,
    /// `baseline` before anything is sent to Firstline; then how far it may go for the pilots.
    phase: String,
    /// Board and type, of tickets that nobody saw decided.
    agreement: Option<f64>,
    /// Errors of actions that customers could see, as a share of these.
    customer_visible_error: Option<f64>,
    /// Seconds to the first response: median,
    frt_p50: Option<f64>,
    /// and what 95 % keep to.
    frt_p95: Option<f64>,
    /// Resolved alone, of all that first level resolved.
    l1_autonomous: Option<f64>,
    /// What fired.
    triggers: Vec<String>,
}

/// The weeks so far.
pub(super) fn rows(stage: &Stage, desk: &Desk, past: &Past) -> Result<Vec<Row>, Failure> {
    let zone = stage.rules.zone();
    let all = weeks(stage.store.as_ref(), zone, usize::MAX)?;
    let report = report_day90(stage.store.as_ref(), &stage.rules, stage.clock.now())?;
    let told = report.map(|report| report.weeks).unwrap_or_default();
    let mut rows = Vec::new();
    let mut week = Week::of(desk.from, zone).map_err(odd)?;
    for number in 1..=WEEKS {
        let view = all.iter().rfind(|view| view.scope == "all" && view.sheet.number == number);
        let of = told.iter().find(|week| week.week == number);
        rows.push(match (number < course::SENT_FROM, view) {
            (true, _) | (_, None) => before(stage, past, (&week, number)),
            (false, Some(view)) => row(view, of.map(|week| (week.phase.clone(), week.triggers.clone()))),
        });
        week = Week::of(week.end, zone).map_err(odd)?;
    }
    Ok(rows)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn odd(error: jiff::Error) -> Failure {
    firstline_fault::InternalError::new(format!("a week of the play: {error}")).into()
}

/// A week in which nothing is sent to Firstline: the desk by itself.
fn before(stage: &Stage, past: &Past, (week, number): (&Week, u32)) -> Row {
    let desk = RolloutDesk { hours: &stage.rules.hours, tiers: &stage.rules.tiers, basis: None };
    let wait = week_figures(&past.facts, &desk, (week, Population::People), week.end).figures.first_response;
    Row {
        week: number,
        phase: "baseline".to_owned(),
        agreement: None,
        customer_visible_error: None,
        frt_p50: wait.p50,
        frt_p95: wait.p95,
        l1_autonomous: None,
        triggers: Vec::new(),
    }
}

fn row(view: &WeekView, told: Option<(String, Vec<String>)>) -> Row {
    let value = |name: &str| view.sheet.figures.get(name).and_then(|figure| figure.value);
    let (phase, triggers) = told.unwrap_or_default();
    Row {
        week: view.sheet.number,
        phase,
        agreement: value("agreement"),
        customer_visible_error: value("errors"),
        frt_p50: value("first_response_median"),
        frt_p95: value("first_response_p95"),
        l1_autonomous: value("l1_autonomous"),
        triggers,
    }
}
