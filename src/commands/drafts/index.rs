//! `firstline drafts index`: puts resolved tickets into a bundle's index. `firstline train` ends with the same.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use firstline_drafts::{DeskProfile, DeskProfileBuilder, Index, ResolvedCase, Templates};
use firstline_fault::{Code, UserError};
use firstline_ticket::{Ticket, customer_key};
use firstline_training::Progress;
use firstline_triage::{
    Acknowledgements, AcknowledgementsBuilder, Bundle, Engine, Habits, HabitsBuilder, Writer, compose,
};
use serde::Serialize;

use crate::arguments::{BundleArg, JsonArg};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::spellings;
use crate::ui::{Ui, print};

/// Tickets embedded together, and cases of a segment.
const BATCH: (usize, usize) = (256, 8 << 20);
const SEGMENT: usize = 100_000;

/// Add resolved tickets to a bundle's index, from which drafts are made.
///
/// The index holds customers' words: what they wrote and what technicians answered. What senders put under or over every mail, such
/// as a footer, is learnt too, as salted hashes without words: new tickets are read without it, so decisions may change.
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    #[command(flatten)]
    bundle: BundleArg,

    /// Resolved tickets. Those already in the index are skipped, as are those that nobody answered.
    #[arg(long, value_name = "FILE", required_unless_present = "forget")]
    tickets: Option<PathBuf>,

    /// Rebuild the index from this file alone, with the names and words that the desk knows.
    #[arg(long)]
    rebuild: bool,

    /// Remove all tickets of this customer from the index; repeatable. Case does not matter. Hashes of lines that recurred in them stay
    /// until the next training.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tickets", "rebuild"])]
    forget: Vec<String>,

    #[command(flatten)]
    output: JsonArg,
}

/// The result, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
pub(in crate::commands) struct Added {
    /// Cases added to the index.
    pub(in crate::commands) added: usize,
    /// Tickets that were already in it.
    known: usize,
    /// Tickets that nobody resolved or answered.
    unresolved: usize,
    /// All cases in the index.
    pub(in crate::commands) cases: usize,
    /// Reply templates, approved or not.
    pub(in crate::commands) templates: usize,
    bad_lines: usize,
}

/// What `--forget` did, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Removed {
    /// Cases removed from the index.
    removed: usize,
    /// All cases in the index.
    cases: usize,
    /// Reply templates, approved or not.
    templates: usize,
    /// Customers of the index that are spelt alike, and stay.
    similar: Vec<String>,
}

pub(super) fn run(args: &IndexArgs, ui: &Ui) -> Result<Exit, Failure> {
    let Some(tickets) = &args.tickets else { return forget(args) };
    if tickets == Path::new("-") {
        let problem = "the tickets are read more than once, so they can't come from a pipe";
        return Err(UserError::new(Code::Config, "--tickets", problem, "Name a file").into());
    }
    let bundle = &args.bundle.bundle;
    // Before anything is opened: a training that publishes meanwhile brings another encoder.
    let _lock = lock(bundle)?;
    let engine = Engine::open(bundle)?;
    let habits = habits(&engine, tickets, &mut ui.bars())?;
    let engine = match &habits {
        Some(habits) => engine.with_habits(habits.clone()),
        None => engine,
    };
    let aside = aside(bundle)?;
    if !args.rebuild {
        Index::copy(bundle, aside.path())?;
    }
    let source = Source { path: tickets, wanted: &|_| true, real_replies: true };
    let added = fill(&engine, aside.path(), &source, ui)?;
    Index::replace(bundle, aside.path())?;
    if let Some(habits) = &habits {
        Bundle::publish_habits(bundle, habits)?;
        ui.say("note: senders' habits were learnt: first and last lines that recur, such as footers, are not read any more");
    }
    let added = Added { templates: learn_templates(&engine, bundle)?, ..added };
    if args.output.json {
        print(serde_json::to_string(&added)?);
    } else {
        print(format_args!(
            "{} cases added, {} were already there, {} tickets have no answer; {} cases in total; {} reply templates",
            added.added, added.known, added.unresolved, added.cases, added.templates
        ));
    }
    Ok(if added.bad_lines > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// Removes customers from the index.
fn forget(args: &IndexArgs) -> Result<Exit, Failure> {
    let bundle = &args.bundle.bundle;
    let customers: BTreeSet<String> = args.forget.iter().map(|name| customer_key(name)).collect();
    if customers.contains("") {
        let next = "Name a customer";
        return Err(UserError::new(Code::Config, "--forget", "the name is empty", next).into());
    }
    // Before anything is opened: a training that publishes meanwhile brings another encoder.
    let _lock = lock(bundle)?;
    let engine = Engine::open(bundle)?;
    if !Index::is_there(bundle) {
        let next = "There is nothing to remove";
        return Err(
            UserError::new(Code::NotFound, bundle.display().to_string(), "it has no index", next).into()
        );
    }
    let aside = aside(bundle)?;
    let removed = Index::write_without(bundle, &customers, aside.path())?;
    Index::replace(bundle, aside.path())?;
    let templates = learn_templates(&engine, bundle)?;
    let left = Index::customers(bundle)?;
    let similar = spellings::similar(&customers, left.keys());
    let removed = Removed { removed, cases: left.values().sum(), templates, similar };
    if args.output.json {
        print(serde_json::to_string(&removed)?);
    } else {
        let Removed { removed, cases, templates, similar } = &removed;
        print(format_args!("{removed} cases removed; {cases} cases in total; {templates} reply templates"));
        for name in similar {
            print(format_args!("still there, and spelt alike: {name}"));
        }
        print("A running service goes on with the old index until it is told: POST /v1/bundle, or SIGHUP.");
    }
    Ok(Exit::Success)
}

/// A folder beside the bundle for an index that is being written: the old one stays until the new one is complete.
fn aside(bundle: &Path) -> Result<tempfile::TempDir, Failure> {
    let folder = bundle.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside = tempfile::Builder::new().prefix(".firstline-index-").tempdir_in(folder);
    Ok(aside.map_err(|e| UserError::io(bundle.display(), &e))?)
}

/// Keeps others from adding to the same index until it is dropped.
pub(in crate::commands) fn lock(bundle: &Path) -> Result<File, Failure> {
    // However the bundle is named, by a link or through another folder, its lock is one.
    let real = bundle.canonicalize().unwrap_or_else(|_| bundle.to_owned());
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    let path = real.with_file_name(format!(".{name}.index.lock"));
    let io = |e: std::io::Error| UserError::io(path.display(), &e);
    let file = File::create(&path).map_err(io)?;
    file.lock().map_err(io)?;
    Ok(file)
}

/// Learns the templates again, keeping those that people have approved; returns how many there are.
pub(in crate::commands) fn learn_templates(engine: &Engine, dir: &Path) -> Result<usize, Failure> {
    let index = Index::open(dir, engine.bundle().info.dimensions)?;
    let templates = Templates::learn(&index)?.with(Templates::read(dir)?);
    templates.write(dir)?;
    Ok(templates.all.len())
}

/// Tickets for an index.
pub(in crate::commands) struct Source<'a> {
    /// Their file.
    pub(in crate::commands) path: &'a Path,
    /// Which of them.
    pub(in crate::commands) wanted: &'a dyn Fn(&Ticket) -> bool,
    /// Whether automatic acknowledgements are told from replies. Always, but where it is measured what that is worth.
    pub(in crate::commands) real_replies: bool,
}

/// Adds the tickets of `source` that are resolved to the index in the folder `dir`, creating it if needed.
pub(in crate::commands) fn fill(
    engine: &Engine,
    dir: &Path,
    source: &Source<'_>,
    ui: &Ui,
) -> Result<Added, Failure> {
    let &Source { path, wanted, real_replies } = source;
    let mut bars = ui.bars();
    let old = if Index::is_there(dir) { Some(Index::read_profile(dir)?) } else { None };
    let known = old.as_ref().map(|old| old.acknowledgements.clone()).unwrap_or_default();
    let acknowledgements = match real_replies {
        true => Some(known.with(acknowledgements(path, wanted, &mut bars)?)),
        false => None,
    };
    let set_aside = |ticket: &mut Ticket| {
        if let Some(known) = &acknowledgements {
            known.set_aside(ticket);
        }
    };
    bars.stage("learning names and words", 0);
    let mut total = 0;
    let mut desk = DeskProfileBuilder::knowing(acknowledgements.clone().unwrap_or_default());
    for line in files::tickets(path)? {
        total = line.number;
        if let Ok(mut ticket) = line.ticket
            && wanted(&ticket)
        {
            set_aside(&mut ticket);
            desk.add(&ticket, &engine.reader().compose(&ticket).text());
        }
        check(total, &mut bars)?;
    }
    let new = desk.finish();
    let desk = match old {
        // New people and companies are known at once; what may be said to everybody is only learnt anew with the whole.
        Some(old) => DeskProfile {
            known: old.known.with_names(new.known),
            languages: old.languages.with(new.languages),
            acknowledgements: new.acknowledgements,
            ..old
        },
        None => new,
    };
    Index::write_profile(dir, &desk)?;
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
                Ok(mut ticket) => {
                    set_aside(&mut ticket);
                    let text = engine.reader().compose(&ticket).text();
                    if let Some(case) = take(&ticket, &text, &index, &mut known, &mut found) {
                        cases.push(case);
                        tickets.push(ticket);
                    }
                }
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
    Ok(found)
}

/// Learns which messages of the `wanted` tickets in `path` are no technician's.
fn acknowledgements(
    path: &Path,
    wanted: &dyn Fn(&Ticket) -> bool,
    bars: &mut impl Progress,
) -> Result<Acknowledgements, Failure> {
    bars.stage("looking for acknowledgements", 0);
    let mut builder = AcknowledgementsBuilder::default();
    for line in files::tickets(path)? {
        if let Ok(ticket) = line.ticket
            && wanted(&ticket)
        {
            builder.add(&ticket);
        }
        check(line.number, bars)?;
    }
    Ok(builder.finish())
}

/// The case that a ticket is, of which the models read `text`; `None` where it is known or nobody resolved it.
fn take(
    ticket: &Ticket,
    text: &str,
    index: &Index,
    known: &mut HashSet<u64>,
    found: &mut Added,
) -> Option<ResolvedCase> {
    let hash = Bundle::ticket_hash(ticket);
    if known.contains(&hash) {
        found.known += 1;
        return None;
    }
    let case = ResolvedCase::of(ticket, text, index.masker(), index.endings());
    match &case {
        None => found.unresolved += 1,
        Some(_) => {
            known.insert(hash);
            found.added += 1;
        }
    }
    case
}

/// The habits of the bundle with those of the senders of the tickets in `path`; `None` where there is nothing new, or where the bundle
/// was trained on tickets that were read without any.
fn habits(engine: &Engine, path: &Path, bars: &mut impl Progress) -> Result<Option<Habits>, Failure> {
    let Some(known) = &engine.bundle().habits else { return Ok(None) };
    bars.stage("learning senders' habits", 0);
    let mut builder = HabitsBuilder::new(known.salt());
    let reader = engine.reader().with_habits(Arc::default());
    for line in files::tickets(path)? {
        if let Ok(ticket) = line.ticket {
            let read = reader.read(&ticket);
            let [contact, customer] =
                [&ticket.contact, &ticket.customer].map(|name| name.as_deref().unwrap_or_default());
            if reader.kind_of(&ticket, &compose(&read)).wants_answer() {
                let (subject, opened_at) = (read.subject.text.as_str(), ticket.opened_at);
                builder.add(&Writer { contact, customer, subject, opened_at }, &read.body.text);
            }
        }
        check(line.number, bars)?;
    }
    let all = Habits::clone(known).with(builder.finish());
    Ok((all != **known).then_some(all))
}

/// Shows progress; fails once Ctrl-C was pressed.
fn check(done: u64, bars: &mut impl Progress) -> Result<(), Failure> {
    if bars.done(done).is_break() {
        let problem = "stopped before the end";
        let next = "Nothing was written: run it again";
        return Err(UserError::new(Code::Interrupted, "index", problem, next).into());
    }
    Ok(())
}
