//! What the roadmap calls the outcome, in plain words.

use serde::Serialize;

use super::{Day90Facts, KpiResult, PastHold, signed_percent};
use crate::{Direction, Reaction, percent};

/// The outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Day90Outcome {
    /// The 13 weeks are not over, and nothing is paused.
    Running,
    /// All three headline figures are met, and nothing that was granted is paused or backed out.
    Succeeded,
    /// A pause is in force, or a headline figure is missed or not known.
    Paused,
    /// A back-out or a stop is in force.
    BackedOut,
}

/// The verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Day90Verdict {
    /// The outcome.
    pub outcome: Day90Outcome,
    /// A sentence.
    pub text: String,
    /// Why, point by point.
    pub why: Vec<String>,
}

pub(super) fn verdict(facts: &Day90Facts<'_>, kpis: &[KpiResult]) -> Day90Verdict {
    let in_force: Vec<&PastHold> = facts.holds.iter().filter(|hold| hold.released.is_none()).collect();
    let strongest = in_force.iter().map(|hold| hold.reaction).max();
    let headline: Vec<&KpiResult> = kpis.iter().filter(|one| one.headline).collect();
    let met = !headline.is_empty() && headline.iter().all(|one| one.met == Some(true));
    let (outcome, text) = match strongest {
        Some(Reaction::BackOut | Reaction::Stop) => (
            Day90Outcome::BackedOut,
            "Backed out: Firstline records and drafts, and does nothing until a person resumes on newer evidence.",
        ),
        Some(Reaction::Pause) => (
            Day90Outcome::Paused,
            "Paused: nothing is done alone until a person has found the cause and resumes.",
        ),
        _ if !facts.over => {
            (Day90Outcome::Running, "The 13 weeks are not over: these figures are as of now.")
        }
        _ if met => (
            Day90Outcome::Succeeded,
            "Succeeded: the three signed figures are met, and nothing that was granted is paused or backed out.",
        ),
        _ => (
            Day90Outcome::Paused,
            "Paused: not all of the three signed figures are met, so nothing is expanded until a person decides how to go on.",
        ),
    };
    let mut why: Vec<String> = in_force
        .iter()
        .map(|hold| {
            format!(
                "Hold {} ({}, {}) is in force since {:.0}: {}",
                hold.hold, hold.level, hold.scope, hold.at, hold.reason
            )
        })
        .collect();
    why.extend(headline.iter().map(|one| in_words(one)));
    if headline.is_empty() {
        why.push("No headline figures are signed.".to_owned());
    }
    let back_outs = facts.holds.iter().filter(|hold| hold.reaction >= Reaction::BackOut).count() as u64;
    let pauses = facts.holds.iter().filter(|hold| hold.reaction == Reaction::Pause).count() as u64;
    if back_outs + pauses > 0 {
        why.push(format!(
            "In all {} and {}.",
            crate::counted(pauses, "pause", "pauses"),
            crate::counted(back_outs, "back-out", "back-outs")
        ));
    }
    Day90Verdict { outcome, text: text.to_owned(), why }
}

/// A value of this figure.
pub(super) fn value(result: &KpiResult, value: f64) -> String {
    if result.name.is_change() { signed_percent(value) } else { percent(value) }
}

fn in_words(one: &KpiResult) -> String {
    let side = match one.direction {
        Direction::AtLeast => "at least",
        Direction::AtMost => "at most",
    };
    let needed = format!("{side} {} was signed", value(one, one.needed));
    let name = one.name.name().replace('_', " ");
    let Some(found) = one.found else {
        return format!("{name}: not known ({}); {needed}.", one.note.as_deref().unwrap_or("no facts"));
    };
    let met = if one.met == Some(true) { "met" } else { "missed" };
    let sure = match (one.met, one.sure) {
        (Some(true), false) => ", though chance may explain it",
        _ => "",
    };
    format!(
        "{name}: {met} with {} over {}; {needed}{sure}.",
        value(one, found),
        crate::counted(one.n, "ticket", "tickets")
    )
}
