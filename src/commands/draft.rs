//! `firstline draft`: tickets in, decisions with a first response out, in the same order.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use firstline_drafts::{DEFAULT_VOICE, Drafter, Index, Reviews, Templates, Voice};
use firstline_fault::{Code, UserError};
use firstline_serve::WritingTime;
use firstline_ticket::{Decision, Draft, Ticket};
use firstline_triage::Engine;
use serde::Serialize;

use super::classify::{BadLine, bad_line};
use super::drafts::writer;
use super::policy;
use crate::arguments::{ModelOptions, PolicyArg, StreamArg, VoiceArg, WriterArg};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::ui::{Ui, go_on, print, stopping};

/// Decide tickets and draft a first response to each: JSONL in, JSONL out.
#[derive(Debug, Args)]
pub(crate) struct DraftArgs {
    /// The bundle: a folder that `firstline train` wrote.
    #[arg(long, value_name = "DIR", required_unless_present = "print_voice")]
    bundle: Option<PathBuf>,

    #[command(flatten)]
    tickets: StreamArg,

    #[command(flatten)]
    voice: VoiceArg,

    /// Print the built-in voice, a template for your own, and exit.
    #[arg(long)]
    print_voice: bool,

    #[command(flatten)]
    policy: PolicyArg,

    /// Print drafts as readable text, not JSON.
    #[arg(long)]
    pretty: bool,

    /// Seconds of each minute in which the language model may write; other drafts are made without it.
    #[arg(long, default_value_t = 20.0, value_name = "SECONDS", value_parser = seconds)]
    writing_seconds: f64,

    #[command(flatten)]
    writer: WriterArg,

    #[command(flatten)]
    models: ModelOptions,
}

/// Seconds, from 0 to an hour.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|e| format!("{e}"))?;
    if (0.0..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("0 to 3600 seconds".to_owned()) }
}

const BATCH: (usize, usize) = (64, 8 << 20);
/// Labels per field in the output: the decision and its alternatives.
const TOP: usize = 3;

#[derive(Debug, Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    /// `null` where no person wrote the ticket, or where no draft passed the guard.
    draft: &'a Option<Draft>,
}

/// What to say of an index that an older version wrote, where it is one.
pub(super) fn outdated(bundle: &Path) -> Result<Option<String>, Failure> {
    Ok(Index::is_outdated(bundle)?.then(|| {
        format!(
            "an older version wrote the index, so its sentences are shown to no customer but their own. To share those that \
             several customers were sent: firstline drafts index --bundle {} --tickets FILE --rebuild",
            bundle.display()
        )
    }))
}

/// The index of a bundle, which must hold resolved tickets.
pub(super) fn open_index(bundle: &Path, engine: &Engine) -> Result<Index, Failure> {
    let index = Index::open(bundle, engine.bundle().info.dimensions)?;
    if index.is_empty() {
        let place = bundle.display().to_string();
        let next = format!("Add some: firstline drafts index --bundle {place} --tickets FILE");
        let problem = "its index has no resolved tickets to draft from";
        return Err(UserError::new(Code::Bundle, place, problem, next).into());
    }
    if let Some(warning) = outdated(bundle)? {
        eprintln!("warning: {warning}");
    }
    Ok(index)
}

pub(super) fn run(args: &DraftArgs, ui: &Ui) -> Result<Exit, Failure> {
    if args.print_voice {
        print(DEFAULT_VOICE.trim_end());
        return Ok(Exit::Success);
    }
    let bundle = args.bundle.as_deref().unwrap_or(Path::new(""));
    let engine = Engine::open(bundle)?.under(policy::read(args.policy.policy.as_deref())?);
    let index = open_index(bundle, &engine)?;
    let voice = voice(args.voice.voice.as_deref())?;
    let templates = Templates::read(bundle)?;
    let start = Instant::now();
    let clock = || start.elapsed();
    let reviews = Reviews::read(bundle)?;
    let writer = writer::open(&args.writer.writer, bundle, &args.models, ui)?;
    let time = WritingTime::new(args.writing_seconds);
    let go_on = || if time.is_left() { go_on() } else { ControlFlow::Break(()) };
    let mut drafter = Drafter::new(&engine, &index, &voice, &templates).trusting(&reviews).timed(&clock);
    if let Some(writer) = &writer {
        drafter = drafter.written_by(writer, &go_on);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let mut bars = ui.bars();
    firstline_training::Progress::stage(&mut bars, "drafting", 0);
    let (mut done, mut bad) = (0_u64, false);
    for batch in files::tickets(&args.tickets.input)?.batches(BATCH.0, BATCH.1) {
        if stopping() {
            return Err(stopped(&args.tickets.input, done));
        }
        let read = batch.len() as u64;
        done += read;
        let mut tickets: Vec<Ticket> = Vec::new();
        let mut slots: Vec<Result<usize, BadLine>> = Vec::new();
        for line in batch {
            match line.ticket {
                Ok(ticket) => {
                    slots.push(Ok(tickets.len()));
                    tickets.push(ticket);
                }
                Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
                Err(fault) => {
                    bad = true;
                    slots.push(Err(bad_line(line.number, &fault)));
                }
            }
        }
        let drafts = time.during(|| drafter.draft(&tickets, TOP))?;
        // Stopped while a model wrote: the drafts made without it are not the ones asked for.
        if stopping() {
            return Err(stopped(&args.tickets.input, done - read));
        }
        for slot in &slots {
            let text = match slot {
                Ok(i) if args.pretty => pretty(&tickets[*i], &drafts[*i].0, drafts[*i].1.as_ref()),
                Ok(i) => serde_json::to_string(&Line { decision: &drafts[*i].0, draft: &drafts[*i].1 })?,
                Err(line) => serde_json::to_string(line)?,
            };
            if let Err(error) = writeln!(out, "{text}") {
                // A reader such as `head` has seen enough.
                return match error.kind() {
                    io::ErrorKind::BrokenPipe => Ok(Exit::Success),
                    _ => Err(UserError::io("standard output", &error).into()),
                };
            }
        }
        out.flush().map_err(|e| UserError::io("standard output", &e))?;
        bars.set(done);
    }
    Ok(if bad { Exit::SomeFailed } else { Exit::Success })
}

fn stopped(input: &Path, lines: u64) -> Failure {
    let problem = format!("stopped after {lines} lines");
    let next = "The lines written so far are complete";
    UserError::new(Code::Interrupted, files::name_of(input), problem, next).into()
}

/// The voice in `path`, or the built-in one.
pub(in crate::commands) fn voice(path: Option<&Path>) -> Result<Voice, Failure> {
    let Some(path) = path else { return Ok(Voice::built_in()?) };
    let text = std::fs::read_to_string(path).map_err(|e| UserError::io(path.display(), &e))?;
    Ok(Voice::parse(&text, &path.display().to_string())?)
}

/// A ticket and its draft as readable text.
pub(super) fn pretty(ticket: &Ticket, decision: &Decision, draft: Option<&Draft>) -> String {
    let plain = |text: &str| {
        text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect::<String>()
    };
    let asked = [&ticket.subject, &ticket.body].into_iter().flatten().map(|t| plain(t)).collect::<Vec<_>>();
    let decided: Vec<String> = decision.fields.values().map(|f| f.label.clone()).collect();
    let mut text =
        format!("--- {} | {}\n{}\n", plain(&ticket.id), plain(&decided.join(" > ")), asked.join("\n"));
    match draft {
        None => text += "=== no draft\n",
        Some(draft) => {
            let ids: Vec<&str> = draft.sources.iter().map(|s| s.id.as_str()).collect();
            text += &format!(
                "=== {:?}, {:.0} % likely to be sent unchanged ({:?}), from {}\n{}\n",
                draft.origin,
                100.0 * draft.confidence.get(),
                draft.basis,
                if ids.is_empty() { "nothing".to_owned() } else { plain(&ids.join(", ")) },
                plain(&draft.text)
            );
        }
    }
    text
}
