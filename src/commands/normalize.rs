//! `firstline normalize`: what the model reads of tickets, and what was cut and why.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_ticket::Ticket;
use firstline_triage::{Bundle, Explanation, Reader};

use super::classify::bad_line;
use super::policy;
use crate::arguments::{JsonArg, PolicyArg, StreamArg};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::stopping;

/// Show what the models read of tickets, and what is cut and why.
///
/// Reads tickets as `firstline import` writes them. Check your own mail with it: quoted mail, signatures, legal notes and marks are
/// cut, each with its reason and its byte range in the field as it was sent. Nothing is decided, and no bundle is needed; with one,
/// tickets are read as it reads them, without the first and last lines that recur over its history's mails, such as footers.
#[derive(Debug, Args)]
pub(crate) struct NormalizeArgs {
    #[command(flatten)]
    tickets: StreamArg,

    /// Bundle whose senders' habits are cut too, and by whose words tickets are read.
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,

    #[command(flatten)]
    policy: PolicyArg,

    #[command(flatten)]
    output: JsonArg,
}

/// Characters of a cut that are shown.
const SHOWN: usize = 60;

pub(super) fn run(args: &NormalizeArgs) -> Result<Exit, Failure> {
    let reader = match &args.bundle {
        Some(bundle) => Bundle::read_reader(bundle)?,
        None => Reader::default(),
    };
    let reader = reader.under(&policy::read(args.policy.policy.as_deref())?.words);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut bad = false;
    for line in files::tickets(&args.tickets.input)? {
        if stopping() {
            let place = files::name_of(&args.tickets.input);
            let problem = format!("stopped before line {}", line.number);
            return Err(UserError::new(
                Code::Interrupted,
                place,
                problem,
                "The tickets written so far are complete",
            )
            .into());
        }
        let written = match line.ticket {
            Ok(ticket) => write(&ticket, &reader.explain(&ticket), args.output.json, &mut out),
            // A stream that breaks off is not a bad line: more lines may have followed.
            Err(error) if error.code() == Some(Code::Io) => return Err(error.into()),
            Err(error) => {
                bad = true;
                json_line(&bad_line(line.number, &error), &mut out)
            }
        };
        match written {
            Ok(()) => {}
            // A reader such as `head` has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Success),
            Err(error) => return Err(UserError::io("standard output", &error).into()),
        }
    }
    Ok(if bad { Exit::SomeFailed } else { Exit::Success })
}

fn write(ticket: &Ticket, explained: &Explanation, json: bool, out: &mut impl Write) -> io::Result<()> {
    if json { json_line(explained, out) } else { text(ticket, explained, out) }
}

fn json_line(line: &impl serde::Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")?;
    out.flush()
}

fn text(ticket: &Ticket, explained: &Explanation, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{} ({})", explained.id, explained.kind.name())?;
    writeln!(out, "  subject: {}", explained.subject)?;
    for line in explained.text.lines() {
        writeln!(out, "  | {line}")?;
    }
    for cut in &explained.cut {
        let field = if cut.field == "subject" { &ticket.subject } else { &ticket.body };
        let was = field.as_deref().and_then(|sent| sent.get(cut.start..cut.end)).unwrap_or_default();
        let words: Vec<&str> = was.split_whitespace().collect();
        let was: String = words.join(" ").chars().filter(|c| !c.is_control()).take(SHOWN).collect();
        writeln!(out, "  cut {} at {} {}..{}: {was}", cut.reason.name(), cut.field, cut.start, cut.end)?;
    }
    writeln!(out)?;
    out.flush()
}
