//! Whether a taught model writes a bundle's drafts: measured on tickets that nothing was learnt from, and written down
//! beside the model.
//!
//! Must never call a model better for what may be chance.

use std::fs;
use std::path::{Path, PathBuf};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_ticket::Origin;
use firstline_triage::bundle::layout::{WRITER, WRITER_CHOICE, WRITER_MODEL};
use serde::{Deserialize, Serialize};

use crate::measure::DraftReport;

/// How many standard deviations of chance a model has to be better by: 5 %, one-sided.
const BEYOND_CHANCE: f64 = 1.645;

/// Which language model writes a bundle's drafts, and how that was found out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WriterChoice {
    /// The model that was taught.
    pub model: String,
    /// The writer that is used: [`Self::TUNED`], or the model's name where it does better as it was; `None` where past
    /// sentences stay as they are.
    pub better: Option<String>,
    /// sha256 of the taught model's file, where that is used. Choices of before don't tell.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Lessons that it learnt from.
    pub lessons: usize,
    /// How often each was read.
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
    /// Drafts that the model wrote and the guard let pass.
    pub written: usize,
    /// Share with the same content as what the technician sent.
    pub same_content: f64,
    /// Mean ROUGE-L.
    pub rouge_l: f64,
    /// Mean cosine of the texts' embeddings.
    pub cosine: f64,
    /// Seconds per ticket.
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
        let path = dir.join(WRITER).join(WRITER_CHOICE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
                let next = "Make it again: firstline drafts tune";
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
        let path = dir.join(WRITER).join(WRITER_CHOICE);
        let json =
            serde_json::to_vec_pretty(self).map_err(|e| InternalError::new(format!("the choice: {e}")))?;
        Ok(firstline_nn::write_private_file(&[json], &path).map_err(|e| UserError::io(path.display(), &e))?)
    }

    /// The model that was taught for the bundle in `dir`.
    pub fn tuned(dir: &Path) -> PathBuf {
        dir.join(WRITER).join(WRITER_MODEL)
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
