//! `firstline rollout baseline`: where the desk stands before it begins.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};
use firstline_rollout::{
    Baseline, BaselineSetting, LargestCategories, Population, Report, Segment, TicketFacts,
    largest_categories, refused,
};
use firstline_triage::Hours;
use jiff::Timestamp;
use serde::Serialize;

use super::ReportArgs;
use super::history::{AutomationArg, DeskArgs, DeskHistory, History};
use crate::arguments::HistoryArg;
use crate::failure::{Exit, Failure};
use crate::ui::Ui;

/// Measure where the desk stands: response, resolution, first level, reopened, handle time.
///
/// Each figure has its interval and what it is counted over. What the history does not tell is refused by name, with what would change
/// that. People's tickets and alerts are counted apart; a storm of alerts counts once.
#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(flatten)]
    history: HistoryArg,

    #[command(flatten)]
    desk: DeskArgs,

    /// Segments to break the figures down by [default: board; with --json all].
    #[arg(long, value_name = "SEGMENT,...", value_delimiter = ',')]
    by: Vec<SegmentChoice>,

    /// Groups of a segment that are shown; `--json` has all.
    #[arg(long, value_name = "N", default_value = "10")]
    top: NonZeroUsize,

    #[command(flatten)]
    automation: AutomationArg,

    #[command(flatten)]
    output: ReportArgs,
}

/// What the figures are broken down by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SegmentChoice {
    /// Board, queue or team.
    Board,
    /// Type within its board.
    Type,
    /// Subtype within its type.
    Subtype,
    /// Priority.
    Priority,
    /// Customer.
    Customer,
    /// Technician who owned the ticket.
    Technician,
    /// How the ticket came in.
    Source,
    /// Part of the day in which it was opened.
    Hour,
}

impl From<SegmentChoice> for Segment {
    fn from(choice: SegmentChoice) -> Self {
        match choice {
            SegmentChoice::Board => Self::Board,
            SegmentChoice::Type => Self::Type,
            SegmentChoice::Subtype => Self::Subtype,
            SegmentChoice::Priority => Self::Priority,
            SegmentChoice::Customer => Self::Customer,
            SegmentChoice::Technician => Self::Technician,
            SegmentChoice::Source => Self::Source,
            SegmentChoice::Hour => Self::HourBand,
        }
    }
}

/// The categories that are listed.
const LARGEST: usize = 10;

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Output<'a> {
    history: &'a str,
    history_sha256: Option<&'a str>,
    /// The last moment that the history tells of: open tickets were open then.
    until: Timestamp,
    hours: &'a Hours,
    baseline: &'a Baseline,
    largest_categories: &'a LargestCategories,
    refused: Vec<String>,
    undated: u64,
    future: u64,
    repeated: u64,
    bad_lines: usize,
}

pub(super) fn run(args: &BaselineArgs, ui: &Ui) -> Result<Exit, Failure> {
    args.output.check(&args.history.tickets)?;
    let desk = DeskHistory::read(&args.history.tickets, &args.desk, ui)?;
    let segments: Vec<Segment> = args.by.iter().map(|choice| Segment::from(*choice)).collect();
    let shown = if segments.is_empty() { vec![Segment::Board] } else { segments.clone() };
    let Measured { mut baseline, largest, report } =
        measure(&desk, &args.automation, (&shown, args.top.get()))?;
    if !segments.is_empty() {
        baseline.segments.retain(|segment, _| segments.contains(segment));
    }
    let History { name, sha256, until, undated, future, repeated, bad, .. } = &desk.history;
    let json = Output {
        history: name,
        history_sha256: sha256.as_deref(),
        until: *until,
        hours: &desk.named_hours,
        refused: refused(&baseline.people),
        largest_categories: &largest,
        undated: *undated,
        future: *future,
        repeated: *repeated,
        bad_lines: *bad,
        baseline: &baseline,
    };
    args.output.put(&report, &json, ui)?;
    Ok(desk.history.exit())
}

/// A baseline, and what it looks like.
pub(super) struct Measured {
    baseline: Baseline,
    largest: LargestCategories,
    pub(super) report: Report,
}

/// Measures where `desk` stands; the report shows `segments`, and how many groups of each.
pub(super) fn measure(
    desk: &DeskHistory,
    automation: &AutomationArg,
    segments: (&[Segment], usize),
) -> Result<Measured, Failure> {
    let baseline = desk.baseline()?;
    let people = desk.opened_in(&baseline, Population::People);
    let alerts = desk.opened_in(&baseline, Population::Alerts);
    let automation = desk.automation(&baseline, automation)?;
    let both: Vec<&TicketFacts> = people.iter().chain(&alerts).copied().collect();
    let largest = largest_categories(&both, baseline.days as f64 / 7.0, &automation, LARGEST);
    let setting = BaselineSetting {
        people: &people,
        largest: &largest,
        segments,
        left_out: desk.history.left_out(),
        facts: desk.facts(&baseline),
    };
    let report = Report::of_baseline(&baseline, setting);
    Ok(Measured { baseline, largest, report })
}
