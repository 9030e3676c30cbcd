//! `firstline rollout start`: the programme begins in shadow.

use std::path::PathBuf;

use clap::Args;
use firstline_serve::rollout::{StartRequest, Started, start};
use jiff::civil::Date;

use super::history::read_text;
use super::person::{Place, StepArgs};
use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Start the 90 days in shadow: takes signed criteria and a baseline.
///
/// From then on grants and holds say how far Firstline may go. In shadow everything is decided, drafted and recorded, and nothing can be
/// claimed from the outbox. Started again, it changes the pilots.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// What `firstline rollout baseline --json` printed.
    #[arg(long, value_name = "FILE")]
    baseline: PathBuf,

    /// Pilot customer: only pilots' tickets may ever be acted on. Repeatable.
    #[arg(long, value_name = "CUSTOMER", required = true)]
    pilot: Vec<String>,

    /// Day on which it starts, in the desk's time zone [default: today].
    #[arg(long, value_name = "DATE")]
    on: Option<Date>,

    #[command(flatten)]
    step: StepArgs,
}

pub(super) fn run(args: &StartArgs) -> Result<Exit, Failure> {
    let Place { store, rules, now, .. } = Place::open(&args.step.settings)?;
    let person = args.step.person.person(store.as_ref(), now)?;
    let request = StartRequest {
        on: args.on,
        pilots: args.pilot.clone(),
        baseline: read_text(&args.baseline)?,
        reason: args.step.reason.clone(),
    };
    let started = start(store.as_ref(), rules.zone(), &request, &person, now)?;
    match args.step.output.json {
        true => print(serde_json::to_string(&started)?),
        false => print(told(&started)),
    }
    Ok(Exit::Success)
}

fn told(started: &Started) -> String {
    let Started { programme, criteria, baseline_sha256 } = started;
    format!(
        "The programme runs since {}, in shadow: day {}, week {}.\nPilots: {}\nJudged by version {criteria} of the criteria.\n\
         Baseline on record, sha256 {baseline_sha256}",
        programme.started_on,
        programme.day,
        programme.week,
        programme.pilots.join(", "),
    )
}
