//! From tickets to what is learnt from: the history as training holds it, its near-duplicates, its split into windows,
//! its features and its embeddings.
//!
//! Nothing is fitted here, and no other folder of training is known here.

mod cache;
mod duplicates;
mod embeddings;
mod features;
mod history;
mod labels;
mod material;
mod rows;
mod shuffle;
mod split;

pub use cache::{EmbeddingCache, OnEmbedded};
pub use duplicates::NearDuplicates;
pub use embeddings::open_encoder;
pub use history::{History, HistoryTicket};
pub use labels::LeftOut;
pub use split::{Split, SplitMode, SplitOptions, SplitWindow};

pub(crate) use embeddings::{embed, gather, nearest_of};
pub(crate) use features::features;
pub(crate) use labels::{label_spaces, labels_of, rare, retired};
pub(crate) use material::{Labelled, Material, label_column, labelled, prior};
pub(crate) use rows::LearningRows;
pub(crate) use shuffle::{folds, shuffled};
