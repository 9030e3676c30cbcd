//! The tables of a run, for the terminal and for its page.

use firstline_rollout::{Report, Sheet, counted, percent};
use firstline_ticket::Field;

use super::super::GENERATED;
use super::Shown;
use super::examples::Example;
use super::figures::{ALL, Share, Tally};
use super::play::POLL_SECONDS;

/// Stands where a figure is not known.
const UNKNOWN: &str = "-";

/// The report of a run, without examples.
pub(super) fn report(shown: &Shown<'_>) -> Report {
    let Shown { psa, desk, figures, played, .. } = shown;
    let total = &figures.total;
    let last = desk.to.to_zoned(desk.zone.clone()).date();
    let facts = vec![
        ("PSA", format!("a stand-in for {}", psa.name())),
        ("Days", format!("{}, from {} to {last} (exclusive)", desk.days, desk.first_day())),
        ("Phase", "shadow: nothing may be written".to_owned()),
        ("Writes to the PSA", total.writes.to_string()),
        ("Tickets decided twice", total.decided_twice.to_string()),
        ("Drafts within 60 s of opening in the PSA", with_interval(total.drafted_in_time)),
        ("Agreement on all fields at once", with_interval(share_of(total, ALL))),
        (
            "Rounds of the loop",
            format!(
                "{}, {} failed; {}, {} sent to triage, in {:.0} s",
                played.rounds,
                played.failed_rounds,
                counted(played.changed as u64, "change", "changes"),
                counted(played.sent as u64, "ticket", "tickets"),
                played.seconds
            ),
        ),
    ];
    let mut faults = played.faults.clone();
    if played.unread > 0 {
        faults.push(format!("{} history lines were not understood", played.unread));
    }
    Report {
        title: format!("Days of an invented desk, watched through {}", psa.name()),
        facts,
        notes: vec![("Notes", notes(shown)), ("Faults", faults)],
        tables: vec![by_day(shown), agreement(total), agreement_by_day(shown)],
    }
}

fn notes(shown: &Shown<'_>) -> Vec<String> {
    let left_out = shown.desk.left_out as u64;
    vec![
        GENERATED.to_owned(),
        format!(
            "Time is simulated: idle time is skipped, work takes as long as it does on this machine. A draft's delay is the wait for the next \
             poll, every {POLL_SECONDS} s, plus that work."
        ),
        format!(
            "{} open when the days began: neither learnt from nor played. Tickets still open when they ended have no outcome.",
            counted(left_out, "ticket was", "tickets were")
        ),
    ]
}

fn by_day(shown: &Shown<'_>) -> Sheet {
    let row = |name: String, tally: &Tally| {
        let seconds = |value: Option<f64>| value.map_or_else(|| UNKNOWN.to_owned(), |s| format!("{s:.0} s"));
        vec![
            name,
            tally.opened.to_string(),
            tally.decided.to_string(),
            tally.decided_twice.to_string(),
            tally.decided_again.to_string(),
            format!("{} of {}", tally.drafted, tally.drafts_due),
            tally.drafted_in_time.value().map_or_else(|| UNKNOWN.to_owned(), percent),
            seconds(tally.draft_seconds_p50),
            seconds(tally.draft_seconds_p95),
            tally.closed.to_string(),
            tally.joined.to_string(),
            tally.back_open.to_string(),
            tally.requests.to_string(),
            tally.refused.to_string(),
            tally.writes.to_string(),
        ]
    };
    Sheet {
        heading: "Day by day".to_owned(),
        about: "Tickets by the day on which the PSA opened them, closures by the day on which it last closed them. \"Again\" are decisions \
                about tickets that had changed. Drafts are due where a person waits for an answer; delays start when the PSA opened the \
                ticket. \"Joined\" are outcomes recorded with their decision; \"back open\" are tickets that a customer's reply reopened \
                before the loop saw them closed."
            .to_owned(),
        columns: vec![
            "day", "opened", "decided", "twice", "again", "drafted", "within 60 s", "p50", "p95", "closed", "joined", "back open",
            "requests", "refused", "writes",
        ],
        rows: rows(shown, row),
    }
}

/// A row for each day, and one for all.
fn rows(shown: &Shown<'_>, row: impl Fn(String, &Tally) -> Vec<String>) -> Vec<Vec<String>> {
    let days = shown.figures.days.iter();
    let mut rows: Vec<_> =
        days.map(|(day, tally)| row(day.strftime("%a %Y-%m-%d").to_string(), tally)).collect();
    rows.push(row("all".to_owned(), &shown.figures.total));
    rows
}

/// What agreement is told of: each field, and all of them at once.
fn names() -> impl Iterator<Item = &'static str> {
    Field::ALL.iter().map(|field| field.name()).chain([ALL])
}

fn agreement(total: &Tally) -> Sheet {
    let row = |name: &'static str| {
        let share = share_of(total, name);
        let interval = share.interval();
        let known = |text: String| if share.of > 0 { text } else { UNKNOWN.to_owned() };
        vec![
            name.to_owned(),
            share.value().map_or_else(|| UNKNOWN.to_owned(), percent),
            known(format!("{} to {}", percent(interval.lo), percent(interval.hi))),
            share.of.to_string(),
        ]
    };
    Sheet {
        heading: "Agreement with the labels at closing".to_owned(),
        about: "Tickets whose outcome is known, with Wilson's interval. Nobody saw the decisions.".to_owned(),
        columns: vec!["field", "agreement", "95 % interval", "n"],
        rows: names().map(row).collect(),
    }
}

fn agreement_by_day(shown: &Shown<'_>) -> Sheet {
    let row = |name: String, tally: &Tally| {
        let cell = |field| match share_of(tally, field) {
            Share { of: 0, .. } => UNKNOWN.to_owned(),
            Share { part, of } => format!("{part} of {of}"),
        };
        [name].into_iter().chain(names().map(cell)).collect()
    };
    Sheet {
        heading: "Agreement day by day".to_owned(),
        about: "By the day of closing.".to_owned(),
        columns: ["day"].into_iter().chain(names()).collect(),
        rows: rows(shown, row),
    }
}

/// The examples as a table of the page.
pub(super) fn examples(examples: &[Example]) -> Sheet {
    let row = |example: &Example| {
        vec![
            format!("{} {}", example.ticket, example.subject),
            example.lines().join("; "),
            format!("{:.0} s", example.drafted_after),
            example.draft.clone(),
        ]
    };
    Sheet {
        heading: "From the PSA to the draft".to_owned(),
        about: "Example tickets.".to_owned(),
        columns: vec!["ticket", "decided", "drafted after", "first response"],
        rows: examples.iter().map(row).collect(),
    }
}

fn share_of(tally: &Tally, name: &str) -> Share {
    tally.agreement.get(name).copied().unwrap_or_default()
}

/// A share as `87.5 % (81.0 to 92.1), n 120`.
fn with_interval(share: Share) -> String {
    let Some(value) = share.value() else { return "unknown".to_owned() };
    let interval = share.interval();
    format!("{} ({} to {}), n {}", percent(value), percent(interval.lo), percent(interval.hi), share.of)
}
