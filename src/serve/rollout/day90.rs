//! The report of day 90, from what is on record.
//!
//! Must never add a figure of its own: it gathers facts and leaves what follows from them to `firstline_rollout::day90`.

use std::collections::{BTreeMap, BTreeSet};

use firstline_fault::{InternalError, Result};
use firstline_rollout::{
    CountedShares, Day90, Day90Facts, Day90Week, Hash, InForce, PastHold, Reaction, Saved, Saving,
    SignedName, TicketFacts, Told, Week, WeekTallies, Worked, day90,
};
use firstline_store::{CustomerSet, GrantRecord, GrantScope, Hold, HoldRecord, ProgrammeRecord, Store};
use firstline_ticket::Phase;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::criteria;
use super::desk::DeskRules;
use super::expansion::{NextRequest, about, in_words, next};
use super::figures::{Seen, WeekSheet};
use super::holds::HoldLevel;
use super::incidents::Incidents;
use super::phase::ceiling;
use super::status::phase_name;
use super::text::FIRSTLINE;
use super::weeks::{self, BASELINE, first, seen};
use super::work::{Work, acts, monday_of, reported};

/// Weeks of a programme.
const WEEKS: u32 = 13;

/// The report of the programme, as known at `now`; `None` where none has begun its first week.
///
/// # Errors
/// As for the store's calls.
pub fn report_day90(store: &dyn Store, rules: &DeskRules, now: Timestamp) -> Result<Option<Day90>> {
    let Some(programme) = store.programme()? else { return Ok(None) };
    let zone = rules.zone();
    let from = first(&programme, zone)?.start;
    if from >= now {
        return Ok(None);
    }
    let (to, over) = end(&first(&programme, zone)?, zone, now)?;
    let work = Work::read(store, &programme, zone, (from, now))?;
    let tickets = seen(store, (from, to), &CustomerSet::All)?;
    let all: Vec<&Seen> = tickets.iter().collect();
    let then: Vec<_> = all.iter().map(|ticket| ticket.facts.as_of(now)).collect();
    let worked = work.worked((&all, &then), rules, now);
    let told: Vec<Told<'_>> = worked.into_iter().map(|(worked, phase)| Told { worked, phase }).collect();
    let (grants, holds) = (store.grants(false)?, store.holds(false)?);
    let standing = criteria::standing(store, now)?;
    let signatures: Vec<SignedName> = standing
        .iter()
        .flat_map(|(record, _)| &record.signatures)
        .map(|one| SignedName { name: one.typed_name.clone(), role: one.role.clone(), at: one.at })
        .collect();
    let on_record = Record { store, programme: &programme, rules, grants: &grants, holds: &holds };
    let weeks = on_record.weeks((from, to))?;
    let incidents = on_record.incidents(&work, (from, to), now);
    let past: Vec<PastHold> = holds.iter().map(past).collect();
    let plan = next(store, rules, &NextRequest::default(), now)?;
    Ok(Some(day90(&Day90Facts {
        desk: &rules.desk(),
        aliases: &rules.aliases,
        span: (from, to),
        over,
        now,
        before: work.before.as_ref(),
        tickets: &told,
        criteria: standing.as_ref().map(|(record, criteria)| InForce {
            version: record.version,
            criteria,
            signatures: &signatures,
        }),
        shares: on_record.shares((from, to), now)?,
        holds: &past,
        weeks: &weeks,
        hashes: &on_record.hashes(standing.as_ref().map(|(record, _)| record), &work)?,
        pilots: &programme.pilots,
        granted: &granted(&store.grants(true)?),
        incidents: &incidents,
        next: &in_words(&plan),
    })))
}

/// The first moment after the time that counts, and whether the 13 weeks are over.
fn end(first: &Week, zone: &TimeZone, now: Timestamp) -> Result<(Timestamp, bool)> {
    let mut week = *first;
    for _ in 1..WEEKS {
        week = Week::of(week.end, zone)
            .map_err(|e| InternalError::new(format!("a week of the programme: {e}")))?;
    }
    Ok((week.end.min(now), week.end <= now))
}

/// What the store has of a programme.
struct Record<'a> {
    store: &'a dyn Store,
    programme: &'a ProgrammeRecord,
    rules: &'a DeskRules,
    grants: &'a [GrantRecord],
    holds: &'a [HoldRecord],
}

impl Record<'_> {
    /// Shares of a time.
    fn shares(&self, (from, to): (Timestamp, Timestamp), now: Timestamp) -> Result<CountedShares> {
        let spans = firstline_rollout::weeks(from, to, self.rules.zone());
        let spans = spans.map_err(|e| InternalError::new(format!("the weeks of the programme: {e}")))?;
        let mut tallies = WeekTallies::new(spans);
        self.store
            .judged_tickets(from, to, &CustomerSet::All, &mut |counted| tallies.add(counted, &|_, _| true))?;
        let total = tallies.total();
        let incidents = Incidents::read(self.store, (from, to), &CustomerSet::All)?;
        let errors = incidents.figures((from, to), total.acted(), &self.rules.hours, now).all;
        let agreement = total.board_and_type(false);
        let drafts = total.kpis().drafts;
        Ok(CountedShares {
            agreement,
            drafted_in_time: drafts.within_60_seconds,
            verbatim: drafts.verbatim,
            errors,
        })
    }

    /// The weeks that began in a time, as they had settled, or where they have not, as they were closed.
    fn weeks(&self, (from, to): (Timestamp, Timestamp)) -> Result<Vec<Day90Week>> {
        let zone = self.rules.zone();
        let mut newest: BTreeMap<u32, weeks::WeekView> = BTreeMap::new();
        for view in weeks::weeks(self.store, zone, usize::MAX)? {
            let start = weeks::week_of(view.monday, zone)?.start;
            // Of a week, the settled row comes last.
            if view.scope == weeks::ALL && view.customer.is_none() && (from..to).contains(&start) {
                newest.insert(view.sheet.number, view);
            }
        }
        newest.into_values().map(|view| self.week(&view)).collect()
    }

    fn week(&self, view: &weeks::WeekView) -> Result<Day90Week> {
        let week = weeks::week_of(view.monday, self.rules.zone())?;
        let fired = self.holds.iter().filter(|hold| week.has(hold.at)).map(what);
        let value = |name: &str| figure(&view.sheet, name).and_then(|of| of.value);
        let errors = figure(&view.sheet, "errors");
        Ok(Day90Week {
            week: view.sheet.number,
            iso: view.week.clone(),
            phase: phase_name(phase_at(self.programme, self.grants, self.holds, week.end)).to_owned(),
            open_days: view.sheet.open_days,
            tickets: figure(&view.sheet, "people").map_or(0, |of| of.n),
            agreement: value("agreement"),
            customer_visible_error: errors.map_or([0, 0], |of| [of.count.unwrap_or(0), of.n]),
            frt_p50: value("first_response_median"),
            frt_p95: value("first_response_p95"),
            drafted_in_time: value("drafted_in_time"),
            l1_autonomous: value("l1_autonomous"),
            minutes_per_ticket: value("minutes_per_ticket"),
            saved: value("saved"),
            triggers: fired.collect(),
        })
    }

    /// Incidents of a time that count as errors, by id.
    fn incidents(&self, work: &Work, (from, to): (Timestamp, Timestamp), now: Timestamp) -> Vec<String> {
        let counts = |one: &&firstline_store::IncidentRecord| {
            let known = reported(one).as_of(now);
            (from..to).contains(&one.at) && known.is_some_and(|of| of.counts(&self.rules.hours, now))
        };
        work.incidents.iter().filter(counts).map(|one| one.id.clone()).collect()
    }

    /// What is on record, with its hash.
    fn hashes(&self, criteria: Option<&firstline_store::CriteriaRecord>, work: &Work) -> Result<Vec<Hash>> {
        let mut hashes = Vec::new();
        let mut put = |what: String, sha256: &str| hashes.push(Hash { what, sha256: sha256.to_owned() });
        let zone = self.rules.zone();
        let start = monday_of(self.programme.started_on, zone)?;
        let next = start.tomorrow().unwrap_or(start);
        let baseline = self.store.weeks(Some(BASELINE), start, next, &CustomerSet::All)?;
        baseline.iter().for_each(|row| put("the baseline".to_owned(), &row.sha));
        if let Some(sha) = &work.before_sha {
            put("what tickets took before".to_owned(), sha);
        }
        if let Some(record) = criteria {
            put(format!("the criteria, version {}", record.version), &record.sha);
        }
        for verdict in self.store.verdicts(None)? {
            let passed = if verdict.passed { "passed" } else { "not passed" };
            put(format!("evidence of {}, {passed}, {:.0}", verdict.gate, verdict.at), &verdict.evidence_sha);
        }
        let known: BTreeSet<&str> =
            self.grants.iter().filter_map(|grant| grant.evidence_sha.as_deref()).collect();
        for sha in known {
            put("evidence of a grant".to_owned(), sha);
        }
        for view in weeks::weeks(self.store, zone, usize::MAX)? {
            if view.scope == weeks::ALL && view.settled {
                put(format!("week {} ({}), settled", view.sheet.number, view.week), &view.sha256);
            }
        }
        if let Some((number, hash)) = self.store.audit_head()? {
            put(format!("the audit log up to entry {number}"), &hash);
        }
        // What a gate saw and a grant stands on is often the same.
        let mut seen = BTreeSet::new();
        hashes.retain(|hash| seen.insert(hash.sha256.clone()));
        Ok(hashes)
    }
}

fn figure(sheet: &WeekSheet, name: &str) -> Option<super::Figure> {
    sheet.figures.get(name).copied()
}

fn past(hold: &HoldRecord) -> PastHold {
    let reaction = match hold.level {
        Hold::PauseExpansion | Hold::Cleanup => Reaction::PauseExpansion,
        Hold::Pause => Reaction::Pause,
        Hold::BackOut => Reaction::BackOut,
        Hold::Stop => Reaction::Stop,
    };
    PastHold {
        hold: hold.id,
        level: HoldLevel::from(hold.level).name().to_owned(),
        reaction,
        scope: about(&hold.scope),
        at: hold.at,
        by: hold.by.clone(),
        reason: hold.reason.clone(),
        released: hold.released.clone().map(|end| (end.at, end.by, end.reason)),
    }
}

/// What fired, by the roadmap's row where the reason names one; otherwise the level.
fn what(hold: &HoldRecord) -> String {
    let level = HoldLevel::from(hold.level).name().replace('_', " ");
    let row = hold.reason.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| {
        word.strip_prefix('R')
            .is_some_and(|digits| digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()))
    });
    match row.filter(|_| hold.by == FIRSTLINE) {
        Some(row) => format!("{row} {level}"),
        None => level,
    }
}

/// What is granted above shadow, in words.
fn granted(newest: &[GrantRecord]) -> Vec<String> {
    let above =
        newest.iter().filter(|grant| grant.phase > Phase::Shadow && grant.scope != GrantScope::default());
    above.map(|grant| format!("{}: {}", about(&grant.scope), phase_name(grant.phase))).collect()
}

/// How far Firstline might go at most for any pilot at `moment`, by the grants and holds of then.
fn phase_at(
    programme: &ProgrammeRecord,
    grants: &[GrantRecord],
    holds: &[HoldRecord],
    moment: Timestamp,
) -> Phase {
    let mut newest: BTreeMap<&GrantScope, Phase> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| grant.since <= moment) {
        newest.insert(&grant.scope, grant.phase);
    }
    let whole = newest.remove(&GrantScope::default()).unwrap_or(Phase::Baseline);
    let in_force = |hold: &&HoldRecord| {
        hold.at <= moment && hold.released.as_ref().is_none_or(|released| released.at > moment)
    };
    let of_pilot = |pilot: &String| {
        let is_theirs =
            |scope: &GrantScope| scope.customer.is_none() || scope.customer.as_ref() == Some(pilot);
        let granted = newest.iter().filter(|(scope, _)| scope.customer.as_ref() == Some(pilot));
        let granted = granted.map(|(_, phase)| *phase).max().unwrap_or(Phase::Shadow);
        let held =
            holds.iter().filter(in_force).filter(|hold| is_theirs(&hold.scope) && hold.scope.board.is_none());
        granted.min(ceiling(held.map(|hold| hold.level).max()))
    };
    whole.min(programme.pilots.iter().map(of_pilot).max().unwrap_or(Phase::Shadow))
}

/// What was saved on tickets opened in scope since the programme's first week, as known at `now`, for the trigger R72. `None` where
/// nobody knows, or there are only estimates: then a person decides.
///
/// # Errors
/// As for the store's calls.
pub fn saved_so_far(store: &dyn Store, rules: &DeskRules, now: Timestamp) -> Result<Option<Saved>> {
    Ok(saving_so_far(store, rules, now)?.and_then(|saving| saving.judged()))
}

/// The same with all that is known of it: estimates too, which judge nothing by themselves.
pub(super) fn saving_so_far(store: &dyn Store, rules: &DeskRules, now: Timestamp) -> Result<Option<Saving>> {
    let Some(programme) = store.programme()? else { return Ok(None) };
    let from = first(&programme, rules.zone())?.start;
    if from >= now {
        return Ok(None);
    }
    let work = Work::read(store, &programme, rules.zone(), (from, now))?;
    if work.before.is_none() {
        return Ok(None);
    }
    let tickets = seen(store, (from, now), &CustomerSet::All)?;
    let tickets: Vec<&Seen> = tickets.iter().collect();
    let then: Vec<TicketFacts> = tickets.iter().map(|ticket| ticket.facts.as_of(now)).collect();
    let all = work.worked((&tickets, &then), rules, now);
    let scope: Vec<Worked<'_>> =
        all.into_iter().filter(|(_, phase)| acts(*phase)).map(|(one, _)| one).collect();
    Ok(work.saving(&scope, rules))
}
