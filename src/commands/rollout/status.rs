//! `firstline rollout status`: how the programme stands.

use clap::Args;
use firstline_rollout::{Report, Sheet, percent};
use firstline_serve::rollout::{Status, close_weeks, status};

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
    let status = status(store.as_ref(), rules.zone(), settings.phase, now)?;
    args.output.put(&report(&status), &status, ui)?;
    Ok(Exit::Success)
}

fn report(status: &Status) -> Report {
    let mut facts =
        vec![("Phase", format!("{}; the settings allow {}", status.phase, status.settings_phase))];
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
                format!("version {version} in force; the newest needs {n} more signatures")
            }
            (Some(version), _) => format!("version {version} in force"),
            (None, Some(n)) => format!("none in force: the newest needs {n} more signatures"),
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
                format!("{share} of {} tickets, {} came late{lacks}", found.listed, found.late)
            },
        ),
    ));
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
        ]
    });
    let tables = [
        Sheet {
            heading: "Granted".to_owned(),
            about: "The least of what holds for everything, for the customer and for the category counts."
                .to_owned(),
            columns: vec!["scope", "phase", "since", "by", "reason"],
            rows: grants.collect(),
        },
        Sheet {
            heading: "On hold".to_owned(),
            about: "A hold ends by a person's word: firstline rollout resume.".to_owned(),
            columns: vec!["hold", "level", "since", "by", "reason"],
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
