//! How the 90 days would have gone on a history: each week's decisions beside how its tickets were closed, the gates and triggers that
//! follow, and what they would have done.
//!
//! Every look is taken with what was known at its moment. Nothing was ever sent, so nothing is told of incidents, of time saved or of
//! what people would have made of it: a replay is no evidence for a gate, it says whether trying is worth it.

mod course;
mod told;
mod watched;
mod week;

use std::collections::BTreeMap;

use firstline_ticket::Field;
use jiff::Timestamp;

use crate::{
    Aliases, FEWEST_PAIRS, FieldAgreement, Judged, TicketFacts, UNKNOWN, priority_calls, shadow_agreement,
    usable_drafts,
};
use course::Course;
use week::OfWeek;

pub use told::{
    Alike, Alone, Counterfactual, DraftSample, GateLook, Phased, Rehearsal, Replay, ReplayPhase,
    ReplayedWeek, Step, StepKind, Verdict, WeekDecisions,
};

/// The replay of `input`.
pub fn replay(input: &Rehearsal<'_>) -> Replay {
    let weeks: Vec<OfWeek<'_>> = input.weeks.iter().map(|week| OfWeek::new(input, week)).collect();
    let course = Course::run(input, &weeks);
    let judged: Vec<Judged> = weeks.iter().flat_map(|week| week.judged(input.until)).collect();
    let drafts: Option<Vec<&DraftSample>> = input.weeks.iter().try_fold(Vec::new(), |mut all, (_, week)| {
        all.extend(week.drafts.as_ref()?);
        Some(all)
    });
    let categories: BTreeMap<&str, String> =
        input.facts.iter().map(|ticket| (ticket.id.as_str(), category(ticket))).collect();
    let sample = |drafts: Vec<&DraftSample>| {
        let known = drafts
            .iter()
            .filter_map(|draft| Some((categories.get(draft.id.as_str())?.as_str(), draft.distance)));
        usable_drafts(known)
    };
    Replay {
        counterfactual: true,
        alone: weeks.iter().map(|week| week.alone(input.until)).fold(Alone::default(), Alone::and),
        weeks: weeks
            .iter()
            .zip(1..)
            .zip(&course.phases)
            .map(|((w, n), phase)| w.told(input, n, *phase))
            .collect(),
        agreement: shadow_agreement(&judged, input.best, &Aliases::new()),
        ceiling: alike(input.alike, input.until),
        priorities: priority_calls(&judged, input.rank),
        drafts: drafts.filter(|_| !input.weeks.is_empty()).map(sample),
        verdict: course.verdict(weeks.len()),
        gates: course.gates,
        steps: course.steps,
    }
}

/// How often technicians agree with each other, by the pairs that were known at `moment`.
fn alike(pairs: &[Alike], moment: Timestamp) -> Option<FieldAgreement> {
    let known = pairs.iter().filter(|pair| pair.known_at <= moment);
    let labels: Vec<(&str, &str)> =
        known.map(|Alike { labels: [a, b], .. }| (a.as_str(), b.as_str())).collect();
    (labels.len() >= FEWEST_PAIRS).then(|| FieldAgreement::of(&labels))
}

/// The category that a ticket was closed in.
fn category(ticket: &TicketFacts) -> String {
    let label = |field| ticket.closing_label(field).unwrap_or(UNKNOWN);
    format!("{} > {}", label(Field::Board), label(Field::Type))
}

#[cfg(test)]
mod tests;
