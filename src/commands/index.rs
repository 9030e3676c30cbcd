//! `firstline index`: resolved tickets into a bundle's index. `firstline train` ends with the same.

use std::collections::HashSet;
use std::path::Path;

use firstline_ticket::{Code, Ticket, UserError};
use firstline_training::Progress;
use firstline_triage::{Bundle, Case, DeskBuilder, Engine, Index, Templates};
use serde::Serialize;

use crate::cli::IndexArgs;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, print, stopping};

/// Tickets embedded together, and cases of a segment.
const BATCH: (usize, usize) = (256, 8 << 20);
const SEGMENT: usize = 100_000;

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Added {
    /// Cases that are new in the index.
    pub(super) added: usize,
    /// Tickets that it had.
    known: usize,
    /// Tickets that nobody resolved or answered.
    unresolved: usize,
    /// All cases of the index.
    pub(super) cases: usize,
    /// Reply templates, approved or not.
    pub(super) templates: usize,
    bad_lines: usize,
}

pub(super) fn run(args: &IndexArgs, ui: &Ui) -> Result<Exit, Failure> {
    let engine = Engine::open(&args.bundle)?;
    if args.rebuild {
        Index::remove(&args.bundle)?;
    }
    let added = add(&engine, &args.bundle, &args.tickets, &|_| true, ui)?;
    if args.json {
        print(serde_json::to_string(&added)?);
    } else {
        print(format_args!(
            "{} cases added; {} were there, {} tickets have no answer; {} cases in all; {} reply templates",
            added.added, added.known, added.unresolved, added.cases, added.templates
        ));
    }
    Ok(if added.bad_lines > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// Adds those of the tickets in `path` that are resolved and `wanted` to the index of the bundle in `dir`; begins it where
/// there is none.
pub(super) fn add(
    engine: &Engine,
    dir: &Path,
    path: &Path,
    wanted: &dyn Fn(&Ticket) -> bool,
    ui: &Ui,
) -> Result<Added, Failure> {
    let mut bars = ui.bars();
    let mut total = 0;
    if !Index::is_there(dir) {
        bars.stage("learning names and words", 0);
        let mut desk = DeskBuilder::default();
        for line in files::tickets(path)? {
            total = line.number;
            if let Ok(ticket) = line.ticket
                && wanted(&ticket)
            {
                desk.add(&ticket);
            }
            check(total, &mut bars)?;
        }
        Index::begin(dir, &desk.finish())?;
    }
    let index = Index::open(dir, engine.bundle().info.dimensions)?;
    let mut known = index.hashes()?;
    let mut found = Added { cases: index.len(), ..Added::default() };
    let (mut cases, mut embeddings) = (Vec::new(), Vec::new());
    bars.stage("adding resolved tickets", total);
    let mut read = 0;
    for batch in files::tickets(path)?.batches(BATCH.0, BATCH.1) {
        read += batch.len() as u64;
        let mut tickets = Vec::new();
        for line in batch {
            match line.ticket {
                Ok(ticket) if !wanted(&ticket) => {}
                Ok(ticket) => take(ticket, &index, &mut known, &mut tickets, &mut cases, &mut found),
                Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
                Err(_) => found.bad_lines += 1,
            }
        }
        embeddings.extend(engine.features(&tickets)?.embeddings);
        if cases.len() >= SEGMENT {
            Index::add(dir, &cases, &embeddings)?;
            cases.clear();
            embeddings.clear();
        }
        check(read, &mut bars)?;
    }
    Index::add(dir, &cases, &embeddings)?;
    found.cases += found.added;
    bars.stage("learning reply templates", 0);
    let index = Index::open(dir, engine.bundle().info.dimensions)?;
    let templates = Templates::learn(&index)?.with(Templates::read(dir)?);
    found.templates = templates.all.len();
    templates.write(dir)?;
    Ok(found)
}

fn take(
    ticket: Ticket,
    index: &Index,
    known: &mut HashSet<u64>,
    tickets: &mut Vec<Ticket>,
    cases: &mut Vec<Case>,
    found: &mut Added,
) {
    if !known.insert(Bundle::ticket_hash(&ticket)) {
        found.known += 1;
        return;
    }
    match Case::of(&ticket, index.masker(), index.endings()) {
        None => found.unresolved += 1,
        Some(case) => {
            found.added += 1;
            cases.push(case);
            tickets.push(ticket);
        }
    }
}

/// Shows how far it is, and ends where Ctrl-C was pressed.
fn check(done: u64, bars: &mut impl Progress) -> Result<(), Failure> {
    if bars.done(done).is_break() || stopping() {
        let problem = "stopped before the end";
        let next = "What was added stays; run it again for the rest";
        return Err(UserError::new(Code::Interrupted, "index", problem, next).into());
    }
    Ok(())
}
