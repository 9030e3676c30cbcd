//! `firstline pull`: the history out of a PSA, as canonical tickets.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use firstline_fault::{Error, InternalError, UserError};
use firstline_psa::pull::{Pulled, VERSION, listed, missing, pull};
use firstline_ticket::Ticket;
use firstline_training::Progress;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::connect::{PsaSettings, pause};
use super::import;
use crate::arguments::JsonArg;
use crate::failure::{Exit, Failure};
use crate::table::printable;
use crate::ui::{Ui, go_on, print};

/// Pull a history out of a PSA: tickets with messages, events and time.
///
/// Run the same command again to resume a pull that was stopped: what it has read is kept in OUT.CONNECTION.pulling until every ticket
/// is read. A ticket that can't be read is listed, and the pull goes on without it; after five in a row it stops. The rate is limited
/// by the connection's settings; the pull says at the start how long it will take at least.
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// The settings file of `firstline connect`.
    #[arg(long, value_name = "FILE")]
    psa: PathBuf,

    /// How many days to go back: every ticket that changed since then is read.
    #[arg(long, default_value_t = 90, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_660))]
    days: u32,

    /// File to write, canonical JSONL.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,

    #[command(flatten)]
    output: JsonArg,
}

pub(super) fn run(args: &PullArgs, ui: &Ui) -> Result<Exit, Failure> {
    let one = PsaSettings::read(&args.psa)?;
    let mut psa = one.connector(pause(), true)?;
    let days = SignedDuration::from_hours(24 * i64::from(args.days));
    let since = Timestamp::now().checked_sub(days).unwrap_or(Timestamp::UNIX_EPOCH);
    let found = listed(psa.as_mut(), since)?;
    let part = part_of(&args.out, &one.name);
    let there = kept(&part)?;
    let todo = missing(&found, &there).len();
    ui.say(format_args!(
        "{} tickets, {} already downloaded. At the configured rate this will take at least {}",
        found.len(),
        found.len() - todo,
        one.time_for(todo)
    ));
    let io = |e: std::io::Error| UserError::io(part.display(), &e);
    let mut file = OpenOptions::new().create(true).append(true).open(&part).map_err(io)?;
    let mut bars = ui.bars();
    bars.stage("pulling", todo as u64);
    let mut done = 0;
    let pulled = pull(psa.as_mut(), &found, &there, &mut |ticket| {
        ticket.map_or(Ok(()), |ticket| put(&mut file, ticket, &part))?;
        done += 1;
        bars.set(done);
        Ok(go_on())
    });
    bars.finish();
    file.sync_all().map_err(io)?;
    let pulled = pulled?;
    if !pulled.whole {
        ui.say(format_args!(
            "Stopped. Run the same command again to resume: {} tickets are in {}",
            pulled.there + pulled.tickets,
            part.display()
        ));
        return Ok(Exit::Interrupted);
    }
    drop(file);
    newest_alone(&part)?;
    let imported = import::canonical(&part, &args.out, ui)?;
    if pulled.failed == 0 {
        std::fs::remove_file(&part).map_err(io)?;
    }
    let exit = if pulled.failed > 0 { Exit::SomeFailed } else { imported.exit() };
    if args.output.json {
        print(json!({
            "pulled": pulled.tickets, "there": pulled.there, "gone": pulled.gone, "left_out": pulled.left_out,
            "failed": pulled.failed, "failures": pulled.failures, "without_history": pulled.incomplete,
            "unread_lines": pulled.unread_lines, "unread": pulled.unread, "import": imported,
        }));
        return Ok(exit);
    }
    print(import::text(&imported));
    print(format_args!("{} tickets: {}", pulled.tickets + pulled.there, args.out.display()));
    tell(&pulled);
    print(format_args!("Next: firstline rollout baseline --tickets {}", args.out.display()));
    Ok(exit)
}

/// Prints what is not in the file, or not as a whole.
fn tell(pulled: &Pulled) {
    let counts = [
        (pulled.gone, "listed, but deleted since or not visible to this user"),
        (pulled.left_out, "on boards that [map] ignores"),
        (pulled.incomplete, "with an incomplete history: events as far as known, no initial labels"),
        (pulled.unread_lines, "history lines not understood"),
    ];
    counts.iter().filter(|(n, _)| *n > 0).for_each(|(n, what)| print(format_args!("  {n} {what}")));
    pulled.unread.iter().take(5).for_each(|line| print(format_args!("    {}", printable(line))));
    if pulled.failed > 0 {
        print(format_args!(
            "  {} could not be read; run the same command again to retry them alone",
            pulled.failed
        ));
        pulled.failures.iter().for_each(|line| print(format_args!("    {}", printable(line))));
        let more = pulled.failed - pulled.failures.len();
        if more > 0 {
            print(format_args!("    and {more} more"));
        }
    }
}

/// Where a pull of a connection keeps what it has until it is whole.
fn part_of(out: &Path, connection: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    let word: String = connection.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    name.push(format!(".{word}.pulling"));
    PathBuf::from(name)
}

/// What a pull that was stopped has: tickets by id, each with its state in the PSA. A last line that was cut is taken away, and its ticket
/// is read again.
fn kept(part: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let io = |e: std::io::Error| UserError::io(part.display(), &e);
    let file = match File::open(part) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(io(e).into()),
    };
    let (mut reader, mut ids, mut good) = (BufReader::new(file), BTreeMap::new(), 0_u64);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).map_err(io)? > 0 {
        let ticket: Option<Ticket> = serde_json::from_slice(&line).ok().filter(|_| line.ends_with(b"\n"));
        let Some(ticket) = ticket else { break };
        let version = ticket.extra.get(VERSION).and_then(|version| version.as_str()).unwrap_or_default();
        ids.insert(ticket.id, version.to_owned());
        good += line.len() as u64;
        line.clear();
    }
    let file = OpenOptions::new().write(true).open(part).map_err(io)?;
    file.set_len(good).map_err(io)?;
    Ok(ids)
}

/// Leaves each ticket's last line alone: one that changed while a pull was stopped has two.
fn newest_alone(part: &Path) -> Result<(), Failure> {
    let io = |e: std::io::Error| UserError::io(part.display(), &e);
    let lines = || -> std::io::Result<_> { Ok(BufReader::new(File::open(part)?).lines()) };
    let id_of = |line: &str| serde_json::from_str::<Ticket>(line).map(|ticket| ticket.id).unwrap_or_default();
    let (mut last, mut total) = (BTreeMap::new(), 0);
    for (n, line) in lines().map_err(io)?.enumerate() {
        last.insert(id_of(&line.map_err(io)?), n);
        total = n + 1;
    }
    if last.len() == total {
        return Ok(());
    }
    let whole = part.with_extension("whole");
    let mut file = BufWriter::new(File::create(&whole).map_err(io)?);
    for (n, line) in lines().map_err(io)?.enumerate() {
        let line = line.map_err(io)?;
        if last.get(&id_of(&line)) == Some(&n) {
            writeln!(file, "{line}").map_err(io)?;
        }
    }
    file.into_inner().map_err(|e| io(e.into_error()))?.sync_all().map_err(io)?;
    Ok(std::fs::rename(&whole, part).map_err(io)?)
}

fn put(file: &mut File, ticket: &Ticket, part: &Path) -> Result<(), Error> {
    let mut line =
        serde_json::to_vec(ticket).map_err(|e| InternalError::new(format!("a ticket as JSON: {e}")))?;
    line.push(b'\n');
    Ok(file.write_all(&line).map_err(|e| UserError::io(part.display(), &e))?)
}
