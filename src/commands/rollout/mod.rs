//! `firstline rollout`: the 90 days from a desk without Firstline to one that it works for. What comes before the first of them takes a
//! history alone; the programme itself takes the store, and its commands do what the service's calls do.

mod baseline;
mod criteria;
mod gate;
pub(in crate::commands) mod history;
mod hold;
mod next;
pub(in crate::commands) mod person;
mod pilots;
mod replay;
mod report;
mod rules;
mod sign;
mod snapshot;
mod start;
mod status;
mod tiers;
pub(in crate::commands) mod week_one;

use std::path::Path;

use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_rollout::Report;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::{pairs, table};
use crate::ui::{Ui, print};

/// Run the 90 days: baseline, criteria, replay, signatures, gate, weeks.
///
/// What comes before the start is read from a history, as `firstline import` writes it. What comes from then on stands in the store, and
/// is done by a person with a key of their own: see `firstline users`. Of a history, beside the fields of every ticket these keys are read, where the
/// export has them: `handle_seconds`, `events`, `history_known` (false where `events` are not all that happened), `initial_labels`,
/// `merged_into`, `project`, `deleted`, `opened_by_technician`.
/// What an export does not say is reported as not known, never guessed.
#[derive(Debug, Args)]
pub(crate) struct RolloutArgs {
    #[command(subcommand)]
    command: RolloutCommand,
}

#[derive(Debug, Subcommand)]
enum RolloutCommand {
    Baseline(baseline::BaselineArgs),
    Tiers(tiers::TiersArgs),
    Pilots(pilots::PilotsArgs),
    Criteria(criteria::CriteriaArgs),
    Rules(rules::RulesArgs),
    Replay(replay::ReplayArgs),
    Sign(sign::SignArgs),
    Start(start::StartArgs),
    Status(status::StatusArgs),
    Gate(gate::GateArgs),
    Hold(hold::HoldArgs),
    Resume(hold::ResumeArgs),
    Report(report::RolloutReportArgs),
    Next(next::NextArgs),
}

pub(super) fn run(args: &RolloutArgs, ui: &Ui) -> Result<Exit, Failure> {
    match &args.command {
        RolloutCommand::Baseline(args) => baseline::run(args, ui),
        RolloutCommand::Tiers(args) => tiers::run(args, ui),
        RolloutCommand::Pilots(args) => pilots::run(args, ui),
        RolloutCommand::Criteria(args) => criteria::run(args, ui),
        RolloutCommand::Rules(args) => rules::run(args, ui),
        RolloutCommand::Replay(args) => replay::run(args, ui),
        RolloutCommand::Sign(args) => sign::run(args, ui),
        RolloutCommand::Start(args) => start::run(args),
        RolloutCommand::Status(args) => status::run(args, ui),
        RolloutCommand::Gate(args) => gate::run(args),
        RolloutCommand::Hold(args) => hold::run(args),
        RolloutCommand::Resume(args) => hold::run_resume(args),
        RolloutCommand::Report(args) => report::run(args, ui),
        RolloutCommand::Next(args) => next::run(args, ui),
    }
}

/// The form of a report.
#[derive(Debug, Args)]
struct ReportArgs {
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,

    /// File to write the report to as a page to print.
    #[arg(long, value_name = "FILE", visible_alias = "out")]
    html: Option<std::path::PathBuf>,
}

impl ReportArgs {
    /// Refuses to write over `input`.
    fn check(&self, input: &Path) -> Result<(), Failure> {
        self.html.as_deref().map_or(Ok(()), |out| keep("--html", out, input))
    }

    /// Prints `report`, or `json` in its place, and writes the page.
    fn put(&self, report: &Report, json: &impl serde::Serialize, ui: &Ui) -> Result<(), Failure> {
        self.put_page(report, json, || report.html(), ui)
    }

    /// The same with a page of its own.
    fn put_page(
        &self,
        report: &Report,
        json: &impl serde::Serialize,
        page: impl FnOnce() -> String,
        ui: &Ui,
    ) -> Result<(), Failure> {
        match self.json {
            true => print(serde_json::to_string(json)?),
            false => show(report),
        }
        if let Some(path) = &self.html {
            files::write_whole(path, page().as_bytes())?;
            ui.say(format!("Page: {}", path.display()));
        }
        Ok(())
    }
}

/// Refuses to write `out`, which `flag` names, over `input`.
fn keep(flag: &str, out: &Path, input: &Path) -> Result<(), Failure> {
    if files::resolved(out) != files::resolved(input) {
        return Ok(());
    }
    let problem = format!("{} would be overwritten", input.display());
    Err(UserError::new(Code::Config, flag, problem, "Name another file").into())
}

/// Prints a report as tables.
pub(in crate::commands) fn show(report: &Report) {
    print(format_args!("{}\n", report.title));
    print(pairs(report.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone()))));
    for (heading, notes) in report.notes.iter().filter(|(_, notes)| !notes.is_empty()) {
        print(format_args!("\n{heading}:"));
        notes.iter().for_each(|note| print(format_args!("  - {note}")));
    }
    for sheet in &report.tables {
        print(format_args!(
            "\n{}\n{}\n{}",
            sheet.heading,
            sheet.about,
            table(&sheet.columns, sheet.rows.clone())
        ));
    }
}
