//! Certificates, looked at again every week by what came of the decisions that they accepted (R42, R44).
//!
//! One that is refuted puts its category on hold: a person acts there again until new evidence is granted. Closing labels that Firstline
//! set itself and nobody corrected count as right, so the decisions that nobody saw are held against it by themselves, too. Must never count
//! a ticket whose end nobody has told, and never hold what another bundle decided against a certificate.

use std::collections::BTreeMap;

use firstline_fault::Result;
use firstline_rollout::{Fired, Granted, Reaction, Standing, Trigger, renewal};
use firstline_stats::Count;
use firstline_store::{CustomerSet, GrantRecord, GrantScope, Store, TicketRow};
use firstline_ticket::{Assertion, Field, JudgedDecision, Phase};
use firstline_triage::Ranks;

use super::super::desk::DeskRules;
use super::Firing;
use super::scene::Scene;

/// The share of errors that a certificate promises not to pass, and the chance that one of all in force is withdrawn by mistake.
const ERROR: f64 = 0.02;
const CHANCE: f64 = 0.05;

/// Whose decisions are watched: all of them, and those that nobody saw before the ticket was closed.
const STREAMS: [bool; 2] = [false, true];

/// What is watched of a certificate: by assertion, for all decisions and for those that nobody saw (`true`), the decisions of each week that
/// it accepted and whose end is known, with the wrong ones.
type Accepted = BTreeMap<(Assertion, bool), BTreeMap<u32, Count>>;

/// What fires, by the weeks that are over.
pub(super) fn fired(store: &dyn Store, rules: &DeskRules, scene: &Scene) -> Result<Vec<Firing>> {
    let of_category = |grant: &&GrantRecord| {
        grant.phase == Phase::Autonomous && grant.scope.board.is_some() && !grant.thresholds.is_empty()
    };
    let grants: Vec<&GrantRecord> = scene.grants.iter().filter(of_category).collect();
    let (Some(last), Some(first)) = (scene.last_closed(), grants.iter().map(|grant| grant.since).min())
    else {
        return Ok(Vec::new());
    };
    let Some(end) = scene.weeks.iter().find(|(number, _)| *number == last).map(|(_, week)| week.end) else {
        return Ok(Vec::new());
    };
    let mut accepted: Vec<Accepted> = vec![Accepted::new(); grants.len()];
    store.facts(first, end, &CustomerSet::All, &mut |row| {
        let week = scene.weeks.iter().find(|(_, week)| week.has(row.decided_at)).map(|(number, _)| *number);
        for (grant, accepted) in grants.iter().zip(&mut accepted) {
            // No hold that ended makes anything forgotten: only another grant begins anew.
            let counts = row.decided_at >= grant.since && grant.bundle.as_ref() == Some(&row.bundle);
            if let Some(week) = week.filter(|_| counts && is_of(&row.judged, &grant.scope)) {
                count(&row, (grant, &rules.ranks), week, accepted);
            }
        }
        Ok(())
    })?;
    let watched = STREAMS.len() * grants.iter().map(|grant| grant.thresholds.len()).sum::<usize>().max(1);
    let mut firings = Vec::new();
    for (grant, accepted) in grants.iter().zip(&accepted) {
        for ((assertion, _), weeks) in accepted {
            let chance = CHANCE / watched as f64;
            firings.extend(lapsed(grant, (*assertion, weeks), (last, chance)).transpose()?);
        }
    }
    Ok(firings)
}

/// Whether the decision is one of the category's.
fn is_of(judged: &JudgedDecision, scope: &GrantScope) -> bool {
    let is = |field: Field, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| {
            judged.decision.fields.get(&field).is_some_and(|decided| decided.label == *wanted)
        })
    };
    is(Field::Board, &scope.board) && is(Field::Type, &scope.ticket_type)
}

/// Counts a decision with each assertion that the certificate accepts of it, where its ticket is closed and its labels are known.
fn count(row: &TicketRow, (grant, ranks): (&GrantRecord, &Ranks), week: u32, accepted: &mut Accepted) {
    let judged = &row.judged;
    let was_seen = row.review.is_some() || (judged.phase >= Some(Phase::Assist) && !judged.blind);
    if !judged.reported || judged.outcome.resolved_at.is_none() {
        return;
    }
    for (assertion, threshold) in &grant.thresholds {
        let is_reply = matches!(assertion, Assertion::Reply | Assertion::SubtypeReply);
        let score = assertion.score(&judged.decision).map(f64::from);
        if (is_reply && !judged.decision.kind.wants_answer()) || score.is_none_or(|score| score < *threshold)
        {
            continue;
        }
        if let Some(right) = is_right(judged, *assertion, ranks) {
            for unseen in STREAMS.into_iter().filter(|unseen| !unseen || !was_seen) {
                let weeks = accepted.entry((*assertion, unseen)).or_default();
                let of_week = weeks.entry(week).or_insert(Count { hits: 0, n: 0 });
                of_week.n += 1;
                of_week.hits += usize::from(!right);
            }
        }
    }
}

/// Whether what is asserted was right by the closing labels: a priority, that it was not called less urgent. `None` where they don't tell.
fn is_right(judged: &JudgedDecision, assertion: Assertion, ranks: &Ranks) -> Option<bool> {
    let labels = assertion.fields().iter().map(|field| {
        let decided = &judged.decision.fields.get(field)?.label;
        Some((*field, decided, judged.outcome.labels.get(field)?))
    });
    let labels = labels.collect::<Option<Vec<_>>>()?;
    let one = |(field, decided, closing): &(Field, &String, &String)| match field {
        Field::Priority => Some(ranks.rank(decided)? <= ranks.rank(closing)?),
        _ => Some(decided == closing),
    };
    labels.iter().map(one).collect::<Option<Vec<bool>>>().map(|all| all.into_iter().all(|right| right))
}

/// The hold of a certificate that no longer stands.
fn lapsed(
    grant: &GrantRecord,
    (assertion, weeks): (Assertion, &BTreeMap<u32, Count>),
    (last, chance): (u32, f64),
) -> Option<Result<Firing>> {
    // What it was granted on speaks for it, never against what came since: so it need not be known here.
    let granted = Granted { tested: Count { hits: 0, n: 0 }, error: ERROR, chance };
    let weeks: Vec<Count> = weeks.values().copied().collect();
    let found = renewal(granted, &weeks);
    if found.standing != Standing::Lapsed {
        return None;
    }
    let fired = Fired {
        trigger: Trigger::Certificate,
        reaction: Reaction::Pause,
        everywhere: false,
        week: last,
        found: Some(found.against),
        limit: 1.0 / chance,
        n: found.accepted,
        note: None,
    };
    let firing = Firing::of(&fired, &grant.scope, (grant.epoch, assertion.name()));
    Some(firing.map(|mut firing| {
        firing.reason += &format!(": {}, {} errors", assertion.name(), found.errors);
        firing.figures["assertion"] = assertion.name().into();
        firing.figures["errors"] = found.errors.into();
        firing
    }))
}
