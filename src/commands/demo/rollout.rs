//! `firstline demo --rollout`: the 13 weeks of the roadmap on an invented desk, in simulated time.
//!
//! The service, its store and its programme are the real ones, and so is the connect loop where a stand-in plays the PSA; the desk and
//! its people are played. Must never show a figure that did not come out of the store or the stand-in's own books, but for the two weeks
//! before anything is sent to it, which say so.

mod books;
mod course;
mod gates;
mod people;
mod rows;
mod stage;
mod through;

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use firstline_drafts::Templates;
use firstline_fault::InternalError;
use firstline_rollout::{Criteria, Report};
use firstline_serve::rollout::report_day90;
use serde_json::json;

use self::books::Books;
use self::course::Course;
use self::stage::Stage;
use self::through::Through;
use super::psa::Desk;
use super::{BUNDLE, DemoArgs, learn};
use crate::arguments::PsaChoice;
use crate::commands::rollout::show;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print};

/// Days of the programme.
const DAYS: u16 = 91;
/// Weeks of it.
const WEEKS: u32 = 13;
/// The desk of the play: 39 weeks, tidier than the generator's own and with fewer kinds of ticket, so that single categories have the
/// hundred and fifty tickets without an error that acting alone takes.
const DESK: &str = include_str!("rollout/desk.toml");

/// What plays the programme.
#[derive(Debug, Args)]
pub(super) struct RolloutArgs {
    /// Play the 13 weeks of the rollout in simulated time: baseline, shadow, assist, and the report of day 90.
    #[arg(long, group = "played")]
    pub(super) rollout: bool,

    /// Week from which a part of what is sent is wrong, and customers see it.
    #[arg(long, requires = "rollout", value_name = "N", value_parser = clap::value_parser!(u32).range(7..=13))]
    errors_from_week: Option<u32>,
}

/// Files of a run.
struct Files {
    history: PathBuf,
    learnt: PathBuf,
    bundle: PathBuf,
    store: PathBuf,
    page: PathBuf,
    /// Criteria that are signed.
    criteria: PathBuf,
    /// Tickets that the desk has closed since it began, which evidence is measured on.
    closed: PathBuf,
    /// The folder of evidence.
    evidence: PathBuf,
}

impl Files {
    fn of(dir: &Path, psa: Option<PsaChoice>) -> Self {
        let own = dir.join(psa.map_or_else(|| "rollout".to_owned(), |psa| format!("rollout-{}", psa.key())));
        Self {
            history: dir.join("history.jsonl"),
            learnt: dir.join("learnt.jsonl"),
            bundle: dir.join(BUNDLE),
            store: own.join("store.db"),
            page: own.join("day90.html"),
            criteria: own.join("criteria.toml"),
            closed: own.join("closed.jsonl"),
            evidence: own.join("evidence"),
        }
    }
}

/// A person has read the templates that the desk's replies gave, and approves all of them.
fn approve_templates(bundle: &Path) -> Result<(), Failure> {
    let mut templates = Templates::read(bundle)?;
    templates.all.iter_mut().for_each(|template| template.approved = true);
    Ok(templates.write(bundle)?)
}

pub(super) fn run(args: &DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    let (began, files) = (Instant::now(), Files::of(&args.dir, args.psa.psa));
    let (settings, rules) = stage::settings(&files)?;
    ui.say("1. Generating the history of an invented MSP: no real one may be shipped.");
    let desk = Desk::generate(
        args,
        (DAYS, args.psa.until, DESK),
        (&files.history, &files.learnt),
        rules.zone(),
        ui,
    )?;
    // Its tiers are written beside the history.
    let (settings, rules) = stage::with_tiers(settings, &files, &rules)?;
    ui.say(format!(
        "2. Learning from the {} tickets that were resolved before {}.",
        desk.learnt,
        desk.first_day()
    ));
    learn(args, files.learnt.clone(), files.bundle.clone(), ui)?;
    approve_templates(&files.bundle)?;
    ui.say("3. Starting the programme on the baseline, with criteria that two have signed.");
    let mut stage = Stage::set(settings, rules, &files.store, desk.from)?;
    let past = people::begin(&mut stage, &desk, (&files.history, Criteria::EXAMPLE), ui)?;
    files::write_whole(&files.criteria, Criteria::EXAMPLE.as_bytes())?;
    let way = args.psa.psa.map(|psa| format!(", through {}'s stand-in and the connect loop", psa.name()));
    ui.say(format!(
        "4. Playing {WEEKS} weeks of the desk in simulated time{}, for {}.",
        way.unwrap_or_default(),
        past.pilots.join(", ")
    ));
    let through = args.psa.psa.map(|psa| Through::start(psa, &stage, &desk)).transpose()?;
    let mut course = Course::new(&desk, &past, (&files, args.seed, args.rollout.errors_from_week), through);
    course.play(&mut stage, ui)?;
    let books = course.books(&stage)?;
    let rows = rows::rows(&stage, &desk, &past)?;
    let report = report_day90(stage.store.as_ref(), &stage.rules, stage.clock.now())?;
    let report = report.ok_or_else(|| InternalError::new("a programme without a first week"))?;
    let zone = stage.rules.zone().clone();
    stage.end()?;
    files::write_whole(&files.page, report.html(&zone).as_bytes())?;
    let psa = books
        .as_ref()
        .map(|(through, books)| json!({"psa": through.psa.key(), "loop": through.traffic, "books": books}));
    if args.psa.json {
        print(json!({
            "generated": true, "simulated_time": true, "weeks": rows, "verdict": report.verdict.outcome, "played": course.played(), "gates": course.asked(),
            "psa": psa, "report": report, "page": files.page, "store": files.store, "seconds": began.elapsed().as_secs_f64(),
        }));
        return ended(books.as_ref());
    }
    show(&Report::of_day90(&report, &zone));
    print(format_args!(
        "\nEverything here is generated, and so are the people: reviewers approve what the desk closed alike, the manager dismisses what is \
         only suspected, and a ticket that was helped takes {:.0} % of its minutes because the play says so.\nPage to print: {}\nStore: {}\nThe demo took {:.0} seconds.",
        100.0 * course::HELPED,
        files.page.display(),
        files.store.display(),
        began.elapsed().as_secs_f64()
    ));
    if let Some((through, books)) = &books {
        print(format_args!(
            "The books of {}'s stand-in beside the store's: {}.",
            through.psa.name(),
            books.line()
        ));
    }
    ended(books.as_ref())
}

/// The end of a run: a failure where the stand-in's books and the store's differ.
fn ended(books: Option<&(&Through, Books)>) -> Result<Exit, Failure> {
    let differences = books.map(|(_, books)| books.differences()).unwrap_or_default();
    if differences.is_empty() {
        return Ok(Exit::Success);
    }
    let problem = format!("the PSA's books and the store's differ: {}", differences.join("; "));
    Err(InternalError::new(problem).into())
}
