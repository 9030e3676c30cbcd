//! `firstline demo`: the whole way once, on a generated history, explained in plain words.

mod psa;
mod rollout;
mod serve;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{ArgGroup, Args};
use firstline_datasets::Settings;
use firstline_drafts::{Drafter, Templates, Voice};
use firstline_fault::UserError;
use firstline_rollout::Report;
use firstline_ticket::{Decision, Field, Ticket};
use firstline_training::{FineTuning, SplitMode};
use firstline_triage::{Engine, Policy};

use super::dev::generate;
use super::rollout::show;
use super::rollout::week_one::{WEEKS, WeekOne};
use super::{bench, draft, evaluate, train};
use crate::arguments::EncoderArgs;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print};

/// See all of it once: learn from a generated history, decide, start the 90 days.
///
/// Week 1 is the desk's baseline, its ten largest categories, the customers to begin with, and a replay of the last weeks with the gate's
/// verdict. All of it is generated: it shows that everything works, not how well it would do on your tickets.
///
/// With --psa, the newest week is left out of learning and watched in place of week 1: a stand-in for the PSA plays the desk's days, and
/// what comes in is decided and drafted as it would be, in simulated time. Nothing is written to the PSA.
///
/// With --rollout, the newest 13 weeks are played: two as they were, four in shadow, then with a reviewer who approves, up to the report
/// of day 90. With --psa too, they go through the stand-in, which is written to once the gates allow it.
///
/// With --serve, the newest tickets wait with their drafts on the pages, and a link to sign in is printed.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("played").multiple(true)))]
pub(crate) struct DemoArgs {
    /// Folder to write the history, the bundle and the pages into.
    #[arg(long, default_value = "firstline-demo", value_name = "DIR")]
    dir: PathBuf,

    /// Number of tickets to generate; 9000 with --rollout, 2000 with --serve.
    #[arg(long, default_value_t = 5_000, default_value_ifs([("rollout", "true", "9000"), ("serve", "true", "2000")]), value_parser = clap::value_parser!(u32).range(500..=200_000))]
    tickets: u32,

    /// Seed of the random draws: the same seed gives the same result.
    #[arg(long, default_value_t = 7)]
    seed: u64,

    #[command(flatten)]
    psa: psa::PsaArgs,

    #[command(flatten)]
    rollout: rollout::RolloutArgs,

    #[command(flatten)]
    serve: serve::ServeDemoArgs,

    #[command(flatten)]
    encoder: EncoderArgs,
}

/// The folder of the bundle.
const BUNDLE: &str = "bundle";
/// Number of unseen tickets that are shown.
const SHOWN: usize = 5;
/// Rows of a ranking that are printed; its page has all.
const RANKED: usize = 10;
/// Stands first on every page and table of week 1.
const GENERATED: &str =
    "This desk, its customers and its tickets are invented: no figure here says anything about a real desk.";

pub(super) fn run(args: &DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    if args.rollout.rollout {
        return rollout::run(args, ui);
    }
    if let Some(psa) = args.psa.psa {
        return psa::run(args, psa, ui);
    }
    if args.serve.serve {
        return serve::run(args, ui);
    }
    let start = Instant::now();
    let tickets = args.dir.join("history.jsonl");
    let bundle = args.dir.join(BUNDLE);
    // The replay reads what training has read: one cache spares it the encoder.
    let scratch = tempfile::tempdir().map_err(|e| UserError::io(std::env::temp_dir().display(), &e))?;
    let cache = args.encoder.embedding_cache.clone();
    let cache = cache.unwrap_or_else(|| scratch.path().join("embeddings"));
    let encoder = EncoderArgs { embedding_cache: Some(cache), ..args.encoder.clone() };

    ui.say("1. Generating the history of an invented MSP: no real one may be shipped.");
    generate::write(&Settings::default(), args.tickets as usize, args.seed, &tickets, ui)?;

    ui.say("2. Learning from its older tickets. The first run downloads the embedding model.");
    let mut job = job(args, tickets.clone(), bundle.clone())?;
    job.embedding_cache.clone_from(&encoder.embedding_cache);
    let (trained, _) = train::learn(&job, &encoder.model, &encoder.models, ui)?;
    print(format_args!("{}\n", train::summary(&trained)));

    ui.say("3. Deciding the newest tickets, which training has not seen.");
    let measured = evaluate::measure(&bundle, &tickets, ui)?;
    let report = measured.write_report(&args.dir)?;
    print(format_args!("{}\n", measured.table()));

    print(format_args!(
        "{SHOWN} of these tickets, with Firstline's decisions and drafts:\n{}",
        examples(&bundle, &tickets)?
    ));
    for field in &measured.evaluation.fields {
        print(in_words(field));
    }
    for note in measured.notes() {
        print(format_args!("Note: {note}"));
    }
    week_one(args, &tickets, &encoder, ui)?;
    print(format_args!(
        "\nThe history is generated: the demo shows that everything works, not how well it would do on your tickets.\n\
         Report to read and print: {}; beside it {}\nBundle: {}\nThe demo took {:.0} seconds.",
        report.display(),
        PAGES.join(", "),
        bundle.display(),
        start.elapsed().as_secs_f64()
    ));
    print(format_args!("Next, with your own tickets: firstline import EXPORT --out tickets.jsonl"));
    Ok(Exit::Success)
}

/// What is learnt, and how: every demo learns in the same way.
fn job(args: &DemoArgs, tickets: PathBuf, bundle: PathBuf) -> Result<train::Job, Failure> {
    Ok(train::Job {
        tickets,
        test: None,
        bundle,
        fields: Vec::new(),
        split: SplitMode::Time,
        seed: args.seed,
        // Fine-tuning would take as long as all other steps together, and generated tickets gain least from it.
        fine_tuning: FineTuning::Never,
        policy: Policy::built_in()?,
        precision: None,
        embedding_cache: args.encoder.embedding_cache.clone(),
        index: true,
    })
}

/// Learns from `tickets` into `bundle`.
fn learn(args: &DemoArgs, tickets: PathBuf, bundle: PathBuf, ui: &Ui) -> Result<(), Failure> {
    train::learn(&job(args, tickets, bundle)?, &args.encoder.model, &args.encoder.models, ui)?;
    Ok(())
}

/// The pages of week 1.
const PAGES: [&str; 3] = ["baseline.html", "pilots.html", "replay.html"];

/// Week 1 of the 90 days, as its commands report it.
fn week_one(args: &DemoArgs, tickets: &Path, encoder: &EncoderArgs, ui: &Ui) -> Result<(), Failure> {
    let [baseline, pilots, replay] = PAGES.map(|page| args.dir.join(page));
    ui.say("4. Week 1 of the 90 days: where the invented desk stands, and the customers to begin with.");
    let automation = args.dir.join("automation.toml");
    let measured = bench::write_automation((&args.dir.join(BUNDLE), tickets), &automation, args.seed, ui)?;
    let week =
        WeekOne::read(tickets, &tickets.with_extension("tiers.toml"), measured.then_some(automation), ui)?;
    put(week.baseline()?, &baseline)?;
    put(week.pilots()?, &pilots)?;
    ui.say(format!(
        "5. Replaying its last {WEEKS} weeks, as if Firstline had shadowed the desk. It learns once: `firstline rollout replay` learns \
         again each week."
    ));
    put(week.replay(encoder, args.seed, ui)?, &replay)
}

/// Writes the page of `report`, and prints its first two tables, of each ranking the head.
fn put(mut report: Report, page: &Path) -> Result<(), Failure> {
    report.notes.insert(0, ("Generated", vec![GENERATED.to_owned()]));
    files::write_whole(page, report.html().as_bytes())?;
    report.tables.truncate(2);
    for sheet in report.tables.iter_mut().filter(|sheet| sheet.columns.contains(&"rank")) {
        let more = sheet.rows.len().saturating_sub(RANKED);
        sheet.rows.truncate(RANKED);
        if more > 0 {
            let _ = write!(sheet.about, " The page lists {more} more.");
        }
    }
    print("");
    show(&report);
    print(format_args!("All of it: {}", page.display()));
    Ok(())
}

/// One sentence per field, for readers who do not read metrics.
fn in_words(field: &firstline_training::report::FieldReport) -> String {
    let m = &field.metrics;
    format!(
        "{}: right for {:.0} of 100 tickets (always guessing the most common label: {:.0}). At a threshold where it is right at \
         least 95 times in 100, it decides {:.0} of 100 tickets.",
        field.field,
        100.0 * m.accuracy,
        100.0 * m.majority,
        100.0 * m.coverage_at_95
    )
}

fn examples(bundle: &Path, tickets: &Path) -> Result<String, Failure> {
    let engine = Engine::open(bundle)?;
    let unseen: Vec<Ticket> = files::tickets(tickets)?
        .filter_map(|l| l.ticket.ok())
        .filter(|t| !engine.bundle().has_seen(t))
        .collect();
    let step = (unseen.len() / SHOWN).max(1);
    let shown: Vec<Ticket> = unseen.into_iter().step_by(step).take(SHOWN).collect();
    let (index, voice) = (draft::open_index(bundle, &engine)?, Voice::built_in()?);
    let templates = Templates::read(bundle)?;
    let drafted = Drafter::new(&engine, &index, &voice, &templates).draft(&shown, 1)?;
    let mut text = String::new();
    for (ticket, (decision, draft)) in shown.iter().zip(&drafted) {
        let subject = ticket.subject.as_deref().or(ticket.body.as_deref()).unwrap_or_default();
        let subject: String =
            subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(90).collect();
        let _ = writeln!(text, "\n  \"{subject}\"");
        Field::ALL.iter().for_each(|&f| line(&mut text, f, ticket, decision));
        if let Some(draft) = draft {
            let how = format!("{:?}", draft.origin).to_lowercase();
            let _ = writeln!(
                text,
                "    first response, {how}, {:.0} % likely to be sent unchanged:",
                100.0 * draft.confidence.get()
            );
            draft.text.lines().for_each(|line| {
                let _ = writeln!(text, "      | {line}");
            });
        }
    }
    Ok(text)
}

fn line(text: &mut String, field: Field, ticket: &Ticket, decision: &Decision) {
    let Some(decided) = decision.fields.get(&field) else { return };
    let verdict = match ticket.label(field) {
        Some(actual) if actual == decided.label => "right".to_owned(),
        Some(actual) => format!("a person chose {actual}"),
        None => "no label to compare with".to_owned(),
    };
    let percent = 100.0 * decided.confidence.get();
    let _ = writeln!(text, "    {field:<11} {:<34} {percent:>3.0} % sure   {verdict}", decided.label);
}
