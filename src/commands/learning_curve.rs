//! `firstline learning-curve`: what a longer history would gain.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use firstline_fault::UserError;
use firstline_ticket::Field;
use firstline_training::certify::Promise;
use firstline_training::{
    CurvePoint, EmbeddingCache, FineTuning, History, SplitMode, TrainInput, TrainOptions, learning_curve,
};
use firstline_triage::{EncoderFiles, Policy, Reader, SiteWords};

use super::{models, train};
use crate::arguments::{EncoderArgs, HistoryArg, JsonArg, PromiseArgs, SeedArg};
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::{Ui, print};

/// Show what a longer history would gain: accuracy and certified share by size.
#[derive(Debug, Args)]
pub(crate) struct CurveArgs {
    #[command(flatten)]
    history: HistoryArg,

    #[command(flatten)]
    promise: PromiseArgs,

    #[command(flatten)]
    seed: SeedArg,

    #[command(flatten)]
    encoder: EncoderArgs,

    #[command(flatten)]
    output: JsonArg,
}

pub(super) fn run(args: &CurveArgs, ui: &Ui) -> Result<Exit, Failure> {
    let promise = args.promise.promise();
    let mut history = History::default();
    let bad = train::read_into(&mut history, &args.history.tickets, &Reader::default(), ui)?;
    history.held_out = history.tickets.len();
    let (manifest, dir) = models::ensure(&args.encoder.model, &args.encoder.models, ui)?;
    let source = EncoderFiles { dir, manifest };
    let cache = args.encoder.embedding_cache.as_deref();
    let curves = curves(&history, &source, cache, args.seed.seed, promise, ui)?;
    match args.output.json {
        true => print(serde_json::to_string(&curves)?),
        false => show(&curves, promise, ui),
    }
    Ok(if bad > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// The learning curves of all fields of `history`, with training's default splits and policy.
pub(super) fn curves(
    history: &History,
    source: &EncoderFiles,
    cache: Option<&Path>,
    seed: u64,
    promise: Promise,
    ui: &Ui,
) -> Result<BTreeMap<Field, Vec<CurvePoint>>, Failure> {
    // Every size embeds the same tickets, so there is always a cache.
    let scratch = tempfile::tempdir().map_err(|e| UserError::io(std::env::temp_dir().display(), &e))?;
    let cache = cache.map_or_else(|| scratch.path().join("embeddings"), Path::to_owned);
    let mut cache = EmbeddingCache::open(Some(&cache), source.manifest.dimensions)?;
    let options = TrainOptions {
        fields: Field::ALL.to_vec(),
        all_fields_required: false,
        split: train::split_options(SplitMode::Auto, seed),
        fine_tuning: FineTuning::Never,
        priorities: Policy::built_in()?.priority,
        words: SiteWords::default(),
        decays: BTreeMap::new(),
        at_most: None,
        seed,
    };
    let mut bars = ui.bars();
    let curves =
        learning_curve(TrainInput { history, source, options: &options }, promise, &mut cache, &mut bars)?;
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
    ui.say("Each size is the newest part of the history, without fine-tuning, tested on the tickets set aside for certifying. Train on the whole history nevertheless: a size picked from this table would not be certified on fresh tickets.");
}
