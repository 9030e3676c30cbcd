//! `firstline rollout pilots`: the customers to begin with, ranked.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_rollout::{
    CustomerNotes, Pilot, PilotSetting, Population, Report, TicketFacts, largest_categories, pilots,
};
use serde::Serialize;

use super::ReportArgs;
use super::history::{AutomationArg, DeskArgs, DeskHistory};
use crate::arguments::HistoryArg;
use crate::failure::{Exit, Failure};
use crate::ui::Ui;

/// Rank customers as pilots, with the parts of each score; a person picks.
///
/// A part that is not known has its weight shared out among the others. Customers with fewer than 5 tickets a week are no pilots, nor are
/// those named by --vip and --leaving.
#[derive(Debug, Args)]
pub(crate) struct PilotsArgs {
    #[command(flatten)]
    history: HistoryArg,

    #[command(flatten)]
    desk: DeskArgs,

    #[command(flatten)]
    no_pilots: NoPilotsArgs,

    #[command(flatten)]
    automation: AutomationArg,

    #[command(flatten)]
    output: ReportArgs,
}

/// Customers that are no pilots, whatever their score.
#[derive(Debug, Default, Args)]
pub(super) struct NoPilotsArgs {
    /// Customer that asks for people or for compliance: no pilot. Repeatable.
    #[arg(long, value_name = "CUSTOMER")]
    vip: Vec<String>,

    /// Customer that is leaving: no pilot. Repeatable.
    #[arg(long, value_name = "CUSTOMER")]
    leaving: Vec<String>,
}

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Output<'a> {
    history: &'a str,
    weeks: f64,
    pilots: &'a [Pilot],
}

pub(super) fn run(args: &PilotsArgs, ui: &Ui) -> Result<Exit, Failure> {
    args.output.check(&args.history.tickets)?;
    let desk = DeskHistory::read(&args.history.tickets, &args.desk, ui)?;
    let Ranked { weeks, pilots, report } = rank(&desk, &args.automation, &args.no_pilots)?;
    let json = Output { history: &desk.history.name, weeks, pilots: &pilots };
    args.output.put(&report, &json, ui)?;
    Ok(desk.history.exit())
}

/// A ranking, and what it looks like.
pub(super) struct Ranked {
    weeks: f64,
    pilots: Vec<Pilot>,
    pub(super) report: Report,
}

/// Ranks the customers of `desk`.
pub(super) fn rank(
    desk: &DeskHistory,
    automation: &AutomationArg,
    no_pilots: &NoPilotsArgs,
) -> Result<Ranked, Failure> {
    let baseline = desk.baseline()?;
    let people = desk.opened_in(&baseline, Population::People);
    let weeks = baseline.days as f64 / 7.0;
    let automation = desk.automation(&baseline, automation)?;
    let categories = largest_categories(&people, weeks, &automation, usize::MAX).people.into_iter();
    let minutes: BTreeMap<(String, String), f64> = categories
        .filter_map(|category| {
            Some(((category.board, category.r#type), category.minutes_per_week? / category.per_week))
        })
        .collect();
    let notes = notes(no_pilots, &people)?;
    let pilots =
        pilots(&people, &PilotSetting { desk: &desk.desk(), weeks, minutes: &minutes, notes: &notes });
    let mut facts = desk.facts(&baseline);
    facts.push(("Tickets", format!("{} of people, {} customers", people.len(), pilots.len())));
    Ok(Ranked { weeks, report: Report::of_pilots(&pilots, facts), pilots })
}

/// What the command line says of customers.
fn notes(args: &NoPilotsArgs, tickets: &[&TicketFacts]) -> Result<BTreeMap<String, CustomerNotes>, Failure> {
    let known: BTreeSet<&str> = tickets.iter().map(|ticket| ticket.customer.as_str()).collect();
    let mut notes: BTreeMap<String, CustomerNotes> = BTreeMap::new();
    for (flag, names) in [("--vip", &args.vip), ("--leaving", &args.leaving)] {
        for name in names {
            check_customer(flag, name, &known)?;
            let note = notes.entry(name.clone()).or_default();
            note.vip |= flag == "--vip";
            note.leaving |= flag == "--leaving";
        }
    }
    Ok(notes)
}

/// Refuses the name of a customer that no ticket is of.
pub(super) fn check_customer(flag: &str, name: &str, known: &BTreeSet<&str>) -> Result<(), Failure> {
    if known.contains(name) {
        return Ok(());
    }
    let next = "Write the name as the tickets do; `firstline rollout pilots` lists them";
    Err(UserError::new(Code::Config, flag, format!("no ticket of the time is of customer {name:?}"), next)
        .into())
}
