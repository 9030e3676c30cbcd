//! `firstline demo`: the whole way once, on a generated history, explained in plain words.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use firstline_datasets::Settings;
use firstline_drafts::{Drafter, Templates, Voice};
use firstline_ticket::{Decision, Field, Ticket};
use firstline_training::{FineTuning, SplitMode};
use firstline_triage::{Engine, Policy};

use super::dev::generate;
use super::{draft, evaluate, train};
use crate::arguments::ModelOptions;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print};

/// See all of it once: learn from a generated history, then decide unseen tickets.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder to write the history, the bundle and the report into.
    #[arg(long, default_value = "firstline-demo", value_name = "DIR")]
    dir: PathBuf,

    /// Number of tickets to generate.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(500..=200_000))]
    tickets: u32,

    /// Seed of the random draws: the same seed gives the same result.
    #[arg(long, default_value_t = 7)]
    seed: u64,

    #[command(flatten)]
    models: ModelOptions,
}

/// Number of unseen tickets that are shown.
const SHOWN: usize = 5;

pub(super) fn run(args: &DemoArgs, ui: &Ui) -> Result<Exit, Failure> {
    let start = Instant::now();
    let tickets = args.dir.join("history.jsonl");
    let bundle = args.dir.join("bundle");

    ui.say("1. Generating the history of an invented MSP: no real one may be shipped.");
    generate::write(&Settings::default(), args.tickets as usize, args.seed, &tickets, ui)?;

    ui.say("2. Learning from its older tickets. The first run downloads the embedding model.");
    let job = train::Job {
        tickets: tickets.clone(),
        test: None,
        bundle: bundle.clone(),
        fields: Vec::new(),
        split: SplitMode::Time,
        seed: args.seed,
        // Fine-tuning would take as long as all other steps together, and generated tickets gain least from it.
        fine_tuning: FineTuning::Never,
        policy: Policy::built_in()?,
        precision: None,
        embedding_cache: None,
        index: true,
    };
    let (trained, _) = train::learn(&job, firstline_nn::Manifest::DEFAULT, &args.models, ui)?;
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
    print(format_args!(
        "\nThe history is generated: the demo shows that everything works, not how well it would do on your tickets.\n\
         Report to read and print: {}\nBundle: {}\nThe demo took {:.0} seconds.",
        report.display(),
        bundle.display(),
        start.elapsed().as_secs_f64()
    ));
    print(format_args!("Next, with your own tickets: firstline import EXPORT --out tickets.jsonl"));
    Ok(Exit::Success)
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
