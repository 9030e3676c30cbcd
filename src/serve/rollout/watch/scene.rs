//! What triggers are judged by: weeks, limits, actions and incidents of the programme, as they are on record now.
//!
//! A scope is the whole of what is granted, one of several pilots, or one category. After a hold that covers a scope has ended, only
//! what came later counts there: a cause that was found and dealt with fires once.

use std::collections::BTreeSet;

use firstline_fault::{InternalError, Result};
use firstline_rollout::{
    Criteria, ErrorWeek, FEW_ACTIONS, Fired, Incident, Limits, OpenHours, Rollback, TwoFalls, Week,
    agreement_triggers, error_triggers, sla_credit_trigger,
};
use firstline_stats::Count;
use firstline_store::{
    CustomerSet, GrantRecord, GrantScope, Hold, HoldRecord, IncidentFacts, SeenAction, Store,
};
use firstline_ticket::Phase;
use jiff::{Timestamp, ToSpan};

use super::super::criteria::History;
use super::super::desk::DeskRules;
use super::super::figures::Figure;
use super::super::incidents::incident;
use super::super::scopes::{covers, has};
use super::super::weeks::{self, MOST_WEEKS, WeekView, first};
use super::Firing;

/// The programme as triggers see it.
pub(super) struct Scene {
    now: Timestamp,
    hours: OpenHours,
    /// Its weeks up to the running one, each with its number.
    pub(super) weeks: Vec<(u32, Week)>,
    limits: Limits,
    /// The criteria in force: their version, 0 where none are, and what two falls do.
    pub(super) version: u32,
    pub(super) criteria: Option<Criteria>,
    actions: Vec<SeenAction>,
    incidents: Vec<(IncidentFacts, Incident)>,
    pub(super) grants: Vec<GrantRecord>,
    pub(super) holds: Vec<HoldRecord>,
    /// Of each closed week of the whole desk the newest row,
    pub(super) rows: Vec<WeekView>,
    /// and the one that was put on record when it closed: these are of the same age.
    pub(super) closed: Vec<WeekView>,
}

impl Scene {
    /// Reads it; `None` before a programme, and before its first week.
    pub(super) fn read(store: &dyn Store, rules: &DeskRules, now: Timestamp) -> Result<Option<Self>> {
        let Some(programme) = store.programme()? else { return Ok(None) };
        let zone = rules.zone();
        let odd = |e: jiff::Error| InternalError::new(format!("the weeks of the programme: {e}"));
        let start = first(&programme, zone)?;
        if now < start.start {
            return Ok(None);
        }
        let oldest = now - (24 * 7 * MOST_WEEKS as i64).hours();
        let from = start.start.max(oldest);
        let all = firstline_rollout::weeks(from, now + 1.nanoseconds(), zone).map_err(odd)?;
        let numbered = all.into_iter().filter_map(|week| Some((week.number_since(&start, zone)?, week)));
        let weeks: Vec<(u32, Week)> = numbered.collect();
        let history = History::read(store)?;
        let standing = history.at(now);
        let (version, criteria) = standing.map_or((0, None), |(version, of)| (version, Some(of.clone())));
        let limits = limits(&history, &weeks, now);
        let whole = |row: &WeekView| row.scope == weeks::ALL && row.customer.is_none();
        let all_rows: Vec<WeekView> =
            weeks::weeks(store, zone, MOST_WEEKS)?.into_iter().filter(whole).collect();
        let end = now + 24.hours();
        let incidents = store.incidents(from, end, &CustomerSet::All)?;
        Ok(Some(Self {
            now,
            hours: rules.hours.clone(),
            limits,
            version,
            criteria,
            actions: store.seen_actions(from, end)?,
            incidents: incidents.into_iter().map(|facts| (facts.clone(), incident(&facts))).collect(),
            grants: store.grants(true)?,
            holds: store.holds(false)?,
            rows: rows(&all_rows),
            closed: all_rows.into_iter().filter(|row| !row.settled).collect(),
            weeks,
        }))
    }

    /// The number of the last week that is over and on record.
    pub(super) fn last_closed(&self) -> Option<u32> {
        self.rows.last().map(|row| row.sheet.number)
    }

    /// The limits of a week.
    pub(super) fn limits(&self, week: u32) -> &Rollback {
        self.limits.of(week)
    }

    /// What two falls do.
    pub(super) fn two_falls(&self) -> TwoFalls {
        self.criteria.as_ref().map(|criteria| criteria.two_falls).unwrap_or_default()
    }

    /// Whether a trigger of this key is on record.
    pub(super) fn has_fired(&self, key: &str) -> bool {
        self.holds.iter().any(|hold| hold.trigger_key.as_deref() == Some(key))
    }

    /// Since when data of a scope counts, and the hold whose end that was; 0 where none has ended.
    pub(super) fn restart(&self, scope: &GrantScope) -> (Timestamp, i64) {
        let ended = self.holds.iter().filter(|hold| hold.level >= Hold::Pause && covers(&hold.scope, scope));
        let ended = ended.filter_map(|hold| Some((hold.released.as_ref()?.at, hold.id)));
        ended.max().unwrap_or((Timestamp::MIN, 0))
    }

    /// Credits (R73): each fires once, for the whole installation, whatever week it is about.
    pub(super) fn credits(&self) -> Result<Vec<Firing>> {
        let week = self.weeks.last().map_or(0, |(number, _)| *number);
        let of = |(facts, incident): &(IncidentFacts, Incident)| {
            let fired = sla_credit_trigger(std::slice::from_ref(incident), Timestamp::MIN, week)?;
            Some(Firing::of(&fired, &GrantScope::default(), &facts.id))
        };
        self.incidents.iter().filter_map(of).collect()
    }

    /// Errors (R70) of the whole scope, and of its parts.
    pub(super) fn errors(&self) -> Result<Vec<Firing>> {
        let whole = GrantScope::default();
        let mut firings = self.errors_of(&whole, 0)?;
        for part in self.parts() {
            firings.extend(self.errors_of(&part, FEW_ACTIONS)?);
        }
        Ok(firings)
    }

    fn errors_of(&self, scope: &GrantScope, fewest: u64) -> Result<Vec<Firing>> {
        let (since, restart) = self.restart(scope);
        let weeks: Vec<ErrorWeek> =
            self.weeks.iter().map(|(number, week)| self.error_week(*number, week, scope, since)).collect();
        self.firings(&error_triggers(&weeks, &self.limits, fewest), scope, restart)
    }

    fn error_week(&self, number: u32, week: &Week, scope: &GrantScope, since: Timestamp) -> ErrorWeek {
        let counts = |at: Timestamp| week.has(at) && at >= since;
        let actions = self.actions.iter().filter(|action| {
            counts(action.at) && has(scope, &action.customer, &action.board, &action.ticket_type)
        });
        let actions = actions.count() as u64;
        let errors = self.incidents.iter().filter(|(facts, incident)| {
            counts(incident.at)
                && has(scope, &facts.customer, &facts.board, &facts.ticket_type)
                && incident.counts(&self.hours, self.now)
                // In a week without actions only what an action of before has done is an error of Firstline's.
                && (actions > 0 || facts.alone.is_some())
        });
        ErrorWeek { number, actions, errors: errors.count() as u64, closed: week.end <= self.now }
    }

    /// The pilots, where there are several, and the categories, where there are several: those in which anything was done.
    fn parts(&self) -> Vec<GrantScope> {
        let customers: BTreeSet<&String> = self.actions.iter().map(|action| &action.customer).collect();
        let of_customer =
            |name: &String| GrantScope { customer: Some(name.clone()), ..GrantScope::default() };
        let category = |action: &SeenAction| {
            let (board, ticket_type) = (action.board.clone()?, action.ticket_type.clone()?);
            Some(GrantScope { customer: None, board: Some(board), ticket_type: Some(ticket_type) })
        };
        let categories: BTreeSet<GrantScope> = self.actions.iter().filter_map(category).collect();
        let mut parts = Vec::new();
        if customers.len() > 1 {
            parts.extend(customers.into_iter().map(of_customer));
        }
        if categories.len() > 1 {
            parts.extend(categories);
        }
        parts
    }

    /// Agreement (R71): of the whole desk, where nobody saw what was decided; and of each category that may act alone.
    pub(super) fn agreement(&self) -> Result<Vec<Firing>> {
        let mut firings =
            self.agreement_of(&GrantScope::default(), |row| row.sheet.figures.get("agreement"))?;
        let alone = self.grants.iter().filter(|grant| grant.phase == Phase::Autonomous);
        let category = |scope: &GrantScope| Some((scope.board.clone()?, scope.ticket_type.clone()?));
        let categories: BTreeSet<(String, String)> =
            alone.filter_map(|grant| category(&grant.scope)).collect();
        for (board, ticket_type) in categories {
            let name = format!("{board} > {ticket_type}");
            let scope = GrantScope { customer: None, board: Some(board), ticket_type: Some(ticket_type) };
            firings.extend(self.agreement_of(&scope, |row| row.sheet.by_decided.get(&name))?);
        }
        Ok(firings)
    }

    fn agreement_of(
        &self,
        scope: &GrantScope,
        figure: impl Fn(&WeekView) -> Option<&Figure>,
    ) -> Result<Vec<Firing>> {
        let (since, restart) = self.restart(scope);
        let began = |number: u32| self.weeks.iter().find(|(of, _)| *of == number).map(|(_, week)| week.start);
        let rows = self.rows.iter().filter(|row| began(row.sheet.number).is_some_and(|start| start >= since));
        let weeks: Vec<(u32, Count)> =
            rows.filter_map(|row| Some((row.sheet.number, count(figure(row)?)))).collect();
        self.firings(&agreement_triggers(&weeks, &self.limits), scope, restart)
    }

    fn firings(&self, fired: &[Fired], scope: &GrantScope, restart: i64) -> Result<Vec<Firing>> {
        fired.iter().map(|one| Firing::of(one, scope, (one.week, restart))).collect()
    }
}

/// The limits at the end of each week, those now for the running one.
fn limits(history: &History, weeks: &[(u32, Week)], now: Timestamp) -> Limits {
    let of =
        |at: Timestamp| history.at(at.min(now)).map(|(_, criteria)| criteria.rollback).unwrap_or_default();
    let mut limits = Limits::from(Rollback::default());
    for (number, week) in weeks {
        let found = of(week.end);
        if *limits.of(*number) != found {
            limits.change(*number, found);
        }
    }
    limits
}

/// Of the weeks of the whole desk the newest row each, in order.
fn rows(all: &[WeekView]) -> Vec<WeekView> {
    let mut rows: Vec<WeekView> = Vec::new();
    for row in all {
        if rows.last().is_some_and(|last| last.monday == row.monday) {
            rows.pop();
        }
        rows.push(row.clone());
    }
    rows
}

/// A share of a week as a count.
pub(super) fn count(figure: &Figure) -> Count {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Count { hits: size(figure.count.unwrap_or(0)), n: size(figure.n) }
}
