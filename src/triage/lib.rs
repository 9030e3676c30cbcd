//! The pure pipeline from a ticket to calibrated decisions and a first response: normalize, embed, heads, mixture, decide,
//! retrieve, draft, guard; and the bundle that carries a trained engine.
//!
//! This room never opens a socket, never looks at the wall clock and knows neither service desks' protocols
//! nor how a head was fitted: the same ticket and the same bundle always give the same decision.

mod again;
pub mod bundle;
mod calibrator;
mod context;
mod correctness;
mod encoders;
mod engine;
mod head;
mod hierarchy;
mod input;
mod mixture;
mod neighbours;
mod ngrams;
pub mod normalize;
mod ordinal;
mod policy;
mod sparse;
mod vocabulary;

pub use again::settle;
pub use bundle::{
    BUNDLE_FORMAT, Bundle, BundleInfo, EncoderFiles, FieldModel, HIERARCHY, Judgement, Member, Opinion,
    Reserve, SplitFacts, argmax, decide_together, retire, sha256_file, sha256_hex,
};
pub use calibrator::Calibrator;
pub use context::context_features;
pub use correctness::{Correctness, Evidence, SIGNS, Signs};
pub use encoders::{Encoders, side_by_side};
pub use engine::{Engine, Features, Prepared};
pub use firstline_ticket::customer_key;
pub use head::{Head, axpy};
pub use hierarchy::{Decoded, Hierarchy};
pub use input::{Input, compose, is_machine};
pub use mixture::{Mixture, log_softmax, softmax};
pub use neighbours::Neighbours;
pub use ngrams::{BUCKETS, ngram_buckets};
pub use ordinal::Ordinal;
pub use policy::{DEFAULT_POLICY, Policy, Ranks, Rule};
pub use sparse::{SparseRow, SparseRows};
pub use vocabulary::{Vocabulary, VocabularyBuilder};
