//! `firstline evaluate-drafts`: drafts against what technicians sent.

use std::path::Path;

use firstline_drafts::{Drafter, Reviews, Templates};
use firstline_fault::{Code, UserError};
use firstline_ticket::{Confidence, Review, ReviewedDraft, Ticket};
use firstline_training::{DraftReport, Scores, evaluate_drafts};
use firstline_triage::{Bundle, Engine};

use super::draft::{open_index, voice};
use super::table::table;
use super::writer;
use crate::cli::EvaluateDraftsArgs;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, go_on, print};

pub(super) fn run(args: &EvaluateDraftsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let engine = Engine::open(&args.bundle)?;
    let index = open_index(&args.bundle, &engine)?;
    let voice = voice(args.voice.as_deref())?;
    let known = index.hashes()?;
    let wanted = |t: &Ticket| {
        let split = t.extra_str("split").is_none_or(|s| s.trim().eq_ignore_ascii_case("test"));
        let language = args.language.as_deref().is_none_or(|l| t.extra_str("language") == Some(l));
        split && language && !engine.bundle().has_seen(t) && !known.contains(&Bundle::ticket_hash(t))
    };
    let mut tickets = Vec::new();
    for line in files::tickets(&args.tickets)? {
        match line.ticket {
            Ok(ticket) if wanted(&ticket) => tickets.push(ticket),
            Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
            _ => {}
        }
        if args.at_most.is_some_and(|n| tickets.len() >= n) {
            break;
        }
    }
    let mut bars = ui.bars();
    let templates = Templates::read(&args.bundle)?;
    let reviews = Reviews::read(&args.bundle)?;
    let drafter = Drafter::new(&engine, &index, &voice, &templates).trusting(&reviews);
    let report = match writer::open(&args.writer, &args.bundle, &args.models, ui)? {
        // Not to be fast, but to see all that it writes.
        Some(writer) => evaluate_drafts(&drafter.written_by(&writer, &go_on), &tickets, &mut bars)?,
        None => evaluate_drafts(&drafter, &tickets, &mut bars)?,
    };
    bars.finish();
    if report.drafted == 0 {
        let place = files::name_of(&args.tickets);
        let problem = "no ticket to compare with: none has an answer that training has not seen";
        return Err(UserError::new(Code::Empty, place, problem, "Name tickets newer than the history").into());
    }
    if let Some(path) = &args.reviews {
        write_reviews(path, &report)?;
    }
    if args.json {
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
    print(format_args!("on {} tickets that some case was resolved like", report.retrieval.tickets));
    Ok(Exit::Success)
}

/// Writes what confidences can be learnt from: a draft that says what the technician sent would have been accepted.
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
