//! Teaching a small language model: low-rank adapters learn from lessons, and the model is written for a bundle.
//!
//! The loss must never be measured on lessons that were learnt from.

use std::fs;
use std::path::Path;

use firstline_drafts::{Lesson, create_private_folder};
use firstline_fault::{Code, Result, UserError};
use firstline_nn::{LoraOptions, LoraTuner, Message};
use firstline_triage::bundle::layout::{WRITER, WRITER_CHOICE};

use super::choice::WriterChoice;
use crate::prepare::shuffled;
use crate::progress::{Progress, interrupted};

/// Lessons of one step.
const BATCH: usize = 8;
/// Lessons of which the loss is measured before and after, and their share.
const MEASURED: usize = 40;
const MEASURED_SHARE: usize = 8;
/// Layers that learn, from the top: those below cost a forward only.
const LAYERS: usize = 15;
/// Learning rate at its height.
const RATE: f64 = 5e-4;

/// How a model is taught.
#[derive(Debug, Clone, Copy)]
pub struct TeachOptions {
    /// How often each lesson is read.
    pub epochs: usize,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

/// Teaches the model in the GGUF file `base` from `lessons` and writes it for the bundle in `dir`. Returns the loss before
/// and after on lessons that it did not learn from, and how many it did learn from.
///
/// # Errors
/// [`Code::Model`] when the model can't be taught; [`Code::Empty`] for too few lessons; [`Code::Interrupted`] when `progress`
/// says so.
pub fn teach(
    base: &Path,
    lessons: &[Lesson],
    options: TeachOptions,
    dir: &Path,
    progress: &mut dyn Progress,
) -> Result<([f64; 2], usize)> {
    let TeachOptions { epochs, seed } = options;
    let options = LoraOptions { layers: LAYERS, rate: RATE, ..LoraOptions::default() };
    let mut tuner = LoraTuner::open(base, options, seed)?;
    let mut read: Vec<(Vec<u32>, usize)> = Vec::new();
    for lesson in lessons {
        read.extend(tokens(&tuner, lesson)?.filter(|(tokens, _)| tokens.len() <= tuner.longest()));
    }
    let measured = read.split_off(read.len() - (read.len() / MEASURED_SHARE).min(MEASURED));
    if read.len() < BATCH || measured.is_empty() {
        let problem = format!("{} lessons are too few to learn from", lessons.len());
        let next = "Name the history that the index was made from";
        return Err(UserError::new(Code::Empty, "tickets", problem, next).into());
    }
    fn borrowed(all: &[(Vec<u32>, usize)]) -> Vec<firstline_nn::Lesson<'_>> {
        all.iter().map(|(tokens, from)| firstline_nn::Lesson { tokens, from: *from }).collect()
    }
    let measured = borrowed(&measured);
    let before = tuner.loss(&measured)?;
    let total = epochs * read.len().div_ceil(BATCH);
    let mut steps = 0;
    progress.stage("teaching the model", total as u64);
    for epoch in 0..epochs {
        let order = shuffled(read.len(), seed.wrapping_add(epoch as u64));
        let all = borrowed(&read);
        for batch in order.chunks(BATCH) {
            let batch: Vec<firstline_nn::Lesson<'_>> = batch.iter().map(|&i| all[i]).collect();
            let loss = tuner.step(&batch, (steps as f64 + 0.5) / total as f64)?;
            steps += 1;
            progress.note(&format!("loss {loss:.3}"));
            if progress.done(steps as u64).is_break() {
                return Err(interrupted("teaching"));
            }
        }
    }
    let after = tuner.loss(&measured)?;
    let path = WriterChoice::tuned(dir);
    let folder = dir.join(WRITER);
    create_private_folder(&folder).map_err(|e| UserError::io(folder.display(), &e))?;
    // An older choice says nothing of this model.
    match fs::remove_file(folder.join(WRITER_CHOICE)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(UserError::io(folder.display(), &e).into());
        }
        _ => {}
    }
    tuner.export(&path)?;
    Ok(([before, after], read.len()))
}

/// A lesson as the model reads it: the prompt, the answer and the token that ends it, and where the answer begins. `None`
/// where the model's own form does not put the answer behind the prompt.
fn tokens(tuner: &LoraTuner, lesson: &Lesson) -> Result<Option<(Vec<u32>, usize)>> {
    let vocabulary = tuner.vocabulary();
    let prompt = vocabulary.encode_chat(&lesson.prompt)?;
    let answer = Message { role: "assistant", content: lesson.answer.clone() };
    let talk: Vec<Message> = lesson.prompt.iter().cloned().chain([answer]).collect();
    let mut all = vocabulary.encode_chat(&talk)?;
    if !all.starts_with(&prompt) {
        return Ok(None);
    }
    let end = all[prompt.len()..].iter().position(|token| vocabulary.ends().contains(token));
    Ok(end.filter(|end| *end > 0).map(|end| {
        all.truncate(prompt.len() + end + 1);
        (all, prompt.len())
    }))
}
