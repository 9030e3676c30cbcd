//! `firstline rollout status`: how the programme stands.

use clap::Args;
use firstline_rollout::{Report, Sheet, counted, percent};
use firstline_serve::rollout::{CustomerErrors, Figure, Status, WeekErrors, WorkView, close_weeks, status};

use super::ReportArgs;
use super::hold::about;
use super::person::{Place, share};
use crate::arguments::SettingsArgs;
use crate::failure::{Exit, Failure};
use crate::ui::Ui;

/// Show how the programme stands: day, phase, agreement, grants, holds, and what to do next.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    output: ReportArgs,

    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &StatusArgs, ui: &Ui) -> Result<Exit, Failure> {
    let Place { settings, rules, store, now, .. } = Place::open(&args.settings)?;
    close_weeks(store.as_ref(), &rules, "command:rollout", now)?;
    let status = status(store.as_ref(), &rules.hours, settings.phase, now)?;
    args.output.put(&report(&status), &status, ui)?;
    Ok(Exit::Success)
}

fn report(status: &Status) -> Report {
    let mut facts = vec![("Phase", status.phase.clone())];
    if let Some(cap) = &status.capped_at {
        facts.push(("Settings", format!("phase = {cap:?}: a service with these settings goes no further")));
    }
    facts.push(match &status.programme {
        Some(programme) => (
            "Programme",
            format!("day {} of 90, week {}, since {}", programme.day, programme.week, programme.started_on),
        ),
        None => ("Programme", "has not started".to_owned()),
    });
    if let Some(programme) = &status.programme {
        facts.push(("Pilots", programme.pilots.join(", ")));
    }
    facts.push((
        "Criteria",
        match (status.criteria_in_force, status.signatures_missing) {
            (Some(version), Some(n)) if n > 0 => {
                format!("version {version} in force; the newest needs {}", signatures(n))
            }
            (Some(version), _) => format!("version {version} in force"),
            (None, Some(n)) => format!("none in force: the newest needs {}", signatures(n)),
            (None, None) => "none on record".to_owned(),
        },
    ));
    facts.push(("Tickets", format!("{}, the end of {} is known", status.tickets, status.reported)));
    facts.push((
        "Agreement",
        format!("{} (board and type, of tickets that nobody saw decided)", share(&status.agreement)),
    ));
    facts.push(("Kept", format!("{} (of tickets that people saw decided)", share(&status.left_as_seen))));
    facts.push(("Drafts in time", share(&status.drafted_in_time)));
    facts.push(("Errors that customers saw", errors(&status.errors)));
    facts.push(("SLA credits", credits(&status.errors)));
    facts.push(("Weeks", format!("{} over, {} settled", status.weeks_closed, status.weeks_settled)));
    facts.push((
        "Coverage",
        status.coverage.as_ref().map_or_else(
            || "not counted".to_owned(),
            |found| {
                let share = found.share.map_or_else(|| "not known".to_owned(), percent);
                let lacks = match found.not_listed {
                    0 => String::new(),
                    n => format!("; {n} of {} that came in are not on the list", found.received),
                };
                let listed = counted(found.listed, "ticket", "tickets");
                format!("{share} of {listed}, {} came late{lacks}", found.late)
            },
        ),
    ));
    let back = &status.rollbacks;
    if back.pauses + back.back_outs + back.stops > 0 {
        let told = [
            counted(back.pauses, "pause", "pauses"),
            counted(back.back_outs, "back-out", "back-outs"),
            counted(back.stops, "stop", "stops"),
        ];
        facts.push(("Held back so far", told.join(", ")));
    }
    facts.extend(status.work.as_ref().map(|of| ("Work", work(of))));
    if let Some(last) = &status.last_verdict {
        let verdict = if last.passed { "passed" } else { "not passed" };
        facts.push(("Last verdict", format!("{verdict}, {:.0}, asked by {}", last.at, last.by)));
    }
    let grants = status.grants.iter().map(|grant| {
        let since = format!("{:.0}", grant.since);
        vec![about(&grant.scope), grant.phase.clone(), since, grant.by.clone(), grant.reason.clone()]
    });
    let holds = status.holds.iter().map(|hold| {
        let level = hold.level.name().to_owned();
        vec![
            format!("{} {}", hold.hold, about(&hold.scope)),
            level,
            format!("{:.0}", hold.at),
            hold.by.clone(),
            hold.reason.clone(),
            actions(&hold.to_check),
        ]
    });
    let tables = [
        error_weeks(&status.errors_by_week),
        Sheet {
            heading: "Granted".to_owned(),
            about: "The least of what holds for everything, for the customer and for the category counts."
                .to_owned(),
            columns: vec!["scope", "phase", "since", "by", "reason"],
            rows: grants.collect(),
        },
        Sheet {
            heading: "On hold".to_owned(),
            about: "A hold ends by a person's word: firstline rollout resume. To check: what customers could see of the seven days before."
                .to_owned(),
            columns: vec!["hold", "level", "since", "by", "reason", "actions to check"],
            rows: holds.collect(),
        },
    ];
    Report {
        title: "How the rollout stands".to_owned(),
        facts,
        notes: vec![("Next", status.next.clone())],
        tables: tables.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect(),
    }
}

/// The first of some actions, and how many there are.
fn actions(ids: &[i64]) -> String {
    let first: Vec<String> = ids.iter().take(5).map(ToString::to_string).collect();
    match ids.len() {
        0 => "-".to_owned(),
        n if n <= first.len() => first.join(", "),
        n => format!("{}, ... ({n})", first.join(", ")),
    }
}

/// Work on the newest week's tickets, each figure with how it is known.
fn work(of: &WorkView) -> String {
    let by = |name: &str| {
        of.basis.get(name).map_or_else(String::new, |basis| format!(" by {}", basis_in_words(basis)))
    };
    let minutes = of.minutes_per_ticket.value.map_or_else(
        || "minutes a ticket not known".to_owned(),
        |minutes| {
            format!(
                "{minutes:.0} minutes a ticket{}, n {}",
                by("minutes_per_ticket"),
                of.minutes_per_ticket.n
            )
        },
    );
    let saved = of.saved.value.map_or_else(
        || "saved: not known".to_owned(),
        |_| format!("saved {}{}", share(&of.saved), by("saved")),
    );
    format!("week {}: {minutes}; {saved}; resolved alone {}", of.week, share(&of.l1_autonomous))
}

/// How a figure of work is known, as people read it.
pub(super) fn basis_in_words(basis: &str) -> &str {
    match basis {
        "time_entries" => "time entries",
        "reported" => "times reported with outcomes",
        "reviews" => "time at reviews",
        "estimate" => "ESTIMATE",
        other => other,
    }
}

fn errors(found: &CustomerErrors) -> String {
    let undecided = match found.undecided {
        0 => String::new(),
        n => format!("; {n} to be decided: firstline incidents list --state suspected"),
    };
    let none = || "none, and nothing was done that customers could see".to_owned();
    match (found.errors.n, found.errors.count.unwrap_or(0)) {
        (0, 0) => none() + &undecided,
        (0, n) => format!("{n}, of no action{undecided}"),
        (_, n) => format!("{n}: {}{undecided}", share(&found.errors)),
    }
}

/// The weeks in which customers saw errors, or were given a credit.
pub(super) fn error_weeks(weeks: &[WeekErrors]) -> Sheet {
    let row = |week: &WeekErrors| {
        let number = week.number.map_or_else(|| "before the first".to_owned(), |number| number.to_string());
        let found = &week.found;
        let counts = [&found.errors, &found.approved, &found.autonomous].map(count);
        let more = vec![found.undecided.to_string(), credits(found)];
        [vec![week.week.clone(), number], counts.to_vec(), more].concat()
    };
    let columns = vec![
        "week",
        "of the programme",
        "errors of actions",
        "approved",
        "autonomous",
        "undecided",
        "SLA credits",
    ];
    Sheet {
        heading: "Weeks with errors that customers saw".to_owned(),
        about: "As known now, in the week in which they happened, whenever they were entered.".to_owned(),
        columns,
        rows: weeks.iter().map(row).collect(),
    }
}

/// Errors of actions, as a cell of a table.
pub(super) fn count(figure: &Figure) -> String {
    format!("{} of {}", figure.count.unwrap_or(0), figure.n)
}

fn credits(found: &CustomerErrors) -> String {
    match found.sla_credit_amount {
        Some(amount) => format!("{}, {amount:.2} in all", found.sla_credits),
        None => found.sla_credits.to_string(),
    }
}

fn signatures(missing: usize) -> String {
    counted(missing as u64, "more signature", "more signatures")
}
