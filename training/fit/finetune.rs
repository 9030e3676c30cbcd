//! Fine-tuning of the encoder on one MSP's history: all fields at once, on the train window, stopped where the
//! calibrate window says that it no longer helps.
//!
//! The tokens that it reads bound how long it takes, so a large history is read less often than a small one. Its work
//! folder holds what it needs to resume after a stop, beside the best encoder so far. Must never read a ticket that
//! the course does not name.

use std::collections::HashMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use firstline_drafts::create_private_folder;
use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_nn::{Example, Manifest, TuneOptions, Tuner};
use firstline_ticket::{Field, LabelSpace};
use firstline_triage::EncoderFiles;
use rand::SeedableRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::pool::{PoolData, fit_mixture};
use crate::Progress;
use crate::prepare::{History, shuffled};

/// Texts of one step.
const BATCH: usize = 32;
/// Batches whose texts are drawn together and then sorted by length, so that little is padding.
const BATCHES_SORTED: usize = 50;
/// Longest text in tokens: attention's cost grows with its square, and what a ticket is about stands at its ends.
const MOST_TOKENS: usize = 128;
/// Tokens read at most, all epochs together: some 25 minutes on two cores with AVX2.
pub(crate) const TOKEN_BUDGET: usize = 3_000_000;
/// Epochs at most.
const MOST_EPOCHS: usize = 5;
/// Share of the steps in which the learning rate grows from nothing; it falls back to nothing in the others.
const WARM_UP: f64 = 0.1;
/// Steps between two checkpoints.
const CHECKPOINT: u64 = 200;
/// Share of the contrastive loss where there is one (Gunel et al., arXiv 2011.01403, chose it from a grid).
const CONTRAST: f64 = 0.9;
const OPTIONS: TuneOptions = TuneOptions {
    frozen_share: 0.34,
    rate: 1.5e-4,
    head_rate: 3e-3,
    layer_decay: 0.8,
    weight_decay: 0.01,
    label_smoothing: 0.0,
    contrast: 0.0,
    scale: 20.0,
    clip: 1.0,
};

/// What fine-tuning makes small.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// The heads' log loss.
    Labels,
    /// That, and a contrastive loss over pairs of one label.
    Contrast,
}

/// What to fine-tune on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course<'a> {
    pub(crate) history: &'a History,
    /// The tickets to learn from.
    pub(crate) train: &'a [usize],
    /// The tickets that say when to stop; with none it goes on to the end.
    pub(crate) validate: &'a [usize],
    /// The fields to learn and their labels.
    pub(crate) fields: &'a [(Field, LabelSpace)],
    pub(crate) objective: Objective,
    /// Tokens read at most, all epochs together.
    pub(crate) budget: usize,
    pub(crate) seed: u64,
}

/// What is noted in a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    /// Hash of the course.
    course: String,
    /// The best loss so far, the epoch it came after and the manifest of the encoder as it was then.
    best: Option<(f64, u64, Manifest)>,
}

/// One text, tokenized, and its class in each field.
struct Text {
    ids: Vec<u32>,
    labels: Vec<Option<u32>>,
}

/// Fine-tunes the encoder of `source` and leaves the best of it in `work`, where a stopped run goes on.
///
/// # Errors
/// [`firstline_fault::Code::Interrupted`] when `progress` asks to stop, [`firstline_fault::Code::Io`] when
/// `work` can't be written, and faults of the model.
pub(crate) fn finetune(
    course: Course<'_>,
    source: &EncoderFiles,
    work: &Path,
    progress: &mut dyn Progress,
) -> Result<EncoderFiles> {
    let EncoderFiles { dir, manifest } = source;
    create_private_folder(work).map_err(|e| UserError::io(work.display(), &e))?;
    let share = 1.0 / course.fields.len() as f64;
    let tasks: Vec<(usize, f64)> = course.fields.iter().map(|(_, space)| (space.len(), share)).collect();
    let short = Manifest { max_tokens: manifest.max_tokens.min(MOST_TOKENS), ..manifest.clone() };
    let options = match course.objective {
        Objective::Labels => OPTIONS,
        Objective::Contrast => TuneOptions { contrast: CONTRAST, ..OPTIONS },
    };
    let open = || Tuner::open(dir, &short, &tasks, options);
    let mut tuner = open()?;
    let train = texts(&course, &tuner, course.train)?;
    let validate = texts(&course, &tuner, course.validate)?;
    let plan = Plan::new(&train, &course);

    let checkpoint = work.join("checkpoint");
    let encoder = |epoch: u64| work.join(format!("encoder-{epoch}"));
    let mut note = Note { course: identity(&course, &short), best: None };
    if checkpoint.exists() {
        // A checkpoint of another course is of no use: its place is taken.
        let kept = tuner.restore(&checkpoint).ok().and_then(|n| serde_json::from_str::<Note>(&n).ok());
        match kept.filter(|kept| kept.course == note.course) {
            Some(kept) => note = kept,
            None => tuner = open()?,
        }
    }
    let steps = plan.batches.len() as u64;
    let a_epoch = steps / plan.epochs as u64;
    let mut loss: Option<f64> = None;
    progress.stage("fine-tuning the encoder", steps);
    while tuner.steps() < steps {
        let step = tuner.steps();
        if progress.done(step).is_break() {
            save(&tuner, &checkpoint, &note)?;
            return Err(UserError::new(
                Code::Interrupted,
                "fine-tuning",
                format!("stopped after {step} of {steps} steps"),
                format!("Run it again: it goes on from there; what it needs is in {}", work.display()),
            )
            .into());
        }
        let batch: Vec<Example<'_>> = plan.batches[step as usize]
            .iter()
            .map(|&i| Example { ids: &train[i].ids, labels: &train[i].labels })
            .collect();
        let now = tuner.step(&batch, rate(step, steps))?;
        if !now.is_finite() {
            let problem = format!("the loss after {step} steps is {now}");
            let next = "Train with --fine-tune never, and report it";
            return Err(UserError::new(Code::Model, "fine-tuning", problem, next).into());
        }
        let mean = loss.map_or(now, |loss| 0.98 * loss + 0.02 * now);
        loss = Some(mean);
        progress.note(&format!("loss {mean:.3}"));
        let step = step + 1;
        let mut outdone = None;
        if step.is_multiple_of(a_epoch) {
            let found = validation_loss(&tuner, &validate, &tasks, &mut |_| progress.done(step))?;
            if validate.is_empty() || note.best.as_ref().is_none_or(|(best, ..)| found < *best) {
                // In a folder of its own: whenever the run is killed, what the checkpoint names is whole.
                let epoch = step / a_epoch;
                let tuned = tuner.export(&encoder(epoch), manifest.precision)?;
                let tuned = Manifest { max_tokens: manifest.max_tokens, ..tuned };
                outdone = note.best.replace((found, epoch, tuned)).map(|(_, epoch, _)| encoder(epoch));
            }
        }
        if step.is_multiple_of(CHECKPOINT) || step.is_multiple_of(a_epoch) {
            save(&tuner, &checkpoint, &note)?;
        }
        if let Some(dir) = outdone {
            fs::remove_dir_all(&dir).map_err(|e| UserError::io(dir.display(), &e))?;
        }
    }
    match note.best {
        Some((_, epoch, manifest)) => Ok(EncoderFiles { dir: encoder(epoch), manifest }),
        None => Err(InternalError::new("a fine-tuning of no epoch").into()),
    }
}

fn save(tuner: &Tuner, path: &Path, note: &Note) -> Result<()> {
    let note = serde_json::to_string(note).map_err(|e| InternalError::new(e.to_string()))?;
    tuner.save(path, &note)
}

/// The share of the learning rate at `step` of `steps`.
fn rate(step: u64, steps: u64) -> f64 {
    let at = (step as f64 + 0.5) / steps as f64;
    (at / WARM_UP).min((1.0 - at) / (1.0 - WARM_UP))
}

/// The batches of all epochs, as positions in the texts.
struct Plan {
    epochs: usize,
    batches: Vec<Vec<usize>>,
}

impl Plan {
    fn new(texts: &[Text], course: &Course<'_>) -> Self {
        let fields = course.fields.len();
        let partners = match course.objective {
            Objective::Labels => None,
            Objective::Contrast => Some(Partners::new(texts, fields)),
        };
        let tokens: usize = texts.iter().map(|t| t.ids.len()).sum();
        let tokens = if partners.is_some() { 2 * tokens } else { tokens };
        let epochs = (course.budget / tokens.max(1)).clamp(1, MOST_EPOCHS);
        let drawn_alone = if partners.is_some() { BATCH / 2 } else { BATCH };
        let mut batches = Vec::new();
        for epoch in 0..epochs as u64 {
            let seed = course.seed.wrapping_add(epoch);
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            for drawn in shuffled(texts.len(), seed).chunks(drawn_alone * BATCHES_SORTED) {
                let mut drawn = drawn.to_vec();
                drawn.sort_by_key(|&i| (texts[i].ids.len(), i));
                let sorted: Vec<&[usize]> = drawn.chunks(drawn_alone).collect();
                for at in shuffled(sorted.len(), seed) {
                    let mut batch = sorted[at].to_vec();
                    if let Some(partners) = &partners {
                        batch.extend(sorted[at].iter().map(|&i| partners.of(&texts[i], &mut random)));
                    }
                    batches.push(batch);
                }
            }
        }
        // A history that is longer than the budget is read in part.
        let mut left = course.budget;
        let within = |batch: &Vec<usize>| {
            let has_room = left > 0;
            left = left.saturating_sub(batch.iter().map(|&i| texts[i].ids.len()).sum());
            has_room
        };
        let batches = match epochs {
            1 => batches.into_iter().take_while(within).collect(),
            _ => batches,
        };
        Self { epochs, batches }
    }
}

/// The texts of each label of each field.
struct Partners(Vec<HashMap<u32, Vec<usize>>>);

impl Partners {
    fn new(texts: &[Text], fields: usize) -> Self {
        let mut of = vec![HashMap::<u32, Vec<usize>>::new(); fields];
        for (i, text) in texts.iter().enumerate() {
            for (of, label) in of.iter_mut().zip(&text.labels) {
                label.iter().for_each(|&label| of.entry(label).or_default().push(i));
            }
        }
        Self(of)
    }

    /// A text that shares a label with `text`, of any field that it has one of; maybe itself.
    fn of(&self, text: &Text, random: &mut ChaCha8Rng) -> usize {
        let labels = self.0.iter().zip(&text.labels).filter_map(|(of, label)| of.get(label.as_ref()?));
        let among = labels.choose(random).and_then(|of| of.choose(random));
        // A text without a label is none of these.
        among.copied().unwrap_or_default()
    }
}

/// The tickets of `rows` that have a label of any field.
fn texts(course: &Course<'_>, tuner: &Tuner, rows: &[usize]) -> Result<Vec<Text>> {
    let text = |&row: &usize| {
        let ticket = &course.history.tickets[row];
        let class =
            |(field, space): &(Field, LabelSpace)| Some(space.index(ticket.labels.get(field)?)? as u32);
        let labels: Vec<Option<u32>> = course.fields.iter().map(class).collect();
        if labels.iter().all(Option::is_none) {
            return None;
        }
        let tokens = tuner.tokenize(&ticket.input.text());
        Some(tokens.map(|tokens| Text { ids: tokens.ids, labels }))
    };
    rows.par_iter().filter_map(text).collect()
}

/// Mean over the fields of the log loss on `validate`, each at its own best temperature: how sure the heads have
/// become is no reason to stop.
fn validation_loss(
    tuner: &Tuner,
    validate: &[Text],
    tasks: &[(usize, f64)],
    on_batch: &mut dyn FnMut(usize) -> ControlFlow<()>,
) -> Result<f64> {
    let ids: Vec<&[u32]> = validate.iter().map(|t| t.ids.as_slice()).collect();
    let predicted = tuner.predict(&ids, on_batch)?;
    let mut sum = 0.0;
    for (task, (rows, &(classes, share))) in predicted.iter().zip(tasks).enumerate() {
        let of = rows.iter().zip(validate).filter_map(|(row, t)| Some((row.clone(), t.labels[task]?)));
        let (log_p, labels): (Vec<Vec<f32>>, Vec<u32>) = of.unzip();
        if labels.is_empty() {
            continue;
        }
        let prior = vec![1.0 / classes as f32; classes];
        let data = PoolData { members: &[&log_p], labels: &labels, prior: &prior };
        sum += share * data.loss(&fit_mixture(data));
    }
    Ok(sum)
}

/// A hash over all that decides what is learnt.
fn identity(course: &Course<'_>, manifest: &Manifest) -> String {
    let program = (env!("CARGO_PKG_VERSION"), BATCH, BATCHES_SORTED, MOST_EPOCHS);
    let Course { objective, budget, seed, .. } = course;
    let mut text = format!("{}\0{program:?}\0{seed}\0{objective:?}\0{budget}\0", manifest.fingerprint());
    for rows in [course.train, course.validate] {
        for &row in rows {
            let ticket = &course.history.tickets[row];
            text += &format!("{:x}", ticket.hash);
            for (field, _) in course.fields {
                text += ticket.labels.get(field).map_or("", String::as_str);
                text.push('\0');
            }
        }
        text.push('\0');
    }
    firstline_triage::sha256_hex(text.as_bytes())
}
