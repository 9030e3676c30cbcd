//! The numbers of the report, each from its facts.

use std::collections::BTreeMap;

use firstline_stats::{Since, gain, select_quantiles};
use firstline_ticket::Phase;
use jiff::Timestamp;

use super::{
    Beside, Capacity, Day90Facts, Hours, L1Autonomous, ResponseBeside, SEED, SeniorsBeside, Spread, Told,
};
use crate::autonomy::LevelOne;
use crate::before::{Cell, Kind, Past, kind, quantiles_of_before};
use crate::response::{Response, first_response, first_response_by, recurring_texts};
use crate::{
    Aliases, Basis, Before, Saving, SavingBasis, Seniors, Share, SignedMinutes, TicketFacts, Week, Worked,
    minutes_per_ticket, seniors, technicians_at_work,
};

pub(super) fn hours(facts: &Day90Facts<'_>, scope: &[Worked<'_>], saving: Option<Saving>) -> Hours {
    let why = match (scope.is_empty(), facts.before) {
        (true, _) => "no ticket was decided where Firstline may act",
        (_, None) => {
            "what tickets took before is not on record, and no minutes are signed for their categories"
        }
        _ => "no time is known of both sides in the same way, and no minutes are signed for these categories",
    };
    Hours {
        hours: saving.map(|of| of.saved / 60.0),
        interval: saving.and_then(|of| of.interval).map(|ends| ends.map(|end| end / 60.0)),
        basis: saving.map(|of| of.basis),
        estimate: saving.is_some_and(|of| of.basis == SavingBasis::Estimate),
        in_scope: scope.len() as u64,
        saving,
        why_unknown: saving.is_none().then(|| why.to_owned()),
    }
}

/// Values since, each of a kind.
pub(super) type Values = Vec<(Kind, f64)>;

/// `values` beside `cells`, standardised to the mix of `values`, with how many are left out. `None` where nothing can be compared.
pub(super) fn beside(cells: &[Cell], values: &Values, aliases: &Aliases) -> Option<(Beside, u64)> {
    let past: BTreeMap<Kind, Past<'_>> = Before::kinds(cells, aliases);
    let mut since: BTreeMap<&Kind, Since> = BTreeMap::new();
    for (kind, value) in values {
        if let Some(past) = past.get(kind) {
            let of = since.entry(kind).or_insert_with(|| Since { before: past.moments, after: Vec::new() });
            of.after.push(*value);
        }
    }
    let weights = since.iter().map(|(kind, of)| ((*kind).clone(), of.after.len())).collect();
    let [was_median, was_p95] = quantiles_of_before(&past, &weights, [0.5, 0.95]);
    let mut compared: Vec<f64> = since.values().flat_map(|of| of.after.iter().copied()).collect();
    let [median, p95] = select_quantiles(&mut compared, [0.5, 0.95]);
    let found = gain(&since.values().cloned().collect::<Vec<_>>(), SEED)?;
    let n = found.n as f64;
    let was: u64 = since.keys().filter_map(|kind| past.get(*kind)).map(|past| past.moments.n).sum();
    let beside = Beside {
        before: Spread { mean: found.before / n, median: was_median, p95: was_p95, n: was },
        after: Spread { mean: found.after / n, median, p95, n: found.n },
        change: found.change,
        change_interval: found.change_interval,
    };
    Some((beside, values.len() as u64 - found.n))
}

pub(super) fn response(facts: &Day90Facts<'_>, scope: &[Worked<'_>]) -> ResponseBeside {
    let unknown = |why: &str| ResponseBeside {
        basis: None,
        wall: None,
        open_hours: None,
        left_out: 0,
        why_unknown: Some(why.to_owned()),
    };
    let Some(before) = facts.before else { return unknown("first responses of before are not on record") };
    let all: Vec<&TicketFacts> = facts.tickets.iter().map(|one| one.worked.facts).collect();
    let texts = recurring_texts(&all);
    let answered = |of: Response| matches!(of, Response::Answered { .. });
    let any = scope.iter().filter(|one| answered(first_response(one.facts, &texts))).count();
    let covers = |basis: &Basis| {
        let cells = before.first_response.get(basis).map_or(&[][..], |waits| &waits.wall);
        let was: u64 = cells.iter().map(|cell| cell.moments.n).sum();
        let by_this =
            scope.iter().filter(|one| answered(first_response_by(one.facts, *basis, &texts))).count();
        was > 0 && 2 * was >= before.answered && by_this > 0 && 2 * by_this >= any
    };
    let Some(basis) = Basis::ALL.into_iter().find(covers) else {
        return unknown("first responses of both sides are not known in the same way");
    };
    let waited = |open: bool| -> Values {
        let one = |one: &Worked<'_>| match first_response_by(one.facts, basis, &texts) {
            Response::Answered { at, .. } => {
                let from = one.facts.opened_at;
                let wall = at.duration_since(from).as_secs_f64();
                let seconds = if open { facts.desk.hours.seconds(from, at) } else { wall };
                Some((kind(one.facts, facts.aliases), seconds))
            }
            _ => None,
        };
        scope.iter().filter_map(one).collect()
    };
    let waits = &before.first_response[&basis];
    let wall = beside(&waits.wall, &waited(false), facts.aliases);
    let open_hours = beside(&waits.open_hours, &waited(true), facts.aliases);
    ResponseBeside {
        basis: Some(basis),
        left_out: wall.map_or(0, |(_, left_out)| left_out),
        why_unknown: wall.is_none().then(|| "no kind of ticket was answered on both sides".to_owned()),
        wall: wall.map(|(beside, _)| beside),
        open_hours: open_hours.map(|(beside, _)| beside),
    }
}

/// The first moment of the week in which Firstline might act for the first time.
fn acts_from(facts: &Day90Facts<'_>, scope: &[Worked<'_>]) -> Option<Timestamp> {
    let first = scope.iter().map(|one| one.facts.opened_at).min()?;
    Week::of(first, facts.desk.hours.zone()).ok().map(|week| week.start)
}

const WEEK: f64 = 7.0 * 86_400.0;

pub(super) fn capacity(
    facts: &Day90Facts<'_>,
    scope: &[Worked<'_>],
    signed: &[SignedMinutes],
    saving: Option<&Saving>,
) -> Capacity {
    let from = acts_from(facts, scope);
    let since: Vec<Worked<'_>> = facts
        .tickets
        .iter()
        .filter(|one| from.is_some_and(|from| one.worked.facts.opened_at >= from))
        .map(|one| one.worked)
        .collect();
    let minutes = minutes_per_ticket(&since, signed, facts.aliases).map(|of| of.mean);
    let weeks =
        from.map(|from| facts.span.1.duration_since(from).as_secs_f64() / WEEK).filter(|weeks| *weeks > 0.0);
    let all: Vec<&TicketFacts> = facts.tickets.iter().map(|one| one.worked.facts).collect();
    let at_work = technicians_at_work(&all, facts.desk);
    let counts: Vec<usize> = match from {
        Some(from) => at_work.range(from..facts.span.1).map(|(_, n)| *n).collect(),
        None => Vec::new(),
    };
    let technicians = (!counts.is_empty()).then(|| counts.iter().sum::<usize>() as f64 / counts.len() as f64);
    let per_week = saving.zip(weeks).map(|(of, weeks)| of.saved / weeks);
    // Minutes saved in all, times this, are tickets a week and technician.
    let factor = weeks.zip(minutes.filter(|minutes| *minutes > 0.0)).zip(technicians);
    let factor = factor.map(|((weeks, minutes), technicians)| 1.0 / weeks / minutes / technicians);
    let why = match (saving.is_some(), minutes.is_some()) {
        (false, _) => "what was saved is not known",
        (_, false) => "what a ticket takes now is not known",
        _ => "no technician is known to have logged time",
    };
    let tickets_per_week = saving.zip(factor).map(|(of, factor)| of.saved * factor);
    Capacity {
        interval: saving
            .and_then(|of| of.interval)
            .zip(factor)
            .map(|(ends, factor)| ends.map(|end| end * factor)),
        estimate: saving.is_some_and(|of| of.basis == SavingBasis::Estimate),
        saved_minutes_per_week: per_week,
        minutes_per_ticket: minutes,
        technicians,
        weeks,
        weeks_without_entries: (weeks.map_or(0.0, f64::round) as u64).saturating_sub(counts.len() as u64),
        why_unknown: tickets_per_week.is_none().then(|| why.to_owned()),
        tickets_per_week,
    }
}

pub(super) fn level_one(facts: &Day90Facts<'_>) -> L1Autonomous {
    let alone = |one: &&Told<'_>| one.phase == Some(Phase::Autonomous);
    // It counts from the first ticket that might be answered alone.
    let from = facts.tickets.iter().filter(alone).map(|one| one.worked.facts.opened_at).min();
    let since =
        || facts.tickets.iter().filter(|one| from.is_some_and(|from| one.worked.facts.opened_at >= from));
    let (desk, scope) = (first_level(facts, since()), first_level(facts, since().filter(alone)));
    L1Autonomous {
        confirmed: desk.confirmed,
        provisional: desk.provisional,
        unknown: desk.unknown,
        unplaced: desk.unplaced,
        of_desk: desk.share(),
        of_scope: scope.share(),
        with_timed_out: Share::new(desk.confirmed + desk.timed_out, desk.resolved),
    }
}

fn first_level<'a>(facts: &Day90Facts<'a>, told: impl Iterator<Item = &'a Told<'a>>) -> LevelOne {
    LevelOne::of(told.map(|one| (one.worked.facts, one.worked.autonomy)), facts.desk.tiers, facts.now)
}

pub(super) fn seniors_beside(facts: &Day90Facts<'_>, scope: &[Worked<'_>]) -> SeniorsBeside {
    let before = facts.before.and_then(|before| before.seniors);
    let after = acts_from(facts, scope).and_then(|from| {
        let since =
            facts.tickets.iter().map(|one| one.worked.facts).filter(|ticket| ticket.opened_at >= from);
        seniors(&since.collect::<Vec<_>>(), facts.desk)
    });
    let per_week = |of: Seniors, seconds: f64| seconds / of.technician_weeks.max(1) as f64;
    let freed = before.zip(after).map(|(was, is)| {
        (per_week(was, was.level_one) - per_week(is, is.level_one)) / per_week(was, was.all)
    });
    SeniorsBeside { before, after, freed }
}
