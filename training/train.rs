//! The whole of training: history in, bundle out.
//!
//! This is the top that wires `prepare`, `fit` and `choose`. Nothing here computes, and it must never publish: the caller
//! does that.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_nn::{Embeddings, Manifest};
use firstline_ticket::{Field, LabelSpace};
use firstline_triage::{
    BUNDLE_FORMAT, Bundle, BundleInfo, EncoderFiles, Ranks, Reader, Reserve, SiteWords, SplitFacts,
    sha256_hex,
};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::Progress;
use crate::choose::{
    Decays, EncoderChoice, FineTuning, LearntField, Tried, conclude, epochs, learn_field, set_aside,
};
use crate::fit::{Course, Objective, TOKEN_BUDGET};
use crate::prepare::{
    EmbeddingCache, History, LearningRows, LeftOut, Material, Split, SplitOptions, SplitWindow, embed,
    features, gather, label_spaces, nearest_of, open_encoder,
};

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
    /// The words that the site has added, by which the history was read.
    #[serde(skip_serializing_if = "SiteWords::is_empty")]
    pub words: SiteWords,
    /// The decays of each field's heads, where they were chosen before ([`Trained::decays`]): heads are then fitted two times instead of
    /// five.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub decays: BTreeMap<Field, Decays>,
    /// The most tickets to learn from, train and calibrate together: the newest, or any where they have no dates.
    pub at_most: Option<usize>,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// What a training is made from.
#[derive(Debug, Clone, Copy)]
pub struct TrainInput<'a> {
    /// The tickets.
    pub history: &'a History,
    /// The encoder.
    pub source: &'a EncoderFiles,
    /// What decides the outcome beside them.
    pub options: &'a TrainOptions,
}

/// A trained bundle, not yet published, and what the user should know about it.
#[derive(Debug)]
pub struct Trained {
    /// The bundle.
    pub bundle: Bundle,
    /// What fine-tuning made of the encoder, where that was kept.
    pub tuned: Option<EncoderFiles>,
    /// The ways with the encoder that were compared.
    pub tried: Vec<Tried>,
    /// The decays that were chosen for each field's heads.
    pub decays: BTreeMap<Field, Decays>,
    /// The tickets of the history that were kept for certifying.
    pub certify: Vec<usize>,
    /// Fields that were left out, and why.
    pub left_out: LeftOut,
    /// Tickets whose text was longer than the encoder reads, and the tokens that were cut.
    pub cut: (usize, u64),
}

/// Learns from the history of `input`, whose file has the hash `data_sha256`. It writes the cache, and into the folder
/// `work` what fine-tuning needs to resume.
///
/// # Errors
/// [`Code::Split`] and [`Code::Labels`] when the data can't carry what is asked; [`Code::Interrupted`] when
/// `progress` asks to stop.
pub fn train(
    input: TrainInput<'_>,
    data_sha256: &str,
    work: &Path,
    cache: &mut EmbeddingCache,
    progress: &mut dyn Progress,
) -> Result<Trained> {
    let TrainInput { history, source, options } = input;
    check_normalised(&source.manifest)?;
    let encoder = open_encoder(&source.dir, &source.manifest)?;
    progress.stage("finding near-duplicates", 0);
    let families = history.families();
    let split = Split::new(&history.tickets, &families, history.held_out, options.split)?;
    let learn = LearningRows::new(history, &split, &families, options.at_most, options.seed);
    let (spaces, left_out) =
        label_spaces(&history.tickets, &learn, &options.fields, options.all_fields_required)?;
    let habits = Arc::new(history.habits(&learn.history(), salt(options.seed, data_sha256)));
    let without;
    let history = match habits.is_empty() {
        true => history,
        false => {
            without = history.without_habits(&Reader::new(options.words.clone(), Arc::clone(&habits)));
            &without
        }
    };
    let read = learn.all();
    let embedded = embed(history, &read, &encoder, cache, progress)?;
    let (vocabulary, sparse) = features(history, &learn.history(), &read, progress)?;
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
    let choice = EncoderChoice {
        course,
        material,
        embedded: &embedded,
        read: &read,
        families: &families,
        source,
        work,
    };
    let (tuned, tried) = choice.make(options.fine_tuning, progress)?;
    let Embeddings { data: dense, dim: d, cut } = tuned.as_ref().map_or(&embedded, |(_, both)| both);
    let d = *d;
    let nearest = nearest_of(&gather(dense, d, &learn.train), dense, d, &learn.calibrate)?;
    let material = Material { dense, dimensions: d, nearest: &nearest, ..material };
    let mut learnt = learn_fields(material, spaces, options, progress)?;
    let decays = learnt.iter().map(|(field, learnt)| (*field, learnt.decays.clone())).collect();
    let hierarchy = conclude(material, &mut learnt);
    let mut bundle = Bundle {
        info: BundleInfo {
            tuned: tuned.is_some(),
            dimensions: d,
            ..info(input, data_sha256, learn.facts(&history.tickets, &split))?
        },
        vocabulary,
        history: gather(dense, d, &learn.history()),
        seen: seen(history, &split),
        fields: learnt.into_iter().map(|(field, learnt)| (field, learnt.model)).collect(),
        hierarchy,
        habits: Some(habits),
        reserve: Reserve::default(),
        // Learnt from the conversations, which training keeps nothing of.
        answers: None,
    };
    set_aside(&mut bundle, material, &learn.certify)?;
    let cut =
        (cut.iter().filter(|&&tokens| tokens > 0).count(), cut.iter().map(|&tokens| tokens as u64).sum());
    let tuned = tuned.map(|(files, _)| files);
    Ok(Trained { bundle, tuned, tried, decays, certify: learn.certify, left_out, cut })
}

/// What the hashes of habits are salted with: of two histories they can't be compared.
fn salt(seed: u64, data_sha256: &str) -> u64 {
    xxh3_64_with_seed(data_sha256.as_bytes(), seed)
}

fn check_normalised(manifest: &Manifest) -> Result<()> {
    if manifest.normalise {
        return Ok(());
    }
    let problem = "its embeddings are not of unit length, which the neighbours' vote needs";
    let next = "Set normalise = true in its manifest";
    Err(UserError::new(Code::Model, &manifest.name, problem, next).into())
}

fn learn_fields(
    material: Material<'_>,
    spaces: Vec<(Field, LabelSpace)>,
    options: &TrainOptions,
    progress: &mut dyn Progress,
) -> Result<BTreeMap<Field, LearntField>> {
    let mut learnt = BTreeMap::new();
    for (field, space) in spaces {
        let decays = options.decays.get(&field);
        progress.stage(&format!("learning {field}"), epochs(material, decays.is_some()));
        let mut of_field = learn_field(material, field, space, decays, progress)?;
        if field == Field::Priority {
            of_field.model.ordinal = options.priorities.ordinal(&of_field.model.space);
        }
        learnt.insert(field, of_field);
    }
    Ok(learnt)
}

/// What a bundle records of what it was made from, by the encoder as it was.
fn info(input: TrainInput<'_>, data_sha256: &str, split: SplitFacts) -> Result<BundleInfo> {
    let TrainInput { source, options, .. } = input;
    let config = serde_json::to_vec(options).map_err(|e| InternalError::new(e.to_string()))?;
    Ok(BundleInfo {
        format: BUNDLE_FORMAT,
        trained_by: env!("CARGO_PKG_VERSION").to_owned(),
        model: source.manifest.name.clone(),
        tuned: false,
        dimensions: source.manifest.dimensions,
        seed: options.seed,
        data_sha256: data_sha256.to_owned(),
        config_sha256: sha256_hex(&config),
        split,
        words: options.words.clone(),
    })
}

/// The hashes of the tickets that an evaluation must leave out, ascending.
fn seen(history: &History, split: &Split) -> Vec<u64> {
    let mut seen: Vec<u64> = (0..history.tickets.len())
        .filter(|&i| !matches!(split.windows[i], SplitWindow::Test | SplitWindow::Unused))
        .map(|i| history.tickets[i].hash)
        .collect();
    seen.sort_unstable();
    seen
}
