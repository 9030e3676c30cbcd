//! `firstline rollout`: the 90 days from a desk without Firstline to one that it works for. So far what comes before the first of
//! them, from a history alone: nothing here needs a bundle or a service.

mod baseline;
mod criteria;
pub(in crate::commands) mod history;
mod pilots;
mod rules;
mod tiers;

use std::path::Path;

use clap::{Args, Subcommand};
use firstline_fault::{Code, UserError};
use firstline_rollout::Report;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::{pairs, table};
use crate::ui::{Ui, print};

/// Start the 90 days: baseline, tiers, pilots, criteria, routing rules.
///
/// All of it is read from a history, as `firstline import` writes it. Beside the fields of every ticket these keys are read, where the
/// export has them: `handle_seconds`, `events`, `initial_labels`, `merged_into`, `project`, `deleted`, `opened_by_technician`.
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
}

pub(super) fn run(args: &RolloutArgs, ui: &Ui) -> Result<Exit, Failure> {
    match &args.command {
        RolloutCommand::Baseline(args) => baseline::run(args, ui),
        RolloutCommand::Tiers(args) => tiers::run(args, ui),
        RolloutCommand::Pilots(args) => pilots::run(args, ui),
        RolloutCommand::Criteria(args) => criteria::run(args, ui),
        RolloutCommand::Rules(args) => rules::run(args, ui),
    }
}

/// The form of a report.
#[derive(Debug, Args)]
struct ReportArgs {
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,

    /// File to write the report to as a page to print.
    #[arg(long, value_name = "FILE")]
    html: Option<std::path::PathBuf>,
}

impl ReportArgs {
    /// Refuses to write over `input`.
    fn check(&self, input: &Path) -> Result<(), Failure> {
        self.html.as_deref().map_or(Ok(()), |out| keep("--html", out, input))
    }

    /// Prints `report`, or `json` in its place, and writes the page.
    fn put(&self, report: &Report, json: &impl serde::Serialize, ui: &Ui) -> Result<(), Failure> {
        match self.json {
            true => print(serde_json::to_string(json)?),
            false => show(report),
        }
        if let Some(path) = &self.html {
            files::write_whole(path, report.html().as_bytes())?;
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
