//! `firstline drafts similar`: finds the resolved tickets most similar to a ticket.

use std::io::{self, BufWriter, Write};

use clap::Args;
use firstline_drafts::{CustomerFilter, Index, ResolvedCase, Similar};
use firstline_fault::UserError;
use firstline_ticket::Ticket;
use firstline_triage::{Engine, customer_key};
use serde::Serialize;

use crate::arguments::{BundleArg, StreamArg};
use crate::commands::draft::open_index;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{print, stopping};

const BATCH: (usize, usize) = (64, 8 << 20);
/// Characters of a text in the table.
const SHOWN: usize = 60;

/// Find the resolved tickets most similar to a ticket: JSONL in, JSONL out.
#[derive(Debug, Args)]
pub(crate) struct SimilarArgs {
    #[command(flatten)]
    bundle: BundleArg,

    #[command(flatten)]
    tickets: StreamArg,

    /// Search for this text instead, and print a table.
    #[arg(long, conflicts_with = "input")]
    text: Option<String>,

    /// Search this customer's tickets only [default: all customers'].
    #[arg(long, value_name = "NAME")]
    customer: Option<String>,

    /// Number of tickets to find.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    top: u16,
}

#[derive(Debug, Serialize)]
struct Line<'a> {
    id: &'a str,
    similar: Vec<Hit<'a>>,
}

#[derive(Debug, Serialize)]
struct Hit<'a> {
    cosine: f32,
    score: f32,
    #[serde(flatten)]
    case: &'a ResolvedCase,
}

pub(super) fn run(args: &SimilarArgs) -> Result<Exit, Failure> {
    let engine = Engine::open(&args.bundle.bundle)?;
    let index = open_index(&args.bundle.bundle, &engine)?;
    if let Some(text) = &args.text {
        let ticket = Ticket { id: "-".to_owned(), body: Some(text.clone()), ..Ticket::default() };
        ticket.check("--text")?;
        let found = search(&engine, &index, args, &[ticket])?;
        print(shown(&found[0]));
        return Ok(Exit::Success);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut bad = false;
    for batch in files::tickets(&args.tickets.input)?.batches(BATCH.0, BATCH.1) {
        let mut tickets = Vec::new();
        for line in batch {
            match line.ticket {
                Ok(ticket) => tickets.push(ticket),
                Err(fault) => {
                    eprintln!("warning: {fault}");
                    bad = true;
                }
            }
        }
        for (ticket, found) in tickets.iter().zip(search(&engine, &index, args, &tickets)?) {
            let similar =
                found.iter().map(|s| Hit { cosine: s.cosine, score: s.score, case: &s.case }).collect();
            let line = serde_json::to_string(&Line { id: &ticket.id, similar })?;
            if let Err(error) = writeln!(out, "{line}") {
                // A reader such as `head` has seen enough.
                return match error.kind() {
                    io::ErrorKind::BrokenPipe => Ok(Exit::Success),
                    _ => Err(UserError::io("standard output", &error).into()),
                };
            }
        }
        if stopping() {
            break;
        }
    }
    out.flush().map_err(|e| UserError::io("standard output", &e))?;
    Ok(if bad { Exit::SomeFailed } else { Exit::Success })
}

fn search(
    engine: &Engine,
    index: &Index,
    args: &SimilarArgs,
    tickets: &[Ticket],
) -> Result<Vec<Vec<Similar>>, Failure> {
    let features = engine.features(tickets)?;
    let d = engine.bundle().info.dimensions;
    let customer = args.customer.as_deref().map(customer_key);
    let whose = customer.as_deref().map_or(CustomerFilter::All, CustomerFilter::Only);
    let k = usize::from(args.top).min(index.len());
    let mut all = Vec::new();
    for (ticket, embedding) in tickets.iter().zip(features.embeddings.chunks_exact(d)) {
        let text = engine.reader().compose(ticket).text();
        all.push(index.similar(&text, embedding, whose, k)?);
    }
    Ok(all)
}

fn shown(found: &[Similar]) -> String {
    let cut = |text: &str| {
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect::<String>()
    };
    let rows = found.iter().map(|s| {
        let told = s.case.resolution.clone().unwrap_or_else(|| {
            s.case.reply.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" ")
        });
        vec![
            s.case.id.clone(),
            format!("{:.3}", s.cosine),
            s.case.customer.clone(),
            cut(&s.case.problem),
            cut(&told),
        ]
    });
    table(&["ticket", "cosine", "customer", "about", "resolved by"], rows)
}
