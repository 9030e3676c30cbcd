//! `firstline drafts evaluate`: compares drafts with what technicians sent.

use std::path::{Path, PathBuf};

use clap::Args;
use firstline_drafts::{Drafter, Reviews, Templates};
use firstline_fault::{Code, UserError};
use firstline_ticket::{Confidence, Review, ReviewedDraft, Ticket};
use firstline_training::{DraftReport, Scores, evaluate_drafts};
use firstline_triage::{Bundle, Engine};

use super::writer;
use crate::arguments::{BundleArg, JsonArg, ModelOptions, VoiceArg, WriterArg};
use crate::commands::draft::{open_index, voice};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, go_on, print};

/// Compare drafts with what technicians sent, on tickets that are not in the index.
#[derive(Debug, Args)]
pub(crate) struct EvaluateDraftsArgs {
    #[command(flatten)]
    bundle: BundleArg,

    /// Answered tickets. Those seen in training and those whose `split` is not `test` are left out.
    #[arg(long, value_name = "FILE")]
    tickets: PathBuf,

    /// Only tickets in this language, an ISO 639-1 code such as de.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,

    /// Stop after this number of tickets.
    #[arg(long, value_name = "N")]
    at_most: Option<usize>,

    #[command(flatten)]
    voice: VoiceArg,

    /// Write each draft as a review for `learn-reviews`: accepted where the technician sent the same.
    #[arg(long, value_name = "FILE")]
    reviews: Option<PathBuf>,

    #[command(flatten)]
    output: JsonArg,

    #[command(flatten)]
    writer: WriterArg,

    #[command(flatten)]
    models: ModelOptions,
}

pub(super) fn run(args: &EvaluateDraftsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let bundle = &args.bundle.bundle;
    let engine = Engine::open(bundle)?;
    let index = open_index(bundle, &engine)?;
    let voice = voice(args.voice.voice.as_deref())?;
    let known = index.hashes()?;
    let wanted = |t: &Ticket| {
        let split = t.extra_str("split").is_none_or(|s| s.trim().eq_ignore_ascii_case("test"));
        let language = args.language.as_deref().is_none_or(|l| t.extra_str("language") == Some(l));
        split && language && !engine.bundle().has_seen(t) && !known.contains(&Bundle::ticket_hash(t))
    };
    let mut tickets = Vec::new();
    for line in files::tickets(&args.tickets)? {
        match line.ticket {
            Ok(mut ticket) if wanted(&ticket) => {
                index.acknowledgements().set_aside(&mut ticket);
                tickets.push(ticket);
            }
            Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
            _ => {}
        }
        if args.at_most.is_some_and(|n| tickets.len() >= n) {
            break;
        }
    }
    let mut bars = ui.bars();
    let templates = Templates::read(bundle)?;
    let reviews = Reviews::read(bundle)?;
    let drafter = Drafter::new(&engine, &index, &voice, &templates).trusting(&reviews);
    let report = match writer::open(&args.writer.writer, bundle, &args.models, ui)? {
        // Without a time limit: everything that it writes is measured.
        Some(writer) => evaluate_drafts(&drafter.written_by(&writer, &go_on), &tickets, &mut bars)?,
        None => evaluate_drafts(&drafter, &tickets, &mut bars)?,
    };
    bars.finish();
    if report.drafted == 0 {
        let place = files::name_of(&args.tickets);
        let problem = "no ticket has an answer that training has not seen";
        return Err(UserError::new(Code::Empty, place, problem, "Name tickets newer than the history").into());
    }
    if let Some(path) = &args.reviews {
        write_reviews(path, &report)?;
    }
    if args.output.json {
        print(serde_json::to_string(&report)?);
        return Ok(Exit::Success);
    }
    let row = |name: String, s: &Scores| {
        let interval =
            s.same_content_ci95.map_or_else(String::new, |i| format!(" ({:.3}-{:.3})", i.lo, i.hi));
        vec![
            name,
            s.n.to_string(),
            format!("{:.3}", s.rouge_l),
            format!("{:.3}", s.cosine),
            format!("{:.3}{interval}", s.same_content),
        ]
    };
    let rows = report
        .origins
        .iter()
        .map(|g| row(format!("{:?}", g.origin).to_lowercase(), &g.scores))
        .chain([row("all drafts".into(), &report.all), row("nearest reply instead".into(), &report.nearest)]);
    let of_templated =
        [("standard answers", &report.templated), ("their nearest replies", &report.templated_nearest)];
    let rows = rows.chain(of_templated.into_iter().filter(|(_, s)| s.n > 0).map(|(n, s)| row(n.into(), s)));
    print(table(&["", "tickets", "ROUGE-L", "cosine", "same content (95 %)"], rows));
    print(format_args!(
        "{} of {} tickets with an answer got a draft. Confidence that it has the same content: mean {:.3}, ECE {:.3}, \
         Brier {:.3}, log loss {:.3}",
        report.drafted,
        report.tickets,
        report.confidence.mean,
        report.confidence.ece,
        report.confidence.brier,
        report.confidence.log_loss
    ));
    let rows = [("embedding and words", &report.retrieval.mixed), ("embedding", &report.retrieval.embedding)];
    let rows = rows.into_iter().map(|(name, ranking)| {
        let figures = ranking.recall.into_iter().chain([ranking.mrr]).map(|x| format!("{x:.3}"));
        [vec![name.to_owned()], figures.collect()].concat()
    });
    print(table(&["same resolution found by", "recall@1", "recall@5", "recall@10", "MRR"], rows));
    print(format_args!(
        "on {} tickets for which the index holds a case with the same resolution",
        report.retrieval.tickets
    ));
    Ok(Exit::Success)
}

/// Writes reviews to learn confidences from: a draft with the content that the technician sent counts as accepted.
fn write_reviews(path: &Path, report: &DraftReport) -> Result<(), Failure> {
    let mut text = String::new();
    for &(origin, prior, same) in &report.outcomes {
        let review = if same {
            Review::Accepted
        } else {
            Review::Rejected("the technician sent something else".into())
        };
        text += &serde_json::to_string(&ReviewedDraft { origin, prior: Confidence::new(prior), review })?;
        text.push('\n');
    }
    files::write_whole(path, text.as_bytes())
}
