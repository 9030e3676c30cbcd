//! From a ticket history to a bundle, and from a bundle to the figures that say what it is worth.
//!
//! The way of the data is the order of the folders: `prepare` makes a history ready, `fit` fits single parts, `choose`
//! chooses between them, and `train` wires the three; `measure` says how good the outcome is, and `evaluate` puts that
//! into a `report`; `writer` teaches a language model. This room never serves a request, and never learns from the
//! test window: it only sees to it that no ticket there repeats one that is learnt from.

mod answers;
mod choose;
mod evaluate;
mod fit;
mod measure;
mod prepare;
mod progress;
pub mod report;
mod then;
mod train;
mod writer;

pub use answers::{ANSWER_PROMISE, AnswerExamples};
pub use choose::{Decays, FineTuning, Tried};
pub use evaluate::{Evaluation, PROMISE, Scorer, evaluate};
pub use fit::{Examples, FitOptions, Objective, PoolData, Step, fit, fit_mixture};
pub use measure::{
    AssertionCertification, CategoryCertification, Certification, CertificationStatus, ConfidenceFit,
    CurvePoint, DecidedCategory, DraftReport, Group, Kept, Pairs, Resampled, Resampling, Retrieval,
    RetrievalScores, ReviewReport, Scores, Tested, audit, certify, evaluate_drafts, learn_reviews,
    learning_curve, metrics, resample, said_and_sent, tested,
};
pub use prepare::{
    EmbeddingCache, History, HistoryTicket, LeftOut, NearDuplicates, OnEmbedded, Split, SplitMode,
    SplitOptions, SplitWindow, open_encoder,
};
pub use progress::{Progress, interrupted};
pub use then::{EngineThen, KnownThen};
pub use train::{TrainInput, TrainOptions, Trained, train};
pub use writer::{TeachOptions, Way, WriterChoice, is_better, lessons, teach};
