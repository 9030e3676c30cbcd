//! The work on tickets: minutes, what was saved beside the baseline, what Firstline resolved alone.
//!
//! Computed as of a moment, like all figures of weeks. Must never name a saving without how it is known.

use std::collections::BTreeMap;

use firstline_fault::{InternalError, Result};
use firstline_rollout::{
    Before, Incident, IncidentState, LevelOne, Population, Reported, Saving, SignedMinutes, TicketFacts,
    Week, Worked, autonomy, minutes_per_ticket, saving, select,
};
use firstline_store::{CustomerSet, IncidentRecord, IncidentState as Stored, ProgrammeRecord, Store};
use firstline_ticket::Phase;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::criteria;
use super::desk::DeskRules;
use super::figures::{Figure, Seen, WeekSheet};

/// What the desk's tickets took before it began, as it is on record under the week of the start.
pub(super) const BEFORE: &str = "before";

/// The seed of every interval of a saving: the same facts give the same figures.
const SEED: u64 = 80;
/// Incidents that are read at a time.
const PAGE: usize = 500;

/// Whether Firstline might act.
pub(super) fn acts(phase: Option<Phase>) -> bool {
    phase.is_some_and(|phase| phase >= Phase::Assist)
}

/// What savings are told with, beside the tickets.
pub(super) struct Work {
    pub(super) before: Option<Before>,
    /// The sha256 of that on record.
    pub(super) before_sha: Option<String>,
    pub(super) signed: Vec<SignedMinutes>,
    pub(super) incidents: Vec<IncidentRecord>,
}

/// The week under which the baseline is on record: that of the start.
pub(super) fn monday_of(on: Date, zone: &TimeZone) -> Result<Date> {
    let fault = |e: jiff::Error| InternalError::new(format!("the week of the start: {e}"));
    let start = on.to_zoned(zone.clone()).map_err(fault)?.timestamp();
    Ok(Week::of(start, zone).map_err(fault)?.start.to_zoned(zone.clone()).date())
}

/// What is on record of before; `None` for a programme that was started without.
pub(super) fn before(
    store: &dyn Store,
    programme: &ProgrammeRecord,
    zone: &TimeZone,
) -> Result<Option<(Before, String)>> {
    let monday = monday_of(programme.started_on, zone)?;
    let next = monday.checked_add(1.days()).unwrap_or(Date::MAX);
    let row = store.weeks(Some(BEFORE), monday, next, &CustomerSet::All)?.into_iter().next();
    let read = |row: firstline_store::WeekRecord| {
        let before = serde_json::from_value(row.figures)
            .map_err(|e| InternalError::new(format!("reading what tickets took before: {e}")))?;
        Ok((before, row.sha))
    };
    row.map(read).transpose()
}

/// Incidents that happened from a moment on, the newest entries first.
fn incidents(store: &dyn Store, from: Timestamp) -> Result<Vec<IncidentRecord>> {
    let (mut all, mut last) = (Vec::new(), None::<String>);
    loop {
        let page = store.incident_list(None, &CustomerSet::All, last.as_deref(), PAGE)?;
        last = page.items.last().map(|one| one.id.clone());
        all.extend(page.items.into_iter().filter(|one| one.at >= from));
        if !page.more || last.is_none() {
            return Ok(all);
        }
    }
}

/// An incident with how it was known.
pub(super) fn reported(of: &IncidentRecord) -> Reported {
    let state = match of.state {
        Stored::Suspected => IncidentState::Suspected,
        Stored::Confirmed => IncidentState::Confirmed,
        Stored::Dismissed => IncidentState::Dismissed,
    };
    let since = of.decided_at.unwrap_or(of.recorded_at);
    let incident = Incident { at: of.at, state, since, sla_credit: of.sla_credit };
    Reported { incident, recorded_at: of.recorded_at, credit_amount: of.credit_amount, alone: None }
}

impl Work {
    /// Of a programme, for tickets opened from a moment on; the criteria are those in force at `now`.
    pub(super) fn read(
        store: &dyn Store,
        programme: &ProgrammeRecord,
        zone: &TimeZone,
        (from, now): (Timestamp, Timestamp),
    ) -> Result<Self> {
        let (before, before_sha) = before(store, programme, zone)?.unzip();
        let signed = criteria::standing(store, now)?.map(|(_, criteria)| criteria.estimate);
        Ok(Self {
            before,
            before_sha,
            signed: signed.unwrap_or_default(),
            incidents: incidents(store, from)?,
        })
    }

    /// When the customers of tickets first saw an error in them, as known at `moment`.
    fn errors(&self, rules: &DeskRules, moment: Timestamp) -> BTreeMap<String, Timestamp> {
        let mut errors = BTreeMap::new();
        for one in &self.incidents {
            let found = reported(one).as_of(moment).filter(|incident| incident.counts(&rules.hours, moment));
            if let Some(incident) = found {
                let id = format!("{}/{}", one.customer, one.ticket_id);
                let at = errors.entry(id).or_insert(incident.at);
                *at = incident.at.min(*at);
            }
        }
        errors
    }

    /// People's tickets among `then`, the facts of `tickets` as of `moment`, each with how far Firstline might go with it.
    pub(super) fn worked<'a>(
        &self,
        (tickets, then): (&[&Seen], &'a [TicketFacts]),
        rules: &DeskRules,
        moment: Timestamp,
    ) -> Vec<(Worked<'a>, Option<Phase>)> {
        let errors = self.errors(rules, moment);
        let by_id: BTreeMap<&str, &Seen> = tickets.iter().map(|one| (one.facts.id.as_str(), *one)).collect();
        let of = |facts: &'a TicketFacts| {
            let seen = by_id.get(facts.id.as_str());
            let autonomy = autonomy(facts, &rules.tiers);
            let error_at = errors.get(&facts.id).copied();
            let assisted = facts.review.is_some() && seen.is_some_and(|one| one.was_sent());
            (Worked { facts, autonomy, assisted, error_at }, seen.and_then(|one| one.phase()))
        };
        select(then, Population::People).tickets.into_iter().map(of).collect()
    }

    /// The saving of these tickets.
    pub(super) fn saving(&self, worked: &[Worked<'_>], rules: &DeskRules) -> Option<Saving> {
        saving(self.before.as_ref(), worked, &self.signed, &rules.aliases, SEED)
    }

    /// Adds the figures of work to a week's sheet of the same `tickets`, as known at `moment`.
    pub(super) fn add_to(
        &self,
        sheet: &mut WeekSheet,
        tickets: &[&Seen],
        rules: &DeskRules,
        moment: Timestamp,
    ) {
        let then: Vec<TicketFacts> = tickets.iter().map(|ticket| ticket.facts.as_of(moment)).collect();
        let all = self.worked((tickets, &then), rules, moment);
        let worked: Vec<Worked<'_>> = all.iter().map(|(one, _)| *one).collect();
        let scope: Vec<Worked<'_>> =
            all.iter().filter(|(_, phase)| acts(*phase)).map(|(one, _)| *one).collect();
        let mut put = |name: &str, figure: Figure| sheet.figures.insert(name.to_owned(), figure);
        let minutes = minutes_per_ticket(&worked, &self.signed, &rules.aliases);
        let figure = minutes.map(|of| Figure::of(Some(of.mean), of.interval, of.n));
        put("minutes_per_ticket", figure.unwrap_or_default());
        let saving = self.saving(&scope, rules);
        let share = |minutes: f64, of: &Saving| minutes / of.before;
        let saved = saving.map(|of| {
            let interval = of.interval.map(|ends| ends.map(|end| share(end, &of)));
            Figure::of(Some(share(of.saved, &of)), interval, of.n)
        });
        put("saved", saved.unwrap_or_default());
        put(
            "saved_minutes",
            saving.map(|of| Figure::of(Some(of.saved), of.interval, of.n)).unwrap_or_default(),
        );
        let told = worked.iter().map(|one| (one.facts, one.autonomy));
        let l1 = LevelOne::of(told, &rules.tiers, moment);
        put("l1_autonomous", (&l1.share()).into());
        put("l1_autonomous_provisional", Figure::count(l1.provisional));
        let bases = [
            ("minutes_per_ticket", minutes.map(|of| of.basis.name())),
            ("saved", saving.map(|of| of.basis.name())),
            ("saved_minutes", saving.map(|of| of.basis.name())),
        ];
        sheet
            .basis
            .extend(bases.into_iter().filter_map(|(name, basis)| Some((name.to_owned(), basis?.to_owned()))));
    }
}
