//! Weeks of the programme: their figures are put on record once they are over, and once more when they are settled.
//!
//! Both are figures as of that moment, whenever they are computed, and a row never changes.

use std::collections::BTreeMap;

use firstline_fault::{InternalError, Result};
use firstline_rollout::{Share, Week};
use firstline_store::{
    Added, Author, CustomerSet, GrantScope, NewWeek, ProgrammeRecord, Store, WeekRecord, WeekState,
};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;
use utoipa::ToSchema;

use super::desk::DeskRules;
use super::figures::{Figure, Seen, WeekSheet, by_category, by_decided, sheet};
use super::incidents;
use super::text::FIRSTLINE;
use super::work::Work;

/// The whole desk.
pub(super) const ALL: &str = "all";
/// The pilot customers together, or one of them.
pub(super) const PILOTS: &str = "pilots";
/// The desk before it began.
pub(super) const BASELINE: &str = "baseline";
/// Weeks that are looked back at: what a programme and its year after have.
pub(super) const MOST_WEEKS: usize = 70;

/// What was put on record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CloseReport {
    /// Rows of weeks that are over.
    pub closed: usize,
    /// Rows of weeks that have settled.
    pub settled: usize,
}

/// The figures of a week, as they are on record.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct WeekView {
    /// The week in ISO 8601, such as `2026-W48`.
    pub week: String,
    /// Its Monday, in the desk's time zone.
    #[schema(value_type = String, format = "date")]
    pub monday: Date,
    /// What the figures are of: `all` of the desk, or its `pilots`.
    pub scope: String,
    /// The pilot customer that they are of; missing for more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Whether later news can no longer change what counts.
    pub settled: bool,
    /// The figures.
    pub sheet: WeekSheet,
    /// Their sha256 in the audit log.
    pub sha256: String,
    /// When they were put on record.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
}

fn out_of_range(error: &jiff::Error) -> InternalError {
    InternalError::new(format!("a week of the programme: {error}"))
}

/// The first week of a programme.
pub(super) fn first(programme: &ProgrammeRecord, zone: &TimeZone) -> Result<Week> {
    let start = programme.started_on.to_zoned(zone.clone()).map_err(|e| out_of_range(&e))?.timestamp();
    Ok(Week::first_after(start, zone).map_err(|e| out_of_range(&e))?)
}

pub(super) fn monday(week: &Week, zone: &TimeZone) -> Date {
    week.start.to_zoned(zone.clone()).date()
}

/// Puts the figures of weeks that are over, or settled by now, on record, where they are not yet.
///
/// # Errors
/// As for [`Evidence::add_week`](firstline_store::Evidence::add_week).
pub fn close_weeks(store: &dyn Store, rules: &DeskRules, actor: &str, now: Timestamp) -> Result<CloseReport> {
    let mut report = CloseReport::default();
    let Some(programme) = store.programme()? else { return Ok(report) };
    let zone = rules.zone();
    let first = first(&programme, zone)?;
    let last = Week::of(now, zone).map_err(|e| out_of_range(&e))?;
    let known = store.weeks(Some(ALL), monday(&first, zone), monday(&last, zone), &CustomerSet::All)?;
    let has = |week: &Week, state| {
        known.iter().any(|row| row.state == state && row.week == monday(week, zone) && row.customer.is_none())
    };
    // The newest weeks, where there are more than that: a programme never stops being watched.
    let behind = last.number_since(&first, zone).unwrap_or(0) as usize;
    let skipped = i64::try_from(behind.saturating_sub(MOST_WEEKS)).unwrap_or(0);
    let from = monday(&first, zone).checked_add(skipped.weeks()).map_err(|e| out_of_range(&e))?;
    let mut week = week_of(from, zone)?;
    for _ in 0..=MOST_WEEKS {
        if week.end > now {
            break;
        }
        let settles = week.settles_at(rules.settle_days, zone).map_err(|e| out_of_range(&e))?;
        let states = [(WeekState::Closed, week.end), (WeekState::Settled, settles)];
        let due = states.into_iter().filter(|(state, at)| *at <= now && !has(&week, *state));
        let due: Vec<(WeekState, Timestamp)> = due.collect();
        if !due.is_empty() {
            let number = week.number_since(&first, zone).unwrap_or(0);
            let put = put(store, rules, (&programme, &week, number), &due, (actor, now))?;
            report.closed += put.closed;
            report.settled += put.settled;
        }
        week = Week::of(week.end, zone).map_err(|e| out_of_range(&e))?;
    }
    Ok(report)
}

fn put(
    store: &dyn Store,
    rules: &DeskRules,
    (programme, week, number): (&ProgrammeRecord, &Week, u32),
    due: &[(WeekState, Timestamp)],
    (actor, now): (&str, Timestamp),
) -> Result<CloseReport> {
    let mut report = CloseReport::default();
    let tickets = seen(store, (week.start, week.end), &CustomerSet::All)?;
    let work = Work::read(store, programme, rules.zone(), (week.start, now))?;
    let is_of = |ticket: &&Seen, pilot: &String| ticket.named().0 == pilot;
    let pilots: Vec<&Seen> =
        tickets.iter().filter(|ticket| programme.pilots.iter().any(|pilot| is_of(ticket, pilot))).collect();
    let mut scopes: Vec<(&str, Option<&String>, Vec<&Seen>)> = Vec::new();
    for pilot in &programme.pilots {
        let own = pilots.iter().copied().filter(|ticket| is_of(ticket, pilot)).collect();
        scopes.push((PILOTS, Some(pilot), own));
    }
    scopes.push((PILOTS, None, pilots));
    // The whole desk comes last: where it is on record, all of the week is.
    scopes.push((ALL, None, tickets.iter().collect()));
    for (scope, customer, tickets) in scopes {
        let customers = match (scope, customer) {
            (ALL, _) => CustomerSet::All,
            (_, Some(pilot)) => CustomerSet::Only([pilot.clone()].into()),
            (_, None) => CustomerSet::Only(programme.pilots.iter().cloned().collect()),
        };
        for (state, moment) in due {
            let mut sheet = sheet(&tickets, rules, (week, number), *moment);
            work.add_to(&mut sheet, &tickets, rules, *moment);
            sheet.figures.extend(incidents::of_week(store, week, &customers, (&rules.hours, *moment))?);
            if customer.is_none() {
                sheet.by_category = by_category(&tickets, rules, week, *moment);
                sheet.by_decided = by_decided(&tickets, rules, *moment);
            }
            let figures = serde_json::to_value(&sheet)
                .map_err(|e| InternalError::new(format!("figures of a week as JSON: {e}")))?;
            let new = NewWeek {
                scope: scope.to_owned(),
                customer: customer.cloned(),
                week: monday(week, rules.zone()),
                state: *state,
                figures,
                by: Author { person: FIRSTLINE.to_owned(), actor: actor.to_owned() },
            };
            if store.add_week(&new, now)? == Added::Stored {
                match state {
                    WeekState::Closed => report.closed += 1,
                    WeekState::Settled => report.settled += 1,
                }
            }
        }
    }
    Ok(report)
}

/// The tickets of `customers` that were opened in a span.
pub(super) fn seen(
    store: &dyn Store,
    (from, to): (Timestamp, Timestamp),
    customers: &CustomerSet,
) -> Result<Vec<Seen>> {
    let mut tickets = Vec::new();
    store.facts(from, to, customers, &mut |row| {
        tickets.push(Seen::of(row));
        Ok(())
    })?;
    Ok(tickets)
}

/// The weeks on record, of the programme's first week on: the newest `most`, in order of time; of a week that
/// has settled both rows.
///
/// # Errors
/// As for [`Evidence::weeks`](firstline_store::Evidence::weeks).
pub fn weeks(store: &dyn Store, zone: &TimeZone, most: usize) -> Result<Vec<WeekView>> {
    let Some(programme) = store.programme()? else { return Ok(Vec::new()) };
    let from = monday(&first(&programme, zone)?, zone);
    let rows = store.weeks(None, from, Date::MAX, &CustomerSet::All)?;
    let rows = rows.into_iter().filter(|row| [ALL, PILOTS].contains(&row.scope.as_str()));
    let mut views: Vec<WeekView> = rows.map(view).collect::<Result<_>>()?;
    views.sort_by(|a, b| {
        (a.monday, &a.scope, &a.customer, a.settled).cmp(&(b.monday, &b.scope, &b.customer, b.settled))
    });
    let mut mondays: Vec<Date> = views.iter().map(|view| view.monday).collect();
    mondays.dedup();
    if let Some(oldest) = mondays.len().checked_sub(most).and_then(|first| mondays.get(first)).copied() {
        views.retain(|view| view.monday >= oldest);
    }
    Ok(views)
}

fn view(row: WeekRecord) -> Result<WeekView> {
    let WeekRecord { scope, customer, week, state, figures, sha, at, .. } = row;
    let sheet = serde_json::from_value(figures)
        .map_err(|e| InternalError::new(format!("reading the figures of a week: {e}")))?;
    let iso = week.iso_week_date();
    Ok(WeekView {
        week: format!("{:04}-W{:02}", iso.year(), iso.week()),
        monday: week,
        scope,
        customer,
        settled: state == WeekState::Settled,
        sheet,
        sha256: sha,
        at,
    })
}

/// The settled weeks of the whole desk that began after `since` and before `now`, in order, each with its Monday.
pub(super) fn settled_since(
    store: &dyn Store,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<(Date, WeekSheet)>> {
    let rows = settled(store, (ALL, None), since, now)?;
    rows.into_iter().map(|row| Ok((row.week, view(row)?.sheet))).collect()
}

/// Figures by name.
type Named = BTreeMap<String, Figure>;

/// Of the settled weeks that began after `since` and before `now`: the Monday, the figures of a scope, and its agreement by bundle. Of a
/// category, whose bundles are not told apart, those of the whole desk.
pub(super) fn settled_in(
    store: &dyn Store,
    scope: &GrantScope,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<(Date, Named, Named)>> {
    let of = match (&scope.board, &scope.customer) {
        (None, Some(customer)) => (PILOTS, Some(customer.as_str())),
        _ => (ALL, None),
    };
    let category = |sheet: &WeekSheet| -> Option<Named> {
        let board = scope.board.as_ref()?;
        let named = |name: &str| match &scope.ticket_type {
            Some(kind) => name == format!("{board} > {kind}"),
            None => name.strip_prefix(board.as_str()).is_some_and(|rest| rest.starts_with(" > ")),
        };
        let agreement: Vec<&Figure> =
            sheet.by_decided.iter().filter(|(name, _)| named(name)).map(|(_, figure)| figure).collect();
        let (count, n) =
            agreement.iter().fold((0, 0), |(count, n), one| (count + one.count.unwrap_or(0), n + one.n));
        Some([("agreement".to_owned(), (&Share::new(count, n)).into())].into())
    };
    let rows = settled(store, of, since, now)?.into_iter().map(|row| {
        let (monday, sheet) = (row.week, view(row)?.sheet);
        let figures =
            if scope.board.is_some() { category(&sheet).unwrap_or_default() } else { sheet.figures };
        Ok((monday, figures, sheet.by_bundle))
    });
    rows.collect()
}

fn settled(
    store: &dyn Store,
    (scope, customer): (&str, Option<&str>),
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<WeekRecord>> {
    let day = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    let rows = store.weeks(Some(scope), day(since), day(now), &CustomerSet::All)?;
    let counts = |row: &WeekRecord| {
        row.state == WeekState::Settled && row.week > day(since) && row.customer.as_deref() == customer
    };
    Ok(rows.into_iter().filter(counts).collect())
}

/// The week that begins on a Monday.
pub(super) fn week_of(monday: Date, zone: &TimeZone) -> Result<Week> {
    let start = monday.to_zoned(zone.clone()).map_err(|e| out_of_range(&e))?.timestamp();
    Ok(Week::of(start, zone).map_err(|e| out_of_range(&e))?)
}
