//! `firstline dev certificates`: how often the promise of a certificate is broken, over many splits of tickets that a bundle has not learnt
//! from.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_ticket::{Assertion, Field, Ticket};
use firstline_training::certify::Promise;
use firstline_training::{
    AssertionCertification, Kept, NearDuplicates, Progress, Resampled, Resampling, interrupted, resample,
    tested,
};
use firstline_triage::{Closing, Engine, Judgement, Reserve, Reserved};
use serde::Serialize;

use crate::arguments::{BundleArg, JsonArg, PromiseArgs, SeedArg};
use crate::commands::rollout::history::each_line;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print};

/// Tickets that are decided together.
const BATCH: usize = 256;

/// Measure how often a certificate's promise is broken, over many random splits.
///
/// The tickets that the bundle kept for certifying and those of FILE that it has not seen are split anew each time, one of each family of
/// near-duplicates: one part certifies, the other counts the errors. The last columns say what the bundle's own certificates let through
/// of FILE, as it was split.
#[derive(Debug, Args)]
pub(crate) struct CertificatesArgs {
    #[command(flatten)]
    bundle: BundleArg,

    /// Tickets with their closing labels, as `firstline import` writes them; those whose `split` is not `test` are passed over.
    #[arg(long, value_name = "FILE")]
    tickets: PathBuf,

    /// Number of splits.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    resamples: u32,

    /// Share of the tickets that certifies, 0 to 1: the smaller, the better the others stand for all that is to come.
    #[arg(long, default_value_t = 0.25)]
    share: f64,

    #[command(flatten)]
    promise: PromiseArgs,

    #[command(flatten)]
    seed: SeedArg,

    #[command(flatten)]
    output: JsonArg,
}

/// One assertion's figures.
#[derive(Debug, Serialize)]
struct Row {
    #[serde(flatten)]
    resampled: Resampled,
    /// What the bundle's own certificates let through of the file, as it was split: with one threshold, and by category.
    as_split: Option<[Passed; 2]>,
}

/// Decisions that thresholds let through.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Passed {
    certified: usize,
    accepted: usize,
    errors: usize,
}

pub(super) fn run(args: &CertificatesArgs, ui: &Ui) -> Result<Exit, Failure> {
    if !(0.0..=1.0).contains(&args.share) {
        let problem = format!("{} is no share", args.share);
        return Err(UserError::new(Code::Config, "--share", problem, "Give a number from 0 to 1").into());
    }
    let engine = Engine::open(&args.bundle.bundle)?;
    let tickets = unseen(args, &engine, ui)?;
    let fresh = decided(&engine, &tickets, ui)?;
    let own = &engine.bundle().reserve;
    let pool = joined(own, &fresh);
    let resampling = Resampling {
        promise: args.promise.promise(),
        resamples: args.resamples as usize,
        share: args.share,
        seed: args.seed.seed,
    };
    let row = |assertion| {
        let tested = tested(&engine.bundle().fields, &pool, assertion).filter(|tested| !tested.is_empty())?;
        let as_split = as_split(&engine, &fresh, assertion, resampling.promise);
        Some(Row { resampled: resample(assertion, &tested, resampling), as_split })
    };
    let rows: Vec<Row> = Assertion::ALL.into_iter().filter_map(row).collect();
    match args.output.json {
        true => print(serde_json::to_string(&rows)?),
        false => show(&rows, args.resamples),
    }
    Ok(Exit::Success)
}

/// The tickets of the file that the bundle has not seen, one of each family.
fn unseen(args: &CertificatesArgs, engine: &Engine, ui: &Ui) -> Result<Vec<Ticket>, Failure> {
    let mut bars = ui.bars();
    let (mut near, mut tickets) = (NearDuplicates::default(), Vec::new());
    let mut first_of: BTreeMap<String, usize> = BTreeMap::new();
    each_line(&args.tickets, "reading tickets", &mut bars, |line| {
        let ticket = match line.ticket {
            Err(fault) if fault.code() == Some(Code::Io) => return Err(fault.into()),
            Err(_) => return Ok(()),
            Ok(ticket) => ticket,
        };
        let is_test = ticket.extra_str("split").is_none_or(|s| s.trim().eq_ignore_ascii_case("test"));
        if is_test && !engine.bundle().has_seen(&ticket) {
            near.add(&engine.reader().compose(&ticket).text());
            if let Some(family) = ticket.extra.get("family") {
                let first = *first_of.entry(family.to_string()).or_insert(tickets.len());
                near.link(first, tickets.len());
            }
            tickets.push(ticket);
        }
        Ok(())
    })?;
    bars.finish();
    let mut witnesses = HashSet::new();
    let families = near.families();
    let mut families = families.into_iter();
    tickets.retain(|_| families.next().is_some_and(|family| witnesses.insert(family)));
    match tickets.is_empty() {
        true => {
            let next = "Give tickets that are not part of the history";
            Err(UserError::new(Code::Empty, files::name_of(&args.tickets), "no ticket to measure on", next)
                .into())
        }
        false => Ok(tickets),
    }
}

/// What the engine decides of `tickets`, beside how they were closed.
fn decided(engine: &Engine, tickets: &[Ticket], ui: &Ui) -> Result<Reserve, Failure> {
    let mut bars = ui.bars();
    bars.stage("deciding tickets", tickets.len() as u64);
    let bundle = engine.bundle();
    let mut reserve = Reserve::default();
    for batch in tickets.chunks(BATCH) {
        let features = engine.features(batch)?;
        let judged = bundle.judge(&features, &engine.nearest(&features)?, &[]);
        reserve.wants_answer.extend(features.kinds.iter().map(|kind| kind.wants_answer()));
        for (&field, model) in &bundle.fields {
            let closing = |ticket: &Ticket| match ticket.label(field) {
                Some(label) => {
                    model.space.index(label).map_or(Closing::Unlearnt, |i| Closing::Label(i as u32))
                }
                None => Closing::Empty,
            };
            let judged = judged.get(&field).into_iter().flatten().zip(batch);
            let one = |(judged, ticket): (&Judgement, &Ticket)| Reserved {
                label: judged.label as u32,
                confidence: judged.confidence,
                closing: closing(ticket),
            };
            reserve.fields.entry(field).or_default().extend(judged.map(one));
        }
        if bars.done(reserve.len() as u64).is_break() {
            return Err(interrupted("deciding tickets").into());
        }
    }
    bars.finish();
    Ok(reserve)
}

/// Both together; the fresh ones alone where the bundle does not say of its own who waits for an answer.
fn joined(own: &Reserve, fresh: &Reserve) -> Reserve {
    if own.wants_answer.is_empty() {
        return fresh.clone();
    }
    let both = |(field, column): (&Field, &Vec<Reserved>)| {
        let fresh = fresh.fields.get(field).cloned().unwrap_or_default();
        (*field, [column.clone(), fresh].concat())
    };
    Reserve {
        wants_answer: [own.wants_answer.clone(), fresh.wants_answer.clone()].concat(),
        fields: own.fields.iter().map(both).collect(),
    }
}

fn as_split(engine: &Engine, fresh: &Reserve, assertion: Assertion, promise: Promise) -> Option<[Passed; 2]> {
    let found = AssertionCertification::new(engine.bundle(), assertion, promise)?;
    let fresh = tested(&engine.bundle().fields, fresh, assertion)?;
    let mut passed = [Passed::default(); 2];
    passed[0].certified = usize::from(found.all.threshold.is_some());
    passed[1].certified = found.certified().count();
    for one in &fresh {
        let of_category = found.certified().find(|found| found.category == one.category);
        let thresholds = [found.all.threshold, of_category.and_then(|found| found.certification.threshold)];
        for (passed, threshold) in passed.iter_mut().zip(thresholds) {
            if threshold.is_some_and(|threshold| one.scored.confidence >= threshold) {
                passed.accepted += 1;
                passed.errors += usize::from(!one.scored.correct);
            }
        }
    }
    Some(passed)
}

fn show(rows: &[Row], resamples: u32) {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let cells = |row: &Row, way: &str, kept: &Kept, passed: Option<&Passed>| {
        let errors = |passed: &Passed| match passed.accepted {
            0 => format!("{} certified, none accepted", passed.certified),
            n => format!(
                "{} certified, {} of {n} wrong ({:.2} %)",
                passed.certified,
                passed.errors,
                100.0 * passed.errors as f64 / n as f64
            ),
        };
        vec![
            format!("{}, {way}", row.resampled.assertion.name()),
            row.resampled.tickets.to_string(),
            percent(row.resampled.errors as f64 / row.resampled.tickets.max(1) as f64),
            format!("{:.1}", kept.certified),
            percent(kept.accepted),
            format!("{} of {resamples}", kept.broken),
            format!("{:.1}-{:.1} %", 100.0 * kept.interval.lo, 100.0 * kept.interval.hi),
            kept.broken_in_a_category.to_string(),
            passed.map_or_else(String::new, errors),
        ]
    };
    let both = |row: &Row| {
        let passed = row.as_split.as_ref();
        [
            cells(row, "one threshold", &row.resampled.one_threshold, passed.map(|passed| &passed[0])),
            cells(row, "by category", &row.resampled.by_category, passed.map(|passed| &passed[1])),
        ]
    };
    let header = [
        "",
        "tickets",
        "wrong",
        "certified",
        "accepted",
        "promise broken",
        "95 % interval",
        "surely in a category",
        "as it was split",
    ];
    print(table(&header, rows.iter().flat_map(both)));
}
