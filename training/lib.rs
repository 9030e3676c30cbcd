//! From a ticket history to a bundle, and from a bundle to the figures that say what it is worth.
//!
//! Everything that learns or measures lives here: split, features, head fitting, calibration, metrics,
//! report. This room never serves a request, and never learns from the test window: it only sees to it that no ticket
//! there repeats one that is learnt from.

pub mod audit;
mod cache;
mod calibrate;
pub mod certify;
mod choose;
mod correctness;
mod curve;
mod drafts;
mod duplicates;
mod evaluate;
mod finetune;
mod fit;
pub mod metrics;
mod pool;
mod prepare;
mod progress;
mod promises;
pub mod report;
mod reviews;
mod shuffle;
mod split;
mod together;
mod train;
mod tune;
mod writer;

pub use cache::EmbeddingCache;
pub use choose::Tried;
pub use curve::{CurvePoint, learning_curve};
pub use drafts::{DraftReport, Group, Ranking, Retrieval, Scores, evaluate_drafts};
pub use duplicates::NearDuplicates;
pub use evaluate::{Evaluation, PROMISE, evaluate};
pub use finetune::Objective;
pub use fit::{Examples, FitOptions, Step, fit};
pub use pool::{PoolData, fit_mixture};
pub use prepare::{History, Prepared};
pub use progress::{Progress, interrupted};
pub use promises::{Standing, Verdict, Verdicts, reserve};
pub use reviews::{Fit, ReviewReport, learn_reviews};
pub use split::{Split, SplitMode, SplitOptions, Window};
pub use train::{FineTuning, LeftOut, OnEmbedded, TrainOptions, Trained, open_encoder, train};
pub use writer::{Way, WriterChoice, is_better, lessons, teach};
