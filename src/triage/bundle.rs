//! The bundle: everything a trained engine needs, in one folder.
//!
//! ```text
//! DIR/bundle.json           what it is: format, model, fields, label spaces, mixtures, hashes of the rest
//! DIR/weights.safetensors   vocabulary, heads, embeddings and labels of the history, ids it has seen
//! DIR/encoder/              the encoder's files and its manifest
//! DIR/tuned/                the same of what fine-tuning made of it, where it did
//! ```
//!
//! A bundle is written beside its place and renamed into it, so that a reader never sees half of one. Where
//! an older one is replaced, that is moved aside first: for an instant there is none. Its files are hostile
//! until their hashes and shapes are checked.

pub mod layout;
mod publish;
mod tensors;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_nn::{Encoder, Manifest};
use firstline_ticket::{Field, LabelSpace, Ticket};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Calibrator, Correctness, Encoders, Evidence, Features, Head, Hierarchy, Mixture, Neighbours, Ordinal,
    Vocabulary, log_softmax, softmax,
};
pub use publish::{sha256_file, sha256_hex};
use tensors::Tensors;

/// Version of the format this program writes, and the only one it reads.
pub const BUNDLE_FORMAT: u32 = 2;

use layout::{ENCODER, INFO, MANIFEST, TUNED, WEIGHTS};

/// An encoder's files.
#[derive(Debug, Clone, PartialEq)]
pub struct EncoderFiles {
    /// The folder that they are in.
    pub dir: PathBuf,
    /// What they are.
    pub manifest: Manifest,
}

impl EncoderFiles {
    /// The encoder, not fine-tuned, of the bundle in `bundle`.
    ///
    /// # Errors
    /// [`Code::Model`] when there is none.
    pub fn of_bundle(bundle: &Path) -> Result<Self> {
        Self::in_folder(bundle.join(ENCODER))
    }

    fn in_folder(dir: PathBuf) -> Result<Self> {
        let manifest = Manifest::from_file(&dir.join(MANIFEST))?;
        Ok(Self { dir, manifest })
    }
}

/// A trained engine, but for its encoders' weights.
#[derive(Debug)]
pub struct Bundle {
    /// What the bundle says about itself.
    pub info: BundleInfo,
    /// The features of the sparse block.
    pub vocabulary: Vocabulary,
    /// Embeddings of the history, `n x d` row-major.
    pub history: Vec<f32>,
    /// [`Bundle::ticket_hash`] of all tickets that training has seen or set aside, sorted.
    pub seen: Vec<u64>,
    /// One model a trained field.
    pub fields: BTreeMap<Field, FieldModel>,
    /// What board, type and subtype go together, of those that are trained.
    pub hierarchy: Option<Hierarchy>,
}

/// The fields that are decided together, where they are trained.
pub const HIERARCHY: [Field; 3] = [Field::Board, Field::Type, Field::Subtype];

/// What a bundle says about itself: `bundle.json`, but for the file hashes and the fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleInfo {
    /// [`BUNDLE_FORMAT`].
    pub format: u32,
    /// Version of the program that trained it.
    pub trained_by: String,
    /// Name of the encoder's manifest.
    pub model: String,
    /// Whether what fine-tuning made of the encoder stands beside it.
    pub tuned: bool,
    /// Dimensions of an embedding, `d`: of both encoders together where there are two.
    pub dimensions: usize,
    /// Seed of the training.
    pub seed: u64,
    /// sha256 of the training file.
    pub data_sha256: String,
    /// sha256 of the training settings.
    pub config_sha256: String,
    /// How the data was split.
    pub split: SplitFacts,
}

/// How the data was split, for the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitFacts {
    /// `time`, `random` or `given`.
    pub kind: String,
    /// Tickets the heads were first fitted on.
    pub train: usize,
    /// Tickets that chose regularisation, mixture and confidence, and were then learnt from too.
    pub calibrate: usize,
    /// Tickets kept for certifying thresholds; nothing was learnt from them.
    pub certify: usize,
    /// Tickets held out, never looked at in training.
    pub test: usize,
    /// Tickets set aside because a near-duplicate stands in another window.
    pub repeats: usize,
    /// Tickets of no window: their `split` names none, or they have no date.
    pub unused: usize,
    /// First and last opening date of the tickets that were learnt from, where they have dates.
    pub learnt_from: Option<(String, String)>,
    /// What to know about the split before believing the figures, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The model of one field.
#[derive(Debug, Clone)]
pub struct FieldModel {
    /// The labels it can predict.
    pub space: LabelSpace,
    /// Share of each label in the history, `k`.
    pub prior: Vec<f32>,
    /// The members that are pooled.
    pub members: Vec<Member>,
    /// How they are pooled.
    pub mixture: Mixture,
    /// How the mixture's probabilities are corrected.
    pub calibrator: Calibrator,
    /// Label index of each ticket of the history, `u32::MAX` where it has none.
    pub history_labels: Vec<u32>,
    /// The order of the labels, where they are priorities with one.
    pub ordinal: Option<Ordinal>,
    /// Labels that are never decided, ascending: technicians who have left.
    pub retired: Vec<u32>,
    /// How sure a decision is; the mixture's own probability where there is none.
    pub correctness: Option<Correctness>,
    /// What it decided on tickets that were kept for certifying.
    pub reserve: Reserve,
    /// Labels with too few tickets, and how many: learnt with doubt, or not at all.
    pub rare: BTreeMap<String, usize>,
}

/// What a finished model decided on tickets of which it, its mixture and its confidences know nothing: the ground
/// on which thresholds are certified. Three columns of one length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reserve {
    /// The confidence of each decision.
    pub confidence: Vec<f32>,
    /// The index of the label that was decided.
    pub label: Vec<u32>,
    /// Whether people had chosen the same.
    pub correct: Vec<bool>,
}

/// What a field's members and their mixture say of one ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// The members' log-probabilities, each `k`; one without weight is empty.
    pub members: Vec<Vec<f32>>,
    /// The mixture's probabilities, `k`.
    pub probabilities: Vec<f32>,
}

/// What is decided about one field of one ticket.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Calibrated probability of each label, `k`.
    pub probabilities: Vec<f32>,
    /// The label: the most probable one, but where that would not go with the other fields', or is a priority that
    /// would cost more if it were wrong.
    pub label: usize,
    /// Probability that it is right.
    pub confidence: f32,
}

/// One member of a field's mixture.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// A head over n-grams only: the baseline that every report names.
    Ngram(Head),
    /// A head over the embedding only.
    Embedding(Head),
    /// A head over embedding, n-grams and context.
    Joint(Head),
    /// The same, but of the embedding that half alone which fine-tuning left as it was: where the encoder has been
    /// tuned on the very tickets that heads learn from, this one is not misled by how well it knows them.
    Original(Head),
    /// The vote of the nearest tickets of the history.
    Neighbours,
}

impl Member {
    /// The member's name, as stored and reported.
    pub fn name(&self) -> &'static str {
        match self {
            Member::Ngram(_) => "ngram",
            Member::Embedding(_) => "embedding",
            Member::Joint(_) => "joint",
            Member::Original(_) => "original",
            Member::Neighbours => "neighbours",
        }
    }

    fn head(&self) -> Option<&Head> {
        match self {
            Member::Ngram(h) | Member::Embedding(h) | Member::Joint(h) | Member::Original(h) => Some(h),
            Member::Neighbours => None,
        }
    }

    fn from_name(name: &str, head: Option<Head>) -> Option<Self> {
        match (name, head) {
            ("ngram", Some(h)) => Some(Member::Ngram(h)),
            ("embedding", Some(h)) => Some(Member::Embedding(h)),
            ("joint", Some(h)) => Some(Member::Joint(h)),
            ("original", Some(h)) => Some(Member::Original(h)),
            ("neighbours", None) => Some(Member::Neighbours),
            _ => None,
        }
    }
}

impl FieldModel {
    /// The label to decide by itself: of least expected cost where labels have an order, else the most probable.
    pub fn choose(&self, probabilities: &[f32]) -> usize {
        match &self.ordinal {
            Some(ordinal) => ordinal.decide(probabilities),
            None => argmax(probabilities),
        }
    }

    /// What the members and their mixture say of ticket `i` of `features`.
    fn opinion(&self, features: &Features, nearest: &[(u32, f32)], i: usize) -> Opinion {
        let log_p = |(member, &weight): (&Member, &f64)| match weight > 0.0 {
            true => self.log_probabilities(member, features, nearest, i),
            false => Vec::new(),
        };
        let members: Vec<Vec<f32>> = self.members.iter().zip(&self.mixture.weights).map(log_p).collect();
        let mut probabilities = self.mixture.pool(&members, &self.prior);
        self.calibrator.apply(&mut probabilities);
        retire(&mut probabilities, &self.retired);
        Opinion { probabilities, members }
    }

    /// The n-gram baseline's probabilities for each ticket, `k` a ticket; `None` in a bundle without it.
    pub fn ngram_probabilities(&self, features: &Features) -> Option<Vec<Vec<f32>>> {
        let head = self.members.iter().find_map(|m| match m {
            Member::Ngram(head) => Some(head),
            _ => None,
        })?;
        let row = |i: usize| {
            let mut logits = head.logits(features.sparse.row(i), &[]);
            softmax(&mut logits);
            logits
        };
        Some((0..features.sparse.len()).into_par_iter().map(row).collect())
    }

    fn log_probabilities(
        &self,
        member: &Member,
        features: &Features,
        nearest: &[(u32, f32)],
        i: usize,
    ) -> Vec<f32> {
        match member.head() {
            Some(head) => {
                let d = features.embeddings.len() / features.sparse.len();
                log_softmax(&head.logits(features.sparse.row(i), &features.embeddings[i * d..(i + 1) * d]))
            }
            None => Neighbours::vote(nearest, &self.history_labels, &self.prior),
        }
    }
}

/// The label and the marginal probabilities of each field of `hierarchy`; nothing where there is none.
pub fn decide_together(
    hierarchy: Option<&Hierarchy>,
    opinions: &BTreeMap<Field, Opinion>,
) -> BTreeMap<Field, (usize, Vec<f32>)> {
    let Some(hierarchy) = hierarchy else { return BTreeMap::new() };
    let fields: Vec<Field> = HIERARCHY.into_iter().filter(|f| opinions.contains_key(f)).collect();
    let probabilities: Vec<&[f32]> = fields.iter().map(|f| opinions[f].probabilities.as_slice()).collect();
    let decoded = hierarchy.decode(&probabilities);
    fields.into_iter().zip(decoded.labels.into_iter().zip(decoded.marginals)).collect()
}

/// Takes the probability of the `retired` labels away and shares it out among the others.
pub fn retire(probabilities: &mut [f32], retired: &[u32]) {
    if retired.is_empty() {
        return;
    }
    retired.iter().for_each(|&label| probabilities[label as usize] = 0.0);
    let left: f32 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= left.max(f32::MIN_POSITIVE));
}

/// The index of the largest value, the lowest among equals.
pub fn argmax(p: &[f32]) -> usize {
    (0..p.len()).rev().max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap_or(0)
}

#[derive(Debug, Serialize, Deserialize)]
struct InfoFile {
    #[serde(flatten)]
    info: BundleInfo,
    fields: BTreeMap<Field, FieldFile>,
    hierarchy: Option<Hierarchy>,
    files: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FieldFile {
    space: LabelSpace,
    members: Vec<String>,
    mixture: Mixture,
    calibrator: Calibrator,
    correctness: Option<Correctness>,
    ordinal: Option<Ordinal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retired: Vec<u32>,
    rare: BTreeMap<String, usize>,
}

impl Bundle {
    /// Checks that a bundle may be written into `dir`, so that hours of training are not lost on it.
    ///
    /// # Errors
    /// [`Code::Bundle`] when `dir` holds something else; [`Code::Io`] when nothing can be written there.
    pub fn check_place(dir: &Path) -> Result<()> {
        publish::staging(dir).map(drop)
    }

    /// Writes the bundle into `dir` with the files of its encoder and of what fine-tuning made of it, by atomic
    /// rename. A bundle that stands there is replaced; a folder that is no bundle is refused.
    ///
    /// # Errors
    /// [`Code::Bundle`] when `dir` holds something else; [`Code::Io`] when it can't be written.
    pub fn publish(&self, dir: &Path, encoder: &EncoderFiles, tuned: Option<&EncoderFiles>) -> Result<()> {
        publish::publish(dir, |staging| {
            let mut files = BTreeMap::new();
            for (name, encoder) in [(ENCODER, Some(encoder)), (TUNED, tuned)] {
                let Some(EncoderFiles { dir, manifest }) = encoder else { continue };
                let place = staging.join(name);
                fs::create_dir(&place).map_err(|e| UserError::io(place.display(), &e))?;
                for file in &manifest.files {
                    publish::copy(&dir.join(&file.path), &place.join(&file.path))?;
                }
                let text = manifest.to_toml()?;
                let sha256 = publish::write(&place.join(MANIFEST), text.as_bytes())?;
                files.insert(format!("{name}/{MANIFEST}"), sha256);
            }
            files.insert(WEIGHTS.into(), publish::write(&staging.join(WEIGHTS), &self.tensors()?)?);
            let info = InfoFile {
                info: self.info.clone(),
                fields: self.field_files(),
                hierarchy: self.hierarchy.clone(),
                files,
            };
            let json = serde_json::to_vec_pretty(&info)
                .map_err(|e| InternalError::new(format!("bundle.json: {e}")))?;
            publish::write(&staging.join(INFO), &json)?;
            Ok(())
        })
    }

    /// Loads the bundle in `dir`, checking version, hashes and shapes.
    ///
    /// # Errors
    /// [`Code::Bundle`] when it is missing, damaged or of another version.
    pub fn load(dir: &Path) -> Result<Self> {
        let path = dir.join(INFO);
        let json = fs::read(&path).map_err(|e| {
            let next =
                "Train one with `firstline train --bundle DIR`, or name the folder that holds bundle.json";
            UserError::new(Code::Bundle, path.display().to_string(), e.to_string(), next)
        })?;
        let version: Version = serde_json::from_slice(&json).map_err(|e| damaged(&path, e.to_string()))?;
        if version.format != BUNDLE_FORMAT {
            let problem = format!("format {}, but this program reads format {BUNDLE_FORMAT}", version.format);
            return Err(
                UserError::new(Code::Bundle, path.display().to_string(), problem, "Train it anew").into()
            );
        }
        let file: InfoFile = serde_json::from_slice(&json).map_err(|e| damaged(&path, e.to_string()))?;
        let tuned = file.info.tuned.then_some(TUNED);
        let manifests = [ENCODER].into_iter().chain(tuned).map(|name| format!("{name}/{MANIFEST}"));
        for needed in manifests.chain([WEIGHTS.to_owned()]) {
            if !file.files.contains_key(&needed) {
                return Err(damaged(&path, format!("it states no sha256 of {needed}")).into());
            }
        }
        for (name, sha256) in &file.files {
            publish::check(dir, name, sha256)?;
        }
        Self::from_files(file, &dir.join(WEIGHTS))
    }

    /// Loads the bundle's encoders from `dir` and checks their files against their manifests.
    ///
    /// # Errors
    /// [`Code::Model`] when the files don't make encoders of the bundle's dimensions.
    pub fn load_encoders(&self, dir: &Path) -> Result<Encoders> {
        let load = |name: &str| -> Result<Encoder> {
            let EncoderFiles { dir, manifest } = EncoderFiles::in_folder(dir.join(name))?;
            for file in &manifest.files {
                publish::check(&dir, &file.path, &file.sha256)?;
            }
            Encoder::load(&dir, &manifest)
        };
        let encoders = Encoders::new(load(ENCODER)?, self.info.tuned.then(|| load(TUNED)).transpose()?);
        if encoders.dimensions() != self.info.dimensions {
            let problem = format!(
                "the encoders have {} dimensions, the heads {}",
                encoders.dimensions(),
                self.info.dimensions
            );
            return Err(damaged(dir, problem).into());
        }
        Ok(encoders)
    }

    /// What each member of each field's mixture takes for the most probable label, by the member's name: what the
    /// mixture is to beat. Members without weight say nothing.
    pub fn members_alone(
        &self,
        features: &Features,
        nearest: &[Vec<(u32, f32)>],
    ) -> BTreeMap<Field, BTreeMap<&'static str, Vec<u32>>> {
        let of = |(&field, model): (&Field, &FieldModel)| {
            let alone = |(m, member): (usize, &Member)| {
                let label = |i: usize| {
                    let near = nearest.get(i).map_or(&[][..], Vec::as_slice);
                    argmax(&model.log_probabilities(&model.members[m], features, near, i)) as u32
                };
                (member.name(), (0..features.sparse.len()).into_par_iter().map(label).collect())
            };
            let weighed = model.members.iter().enumerate().filter(|&(m, _)| model.mixture.weights[m] > 0.0);
            (field, weighed.map(alone).collect())
        };
        self.fields.iter().map(of).collect()
    }

    /// Judges each ticket of `features`, whose nearest tickets of the history are `nearest`.
    pub fn judge(
        &self,
        features: &Features,
        nearest: &[Vec<(u32, f32)>],
        given: &[BTreeMap<Field, String>],
    ) -> BTreeMap<Field, Vec<Judgement>> {
        let near = |i: usize| nearest.get(i).map_or(&[][..], Vec::as_slice);
        let judge = |i: usize| {
            let opinion =
                |(&field, model): (&Field, &FieldModel)| (field, model.opinion(features, near(i), i));
            let mut opinions: BTreeMap<Field, Opinion> = self.fields.iter().map(opinion).collect();
            for (field, label) in given.get(i).into_iter().flatten() {
                let label = self.fields.get(field).and_then(|model| model.space.index(label));
                if let (Some(label), Some(opinion)) = (label, opinions.get_mut(field)) {
                    opinion.probabilities.fill(0.0);
                    opinion.probabilities[label] = 1.0;
                }
            }
            let mut decided = decide_together(self.hierarchy.as_ref(), &opinions);
            let judge = |(field, opinion): (Field, Opinion)| {
                let model = &self.fields[&field];
                let (label, probabilities) = decided
                    .remove(&field)
                    .unwrap_or_else(|| (model.choose(&opinion.probabilities), opinion.probabilities));
                let evidence = Evidence {
                    label,
                    probabilities: &probabilities,
                    members: &opinion.members,
                    nearest: near(i),
                    history_labels: &model.history_labels,
                    prior: &model.prior,
                    features: features.sparse.row(i).index.len(),
                };
                let confidence = match &model.correctness {
                    Some(model) => model.probability(&evidence.signs()) as f32,
                    None => probabilities[label],
                };
                (field, Judgement { label, confidence, probabilities })
            };
            opinions.into_iter().map(judge).collect::<Vec<_>>()
        };
        let tickets: Vec<Vec<(Field, Judgement)>> =
            (0..features.sparse.len()).into_par_iter().map(judge).collect();
        let mut fields: BTreeMap<Field, Vec<Judgement>> = BTreeMap::new();
        for (field, judgement) in tickets.into_iter().flatten() {
            fields.entry(field).or_default().push(judgement);
        }
        fields
    }

    /// Whether training has seen this ticket, or set it aside as a repeat of one that it has seen.
    pub fn has_seen(&self, ticket: &Ticket) -> bool {
        self.seen.binary_search(&Self::ticket_hash(ticket)).is_ok()
    }

    /// The hash under which [`Bundle::seen`] keeps a ticket: of its id and text, since two exports may both
    /// number from 1.
    pub fn ticket_hash(ticket: &Ticket) -> u64 {
        let text = |s: &Option<String>| s.clone().unwrap_or_default();
        xxhash_rust::xxh3::xxh3_64(
            [&ticket.id, "\0", &text(&ticket.subject), "\0", &text(&ticket.body)].concat().as_bytes(),
        )
    }

    fn field_files(&self) -> BTreeMap<Field, FieldFile> {
        let file = |m: &FieldModel| FieldFile {
            space: m.space.clone(),
            members: m.members.iter().map(|m| m.name().to_owned()).collect(),
            mixture: m.mixture.clone(),
            calibrator: m.calibrator.clone(),
            correctness: m.correctness.clone(),
            ordinal: m.ordinal.clone(),
            retired: m.retired.clone(),
            rare: m.rare.clone(),
        };
        self.fields.iter().map(|(&field, model)| (field, file(model))).collect()
    }

    fn tensors(&self) -> Result<Vec<u8>> {
        let mut out = Tensors::default();
        let (ngrams, context, idf) = self.vocabulary.parts();
        out.put_u32("vocabulary.ngrams", ngrams);
        out.put_u32("vocabulary.context", context);
        out.put_f32("vocabulary.idf", idf);
        out.put_f32("history.embeddings", &self.history);
        out.put_u64("seen", &self.seen);
        for (field, model) in &self.fields {
            out.put_f32(&format!("{field}.prior"), &model.prior);
            out.put_u32(&format!("{field}.history"), &model.history_labels);
            let Reserve { confidence, label, correct } = &model.reserve;
            out.put_f32(&format!("{field}.reserve.confidence"), confidence);
            out.put_u32(&format!("{field}.reserve.label"), label);
            let correct: Vec<u32> = correct.iter().map(|&c| u32::from(c)).collect();
            out.put_u32(&format!("{field}.reserve.correct"), &correct);
            for member in &model.members {
                if let Some(head) = member.head() {
                    let key = format!("{field}.{}", member.name());
                    out.put_f32(&format!("{key}.sparse"), &head.sparse);
                    out.put_f32(&format!("{key}.dense"), &head.dense);
                    out.put_f32(&format!("{key}.bias"), &head.bias);
                }
            }
        }
        out.serialize()
    }

    fn from_files(file: InfoFile, weights: &Path) -> Result<Self> {
        let bytes = fs::read(weights).map_err(|e| UserError::io(weights.display(), &e))?;
        let tensors = Tensors::parse(&bytes).map_err(|e| damaged(weights, e))?;
        let read = || -> std::result::Result<Self, String> {
            let idf = tensors.f32("vocabulary.idf")?;
            let ngrams = tensors.u32("vocabulary.ngrams")?;
            if idf.len() != ngrams.len() {
                return Err("vocabulary and idf differ in length".into());
            }
            let vocabulary = Vocabulary::from_parts(ngrams, tensors.u32("vocabulary.context")?, idf);
            let history = tensors.f32("history.embeddings")?;
            let d = file.info.dimensions;
            if d == 0 || !history.len().is_multiple_of(d) {
                return Err("the history's embeddings do not fit the dimensions".into());
            }
            let n = history.len() / d;
            let mut fields = BTreeMap::new();
            for (field, described) in file.fields {
                fields.insert(field, field_model(&tensors, field, described, d, n)?);
            }
            let together = HIERARCHY.iter().filter_map(|f| fields.get(f));
            let sizes: Vec<usize> = together.map(|m: &FieldModel| m.space.len()).collect();
            if !file.hierarchy.as_ref().is_none_or(|h| h.is_sound(&sizes)) {
                return Err("the hierarchy does not fit the fields".into());
            }
            let (info, hierarchy) = (file.info, file.hierarchy);
            Ok(Self { info, vocabulary, history, seen: tensors.u64("seen")?, fields, hierarchy })
        };
        read().map_err(|e| damaged(weights, e).into())
    }
}

#[derive(Deserialize)]
struct Version {
    format: u32,
}

fn field_model(
    tensors: &Tensors<'_>,
    field: Field,
    file: FieldFile,
    dimensions: usize,
    history: usize,
) -> std::result::Result<FieldModel, String> {
    let k = file.space.len();
    let members = file
        .members
        .iter()
        .map(|name| {
            let key = format!("{field}.{name}");
            let head = match name.as_str() {
                "neighbours" => None,
                _ => Some(Head {
                    classes: k,
                    sparse: tensors.f32(&format!("{key}.sparse"))?,
                    dense: tensors.f32(&format!("{key}.dense"))?,
                    bias: tensors.f32(&format!("{key}.bias"))?,
                }),
            };
            // Fine-tuning leaves an encoder's dimensions as they are: the original's are the leading half.
            let reads = if name == "original" { dimensions / 2 } else { dimensions };
            if head.as_ref().is_some_and(|h| !h.is_consistent(reads)) {
                return Err(format!("{key}: the weights' shapes do not fit"));
            }
            Member::from_name(name, head).ok_or_else(|| format!("{field}: no member {name:?}"))
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let prior = tensors.f32(&format!("{field}.prior"))?;
    let history_labels = tensors.u32(&format!("{field}.history"))?;
    let reserve = Reserve {
        confidence: tensors.f32(&format!("{field}.reserve.confidence"))?,
        label: tensors.u32(&format!("{field}.reserve.label"))?,
        correct: tensors.u32(&format!("{field}.reserve.correct"))?.into_iter().map(|c| c == 1).collect(),
    };
    let n = reserve.confidence.len();
    if file.retired.len() >= k || file.retired.iter().any(|&l| l as usize >= k) {
        return Err(format!("{field}: the retired labels do not fit"));
    }
    if !file.ordinal.as_ref().is_none_or(|o| o.is_sound(k)) {
        return Err(format!("{field}: the order of the labels does not fit"));
    }
    if reserve.label.len() != n
        || reserve.correct.len() != n
        || reserve.label.iter().any(|&l| l as usize >= k)
        || !reserve.confidence.iter().all(|c| (0.0..=1.0).contains(c))
        || !file.calibrator.is_sound(k)
        || !file.correctness.as_ref().is_none_or(Correctness::is_sound)
    {
        return Err(format!("{field}: reserve, calibrator or correctness model do not fit"));
    }
    let pooled = !members.is_empty() && members.len() == file.mixture.weights.len();
    let mixture = &file.mixture;
    let sound = (1e-3..=1e3).contains(&mixture.temperature)
        && (0.0..=1.0).contains(&mixture.floor)
        && mixture.weights.iter().all(|w| (0.0..=1.0).contains(w))
        && (mixture.weights.iter().sum::<f64>() - 1.0).abs() < 1e-6
        && prior.iter().all(|p| (0.0..=1.0).contains(p));
    if k < 2 || !pooled || !sound || prior.len() != k || history_labels.len() != history {
        return Err(format!("{field}: prior, history or mixture do not fit"));
    }
    Ok(FieldModel {
        space: file.space,
        prior,
        members,
        mixture: file.mixture,
        history_labels,
        calibrator: file.calibrator,
        correctness: file.correctness,
        ordinal: file.ordinal,
        retired: file.retired,
        reserve,
        rare: file.rare,
    })
}

fn damaged(place: &Path, problem: impl Into<String>) -> UserError {
    UserError::new(
        Code::Bundle,
        place.display().to_string(),
        problem,
        "The bundle is damaged: train it anew or copy it again",
    )
}
