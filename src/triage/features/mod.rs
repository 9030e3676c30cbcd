//! What the model reads of a ticket: its text, embeddings of it, hashed n-grams, and the context it came in.
//!
//! It must never know a field or a label.

use std::sync::Arc;

use firstline_ticket::Kind;

mod context;
mod encoders;
mod input;
mod neighbours;
mod ngrams;
mod sparse;
mod vocabulary;

pub use context::context_features;
pub use encoders::{Encoders, side_by_side};
pub use input::{Input, compose, is_machine};
pub use neighbours::Neighbours;
pub use ngrams::{BUCKETS, ngram_buckets};
pub use sparse::{SparseRow, SparseRows};
pub use vocabulary::{Vocabulary, VocabularyBuilder};

/// What the members of a field's model read, for a batch of tickets.
#[derive(Debug, Default)]
pub struct Features {
    /// N-gram and context features, one row a ticket.
    pub sparse: SparseRows,
    /// Embeddings, `n x d` row-major, of unit length.
    pub embeddings: Vec<f32>,
    /// Tokens of each ticket that the encoder's limit cut.
    pub tokens_cut: Vec<usize>,
    /// The words of each ticket that a policy's rules look for; empty where they were not read.
    pub words: Vec<Arc<str>>,
    /// Who or what wrote each ticket; empty where that was not read.
    pub kinds: Vec<Kind>,
}
