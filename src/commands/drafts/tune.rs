//! `firstline drafts tune`: teaches a language model how this desk answers, and keeps it only if its drafts are better.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use firstline_drafts::{Drafter, Templates, Voice, Writer, first_reply};
use firstline_fault::{Code, UserError};
use firstline_ticket::Ticket;
use firstline_training::{
    DraftReport, Progress, TeachOptions, Way, WriterChoice, evaluate_drafts, is_better, lessons, teach,
};
use firstline_triage::{Bundle, Engine, sha256_file};

use crate::arguments::{BundleArg, JsonArg, ModelOptions};
use crate::commands::draft::open_index;
use crate::commands::models;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, go_on, print};

/// Teach a language model how this desk answers, and keep it only if its drafts are better.
///
/// The model lies in the bundle: a new training drops it.
#[derive(Debug, Args)]
pub(crate) struct TuneWriterArgs {
    #[command(flatten)]
    bundle: BundleArg,

    /// Answered tickets: those in the index are learnt from, the others serve to compare.
    #[arg(long, value_name = "FILE")]
    tickets: PathBuf,

    /// Language model to teach: a name from `firstline models list`, or a GGUF file.
    #[arg(long, default_value = firstline_nn::Manifest::DEFAULT_DECODER, value_name = "MODEL")]
    model: String,

    /// Number of tickets to learn from.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(8..=20_000))]
    lessons: u32,

    /// Number of passes over them.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=20))]
    epochs: u32,

    /// Number of tickets to compare on: the first ones that are not in the index.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(8..=20_000))]
    compare: u32,

    /// Seed of the random draws: the same seed gives the same result.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    #[command(flatten)]
    output: JsonArg,

    #[command(flatten)]
    models: ModelOptions,
}

pub(super) fn run(args: &TuneWriterArgs, ui: &Ui) -> Result<Exit, Failure> {
    // An absolute path is found again from any folder.
    let model = match Path::new(&args.model).exists() {
        true => files::resolved(Path::new(&args.model)).display().to_string(),
        false => args.model.clone(),
    };
    let base = models::decoder(&args.model, &args.models, ui)?;
    let (bundle, seed) = (&args.bundle.bundle, args.seed);
    let engine = Engine::open(bundle)?;
    let index = open_index(bundle, &engine)?;
    let (voice, templates) = (Voice::built_in()?, Templates::default());
    let known = index.hashes()?;
    let (mut seen, mut new) = (Vec::new(), Vec::new());
    for line in files::tickets(&args.tickets)? {
        let ticket = line.ticket.map(|mut ticket| {
            index.acknowledgements().set_aside(&mut ticket);
            ticket
        });
        match ticket {
            Ok(ticket) if first_reply(&ticket).is_none() => {}
            Ok(ticket) if known.contains(&Bundle::ticket_hash(&ticket)) => seen.push(ticket),
            Ok(ticket) if new.len() < args.compare as usize && !engine.bundle().has_seen(&ticket) => {
                new.push(ticket);
            }
            Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
            _ => {}
        }
    }
    let too_few = |problem: &str, next: &str| {
        UserError::new(Code::Empty, files::name_of(&args.tickets), problem.to_owned(), next)
    };
    if seen.is_empty() {
        let next = "Name the history that the index was made from, with newer tickets added";
        return Err(too_few("no answered ticket is in the index", next).into());
    }
    if new.is_empty() {
        return Err(
            too_few("no answered ticket is left to compare on", "Add newer tickets to the file").into()
        );
    }
    // Templates take precedence over a model: the comparison leaves them out.
    let drafter = Drafter::new(&engine, &index, &voice, &templates);
    let mut bars = ui.bars();
    let found = lessons(&drafter, &seen, args.lessons as usize, seed, &mut bars)?;
    let epochs = args.epochs as usize;
    let options = TeachOptions { epochs, seed };
    let (loss, learnt) = teach(&base, &found, options, bundle, &mut bars)?;
    let tuned = WriterChoice::tuned(bundle);
    let none = measure(&drafter, None, &new, &mut bars)?;
    let untuned = measure(&drafter, Some(&base), &new, &mut bars)?;
    let after = measure(&drafter, Some(&tuned), &new, &mut bars)?;
    bars.finish();
    let better = if is_better(&after.0, &none.0) && after.0.all.same_content >= untuned.0.all.same_content {
        Some(WriterChoice::TUNED.to_owned())
    } else {
        is_better(&untuned.0, &none.0).then(|| model.clone())
    };
    let is_used = better.as_deref() == Some(WriterChoice::TUNED);
    let sha256 = is_used.then(|| sha256_file(&tuned)).transpose()?;
    if !is_used {
        // Its copy packed for the CPU goes too.
        for gone in [tuned.clone(), tuned.with_extension("gguf.pack")] {
            match fs::remove_file(&gone) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(UserError::io(gone.display(), &e).into());
                }
                _ => {}
            }
        }
    }
    let way = |writer: &str, (report, seconds): &(DraftReport, f64)| Way::of(writer, report, *seconds);
    let choice = WriterChoice {
        model: args.model.clone(),
        better,
        sha256,
        lessons: learnt,
        epochs,
        seed,
        loss,
        compared: none.0.drafted,
        ways: vec![way("none", &none), way(&args.model, &untuned), way(WriterChoice::TUNED, &after)],
    };
    choice.write(bundle)?;
    if args.output.json {
        print(serde_json::to_string(&choice)?);
        return Ok(Exit::Success);
    }
    let rows = choice.ways.iter().map(|way| {
        vec![
            way.writer.clone(),
            way.written.to_string(),
            format!("{:.3}", way.same_content),
            format!("{:.3}", way.rouge_l),
            format!("{:.3}", way.cosine),
            format!("{:.2}", way.seconds),
        ]
    });
    print(table(&["writer", "written", "same content", "ROUGE-L", "cosine", "s a ticket"], rows));
    print(format_args!(
        "{} lessons, {} epochs: {:.3} nats per token before, {:.3} after; compared on {} tickets, without templates.",
        choice.lessons, choice.epochs, choice.loss[0], choice.loss[1], choice.compared
    ));
    print(match choice.better.as_deref() {
        Some(better) => format!("Drafts are now written by: {better}"),
        None => "No model's drafts are better by more than chance: drafts are made without one.".to_owned(),
    });
    Ok(Exit::Success)
}

/// The drafts to `tickets` by the model in the file `model`, and how long they took.
fn measure(
    drafter: &Drafter<'_>,
    model: Option<&Path>,
    tickets: &[Ticket],
    progress: &mut dyn Progress,
) -> Result<(DraftReport, f64), Failure> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let writer = model.map(|model| Writer::open(model, threads)).transpose()?;
    let start = Instant::now();
    let report = match &writer {
        Some(writer) => evaluate_drafts(&drafter.clone().written_by(writer, &go_on), tickets, progress)?,
        None => evaluate_drafts(drafter, tickets, progress)?,
    };
    Ok((report, start.elapsed().as_secs_f64()))
}
