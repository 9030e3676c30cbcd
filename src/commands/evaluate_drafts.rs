//! `firstline evaluate-drafts`: drafts against what technicians sent.

use firstline_ticket::{Code, Ticket, UserError};
use firstline_training::{Scores, evaluate_drafts};
use firstline_triage::{Bundle, Drafter, Engine, Templates};

use super::draft::{open_index, voice};
use super::table::table;
use crate::cli::EvaluateDraftsArgs;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print};

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
    let drafter = Drafter::new(&engine, &index, &voice, &templates);
    let report = evaluate_drafts(&drafter, &tickets, &mut bars)?;
    bars.finish();
    if report.drafted == 0 {
        let place = files::name_of(&args.tickets);
        let problem = "no ticket to compare with: none has an answer that training has not seen";
        return Err(UserError::new(Code::Empty, place, problem, "Name tickets newer than the history").into());
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
    print(table(&["", "tickets", "ROUGE-L", "cosine", "same content (95 %)"], rows));
    print(format_args!(
        "{} of {} tickets with an answer got a draft; mean confidence {:.3}",
        report.drafted, report.tickets, report.mean_confidence
    ));
    Ok(Exit::Success)
}
