//! `firstline audit-labels`: lists the labels of a history that are likely wrong, as a CSV to check, and applies the
//! corrections.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_psa::{Doubt, read_corrections, write_doubts};
use firstline_ticket::{Field, Ticket};
use firstline_training::audit::{AuditInput, FieldAudit, Suspect, audit};
use firstline_training::{EmbeddingCache, History, open_encoder};
use firstline_triage::{EncoderFiles, Reader};

use super::best::{JUDGED, Tally};
use super::{models, train};
use crate::arguments::{EncoderArgs, HistoryArg, JsonArg, SeedArg};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print};

/// List labels of a history that are likely wrong, and apply corrections.
///
/// The list is a CSV: fill its last column where a label is wrong, and run again with --apply.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    history: HistoryArg,

    /// File to write: the CSV of doubtful labels, or with --apply the corrected history.
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,

    /// Correct the history with the labels in the last column of this CSV.
    #[arg(long, value_name = "CSV")]
    apply: Option<PathBuf>,

    /// Fields to check [default: all but technician].
    #[arg(long, value_delimiter = ',', value_name = "FIELD,...")]
    fields: Vec<String>,

    #[command(flatten)]
    seed: SeedArg,

    #[command(flatten)]
    encoder: EncoderArgs,

    #[command(flatten)]
    output: JsonArg,
}

/// Entries of each kind that are shown; `--json` and the CSV have all of them.
const SHOWN: usize = 8;

pub(super) fn run(args: &AuditArgs, ui: &Ui) -> Result<Exit, Failure> {
    for input in [Some(&args.history.tickets), args.apply.as_ref()].into_iter().flatten() {
        if files::resolved(&args.out) == files::resolved(input) {
            let problem = format!("{} would be overwritten", input.display());
            return Err(UserError::new(Code::Config, "--out", problem, "Name another file").into());
        }
    }
    match &args.apply {
        Some(csv) => apply(args, csv, ui),
        None => look(args, ui),
    }
}

fn look(args: &AuditArgs, ui: &Ui) -> Result<Exit, Failure> {
    let fields = match args.fields.is_empty() {
        // Another technician may have been right too.
        true => Field::ALL.into_iter().filter(|&f| f != Field::Technician).collect(),
        false => args.fields.iter().map(|f| f.parse()).collect::<Result<Vec<Field>, UserError>>()?,
    };
    let mut out = files::Whole::create(&args.out)?;
    let mut history = History::default();
    let bad = train::read_into(&mut history, &args.history.tickets, &Reader::default(), ui)?;
    history.held_out = history.tickets.len();
    let (manifest, dir) = models::ensure(&args.encoder.model, &args.encoder.models, ui)?;
    let source = EncoderFiles { dir, manifest };
    let cache = args.encoder.embedding_cache.as_deref();
    let audits = audits(&history, &fields, &source, cache, args.seed.seed, ui)?;
    write(&mut out, &audits).map_err(|e| UserError::io(args.out.display(), &e))?;
    out.publish()?;
    match args.output.json {
        true => print(serde_json::to_string(&audits)?),
        false => audits.iter().for_each(show),
    }
    let judged = |field: &&Field| audits.iter().any(|audit| audit.field == **field);
    let others: Vec<&str> = fields.iter().filter(|field| !judged(field)).map(|field| field.name()).collect();
    if !others.is_empty() {
        ui.say(format!("note: too few labelled tickets to judge {}", others.join(", ")));
    }
    if let Some(told) = best(&history, &audits) {
        ui.say(told);
    }
    ui.say(format!("Doubtful labels: {}", args.out.display()));
    ui.say(format!(
        "Next: fill its last column where a label is wrong, then firstline audit-labels --tickets {} --apply {} --out FIXED.jsonl",
        args.history.tickets.display(),
        args.out.display()
    ));
    Ok(if bad > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// Audits `fields` of `history` with the encoder of `source`.
pub(super) fn audits(
    history: &History,
    fields: &[Field],
    source: &EncoderFiles,
    cache: Option<&Path>,
    seed: u64,
    ui: &Ui,
) -> Result<Vec<FieldAudit>, Failure> {
    let encoder = open_encoder(&source.dir, &source.manifest)?;
    let mut cache = EmbeddingCache::open(cache, encoder.dimensions())?;
    let mut bars = ui.bars();
    let audits = audit(AuditInput { history, fields, encoder: &encoder, seed }, &mut cache, &mut bars)?;
    bars.finish();
    Ok(audits)
}

/// The technicians whose boards and types are doubted least, for the tiers file; `None` where nobody closed enough tickets.
fn best(history: &History, audits: &[FieldAudit]) -> Option<String> {
    let judged = audits.iter().filter(|audit| JUDGED.contains(&audit.field));
    let doubted: BTreeSet<String> =
        judged.flat_map(|audit| &audit.suspects).map(|suspect| suspect.id.clone()).collect();
    let mut tally = Tally::new(doubted);
    for ticket in &history.tickets {
        let both = JUDGED.iter().all(|field| ticket.labels.contains_key(field));
        if let Some(technician) = ticket.labels.get(&Field::Technician).filter(|_| both) {
            tally.add(&ticket.id, technician);
        }
    }
    let names: Vec<String> = tally.best().iter().map(|name| format!("{name:?}")).collect();
    (!names.is_empty()).then(|| {
        format!(
            "Best technicians, the quarter whose boards and types are doubted least, of those with 100 tickets: write best = [{}] above \
             the first table of the tiers file, or give this sheet to `bench` and `rollout replay` with --doubts",
            names.join(", ")
        )
    })
}

fn write(out: &mut files::Whole, audits: &[FieldAudit]) -> std::io::Result<()> {
    let doubt = |field: Field, s: &Suspect| Doubt {
        id: s.id.clone(),
        field,
        label: s.label.clone(),
        suggested_label: s.suggested.clone(),
        probability: s.probability,
        suggested_probability: s.suggested_probability,
        expected_precision: s.expected_precision,
        subject: s.subject.clone(),
        text: s.text.clone(),
    };
    let doubts: Vec<Doubt> =
        audits.iter().flat_map(|audit| audit.suspects.iter().map(|s| doubt(audit.field, s))).collect();
    write_doubts(out.writer(), &doubts)
}

fn apply(args: &AuditArgs, path: &Path, ui: &Ui) -> Result<Exit, Failure> {
    let corrections = read_corrections(files::open(path)?, &files::name_of(path))?;
    let mut fixes: HashMap<(String, Field), String> = HashMap::new();
    for c in corrections {
        let place = format!("{} {}", c.id, c.field);
        if let Some(other) = fixes.insert((c.id, c.field), c.label.clone())
            && other != c.label
        {
            let problem = format!("corrected to both {other:?} and {:?}", c.label);
            return Err(
                UserError::new(Code::Csv, place, problem, "Leave one of the rows in the sheet").into()
            );
        }
    }
    let mut known: HashSet<(Field, String)> = HashSet::new();
    let mut done: HashSet<(String, Field)> = HashSet::new();
    let mut doubled: BTreeSet<String> = BTreeSet::new();
    let mut out = files::Whole::create(&args.out)?;
    let io = |e: std::io::Error| UserError::io(args.out.display(), &e);
    let (mut changed, mut bad) = (0, 0);
    {
        let mut writer = out.writer();
        for line in files::tickets(&args.history.tickets)? {
            let mut ticket: Ticket = match line.ticket {
                Ok(ticket) => ticket,
                Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
                Err(fault) => {
                    eprintln!("warning: {fault}");
                    bad += 1;
                    continue;
                }
            };
            for field in Field::ALL {
                known.extend(ticket.label(field).map(|label| (field, label.to_owned())));
                let key = (ticket.id.clone(), field);
                if let Some(label) = fixes.get(&key) {
                    ticket.set_label(field, label.clone());
                    changed += 1;
                    if !done.insert(key) {
                        doubled.insert(ticket.id.clone());
                    }
                }
            }
            writeln!(writer, "{}", serde_json::to_string(&ticket)?).map_err(io)?;
        }
        writer.flush().map_err(io)?;
    }
    out.publish()?;
    ui.say(format!("{changed} labels changed: {}", args.out.display()));
    let mut lost: Vec<String> = Vec::new();
    let mut new: BTreeSet<String> = BTreeSet::new();
    for ((id, field), label) in fixes {
        if !done.contains(&(id.clone(), field)) {
            lost.push(format!("{id} ({field})"));
        } else if !known.contains(&(field, label.clone())) {
            new.insert(format!("{label:?} ({field})"));
        }
    }
    lost.sort_unstable();
    for id in &lost {
        eprintln!("warning: no ticket {id} in {}", args.history.tickets.display());
    }
    for id in &doubled {
        eprintln!("warning: several tickets have the id {id}; all were corrected");
    }
    for label in &new {
        eprintln!("warning: no ticket had the label {label} before");
    }
    Ok(if bad > 0 || !lost.is_empty() { Exit::SomeFailed } else { Exit::Success })
}

fn show(audit: &FieldAudit) {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let n = audit.suspects.len();
    print(format_args!(
        "{}: {n} of {} labels are doubtful ({}); about {:.0} of these are wrong",
        audit.field,
        audit.tickets,
        percent(n as f64 / audit.tickets as f64),
        audit.expected_wrong
    ));
    let c = &audit.ceiling;
    let source = match (c.from_people, &audit.people) {
        (true, Some(p)) => format!("people chose the same label for near-identical tickets in {} of {} families", percent(p.agree), p.families),
        _ => "too few near-identical tickets to compare people's choices; this is the share of labels that are not in doubt".to_owned(),
    };
    print(format_args!(
        "Best agreement these labels allow: {} ({} to {}); {source}",
        percent(c.estimate),
        percent(c.interval.lo),
        percent(c.interval.hi)
    ));
    if !audit.confused.is_empty() {
        let rows = audit
            .confused
            .iter()
            .take(SHOWN)
            .map(|p| vec![p.given.clone(), p.meant.clone(), p.tickets.to_string()]);
        print(table(&["given", "likely meant", "tickets"], rows));
    }
    if !audit.dead.is_empty() {
        let rows = audit.dead.iter().take(SHOWN).map(|d| {
            let last = d.last.map_or_else(|| "-".to_owned(), |t| t.to_string().chars().take(10).collect());
            vec![d.label.clone(), d.tickets.to_string(), last]
        });
        print(table(&["rarely used label", "tickets", "last"], rows));
    }
    if !audit.technicians.is_empty() {
        let rows = audit.technicians.iter().take(SHOWN).map(|t| {
            vec![
                t.name.clone(),
                t.tickets.to_string(),
                t.differ.to_string(),
                percent(t.differ as f64 / t.tickets as f64),
            ]
        });
        print(table(&["technician", "tickets others had too", "labelled differently", "share"], rows));
    }
    print("");
}
