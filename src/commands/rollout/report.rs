//! `firstline rollout report`: the weeks so far, and what shadow shows; or the report of day 90.

use std::collections::BTreeMap;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_rollout::{Report, Sheet, percent};
use firstline_serve::rollout::{
    DeskRules, Figure, Shadow, ShadowWindow, WeekErrors, WeekView, close_weeks, report_day90, shadow,
    week_errors, weeks,
};
use firstline_store::{CustomerSet, Store};
use firstline_triage::customer_key;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::ReportArgs;
use super::person::{Place, share, time};
use crate::arguments::SettingsArgs;
use crate::failure::{Exit, Failure};
use crate::ui::Ui;

/// Report the weeks so far: agreement, priorities, drafts, times.
///
/// A week's figures are put on record when it is over and again when it has settled, and never change. Below them stands what the last
/// days show as known now, with every missed most urgent ticket.
///
/// With --day90 it is the report of the whole programme: hours redirected, first response before and after, net new capacity per
/// technician; then the signed thresholds, the verdict, all rollbacks, and what is estimated or not known. Its page prints on A4.
#[derive(Debug, Args)]
pub(crate) struct RolloutReportArgs {
    /// Report the whole programme: three numbers, thresholds, verdict.
    #[arg(long, conflicts_with_all = ["weeks", "days", "customer"])]
    day90: bool,

    /// Newest weeks that are shown.
    #[arg(long, default_value_t = 13, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=70))]
    weeks: u16,

    /// Last days of which shadow is shown.
    #[arg(long, default_value_t = 28, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=92))]
    days: u16,

    /// Of one customer's tickets alone [default: the whole desk].
    #[arg(long)]
    customer: Option<String>,

    #[command(flatten)]
    output: ReportArgs,

    #[command(flatten)]
    settings: SettingsArgs,
}

/// The report, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Output {
    weeks: Vec<WeekView>,
    /// Errors by the week in which they happened, as known now.
    errors: Vec<WeekErrors>,
    shadow: Shadow,
}

pub(super) fn run(args: &RolloutReportArgs, ui: &Ui) -> Result<Exit, Failure> {
    let Place { rules, store, now, .. } = Place::open(&args.settings)?;
    close_weeks(store.as_ref(), &rules, "command:rollout", now)?;
    if args.day90 {
        return day90(args, store.as_ref(), (&rules, now), ui);
    }
    let customer = args.customer.as_deref().map(customer_key);
    let customers = match &customer {
        Some(customer) => CustomerSet::Only([customer.clone()].into()),
        None => CustomerSet::All,
    };
    let to = now + SignedDuration::from_secs(1);
    let from = to - SignedDuration::from_hours(24 * i64::from(args.days));
    let mut weeks = weeks(store.as_ref(), rules.zone(), usize::from(args.weeks))?;
    weeks.retain(|week| week.customer == customer && (customer.is_some() || week.scope == "all"));
    let errors = week_errors(store.as_ref(), &rules.hours, &customers, now)?;
    let shadow = shadow(store.as_ref(), &rules, &ShadowWindow { from, to, customers }, now)?;
    let output = Output { weeks, errors, shadow };
    args.output.put(&report(&output), &output, ui)?;
    Ok(Exit::Success)
}

/// The report of day 90.
fn day90(
    args: &RolloutReportArgs,
    store: &dyn Store,
    (rules, now): (&DeskRules, Timestamp),
    ui: &Ui,
) -> Result<Exit, Failure> {
    let report = report_day90(store, rules, now)?.ok_or_else(|| {
        let next = "Start one: firstline rollout start; its first week begins on the next Monday";
        UserError::new(Code::NotFound, "the programme", "none has begun its first week", next)
    })?;
    let zone = rules.zone();
    args.output.put_page(&Report::of_day90(&report, zone), &report, || report.html(zone), ui)?;
    Ok(Exit::Success)
}

/// The rows of a week by category, the largest first.
fn by_category(week: &WeekView) -> Vec<Vec<String>> {
    let mut rows: Vec<_> = week.sheet.by_category.iter().collect();
    let figure = |row: &BTreeMap<String, Figure>, name: &str| row.get(name).copied().unwrap_or_default();
    rows.sort_by_key(|(name, row)| (name.as_str() == "others", std::cmp::Reverse(figure(row, "tickets").n)));
    let cells = |(name, row): (&String, &BTreeMap<String, Figure>)| {
        vec![
            name.clone(),
            figure(row, "tickets").n.to_string(),
            share(&figure(row, "agreement")),
            share(&figure(row, "drafted_in_time")),
            share(&figure(row, "usable_verbatim")),
            time(&figure(row, "first_response_median")),
            time(&figure(row, "resolution_mean")),
            time(&figure(row, "handle_mean")),
        ]
    };
    rows.into_iter().map(cells).collect()
}

/// How a figure of a week is known.
fn by(week: &WeekView, name: &str) -> String {
    let basis = week.sheet.basis.get(name);
    basis.map_or_else(String::new, |basis| format!(" by {}", super::status::basis_in_words(basis)))
}

fn minutes(week: &WeekView) -> String {
    let figure = week.sheet.figures.get("minutes_per_ticket").copied().unwrap_or_default();
    let told = |minutes: f64| format!("{minutes:.0}{}, n {}", by(week, "minutes_per_ticket"), figure.n);
    figure.value.map_or_else(|| "not known".to_owned(), told)
}

fn saved(week: &WeekView) -> String {
    let figure = week.sheet.figures.get("saved").copied().unwrap_or_default();
    let told = |saved: f64| format!("{}{}, n {}", percent(saved), by(week, "saved"), figure.n);
    figure.value.map_or_else(|| "not known".to_owned(), told)
}

fn report(output: &Output) -> Report {
    let Output { weeks, errors, shadow } = output;
    let figure = |week: &WeekView, name: &str| week.sheet.figures.get(name).copied().unwrap_or_default();
    let row = |week: &WeekView| {
        let count = |name| figure(week, name).n.to_string();
        vec![
            format!(
                "{} (week {}){}",
                week.week,
                week.sheet.number,
                if week.settled { ", settled" } else { "" }
            ),
            count("tickets"),
            share(&figure(week, "agreement")),
            share(&figure(week, "agreement_best")),
            share(&figure(week, "drafted_in_time")),
            share(&figure(week, "usable_verbatim")),
            time(&figure(week, "first_response_median")),
            time(&figure(week, "resolution_mean")),
            minutes(week),
            saved(week),
            share(&figure(week, "l1_autonomous")),
            count("missed_most_urgent"),
            super::status::count(&figure(week, "errors")),
            count("sla_credits"),
        ]
    };
    let fields = shadow.by_field.iter().map(|(name, found)| {
        let kappa = shadow.kappa.get(name).and_then(|kappa| kappa.value);
        vec![name.clone(), share(found), kappa.map_or_else(|| "-".to_owned(), |kappa| format!("{kappa:.2}"))]
    });
    let of = |figures: &BTreeMap<String, Figure>| -> Vec<Vec<String>> {
        figures.iter().map(|(name, found)| vec![name.clone(), share(found)]).collect()
    };
    let priorities = shadow.by_priority.iter().map(|one| {
        let numbers = [one.right, one.under, one.over].map(|n| n.to_string());
        [vec![format!("rank {}", one.rank + 1)], numbers.to_vec()].concat()
    });
    let missed =
        shadow.missed_most_urgent.iter().map(|one| vec![one.ticket_id.clone(), one.customer.clone()]);
    let sheet = |heading: &str, about: &str, columns: Vec<&'static str>, rows: Vec<Vec<String>>| Sheet {
        heading: heading.to_owned(),
        about: about.to_owned(),
        columns,
        rows,
    };
    let tables = [
        sheet(
            "Week by week",
            "As put on record when the week was over, and when it had settled; these rows never change.",
            vec![
                "week",
                "tickets",
                "agreement",
                "best technicians",
                "drafts in time",
                "usable as they are",
                "first response, median",
                "resolution, mean",
                "minutes a ticket",
                "saved",
                "resolved alone",
                "missed most urgent",
                "errors of actions",
                "SLA credits",
            ],
            weeks.iter().map(row).collect(),
        ),
        super::status::error_weeks(errors),
        sheet(
            "The newest of these weeks by category",
            "The 20 largest categories, and all others together.",
            vec![
                "category",
                "tickets",
                "agreement",
                "drafts in time",
                "usable as they are",
                "first response, median",
                "resolution, mean",
                "handle time, mean",
            ],
            weeks.last().map(by_category).unwrap_or_default(),
        ),
        sheet(
            "Agreement by field",
            "Of tickets that nobody saw decided. Kappa is the part that is more than chance.",
            vec!["field", "agreement", "kappa"],
            fields.collect(),
        ),
        sheet(
            "Agreement by bundle",
            "Board and type both right.",
            vec!["bundle", "agreement"],
            of(&shadow.by_bundle),
        ),
        sheet(
            "Priorities",
            "By how urgent the ticket was at closing, the most urgent first.",
            vec!["priority", "called right", "too low", "too high"],
            priorities.collect(),
        ),
        sheet(
            "Most urgent tickets that were called less urgent",
            "Look at each.",
            vec!["ticket", "customer"],
            missed.collect(),
        ),
        sheet(
            "Drafts usable as they are, by category",
            "No further from what was sent than 5 % of its words, without greeting and signature.",
            vec!["category", "usable"],
            of(&shadow.usable_verbatim),
        ),
    ];
    let late = shadow.intake_late.value.map_or_else(|| "not known".to_owned(), percent);
    Report {
        title: "The rollout week by week".to_owned(),
        facts: vec![
            ("Shadow", format!("tickets opened from {:.0} to {:.0}: {}", shadow.from, shadow.to, shadow.tickets)),
            ("Agreement", share(&shadow.agreement)),
            ("Best technicians", share(&shadow.agreement_best)),
            ("Kept", format!("{} (seen by people: no agreement)", share(&shadow.left_as_seen))),
            ("Priority too low", share(&shadow.priority_under)),
            ("Drafts in time", share(&shadow.drafted_in_time)),
            ("Intake", format!("median {}, 95 % within {}; {late} came late", time(&shadow.intake_lag_median), time(&shadow.intake_lag_p95))),
        ],
        notes: vec![(
            "It can't say",
            vec!["How often technicians agree among themselves: that takes their tickets' words, see `firstline bench`.".to_owned()],
        )],
        tables: tables.into_iter().filter(|sheet| !sheet.rows.is_empty()).collect(),
    }
}
