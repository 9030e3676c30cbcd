//! `firstline rollout replay`: how the 90 days would have gone on a history, with nothing known before its time.

mod ceiling;
mod drafts;
mod kept;
mod weekly;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use firstline_fault::{Code, UserError};
use firstline_rollout::{
    Criteria, Desk, FEWEST_PAIRS, OpenHours, Rehearsal, Replay, ReplaySetting, Report, Tiers, Week, replay,
    weeks,
};
use firstline_ticket::Field;
use firstline_triage::Hours;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::ReportArgs;
use super::history::{History, Wanted, midnight, open_hours, read_text};
use crate::arguments::{EncoderArgs, HistoryArg, PolicyArg, PromiseArgs, SeedArg};
use crate::commands::best::{Best, DoubtsArg};
use crate::commands::policy;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::Ui;

/// Replay the 90 days on a history: weeks, gates, triggers, verdict.
///
/// Each ticket is decided as it came in, by what was known when its week began: tickets resolved by then, with the labels that they had
/// then. The weeks start on the first Monday after --train-until. The gate and the triggers are a service's own; what a history can't
/// show is named and not asked. Nothing of it happened: a replay says whether trying is worth it, and is no evidence for a gate.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    history: HistoryArg,

    /// Day on which the programme starts, in the desk's time zone: what came before teaches the first bundle.
    #[arg(long, value_name = "DATE")]
    train_until: Date,

    /// How often the heads learn again. The encoder is never fine-tuned here.
    #[arg(long, value_enum, default_value_t = Retrain::Weekly)]
    retrain: Retrain,

    /// Fields to decide [default: all fields that have labels]. The gate asks for board and type.
    #[arg(long, value_delimiter = ',', value_name = "FIELD,...")]
    fields: Vec<String>,

    /// Criteria that would have been signed [default: those of `firstline rollout criteria --example`].
    #[arg(long, value_name = "FILE")]
    criteria: Option<PathBuf>,

    /// Tiers of boards, technicians and statuses, for the desk's own figures.
    #[arg(long, value_name = "FILE")]
    tiers: Option<PathBuf>,

    /// Folder that keeps the finished weeks: a run that was stopped goes on there. It holds ids and labels, no words.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Answered tickets of each week for which drafts are made, drawn by the seed, each from what was resolved when the week began. Adds
    /// about as much time as the learning.
    #[arg(long, value_name = "N", default_value_t = 0)]
    drafts: usize,

    #[command(flatten)]
    doubts: DoubtsArg,

    #[command(flatten)]
    policy: PolicyArg,

    #[command(flatten)]
    promise: PromiseArgs,

    #[command(flatten)]
    seed: SeedArg,

    #[command(flatten)]
    encoder: EncoderArgs,

    #[command(flatten)]
    output: ReportArgs,
}

/// How often the heads learn again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
enum Retrain {
    /// As each week begins.
    Weekly,
    /// Never: one bundle decides all weeks.
    Off,
}

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Output<'a> {
    history: &'a str,
    history_sha256: Option<&'a str>,
    /// The last moment that the history tells of.
    until: Timestamp,
    train_until: Timestamp,
    retrain: Retrain,
    seed: u64,
    target_error: f64,
    confidence: f64,
    hours: &'a Hours,
    /// How many technicians are taken for the best.
    best_technicians: usize,
    #[serde(flatten)]
    replay: &'a Replay,
    undated: u64,
    future: u64,
    repeated: u64,
    bad_lines: usize,
}

impl ReplayArgs {
    /// A replay of `tickets` from `train_until` on, in which one bundle decides all weeks and all else is as by default.
    pub(super) fn once(
        tickets: &Path,
        tiers: &Path,
        train_until: Date,
        encoder: &EncoderArgs,
        seed: u64,
    ) -> Self {
        Self {
            history: HistoryArg { tickets: tickets.to_owned() },
            train_until,
            retrain: Retrain::Off,
            fields: [Field::Board, Field::Type, Field::Priority].map(|field| field.to_string()).into(),
            criteria: None,
            tiers: Some(tiers.to_owned()),
            out: None,
            drafts: 0,
            doubts: DoubtsArg::default(),
            policy: PolicyArg { policy: None },
            promise: PromiseArgs::default(),
            seed: SeedArg { seed },
            encoder: encoder.clone(),
            output: ReportArgs { json: false, html: None },
        }
    }
}

pub(super) fn run(args: &ReplayArgs, ui: &Ui) -> Result<Exit, Failure> {
    args.output.check(&args.history.tickets)?;
    let done = rehearse(args, ui)?;
    let promise = args.promise.promise();
    let Rehearsed { history, start, hours, best, found } = &done;
    let json = Output {
        history: &history.name,
        history_sha256: history.sha256.as_deref(),
        until: history.until,
        train_until: *start,
        retrain: args.retrain,
        seed: args.seed.seed,
        target_error: promise.error,
        confidence: promise.confidence,
        hours,
        best_technicians: best.names.len(),
        replay: found,
        undated: history.undated,
        future: history.future,
        repeated: history.repeated,
        bad_lines: history.bad,
    };
    args.output.put(&done.report(args), &json, ui)?;
    Ok(history.exit())
}

/// A replay that is done.
pub(super) struct Rehearsed {
    history: History,
    start: Timestamp,
    hours: Hours,
    best: Best,
    found: Replay,
}

/// Replays the history.
pub(super) fn rehearse(args: &ReplayArgs, ui: &Ui) -> Result<Rehearsed, Failure> {
    let policy = policy::read(args.policy.policy.as_deref())?;
    let place =
        args.policy.policy.as_deref().map_or_else(|| "the built-in policy".to_owned(), files::name_of);
    let (hours, named_hours) = open_hours(&policy, &place)?;
    let criteria = match &args.criteria {
        Some(path) => Criteria::parse(&read_text(path)?, &files::name_of(path))?,
        None => Criteria::parse(Criteria::EXAMPLE, "the example")?,
    };
    let tiers = match &args.tiers {
        Some(path) => Tiers::parse(&read_text(path)?, &files::name_of(path))?,
        None => Tiers::default(),
    };
    let start = midnight("--train-until", args.train_until, true, hours.zone())?;
    let wanted = Wanted { replayed_from: Some(start), ..Wanted::default() };
    let history = History::read(&args.history.tickets, &policy, wanted, ui)?;
    let programme = programme(&history, start, &hours)?;
    let decided = weekly::decide(args, &history, &policy, (start, &programme), ui)?;
    let desk = Desk { hours: &hours, tiers: &tiers, basis: None };
    // By what was known when the programme began: nobody is the best for what is replayed.
    let best = args.doubts.best(&tiers, |tally| {
        let closed = history.facts.iter().filter(|facts| facts.outcome_known(start));
        closed
            .filter_map(|facts| Some((facts, facts.closing_label(Field::Technician)?)))
            .for_each(|(facts, technician)| tally.add(&facts.id, technician));
        Ok(())
    })?;
    let alike = ceiling::alike(&history, &policy, ui)?;
    let found = replay(&Rehearsal {
        facts: &history.facts,
        weeks: &programme.into_iter().zip(decided).collect::<Vec<_>>(),
        desk: &desk,
        criteria: &criteria,
        until: history.until,
        best: &best.names,
        alike: &alike,
        rank: &|label| policy.priority.rank(label),
    });
    Ok(Rehearsed { history, start, hours: named_hours, best, found })
}

impl Rehearsed {
    /// What it looks like.
    pub(super) fn report(&self, args: &ReplayArgs) -> Report {
        let promise = args.promise.promise();
        let retrain = match args.retrain {
            Retrain::Weekly => "as each week begins, without fine-tuning",
            Retrain::Off => "once, without fine-tuning",
        };
        let criteria = args.criteria.as_deref().map_or_else(|| "the example".to_owned(), files::name_of);
        let facts = vec![
            ("History", self.history.name.clone()),
            (
                "Programme",
                format!("starts on {}; {} whole weeks follow", args.train_until, self.found.weeks.len()),
            ),
            ("Learnt", format!("{retrain}; seed {}", args.seed.seed)),
            ("Criteria", criteria),
            (
                "Alone",
                format!(
                    "at most {} % wrong with {} % probability, and confidence {} or more",
                    100.0 * promise.error,
                    100.0 * promise.confidence,
                    promise.floor
                ),
            ),
        ];
        let mut not_measured = Vec::new();
        not_measured.extend(self.best.why_none.map(|why| format!("Best technicians: {why}.")));
        if self.found.ceiling.is_none() {
            not_measured.push(format!(
                "How often technicians agree with each other: fewer than {FEWEST_PAIRS} pairs of near-identical tickets."
            ));
        }
        let left_out = self.history.left_out();
        Report::of_replay(&self.found, ReplaySetting { facts, left_out, not_measured })
    }
}

/// The weeks of a programme that starts at `start`. The last of them counts where no open day of it lies behind the newest ticket: of
/// a week that the history tells half of, nothing can be said.
fn programme(history: &History, start: Timestamp, hours: &OpenHours) -> Result<Vec<Week>, Failure> {
    let zone = hours.zone();
    let fault = |e: jiff::Error| {
        UserError::new(Code::Config, "--train-until", e.to_string(), "Give a day within the history")
    };
    let newest = history.facts.last().map_or(history.until, |ticket| ticket.opened_at);
    let first = Week::first_after(start, zone).map_err(fault)?;
    let mut programme = weeks(first.start, newest, zone).map_err(fault)?;
    let tomorrow = newest.to_zoned(zone.clone()).date().tomorrow();
    let tomorrow = tomorrow.and_then(|day| day.to_zoned(zone.clone())).map_err(fault)?.timestamp();
    programme.retain(|week| hours.open_days(tomorrow, week.end) == 0);
    if programme.is_empty() {
        let problem =
            format!("the history has no whole week after {start}: its newest ticket was opened at {newest}");
        let next = "Give an earlier day, or a longer history";
        return Err(UserError::new(Code::Empty, "--train-until", problem, next).into());
    }
    Ok(programme)
}

/// The text of the policy's file, or of the built-in one.
fn policy_text(path: Option<&Path>) -> Result<String, Failure> {
    match path {
        Some(path) => read_text(path),
        None => Ok(firstline_triage::DEFAULT_POLICY.to_owned()),
    }
}
