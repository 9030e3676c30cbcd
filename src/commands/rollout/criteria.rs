//! `firstline rollout criteria`: what a desk signs before it begins, weighed with its baseline before anybody does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_rollout::{
    Criteria, Criterion, Direction, Grounds, Known, Kpi, Population, Refusal, TicketFacts, known, percent,
    spoken,
};
use serde::Serialize;

use super::history::{DeskArgs, DeskHistory, read_text};
use super::pilots::check_customer;
use crate::arguments::JsonArg;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print};

/// Print example criteria, or check a criteria file before it is signed.
///
/// Refused are thresholds that the baseline already meets, that the tickets of 90 days can't show, or whose facts nobody has. The exit
/// status is 1 where one is refused.
#[derive(Debug, Args)]
pub(crate) struct CriteriaArgs {
    /// Print an example with the usual figures.
    #[arg(long, conflicts_with = "check", required_unless_present = "check")]
    example: bool,

    /// Criteria file to check against the history.
    #[arg(long, value_name = "FILE", requires = "tickets")]
    check: Option<PathBuf>,

    /// The history, as `firstline import` writes it, plain or .gz.
    #[arg(long, value_name = "FILE", requires = "check")]
    tickets: Option<PathBuf>,

    /// Pilot customer: what Firstline does, beside deciding, is shown on its tickets alone [default: all customers]. Repeatable.
    #[arg(long, value_name = "CUSTOMER")]
    pilot: Vec<String>,

    #[command(flatten)]
    desk: DeskArgs,

    #[command(flatten)]
    output: JsonArg,
}

/// A threshold with what is known of it.
#[derive(Debug, Serialize)]
struct Weighed<'a> {
    #[serde(flatten)]
    criterion: &'a Criterion,
    /// Where the desk stands: a share, or a mean in seconds.
    base_found: Option<f64>,
    n_base: usize,
    n_day90: usize,
    /// The smallest change that these tickets show, or for a figure that is new the true share that shows the threshold.
    smallest: Option<f64>,
    refused: Option<&'a Refusal>,
}

pub(super) fn run(args: &CriteriaArgs, ui: &Ui) -> Result<Exit, Failure> {
    let (Some(path), Some(tickets)) = (&args.check, &args.tickets) else {
        print(Criteria::EXAMPLE.trim_end());
        return Ok(Exit::Success);
    };
    let criteria = Criteria::parse(&read_text(path)?, &files::name_of(path))?;
    let desk = DeskHistory::read(tickets, &args.desk, ui)?;
    let facts = facts(&desk, &args.pilot)?;
    let refusals = criteria.refusals(&facts);
    let weighed: Vec<Weighed<'_>> =
        criteria.kpi.iter().map(|criterion| weigh(criterion, &facts, &refusals)).collect();
    match args.output.json {
        true => print(serde_json::to_string(&weighed)?),
        false => print(shown(&weighed)),
    }
    verdict(path, &weighed)?;
    ui.say(format!("All {} thresholds can be signed.", weighed.len()));
    Ok(desk.history.exit())
}

/// What the baseline knows of each figure.
fn facts(desk: &DeskHistory, pilots: &[String]) -> Result<BTreeMap<Kpi, Known>, Failure> {
    let baseline = desk.baseline()?;
    let people = desk.opened_in(&baseline, Population::People);
    let customers: BTreeSet<&str> = people.iter().map(|ticket| ticket.customer.as_str()).collect();
    pilots.iter().try_for_each(|pilot| check_customer("--pilot", pilot, &customers))?;
    let of_pilots = |ticket: &&&TicketFacts| pilots.is_empty() || pilots.contains(&ticket.customer);
    let scope: Vec<&TicketFacts> = people.iter().filter(of_pilots).copied().collect();
    let grounds = Grounds { desk: &people, scope: &scope, weeks: baseline.days as f64 / 7.0 };
    Ok(known(&grounds, &desk.desk()))
}

fn weigh<'a>(criterion: &'a Criterion, facts: &BTreeMap<Kpi, Known>, refusals: &'a [Refusal]) -> Weighed<'a> {
    let known = facts.get(&criterion.name).copied().unwrap_or_default();
    Weighed {
        criterion,
        base_found: criterion.base.or(known.base),
        n_base: known.n_base,
        n_day90: known.n_day90,
        smallest: criterion.share_to_show_it(known.n_day90).or_else(|| criterion.smallest_shown(&known)),
        refused: refusals.iter().find(|refusal| refusal.name() == criterion.name),
    }
}

fn shown(weighed: &[Weighed<'_>]) -> String {
    let row = |one: &Weighed<'_>| {
        let Criterion { name, direction, day90, headline, .. } = *one.criterion;
        let side = match direction {
            Direction::AtLeast => "at least",
            Direction::AtMost => "at most",
        };
        let base = match one.base_found {
            Some(base) if name.is_change() => format!("{} ({})", spoken(base), one.n_base),
            Some(base) => format!("{} ({})", percent(base), one.n_base),
            None if name.is_new() => "new".to_owned(),
            None => "not known".to_owned(),
        };
        let smallest = match one.smallest {
            Some(share) if name.is_new() => format!("a true {}", percent(share)),
            Some(change) if name.is_change() => format!("a change of {}", percent(change)),
            Some(change) => format!("{:.1} points", 100.0 * change),
            None => "-".to_owned(),
        };
        vec![
            format!("{}{}", name.name(), if headline { " (headline)" } else { "" }),
            format!("{side} {}", percent(day90)),
            base,
            one.n_day90.to_string(),
            smallest,
            one.refused.map_or_else(
                || "can be signed".to_owned(),
                |refusal| format!("refused: {}", reason(refusal)),
            ),
        ]
    };
    table(
        &["KPI", "threshold", "today (n)", "tickets by day 90", "shown with 80 %", "verdict"],
        weighed.iter().map(row),
    )
}

fn reason(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::AlreadyMet { .. } => "the baseline meets it already",
        Refusal::TooFewTickets { .. } => "so few tickets can't show it",
        Refusal::FactsMissing { .. } => "the history has no facts for it",
    }
}

fn verdict(path: &Path, weighed: &[Weighed<'_>]) -> Result<(), Failure> {
    let refused: Vec<String> = weighed
        .iter()
        .filter_map(|one| Some(format!("{}: {}", one.criterion.name.name(), reason(one.refused?))))
        .collect();
    if refused.is_empty() {
        return Ok(());
    }
    let problem =
        format!("{} of {} thresholds can't be signed ({})", refused.len(), weighed.len(), refused.join("; "));
    let next = "Sign another threshold or KPI, add customers, or import the facts that are missing";
    Err(UserError::new(Code::Config, files::name_of(path), problem, next).into())
}
