//! `firstline learning-curve`: what more history would buy.

use std::collections::BTreeMap;

use firstline_ticket::{Code, Field, UserError};
use firstline_training::certify::{Promise, certify};
use firstline_training::metrics::{Interval, wilson95};
use firstline_training::{
    EmbeddingCache, FineTuning, History, SplitMode, SplitOptions, TrainOptions, reserve, train as learn,
};
use firstline_triage::{EncoderFiles, FieldModel, Policy};
use serde::Serialize;

use super::table::table;
use super::{models, train};
use crate::cli::CurveArgs;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

/// Sizes of history that are tried, as far as the history goes, and then the whole.
const SIZES: [usize; 7] = [250, 500, 1_000, 2_000, 5_000, 10_000, 20_000];

/// What one size of history gives one field.
#[derive(Debug, Serialize)]
struct Point {
    /// Tickets learnt from, train and calibrate together.
    tickets: usize,
    /// Tickets it was then tried on: the same for all sizes.
    tried: usize,
    accuracy: f64,
    accuracy_ci95: Interval,
    /// Share of decisions that one threshold certifies.
    certified: f64,
}

pub(super) fn run(args: &CurveArgs, ui: &Ui) -> Result<Exit, Failure> {
    let promise = Promise { error: args.target_error, confidence: args.confidence };
    let mut history = History::default();
    let bad = train::read_into(&mut history, &args.tickets, ui)?;
    history.held_out = history.tickets.len();
    let (manifest, dir) = models::ensure(&args.model, &args.models, ui)?;
    // Every size reads the same tickets again, so there is a cache in any case.
    let scratch = tempfile::tempdir().map_err(|e| UserError::io(std::env::temp_dir().display(), &e))?;
    let path = args.embedding_cache.clone().unwrap_or_else(|| scratch.path().join("embeddings"));
    let mut cache = EmbeddingCache::open(&path, manifest.dimensions)?;
    let source = EncoderFiles { dir, manifest };
    let split = SplitOptions {
        mode: SplitMode::Auto,
        calibrate: train::CALIBRATE,
        certify: train::CERTIFY,
        test: train::TEST,
        seed: args.seed,
    };
    let mut options = TrainOptions {
        fields: Field::ALL.to_vec(),
        all_fields_required: false,
        split,
        fine_tuning: FineTuning::Never,
        priorities: Policy::built_in()?.priority,
        at_most: None,
        seed: args.seed,
    };
    let mut curves: BTreeMap<Field, Vec<Point>> = BTreeMap::new();
    let mut bars = ui.bars();
    for size in SIZES.into_iter().map(Some).chain([None]) {
        options.at_most = size.filter(|&n| n < history.tickets.len());
        if size.is_some() && options.at_most.is_none() {
            continue;
        }
        // Nothing is fine-tuned, so nothing is left in the work folder that is named here.
        let trained = match learn(&history, "", &source, &mut cache, &options, &args.tickets, &mut bars) {
            Ok(trained) => trained,
            // Too few of anything to learn from: the curve begins later.
            Err(e) if size.is_some() && e.code() == Some(Code::Labels) => continue,
            Err(e) => return Err(e.into()),
        };
        let used = trained.bundle.info.split.train + trained.bundle.info.split.calibrate;
        for (field, model) in &trained.bundle.fields {
            let curve = curves.entry(*field).or_default();
            if curve.last().is_none_or(|p| p.tickets < used) {
                curve.extend(point(model, used, promise));
            }
        }
    }
    bars.finish();
    if curves.values().all(Vec::is_empty) {
        let next = "Give it more tickets";
        return Err(UserError::new(Code::Empty, "--tickets", "no ticket to try the sizes on", next).into());
    }
    match args.json {
        true => print(serde_json::to_string(&curves)?),
        false => show(&curves, promise, ui),
    }
    Ok(if bad > 0 { Exit::SomeFailed } else { Exit::Success })
}

fn point(model: &FieldModel, tickets: usize, promise: Promise) -> Option<Point> {
    let judged = reserve(model);
    let (n, hits) = (judged.len(), judged.iter().filter(|j| j.correct).count());
    (n > 0).then(|| Point {
        tickets,
        tried: n,
        accuracy: hits as f64 / n as f64,
        accuracy_ci95: wilson95(hits, n),
        certified: certify(&judged, promise).map_or(0.0, |c| c.coverage),
    })
}

fn show(curves: &BTreeMap<Field, Vec<Point>>, promise: Promise, ui: &Ui) {
    let certified = format!("certified at {} %", 100.0 * promise.error);
    for (field, curve) in curves {
        let row = |p: &Point| {
            let interval = format!("{:.3}-{:.3}", p.accuracy_ci95.lo, p.accuracy_ci95.hi);
            let share = format!("{:.1} %", 100.0 * p.certified);
            vec![p.tickets.to_string(), format!("{:.3}", p.accuracy), interval, share]
        };
        print(format_args!(
            "{field}\n{}\n",
            table(&["tickets", "accuracy", "95 % interval", &certified], curve.iter().map(row))
        ));
    }
    ui.say("Each size is the newest part of the history, without fine-tuning, tried on the tickets kept for certifying.");
}
