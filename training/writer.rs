//! Teaching a small language model how this desk answers: low-rank adapters learn, from a ticket and the sentences found for
//! it, which of them its technician sent. Whether that makes better drafts is measured, on tickets that nothing was learnt
//! from, and written down beside the model.
//!
//! Must never teach a word that not everybody may see: answers consist of the sentences that drafts may use.

use std::fs;
use std::path::{Path, PathBuf};

use firstline_drafts::{Drafter, Lesson};
use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_nn::{LoraOptions, LoraTuner, Message};
use firstline_ticket::{Origin, Ticket};
use serde::{Deserialize, Serialize};

use crate::shuffle::shuffled;
use crate::{DraftReport, Progress, interrupted};

/// The folder of a bundle's own model, and what lies in it.
const WRITER: &str = "writer";
const MODEL: &str = "tuned.gguf";
const CHOICE: &str = "writer.json";
/// Lessons of one step.
const BATCH: usize = 8;
/// Lessons of which the loss is measured before and after, and their share.
const MEASURED: usize = 40;
const MEASURED_SHARE: usize = 8;
/// Tickets that are looked at together.
const TOGETHER: usize = 64;
/// Layers that learn, from the top: those below cost a forward only.
const LAYERS: usize = 15;
/// Learning rate at its height.
const RATE: f64 = 5e-4;
/// How many standard deviations of chance a model has to be better by: 5 %, one-sided.
const BEYOND_CHANCE: f64 = 1.645;

/// Which language model writes a bundle's drafts, and how that was found out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WriterChoice {
    /// The model that was taught.
    pub model: String,
    /// Who writes: [`Self::TUNED`], the model's name as it was before, or nobody: past sentences as they are.
    pub better: Option<String>,
    /// Lessons that it learnt from, and how often each was read.
    pub lessons: usize,
    /// See there.
    pub epochs: usize,
    /// Seed of what was drawn.
    pub seed: u64,
    /// Mean negative log likelihood of a token of the answers, nats, on lessons that it did not learn from, before and after.
    pub loss: [f64; 2],
    /// Tickets that drafts were compared on.
    pub compared: usize,
    /// The drafts of each way.
    pub ways: Vec<Way>,
}

/// The drafts of one way to write them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Way {
    /// `none`, the model's name, or [`WriterChoice::TUNED`].
    pub writer: String,
    /// Of the drafts, those that the model wrote and the guard let pass.
    pub written: usize,
    /// Share with the same content as what the technician sent.
    pub same_content: f64,
    /// Mean ROUGE-L.
    pub rouge_l: f64,
    /// Mean cosine of the texts' embeddings.
    pub cosine: f64,
    /// Seconds a ticket.
    pub seconds: f64,
}

impl WriterChoice {
    /// What the model that was taught is called.
    pub const TUNED: &'static str = "tuned";

    /// The choice of the bundle in `dir`; `None` where none was made.
    ///
    /// # Errors
    /// [`Code::Bundle`] when it can't be read.
    pub fn read(dir: &Path) -> Result<Option<Self>> {
        let path = dir.join(WRITER).join(CHOICE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
                let next = "Make it anew: firstline drafts tune";
                UserError::new(Code::Bundle, path.display().to_string(), e.to_string(), next).into()
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(UserError::io(path.display(), &e).into()),
        }
    }

    /// Writes it for the bundle in `dir`.
    ///
    /// # Errors
    /// [`Code::Io`] when it can't be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = dir.join(WRITER).join(CHOICE);
        let json =
            serde_json::to_vec_pretty(self).map_err(|e| InternalError::new(format!("the choice: {e}")))?;
        Ok(firstline_nn::write_file(&[json], &path).map_err(|e| UserError::io(path.display(), &e))?)
    }

    /// The model that was taught for the bundle in `dir`.
    pub fn tuned(dir: &Path) -> PathBuf {
        dir.join(WRITER).join(MODEL)
    }
}

impl Way {
    /// What `report` says of drafts by `writer`, which took `seconds`.
    pub fn of(writer: &str, report: &DraftReport, seconds: f64) -> Self {
        Self {
            writer: writer.to_owned(),
            written: report.outcomes.iter().filter(|(origin, ..)| *origin == Origin::Generated).count(),
            same_content: report.all.same_content,
            rouge_l: report.all.rouge_l,
            cosine: report.all.cosine,
            seconds: seconds / report.drafted.max(1) as f64,
        }
    }
}

/// Whether the drafts of `new` are right more often than those of `old`, to the same tickets, by more than chance: a sign
/// test on the tickets where they differ.
pub fn is_better(new: &DraftReport, old: &DraftReport) -> bool {
    let pairs = || new.outcomes.iter().zip(&old.outcomes);
    let wins = pairs().filter(|(new, old)| new.2 && !old.2).count() as f64;
    let losses = pairs().filter(|(new, old)| !new.2 && old.2).count() as f64;
    new.outcomes.len() == old.outcomes.len() && wins - losses > BEYOND_CHANCE * (wins + losses).sqrt()
}

/// Up to `most` lessons from `tickets`, in an order by `seed`.
///
/// # Errors
/// A fault of the engine; [`Code::Interrupted`] when `progress` says so.
pub fn lessons(
    drafter: &Drafter<'_>,
    tickets: &[Ticket],
    most: usize,
    seed: u64,
    progress: &mut dyn Progress,
) -> Result<Vec<Lesson>> {
    let order = shuffled(tickets.len(), seed);
    let mut all: Vec<Lesson> = Vec::new();
    progress.stage("looking for lessons", most as u64);
    for chunk in order.chunks(TOGETHER) {
        let chunk: Vec<Ticket> = chunk.iter().map(|&i| tickets[i].clone()).collect();
        all.extend(drafter.lessons(&chunk)?.into_iter().flatten());
        if progress.done(all.len().min(most) as u64).is_break() {
            return Err(interrupted("looking for lessons"));
        }
        if all.len() >= most {
            break;
        }
    }
    all.truncate(most);
    Ok(all)
}

/// Teaches the model in the GGUF file `base` from `lessons`, read `epochs` times, and writes it for the bundle in `dir`.
/// Returns the loss before and after on lessons that it did not learn from, and how many it did.
///
/// # Errors
/// [`Code::Model`] when the model can't be taught; [`Code::Empty`] for too few lessons; [`Code::Interrupted`] when `progress`
/// says so.
pub fn teach(
    base: &Path,
    lessons: &[Lesson],
    epochs: usize,
    seed: u64,
    dir: &Path,
    progress: &mut dyn Progress,
) -> Result<([f64; 2], usize)> {
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
    fs::create_dir_all(&folder).map_err(|e| UserError::io(folder.display(), &e))?;
    // An older choice says nothing of this model.
    match fs::remove_file(folder.join(CHOICE)) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_better_only_beyond_chance() {
        let report = |right: &dyn Fn(usize) -> bool| DraftReport {
            outcomes: (0..100).map(|i| (Origin::Generated, 0.5, right(i))).collect(),
            ..DraftReport::default()
        };
        let old = report(&|i| i < 50);
        assert!(is_better(&report(&|i| i < 60), &old));
        assert!(!is_better(&report(&|i| i < 52), &old));
        assert!(!is_better(&report(&|i| i >= 50), &old));
        assert!(!is_better(&old, &old));
    }
}
