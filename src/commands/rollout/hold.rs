//! `firstline rollout hold` and `resume`: a person puts a scope on hold, and ends it.

use clap::{Args, ValueEnum};
use firstline_serve::rollout::{HoldLevel, HoldRequest, HoldView, Scoped, hold, resume};

use super::person::{Place, StepArgs};
use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Put the rollout, or a part of it, on hold: at once.
///
/// What is still to be done there is held back. What somebody is at can't be called back and is listed.
#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// How far the hold goes.
    #[arg(long, value_name = "LEVEL")]
    level: LevelChoice,

    /// Only this customer [default: all].
    #[arg(long)]
    customer: Option<String>,

    /// Only this board [default: all].
    #[arg(long)]
    board: Option<String>,

    /// Only this type of ticket [default: all].
    #[arg(long = "type", value_name = "TYPE")]
    ticket_type: Option<String>,

    #[command(flatten)]
    step: StepArgs,
}

/// How far a hold goes, the mildest first.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum LevelChoice {
    /// No new grants.
    PauseExpansion,
    /// No new grants until training data is cleaned and there is another bundle.
    Cleanup,
    /// From autonomous to assist.
    Pause,
    /// To shadow.
    BackOut,
    /// To shadow, as `back_out`, on the word of anybody with the right to stop.
    Stop,
}

impl From<LevelChoice> for HoldLevel {
    fn from(choice: LevelChoice) -> Self {
        match choice {
            LevelChoice::PauseExpansion => Self::PauseExpansion,
            LevelChoice::Cleanup => Self::Cleanup,
            LevelChoice::Pause => Self::Pause,
            LevelChoice::BackOut => Self::BackOut,
            LevelChoice::Stop => Self::Stop,
        }
    }
}

/// End a hold; takes the right to approve the rollout.
///
/// After a back-out or a stop the gate must have passed since, and a week that began since must have settled on the right side.
/// Nothing rises above what was granted before.
#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Number of the hold, as `firstline rollout status` shows it.
    #[arg(long, value_name = "NUMBER")]
    hold: i64,

    #[command(flatten)]
    step: StepArgs,
}

pub(super) fn run(args: &HoldArgs) -> Result<Exit, Failure> {
    let Place { store, now, .. } = Place::open(&args.step.settings)?;
    let person = args.step.person.person(store.as_ref(), now)?;
    let HoldArgs { customer, board, ticket_type, .. } = args;
    let scope = Scoped { customer: customer.clone(), board: board.clone(), ticket_type: ticket_type.clone() };
    let request = HoldRequest { level: args.level.into(), scope, reason: args.step.reason.clone() };
    let held = hold(store.as_ref(), &request, &person, now)?;
    match args.step.output.json {
        true => print(serde_json::to_string(&held)?),
        false => print(told(&held)),
    }
    Ok(Exit::Success)
}

pub(super) fn run_resume(args: &ResumeArgs) -> Result<Exit, Failure> {
    let Place { store, now, .. } = Place::open(&args.step.settings)?;
    let person = args.step.person.person(store.as_ref(), now)?;
    let ended = resume(store.as_ref(), args.hold, &args.step.reason, &person, now)?;
    match args.step.output.json {
        true => print(serde_json::to_string(&ended)?),
        false => print(format_args!(
            "hold {} ({}, {}) has ended. What was held back stays so for a day: put it back action by action",
            ended.hold,
            ended.level.name(),
            about(&ended.scope)
        )),
    }
    Ok(Exit::Success)
}

fn told(held: &HoldView) -> String {
    let flight = match held.in_flight.as_slice() {
        [] => "none was under way".to_owned(),
        ids => {
            let ids: Vec<String> = ids.iter().map(i64::to_string).collect();
            format!("under way, and not to be called back: {}", ids.join(", "))
        }
    };
    format!(
        "hold {}: {}, {}. Actions held back: {}; {flight}",
        held.hold,
        held.level.name(),
        about(&held.scope),
        held.held.unwrap_or(0)
    )
}

/// What a hold or a grant is about, in words.
pub(super) fn about(scope: &Scoped) -> String {
    let parts = [
        scope.customer.as_ref().map(|name| format!("customer {name}")),
        scope.board.as_ref().map(|name| format!("board {name}")),
        scope.ticket_type.as_ref().map(|name| format!("type {name}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "everything".to_owned() } else { parts.join(", ") }
}
