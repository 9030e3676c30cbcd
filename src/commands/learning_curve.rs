//! `firstline learning-curve`: what more history would buy.

use std::collections::BTreeMap;
use std::path::Path;

use firstline_fault::UserError;
use firstline_ticket::Field;
use firstline_training::certify::Promise;
use firstline_training::{
    CurvePoint, EmbeddingCache, FineTuning, History, SplitMode, TrainInput, TrainOptions, learning_curve,
};
use firstline_triage::{EncoderFiles, Policy};

use super::table::table;
use super::{models, train};
use crate::cli::CurveArgs;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

pub(super) fn run(args: &CurveArgs, ui: &Ui) -> Result<Exit, Failure> {
    let promise = Promise { error: args.target_error, confidence: args.confidence };
    let mut history = History::default();
    let bad = train::read_into(&mut history, &args.tickets, ui)?;
    history.held_out = history.tickets.len();
    let (manifest, dir) = models::ensure(&args.model, &args.models, ui)?;
    let source = EncoderFiles { dir, manifest };
    let curves = curves(&history, &source, args.embedding_cache.as_deref(), args.seed, promise, ui)?;
    match args.json {
        true => print(serde_json::to_string(&curves)?),
        false => show(&curves, promise, ui),
    }
    Ok(if bad > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// The learning curves of all fields of `history`, with the splits and the policy that training has by default.
pub(super) fn curves(
    history: &History,
    source: &EncoderFiles,
    cache: Option<&Path>,
    seed: u64,
    promise: Promise,
    ui: &Ui,
) -> Result<BTreeMap<Field, Vec<CurvePoint>>, Failure> {
    // Every size reads the same tickets again, so there is a cache in any case.
    let scratch = tempfile::tempdir().map_err(|e| UserError::io(std::env::temp_dir().display(), &e))?;
    let cache = cache.map_or_else(|| scratch.path().join("embeddings"), Path::to_owned);
    let mut cache = EmbeddingCache::open(Some(&cache), source.manifest.dimensions)?;
    let options = TrainOptions {
        fields: Field::ALL.to_vec(),
        all_fields_required: false,
        split: train::split_options(SplitMode::Auto, seed),
        fine_tuning: FineTuning::Never,
        priorities: Policy::built_in()?.priority,
        at_most: None,
        seed,
    };
    let mut bars = ui.bars();
    let curves = learning_curve(TrainInput { history, source, options: &options }, promise, &mut cache, &mut bars)?;
    bars.finish();
    Ok(curves)
}

fn show(curves: &BTreeMap<Field, Vec<CurvePoint>>, promise: Promise, ui: &Ui) {
    let certified = format!("certified at {} %", 100.0 * promise.error);
    for (field, curve) in curves {
        let row = |p: &CurvePoint| {
            let interval = format!("{:.3}-{:.3}", p.accuracy_ci95.lo, p.accuracy_ci95.hi);
            let share = format!("{:.1} %", 100.0 * p.certified);
            vec![p.tickets.to_string(), format!("{:.3}", p.accuracy), interval, share]
        };
        print(format_args!(
            "{field}\n{}\n",
            table(&["tickets", "accuracy", "95 % interval", &certified], curve.iter().map(row))
        ));
    }
    ui.say("Each size is the newest part of the history, without fine-tuning, tried on the tickets kept for certifying. Train on all of it all the same: a size picked by this table would no longer be certified on fresh tickets.");
}
