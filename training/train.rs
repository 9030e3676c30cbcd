//! The whole of training: history in, bundle out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use firstline_nn::{Encoder, Manifest};
use firstline_ticket::{Code, Error, Field, LabelSpace, Result, UserError};
use firstline_triage::{
    BUNDLE_FORMAT, Bundle, BundleInfo, Features, FieldModel, Neighbours, Reserve, SparseRows, SplitFacts,
    Vocabulary, VocabularyBuilder, model_fault,
};
use rayon::prelude::*;
use serde::Serialize;

use crate::finetune::{Course, finetune};
use crate::progress::interrupted;
use crate::tune::{EPOCHS, Material, epochs, label_space, learn_field, probe};
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
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// An encoder's files.
#[derive(Debug, Clone)]
pub struct Source {
    /// The folder that they are in.
    pub dir: PathBuf,
    /// What they are.
    pub manifest: Manifest,
}

/// Fields that could not be learnt, and why.
pub type LeftOut = Vec<(Field, Error)>;

/// A trained bundle, not yet published, and what the user should know about it.
#[derive(Debug)]
pub struct Trained {
    /// The bundle.
    pub bundle: Bundle,
    /// The encoder it needs: the one that training was given, or what came of it.
    pub encoder: Source,
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
    source: &Source,
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
    progress.stage("finding near-duplicates", 0);
    let families = history.families();
    let split = Split::new(&history.tickets, &families, history.held_out, options.split)?;
    let learn = Windows::new(&split);
    let (spaces, left_out) = label_spaces(history, &learn, options)?;
    let encoder = open_encoder(&source.dir, manifest)?;
    let d = encoder.dimensions();
    let embedded = embed(history, &learn.all(), &encoder, cache, progress)?;
    let (vocabulary, sparse) = features(history, &learn.history(), &learn.all(), progress)?;

    let material = Material {
        tickets: &history.tickets,
        sparse: &sparse,
        dense: &embedded.dense,
        dimensions: d,
        ngrams: vocabulary.ngrams(),
        features: vocabulary.len(),
        train: &learn.train,
        calibrate: &learn.calibrate,
        nearest: &[],
        seed: options.seed,
    };
    let tuned = match options.fine_tuning {
        FineTuning::Never => None,
        choice => {
            let course = Course {
                history,
                train: &learn.train,
                validate: &learn.calibrate,
                fields: &spaces,
                seed: options.seed,
            };
            let tuned = finetune(course, source, work, progress)?;
            let encoder = open_encoder(&tuned.dir, &tuned.manifest)?;
            let again = embed(history, &learn.all(), &encoder, &mut EmbeddingCache::default(), progress)?;
            let mut losses = [0.0; 2];
            for (field, space) in &spaces {
                for (loss, dense) in losses.iter_mut().zip([&embedded.dense, &again.dense]) {
                    progress.stage(&format!("comparing encoders on {field}"), EPOCHS as u64);
                    *loss += probe(Material { dense, ..material }, *field, space, progress)?;
                }
            }
            eprintln!("TRACE frozen {:.4} tuned {:.4}", losses[0], losses[1]);
            (choice == FineTuning::Always || losses[1] < losses[0]).then_some((tuned, again))
        }
    };
    let (source, embedded) = match &tuned {
        Some((tuned, again)) => (tuned, again),
        None => (source, &embedded),
    };
    let dense = &embedded.dense;
    let nearest = nearest_of(&gather(dense, d, &learn.train), dense, d, &learn.calibrate)?;
    let material = Material { dense, nearest: &nearest, ..material };
    let past = gather(dense, d, &learn.history());
    let kept = Kept::new(material, &past, &learn.certify)?;
    let mut fields = BTreeMap::new();
    for (field, space) in spaces {
        progress.stage(&format!("learning {field}"), epochs());
        let mut model = learn_field(material, field, space, progress)?;
        model.reserve = kept.decide(&model, field);
        fields.insert(field, model);
    }
    let config =
        serde_json::to_vec(options).map_err(|e| firstline_ticket::InternalError::new(e.to_string()))?;
    let info = BundleInfo {
        format: BUNDLE_FORMAT,
        trained_by: env!("CARGO_PKG_VERSION").to_owned(),
        model: manifest.name.clone(),
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
    let bundle = Bundle { info, vocabulary, history: past, seen, fields };
    Ok(Trained { bundle, encoder: source.clone(), left_out, cut: embedded.cut })
}

/// The rows that are learnt from.
struct Windows {
    train: Vec<usize>,
    calibrate: Vec<usize>,
    /// Not learnt from: the finished model decides it.
    certify: Vec<usize>,
}

impl Windows {
    fn new(split: &Split) -> Self {
        Self {
            train: split.rows(Window::Train),
            calibrate: split.rows(Window::Calibrate),
            certify: split.rows(Window::Certify),
        }
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

/// The tickets kept for certifying, as a finished model reads them.
struct Kept<'a> {
    tickets: Vec<&'a Prepared>,
    features: Features,
    nearest: Vec<Vec<(u32, f32)>>,
}

impl<'a> Kept<'a> {
    /// `past` are the embeddings of the bundle's history.
    fn new(m: Material<'a>, past: &[f32], rows: &[usize]) -> Result<Self> {
        let mut sparse = SparseRows::default();
        rows.iter().for_each(|&r| sparse.push_row(m.sparse.row(r)));
        let embeddings = gather(m.dense, m.dimensions, rows);
        let nearest = nearest_of(past, m.dense, m.dimensions, rows)?;
        let features = Features { sparse, embeddings, tokens_cut: vec![0; rows.len()] };
        Ok(Self { tickets: rows.iter().map(|&r| &m.tickets[r]).collect(), features, nearest })
    }

    /// What `model` decides on those that have a label of `field`.
    fn decide(&self, model: &FieldModel, field: Field) -> Reserve {
        let mut reserve = Reserve::default();
        for (ticket, judged) in self.tickets.iter().zip(model.judge(&self.features, &self.nearest)) {
            if let Some(label) = ticket.labels.get(&field) {
                reserve.confidence.push(judged.confidence);
                reserve.label.push(judged.label as u32);
                reserve.correct.push(model.space.labels()[judged.label] == *label);
            }
        }
        reserve
    }
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

/// Embeddings of the tickets that are learnt from.
pub(crate) struct Embedded {
    /// One row a ticket of the history; those that were not embedded are zero.
    pub(crate) dense: Vec<f32>,
    /// Tickets cut, and tokens cut.
    cut: (usize, u64),
}

pub(crate) fn embed(
    history: &History,
    rows: &[usize],
    encoder: &Encoder,
    cache: &mut EmbeddingCache,
    progress: &mut dyn Progress,
) -> Result<Embedded> {
    let d = encoder.dimensions();
    let mut dense = vec![0.0; history.tickets.len() * d];
    let mut cut = (0, 0);
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
            dense[r * d..(r + 1) * d].copy_from_slice(&embedded.data[i * d..(i + 1) * d]);
        }
        for (&tokens, &r) in embedded.cut.iter().zip(chunk) {
            let tokens = tokens + history.tickets[r].input.tokens_cut();
            cut.0 += usize::from(tokens > 0);
            cut.1 += tokens as u64;
        }
        behind += chunk.len() as u64;
    }
    Ok(Embedded { dense, cut })
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
    Encoder::load(dir, manifest).map_err(model_fault)
}

/// What [`EmbeddingCache::embed`] calls as it goes on.
pub type OnEmbedded<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;
