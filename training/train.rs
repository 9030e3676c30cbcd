//! The whole of training: history in, bundle out.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::path::Path;

use firstline_fault::{Code, Error, Result, UserError};
use firstline_nn::{Embeddings, Encoder, Manifest};
use firstline_ticket::{Field, LabelSpace};
use firstline_triage::{
    BUNDLE_FORMAT, Bundle, BundleInfo, EncoderFiles, Features, Neighbours, Ranks, SparseRows, SplitFacts,
    Vocabulary, VocabularyBuilder,
};
use rayon::prelude::*;
use serde::Serialize;

use crate::choose::{Choice, Tried};
use crate::finetune::{Course, Objective, TOKEN_BUDGET};
use crate::progress::interrupted;
use crate::shuffle::shuffled;
use crate::together::conclude;
use crate::tune::{Material, epochs, label_space, learn_field};
use crate::{EmbeddingCache, History, Prepared, Progress, Split, SplitOptions, Window};

/// An n-gram must occur in this many tickets to be a feature.
const MIN_DF: u32 = 2;
/// Most n-gram features kept.
const MAX_NGRAMS: usize = 150_000;
/// Tickets embedded between two looks at the cache.
const EMBED_CHUNK: usize = 2_048;

/// Whether the encoder is fine-tuned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FineTuning {
    /// It is, and the outcome is kept where it does better on the calibrate window.
    #[default]
    Auto,
    /// It is, and the outcome is kept.
    Always,
    /// It is not.
    Never,
}

/// What decides the outcome of a training, beside the data. Its hash is kept in the bundle.
#[derive(Debug, Clone, Serialize)]
pub struct TrainOptions {
    /// The fields to learn.
    pub fields: Vec<Field>,
    /// Whether a field that can't be learnt is a fault, as when the user named it, or is left out.
    pub all_fields_required: bool,
    /// How to split.
    pub split: SplitOptions,
    /// Whether the encoder is fine-tuned.
    pub fine_tuning: FineTuning,
    /// How priorities rank and what a wrong one costs.
    pub priorities: Ranks,
    /// Learn from no more than so many tickets, train and calibrate together: the newest, or any where they have no
    /// dates.
    pub at_most: Option<usize>,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// Fields that could not be learnt, and why.
pub type LeftOut = Vec<(Field, Error)>;

/// A trained bundle, not yet published, and what the user should know about it.
#[derive(Debug)]
pub struct Trained {
    /// The bundle.
    pub bundle: Bundle,
    /// What fine-tuning made of the encoder, where that was kept.
    pub tuned: Option<EncoderFiles>,
    /// The ways with the encoder that were compared.
    pub tried: Vec<Tried>,
    /// Fields that were left out, and why.
    pub left_out: LeftOut,
    /// Tickets whose text was longer than the encoder reads, and the tokens that were cut.
    pub cut: (usize, u64),
}

/// Learns from `history`. Written are the embeddings' cache and what fine-tuning leaves in `work`.
///
/// # Errors
/// [`Code::Split`] and [`Code::Labels`] when the data can't carry what is asked; [`Code::Interrupted`] when
/// `progress` asks to stop.
pub fn train(
    history: &History,
    data_sha256: &str,
    source: &EncoderFiles,
    cache: &mut EmbeddingCache,
    options: &TrainOptions,
    work: &Path,
    progress: &mut dyn Progress,
) -> Result<Trained> {
    let manifest = &source.manifest;
    if !manifest.normalise {
        let problem = "its embeddings are not of unit length, which the neighbours' vote needs";
        return Err(UserError::new(
            Code::Model,
            &manifest.name,
            problem,
            "Set normalise = true in its manifest",
        )
        .into());
    }
    let encoder = open_encoder(&source.dir, manifest)?;
    progress.stage("finding near-duplicates", 0);
    let families = history.families();
    let split = Split::new(&history.tickets, &families, history.held_out, options.split)?;
    let learn = Windows::new(history, &split, &families, options);
    let (spaces, left_out) = label_spaces(history, &learn, options)?;
    let embedded = embed(history, &learn.all(), &encoder, cache, progress)?;
    let (vocabulary, sparse) = features(history, &learn.history(), &learn.all(), progress)?;
    let material = Material {
        tickets: &history.tickets,
        sparse: &sparse,
        dense: &embedded.data,
        dimensions: embedded.dim,
        original: embedded.dim,
        ngrams: vocabulary.ngrams(),
        features: vocabulary.len(),
        train: &learn.train,
        calibrate: &learn.calibrate,
        nearest: &[],
        seed: options.seed,
    };
    let course = Course {
        history,
        train: &learn.train,
        validate: &learn.calibrate,
        fields: &spaces,
        objective: Objective::Labels,
        budget: TOKEN_BUDGET,
        seed: options.seed,
    };
    let read = learn.all();
    let choice =
        Choice { course, material, embedded: &embedded, read: &read, families: &families, source, work };
    let (tuned, tried) = choice.make(options.fine_tuning, progress)?;
    let Embeddings { data: dense, dim: d, cut } = tuned.as_ref().map_or(&embedded, |(_, both)| both);
    let d = *d;
    let nearest = nearest_of(&gather(dense, d, &learn.train), dense, d, &learn.calibrate)?;
    let material = Material { dense, dimensions: d, nearest: &nearest, ..material };
    let mut learnt = BTreeMap::new();
    for (field, space) in spaces {
        progress.stage(&format!("learning {field}"), epochs(material));
        let mut of_field = learn_field(material, field, space, progress)?;
        if field == Field::Priority {
            of_field.model.ordinal = options.priorities.ordinal(&of_field.model.space);
        }
        learnt.insert(field, of_field);
    }
    let hierarchy = conclude(material, &mut learnt);
    let config =
        serde_json::to_vec(options).map_err(|e| firstline_fault::InternalError::new(e.to_string()))?;
    let info = BundleInfo {
        format: BUNDLE_FORMAT,
        trained_by: env!("CARGO_PKG_VERSION").to_owned(),
        model: manifest.name.clone(),
        tuned: tuned.is_some(),
        dimensions: d,
        seed: options.seed,
        data_sha256: data_sha256.to_owned(),
        config_sha256: firstline_triage::sha256_hex(&config),
        split: facts(&history.tickets, &split, &learn),
    };
    let mut seen: Vec<u64> = (0..history.tickets.len())
        .filter(|&i| !matches!(split.windows[i], Window::Test | Window::Unused))
        .map(|i| history.tickets[i].hash)
        .collect();
    seen.sort_unstable();
    let past = gather(dense, d, &learn.history());
    let fields = learnt.into_iter().map(|(field, learnt)| (field, learnt.model)).collect();
    let mut bundle = Bundle { info, vocabulary, history: past, seen, fields, hierarchy };
    set_aside(&mut bundle, material, &learn.certify)?;
    let cut =
        (cut.iter().filter(|&&tokens| tokens > 0).count(), cut.iter().map(|&tokens| tokens as u64).sum());
    Ok(Trained { bundle, tuned: tuned.map(|(files, _)| files), tried, left_out, cut })
}

/// The rows that are learnt from.
struct Windows {
    train: Vec<usize>,
    calibrate: Vec<usize>,
    /// Not learnt from: the finished model decides it. One ticket of each family, since a storm of alerts is one
    /// witness, not a hundred.
    certify: Vec<usize>,
}

impl Windows {
    fn new(history: &History, split: &Split, families: &[u32], options: &TrainOptions) -> Self {
        let [mut train, mut calibrate] = [Window::Train, Window::Calibrate].map(|window| split.rows(window));
        let all = train.len() + calibrate.len();
        if let Some(at_most) = options.at_most.filter(|&n| n < all) {
            for rows in [&mut train, &mut calibrate] {
                let n = rows.len() * at_most / all;
                *rows = newest(history, rows, n, options.seed);
            }
        }
        let mut witnesses = HashSet::new();
        let mut certify = split.rows(Window::Certify);
        certify.retain(|&row| witnesses.insert(families[row]));
        Self { train, calibrate, certify }
    }

    /// Train, then calibrate: the order of the bundle's history.
    fn history(&self) -> Vec<usize> {
        self.train.iter().chain(&self.calibrate).copied().collect()
    }

    /// Train, calibrate, certify.
    fn all(&self) -> Vec<usize> {
        self.history().into_iter().chain(self.certify.iter().copied()).collect()
    }
}

/// Has the finished bundle decide the tickets kept for certifying, and keeps what came of it.
fn set_aside(bundle: &mut Bundle, m: Material<'_>, rows: &[usize]) -> Result<()> {
    let mut sparse = SparseRows::default();
    rows.iter().for_each(|&r| sparse.push_row(m.sparse.row(r)));
    let embeddings = gather(m.dense, m.dimensions, rows);
    let nearest = nearest_of(&bundle.history, m.dense, m.dimensions, rows)?;
    let features = Features { sparse, embeddings, tokens_cut: vec![0; rows.len()] };
    let judged = bundle.judge(&features, &nearest, &[]);
    for (field, model) in &mut bundle.fields {
        for (judged, &row) in judged.get(field).into_iter().flatten().zip(rows) {
            if let Some(label) = m.tickets[row].labels.get(field) {
                model.reserve.confidence.push(judged.confidence);
                model.reserve.label.push(judged.label as u32);
                model.reserve.correct.push(model.space.labels()[judged.label] == *label);
            }
        }
    }
    Ok(())
}

/// The `n` newest of `rows`, ascending; any where they have no dates.
fn newest(history: &History, rows: &[usize], n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = shuffled(rows.len(), seed).into_iter().map(|i| rows[i]).collect();
    order.sort_by_key(|&row| std::cmp::Reverse(history.tickets[row].opened_at));
    order.truncate(n);
    order.sort_unstable();
    order
}

/// The labels of each field that can be learnt, and the fields that can't.
fn label_spaces(
    history: &History,
    learn: &Windows,
    options: &TrainOptions,
) -> Result<(Vec<(Field, LabelSpace)>, LeftOut)> {
    let mut spaces = Vec::new();
    let mut left_out = Vec::new();
    for &field in &options.fields {
        match label_space(&history.tickets, (&learn.train, &learn.calibrate), field) {
            Ok(space) => spaces.push((field, space)),
            Err(e) if e.code() == Some(Code::Labels) && !options.all_fields_required => {
                left_out.push((field, e));
            }
            Err(e) => return Err(e),
        }
    }
    if spaces.is_empty() {
        let problem = "no field has enough labelled tickets to learn from";
        return Err(UserError::new(
            Code::Labels,
            "--tickets",
            problem,
            "Import board, type or priority columns",
        )
        .into());
    }
    Ok((spaces, left_out))
}

/// Embeds `rows`: one embedding a ticket of the history, zero for the others.
pub(crate) fn embed(
    history: &History,
    rows: &[usize],
    encoder: &Encoder,
    cache: &mut EmbeddingCache,
    progress: &mut dyn Progress,
) -> Result<Embeddings> {
    let d = encoder.dimensions();
    let n = history.tickets.len();
    let mut all = Embeddings { data: vec![0.0; n * d], dim: d, cut: vec![0; n] };
    progress.stage("embedding tickets", rows.len() as u64);
    // Longest first within the whole history: batches of near-equal length, and an estimate of the time
    // left that errs on the long side.
    let mut order = rows.to_vec();
    order.sort_by_key(|&r| (std::cmp::Reverse(history.tickets[r].input.len()), r));
    let mut behind = 0;
    for chunk in order.chunks(EMBED_CHUNK) {
        let texts: Vec<String> = chunk.iter().map(|&r| history.tickets[r].input.text()).collect();
        let embedded = cache.embed(encoder, &texts, &mut |done| progress.done(behind + done as u64))?;
        for (i, &r) in chunk.iter().enumerate() {
            all.data[r * d..(r + 1) * d].copy_from_slice(&embedded.data[i * d..(i + 1) * d]);
            all.cut[r] = embedded.cut[i] + history.tickets[r].input.tokens_cut();
        }
        behind += chunk.len() as u64;
    }
    Ok(all)
}

/// The vocabulary of the tickets that are learnt from, and the rows of those that are `read`; others stay empty.
pub(crate) fn features(
    history: &History,
    learn: &[usize],
    read: &[usize],
    progress: &mut dyn Progress,
) -> Result<(Vocabulary, SparseRows)> {
    progress.stage("reading n-grams", 0);
    let mut builder = VocabularyBuilder::default();
    for &r in learn {
        let t = &history.tickets[r];
        builder.add(&t.input.subject, &t.input.body, &t.context);
        if r.is_multiple_of(1_024) && progress.done(0).is_break() {
            return Err(interrupted("reading n-grams"));
        }
    }
    let vocabulary = builder.build(MIN_DF, MAX_NGRAMS);
    let mut is_read = vec![false; history.tickets.len()];
    read.iter().for_each(|&r| is_read[r] = true);
    let row = |(t, read): (&Prepared, &bool)| match read {
        true => vocabulary.row(&t.input.subject, &t.input.body, &t.context),
        false => Vec::new(),
    };
    let rows: Vec<_> = history.tickets.par_iter().zip(&is_read).map(row).collect();
    let mut sparse = SparseRows::default();
    rows.iter().for_each(|r| sparse.push(r));
    Ok((vocabulary, sparse))
}

pub(crate) fn gather(dense: &[f32], d: usize, rows: &[usize]) -> Vec<f32> {
    rows.iter().flat_map(|&r| &dense[r * d..(r + 1) * d]).copied().collect()
}

pub(crate) fn nearest_of(
    train: &[f32],
    dense: &[f32],
    d: usize,
    queries: &[usize],
) -> Result<Vec<Vec<(u32, f32)>>> {
    let index = Neighbours::new(train, d)?;
    let mut out = Vec::with_capacity(queries.len());
    for chunk in queries.chunks(256) {
        out.extend(index.nearest(&gather(dense, d, chunk))?);
    }
    Ok(out)
}

fn facts(tickets: &[Prepared], split: &Split, learn: &Windows) -> SplitFacts {
    let days = || learn.train.iter().chain(&learn.calibrate).filter_map(|&r| tickets[r].opened_at);
    let day = |t: jiff::Timestamp| t.to_string().chars().take(10).collect::<String>();
    SplitFacts {
        kind: split.kind.to_owned(),
        train: learn.train.len(),
        calibrate: learn.calibrate.len(),
        certify: learn.certify.len(),
        test: split.count(Window::Test),
        repeats: split.count(Window::Repeat),
        unused: split.count(Window::Unused),
        learnt_from: days().min().zip(days().max()).map(|(first, last)| (day(first), day(last))),
    }
}

/// Opens the encoder in `dir`.
///
/// # Errors
/// A fault of the model's files.
pub fn open_encoder(dir: &Path, manifest: &Manifest) -> Result<Encoder> {
    Encoder::load(dir, manifest)
}

/// What [`EmbeddingCache::embed`] calls as it goes on.
pub type OnEmbedded<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;
