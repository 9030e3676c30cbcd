//! What is made of the encoder: left as it is, fine-tuned on the labels, or fine-tuned with a contrastive loss beside
//! them. It is chosen by log loss on tickets that were not learnt from, and must never be chosen by hand.
//!
//! In a large history, one window of its own, calibrate, tells whether fine-tuning pays. In a small one that
//! window is a few dozen tickets, so the ways are compared by cross-validation over everything that is learnt from.

use std::path::Path;

use firstline_fault::Result;
use firstline_nn::Embeddings;
use firstline_triage::{EncoderFiles, side_by_side};
use serde::Serialize;

use super::members::{probe, probe_epochs};
use crate::Progress;
use crate::fit::{Course, Objective, finetune};
use crate::prepare::{EmbeddingCache, Material, embed, folds, open_encoder};

/// Fewer tickets than this, train and calibrate together, are few.
const FEW: usize = 2_000;
/// Folds of the cross-validation.
const FOLDS: usize = 3;
/// Tokens that each fine-tuning within it may read.
const FOLD_BUDGET: usize = 300_000;

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

/// One way that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Tried {
    /// What fine-tuning made small; `null` for the encoder as it is.
    pub objective: Option<Objective>,
    /// Log loss on tickets that were not learnt from, summed over the fields.
    pub loss: f64,
}

/// A fine-tuned encoder, and the embeddings of both encoders side by side.
pub(crate) type Tuned = (EncoderFiles, Embeddings);

/// What the choice is made with.
#[derive(Clone, Copy)]
pub(crate) struct EncoderChoice<'a> {
    pub(crate) course: Course<'a>,
    /// What heads would learn from, beside the encoder as it is.
    pub(crate) material: Material<'a>,
    pub(crate) embedded: &'a Embeddings,
    /// The tickets that are embedded.
    pub(crate) read: &'a [usize],
    /// The family of each ticket: near-duplicates share one, and no fold parts them.
    pub(crate) families: &'a [u32],
    pub(crate) source: &'a EncoderFiles,
    /// Where fine-tuning keeps what it needs.
    pub(crate) work: &'a Path,
}

impl EncoderChoice<'_> {
    /// What fine-tuning made of the encoder, `None` where that is better left as it is; and what was tried.
    ///
    /// # Errors
    /// As [`finetune`].
    pub(crate) fn make(
        self,
        fine_tuning: FineTuning,
        progress: &mut dyn Progress,
    ) -> Result<(Option<Tuned>, Vec<Tried>)> {
        let Course { train, validate, .. } = self.course;
        let few = train.len() + validate.len() < FEW;
        let mut tried = match fine_tuning {
            FineTuning::Never => return Ok((None, Vec::new())),
            tuning if few => self.cross_validate(tuning, progress)?,
            FineTuning::Auto | FineTuning::Always => Vec::new(),
        };
        let objective = match best(&tried) {
            Some(way) => way.objective,
            None => Some(self.course.objective),
        };
        let Some(objective) = objective else { return Ok((None, tried)) };
        let tuned = self.tune(Course { objective, ..self.course }, self.work, self.read, progress)?;
        if !few && fine_tuning == FineTuning::Auto {
            let without = self.loss(self.material, "the encoder as it was", progress)?;
            let with = Material { dense: &tuned.1.data, dimensions: tuned.1.dim, ..self.material };
            let with = self.loss(with, "the fine-tuned encoder", progress)?;
            tried = [(None, without), (Some(objective), with)]
                .map(|(objective, loss)| Tried { objective, loss })
                .into();
        }
        let pays = best(&tried).is_none_or(|way| way.objective.is_some());
        Ok((pays.then_some(tuned), tried))
    }

    /// Fine-tunes on `course` and embeds `rows`.
    fn tune(
        self,
        course: Course<'_>,
        work: &Path,
        rows: &[usize],
        progress: &mut dyn Progress,
    ) -> Result<Tuned> {
        let files = finetune(course, self.source, work, progress)?;
        let encoder = open_encoder(&files.dir, &files.manifest)?;
        let tuned = embed(course.history, rows, &encoder, &mut EmbeddingCache::default(), progress)?;
        Ok((files, side_by_side(self.embedded, &tuned)))
    }

    /// The loss of each way, summed over folds that it has not learnt from.
    fn cross_validate(self, fine_tuning: FineTuning, progress: &mut dyn Progress) -> Result<Vec<Tried>> {
        let rows: Vec<usize> = self.material.train.iter().chain(self.material.calibrate).copied().collect();
        let fold = folds(&rows, self.families, FOLDS, self.course.seed);
        let mut ways: Vec<Tried> = [None, Some(Objective::Labels), Some(Objective::Contrast)]
            .map(|objective| Tried { objective, loss: 0.0 })
            .into();
        if fine_tuning == FineTuning::Always {
            ways.remove(0);
        }
        for f in 0..FOLDS {
            let part = |held: bool| -> Vec<usize> {
                rows.iter().zip(&fold).filter(|&(_, &g)| (g == f) == held).map(|(&row, _)| row).collect()
            };
            let (learn, held) = (part(false), part(true));
            let material = Material { train: &learn, calibrate: &held, ..self.material };
            for Tried { objective, loss: sum } in &mut ways {
                let Some(objective) = *objective else {
                    *sum += self.loss(material, "the encoder as it is", progress)?;
                    continue;
                };
                let course =
                    Course { train: &learn, validate: &[], budget: FOLD_BUDGET, objective, ..self.course };
                let work = self.work.join(format!("fold-{f}-{objective:?}"));
                let (_, both) = self.tune(course, &work, &rows, progress)?;
                let material = Material { dense: &both.data, dimensions: both.dim, ..material };
                *sum += self.loss(material, "the fine-tuned encoder", progress)?;
            }
        }
        Ok(ways)
    }

    /// The log loss of heads and neighbours on `m.calibrate`, summed over the fields.
    fn loss(self, m: Material<'_>, what: &str, progress: &mut dyn Progress) -> Result<f64> {
        let mut sum = 0.0;
        for (field, space) in self.course.fields {
            progress.stage(&format!("trying {what} on {field}"), probe_epochs(m));
            sum += probe(m, *field, space, progress)?;
        }
        Ok(sum)
    }
}

/// The way of least loss.
fn best(tried: &[Tried]) -> Option<&Tried> {
    tried.iter().min_by(|a, b| a.loss.total_cmp(&b.loss))
}
