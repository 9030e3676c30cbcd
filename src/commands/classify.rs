//! `firstline classify`: a stream of tickets in, a stream of decisions out, in the same order.

use std::io::{self, BufWriter, Write};

use clap::Args;
use firstline_fault::{Code, Error, UserError};
use firstline_ticket::{Decision, Line, Ticket};
use firstline_triage::Engine;
use serde::Serialize;

use super::policy;
use crate::arguments::{BundleArg, PolicyArg, StreamArg};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, stopping};

/// Decide tickets: JSONL in, JSONL out, in the same order.
#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    #[command(flatten)]
    bundle: BundleArg,

    #[command(flatten)]
    tickets: StreamArg,

    #[command(flatten)]
    policy: PolicyArg,

    /// Number of labels per field: the decision and its alternatives.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    top: u8,
}

/// Tickets, and bytes of them, that are held at once.
const BATCH: (usize, usize) = (256, 8 << 20);

/// The output for a line that could not be decided.
#[derive(Debug, Serialize)]
pub(super) struct BadLine {
    line: u64,
    error: Fault,
}

#[derive(Debug, Serialize)]
struct Fault {
    code: &'static str,
    message: String,
}

pub(super) fn run(args: &ClassifyArgs, ui: &Ui) -> Result<Exit, Failure> {
    let engine = Engine::open(&args.bundle.bundle)?.under(policy::read(args.policy.policy.as_deref())?);
    let lines = files::tickets(&args.tickets.input)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut bars = ui.bars();
    firstline_training::Progress::stage(&mut bars, "deciding tickets", 0);
    let (mut done, mut bad) = (0u64, 0u64);
    for batch in lines.batches(BATCH.0, BATCH.1) {
        if stopping() {
            let place = files::name_of(&args.tickets.input);
            let problem = format!("stopped after {done} lines");
            return Err(UserError::new(
                Code::Interrupted,
                place,
                problem,
                "The lines written so far are complete",
            )
            .into());
        }
        done += batch.len() as u64;
        match write_batch(&engine, batch, usize::from(args.top), &mut out) {
            Ok(faults) => bad += faults,
            // A reader such as `head` has seen enough.
            Err(Stop::Closed) => return Ok(Exit::Success),
            Err(Stop::Failed(failure)) => return Err(failure),
        }
        bars.set(done);
    }
    Ok(if bad > 0 { Exit::SomeFailed } else { Exit::Success })
}

enum Stop {
    Closed,
    Failed(Failure),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::Closed,
            _ => Stop::Failed(UserError::io("standard output", &error).into()),
        }
    }
}

impl<E: Into<Failure>> From<(E,)> for Stop {
    fn from((error,): (E,)) -> Self {
        Stop::Failed(error.into())
    }
}

/// Decides a batch and writes one line for each of its lines; returns how many could not be decided.
fn write_batch(engine: &Engine, batch: Vec<Line>, top: usize, out: &mut impl Write) -> Result<u64, Stop> {
    let mut tickets: Vec<Ticket> = Vec::with_capacity(batch.len());
    let mut slots: Vec<Result<usize, BadLine>> = Vec::with_capacity(batch.len());
    let mut broken = None;
    for line in batch {
        match line.ticket {
            Ok(ticket) => {
                slots.push(Ok(tickets.len()));
                tickets.push(ticket);
            }
            // A stream that breaks off is not a bad line: more lines may have followed.
            Err(error) if error.code() == Some(Code::Io) => broken = Some(error),
            Err(error) => slots.push(Err(bad_line(line.number, &error))),
        }
    }
    let decisions: Vec<Decision> = engine.decide(&tickets, top).map_err(|e| (e,))?;
    let mut bad = 0;
    for slot in slots {
        match slot {
            Ok(i) => serde_json::to_writer(&mut *out, &decisions[i]).map_err(io::Error::from)?,
            Err(line) => {
                bad += 1;
                serde_json::to_writer(&mut *out, &line).map_err(io::Error::from)?;
            }
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    match broken {
        Some(error) => Err((error,).into()),
        None => Ok(bad),
    }
}

pub(super) fn bad_line(line: u64, error: &Error) -> BadLine {
    let code = error.code().map_or("E_INTERNAL", Code::as_str);
    BadLine { line, error: Fault { code, message: error.to_string() } }
}
