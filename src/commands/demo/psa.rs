//! `firstline demo --psa`: days of an invented desk, watched through a stand-in for its PSA, the connect loop and the service.
//!
//! Shadow: nothing may be written. All parts are the real ones but the PSA, and all of them ask one clock, which is moved forward
//! wherever nobody works. Must never show a figure that did not come out of the store or the stand-in's own books.

mod desk;
mod examples;
mod figures;
mod play;
mod sheets;
mod stage;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use firstline_fakes::Script;
use firstline_fault::{Code, UserError};
use firstline_serve::rollout::DeskRules;
use firstline_training::Progress;
use firstline_triage::Policy;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;

pub(super) use self::desk::Desk;
use self::examples::Example;
use self::figures::Figures;
pub(super) use self::figures::told;
pub(super) use self::play::{MOST_FAILED, Played, poll_after};
pub(super) use self::stage::{REQUESTS, Served, StandIn, new_store, plain_settings, start_service};
use self::stage::{Stage, service_settings};
use super::super::rollout::show;
use super::{BUNDLE, DemoArgs, learn};
use crate::arguments::PsaChoice;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print, stopping};

/// What plays days of the desk through a PSA.
#[derive(Debug, Args)]
pub(super) struct PsaArgs {
    /// Play the desk through a stand-in for this PSA, the connect loop and the service.
    #[arg(long, value_enum, group = "played")]
    pub(super) psa: Option<PsaChoice>,

    /// Number of days to play; tickets before them are learnt from.
    #[arg(long, default_value_t = 7, requires = "psa", conflicts_with = "rollout", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=91))]
    days: u16,

    /// The day after the last one to play [default: this week's Monday].
    #[arg(long, requires = "played", value_name = "DATE")]
    pub(super) until: Option<Date>,

    /// Print one JSON object instead of text.
    #[arg(long, requires = "played")]
    pub(super) json: bool,
}

/// Files of a run.
struct Files {
    history: PathBuf,
    learnt: PathBuf,
    bundle: PathBuf,
    store: PathBuf,
    page: PathBuf,
}

impl Files {
    fn of(dir: &Path, psa: PsaChoice) -> Self {
        let own = dir.join(psa.key());
        Self {
            history: dir.join("history.jsonl"),
            learnt: dir.join("learnt.jsonl"),
            bundle: dir.join(BUNDLE),
            store: own.join("store.db"),
            page: own.join("days.html"),
        }
    }
}

/// What came of a run, to be shown.
struct Shown<'a> {
    psa: PsaChoice,
    desk: &'a Desk,
    figures: Figures,
    played: Played,
    examples: Vec<Example>,
}

pub(super) fn run(args: &DemoArgs, psa: PsaChoice, ui: &Ui) -> Result<Exit, Failure> {
    let (began, files) = (Instant::now(), Files::of(&args.dir, psa));
    let policy = Policy::built_in()?;
    let settings = service_settings(&files)?;
    let zone = DeskRules::read(&policy, &settings.rollout)?.zone().clone();
    ui.say("1. Generating the history of an invented MSP: no real one may be shipped.");
    let desk = Desk::generate(
        args,
        (args.psa.days, args.psa.until, ""),
        (&files.history, &files.learnt),
        &zone,
        ui,
    )?;
    ui.say(format!(
        "2. Learning from the {} tickets that were resolved before {}. The first run downloads the embedding model.",
        desk.learnt,
        desk.first_day()
    ));
    learn(args, files.learnt.clone(), files.bundle.clone(), ui)?;
    ui.say(format!(
        "3. Playing {} days through {}'s stand-in, the connect loop and the service, in simulated time.",
        desk.days,
        psa.name()
    ));
    let mut stage = Stage::set(psa, settings, &files.store, desk.from)?;
    let played = play(&mut stage, &desk, ui)?;
    let figures = Figures::of(&stage, &desk)?;
    let examples = examples::of(&stage, &figures)?;
    stage.end()?;
    let shown = Shown { psa, desk: &desk, figures, played, examples };
    put(&shown, &files, args.psa.json, began)?;
    Ok(Exit::Success)
}

/// Plays the desk's days, with progress.
fn play(stage: &mut Stage, desk: &Desk, ui: &Ui) -> Result<Played, Failure> {
    let mut script = Script::of(&desk.played);
    let steps = script.steps.len() as u64;
    stage.desk.fake.world(|world| script.furnish(world));
    let mut bars = ui.bars();
    bars.stage("playing the days", steps);
    let played = play::until(stage, &mut script, desk.to, &mut |left| {
        let _stopped = bars.done(steps - left as u64);
    })?;
    bars.finish();
    if stopping() {
        let next = "Start it again; the days are played from the start";
        return Err(UserError::new(Code::Interrupted, "the demo", "stopped before the end", next).into());
    }
    Ok(played)
}

/// Prints what came of it, and writes the page.
fn put(shown: &Shown<'_>, files: &Files, as_json: bool, began: Instant) -> Result<(), Failure> {
    let mut report = sheets::report(shown);
    let mut page = report.clone();
    page.tables.push(sheets::examples(&shown.examples));
    files::write_whole(&files.page, page.html().as_bytes())?;
    let seconds = began.elapsed().as_secs_f64();
    let looks = looks(files, shown.desk);
    if as_json {
        let Shown { psa, desk, figures, played, examples } = shown;
        print(json!({
            "psa": psa.key(), "generated": true, "simulated_time": true, "from": desk.from, "to": desk.to,
            "tickets_learnt_from": desk.learnt, "tickets_left_out": desk.left_out, "days": figures.days,
            "total": figures.total, "played": played, "examples": examples, "store": files.store,
            "page": files.page, "bundle": files.bundle, "look": looks, "seconds": seconds,
        }));
        return Ok(());
    }
    report.facts.push(("This run", format!("{seconds:.0} s, learning included")));
    show(&report);
    print(examples::text(&shown.examples));
    print(format_args!("Store: {}\nPage: {}\nTo see more:", files.store.display(), files.page.display()));
    looks.iter().for_each(|look| print(format_args!("  {look}")));
    Ok(())
}

/// Commands that show more of it.
fn looks(files: &Files, desk: &Desk) -> [String; 3] {
    let store = files.store.display();
    // What it shows goes back from the machine's time.
    let days = (Timestamp::now().duration_since(desk.from).as_hours() / 24 + 1).clamp(28, 91);
    [
        format!("firstline rollout report --days {days} --store {store}"),
        format!("firstline rollout status --store {store}"),
        format!("firstline serve --bundle {} --store {store}", files.bundle.display()),
    ]
}
